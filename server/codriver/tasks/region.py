"""The part of a buffer an edit or review is about: whole lines, without blank ones at its ends."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from codriver.analyst import path_of
from codriver.model.request import Snapshot
from codriver.tasks.context import above, below, readable

if TYPE_CHECKING:
    from codriver.model.features import Features
    from codriver.syntax.analysis import Buffer

AROUND = 6000
"""Bytes of context before and after a region, each."""


@dataclass(frozen=True, slots=True)
class Region:
    """Bytes [start, end) of a snapshot: from a line's start to a line's end, its line end left out."""

    snapshot: Snapshot
    buffer: Buffer
    start: int
    end: int

    @property
    def code(self) -> bytes:
        """Its text."""
        return self.snapshot.text[self.start : self.end]

    @property
    def lines(self) -> str:
        """Its lines for people, counted from 1: "12-30"."""
        first = self.snapshot.text.count(b"\n", 0, self.start) + 1
        last = first + self.code.count(b"\n")
        return f"{first}-{last}" if last > first else str(first)

    @property
    def marked(self) -> Snapshot:
        """The snapshot with the region selected, so that features come from there."""
        return replace(self.snapshot, selection=(self.start, self.end), cursor=self.start)

    def words(self, features: Features) -> dict[str, str]:
        """What the prompts say about it."""
        frameworks = ", ".join(features.frameworks)
        before, after = self.buffer.excerpt(self.start, self.end, 2 * AROUND)
        if not before and not after:
            before, after = above(self.snapshot.text, self.start, AROUND), below(self.snapshot.text, self.end, AROUND)
        return {
            "path": path_of(self.snapshot.uri).rsplit("/", 1)[-1],
            "language": self.buffer.language_id or "text",
            "frameworks": f"Frameworks: {frameworks}\n" if frameworks else "",
            "lines": self.lines,
            "code": readable(self.code),
            "above": readable(before).rstrip("\n"),
            "below": readable(after).strip("\n"),
        }


def region(snapshot: Snapshot, buffer: Buffer, span: tuple[int, int]) -> Region | None:
    """The lines a byte range touches; None when there is nothing on them.

    A range that ends at a line's start (as editors select whole lines) does not touch that line.
    """
    text = snapshot.text
    start, end = (min(max(offset, 0), len(text)) for offset in sorted(span))
    start = text.rfind(b"\n", 0, start) + 1
    if end > start and text[end - 1 : end] == b"\n":
        end -= 1
    line_end = text.find(b"\n", end)
    piece = text[start : line_end if line_end >= 0 else len(text)]
    kept = piece.rstrip()
    if not kept:
        return None
    skipped = len(kept) - len(kept.lstrip())
    start += kept.rfind(b"\n", 0, skipped) + 1
    return Region(snapshot, buffer, start, start + len(kept) - (kept.rfind(b"\n", 0, skipped) + 1))


def chosen(snapshot: Snapshot, buffer: Buffer) -> Region | None:
    """What is selected, or None."""
    picked = snapshot.selection
    return region(snapshot, buffer, picked) if picked is not None and picked[0] != picked[1] else None


def around(snapshot: Snapshot, buffer: Buffer) -> Region | None:
    """The function the cursor is in, or None."""
    inside = buffer.function_at(snapshot.cursor) if snapshot.cursor is not None else None
    return region(snapshot, buffer, (inside.start_byte, inside.end_byte)) if inside is not None else None
