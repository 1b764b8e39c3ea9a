"""What happened, kept off the hot path, and what follows from it for the next decision.

The ledger takes each Outcome once, hands it to the Store, and folds it into the View: who rests
after a failure, what a session has warm, how quick models are, what today cost. All of that is
in memory; the store is read once, at the start.
"""

from __future__ import annotations

import time
from collections import OrderedDict
from collections.abc import Callable
from dataclasses import replace

from codriver.errors import Failure, Scope
from codriver.model.decision import Belief, Latency, Outcome, Pin, Rest, View
from codriver.model.request import ERRANDS, Purpose
from codriver.routing import staying
from codriver.state.store import Store

REMEMBERED = 500
"""Recent outcomes kept in memory for explanations."""

SESSIONS = 2000
"""Sessions whose warm model is remembered; the oldest go first."""

LONGEST_REST = 3600.0
"""Seconds: no failure keeps anybody away for longer, whatever a Retry-After says."""

_SMOOTHING = 0.3
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
        self._latency: dict[str, Latency] = {}
        self._midnight = 0.0  # the next one, Unix time
        self._spent = 0.0
        self._reserved = 0.0
        self.requests = 0
        self.abilities: dict[str, dict[str, Belief]] = {}
        """What outcomes taught, live; whoever learns puts it here."""
        self.heard: Callable[[Outcome], None] | None = None
        """Told of every outcome, after it was recorded."""
        self.troubles: dict[str, str] = {}
        """Sessions that go wrong by their own signals, live, likewise."""

    async def recover(self) -> None:
        """Reads what today cost from the store, so that a restart does not forget a budget."""
        today, self._midnight = _midnights(self._clock())
        self._spent = await self._store.spent(today)

    def view(self) -> View:
        """What is known now. The dicts are live: read, never written, by deciders."""
        now = self._clock()
        if self._cooling:
            self._rested(now)
        spent = self._spent if now < self._midnight else 0.0
        spent += self._reserved
        learned, troubles = self.abilities, self.troubles
        return View(now, self._cooling, self._pins, self._latency, spent, self._midnight, learned, troubles)

    def reserve(self, cost: float) -> None:
        """Counts what a running attempt is expected to cost against today's budget; negative when it ended."""
        self._reserved = max(0.0, self._reserved + cost)

    @property
    def spent_today(self) -> float:
        """USD since local midnight."""
        return self._spent if self._clock() < self._midnight else 0.0

    def record(self, outcome: Outcome) -> None:
        """Takes a finished request; returns at once."""
        self.requests += 1
        self._recent[outcome.id] = outcome
        if len(self._recent) > REMEMBERED:
            self._recent.popitem(last=False)
        self._spend(outcome.cost)
        if outcome.status == "ok":
            self._answered(outcome)
        self._store.append(_without_words(outcome))
        if self.heard is not None:
            self.heard(outcome)

    def label(self, ident: str, word: str, score: float | None = None, remark: str = "") -> None:
        """Adds feedback to an outcome, by its id or its decision's (they are the same). score: -1 (bad) to 1 (good)."""
        self._store.label(ident, word, score, remark)

    async def knows(self, ident: str) -> bool:
        """Whether an outcome has this id, a recent one or one from long ago."""
        return ident in self._recent or await self._store.find(ident) is not None

    def recall(self, ident: str) -> Outcome | None:
        """A recent outcome."""
        return self._recent.get(ident)

    def last(self, front: str = "") -> Outcome | None:
        """The newest outcome, of one front when named."""
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
        """Folds one answer into the running first-content time (s) and speed (tokens/s) of its model."""
        attempt = outcome.attempts[-1] if outcome.attempts else None
        if attempt is None or attempt.first is None or attempt.ended is None:
            return
        first = attempt.first - attempt.started
        tail = attempt.ended - attempt.first
        held = self._latency.get(outcome.model)
        # Answers that came in one piece say nothing about speed.
        speed = outcome.usage.output / tail if tail > 0.05 and outcome.usage.output > 20 else None
        if held is None:
            self._latency[outcome.model] = Latency(first, speed, 1)
            return
        if speed is None or held.speed is None:
            speed = speed or held.speed
        else:
            speed = held.speed + _SMOOTHING * (speed - held.speed)
        self._latency[outcome.model] = Latency(held.first + _SMOOTHING * (first - held.first), speed, held.n + 1)

    def _spend(self, cost: float) -> None:
        now = self._clock()
        if now >= self._midnight:
            self._midnight, self._spent = _midnights(now)[1], 0.0
        self._spent += cost


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
