"""A scripted HTTP server on loopback: each test says, request by request, what the other side does."""

from __future__ import annotations

import asyncio
import ssl
import sys
from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

CERTS = Path(__file__).parent / "certs"


def pytest_asyncio_loop_factories(config: pytest.Config, item: pytest.Item) -> dict[str, Callable[[], Any]]:
    """Sockets are tried on both loops: the daemon runs on uvloop where there is one."""
    factories: dict[str, Callable[[], Any]] = {"asyncio": asyncio.new_event_loop}
    if item.path.name in ("test_http11.py", "test_client.py") and sys.platform != "win32":
        import uvloop

        factories["uvloop"] = uvloop.new_event_loop
    return factories


@dataclass
class Peer:
    """The server's end of one connection."""

    reader: asyncio.StreamReader
    writer: asyncio.StreamWriter

    async def send(self, data: bytes) -> None:
        self.writer.write(data)
        await self.writer.drain()

    async def whole(self, body: bytes, status: str = "200 OK", kind: str = "application/json") -> None:
        head = f"HTTP/1.1 {status}\r\ncontent-type: {kind}\r\ncontent-length: {len(body)}\r\n\r\n"
        await self.send(head.encode() + body)

    async def start(self, kind: str = "text/event-stream") -> None:
        await self.send(f"HTTP/1.1 200 OK\r\ncontent-type: {kind}\r\ntransfer-encoding: chunked\r\n\r\n".encode())

    async def chunk(self, data: bytes) -> None:
        await self.send(b"%x\r\n%b\r\n" % (len(data), data))

    async def end(self) -> None:
        await self.send(b"0\r\n\r\n")

    async def gone(self) -> None:
        """Waits until the client has closed."""
        try:
            while await self.reader.read(65536):
                pass
        except ConnectionError:
            pass

    def cut(self) -> None:
        self.writer.transport.abort()


@dataclass
class Asked:
    """One request as it reached the server. connection counts from 0, turn within it too."""

    method: str
    target: str
    headers: dict[str, str]
    body: bytes
    connection: int
    turn: int


Script = Callable[[Peer, Asked], Awaitable[None]]


@dataclass
class Server:
    script: Script
    url: str = ""
    port: int = 0
    asked: list[Asked] = field(default_factory=list)
    connections: int = 0
    open: int = 0
    most_open: int = 0
    read_bodies: bool = True
    tasks: set[asyncio.Task[None]] = field(default_factory=set)

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None
        self.tasks.add(task)
        number, self.connections = self.connections, self.connections + 1
        self.open += 1
        self.most_open = max(self.most_open, self.open)
        try:
            turn = 0
            while not writer.is_closing():
                asked = await self._read(reader, number, turn)
                self.asked.append(asked)
                await self.script(Peer(reader, writer), asked)
                turn += 1
        except (asyncio.IncompleteReadError, ConnectionError, asyncio.CancelledError):
            pass  # cancelled: the test is over
        finally:
            self.open -= 1
            writer.close()

    async def _read(self, reader: asyncio.StreamReader, connection: int, turn: int) -> Asked:
        head = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1")
        first, *lines = head.split("\r\n")
        method, target, _ = first.split(" ")
        headers = {name.lower(): value.strip() for name, _, value in (line.partition(":") for line in lines if line)}
        length = int(headers.get("content-length", 0)) if self.read_bodies else 0
        return Asked(method, target, headers, await reader.readexactly(length), connection, turn)


Serve = Callable[..., Awaitable[Server]]


@pytest.fixture
async def serve() -> AsyncIterator[Serve]:
    """`await serve(script)` gives a running Server; tls=True speaks TLS as "localhost"."""
    running: list[tuple[asyncio.Server, Server]] = []

    async def start(script: Script, *, tls: bool = False, read_bodies: bool = True) -> Server:
        server = Server(script, read_bodies=read_bodies)
        context = None
        if tls:
            context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
            context.load_cert_chain(CERTS / "localhost.pem")
        listening = await asyncio.start_server(server.serve, "127.0.0.1", 0, ssl=context)
        server.port = listening.sockets[0].getsockname()[1]
        server.url = f"https://localhost:{server.port}" if tls else f"http://127.0.0.1:{server.port}"
        running.append((listening, server))
        return server

    yield start
    for listening, server in running:
        listening.close()
        for task in list(server.tasks):
            task.cancel()
        await asyncio.gather(*server.tasks, return_exceptions=True)


@pytest.fixture
def authority() -> str:
    """The certificate file that signs the TLS server's; its key was thrown away."""
    return str(CERTS / "ca.pem")
