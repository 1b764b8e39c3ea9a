"""The language server's manners (traps.toml): everything here goes over stdio to a forwarder and a daemon of their own
processes, as an editor starts them."""

from __future__ import annotations

import ast
import importlib.util
import itertools
import json
import os
import random
import re
import signal
import subprocess
import sys
import time
import tomllib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from homes import gone
from lsp_client import CAPABILITIES, NO_ANSWER, Client, Failed, change, codriver_lsp, position

from codriver.fronts.lsp.framing import frame
from running import Daemon, daemon_at, environment, until

HERE = Path(__file__).parent
TRAPS: dict[str, str] = tomllib.loads((HERE / "traps.toml").read_text("utf-8"))["L"]
CONFIG = "[complete]\npredictor = false\n"
CODE = "def add(a, b):\n    retu"
SUM = "def add(a, b):\n    return a + "
"""A place where a suggestion comes without being asked for."""

pytestmark = pytest.mark.timeout(300)


def test_every_trap_has_a_test_here() -> None:
    tree = ast.parse(Path(__file__).read_text("utf-8"))
    functions = [n for n in ast.walk(tree) if isinstance(n, ast.FunctionDef) and n.name.startswith("test")]
    carried = [number for n in functions for number in re.findall(r"\bL(\d+)\b", ast.get_docstring(n) or "")]
    assert sorted(set(carried), key=int) == list(TRAPS)
    assert list(TRAPS) == [str(n) for n in range(1, len(TRAPS) + 1)]


@pytest.fixture(scope="module")
def daemon(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Daemon]:
    with daemon_at(tmp_path_factory.mktemp("manners"), "--simulate", config=CONFIG) as running:
        yield running


class Editors:
    """Editors of one installation; those that are left end with the test."""

    def __init__(self, daemon: Daemon) -> None:
        self.environ = environment(daemon.home)
        self._started: list[Client] = []

    def __call__(self, *arguments: str, answer: Any = None, command: list[str] | None = None) -> Client:
        client = Client(command or codriver_lsp("--stdio", *arguments), self.environ, answer)
        self._started.append(client)
        return client

    def close(self) -> None:
        for client in self._started:
            client.kill()


@pytest.fixture
def editors(daemon: Daemon) -> Iterator[Editors]:
    daemon.heal()
    daemon.post("/v1/reload", {})  # nobody rests after the test before
    started = Editors(daemon)
    yield started
    started.close()


@pytest.fixture
def editor(editors: Editors) -> Client:
    """An editor after initialize."""
    client = editors()
    client.initialize()
    return client


def tool(daemon: Daemon, name: str, **arguments: Any) -> Any:
    """What an agent is told by a tool."""
    params = {"name": name, "arguments": arguments}
    result = daemon.post("/mcp", {"jsonrpc": "2.0", "id": 1, "method": "tools/call", "params": params}).json()["result"]
    return result["content"][0]["text"] if result["isError"] else result["structuredContent"]


def text_of(daemon: Daemon, client: Client, path: str) -> str:
    """The server's text of a buffer, once it has heard all that the editor said so far."""
    client.command("codriver.status")
    return str(tool(daemon, "read_buffer", path=path)["text"])


def inline(uri: str, line: int, character: int, kind: int = 1) -> dict[str, Any]:
    return {"textDocument": {"uri": uri}, "position": position(line, character), "context": {"triggerKind": kind}}


def typed(client: Client, uri: str, text: str) -> None:
    """Opens a text and types its last letter: nothing is suggested by itself where nobody types."""
    client.open(uri, text[:-1])
    line = text.count("\n")
    end = len(text.rpartition("\n")[2]) - 1
    client.change(uri, 2, change((line, end), (line, end), text[-1]))


def suggested(client: Client, params: dict[str, Any]) -> list[dict[str, Any]]:
    found = client.request("textDocument/inlineCompletion", params)
    return list(found["items"]) if found else []


def without(capabilities: dict[str, Any], *path: str) -> dict[str, Any]:
    if len(path) == 1:
        return {key: value for key, value in capabilities.items() if key != path[0]}
    return {**capabilities, path[0]: without(capabilities[path[0]], *path[1:])}


# Texts and positions.

EVERY = ["utf-8", "utf-16", "utf-32"]
EDITS = int(os.environ.get("EDITS", "900"))


@pytest.mark.parametrize(
    ("offered", "client", "wish", "encoding"),
    [
        (None, "Helix", None, "utf-16"),
        (["utf-16"], "Visual Studio Code", None, "utf-16"),
        (["utf-16", "utf-8"], "Helix", None, "utf-8"),
        (["utf-32"], "x", None, "utf-32"),
        (EVERY, "Neovim", None, "utf-16"),
        (EVERY, "Neovim", "utf-8", "utf-8"),
        (["utf-16"], "Neovim", "utf-8", "utf-16"),
    ],
)
def test_the_encoding(editors: Editors, offered: Any, client: str, wish: str | None, encoding: str) -> None:
    """L1."""
    general = {} if offered is None else {"general": {"positionEncodings": offered}}
    able = {**without(CAPABILITIES, "general"), **general}
    options = {} if wish is None else {"initializationOptions": {"positionEncoding": wish}}
    result = editors().initialize(able, clientInfo={"name": client}, **options)
    assert result["capabilities"]["positionEncoding"] == encoding


