"""What becomes of answers, as lessons about models: the feedback of editors, people, verifiers and agents' traces.

An outcome is remembered by its parts (which model, which task, what was expected). Each judgement on one moves the
beliefs that the next decision reads, and goes to the store behind. All of it happens after the answer has gone out.
"""

from __future__ import annotations

import json
import time
from collections import OrderedDict
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from random import Random
from typing import TypeVar

from codriver.config.tree import Learning
from codriver.errors import Kind
from codriver.model.decision import Decision, Outcome
from codriver.model.request import Purpose, Request
from codriver.routing import exploring, rewards
from codriver.routing.posterior import Abilities, Cell, Evidence, Lesson, logit, merge
from codriver.state.store import Judgement, Row, Store
from codriver.syntax import runs

PARTS, SESSIONS, TAKEN = 4000, 1000, 4000
"""Outcomes, sessions and lessons remembered, the newest."""

PENDING = 500
"""Requests under way that are looked at when they end."""

RECOVERED = 20_000
"""Judgements folded at the start, at most; older ones are in the evidence that was kept."""

KEPT = "learning/evidence"
"""The store's key of the evidence as it was at some time."""

FADING = 6 * 3600.0
"""Seconds between two looks at how beliefs fade."""

SIGNS = 3
"""Results in a row that failed or came again: the loop goes wrong."""

LONG_LOOP = 40
"""Steps of one tool loop after which a better model is asked; calls alone tell failures with an AUC of 0.65 to 0.75."""

_ERRANDS = frozenset({Purpose.TITLE, Purpose.CLASSIFY, Purpose.PROBE, Purpose.COMPACTION})
_K = TypeVar("_K")
_V = TypeVar("_V")


@dataclass(frozen=True, slots=True)
class Part:
    """What one model was asked to do in one outcome. base: the logit expected by scores alone."""

    outcome: str
    model: str
    family: str
    base: float


@dataclass(slots=True)
class _Trace:
    """What a session's next request may tell about. edit: who last changed a file; tests: whether that was a test's;
    asked: the newest human turn, by its hash; failure: the newest failing call's result, likewise; result: the newest
    one of all. bad: signs in a row that the loop goes wrong; steps: of the loop since the last human turn."""

    last: Part | None = None
    edit: Part | None = None
    tests: bool = False
    asked: int = 0
    failure: int = 0
    result: int = 0
    bad: int = 0
    steps: int = 0


