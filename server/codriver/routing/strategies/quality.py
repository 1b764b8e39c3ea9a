"""quality: the highest expected quality; near ties (one point in a hundred) go to the cheaper."""

from __future__ import annotations

from collections.abc import Sequence

from codriver.model.decision import Candidate
from codriver.routing.strategies import Taste


def rank(candidates: Sequence[Candidate], taste: Taste) -> list[Candidate]:
    """Best quality first; the score is the quality."""
    return [c.scored(c.quality) for c in sorted(candidates, key=lambda c: (-round(c.quality, 2), c.cost))]
