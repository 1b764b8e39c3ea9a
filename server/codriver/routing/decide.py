"""The decision: facts in, ordered candidates with reasons out. Pure, and quick (well under a millisecond).

Steps: who is eligible; what each would be worth (quality, cost, latency); how the strategy ranks
them; whether the session's warm model keeps its place.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from codriver.errors import Failure, Kind, Unroutable
from codriver.model.decision import Candidate, Decision, Refusal, View
from codriver.model.features import Features
from codriver.model.request import ERRANDS, Purpose, Request
from codriver.routing import degrading, exploring, harder, staying, strategies
from codriver.routing.eligibility import Bounds, Offer, sifted, wire_for
from codriver.routing.expecting import Expected, expected
from codriver.routing.lineup import Lineup

# What a good answer is worth (USD) and what a second of waiting costs (USD), by task family.
# First priors: a keystroke waits for nobody, a refactor may.
TASTES: dict[str, tuple[float, float]] = {
    "complete": (0.002, 0.002),
    "refactor": (0.04, 0.0005),
    "review": (0.05, 0.0004),
    "debug": (0.06, 0.0005),
    "generate": (0.05, 0.0005),
    "plan": (0.08, 0.0004),
    "title": (0.001, 0.0005),
    "classify": (0.001, 0.001),
    "commit": (0.004, 0.001),
    "document": (0.02, 0.0005),
}
ORDINARY_TASTE = (0.04, 0.0006)

LAST_RESORT = {Kind.TRANSIENT, Kind.BROKEN, Kind.SLOW, Kind.OVERLOADED}
"""Rests that may be cut short when nobody else is left; a rate limit or a bad key may not."""


@dataclass(frozen=True, slots=True)
class Wish:
    """How to choose. strategy: a name of routing/strategies. hint: a sentence about the asked name.

    experience: whether measured latency replaces the catalog's. tenth: USD that a tenth more quality is worth, whatever
    the task; 0 leaves that to the task.
    """

    strategy: str = "auto"
    bounds: Bounds = Bounds()
    floor: float = 0.1
    hint: str = ""
    experience: bool = True
    tenth: float = 0.0
    refused: tuple[Refusal, ...] = ()
    """Standing refusals: told, and not looked at again."""
    prefer: frozenset[str] = frozenset()
    """Models that come before the others, by a rule."""
    sunk: float = 0.0
    """The quality floor under strain (routing/degrading.py); 0 in ordinary times."""
    harder: bool = False
    """Whether a cheaper model may think more in place of a dearer one (routing/harder.py)."""


def decide(
    request: Request,
    features: Features,
    offers: Sequence[Offer],
    view: View,
    wish: Wish,
    *,
    ident: str,
    chance: exploring.Chance | None = None,
) -> Decision:
    """Ordered candidates among `offers`, those that passed `eligibility.standing`.

    features: as `quality.judged` completes them. chance: lets another model be tried. Raises Unroutable, with a reason
    for every model, if none is left.
    """
    made, by_key, refused, note = _expected(request, features, offers, view, wish)
    value, wait = TASTES.get(features.task, ORDINARY_TASTE)
    taste = strategies.Taste(10 * wish.tenth or value, wait, wish.floor)
    chosen, errand = _strategy(request, wish)
    try:
        order = strategies.ranked(chosen, made, taste)
    except LookupError as unknown:
        raise Unroutable(Failure(Kind.INVALID, str(unknown), field="strategy")) from None
    ranked, chosen = order.candidates, order.name
    if wish.bounds.only and len(ranked) == 1:
        reasons = named(ranked[0].model, wish.hint, note, order.note)
        return Decision(ident, chosen, tuple(ranked), refused, reasons, features)
    tier = "" if errand else wish.bounds.tier
    if tier:
        ranked = _tiered(ranked, by_key, tier)
    # Who hinted at a tier has weighed money against quality himself.
    pays = None if tier else strategies.pays(order.strategy, taste)
    stay = staying.stay(request, ranked, by_key, view, pays)
    ranked = _bent(request, stay.ranked, wish)
    ranked, thought = _harder(request, features, ranked, by_key, view, wish, taste, chosen, tier)
    tried, propensity = "", 1.0
    if chance is not None and not thought:
        ranked, tried, propensity = _trial(request, features, ranked, view, wish, taste, chosen, chance)
    seen, first = _why(features), _first(ranked, chosen)
    why = (wish.hint, seen, note, errand, order.note, stay.reason, thought, tried, first)
    reasons = tuple([reason for reason in why if reason])
    return Decision(ident, chosen, tuple(ranked), refused, reasons, features, propensity=propensity)


def named(model: str, *notes: str) -> tuple[str, ...]:
    """The reasons where the caller chose: nothing in the code or the wish had a say."""
    return (*[note for note in notes if note], f"{model} was named, so no other was considered")


def _expected(
    request: Request, features: Features, offers: Sequence[Offer], view: View, wish: Wish
) -> tuple[Expected, dict[str, Offer], tuple[Refusal, ...], str]:
    """What is expected of each that may answer; their offers; who may not; a sentence where all but resting ones are
    out. Raises Unroutable."""
    lineup, out = sifted(request, features, offers, view)
    refused, note = wish.refused + out, ""
    if not lineup.keys:
        lineup, refused, note = _last_resort(request, offers, view, refused)
    made = expected(request, features, lineup, view, experience=wish.experience)
    if _limited(wish.bounds):
        made, dear = _within(made, lineup.by_key, request, view, wish.bounds)
        refused += dear
    if not made.keys:
        from codriver.routing.nobody import nobody  # seldom needed, and not by a daemon that starts

        raise nobody(request, refused, view, offers)
    return made, lineup.by_key, refused, note


def _bent(request: Request, ranked: list[Candidate], wish: Wish) -> list[Candidate]:
    """The order under the user's rules and the strain of the moment; a tool's result goes where its loop is."""
    if request.purpose is Purpose.TOOL_RESULT or not (wish.prefer or wish.sunk):
        return ranked
    if wish.prefer:
        ranked.sort(key=lambda candidate: candidate.model not in wish.prefer)
    return degrading.sunk(ranked, wish.sunk) if wish.sunk else ranked


def _harder(
    request: Request,
    features: Features,
    ranked: list[Candidate],
    offers: dict[str, Offer],
    view: View,
    wish: Wish,
    taste: strategies.Taste,
    strategy: str,
    tier: str,
) -> tuple[list[Candidate], str]:
    """The order where a cheaper model may think more, and the sentence for that."""
    if not (wish.harder and wish.experience) or len(ranked) < 2 or tier or wish.prefer:
        return ranked, ""
    if not harder.asked(request, strategy, view):
        return ranked, ""
    more = harder.instead(request, features, ranked, offers, view, taste)
    return more.ranked, more.reason


def _trial(
    request: Request,
    features: Features,
    ranked: list[Candidate],
    view: View,
    wish: Wish,
    taste: strategies.Taste,
    strategy: str,
    chance: exploring.Chance,
) -> tuple[list[Candidate], str, float]:
    """The order where another model may be tried, the sentence for that, and the chance of who comes first."""
    if wish.bounds.tier or wish.prefer or not exploring.open_to_trial(request, strategy, wish.bounds.only):
        return ranked, "", 1.0
    trial = exploring.tried(request, ranked, features.task, taste, view, chance)
    return trial.ranked, trial.reason, trial.propensity


def _strategy(request: Request, wish: Wish) -> tuple[str, str]:
    """The strategy's name, and a sentence where it is not the wished one: an agent's errand goes to the cheapest model
    that can, unless this very request was sent with a strategy."""
    if request.purpose not in ERRANDS or request.strategy or wish.bounds.only:
        return wish.strategy, ""
    return "cost", f"{request.purpose}: an errand beside the work goes to the cheapest model that can"


def _last_resort(
    request: Request, offers: Sequence[Offer], view: View, refused: tuple[Refusal, ...]
) -> tuple[Lineup, tuple[Refusal, ...], str]:
    """Models that only rest after a passing trouble, when nobody else is left, soonest back first; who is refused
    then."""
    by_key = {offer.model.key: offer for offer in offers}
    resting = [by_key[r.model] for r in refused if r.why == "cooling" and _passing(by_key[r.model], view)]
    if not resting:
        return Lineup(()), refused, ""
    resting.sort(key=lambda offer: _back(offer, view))
    lineup = Lineup([(offer, offer.model.key, wire_for(request, offer)) for offer in resting])
    left = tuple([r for r in refused if r.model not in lineup.place])
    return lineup, left, "all others are out, so a resting model is asked again"


def _back(offer: Offer, view: View) -> float:
    names = (offer.model.key, offer.provider.name)
    return max(view.cooling[name].until for name in names if name in view.cooling)


def _passing(offer: Offer, view: View) -> bool:
    names = (offer.model.key, offer.provider.name)
    return all(view.cooling[name].failure.kind in LAST_RESORT for name in names if name in view.cooling)


def _limited(bounds: Bounds) -> bool:
    daily, session, workflow = bounds.daily_usd, bounds.session_usd, bounds.workflow_usd
    return bounds.request_usd is not None or bool(daily or session or workflow)


def _within(
    made: Expected, offers: dict[str, Offer], request: Request, view: View, bounds: Bounds
) -> tuple[Expected, tuple[Refusal, ...]]:
    """Those that the caller's limit and what is left of each budget allow, free ones always; and who is refused."""
    if not made.costs or _too_dear(max(made.costs), request, view, bounds) is None:
        return made, ()  # what costs less is allowed too
    kept: list[int] = []
    refused: list[Refusal] = []
    for place, (model, cost) in enumerate(zip(made.keys, made.costs, strict=True)):
        no = _too_dear(cost, request, view, bounds)
        if no is None or cost == 0 or offers[model].provider.simulated:
            kept.append(place)
        else:
            refused.append(Refusal(model, *no))
    return made.part(kept), tuple(refused)


