"""What an editor did to a buffer, as bytes: the smallest replacement each change comes to, and taking it back.

Editors send more than changed (a whole line, the whole text); what is the same at both ends is left out here.
"""

from __future__ import annotations

from collections.abc import Sequence

from codriver.model.value import value

Span = tuple[int, int]
"""Byte offsets, half open."""


@value(frozen=True, slots=True)
class Change:
    """At byte `at` the bytes `removed` became `inserted`, in the coordinates the changes before it left."""

    at: int
    removed: bytes
    inserted: bytes

    @property
    def end(self) -> int:
        """Where the inserted bytes end."""
        return self.at + len(self.inserted)

    @property
    def grown(self) -> int:
        """Bytes by which the text became longer; negative when shorter."""
        return len(self.inserted) - len(self.removed)


def narrowed(at: int, removed: bytes, inserted: bytes) -> Change:
    """The change without what is the same at its ends; cuts fall on whole UTF-8 characters."""
    head = _common(removed, inserted)
    while head and (_split(removed, head) or _split(inserted, head)):
        head -= 1
    removed, inserted = removed[head:], inserted[head:]
    tail = _common_end(removed, inserted)
    while tail and _split(removed, len(removed) - tail):
        tail -= 1
    return Change(at + head, removed[: len(removed) - tail], inserted[: len(inserted) - tail])


def merged(changes: Sequence[Change]) -> list[Change]:
    """Changes that touch each other made one; each of the result in the coordinates those before it left."""
    if len(changes) == 1 and (changes[0].removed or changes[0].inserted):
        return [changes[0]]
    found: list[Change] = []
    for change in changes:
        if not change.removed and not change.inserted:
            continue
        last = found[-1] if found else None
        if last is not None and last.at <= change.at and change.at + len(change.removed) <= last.end:
            inside = change.at - last.at
            new = last.inserted[:inside] + change.inserted + last.inserted[inside + len(change.removed) :]
            found[-1] = narrowed(last.at, last.removed, new)
        elif last is not None and change.at == last.end:
            found[-1] = narrowed(last.at, last.removed + change.removed, last.inserted + change.inserted)
        elif last is not None and change.at + len(change.removed) == last.at:
            found[-1] = narrowed(change.at, change.removed + last.removed, change.inserted + last.inserted)
        else:
            found.append(change)
    return found


def taken_back(text: bytes, changes: Sequence[Change]) -> bytes:
    """The text before these changes, which made it what it is."""
    for change in reversed(changes):
        text = text[: change.at] + change.removed + text[change.end :]
    return text


def moved(span: Span, change: Change) -> Span:
    """Where a span lies after a change: what is inserted inside of it or replaces a part belongs to it."""
    start, end = span
    cut = change.at + len(change.removed)
    if cut <= start and (change.at < start or change.removed):
        return start + change.grown, end + change.grown
    if change.at >= end:
        return start, end
    return min(start, change.at), max(end + change.grown, change.end)


def _common(one: bytes, two: bytes) -> int:
    """How many bytes two texts begin with alike."""
    low, high = 0, min(len(one), len(two))
    if one[:high] == two[:high]:
        return high
    while high - low > 1:
        middle = (low + high) // 2
        if one[low:middle] == two[low:middle]:
            low = middle
        else:
            high = middle
    return low


def _common_end(one: bytes, two: bytes) -> int:
    """How many bytes two texts end with alike."""
    low, high = 0, min(len(one), len(two))
    if one[len(one) - high :] == two[len(two) - high :]:
        return high
    while high - low > 1:
        middle = (low + high) // 2
        if one[len(one) - middle : len(one) - low] == two[len(two) - middle : len(two) - low]:
            low = middle
        else:
            high = middle
    return low


def _split(text: bytes, at: int) -> bool:
    """Whether a cut before this byte falls inside of a character."""
    return at < len(text) and text[at] & 0xC0 == 0x80
