"""What a request's model name and strategy stand for: offers and a wish, and how long each step may take."""

from __future__ import annotations

from dataclasses import replace

from codriver.app.fleet import Fleet
from codriver.catalog import Resolution
from codriver.config import Settings, ruling
from codriver.errors import Kind, reject
from codriver.model.request import Request
from codriver.router import Plan
from codriver.routing.decide import Wish
from codriver.routing.eligibility import Bounds, standing
from codriver.routing.embedders import embedder
from codriver.upstream.client import Timeouts


def planned(held: Fleet, request: Request) -> Plan:
    """The offers and the wish of a request for words. Raises RequestRejected."""
    wish = _wish(held, request)
    offers, refused = standing(held.offers, wish.bounds)
    steps = ruling.steps_of(held.settings)
    return Plan(offers, replace(wish, refused=refused), rules=held.rules, steps=steps)


def embedding(held: Fleet, request: Request, chosen: str) -> tuple[Plan, str]:
    """The plan of a request for vectors, and the model that "auto" means from now on.

    chosen: what it meant so far, "" if nobody asked yet; a local server that is away for a while changes nothing.
    Raises RequestRejected for a name that only hints at a class of models.
    """
    made = planned(held, replace(request, strategy="cost"))
    wish = made.wish
    if wish.bounds.tier:
        text = f"{request.model!r} cannot be served now, and another model's vectors would not mix with its own"
        raise reject(text, field="model", kind=Kind.UNKNOWN_MODEL)
    if wish.bounds.only:
        return made, chosen
    offers, others, chosen = embedder(made.offers, chosen)
    if not chosen:
        return made, ""
    reason = f"vectors of two models do not mix: {request.model!r} is always {chosen}"
    return Plan(offers, replace(wish, hint=reason, refused=(*wish.refused, *others))), chosen


def limited(plan: Plan, request_usd: float | None) -> Plan:
    """The plan of a request that may cost this much at the most; None: no limit of its own."""
    if request_usd is None:
        return plan
    bounds = replace(plan.wish.bounds, request_usd=request_usd)
    return replace(plan, wish=replace(plan.wish, bounds=bounds))


def timeouts_of(settings: Settings, request: Request, spent: float) -> Timeouts:
    """How long each step of the next attempt may take, of a request that has taken `spent` seconds already.

    The caller's deadline and `timeouts.total` are for the request, not for each attempt. A whole
    answer's first byte comes with its last, so only the total counts there. Who is asked to think
    may do so in silence for minutes.
    """
    limits = settings.timeouts
    total = limits.total if request.deadline is None else min(limits.total, request.deadline)
    left = max(0.0, total - spent)
    first = limits.complete_first if request.typed else limits.first
    between = limits.between
    if request.limits.effort not in (None, "none", "minimal"):
        first, between = max(first, limits.thinking), max(between, limits.thinking)
    if not request.stream:
        first = left
    return Timeouts(connect=min(limits.connect, left), first=min(first, left), between=between, total=left)


def _wish(held: Fleet, request: Request) -> Wish:
    settings = held.settings
    usable = {offer.provider.name for offer in held.offers if not offer.missing}
    found: Resolution = held.catalog.resolve(request.model, settings, lambda provider: provider.name in usable)
    return Wish(
        strategy=request.strategy or found.strategy,
        bounds=Bounds(
            only=found.model,
            tier=found.tier,
            daily_usd=settings.budget.daily_usd,
            session_usd=settings.budget.session_usd,
            workflow_usd=settings.budget.workflow_usd,
        ),
        floor=settings.routing.floor,
        hint=found.note,
        experience=settings.routing.experience,
        tenth=settings.routing.tenth_usd,
        harder=settings.routing.harder,
    )
