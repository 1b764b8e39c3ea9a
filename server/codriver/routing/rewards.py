"""What each kind of feedback is worth: a reward from 0 to 1, and a weight that says how far it is trusted.

Of one outcome each source speaks once: its last word replaces the one before.
"""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType

from codriver.model.value import value


@value(frozen=True, slots=True)
class Reward:
    """One judgement. source: who judges."""

    source: str
    reward: float
    weight: float


# Strongest first. A run of the tests says most; but a failing one may have been broken before, or be the point of the
# exercise, so it is trusted less than a passing one. What is still there after minutes was really wanted.
WORDS: Mapping[str, Reward] = MappingProxyType(
    {
        "tests-passed": Reward("tests", 1.0, 1.0),
        "tests-failed": Reward("tests", 0.0, 0.8),
        "build-passed": Reward("tests", 0.9, 0.6),
        "build-failed": Reward("tests", 0.0, 0.8),
        "kept": Reward("editor", 1.0, 0.8),
        "removed": Reward("editor", 0.0, 0.6),
        "changed": Reward("editor", 0.6, 0.4),
        "accepted": Reward("editor", 1.0, 0.6),
        "partly-accepted": Reward("editor", 0.7, 0.5),
        "rejected": Reward("editor", 0.0, 0.5),
        "typed-over": Reward("editor", 0.2, 0.2),
        "success": Reward("person", 1.0, 1.0),
        "failure": Reward("person", 0.0, 1.0),
        "up": Reward("person", 1.0, 0.8),
        "down": Reward("person", 0.0, 0.8),
        "verified-good": Reward("verifier", 0.9, 0.3),
        "verified-bad": Reward("verifier", 0.0, 0.6),
        "escalated": Reward("session", 0.1, 0.4),
        "repeated": Reward("session", 0.2, 0.25),
        "failing-calls": Reward("session", 0.1, 0.3),
    }
)


def of(word: str, score: float | None = None) -> Reward | None:
    """What a word of feedback says, with the number given beside it (-1 bad to 1 good); None for words without a say.

    A number between the words' own ("up" at 0.2) is trusted as far as it is decided.
    """
    found = WORDS.get(word)
    if found is None or score is None or found.source != "person":
        return found
    return Reward(found.source, (1.0 + score) / 2.0, found.weight * abs(score))
