"""All that is known of what somebody does with buffers and suggestions: what he types, what he takes, what stays.

Fed by changes alone. What becomes of a suggestion is told once, in the words of routing/rewards.py.
"""

from __future__ import annotations

from collections import OrderedDict, deque
from collections.abc import Callable, Sequence

from codriver.analyst import path_of
from codriver.model.request import Snapshot
from codriver.tasks import changes, gate
from codriver.tasks.changes import Change, Span
from codriver.tasks.fate import SEEN, Live, Verdict
from codriver.tasks.kept import Kept
from codriver.tasks.rhythm import Rhythm, Spot
from codriver.tasks.shown import Shown
from codriver.tasks.suggestion import Suggestion
from codriver.tasks.watch import Doing, Watch

TOLD = 200
"""Decisions of which it is remembered what was told."""

LATELY = 600.0
"""Seconds for which a change says what somebody is at."""

Key = tuple[int, str]


class Following:
    """Buffers of all editors. tell: takes a decision's id and the word for what became of it."""

    def __init__(self, tell: Callable[[str, str], None], clock: Callable[[], float]) -> None:
        self.shown = Shown()
        self._tell, self._clock = tell, clock
        self._kept = Kept()
        self._watches: dict[Key, Watch] = {}
        self._rhythms: dict[int, Rhythm] = {}
        self._live: dict[Key, list[Live]] = {}
        self._next: dict[Key, Live] = {}
        self._refused: deque[tuple[str, int, bytes]] = deque(maxlen=TOLD)
        self._told: OrderedDict[str, str] = OrderedDict()

    # What editors tell.

    def opened(self, owner: int, uri: str) -> None:
        """A buffer was opened."""
        self._watches[owner, uri] = Watch()
        self._live.pop((owner, uri), None)

    def changed(self, owner: int, uri: str, batch: Sequence[Change], content: Callable[[], bytes]) -> None:
        """A buffer was changed, by one message; `content` is asked for its text only where that is needed."""
        key, now, found = (owner, uri), self._clock(), changes.merged(batch)
        self.rhythm(owner).key(now)
        for change in found if self._kept else ():
            self._taken_out(key, change)
            self._kept.changed(key, change)
        watch = self._watches.setdefault(key, Watch())
        watch.changed(found, now)
        if watch.doing is Doing.UNDONE:
            self._live.pop(key, None)
        for change in found:
            self._judge(key, change, now, alone=len(found) == 1)
        self._judge_next(key, found)
        if self._kept.due(key, now):
            self._look(key, content(), now)

    def closed(self, owner: int, uri: str) -> None:
        """A buffer was closed."""
        key = owner, uri
        for known in (self._watches, self._live, self._next):
            known.pop(key, None)
        self._kept.closed(key)

    def left(self, owner: int) -> None:
        """An editor has gone."""
        self._rhythms.pop(owner, None)
        # Of cells of notebooks only suggestions are known: nobody watches them.
        for key in {key for known in (self._watches, self._live, self._next) for key in known if key[0] == owner}:
            self.closed(*key)

    def fate(self, decision: str, word: str) -> None:
        """What an editor says of a suggestion: accepted, partly-accepted, rejected, ..."""
        key = next((key for key, lives in self._live.items() if any(one.decision == decision for one in lives)), None)
        if word == "rejected":
            for (_, uri), live in self._next.items():
                if live.decision == decision:
                    self._refused.append((uri, live.start, live.whole))
            self.shown.rejected(decision, self._clock())
            if key is not None:
                del self._live[key]
                self.rhythm(key[0]).went_over(self._clock())
        elif word == "accepted":
            if key is not None and decision not in self._told:
                self.rhythm(key[0]).took(self._clock())
            self.shown.taken(decision)
        self._say(decision, word)

    # What the pipeline asks.

    def watch(self, owner: int, uri: str) -> Watch | None:
        """What is done in a buffer; None for one that nobody opened."""
        return self._watches.get((owner, uri))

    def edited(self, owner: int) -> dict[str, list[Span]]:
        """By path, where an editor's buffers were changed lately, in their text as it is now; newest first."""
        now = self._clock()
        return {
            path_of(uri): [place for place, _ in watch.places]
            for (whose, uri), watch in self._watches.items()
            if whose == owner and watch.places and now - watch.when < LATELY
        }

    def rhythm(self, owner: int) -> Rhythm:
        """The hands of an editor."""
        return self._rhythms.setdefault(owner, Rhythm())

    def along(self, owner: int, snapshot: Snapshot) -> Suggestion | None:
        """The rest of a suggestion that is being typed, or was deleted back to."""
        watch = self.watch(owner, snapshot.uri)
        if watch is not None and watch.doing in (Doing.UNDONE, Doing.MANY):
            return None
        return self.shown.along(owner, snapshot)

    def silent(self, owner: int, snapshot: Snapshot) -> str:
        """Why nobody waits for a suggestion, by what was done lately, or ""."""
        reason = gate.hands(snapshot, self.watch(owner, snapshot.uri))
        if not reason and self.shown.cooling(snapshot, self._clock()):
            return "a suggestion was rejected on this line"
        return reason or ("nobody knew anything here" if self.shown.vain(snapshot, self._clock()) else "")

    def delay(self, owner: int, snapshot: Snapshot) -> float:
        """Seconds to wait before a model is asked for a completion at the snapshot's cursor."""
        now, watch, rhythm = self._clock(), self.watch(owner, snapshot.uri), self.rhythm(owner)
        waited = now - watch.when if watch is not None and watch.doing is not Doing.NOTHING else None
        if waited is not None:
            rhythm.asked(waited)
        return rhythm.delay(_spot(snapshot, watch), waited, now)

    def given(self, owner: int, snapshot: Snapshot, found: Sequence[Suggestion]) -> None:
        """Suggestions go to the editor, which shows the first."""
        key, now = (owner, snapshot.uri), self._clock()
        known = {live.decision: live for live in self._live.pop(key, ())}
        told = {one.decision for one in found}
        for live in known.values():
            if live.decision not in told:
                self._parted(key, live, now)
        self._live[key] = [known.get(one.decision) or _live(snapshot, one, now) for one in found]
        self.shown.keep(owner, snapshot, found[0])

    def offered(self, owner: int, snapshot: Snapshot, edit: Suggestion) -> None:
        """A next edit goes to the editor."""
        self._next[owner, snapshot.uri] = _live(snapshot, edit, self._clock())

    def offering(self, owner: int, snapshot: Snapshot, edit: Suggestion) -> str:
        """The decision under which this very next edit was offered already, or ""."""
        live = self._next.get((owner, snapshot.uri))
        same = live is not None and (live.start, live.whole, live.end) == (edit.start, edit.text.encode(), edit.end)
        return live.decision if live is not None and same else ""

    def refused(self, snapshot: Snapshot, start: int, text: str) -> bool:
        """Whether this very next edit was rejected."""
        return (snapshot.uri, start, text.encode()) in self._refused

    def looked(self, owner: int, snapshot: Snapshot) -> None:
        """A buffer is seen: what was taken there is looked at when its time has come."""
        key = owner, snapshot.uri
        if self._kept.due(key, self._clock()):
            self._look(key, snapshot.text, self._clock())

    # What follows from it.

    def _judge(self, key: Key, change: Change, now: float, *, alone: bool) -> None:
        """alone: no other change came with it, which may have been made elsewhere by the editor itself."""
        lives = self._live.get(key, [])
        verdicts = [(live.follow(change), live) for live in lives]
        for verdict, live in verdicts:
            if verdict is Verdict.TAKEN:
                self._taken(key, live, now)
                return
        over = (Verdict.OVER, Verdict.LEFT, Verdict.AWAY) if alone else (Verdict.OVER, Verdict.LEFT)
        left = [live for verdict, live in verdicts if verdict not in over]
        if any(verdict is Verdict.PARTLY for verdict, _ in verdicts):
            self._watches[key].accepted()
            self._say(left[0].decision, "partly-accepted")
        if lives and not left:
            self._over(key, *verdicts[0], now)
        elif lives:
            self._live[key] = left

    def _judge_next(self, key: Key, found: Sequence[Change]) -> None:
        live = self._next.get(key)
        verdicts = [live.follow(change) for change in found] if live is not None else []
        if live is not None and Verdict.TAKEN in verdicts:
            del self._next[key]
            self._say(live.decision, "accepted")
        elif Verdict.OVER in verdicts or Verdict.LEFT in verdicts:
            del self._next[key]

    def _taken(self, key: Key, live: Live, now: float) -> None:
        del self._live[key]
        self._watches[key].accepted()
        self.rhythm(key[0]).took(now)
        self.shown.taken(live.decision)
        self._kept.taken(live.decision, key, live.start, live.stands, now)
        self._say(live.decision, "accepted")

    def _over(self, key: Key, verdict: Verdict, live: Live, now: float) -> None:
        """None of what was given fits any more; `live` is the one that was shown."""
        del self._live[key]
        self._parted(key, live, now)
        if verdict is Verdict.OVER and not live.got and now - live.since >= SEEN:
            self.rhythm(key[0]).went_over(now)
            self.shown.rejected(live.decision)
            self._say(live.decision, "typed-over")

    def _parted(self, key: Key, live: Live, now: float) -> None:
        """It is not shown any more: what was taken of it in parts is followed."""
        if live.got:
            self._kept.taken(live.decision, key, live.start, live.got, now)

    def _taken_out(self, key: Key, change: Change) -> None:
        """What was taken is taken out again: it was not wanted."""
        for decision in self._kept.removed(key, change):
            self._kept.forget(decision)
            self.shown.rejected(decision)
            self._say(decision, "removed")

    def _look(self, key: Key, content: bytes, now: float) -> None:
        for decision, word in self._kept.seen(key, content, now):
            self._say(decision, word)

    def _say(self, decision: str, word: str) -> None:
        if self._told.get(decision) == word:
            return
        self._told[decision] = word
        self._told.move_to_end(decision)
        if len(self._told) > TOLD:
            self._told.popitem(last=False)
        self._tell(decision, word)


def _spot(snapshot: Snapshot, watch: Watch | None) -> Spot:
    if watch is not None and watch.doing is Doing.DELETED:
        return Spot.CLEARED
    cursor = snapshot.cursor or 0
    line = snapshot.text[snapshot.text.rfind(b"\n", 0, cursor) + 1 : cursor]
    if not line.strip() or (watch is not None and watch.doing in (Doing.NEWLINE, Doing.ACCEPTED)):
        return Spot.START
    return Spot.WORD if line[-1:].isalnum() or line[-1:] == b"_" or line[-1:] > b"\x7f" else Spot.OTHER


def _live(snapshot: Snapshot, one: Suggestion, now: float) -> Live:
    return Live(one.decision, one.start, one.text.encode(), snapshot.text[one.start : one.end], now)
