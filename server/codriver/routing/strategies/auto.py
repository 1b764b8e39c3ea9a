"""auto: balanced, with a taste that depends on the purpose (routing/decide.py sets it), and a conscience.

A model that would probably fail is no bargain beside one that would probably not: whoever has less
than ENOUGH of the best expected quality comes after the others. And what nobody can tell apart is not
bought: of those that are ALIKE the best one the cheapest comes first, however the wish is worded.
"""

from __future__ import annotations

from collections.abc import Sequence

from codriver.model.decision import Candidate
from codriver.routing.strategies import Taste, balanced
from codriver.routing.strategies.balanced import pays, scores

__all__ = ["order", "pays", "scores"]

ENOUGH = 0.6

ALIKE = 0.003
"""Shares of what a good answer is worth by which gains may differ: expected quality is known far less well."""


def order(candidates: Sequence[Candidate], taste: Taste) -> list[Candidate]:
    """Highest expected gain first, among those that are good enough; the cheapest of those alike before them."""
    ordered = _cheaper(balanced.order(candidates, taste), ALIKE * taste.value)
    qualities = [candidate.quality for candidate in ordered]
    if not qualities or min(qualities) >= (enough := ENOUGH * max(qualities)):
        return ordered
    good = [candidate for candidate in ordered if candidate.quality >= enough]
    return good + [candidate for candidate in ordered if candidate.quality < enough]


def _cheaper(ordered: list[Candidate], alike: float) -> list[Candidate]:
    """The cheapest of those whose gain is the best one's, within `alike` USD, in front."""
    least = ordered[0].score - alike if ordered else 0.0
    first = 0
    for place, candidate in enumerate(ordered):
        if candidate.score < least:
            break
        if candidate.cost < ordered[first].cost:
            first = place
    return [ordered[first], *ordered[:first], *ordered[first + 1 :]] if first else ordered
