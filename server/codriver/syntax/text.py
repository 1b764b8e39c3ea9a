"""The editor's buffer: UTF-8 bytes, and where its lines start. Standard library only.

Lines end at LF, CRLF and lone CR, as LSP says, and nowhere else. The idea: typing stays in one
neighbourhood, so the line index has a seam. Starts behind the seam are kept without the bytes typed
since it was put there; a keystroke moves the seam to its line and shifts only what lies between.
"""

from __future__ import annotations

from bisect import bisect_right
from dataclasses import dataclass
from itertools import accumulate

Position = tuple[int, int]
"""Zero-based line, and character in the encoding's units."""
Span = tuple[Position, Position]
Point = tuple[int, int]
"""Row and byte column as tree-sitter counts them: its rows end at LF only."""


@dataclass(frozen=True, slots=True)
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

    __slots__ = ("_data", "_lone_cr", "_seam", "_shift", "_starts")

    def __init__(self, source: str | bytes = b"") -> None:
        self._data = utf8(source) if isinstance(source, str) else bytes(source)
        self._starts = _line_starts(self._data)
        self._seam = len(self._starts)
        """Index of the first line whose start lacks _shift."""
        self._shift = 0
        self._lone_cr = _lone_crs(self._data)

    @property
    def data(self) -> bytes:
        return self._data

    @property
    def line_count(self) -> int:
        """At least 1: text after the last line end is a line, even if empty."""
        return len(self._starts)

    def line(self, n: int) -> bytes:
        """Line n without its end; empty when there is no such line."""
        if not 0 <= n < len(self._starts):
            return b""
        return self._data[self._start(n) : self._content_end(n)]

    def line_start(self, n: int) -> int:
        """Byte offset of line n; of the text's end when n is behind the last line."""
        return self._start(max(n, 0)) if n < len(self._starts) else len(self._data)

    def line_at(self, offset: int) -> int:
        """The line that holds this byte (line ends belong to the line they end)."""
        if self._seam < len(self._starts) and offset >= self._starts[self._seam] + self._shift:
            return bisect_right(self._starts, offset - self._shift, self._seam) - 1
        return max(bisect_right(self._starts, offset, 0, self._seam) - 1, 0)

    def offset(self, line: int, char: int, encoding: str = "utf-16") -> int:
        """Byte offset of a position. Encoding is "utf-8", "utf-16" or "utf-32".

        Beyond the line's end is its end; beyond the last line is the text's end; inside a
        character is its start.
        """
        if line < 0:
            return 0
        if line >= len(self._starts):
            return len(self._data)
        start = self._start(line)
        return start + _bytes_of(self._data[start : self._content_end(line)], max(char, 0), encoding)

    def position(self, offset: int, encoding: str = "utf-16") -> Position:
        """The position of a byte offset; inside a line end it is the end of the line's text."""
        offset = min(max(offset, 0), len(self._data))
        line = self.line_at(offset)
        start = self._start(line)
        prefix = self._data[start : min(offset, self._content_end(line))]
        return line, _units_of(_whole_characters(prefix, self._data, start), encoding)

    def apply(self, span: Span | None, new: str, encoding: str = "utf-16") -> Edit:
        """Replaces a range (None: everything) and says what changed."""
        inserted = utf8(new)
        if span is None:
            return self._replace_all(inserted)
        first, second = (self.offset(*position, encoding) for position in span)
        return self.splice(min(first, second), max(first, second), inserted)

    def splice(self, start: int, end: int, inserted: bytes) -> Edit:
        """Replaces the bytes [start, end) and says what changed. 0 <= start <= end <= len(data)."""
        new_end = start + len(inserted)
        start_point, old_end_point = self.point(start), self.point(end)
        # The byte before may be a CR that now gains or loses its LF.
        first, last = self.line_at(max(start - 1, 0)), self.line_at(end)
        self._move_seam(last + 1)
        old_stop = self._start(last + 1) if last + 1 < len(self._starts) else len(self._data)
        region_start = self._starts[first]
        if self._lone_cr:
            self._lone_cr -= _lone_crs(self._data[region_start:old_stop])
        self._data = b"".join((self._data[:start], inserted, self._data[end:]))
        delta = new_end - end
        region = self._data[region_start : old_stop + delta]
        self._lone_cr += _lone_crs(region)
        starts = _line_starts(region, region_start)
        if last + 1 < len(self._starts):
            starts.pop()  # the region ends where the next line starts
        self._starts[first : last + 1] = starts
        self._seam = first + len(starts)
        self._shift += delta
        return Edit(start, end, new_end, start_point, old_end_point, self.point(new_end))

    def point(self, offset: int) -> Point:
        """Tree-sitter's point of a byte offset."""
        if self._lone_cr:
            row = self._data.count(b"\n", 0, offset)
            return row, offset - (self._data.rfind(b"\n", 0, offset) + 1)
        line = self.line_at(offset)
        return line, offset - self._start(line)

    def _replace_all(self, inserted: bytes) -> Edit:
        old_end, old_point = len(self._data), self.point(len(self._data))
        self._data, self._starts, self._shift = inserted, _line_starts(inserted), 0
        self._seam, self._lone_cr = len(self._starts), _lone_crs(inserted)
        return Edit(0, old_end, len(inserted), (0, 0), old_point, self.point(len(inserted)))

    def _start(self, line: int) -> int:
        return self._starts[line] + (self._shift if line >= self._seam else 0)

    def _content_end(self, line: int) -> int:
        if line + 1 == len(self._starts):
            return len(self._data)
        start, end = self._start(line), self._start(line + 1) - 1
        crlf = end > start and self._data[end] == 0x0A and self._data[end - 1] == 0x0D
        return end - 1 if crlf else end

    def _move_seam(self, line: int) -> None:
        """Puts the seam before `line`, shifting only the starts between."""
        starts, shift = self._starts, self._shift
        if line >= len(starts):
            line = len(starts)
        if shift and line > self._seam:
            starts[self._seam : line] = [start + shift for start in starts[self._seam : line]]
        elif shift and line < self._seam:
            starts[line : self._seam] = [start - shift for start in starts[line : self._seam]]
        self._seam = line
        if line == len(starts):
            self._shift = 0


def _line_starts(data: bytes, origin: int = 0) -> list[int]:
    # bytes.splitlines knows LF, CRLF and CR only, unlike str.splitlines.
    lines = data.splitlines(keepends=True)
    starts = list(accumulate(map(len, lines), initial=origin))
    if lines and not lines[-1].endswith((b"\n", b"\r")):
        starts.pop()
    return starts


def _lone_crs(data: bytes) -> int:
    return data.count(b"\r") - data.count(b"\r\n") if b"\r" in data else 0


def _bytes_of(line: bytes, units: int, encoding: str) -> int:
    """How many bytes of the line its first `units` units take, rounded down to a whole character."""
    line = line[: 4 * units + 4]  # a unit is four bytes at most: the rest of a long line is not read
    if line.isascii():
        return min(units, len(line))
    if encoding == "utf-8":
        return len(_whole_characters(line[:units], line, 0))
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


def _whole_characters(prefix: bytes, data: bytes, start: int) -> bytes:
    """The prefix without the beginning of a character that goes on behind it."""
    end = len(prefix)
    for _ in range(3):
        at = start + end
        if end == 0 or at >= len(data) or data[at] & 0xC0 != 0x80:
            break
        end -= 1
    return prefix[:end]
