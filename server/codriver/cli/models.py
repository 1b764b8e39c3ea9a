"""`models`: what can be asked for, what it costs, what it can do; `models refresh` fetches newer prices."""

from __future__ import annotations

import datetime
import os
import re
import time
from collections.abc import Iterable, Set
from dataclasses import replace
from typing import TYPE_CHECKING, Annotated, Any

import typer

from codriver.cli import client
from codriver.cli.terminal import dump, table, tokens

if TYPE_CHECKING:
    from codriver.model.provider import Model, Price
    from codriver.routing.eligibility import Offer

ABILITIES = ("chat", "fim", "tools", "images", "schema", "reasoning", "embeds")

WARNED = 30 * 86_400
"""Seconds before a model's retirement from which on it is told."""


def group() -> typer.Typer:
    """The commands below `codriver models`, which alone lists them."""
    from codriver.cli import refresh

    app = typer.Typer(invoke_without_command=True, rich_markup_mode=None)
    app.callback()(models)
    app.command()(refresh.refresh)
    return app


def models(
    context: typer.Context,
    everything: Annotated[bool, typer.Option("--all", "-a", help="Also those that cannot be called now.")] = False,
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON, always of all.")] = False,
) -> None:
    """List the models, with prices in USD per million tokens."""
    if context.invoked_subcommand is not None:
        return
    import asyncio

    from codriver import app

    where = client.paths()
    running = client.status(where)
    simulate = bool(running and running.get("simulator_url"))
    offers = asyncio.run(_offers(app.create(where, memory=True, simulate=simulate)))
    if running is not None:
        offers = as_served(offers, set(running.get("models", ())))
    offers.sort(key=lambda offer: (bool(offer.missing), offer.provider.name, -offer.model.skill.get("", 0.0)))
    if as_json:
        dump([_entry(offer) for offer in offers])
        return
    shown = [offer for offer in offers if everything or not offer.missing]
    rows = [_row(offer) for offer in shown]
    dim = [number for number, offer in enumerate(shown) if offer.missing]
    table(("model", "tier", "window", "input", "cached", "output", "can", ""), rows, right=(2, 3, 4, 5), dim=dim)
    print(f"\nPrices in USD per million tokens{_read(shown)}; where hours differ, the dearest.")
    hidden = {offer.provider.title: offer.missing for offer in offers if offer.missing} if not everything else {}
    hidden |= _empty({offer.provider.name for offer in offers})
    if hidden:
        print("Not available:")
        for title, missing in hidden.items():
            print(f"  {title}: {missing}")


def as_served(offers: Iterable[Offer], served: Set[str]) -> list[Offer]:
    """The offers as the running daemon has them: its environment holds the keys, this shell's may not."""
    return [
        replace(offer, missing="")
        if offer.model.key in served
        else replace(offer, missing=offer.missing or "the running daemon does not have it")
        for offer in offers
        if offer.model.key in served or not offer.provider.simulated
    ]


def _empty(offered: Set[str]) -> dict[str, str]:
    """Providers of the settings that have no model: theirs are listed by the server, which did not."""
    from codriver import catalog, config

    file = config.where(os.environ)
    settings = config.load(file, os.environ)
    known = catalog.load(settings, config_file=str(file), environ=os.environ).providers
    return {
        known[name].title: f"{known[name].base_url} lists no models now, and providers.{name}.models describes none"
        for name in settings.providers
        if name in known and name not in offered
    }


async def _offers(app: Any) -> list[Offer]:
    await app.start()
    try:
        return list(app.offers())
    finally:
        await app.close()


def retirement(model: Model, now: float) -> str:
    """That a model is gone, or will be within a month; "" else."""
    if not model.retires or model.retires - now > WARNED:
        return ""
    return f"{'retired' if model.retires <= now else 'retires'} {_day(model.retires)}"


def _day(time: float) -> str:
    return datetime.datetime.fromtimestamp(time, datetime.UTC).date().isoformat()


def _read(offers: Iterable[Offer]) -> str:
    """Between which days the prices were read, as far as they say."""
    days = sorted({found[1] for offer in offers if (found := re.search(r"\((\d{4}-\d\d-\d\d)\)$", offer.model.source))})
    if not days:
        return ""
    return f", read on {days[0]}" if len(days) == 1 else f", read from {days[0]} to {days[-1]}"


def _row(offer: Offer) -> tuple[str, ...]:
    model, price = offer.model, offer.model.price
    can = " ".join(name for name in ABILITIES if getattr(model, name))
    where = "simulated" if offer.provider.simulated else "local" if offer.provider.local else ""
    note = "; ".join(part for part in (retirement(model, time.time()), offer.missing or where) if part)
    costs = (f"{amount:g}" for amount in (price.input, price.cached, price.output))
    return (model.key, model.tier, tokens(model.window), *costs, can, note)


def _price(price: Price) -> dict[str, Any]:
    told: dict[str, Any] = {
        "input": price.input, "cached": price.cached, "written": price.written, "output": price.output
    }  # fmt: skip
    if price.written_1h:
        told["written_1h"] = price.written_1h
    if price.longer:
        told["longer"] = [{"above": above, **_price(long)} for above, long in price.longer]
    return told


def _entry(offer: Offer) -> dict[str, Any]:
    model = offer.model
    return {
        "model": model.key,
        "available": not offer.missing,
        "missing": offer.missing,
        "tier": model.tier,
        "window": model.window,
        "max_output": model.max_output,
        "max_input": model.max_input or model.window,
        "price": _price(model.price),
        "price_now": _price(model.price_at(time.time())),
        "batch": _price(model.batch) if model.batch is not None else None,
        "source": model.source,
        "retires": _day(model.retires) if model.retires else None,
        "skill": dict(model.skill),
        **{ability: bool(getattr(model, ability)) for ability in ABILITIES},
        "local": offer.provider.local,
        "simulated": offer.provider.simulated,
    }
