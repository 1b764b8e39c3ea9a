"""Cost against quality: the hull of mixtures, what a wanted quality costs on it, and how much routing recovers."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from codriver.evaluation.matrix import Floats


def hull(costs: Floats, scores: Floats) -> NDArray[np.intp]:
    """Numbers of the points on the upper left hull, by rising cost: the best that mixing points by lot can do."""
    kept: list[int] = []
    for point in sorted(range(len(costs)), key=lambda i: (costs[i], -scores[i])):
        if kept and scores[point] <= scores[kept[-1]]:
            continue
        while len(kept) > 1 and _below(costs, scores, kept[-2], kept[-1], point):
            kept.pop()
        kept.append(point)
    return np.array(kept, dtype=np.intp)


def _below(costs: Floats, scores: Floats, left: int, middle: int, right: int) -> bool:
    """Whether the middle point lies on or below the line from left to right."""
    rise = (scores[right] - scores[left]) * (costs[middle] - costs[left])
    return bool((scores[middle] - scores[left]) * (costs[right] - costs[left]) <= rise)


def cost_at(costs: Floats, scores: Floats, target: float) -> float:
    """The least mean cost at which a mixture of the points reaches a mean score; nan where none does."""
    enough = scores >= target - 1e-12
    if not enough.any():
        return float("nan")
    least = float(costs[enough].min())
    below = np.flatnonzero(~enough & (costs < least))
    above = np.flatnonzero(enough)
    if below.size == 0:
        return least
    share = (target - scores[below])[:, None] / (scores[above][None, :] - scores[below][:, None])
    mixed = costs[below][:, None] + share * (costs[above][None, :] - costs[below][:, None])
    return min(least, float(mixed.min()))


def apgr(order: Floats, weak: Floats, strong: Floats, weights: Floats) -> Floats:
    """Average performance gap recovered (RouteLLM, arXiv 2406.18665): the share of the gap between two models that
    routing recovers, averaged over all shares of calls to the strong one, highest `order` first; 0.5 by lot.

    weights: samples x queries, how often each query counts; the answer has one number a sample, nan where the strong
    model is not the better one. Queries of the same order are taken by lot among themselves.
    """
    _, group = np.unique(-order, return_inverse=True)
    size = int(group.max()) + 1
    sums = [_grouped(weights * values, group, size) for values in (np.ones_like(weak), strong - weak)]
    shares = np.cumsum(sums[0], axis=1) / sums[0].sum(axis=1, keepdims=True)
    gains = np.cumsum(sums[1], axis=1)
    widths = np.diff(shares, axis=1, prepend=0.0)
    before = np.concatenate([np.zeros((len(gains), 1)), gains[:, :-1]], axis=1)
    total = gains[:, -1]
    area = ((gains + before) / 2 * widths).sum(axis=1)
    return np.where(total > 1e-12, area / np.where(total > 1e-12, total, 1.0), np.nan)


def _grouped(values: Floats, group: NDArray[np.intp], size: int) -> Floats:
    if size == values.shape[1]:
        ordered = np.empty_like(values)
        ordered[:, group] = values
        return ordered
    return np.stack([np.bincount(group, weights=row, minlength=size) for row in values])


def ranks(values: Floats, folds: Sequence[NDArray[np.intp]]) -> Floats:
    """Each value as its rank within its fold, 0..1; equal values share one. Folds were predicted by different
    training runs: only their orders are comparable."""
    ranked = np.empty(len(values))
    for rows in folds:
        found, place, counts = np.unique(values[rows], return_inverse=True, return_counts=True)
        middle = np.cumsum(counts) - counts / 2
        ranked[rows] = middle[place] / rows.size if found.size else 0.0
    return ranked
