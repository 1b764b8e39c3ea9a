"""Answers as lines of JSON: the frames of Ollama's wires, incrementally, no byte lost or changed."""

from __future__ import annotations

from abc import ABC

from codriver.wire.sse import Frame, Parser
from codriver.wire.stream import FrameDecoder

CONTENT_TYPE = "application/x-ndjson"


class Lines(Parser):
    """Feed it what comes, in any cut; it gives the lines that are complete. Blank ones are skipped."""

    def feed(self, data: bytes) -> list[Frame]:
        if b"\n" not in data:
            self._more.append(data)
            return []
        *lines, self._rest = b"".join((self._rest, *self._more, data)).split(b"\n")
        self._more.clear()
        return [Frame(line + b"\n", "", line) for line in lines if line.strip()]

    @property
    def pending(self) -> bool:
        return bool(self._rest or self._more)

    def rest(self) -> Frame | None:
        """A last line without its end, or None."""
        rest, self._rest = b"".join((self._rest, *self._more)), b""
        self._more.clear()
        return Frame(rest, "", rest) if rest.strip() else None


class LinesDecoder(FrameDecoder, ABC):
    """A decoder of such an answer. `loud` words are looked for as in any other."""

    gap = b"\n"

    def __init__(self) -> None:
        super().__init__()
        self._parser = Lines()
