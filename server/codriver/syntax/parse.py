"""One parse: of a whole text, or of a window of it that follows the text through edits until it is parsed again."""

from __future__ import annotations

from collections.abc import Sequence

from tree_sitter import Node, Tree

from codriver.model.value import value
from codriver.syntax.text import Edit
from codriver.syntax.windows import WINDOW, Window


@value(frozen=True, slots=True)
class Parse:
    """A tree, the bytes it stands for, and where these begin in the text. Nodes count from `origin`."""

    tree: Tree
    source: bytes
    origin: int = 0
    rows: int = 0
    """Line feeds before origin."""
    window: Window | None = None
    """What the source is, when it is not the whole text."""

    @property
    def root(self) -> Node:
        return self.tree.root_node

    def text(self, node: Node) -> bytes:
        return self.source[node.start_byte : node.end_byte]

    def covers(self, start: int, end: int) -> bool:
        """Whether all of these bytes of the text are seen."""
        return self.window is None or (self.window.start <= start and end <= self.window.end)

    def seen(self, region: tuple[int, int]) -> tuple[int, int]:
        """What is seen of a byte range of the text."""
        seen = self.window
        return region if seen is None else (max(region[0], seen.start), min(region[1], seen.end))

    def holds(self, node: Node) -> bool:
        """Whether all of the node is seen, and stands where `origin` says."""
        seen = self.window
        return seen is None or (seen.at <= node.start_byte and node.end_byte + seen.origin <= seen.end)


def followed(near: Parse, edits: Sequence[Edit], size: int, data: bytes) -> Parse | None:
    """The window after some edits, its tree moved along and its source still to be parsed; else None.

    size: of the text before the edits; data: the text after them.
    """
    window = near.window
    if window is None:
        return None
    tail = window.source[window.at + window.end - window.start :]
    seen: Window | None = window
    for edit in edits:
        if seen is None:
            return None
        begins = seen.start < edit.start_byte or seen.start == seen.at == 0
        ends = edit.old_end_byte < seen.end or (seen.end == size and not tail)
        seen = _typed_in(near, seen, edit) if begins and ends else _passed(seen, edit, alone=not tail)
        size += edit.new_end_byte - edit.old_end_byte
    if seen is None or seen.end - seen.start > 2 * WINDOW:
        return None
    source = data[seen.start : seen.end]
    if seen.at or tail:
        source = b"".join((seen.source[: seen.at], source, tail))
    source = near.source if source == near.source else source
    return Parse(near.tree, near.source, seen.origin, seen.rows, seen.with_source(source))


def _typed_in(near: Parse, seen: Window, edit: Edit) -> Window | None:
    """The window after an edit inside of it."""
    if edit.start_point[0] - seen.rows == 0 and seen.at:
        return None
    top = seen.rows
    rows = [(row - top, column) for row, column in (edit.start_point, edit.old_end_point, edit.new_end_point)]
    at = edit.start_byte - seen.origin, edit.old_end_byte - seen.origin, edit.new_end_byte - seen.origin
    move(near.tree, Edit(*at, *rows))
    end = seen.end + edit.new_end_byte - edit.old_end_byte
    return Window(seen.source, seen.at, seen.start, end, seen.rows)


def _passed(seen: Window, edit: Edit, *, alone: bool) -> Window | None:
    """The window after an edit in front of it or behind it. alone: it holds nothing else of the text, which might be
    what was edited."""
    if seen.at or not alone:
        return None
    if edit.start_byte > seen.end:
        return seen
    if edit.old_end_byte >= seen.start:
        return None
    moved = edit.new_end_byte - edit.old_end_byte
    rows = seen.rows + edit.new_end_point[0] - edit.old_end_point[0]
    return Window(seen.source, seen.at, seen.start + moved, seen.end + moved, rows)


def move(tree: Tree, edit: Edit) -> None:
    """Tells a tree what became of its text."""
    tree.edit(
        edit.start_byte, edit.old_end_byte, edit.new_end_byte, edit.start_point, edit.old_end_point, edit.new_end_point
    )


def edit_of(old: bytes, new: bytes, start: int, old_end: int, new_end: int) -> Edit:
    """The edit that makes bytes [start, old_end) of one text [start, new_end) of another."""
    return Edit(start, old_end, new_end, _point(old, start), _point(old, old_end), _point(new, new_end))


def _point(data: bytes, offset: int) -> tuple[int, int]:
    return data.count(b"\n", 0, offset), offset - (data.rfind(b"\n", 0, offset) + 1)
