"""The shipped numbers as they are: abilities by a model's name, difficulty by the words; nothing is learnt."""

from __future__ import annotations

import numpy as np

from codriver.catalog.abilities import forms, shipped
from codriver.evaluation.abilities import known
from codriver.evaluation.matrix import Floats, Matrix, Query, Rows
from codriver.routing import wording
from codriver.routing.quality import BASE

FAMILY = {
    "agent-fix": "debug", "agent-test": "test", "agent-feature": "generate", "agent-frontend": "generate",
    "agent-build": "generate", "agent-terminal": "debug", "repair": "debug", "predict-test-output": "test",
}  # fmt: skip
"""Task families of the matrices' own words; other words are families themselves."""

HARD, GAP = 0.6, 0.3
"""Logits that a deviation in difficulty, and in the gap between a strong and a weak model, is worth."""
AGENT = 1.6
"""Logits that an agent's whole task is harder than one answer of its family."""
ORDINARY = 1.0
"""Skill of a model that is neither strong nor weak."""
UNKNOWN = 0.8
"""Skill of a model whose name says nothing."""


class Frozen:
    """The predictor of `codriver eval --frozen`."""

    name = "codriver (shipped weights)"

    def __init__(self) -> None:
        # A daemon looks models up when it starts, and not for each request.
        self._skills: dict[tuple[tuple[str, ...], str, bytes], Floats] = {}

    def fit(self, matrix: Matrix, rows: Rows) -> None:
        """Nothing: what is shipped was learnt before."""

    def predict(self, matrix: Matrix, rows: Rows) -> Floats:
        """Expected scores, rows x models, from names, tasks and texts alone."""
        hard, gap = self._traits(matrix, rows)
        skill = self._skill(matrix)
        base = np.array([_base(query.task) for query in self._asked(matrix, rows)])
        logits = skill[None, :] - (base + HARD * hard)[:, None] + GAP * gap[:, None] * (skill - ORDINARY)[None, :]
        return sigmoid(logits)

    def hardness(self, matrix: Matrix, rows: Rows) -> Floats:
        """The difficulty that the words have."""
        return self._traits(matrix, rows)[0]

    def _traits(self, matrix: Matrix, rows: Rows) -> tuple[Floats, Floats]:
        weights = wording.weights()
        found = [wording.traits(wording.read(query.text), weights) for query in self._asked(matrix, rows)]
        told = np.array(found).reshape(-1, 2)
        return told[:, 0], told[:, 1]

    def _skill(self, matrix: Matrix) -> Floats:
        key = matrix.models, matrix.queries[0].task if matrix.queries else "", matrix.price.tobytes()
        if key not in self._skills:
            self._skills[key] = skills(matrix)
        return self._skills[key]

    def _asked(self, matrix: Matrix, rows: Rows) -> list[Query]:
        return [matrix.queries[row] for row in rows]


def _base(task: str) -> float:
    return BASE.get(FAMILY.get(task, task), -0.6) + (AGENT if task.startswith("agent-") else 0.0)


def skills(matrix: Matrix) -> Floats:
    """Each model's skill by its name, as the catalog has it: measured, else guessed by what it succeeds, its family,
    size and price of the price tables (the matrix's own where they have none), else ordinary."""
    shipped_abilities, sold = shipped(), known()
    tasks = [FAMILY.get(query.task, query.task) for query in matrix.queries[:1]]
    found = []
    for place, model in enumerate(matrix.models):
        told = shipped_abilities.measured(model)
        own = float(matrix.price[place]) if matrix.price.size else 0.0
        price, window = sold.get(forms(model)[-1], (own, 0))
        guess = shipped_abilities.guessed(forms(model)[-1], price, window)
        found.append(told.get(tasks[0] if tasks else "", told[""]) if told else guess if guess is not None else UNKNOWN)
    return np.array(found)


def sigmoid(logits: Floats) -> Floats:
    """1 / (1 + exp(-x)), without overflow."""
    return np.asarray(0.5 * (1.0 + np.tanh(0.5 * logits)))
