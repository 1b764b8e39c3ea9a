"""Commands at the terminal's edge: words out, codes back, never a traceback."""

from __future__ import annotations

import io
import json
import os
import socket
import subprocess
import sys
import threading
from pathlib import Path
from typing import Any

import pytest

from codriver import __version__
from codriver.cli import env, terminal
from codriver.cli.route import wish
from codriver.cli.terminal import Complaint

DECISION = {
    "decision": {
        "id": "d1", "strategy": "auto", "hold": "first",
        "candidates": [
            {"model": "openai/gpt-6.1-sol", "wire": "openai_chat", "quality": 0.91, "cost_usd": 0.0123,
             "latency_s": 3.2, "score": 1.0, "reason": "worth its price"},
            {"model": "openai/gpt-6-luna", "wire": "openai_chat", "quality": 0.7, "cost_usd": 0.0004,
             "latency_s": 0.9, "score": 0.5, "reason": ""},
        ],
        "refused": [{"model": "anthropic/x", "why": "unavailable", "text": "ANTHROPIC_API_KEY is not set"}],
        "reasons": ["a refactor of a function with cognitive complexity 22"],
        "features": {"language": "python", "cognitive": 22, "frameworks": ["fastapi"], "difficulty": 1.25, "errors": 0},
    }
}  # fmt: skip

STATUS = {
    "pid": 42, "version": "9", "uptime_s": 3725.0, "requests": 7, "cost_today_usd": 0.25, "models": ["a/b", "c/d"],
    "simulated": True, "editors": 2, "buffers": 3, "strategy": "auto", "config": {"file": "/c.toml", "error": ""},
    "resting": {"a/b": "rate limited"},
}  # fmt: skip


COMMANDS = (
    "serve", "stop", "status", "lsp", "route", "ask", "models", "analyze", "connect", "env", "doctor", "config", "version",
)  # fmt: skip


def test_help_names_every_command(run: Any) -> None:
    ran = run("--help")
    assert ran.code == 0
    for name in COMMANDS:
        assert f"\n  {name} " in ran.out


@pytest.mark.parametrize("name", COMMANDS)
def test_every_command_tells_how_it_is_used(run: Any, name: str) -> None:
    ran = run(name, "-h")
    assert (ran.code, ran.err) == (0, "")
    assert ran.out.startswith(f"Usage: codriver {name}")


def test_version(run: Any) -> None:
    assert run("version").out == f"codriver {__version__}\n"


WRONG = [
    (("nope",), 2, "No such command"),
    (("serve", "--port", "99999"), 2, "--port"),
    (("serve", "--config", "/nowhere.toml"), 2, "there is no settings file"),
    (("serve", "--host", "0.0.0.0"), 2, "allow_remote"),
    (("route",), 2, "--prompt"),
    (("route", "/nowhere.py:3"), 2, "there is no file"),
    (("analyze", "/nowhere.py"), 2, "there is no file"),
    (("status",), 1, "codriver serve"),
    (("stop",), 1, "codriver serve"),
    (("ask", "hi"), 1, "codriver serve"),
    (("env", "--shell", "tcsh"), 2, "powershell"),
]


@pytest.mark.parametrize(("arguments", "code", "words"), WRONG, ids=[" ".join(w[0]) for w in WRONG])
def test_mistakes_are_one_clear_sentence(run: Any, arguments: tuple[str, ...], code: int, words: str) -> None:
    ran = run(*arguments)
    assert (ran.code, ran.out) == (code, "")
    assert words in ran.err


def test_broken_settings_are_code_2(run: Any, home: Path) -> None:
    (home / "config.toml").write_text("[http]\nprot = 1\n")
    ran = run("config", "show")
    assert ran.code == 2
    assert ran.err == f"codriver: {home}/config.toml:2: http.prot: there is no such key. Did you mean 'port'?\n"


