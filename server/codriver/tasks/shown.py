"""What was suggested lately: reused while somebody types along with it or deletes back to it, and held back
where it was not wanted."""

from __future__ import annotations

from collections import OrderedDict, deque
from dataclasses import replace

from codriver.model.request import Snapshot
from codriver.model.value import value
from codriver.tasks import brackets
from codriver.tasks.suggestion import Suggestion, word_start

BUFFERS = 32
"""Buffers whose last suggestions are remembered."""

EACH = 8
"""Suggestions remembered of each."""

REJECTED = 64
COOLING = 5.0
"""Seconds in which nothing is suggested on a line where something was rejected."""

VAIN = 30.0
"""Seconds in which nobody is asked again at a place where nobody knew anything."""

_NEAR = 200
"""Bytes compared before and after the place; with the length of the rest that tells one place from another."""

Key = tuple[int, str]


@value(frozen=True, slots=True)
class _Shown:
    suggestion: Suggestion
    cursor: int
    """Where the cursor was: what stands before it is no part of the suggestion."""
    before: bytes
    after: bytes
    behind: int
    """Bytes of text behind the replaced range."""
    above: bytes
    """The end of what stands above its line."""


class Shown:
    """The last suggestions of each buffer, the last rejections, and where asking was in vain. Bounded.

    Times are seconds of one clock.
    """

    def __init__(self) -> None:
        self._last: OrderedDict[Key, deque[_Shown]] = OrderedDict()
        self._taken: deque[tuple[str, _Shown]] = deque(maxlen=EACH)
        self._rejected: deque[tuple[str, bytes, str]] = deque(maxlen=REJECTED)
        self._cooling: deque[tuple[str, bytes, float]] = deque(maxlen=EACH)
        self._vain: OrderedDict[tuple[str, bytes, bytes], float] = OrderedDict()

    def keep(self, owner: int, snapshot: Snapshot, suggestion: Suggestion) -> None:
        """Remembers what was just suggested for this snapshot, unless it is the rest of what is remembered."""
        if any(one.suggestion.decision == suggestion.decision for one in self._last.get((owner, snapshot.uri), ())):
            return
        text, start, end = snapshot.text, suggestion.start, suggestion.end
        before, after = text[max(start - _NEAR, 0) : start], text[end : end + _NEAR]
        held = self._last.setdefault((owner, snapshot.uri), deque(maxlen=EACH))
        held.appendleft(_Shown(suggestion, snapshot.cursor or 0, before, after, len(text) - end, _above(text, start)))
        self._last.move_to_end((owner, snapshot.uri))
        while len(self._last) > BUFFERS:
            self._last.popitem(last=False)

    def along(self, owner: int, snapshot: Snapshot) -> Suggestion | None:
        """The rest of a suggestion, when all that happened since is that its beginning was typed or deleted.

        A bracket or quote the editor closed by itself may stand to the right if the rest brings it.
        """
        for held in self._last.get((owner, snapshot.uri), ()):
            found = _rest(held, snapshot)
            if found is not None:
                return found
        return None

    def rejected(self, decision: str, now: float | None = None) -> None:
        """This one is not wanted: not here, not again; and with a time, nothing on its line for a while."""
        self.taken(decision)
        for uri, one in self._taken:
            if one.suggestion.decision == decision:
                self._rejected.append((uri, one.before, one.suggestion.text))
                self._forget(uri, one.before, one.suggestion.text)
                if now is not None:
                    self._cooling.append((uri, one.above, now))

    def taken(self, decision: str) -> None:
        """It is not offered again from memory; what was taken may be rejected still, by taking it out again."""
        for (_, uri), held in self._last.items():
            for one in [one for one in held if one.suggestion.decision == decision]:
                held.remove(one)
                self._taken.append((uri, one))

    def _forget(self, uri: str, before: bytes, text: str) -> None:
        """The same text at the same place, suggested a second time, is not offered from memory either."""
        for (_, where), held in self._last.items():
            if where == uri:
                for one in [one for one in held if (one.before, one.suggestion.text) == (before, text)]:
                    held.remove(one)

    def unwelcome(self, snapshot: Snapshot, suggestion: Suggestion) -> bool:
        """Whether the same text was rejected at the same place lately."""
        if not self._rejected:
            return False
        near = snapshot.text[max(suggestion.start - _NEAR, 0) : suggestion.start]
        return (snapshot.uri, near, suggestion.text) in self._rejected

    def cooling(self, snapshot: Snapshot, now: float) -> bool:
        """Whether something was rejected on the cursor's line a moment ago."""
        if not self._cooling or not any(uri == snapshot.uri and now - at < COOLING for uri, _, at in self._cooling):
            return False
        above = _above(snapshot.text, snapshot.cursor or 0)
        return (snapshot.uri, above) in [(uri, where) for uri, where, at in self._cooling if now - at < COOLING]

    def in_vain(self, snapshot: Snapshot, now: float) -> None:
        """Nobody knew anything here."""
        self._vain[_place(snapshot)] = now
        while len(self._vain) > REJECTED:
            self._vain.popitem(last=False)

    def vain(self, snapshot: Snapshot, now: float) -> bool:
        """Whether nobody knew anything at this place a moment ago."""
        return bool(self._vain) and now - self._vain.get(_place(snapshot), -VAIN) < VAIN


def _rest(held: _Shown, snapshot: Snapshot) -> Suggestion | None:
    told, text, cursor = held.suggestion, snapshot.text, snapshot.cursor
    tail = len(text) - held.behind
    if cursor is None or cursor < max(held.cursor, told.start) or tail < cursor:
        return None
    whole, typed = told.text.encode(), text[told.start : cursor]
    if not whole.startswith(typed) or len(whole) == len(typed):
        return None
    if text[max(told.start - _NEAR, 0) : told.start] != held.before or text[tail : tail + _NEAR] != held.after:
        return None
    right = text[cursor:tail].decode("utf-8", "replace")
    rest = whole[len(typed) :].decode("utf-8", "replace")
    if right and brackets.overlap(rest, right) != len(right):
        return None
    start = max(told.start, word_start(text, cursor))
    return replace(told, text=whole[start - told.start :].decode("utf-8"), start=start, end=tail)


def _above(text: bytes, offset: int) -> bytes:
    start = text.rfind(b"\n", 0, offset) + 1
    return text[max(start - _NEAR, 0) : start]


def _place(snapshot: Snapshot) -> tuple[str, bytes, bytes]:
    cursor = snapshot.cursor or 0
    return snapshot.uri, snapshot.text[max(cursor - _NEAR, 0) : cursor], snapshot.text[cursor : cursor + _NEAR]
