"""What somebody is doing in one buffer, told from its changes alone: typing, deleting, undoing, pasting, ...

No editor says so. An undo is known by what it brings back, a paste by its size, several cursors by changes that are
all alike.
"""

from __future__ import annotations

import re
from collections import deque
from collections.abc import Sequence
from dataclasses import replace
from enum import StrEnum

from codriver.model.value import value
from codriver.tasks import changes
from codriver.tasks.changes import Change, Span

PAST = 40
"""Changes of a buffer that are remembered."""

LONGEST = 4_000
"""Bytes of a change's texts that are remembered; longer ones are no edits by hand."""

PLACES = 3
"""Of so many of the last changes the cursor may stand at any: editors add an import after a name was chosen."""

REWRITING = 3
"""Deletions in a row from which somebody clears away to write anew, and does not mend a slip."""

BY_HAND = 24
"""Characters on one line up to which they may have been typed: some editors tell of many keys at once."""

_CHOSEN = re.compile(r"[\w$.:!?-]{1,80}(?:\(\)?|\[\]?|<>?|\{\}?|\"\"|'')?[;,:]?")


class Doing(StrEnum):
    """What the newest change was."""

    NOTHING = "nothing was changed yet"
    TYPED = "typed"
    NEWLINE = "a new line"
    DELETED = "deleted"
    PASTED = "pasted"
    ACCEPTED = "a suggestion was taken"
    UNDONE = "undone"
    MANY = "typed at several cursors"
    OTHER = "changed from elsewhere"


@value(frozen=True, slots=True)
class Past:
    """One change of the past; when: seconds of the clock that told it."""

    change: Change
    doing: Doing
    when: float


class Watch:
    """One buffer as it is being changed. Offsets are those of its newest text."""

    __slots__ = ("_redo", "_stack", "deletions", "doing", "ignored", "past", "places", "put", "when")

    def __init__(self) -> None:
        self.doing = Doing.NOTHING
        self.when = 0.0
        """When it was last changed."""
        self.deletions = 0
        """Deletions in a row."""
        self.past: deque[Past] = deque(maxlen=PAST)
        self.places: deque[tuple[Span, Doing]] = deque(maxlen=PLACES)
        """What the last changes put in, newest first."""
        self.put: Span | None = None
        """A text that was put in whole (pasted, a snippet), while it is being filled in."""
        self.ignored: bool | None = None
        """Whether git ignores its file; None until somebody looked."""
        self._stack, self._redo = list[Change](), list[Change]()

    def changed(self, found: Sequence[Change], now: float) -> None:
        """The changes of one message, merged; one that changes nothing says nothing."""
        if not found:
            return
        self.doing = self._doing(found)
        self.when = now
        self.deletions = self.deletions + 1 if self.doing is Doing.DELETED else 0
        for change in found:
            self.places = deque(((changes.moved(place, change), what) for place, what in self.places), PLACES)
            self.places.appendleft(((change.at, change.end), self.doing))
            self.put = changes.moved(self.put, change) if self.put is not None else None
            self.past.append(Past(_short(change), self.doing, now))
        if self.doing is Doing.PASTED:
            self.put = found[-1].at, found[-1].end
        elif self.put is not None and not self.put[0] <= found[-1].at <= self.put[1]:
            self.put = None

    def accepted(self) -> None:
        """The newest change was a suggestion that was taken."""
        self.doing, self.put = Doing.ACCEPTED, None
        if self.places:
            self.places[0] = self.places[0][0], Doing.ACCEPTED

    def at(self, cursor: int) -> Doing | None:
        """What was done where the cursor stands, by the last changes; None when they were elsewhere."""
        return next((what for (start, end), what in self.places if start <= cursor <= end), None)

    def _doing(self, found: Sequence[Change]) -> Doing:
        if len(found) > 1:
            self._stack, self._redo = [], []
            first = found[0]
            alike = all((c.inserted, len(c.removed)) == (first.inserted, len(first.removed)) for c in found)
            return Doing.MANY if alike else Doing.OTHER
        [change] = found
        if self._restores(change):
            return Doing.UNDONE
        self._stack.append(_short(change))
        del self._stack[:-PAST]
        self._redo = []
        return _put_in(change) if change.inserted else Doing.DELETED

    def _restores(self, change: Change) -> bool:
        """Whether it takes back the last changes, or one that was taken back; a backspace is none."""
        if self._redo and change == self._redo[-1]:
            self._stack.append(self._redo.pop())
            return True
        if not change.removed and not (self._stack and self._stack[-1].removed):
            return False  # mere typing
        if not change.inserted and _letters(change.removed) == 1:
            return False
        inverse = Change(change.at, change.inserted, change.removed)
        done: list[Change] = []
        for count, older in enumerate(reversed(self._stack), start=1):
            done = changes.merged([older, *done])
            if done == [inverse]:
                del self._stack[-count:]
                self._redo.append(inverse)
                return True
            if len(done) != 1:
                return False
        return False


def _put_in(change: Change) -> Doing:
    """Typed, chosen from a menu, or put in whole."""
    new = change.inserted
    if not new.strip():
        return Doing.NEWLINE if b"\n" in new or b"\r" in new else Doing.TYPED
    if b"\n" not in new and _letters(new) <= BY_HAND:
        return Doing.TYPED
    return Doing.TYPED if _CHOSEN.fullmatch(new.decode("utf-8", "replace")) else Doing.PASTED


def _letters(data: bytes) -> int:
    return len(data.decode("utf-8", "replace"))


def _short(change: Change) -> Change:
    if max(len(change.removed), len(change.inserted)) <= LONGEST:
        return change
    return replace(change, removed=change.removed[:LONGEST], inserted=change.inserted[:LONGEST])
