"""What became of taken text: its place is followed through all later changes, and looked at after a while.

After half a minute people have mended what they did not like; after ten the text has shown what it is worth.
"""

from __future__ import annotations

import re
from collections import OrderedDict
from dataclasses import dataclass
from difflib import SequenceMatcher

from codriver.tasks import changes
from codriver.tasks.changes import Change, Span

STAGES = (30.0, 120.0, 600.0)
"""Seconds after which a taken text is looked at."""

REMEMBERED = 100
"""Texts that are followed, the newest."""

SAME, ALIKE = 0.9, 0.5
"""Shares of tokens still in their order from which a text counts as kept, and as changed: below, it was removed."""

TELLING = 4
"""Characters without blanks below which a text says nothing."""

_TOKEN = re.compile(rb"[\w\x80-\xff]+|[^\w\s\x80-\xff]")

Key = tuple[int, str]
"""An editor and the URI of its buffer."""


@dataclass(slots=True)
class _Taken:
    key: Key
    span: Span
    text: bytes
    at: float
    stage: int = 0
    word: str = ""


class Kept:
    """Taken texts that are followed. Times are seconds of one clock."""

    def __init__(self) -> None:
        self._taken: OrderedDict[str, _Taken] = OrderedDict()

    def __len__(self) -> int:
        return len(self._taken)

    def taken(self, decision: str, key: Key, start: int, text: bytes, now: float) -> None:
        """A text stands in a buffer from byte `start` on, because it was suggested."""
        if len(b"".join(text.split())) < TELLING:
            return
        self._taken[decision] = _Taken(key, (start, start + len(text)), text, now)
        if len(self._taken) > REMEMBERED:
            self._taken.popitem(last=False)

    def changed(self, key: Key, change: Change) -> None:
        """The buffer changed: places move along."""
        for taken in self._taken.values():
            if taken.key == key:
                taken.span = changes.moved(taken.span, change)

    def due(self, key: Key, now: float) -> bool:
        """Whether a text of this buffer is to be looked at."""
        return any(taken.key == key and now - taken.at >= STAGES[taken.stage] for taken in self._taken.values())

    def seen(self, key: Key, content: bytes, now: float) -> list[tuple[str, str]]:
        """(decision, word) of the texts whose time has come, in their buffer as it is: kept, changed or removed.

        A word is told again only when it has become another.
        """
        told: list[tuple[str, str]] = []
        for decision, taken in list(self._taken.items()):
            passed = sum(now - taken.at >= stage for stage in STAGES)
            if taken.key != key or passed <= taken.stage:
                continue
            word = _became(taken.text, content[slice(*taken.span)])
            if word != taken.word:
                told.append((decision, word))
            taken.stage, taken.word = passed, word
            if passed == len(STAGES) or word == "removed":
                del self._taken[decision]
        return told

    def removed(self, key: Key, change: Change) -> list[str]:
        """The texts that a change, not yet told by `changed`, takes away whole."""
        start, end = change.at, change.at + len(change.removed)
        return [
            decision
            for decision, taken in self._taken.items()
            if taken.key == key and not change.inserted and start <= taken.span[0] and taken.span[1] <= end
        ]

    def forget(self, decision: str) -> None:
        """It is known what became of it."""
        self._taken.pop(decision, None)

    def closed(self, key: Key) -> None:
        """The buffer is gone: what became of its texts will not be known."""
        for decision in [decision for decision, taken in self._taken.items() if taken.key == key]:
            del self._taken[decision]


def _became(text: bytes, now: bytes) -> str:
    old, new = _TOKEN.findall(text), _TOKEN.findall(now)
    if old == new:
        return "kept"
    still = sum(block.size for block in SequenceMatcher(None, old, new, autojunk=False).get_matching_blocks())
    share = still / max(len(old), 1)
    # What was written into it counts as a change, and does not remove it.
    return "removed" if share < ALIKE else "kept" if share >= SAME and len(new) <= 1.2 * len(old) else "changed"
