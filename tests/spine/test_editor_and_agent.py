"""One daemon, an editor and an agent: what the editor has open, unsaved, decides the agent's request."""

from __future__ import annotations

import os
import signal
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from lsp_client import Client, change, codriver_lsp, position

from running import Daemon, about, daemon_at, environment, until

FRESH = """\
import flask

app = flask.Flask(__name__)


def quote(order):
    total = 0
    for line in order.lines:
        if line.price:
            if line.count > 10 and line.kind == "bulk":
                total += line.price * line.count * 0.9
            else:
                total += line.price * line.count
    return total

"""

GETTER = '''\
class Box:
    def __init__(self, size):
        self._size = size

    def size(self):
        """The size."""
        return self._size
'''

TANGLE = "def settle(accounts, rules, today):\n    total = 0\n" + "".join(
    f"""\
    for account{n} in accounts:
        if account{n}.open and account{n}.due < today:
            for rule in rules:
                if rule.applies(account{n}) or rule.forced:
                    while rule.pending:
                        if rule.next().late:
                            total += {n}
"""
    for n in range(3)
) + "    return total\n"  # fmt: skip

QUIET = """
[complete]
predictor = false
"""


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Daemon]:
    with daemon_at(tmp_path_factory.mktemp("shared"), "--simulate", config=QUIET) as running:
        yield running


@pytest.fixture
def editor(home: Daemon) -> Iterator[Client]:
    home.heal()
    client = Client(codriver_lsp(), environment(home.home))
    client.initialize()
    yield client
    client.kill()


def inline(uri: str, line: int, character: int) -> dict[str, Any]:
    return {
        "textDocument": {"uri": uri},
        "position": position(line, character),
        "context": {"triggerKind": 1},
    }


def test_two_editors_share_one_daemon(home: Daemon, editor: Client) -> None:
    other = Client(codriver_lsp("--stdio", "--clientProcessId=1"), environment(home.home))
    try:
        other.initialize()
        assert editor.command("codriver.status")["pid"] == other.command("codriver.status")["pid"] == home.pid
        assert home.get("/v1/status")["editors"] == 2
    finally:
        other.kill()


def test_an_unsaved_buffer_gets_a_completion_whose_decision_names_the_code(home: Daemon, editor: Client) -> None:
    uri = "untitled:Untitled-1"
    editor.open(uri, FRESH)
    line = FRESH.count("\n") - 1
    editor.change(uri, 2, change((line, 0), (line, 0), "\ndef discount(total):\n    return "))
    result = editor.request("textDocument/inlineCompletion", inline(uri, line + 2, 11))
    items = result["items"] if isinstance(result, dict) else result
    assert items
    assert items[0]["insertText"].strip()
    assert "range" in items[0]
    told = editor.command("codriver.explainLast")
    features = told["decision"]["features"]
    assert features["language"] == "python"
    assert "flask" in features["frameworks"]
    assert features["scope"] == "discount"
    assert features["cyclomatic"] == 1
    assert told["status"] == "ok"
    reasons = " ".join(told["decision"]["reasons"])
    assert "python" in reasons
    assert "flask" in reasons
    assert "cyclomatic 1" in reasons


def test_cancelling_closes_the_upstream_within_fifty_milliseconds(home: Daemon, editor: Client) -> None:
    home.fault("sim-coder", "stall", after=0)
    uri = "untitled:Untitled-2"
    editor.open(uri, FRESH + "\ndef discount(total):\n    return ")
    line = FRESH.count("\n") + 2
    asked = editor.ask("textDocument/inlineCompletion", inline(uri, line, 11))
    until(lambda: [e for e in home.log() if e["model"] == "sim-coder"], "the upstream call")
    cancelled = time.time()
    editor.notify("$/cancelRequest", {"id": asked})
    editor.until(lambda: asked in editor.answers, "an answer to the cancelled request")
    closed = until(lambda: [e for e in home.log() if e["ended"] == "disconnected"], "the closed connection")[0]
    assert closed["started"] + closed["seconds"] - cancelled < 0.05
    assert home.get("/v1/decisions/last")["status"] == "cancelled"


def test_an_agents_request_is_decided_by_the_open_unsaved_buffer(home: Daemon, editor: Client, tmp_path: Path) -> None:
    """The file on disk holds the getter; the editor holds the tangle; closing it ends its influence."""
    file = tmp_path / "billing" / "settlement.py"
    file.parent.mkdir()
    file.write_text(GETTER)
    uri = file.as_uri()
    ask = {"messages": [{"role": "user", "content": "Refactor settle() in billing/settlement.py, please"}]}
    editor.open(uri, GETTER)
    end = GETTER.count("\n")
    editor.change(uri, 2, change((end, 0), (end, 0), "\n\n" + TANGLE))
    made = home.post("/v1/route", {"request": {**ask, "model": "auto"}}).json()["decision"]
    seen = made["features"]
    assert seen["source"] == "buffer"
    assert seen["path"] == str(file)
    assert seen["scope"] == "settle"
    assert seen["cognitive"] > 25
    answer = home.post("/v1/chat/completions", {**ask, "model": "auto"})
    answer.raise_for_status()
    assert home.get("/v1/decisions/last")["decision"]["features"]["scope"] == "settle"
    editor.notify("textDocument/didClose", {"textDocument": {"uri": uri}})
    editor.command("codriver.status")
    closed = home.post("/v1/route", {"request": {**ask, "model": "auto"}}).json()["decision"]
    assert closed["features"]["source"] == "none"


