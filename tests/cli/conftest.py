"""A home of its own for each test, a way to run commands, and a daemon that only plays its part."""

from __future__ import annotations

import json
import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest

from codriver import cli

TOKEN = "cdr-0123456789abcdef"


@dataclass
class Ran:
    """What a command did."""

    code: int
    out: str
    err: str

    def json(self) -> Any:
        return json.loads(self.out)


Run = Callable[..., Ran]


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("CODRIVER_HOME", str(tmp_path))
    for name in ("OPENAI_API_KEY", "ANTHROPIC_API_KEY", "DEEPSEEK_API_KEY", "CODRIVER_CONFIG", "CODRIVER_PORT"):
        monkeypatch.delenv(name, raising=False)
    return tmp_path


@pytest.fixture
def run(home: Path, capsys: pytest.CaptureFixture[str]) -> Run:
    def command(*arguments: str) -> Ran:
        code = cli.main(list(arguments))
        said = capsys.readouterr()
        assert "Traceback" not in said.err
        return Ran(code, said.out, said.err)

    return command


@dataclass
class Daemon:
    """A daemon of pages: (method, path) -> (status, headers, body). `asked` holds what came."""

    port: int
    home: Path
    pages: dict[tuple[str, str], tuple[int, dict[str, str], bytes]] = field(default_factory=dict)
    asked: list[tuple[str, str, Any]] = field(default_factory=list)

    def page(
        self, method: str, path: str, value: Any, *, status: int = 200, headers: dict[str, str] | None = None
    ) -> None:
        body = value if isinstance(value, bytes) else json.dumps(value).encode()
        self.pages[method, path] = (status, headers or {}, body)


@pytest.fixture
def server() -> Iterator[tuple[int, dict[str, Any]]]:
    """A loopback HTTP server; what it answers is up to the function put under "answer"."""
    role: dict[str, Any] = {}

    class Handler(BaseHTTPRequestHandler):
        def do(self) -> None:
            length = int(self.headers.get("content-length") or 0)
            status, headers, body = role["answer"](self.command, self.path, self.headers, self.rfile.read(length))
            self.send_response(status)
            for name, value in {**headers, "content-length": str(len(body))}.items():
                self.send_header(name, value)
            self.end_headers()
            self.wfile.write(body)

        do_GET = do_POST = do

        def log_message(self, *_: Any) -> None:
            """Silent."""

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as listening:
        thread = threading.Thread(target=listening.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        yield listening.server_address[1], role
        listening.shutdown()
        thread.join()


@pytest.fixture
def daemon(home: Path, server: tuple[int, dict[str, Any]]) -> Daemon:
    port, role = server
    playing = Daemon(port, home)

    def answer(method: str, path: str, headers: Any, body: bytes) -> tuple[int, dict[str, str], bytes]:
        assert headers["authorization"] == f"Bearer {TOKEN}"
        playing.asked.append((method, path, json.loads(body) if body else None))
        if path == "/v1/shutdown":
            (home / "daemon.json").unlink()
        return playing.pages.get((method, path), (404, {}, b'{"error": {"message": "no such page"}}'))

    role["answer"] = answer
    (home / "token").write_text(TOKEN + "\n")
    (home / "token").chmod(0o600)
    (home / "daemon.json").write_text(
        json.dumps({"pid": 42, "version": "9", "http": {"host": "127.0.0.1", "port": port}})
    )
    return playing
