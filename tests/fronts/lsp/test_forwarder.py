"""The forwarder between a real pipe and a daemon played by the test, which can die when it likes."""

from __future__ import annotations

import json
import os
import socket
import subprocess
import sys
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from lsp_client import Client, Failed, change, codriver_lsp

import codriver
from codriver import paths
from codriver.fronts.lsp.framing import Frames, frame
from codriver.fronts.lsp.stdio import parse

pytestmark = pytest.mark.skipif(not hasattr(socket, "AF_UNIX"), reason="the played daemon listens on a Unix socket")


class PlayedDaemon:
    """Listens where the daemon would, answers requests with their method's name, and dies on demand."""

    def __init__(self, home: Path, version: str = codriver.__version__) -> None:
        self.home, self.version = home, version
        # Should a forwarder ever start a real daemon here, that one ends by itself.
        self.environ = {"CODRIVER_HOME": str(home), "CODRIVER_PORT": "0", "CODRIVER__DAEMON__IDLE_SECONDS": "2"}
        where = paths.find({"CODRIVER_HOME": str(home)})
        where.create()
        where.token.write_text("a-token-for-tests\n")
        self.greetings: list[dict[str, Any]] = []
        self.heard: list[list[dict[str, Any]]] = []
        """What was heard, by connection."""
        self.silent: set[str] = set()
        """Methods that get no answer."""
        self._news = threading.Condition()
        self._connections: list[socket.socket] = []
        self._listener = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        self._listener.bind(str(where.socket("lsp")))
        self._listener.listen()
        threading.Thread(target=self._accept, daemon=True).start()

    def _accept(self) -> None:
        while True:
            try:
                connection, _ = self._listener.accept()
            except OSError:
                return
            self._connections.append(connection)
            threading.Thread(target=self._serve, args=(connection,), daemon=True).start()

    def _serve(self, connection: socket.socket) -> None:
        line = connection.makefile("rb", buffering=0).readline()
        if not line:
            return  # its editor left before it could speak
        greeting = json.loads(line)
        with self._news:
            self.greetings.append(greeting)
            self._news.notify_all()
        if greeting["token"] != "a-token-for-tests":
            self._say(connection, b'{"ok": false, "error": "token", "message": "wrong token"}\n')
            connection.close()
            return
        self._say(connection, json.dumps({"ok": True, "version": self.version, "pid": os.getpid()}).encode() + b"\n")
        frames, heard = Frames(), []
        with self._news:
            self.heard.append(heard)
        while True:
            try:
                data = connection.recv(65536)
            except OSError:
                return
            if not data:
                return
            for body in frames.feed(data):
                content = json.loads(body)
                if "id" in content and "method" in content and content["method"] not in self.silent:
                    result: Any = {"capabilities": {}} if content["method"] == "initialize" else content["method"]
                    self._say(connection, frame(json.dumps({"id": content["id"], "result": result}).encode()))
                with self._news:
                    heard.append(content)
                    self._news.notify_all()

    @staticmethod
    def _say(connection: socket.socket, data: bytes) -> None:
        try:
            connection.sendall(data)
        except OSError:
            pass

    def tell(self, content: dict[str, Any]) -> None:
        """Says something to the newest connection."""
        self._say(self._connections[-1], frame(json.dumps({"jsonrpc": "2.0", **content}).encode()))

    def until(self, method: str, connection: int = -1) -> dict[str, Any]:
        """Waits until this method was heard on a connection; its newest message."""

        def found() -> list[dict[str, Any]]:
            if len(self.heard) <= max(connection, 0):
                return []
            return [content for content in self.heard[connection] if content.get("method") == method]

        with self._news:
            assert self._news.wait_for(found, 20), f"{method} was not heard: {self.heard}"
            return found()[-1]

    def die(self) -> None:
        """Drops the newest connection, as a killed process would; the next daemon listens already."""
        connection = self._connections[-1]  # a new one may come while this one goes
        connection.shutdown(socket.SHUT_RDWR)
        connection.close()

    def close(self) -> None:
        self._listener.close()
        for connection in self._connections:
            connection.close()


@pytest.fixture
def daemon(tmp_path: Path) -> Iterator[PlayedDaemon]:
    played = PlayedDaemon(tmp_path)
    yield played
    played.close()


@pytest.fixture
def client(daemon: PlayedDaemon) -> Iterator[Client]:
    started = Client(codriver_lsp("--stdio"), daemon.environ)
    yield started
    started.kill()


