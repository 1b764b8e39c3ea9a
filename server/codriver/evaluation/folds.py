"""Cross-validation by problem: rows that share a split_key are held out together."""

from __future__ import annotations

import random
from collections.abc import Iterator

import numpy as np

from codriver.evaluation.matrix import Matrix, Rows


def folds(matrix: Matrix, count: int = 5, seed: int = 0) -> Iterator[tuple[Rows, Rows]]:
    """Pairs (rows to train on, rows to measure on); every row is measured once, problems are spread by the seed.

    With fewer problems than folds there are as many folds as problems.
    """
    number = numbers(matrix, count, seed)
    for fold in range(int(number.max()) + 1 if number.size else 0):
        yield np.flatnonzero(number != fold), np.flatnonzero(number == fold)


def numbers(matrix: Matrix, count: int = 5, seed: int = 0) -> Rows:
    """The fold of each row."""
    keys = sorted({query.split_key for query in matrix.queries})
    random.Random(seed).shuffle(keys)  # noqa: S311 (a reproducible order is the point)
    place = {key: position % count for position, key in enumerate(keys)}
    return np.array([place[query.split_key] for query in matrix.queries], dtype=np.intp)
