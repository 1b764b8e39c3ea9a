"""speed: the lowest expected time to a useful answer within the floor; the others follow as fallback."""

from __future__ import annotations

from collections.abc import Sequence

from codriver.model.decision import Candidate
from codriver.routing.strategies import Taste


def scores(qualities: Sequence[float], costs: Sequence[float], seconds: Sequence[float], taste: Taste) -> list[float]:
    """Minus the seconds."""
    return [-latency for latency in seconds]


def order(candidates: Sequence[Candidate], taste: Taste) -> list[Candidate]:
    """Fastest good ones first."""
    enough = max((c.quality for c in candidates), default=0.0) - taste.floor
    return sorted(candidates, key=lambda c: (0, c.latency, c.cost) if c.quality >= enough else (1, -c.quality, 0))
