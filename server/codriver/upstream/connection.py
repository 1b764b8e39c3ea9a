"""One HTTP/1.1 connection: one exchange at a time, bytes in, an answer out.

It is free for the next exchange as soon as the last byte of an answer has arrived, even while
somebody still reads what it brought.
"""

from __future__ import annotations

import asyncio
import socket
from collections.abc import Callable
from typing import cast

from httptools import HttpParserError, HttpParserUpgrade, HttpResponseParser

from codriver.upstream.response import (
    UNREAD_BYTES,
    ConnectionLost,
    ProtocolBroken,
    Response,
    Timeouts,
    TransportError,
)

HEAD_BYTES = 64 * 1024
"""Longest accepted head of an answer, interim answers included."""
HEAD_FIELDS = 256
_ONE_WRITE = 64 * 1024


class Connection(asyncio.Protocol):
    """One socket. Its owner is told when it is free again and when it is gone."""

    def __init__(
        self,
        loop: asyncio.AbstractEventLoop,
        freed: Callable[[Connection], None],
        gone: Callable[[Connection], None],
    ) -> None:
        self.loop = loop
        self.used = False
        self.idle_since = 0.0
        self._freed, self._gone = freed, gone
        self._transport: asyncio.Transport | None = None
        self._parser = HttpResponseParser(self)
        self._answer: Response | None = None
        self._head_bytes = 0
        self._head_only = False
        self._interim = False
        self._ended = False
        self._keep = False
        self._between = False
        """Whether the parser surely stands between two chunks of an answer's body."""
        self._trouble = ""

    @property
    def usable(self) -> bool:
        """Whether a request may be written to it."""
        return self._transport is not None and not self._transport.is_closing()

    async def exchange(
        self, head: bytes, body: bytes, timeouts: Timeouts, started: float, *, head_only: bool = False
    ) -> Response:
        """Sends one request and waits for the answer's head. Raises TransportError."""
        assert self._transport is not None and self._answer is None
        self._head_bytes, self._head_only, self._ended, self._keep = 0, head_only, False, False
        self._between = False
        answer = self._answer = Response(self.loop, self, timeouts, started)
        if len(body) < _ONE_WRITE:
            self._transport.write(head + body)
        else:
            self._transport.write(head)
            self._transport.write(body)
        await answer.head()
        return answer

    def abort(self) -> None:
        """Closes the socket at once, whatever is under way."""
        if self._transport is not None:
            self._transport.abort()

    def fail(self, error: TransportError) -> None:
        """Ends the exchange with an error, and the connection with it."""
        answer, self._answer = self._answer, None
        if answer is not None:
            answer.finish(error)
        self.abort()

    def resume(self) -> None:
        """The reader has caught up."""
        if self._transport is not None and not self._transport.is_closing():
            self._transport.resume_reading()

    # What the event loop calls.

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast(asyncio.Transport, transport)  # a stream's is one, which the signature cannot say
        sock = transport.get_extra_info("socket")
        # Without NODELAY tokens wait for Nagle; with KEEPALIVE a vanished peer is found out in the end.
        sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1)

    def data_received(self, data: bytes) -> None:
        answer = self._answer
        if answer is None:
            self.abort()  # nobody asked for anything
            return
        chunk = _chunk(data) if answer.passing else b""
        if chunk and self._between and answer.took(chunk, data):
            return  # as it came: the parser has nothing to find in it, and misses nothing
        answer.begun = True
        try:
            self._parser.feed_data(data)
        except (HttpParserError, HttpParserUpgrade) as error:
            self._trouble = self._trouble or f"the answer is not HTTP/1.1 ({error})"
        self._between = bool(chunk) and answer.holds(chunk)
        if self._ended:
            self._finish(answer)
        elif self._trouble:
            self.fail(ProtocolBroken(self._trouble))
        elif not answer.status:
            self._head_bytes += len(data)
            if self._head_bytes > HEAD_BYTES:
                self.fail(ProtocolBroken(f"the answer's headers are longer than {HEAD_BYTES // 1024} KiB"))
        elif not answer.progress():
            assert self._transport is not None
            self._transport.pause_reading()

    def connection_lost(self, exc: Exception | None) -> None:
        answer, self._answer = self._answer, None
        if answer is not None:
            if exc is None and answer.status and _ends_with_connection(answer.headers):
                answer.finish()
            elif answer.begun:
                answer.finish(ConnectionLost("the connection was cut in the middle of the answer", begun=True))
            else:
                answer.finish(ConnectionLost("the connection was closed without an answer", begun=False))
        del self._parser  # it holds us by our methods
        self._gone(self)

    def _finish(self, answer: Response) -> None:
        transport = self._transport
        assert transport is not None
        self._answer = None
        answer.finish()
        if answer.unread >= UNREAD_BYTES:
            transport.resume_reading()  # the answer is whole; the pause was for its reader only
        # A body still on its way (the server answered early) would run into the next request.
        if self._keep and not self._trouble and not transport.get_write_buffer_size() and self.usable:
            self._freed(self)
        else:
            transport.abort()

    # What the parser calls. An exception in here would only surface as a parser error.

    def on_message_begin(self) -> None:
        if self._ended:
            self._trouble = "bytes after the end of the answer"
        self._interim = False

    def on_header(self, name: bytes, value: bytes) -> None:
        answer = self._answer
        if answer is None or answer.status:
            return  # trailers
        if len(answer.fields) >= HEAD_FIELDS:
            self._trouble = f"the answer has more than {HEAD_FIELDS} header fields"
        else:
            answer.fields.append((name, value))

    def on_headers_complete(self) -> None:
        answer = self._answer
        if answer is None or self._ended:
            return
        status = self._parser.get_status_code()
        if 100 <= status < 200:
            self._interim = True
            answer.fields.clear()
            if status == 101:
                self._trouble = "the server switched protocols unasked"
            return
        answer.status = status
        if self._head_only:
            self._ended = True  # the parser waits for a body that never comes: not used again

    def on_body(self, data: bytes) -> None:
        if self._answer is not None and not self._ended:
            self._answer.data(data)

    def on_message_complete(self) -> None:
        if not self._interim and not self._ended:
            self._ended = True
            self._keep = self._parser.should_keep_alive()


def _chunk(data: bytes) -> bytes:
    """What these bytes hold if they look like one whole chunk and nothing else (RFC 9112 7.1); b"" for all others."""
    size = len(data) - data.find(b"\r\n") - 4
    return data[-size - 2 : -2] if size > 0 and data.startswith(b"%x\r\n" % size) and data.endswith(b"\r\n") else b""


def _ends_with_connection(headers: dict[str, str]) -> bool:
    """RFC 9112 6.3: neither length nor chunks, so the body ends where the connection does."""
    if "transfer-encoding" in headers:
        return not headers["transfer-encoding"].lower().rstrip().endswith("chunked")
    return "content-length" not in headers