def test_config_shows_values_and_sources(run: Any, home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (home / "config.toml").write_text("[http]\nport = 5\n")
    monkeypatch.setenv("CODRIVER_STRATEGY", "cost")
    assert run("config", "path").out == f"{home / 'config.toml'}\n"
    changed = run("config", "show", "--changed", "--json").json()
    assert changed == [
        {"key": "routing.strategy", "value": "cost", "source": "CODRIVER_STRATEGY"},
        {"key": "http.port", "value": 5, "source": str(home / "config.toml")},
    ]
    assert "http.host " in run("config", "show").out


# With a daemon.


def test_status_in_words_and_json(run: Any, daemon: Any) -> None:
    daemon.page("GET", "/v1/status", STATUS)
    ran = run("status")
    assert ran.code == 0
    for words in ("version 9, pid 42, up 1 h 2 min", f"127.0.0.1:{daemon.port}/v1", "7, $0.25 today", "2 can be called",
                  "simulated", "a/b: rate limited"):  # fmt: skip
        assert words in ran.out
    assert run("status", "--json").json() == STATUS


def test_one_lost_connection_is_one_line(run: Any, daemon: Any) -> None:
    lost = "cannot be reached: no connection"
    rests = {"a/one": f"a/one {lost}", "a/two": f"a/two {lost}", "b/three": "slow down"}
    daemon.page("GET", "/v1/status", {**STATUS, "resting": rests})
    resting = [line for line in run("status").out.splitlines() if line.startswith("resting")]
    assert resting == [f"resting    a/one, a/two: {lost}", "resting    b/three: slow down"]


def test_a_stale_file_is_not_a_daemon(run: Any, home: Path) -> None:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    (home / "daemon.json").write_text(json.dumps({"pid": 1, "http": {"host": "127.0.0.1", "port": port}}))
    (home / "token").write_text("x")
    ran = run("status")
    assert (ran.code, "not running" in ran.err) == (1, True)


def test_stop_waits_until_it_is_gone(run: Any, daemon: Any) -> None:
    daemon.page("POST", "/v1/shutdown", {"stopping": True})
    assert run("stop").out == "Codriver has stopped.\n"
    assert daemon.asked == [("POST", "/v1/shutdown", {})]


def test_route_asks_the_daemon(run: Any, daemon: Any, home: Path) -> None:
    daemon.page("POST", "/v1/route", DECISION)
    source = home / "a.py"
    source.write_text("x = 1\n")
    ran = run("route", f"{source}:1:5", "--prompt", "tidy up", "--strategy", "cost", "--explain")
    assert ran.code == 0
    assert daemon.asked[0][2] == {
        "model": "auto", "strategy": "cost", "prompt": "tidy up", "file": str(source), "line": 1,
    }  # fmt: skip
    first, second, *_ = ran.out.splitlines()
    assert first == "openai/gpt-6.1-sol  (auto, over openai_chat)"
    assert second == "  a refactor of a function with cognitive complexity 22"
    for words in ("0.91", "$0.012", "3.2 s", "ANTHROPIC_API_KEY is not set", "fastapi", "difficulty   1.25"):
        assert words in ran.out
    assert "errors" not in ran.out
    assert run("route", "-p", "x", "--json").json() == DECISION


def test_route_tells_why_nobody_can(run: Any, daemon: Any) -> None:
    page = {
        "error": {"message": "nobody may answer", "kind": "unroutable"},
        "reasons": ["a/b: no key", "c/d: too small", "a/e: no key"],
    }
    daemon.page("POST", "/v1/route", page, status=503)
    ran = run("route", "-p", "x")
    assert (ran.code, ran.err) == (1, "codriver: nobody may answer\n  a/b and 1 more: no key\n  c/d: too small\n")


@pytest.mark.parametrize(
    ("place", "file", "line"),
    [("a.py", "a.py", 1), ("a.py:7", "a.py", 7), ("a.py:7:3", "a.py", 7), ("b:c.py", "b:c.py", 1)],
)
def test_places(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, place: str, file: str, line: int) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / file).write_text("")
    assert wish(place, "") == {"model": "auto", "strategy": "", "file": str(tmp_path / file), "line": line}


