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


def alone(billed: Iterable[Billed], models: Mapping[str, Model]) -> list[Alone]:
    """Each model that was a candidate somewhere, the cheapest share first. billed: in the order of time."""
    sums: dict[str, list[float]] = {}
    for one, usage in _warmed(billed):
        for key, quality in one.expected.items():
            model = models.get(key)
            if model is None:
                continue
            entry = sums.setdefault(key, [0.0] * 5)
            would = model.price_at(one.at).cost(usage)
            own = one.expected.get(one.model, quality)
            for place, amount in enumerate((would, 1.0, one.cost, quality, own)):
                entry[place] += amount
    made = [Alone(key, cost, int(n), was, q / n, own / n) for key, (cost, n, was, q, own) in sums.items()]
    return sorted(made, key=lambda one: (-one.requests, one.cost))


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


def _warmed(billed: Iterable[Billed]) -> Iterable[tuple[Billed, Usage]]:
    """Each request with what would have been counted had the session's model never changed."""
    before: dict[str, Billed] = {}
    for one in billed:
        last = before.get(one.session) if one.session else None
        usage = one.usage
        if last is not None and last.model != one.model and one.at - last.at <= WARM:
            warm = min(last.usage.prompt + last.usage.output, usage.prompt)
            usage = _at_least(usage, warm)
        if one.session:
            before[one.session] = one
        yield one, usage


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
