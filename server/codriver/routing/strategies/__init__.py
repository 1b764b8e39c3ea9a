"""How candidates are ranked: one module each, found by name.

A strategy is something (behind an entry point of the group "codriver.strategies") with
`rank(candidates, taste) -> list[Candidate]`: best first, each with its score and, where it says
something, a reason. It sees expected quality, cost and latency, and nothing else. With `pays(taste) -> Taste`
it says that its order is a matter of money, and whose: then a warm session is left only for what pays
the toll (routing/staying.py). The modules here say the same in two halves, `scores` and `order`: so a
candidate is made with its score, and not made twice.
"""

from __future__ import annotations

import importlib
import pkgutil
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from functools import cache
from itertools import repeat
from typing import Protocol, cast

from codriver.model.decision import Candidate
from codriver.model.value import value


@value(frozen=True, slots=True)
class Taste:
    """What the asker would pay. value: USD a good answer is worth; wait: USD per second of waiting;
    floor: how far below the best quality a cheaper candidate may be."""

    value: float
    wait: float
    floor: float


class Strategy(Protocol):
    """What a strategy module has."""

    def rank(self, candidates: Sequence[Candidate], taste: Taste) -> list[Candidate]: ...


Scores = Callable[[Sequence[float], Sequence[float], Sequence[float], Taste], list[float]]
"""Of qualities, costs and seconds, a place for each candidate."""


@dataclass(frozen=True, slots=True)
class Shipped:
    """A module of this folder."""

    scores: Scores
    order: Callable[[Sequence[Candidate], Taste], list[Candidate]]
    pays: Callable[[Taste], Taste] | None

    def rank(self, candidates: Sequence[Candidate], taste: Taste) -> list[Candidate]:
        """Best first, each with its score."""
        qualities, costs, seconds = ([getattr(c, name) for c in candidates] for name in ("quality", "cost", "latency"))
        scores = self.scores(qualities, costs, seconds, taste)
        return self.order([c.scored(score) for c, score in zip(candidates, scores, strict=True)], taste)


class Broken:
    """A strategy of an installed package that cannot be used."""

    def __init__(self, why: str) -> None:
        self.why = why

    def rank(self, candidates: Sequence[Candidate], taste: Taste) -> list[Candidate]:
        raise LookupError(self.why)


class Expected(Protocol):
    """What is expected of each model, a place for each."""

    @property
    def qualities(self) -> Sequence[float]: ...
    @property
    def costs(self) -> Sequence[float]: ...
    @property
    def seconds(self) -> Sequence[float]: ...

    def candidates(self, scores: Iterable[float]) -> list[Candidate]:
        """They themselves, with these scores."""
        ...


@value(frozen=True, slots=True)
class Ranked:
    """An order, whose it is, and a sentence where that is not the one that was asked for."""

    candidates: list[Candidate]
    name: str
    strategy: Strategy
    note: str = ""


def ranked(name: str, expected: Expected, taste: Taste) -> Ranked:
    """The order of a strategy. Raises LookupError for a name that nobody has; one of an installed package that fails,
    or loses or invents candidates, breaks no request: auto's order holds, and that is told."""
    strategy = find(name)
    if isinstance(strategy, Shipped):
        scores = strategy.scores(expected.qualities, expected.costs, expected.seconds, taste)
        candidates = expected.candidates(scores)
        return Ranked(strategy.order(candidates, taste) if len(candidates) > 1 else candidates, name, strategy)
    candidates = expected.candidates(repeat(0.0))
    try:
        order = list(strategy.rank(list(candidates), taste))
        wrong = _odd(order, candidates)
    except Exception as error:  # somebody else's code: whatever it raises
        order, wrong = [], str(error) if isinstance(strategy, Broken) else f"{type(error).__name__}: {error}"
    if not wrong:
        return Ranked(order, name, strategy)
    usual = find("auto")
    return Ranked(usual.rank(candidates, taste), "auto", usual, f"the strategy {name} is broken ({wrong[:200]}): auto")


def _odd(order: Sequence[object], candidates: Sequence[Candidate]) -> str:
    """What is wrong with an order: each candidate is to be there once."""
    if not all(isinstance(one, Candidate) for one in order):
        return "it returned something else than candidates"
    keys = sorted(one.model for one in order if isinstance(one, Candidate))
    return "" if keys == sorted(one.model for one in candidates) else "it lost, doubled or invented candidates"


def pays(strategy: Strategy, taste: Taste) -> Taste | None:
    """What a strategy pays for, where its order is a matter of money: its own `pays(taste)`, if it has one."""
    found = getattr(strategy, "pays", None)
    return found(taste) if found is not None else None


def names() -> list[str]:
    """The strategies that ship, and those of installed packages."""
    from importlib.metadata import entry_points

    shipped = {module.name for module in pkgutil.iter_modules(__path__)}
    return sorted(shipped | {point.name for point in entry_points(group="codriver.strategies")})


@cache
def find(name: str) -> Strategy:
    """The strategy of this name. Raises LookupError, naming those that exist."""
    if name.isidentifier() and not name.startswith("_"):
        try:
            found = importlib.import_module(f"{__name__}.{name}")
            if hasattr(found, "rank"):
                return cast(Strategy, found)
            if hasattr(found, "order"):
                return Shipped(found.scores, found.order, getattr(found, "pays", None))
        except ModuleNotFoundError as missing:
            if missing.name != f"{__name__}.{name}":
                raise
    from importlib.metadata import entry_points

    for point in entry_points(group="codriver.strategies", name=name):
        try:
            loaded = point.load()
        except Exception as error:  # somebody else's code: whatever it raises
            return Broken(f"{point.value} cannot be loaded: {type(error).__name__}: {error}")
        return (
            cast(Strategy, loaded) if callable(getattr(loaded, "rank", None)) else Broken(f"{point.value} has no rank")
        )
    raise LookupError(f"no strategy is called {name!r}; there are {', '.join(names())}")
