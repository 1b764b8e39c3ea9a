"""Cheap first, dearer when it looks bad: by a perfect check, a verifier of stated accuracy, or the run's own length.

None of these answers is new: both models' outcomes are known, and replayed as if one had followed the other.
"""

from __future__ import annotations

from collections.abc import Sequence
from itertools import permutations
from statistics import NormalDist

import numpy as np

from codriver.evaluation.matrix import Floats, Matrix, Rows
from codriver.evaluation.policies import Points, rates

CUTS = 12
"""Thresholds tried for each pair."""
MOST_MODELS = 16
"""So many models near the hull are paired; pairs grow with the square."""


def candidates(matrix: Matrix, rows: Rows | None = None) -> list[tuple[int, int]]:
    """Pairs (first, then) with the first the cheaper one, of models that no other beats clearly on both counts."""
    scores, costs = (values[rows if rows is not None else slice(None)].mean(axis=0) for values in
                     (matrix.score, matrix.cost))  # fmt: skip
    lag = [max(scores[costs <= costs[model]]) - scores[model] for model in range(len(scores))]
    near = np.argsort(lag, kind="stable")[:MOST_MODELS]
    return [(a, b) for a, b in permutations(sorted(near.tolist()), 2) if costs[a] < costs[b]]


def perfect(matrix: Matrix, last: int) -> Points | None:
    """Some model first, and where a check that never errs refuses its answer, the model `last`: the cheapest such
    policy that is no worse than `last` alone. None where no model costs less than it."""
    costs = matrix.cost.mean(axis=0)
    tried = [
        _followed(matrix, first, last, matrix.score[:, [first]].T, matrix.score[:, [first]].T)
        for first in np.flatnonzero(costs < costs[last]).tolist()
    ]
    return min(tried, key=lambda points: float(points.cost.mean()), default=None)


def verified(matrix: Matrix, accuracy: float, predicted: Floats, splits: Sequence[tuple[Rows, Rows]]) -> Points:
    """Escalation by a simulated verifier whose verdicts on right and wrong answers lie as two normal distributions
    with the stated area under the ROC curve; expectations in closed form, nothing drawn.

    The predicted score is the prior that verdicts are weighed with. Pair and threshold are chosen on training rows.
    """
    distance = np.sqrt(2) * NormalDist().inv_cdf(accuracy)
    families = []
    for first, then in candidates(matrix):
        prior = np.clip(predicted[:, first], 0.02, 0.98)
        wanted = np.quantile(np.log(prior / (1 - prior)), 0.5) + np.linspace(-2.5, 2.5, CUTS)
        cut = (wanted[:, None] - np.log(prior / (1 - prior))[None, :] + distance**2 / 2) / distance
        right, wrong = 1 - normal(cut - distance), 1 - normal(cut)
        score = matrix.score[:, first]
        accepted = score * right + (1 - score) * wrong
        families.append(_followed(matrix, first, then, accepted, score * right))
    return chosen(matrix, families, splits)


def watched(matrix: Matrix, splits: Sequence[tuple[Rows, Rows]]) -> Points | None:
    """Escalation by a live run's length: it is stopped once it took more calls (or dollars) than a threshold, which is
    paid for in proportion, and the next model starts afresh. Pair and threshold are chosen on training rows.

    None where calls are not known.
    """
    if not np.isfinite(matrix.calls).all():
        return None
    families = []
    for first, then in candidates(matrix):
        for length in (matrix.calls[:, first], matrix.cost[:, first]):
            cuts = np.unique(np.quantile(length, np.linspace(0.3, 1.0, CUTS)))
            done = (length[None, :] <= cuts[:, None]).astype(np.float64)
            paid = matrix.cost[:, first] * np.minimum(1.0, cuts[:, None] / np.maximum(length, 1e-12)[None, :])
            families.append(
                Points(
                    paid + (1 - done) * matrix.cost[:, then],
                    done * matrix.score[:, first] + (1 - done) * matrix.score[:, then],
                )
            )
    return chosen(matrix, families, splits)


def chosen(matrix: Matrix, families: Sequence[Points], splits: Sequence[tuple[Rows, Rows]]) -> Points:
    """For each exchange rate the policy that was best on the training rows, as it does on the rows measured."""
    singles = Points(matrix.cost.T, matrix.score.T)
    cost, score = (np.vstack([getattr(family, kind) for family in (*families, singles)]) for kind in ("cost", "score"))
    worth = rates(matrix)
    result = Points(np.empty((len(worth), cost.shape[1])), np.empty((len(worth), cost.shape[1])))
    for train, test in splits:
        picked = np.argmax(score[:, train].mean(axis=1) - worth[:, None] * cost[:, train].mean(axis=1), axis=1)
        result.cost[:, test], result.score[:, test] = cost[np.ix_(picked, test)], score[np.ix_(picked, test)]
    return result


def normal(values: Floats) -> Floats:
    """The distribution function of the standard normal, to some 1e-7 (Abramowitz and Stegun, 7.1.26)."""
    x = np.abs(values) / np.sqrt(2)
    t = 1 / (1 + 0.3275911 * x)
    series = t * (0.254829592 + t * (-0.284496736 + t * (1.421413741 + t * (-1.453152027 + t * 1.061405429))))
    upper = series * np.exp(-(x**2)) / 2
    return np.asarray(np.where(values >= 0, 1 - upper, upper))


def _followed(matrix: Matrix, first: int, then: int, accepted: Floats, kept: Floats) -> Points:
    """accepted: the chance that the first answer stays, policies x queries; kept: the score it then brings."""
    return Points(
        matrix.cost[:, first] + (1 - accepted) * matrix.cost[:, then],
        kept + (1 - accepted) * matrix.score[:, then],
    )
