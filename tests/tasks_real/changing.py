"""A person who goes on typing while a model thinks: edits of lines, and what must come of both changes.

Every line carries a mark of its own here, so that the right outcome is known without comparing texts.
"""

from __future__ import annotations

import random
from dataclasses import dataclass, field

from codriver.syntax.text import Edit, Text

Line = tuple[int, str]
"""A line's mark (negative for new ones) and text."""


@dataclass
class Typing:
    """A text and everything that was done to it."""

    lines: list[Line]
    text: Text
    trail: list[Edit] = field(default_factory=list)
    new: int = 0

    @classmethod
    def of(cls, data: bytes) -> Typing:
        return cls(list(enumerate(data.decode().split("\n"))), Text(data))

    def once(self, chance: random.Random, near: tuple[int, int], *, whole: bool) -> None:
        """One edit: of any line, or one near some lines. whole: the editor sends the whole text."""
        span = near if chance.random() < 0.4 else (0, len(self.lines) - 1)
        at = min(max(chance.randint(*span), 0), len(self.lines) - 1)
        kind = chance.choice(("type", "insert", "delete", "several"))
        mark, text = self.lines[at]
        if kind == "type":
            self._replace(at, at + 1, [(mark, f"{text} x")], whole)
        elif kind == "insert":
            self._replace(at, at, [self._fresh("typed")], whole)
        elif kind == "several":
            self._replace(at, at, [self._fresh("typed"), self._fresh(""), self._fresh("more")], whole)
        elif len(self.lines) > 2:
            self._replace(at, at + 1, [], whole)

    def _fresh(self, text: str) -> Line:
        self.new -= 1
        return self.new, f"{text} {-self.new}" if text else ""

    def _replace(self, first: int, last: int, new: list[Line], whole: bool) -> None:
        """Lines [first, last) become new ones, as an editor would send it."""
        before = self.text.data
        lines = [*self.lines[:first], *new, *self.lines[last:]]
        after = "\n".join(text for _, text in lines).encode()
        self.lines = lines
        if whole:
            self.trail.append(self.text.apply(None, after.decode()))
            return
        start = 0
        while start < min(len(before), len(after)) and before[start] == after[start]:
            start += 1
        tail = 0
        while tail < min(len(before), len(after)) - start and before[-1 - tail] == after[-1 - tail]:
            tail += 1
        # What an editor sends is where the cursor was: whole lines here, so that like lines are not mistaken.
        begin = sum(len(text.encode()) + 1 for _, text in self._old(before, first))
        end = begin + len(b"".join(line + b"\n" for line in before.split(b"\n")[first:last]))
        inserted = "".join(f"{text}\n" for _, text in new).encode()
        if before[:begin] + inserted + before[end:] == after:
            self.trail.append(self.text.splice(begin, end, inserted))
        else:
            self.trail.append(self.text.splice(start, len(before) - tail, after[start : len(after) - tail]))

    @staticmethod
    def _old(before: bytes, first: int) -> list[Line]:
        return [(n, line.decode()) for n, line in enumerate(before.split(b"\n")[:first])]


def wanted(base: list[Line], new: list[str], place: tuple[int, int], now: list[Line]) -> tuple[bool, str | None]:
    """Whether the lines of the place were left alone, and the text with both changes; None where that is nobody's.

    base: all lines; new: what a model made of the lines [place), one for each (so their marks stay).
    """
    first, last = place
    ours = {base[first + n][0]: text for n, text in enumerate(new)}
    known = dict(base)
    here = [mark for mark, _ in now]
    inside = [mark for mark, _ in base[first:last]]
    at = here.index(inside[0]) if inside[0] in here else -1
    alone = at >= 0 and now[at : at + len(inside)] == base[first:last]
    made: list[str] = []
    for mark, text in now:
        theirs = mark not in known or text != known[mark]
        if mark in ours and ours[mark] != known[mark] and theirs:
            return alone, None
        made.append(text if theirs or mark not in ours else ours[mark])
    gone = [mark for mark in inside if mark not in here and ours[mark] != known[mark]]
    return alone, None if gone else "\n".join(made)
