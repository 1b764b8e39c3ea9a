"""What was suggested lately: reused while the user types along with it, refused after a rejection."""

from __future__ import annotations

from collections import OrderedDict, deque
from dataclasses import dataclass, replace

from codriver.model.request import Snapshot
from codriver.tasks import brackets
from codriver.tasks.suggestion import Suggestion, word_start

KEPT = 32
"""Buffers whose last suggestion is remembered."""

_NEAR = 200
"""Bytes compared before and after the place; with the length of the rest that tells one place from another."""


@dataclass(frozen=True, slots=True)
class _Shown:
    suggestion: Suggestion
    cursor: int
    before: bytes
    after: bytes
    behind: int
    """Bytes of text behind the replaced range."""


class Shown:
    """The last suggestion of each buffer and the last rejections. Bounded."""

    def __init__(self) -> None:
        self._last: OrderedDict[tuple[int, str], _Shown] = OrderedDict()
        self._rejected: deque[tuple[str, bytes, str]] = deque(maxlen=2 * KEPT)

    def keep(self, owner: int, snapshot: Snapshot, suggestion: Suggestion) -> None:
        """Remembers what was just suggested for this snapshot."""
        text, start, end = snapshot.text, suggestion.start, suggestion.end
        self._last[owner, snapshot.uri] = _Shown(
            suggestion,
            snapshot.cursor or 0,
            text[max(start - _NEAR, 0) : start],
            text[end : end + _NEAR],
            len(text) - end,
        )
        self._last.move_to_end((owner, snapshot.uri))
        while len(self._last) > KEPT:
            self._last.popitem(last=False)

    def along(self, owner: int, snapshot: Snapshot) -> Suggestion | None:
        """The rest of the last suggestion, when all that happened since is that its beginning was typed or deleted.

        A bracket or quote the editor closed by itself may stand to the right if the rest brings it.
        """
        held = self._last.get((owner, snapshot.uri))
        cursor = snapshot.cursor
        if held is None or cursor is None:
            return None
        told, text = held.suggestion, snapshot.text
        whole = told.text.encode()
        typed = text[told.start : cursor]
        tail = len(text) - held.behind
        if cursor < told.start or tail < cursor or not whole.startswith(typed) or len(whole) == len(typed):
            return None
        if not text[: told.start].endswith(held.before) or text[tail : tail + _NEAR] != held.after:
            return None
        right = text[cursor:tail].decode("utf-8", "replace")
        rest = whole[len(typed) :].decode("utf-8", "replace")
        if right and brackets.overlap(rest, right) != len(right):
            return None
        start = max(told.start, word_start(text, cursor))
        return replace(told, text=whole[start - told.start :].decode("utf-8"), start=start, end=tail)

    def rejected(self, decision: str) -> None:
        """The user does not want this one: not here, not again."""
        for key, held in list(self._last.items()):
            if held.suggestion.decision == decision:
                self._rejected.append((key[1], held.before, held.suggestion.text))
                del self._last[key]

    def found(self, decision: str) -> tuple[str, str] | None:
        """The URI and the text of a suggestion that is still remembered."""
        for (_, uri), held in self._last.items():
            if held.suggestion.decision == decision:
                return uri, held.suggestion.text
        return None

    def forget(self, decision: str) -> None:
        """It was taken, or is gone: it is not offered again from memory."""
        for key, held in list(self._last.items()):
            if held.suggestion.decision == decision:
                del self._last[key]

    def unwelcome(self, snapshot: Snapshot, suggestion: Suggestion) -> bool:
        """Whether the same text was rejected at the same place lately."""
        near = snapshot.text[max(suggestion.start - _NEAR, 0) : suggestion.start]
        return (snapshot.uri, near, suggestion.text) in self._rejected
