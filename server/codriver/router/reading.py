"""One upstream answer being read: bytes -> pieces, counted as they pass.

A relay passes ordinary content on unread: only what ends, counts, fails, calls or thinks is decoded
there, and the rest is weighed by its bytes.
"""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Callable
from dataclasses import replace
from typing import Protocol

from codriver.errors import UpstreamFailed
from codriver.model.events import (
    Event,
    Failed,
    Finished,
    Piece,
    ReasoningDelta,
    Started,
    TextDelta,
    ToolDelta,
    ToolStart,
    Usage,
    UsageSeen,
)
from codriver.upstream.client import Answer
from codriver.upstream.response import Taker
from codriver.wire.codec import Decoder

LAST_BYTES = 0.2
"""Seconds an upstream has to end its transfer after its answer ended."""

FIRST_FRAMES = 2
"""Frames of a burst that are read before its first word goes out: a stream opens with one that says nothing."""


class Sink(Protocol):
    """Where a relay goes."""

    async def write(self, data: bytes) -> None:
        """Takes data, waiting for a slow caller."""
        ...

    def short(self) -> Taker | None:
        """What takes data at once, or says that it has to be written in its turn; None where there is no such way."""
        ...


class Reading:
    """The pieces of one answer, and what was counted in them. For one reader.

    watch: is told of thinking and calls before anybody else sees them.
    """

    def __init__(self, answer: Answer, decoder: Decoder, watch: Callable[[Event], None] | None = None) -> None:
        self._watch = watch
        self.begun = False
        """Whether content was seen. Until then few frames are read at once: a burst's first word goes out first."""
        self.written = 0
        """Characters of thinking, text and arguments so far; of what was passed on unread, about."""
        self._told: Usage | None = None
        self._ended = False
        self._answer = answer
        self._decoder = decoder
        self._rest = b""
        self._opening = b""  # the first words, while they may go out unread
        self._over = False
        self._frame, self._lines = 0, 1  # bytes of a frame around its text, and its line ends, as in one that was read

    @property
    def usage(self) -> Usage | None:
        """What the provider counted, None until it said something.

        Of an answer that was left before its end it counted the beginning: then at least what was written.
        """
        told = self._told
        if told is None or self._ended or told.output >= self.written // 4:
            return told
        return replace(told, output=self.written // 4, estimated=True)

    @property
    def over(self) -> bool:
        """Whether all of the answer was read."""
        return self._over

    async def opens(self) -> bool:
        """Whether the answer begins with words that may go out before they are read (Decoder.speaking); what follows
        has them first. Raises UpstreamFailed when nothing comes."""
        if not self._answer.streamed:
            return False
        chunk = await self._chunk()
        self.begun = bool(chunk) and self._decoder.speaking(chunk)
        if self.begun:
            self._opening = chunk
        else:
            self._rest = chunk + self._rest
        return self.begun

    async def batch(self) -> list[Piece]:
        """The next pieces, of one read from upstream; [] at the end. Raises UpstreamFailed when it fails or is cut."""
        if not self._answer.streamed:
            return await self._whole()
        while not self._over:
            chunk, self._opening = self._opening or await self._chunk(), b""
            pieces = self._seen(self._decoder.feed(chunk) if chunk else self._decoder.close())
            self._over = not chunk or self._decoder.over
            if pieces:
                return pieces
        if self._decoder.over and not (self._answer.complete or self._decoder.left):
            await self._finish()
        return []

    async def relay(self, sink: Sink, *, counts: bool, held: bytes = b"") -> bytes:
        """Passes `held` and the rest on as it comes; returns what came with the end, for the caller to pass on.

        The first word goes out before anything else is done; what lies here then, in one write; then each read as it
        is made, without a turn of the loop in between. counts: whether frames that hold nothing but counts go on as
        well. Raises UpstreamFailed as `batch` does; the failing frame and what came behind it is not passed on.
        """
        decoder = self._decoder
        data = b""
        if held:
            await sink.write(held)
        if self._opening:
            opening, self._opening = self._opening, b""
            await sink.write(opening)
            self._seen(decoder.feed(opening))
        try:
            while not self._over:
                if data and not self._rest:
                    ready, data = data, b""
                    await sink.write(ready)
                chunk = await self._chunk(self._passing(sink) if self.begun else None)
                if self.begun and (unread := decoder.quiet(chunk)):
                    self.written += max(0, unread - chunk.count(b"\n", 0, unread) * self._frame // self._lines)
                    if unread == len(chunk):
                        data += chunk
                        continue
                    data += chunk[:unread]
                    chunk = chunk[unread:]
                pieces = self._seen(decoder.feed(chunk) if chunk else decoder.close())
                self._over = not chunk or decoder.over
                data += b"".join([piece.raw for piece in pieces if counts or not piece.usage_only])
        except UpstreamFailed:
            if data:
                await sink.write(data)
            raise
        if decoder.over and not self._answer.complete:
            if data:
                await sink.write(data)
            await self._finish()
            return b""
        return data

    def _passing(self, sink: Sink) -> Taker | None:
        """Passes on what comes while a relay waits: one frame, of nothing but text. All others wake the relay.

        A model speaks word by word, so this is what is done most in all of the product.
        """
        ordinary, take = self._decoder.ordinary(), sink.short()
        if ordinary is None or take is None:
            return None
        before, after = ordinary
        around, lines = len(before) + len(after), (before + after).count(b"\n")

        def passed(chunk: bytes, framed: bytes) -> bool:
            text = len(chunk) - around
            if text < 0 or not (chunk.startswith(before) and chunk.endswith(after) and chunk.count(b"\n") == lines):
                return False
            if not take(chunk, framed):
                return False
            self.written += text
            return True

        return passed

    async def close(self) -> None:
        """Closes the connection at once unless the answer was complete."""
        await self._answer.aclose()

    async def _whole(self) -> list[Piece]:
        if self._over:
            return []
        self._over = True
        body = await self._answer.read()
        return self._seen([Piece(body, self._decoder.whole(body))])

    async def _chunk(self, taker: Taker | None = None) -> bytes:
        chunk = self._rest or await self._answer.more(taker)
        self._rest = b""
        if not self.begun:
            end = _frames_end(chunk)
            if end:
                chunk, self._rest = chunk[:end], chunk[end:]
        return chunk

    def _seen(self, pieces: list[Piece]) -> list[Piece]:
        """Counts what is in these pieces; a failure inside the answer is raised."""
        for piece in pieces:
            for event in piece.events:
                match event:
                    case TextDelta():
                        self.written += len(event.text)
                        self._frame, self._lines = len(piece.raw) - len(event.text), piece.raw.count(b"\n") or 1
                    case ToolDelta():
                        self.written += len(event.arguments)
                    case ReasoningDelta() | ToolStart():
                        self.written += len(event.text) if isinstance(event, ReasoningDelta) else 0
                        if self._watch is not None:
                            self._watch(event)
                    case UsageSeen():
                        self._told = event.usage
                    case Started(usage=Usage()):
                        self._told = event.usage
                    case Finished():
                        self._ended = True
                    case Failed():
                        raise UpstreamFailed(self._answer.masked(event.failure))
                    case _:
                        pass
        return pieces

    async def _finish(self) -> None:
        """After the regular end only the transport's own end may come; without it the connection is not kept."""
        with contextlib.suppress(UpstreamFailed, TimeoutError):
            async with asyncio.timeout(LAST_BYTES):
                while await self._answer.more():
                    pass


def _frames_end(chunk: bytes) -> int:
    """Where the first frames of a burst end; 0 when nothing comes after them."""
    end = 0
    for _ in range(FIRST_FRAMES):
        end = chunk.find(b"\n\n", end) + 2
        if end < 2:
            return 0
    return end if end < len(chunk) else 0
