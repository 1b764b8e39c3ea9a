"""Asking ahead: who names a model waits for no reasons.

Where nothing that is still to be found out could keep the named model from being asked, it is asked at once. What the
code says, and what is expected of the model, is found out for the books, when the answer is out.
"""

from __future__ import annotations

from dataclasses import dataclass

from codriver.model.decision import Candidate, Decision, View
from codriver.model.features import Features
from codriver.model.ids import new_id
from codriver.model.request import Request
from codriver.router.bending import Plan
from codriver.routing.decide import named
from codriver.routing.eligibility import sifted

_RANKING = frozenset({"auto", "balanced", "quality", "cost", "speed"})
"""Strategies of which is known that they can rank one model, and ask no second one."""

_UNREAD = Features()


@dataclass(frozen=True, slots=True)
class Ahead:
    """A decision that needs nothing read, and what the rest of it will be made from.

    It tells its reasons already. Its features are empty, and nothing is expected of its candidate yet.
    """

    decision: Decision
    plan: Plan
    view: View


def ahead(request: Request, plan: Plan, view: View, *, marked: bool) -> Ahead | None:
    """The one model this request can be sent to now; None where the decision must come first.

    marked: whether some code must stay on this machine, so that what the request is about decides who may see it.
    """
    wish, bounds = plan.wish, plan.wish.bounds
    if not bounds.only or len(plan.offers) != 1 or plan.rules or plan.steps is not None or marked or view.cooling:
        return None
    if bounds.daily_usd or bounds.session_usd or bounds.workflow_usd or bounds.request_usd is not None:
        return None
    if wish.strategy not in _RANKING:
        return None
    able, _ = sifted(request, _UNREAD, plan.offers, view)
    if not able:
        return None
    _, key, wire = able[0]
    candidate = Candidate(key, wire, 0.0, 0.0, 0.0)
    decision = Decision(new_id(), wish.strategy, (candidate,), wish.refused, named(key, wish.hint))
    return Ahead(decision, plan, view)