class Lessons:
    """Takes requests and outcomes in, keeps beliefs. `limits` gives the settings that hold now; `clock` Unix seconds;
    `later` runs something soon, when nobody waits."""

    def __init__(
        self,
        store: Store,
        limits: Callable[[], Learning],
        *,
        clock: Callable[[], float] = time.time,
        random: Random | None = None,
        later: Callable[[Callable[[], None]], None] = lambda work: work(),
    ) -> None:
        self.abilities = Abilities()
        self._store, self._limits, self._clock, self._later = store, limits, clock, later
        self._random = random or Random()  # noqa: S311 (a draw among models, no secret)
        self._pending: OrderedDict[str, Request] = OrderedDict()
        self._parts: OrderedDict[str, Part] = OrderedDict()
        self._traces: OrderedDict[str, _Trace] = OrderedDict()
        self._taken: OrderedDict[tuple[str, str, str], Lesson] = OrderedDict()
        self._tried_usd, self._day, self._faded = 0.0, 0, 0.0
        self.fresh = False
        """Whether anything was learned since it was kept."""
        self.troubles: OrderedDict[str, str] = OrderedDict()
        """Sessions whose tool loop goes wrong, with the sentence that says how."""

    # Life.

    async def recover(self) -> None:
        """Reads what was learned before. Raises StoreError."""
        kept = json.loads(await self._store.get(KEPT) or "{}")
        self.abilities.load(_table(kept.get("cells", ())))
        since = float(kept.get("at", 0.0))
        judged = [one for one in await self._store.judgements(since, RECOVERED) if one.at > since]
        for one in reversed(judged):
            self.abilities.learn(one.model, one.family, one.base, one.reward, one.weight, one.at)
        self.abilities.fade(self._clock())
        if judged:
            await self.keep()

    def resume(self, today: Iterable[Row]) -> None:
        """Takes up the day's trials where they were before a restart, by today's outcomes."""
        spent = sum(exploring.surcharge(row.reasons.decision) for row in today if row.propensity < 1.0)
        self._tried_usd = self._spent() + spent

    async def keep(self) -> None:
        """Keeps the evidence, so that the next start reads only what came after. Raises StoreError."""
        self.fresh = False
        await self._store.put(KEPT, json.dumps({"at": self._clock(), "cells": _rows(self.abilities.evidence())}))

    async def merge(self, others: dict[Cell, Evidence]) -> None:
        """Adds what other machines learned."""
        self.abilities.load(merge([self.abilities.evidence(), others]))
        await self.keep()

    # Around a request.

    def chance(self) -> exploring.Chance | None:
        """What may be tried now, by the settings and by what trials already cost today.

        None too while nobody has judged anything: a trial that nobody tells the outcome of teaches nothing.
        """
        limits = self._limits()
        if not limits.enabled or limits.explore <= 0.0 or not len(self.abilities):
            return None
        return exploring.Chance(self._random, limits.explore, limits.explore_usd_per_day - self._spent())

    def asked(self, decision: Decision, request: Request) -> None:
        """A request is under way. Costs nothing but remembering it."""
        if decision.propensity < 1.0 and (extra := exploring.surcharge(decision)):
            self._tried_usd = self._spent() + extra
        _remember(self._pending, decision.id, request, PENDING)

    @property
    def under_way(self) -> list[Request]:
        """The requests that have not ended, the newest PENDING of them."""
        return list(self._pending.values())

    def ended(self, outcome: Outcome) -> None:
        """A request is over: what it shows of those before it, and of itself, is looked at soon."""
        request = self._pending.pop(outcome.id, None)
        if outcome.decision.strategy == "local" or not self._limits().enabled:
            return
        part = _part(outcome.id, outcome.model, outcome.decision)
        if part is not None:
            _remember(self._parts, outcome.id, part, PARTS)
        self._later(lambda: self._digest(outcome, request, part))

    # Feedback.

    def told(self, ident: str, word: str, score: float | None = None) -> bool:
        """Somebody said what became of an outcome. Whether its model is still known."""
        part = self._parts.get(ident)
        if part is not None:
            self._judge(part, word, score)
        return part is not None

    async def recall(self, ident: str) -> None:
        """Brings back an outcome of long ago, that feedback is about to come for. Raises StoreError."""
        if ident in self._parts:
            return
        row = await self._store.find(ident)
        part = _part(row.id, row.model, row.reasons.decision) if row is not None else None
        if part is not None:
            _remember(self._parts, ident, part, PARTS)

    def _judge(self, part: Part, word: str, score: float | None = None) -> None:
        found = rewards.of(word, score)
        if found is None or not self._limits().enabled:
            return
        now, key = self._clock(), (part.outcome, found.source, part.model)
        before = self._taken.pop(key, None)
        if before is not None:
            self.abilities.unlearn(before, now)
        self.fresh = True
        lesson = self.abilities.learn(part.model, part.family, part.base, found.reward, found.weight, now)
        _remember(self._taken, key, lesson, TAKEN)
        judged = (part.outcome, found.source, part.model, word, now, part.family, part.base)
        self._store.judge(Judgement(*judged, found.reward, found.weight))
        if now - self._faded > FADING:
            self._faded = now
            self.abilities.fade(now)

    # What requests tell of those before them.

    def _digest(self, outcome: Outcome, request: Request | None, part: Part | None) -> None:
        self._verdicts(outcome, part)
        if request is None or not request.session or request.purpose in _ERRANDS:
            return
        trace = self._traces.get(request.session) or _Trace()
        _remember(self._traces, request.session, trace, SESSIONS)
        if request.purpose is Purpose.TOOL_RESULT:
            trace.steps += 1
            self._results(trace, request)
            self._doubted(request.session, trace)
        else:
            trace.steps = 0
            self._settled(request.session, trace)
            asked = hash((request.tail, request.input_tokens))
            if asked == trace.asked and request.tail and trace.last is not None:
                self._judge(trace.last, "repeated")
            trace.asked = asked
        if part is not None and trace.last is not None and part.model != trace.last.model:
            self._settled(request.session, trace)
        trace.last = part if outcome.status == "ok" else None

    def _verdicts(self, outcome: Outcome, part: Part | None) -> None:
        """A reply that failed its check speaks against its model, even when another one answered."""
        for attempt in outcome.attempts:
            if attempt.failure is not None and attempt.failure.kind is Kind.UNFIT:
                failed = _part(outcome.id, attempt.model, outcome.decision)
                if failed is not None:
                    self._judge(failed, "verified-bad")
        if part is not None and outcome.decision.hold == "whole" and outcome.status == "ok":
            self._judge(part, "verified-good")

    def _results(self, trace: _Trace, request: Request) -> None:
        """Fresh results of tools: the newest call is the last answer's."""
        if trace.last is not None and request.body is not None:
            file = runs.edited(request.body, request.wire)
            if file is not None:
                trace.edit, trace.tests = trace.last, runs.of_tests(file)
        text = request.tail[0] if len(request.tail) > 1 else ""
        run = runs.read(text)
        result, trace.result = trace.result, hash(text)
        if run is not None:
            trace.failure = 0
            trace.bad = 0 if run.passed else trace.bad + 1
            # A new test that fails at first is often what was wished for.
            if trace.edit is not None and (run.passed or not trace.tests):
                kind = "tests" if run.what == "tests" else "build"
                self._judge(trace.edit, f"{kind}-{'passed' if run.passed else 'failed'}")
        elif runs.failing(text):
            failure = hash(text[:400])
            if failure == trace.failure and trace.last is not None:
                self._judge(trace.last, "failing-calls")
            trace.failure = failure
            trace.bad += 1
        elif text and result == trace.result:
            trace.bad += 1
        else:
            trace.bad = max(0, trace.bad - 1)

    def _doubted(self, session: str, trace: _Trace) -> None:
        """Says so when a loop shows no progress."""
        if trace.bad >= SIGNS:
            _remember(self.troubles, session, f"{trace.bad} results in a row failed or came again", SESSIONS)
        elif trace.steps and trace.steps % LONG_LOOP == 0:
            _remember(self.troubles, session, f"its tool loop has taken {trace.steps} steps", SESSIONS)
        elif not trace.bad:
            self.troubles.pop(session, None)

    def _settled(self, session: str, trace: _Trace) -> None:
        """A human spoke, or another model took over: what was wrong before counts no more."""
        trace.bad = trace.failure = trace.result = 0
        self.troubles.pop(session, None)

    def _spent(self) -> float:
        day = time.localtime(self._clock()).tm_yday
        if day != self._day:
            self._day, self._tried_usd = day, 0.0
        return self._tried_usd


def _part(ident: str, model: str, decision: Decision) -> Part | None:
    candidate = next((c for c in decision.candidates if c.model == model), None)
    if candidate is None:
        return None
    return Part(ident, model, decision.features.task, logit(candidate.quality) - candidate.learned)


def _remember(known: OrderedDict[_K, _V], key: _K, one: _V, most: int) -> None:
    known[key] = one
    known.move_to_end(key)
    if len(known) > most:
        known.popitem(last=False)


def _rows(table: dict[Cell, Evidence]) -> list[list[str | float]]:
    return [[family, model, e.precision, e.pull, e.n, e.at] for (family, model), e in table.items()]


def _table(rows: list[list[str | float]]) -> dict[Cell, Evidence]:
    return {
        (str(family), str(model)): Evidence(float(precision), float(pull), float(n), float(at))
        for family, model, precision, pull, n, at in rows
    }
