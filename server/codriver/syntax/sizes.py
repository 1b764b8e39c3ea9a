"""How long code is besides its lines: lines of code and of comments, tokens, and the maintainability index.

Counted on tokens, chunk by chunk: what has the same bytes as before is not counted again, wherever it moved.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field

from tree_sitter import Node

from codriver.syntax.language import Language
from codriver.syntax.parse import Parse
from codriver.syntax.places import Range

CHUNK = 2_000
"""Bytes of a node that is counted as one, and remembered; longer ones are counted by what is in them."""

_CLOSING = frozenset((b")", b"]", b"}"))
"""Tokens that come with another one: a pair of brackets is one."""


@dataclass(frozen=True, slots=True)
class Size:
    """Lines with code, lines with comments (a line may be both), tokens, and how many of these differ.

    Comments are no tokens; documentation in a string is a comment; a string is one token, a pair of brackets too.
    """

    code: int = 0
    comments: int = 0
    tokens: int = 0
    distinct: int = 0

    def __add__(self, other: Size) -> Size:
        """Of two texts together; words that both have count twice."""
        return Size(
            self.code + other.code,
            self.comments + other.comments,
            self.tokens + other.tokens,
            self.distinct + other.distinct,
        )

    @property
    def volume(self) -> float:
        """Halstead's: tokens times the bits that tell one of those that differ from the others."""
        return self.tokens * math.log2(max(self.distinct, 2))

    def maintainability(self, cyclomatic: int) -> int:
        """The maintainability index from 0 to 100, 100 being best: Oman's and Hagemeister's of three metrics, as Visual
        Studio scales it: (171 - 5.2 ln volume - 0.23 cyclomatic - 16.2 ln lines of code) / 1.71, rounded."""
        index = 171 - 5.2 * math.log(max(self.volume, 1)) - 0.23 * cyclomatic - 16.2 * math.log(max(self.code, 1))
        return min(max(round(index / 1.71), 0), 100)


def of_lines(data: bytes) -> Size:
    """What is known of a text without a tree: lines that are not blank."""
    return Size(code=sum(bool(line.strip()) for line in data.splitlines()))


def shared(text: bytes, start: int, end: int) -> int:
    """Lines at the ends of a piece on which it has something, and the text around it too."""
    first, last = text.rfind(b"\n", 0, start) + 1, text.find(b"\n", end)
    inner = text[start:end].split(b"\n")
    before = bool(text[first:start].strip() and inner[0].strip())
    behind = bool(text[end : last if last >= 0 else None][:200].strip() and inner[-1].strip())
    return before + behind if len(inner) > 1 else before or behind


@dataclass(slots=True)
class _Rows:
    """Rows that something stands on, told in their order: how many, the first and the last."""

    count: int = 0
    first: int = -1
    last: int = -1

    def add(self, row: int) -> None:
        if row != self.last:
            self.count, self.last = self.count + 1, row
            self.first = row if self.first < 0 else self.first

    def text(self, row: int, text: bytes) -> None:
        """Rows of a token, but for the blank ones in it."""
        if b"\n" not in text:
            return self.add(row)
        for number, line in enumerate(text.split(b"\n")):
            if line.strip():
                self.add(row + number)
        return None

    def join(self, other: _Rows, row: int) -> None:
        """Those of a chunk that begins in this row."""
        if other.count:
            shared = other.first + row == self.last
            self.first = other.first + row if self.first < 0 else self.first
            self.count, self.last = self.count + other.count - shared, other.last + row


@dataclass(slots=True)
class _Tally:
    """What a chunk holds; its rows count from its own first one."""

    code: _Rows = field(default_factory=_Rows)
    comments: _Rows = field(default_factory=_Rows)
    tokens: int = 0
    words: set[bytes] = field(default_factory=set)

    def add(self, row: int, text: bytes) -> None:
        """A token of code."""
        self.code.text(row, text)
        if text not in _CLOSING:
            self.tokens += 1
            self.words.add(text)

    def join(self, other: _Tally, row: int) -> None:
        self.code.join(other.code, row)
        self.comments.join(other.comments, row)
        self.tokens += other.tokens
        self.words |= other.words


