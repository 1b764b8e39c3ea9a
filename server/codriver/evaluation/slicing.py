"""What of a matrix is measured as one: a source, its comparable models, the rows that all of them answered."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from codriver.evaluation.matrix import Matrix, Rows

MOST_SOURCES = 5
"""A matrix of more sources is a mixture on purpose, and is measured whole."""

FEWEST_ROWS = 30
COVERED = 0.95
"""Share of the best covered model's rows that a model must have to be compared with it."""


def slices(matrix: Matrix) -> list[Matrix]:
    """The matrix by source, named `matrix/source`; itself where it has one source, or very many.

    Sources of fewer than 30 rows are left out, unless there is nothing else.
    """
    sources = [query.source for query in matrix.queries]
    names = sorted(set(sources))
    if not 1 < len(names) <= MOST_SOURCES:
        return [matrix]
    kept = [(name, [row for row, source in enumerate(sources) if source == name]) for name in names]
    large = [(name, rows) for name, rows in kept if len(rows) >= FEWEST_ROWS]
    return [_answered(matrix.take(rows, name=f"{matrix.name}/{_short(name)}")) for name, rows in large or kept]


def comparable(matrix: Matrix) -> Matrix:
    """The models that answered nearly all that any model did, on the rows all of those answered."""
    there = np.isfinite(matrix.score)
    counts = there.sum(axis=0) * _alike(matrix.models)
    models = np.flatnonzero(counts >= max(1.0, COVERED * counts.max(initial=0)))
    rows: Rows = np.flatnonzero(there[:, models].all(axis=1))
    return matrix.take(rows, models)


def _alike(models: Sequence[str]) -> NDArray[np.bool_]:
    """Without `model@setting`, another harness or limit, where several models ran in the common one."""
    common = np.array(["@" not in model for model in models], dtype=bool)
    return common if common.sum() >= 2 else np.ones(len(models), dtype=bool)


def _answered(matrix: Matrix) -> Matrix:
    """Without models that this source knows nothing of."""
    models = np.flatnonzero(np.isfinite(matrix.score).any(axis=0))
    return matrix.take(np.arange(len(matrix.queries)), models)


def _short(source: str) -> str:
    """`mbpp` of `routerbench:mbpp`."""
    return source.rpartition(":")[2] or source
