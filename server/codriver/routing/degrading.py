"""Steps down under strain: while much is going on, providers throttle, or a budget is nearly spent. Pure.

A step sinks the quality floor: of all that are within it, the cheapest comes first, whatever the strategy. Of several
steps that hold, the lowest floor counts. A session's tool loop keeps its model.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from codriver.errors import Kind
from codriver.model.decision import Candidate, View
from codriver.model.request import Request
from codriver.routing.eligibility import Bounds

THROTTLES = frozenset({Kind.RATE_LIMITED, Kind.OVERLOADED, Kind.QUOTA})
"""Failures by which a provider says that it is too much."""


@dataclass(frozen=True, slots=True)
class PeakStep:
    """Holds from so many requests that somebody waits for, or so many throttled models and providers; 0: neither."""

    requests: int
    throttled: int
    floor: float


@dataclass(frozen=True, slots=True)
class BudgetStep:
    """Holds from the part `spent` of any budget."""

    spent: float
    floor: float


@dataclass(frozen=True, slots=True)
class Steps:
    """All steps that are configured, in their order; where there are none, nobody asks."""

    peak: tuple[PeakStep, ...] = ()
    budget: tuple[BudgetStep, ...] = ()


@dataclass(frozen=True, slots=True)
class Strain:
    """The lowest step that holds now. number: from 1, in the order of configuration. reason: for a person."""

    number: int
    floor: float
    reason: str


def strain(steps: Steps, request: Request, view: View, bounds: Bounds, waiting: int) -> Strain | None:
    """What holds for this request now; None in ordinary times. waiting: requests that somebody waits for."""
    found = [*_peak(steps.peak, view, waiting), *_budget(steps.budget, request, view, bounds)]
    return max(found, key=lambda one: one.floor, default=None)


def peaking(steps: Steps, view: View, waiting: int) -> bool:
    """Whether a step of the peak holds: then work in the background waits."""
    return any(True for _ in _peak(steps.peak, view, waiting))


def _peak(steps: Sequence[PeakStep], view: View, waiting: int) -> Iterator[Strain]:
    if not steps:
        return
    resting = [name for name, rest in view.cooling.items() if rest.failure.kind in THROTTLES and rest.until > view.now]
    for number, step in enumerate(steps, 1):
        busy = step.requests and waiting >= step.requests
        throttled = step.throttled and len(resting) >= step.throttled
        if busy or throttled:
            why = f"{waiting} requests are under way" if busy else f"{', '.join(sorted(resting)[:3])} throttled"
            yield Strain(number, step.floor, f"peak, step {number}: {why}, so the floor sinks to {step.floor:g}")


def _budget(steps: Sequence[BudgetStep], request: Request, view: View, bounds: Bounds) -> Iterator[Strain]:
    if not steps:
        return
    part, whose = max(_parts(request, view, bounds), default=(0.0, ""))
    for number, step in enumerate(steps, 1):
        if part >= step.spent:
            text = f"{whose} budget, step {number}: {part:.0%} is spent, so the floor sinks to {step.floor:g}"
            yield Strain(number, step.floor, text)


def _parts(request: Request, view: View, bounds: Bounds) -> Iterator[tuple[float, str]]:
    """What part of each budget is spent, and whose it is."""
    if bounds.daily_usd:
        yield view.spent_today / bounds.daily_usd, "today's"
    if bounds.session_usd and request.session:
        yield view.paid_by(f"session:{request.session}") / bounds.session_usd, "the session's"
    if bounds.workflow_usd and request.workflow:
        yield view.paid_by(f"workflow:{request.workflow}") / bounds.workflow_usd, "the workflow's"


def sunk(ranked: list[Candidate], floor: float) -> list[Candidate]:
    """The cheapest of those within `floor` of the best quality first, the others in their order."""
    enough = max(candidate.quality for candidate in ranked) - floor
    first = ranked[0]
    cheapest = min((c for c in ranked if c.quality >= enough), key=lambda c: (c.cost, -c.quality))
    if cheapest is first or cheapest.cost >= first.cost:
        return ranked
    return [cheapest, *(other for other in ranked if other is not cheapest)]
