"""An answer as it comes: head, body in chunks, time limits; and what may go wrong below HTTP's statuses.

An answer owns its buffer and its watchdog: one timer that is not moved by bytes but looks, when
it fires, at when the last one came.
"""

from __future__ import annotations

import asyncio
import math
from collections.abc import AsyncIterator, Callable
from typing import Protocol

from codriver.model.value import value

UNREAD_BYTES = 256 * 1024
"""An answer nobody reads stops the socket at this many waiting bytes."""
Taker = Callable[[bytes, bytes], bool]
"""Is shown what just came, and the same as one chunk of HTTP's chunked coding if it came so (else b""); says whether it
took it, else its reader gets it."""

_CLOCK_STEP = 0.001  # uvloop's clock and timers count whole milliseconds


class TransportError(Exception):
    """An exchange failed below HTTP's own statuses; the text is fit for people."""


class BadRequest(TransportError):
    """The request cannot be written as HTTP: a bad address, a line break in a header."""


class ConnectFailed(TransportError):
    """No connection: name, network, refusal, TLS, proxy."""


class ConnectionLost(TransportError):
    """The other side went away before its answer was complete.

    begun: whether any byte of the answer had come; if none had, the request may be sent again.
    """

    def __init__(self, message: str, *, begun: bool) -> None:
        super().__init__(message)
        self.begun = begun


class ProtocolBroken(TransportError):
    """What came is not HTTP/1.1, or breaks our limits."""


class TimedOut(TransportError):
    """A limit of Timeouts was reached: queue, connect, first, between or total, in seconds."""

    def __init__(self, limit: str, seconds: float) -> None:
        super().__init__(f"{_LIMITS[limit]} within {seconds:g} s")
        self.limit, self.seconds = limit, seconds


_LIMITS = {
    "queue": "no connection became free",
    "connect": "no connection",
    "first": "no first byte",
    "between": "no further byte",
    "total": "not finished",
}


@value(frozen=True, slots=True)
class Timeouts:
    """Seconds, each its own limit; math.inf switches one off.

    connect: name, TCP and TLS, or waiting for a free connection. first: from the request sent to
    the first byte of the answer's body. between: between two reads of the body, while we want
    more. total: from the call to the last byte.
    """

    connect: float = 10.0
    first: float = 120.0
    between: float = 60.0
    total: float = 900.0


class Line(Protocol):
    """What an answer may ask of the connection it comes from."""

    def fail(self, error: TransportError) -> None:
        """Ends the exchange and the connection."""
        ...

    def resume(self) -> None:
        """Go on reading: the reader has caught up."""
        ...


