"""Deciding once for a line: while somebody goes on typing in it, the same models are asked in the same order.

A letter more says nothing new of the code around it, and a decision costs as much as all the rest of a keystroke.
"""

from __future__ import annotations

from collections import OrderedDict
from dataclasses import dataclass

from codriver.model.decision import Decision
from codriver.model.ids import new_id
from codriver.model.request import Limits, Purpose, Request
from codriver.router.bending import Plan

LASTING = 3.0
"""Seconds for which a decision holds: what was learned meanwhile counts from then on."""

GROWN = 64
"""Tokens by which the prompt may be another one."""

BUFFERS = 16
"""Buffers of which the last decision is remembered."""

REASON = "decided when this line was begun to be typed in, a moment ago"

_Shape = tuple[str, int, str, str, bool, Limits]
"""Whatever else of a request a decision is made from: language, line, model, strategy, hole, limits."""


@dataclass(frozen=True, slots=True)
class _Made:
    decision: Decision
    plan: Plan
    shape: _Shape
    tokens: int
    at: float


class Again:
    """The last decisions for typed-in lines, by buffer. Times are seconds of one clock."""

    def __init__(self) -> None:
        self._made: OrderedDict[str, _Made] = OrderedDict()

    def found(self, request: Request, plan: Plan, now: float) -> Decision | None:
        """The decision for this line, under a new id, where the same plan holds; None where one must be made.

        A trial that was drawn for the line goes on in it: each of its decisions is made with the chance it tells.
        """
        made = self._held(request, plan, now)
        if made is None or abs(request.input_tokens - made.tokens) > GROWN:
            return None
        last = made.decision
        return Decision(
            new_id(), last.strategy, last.candidates, last.refused, last.reasons, last.features, last.hold,
            last.propensity, last.arm,
        )  # fmt: skip

    def holds(self, request: Request, plan: Plan, now: float) -> bool:
        """Whether there is one for this line, if the prompt is about as long: nothing need be read for it."""
        return self._held(request, plan, now) is not None

    def _held(self, request: Request, plan: Plan, now: float) -> _Made | None:
        made = self._made.get(request.code.uri) if request.code is not None else None
        if made is None or made.plan is not plan or not 0.0 <= now - made.at < LASTING:
            return None
        return made if made.shape == _shape(request) else None

    def keep(self, request: Request, plan: Plan, decision: Decision, now: float) -> None:
        """This was decided, where it may be used again: for somebody who types, with no limit that each request counts
        against, and nothing in the plan that looks at the moment."""
        if request.purpose is not Purpose.COMPLETE or request.code is None or plan.rules or counts(plan):
            return
        if plan.wish.bounds.only or plan.worded is not None or decision.arm:
            return
        decision = Decision(
            decision.id, decision.strategy, decision.candidates, decision.refused, (*decision.reasons, REASON),
            decision.features, decision.hold, decision.propensity,
        )  # fmt: skip
        self._made[request.code.uri] = _Made(decision, plan, _shape(request), request.input_tokens, now)
        self._made.move_to_end(request.code.uri)
        if len(self._made) > BUFFERS:
            self._made.popitem(last=False)


def counts(plan: Plan) -> bool:
    """Whether what was spent so far, or the strain of the moment, has a say in a decision."""
    bounds = plan.wish.bounds
    budgets = bounds.daily_usd or bounds.session_usd or bounds.workflow_usd
    return bool(budgets) or bounds.request_usd is not None or plan.steps is not None


def _shape(request: Request) -> _Shape:
    code = request.code
    assert code is not None
    line = code.text.rfind(b"\n", 0, code.cursor or 0)
    return code.language_id, line, request.model, request.strategy, request.fim is None, request.limits
