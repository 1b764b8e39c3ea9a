"""How long to wait before a model is asked: until the next key is not to be expected at once.

Learned of each editor from its keys, from how long it waits itself, and from what became of suggestions. Keys that come
faster or slower than hands type say nothing; while nothing is known, nothing waits.
"""

from __future__ import annotations

from collections import deque
from enum import Enum
from math import exp
from statistics import median

FASTEST, SLOWEST = 0.03, 1.0
"""Seconds between two keys of a hand that is typing."""

ENOUGH = 5
"""Keys after which a hand is known."""

FADES = 600.0
"""Seconds in which what became of suggestions loses its say (by a factor of e)."""

OVER, TAKEN = 0.4, -0.22
"""What a suggestion typed over or rejected adds to the logarithm of the wait, and one taken (1.5 and 0.8 times)."""

LONGEST = 0.8
"""Seconds of the longest wait."""


class Spot(Enum):
    """Where the cursor stands, as far as it tells whether another key comes soon."""

    START = "at a line's beginning, or behind something taken"
    WORD = "behind a word that may go on"
    OTHER = "elsewhere"
    CLEARED = "where much was deleted"


class Rhythm:
    """One editor's hands. Times are seconds of one clock."""

    def __init__(self) -> None:
        self._gaps: deque[float] = deque(maxlen=20)
        self._waits: deque[float] = deque(maxlen=15)
        self._last = -SLOWEST
        self._mood, self._moved = 0.0, 0.0

    def key(self, now: float) -> None:
        """A buffer was changed."""
        gap, self._last = now - self._last, now
        if FASTEST <= gap <= SLOWEST:
            self._gaps.append(gap)

    def asked(self, waited: float) -> None:
        """A completion was asked for, so long after the last change: what the editor waits by itself."""
        if waited <= SLOWEST:
            self._waits.append(waited)

    def took(self, now: float) -> None:
        """A suggestion was taken."""
        self._feel(TAKEN, now)

    def went_over(self, now: float) -> None:
        """A suggestion was rejected, or something else typed."""
        self._feel(OVER, now)

    @property
    def own(self) -> float:
        """Seconds the editor usually waits by itself before it asks."""
        return median(self._waits) if self._waits else 0.0

    def delay(self, spot: Spot, waited: float | None, now: float) -> float:
        """Seconds still to wait. waited: since the last change; None where there was none lately."""
        if len(self._gaps) < ENOUGH:
            return 0.0
        gap = median(self._gaps)
        wanted = {
            Spot.START: 0.025,
            Spot.WORD: min(max(2.0 * gap, 0.25), 0.4),
            Spot.OTHER: min(max(0.75 * gap, 0.075), 0.125),
            Spot.CLEARED: 0.4,
        }[spot]
        wanted = min(wanted * exp(self._felt(now)), LONGEST)
        return max(0.0, wanted - (self.own if waited is None else waited))

    def _feel(self, what: float, now: float) -> None:
        self._mood = min(max(self._felt(now) + what, -0.7), 1.4)
        self._moved = now

    def _felt(self, now: float) -> float:
        return self._mood * exp(-max(now - self._moved, 0.0) / FADES)
