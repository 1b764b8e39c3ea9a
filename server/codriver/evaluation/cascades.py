"""Cheap first, dearer when its answer looks bad: to a perfect check, or a simulated verifier of stated accuracy.

None of these answers is new: both models' outcomes are known, and replayed as if one had followed the other.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from itertools import combinations, permutations
from statistics import NormalDist

import numpy as np

from codriver.evaluation.matrix import Floats, Matrix, Rows
from codriver.evaluation.policies import RATES, Points, rates, singles

CUTS = 14
"""Thresholds tried for each pair."""
FEWER, MOST_MODELS = 8, 16
"""So many models near the hull are put in threes and in pairs."""
STRICTER = (0.0, 1.0)


def near(matrix: Matrix, most: int = MOST_MODELS) -> list[int]:
    """The models that cheaper ones beat least, at most so many."""
    scores, costs = matrix.score.mean(axis=0), matrix.cost.mean(axis=0)
    lag = [max(scores[costs <= costs[model]]) - scores[model] for model in range(len(scores))]
    return sorted(np.argsort(lag, kind="stable")[:most].tolist())


def candidates(matrix: Matrix) -> list[tuple[int, int]]:
    """Pairs of those, the first the cheaper one."""
    costs = matrix.cost.mean(axis=0)
    return [(first, then) for first, then in permutations(near(matrix), 2) if costs[first] < costs[then]]


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

    The predicted score is the prior that verdicts are weighed with. Two or three models in turn, and the thresholds,
    are chosen on training rows.
    """
    distance = float(np.sqrt(2) * NormalDist().inv_cdf(accuracy))
    last = singles(matrix)
    costs = matrix.cost.mean(axis=0)
    few = sorted(near(matrix, FEWER), key=lambda model: costs[model])
    families = []
    for first, then in candidates(matrix):
        families.append(_checked(matrix, first, predicted, distance, last.only([then]), 0.0))
    for first, second, third in combinations(few, 3):
        for stricter in STRICTER:
            rest = _checked(matrix, second, predicted, distance, last.only([third]), stricter)
            families.append(_checked(matrix, first, predicted, distance, rest, 0.0))
    return chosen(matrix, lambda _: families, splits)


def _checked(matrix: Matrix, model: int, predicted: Floats, distance: float, then: Points, stricter: float) -> Points:
    """A model's answer stays where the odds that it is right, after the verdict, exceed each of some thresholds; else
    `then` goes on. stricter: added to the thresholds, for who failed before made it likelier that the task is hard."""
    prior = np.clip(predicted[:, model], 0.02, 0.98)
    odds = np.log(prior / (1 - prior))
    wanted = np.median(odds) + stricter + np.linspace(-4, 4, CUTS)
    cut = (wanted[:, None] - odds + distance**2 / 2) / distance
    right, wrong = 1 - normal(cut - distance), 1 - normal(cut)
    score = matrix.score[:, model]
    accepted = score * right + (1 - score) * wrong
    return Points(
        matrix.cost[:, model] + (1 - accepted) * then.cost,
        score * right + (1 - accepted) * then.score,
    )


def chosen(matrix: Matrix, families: Callable[[Rows], Sequence[Points]], splits: Sequence[tuple[Rows, Rows]]) -> Points:
    """For each exchange rate the policy that was best on the training rows, as it does on the rows measured.

    families: all policies to choose from, on all rows, as they follow from the training rows; singles are added.
    """
    worth, shape = rates(matrix), (RATES, len(matrix.queries))
    result = Points(np.empty(shape), np.empty(shape))
    for train, test in splits:
        every = singles(matrix).joined(*families(train))
        gains = every.score[:, train].mean(axis=1) - worth[:, None] * every.cost[:, train].mean(axis=1)
        picked = np.argmax(gains, axis=1)
        result.cost[:, test], result.score[:, test] = (
            every.cost[np.ix_(picked, test)],
            every.score[np.ix_(picked, test)],
        )
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