class Response:
    """One answer: its head at once, its body as it comes. For one reader."""

    __slots__ = (
        "_body_begun",
        "_error",
        "_headers",
        "_line",
        "_loop",
        "_parts",
        "_seen",
        "_sent",
        "_started",
        "_taker",
        "_timeouts",
        "_timer",
        "_waiter",
        "begun",
        "complete",
        "fields",
        "status",
        "unread",
    )

    def __init__(self, loop: asyncio.AbstractEventLoop, line: Line, timeouts: Timeouts, started: float) -> None:
        self.status = 0
        self.begun = False
        self.complete = False
        self._loop = loop
        self._line: Line | None = line
        self._timeouts = timeouts
        self._started = started
        self._sent = self._seen = self._loop.time()
        self._body_begun = False
        self.fields: list[tuple[bytes, bytes]] = []
        self._headers: dict[str, str] | None = None
        self._parts: list[bytes] = []
        self.unread = 0
        self._error: TransportError | None = None
        self._taker: Taker | None = None
        self._waiter: asyncio.Future[None] | None = None
        self._timer: asyncio.TimerHandle | None = None
        self._watch()

    @property
    def headers(self) -> dict[str, str]:
        """Lower-case names; repeated fields joined with a comma and a blank."""
        if self._headers is None:
            headers: dict[str, str] = {}
            for raw_name, raw_value in self.fields:
                name, value = raw_name.decode("latin-1").lower(), raw_value.decode("latin-1")
                headers[name] = f"{headers[name]}, {value}" if name in headers else value
            self._headers = headers
        return self._headers

    async def more(self, taker: Taker | None = None) -> bytes:
        """Everything that came since the last call, waiting for at least a byte; b"" at the end.

        taker: what comes while this waits is its first; nobody is woken for what it takes. Not shown the last bytes.
        Raises TransportError when the answer is cut or a time limit is reached, after all that
        had come before was given out. Cancelling closes the connection.
        """
        while True:
            if self._parts:
                return self._take()
            if self._error is not None:
                raise self._error
            if self.complete:
                return b""
            self._taker = taker
            try:
                await self._wait()
            finally:
                self._taker = None

    async def chunks(self) -> AsyncIterator[bytes]:
        """The body, one chunk per read of the socket."""
        while chunk := await self.more():
            yield chunk

    async def read(self) -> bytes:
        """The rest of the body."""
        parts = []
        while chunk := await self.more():
            parts.append(chunk)
        return b"".join(parts) if len(parts) != 1 else parts[0]

    def close(self) -> None:
        """Ends the exchange now; an answer that was not complete takes its connection with it."""
        if self._line is not None:
            self._line.fail(ConnectionLost("the answer was left before its end", begun=True))
        self._parts.clear()

    async def aclose(self) -> None:
        """The same; for callers that know answers only by their port."""
        self.close()

    async def head(self) -> None:
        """Waits for status and headers; for the connection's own use."""
        while not self.status:
            if self._error is not None:
                raise self._error
            await self._wait()

    @property
    def passing(self) -> bool:
        """Whether somebody waits who may take what comes; for the connection's own use, as all that follows."""
        return self._taker is not None

    def took(self, data: bytes, framed: bytes) -> bool:
        """The connection read nothing but one chunk: whether it was taken."""
        if self._parts or self._taker is None or not self._taker(data, framed):
            return False
        self._seen = self._loop.time()
        return True

    def holds(self, data: bytes) -> bool:
        """Whether this and nothing else waits to be read."""
        return len(self._parts) == 1 and self._parts[0] == data

    def data(self, data: bytes) -> None:
        """The connection found a piece of the body."""
        self._parts.append(data)
        self.unread += len(data)

    def progress(self) -> bool:
        """The connection has handed over one read: wakes the reader, says whether to go on reading."""
        self._seen = self._loop.time()
        if self._parts and not self._body_begun:
            self._body_begun = True
            self._watch()  # the limit changed from "first" to "between"
        parts = self._parts
        if self._taker is not None and parts and self._taker(parts[0] if len(parts) == 1 else b"".join(parts), b""):
            parts.clear()
            self.unread = 0
            return True
        self._wake()
        return self.unread < UNREAD_BYTES

    def finish(self, error: TransportError | None = None) -> None:
        """The connection is done with this answer, well or not."""
        self._line = None
        self._error = error
        self.complete = error is None
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
        self._wake()

    def _take(self) -> bytes:
        parts = self._parts
        chunk = parts[0] if len(parts) == 1 else b"".join(parts)
        parts.clear()
        if self.unread >= UNREAD_BYTES and self._line is not None:
            self._seen = self._loop.time()
            self._line.resume()
        self.unread = 0
        return chunk

    async def _wait(self) -> None:
        waiter = self._waiter = self._loop.create_future()
        try:
            await waiter
        except BaseException:  # cancelled: nobody reads the rest
            self.close()
            raise
        finally:
            self._waiter = None

    def _wake(self) -> None:
        if self._waiter is not None and not self._waiter.done():
            self._waiter.set_result(None)

    def _watch(self) -> None:
        """Sets the one timer to the nearest limit. Bytes do not move it: it looks when it fires."""
        if self._timer is not None:
            self._timer.cancel()
        due = self._due()[0]
        self._timer = None if due == math.inf else self._loop.call_at(due, self._look)

    def _look(self) -> None:
        now = self._loop.time()
        if self._parts:
            self._seen = now  # it is the reader who is slow
        due, limit, seconds = self._due()
        if now + _CLOCK_STEP < due:
            self._timer = self._loop.call_at(due, self._look)
        elif self._line is not None:
            self._line.fail(TimedOut(limit, seconds))

    def _due(self) -> tuple[float, str, float]:
        limits = self._timeouts
        if self._body_begun:
            due, limit, seconds = self._seen + limits.between, "between", limits.between
        else:
            due, limit, seconds = self._sent + limits.first, "first", limits.first
        end = self._started + limits.total
        return (end, "total", limits.total) if end < due else (due, limit, seconds)
