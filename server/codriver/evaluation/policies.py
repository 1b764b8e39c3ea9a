"""Ways of choosing a model for each query, as points: what each way costs and scores on every query of a matrix."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from itertools import permutations

import numpy as np
from numpy.typing import NDArray

from codriver.evaluation.curves import cost_at, hull
from codriver.evaluation.matrix import Floats, Matrix, Rows
from codriver.evaluation.slicing import comparable

RATES = 48
"""Exchange rates of dollars against quality that a routed curve is drawn with."""
CUTS = 24
"""Thresholds of a policy that splits by difficulty."""
CHEAP = 0.25
"""A cheap single model costs at most this share of the best one."""


@dataclass(frozen=True, slots=True, eq=False)
class Points:
    """A family of policies: cost and score of each on each query, policies x queries. Mixing them by lot is fair."""

    cost: Floats
    score: Floats

    def joined(self, *others: Points) -> Points:
        """All these families as one."""
        every = (self, *others)
        return Points(np.vstack([one.cost for one in every]), np.vstack([one.score for one in every]))

    def only(self, policies: Sequence[int] | Rows) -> Points:
        chosen = np.asarray(policies, dtype=np.intp)
        return Points(self.cost[chosen], self.score[chosen])


def priced(matrix: Matrix) -> Matrix | None:
    """The comparable part of a matrix with a cost in every cell, or None where costs are not known.

    A missing cost counts as its model's mean; models with fewer than half their costs are left out, and rows where
    fewer than three in five models have one (runs that were never handed in). Where only prices per token are known,
    the price stands for the cost: as if all answers were equally long.
    """
    if np.isfinite(matrix.cost).any():
        known = np.isfinite(matrix.cost) & np.isfinite(matrix.score)
        costed = np.isfinite(matrix.cost).any(axis=1)
        enough = np.flatnonzero(known.sum(axis=0) >= np.maximum(1, np.isfinite(matrix.score[costed]).sum(axis=0) / 2))
        if enough.size < 2:
            return None
        told = np.isfinite(matrix.cost[:, enough]).mean(axis=1) >= 0.6
        kept = comparable(matrix.take(np.flatnonzero(told), enough))
        means = np.nanmean(kept.cost, axis=0) if len(kept.queries) else np.zeros(len(kept.models))
        return replace(kept, cost=np.where(np.isfinite(kept.cost), kept.cost, means))
    if matrix.price.size and np.isfinite(matrix.price).sum() >= 2:
        kept = comparable(matrix.take(np.arange(len(matrix.queries)), np.flatnonzero(np.isfinite(matrix.price))))
        return replace(kept, cost=np.tile(kept.price / 1e6, (len(kept.queries), 1)))
    return None


def singles(matrix: Matrix) -> Points:
    """Each model for everything; their mixtures are the blind mix."""
    return Points(matrix.cost.T.copy(), matrix.score.T.copy())


def best(matrix: Matrix) -> int:
    """The model of the highest mean score; of equals the cheaper."""
    return min(range(len(matrix.models)), key=lambda m: (-matrix.score[:, m].mean(), matrix.cost[:, m].mean()))


def best_cheap(matrix: Matrix) -> int | None:
    """The best of those that cost at most a quarter of the best one."""
    costs, scores = matrix.cost.mean(axis=0), matrix.score.mean(axis=0)
    cheap = np.flatnonzero(costs <= CHEAP * costs[best(matrix)])
    return int(cheap[np.argmax(scores[cheap])]) if cheap.size else None


def random_mix(matrix: Matrix) -> Points:
    """Any model, all alike."""
    return Points(matrix.cost.mean(axis=1)[None, :], matrix.score.mean(axis=1)[None, :])


def oracle(matrix: Matrix) -> Points:
    """Who knows each outcome beforehand, luck included: no router can."""
    return routed(matrix, matrix.score, matrix.cost)


def rates(matrix: Matrix) -> Floats:
    """Points of score that a dollar must buy: from nothing to where only the cheapest model is worth its money."""
    dear = max(float(matrix.cost.mean(axis=0).max()), 1e-12)
    return np.concatenate([[0.0], np.geomspace(0.003, 300.0, RATES - 1) / dear])


def routed(matrix: Matrix, predicted: Floats, expected: Floats) -> Points:
    """For each exchange rate the model with the highest predicted score less the price of its expected cost."""
    every = np.arange(len(matrix.queries))
    chosen = [np.argmax(predicted - rate * expected, axis=1) for rate in rates(matrix)]
    return Points(
        np.stack([matrix.cost[every, models] for models in chosen]),
        np.stack([matrix.score[every, models] for models in chosen]),
    )


def expected_costs(matrix: Matrix, splits: Sequence[tuple[Rows, Rows]]) -> Floats:
    """Each model's mean cost over the rows that are trained on, for the rows that are measured."""
    expected = np.empty_like(matrix.cost)
    for train, test in splits:
        expected[test] = matrix.cost[train].mean(axis=0)
    return expected


def known(matrix: Matrix, target: float) -> Points:
    """The pair of models that reaches a target score cheapest when split by real difficulty, which is what all other
    models' scores on the query say. Its thresholds are the family's policies."""
    found: Points | None = None
    least = np.inf
    costs, scores = matrix.cost.mean(axis=0), matrix.score.mean(axis=0)
    for cheap, dear in permutations(range(len(matrix.models)), 2):
        if costs[cheap] >= costs[dear] or scores[dear] < 0.8 * target:
            continue
        family = _split(matrix, cheap, dear, difficulty(matrix, (cheap, dear)))
        cost = cost_at(family.cost.mean(axis=1), family.score.mean(axis=1), target)
        if cost < least:
            least, found = cost, family
    return found if found is not None else singles(matrix)


def difficulty(matrix: Matrix, without: Sequence[int] = ()) -> Floats:
    """One less the mean score of each row, leaving some models out where others remain."""
    others = [model for model in range(len(matrix.models)) if model not in without]
    scores = matrix.score[:, others or list(range(len(matrix.models)))]
    there = np.isfinite(scores)
    return np.asarray(1.0 - np.where(there, scores, 0.0).sum(axis=1) / np.maximum(1, there.sum(axis=1)))


def _split(matrix: Matrix, cheap: int, dear: int, hardness: Floats) -> Points:
    """The dear model for what is harder than each of some thresholds."""
    cuts = np.concatenate([[-np.inf], np.unique(np.quantile(hardness, np.linspace(0, 1, CUTS)))])
    hard: NDArray[np.bool_] = hardness[None, :] > cuts[:, None]
    return Points(
        np.where(hard, matrix.cost[:, dear], matrix.cost[:, cheap]),
        np.where(hard, matrix.score[:, dear], matrix.score[:, cheap]),
    )


def frontier(points: Points) -> Points:
    """The policies on the upper left hull, by rising cost."""
    return points.only(hull(points.cost.mean(axis=1), points.score.mean(axis=1)))
