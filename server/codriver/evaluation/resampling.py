"""The paired bootstrap by problem: every policy is measured on the same resampled problems."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from codriver.evaluation.matrix import Floats, Query

MOST = 1000


@dataclass(frozen=True, slots=True)
class Estimate:
    """A figure with its 95% interval; all nan where the rows cannot tell."""

    value: float
    low: float
    high: float


def weights(queries: Sequence[Query], samples: int = MOST, seed: int = 0) -> Floats:
    """Samples x queries: how often each counts. The first sample is the data as it is; in the others the problems
    (split_key) are drawn with replacement."""
    keys = {key: number for number, key in enumerate(sorted({query.split_key for query in queries}))}
    problem = np.array([keys[query.split_key] for query in queries], dtype=np.intp)
    generator = np.random.default_rng(seed)
    drawn = np.ones((1 + min(samples, MOST), len(queries)))
    for row in range(1, len(drawn)):
        counts = np.bincount(generator.integers(0, len(keys), len(keys)), minlength=len(keys))
        drawn[row] = counts[problem]
    return drawn


def estimate(values: Floats) -> Estimate:
    """From a statistic's values over all samples, that of the data itself first: it, and the middle 95% of the rest."""
    rest = values[1:][np.isfinite(values[1:])]
    if not np.isfinite(values[0]) or rest.size < max(1, (len(values) - 1) // 2):
        return Estimate(float(values[0]), float("nan"), float("nan"))
    low, high = np.quantile(rest, (0.025, 0.975))
    return Estimate(float(values[0]), float(low), float(high))


def mean(values: Floats, drawn: Floats) -> Floats:
    """Means of each row of values (policies x queries) in each sample: samples x policies."""
    return np.asarray((drawn @ values.T) / drawn.sum(axis=1, keepdims=True))