def _too_dear(cost: float, request: Request, view: View, bounds: Bounds) -> tuple[str, str] | None:
    if bounds.request_usd is not None and cost > bounds.request_usd:
        return "cost", f"would cost more than the ${bounds.request_usd:g} this request may"
    if bounds.daily_usd and view.spent_today + cost > bounds.daily_usd:
        return "budget", f"today's budget of ${bounds.daily_usd:g} is spent (${view.spent_today:.4f})"
    if bounds.workflow_usd and request.workflow:
        spent = view.paid_by(f"workflow:{request.workflow}")
        if spent + cost > bounds.workflow_usd:
            text = f"today's budget of ${bounds.workflow_usd:g} of the workflow {request.workflow!r} is spent"
            return "budget", f"{text} (${spent:.4f})"
    if bounds.session_usd and request.session:
        spent = view.paid_by(f"session:{request.session}")
        if spent + cost > bounds.session_usd:
            return "session-budget", f"this session's budget of ${bounds.session_usd:g} is spent (${spent:.4f})"
    return None


def _tiered(ranked: list[Candidate], offers: dict[str, Offer], tier: str) -> list[Candidate]:
    """Models of the tier that was hinted at come first; the others stay as fallback."""
    return sorted(ranked, key=lambda c: offers[c.model].model.tier != tier)


