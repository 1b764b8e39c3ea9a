"""`models`: what can be asked for, what it costs, what it can do."""

from __future__ import annotations

import os
from collections.abc import Iterable, Set
from dataclasses import replace
from typing import TYPE_CHECKING, Annotated, Any

import typer

from codriver.cli import client
from codriver.cli.terminal import dump, table, tokens

if TYPE_CHECKING:
    from codriver.routing.eligibility import Offer

ABILITIES = ("chat", "fim", "tools", "images", "schema", "reasoning")


def models(
    everything: Annotated[bool, typer.Option("--all", "-a", help="Also those that cannot be called now.")] = False,
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON, always of all.")] = False,
) -> None:
    """List the models, with prices in USD per million tokens."""
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
    print("\nPrices in USD per million tokens.")
    hidden = {offer.provider.title: offer.missing for offer in offers if offer.missing} if not everything else {}
    hidden |= _empty({offer.provider.name for offer in offers})
    if hidden:
        print("Not available: " + "; ".join(f"{title} ({missing})" for title, missing in hidden.items()) + ".")


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


def _row(offer: Offer) -> tuple[str, ...]:
    model, price = offer.model, offer.model.price
    can = " ".join(name for name in ABILITIES if getattr(model, name))
    note = offer.missing or ("simulated" if offer.provider.simulated else "local" if offer.provider.local else "")
    costs = (f"{amount:g}" for amount in (price.input, price.cached, price.output))
    return (model.key, model.tier, tokens(model.window), *costs, can, note)


def _entry(offer: Offer) -> dict[str, Any]:
    model, price = offer.model, offer.model.price
    return {
        "model": model.key,
        "available": not offer.missing,
        "missing": offer.missing,
        "tier": model.tier,
        "window": model.window,
        "max_output": model.max_output,
        "price": {"input": price.input, "cached": price.cached, "written": price.written, "output": price.output},
        "skill": dict(model.skill),
        **{ability: bool(getattr(model, ability)) for ability in ABILITIES},
        "local": offer.provider.local,
        "simulated": offer.provider.simulated,
    }
