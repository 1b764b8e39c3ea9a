"""auto: balanced, with a taste that depends on the purpose (routing/decide.py sets it), and a conscience.

A model that would probably fail is no bargain beside one that would probably not: whoever has less
than ENOUGH of the best expected quality comes after the others.
"""

from __future__ import annotations

from collections.abc import Sequence

from codriver.model.decision import Candidate
from codriver.routing.strategies import Taste, balanced

ENOUGH = 0.6


def rank(candidates: Sequence[Candidate], taste: Taste) -> list[Candidate]:
    """Highest expected gain first, among those that are good enough; the score is that gain in USD."""
    if len(candidates) == 1:
        return balanced.rank(candidates, taste)
    best = max((c.quality for c in candidates), default=0.0)
    return sorted(balanced.rank(candidates, taste), key=lambda c: c.quality < ENOUGH * best)


def pays(taste: Taste) -> Taste:
    """All of it is money."""
    return taste
