"""Expected quality: an item-response model with fixed numbers.

q = sigmoid(skill - difficulty), both on one logit scale: a model of skill 0 answers a request of
difficulty 0 well half the time. Skills come from the catalog (public scores), difficulty from
the features below. The coefficients are first priors, set by hand and stated here; learning
replaces them, the shape stays.
"""

from __future__ import annotations

import math
from dataclasses import replace

from codriver.model.features import NOTHING, Features
from codriver.model.provider import Model

# How hard an ordinary request of each family is, before its code is looked at.
BASE: dict[str, float] = {
    "complete": -1.0,
    "generate": -0.6,
    "edit": -1.6,
    "refactor": -1.8,
    "debug": -0.3,
    "explain": -1.6,
    "review": -0.6,
    "test": -0.8,
    "document": -2.2,
    "plan": 0.2,
    "summarise": -1.8,
    "title": -3.0,
    "classify": -3.0,
    "commit": -2.5,
    "write": -1.2,
}

COGNITIVE_WEIGHT = 2.4
"""Added when cognitive complexity reaches 25 (SonarSource's "refactor this" is 15); grows as a logarithm."""

LINES_WEIGHT = 0.3
ORDINARY_LINES = 12
"""A function of this length is neither easier nor harder for its size."""

NESTING_WEIGHT = 0.15
TOKENS_WEIGHT = 0.12
ERRORS_WEIGHT = 0.1


def difficulty(features: Features, task: str, tokens: int) -> float:
    """How hard a task on this code is, in logits. Grows with complexity, size, nesting and broken code."""
    total = BASE.get(task, -1.0)
    if features.lines:
        total += COGNITIVE_WEIGHT * math.log1p(features.cognitive) / math.log1p(25)
        total += LINES_WEIGHT * math.log2((1 + features.lines) / ORDINARY_LINES)
        total += NESTING_WEIGHT * max(0, features.nesting - 2)
        total += ERRORS_WEIGHT * min(5, features.errors)
    if tokens > 2000:
        total += TOKENS_WEIGHT * math.log2(tokens / 2000)
    return total


def judged(features: Features, task: str, tokens: int) -> Features:
    """The facts about some code together with what is wanted of it: task, tokens, difficulty."""
    hard = difficulty(features, task, tokens)
    if features is NOTHING:
        return Features(task=task, tokens=tokens, difficulty=hard)
    return replace(features, task=task, tokens=tokens, difficulty=hard)


def quality(model: Model, task: str, hardness: float) -> float:
    """The chance, 0..1, that this model's answer is good enough."""
    skill = model.skill.get(task)
    if skill is None:
        skill = model.skill.get("", 0.0)
    return 1.0 / (1.0 + math.exp(hardness - skill))
