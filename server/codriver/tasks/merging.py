"""Versions of a text: what an edit makes of it, which lines differ, three versions made one.

Nothing here guesses: lines changed on both sides are a conflict, and so are changes that touch each other.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from difflib import SequenceMatcher

from codriver.syntax.text import Edit

LONGEST = 20_000
"""Lines that are compared one by one; what is longer counts as changed from its first difference to its last."""

Lines = tuple[int, int]
"""First and last line, from 1."""


@dataclass(frozen=True, slots=True)
class Patch:
    """The new text of the bytes [start, end) of a snapshot."""

    start: int
    end: int
    text: str

    def applied(self, data: bytes) -> bytes:
        """The text after it."""
        return data[: self.start] + self.text.encode("utf-8", "replace") + data[self.end :]


def applied(data: bytes, patches: Sequence[Patch]) -> bytes:
    """The text after several patches of it, which do not overlap."""
    for patch in sorted(patches, key=lambda patch: (patch.start, patch.end), reverse=True):
        data = patch.applied(data)
    return data


def differing(old: bytes, new: bytes) -> tuple[Lines, ...]:
    """The lines of `new` that are not in `old`; where lines were only taken away, the one that follows."""
    before, after = old.split(b"\n"), new.split(b"\n")
    last = max(len(after) - (after[-1] == b"" and len(after) > 1), 1)
    found = []
    for _, _, start, end in _hunks(before, after):
        first = min(start + 1, last)
        found.append((first, min(max(end, first), last)))
    return tuple(dict.fromkeys(found))


def merged(base: bytes, ours: bytes, theirs: bytes) -> bytes | None:
    """Both sides' changes of `base` in one text; None where they touch the same or neighbouring lines."""
    if ours in (base, theirs):
        return theirs
    if theirs == base:
        return ours
    rows, left, right = (text.split(b"\n") for text in (base, ours, theirs))
    hunks = [(*hunk, left) for hunk in _hunks(rows, left)] + [(*hunk, right) for hunk in _hunks(rows, right)]
    hunks.sort(key=lambda hunk: hunk[:2])
    whole: list[bytes] = []
    at = -1
    for start, end, first, last, side in hunks:
        if start <= at:
            return None
        whole += rows[max(at, 0) : start]
        whole += side[first:last]
        at = end
    return b"\n".join(whole + rows[max(at, 0) :])


def landed(patch: Patch, base: bytes, now: bytes, edits: Sequence[Edit]) -> Patch | None:
    """A patch of `base` as a patch of `now`, which these edits made of it; None where both changed the same lines.

    The lines of the patch are followed through every edit, so what looks alike elsewhere is never taken for them.
    """
    start, end = _line_start(base, patch.start), _line_end(base, patch.end)
    ours = base[start : patch.start] + patch.text.encode("utf-8", "replace") + base[patch.end : end]
    place = (start, end)
    for edit in _told_apart(edits, base, now):
        place = _followed(place, edit)
    here = _line_start(now, place[0]), _line_end(now, max(place))
    whole = merged(base[start:end], ours, now[slice(*here)])
    return Patch(*here, whole.decode("utf-8", "replace")) if whole is not None else None


def _told_apart(edits: Sequence[Edit], base: bytes, now: bytes) -> Sequence[Edit]:
    """The edits; where an editor sent whole texts, the one edit between what both ends share."""
    size = len(base)
    for edit in edits:
        if size and edit.start_byte == 0 and edit.old_end_byte == size:
            start, old_end, new_end = narrowest(base, now)
            return [Edit(start, old_end, new_end, (0, 0), (0, 0), (0, 0))]
        size += edit.new_end_byte - edit.old_end_byte
    return edits


def _followed(place: tuple[int, int], edit: Edit) -> tuple[int, int]:
    """Where a byte range is after an edit; one that touches it stretches it."""
    start, end = place
    delta = edit.new_end_byte - edit.old_end_byte
    if edit.start_byte >= end:
        return place
    if edit.old_end_byte <= start:
        return start + delta, end + delta
    return min(start, edit.start_byte), max(end + delta, edit.new_end_byte)


def _line_start(data: bytes, at: int) -> int:
    return data.rfind(b"\n", 0, at) + 1


def _line_end(data: bytes, at: int) -> int:
    found = data.find(b"\n", at)
    return found if found >= 0 else len(data)


def carried(lines: Lines, old: bytes, new: bytes) -> Lines | None:
    """Lines of the old text where they stand in the new one; None where they were changed."""
    moved = 0
    for start, end, _, last in _hunks(old.split(b"\n"), new.split(b"\n")):
        if end < lines[0]:
            moved = last - end
        elif start < lines[1]:
            return None
    return lines[0] + moved, lines[1] + moved


def narrowest(old: bytes, new: bytes) -> tuple[int, int, int]:
    """The bytes [start, old end) of the old text that became [start, new end): without what both ends share."""
    most = min(len(old), len(new))
    start = _shared(old, new, most)
    tail = _shared(old[start:][::-1], new[start:][::-1], most - start)
    return start, len(old) - tail, len(new) - tail


def _shared(one: bytes, other: bytes, most: int) -> int:
    """How many bytes both begin with."""
    low, high = 0, most
    while low < high:
        middle = (low + high + 1) // 2
        low, high = (middle, high) if one[:middle] == other[:middle] else (low, middle - 1)
    return low


def _hunks(old: Sequence[bytes], new: Sequence[bytes]) -> Iterator[tuple[int, int, int, int]]:
    """Lines [a, b) of the old text that became lines [c, d) of the new one, in order."""
    head = next((n for n, (a, b) in enumerate(zip(old, new, strict=False)) if a != b), min(len(old), len(new)))
    if head == len(old) == len(new):
        return
    tail = 0
    while tail < min(len(old), len(new)) - head and old[-1 - tail] == new[-1 - tail]:
        tail += 1
    before, after = old[head : len(old) - tail], new[head : len(new) - tail]
    if max(len(before), len(after)) > LONGEST:
        yield head, len(old) - tail, head, len(new) - tail
        return
    for kind, a, b, c, d in SequenceMatcher(None, before, after, autojunk=False).get_opcodes():
        if kind != "equal":
            yield head + a, head + b, head + c, head + d
