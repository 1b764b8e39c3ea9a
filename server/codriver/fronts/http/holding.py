"""uvicorn's connection, but for two things.

The head of an answer waits for the answer's first bytes: a write that wakes the reader costs more
than parsing the request did, and a reader woken for a head alone has to be woken again. And a caller
that leaves is told of at once, where ASGI has a message that a task of its own must wait for.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Any

from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

LEAVING = "codriver.leaving"

_HEAD = b"HTTP/1."


class Leaving:
    """Whether the caller has gone, and what to do when he goes."""

    __slots__ = ("gone", "then")

    def __init__(self) -> None:
        self.gone = False
        self.then: Callable[[], None] | None = None

    def happened(self) -> None:
        """The connection is lost."""
        self.gone = True
        if self.then is not None:
            self.then()


class HoldingProtocol(HttpToolsProtocol):
    """To be given to uvicorn as its `http`; puts the connection's `Leaving` into each scope under LEAVING."""

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        super().connection_made(_Holding(transport, self.loop))  # type: ignore[arg-type]
        self._leaving = Leaving()

    def on_message_begin(self) -> None:
        super().on_message_begin()
        self.scope[LEAVING] = self._leaving  # type: ignore[literal-required]

    def on_message_complete(self) -> None:
        super().on_message_complete()
        if not self.pipeline:
            self.flow.resume_reading()  # a long body paused it, and only who reads sees the end

    def connection_lost(self, exc: Exception | None) -> None:
        super().connection_lost(exc)
        self._leaving.happened()


class _Holding:
    """A transport that joins a head with what is written next, at the latest when the loop comes round."""

    def __init__(self, transport: asyncio.Transport, loop: asyncio.AbstractEventLoop) -> None:
        self._transport, self._loop = transport, loop
        self._head = b""
        self.pause_reading = transport.pause_reading
        self.resume_reading = transport.resume_reading
        self.is_closing = transport.is_closing
        self.get_extra_info = transport.get_extra_info

    def write(self, data: bytes) -> None:
        """As of any transport, but for the head of an answer."""
        if self._head:
            head, self._head = self._head, b""
            self._transport.write(head + data)
        elif data.startswith(_HEAD):
            self._head = data
            self._loop.call_soon(self._flush)
        else:
            self._transport.write(data)

    def close(self) -> None:
        """Closes after what was written."""
        self._flush()
        self._transport.close()

    def _flush(self) -> None:
        if self._head:
            head, self._head = self._head, b""
            self._transport.write(head)

    def __getattr__(self, name: str) -> Any:
        return getattr(self._transport, name)
