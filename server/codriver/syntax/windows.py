"""Pieces of a text that stand for the whole of it around one place, so that reading them costs the same at any size.

With a tree of the text, however stale, everything far from the place is left out along nodes: what remains is
sound code, with the classes around the place still around it. Without one, cuts fall where top-level things seem
to begin.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from tree_sitter import Node, TreeCursor

from codriver.model.value import value

Range = tuple[int, int]
"""Half-open byte range."""

WINDOW = 24_000
"""Bytes of a window in a text that was not read whole: about 4 ms."""

_HEADS = 12
"""Children of a node that are looked at for one that begins a line."""

LEVELS = 200
"""Nodes around a place that are looked into for what can be left out. Garbage is nested fifty thousand deep."""

_ASIDE = re.compile("comment|attribute|annotation|decorator")
"""What belongs to the thing behind it."""

# A line that begins with neither space nor a closing bracket most likely begins a top-level thing.
_TOP_LEVEL = re.compile(rb"[\r\n](?=[^\s)\]}#*/])")


@value(frozen=True, slots=True)
class Window:
    """`source` is code whose bytes from `at` on are those of the text's [start, end)."""

    source: bytes
    at: int
    start: int
    end: int
    rows: int
    """Line feeds of the text before `start`, less those of source before `at`."""

    @property
    def origin(self) -> int:
        """What to add to the source's offsets for the text's."""
        return self.start - self.at

    def with_source(self, source: bytes) -> Window:
        """The same with its text brought up to date."""
        return Window(source, self.at, self.start, self.end, self.rows)

    def holds(self, offset: int) -> bool:
        """Whether it shows this byte of the text, or ends there."""
        return self.start <= offset <= self.end


def pruned(root: Node, data: bytes, place: Range, size: int, behind: int = 0) -> Window:
    """The text without what lies more than about size / 2 bytes from the place, as far as nodes allow.

    root: of a tree of the text, moved along with it. It may be stale: then the seams may be wrong.
    behind: bytes behind the place, where they are not to be size / 2. The next thing there is never left out: it
    tells whether what stands at the place has the right end.
    """
    start, end = place
    kept = max(behind, _next_code(root, end, end + size) - end) if behind else size // 2
    dropped = list(_dropped(root, data, place, size, kept))
    begin = max((stop for _, stop in dropped if stop <= start), default=0)
    finish = min((first for first, _ in dropped if first >= end), default=len(data))
    before = _kept(data, [span for span in dropped if span[1] <= start], 0, begin)
    after = _kept(data, [span for span in dropped if span[0] >= end], finish, len(data))
    rows = data.count(b"\n", 0, begin) - before.count(b"\n")
    return Window(b"".join((before, data[begin:finish], after)), len(before), begin, finish, rows)


def inside(outer: Window, root: Node, place: Range, size: int, behind: int) -> Window:
    """As `pruned`, of a window whose tree is root."""
    start, end = place[0] - outer.origin, place[1] - outer.origin
    inner = pruned(root, outer.source, (start, end), size, behind)
    first, last = max(inner.start, outer.at), min(inner.end, outer.at + outer.end - outer.start)
    at = inner.at + first - inner.start
    rows = outer.rows + outer.source.count(b"\n", 0, first) - inner.source.count(b"\n", 0, at)
    return Window(inner.source, at, first + outer.origin, last + outer.origin, rows)


