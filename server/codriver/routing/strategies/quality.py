"""quality: the highest expected quality; near ties (one point in a hundred) go to the cheaper."""

from __future__ import annotations

from collections.abc import Sequence

from codriver.model.decision import Candidate
from codriver.routing.strategies import Taste


def scores(qualities: Sequence[float], costs: Sequence[float], seconds: Sequence[float], taste: Taste) -> list[float]:
    """The quality."""
    return list(qualities)


def order(candidates: Sequence[Candidate], taste: Taste) -> list[Candidate]:
    """Best quality first."""
    return sorted(candidates, key=lambda c: (-round(c.quality, 2), c.cost))
