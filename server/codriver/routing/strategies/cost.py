"""cost: the cheapest whose quality is within the floor of the best; the others follow as fallback."""

from __future__ import annotations

from collections.abc import Sequence

from codriver.model.decision import Candidate
from codriver.routing.strategies import Taste


def rank(candidates: Sequence[Candidate], taste: Taste) -> list[Candidate]:
    """Cheapest good ones first; the score is minus the cost in USD."""
    enough = max((c.quality for c in candidates), default=0.0) - taste.floor
    ordered = sorted(candidates, key=lambda c: (0, c.cost, -c.quality) if c.quality >= enough else (1, -c.quality, 0))
    return [c.scored(-c.cost) for c in ordered]


def pays(taste: Taste) -> Taste:
    """Money alone, among those that are good enough."""
    return Taste(0.0, 0.0, taste.floor)
