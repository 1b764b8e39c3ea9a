"""Settings, catalog and keys become a fleet: who can be called now, and what holds of the user's rules."""

from __future__ import annotations

import logging
from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path

from codriver import catalog, config
from codriver.catalog import Catalog
from codriver.config import Settings, ruling
from codriver.errors import ConfigError
from codriver.model.provider import Provider
from codriver.paths import Paths
from codriver.router import Plan
from codriver.routing import strategies
from codriver.routing.eligibility import Offer
from codriver.routing.experiments import Arm, Experiment, Guard
from codriver.routing.rules import Rule
from codriver.upstream import logins
from codriver.upstream.keys import Keys

log = logging.getLogger("codriver.app")


@dataclass(frozen=True)
class Fleet:
    """Everything that follows from settings, catalog and keys; swapped as one when any of them changes."""

    settings: Settings
    catalog: Catalog
    offers: tuple[Offer, ...]
    plans: dict[tuple[str, str], Plan]
    """Plans already made, by model name and strategy: names repeat, and resolving them is not free."""
    experiments: tuple[Experiment, ...] = ()
    rules: tuple[Rule, ...] = ()
    complaints: tuple[str, ...] = ()
    """What of the rules has no effect: models that are not there."""


def assembled(settings: Settings, loaded: Catalog, keys: Keys, simulated: str) -> Fleet:
    """The offers of a catalog: who can be called now, and why not the others.

    simulated: where the simulator answers; "" leaves it out.
    """
    offers: list[Offer] = []
    for provider in loaded.providers.values():
        missing = _missing(provider, keys)
        if provider.simulated:
            if not simulated:
                continue
            provider = replace(provider, base_url=simulated)
        offers += [Offer(provider, model, missing) for model in provider.models]
    rules, complaints = ruling.rules_of(settings.rules, [offer.model.key for offer in offers])
    return Fleet(settings, loaded, tuple(offers), {}, _experiments(settings), rules, complaints)


def settings_of(file: Path, environ: Mapping[str, str]) -> Settings:
    """The settings of a file, with strategies and rules that exist. Raises ConfigError."""
    settings = config.load(file, environ)
    _known_strategy(settings.routing.strategy, file, "routing.strategy")
    ruling.check(settings.rules, str(file))
    for name, experiment in settings.experiments.items():
        for arm, told in experiment.arms.items():
            if told.strategy:
                _known_strategy(told.strategy, file, f"experiments.{name}.arms.{arm}.strategy")
    return settings


def catalog_of(paths: Paths, settings: Settings, file: Path, environ: Mapping[str, str]) -> Catalog:
    """The catalog of this installation: with the prices it fetched, if it did. Raises ConfigError."""
    found = catalog.load(settings, config_file=str(file), environ=environ, fetched=paths.prices, cache=paths.parsed)
    if found.complaint:
        log.warning("%s", found.complaint)
    return found


def _known_strategy(name: str, file: Path, key: str) -> None:
    try:
        strategies.find(name)
    except LookupError as unknown:
        raise ConfigError(str(file), key, str(unknown), "Write one of these") from None


def _experiments(settings: Settings) -> tuple[Experiment, ...]:
    """The experiments that take requests now."""
    return tuple(
        Experiment(
            name,
            tuple(
                Arm(arm, told.strategy, told.model, told.weight, told.system, told.prompt)
                for arm, told in table.arms.items()
            ),
            table.share,
            table.unit,
            table.metric,
            frozenset(table.purposes),
            Guard(table.max_failures, table.max_cost_ratio),
        )
        for name, table in settings.experiments.items()
        if table.enabled
    )


def _missing(provider: Provider, keys: Keys) -> str:
    """Why a provider cannot be called now, or ""."""
    if provider.lacks:
        return provider.lacks
    if provider.auth == "none" or provider.keyless or keys.lookup(provider) is not None:
        return ""
    if provider.login:
        return logins.missing(provider, keys.environ)
    return f"{' or '.join(keys.variables(provider))} is not set" if provider.key_env else ""
