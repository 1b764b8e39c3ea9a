"""More thinking of a cheaper model in place of a dearer model, where no less quality is expected and money is saved.

What more thinking brings and costs is measured: the figures below are of models that answered the same 225 exercises
of aider's polyglot benchmark (aider.chat/docs/leaderboards, Apache-2.0, read 2025-10) at two efforts each.
"""

from __future__ import annotations

from collections.abc import Mapping

from codriver.model.decision import Candidate, Latency, Length, View
from codriver.model.features import Features
from codriver.model.request import ERRANDS, Purpose, Request
from codriver.model.value import value
from codriver.routing import estimate
from codriver.routing.eligibility import Offer
from codriver.routing.posterior import logit, sigmoid
from codriver.routing.strategies import Taste

EFFORT = "high"

LOGITS = 0.18
"""What "high" adds to the logit of quality over a model's own choice, "medium": gpt-5 +0.12, o3 +0.27, o3-mini +0.27.
On 750 problems of LiveCodeBench, which were not used for it: o3-mini +0.14, o1 +0.31, o4-mini -0.02."""

TOKENS = 1.9
"""Times the output that "high" takes: gpt-5 1.79, o3 1.77, o3-mini 2.05."""

ROOM = 8_192
"""Tokens of answer that a caller must allow, or leave open: who thinks longer must not be cut off."""

WIRES = frozenset({"openai_chat", "openai_responses"})
"""Wires on which a wish for thinking is one field, and no prompt cache is lost by another one."""

STYLES = frozenset({"", "effort", "reasoning"})

STRATEGIES = frozenset({"auto", "balanced", "cost", "quality"})
"""Those for which a model of equal quality and less cost is better; who wants speed does not want more thinking."""

_NEVER = frozenset({Purpose.TOOL_RESULT, Purpose.COMPLETE, Purpose.EMBED, *ERRANDS})


@value(frozen=True, slots=True)
class Harder:
    """The order with a model that shall think more in front; and the sentence for that, "" where nothing changed."""

    ranked: list[Candidate]
    reason: str = ""


def asked(request: Request, strategy: str, view: View) -> bool:
    """Whether that may be done at all: nobody said how much to think, and no warm session is moved by it."""
    limits = request.limits
    if limits.effort is not None or request.purpose in _NEVER or request.fim is not None or strategy not in STRATEGIES:
        return False
    return (limits.max_tokens or ROOM) >= ROOM and not (request.session and request.session in view.pins)


def instead(
    request: Request,
    features: Features,
    ranked: list[Candidate],
    offers: Mapping[str, Offer],
    view: View,
    taste: Taste,
) -> Harder:
    """The cheapest of those that with more thinking are expected to be no worse than the first, and to cost less.

    What is waited longer is paid for by what is saved. Only where it is known by its answers how much a model writes,
    thinking included.
    """
    first = ranked[0]
    lengths = view.lengths.get(features.task, {})
    least = sigmoid(logit(first.quality) - LOGITS)
    best: Candidate | None = None
    for one in ranked[1:]:
        if one.quality < least or one.cost >= first.cost:
            continue
        seen = lengths.get(one.model)
        if seen is None or seen.n < estimate.LENGTHS_ENOUGH:
            continue
        if not _tells(request, offers[one.model], one.wire):
            continue
        made = _thought(request, features, one, offers[one.model], view, seen)
        saved = first.cost - made.cost - taste.wait * max(0.0, made.latency - first.latency)
        if saved > 0.0 and (best is None or made.cost < best.cost):
            best = made
    if best is None:
        return Harder(ranked)
    chosen = best.model
    others = [candidate for candidate in ranked if candidate.model != chosen]
    reason = (
        f"{chosen} with {EFFORT} effort at quality {best.quality:.2f} and ${best.cost:.5f} "
        f"instead of {first.model} ({first.quality:.2f}, ${first.cost:.5f})"
    )
    return Harder([best, *others], reason)


def _tells(request: Request, offer: Offer, wire: str) -> bool:
    """Whether this model thinks, and can be told how much without losing anything."""
    model, quirks = offer.model, offer.model.quirks or offer.provider.quirks
    if not model.reasoning or wire not in WIRES or quirks.thinking not in STYLES:
        return False
    if quirks.efforts and EFFORT not in quirks.efforts:
        return False
    return not (quirks.tools_wire and request.needs.tools and wire != quirks.tools_wire)


def _thought(request: Request, features: Features, one: Candidate, offer: Offer, view: View, seen: Length) -> Candidate:
    """The candidate as it is expected to be when it thinks more."""
    model, limit = offer.model, request.limits.max_tokens
    supposed = estimate.output_tokens(features.task, features.lines, None)
    output = estimate.learned_tokens(supposed, seen, limit)
    more = round(output * (TOKENS - 1.0))
    good = sigmoid(logit(one.quality) + LOGITS)
    cost = one.cost + more * model.price_at(view.now).output / 1e6
    latency = one.latency + more / _speed(model.speed, view.latency.get(one.model))
    return Candidate(one.model, one.wire, good, cost, latency, one.score, one.reason, one.learned, EFFORT)


def _speed(supposed: float, seen: Latency | None) -> float:
    measured = seen is not None and seen.n >= estimate.MEASURED_ENOUGH
    return max(1.0, (seen.speed or supposed) if measured and seen is not None else supposed)
