"""Bytes that are edited all the time: in chunks, each knowing how many lines end in it. Standard library only.

An edit touches the chunks around it, at any size of the text. Lines end at LF, CRLF and lone CR; where in a
chunk they do is found out when somebody asks. No chunk ends between a CR and its LF.
"""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from itertools import accumulate

LEAST, MOST = 8_192, 1_024
"""Bytes of a chunk, and chunks of a text from where on chunks grow instead: 8 MB."""

Point = tuple[int, int]
"""Row and byte column as tree-sitter counts them: its rows end at LF only."""


class Chunk:
    """Some bytes in a row, with the number of line ends and of line feeds in them."""

    __slots__ = ("_stops", "data", "ends", "feeds")

    def __init__(self, data: bytes) -> None:
        self.data = data
        self.feeds = self.ends = data.count(b"\n")
        if b"\r" in data:
            self.ends += data.count(b"\r") - data.count(b"\r\n")
        self._stops: list[int] | None = None

    @property
    def stops(self) -> list[int]:
        """Offsets behind each line end."""
        if self._stops is None:
            # bytes.splitlines knows LF, CRLF and CR only, unlike str.splitlines.
            self._stops = list(accumulate(map(len, self.data.splitlines(keepends=True))))[: self.ends]
        return self._stops


class Chunks:
    """A text's bytes. Offsets must lie within it."""

    __slots__ = ("_at", "_chunks", "_ends", "_feeds", "_whole")

    def __init__(self, data: bytes) -> None:
        self._whole: bytes | None = data
        self._chunks = _split(data, _size(len(data)))
        self._sum()

    def __len__(self) -> int:
        return self._at[-1]

    @property
    def whole(self) -> bytes:
        """All of it: put together when first asked after an edit."""
        if self._whole is None:
            self._whole = b"".join([chunk.data for chunk in self._chunks])
        return self._whole

    @property
    def ends(self) -> int:
        """Line ends in it."""
        return self._ends[-1]

    def cut(self, start: int, end: int) -> bytes:
        """Bytes [start, end)."""
        if self._whole is not None:
            return self._whole[start:end]
        first, last = self._holding(start), self._holding(end)
        if first == last:
            return self._chunks[first].data[start - self._at[first] : end - self._at[first]]
        pieces = [chunk.data for chunk in self._chunks[first : last + 1]]
        pieces[0], pieces[-1] = pieces[0][start - self._at[first] :], pieces[-1][: end - self._at[last]]
        return b"".join(pieces)

    def replace(self, start: int, end: int, inserted: bytes) -> None:
        """Puts other bytes where [start, end) is."""
        # The bytes on both sides come along: a CR among them may now gain or lose its LF.
        first, last = self._holding(max(start - 1, 0)), self._holding(end)
        begin, stop = self._at[first], self._at[last + 1]
        region = b"".join((self.cut(begin, start), inserted, self.cut(end, stop)))
        size = _size(len(self) + len(inserted) - (end - start))
        self._chunks[first : last + 1] = _split(region, size) if region else []
        self._chunks = self._chunks or [Chunk(b"")]
        self._whole = None
        self._sum(first)

    def line_start(self, line: int) -> int:
        """Where line `line` begins; 0 <= line <= ends."""
        if line <= 0:
            return 0
        n = bisect_left(self._ends, line) - 1
        return self._at[n] + self._chunks[n].stops[line - self._ends[n] - 1]

    def line_at(self, offset: int) -> int:
        """The line that holds this byte; a line's end belongs to it."""
        n = self._holding(offset)
        return self._ends[n] + bisect_right(self._chunks[n].stops, offset - self._at[n])

    def point(self, offset: int) -> Point:
        """Tree-sitter's point of a byte offset."""
        n = self._holding(offset)
        chunk, local = self._chunks[n], offset - self._at[n]
        row, found = self._feeds[n] + chunk.data.count(b"\n", 0, local), chunk.data.rfind(b"\n", 0, local)
        while found < 0 < n:
            n -= 1
            found = self._chunks[n].data.rfind(b"\n") if self._chunks[n].feeds else -1
        return row, offset - (self._at[n] + found + 1)

    def _holding(self, offset: int) -> int:
        """Which chunk holds this byte; the last one the text's end."""
        return min(bisect_right(self._at, offset), len(self._chunks)) - 1

    def _sum(self, first: int = 0) -> None:
        """Counts anew what stands before each chunk, from some chunk on; behind the last one stand the totals."""
        chunks = self._chunks[first:]
        if not first:
            self._at, self._ends, self._feeds = [0], [0], [0]
        self._at[first:] = accumulate([len(chunk.data) for chunk in chunks], initial=self._at[first])
        self._ends[first:] = accumulate([chunk.ends for chunk in chunks], initial=self._ends[first])
        self._feeds[first:] = accumulate([chunk.feeds for chunk in chunks], initial=self._feeds[first])


def _size(length: int) -> int:
    return max(LEAST, length // MOST)


def _split(data: bytes, size: int) -> list[Chunk]:
    """Chunks of `size` bytes, the last one up to twice as long."""
    chunks, start = list[Chunk](), 0
    while len(data) - start > 2 * size:
        stop = start + size
        stop += data[stop - 1 : stop + 1] == b"\r\n"
        chunks.append(Chunk(data[start:stop]))
        start = stop
    return [*chunks, Chunk(data[start:])]
