"""What every decoder does with frames: skips what is no frame, counts what is broken, ends exactly once.

A format's own decoder gives `read(frame)`: the events of one data frame, or a raised Unreadable.
"""

from __future__ import annotations

from abc import ABC, abstractmethod

from codriver.errors import Failure, Kind
from codriver.model.events import Event, Failed, Finish, Finished, Piece, TextDelta
from codriver.wire import faults
from codriver.wire.sse import Frame, Parser

_MOST_BROKEN = 1
_MOST_BYTES = 32_000_000
_MOST_TOKENS = 1e12
# A frame that cannot be read but names one of these carried a part of the answer, which is now lost.
_CONTENT = (b'"content"', b'"text"', b'"arguments"', b'"partial_json"', b'"tool_calls"', b'"delta"')


class Unreadable(Exception):
    """A frame is not JSON of this wire."""


class FrameDecoder(ABC):
    """A streamed answer being read. After its last event it says nothing more."""

    end: bytes = b""
    """The wire's last frame, for upstreams that forget it."""
    gap: bytes = b"\n\n"
    """What stands between frames."""
    loud: tuple[bytes, ...] = ()
    """What stands in frames that end, count or fail."""
    left = False
    """What a decoder of a wire reads is read to its end."""

    def __init__(self) -> None:
        self._parser = Parser()
        self._broken = 0
        self._pending = 0
        self._finish: Finished | None = None
        self._calls = 0
        self._further: set[int] = set()  # of several answers in one stream, those besides the first that go on
        self._spoke = False
        self._over = False
        self._shape: tuple[bytes, bytes] | None = None

    @abstractmethod
    def read(self, frame: Frame) -> Piece:
        """The meaning of one data frame. Raises Unreadable."""

    @abstractmethod
    def whole(self, body: bytes) -> tuple[Event, ...]:
        """The body of an answer that was not streamed."""

    def feed(self, data: bytes) -> list[Piece]:
        frames = self._parser.feed(data)
        self._pending = 0 if frames else self._pending + len(data)
        if self._pending > _MOST_BYTES:
            return self._fail("the answer has no end of frame in 32 MB")
        return self._pieces(frames)

    @property
    def over(self) -> bool:
        return self._over

    def quiet(self, data: bytes) -> int:
        if self._over or self._parser.pending:
            return 0
        return self._alike(data) or self._without(self.loud, data)

    def ordinary(self) -> tuple[bytes, bytes] | None:
        return None if self._over or self._parser.pending else self._shape

    def speaking(self, data: bytes) -> bool:
        return False

    def _alike(self, data: bytes) -> int:
        """Bytes of frames that differ in nothing but their text from one that was read. Three scans, at some GB/s.

        Where one such frame meets the next stands the same border, which cannot stand inside a text: quotes are
        escaped there. A frame of another kind has line ends and no border.
        """
        if self._shape is None:
            return 0
        before, after = self._shape
        end = data.rfind(after) + len(after)
        if end < len(before) + len(after) or not data.startswith(before):
            return 0
        border = after + before
        frames = data.count(border, 0, end) + 1
        return end if data.count(b"\n", 0, end) == frames * border.count(b"\n") else 0

    def _without(self, words: tuple[bytes, ...], data: bytes) -> int:
        """Bytes of frames before the first that has one of these words."""
        end = len(data)
        for word in words:
            at = data.find(word, 0, end)
            if at >= 0:
                end = at
        last = data.rfind(self.gap, 0, end)
        return last + len(self.gap) if last >= 0 else 0

    def close(self) -> list[Piece]:
        """The stream is over: a last frame without its blank line is read, then it must have finished."""
        rest = self._parser.rest()
        pieces = self._pieces([Frame(rest.raw + b"\n\n", rest.event, rest.data)]) if rest else []
        if self._over:
            return pieces
        if self._finish is not None and not self._further:
            return [*pieces, Piece(self.end, self.finished())]
        if not self._spoke and self._broken:
            return [*pieces, *self._fail("nothing in the answer could be read")]
        return [
            *pieces,
            *self._fail("the answer was cut off before its end" if self._spoke else "the answer was empty"),
        ]

    def finished(self) -> tuple[Event, ...]:
        """The one regular end. The reason follows what was really said."""
        self._over = True
        finish = self._finish or Finished(Finish.STOP)
        if self._calls and finish.reason in (Finish.STOP, Finish.STOP_SEQUENCE):
            finish = Finished(Finish.TOOL_CALLS)
        elif not self._calls and finish.reason is Finish.TOOL_CALLS:
            finish = Finished(Finish.STOP)
        return (finish,)

    def failed(self, error: object) -> tuple[Event, ...]:
        """An error object in the stream; nothing after it counts."""
        self._over = True
        return (Failed(faults.failure(error)),)

    def _pieces(self, frames: list[Frame]) -> list[Piece]:
        pieces: list[Piece] = []
        for frame in frames:
            if self._over:
                break
            if not frame.data:
                if frame.data is not None or frame.raw.lstrip().startswith(b":"):
                    pieces.append(Piece(frame.raw, ()))  # a keep-alive
                continue
            try:
                pieces.append(self.read(frame))
                self._spoke = True
                if self._shape is None:
                    self._shape = _shape(pieces[-1])
            except Unreadable:
                pieces += self._skip(frame.data)
        return pieces

    def _skip(self, data: bytes) -> list[Piece]:
        self._broken += 1
        if any(word in data for word in _CONTENT):
            return self._fail("a part of the answer came broken and is lost")
        if self._broken > _MOST_BROKEN:
            return self._fail("the answer is not in the format that was asked for")
        return []

    def _fail(self, why: str) -> list[Piece]:
        self._over = True
        return [Piece(b"", (Failed(Failure(Kind.BROKEN, f"The provider broke off: {why}")),))]


def _shape(piece: Piece) -> tuple[bytes, bytes] | None:
    """What stands before and after the text in a frame of nothing but text; None for others."""
    match piece.events:
        case (TextDelta(text=text),):
            before, found, after = piece.raw.partition(b'"' + text.encode() + b'"')
            return (before + b'"', b'"' + after) if found else None
    return None


def counted(number: float | None) -> int:
    """How many tokens a provider says: none where it says nothing, less than nothing, or what is no number."""
    return int(number) if number is not None and 0 < number < _MOST_TOKENS else 0


def unreadable(body: bytes) -> tuple[Event, ...]:
    """A whole answer that is no JSON of its wire."""
    kind = "HTML" if body.lstrip()[:1] == b"<" else "not in the format that was asked for" if body.strip() else "empty"
    return (Failed(Failure(Kind.BROKEN, f"The provider's answer is {kind}")),)
