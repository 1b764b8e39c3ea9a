"""One upstream answer being read: bytes -> pieces, counted as they pass.

A relay may pass ordinary content on before it is read (`passing`): then accounting comes after
the bytes, and whatever ends, counts or fails is still read before it is passed on.
"""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator

from codriver.errors import UpstreamFailed
from codriver.model.events import Failed, Piece, Started, TextDelta, ToolDelta, Usage, UsageSeen
from codriver.upstream.client import Answer
from codriver.wire.codec import Decoder

LAST_BYTES = 0.2
"""Seconds an upstream has to end its transfer after its answer ended."""


class Reading:
    """The pieces of one answer, and what was counted in them. For one reader."""

    def __init__(self, answer: Answer, decoder: Decoder) -> None:
        self.begun = False
        """Whether content was seen. Until then frames are read one by one: the first word of a burst goes out first."""
        self.passing = False
        self.usage: Usage | None = None
        """What the provider counted, None until it said something."""
        self.written = 0
        """Characters of text and arguments so far."""
        self._answer = answer
        self._decoder = decoder
        self._behind: list[bytes] = []
        self.pieces = self._pieces()
        """Batches, one for each read from upstream. Raises UpstreamFailed when the answer fails or is cut."""

    async def close(self) -> None:
        """Reads what was passed on unread, then closes the connection at once unless the answer was complete."""
        if self._behind:
            with contextlib.suppress(UpstreamFailed):  # left early: only what was said counts
                self._catch_up()
        await self._answer.aclose()

    async def _pieces(self) -> AsyncIterator[list[Piece]]:
        answer, decoder = self._answer, self._decoder
        if not answer.streamed:
            body = await answer.read()
            yield self._seen([Piece(body, decoder.whole(body))])
            return
        rest = b""
        while chunk := rest or await answer.more():
            rest = b""
            if not self.begun:
                end = chunk.find(b"\n\n") + 2
                if 2 <= end < len(chunk):
                    chunk, rest = chunk[:end], chunk[end:]
            elif self.passing and decoder.quiet(chunk):
                self._behind.append(chunk)
                yield [Piece(chunk, ())]
                continue
            self._catch_up()
            pieces = decoder.feed(chunk)
            if pieces:
                yield self._seen(pieces)
            if decoder.over:
                await _finished(answer)
                return
        self._catch_up()
        pieces = decoder.close()
        if pieces:
            yield self._seen(pieces)

    def _catch_up(self) -> None:
        behind, self._behind = self._behind, []
        for chunk in behind:
            self._seen(self._decoder.feed(chunk))

    def _seen(self, pieces: list[Piece]) -> list[Piece]:
        """Counts what is in these pieces; a failure inside the answer is raised."""
        for piece in pieces:
            for event in piece.events:
                match event:
                    case TextDelta():
                        self.written += len(event.text)
                    case ToolDelta():
                        self.written += len(event.arguments)
                    case UsageSeen():
                        self.usage = event.usage
                    case Started(usage=Usage()):
                        self.usage = event.usage
                    case Failed():
                        raise UpstreamFailed(self._answer.masked(event.failure))
                    case _:
                        pass
        return pieces


async def _finished(answer: Answer) -> None:
    """After the regular end only the transport's own end may come; without it the connection is not kept."""
    with contextlib.suppress(UpstreamFailed, TimeoutError):
        async with asyncio.timeout(LAST_BYTES):
            while await answer.more():
                pass
