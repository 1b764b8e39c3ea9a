"""balanced: value x quality - cost - price of waiting x latency, all in USD."""

from __future__ import annotations

from collections.abc import Sequence

from codriver.model.decision import Candidate
from codriver.routing.strategies import Taste


def rank(candidates: Sequence[Candidate], taste: Taste) -> list[Candidate]:
    """Highest expected gain first; the score is that gain in USD."""
    scored = [c.scored(taste.value * c.quality - c.cost - taste.wait * c.latency) for c in candidates]
    scored.sort(key=lambda c: -c.score)
    return scored


def pays(taste: Taste) -> Taste:
    """All of it is money."""
    return taste
