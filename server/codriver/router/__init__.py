"""The one path: request -> features -> decision -> attempts -> pieces -> outcome.

`async with router.open(request) as stream` holds five promises: fallback is invisible until the
first content; after it there is none, a break raises; there is exactly one Outcome, also when
cancelled; leaving the context closes the upstream connection; and with a `check` the whole reply
is held and judged before it is shown, a bad verdict trying the next, stronger candidate.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable
from dataclasses import replace
from typing import Protocol

from codriver.analyst import Analyst
from codriver.errors import CodriverError
from codriver.experiments import Experiments
from codriver.ledger import Ledger
from codriver.lessons import Lessons
from codriver.model.decision import Candidate, Decision, Outcome
from codriver.model.events import Usage
from codriver.model.ids import new_id
from codriver.model.request import Purpose, Request
from codriver.router import fusing
from codriver.router.again import Again, counts
from codriver.router.ahead import Ahead, ahead
from codriver.router.bending import Plan, bent
from codriver.router.books import Books
from codriver.router.hedging import Hedging, Limits
from codriver.router.keepsakes import Keepsakes
from codriver.router.stream import BACKGROUND, Check, Stream
from codriver.routing.decide import decide
from codriver.routing.degrading import Steps, peaking
from codriver.routing.exploring import Chance
from codriver.upstream.client import Timeouts, Upstream

__all__ = ["BACKGROUND", "PREDICTOR", "Check", "Plan", "Planner", "Router", "Stream"]

CALMING = 0.2
"""Seconds between two looks whether a peak has passed."""

PREDICTOR = "local/predictor"
"""The name under which the local predictor's completions are recorded."""


class Planner(Protocol):
    """Turns a request's model name and strategy into a Plan. Raises RequestRejected for unknown names."""

    def __call__(self, request: Request) -> Plan: ...


