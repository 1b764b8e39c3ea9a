"""Expected quality: an item-response model.

q = sigmoid(skill - difficulty), both on one logit scale: a model of skill 0 answers a request of
difficulty 0 well half the time. Skills come from the catalog (public scores), difficulty from
the features below: what is seen in the code by the stated coefficients, what the wish's words add by
weights learnt from outcomes (`wording`), kept small.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import replace

from codriver.model.features import NOTHING, Features
from codriver.model.provider import Model
from codriver.routing import wording
from codriver.routing.tongue import tongue

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

FIM_BY_CHAT = 1.0
"""Logits lost when a chat model fills a hole through a prompt instead of a native call."""

WORDING_WEIGHT = 0.3
"""Logits that one deviation in the difficulty of a long wish's words adds; how well they tell: server/TRAINING.md."""

WORDING_BOUND = 1.5
"""Deviations that count at most: the same wish in other words must not become another request."""

LEARNT = frozenset({"en"})
"""Languages of wishes that the weights were learnt from; words of others say nothing to them."""

WORDS_HALF = 60
"""Words of which a wish must have so many for half that weight: few words say little beyond their task family."""


def worded(wish: str) -> float:
    """What the words of a wish add to its difficulty, in logits; 0 for an ordinary one, never beyond 0.45."""
    if not wish:
        return 0.0
    hard, _, words = wording.told(wish[: wording.LONGEST])
    return WORDING_WEIGHT * max(-WORDING_BOUND, min(WORDING_BOUND, hard)) * words / (words + WORDS_HALF)


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


def judged(features: Features, task: str, tokens: int, wish: str = "") -> Features:
    """The facts about some code together with what is wanted of it: task, tokens, difficulty.

    wish: the human's words, without what harnesses put in; what they add is told apart, as `wording`.
    """
    spoken = tongue(wish) if wish else ""
    words = worded(wish) if spoken in LEARNT else 0.0
    hard = difficulty(features, task, tokens) + words
    if features is NOTHING:
        return Features(task=task, tokens=tokens, difficulty=hard, wording=words, tongue=spoken)
    return replace(features, task=task, tokens=tokens, difficulty=hard, wording=words, tongue=spoken)


def skill(model: Model, task: str, tongue: str = "") -> float:
    """What a model can do at a task, in logits.

    tongue: of the wish; a skill named "in zh" is what a model is better (or worse) at when spoken to in Chinese.
    """
    found = model.skill.get(task)
    if found is None:
        found = model.skill.get("", 0.0)
    return found + model.skill.get("in " + tongue, 0.0) if tongue else found


def quality(hardness: float, learned: float, lost: float, skill: float) -> float:
    """The chance, 0..1, that a model's answer is good enough.

    learned: logits that outcomes taught of it. lost: logits that the way it is asked costs.
    """
    return 1.0 / (1.0 + math.exp(hardness - learned + lost - skill))


def qualities(hardness: float, learned: Sequence[float], lost: Sequence[float], skills: Sequence[float]) -> list[float]:
    """`quality` of many."""
    exp, columns = math.exp, zip(learned, lost, skills, strict=True)
    return [1.0 / (1.0 + exp(hardness - taught + less - able)) for taught, less, able in columns]
