"""How long a prediction from a text alone takes, its text read afresh each time."""

from __future__ import annotations

import time
from collections.abc import Sequence

import numpy as np

from codriver.evaluation.matrix import Floats, Matrix, Query
from codriver.evaluation.measures import Measure
from codriver.evaluation.predictor import Predictor
from codriver.evaluation.resampling import Estimate
from codriver.evaluation.study import Page

MOST = 300
LONG = 400_000
ROUNDS = 5


def clocked(predictor: Predictor, matrices: Sequence[Matrix]) -> Page | None:
    """Milliseconds for a text as the matrices have them (at most 300, evenly taken), and for one of 400 KB; the
    middle, and between which 95% lie. predictor: shipped weights, ready without training. None without any text."""
    texts = list({query.text: None for matrix in matrices for query in matrix.queries if query.text})
    if not texts:
        return None
    chosen = [texts[place] for place in np.linspace(0, len(texts) - 1, min(MOST, len(texts))).astype(int)]
    long = (" ".join(chosen) + " ") * (1 + LONG // max(1, sum(map(len, chosen))))
    models = matrices[0].models
    _times(predictor, models, chosen[:ROUNDS])
    usual = _times(predictor, models, chosen)
    large = _times(predictor, models, [f"{number} {long}"[:LONG] for number in range(ROUNDS)])
    measures = (
        Measure("all texts", "milliseconds", "milliseconds a decision from the text", _middle(usual), rises=False),
        Measure("all texts", "milliseconds_400k", "the same for 400 KB", _middle(large), rises=False),
    )
    return Page("all texts", len(texts), len(models), ("", ""), measures)


def _times(predictor: Predictor, models: tuple[str, ...], texts: Sequence[str]) -> Floats:
    taken = np.empty(len(texts))
    unknown = np.full((1, len(models)), np.nan)
    for number, text in enumerate(texts):
        query = (Query(f"text {number}", f"text {number}", text=text),)
        one = Matrix("", query, models, unknown, unknown, unknown, unknown, unknown, unknown)
        start = time.perf_counter()
        predictor.predict(one, np.array([0]))
        taken[number] = 1000 * (time.perf_counter() - start)
    return taken


def _middle(taken: Floats) -> Estimate:
    middle, low, high = np.quantile(taken, (0.5, 0.025, 0.975))
    return Estimate(float(middle), float(low), float(high))
