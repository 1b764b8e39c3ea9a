"""Answers on the responses wire, remembered so that a caller may go on from one by its id, with any provider.

In memory only, bounded in number, bytes and age. What an answer rests on is used with it and outlives
it, so a conversation is forgotten from its end, never from within.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass

COUNT = 5000
BYTES = 64_000_000
AGE = 24 * 3600.0
"""Seconds since last used."""

_OVERHEAD = 600
"""Bytes that an entry costs beside its texts, about."""


@dataclass(frozen=True, slots=True)
class Remembered:
    """One answer. response: its whole JSON. asked: the input items of its own request; said: its output
    items; both as JSON. previous: the id of the answer it went on from, or ""."""

    response: bytes
    asked: tuple[bytes, ...]
    said: tuple[bytes, ...]
    names: tuple[str, ...] = ()
    """Ids of the output items, in their order."""
    previous: str = ""

    @property
    def size(self) -> int:
        return _OVERHEAD + len(self.response) + sum(map(len, self.asked)) + sum(map(len, self.said))


class Responses:
    """The memory. clock: seconds, never going back."""

    def __init__(self, clock: Callable[[], float], *, count: int = COUNT, most: int = BYTES, age: float = AGE) -> None:
        self._clock, self._most_count, self._most_bytes, self._age = clock, count, most, age
        self._held: OrderedDict[str, Remembered] = OrderedDict()
        self._used: dict[str, float] = {}
        self._items: dict[str, bytes] = {}
        self._bytes = 0

    def __len__(self) -> int:
        return len(self._held)

    def keep(self, ident: str, made: Remembered) -> None:
        """Remembers an answer; what it rests on counts as used. One too large for all of the memory is not kept."""
        self.forget(ident)
        if made.size > self._most_bytes:
            return
        self._held[ident] = made
        self._bytes += made.size
        self._items.update(zip(made.names, made.said, strict=False))
        self.chain(ident)
        self._clear()

    def find(self, ident: str) -> Remembered | None:
        """An answer by its id, if it is still known."""
        self._clear()
        return self._held.get(ident)

    def item(self, ident: str) -> bytes | None:
        """An output item by its own id, as JSON."""
        self._clear()
        return self._items.get(ident)

    def chain(self, ident: str) -> list[Remembered] | None:
        """This answer and all it rests on, the first one first; None when any of them is not known any more."""
        self._clear()
        found: list[Remembered] = []
        seen: set[str] = set()
        while ident:
            made = self._held.get(ident)
            if made is None or ident in seen:
                return None
            seen.add(ident)
            self._held.move_to_end(ident)
            self._used[ident] = self._clock()
            found.append(made)
            ident = made.previous
        return found[::-1]

    def forget(self, ident: str) -> bool:
        """Forgets an answer now; whether it was known. What rests on it cannot be gone on from any more."""
        made = self._held.pop(ident, None)
        if made is None:
            return False
        self._bytes -= made.size
        self._used.pop(ident, None)
        for name in made.names:
            self._items.pop(name, None)
        return True

    def _clear(self) -> None:
        """Forgets what is too old, and the longest unused where there is too much."""
        limit = self._clock() - self._age
        while self._held:
            oldest = next(iter(self._held))
            crowded = len(self._held) > self._most_count or self._bytes > self._most_bytes
            if not crowded and self._used.get(oldest, limit) >= limit:
                return
            self.forget(oldest)
