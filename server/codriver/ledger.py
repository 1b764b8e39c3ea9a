"""What happened, kept off the hot path, and what follows from it for the next decision.

The ledger takes each Outcome once, hands it to the Store, and folds it into the View: who rests
after a failure, what a session has warm, how quick models are, what today cost. All of that is
in memory; the store is read once, at the start. An outcome that nobody waits for may be owed for a moment: whoever
asks for what follows from it has it recorded first.
"""

from __future__ import annotations

import logging
import time
from collections import OrderedDict, deque
from collections.abc import Callable, Iterator
from dataclasses import replace

from codriver.errors import Failure, Kind, Scope
from codriver.model.decision import Belief, Latency, Outcome, Pin, Rest, View
from codriver.model.request import ERRANDS, Purpose
from codriver.routing import pace, staying
from codriver.state.store import Row, Store

log = logging.getLogger("codriver.ledger")

REMEMBERED = 500
"""Recent outcomes kept in memory for explanations."""

SESSIONS = 2000
"""Sessions whose warm model is remembered; the oldest go first."""

PAYERS = 4000
"""Sessions and workflows whose spending is remembered; whoever spent nothing for longest goes first."""

LONGEST_REST = 3600.0
"""Seconds: no failure keeps anybody away for longer, whatever a Retry-After says."""

_SIDE_ERRANDS = {*ERRANDS, Purpose.COMPLETE}
"""Purposes that never move a session's pin."""