_Key = tuple[str, bool, bytes]
"""A chunk's type, whether it is a comment where it stands, and its bytes."""


@dataclass(frozen=True, slots=True)
class _Gap:
    """Text of a node between its children: what stands between the escapes of a string."""

    start: int
    end: int
    row: int


class Sizes:
    """Counts sizes in one text; remembers chunks by their bytes."""

    def __init__(self, language: Language) -> None:
        self._language = language
        self._strings, self._comments = frozenset(language.lexis.strings), frozenset(language.lexis.comments)
        self._known: dict[_Key, _Tally] = {}

    def of(self, parse: Parse, span: Range, holes: Sequence[Range] = ()) -> Size:
        """Of bytes [span) of the text, without the holes: pieces of other languages, counted elsewhere."""
        start, end = span[0] - parse.origin, span[1] - parse.origin
        left_out = [(first - parse.origin, last - parse.origin) for first, last in holes]
        known: dict[_Key, _Tally] = {}
        total = _Tally()
        for node in self._chunks(parse.root, (start, end), left_out):
            whole = start <= node.start_byte and node.end_byte <= end
            key = node.type, self._is_comment(node), parse.text(node)
            tally = self._known.get(key) if whole else None
            if tally is None:
                tally = self._counted(node, parse.source, (start, end))
            if whole:
                known[key] = tally
            total.join(tally, node.start_point.row)
        # The whole text says what is still needed; a part of it only adds.
        self._known = known if span[1] - span[0] >= len(parse.source) else {**self._known, **known}
        return Size(total.code.count, total.comments.count, total.tokens, len(total.words))

    def _counted(self, chunk: Node, source: bytes, span: Range) -> _Tally:
        tally, top = _Tally(), chunk.start_point.row
        pending: list[Node | _Gap] = [chunk]
        while pending:
            node = pending.pop()
            if isinstance(node, _Gap):
                tally.add(node.row - top, source[node.start : node.end])
            elif span[0] < node.end_byte and node.start_byte < span[1] and node.start_byte < node.end_byte:
                row, text = node.start_point.row - top, source[node.start_byte : node.end_byte]
                if self._is_comment(node):
                    tally.comments.text(row, text.rstrip())
                elif node.child_count and not self._is_string(node):
                    pending.extend(_parts(node, source))
                elif text.strip():
                    tally.add(row, text)
        return tally

    def _chunks(self, root: Node, span: Range, holes: Sequence[Range]) -> Iterator[Node]:
        """Nodes that touch the range, none much longer than CHUNK if it has parts, none in a hole; in their order."""
        pending = [root]
        while pending:
            node = pending.pop()
            start, end = node.start_byte, node.end_byte
            if end <= span[0] or start >= span[1] or any(first <= start and end <= last for first, last in holes):
                continue
            holed = any(start < last and first < end for first, last in holes)
            apart = holed or (end - start > CHUNK and not self._is_comment(node) and node.type not in self._strings)
            if node.child_count and apart:
                pending.extend(reversed(node.children))
            else:
                yield node

    def _is_comment(self, node: Node) -> bool:
        if node.type in self._comments:
            return True
        holder = node.parent if node.type in self._strings and self._language.lexis.docs else None
        return holder is not None and holder.type in self._language.lexis.docs

    def _is_string(self, node: Node) -> bool:
        """Whether this is a string without code in it."""
        coded = self._language.lexis.interpolations
        return node.type in self._strings and not any(child.type in coded for child in node.named_children)


def _parts(node: Node, source: bytes) -> list[Node | _Gap]:
    """Its children and the text between them, the last one first."""
    parts: list[Node | _Gap] = []
    at, row = node.start_byte, node.start_point.row
    for child in node.children:
        if child.start_byte > at and source[at : child.start_byte].strip():
            parts.append(_Gap(at, child.start_byte, row))
        parts.append(child)
        at, row = child.end_byte, child.end_point.row
    if at < node.end_byte and source[at : node.end_byte].strip():
        parts.append(_Gap(at, node.end_byte, row))
    return parts[::-1]
