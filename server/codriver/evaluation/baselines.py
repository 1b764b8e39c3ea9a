"""Predictors that anybody can write in an hour: what ours must beat, trained and measured in the same run."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from codriver.evaluation.matrix import Floats, Matrix, Rows
from codriver.evaluation.terms import Terms, count, weigh

PRIMAL_TERMS, DUAL_TERMS = 2000, 8000
PENALTY = 4.0
NEIGHBOURS = 25
DOUBT = 5.0
"""Neighbours that a model's mean counts as much as."""


def means(matrix: Matrix, rows: Rows) -> Floats:
    """Each model's mean score over the rows where it is known; the mean of all models where none is."""
    scores = matrix.score[rows]
    known = np.isfinite(scores)
    total = np.where(known, scores, 0.0).sum(axis=0)
    overall = total.sum() / max(1, known.sum())
    return np.asarray(np.where(known.any(axis=0), total / np.maximum(1, known.sum(axis=0)), overall))


class _Textual:
    """Keeps the counted terms of the last queries seen: folds differ only in what they weigh."""

    def __init__(self) -> None:
        self._terms: Terms | None = None

    def _counted(self, matrix: Matrix) -> Terms:
        if self._terms is None or self._terms.queries is not matrix.queries:
            self._terms = count(matrix.queries)
        return self._terms


class Ridge(_Textual):
    """Linear regression of each model's score on TF-IDF, with a penalty: the floor of the table."""

    name = "TF-IDF ridge"

    def fit(self, matrix: Matrix, rows: Rows) -> None:
        dual = rows.size <= PRIMAL_TERMS
        self._weights = weigh(self._counted(matrix), rows, DUAL_TERMS if dual else PRIMAL_TERMS)
        self._means = means(matrix, rows)
        scores = matrix.score[rows]
        wanted = np.where(np.isfinite(scores), scores - self._means, 0.0).astype(np.float32)
        centre = self._weights[rows].mean(axis=0)
        self._weights = self._weights - centre
        self._slopes = _solve(self._weights[rows], wanted, dual)

    def predict(self, matrix: Matrix, rows: Rows) -> Floats:
        return np.clip(self._means + (self._weights[rows] @ self._slopes).astype(np.float64), 0.0, 1.0)

    def hardness(self, matrix: Matrix, rows: Rows) -> Floats:
        return np.asarray(-(self._weights[rows] @ self._slopes).astype(np.float64).mean(axis=1))


def _solve(weights: NDArray[np.float32], wanted: NDArray[np.float32], dual: bool) -> NDArray[np.float32]:
    if dual:
        kernel = weights @ weights.T
        kernel[np.diag_indices_from(kernel)] += PENALTY
        return weights.T @ np.linalg.solve(kernel, wanted)
    gram = weights.T @ weights
    gram[np.diag_indices_from(gram)] += PENALTY
    return np.linalg.solve(gram, weights.T @ wanted)


class Nearest(_Textual):
    """The mean outcome of the 25 training queries whose texts are most alike, drawn a little to each model's mean."""

    name = "nearest neighbours"

    def fit(self, matrix: Matrix, rows: Rows) -> None:
        self._weights = weigh(self._counted(matrix), rows, DUAL_TERMS if rows.size <= PRIMAL_TERMS else PRIMAL_TERMS)
        self._rows, self._means = rows, means(matrix, rows)
        self._scores = matrix.score[rows]

    def predict(self, matrix: Matrix, rows: Rows) -> Floats:
        predicted = np.empty((rows.size, len(matrix.models)))
        known = np.isfinite(self._scores)
        filled = np.where(known, self._scores, 0.0)
        trained = self._weights[self._rows].T
        for start in range(0, rows.size, 500):
            alike = self._weights[rows[start : start + 500]] @ trained
            nearest = np.argsort(-alike, axis=1, kind="stable")[:, :NEIGHBOURS]
            told = known[nearest].sum(axis=1)
            predicted[start : start + 500] = (filled[nearest].sum(axis=1) + DOUBT * self._means) / (told + DOUBT)
        return predicted

    def hardness(self, matrix: Matrix, rows: Rows) -> Floats:
        return np.asarray(1.0 - self.predict(matrix, rows).mean(axis=1))


class Blind:
    """Each model's mean, whatever is asked: no routing at all."""

    name = "blind"

    def fit(self, matrix: Matrix, rows: Rows) -> None:
        self._means = means(matrix, rows)

    def predict(self, matrix: Matrix, rows: Rows) -> Floats:
        return np.tile(self._means, (rows.size, 1))

    def hardness(self, matrix: Matrix, rows: Rows) -> Floats:
        return np.zeros(rows.size)
