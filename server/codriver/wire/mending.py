"""Answers that must be changed before anybody sees them: decoders around the wire's own.

Where a token of the text was broken on its way out, it is made whole again as the answer streams. What
a chat model says for a hole is held to its end, because only then can be told what of it is code: until
then nothing was shown, so another model can still take over. And an answer is cut at stop sequences
that its upstream could not be told of.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Iterable, Iterator
from dataclasses import replace

from codriver.model.events import (
    Event,
    Finish,
    Finished,
    Piece,
    ReasoningDelta,
    Started,
    TextDelta,
    ToolDelta,
    Usage,
    UsageSeen,
)
from codriver.model.request import HOLES, Fim, Request
from codriver.wire import cutting, fim
from codriver.wire.codec import Call, Decoder
from codriver.wire.fim import Family
from codriver.wire.stopping import Watch


def mended(decoder: Decoder, request: Request, call: Call, wire: str) -> Decoder:
    """The decoder for this answer: the wire's own where a caller may have what the model says.

    An editor's task (no wire) brings its own prompt and judges the answer itself.
    """
    if call.family:
        decoder = Restoring(decoder, fim.families()[call.family])
    elif request.fim is not None and wire not in HOLES and request.unfold is None:
        decoder = Cutting(decoder, request.fim)
    return Stopping(decoder, call.stop) if call.stop else decoder


class _Around(ABC):
    """A decoder whose events are changed. Its pieces' bytes are nobody's any more."""

    def __init__(self, inner: Decoder) -> None:
        self._inner = inner

    @abstractmethod
    def _changed(self, events: Iterable[Event]) -> tuple[Event, ...]:
        """These events as the caller shall see them, now or later."""

    def feed(self, data: bytes) -> list[Piece]:
        return [self._piece(piece) for piece in self._inner.feed(data)]

    @property
    def over(self) -> bool:
        return self._inner.over

    @property
    def left(self) -> bool:
        return self._inner.left

    def quiet(self, data: bytes) -> int:
        """None: nothing is passed on unread."""
        return 0

    def ordinary(self) -> None:
        """Likewise."""
        return

    def speaking(self, data: bytes) -> bool:
        """Likewise."""
        return False

    def close(self) -> list[Piece]:
        return [self._piece(piece) for piece in self._inner.close()]

    def whole(self, body: bytes) -> tuple[Event, ...]:
        return self._changed(self._inner.whole(body))

    def _piece(self, piece: Piece) -> Piece:
        return Piece(piece.raw, self._changed(piece.events), piece.usage_only)


class Restoring(_Around):
    """Makes broken tokens whole, and ends the text at the first stop that the model itself wrote."""

    def __init__(self, inner: Decoder, family: Family) -> None:
        super().__init__(inner)
        self._family = family
        self._held = ""
        self._ended = False

    def _changed(self, events: Iterable[Event]) -> tuple[Event, ...]:
        changed: list[Event] = []
        for event in events:
            match event:
                case TextDelta():
                    self._held += event.text
                    changed += self._told(len(self._held) - self._open())
                case Finished():
                    changed += self._told(len(self._held))
                    changed.append(Finished(Finish.STOP) if self._ended else event)
                case _:
                    changed.append(event)
        return tuple(changed)

    def _told(self, size: int) -> list[Event]:
        """So much of what is held, as text."""
        ready, self._held = self._held[:size], self._held[size:]
        if self._ended:
            return []
        for found in self._family.written.finditer(ready):
            if found[0] in self._family.stops:
                ready, self._ended = ready[: found.start()], True
                break
        return [TextDelta(text)] if (text := fim.restored(self._family, ready)) else []

    def _open(self) -> int:
        """How many characters at the end of what is held may begin a token, broken or not."""
        for start in range(max(0, len(self._held) - _LONGEST), len(self._held)):
            first, rest = self._held[start], self._held[start + 1 :].lstrip(" ")
            if any(token[0] == first and len(rest) < len(token) - 1 and token[1:].startswith(rest)
                   for token in self._family.tokens):  # fmt: skip
                return len(self._held) - start
        return 0


_LONGEST = 48
"""Characters: the longest token, and the spaces that may stand in it."""


class Cutting(_Around):
    """Holds a chat model's words to their end, then gives the code among them."""

    def __init__(self, inner: Decoder, hole: Fim) -> None:
        super().__init__(inner)
        self._hole = hole
        self._said: list[str] = []

    def _changed(self, events: Iterable[Event]) -> tuple[Event, ...]:
        changed: list[Event] = []
        for event in events:
            match event:
                case TextDelta():
                    self._said.append(event.text)
                case ReasoningDelta():
                    pass  # it would count as content, and no wire with a hole has a place for it
                case Finished():
                    code = cutting.cut(fim.chat_restored("".join(self._said)), self._hole)
                    changed += [TextDelta(code), event] if code else [event]
                case _:
                    changed.append(event)
        return tuple(changed)


class Stopping(_Around):
    """Ends the answer where a stop sequence begins, and leaves the upstream in the middle of what it says."""

    def __init__(self, inner: Decoder, stops: Iterable[str]) -> None:
        super().__init__(inner)
        self._watch = Watch(stops)
        self._stopped = False
        self._told: Usage | None = None
        self._written = 0

    @property
    def over(self) -> bool:
        return self._stopped or self._inner.over

    @property
    def left(self) -> bool:
        return self._stopped or self._inner.left

    def feed(self, data: bytes) -> list[Piece]:
        return [] if self._stopped else super().feed(data)

    def close(self) -> list[Piece]:
        return [] if self._stopped else super().close()

    def whole(self, body: bytes) -> tuple[Event, ...]:
        events = self._inner.whole(body)
        changed = self._changed(events)
        if not self._stopped:
            return changed
        counted = [event for event in events if isinstance(event, UsageSeen)]  # it was all said, and is billed
        return (*changed[:-1], *counted, changed[-1])

    def _changed(self, events: Iterable[Event]) -> tuple[Event, ...]:
        changed: list[Event] = []
        for event in events:
            if self._stopped:
                break
            match event:
                case TextDelta():
                    changed += self._said(event.text)
                case Started() | UsageSeen():
                    self._told = event.usage or self._told
                    changed.append(event)
                case _:
                    changed += [*self._flushed(), event]
                    self._written += len(_added(event))
        return tuple(changed)

    def _said(self, text: str) -> Iterator[Event]:
        shown, stop = self._watch.feed(text)
        self._written += len(shown)
        if shown:
            yield TextDelta(shown)
        if stop:
            self._stopped = True
            if self._told is not None:  # of the beginning: the count at the end will never come
                yield UsageSeen(replace(self._told, output=max(self._told.output, self._written // 4), estimated=True))
            yield Finished(Finish.STOP_SEQUENCE, stop)

    def _flushed(self) -> list[Event]:
        """What is held back, before something else is told: no sequence goes on behind that."""
        rest = self._watch.rest()
        self._written += len(rest)
        return [TextDelta(rest)] if rest else []


def _added(event: Event) -> str:
    match event:
        case ReasoningDelta():
            return event.text
        case ToolDelta():
            return event.arguments
        case _:
            return ""
