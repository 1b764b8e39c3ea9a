"""What a live run tells beyond its request: how many calls and dollars it took, replayed from known outcomes.

A model runs first, is stopped where it takes too long or finishes; what its run looked like says how hard the task is
and what the others would score. Rules are chosen on training rows.
"""

from __future__ import annotations

from collections.abc import Sequence
from itertools import permutations

import numpy as np

from codriver.evaluation.cascades import chosen, near
from codriver.evaluation.matrix import Floats, Matrix, Rows
from codriver.evaluation.policies import Points, difficulty, rates

CUTS = 10
"""Lengths at which a run may be stopped."""
PROBES = 4
"""Cheap models whose finished runs are looked at."""
PENALTY = 30.0


def known(matrix: Matrix) -> bool:
    """Whether runs have lengths."""
    return bool(np.isfinite(matrix.calls).all())


def watched(matrix: Matrix, hardness: Floats, splits: Sequence[tuple[Rows, Rows]]) -> Points:
    """Escalation by the run so far: stopped at a number of calls or dollars (paid for in proportion; the next model
    starts afresh), or followed, once it finished, by whichever model its length and the request's hardness call for."""
    stopped = _stopped(matrix)
    probes = [int(model) for model in np.argsort(matrix.cost.mean(axis=0), kind="stable")[:PROBES]]

    def families(train: Rows) -> list[Points]:
        return stopped + [_probed(matrix, hardness, probe, train) for probe in probes]

    return chosen(matrix, families, splits)


def hardness(matrix: Matrix, guess: Floats, splits: Sequence[tuple[Rows, Rows]]) -> tuple[Floats, Floats]:
    """Out of fold, how hard each task looks from its text and from the length of the cheapest model's run; and how
    hard it really was for all other models."""
    probe = int(np.argmin(matrix.cost.mean(axis=0)))
    truth = difficulty(matrix, [probe])
    found = np.empty(len(truth))
    signals = _signals(matrix, guess, probe)
    for train, test in splits:
        found[test] = _regressed(signals, truth[:, None], train)[test, 0]
    return found, truth


def _stopped(matrix: Matrix) -> list[Points]:
    families = []
    for first, then in permutations(near(matrix), 2):
        for length in (matrix.calls[:, first], matrix.cost[:, first]):
            cuts = np.unique(np.quantile(length, np.linspace(0.3, 1.0, CUTS)))[:, None]
            done = (length <= cuts).astype(np.float64)
            paid = matrix.cost[:, first] * np.minimum(1.0, cuts / np.maximum(length, 1e-12))
            families.append(
                Points(
                    paid + (1 - done) * matrix.cost[:, then],
                    done * matrix.score[:, first] + (1 - done) * matrix.score[:, then],
                )
            )
    return families


def _probed(matrix: Matrix, guess: Floats, probe: int, train: Rows) -> Points:
    """The probe runs to its end; then, for each exchange rate, its answer stays or another model starts."""
    expected = _regressed(_signals(matrix, guess, probe), matrix.score, train)
    prices = matrix.cost[train].mean(axis=0)
    prices[probe] = 0.0
    every = np.arange(len(matrix.queries))
    picked = [np.argmax(expected - rate * prices, axis=1) for rate in rates(matrix)]
    further = [np.where(models == probe, 0.0, matrix.cost[every, models]) for models in picked]
    return Points(
        matrix.cost[:, probe] + np.stack(further), np.stack([matrix.score[every, models] for models in picked])
    )


def _signals(matrix: Matrix, guess: Floats, probe: int) -> Floats:
    return np.column_stack([guess, np.log1p(matrix.calls[:, probe]), np.log(matrix.cost[:, probe] + 1e-4)])


def _regressed(signals: Floats, wanted: Floats, train: Rows) -> Floats:
    """A ridge regression on standardised signals, for all rows."""
    middle, spread = signals[train].mean(axis=0), signals[train].std(axis=0) + 1e-9
    scaled, level = (signals - middle) / spread, wanted[train].mean(axis=0)
    gram = scaled[train].T @ scaled[train] + PENALTY * np.eye(scaled.shape[1])
    return np.asarray(level + scaled @ np.linalg.solve(gram, scaled[train].T @ (wanted[train] - level)))