class Router:
    """Routes. Built by `app`; owns no sockets and no files.

    timeouts: the limits for the next attempt of a request that has already taken so many seconds.
    """

    def __init__(
        self,
        *,
        plan: Planner,
        upstream: Upstream,
        analyst: Analyst,
        ledger: Ledger,
        timeouts: Callable[[Request, float], Timeouts],
        clock: Callable[[], float] = time.time,
        pause: Callable[[float], Awaitable[None]] = asyncio.sleep,
        lessons: Lessons | None = None,
        experiments: Experiments | None = None,
        hedge: Callable[[], Limits] = Limits,
        fuse: Callable[[], fusing.Limits] = fusing.Limits,
        peak: Callable[[], tuple[Steps | None, float]] = lambda: (None, 0.0),
    ) -> None:
        self.plan = plan
        self.upstream = upstream
        self.analyst = analyst
        self.ledger = ledger
        self.timeouts = timeouts
        self.clock = clock
        self.pause = pause
        self.lessons = lessons
        self.experiments = experiments
        self.keepsakes = Keepsakes(clock)
        self.hedging = Hedging(hedge, lambda: ledger.latency)
        self.fuse = fuse
        self.peak = peak
        """The steps of the peak, and seconds that work in the background waits for it to pass."""
        self._again = Again()
        self.books = Books(ledger, lambda: self.waiting)
        self.waiting = 0
        """Requests under way that somebody waits for: all but those in the background."""
        self.quiet: Callable[[], None] | None = None
        """Called when nobody waits any more."""

    def decide(self, request: Request) -> Decision:
        """The decision alone; nobody is called, nothing is tried. Raises RequestRejected or Unroutable."""
        return self._decided(request, None)[0]

    def planned(self, request: Request) -> tuple[Decision, Plan]:
        """The decision of a request that is to be answered, and the plan it was made from."""
        known = self._known(request) if request.purpose is Purpose.COMPLETE else None
        decision, plan = known or self._decided(request, self.lessons.chance() if self.lessons is not None else None)
        if self.lessons is not None:
            self.lessons.asked(decision, request)
        if known is None and request.purpose is Purpose.COMPLETE and not self.ledger.cooling:
            self._again.keep(request, plan, decision, self.clock())
        return decision, plan

    def reads(self, request: Request) -> bool:
        """Whether the decision of a completion will ask for what its code says; not where the line's last one holds."""
        try:
            return self.ledger.cooling or not self._again.holds(request, self.plan(request), self.clock())
        except CodriverError:
            return False

    def _known(self, request: Request) -> tuple[Decision, Plan] | None:
        """What was decided for the line that is being typed in, unless somebody rests or an experiment is under way."""
        if self.ledger.cooling or (self.experiments is not None and self.experiments.part(request) is not None):
            return None
        plan = self.plan(request)
        decision = self._again.found(request, plan, self.clock())
        return (decision, plan) if decision is not None else None

    def ahead(self, request: Request) -> Ahead | None:
        """Whom to ask before there is a decision (`settled` makes it); None for most. Raises RequestRejected."""
        plan = self.plan(request)
        if not plan.wish.bounds.only:
            return None
        return ahead(request, plan, self.ledger.view(settled=False), marked=bool(self.analyst.local_only))

    def settled(self, request: Request, asked: Ahead) -> Decision:
        """The whole decision of a request whose model was asked ahead of it, under the id and for the reasons told."""
        features = self.analyst.features(request, words=False)
        plan = asked.plan
        # Who rests now may rest because of this very request.
        view = replace(asked.view, cooling={}) if asked.view.cooling else asked.view
        decision = decide(request, features, plan.offers, view, plan.wish, ident=asked.decision.id)
        if self.lessons is not None:
            self.lessons.asked(decision, request)
        return decision

    def _decided(self, request: Request, chance: Chance | None) -> tuple[Decision, Plan]:
        plan, arm, told = self._experimented(request, self.plan(request))
        features = self.analyst.features(request, words=len(plan.offers) > 1)
        view = self.ledger.view(settled=request.purpose is not Purpose.COMPLETE or counts(plan))
        if plan.rules or plan.steps is not None:
            plan = bent(plan, request, features, view, self.waiting)
            chance = None if plan.step else chance
        decision = decide(request, features, plan.offers, view, plan.wish, ident=new_id(), chance=chance)
        if arm:
            decision = replace(decision, arm=arm, reasons=(told, *decision.reasons))
        return decision, plan

    def _experimented(self, request: Request, plan: Plan) -> tuple[Plan, str, str]:
        """The plan of the arm that a request is in, "experiment/arm" and a sentence; who names a model is in none.

        An arm that cannot be planned changes nothing: an experiment breaks no request.
        """
        taking = self.experiments.part(request) if self.experiments is not None else None
        if taking is None or plan.wish.bounds.only or request.needs.embed:
            return plan, "", ""
        experiment, arm, told = taking
        worded = Experiments.worded(request, arm)
        if worded is None:
            return plan, "", ""
        if arm.strategy or arm.model:
            asked = replace(request, strategy=arm.strategy or request.strategy, model=arm.model or request.model)
            try:
                plan = self.plan(asked)
            except CodriverError:
                return plan, "", ""
        if worded is not request:
            plan = replace(plan, worded=worded)
        return plan, f"{experiment.name}/{arm.name}", told

    async def calm(self) -> float:
        """Waits while a step of the peak holds, as long as the settings say; seconds that it took."""
        waited = 0.0
        steps, patience = self.peak()
        while steps is not None and waited < patience and peaking(steps, self.ledger.view(), self.waiting):
            await self.pause(CALMING)
            waited += CALMING
        return waited

    def open(
        self,
        request: Request,
        *,
        front: str = "",
        check: Check | None = None,
        meanwhile: Callable[[Stream], None] | None = None,
    ) -> Stream:
        """The answer to a request, as an async context manager. With `check`, held whole and judged.

        meanwhile: called when the first model was asked and the decision is there, before its answer is: what a front
        can get ready costs nobody's time there. Not called where there is no such moment.
        """
        return Stream(self, request, front, check, meanwhile)

    def note(self, request: Request, *, front: str, model: str, text: str, confidence: float) -> Outcome:
        """Records an answer that needed no model (the local predictor's) and returns its outcome."""
        ident = new_id()
        candidate = Candidate(model, "", confidence, 0.0, 0.0, confidence)
        reason = f"answered on this machine by {model} with confidence {confidence:.2f}; no model was asked"
        decision = Decision(ident, "local", (candidate,), (), (reason,), self.analyst.features(request))
        usage = Usage(output=max(1, len(text) // 4), estimated=True)
        outcome = Outcome(
            ident, self.clock(), front, request.wire, request.purpose, "ok", decision, model=model, usage=usage
        )
        self.books.enter(lambda: outcome, later=True)
        return outcome

    def learn(self, ident: str, word: str, score: float | None = None, remark: str = "") -> None:
        """Feedback on an outcome: accepted, rejected, ... score: -1 (bad) to 1 (good). The last one stays."""
        self.ledger.label(ident, word, score, remark)
        if self.lessons is not None:
            self.lessons.told(ident, word, score)

    def recall(self, ident: str) -> Outcome | None:
        """A recent outcome by its id."""
        return self.ledger.recall(ident)

    def last(self, front: str = "") -> Outcome | None:
        """The newest outcome, of one front when named."""
        return self.ledger.last(front)
