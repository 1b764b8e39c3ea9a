"""What a caller asked for: "auto", a strategy, a pin, an alias, or a name that only hints at a class.

Agents ask for models by names nobody configured (their small model for titles, their default). A
public model's name that cannot be served is a hint of its class, and the answer says so; a name
that nobody knows is an error in the caller's face. `strict_models` makes the former the latter.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

from codriver.catalog.names import Known, WellKnown
from codriver.config.tree import Routing
from codriver.errors import Kind, RequestRejected, reject
from codriver.model.provider import Model
from codriver.routing import strategies

TIERS = ("small", "medium", "large")


@dataclass(frozen=True, slots=True)
class Resolution:
    """kind: "auto" (free choice), "pin" (`model` and nobody else), "tier" (any model of `tier`).

    strategy: the name of the strategy, never empty. note: a sentence for the decision's reasons
    when something else than asked for will happen.
    """

    kind: str
    strategy: str
    model: str = ""
    tier: str = ""
    note: str = ""


@dataclass(frozen=True, slots=True)
class Market:
    """What there is to ask for. usable, providers, closed: names of providers that can be called
    now, that exist, and that the user turned off."""

    known: Known
    well_known: WellKnown
    usable: frozenset[str]
    providers: frozenset[str]
    closed: frozenset[str]


def resolve(asked: str, market: Market, routing: Routing) -> Resolution:
    """Raises RequestRejected(UNKNOWN_MODEL), naming near matches."""
    name = asked.strip()
    alias = routing.aliases.get(name)
    if alias is not None:
        # One step, so that no two aliases can chase each other.
        found = _named(alias.strip(), market, routing)
        return replace(found, note=found.note or f"{name!r} is your name for {alias}")
    return _named(name, market, routing)


def _named(name: str, market: Market, routing: Routing) -> Resolution:
    # Clients that insist on a provider before the slash are given "codriver/auto".
    name = name.removeprefix("codriver/")
    if name in {"", "auto"}:
        return Resolution("auto", routing.strategy)
    if name.startswith("auto:"):
        return Resolution("auto", _strategy(name.removeprefix("auto:")))
    # Some models have a slash in their own id, so the whole name is tried before it is cut.
    found = market.known.called(name)
    if found:
        return _by_id(name, found, market, routing)
    if "/" in name:
        return _by_key(name, market, routing)
    tier = market.well_known.tier(name)
    if tier and not routing.strict_models:
        return _hint(name, tier, "is not configured", market, routing)
    raise _unknown(name, market, "it is a public model's name, but strict_models is on" if tier else "")


def _strategy(name: str) -> str:
    try:
        strategies.find(name)
    except LookupError as unknown:
        raise reject(str(unknown), field="model", kind=Kind.UNKNOWN_MODEL) from None
    return name


def _by_key(name: str, market: Market, routing: Routing) -> Resolution:
    """provider/model: that one and no other."""
    provider, _, rest = name.partition("/")
    provider = provider.casefold()
    if provider in market.closed:
        raise _unknown(name, market, f"the provider {provider!r} is turned off in the settings")
    if provider not in market.providers:
        raise _unknown(name, market, f"there is no provider {provider!r}")
    for model in market.known.called(rest):
        if model.provider == provider:
            note = "" if name == model.key else f"{name!r} is taken for {model.key}"
            return Resolution("pin", routing.strategy, model=model.key, note=note)
    raise _unknown(name, market, f"{provider!r} has no such model; describe it under providers.{provider}.models")


def _by_id(name: str, found: tuple[Model, ...], market: Market, routing: Routing) -> Resolution:
    """A bare model id: a pin where it can be served, else a hint."""
    served = sorted((model for model in found if model.provider in market.usable), key=_price)
    if not served:
        names = sorted(model.provider for model in found)
        owners = names[0] if len(names) == 1 else f"one of {', '.join(names)}"
        if routing.strict_models:
            raise _unknown(name, market, f"{owners} cannot be used now: its key is not set")
        return _hint(name, found[0].tier, f"needs {owners}, which has no key here", market, routing)
    first, *others = served
    if not others:
        note = "" if first.id.casefold() == name.casefold() else f"{name!r} is taken for {first.key}"
        return Resolution("pin", routing.strategy, model=first.key, note=note)
    all_keys = ", ".join(model.key for model in served)
    if routing.strict_models:
        raise _unknown(name, market, f"several providers serve it: say which of {all_keys}")
    return Resolution(
        "pin", routing.strategy, model=first.key, note=f"of {all_keys}, the cheapest is taken for {name!r}"
    )


def _price(model: Model) -> tuple[float, str]:
    return (model.price.input + model.price.output, model.key)


def _hint(name: str, tier: str, why: str, market: Market, routing: Routing) -> Resolution:
    """The asked tier, or the nearest to it that somebody usable has."""
    there = {model.tier for model in market.known.keys.values() if model.provider in market.usable and model.chat}
    rank = TIERS.index(tier)
    # Of two equally near ones the larger: a hint shall not cost quality.
    nearest = min(there, key=lambda one: (abs(TIERS.index(one) - rank), -TIERS.index(one)), default=tier)
    note = f"{name!r} {why}: taken as a wish for a {tier} model"
    if nearest != tier:
        note += f", of which there is none, so a {nearest} one answers"
    return Resolution("tier", routing.strategy, tier=nearest, note=note)


def _unknown(name: str, market: Market, why: str = "") -> RequestRejected:
    near = market.known.near(name)
    text = f"no model is called {name!r}"
    text += f": {why}." if why else "."
    text += f" Near it: {', '.join(near)}." if near else ' "auto" leaves the choice to Codriver.'
    return reject(text, field="model", kind=Kind.UNKNOWN_MODEL)
