"""fuse: several models answer, and one answer comes of it (router/fusing.py): the first ones by auto's order."""

from __future__ import annotations

from collections.abc import Sequence

from codriver.model.decision import Candidate
from codriver.routing.strategies import Taste, auto


def rank(candidates: Sequence[Candidate], taste: Taste) -> list[Candidate]:
    """Highest expected gain first; the score is that gain in USD."""
    return auto.rank(candidates, taste)
