"""Trees of one text: parsed in steps, bounded in time, and the last good one kept.

Typing breaks code all the time. The newest tree says what is wrong; when it fell apart (an unclosed
quote turns the rest of a file into an error), the last whole one, moved along by every edit, still says
what function this is. Texts over a size are never parsed whole: only a window around the place asked.
"""

from __future__ import annotations

import re
import warnings
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache

from tree_sitter import Language as Grammar
from tree_sitter import Node, Parser, Tree

from codriver.syntax.text import Edit

WHOLE = 300_000
"""Bytes up to which a text is parsed whole: about 45 ms, and 13 MB of tree."""
EAGER = 64_000
"""Bytes up to which a stale tree is renewed when somebody asks: a few ms at worst."""
WINDOW = 120_000
TRIAL = 40_000
"""Bytes around an insertion that are parsed to judge it when the text is too long to be parsed whole."""
PATIENCE = 400_000
"""Microseconds after which a parse is given up. Garbage can take a grammar minutes."""
RESTED = 20
"""Edits after a parse that was given up, before it is tried again."""
STALE = 100
"""Parses after which a broken tree is taken for the new normal."""

# A line that begins with neither space nor a closing bracket most likely begins a top-level thing.
_TOP_LEVEL = re.compile(rb"[\r\n](?=[^\s)\]}#*/])")


@dataclass(frozen=True, slots=True)
class Parse:
    """A tree, the bytes it stands for, and where these begin in the text. Nodes count from `origin`."""

    tree: Tree
    source: bytes
    origin: int = 0
    rows: int = 0
    """Line feeds before origin."""

    @property
    def root(self) -> Node:
        return self.tree.root_node

    def text(self, node: Node) -> bytes:
        return self.source[node.start_byte : node.end_byte]