class Ledger:
    """Outcomes in, View out. `clock` gives Unix seconds."""

    def __init__(self, store: Store, clock: Callable[[], float] = time.time) -> None:
        self._store = store
        self._clock = clock
        self._recent: OrderedDict[str, Outcome] = OrderedDict()
        self._cooling: dict[str, Rest] = {}
        self._pins: OrderedDict[str, Pin] = OrderedDict()
        self._paces = pace.Paces()
        self._midnight = 0.0  # the next one, Unix time
        self._spent = 0.0
        self._spent_by: dict[str, float] = {}
        self._reserved = 0.0
        self._reserved_by: dict[str, float] = {}
        self._owed: deque[Callable[[], Outcome]] = deque()
        self._recorded = 0
        self.payers = False
        """Whether sessions or workflows have budgets: only then it is told what their running requests will cost."""
        self.abilities: dict[str, dict[str, Belief]] = {}
        """What outcomes taught, live; whoever learns puts it here."""
        self.heard: Callable[[Outcome], None] | None = None
        """Told of every outcome, after it was recorded."""
        self.labelled: Callable[[str, str], None] | None = None
        """Told of feedback: an outcome's id and the word."""
        self.troubles: dict[str, str] = {}
        """Sessions that go wrong by their own signals, live, likewise."""

    async def recover(self) -> list[Row]:
        """Reads what today cost from the store, so that a restart does not forget a budget; gives today's outcomes,
        the newest PAYERS of them, the oldest first."""
        today, self._midnight = _midnights(self._clock())
        self._spent = await self._store.spent(today)
        rows = (await self._store.outcomes(today, PAYERS))[::-1]
        for row in rows:
            if row.cost:
                self._book(row.session, row.workflow, row.cost)
        return rows

    @property
    def requests(self) -> int:
        """Outcomes since the start."""
        return self._recorded + len(self._owed)

    @property
    def owed(self) -> int:
        """Outcomes that are still to be recorded."""
        return len(self._owed)

    def owe(self, outcome: Callable[[], Outcome]) -> None:
        """Takes a request that is finished, whose outcome is made when somebody asks for it or has time: `settle`."""
        self._owed.append(outcome)

    def settle(self, most: int | None = None) -> None:
        """Records what is owed, in its order, or the first few of it. One that cannot be made harms nobody else."""
        left = len(self._owed) if most is None else most
        while self._owed and left > 0:
            left -= 1
            outcome = self._owed.popleft()
            try:
                self._take(outcome())
            except Exception:  # whoever asked to be told of the others is not at fault
                log.exception("an outcome was lost")

    def view(self, *, settled: bool = True) -> View:
        """What is known now. The dicts are live: read, never written, by deciders. settled: with what is owed."""
        if settled and self._owed:
            self.settle()
        now = self._clock()
        if self._cooling:
            self._rested(now)
        spent = self._spent if now < self._midnight else 0.0
        spent += self._reserved
        learned, troubles = self.abilities, self.troubles
        paces, by = self._paces, self._spent_by
        return View(
            now, self._cooling, self._pins, paces.latency, spent, self._midnight, learned, troubles, paces.lengths, by,
            self._reserved_by,
        )  # fmt: skip

    @property
    def cooling(self) -> bool:
        """Whether anybody rests after a failure, or did when somebody looked last."""
        return bool(self._cooling)

    @property
    def latency(self) -> dict[str, Latency]:
        """How quick models are, live."""
        return self._paces.latency

    def reserve(self, cost: float, session: str = "", workflow: str = "") -> None:
        """Counts what a running attempt is expected to cost against the budgets; negative when it ended."""
        self._reserved = max(0.0, self._reserved + cost)
        if self.payers or self._reserved_by:
            self._reserve_by(cost, session, workflow)

    def _reserve_by(self, cost: float, session: str, workflow: str) -> None:
        by = self._reserved_by
        for name in _payers(session, workflow):
            held = by.pop(name, 0.0) + cost
            if held > 1e-12:  # what is left of sums and differences is nothing
                by[name] = held

    @property
    def spent_today(self) -> float:
        """USD since local midnight."""
        self.settle()
        return self._spent if self._clock() < self._midnight else 0.0

    def record(self, outcome: Outcome) -> None:
        """Takes a finished request, after those that are owed; returns at once."""
        self.settle()
        self._take(outcome)

    def _take(self, outcome: Outcome) -> None:
        self._recorded += 1
        self._recent[outcome.id] = outcome
        if len(self._recent) > REMEMBERED:
            self._recent.popitem(last=False)
        self._spend(outcome)
        if outcome.status == "ok":
            self._answered(outcome)
        self._store.append(_without_words(outcome))
        if self.heard is not None:
            self.heard(outcome)

    def label(self, ident: str, word: str, score: float | None = None, remark: str = "") -> None:
        """Adds feedback to an outcome, by its id or its decision's (they are the same). score: -1 (bad) to 1 (good)."""
        self.settle()
        self._store.label(ident, word, score, remark)
        if self.labelled is not None:
            self.labelled(ident, word)

    async def knows(self, ident: str) -> bool:
        """Whether an outcome has this id, a recent one or one from long ago."""
        self.settle()
        return ident in self._recent or await self._store.find(ident) is not None

    def recall(self, ident: str) -> Outcome | None:
        """A recent outcome."""
        self.settle()
        return self._recent.get(ident)

    def last(self, front: str = "") -> Outcome | None:
        """The newest outcome, of one front when named."""
        self.settle()
        return next((o for o in reversed(self._recent.values()) if front in ("", o.front)), None)

    def failed(self, model: str, provider: str, failure: Failure) -> None:
        """An attempt failed: whoever is at fault rests. A later, longer rest replaces a shorter one."""
        policy = failure.policy
        if policy.cools is Scope.NOTHING:
            return
        name = model if policy.cools is Scope.MODEL else provider
        seconds = policy.seconds if failure.retry_after is None else min(failure.retry_after, LONGEST_REST)
        until = self._clock() + seconds
        held = self._cooling.get(name)
        if held is None or held.until < until:
            self._cooling[name] = Rest(until, failure)

    def answered(self, model: str, provider: str) -> None:
        """An attempt brought content: its model and provider are well."""
        if self._cooling:
            self._cooling.pop(model, None)
            self._cooling.pop(provider, None)

    def forgive(self) -> None:
        """Forgets all rests: after the configuration or the keys changed."""
        self._cooling.clear()

    def _rested(self, now: float) -> None:
        """Forgets rests that are over."""
        for name in [name for name, rest in self._cooling.items() if rest.until <= now]:
            del self._cooling[name]

    def _answered(self, outcome: Outcome) -> None:
        self._measure(outcome)
        if not outcome.session or outcome.purpose in _SIDE_ERRANDS:
            return
        self._pins[outcome.session] = staying.answered(self._pins.get(outcome.session), outcome, self._clock())
        self._pins.move_to_end(outcome.session)
        if len(self._pins) > SESSIONS:
            self._pins.popitem(last=False)

    def _measure(self, outcome: Outcome) -> None:
        """Folds one answer into what is known of its model's first-content time (s), speed (tokens/s) and length."""
        attempt = outcome.attempts[-1] if outcome.attempts else None
        if attempt is None or attempt.first is None or attempt.ended is None:
            return
        first = attempt.first - attempt.started
        tail = attempt.ended - attempt.first
        # Answers that came in one piece say nothing about speed.
        speed = outcome.usage.output / tail if tail > 0.05 and outcome.usage.output > 20 else None
        self._paces.answered(outcome.model, first, speed)
        for one in outcome.attempts[:-1]:
            late = one.failure is not None and one.failure.kind is Kind.SLOW and one.first is None
            if late and one.ended is not None:
                self._paces.waited(one.model, one.ended - one.started)
        features = outcome.decision.features
        if outcome.usage.output and not outcome.usage.estimated:
            self._paces.wrote(outcome.model, features.task, features.lines, outcome.usage.output)

    def _spend(self, outcome: Outcome) -> None:
        now = self._clock()
        if now >= self._midnight:
            self._midnight, self._spent = _midnights(now)[1], 0.0
            for name in [name for name in self._spent_by if name.startswith("workflow:")]:
                del self._spent_by[name]
        self._spent += outcome.cost
        if outcome.cost:
            self._book(outcome.session, outcome.workflow, outcome.cost)

    def _book(self, session: str, workflow: str, cost: float) -> None:
        """Counts a cost for its session and workflow; who spent nothing for longest is forgotten first."""
        by = self._spent_by
        for name in _payers(session, workflow):
            by[name] = by.pop(name, 0.0) + cost
            if len(by) > PAYERS:
                del by[next(iter(by))]


def _payers(session: str, workflow: str) -> Iterator[str]:
    """Whose budgets a request is paid from."""
    if session:
        yield f"session:{session}"
    if workflow:
        yield f"workflow:{workflow}"


def _without_words(outcome: Outcome) -> Outcome:
    """What may be stored: providers' messages can quote a prompt, so only their kinds are kept."""
    if not outcome.error and not any(attempt.failure for attempt in outcome.attempts):
        return outcome
    attempts = tuple(
        attempt if attempt.failure is None else replace(attempt, failure=replace(attempt.failure, message=""))
        for attempt in outcome.attempts
    )
    return replace(outcome, attempts=attempts, error="")


def _midnights(at: float) -> tuple[float, float]:
    """The local midnights before and after a Unix time (a day may have 23 or 25 hours)."""
    year, month, day = time.localtime(at)[:3]
    start, end = ((year, month, day + n, 0, 0, 0, 0, 0, -1) for n in (0, 1))
    return time.mktime(start), time.mktime(end)
