"""Text that comes in many pieces: put together when somebody wants it, and read for its end but once.

A call of 100 KB comes in some 20,000 pieces, interleaved with those of other calls. Whatever looked
at all of it with each of them would do the work of gigabytes.
"""

from __future__ import annotations

import re

from codriver.wire import jsontext

_OUTSIDE = re.compile(r'[\[\]{}"]')
_INSIDE = re.compile(r'["\\]')
_WORDS = frozenset({"null", "true", "false"})
"""Values without an end that could be seen; numbers may always go on."""
_SHORT = 16


class Growing:
    """Text in pieces."""

    __slots__ = ("_pieces", "size")

    def __init__(self) -> None:
        self._pieces: list[str] = []
        self.size = 0
        """Characters so far."""

    def __bool__(self) -> bool:
        return self.size > 0

    def add(self, piece: str) -> None:
        """One more piece, at its end."""
        if piece:
            self._pieces.append(piece)
            self.size += len(piece)

    @property
    def text(self) -> str:
        """All of it."""
        if len(self._pieces) > 1:
            self._pieces = ["".join(self._pieces)]
        return self._pieces[0] if self._pieces else ""

    def rest_of(self, whole: str) -> str:
        """What the whole has behind this; nothing where the two do not fit."""
        return whole[self.size :] if len(whole) > self.size and whole.startswith(self.text) else ""


class GrowingValue(Growing):
    """The text of one JSON value in pieces: tells when it is whole."""

    __slots__ = ("_closed", "_depth", "_escaped", "_fresh", "_quoted", "_sound")

    def __init__(self) -> None:
        super().__init__()
        self._fresh: list[str] = []  # pieces that were not looked at yet
        self._depth = 0
        self._quoted = self._escaped = False
        self._closed = False  # the bracket or quote that opened it was closed
        self._sound: bool | None = None  # what was closed is JSON; None: nobody asked

    def add(self, piece: str) -> None:
        super().add(piece)
        self._fresh.append(piece)

    @property
    def whole(self) -> bool:
        """Whether this is one whole JSON value. All of it is parsed once, when the last bracket has come."""
        for piece in self._fresh:
            self._look(piece)
        self._fresh.clear()
        if not self._closed:
            return self.size < _SHORT and self.text.strip() in _WORDS
        if self._sound is None:
            self._sound = jsontext.complete(self.text)
        return self._sound

    def _look(self, piece: str) -> None:
        if self._closed:
            self._sound = False if piece.strip() else self._sound  # something behind a whole value: none any more
            return
        at = 0
        if self._escaped and piece:
            at, self._escaped = 1, False
        while (found := (_INSIDE if self._quoted else _OUTSIDE).search(piece, at)) is not None:
            at = found.end()
            if found[0] == "\\":
                self._escaped = at == len(piece)
                at += 1
            elif self._met(found[0]):
                self._closed = True
                self._sound = False if piece[at:].strip() else None
                return

    def _met(self, sign: str) -> bool:
        """Takes a quote or a bracket; whether it closes the value."""
        if sign == '"':
            self._quoted = not self._quoted
            return not self._quoted and not self._depth
        self._depth += 1 if sign in "[{" else -1
        return self._depth <= 0
