"""uvicorn's connection, but for three things.

The head of an answer waits for the answer's first bytes: a write that wakes the reader costs more
than parsing the request did, and a reader woken for a head alone has to be woken again. And a caller
that leaves is told of at once, where ASGI has a message that a task of its own must wait for. And what is relayed can
be written from where it was read, without a turn of the event loop.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Any

from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

CALLER = "codriver.caller"

_HEAD = b"HTTP/1."


class Caller:
    """Who is at the other end of a connection: whether he has gone, what to do when he goes, and a short way to him."""

    __slots__ = ("_line", "_out", "gone", "last", "last_at", "then")

    def __init__(self, line: HttpToolsProtocol | None = None, out: _Holding | None = None) -> None:
        self._line, self._out = line, out
        self.gone = False
        self.then: Callable[[], None] | None = None
        self.last, self.last_at = b"", 0.0
        """The part of an answer that was last written, and when, by the loop's clock: for who relays one."""

    def take(self, data: bytes, framed: bytes = b"") -> bool:
        """Writes a part of an answer that is under way and has no length; False, and nothing is written, for all
        others, and while he is slow to read. framed: the same as a chunk, where it came as one."""
        line, out = self._line, self._out
        if line is None or out is None or out.head or line.flow.write_paused:
            return False
        cycle = line.cycle
        if not (cycle.chunked_encoding and cycle.response_started) or cycle.response_complete:
            return False
        out.transport.write(framed or b"%x\r\n%b\r\n" % (len(data), data))
        self.last, self.last_at = data, line.loop.time()
        return True

    def happened(self) -> None:
        """The connection is lost."""
        self.gone, self._line, self._out = True, None, None
        if self.then is not None:
            self.then()


class HoldingProtocol(HttpToolsProtocol):
    """To be given to uvicorn as its `http`; puts the connection's `Caller` into each scope under CALLER."""

    # What is ignored: uvicorn declares a base transport where it uses a whole one, and ASGI's keys as all there are.
    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        # uvloop writes when its tasks rest, and reads once more before; but at once what is beyond this limit.
        transport.set_write_buffer_limits(high=0)
        out = _Holding(transport, self.loop)
        super().connection_made(out)  # type: ignore[arg-type]
        self._caller = Caller(self, out)

    def on_message_begin(self) -> None:
        super().on_message_begin()
        self.scope[CALLER] = self._caller  # type: ignore[literal-required]

    def on_message_complete(self) -> None:
        super().on_message_complete()
        if not self.pipeline:
            self.flow.resume_reading()  # a long body paused it, and only who reads sees the end

    def connection_lost(self, exc: Exception | None) -> None:
        super().connection_lost(exc)
        self._caller.happened()


class _Holding:
    """A transport that joins a head with what is written next, at the latest when the loop comes round."""

    def __init__(self, transport: asyncio.Transport, loop: asyncio.AbstractEventLoop) -> None:
        self.transport, self._loop = transport, loop
        self.head = b""
        """Of an answer, and not yet written."""
        self.pause_reading = transport.pause_reading
        self.resume_reading = transport.resume_reading
        self.is_closing = transport.is_closing
        self.get_extra_info = transport.get_extra_info

    def write(self, data: bytes) -> None:
        """As of any transport, but for the head of an answer."""
        if self.head:
            head, self.head = self.head, b""
            self.transport.write(head + data)
        elif data.startswith(_HEAD):
            self.head = data
            self._loop.call_soon(self._flush)
        else:
            self.transport.write(data)

    def close(self) -> None:
        """Closes after what was written."""
        self._flush()
        self.transport.close()

    def _flush(self) -> None:
        if self.head:
            head, self.head = self.head, b""
            self.transport.write(head)

    def __getattr__(self, name: str) -> Any:
        return getattr(self.transport, name)
