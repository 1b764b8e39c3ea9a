"""The editor's buffer: UTF-8 bytes, and the positions that editors speak of. Standard library only.

Lines end at LF, CRLF and lone CR, as LSP says, and nowhere else. An edit costs the same at any size; the bytes
in one piece are made when somebody asks for them.
"""

from __future__ import annotations

from codriver.model.value import value
from codriver.syntax.chunks import Chunks, Point

Position = tuple[int, int]
"""Zero-based line, and character in the encoding's units."""
Span = tuple[Position, Position]


@value(frozen=True, slots=True)
class Edit:
    """One replacement, with the offsets and points tree-sitter wants."""

    start_byte: int
    old_end_byte: int
    new_end_byte: int
    start_point: Point
    old_end_point: Point
    new_end_point: Point


def utf8(text: str) -> bytes:
    """UTF-8 of any str. Lone surrogates (legal in JSON) become U+FFFD.

    U+FFFD is as long as a lone surrogate in all three encodings, so the client's positions stay right.
    """
    try:
        return text.encode()
    except UnicodeEncodeError:
        return text.encode("utf-16-le", "surrogatepass").decode("utf-16-le", "replace").encode()


class Text:
    """A mutable buffer. Positions out of range are clamped, inverted ranges swapped; nothing raises.

    Bytes that are not UTF-8 are kept, each counting as one character.
    """

    __slots__ = ("_chunks",)

    def __init__(self, source: str | bytes = b"") -> None:
        self._chunks = Chunks(utf8(source) if isinstance(source, str) else bytes(source))

    @property
    def data(self) -> bytes:
        """All of it; the same object until the next edit."""
        return self._chunks.whole

    @property
    def size(self) -> int:
        """In bytes."""
        return len(self._chunks)

    @property
    def line_count(self) -> int:
        """At least 1: text after the last line end is a line, even if empty."""
        return self._chunks.ends + 1

    def line(self, n: int) -> bytes:
        """Line n without its end; empty when there is no such line."""
        if not 0 <= n < self.line_count:
            return b""
        return self._chunks.cut(self._chunks.line_start(n), self._content_end(n))

    def cut(self, start: int, end: int) -> bytes:
        """The bytes [start, end). 0 <= start <= end <= size."""
        return self._chunks.cut(start, end)

    def line_start(self, n: int) -> int:
        """Byte offset of line n; of the text's end when n is behind the last line."""
        return self._chunks.line_start(n) if n < self.line_count else self.size

    def line_at(self, offset: int) -> int:
        """The line that holds this byte (line ends belong to the line they end)."""
        return self._chunks.line_at(min(max(offset, 0), self.size))

    def offset(self, line: int, char: int, encoding: str = "utf-16") -> int:
        """Byte offset of a position. Encoding is "utf-8", "utf-16" or "utf-32".

        Beyond the line's end is its end; beyond the last line is the text's end; inside a
        character is its start.
        """
        if line < 0:
            return 0
        if line >= self.line_count:
            return self.size
        start, char = self._chunks.line_start(line), max(char, 0)
        plain = self._chunks.cut(start, min(start + char, self.size))
        if len(plain) == char and plain.isascii() and b"\n" not in plain and b"\r" not in plain:
            return start + char
        # A unit is four bytes at most: the rest of a long line is not read.
        end = min(self._content_end(line), start + 4 * char + 4)
        return start + _bytes_of(self._chunks.cut(start, end), char, encoding)

    def position(self, offset: int, encoding: str = "utf-16") -> Position:
        """The position of a byte offset; inside a line end it is the end of the line's text."""
        offset = min(max(offset, 0), self.size)
        line = self.line_at(offset)
        start = self._chunks.line_start(line)
        plain = self._chunks.cut(start, offset)
        if plain.isascii() and plain[-1:] != b"\r":
            return line, len(plain)
        stop = self._content_end(line)
        seen = self._chunks.cut(start, min(offset + 1, stop))
        return line, _units_of(_whole_characters(seen, min(offset, stop) - start), encoding)

    def apply(self, span: Span | None, new: str, encoding: str = "utf-16") -> Edit:
        """Replaces a range (None: everything) and says what changed."""
        inserted = utf8(new)
        if span is None:
            return self._replace_all(inserted)
        first, second = (self.offset(*position, encoding) for position in span)
        return self.splice(min(first, second), max(first, second), inserted)

    def splice(self, start: int, end: int, inserted: bytes) -> Edit:
        """Replaces the bytes [start, end) and says what changed. 0 <= start <= end <= size."""
        new_end = start + len(inserted)
        start_point = self.point(start)
        old_end_point = start_point if end == start else self.point(end)
        self._chunks.replace(start, end, inserted)
        row, column = start_point
        new_end_point = self.point(new_end) if b"\n" in inserted else (row, column + len(inserted))
        return Edit(start, end, new_end, start_point, old_end_point, new_end_point)

    def point(self, offset: int) -> Point:
        """Tree-sitter's point of a byte offset."""
        return self._chunks.point(offset)

    def _replace_all(self, inserted: bytes) -> Edit:
        old_end, old_point = self.size, self.point(self.size)
        self._chunks = Chunks(inserted)
        return Edit(0, old_end, len(inserted), (0, 0), old_point, self.point(len(inserted)))

    def _content_end(self, line: int) -> int:
        if line + 1 == self.line_count:
            return self.size
        end = self._chunks.line_start(line + 1)
        return end - 2 if self._chunks.cut(max(end - 2, 0), end) == b"\r\n" else end - 1


def _bytes_of(line: bytes, units: int, encoding: str) -> int:
    """How many bytes of the line its first `units` units take, rounded down to a whole character."""
    if line.isascii():
        return min(units, len(line))
    if encoding == "utf-8":
        return len(_whole_characters(line, min(units, len(line))))
    text = line.decode("utf-8", "surrogateescape")
    if encoding == "utf-16" and max(text) > "\uffff":
        pairs = text.encode("utf-16-le", "surrogatepass")
        cut = min(2 * units, len(pairs))
        if cut and 0xD8 <= pairs[cut - 1] <= 0xDB:  # the first half of a pair
            cut -= 2
        text, units = pairs[:cut].decode("utf-16-le", "surrogatepass"), cut
    return len(text[:units].encode("utf-8", "surrogateescape"))


def _units_of(prefix: bytes, encoding: str) -> int:
    if encoding == "utf-8" or prefix.isascii():
        return len(prefix)
    text = prefix.decode("utf-8", "surrogateescape")
    return len(text.encode("utf-16-le", "surrogatepass")) // 2 if encoding == "utf-16" else len(text)


def _whole_characters(line: bytes, end: int) -> bytes:
    """The line's first `end` bytes without the beginning of a character that goes on behind them."""
    for _ in range(3):
        if end == 0 or end >= len(line) or line[end] & 0xC0 != 0x80:
            break
        end -= 1
    return line[:end]
