"""Trying a model that may be better than we believe: Thompson sampling within an allowance, with its propensity.

With the chance `share` one value of each candidate's uncertain quality is drawn, and who then gains most comes first;
else the strategy's choice stands. How probable the outcome of that was is told exactly enough to replay the past:
an integral over one belief, of the products of the others' distribution functions.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from math import erfc, log
from random import Random

from codriver.model.decision import Belief, Candidate, Decision, View
from codriver.model.request import ERRANDS, Purpose, Request
from codriver.model.value import value
from codriver.routing.posterior import UNSEEN, logit, sigmoid
from codriver.routing.strategies import Taste

DECISIVE = frozenset({"quality", "direct"})
"""Strategies whose user wants the best that is known, and no trial."""

FIXED = frozenset({Purpose.TOOL_RESULT, Purpose.EMBED, *ERRANDS})
"""Purposes at which the model must not change, or nobody would tell how it went."""

MOST_SHARE = 0.4
"""Requests at which trials may be made, at most."""

MOST = 6
"""Candidates considered, the strategy's best."""

# Gauss-Hermite nodes and weights for the standard normal (Abramowitz and Stegun 1964, table 25.10, n = 10, scaled).
_HALF = (
    (0.484935707515498, 0.344642334932019), (1.465989094391158, 0.135483702980268),
    (2.484325841638955, 0.019111580500770), (3.581823483551927, 0.000758070934312),
    (4.859462828332312, 0.000004310652630),
)  # fmt: skip
_NODES = tuple((sign * node, weight) for node, weight in _HALF for sign in (-1.0, 1.0))
_FEW = tuple((sign * node, weight) for node, weight in ((0.741963784, 0.454124145), (2.334414218, 0.045875855))
             for sign in (-1.0, 1.0))  # fmt: skip
"""n = 4: enough for the strategy's own choice, whose draw counts only `share` of its chance."""

_ROOT = math.sqrt(2.0)
_NOTHING: dict[str, Belief] = {}


@dataclass(frozen=True, slots=True)
class Chance:
    """What may be tried now. share: of requests; usd: what trials may still cost today beyond the strategy's choice."""

    random: Random
    share: float
    usd: float


@value(frozen=True, slots=True)
class Trial:
    """The order after the draw, and the chance of its first candidate."""

    ranked: list[Candidate]
    propensity: float = 1.0
    reason: str = ""


def open_to_trial(request: Request, strategy: str, only: str) -> bool:
    """Whether another model may be tried at all: never where one was named, in a tool loop, or where it counts."""
    named = bool(only) or strategy in DECISIVE
    return not named and request.purpose not in FIXED and request.priority not in ("critical", "high")


def tried(request: Request, ranked: Sequence[Candidate], task: str, taste: Taste, view: View, chance: Chance) -> Trial:
    """Perhaps another first candidate. The others keep their order."""
    arms = _arms(request, ranked, taste, view, chance)
    share = min(chance.share, MOST_SHARE)
    if len(arms) < 2 or share <= 0.0:
        return Trial(list(ranked))
    worth, beliefs = max(taste.value, 1e-9), _beliefs(arms, task, taste, view)
    chosen = 0
    if chance.random.random() < share:
        gauss = chance.random.gauss
        drawn = [worth * sigmoid(mean + wide * gauss(0.0, 1.0)) - paid for mean, wide, _, paid in beliefs]
        chosen = max(range(len(drawn)), key=drawn.__getitem__)
    propensity = share * _first(beliefs, chosen, worth) + (1.0 - share if chosen == 0 else 0.0)
    if chosen == 0:
        return Trial(list(ranked), propensity)
    best, usual = arms[chosen], arms[0]
    others = [candidate for candidate in ranked if candidate is not best]
    reason = f"tries {best.model} instead of {usual.model}, to learn (chance {propensity:.3f})"
    return Trial([best, *others], propensity, reason)


def surcharge(decision: Decision) -> float:
    """USD that a decision's trial is expected to cost beyond the strategy's choice; 0 when nothing was tried."""
    if decision.propensity >= 0.5 or len(decision.candidates) < 2:
        return 0.0  # the strategy's choice has at least 1 - MOST_SHARE
    return max(0.0, decision.candidates[0].cost - decision.candidates[1].cost)


def _arms(
    request: Request, ranked: Sequence[Candidate], taste: Taste, view: View, chance: Chance
) -> Sequence[Candidate]:
    """The strategy's choice, and those within the floor that the day's allowance can pay."""
    if not ranked or (request.session and request.session in view.pins):
        return ranked[:1]  # a warm session is no place for trials
    enough = max([candidate.quality for candidate in ranked]) - taste.floor
    most = ranked[0].cost + chance.usd
    arms = [ranked[0]]
    for candidate in ranked[1:]:
        if candidate.quality >= enough and candidate.cost <= most:
            arms.append(candidate)
            if len(arms) == MOST:
                break
    return arms


_Arm = tuple[float, float, float, float]
"""A candidate's gain in USD as a random variable: value x sigmoid(logit) - paid, of a normally distributed logit.
Its mean, its deviation, 1 / (deviation x sqrt 2), and what is paid in any case."""


def _beliefs(arms: Sequence[Candidate], task: str, taste: Taste, view: View) -> list[_Arm]:
    own, general = view.abilities.get(task, _NOTHING), view.abilities.get("", _NOTHING)
    found: list[_Arm] = []
    for arm in arms:
        deviation = math.sqrt((own.get(arm.model) or general.get(arm.model) or UNSEEN).variance)
        paid = arm.cost + taste.wait * arm.latency
        found.append((logit(arm.quality), deviation, 1.0 / (deviation * _ROOT), paid))
    return found


def _first(arms: Sequence[_Arm], chosen: int, worth: float) -> float:
    """The chance that this arm's draw gains most: P = E_z prod_j F_j(gain(z))."""
    total = 0.0
    mean, deviation, _, paid = arms[chosen]
    others = [*arms[:chosen], *arms[chosen + 1 :]]
    for node, weight in _FEW if chosen == 0 else _NODES:
        gain, product = worth * sigmoid(mean + deviation * node) - paid, weight
        for middle, _, slope, cost in others:
            # The chance that the other gains less.
            needed = (gain + cost) / worth
            if needed < 1.0:
                if needed <= 0.0:
                    product = 0.0
                    break
                product *= 0.5 * erfc((middle - log(needed / (1.0 - needed))) * slope)
        total += product
    return min(1.0, max(total, 1e-6))
