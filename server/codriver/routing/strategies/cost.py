"""cost: the cheapest whose quality is within the floor of the best; the others follow as fallback."""

from __future__ import annotations

from collections.abc import Sequence

from codriver.model.decision import Candidate
from codriver.routing.strategies import Taste


def scores(qualities: Sequence[float], costs: Sequence[float], seconds: Sequence[float], taste: Taste) -> list[float]:
    """Minus the cost in USD."""
    return [-cost for cost in costs]


def order(candidates: Sequence[Candidate], taste: Taste) -> list[Candidate]:
    """Cheapest good ones first."""
    enough = max((c.quality for c in candidates), default=0.0) - taste.floor
    return sorted(candidates, key=lambda c: (0, c.cost, -c.quality) if c.quality >= enough else (1, -c.quality, 0))


def pays(taste: Taste) -> Taste:
    """Money alone, among those that are good enough."""
    return Taste(0.0, 0.0, taste.floor)
