"""Bytes that are edited all the time: in chunks, each knowing how many lines end in it. Standard library only.

An edit touches the chunks around it, at any size of the text. Lines end at LF, CRLF and lone CR; where in a
chunk they do is found out when somebody asks. No chunk ends between a CR and its LF.
"""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from itertools import accumulate
from math import isqrt

LEAST, GROWTH = 2_048, 6
"""Bytes of a chunk, at least; a long text's are the root of so many times its size.

An edit looks for the line ends of a chunk and counts on behind it: chunks of this size make both cost the same.
"""

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
        self._at = list(accumulate([len(chunk.data) for chunk in self._chunks], initial=0))
        """Bytes before each chunk; at the end, of all. The same goes for line ends and line feeds."""
        self._ends = list(accumulate([chunk.ends for chunk in self._chunks], initial=0))
        self._feeds = list(accumulate([chunk.feeds for chunk in self._chunks], initial=0))

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
        only = last - first + 1 == len(self._chunks)
        made = _split(region, _size(len(self) + len(inserted) - (end - start))) if region or only else []
        self._chunks[first : last + 1] = made
        self._whole = None
        self._at = _summed(self._at, first, last + 1, [len(chunk.data) for chunk in made])
        self._ends = _summed(self._ends, first, last + 1, [chunk.ends for chunk in made])
        self._feeds = _summed(self._feeds, first, last + 1, [chunk.feeds for chunk in made])

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


def _summed(sums: list[int], first: int, last: int, counts: list[int]) -> list[int]:
    """What stands before each chunk, and in all, when chunks [first, last) made room for some with these counts."""
    if last - first == len(counts) == 1 and sums[first] + counts[0] == sums[last]:
        return sums  # a letter ends no line
    new = list(accumulate(counts, initial=sums[first]))
    change = new[-1] - sums[last]
    behind = [before + change for before in sums[last + 1 :]] if change else sums[last + 1 :]
    return sums[:first] + new + behind


def _size(length: int) -> int:
    return max(LEAST, isqrt(GROWTH * length))


def _split(data: bytes, size: int) -> list[Chunk]:
    """Chunks of `size` bytes, the last one up to twice as long."""
    chunks, start = list[Chunk](), 0
    while len(data) - start > 2 * size:
        stop = start + size
        stop += data[stop - 1 : stop + 1] == b"\r\n"
        chunks.append(Chunk(data[start:stop]))
        start = stop
    return [*chunks, Chunk(data[start:])]
