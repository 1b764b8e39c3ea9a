"""auto: balanced, with a taste that depends on the purpose (routing/decide.py sets it), and a conscience.

A model that would probably fail is no bargain beside one that would probably not: whoever has less
than ENOUGH of the best expected quality comes after the others.
"""

from __future__ import annotations

from collections.abc import Sequence

from codriver.model.decision import Candidate
from codriver.routing.strategies import Taste, balanced
from codriver.routing.strategies.balanced import pays, scores

__all__ = ["order", "pays", "scores"]

ENOUGH = 0.6


def order(candidates: Sequence[Candidate], taste: Taste) -> list[Candidate]:
    """Highest expected gain first, among those that are good enough."""
    ordered = balanced.order(candidates, taste)
    qualities = [candidate.quality for candidate in ordered]
    if not qualities or min(qualities) >= (enough := ENOUGH * max(qualities)):
        return ordered
    good = [candidate for candidate in ordered if candidate.quality >= enough]
    return good + [candidate for candidate in ordered if candidate.quality < enough]
