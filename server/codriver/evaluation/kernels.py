"""How alike queries are: inner products of all pairs of rows of a sparse matrix, and regressions on them."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from codriver.evaluation.matrix import Floats, Rows
from codriver.evaluation.texts import Sparse

Kernel = NDArray[np.float32]
"""Rows x rows, symmetric."""

RARE = 40
"""Columns of up to so many rows are multiplied pair by pair, the others as a dense block."""
BLOCK = 1000
STEPS = 25
"""Of conjugate gradients: more would only fit noise."""


def products(space: Sparse) -> Kernel:
    """The inner product of every pair of rows."""
    order = np.argsort(space.column, kind="stable")
    row, column, value = space.row_of()[order], space.column[order], space.value[order]
    frequency = np.bincount(column, minlength=space.columns)
    kernel = _rare(row, value, frequency, space.rows)
    common = np.flatnonzero(frequency > RARE)
    place = np.full(space.columns, -1)
    place[common] = np.arange(common.size)
    for start in range(0, common.size, BLOCK):
        chosen = np.flatnonzero((place[column] >= start) & (place[column] < start + BLOCK))
        dense = np.zeros((space.rows, min(BLOCK, common.size - start)), dtype=np.float32)
        dense[row[chosen], place[column[chosen]] - start] = value[chosen]
        kernel += dense @ dense.T
    return kernel


def _rare(row: Rows, value: Floats, frequency: Rows, rows: int) -> Kernel:
    """The part of columns that few rows have. row and value are ordered by column."""
    begin = np.concatenate([[0], np.cumsum(frequency)])
    flat: list[Rows] = []
    weight: list[NDArray[np.float32]] = []
    for many in range(1, RARE + 1):
        starts = begin[:-1][frequency == many]
        if starts.size:
            there = starts[:, None] + np.arange(many)
            flat.append((row[there][:, :, None] * rows + row[there][:, None, :]).ravel())
            weight.append((value[there][:, :, None] * value[there][:, None, :]).ravel().astype(np.float32))
    kernel = np.zeros((rows, rows), dtype=np.float32)
    if not flat:
        return kernel
    place, worth = np.concatenate(flat), np.concatenate(weight)
    block = place // (rows * BLOCK)
    for number in range(int(block.max()) + 1):
        chosen = block == number
        part = kernel[number * BLOCK : (number + 1) * BLOCK]
        first = number * BLOCK * rows
        part += np.bincount(place[chosen] - first, weights=worth[chosen], minlength=part.size).reshape(part.shape)
    return kernel


def near(kernel: Kernel, width: float) -> Kernel:
    """A bell curve over the distances that a kernel implies: alike only where nearly the same."""
    own = np.diag(kernel)
    bell = -2 * kernel
    bell += own[:, None]
    bell += own[None, :]
    np.maximum(bell, 0, out=bell)
    bell *= -width
    return np.asarray(np.exp(bell, out=bell))


def solved(kernel: Kernel, wanted: Floats, penalties: Floats) -> Floats:
    """Weights, rows x k, of kernel ridge regression on `wanted`, each column with its penalty."""
    rest = wanted.astype(np.float32)
    penalty = penalties.astype(np.float32)
    weights, way, size = np.zeros_like(rest), rest.copy(), (rest * rest).sum(axis=0)
    first = size.copy()
    for _ in range(STEPS):
        bent = kernel @ way + penalty * way
        step = size / np.maximum((way * bent).sum(axis=0), 1e-30)
        weights += step * way
        rest -= step * bent
        size, before = (rest * rest).sum(axis=0), size
        if (size <= 1e-6 * first).all():
            break
        way = rest + size / np.maximum(before, 1e-30) * way
    return weights.astype(np.float64)
