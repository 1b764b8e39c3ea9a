"""What outcomes taught about models: how far each is from the ability its public scores promised.

An item-response model with a Gaussian belief. A request's expected quality is sigmoid(base + general + family), where
`base` is skill minus difficulty, and the two offsets are unknown: one of the model, one of the model at a task family.
Each reward moves both by an assumed-density step (a Laplace step on the moderated logistic likelihood). What is kept
are natural parameters beyond the prior: they add up, so they can be merged, taken back and exchanged.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping
from dataclasses import replace
from random import Random

from codriver.model.decision import Belief
from codriver.model.value import value

GENERAL_VARIANCE, FAMILY_VARIANCE = 0.15, 0.6
"""Prior variances (logits squared) of the two offsets: public scores are about right, families differ more."""

UNSEEN = Belief(0.0, GENERAL_VARIANCE + FAMILY_VARIANCE)
"""What is believed of a model without outcomes."""

MOST_PRECISION = 10.0
"""Evidence in one cell, at most: some 60 clear outcomes. A model that changes is noticed because older ones fade."""

HALF_LIFE = 30 * 86_400.0
"""Seconds in which evidence loses half of its weight, so that beliefs go back to the prior."""

CELLS = 2000
"""(family, model) pairs kept; those that were longest without outcomes go first."""

FARTHEST = 4.0
"""Logits an offset may have."""

LEAST_CURVATURE = 0.03
"""Where an outcome was almost certain, its surprise still moves the mean by a bounded step."""

_CURVATURE, _PULL = 0.25, 1.0 + 0.25 * FARTHEST
"""How much one reward of weight 1 changes precision and pull of one cell, at most."""

Cell = tuple[str, str]
"""(task family, model); the family "" holds the model's general offset."""


@value(frozen=True, slots=True)
class Evidence:
    """What is known of one offset beyond its prior. precision and pull: natural parameters (the posterior's precision
    is the prior's plus `precision`, its mean is `pull` through that); n: rewards by weight; at: Unix time of the
    newest."""

    precision: float = 0.0
    pull: float = 0.0
    n: float = 0.0
    at: float = 0.0

    def faded(self, now: float) -> Evidence:
        """The same at a later time, nearer to the prior."""
        if now <= self.at:
            return self
        share = 0.5 ** ((now - self.at) / HALF_LIFE)
        return Evidence(self.precision * share, self.pull * share, self.n * share, now)


NONE = Evidence()


@value(frozen=True, slots=True)
class Lesson:
    """What one reward changed, so that it can be taken back: (precision, pull, n) by cell."""

    changes: tuple[tuple[Cell, float, float, float], ...]
    at: float


def posterior(evidence: Evidence, prior: float) -> Belief:
    """Mean and variance of an offset with this prior variance."""
    variance = 1.0 / (1.0 / prior + evidence.precision)
    return Belief(max(-FARTHEST, min(FARTHEST, evidence.pull * variance)), variance)


def step(general: Belief, family: Belief, base: float, reward: float, weight: float) -> tuple[Belief, Belief]:
    """Both offsets after one reward in 0..1 for a request of expected logit `base`, weighted 0..1."""
    total = general.variance + family.variance
    moderation = 1.0 / math.sqrt(1.0 + math.pi * total / 8.0)
    expected = sigmoid(moderation * (base + general.mean + family.mean))
    curvature = weight * max(expected * (1.0 - expected), LEAST_CURVATURE)
    scale = 1.0 / (1.0 + curvature * total)
    surprise = weight * (reward - expected)
    return (_moved(general, curvature, scale, surprise), _moved(family, curvature, scale, surprise))


def _moved(held: Belief, curvature: float, scale: float, surprise: float) -> Belief:
    mean = held.mean + held.variance * scale * surprise
    return Belief(
        max(-FARTHEST, min(FARTHEST, mean)), held.variance - held.variance * held.variance * curvature * scale
    )


