"""balanced: value x quality - cost - price of waiting x latency, all in USD."""

from __future__ import annotations

from collections.abc import Sequence
from operator import attrgetter

from codriver.model.decision import Candidate
from codriver.routing.strategies import Taste

_gain = attrgetter("score")


def scores(qualities: Sequence[float], costs: Sequence[float], seconds: Sequence[float], taste: Taste) -> list[float]:
    """The expected gain in USD."""
    value, wait = taste.value, taste.wait
    return [
        value * quality - cost - wait * latency
        for quality, cost, latency in zip(qualities, costs, seconds, strict=True)
    ]


def order(candidates: Sequence[Candidate], taste: Taste) -> list[Candidate]:
    """Highest expected gain first."""
    return sorted(candidates, key=_gain, reverse=True)


def pays(taste: Taste) -> Taste:
    """All of it is money."""
    return taste
