"""What becomes of a suggestion while it is shown, told from the changes of its buffer alone: no editor need tell.

Typed along, taken whole or in part (a word, a line), typed over, or left behind. What editors tell by commands only
confirms it.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from enum import Enum

from codriver.tasks import brackets
from codriver.tasks.changes import Change

SEEN = 0.75
"""Seconds a suggestion must have been there before not taking it says anything: before, nobody has read it."""

_WORDY = re.compile(rb"[\w\x80-\xff]|\n")


class Verdict(Enum):
    """What a change says of the suggestion."""

    ALONG = "typed along"
    PARTLY = "partly taken"
    TAKEN = "taken"
    OVER = "typed over"
    LEFT = "left"
    AWAY = "changed elsewhere"


@dataclass(slots=True)
class Live:
    """A suggestion an editor was given: its text `whole` for the place where `stands` stands now, from byte `start` on.

    since: seconds of the clock when it was first given. got: what of it was taken in parts so far.
    """

    decision: str
    start: int
    whole: bytes
    stands: bytes
    since: float
    got: bytes = b""

    @property
    def end(self) -> int:
        """Where what stands there ends."""
        return self.start + len(self.stands)

    def follow(self, change: Change) -> Verdict:
        """What the next change says of it; after TAKEN, OVER and LEFT it is over."""
        inside = change.at - self.start
        if inside < 0 and inside + len(change.removed) <= 0:
            self.start += change.grown
            return Verdict.AWAY
        if change.at > self.end:
            return Verdict.AWAY
        if inside < 0 or inside + len(change.removed) > len(self.stands):
            return Verdict.LEFT
        self.stands = self.stands[:inside] + change.inserted + self.stands[inside + len(change.removed) :]
        by_hand = len(change.inserted.decode("utf-8", "replace")) <= 1
        if self.stands == self.whole or (not by_hand and self.stands.split() == self.whole.split()):
            return Verdict.TAKEN
        if not self._fits(change.end - self.start):
            return Verdict.OVER if change.inserted else Verdict.LEFT
        if by_hand or not _WORDY.search(change.inserted):
            return Verdict.ALONG
        self.got = self.whole[: change.end - self.start]
        return Verdict.PARTLY

    def _fits(self, cursor: int) -> bool:
        """Whether the suggestion may still be shown with the cursor here."""
        typed, right = self.stands[:cursor], self.stands[cursor:].decode("utf-8", "replace")
        if not self.whole.startswith(typed):
            return False
        rest = self.whole[cursor:].decode("utf-8", "replace")
        return not right or brackets.overlap(rest, right) == len(right)
