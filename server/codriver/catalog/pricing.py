"""What a model costs: from what a person wrote of it, else from the price tables, else assumed by its tier."""

from __future__ import annotations

from collections.abc import Container, Mapping, Sequence
from dataclasses import replace
from typing import Any

from codriver.catalog.facts import Facts, Known, Rates, midnight, spans
from codriver.catalog.facts import Spell as Stated
from codriver.model.provider import Price, Spell, Tariff

PRICE_OF_TIER = {
    "small": Price(0.3, 0.03, 0.3, 1.5),
    "medium": Price(2, 0.2, 2, 10),
    "large": Price(5, 0.5, 5, 25),
}
"""Assumed for a remote model without a price, so that what nobody stated never looks free."""

_PLAIN = ("window", "max_input", "max_output", "tools", "images", "schema", "reasoning")


def beneath(known: Known | None, id: str, table: Mapping[str, Any], spoken: Container[str] = ()) -> dict[str, Any]:
    """What goes beneath a model's written table: the same keys, as far as the price tables say anything.

    A written price stands alone: neither hours nor batches of another one go with it. spoken: the provider's
    wires; others that the tables name are those of another place where the model is served.
    """
    found = known.find(table.get("upstream_id", id), id) if known is not None else None
    if found is None or known is None:
        return {}
    stated = {name: value for name in _PLAIN if (value := getattr(found, name)) is not None}
    if found.embeds:
        stated |= {"embeds": True, "tools": False}
    if not found.chat:
        stated["chat"] = False
    if wires := tuple(wire for wire in found.wires if wire in spoken):
        stated["wires"] = wires
    if found.retires:
        stated["retires"] = found.retires
    if table.get("price") is None and (found.price or found.tariff):
        stated["stated"] = found
        stated["read"] = f"{found.source or ', '.join(known.tables)} ({known.date})"
    return stated


def priced(table: Mapping[str, Any], tier: str, *, free: bool, now: float) -> dict[str, Any]:
    """A Model's price, tariff, batch and source. free: nothing is paid here unless a price is stated."""
    written, found = table.get("price"), table.get("stated")
    if written is not None:
        batch = table.get("batch")
        return {"price": _written(written), "batch": _written(batch) if batch else None, "source": table["read"]}
    if isinstance(found, Facts):
        tariff = Tariff(tuple(_spell(spell) for spell in found.tariff)) if found.tariff else None
        price = tariff.dearest(now) if tariff else _price(found.price or Rates())
        batch = _batch(found.batch, price) if found.batch else None
        return {"price": price, "tariff": tariff, "batch": batch, "source": table["read"]}
    return {"price": Price() if free else PRICE_OF_TIER[tier]}


def _written(table: Mapping[str, Any]) -> Price:
    fresh, long = table["input"], table.get("long", {})
    return Price(
        input=fresh,
        cached=table.get("cached", fresh),
        written=table.get("written", fresh),
        output=table["output"],
        long_from=long.get("from", 0),
        long_input=long.get("input", 1.0),
        long_output=long.get("output", 1.0),
        written_1h=table.get("written_1h", 0.0),
    )


def _price(rates: Rates) -> Price:
    """What is not said of a cache is billed as fresh input: told too dear rather than too cheap."""
    return Price(
        input=rates.input,
        cached=rates.input if rates.cached is None else rates.cached,
        written=rates.input if rates.written is None else rates.written,
        output=rates.output,
        written_1h=rates.written_1h or 0.0,
        longer=tuple((step.above, _price(step)) for step in rates.long),
    )


def _spell(stated: Stated) -> Spell:
    return Spell(_price(stated.price), midnight(stated.since), spans(stated.hours), stated.days)


def _batch(rates: Rates, usual: Price) -> Price:
    """Batches: a cache whose batch price nobody states costs what it usually does, at most what is fresh."""
    price = _price(rates)
    return replace(price, cached=_cached(rates, usual, price), longer=_longer(rates.long, usual, price))


def _longer(steps: Sequence[Any], usual: Price, price: Price) -> tuple[tuple[int, Price], ...]:
    dear = dict(usual.longer)
    return tuple(
        (above, replace(long, cached=_cached(step, dear.get(above, usual), long)))
        for step, (above, long) in zip(steps, price.longer, strict=True)
    )


def _cached(rates: Rates, usual: Price, price: Price) -> float:
    return price.cached if rates.cached is not None else min(usual.cached, price.input)