def event(text: str) -> bytes:
    return b"data: " + json.dumps({"choices": [{"delta": {"content": text}}]}).encode() + b"\n\n"


HEADERS = {"x-codriver-decision": "d1", "x-codriver-model": "openai/gpt-6-luna"}


def test_ask_streams_and_tells_the_bill(run: Any, daemon: Any) -> None:
    stream = b": ping\n\n" + event("Hel") + event("lo é") + b'data: {"choices": []}\n\ndata: [DONE]\n\n'
    daemon.page("POST", "/v1/chat/completions", stream, headers=HEADERS)
    daemon.page("GET", "/v1/decisions/d1", {"model": "openai/gpt-6-luna", "cost": 0.00002, "seconds": 1.25})
    ran = run("ask", "-m", "auto:cost", "say", "hello")
    assert (ran.code, ran.out) == (0, "Hello é\n")
    assert ran.err == "openai/gpt-6-luna, $0.000020, 1.2 s\n"
    assert daemon.asked[0][2] == {
        "model": "auto:cost", "stream": True, "messages": [{"role": "user", "content": "say hello"}],
    }  # fmt: skip
    assert run("ask", "-q", "x").err == ""
    ran = run("ask", "--json", "x")
    assert (ran.code, ran.err) == (0, "")
    assert ran.json() == {
        "answer": "Hello é", "decision": "d1", "model": "openai/gpt-6-luna", "cost_usd": 0.00002, "seconds": 1.25,
    }  # fmt: skip


@pytest.mark.parametrize(
    ("end", "words"),
    [(b"", "before its end"), (b'data: {"error": {"message": "the model is gone"}}\n\n', "the model is gone")],
)
def test_a_cut_answer_is_not_a_finished_one(run: Any, daemon: Any, end: bytes, words: str) -> None:
    daemon.page("POST", "/v1/chat/completions", event("Hel") + end, headers=HEADERS)
    ran = run("ask", "x")
    assert (ran.code, ran.out) == (1, "Hel\n")
    assert words in ran.err
    ran = run("ask", "--json", "x")
    assert (ran.code, ran.out) == (1, "")


def test_ask_passes_a_refusal_on(run: Any, daemon: Any) -> None:
    daemon.page("POST", "/v1/chat/completions", {"error": {"message": "no model is called 'x'."}}, status=404)
    ran = run("ask", "-m", "x", "y")
    assert (ran.code, ran.err) == (1, "codriver: no model is called 'x'.\n")


@pytest.mark.skipif(not hasattr(socket, "AF_UNIX"), reason="there are no Unix sockets here")
def test_a_daemon_without_a_port_is_reached_by_its_socket(run: Any, home: Path) -> None:
    path = home / "h.sock"
    (home / "token").write_text("t")
    (home / "daemon.json").write_text(json.dumps({"http": None, "unix": {"http": str(path)}}))
    body = json.dumps(STATUS).encode()

    def serve(listening: socket.socket) -> None:
        connection, _ = listening.accept()
        with connection:
            connection.recv(65536)
            connection.sendall(b"HTTP/1.1 200 OK\r\ncontent-length: %d\r\n\r\n%s" % (len(body), body))

    with socket.socket(socket.AF_UNIX) as listening:
        listening.bind(str(path))
        listening.listen()
        thread = threading.Thread(target=serve, args=(listening,))
        thread.start()
        ran = run("status", "--json")
        thread.join()
    assert ran.json() == STATUS


# env.


