"""Answers of models that are under way. They outlive their question by a moment: whoever types on meanwhile is answered
by what is just being said, if it is what he types, and nobody is asked again.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine
from dataclasses import dataclass
from typing import Any

from codriver.model.request import Snapshot
from codriver.tasks.suggestion import Suggestion

LINGER = 0.15
"""Seconds for which an answer is waited for when nobody asks for it any more: the next key's question is near."""

PATIENCE = 0.3
"""Seconds that a newer question waits for an answer to an older one."""

AHEAD = 40
"""Bytes typed since the question, at most."""

AGAIN, LONGEST = 0.25, 0.75
"""Seconds that asking again on a line waits for each answer there that was not what was typed, and at most."""

Key = tuple[int, str]
Asking = Callable[[], Coroutine[Any, Any, Suggestion | None]]


@dataclass(slots=True)
class _Flight:
    snapshot: Snapshot
    task: asyncio.Task[Suggestion | None]
    waiting: int = 0


class Flights:
    """The newest answer under way for each buffer of each editor, and how many there were on the cursor's line."""

    def __init__(self) -> None:
        self._flights: dict[Key, _Flight] = {}
        self._lines: dict[Key, tuple[int, int]] = {}

    async def joined(self, owner: int, snapshot: Snapshot) -> bool:
        """Waits for the answer under way for a text that was only typed on since; whether one came.

        An answer for any other text is given up.
        """
        key = owner, snapshot.uri
        flight = self._flights.get(key)
        if flight is None:
            return False
        if not _typed_on(flight.snapshot, snapshot):
            self._drop(key)
            return False
        flight.waiting += 1
        try:
            await asyncio.wait([flight.task], timeout=PATIENCE)
        finally:
            self._leave(flight)
        return flight.task.done()

    async def fly(self, owner: int, snapshot: Snapshot, ask: Asking) -> Suggestion | None:
        """Asks, in the place of whatever was under way for this buffer. Raises what asking raises."""
        key = owner, snapshot.uri
        self._drop(key)
        line = _line(snapshot)
        self._lines[key] = line, self._answers(key, line) + 1
        flight = self._flights[key] = _Flight(snapshot, asyncio.ensure_future(ask()), 1)
        flight.task.add_done_callback(lambda task: self._landed(key, task))
        try:
            return await asyncio.shield(flight.task)
        finally:
            self._leave(flight)

    def wait(self, owner: int, snapshot: Snapshot) -> float:
        """Seconds to wait before asking again, on a line on which what models said was not what was typed."""
        return min(AGAIN * self._answers((owner, snapshot.uri), _line(snapshot)), LONGEST)

    def closed(self, owner: int, uri: str) -> None:
        """A buffer was closed."""
        self._drop((owner, uri))
        self._lines.pop((owner, uri), None)

    def left(self, owner: int) -> None:
        """An editor has gone."""
        for key in [key for key in {*self._flights, *self._lines} if key[0] == owner]:
            self.closed(*key)

    def _answers(self, key: Key, line: int) -> int:
        known, count = self._lines.get(key, (-1, 0))
        return count if known == line else 0

    def _leave(self, flight: _Flight) -> None:
        flight.waiting -= 1
        if not flight.waiting and not flight.task.done():
            asyncio.get_running_loop().call_later(LINGER, _unwanted, flight)

    def _drop(self, key: Key) -> None:
        flight = self._flights.pop(key, None)
        if flight is not None:
            flight.task.cancel()

    def _landed(self, key: Key, task: asyncio.Task[Suggestion | None]) -> None:
        if not task.cancelled():
            task.exception()  # told to whoever waits; nobody may
        if key in self._flights and self._flights[key].task is task:
            del self._flights[key]


def _unwanted(flight: _Flight) -> None:
    """A moment later: given up, unless somebody asked for it meanwhile."""
    if not flight.waiting:
        flight.task.cancel()


def _typed_on(old: Snapshot, new: Snapshot) -> bool:
    """Whether the new text is the old one with some more typed at its cursor."""
    was, now = old.cursor or 0, new.cursor or 0
    more = len(new.text) - len(old.text)
    if not 0 <= now - was <= min(more, AHEAD):
        return False
    return new.text.startswith(old.text[:was]) and new.text.endswith(old.text[was:])


def _line(snapshot: Snapshot) -> int:
    """Where the cursor's line begins."""
    return snapshot.text.rfind(b"\n", 0, snapshot.cursor or 0) + 1