def _why(features: Features) -> str:
    """One sentence about what was seen in the code, with its numbers."""
    if features.source == "none":
        return f"task {features.task}, no code seen, difficulty {features.difficulty:+.2f}{_said(features)}"
    where = f" in {features.scope}" if features.scope else ""
    frameworks = f" ({', '.join(features.frameworks)})" if features.frameworks else ""
    return (
        f"task {features.task} on {features.language or 'unknown'} code{frameworks}{where}: "
        f"cognitive {features.cognitive}, cyclomatic {features.cyclomatic}, nesting {features.nesting}, "
        f"{features.lines} lines, difficulty {features.difficulty:+.2f}{_said(features)}"
    )


def _said(features: Features) -> str:
    """What the wish's words made of the difficulty, where that is worth telling, and another language than English."""
    words = f", of which its words make {features.wording:+.2f}" if abs(features.wording) >= 0.01 else ""
    return words + (f", asked in {features.tongue!r}" if features.tongue not in ("", "en") else "")


def _first(ranked: Sequence[Candidate], strategy: str) -> str:
    best = ranked[0]
    text = f"{strategy}: {best.model} at quality {best.quality:.2f}, ${best.cost:.5f}, {best.latency:.1f} s"
    if len(ranked) > 1:
        second = ranked[1]
        text += f", before {second.model} ({second.quality:.2f}, ${second.cost:.5f}, {second.latency:.1f} s)"
    return text