def test_frames_pass_both_ways_and_the_greeting_says_who_we_are(client: Client, daemon: PlayedDaemon) -> None:
    assert client.initialize() == {"capabilities": {}}
    assert client.request("textDocument/hover") == "textDocument/hover"
    daemon.tell({"method": "window/logMessage", "params": {"message": "😀"}})
    client.until(lambda: client.told("window/logMessage") == [{"message": "😀"}], "a notification")
    (greeting,) = daemon.greetings
    assert greeting["codriver"] == 1 and greeting["version"] == codriver.__version__
    assert greeting["pid"] == client.process.pid and not greeting["drain"]


@pytest.mark.parametrize(
    ("last", "code"), [(("shutdown", "exit"), 0), (("exit",), 1), (("shutdown", "eof"), 0), (("eof",), 1)]
)
def test_exit_codes(client: Client, last: tuple[str, ...], code: int) -> None:
    client.initialize()
    for step in last:
        if step == "shutdown":
            client.request("shutdown")
        elif step == "exit":
            client.notify("exit")
        else:
            assert client.process.stdin is not None
            client.process.stdin.close()
    assert client.process.wait(5) == code


def test_after_a_crash_the_next_daemon_knows_everything(client: Client, daemon: PlayedDaemon) -> None:
    client.initialize()
    client.open("file:///a.py", "😀 = 1\n")
    client.change("file:///a.py", 2, change((0, 2), (0, 3), "x"))
    daemon.until("textDocument/didChange")
    daemon.silent = {"textDocument/inlineCompletion", "workspace/executeCommand"}
    read = client.ask("textDocument/inlineCompletion")
    write = client.ask("workspace/executeCommand")
    daemon.until("workspace/executeCommand")
    daemon.silent = set()
    daemon.die()
    assert client.wait(read) == "textDocument/inlineCompletion"
    with pytest.raises(Failed, match="daemon stopped"):
        client.wait(write)
    item = daemon.until("textDocument/didOpen", 1)["params"]["textDocument"]
    assert (item["text"], item["version"]) == ("😀x= 1\n", 2)
    assert client.request("textDocument/hover") == "textDocument/hover"
    assert [told["type"] for told in client.told("window/showMessage")] == [2]
    assert daemon.greetings[1]["any"], "whoever lost its daemon takes any version"


def test_a_daemon_that_leaves_on_purpose_is_no_news_for_the_user(client: Client, daemon: PlayedDaemon) -> None:
    client.initialize()
    daemon.tell({"method": "codriver/leaving"})
    daemon.die()
    assert client.request("textDocument/hover") == "textDocument/hover"
    assert client.notes == []


def test_late_answers_to_a_dead_daemon_are_dropped(daemon: PlayedDaemon) -> None:
    from lsp_client import NO_ANSWER

    client = Client(codriver_lsp(), daemon.environ, lambda method, params: NO_ANSWER)
    try:
        client.initialize()
        daemon.until("initialized")
        daemon.tell({"id": "q", "method": "workspace/applyEdit", "params": {}})
        client.until(lambda: client.told("workspace/applyEdit"), "the question")
        daemon.die()
        daemon.until("initialized", 1)
        client._send({"id": "q", "result": {"applied": True}})
        client.request("textDocument/hover")
        assert all(content.get("id") != "q" for content in daemon.heard[1])
    finally:
        client.kill()


@pytest.mark.parametrize(
    ("raw", "code"),
    [
        (b"Content-Length: x\r\n\r\n", -32700),
        (frame(b"{nonsense"), -32700),
        (frame(b"[1, 2]"), -32600),
        (frame(b"\xff\xfe"), -32700),
    ],
)
def test_what_is_no_message_is_answered_and_survived(
    client: Client, daemon: PlayedDaemon, raw: bytes, code: int
) -> None:
    client.initialize()
    client.raw(raw)
    with pytest.raises(Failed) as failed:
        client.wait(None)
    assert failed.value.code == code
    assert client.request("textDocument/hover") == "textDocument/hover"


def test_odd_parameters_do_not_hurt(client: Client, daemon: PlayedDaemon) -> None:
    client.initialize()
    client.notify("textDocument/didOpen", {"textDocument": None})
    client.notify("textDocument/didChange", [])
    client.open("file:///a.py", "a")
    client.change("file:///a.py", 2, {"range": {}, "text": 3})
    assert client.request("textDocument/hover") == "textDocument/hover"
    daemon.die()
    assert client.request("textDocument/hover") == "textDocument/hover"


