"""What was saved: the same requests at each single model's price, and what changing models within sessions cost.

A single model would have had the session's prompt warm wherever any model had it, and at each change too.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace

from codriver.model.events import Usage
from codriver.model.provider import Model

WARM = 300.0
"""Seconds a prompt counts as warm for somebody else's model: the shortest life that providers promise."""

SESSIONS = 2000
"""Sessions whose last request is remembered; who asked nothing for longest goes first."""


@dataclass(frozen=True, slots=True)
class Billed:
    """One answered request. expected: the quality expected of each candidate."""

    at: float
    session: str
    model: str
    usage: Usage
    cost: float
    expected: Mapping[str, float] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Alone:
    """One model for all. cost: USD at its prices; requests: those it could have answered; quality: mean of what was
    expected of it there, and of the models that were asked."""

    model: str
    cost: float
    requests: int
    was: float
    quality: float
    quality_was: float


@dataclass(frozen=True, slots=True)
class Session:
    """switches: changes of the model; switching: USD paid because a new model's cache was cold."""

    id: str
    requests: int
    cost: float
    models: tuple[str, ...]
    switches: int
    switching: float


class Singles:
    """The sums behind `Alone`, request by request. Each model that was a candidate somewhere has its own."""

    __slots__ = ("_sums",)

    def __init__(self) -> None:
        self._sums: dict[str, list[float]] = {}

    def add(self, one: Billed, usage: Usage, models: Mapping[str, Model]) -> None:
        """Takes a request; usage: what would have been counted had its session's model never changed."""
        was = one.expected.get(one.model)
        for key, quality in one.expected.items():
            model = models.get(key)
            if model is None:
                continue
            entry = self._sums.setdefault(key, [0.0] * 5)
            entry[0] += model.price_at(one.at).cost(usage)
            entry[1] += 1.0
            entry[2] += one.cost
            entry[3] += quality
            entry[4] += quality if was is None else was

    def include(self, other: Singles) -> None:
        """Adds another's sums."""
        for key, amounts in other._sums.items():
            held = self._sums.get(key)
            self._sums[key] = list(amounts) if held is None else [a + b for a, b in zip(held, amounts, strict=True)]

    def rows(self) -> list[Alone]:
        """One for each model, who could have answered most first, then the cheapest."""
        made = [Alone(key, cost, int(n), was, q / n, own / n) for key, (cost, n, was, q, own) in self._sums.items()]
        return sorted(made, key=lambda one: (-one.requests, one.cost))


def alone(billed: Iterable[Billed], models: Mapping[str, Model]) -> list[Alone]:
    """Each model that was a candidate somewhere, as `Singles.rows` has them. billed: in the order of time."""
    sums = Singles()
    for one, usage in _warmed(billed):
        sums.add(one, usage, models)
    return sums.rows()


def sessions(billed: Iterable[Billed], models: Mapping[str, Model]) -> list[Session]:
    """Each session's cost and what its changes cost, the dearest first. billed: in the order of time."""
    found: dict[str, Session] = {}
    before: dict[str, Billed] = {}
    for one, usage in _warmed(billed):
        if not one.session:
            continue
        held = found.get(one.session, Session(one.session, 0, 0.0, (), 0, 0.0))
        last = before.get(one.session)
        switched = last is not None and last.model != one.model
        model = models.get(one.model)
        lost = 0.0
        if switched and model is not None:
            price = model.price_at(one.at)
            lost = max(0.0, price.cost(one.usage) - price.cost(usage))
        found[one.session] = replace(
            held,
            requests=held.requests + 1,
            cost=held.cost + one.cost,
            models=held.models if one.model in held.models else (*held.models, one.model),
            switches=held.switches + switched,
            switching=held.switching + lost,
        )
        before[one.session] = one
    return sorted(found.values(), key=lambda session: -session.cost)


class Warmth:
    """What sessions had warm, as their requests come in the order of time. Bounded."""

    __slots__ = ("_before",)

    def __init__(self) -> None:
        self._before: dict[str, Billed] = {}

    def usage(self, one: Billed) -> Usage:
        """What would have been counted for this request had its session's model never changed."""
        if not one.session:
            return one.usage
        last = self._before.pop(one.session, None)
        self._before[one.session] = one
        if len(self._before) > SESSIONS:
            del self._before[next(iter(self._before))]
        if last is None or last.model == one.model or one.at - last.at > WARM:
            return one.usage
        warm = min(last.usage.prompt + last.usage.output, one.usage.prompt)
        return _at_least(one.usage, warm)


def _warmed(billed: Iterable[Billed]) -> Iterable[tuple[Billed, Usage]]:
    """Each request with what would have been counted had the session's model never changed."""
    warmth = Warmth()
    for one in billed:
        yield one, warmth.usage(one)


def _at_least(usage: Usage, warm: int) -> Usage:
    """With so many tokens of the prompt read from the cache, at least."""
    more = max(0, warm - usage.cached)
    fresh = min(more, usage.input)
    written = min(more - fresh, usage.written)
    hour = min(usage.written_1h, usage.written - written)
    return replace(
        usage,
        input=usage.input - fresh,
        written=usage.written - written,
        cached=usage.cached + fresh + written,
        written_1h=hour,
    )
