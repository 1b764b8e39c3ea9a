"""Facts about providers and models: the shipped files with the user's over them, and look-ups by name.

building    tables -> Provider and Model values
facts       the form of what the price tables say
sheets      which of it counts: shipped or fetched
pricing     what a model costs
tables/     the price tables of others -> facts
names       the names a model goes by
resolving   what a caller asked for -> a pin, a tier, or the router's free choice
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field, replace
from functools import cached_property
from pathlib import Path

from codriver.catalog.building import Sold, build, instances
from codriver.catalog.names import Known, WellKnown
from codriver.catalog.parsed import Parsed
from codriver.catalog.resolving import Market, Resolution, resolve
from codriver.catalog.sheets import Sheets
from codriver.config import Settings
from codriver.model.provider import Installed, Model, Provider

__all__ = ["Catalog", "Resolution", "load"]

PACKAGE = Path(__file__).parent.parent
SHIPPED = PACKAGE / "providers"


def _always(provider: Provider) -> bool:
    return True


@dataclass(frozen=True)
class Catalog:
    """All providers that are not turned off, with a key or without. Never changed: `found` makes a new one.

    sold: what each provider's tables say. installed: for those whose models are discovered, the
    models their servers listed. closed: names of the providers that are turned off.
    complaint: why fetched prices are not used, if there are any that cannot be.
    """

    sold: Mapping[str, Sold]
    well_known: WellKnown = WellKnown(())
    closed: frozenset[str] = frozenset()
    installed: Mapping[str, tuple[Model, ...]] = field(default_factory=dict)
    complaint: str = ""

    @cached_property
    def providers(self) -> Mapping[str, Provider]:
        """Providers by name, each with the models it can serve now as far as is known."""
        return {
            name: replace(sold.provider, models=(*sold.provider.models, *self.installed.get(name, ())))
            for name, sold in self.sold.items()
        }

    @cached_property
    def models(self) -> tuple[Model, ...]:
        """Every model of every provider."""
        return tuple(model for provider in self.providers.values() for model in provider.models)

    @cached_property
    def known(self) -> Known:
        """The names all models go by."""
        return Known.of(self.models)

    def find(self, key: str) -> Model | None:
        """The model with this key ("provider/id")."""
        return self.known.keys.get(key)

    def resolve(self, asked: str, settings: Settings, available: Callable[[Provider], bool] = _always) -> Resolution:
        """What a request's model name means. Raises RequestRejected(UNKNOWN_MODEL), naming near matches.

        available: whether a provider could be called now (its key is there, or it needs none).
        """
        usable = frozenset(name for name, provider in self.providers.items() if available(provider))
        market = Market(self.known, self.well_known, usable, frozenset(self.providers), self.closed)
        return resolve(asked, market, settings.routing)

    def found(self, provider: str, listed: Iterable[str | Installed]) -> Catalog:
        """This catalog after a provider's server listed what it has installed; replaces an earlier list.

        Models the user described stay as described. Raises KeyError for a provider that is not here.
        """
        models = instances(self.sold[provider], listed)
        return replace(self, installed={**self.installed, provider: models})


def load(
    settings: Settings | None = None,
    folder: Path = SHIPPED,
    *,
    config_file: str = "config.toml",
    environ: Mapping[str, str] | None = None,
    fetched: Path | None = None,
    cache: Path | None = None,
) -> Catalog:
    """The shipped providers of a folder, over what the price tables say, with the settings' own tables over them.

    environ: fills what is not the same for everybody in their addresses (a region, a project).
    fetched: the file in which newer price tables may lie; one that is broken is a complaint of the catalog.
    cache: a file that spares reading the shipped TOML at every start.
    Raises ConfigError, naming file and key, for a table that cannot become a provider.
    """
    own = dict(settings.providers) if settings is not None else {}
    sheets, parsed = Sheets(fetched), Parsed(cache)
    sold: dict[str, Sold] = {}
    closed: set[str] = set()
    shipped = {path.stem: path for path in sorted(folder.glob("*.toml"))}
    for name in (*shipped, *(name for name in own if name not in shipped)):
        table = parsed.table(shipped[name]) if name in shipped else None
        mine = own.get(name)
        if mine is not None and not mine.enabled:
            closed.add(name)
            continue
        file = config_file if mine is not None else str(shipped[name])
        sold[name] = build(
            name,
            table,
            mine,
            file=file,
            names=tuple(shipped),
            environ=environ or {},
            known=sheets.find(name),
            now=time.time(),
        )
    parsed.keep()
    return Catalog(sold, WellKnown.read(PACKAGE / "wellknown.toml"), frozenset(closed), complaint=sheets.complaint)
