"""Staying or switching: a session's prefix lies warm in one model's prompt cache, and switching pays for it again.

Another model takes over only where its expected gain over the calls still to come is more than the
toll: what its first, cold call costs beyond its later, warm ones. What the model at hand would have
to pay to warm a cache that went cold counts likewise, so after a long pause the choice is free, and back to a
model whose cache is still warm it costs little. Each earlier switch makes the next one dearer, and
nobody's mind changes in the middle of a tool loop unless the session's own signals say that it goes wrong.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace

from codriver.model.decision import Candidate, Outcome, Pin, View, Warm
from codriver.model.request import Purpose, Request
from codriver.model.value import value
from codriver.routing import estimate
from codriver.routing.eligibility import Offer
from codriver.routing.strategies import Taste

CALLS = 8.0
"""Calls from one human turn to the next, when all is decided anew: what is gained after that is gained by a later
decision. How hard a turn is says little about the next one: with the whole session of some 35 calls for a horizon,
a hard beginning held easy work on a dear model, and one hard turn moved the session to it for good."""

USUAL_GROWTH, USUAL_OUTPUT = 480.0, 280.0
"""Tokens by which each call's prompt is longer than the one before, and of an answer, in those sessions."""

TRUST = 0.25
"""How far a session's own growth and answers count against the usual ones. They have heavy tails: after one long
answer all that follows looked long, and sessions left a model for it."""

DAMPING = 0.25
"""What must be gained beyond the toll, as a part of what those calls cost at the model at hand. It stands for the way
back: what the session says in the meantime will be new to the cache that was left."""

TIRING = 0.2
"""By how much each earlier switch adds to that. Little: models that the session was at are often still warm."""

BEYOND = 0.6
"""A model of less than this part of the best expected quality is not up to the request, whatever it saves."""

BETTER = 0.02
"""How much better a model must be to take over a loop that goes wrong."""

MOST = 12
"""Candidates whose prospects are looked at, the strategy's best."""

LEFT = 3
"""Caches that a session left behind and may still find warm, at most."""

_SMOOTHING = 0.3


@value(frozen=True, slots=True)
class Stay:
    """The order after looking at what is warm, and why; "" when nothing is."""

    ranked: list[Candidate]
    reason: str = ""


def warm(pin: Pin | None, model: str, lasts: float, now: float) -> int:
    """Prompt tokens that this session has in a model's cache, which keeps them for `lasts` seconds."""
    if pin is None:
        return 0
    if pin.model == model:
        return pin.tokens if now - pin.at <= lasts else 0
    return next((one.tokens for one in pin.left if one.model == model and now - one.at <= lasts), 0)


def answered(pin: Pin | None, outcome: Outcome, now: float) -> Pin:
    """What the session has warm after an answer."""
    usage = outcome.usage
    tokens = usage.prompt + usage.output
    if pin is None:
        return Pin(outcome.model, tokens, now, output=float(usage.output))
    grown = max(0.0, float(usage.prompt - pin.tokens))
    output = pin.output + _SMOOTHING * (usage.output - pin.output)
    growth = grown if pin.calls == 1 else pin.growth + _SMOOTHING * (grown - pin.growth)
    if pin.model == outcome.model:
        return replace(pin, tokens=tokens, at=now, calls=pin.calls + 1, output=output, growth=growth)
    left = (Warm(pin.model, pin.tokens, pin.at), *(one for one in pin.left if one.model != outcome.model))[:LEFT]
    return Pin(outcome.model, tokens, now, pin.calls + 1, growth, output, pin.switches + 1, left)


def stay(
    request: Request, ranked: list[Candidate], offers: Mapping[str, Offer], view: View, taste: Taste | None
) -> Stay:
    """Who answers a session's next request. taste: what the strategy pays for; None where its order is no matter of
    money, and only tool loops are kept together."""
    if not request.session or not ranked or request.purpose in _ERRANDS:
        return Stay(ranked)
    pin = view.pins.get(request.session)
    if pin is None:
        return _begun(request, ranked, offers, view, taste)
    held = next((candidate for candidate in ranked if candidate.model == pin.model), None)
    if held is None:
        return Stay(ranked, f"leaves {pin.model}, which cannot take this request")
    trouble = view.troubles.get(request.session, "")
    if request.purpose is Purpose.TOOL_RESULT:
        if trouble:
            return _escalated(ranked, held, trouble)
        return Stay(_first(held, ranked), "" if ranked[0] is held else f"stays with {held.model} inside its tool loop")
    if taste is None:
        return Stay(ranked)
    best = max(candidate.quality for candidate in ranked)
    if held.quality < BEYOND * best:
        return Stay(ranked, f"leaves {held.model}: this is beyond it ({held.quality:.2f} of {best:.2f})")
    return _weighed(ranked, held, offers, view, taste, pin)


