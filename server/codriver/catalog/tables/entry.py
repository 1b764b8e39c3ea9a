"""One model as one table has it: the form in which tables are compared."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field

from codriver.catalog.facts import Rates, Spell


class BadTable(ValueError):
    """A table that cannot be read: of another form, cut off, or not a table at all."""


@dataclass(frozen=True, slots=True)
class Entry:
    """id: the name in the provider's requests. fits: whether another name means this model too.

    kind: "chat", "completion", "embedding"; "" where the table does not say.
    window: tokens of context as the table counts them. able: abilities it speaks of. wires: ours, of the only
    endpoints that serve it.
    """

    id: str
    spells: tuple[Spell, ...] = ()
    batch: Rates | None = None
    kind: str = ""
    window: int | None = None
    max_input: int | None = None
    max_output: int | None = None
    able: dict[str, bool] = field(default_factory=dict)
    wires: tuple[str, ...] = ()
    retires: str = ""
    source: str = ""
    fits: Callable[[str], bool] = lambda name: False


def known(price: Rates) -> bool:
    """Whether anything is stated: tables write nothing, or zeros, for models whose price they do not know."""
    return bool(price.input or price.output)