def cut(data: bytes, place: Range, size: int, marks: tuple[bytes, bytes] = (b"", b"")) -> Window:
    """About `size` bytes around the place, as many before it as behind it where there are so many, from one line
    that looks top-level to another.

    marks: what opens and closes code in a text that is something else outside of them.
    """
    offset, end = place
    start = max(min(offset - size // 2, len(data) - size), 0)
    stop = min(max(end + size // 2, start + size), len(data))
    if start:
        found = _TOP_LEVEL.search(data, start, max(offset - 1, start))
        # A line may be as long as the text: then the cut falls into it.
        start = found.end() if found else max(data.rfind(b"\n", 0, offset) + 1, start)
    if stop < len(data):
        last = _last(_TOP_LEVEL, data, end, stop)
        stop = last.end() if last else stop
    opener, closer = marks
    inside = opener and data.rfind(opener[:2], 0, start) > data.rfind(closer, 0, start)
    lead = opener + b" " if inside else b""
    return Window(lead + data[start:stop], len(lead), start, stop, data.count(b"\n", 0, start))


def _dropped(root: Node, data: bytes, place: Range, size: int, behind: int) -> Iterator[Range]:
    """Byte ranges to leave out: whole lines, on both sides of the place, in the node around it and in those inside."""
    node: Node | None = root
    for _ in range(LEVELS):
        if node is None or node.end_byte - node.start_byte <= size:
            return
        yield from _before(node, data, place[0], size)
        yield from _behind(node, data, place[1], place[1] + behind)
        node = _child_around(node, place)


def _before(node: Node, data: bytes, start: int, size: int) -> Iterator[Range]:
    """From the second child to the first one near the place."""
    cursor = node.walk()
    low = start - size // 2
    if low <= node.start_byte or cursor.goto_first_child_for_byte(low) is None:
        return
    stop = _next_line(cursor, data, 0)
    second = next((at for at in _lines_of_children(node, data) if at is not None), None)
    if stop is not None and second is not None and second < stop <= start:
        yield second, stop


def _behind(node: Node, data: bytes, end: int, high: int) -> Iterator[Range]:
    """From the first child that is far enough behind the place to the last one, which may close a block."""
    cursor = node.walk()
    if high >= node.end_byte or cursor.goto_first_child_for_byte(high) is None:
        return
    first = _next_line(cursor, data, end + 1)
    last = node.child(node.child_count - 1)
    if first is None or last is None:
        return
    stop = node.end_byte if last.is_named else _line_start(data, last.start_byte)
    if stop is not None and first < stop:
        yield first, stop


def _next_code(root: Node, end: int, most: int) -> int:
    """Where the next thing behind a byte ends: the one in the innermost node that has any, and as far as `most` those
    around it."""
    ends, node = list[int](), root
    while True:
        inner, cursor = None, node.walk()
        more = cursor.goto_first_child_for_byte(end) is not None
        while more and cursor.node is not None:
            child = cursor.node
            if child.start_byte < end < child.end_byte:
                inner = child
            elif child.start_byte >= end and child.is_named and not _ASIDE.search(child.type):
                ends.append(child.end_byte)
                break
            more = cursor.goto_next_sibling()
        if inner is None:
            return max([end, *ends[-1:], *(one for one in ends if one <= most)])
        node = inner


def _next_line(cursor: TreeCursor, data: bytes, least: int) -> int | None:
    """Where the line of the cursor's node begins, or of the next sibling that stands on a line of its own."""
    for _ in range(_HEADS):
        node = cursor.node
        begin = _line_start(data, node.start_byte) if node is not None else None
        if begin is not None and begin >= least:
            return begin
        if not cursor.goto_next_sibling():
            break
    return None


def _lines_of_children(node: Node, data: bytes) -> Iterator[int | None]:
    for index in range(1, min(node.child_count, _HEADS)):
        child = node.child(index)
        yield _line_start(data, child.start_byte) if child is not None else None


def _child_around(node: Node, place: Range) -> Node | None:
    cursor = node.walk()
    if cursor.goto_first_child_for_byte(place[0]) is None:
        return None
    child = cursor.node
    return child if child is not None and child.start_byte <= place[0] and place[1] <= child.end_byte else None


def _line_start(data: bytes, offset: int) -> int | None:
    """Where its line begins, when nothing but blanks stands before the offset on it."""
    begin = data.rfind(b"\n", 0, offset) + 1
    return None if data[begin:offset].strip(b" \t") else begin


def _kept(data: bytes, dropped: list[Range], start: int, end: int) -> bytes:
    """[start, end) of the text without some ranges that do not overlap."""
    pieces, at = [], start
    for first, stop in sorted(dropped):
        pieces.append(data[at:first])
        at = max(stop, at)
    pieces.append(data[at:end])
    return b"".join(pieces)


def _last(pattern: re.Pattern[bytes], data: bytes, start: int, stop: int) -> re.Match[bytes] | None:
    """The last match in the second half of [start, stop), else none."""
    found = None
    for match in pattern.finditer(data, (start + stop) // 2, stop):
        found = match
    return found
