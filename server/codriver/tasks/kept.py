"""What became of accepted text: still there, changed, or removed; looked at when its file is seen again."""

from __future__ import annotations

from collections import OrderedDict
from dataclasses import dataclass

AFTER = 60.0
"""Seconds after which an accepted text is looked for: until then people still type."""

FORGOTTEN = 3600.0
"""Seconds after which it says nothing any more: the file has moved on."""

REMEMBERED = 100
"""Texts waited for, the newest."""

CHANGED = 0.5
"""Share of its lines that must be there for a text to count as changed, not removed."""


@dataclass(frozen=True, slots=True)
class _Taken:
    uri: str
    text: str
    at: float


class Kept:
    """Accepted texts that nobody has looked for yet. Times are seconds of one clock."""

    def __init__(self) -> None:
        self._taken: OrderedDict[str, _Taken] = OrderedDict()

    def accepted(self, decision: str, uri: str, text: str, now: float) -> None:
        """A text went into a file. Blank ones and single words say nothing: they are found anywhere."""
        if len(text.strip()) < 8:
            return
        self._taken[decision] = _Taken(uri, text, now)
        if len(self._taken) > REMEMBERED:
            self._taken.popitem(last=False)

    def seen(self, uri: str, content: bytes, now: float) -> list[tuple[str, str]]:
        """(decision, word) of the texts whose time has come, in a file as it is now: kept, changed or removed."""
        due = [
            (decision, taken) for decision, taken in self._taken.items() if taken.uri == uri and now - taken.at >= AFTER
        ]
        told: list[tuple[str, str]] = []
        for decision, taken in due:
            del self._taken[decision]
            if now - taken.at < FORGOTTEN:
                told.append((decision, _fate(taken.text, content)))
        return told


def _fate(text: str, content: bytes) -> str:
    if text.strip().encode() in content:
        return "kept"
    lines = [line.strip().encode() for line in text.splitlines() if line.strip()]
    found = sum(line in content for line in lines)
    return "changed" if found >= CHANGED * len(lines) else "removed"