def test_a_refused_token_is_told(daemon: PlayedDaemon, client: Client) -> None:
    client.initialize()
    (daemon.home / "token").write_text("another")
    daemon.die()
    told = client.until(lambda: [m for m in client.told("window/showMessage") if m["type"] == 1], "the refusal")
    assert "wrong token" in told[0]["message"]
    with pytest.raises(Failed, match="wrong token"):
        client.command("codriver.status")
    assert client.request("textDocument/hover") is None, "what nobody asked for by hand fails in silence"


def test_a_daemon_that_keeps_dying_is_given_up_with_words(daemon: PlayedDaemon) -> None:
    code = "import sys, codriver.fronts.lsp.forwarder as f; f._PAUSES = (0.0, 0.0); sys.exit(f.main(['--stdio']))"
    client = Client([sys.executable, "-c", code], daemon.environ)
    try:
        client.initialize()
        for crash in range(3):
            daemon.until("initialized", crash)
            daemon.die()
        told = client.until(lambda: [m for m in client.told("window/showMessage") if m["type"] == 1], "an end")
        assert "stopped 3 times" in told[0]["message"] and "daemon.log" in told[0]["message"]
        with pytest.raises(Failed, match="stopped 3 times"):
            client.command("codriver.status")
        assert client.request("textDocument/hover") is None, "what nobody asked for by hand fails in silence"
        assert client.leave() == 0
    finally:
        client.kill()


def test_a_daemon_that_never_starts_is_one_box_however_often_it_is_tried(daemon: PlayedDaemon) -> None:
    code = "import sys, codriver.fronts.lsp.forwarder as f; f._REST = 0.05; sys.exit(f.main(['--stdio']))"
    client = Client([sys.executable, "-c", code], daemon.environ)
    try:
        client.initialize()
        (daemon.home / "token").write_text("another")
        daemon.die()
        client.until(lambda: len(client.told("window/logMessage")) >= 2, "tries after the first")
        assert [m["type"] for m in client.told("window/showMessage")].count(1) == 1
        client.leave()
    finally:
        client.kill()


def test_it_ends_with_its_editor(daemon: PlayedDaemon) -> None:
    editor = subprocess.Popen([sys.executable, "-c", "import sys; sys.stdin.read()"], stdin=subprocess.PIPE)
    client = Client(codriver_lsp("--clientProcessId", str(editor.pid)), daemon.environ)
    try:
        client.initialize(processId=editor.pid)
        editor.kill()
        editor.wait(5)
        assert client.process.wait(10) == 1
    finally:
        client.kill()


def test_it_imports_nothing_heavy_and_is_quick(daemon: PlayedDaemon) -> None:
    code = (
        "import sys, codriver.__main__, codriver.fronts.lsp.forwarder, codriver.fronts.lsp.join;"
        "print(' '.join(sorted({name.partition('.')[0] for name in sys.modules})))"
    )
    loaded = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout.split()
    assert not {"asyncio", "pygls", "lsprotocol", "pydantic", "typer", "httpx", "uvicorn", "msgspec", "logging"} & set(
        loaded
    )


def test_what_prints_lands_on_stderr() -> None:
    code = (
        "import os; from codriver.fronts.lsp.stdio import take_stdout; out = take_stdout();"
        "os.write(1, b'chatter'); os.write(out, b'protocol')"
    )
    ran = subprocess.run([sys.executable, "-c", code], capture_output=True, check=True)
    assert (ran.stdout, ran.stderr) == (b"protocol", b"chatter")


@pytest.mark.parametrize(
    ("arguments", "expected"),
    [
        (["--stdio"], {}),
        (["--clientProcessId=12", "--stdio"], {"client": 12}),
        (["--clientProcessId", "12"], {"client": 12}),
        (["--standalone", "--simulate"], {"standalone": True, "simulate": True}),
        (["--config", "/x.toml"], {"config": "/x.toml"}),
        (["--colour"], {"error": "unknown argument --colour"}),
        (["--clientProcessId", "me"], {"error": "--clientProcessId needs a value"}),
    ],
)
def test_arguments(arguments: list[str], expected: dict[str, object]) -> None:
    assert parse(arguments)._asdict() == {**parse([])._asdict(), **expected}
