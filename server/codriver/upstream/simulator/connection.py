"""HTTP/1.1 on one connection, with the control a fake provider needs: stall, cut, reset.

httptools reads, we write. A client that leaves cancels the answer's task at once.
"""

from __future__ import annotations

import asyncio
import socket
import struct
from collections import deque
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from http import HTTPStatus
from typing import cast
from urllib.parse import unquote

import httptools

BODY_LIMIT = 32 * 1024 * 1024
_HEAD_LIMIT = 64 * 1024
# After an early refusal the rest of the body is still read for this long, in seconds: closing
# with unread data makes the kernel reset the connection, and the client would not see why.
_LINGER = 5.0


@dataclass(frozen=True, slots=True)
class HttpRequest:
    """One request. Header names are lower case. broken: why it cannot be served, with the status."""

    method: str
    path: str
    headers: Mapping[str, str]
    body: bytes = field(default=b"", repr=False)
    keep_alive: bool = True
    broken: tuple[int, str] | None = None


class Connection(asyncio.Protocol):
    """One client's connection. Requests on it are answered one after another."""

    def __init__(self, serve: Callable[[Exchange], Awaitable[None]], refuses: Callable[[], bool]) -> None:
        self._serve, self._refuses = serve, refuses
        self._parser = httptools.HttpRequestParser(self)
        self._waiting: deque[HttpRequest] = deque()
        self._task: asyncio.Task[None] | None = None
        self._writable = asyncio.Event()
        self._writable.set()
        self._deaf = False
        self.lost = False
        self._url, self._body, self._head_size = b"", bytearray(), 0
        self._headers: dict[str, str] = {}

    # What asyncio calls.

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self.transport = cast(asyncio.Transport, transport)  # a stream's is one, which the signature cannot say
        if self._refuses():
            self.reset()

    def data_received(self, data: bytes) -> None:
        if self._deaf:
            return
        try:
            self._parser.feed_data(data)
        except (httptools.HttpParserError, httptools.HttpParserUpgrade):
            self._refuse(400, "This is not an HTTP/1.1 request.")

    def eof_received(self) -> bool:
        self.leave()
        return False

    def connection_lost(self, error: Exception | None) -> None:
        self.leave()

    def pause_writing(self) -> None:
        self._writable.clear()

    def resume_writing(self) -> None:
        self._writable.set()

    # What httptools calls.

    def on_message_begin(self) -> None:
        self._clear()

    def on_url(self, url: bytes) -> None:
        self._url += url
        self._head(len(url))

    def on_header(self, name: bytes, value: bytes) -> None:
        self._headers[name.decode("latin-1").lower()] = value.decode("latin-1")
        self._head(len(name) + len(value))

    def on_headers_complete(self) -> None:
        declared = self._headers.get("content-length", "0")
        if declared.isdecimal() and int(declared) > BODY_LIMIT:
            self._refuse(413, f"The body is over {BODY_LIMIT} bytes.")
        elif self._headers.get("expect", "").lower() == "100-continue":
            self.transport.write(b"HTTP/1.1 100 Continue\r\n\r\n")

    def on_body(self, data: bytes) -> None:
        if self._deaf:
            return
        self._body += data
        if len(self._body) > BODY_LIMIT:
            self._refuse(413, f"The body is over {BODY_LIMIT} bytes.")

    def on_message_complete(self) -> None:
        if not self._deaf:
            self._queue(self._request(bytes(self._body), self._parser.should_keep_alive()))

    # What an exchange calls.

    async def write(self, data: bytes) -> None:
        """Sends, and waits while the client does not read."""
        self.transport.write(data)
        if not self._writable.is_set():
            await self._writable.wait()

    def reset(self) -> None:
        """Ends the connection with a TCP reset."""
        raw = self.transport.get_extra_info("socket")
        if raw is not None:
            raw.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        self.transport.abort()

    def leave(self) -> None:
        """The other side is gone, or is made to be: the running answer is cancelled."""
        self.lost = True
        self._waiting.clear()
        if self._task is not None:
            self._task.cancel()
        self.transport.abort()

    @property
    def task(self) -> asyncio.Task[None] | None:
        return self._task

    # Inside.

    def _clear(self) -> None:
        self._url, self._headers, self._body, self._head_size = b"", {}, bytearray(), 0

    def _head(self, size: int) -> None:
        self._head_size += size
        if self._head_size > _HEAD_LIMIT and not self._deaf:
            self._refuse(431, f"The request's head is over {_HEAD_LIMIT} bytes.")

    def _request(self, body: bytes, keep_alive: bool, broken: tuple[int, str] | None = None) -> HttpRequest:
        path = unquote(self._url.split(b"?", 1)[0].decode("latin-1"))
        try:
            method = self._parser.get_method().decode()
        except httptools.HttpParserError:
            method = "GET"
        return HttpRequest(method, path or "/", dict(self._headers), body, keep_alive, broken)

    def _refuse(self, status: int, why: str) -> None:
        self._deaf = True
        self._queue(self._request(b"", False, (status, why)))

    def _queue(self, request: HttpRequest) -> None:
        self._waiting.append(request)
        if self._task is None or self._task.done():
            self._task = asyncio.get_running_loop().create_task(self._answer())

    async def _answer(self) -> None:
        while self._waiting:
            exchange = Exchange(self, self._waiting.popleft())
            await self._serve(exchange)
            if self._deaf and not self._waiting:
                self.transport.write_eof()
                asyncio.get_running_loop().call_later(_LINGER, self.transport.abort)
            elif not exchange.request.keep_alive:
                self.transport.close()
                return


class Exchange:
    """One request and the answer being written to it."""

    def __init__(self, connection: Connection, request: HttpRequest) -> None:
        self._connection, self.request = connection, request
        self.begun = False

    async def respond(self, status: int, headers: Mapping[str, str], body: bytes) -> None:
        """A whole answer at once."""
        shown = b"" if self.request.method == "HEAD" else body
        await self._connection.write(self._top(status, {**headers, "content-length": str(len(body))}) + shown)

    async def begin(self, status: int, headers: Mapping[str, str]) -> None:
        """The head of a streamed answer; `send` and `end` follow."""
        self.begun = True
        await self._connection.write(self._top(status, {**headers, "transfer-encoding": "chunked"}))

    async def send(self, data: bytes) -> None:
        """One chunk of a streamed answer."""
        await self._connection.write(b"%x\r\n%b\r\n" % (len(data), data) if data else b"")

    async def end(self) -> None:
        """The regular end of a streamed answer."""
        await self._connection.write(b"0\r\n\r\n")

    async def partly(self, status: int, headers: Mapping[str, str], body: bytes) -> None:
        """A head that promises the whole body, and half of it."""
        top = self._top(status, {**headers, "content-length": str(len(body))})
        await self._connection.write(top + body[: len(body) // 2])

    async def stall(self) -> None:
        """Silence until the client leaves."""
        await asyncio.get_running_loop().create_future()

    def cut(self) -> None:
        """Closes the connection in the middle, after what was sent."""
        self._connection.transport.close()

    def reset(self) -> None:
        """Resets the connection; what was not yet delivered is lost."""
        self._connection.reset()

    def _top(self, status: int, headers: Mapping[str, str]) -> bytes:
        try:
            phrase = HTTPStatus(status).phrase
        except ValueError:
            phrase = "Overloaded"
        lines = [f"HTTP/1.1 {status} {phrase}", *(f"{name}: {value}" for name, value in headers.items())]
        if not self.request.keep_alive:
            lines.append("connection: close")
        return ("\r\n".join(lines) + "\r\n\r\n").encode("latin-1", "replace")