def test_env_points_every_family_to_the_daemon(run: Any, daemon: Any) -> None:
    found = run("env", "--shell", "json").json()
    base = f"http://127.0.0.1:{daemon.port}"
    assert found["OPENAI_BASE_URL"] == f"{base}/v1"
    assert found["ANTHROPIC_BASE_URL"] == base
    keys = ("OPENAI_API_KEY", "ANTHROPIC_API_KEY", "ANTHROPIC_AUTH_TOKEN")
    assert {found[key] for key in keys} == {"cdr-0123456789abcdef"}
    assert not [name for name in found if not name.startswith(("OPENAI_", "ANTHROPIC_"))]


def test_env_before_the_first_start_uses_the_settings(run: Any, home: Path) -> None:
    (home / "token").write_text("cdr-0123456789abcdef")
    (home / "config.toml").write_text('[http]\nhost = "::1"\nport = 4000\n')
    ran = run("env", "--shell", "json")
    assert ran.json()["ANTHROPIC_BASE_URL"] == "http://[::1]:4000"
    assert "not running yet" in ran.err


AWKWARD = {"A_KEY": """it's "a" $HOME `id` \\ ; & x"""}


def test_bash_reads_back_what_env_wrote() -> None:
    script = env.assignments(AWKWARD, "bash") + '\nprintf %s "$A_KEY"'
    assert subprocess.run(["sh", "-c", script], capture_output=True, text=True, check=True).stdout == AWKWARD["A_KEY"]


def test_fish_and_powershell_quote_in_their_own_ways() -> None:
    assert env.assignments({"A": "it's \\"}, "fish") == "set -gx A 'it\\'s \\\\'"
    assert env.assignments({"A": "it's \\"}, "powershell") == "$env:A = 'it''s \\'"


# The terminal.


def test_a_narrow_terminal_folds_everything_but_the_name(monkeypatch: pytest.MonkeyPatch) -> None:
    out = io.StringIO()
    monkeypatch.setattr(out, "isatty", lambda: True)
    monkeypatch.setattr(sys, "stdout", out)
    monkeypatch.setenv("COLUMNS", "30")
    terminal.table(("model", "can"), [("simulator/sim-medium", "chat tools images schema reasoning")])
    assert "simulator/sim-medium" in out.getvalue()
    assert all(word in out.getvalue() for word in ("chat", "tools", "images", "schema"))


def test_tables_are_plain_in_a_pipe(capsys: pytest.CaptureFixture[str]) -> None:
    terminal.table(("name", "n"), [("a", "10"), ("bcdefg", "2")], right=(1,))
    assert capsys.readouterr().out == "name     n\na       10\nbcdefg   2\n"


@pytest.mark.parametrize(
    ("amount", "text"), [(0, "$0"), (12.5, "$12.50"), (0.0123, "$0.012"), (0.00004, "$0.000040"), (0.1, "$0.10")]
)
def test_dollars(amount: float, text: str) -> None:
    assert terminal.usd(amount) == text


@pytest.mark.parametrize(("count", "text"), [(900, "900"), (128_000, "128k"), (1_050_000, "1.05M")])
def test_token_counts(count: int, text: str) -> None:
    assert terminal.tokens(count) == text


def test_a_complaint_has_a_code() -> None:
    assert Complaint("x", 2).code == 2


def test_a_reader_that_has_seen_enough_hears_no_complaint(home: Path) -> None:
    reading, writing = os.pipe()
    os.close(reading)
    command = [sys.executable, "-m", "codriver", "config", "path"]
    ran = subprocess.run(command, stdout=writing, stderr=subprocess.PIPE, check=False)
    os.close(writing)
    assert (ran.returncode, ran.stderr) == (1, b"")


def test_commands_are_listed_without_importing_what_they_need() -> None:
    code = "import sys; from codriver.cli.application import application; application(); print(*sys.modules)"
    loaded = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout.split()
    assert not {"pydantic", "tree_sitter", "msgspec", "uvicorn", "pygls", "httpx", "asyncio"} & set(loaded)
