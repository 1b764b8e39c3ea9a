"""What the user's rules and the strain of the moment make of a plan, for one request."""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import cached_property

from codriver.model.decision import View
from codriver.model.features import Features
from codriver.model.request import Request
from codriver.routing import degrading, rules
from codriver.routing.decide import Wish
from codriver.routing.eligibility import Offer


@dataclass(frozen=True)
class Plan:
    """How the configuration wants a request decided: the offers, and the wish that follows from its model name.

    rules, steps: what may change that, None where there is nothing. step: of the peak or of a budget, 0 in ordinary
    times.
    """

    offers: Sequence[Offer]
    wish: Wish
    step: int = 0
    rules: tuple[rules.Rule, ...] = ()
    steps: degrading.Steps | None = None
    worded: Request | None = None
    """The request as the arm of an experiment words it; None as it came."""

    @cached_property
    def by_key(self) -> dict[str, Offer]:
        """The offers by their model's key."""
        return {offer.model.key: offer for offer in self.offers}


def bent(plan: Plan, request: Request, features: Features, view: View, waiting: int) -> Plan:
    """The plan under the rules that match and the step that holds; the same object where there are none.

    waiting: requests that somebody waits for, this one among them once it is under way.
    """
    if plan.rules and not request.needs.embed:
        plan = _ruled(plan, request, features, view, waiting)
    if plan.steps is not None:
        strain = degrading.strain(plan.steps, request, view, plan.wish.bounds, waiting)
        if strain is not None:
            wish = plan.wish
            hint = f"{wish.hint}; {strain.reason}" if wish.hint else strain.reason
            wish = replace(wish, floor=max(wish.floor, strain.floor), sunk=strain.floor, hint=hint)
            plan = replace(plan, wish=wish, step=strain.number)
    return plan


def _ruled(plan: Plan, request: Request, features: Features, view: View, waiting: int) -> Plan:
    local = time.localtime(view.now)
    moment = rules.Moment(60 * local.tm_hour + local.tm_min, local.tm_wday, waiting)
    held = rules.matching(plan.rules, request, features, moment)
    if not held:
        return plan
    offers, wish = rules.ruled(held, request, plan.offers, plan.wish)
    return replace(plan, offers=offers, wish=wish)
