"""What is put to the test: something that says, before any answer is seen, how well each model would do."""

from __future__ import annotations

from typing import Protocol

from codriver.evaluation.matrix import Floats, Matrix, Rows


class Predictor(Protocol):
    """Learns from some rows of a matrix, and predicts others from their queries alone.

    A column of nan in the rows that `fit` sees is a model nothing is known of but its name: it is predicted from
    priors. `predict` and `hardness` must not look at outcomes; they get the whole matrix only for its queries.
    A predictor may be fitted again, and forgets what it learnt before.
    """

    @property
    def name(self) -> str:
        """As it stands in the table."""

    def fit(self, matrix: Matrix, rows: Rows) -> None:
        """Learns from the outcomes of these rows."""

    def predict(self, matrix: Matrix, rows: Rows) -> Floats:
        """Expected scores, 0..1, rows x models of the matrix; no nan."""

    def hardness(self, matrix: Matrix, rows: Rows) -> Floats:
        """How hard each of the rows is for all models, on any scale that grows with difficulty."""