class Abilities:
    """The evidence, and the beliefs that follow from it, always in step.

    `beliefs` is by family and model, live and read by deciders; the family "" serves where a family has none.
    """

    def __init__(self) -> None:
        self.beliefs: dict[str, dict[str, Belief]] = {}
        self._held: dict[Cell, Evidence] = {}
        self._families: dict[str, set[str]] = {}  # by model

    def __len__(self) -> int:
        return len(self._held)

    def belief(self, model: str, family: str) -> Belief:
        """What is believed of a model at a family: of the sum of both offsets."""
        found = self.beliefs.get(family, {}).get(model) or self.beliefs.get("", {}).get(model)
        return found or UNSEEN

    def learn(self, model: str, family: str, base: float, reward: float, weight: float, at: float) -> Lesson:
        """Takes one reward; what it changed. Constant time but for the number of the model's families."""
        weight = max(0.0, min(1.0, weight))
        cells = (("", model), (family, model))
        priors = (GENERAL_VARIANCE, FAMILY_VARIANCE)
        held = [self._held.get(cell, NONE).faded(at) for cell in cells]
        before = [posterior(evidence, prior) for evidence, prior in zip(held, priors, strict=True)]
        after = step(before[0], before[1], base, max(0.0, min(1.0, reward)), weight)
        changes = []
        for cell, evidence, old, new in zip(cells, held, before, after, strict=True):
            precision = 1.0 / new.variance - 1.0 / old.variance
            pull = new.mean / new.variance - old.mean / old.variance
            changes.append((cell, precision, pull, weight))
            self._put(cell, _bounded(_plus(evidence, precision, pull, weight, at), new))
        self._believe(model)
        self._forget()
        return Lesson(tuple(changes), at)

    def unlearn(self, lesson: Lesson, now: float) -> None:
        """Takes a reward back, as far as it has not faded."""
        share = 0.5 ** (max(0.0, now - lesson.at) / HALF_LIFE)
        for cell, precision, pull, n in lesson.changes:
            if cell in self._held:
                held = self._held[cell].faded(now)
                less = _plus(held, -precision * share, -pull * share, -n * share, now)
                self._put(cell, replace(less, precision=max(0.0, less.precision), n=max(0.0, less.n)))
                self._believe(cell[1])

    def fade(self, now: float) -> None:
        """Brings all beliefs to this time."""
        self.load({cell: evidence.faded(now) for cell, evidence in self._held.items()})

    def evidence(self) -> dict[Cell, Evidence]:
        """All that is kept: a copy."""
        return dict(self._held)

    def load(self, evidence: Mapping[Cell, Evidence]) -> None:
        """Replaces all that is kept."""
        self._held.clear()
        self._families.clear()
        self.beliefs.clear()
        for cell, one in sorted(evidence.items(), key=lambda item: item[1].at)[-CELLS:]:
            self._put(cell, one)
        for model in self._families:
            self._believe(model)

    def _put(self, cell: Cell, evidence: Evidence) -> None:
        self._held.pop(cell, None)  # the newest stands last
        self._held[cell] = evidence
        self._families.setdefault(cell[1], set()).add(cell[0])

    def _believe(self, model: str) -> None:
        general = posterior(self._held.get(("", model), NONE), GENERAL_VARIANCE)
        self.beliefs.setdefault("", {})[model] = Belief(general.mean, general.variance + FAMILY_VARIANCE)
        for family in self._families[model] - {""}:
            own = posterior(self._held.get((family, model), NONE), FAMILY_VARIANCE)
            both = Belief(general.mean + own.mean, general.variance + own.variance)
            self.beliefs.setdefault(family, {})[model] = both

    def _forget(self) -> None:
        while len(self._held) > CELLS:
            family, model = next(iter(self._held))
            del self._held[family, model]
            self._families[model].discard(family)
            self.beliefs[family].pop(model, None)


def _plus(held: Evidence, precision: float, pull: float, n: float, at: float) -> Evidence:
    return Evidence(held.precision + precision, held.pull + pull, held.n + n, max(held.at, at))


def _bounded(evidence: Evidence, belief: Belief) -> Evidence:
    """No more than MOST_PRECISION, with the mean kept."""
    if evidence.precision <= MOST_PRECISION:
        return evidence
    prior = 1.0 / belief.variance - evidence.precision
    return replace(evidence, precision=MOST_PRECISION, pull=belief.mean * (prior + MOST_PRECISION))


def merge(tables: Iterable[Mapping[Cell, Evidence]]) -> dict[Cell, Evidence]:
    """Several machines' evidence as one, each brought to the newest time in its cell."""
    merged: dict[Cell, Evidence] = {}
    for table in tables:
        for cell, evidence in table.items():
            held = merged.get(cell, Evidence(at=evidence.at))
            now = max(held.at, evidence.at)
            held, other = held.faded(now), evidence.faded(now)
            merged[cell] = _plus(held, other.precision, other.pull, other.n, now)
    return merged


def noised(
    table: Mapping[Cell, Evidence], random: Random, *, epsilon: float = 1.0, delta: float = 1e-6, least: float = 20.0
) -> dict[Cell, Evidence]:
    """Evidence fit to leave the machine: (epsilon, delta)-differentially private for each single reward.

    Cells are clipped to what `Abilities` keeps and get Gaussian noise of the scale sqrt(2 ln(1.25 / delta)) x
    sensitivity / epsilon (Dwork and Roth 2014, theorem A.1; epsilon up to 1). A reward touches two cells, so that is
    the L2 norm of both changes. Cells whose noised count is below `least` are left out, times are rounded to days.
    Raises ValueError for an epsilon out of range.
    """
    if not 0.0 < epsilon <= 1.0 or not 0.0 < delta < 1.0:
        raise ValueError("epsilon lies in (0, 1] and delta in (0, 1)")
    sensitivity = math.sqrt(2.0 * (_CURVATURE**2 + _PULL**2 + 1.0))
    sigma = sensitivity * math.sqrt(2.0 * math.log(1.25 / delta)) / epsilon
    farthest = FARTHEST * (1.0 / GENERAL_VARIANCE + MOST_PRECISION)
    told: dict[Cell, Evidence] = {}
    for cell, held in sorted(table.items()):
        n = held.n + random.gauss(0.0, sigma)
        precision = min(held.precision, MOST_PRECISION) + random.gauss(0.0, sigma)
        pull = max(-farthest, min(farthest, held.pull)) + random.gauss(0.0, sigma)
        if n >= least:
            told[cell] = Evidence(max(0.0, precision), pull, n, held.at // 86_400 * 86_400)
    return told


def sigmoid(x: float) -> float:
    """1 / (1 + e^-x), without overflow."""
    if x < -30.0:
        return math.exp(x)
    return 1.0 / (1.0 + math.exp(-x))


def logit(p: float) -> float:
    """The inverse of `sigmoid`, within +-14."""
    p = max(1e-6, min(1.0 - 1e-6, p))
    return math.log(p / (1.0 - p))
