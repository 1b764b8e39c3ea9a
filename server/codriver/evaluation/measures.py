"""Figures with their intervals: every statistic of one slice is taken on the same resampled problems."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np

from codriver.evaluation.curves import apgr, cost_at, ranks
from codriver.evaluation.matrix import Floats, Rows
from codriver.evaluation.policies import Points
from codriver.evaluation.predictor import Predictor
from codriver.evaluation.resampling import Estimate, estimate, mean

LEVELS = (0.95, 0.98, 1.0)
"""Shares of the best single model's quality that costs are read at."""
OURS, BLIND, KNOWN, ORACLE = "codriver", "blind mix", "difficulty known", "oracle"
CHECKED, WATCHED = "perfect check", "run watched"


@dataclass(frozen=True, slots=True)
class Settings:
    """How thorough. subject makes what is put to the test; others make what stands beside it, by name."""

    subject: Callable[[], Predictor]
    others: Mapping[str, Callable[[], Predictor]] = field(default_factory=dict)
    folds: int = 5
    seed: int = 0
    samples: int = 1000
    unseen: int = 3
    """Models that are left out in turn, at most."""
    ablate: bool = True
    """Whether all is measured once more without the code in the texts."""


@dataclass(frozen=True, slots=True)
class Line:
    """A curve or some points of the picture, by rising x."""

    name: str
    x: tuple[float, ...]
    y: tuple[float, ...]


@dataclass(frozen=True, slots=True)
class Measure:
    """One line of the table. beside: the same figure for baselines and bounds, by name. rises: more is better."""

    matrix: str
    key: str
    label: str
    ours: Estimate
    beside: Mapping[str, Estimate] = field(default_factory=dict)
    unit: str = "ratio"
    rises: bool = True


@dataclass(frozen=True, slots=True, eq=False)
class Costs:
    """What families of policies cost at each level of the best single's quality, in every sample: samples x levels."""

    best: Floats
    """The best single model's own cost, samples."""
    of: Mapping[str, Floats]

    def saved(self, name: str, level: float) -> Estimate:
        """The share of the best single's cost that is saved."""
        return estimate(1 - self.of[name][:, LEVELS.index(level)] / self.best)

    def below(self, name: str, other: str, level: float) -> Estimate:
        """The share of another family's cost that is saved at the same quality."""
        place = LEVELS.index(level)
        return estimate(1 - self.of[name][:, place] / self.of[other][:, place])

    def share(self, name: str, ideal: str, level: float, blind: str = "") -> Estimate:
        """Of what the ideal saves beyond the blind mix (or, without one, the best single), the part that is saved."""
        place = LEVELS.index(level)
        start = self.of[blind][:, place] if blind else self.best
        possible = start - self.of[ideal][:, place]
        gained = start - self.of[name][:, place]
        enough = possible > 1e-9 * self.best
        return estimate(np.where(enough, gained / np.where(enough, possible, 1.0), np.nan))


def costs(anchor: Points, families: Mapping[str, Points], drawn: Floats) -> Costs:
    """Reads every family's curve in every sample. anchor: the best single model; any policy may be mixed with it, for
    anyone can call it for a part of the queries, and a quality that is out of reach otherwise costs what it costs."""
    own_cost, own_score = mean(anchor.cost, drawn)[:, 0], mean(anchor.score, drawn)[:, 0]
    found = {}
    for name, family in families.items():
        cost, score = mean(family.cost, drawn), mean(family.score, drawn)
        cost, score = np.column_stack([cost, own_cost]), np.column_stack([score, own_score])
        found[name] = np.array(
            [
                [cost_at(cost[sample], score[sample], level * own_score[sample]) for level in LEVELS]
                for sample in range(len(drawn))
            ]
        )
    return Costs(own_cost, found)


def recovered(order: Floats, weak: Floats, strong: Floats, tests: Sequence[Rows], drawn: Floats) -> Floats:
    """APGR in every sample, when the queries of the highest order (as ranked within their folds) go to the strong."""
    return apgr(ranks(order, tests), weak, strong, drawn)


def correlation(guess: Floats, truth: Floats, tests: Sequence[Rows], drawn: Floats) -> Estimate:
    """Pearson's, between guesses (each fold's mean taken off) and what was true; 0 where nothing was guessed."""
    level = np.empty_like(guess)
    for rows in tests:
        level[rows] = guess[rows] - guess[rows].mean()
    if np.ptp(level) < 1e-12 or np.ptp(truth) < 1e-12:
        return Estimate(0.0, 0.0, 0.0)
    share = drawn / drawn.sum(axis=1, keepdims=True)
    means = [share @ values for values in (level, truth)]
    spread = [share @ values**2 - m**2 for values, m in zip((level, truth), means, strict=True)]
    together = share @ (level * truth) - means[0] * means[1]
    return estimate(together / np.sqrt(np.maximum(spread[0] * spread[1], 1e-30)))