class Trees:
    """The trees of one buffer. `edit` keeps them in step with the text, `parse` renews them."""

    def __init__(self, grammar: Grammar, data: bytes, limit: int = WHOLE, marks: tuple[str, str] = ("", "")) -> None:
        """marks: what opens and closes code in a text that is something else outside of them (PHP)."""
        self._parser = _parser(grammar)
        self._marks = marks[0].encode(), marks[1].encode()
        self._data, self._limit = data, limit
        self._tree: Tree | None = None
        self._good: Tree | None = None
        self._wreckage = 0
        self._age = 0
        self._dirty = True
        self._rest = 0
        self._window: Parse | None = None
        self._trials: dict[tuple[int, int], Parse | None] = {}

    @property
    def whole(self) -> bool:
        """False when the text is too long: then only windows of it are seen."""
        return len(self._data) <= self._limit

    @property
    def dirty(self) -> bool:
        return self._dirty

    def edit(self, edits: Sequence[Edit], data: bytes) -> None:
        """The text became `data` by these edits, each in the coordinates the ones before it left."""
        if any(edit.start_byte == 0 and edit.old_end_byte >= len(self._data) for edit in edits):
            self._tree = self._good = None
            self._rest = 0
        for tree in [self._tree] if self._good is self._tree else [self._tree, self._good]:
            if tree is not None:
                for edit in edits:
                    _move(tree, edit)
        self._data, self._dirty, self._window = data, True, None
        self._trials.clear()
        self._rest = max(self._rest - 1, 0)

    def parse(self) -> None:
        """Brings the newest tree up to date, if the text is short enough to be parsed whole."""
        if not self._dirty or not self.whole or self._rest:
            return
        tree = _attempt(self._parser, self._data, self._tree)
        if tree is None:
            self._rest = RESTED
            return
        self._tree, self._dirty = tree, False
        wreckage, self._age = _wreckage(tree.root_node), self._age + 1
        if self._good is None or wreckage <= self._wreckage + 300 or self._age > STALE:
            self._good, self._wreckage, self._age = tree, wreckage, 0

    def newest(self, offset: int = 0) -> Parse | None:
        """The newest tree that covers this byte. None when the text cannot be parsed in time."""
        if self._dirty and (self._tree is None or len(self._data) <= EAGER):
            self.parse()
        if self._tree is not None and self.whole:
            return Parse(self._tree, self._data)
        return self._around(offset)

    def good(self, offset: int = 0) -> Parse | None:
        """The last tree that had not fallen apart; its names are read from today's text."""
        newest = self.newest(offset)
        if self._good is not None and self.whole:
            return Parse(self._good, self._data)
        return newest

    def errors_with(self, insert: bytes, start: int, end: int) -> tuple[int, int]:
        """Errors before and after bytes [start, end) would become `insert`.

        Counted in the whole text, which costs little once it was parsed; in TRIAL bytes around the
        place in a text too long for that. What cannot be parsed in time counts as unchanged: (0, 0).
        """
        self.parse()
        if self.whole:
            parse = self.newest(start) if not self._rest else None
        else:
            parse = self._trial(start, end)
        if parse is None:
            return 0, 0
        start, end = start - parse.origin, min(end - parse.origin, len(parse.source))
        source = parse.source[:start] + insert + parse.source[end:]
        tree = parse.tree.copy()
        _move(tree, _edit(parse.source, source, start, end, start + len(insert)))
        changed = _attempt(self._parser, source, tree)
        return (count_errors(parse.root), count_errors(changed.root_node)) if changed else (0, 0)

    def _trial(self, start: int, end: int) -> Parse | None:
        """The window for judging this place; the same one for all that is tried there."""
        if (start, end) not in self._trials:
            self._trials[start, end] = self._cut(start, end, TRIAL)
        return self._trials[start, end]

    def _around(self, offset: int) -> Parse | None:
        if self._rest:
            return None
        window = self._window
        if window is None or not window.origin <= offset <= window.origin + len(window.source):
            window = self._cut(offset, offset, WINDOW)
            self._window = window
            self._rest = RESTED if window is None else 0
        return window

    def _cut(self, offset: int, end: int, size: int) -> Parse | None:
        """Parses about `size` bytes around [offset, end), cut where top-level things seem to begin."""
        data = self._data
        start, stop = max(offset - size // 2, 0), min(end + size // 2, len(data))
        if start:
            cut = _TOP_LEVEL.search(data, start, max(offset - 1, start))
            start = cut.end() if cut else data.rfind(b"\n", 0, offset) + 1
        if stop < len(data):
            cut = _last(_TOP_LEVEL, data, end, stop)
            stop = cut.end() if cut else stop
        lead = self._lead(start)
        source = lead + data[start:stop]
        tree = _attempt(self._parser, source)
        return Parse(tree, source, start - len(lead), data.count(b"\n", 0, start)) if tree else None

    def _lead(self, start: int) -> bytes:
        """What must stand before a piece cut out here for its code to be read as code."""
        opener, closer = self._marks
        inside = opener and self._data.rfind(opener[:2], 0, start) > self._data.rfind(closer, 0, start)
        return opener + b" " if inside else b""


def count_errors(node: Node, start: int = 0, end: int | None = None, most: int = 1000) -> int:
    """ERROR and MISSING nodes that touch bytes [start, end), up to `most`. Only broken branches are visited."""
    count, pending = 0, [node]
    while pending and count < most:
        node = pending.pop()
        count += node.is_error or node.is_missing
        pending += [
            child
            for child in node.children
            if child.has_error and child.end_byte >= start and (end is None or child.start_byte < end)
        ]
    return count


def _move(tree: Tree, edit: Edit) -> None:
    tree.edit(
        edit.start_byte, edit.old_end_byte, edit.new_end_byte, edit.start_point, edit.old_end_point, edit.new_end_point
    )


def _edit(old: bytes, new: bytes, start: int, old_end: int, new_end: int) -> Edit:
    return Edit(start, old_end, new_end, _point(old, start), _point(old, old_end), _point(new, new_end))


def _point(data: bytes, offset: int) -> tuple[int, int]:
    return data.count(b"\n", 0, offset), offset - (data.rfind(b"\n", 0, offset) + 1)


@cache
def _parser(grammar: Grammar) -> Parser:
    with warnings.catch_warnings():
        # Deprecated in favour of a progress callback, but in tree-sitter 0.25.2 that one ends
        # the process with a segmentation fault.
        warnings.simplefilter("ignore", DeprecationWarning)
        return Parser(grammar, timeout_micros=PATIENCE)


def _attempt(parser: Parser, data: bytes, old: Tree | None = None) -> Tree | None:
    try:
        return parser.parse(data, old) if old is not None else parser.parse(data)
    except ValueError:  # out of time; without a reset the next parse would go on with this one
        parser.reset()
        return None


def _last(pattern: re.Pattern[bytes], data: bytes, start: int, stop: int) -> re.Match[bytes] | None:
    """The last match in the second half of [start, stop), else none."""
    found = None
    for match in pattern.finditer(data, (start + stop) // 2, stop):
        found = match
    return found


def _wreckage(root: Node) -> int:
    """Bytes of the text that no construct holds: errors of the two topmost levels."""
    if not root.has_error:
        return 0
    if root.is_error:
        return root.end_byte - root.start_byte
    tops = [child for child in root.children if child.has_error]
    inner = [child for top in tops if not top.is_error for child in top.children if child.is_error]
    return sum(node.end_byte - node.start_byte for node in [top for top in tops if top.is_error] + inner)