def test_the_same_instruction_on_easy_and_hard_code_goes_to_different_models(home: Daemon) -> None:
    def first(code: str) -> tuple[str, str]:
        content = f"Refactor this to be more readable.\n```python\n{code}```"
        request = {"model": "auto", "messages": [{"role": "user", "content": content}]}
        made = home.post("/v1/route", {"request": request}).json()["decision"]
        return made["candidates"][0]["model"], " ".join(made["reasons"])

    easy, _ = first("def size(self):\n    # the size\n    return self._size\n")
    hard, why = first(TANGLE)
    assert easy != hard
    cognitive = int(why.split("cognitive ")[1].split(",")[0])
    assert cognitive > 25
    assert "settle" in why


def test_a_refactor_and_a_chat_come_from_the_same_process(home: Daemon, editor: Client, tmp_path: Path) -> None:
    uri = (tmp_path / "box.py").as_uri()
    edits: list[Any] = []
    editor._answer = lambda method, params: (
        edits.append(params) or {"applied": True} if method == "workspace/applyEdit" else None
    )
    editor.open(uri, GETTER)
    where = {"start": position(4, 0), "end": position(6, 25)}
    editor.command("codriver.refactor", {"uri": uri, "range": where, "instruction": "add type hints"})
    assert editor.until(lambda: edits, "a workspace edit")
    told = editor.command("codriver.explainLast")
    assert told["purpose"] == "refactor"
    assert told["attempts"]
    home.post(
        "/v1/chat/completions", {"model": "auto", "messages": [{"role": "user", "content": "hi"}]}
    ).raise_for_status()
    assert home.get("/v1/decisions/last")["front"] == "http"


def test_after_kill_minus_nine_the_next_request_works(tmp_path: Path) -> None:
    environ = environment(tmp_path, CODRIVER__DAEMON__IDLE_SECONDS="2")
    (tmp_path / "config.toml").write_text("[http]\nport = 0\n[complete]\npredictor = false\n")
    editor = Client(codriver_lsp(), environ)
    try:
        editor.initialize()
        uri = "untitled:Untitled-3"
        editor.open(uri, FRESH)
        line = FRESH.count("\n")
        editor.change(uri, 2, change((line, 0), (line, 0), "\ndef tax(total):\n    # 🙂\n    return "))
        first = about(tmp_path)
        assert first is not None
        assert editor.request("textDocument/inlineCompletion", inline(uri, line + 3, 11))
        os.kill(first["pid"], signal.SIGKILL)
        editor.change(uri, 3, change((line + 3, 11), (line + 3, 11), "tot"))
        result = editor.request("textDocument/inlineCompletion", inline(uri, line + 3, 14))
        items = result["items"] if isinstance(result, dict) else result
        assert items
        assert editor.command("codriver.explainLast")["decision"]["features"]["scope"] == "tax"
        second = about(tmp_path)
        assert second is not None
        assert second["pid"] != first["pid"]
    finally:
        editor.kill()
        left = about(tmp_path)
        if left is not None:
            os.kill(left["pid"], signal.SIGTERM)


def test_an_agents_request_is_decided_by_a_file_on_disk_in_an_open_folder(home: Daemon, tmp_path: Path) -> None:
    """Nobody has it open: the first answer may come without it, later ones know it, and what an edit made of it."""
    file = tmp_path / "billing" / "ledgering.py"
    file.parent.mkdir()
    file.write_text(TANGLE)
    ask = {"model": "auto", "messages": [{"role": "user", "content": "Refactor settle() in billing/ledgering.py"}]}

    def seen() -> dict[str, Any]:
        home.post("/v1/chat/completions", ask).raise_for_status()
        return dict(home.get("/v1/decisions/last")["decision"]["features"])

    assert seen()["source"] == "none"
    editor = Client(codriver_lsp(), environment(home.home))
    try:
        editor.initialize(rootUri=tmp_path.as_uri(), workspaceFolders=[{"uri": tmp_path.as_uri(), "name": "w"}])
        found = until(lambda: (told := seen())["source"] == "file" and told, "the file on disk")
        assert (found["path"], found["scope"], found["files"]) == (str(file), "settle", [str(file)])
        assert found["cognitive"] > 25
        reasons = " ".join(home.get("/v1/decisions/last")["decision"]["reasons"])
        assert "python" in reasons and "settle" in reasons and f"cognitive {found['cognitive']}" in reasons
        file.write_text("def settle(a):\n    return a\n")
        assert until(lambda: (told := seen())["cognitive"] == 0 and told, "the changed file")["scope"] == "settle"
    finally:
        editor.kill()