UNITS = {
    "utf-8": lambda text: len(text.encode()),
    "utf-16": lambda text: len(text.encode("utf-16-le")) // 2,
    "utf-32": len,
}
ALPHABET = [
    "a",
    "(",
    "\t",
    " ",
    "é",
    "e\u0301",
    "漢",
    "字",
    "😀",
    "👩\u200d👧",
    "\u2028",
    "\x0c",
    "\x85",
    "\n",
    "\r\n",
    "\r",
]
END = re.compile(r"\r\n|\n|\r")


def place(text: str, offset: int, encoding: str) -> tuple[int, int]:
    """The position of an offset in characters, by the protocol's words alone."""
    starts = [0, *(end.end() for end in END.finditer(text))]
    line = max(n for n, start in enumerate(starts) if start <= offset)
    return line, UNITS[encoding](text[starts[line] : offset])


def between(text: str, offset: int) -> int:
    """The offset, not inside of a CRLF."""
    return offset - 1 if text[offset - 1 : offset + 1] == "\r\n" else offset


@pytest.mark.parametrize("encoding", EVERY)
def test_texts_are_the_editors_after_any_edits(daemon: Daemon, editors: Editors, encoding: str) -> None:
    """L2, L3, L4: random edits, several in one notification, in every encoding; EDITS=100000 makes more of them."""
    rng, uri = random.Random(encoding), f"file:///nowhere/{encoding}.txt"
    client = editors()
    client.initialize({**CAPABILITIES, "general": {"positionEncodings": [encoding]}})
    text = "".join(rng.choices(ALPHABET, k=200))
    client.open(uri, text, "plaintext")
    for version in range(2, 2 + EDITS // 3):
        batch = []
        for _ in range(3):
            start, end = sorted(between(text, rng.randint(0, len(text))) for _ in range(2))
            end = min(end, start + rng.choice((0, 0, 1, 5, 40 if len(text) < 3000 else 900)))
            end = max(between(text, end), start)
            new = "".join(rng.choices(ALPHABET, k=rng.choice((0, 1, 1, 3))))
            batch.append(change(place(text, start, encoding), place(text, end, encoding), new))
            text = text[:start] + new + text[end:]
        client.change(uri, version, *batch)
    assert text_of(daemon, client, uri) == text


def test_what_is_out_of_range_is_clamped(daemon: Daemon, editor: Client) -> None:
    """L2: columns behind a line's end, the line behind the last one, halves of a pair."""
    uri = "file:///nowhere/clamped.txt"
    editor.open(uri, "a😀b\r\nc", "plaintext")
    editor.change(uri, 2, change((0, 99), (0, 99), "!"))
    editor.change(uri, 3, change((2, 0), (2, 0), "\n."))
    editor.change(uri, 4, change((0, 2), (0, 3), "é"))
    assert text_of(daemon, editor, uri) == "aéb!\r\nc\n."


@pytest.mark.parametrize("marks", ["😀", "漢字", "e\u0301", "👩\u200d👧\ufe0f", "\t\t"])
@pytest.mark.parametrize("encoding", ["utf-8", "utf-16"])
def test_suggestions_stand_where_the_word_begins(editors: Editors, encoding: str, marks: str) -> None:
    """L2, L28: over emoji, CJK, combining marks and tabs, with CRLF."""
    client = editors()
    client.initialize({**CAPABILITIES, "general": {"positionEncodings": [encoding]}})
    line = f"    s = '{marks}'; retu"
    client.open("untitled:a", f"def add(a, b):\r\n{line}", "python")
    width = UNITS[encoding]
    items = suggested(client, inline("untitled:a", 1, width(line)))
    assert items and items[0]["insertText"].startswith("retu")
    assert items[0]["range"] == {"start": position(1, width(line) - 4), "end": position(1, width(line))}


def test_a_line_of_a_megabyte(daemon: Daemon, editor: Client) -> None:
    """L28: it is edited, asked about and closed; the next question is answered as ever."""
    uri, long = "file:///nowhere/min.js", "x=1;" * 250_000
    editor.open(uri, f"a\n{long}\nb", "javascript")
    editor.change(uri, 2, change((1, 500_000), (1, 500_004), "\ty\t"))
    editor.request("textDocument/inlineCompletion", inline(uri, 1, 500_003), timeout=60)
    editor.request("textDocument/codeLens", {"textDocument": {"uri": uri}}, timeout=60)
    status = editor.command("codriver.status")
    assert status["documents"] == [{"uri": uri, "version": 2, "bytes": len(long) + 3}]
    editor.notify("textDocument/didClose", {"textDocument": {"uri": uri}})
    editor.open("untitled:a", CODE)
    assert suggested(editor, inline("untitled:a", 1, 8))


# Requests and their answers.


MODELS = ("sim-coder", "sim-medium", "sim-small", "sim-claude", "sim-large", "sim-codex")
"""On a busy machine the first may be resting after a timeout."""


def stall(daemon: Daemon, times: int = 1) -> None:
    for model in MODELS:
        daemon.fault(model, "stall", after=0, times=times)


def asked_upstream(daemon: Daemon) -> list[dict[str, Any]]:
    return [entry for entry in daemon.log() if entry["model"] in MODELS]


def test_an_answer_is_for_the_version_it_was_asked_of(daemon: Daemon, editor: Client) -> None:
    """L5: letters typed while the model is slow make its answer nobody's."""
    for model in MODELS:
        daemon.fault(model, "slow", delay=0.5, times=100)
    editor.open("untitled:a", CODE.replace("add", "answer"))  # in no cache
    asked = editor.ask("textDocument/inlineCompletion", inline("untitled:a", 1, 8))
    until(lambda: asked_upstream(daemon), "the upstream call")
    editor.change("untitled:a", 2, change((1, 8), (1, 8), "x = 1  # quite another thing"))
    assert not (editor.wait(asked) or {"items": []})["items"]


def test_who_names_lines_that_are_not_there_is_asked_for_the_whole(editor: Client) -> None:
    """L5: nothing is suggested in a text that cannot be the editor's, until it sends all of it."""
    editor.open("untitled:a", CODE)
    editor.change("untitled:a", 2, change((40, 0), (40, 3), "lost"))
    assert editor.request("textDocument/inlineCompletion", inline("untitled:a", 1, 8)) is None
    editor.change("untitled:a", 3, {"text": CODE})
    assert suggested(editor, inline("untitled:a", 1, 8))


def test_a_request_before_its_document(editors: Editors, editor: Client) -> None:
    """L6."""
    early = editor.ask("textDocument/inlineCompletion", inline("untitled:late", 1, 8))
    editor.open("untitled:late", CODE)
    assert editor.wait(early)["items"]
    assert editor.request("textDocument/inlineCompletion", inline("untitled:never", 0, 0)) is None
    fresh = editors()
    with pytest.raises(Failed) as failed:
        fresh.request("textDocument/hover", {"textDocument": {"uri": "untitled:a"}, "position": position(0, 0)})
    assert failed.value.code == -32002
    assert fresh.initialize()["capabilities"]


def test_a_cancelled_request_is_answered_at_once(daemon: Daemon, editor: Client) -> None:
    """L7: the best of ten within 50 ms, on a machine that has other things to do; the upstream is let go each time."""
    editor.open("untitled:a", CODE.replace("add", "cancelled"))  # in no cache
    stall(daemon, 100)
    taken = []
    for _ in range(10):
        before = len(asked_upstream(daemon))
        asked = editor.ask("textDocument/inlineCompletion", inline("untitled:a", 1, 8))
        until(lambda before=before: len(asked_upstream(daemon)) > before, "the upstream call")
        began = time.monotonic()
        editor.notify("$/cancelRequest", {"id": asked})
        with pytest.raises(Failed) as failed:
            editor.wait(asked)
        taken.append(time.monotonic() - began)
        assert failed.value.code == -32800
    assert min(taken) < 0.05, taken
    until(lambda: all(e["ended"] == "disconnected" for e in asked_upstream(daemon)), "the closed connections")


def test_a_newer_request_replaces_the_older(daemon: Daemon, editor: Client) -> None:
    """L7: nobody waits for a suggestion that a later keystroke has made old."""
    editor.open("untitled:a", CODE.replace("add", "newer"))  # in no cache
    stall(daemon)
    older = editor.ask("textDocument/inlineCompletion", inline("untitled:a", 1, 8))
    until(lambda: asked_upstream(daemon), "the upstream call")
    assert suggested(editor, inline("untitled:a", 1, 8))
    assert editor.wait(older) == {"items": []}


TANGLE = "def tangle(a):\n    if a:\n        while a:\n            a -= 1\n    return a\n"


def test_a_late_answer_to_a_question_of_ours(editors: Editors) -> None:
    """L8: the command that asked the editor to apply its edit is cancelled, then the editor answers."""
    client = editors(answer=lambda method, params: NO_ANSWER if method == "workspace/applyEdit" else None)
    client.initialize()
    client.open("untitled:a", TANGLE)
    arguments = [
        {"uri": "untitled:a", "range": {"start": position(0, 0), "end": position(4, 12)}, "instruction": "shorter"}
    ]
    asked = client.ask("workspace/executeCommand", {"command": "codriver.refactor", "arguments": arguments})
    client.until(lambda: client.told("workspace/applyEdit"), "the question")
    (question,) = [note for note in client.notes if note["method"] == "workspace/applyEdit"]
    client.notify("$/cancelRequest", {"id": asked})
    with pytest.raises(Failed):
        client.wait(asked)
    answer = {"jsonrpc": "2.0", "id": question["id"], "result": {"applied": True}}
    client.raw(frame(json.dumps(answer).encode()))
    client.raw(frame(json.dumps({**answer, "id": "nobody's"}).encode()))
    assert client.command("codriver.status")["documents"]
    assert not [note for note in client.notes if note["method"] == "window/logMessage"]


def test_as_many_answers_as_requests(daemon: Daemon, editor: Client) -> None:
    """L9: 400 requests of all kinds, 30 % of them cancelled, among changes, openings and closings."""
    rng = random.Random(9)
    uris = [f"untitled:{n}" for n in range(4)]
    for uri in uris:
        editor.open(uri, CODE)
    methods = ("inlineCompletion", "completion", "hover", "codeLens", "codeAction", "unknown")
    asked = []
    for version in range(2, 402):
        uri = rng.choice(uris)
        what = {**inline(uri, 1, rng.randint(0, 9)), "range": {"start": position(0, 0), "end": position(1, 2)}}
        if (method := rng.choice(methods)) == "codeAction":
            what["context"] = {"diagnostics": []}
        asked.append(editor.ask(f"textDocument/{method}", what))
        if rng.random() < 0.3:
            editor.notify("$/cancelRequest", {"id": rng.choice(asked[-5:])})
        if rng.random() < 0.3:
            editor.change(uri, version, change((1, 4), (1, 5), rng.choice("rxyz")))
        if rng.random() < 0.05:
            editor.notify("textDocument/didClose", {"textDocument": {"uri": uri}})
            editor.open(uri, CODE, version=version)
    editor.until(lambda: all(identity in editor.answers for identity in asked), "all answers", 120)
    codes = {editor.answers[identity].get("error", {}).get("code") for identity in asked}
    assert codes <= {None, -32800, -32601}, codes
    assert not editor.told("window/showMessage")


def test_partial_results(editor: Client) -> None:
    """L32."""
    editor.open("untitled:a", CODE)
    params = {**inline("untitled:a", 1, 8), "partialResultToken": "p", "workDoneToken": "w"}
    assert suggested(editor, params)
    assert not [told for told in editor.told("$/progress") if told["token"] == "p"]


# Notes, logs and stdout.


def test_a_notification_that_fails(editor: Client) -> None:
    """L10: told in the log, once, and in no box."""
    for _ in range(5):
        editor.notify("textDocument/didSave", {"wrong": 1})
        editor.notify("workspace/didRenameFiles", {"files": "wrong"})
        editor.notify("notebookDocument/didChange", {"notebookDocument": {"uri": "x"}, "change": 3})
    editor.command("codriver.status")
    assert not editor.told("window/showMessage")
    logged = [told["message"] for told in editor.told("window/logMessage")]
    assert len(logged) == len(set(logged)) and any("workspace/didRenameFiles" in line for line in logged)


def test_traces(editors: Editors) -> None:
    """L24: off by default, told when wanted, in verbose with a little more, and never what is in a message."""
    client = editors()
    client.initialize()
    client.open("untitled:a", "marker_of_code = 1\n")
    hover = {"textDocument": {"uri": "untitled:a"}, "position": position(0, 0)}
    client.request("textDocument/hover", hover)
    assert not client.told("$/logTrace")
    for value in ("messages", "verbose"):
        client.notify("$/setTrace", {"value": value})
        asked = client.ask("textDocument/hover", hover)
        client.wait(asked)
        told = client.until(lambda: client.told("$/logTrace"), "the trace")[-1]
        assert f"textDocument/hover ({asked}) answered after" in told["message"]
        assert ("verbose" in told) == (value == "verbose")
        assert "marker_of_code" not in json.dumps(client.told("$/logTrace"))
        client.notes.clear()
    client.notify("$/setTrace", {"value": "off"})
    client.request("textDocument/hover", hover)
    assert not client.told("$/logTrace")
    traced = editors()
    traced.initialize(trace="messages")
    with pytest.raises(Failed):
        traced.request("codriver/unknown")
    assert "failed after" in traced.until(lambda: traced.told("$/logTrace"), "the trace")[-1]["message"]


def test_no_code_gets_into_a_log(tmp_path_factory: pytest.TempPathFactory) -> None:
    """L11: a daemon as forwarders start it, work of every kind and failures; then every file it wrote is read."""
    from homes import Home

    home = Home(tmp_path_factory.mktemp("logs"))
    marker = "zanzibar_marker"
    try:
        client = home.editor("--simulate", answer=lambda method, params: {"applied": False})
        client.initialize()
        client.open("untitled:a", f"def f({marker}):\n    if {marker} == None:\n        return 1\n    retu")
        suggested(client, inline("untitled:a", 3, 8))
        client.command("codriver.review", {"uri": "untitled:a"})
        with pytest.raises(Failed):
            client.command("codriver.refactor", {"uri": "untitled:a", "instruction": f"rename {marker}"})
        client.notify("textDocument/didChange", {"textDocument": {"uri": marker}, "contentChanges": [{"text": 7}]})
        client.raw(frame(f'{{"jsonrpc": "2.0", "method": "{marker}"'.encode()))
        daemon = home.daemon()
        client.leave()
        os.kill(daemon, signal.SIGTERM)
        until(lambda: gone(daemon), "the daemon's end")
        assert marker.encode() not in client.errors
        written = [path for path in home.paths.state.rglob("*") if path.is_file()]
        assert home.paths.log in written and len(written) >= 3
        assert [path.name for path in written if marker.encode() in path.read_bytes()] == []
    finally:
        home.close()


NOISE = """
import ctypes, sys
import {module} as noisy
libc = ctypes.CDLL(None)
heard = noisy.{owner}.{method}
def babble(self, *told, **more):
    print("a print", flush=True)
    sys.__stdout__.write("another"); sys.__stdout__.flush()
    libc.puts(b"from below"); libc.fflush(None)
    return heard(self, *told, **more)
noisy.{owner}.{method} = babble
from codriver.fronts.lsp.forwarder import main
sys.exit(main(["--stdio", *sys.argv[1:]]))
"""


@pytest.mark.parametrize(
    ("arguments", "places"),
    [
        ((), {"module": "codriver.fronts.lsp.replay", "owner": "Memory", "method": "heard"}),
        (
            ("--standalone", "--simulate"),
            {"module": "codriver.fronts.lsp.protocol", "owner": "Peer", "method": "receive"},
        ),
    ],
    ids=["forwarder", "standalone"],
)
@pytest.mark.skipif(sys.platform == "win32", reason="another C library there")
def test_nothing_but_the_protocol_gets_to_stdout(editors: Editors, arguments: Any, places: dict[str, str]) -> None:
    """L12: who prints at every message, in Python and in C, is heard on stderr."""
    client = editors(command=[sys.executable, "-c", NOISE.format(**places), *arguments])
    client.initialize()
    client.open("untitled:a", CODE)
    assert client.request("textDocument/codeLens", {"textDocument": {"uri": "untitled:a"}}) == []
    assert client.leave() == 0
    for words in (b"a print", b"another", b"from below"):
        until(lambda words=words: words in client.errors, f"{words!r} on stderr")


def test_messages_in_any_pieces(editors: Editors) -> None:
    """L13, L14: byte by byte in, with headers of the wild; out come frames with one header."""
    process = subprocess.Popen(
        codriver_lsp("--stdio"), stdin=subprocess.PIPE, stdout=subprocess.PIPE, env={**os.environ, **editors.environ}
    )
    assert process.stdin is not None and process.stdout is not None
    try:
        body = json.dumps({"jsonrpc": "2.0", "id": 1, "method": "initialize", "params": {"capabilities": {}}}).encode()
        kind = b"Content-Type: application/vscode-jsonrpc; charset=utf-8\r\n"
        for byte in kind + b"content-length: %d\r\n\r\n" % len(body) + body:
            os.write(process.stdin.fileno(), bytes([byte]))
        header = b""
        while not header.endswith(b"\r\n\r\n"):
            header += process.stdout.read(1)
        found = re.fullmatch(rb"Content-Length: (\d+)\r\n\r\n", header)
        assert found is not None, header
        assert json.loads(process.stdout.read(int(found[1])))["id"] == 1
    finally:
        process.kill()
        process.communicate()


GARBAGE = [
    (frame(b'{"jsonrpc": "2.0", "id": 7, "method"'), -32700),
    (frame(b"\xff\xfe"), -32700),
    (frame(b"[" * 100_000), -32700),
    (b"Content-Length: many\r\n\r\n", -32700),
    (frame(b'["a batch"]'), -32600),
    (frame(b'{"id": 1, "method": "x"}'), -32600),
    (frame(b'{"jsonrpc": "2.0", "id": {"a": 1}, "method": "x"}'), -32600),
]


@pytest.mark.parametrize(("raw", "code"), GARBAGE)
def test_what_is_no_message(editor: Client, raw: bytes, code: int) -> None:
    """L25."""
    editor.raw(raw)
    answer = editor.until(lambda: editor.answers.get(None), "an error")
    assert answer["error"]["code"] == code and answer["error"]["message"]
    assert editor.command("codriver.status")["version"]


# From the beginning to the end.


def test_initialize_is_answered_at_once(daemon: Daemon, editors: Editors) -> None:
    """L17: the best of five from the start of the process is under a second, and no model was asked."""
    taken = []
    for _ in range(5):
        began = time.monotonic()
        client = editors()
        assert client.initialize()["serverInfo"]["name"] == "codriver"
        taken.append(time.monotonic() - began)
        client.leave()
    assert min(taken) < 1.0, taken
    assert not daemon.log()


@pytest.mark.parametrize(
    ("steps", "code"),
    [(("shutdown", "exit"), 0), (("exit",), 1), (("eof",), 1), (("shutdown", "eof"), 0)],
    ids=lambda value: "-".join(value) if isinstance(value, tuple) else str(value),
)
def test_exit_codes(editor: Client, steps: tuple[str, ...], code: int) -> None:
    """L15."""
    for step in steps:
        if step == "shutdown":
            assert editor.request("shutdown") is None
        elif step == "exit":
            editor.notify("exit")
        else:
            assert editor.process.stdin is not None
            editor.process.stdin.close()
    assert editor.process.wait(30) == code


def test_shutdown_while_work_is_under_way(daemon: Daemon, editor: Client) -> None:
    """L33: answered, and so are those that were open; what comes after is refused."""
    editor.open("untitled:a", CODE.replace("add", "while"))  # in no cache
    stall(daemon)
    asked = editor.ask("textDocument/inlineCompletion", inline("untitled:a", 1, 8))
    until(lambda: asked_upstream(daemon), "the upstream call")
    others = [editor.ask("textDocument/codeLens", {"textDocument": {"uri": "untitled:a"}}) for _ in range(20)]
    assert editor.request("shutdown") is None
    with pytest.raises(Failed) as failed:
        editor.request("textDocument/codeLens", {"textDocument": {"uri": "untitled:a"}})
    assert failed.value.code == -32600
    assert all(editor.wait(other) == [] for other in others)
    editor.notify("$/cancelRequest", {"id": asked})
    editor.notify("exit")
    assert editor.process.wait(30) == 0


def test_who_started_us_and_died_is_followed(daemon: Daemon, editors: Editors) -> None:
    """L16: by the pid of initialize; a pid that is nobody's here (a container's) is passed over."""
    parent = subprocess.Popen([sys.executable, "-c", "import sys; sys.stdin.read()"], stdin=subprocess.PIPE)
    client, stays = editors(), editors()
    client.initialize()
    followed = editors()
    followed.request("initialize", {"processId": parent.pid, "rootUri": None, "capabilities": {}})
    stays.request("initialize", {"processId": 2**22 + 1, "rootUri": None, "capabilities": {}})
    parent.communicate()
    assert followed.process.wait(30) == 1
    assert stays.request("textDocument/codeLens", {"textDocument": {"uri": "untitled:a"}}) is None
    assert client.command("codriver.status")["pid"] == daemon.pid


SPEAKS = """
import asyncio, inspect, warnings
def refuse(function):
    raise RuntimeError("asyncio.iscoroutinefunction goes away with Python 3.16")
asyncio.iscoroutinefunction = refuse
warnings.filterwarnings("error", category=DeprecationWarning, module=r"pygls|lsprotocol|codriver")
import sys
from codriver.fronts.lsp.forwarder import main
sys.exit(main(["--standalone", "--simulate"]))
"""


def test_what_newer_pythons_deprecate(editors: Editors) -> None:
    """L31: pygls asks asyncio what is a coroutine function; on our way of a message nobody does."""
    client = editors(command=[sys.executable, "-c", SPEAKS])
    client.initialize(trace="messages")
    client.open("untitled:a", CODE)
    assert client.request("textDocument/codeLens", {"textDocument": {"uri": "untitled:a"}}) == []
    assert client.command("codriver.status")["documents"]
    assert client.leave() == 0


# What editors can and want.


def test_registrations_come_only_where_the_editor_can(editors: Editors) -> None:
    """L18."""
    plain = editors()
    capabilities = plain.initialize()["capabilities"]
    assert capabilities["inlineCompletionProvider"] == {} and "completionProvider" not in capabilities
    plain.command("codriver.status")
    assert not plain.told("client/registerCapability")
    dynamic = {"dynamicRegistration": True}
    able = {"workspace": {"didChangeWatchedFiles": dynamic, "didChangeConfiguration": dynamic}}
    client = editors()
    bare = client.initialize(able)["capabilities"]
    assert "completionProvider" in bare and "inlineCompletionProvider" not in bare
    asked = client.until(
        lambda: len(client.told("client/registerCapability")) == 2 and client.told("client/registerCapability"), "both"
    )
    methods = {registration["method"] for told in asked for registration in told["registrations"]}
    assert methods == {"workspace/didChangeWatchedFiles", "workspace/didChangeConfiguration"}


def test_settings_that_are_asked_for(editors: Editors) -> None:
    """L19: pulled at the start and after every change; they hold from the next request on."""
    wanted: dict[str, Any] = {"complete": {"enabled": False}}
    client = editors(answer=lambda method, params: [wanted] if method == "workspace/configuration" else None)
    client.initialize({**CAPABILITIES, "workspace": {"configuration": True}})
    client.until(lambda: client.told("workspace/configuration"), "the question")
    assert client.told("workspace/configuration")[0] == {"items": [{"section": "codriver"}]}
    typed(client, "untitled:a", SUM)
    client.command("codriver.status")
    assert client.request("textDocument/inlineCompletion", inline("untitled:a", 1, 15, kind=2)) is None
    assert suggested(client, inline("untitled:a", 1, 15, kind=1)), "a person who asks gets one"
    wanted.clear()
    client.notify("workspace/didChangeConfiguration", {"settings": None})
    client.until(lambda: len(client.told("workspace/configuration")) == 2, "the second question")
    client.command("codriver.status")
    assert suggested(client, inline("untitled:a", 1, 15, kind=2))


@pytest.mark.parametrize(
    "settings",
    [
        {"codriver": {"complete": {"disabledLanguages": ["python"]}}},
        {"codriver.enable": False, "codriver": {"enable": False}},
        {"enableAutoCompletions": False},
        {"disabledLanguages": [{"languageId": "python"}]},
    ],
)
def test_settings_that_are_pushed(editor: Client, settings: dict[str, Any]) -> None:
    """L19: also in the words of Copilot's clients. What is not understood changes nothing."""
    typed(editor, "untitled:a", SUM)
    editor.notify("workspace/didChangeConfiguration", {"settings": settings})
    assert editor.request("textDocument/inlineCompletion", inline("untitled:a", 1, 15, kind=2)) is None
    for odd in (None, [], 7, {"codriver": None}, {"codriver": {"complete": 3}}):
        editor.notify("workspace/didChangeConfiguration", {"settings": odd})
        assert suggested(editor, inline("untitled:a", 1, 15, kind=2)), odd


def test_progress(editors: Editors) -> None:
    """L23."""
    client = editors()
    client.initialize()
    client.open("untitled:a", TANGLE)
    client.command("codriver.review", {"uri": "untitled:a"})
    kinds = [
        note["params"].get("value", {}).get("kind", "create")
        for note in client.notes
        if note["method"] in ("window/workDoneProgress/create", "$/progress")
    ]
    assert kinds[:2] == ["create", "begin"] and kinds[-1] == "end" and kinds.count("end") == 1
    client.notes.clear()
    call = {"command": "codriver.review", "arguments": [{"uri": "untitled:a"}], "workDoneToken": "mine"}
    client.request("workspace/executeCommand", call)
    assert not client.told("window/workDoneProgress/create")
    assert {told["token"] for told in client.told("$/progress")} == {"mine"}
    silent = editors()
    silent.initialize(without(CAPABILITIES, "window"))
    silent.open("untitled:a", TANGLE)
    silent.command("codriver.review", {"uri": "untitled:a"})
    assert not silent.told("window/workDoneProgress/create") and not silent.told("$/progress")


def test_edits_name_their_version(editors: Editors) -> None:
    """L22."""
    reply = {"applied": False, "failureReason": "the user said no"}
    client = editors(answer=lambda method, params: reply if method == "workspace/applyEdit" else None)
    client.initialize()
    client.open("untitled:a", TANGLE, version=41)
    client.change("untitled:a", 42, change((0, 0), (0, 0), "\n"))
    with pytest.raises(Failed, match="the user said no"):
        client.command("codriver.refactor", {"uri": "untitled:a", "instruction": "shorter"} | {
            "range": {"start": position(1, 0), "end": position(5, 12)}
        })  # fmt: skip
    (asked,) = client.told("workspace/applyEdit")
    (edited,) = asked["edit"]["documentChanges"]
    assert edited["textDocument"] == {"uri": "untitled:a", "version": 42}


RECORDED = importlib.util.find_spec("pytest_lsp")
CLIENTS = sorted(Path(next(iter(RECORDED.submodule_search_locations or ()))).glob("clients/*.json")) if RECORDED else []


@pytest.mark.skipif(not CLIENTS, reason="the recordings are in pytest-lsp, a dev dependency: pip install -e .[dev]")
@pytest.mark.parametrize("recorded", CLIENTS, ids=lambda path: path.stem)
def test_recorded_editors(editors: Editors, recorded: Path) -> None:
    """L30: initialized with what they really send; nothing is asked of them that they did not offer."""
    sent = json.loads(recorded.read_text("utf-8"))
    client = editors()
    result = client.initialize(sent["capabilities"], clientInfo=sent["clientInfo"])
    capabilities = result["capabilities"]
    offered = sent["capabilities"].get("general", {}).get("positionEncodings") or ["utf-16"]
    assert capabilities["positionEncoding"] in offered
    workspace = sent["capabilities"].get("workspace", {})
    client.open("untitled:a", "def add(a, b):\n    return a\n")
    where = {"textDocument": {"uri": "untitled:a"}, "position": position(0, 5)}
    assert "add" in client.request("textDocument/hover", where)["contents"]["value"]
    kinds = {"range": {"start": position(0, 0), "end": position(1, 4)}, "context": {"diagnostics": []}}
    assert client.request("textDocument/codeAction", {**where, **kinds})
    if "completionProvider" in capabilities:
        assert client.request("textDocument/completion", where)["isIncomplete"] in (True, False)
    for told in client.told("client/registerCapability"):
        for registration in told["registrations"]:
            field = registration["method"].removeprefix("workspace/")
            assert workspace[field]["dynamicRegistration"] is True
    assert bool(client.told("workspace/configuration")) <= bool(workspace.get("configuration"))
    assert client.leave() == 0


# Documents of every kind.


@pytest.mark.parametrize(
    "uri",
    [
        "untitled:Untitled-1",
        "vscode-remote://ssh-remote%2Bbox/{folder}/a.py",
        "vscode-notebook-cell://x/a.ipynb#W0",
        "git:/w/a.py?%7B%22ref%22%3A%22HEAD%22%7D",
        "jdt://contents/rt.jar/java.lang/String.class?=x",
        "inmemory://model/1",
        "zipfile:///a.zip::b.py",
        "file://[bad/a.py",
        "file:///c%3A/w/a%20%F0%9F%98%80.py",
        "C:\\w\\a.py",
        "no uri at all",
        "",
    ],
)
def test_uris_of_every_kind(daemon: Daemon, editor: Client, tmp_path: Path, uri: str) -> None:
    """L21: the folder on this disk says django; a buffer elsewhere of the same path does not hear of it."""
    (tmp_path / "requirements.txt").write_text("django==5.0\n")
    (tmp_path / "a.py").write_text("on_disk = 1\n")
    uri = uri.format(folder=tmp_path)
    editor.open(uri, CODE)
    editor.change(uri, 2, change((0, 4), (0, 7), "sum"))
    assert suggested(editor, inline(uri, 1, 8))
    assert editor.request("textDocument/hover", {"textDocument": {"uri": uri}, "position": position(0, 5)})
    editor.notify("textDocument/didSave", {"textDocument": {"uri": uri}})
    for _ in range(2):
        features = editor.command("codriver.explainLast")["decision"]["features"]
        assert "django" not in features["frameworks"] and features["language"] == "python"
    editor.notify("textDocument/didClose", {"textDocument": {"uri": uri}})
    assert editor.command("codriver.status")["documents"] == []
    assert not editor.told("window/logMessage") and not editor.told("window/showMessage")


def test_a_file_that_is_opened_twice(daemon: Daemon, editors: Editors, editor: Client, tmp_path: Path) -> None:
    """L26."""
    uri = (tmp_path / "twice.py").as_uri()
    editor.open(uri, "first = 1\n")
    editor.open(uri, "second = 2\n", version=1)
    editor.change(uri, 2, change((0, 0), (0, 6), "third"))
    assert text_of(daemon, editor, uri) == "third = 2\n"
    other = editors()
    other.initialize()
    other.open(uri, "other = 3\n")
    assert text_of(daemon, other, uri) == "other = 3\n", "the one that was edited last"
    editor.change(uri, 3, change((0, 0), (0, 5), "again"))
    assert text_of(daemon, editor, uri) == "again = 2\n"
    listed = [entry for entry in tool(daemon, "open_buffers")["buffers"] if entry["path"].endswith("twice.py")]
    assert len(listed) == 2 and all(entry["unsaved"] for entry in listed)
    editor.notify("textDocument/didClose", {"textDocument": {"uri": uri}})
    assert text_of(daemon, editor, uri) == "other = 3\n"
    assert text_of(daemon, other, uri) == "other = 3\n"


def test_a_renamed_file(daemon: Daemon, editors: Editors, tmp_path: Path) -> None:
    """L27: as VS Code tells it; agents that name the new path meet the unsaved text, the old name is nobody's."""
    client = editors()
    able = {**CAPABILITIES, "workspace": {**CAPABILITIES["workspace"], "fileOperations": {"didRename": True}}}
    capabilities = client.initialize(able, workspaceFolders=[{"uri": tmp_path.as_uri(), "name": "w"}])["capabilities"]
    assert capabilities["workspace"]["fileOperations"]["didRename"]["filters"][0]["pattern"] == {"glob": "**"}
    old, new = tmp_path / "old_name.py", tmp_path / "new_name.py"
    old.write_text("saved = 1\n")
    client.open(old.as_uri(), "unsaved = 2\n")
    old.rename(new)
    client.notify("textDocument/didClose", {"textDocument": {"uri": old.as_uri()}})
    client.open(new.as_uri(), "unsaved = 2\n")
    client.notify("workspace/didRenameFiles", {"files": [{"oldUri": old.as_uri(), "newUri": new.as_uri()}]})
    client.change(new.as_uri(), 2, change((0, 0), (0, 7), "still"))
    assert text_of(daemon, client, str(new)) == "still = 2\n"
    assert "is not open" in tool(daemon, "read_buffer", path=str(old))
    listed = {entry["path"]: entry["unsaved"] for entry in tool(daemon, "open_buffers")["buffers"]}
    assert listed[str(new)] and str(old) not in listed
    (changed,) = tool(daemon, "buffer_changes", path=str(new))["changes"]
    assert "-saved = 1" in changed["diff"] and "+still = 2" in changed["diff"]


def test_notebooks(daemon: Daemon, editors: Editors) -> None:
    """L20: a suggestion in the second cell; the agent sees the whole notebook in its language, unsaved."""
    client = editors()
    client.initialize({**CAPABILITIES, "notebookDocument": {"synchronization": {}}})
    cells = ["import flask\napp = flask.Flask('x')\n", "# Title\n", CODE, "print(add(1, 2))\n"]
    items = [
        {"uri": f"vscode-notebook-cell:/w/report.ipynb#W{n}", "languageId": language, "version": 1, "text": text}
        for n, (text, language) in enumerate(zip(cells, ["python", "markdown", "python", "python"], strict=True))
    ]
    listed = [{"kind": 2, "document": item["uri"]} for item in items]
    notebook = {"uri": "file:///w/report.ipynb", "notebookType": "jupyter-notebook", "version": 1, "cells": listed}
    client.notify("notebookDocument/didOpen", {"notebookDocument": notebook, "cellTextDocuments": items})
    found = suggested(client, inline(items[2]["uri"], 1, 8))
    assert found and found[0]["range"] == {"start": position(1, 4), "end": position(1, 8)}
    features = client.command("codriver.explainLast")["decision"]["features"]
    assert "flask" in features["frameworks"] and features["scope"] == "add" and features["path"] == "/w/report.ipynb"
    entry = next(
        e
        for e in tool(daemon, "open_buffers")["buffers"]
        if e["path"] == "/w/report.ipynb" and e["language"] == "python"
    )
    assert entry["unsaved"]
    assert text_of(daemon, client, "file:///w/report.ipynb#python") == "\n".join([cells[0], CODE, cells[3]]) + "\n"
    lenses = client.request("textDocument/codeLens", {"textDocument": {"uri": items[2]["uri"]}})
    assert lenses == [], "add is not hard"
    hover = client.request("textDocument/hover", {"textDocument": {"uri": items[2]["uri"]}, "position": position(0, 5)})
    assert "`add`" in hover["contents"]["value"]


def test_copilots_messages(daemon: Daemon, editors: Editors) -> None:
    """L29: as copilot.lua begins, asks and tells; then as copilot-lsp asks for the next edit."""
    client = editors()
    plugin = {
        "editorInfo": {"name": "Neovim", "version": "0.11"},
        "editorPluginInfo": {"name": "copilot.lua", "version": "1"},
    }
    client.initialize(
        {"workspace": {"workspaceFolders": True}}, initializationOptions=plugin, clientInfo={"name": "Neovim"}
    )
    client.notify("workspace/didChangeConfiguration", {"settings": {"telemetry": {"telemetryLevel": "all"}}})
    client.notify("$/setTrace", {"value": "off"})
    assert client.request("checkStatus", {"_": True})["user"]
    typed(client, "file:///w/a.py", SUM)
    client.notify("textDocument/didFocus", {"textDocument": {"uri": "file:///w/a.py"}})
    doc = {"uri": "file:///w/a.py", "version": 2, "position": position(1, 15), "insertSpaces": True, "tabSize": 4}
    (one, *_) = client.request("getCompletions", {"doc": doc, "position": position(1, 15), "_": True})["completions"]
    assert one["text"].startswith("    return a + ") and one["range"]["start"] == position(1, 0)
    assert client.request("notifyShown", {"uuid": one["uuid"]}) == "OK"
    assert client.request("notifyAccepted", {"uuid": one["uuid"], "acceptedLength": 99}) == "OK"
    (focused,) = [entry for entry in tool(daemon, "open_buffers")["buffers"] if entry.get("focused")]
    assert focused["path"] == "/w/a.py"
    params = {"textDocument": {"uri": "file:///w/a.py", "version": 2}, "position": position(1, 15)}
    assert isinstance(client.request("textDocument/copilotInlineEdit", params)["edits"], list)
    decision = daemon.get(f"/v1/decisions/{one['uuid']}")
    assert decision["purpose"] == "complete"


def test_versions_may_repeat_and_jump(daemon: Daemon, editor: Client) -> None:
    """L5: some editors count oddly; texts are compared where versions would mislead."""
    uri = "file:///nowhere/odd.py"
    editor.open(uri, "", version=0)
    for version, text in zip(itertools.cycle((7, 7, 3, 90)), "abcdefgh", strict=False):
        editor.change(uri, version, change((0, 0), (0, 0), text))
    assert text_of(daemon, editor, uri) == "hgfedcba"
