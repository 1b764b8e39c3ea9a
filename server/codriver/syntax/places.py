"""Places in a text: byte offsets, and half-open ranges of them."""

from __future__ import annotations

COUNTED = 10_000
"""Bytes that are counted around a place where no function is: some 8 ms, when nothing of it was counted before."""

Range = tuple[int, int]
"""Half-open byte range of the text."""


def span_of(place: int | Range | None, length: int) -> Range:
    """The place as a range within a text of this length; inverted ranges are swapped. None is the whole text."""
    if place is None:
        return 0, length
    first, second = (place, place) if isinstance(place, int) else place
    first, second = min(first, second), max(first, second)
    return min(max(first, 0), length), min(max(second, 0), length)


def within(place: int | Range, start: int) -> int | Range:
    """The place counted from the beginning of a piece of the text."""
    return place - start if isinstance(place, int) else (place[0] - start, place[1] - start)


def middle(region: Range) -> int:
    """The byte in the middle of a range."""
    return (region[0] + region[1]) // 2


def around(offset: int, length: int) -> Range:
    """What is counted where no function is: the whole text, of a longer one COUNTED bytes around the place."""
    if length <= COUNTED:
        return 0, length
    return max(offset - COUNTED // 2, 0), min(offset + COUNTED // 2, length)
