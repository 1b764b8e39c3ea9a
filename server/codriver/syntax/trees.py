"""Trees of one text: parsed in slices, bounded in time, and the last good one kept.

Typing breaks code all the time. The newest tree says what is wrong; when it fell apart (an unclosed
quote turns the rest of a file into an error), the last whole one, moved along by every edit, still says
what function this is. Long texts are read whole only in slices, when there is time; until then a window
around the place asked is read (windows.py), and texts over a size are never seen but through windows.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

from tree_sitter import Language as Grammar
from tree_sitter import Parser, Tree

from codriver.syntax import windows
from codriver.syntax.parse import Parse, edit_of, followed, move
from codriver.syntax.parsing import PATIENCE, PER_BYTE, attempt, count_faults, parser, patient, wreckage
from codriver.syntax.text import Edit
from codriver.syntax.windows import WINDOW

WHOLE = 300_000
"""Bytes up to which a text is parsed whole: about 45 ms, in slices, and 13 MB of tree."""
EAGER = 10_000
"""Bytes up to which a stale tree is renewed when somebody asks. Some grammars (Python's) read half of a text again
for one letter in its middle: 1 ms."""
NEAR = 6_000
"""Bytes of a window cut along a tree."""
KEPT = 3
"""Windows that follow the text: around the cursor, at the head, and one more."""
TRIAL = 8_000
"""Bytes around an insertion that are parsed to judge it."""
CLOSE, BEHIND, ROOM = 1_500, 400, 200
"""Bytes of the window in which a candidate is read first: in all, behind the place, and that must be seen on each side.
Of some languages all that stands behind an edit is read again."""
LATE = 50
"""Edits after which windows are moved along though nobody asks for them."""
SLICE = 4_000
"""Microseconds of one slice of reading."""
OVERLOOKED = 10 * SLICE
"""Microseconds from which a slice did not heed its time, as only garbage makes it: it counts GARBAGE times."""
GARBAGE = 4
RESTED = 20
"""Edits after a parse that was given up, before it is tried again."""
STALE = 100
"""Parses after which a broken tree is taken for the new normal."""


@dataclass(slots=True)
class _Reading:
    """A whole parse on its way: of the text at its start, with the edits that came since."""

    parser: Parser
    data: bytes
    old: Tree | None
    edits: list[Edit] = field(default_factory=list)
    slices: int = 0
    spent: int = 0


class Trees:
    """The trees of one buffer. `edit` keeps them in step with the text, `parse` and `step` renew them."""

    def __init__(
        self,
        grammar: Grammar,
        data: bytes,
        limit: int = WHOLE,
        marks: tuple[str, str] = ("", ""),
        afresh: bool = False,
        clock: Callable[[], float] | None = None,
    ) -> None:
        """marks: what opens and closes code in a text that is something else outside of them (PHP).

        afresh: whether a short text with errors is read from its beginning: with some grammars an edited tree keeps an
        error that is no more, once in some thousand edits.
        clock: seconds of the processor this thread has used; without one the time of slices is guessed by their number.
        """
        self._clock, self._afresh = clock, afresh
        self._grammar, self._parser = grammar, parser(grammar)
        self._marks = marks[0].encode(), marks[1].encode()
        self._data, self._limit = data, limit
        self._tree: Tree | None = None
        self._good: Tree | None = None
        self._wreckage = 0
        self._age = 0
        self._dirty = True
        self._rest = 0
        self._reading: _Reading | None = None
        self._windows: list[Parse] = []
        """The last used first."""
        self._close: Parse | None = None
        """A small window that follows the text, in which candidates are read."""
        self._behind, self._size = list[Edit](), 0
        """Edits that the windows were not yet moved along with, and how long the text was before them."""
        self._trials: dict[tuple[int, int], Parse | None] = {}
        self._tried: tuple[tuple[bytes, int, int], Parse | None] | None = None

    @property
    def data(self) -> bytes:
        """The text."""
        return self._data

    @property
    def whole(self) -> bool:
        """False when the text is too long: then only windows of it are seen."""
        return len(self._data) <= self._limit

    @property
    def dirty(self) -> bool:
        return self._dirty

    @property
    def unread(self) -> bool:
        """Whether the text is too long to be parsed when somebody asks, and was not parsed whole yet."""
        return self._tree is None and EAGER < len(self._data) <= self._limit and not self._rest

    @property
    def held(self) -> int:
        """Bytes of text that a whole tree is kept of; a tree takes some 40 times as much."""
        return len(self._data) if self._tree is not None or self._reading is not None else 0

    def drop(self) -> None:
        """Forgets all trees; asking makes them again."""
        self._tree = self._good = self._reading = None
        self._dirty, self._wreckage, self._age = True, 0, 0
        self._windows.clear()
        self._close = None
        self._behind = []
        self._trials.clear()
        self._tried = None

    def edit(self, edits: Sequence[Edit], data: bytes) -> None:
        """The text became `data` by these edits, each in the coordinates the ones before it left."""
        if any(edit.start_byte == 0 and edit.old_end_byte >= len(self._data) for edit in edits):
            self.drop()
            self._rest = 0
        for tree in [self._tree] if self._good is self._tree else [self._tree, self._good]:
            if tree is not None:
                for edit in edits:
                    move(tree, edit)
        if self._reading is not None:
            self._reading.edits += edits
        if not self._behind:
            self._size = len(self._data)
        self._behind += edits
        self._data, self._dirty = data, True
        self._trials.clear()
        self._tried = None
        self._rest = max(self._rest - 1, 0)
        if len(self._behind) > LATE:
            self._follow()

    def _follow(self) -> None:
        """Moves the windows along with the edits since they were asked last."""
        if not self._behind:
            return
        edits, self._behind = self._behind, []
        moved = (followed(seen, edits, self._size, self._data) for seen in self._windows)
        self._windows = [seen for seen in moved if seen is not None]
        self._close = followed(self._close, edits, self._size, self._data) if self._close is not None else None

    def parse(self) -> None:
        """Brings the newest tree up to date, if the text is short enough to be parsed whole."""
        while (self._reading is not None or len(self._data) > EAGER) and not self.step():
            pass
        if self._dirty and self.whole and not self._rest:
            tree = attempt(self._parser, self._data, self._tree)
            if self._afresh and self._tree is not None and tree is not None and tree.root_node.has_error:
                tree = attempt(self._parser, self._data)
            self._take(tree)

    def step(self) -> bool:
        """Goes on bringing the newest tree up to date for about SLICE; True when there is nothing left to do."""
        if not self._dirty or not self.whole or self._rest:
            self._reading = None
            return True
        if self._reading is None:
            if len(self._data) <= EAGER:
                self.parse()
                return True
            old = self._tree.copy() if self._tree is not None else None
            self._reading = _Reading(patient(self._grammar, SLICE), self._data, old)
        reading, began = self._reading, self._clock() if self._clock else 0.0
        try:
            tree = (
                reading.parser.parse(reading.data, reading.old) if reading.old else reading.parser.parse(reading.data)
            )
        except ValueError:  # out of this slice's time: the next call goes on where this one stopped
            reading.slices += 1
            reading.spent += self._lasted(reading, began)
            if reading.spent >= PATIENCE + len(reading.data) * PER_BYTE:
                self._take(None)
            return not self._dirty or self._rest > 0
        for edit in reading.edits:
            move(tree, edit)
        self._take(tree, moved=bool(reading.edits))
        return not self._dirty

    def _lasted(self, reading: _Reading, began: float) -> int:
        """Microseconds a slice counts for. Garbage makes a parser overlook its time: slices take 40 times as long."""
        if self._clock is None:
            return SLICE * (1 + reading.slices // 10)
        lasted = int((self._clock() - began) * 1_000_000)
        return lasted * GARBAGE if lasted > OVERLOOKED else max(lasted, SLICE)

    def _take(self, tree: Tree | None, *, moved: bool = False) -> None:
        """The outcome of a whole parse: moved when the text was edited since it began."""
        self._reading = None
        if tree is None:
            self._rest = RESTED
            return
        self._tree, self._dirty = tree, moved
        broken, self._age = wreckage(tree.root_node), self._age + 1
        if self._good is None or broken <= self._wreckage + 300 or self._age > STALE:
            self._good, self._wreckage, self._age = tree, broken, 0
        if not moved:
            self._follow()
            self._windows.clear()

    def newest(self, offset: int | None = None) -> Parse | None:
        """The newest tree that covers this byte, or the whole text. None when it cannot be parsed in time.

        A long text that was edited since it was read whole is seen through a window around the byte.
        """
        if self._dirty and len(self._data) <= EAGER:
            self.parse()
        if self._tree is not None and self.whole and (not self._dirty or offset is None or self._rest):
            return Parse(self._tree, self._data)
        return self._around(offset or 0)

    def good(self, offset: int | None = None) -> Parse | None:
        """The last tree that had not fallen apart; its names are read from today's text."""
        newest = self.newest(offset)
        if self._good is None or not self.whole:
            return newest
        if newest is not None and newest.window is not None and wreckage(newest.root) <= self._wreckage + 300:
            return newest
        return Parse(self._good, self._data)

    def remembered(self) -> Parse | None:
        """The last good tree of the whole text; a long one is moved along but not renewed. None when there is none."""
        if self._dirty and len(self._data) <= EAGER:
            self.parse()
        return Parse(self._good, self._data) if self._good is not None and self.whole else None

    def errors_with(self, insert: bytes, start: int, end: int, unknown: tuple[int, int] = (0, 0)) -> tuple[int, int]:
        """Errors before and after bytes [start, end) would become `insert`.

        Counted in TRIAL bytes around the place, cut along a tree of the whole where there is one; in
        shorter texts in all of it. `unknown` for what cannot be parsed in time.
        """
        before, after = self.tried(insert, start, end)
        if before is None or after is None:
            return unknown
        # A window leaves out what stands before it: there, such a line can only be read behind the text's start.
        late = start > 0 and _begins_for_system(after) and not _begins_for_system(before)
        return count_faults(before.root), count_faults(after.root) + late

    def parses_with(self, insert: bytes, start: int, end: int) -> bool:
        """Whether nothing near the place is an error when bytes [start, end) become `insert`; False says nothing.

        The last tree there is moved along, so that only the candidate is parsed and not what it replaces.
        """
        if _REACHES.search(insert):
            return False  # what ends it may stand far behind
        before = self._narrow((start, end))
        after = self._changed(before, insert, start, end) if before is not None else None
        return after is not None and not after.root.has_error and not (start > 0 and _begins_for_system(after))

    def close(self, offset: int) -> Parse | None:
        """What is seen close to a byte, from a small window where the text was edited since it was read; where that
        cannot be cut, as `newest`."""
        seen = self._narrow((offset, offset)) if self._dirty else None
        if seen is None or seen.window is None or self._close is None:
            return self.newest(offset)
        self._close = self._renewed(self._close)
        return self._close or self.newest(offset)

    def prepare(self, offset: int) -> None:
        """Has the small window around a byte ready that `parses_with` reads."""
        self._narrow((offset, offset))

    def _narrow(self, place: tuple[int, int]) -> Parse | None:
        """What is seen close to the place, its tree moved along with the text and not renewed."""
        if self._rest:
            return None
        self._follow()
        if len(self._data) <= CLOSE:
            return Parse(self._tree, self._data) if self._tree is not None else self.newest()
        known = self._close
        if known is None or not known.covers(max(place[0] - ROOM, 0), min(place[1] + ROOM, len(self._data))):
            known = self._close = self._narrowed(place)
        if known is None or known.window is None:
            return None
        return Parse(known.tree, known.window.source, known.origin, known.rows, known.window)

    def _narrowed(self, place: tuple[int, int]) -> Parse | None:
        """A new small window, cut along the last tree of the text or of a window of it; None where nodes are long."""
        if self._tree is not None and self.whole:
            good = self._good if self._good is not None else self._tree
            window = windows.pruned(good.root_node, self._data, place, CLOSE, BEHIND)
        else:
            seen = next((one.window for one in self._windows if one.window and one.covers(*place)), None)
            near = self._around(place[1]) if seen is None else next(one for one in self._windows if one.window is seen)
            if near is None or near.window is None or not near.covers(*place):
                return None
            window = windows.inside(near.window, near.root, place, CLOSE, BEHIND)
        tree = attempt(self._parser, window.source) if len(window.source) <= 4 * CLOSE else None
        return Parse(tree, window.source, window.origin, window.rows, window) if tree is not None else None

    def tried(self, insert: bytes, start: int, end: int) -> tuple[Parse | None, Parse | None]:
        """What is seen around bytes [start, end), and what would be if they became `insert`; no or both."""
        before = self._trial(start, end)
        if before is None:
            return None, None
        if self._tried is None or self._tried[0] != (insert, start, end):
            self._tried = (insert, start, end), self._changed(before, insert, start, end)
        after = self._tried[1]
        return (before, after) if after is not None else (None, None)

    def _changed(self, before: Parse, insert: bytes, start: int, end: int) -> Parse | None:
        start, end = start - before.origin, min(end - before.origin, len(before.source))
        source = before.source[:start] + insert + before.source[end:]
        tree = before.tree.copy()
        move(tree, edit_of(before.source, source, start, end, start + len(insert)))
        changed = attempt(self._parser, source, tree)
        return Parse(changed, source, before.origin, before.rows) if changed is not None else None

    def _trial(self, start: int, end: int) -> Parse | None:
        """What judges this place; the same one for all that is tried there."""
        if (start, end) not in self._trials:
            whole = self.newest() if len(self._data) <= EAGER or self._tree is not None else None
            if self._rest:
                return None
            if whole is not None and whole.window is None and len(self._data) <= 2 * TRIAL:
                self._trials[start, end] = whole
            else:
                self._trials[start, end] = self._beside((start, end))
        return self._trials[start, end]

    def _beside(self, place: tuple[int, int]) -> Parse | None:
        """A window with room on both sides of the place: the one that follows the text there, else one of its own."""
        near = self._around(place[1])
        room = max(place[0] - TRIAL // 8, 0), min(place[1] + TRIAL // 8, len(self._data))
        if near is not None and near.covers(*room):
            return near
        return self._cut(place, TRIAL)

    def _around(self, offset: int) -> Parse | None:
        """A window that holds the place: one that followed the text here, else a new one."""
        if self._rest:
            return None
        self._follow()
        known = next((seen for seen in self._windows if seen.window and seen.window.holds(offset)), None)
        if known is None:
            near = self._cut((offset, offset), NEAR)
            self._rest = RESTED if near is None else 0
        else:
            self._windows.remove(known)
            near = self._renewed(known)
        self._windows = [near, *self._windows][:KEPT] if near is not None else self._windows
        return near

    def _renewed(self, seen: Parse) -> Parse | None:
        """The window with what was typed in it since it was parsed."""
        if seen.window is None or seen.window.source is seen.source:
            return seen
        tree = attempt(self._parser, seen.window.source, seen.tree)
        return Parse(tree, seen.window.source, seen.origin, seen.rows, seen.window) if tree is not None else None

    def _cut(self, place: tuple[int, int], size: int) -> Parse | None:
        """Parses a window around the place: cut along the last tree if there is one, else by the look of lines."""
        window = None
        if self._tree is not None and self.whole:
            good = self._good if self._good is not None else self._tree
            window = windows.pruned(good.root_node, self._data, place, size)
        if window is None or len(window.source) > WINDOW + size + place[1] - place[0]:
            window = windows.cut(self._data, place, WINDOW, self._marks)
        tree = attempt(self._parser, window.source)
        return Parse(tree, window.source, window.origin, window.rows, window) if tree else None


_REACHES = re.compile(rb"/\*|\"{3}|'{3}|`|<!--|<<|\{-|\(\*|--\[|=begin|#\|")
"""What begins comments and strings of many lines, in one language or another."""


def _begins_for_system(parse: Parse) -> bool:
    """Whether the first thing but comments is a line for the system: `#!/bin/sh`, or what a grammar takes for one."""
    for number in range(parse.root.named_child_count):
        child = parse.root.named_child(number)
        if child is not None and "comment" not in child.type:
            return "hash_bang" in child.type or "shebang" in child.type
    return False
