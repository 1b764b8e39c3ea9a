"""Models side by side: what of each does not depend on a request's numbers, found once, a column for each fact.

A decision among forty then walks a few lists instead of forty offers with all that hangs on them: next to no calls and
objects, and little to fetch where other work has emptied the processor's caches.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from codriver.model.provider import Model
from codriver.routing.quality import FIM_BY_CHAT, skill

if TYPE_CHECKING:
    from codriver.routing.eligibility import Able

_SKILLS = 100
"""Pairs of task and tongue whose skills are kept, at most: callers may name tasks of their own."""


class Lineup:
    """Who can answer requests of one shape, in the catalog's order. Immutable but for the skills it has looked up."""

    __slots__ = (
        "_models", "_skills", "by_chat", "by_key", "first", "fresh", "keys", "native", "odd", "offers", "output",
        "place", "speed", "wires", "written",
    )  # fmt: skip

    def __init__(self, able: Sequence[Able]) -> None:
        self.offers = [offer for offer, _, _ in able]
        self.keys = [key for _, key, _ in able]
        self.wires = [wire for _, _, wire in able]
        self.by_key = dict(zip(self.keys, self.offers, strict=True))
        self.place = {key: place for place, key in enumerate(self.keys)}
        self._models = models = [offer.model for offer in self.offers]
        self.first = [model.first_token for model in models]
        self.speed = [model.speed for model in models]
        prices = [model.price for model in models]
        self.fresh = [price.input for price in prices]
        self.written = [max(price.written, price.input) for price in prices]
        self.output = [price.output for price in prices]
        self.odd = [place for place, model in enumerate(models) if _odd(model)]
        """Places of models whose price is more than these three numbers."""
        self.native = [0.0] * len(models)
        self.by_chat = [0.0 if model.fim else FIM_BY_CHAT for model in models]
        """Logits that a hole is harder, and that anything else is."""
        self._skills: dict[tuple[str, str], list[float]] = {}

    def __len__(self) -> int:
        return len(self.keys)

    def __getitem__(self, place: int) -> Able:
        return self.offers[place], self.keys[place], self.wires[place]

    def skills(self, task: str, tongue: str) -> list[float]:
        """Each one's skill at a task, asked in a language."""
        found = self._skills.get((task, tongue))
        if found is None:
            found = [skill(model, task, tongue) for model in self._models]
            if len(self._skills) < _SKILLS:
                self._skills[task, tongue] = found
        return found


def _odd(model: Model) -> bool:
    return model.tariff is not None or bool(model.price.longer or model.price.long_from)