_ERRANDS = frozenset({Purpose.TITLE, Purpose.CLASSIFY, Purpose.PROBE, Purpose.COMPACTION})


def _begun(
    request: Request, ranked: list[Candidate], offers: Mapping[str, Offer], view: View, taste: Taste | None
) -> Stay:
    """An agent's first call is small and the bill is in those that follow: the choice is made for all of them."""
    if taste is None or not request.needs.tools or len(ranked) < 2:
        return Stay(ranked)
    pin = Pin("", request.input_tokens, view.now, calls=0, growth=USUAL_GROWTH, output=USUAL_OUTPUT)
    prospects = _prospects(ranked, None, offers, view, taste, pin)
    best = max(prospects, key=lambda prospect: prospect.total).candidate
    if best is ranked[0]:
        return Stay(ranked)
    return Stay(_first(best, ranked), f"begins with {best.model}, for some {CALLS:.0f} calls of a growing prompt")


def _weighed(
    ranked: list[Candidate], held: Candidate, offers: Mapping[str, Offer], view: View, taste: Taste, pin: Pin
) -> Stay:
    prospects = _prospects(ranked, held, offers, view, taste, pin)
    at_hand = next(prospect for prospect in prospects if prospect.candidate is held)
    best = max(prospects, key=lambda prospect: prospect.total)
    gain = best.total - at_hand.total
    needed = DAMPING * (1 + TIRING * pin.switches) * at_hand.spent
    if best.candidate is held or gain <= needed:
        saved = f"; {best.candidate.model} gains ${gain:.4f}, less than the ${needed:.4f} that a move is worth"
        text = f"stays with {held.model}, warm with {pin.tokens} tokens{saved if gain > 0 else ''}"
        return Stay(_first(held, ranked), text)
    text = (
        f"leaves {held.model} for {best.candidate.model}: over some {CALLS:.0f} calls ${gain:.4f} are "
        f"expected, after ${best.toll:.4f} for a new cache"
    )
    return Stay(_first(best.candidate, ranked), text)


@value(frozen=True, slots=True)
class _Prospect:
    """What the calls until the next human turn would bring with a model, in USD. total: after the toll; spent: in
    money alone."""

    candidate: Candidate
    total: float
    toll: float
    spent: float


def _prospects(
    ranked: list[Candidate],
    held: Candidate | None,
    offers: Mapping[str, Offer],
    view: View,
    taste: Taste,
    pin: Pin,
) -> list[_Prospect]:
    """Of those worth a look: the strategy's best, where quality has no price only those that are good enough."""
    enough = max(candidate.quality for candidate in ranked) - taste.floor if not taste.value else 0.0
    good = [one for number, one in enumerate(ranked) if one is held or (number < MOST and one.quality >= enough)]
    growth = int(USUAL_GROWTH + TRUST * (pin.growth - USUAL_GROWTH))
    output = int(USUAL_OUTPUT + TRUST * (pin.output - USUAL_OUTPUT))
    return [_prospect(candidate, offers[candidate.model], view, taste, pin, growth, output) for candidate in good]


def _prospect(
    candidate: Candidate, offer: Offer, view: View, taste: Taste, pin: Pin, growth: int, output: int
) -> _Prospect:
    known = warm(pin, candidate.model, offer.provider.cache_ttl, view.now)
    prompt, middle = pin.tokens + growth, pin.tokens + int(growth * CALLS / 2)
    asked = [(middle + growth, output, middle)]
    if known < pin.tokens:
        asked += [(prompt, output, known), (prompt, output, pin.tokens)]
    usual, *first = estimate.kept(offer.model, asked, view.now)
    toll = max(0.0, first[0] - first[1]) if first else 0.0
    each = taste.value * candidate.quality - taste.wait * candidate.latency - usual
    return _Prospect(candidate, each * CALLS - toll, toll, usual * CALLS + toll)


def _escalated(ranked: list[Candidate], held: Candidate, trouble: str) -> Stay:
    """A loop that goes wrong goes to the first in the order that is better; where nobody is, it stays."""
    better = next((candidate for candidate in ranked if candidate.quality >= held.quality + BETTER), None)
    if better is None:
        return Stay(_first(held, ranked), f"stays with {held.model} although {trouble}: nobody is better")
    return Stay(_first(better, ranked), f"leaves {held.model} for {better.model}: {trouble}")


def _first(candidate: Candidate, ranked: Sequence[Candidate]) -> list[Candidate]:
    if ranked[0] is candidate:
        return list(ranked)
    return [candidate, *(other for other in ranked if other is not candidate)]
