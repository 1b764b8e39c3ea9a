"""What changes the fleet while Codriver runs: settings, keys, prices, local servers, proofs.

Whatever changed, the new fleet is built beside the old one and handed on whole; a broken file changes nothing.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
import os
import time
from collections.abc import Callable, Mapping
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from codriver import config
from codriver.app.credentials import keys_of
from codriver.app.fleet import Fleet, assembled, catalog_of, settings_of
from codriver.catalog import Catalog
from codriver.config import Settings
from codriver.errors import ConfigError
from codriver.model.provider import Installed
from codriver.paths import Paths
from codriver.routing.eligibility import Offer
from codriver.state.store import Store
from codriver.upstream import discovery, probing
from codriver.upstream.client import Upstream
from codriver.upstream.keys import KEY_FILE, Keys

if TYPE_CHECKING:
    from codriver.upstream.simulator import Simulator

log = logging.getLogger("codriver.app")

WATCH_SECONDS = 1.0
"""How often the settings file is looked at; once in DISCOVER_EVERY looks local servers are asked."""

DISCOVER_EVERY = 30


class Renewal:
    """Keeps a fleet as the files, the local servers and the proofs have it; `swap` is told of each new one.

    reloaded: called after settings and keys were read again and the fleet made of them was swapped in.
    """

    def __init__(
        self,
        paths: Paths,
        config_file: Path,
        made: Fleet,
        keys: Keys,
        *,
        token: str,
        simulate: bool,
        upstream: Upstream,
        store: Store,
        swap: Callable[[Fleet], None],
        reloaded: Callable[[], None],
    ) -> None:
        self.error = ""
        """What is wrong with the files, in a sentence, since they were last looked at; "" when they hold."""
        self._paths, self._config_file = paths, config_file
        self._declared = made  # as the catalog has it, before anything was proven
        self._keys = keys
        self._handed: dict[str, str] = {}
        self._token, self._simulate = token, simulate
        self._upstream = upstream
        self._probes = probing.Probes(upstream, store, time.time)
        self._swap, self._reloaded = swap, reloaded
        self._simulator: Simulator | None = None
        self._found: dict[str, tuple[Installed, ...]] = {}  # at local servers, when they were last asked
        self._seen = self._marks()
        self._changing = asyncio.Lock()
        self._watching: asyncio.Task[None] | None = None
        self._probing: asyncio.Task[None] | None = None
        self._handing: asyncio.Future[None] | None = None

    @property
    def simulator_url(self) -> str:
        """Where the simulator answers, or "" when nobody is sent there."""
        offered = any(offer.provider.simulated for offer in self._declared.offers)
        return self._simulator.url if self._simulator is not None and offered else ""

    async def start(self) -> None:
        """Finds local servers, starts the simulator where it is wanted or nothing else is there, and watches."""
        await self._discover()
        self._watching = asyncio.create_task(self._watch(), name="settings")

    async def stop(self) -> None:
        """No new fleet from here on; what is there still answers."""
        for task in (self._watching, self._probing, self._handing):
            if task is not None:
                task.cancel()
                with contextlib.suppress(asyncio.CancelledError):
                    await task

    async def close(self) -> None:
        """Ends the simulator, if one runs."""
        if self._simulator is not None:
            await self._simulator.close()

    def hand(self, keys: Mapping[str, str]) -> None:
        """Takes keys out of an editor's own safe, by provider ("" takes one back). They live with this process."""
        changed = {name: key for name, key in keys.items() if self._handed.get(name, "") != key}
        if changed:
            held = {**self._handed, **changed}
            self._handed = {name: key for name, key in held.items() if key}
            self._handing = asyncio.ensure_future(self.reload())

    async def reload(self) -> None:
        """Reads settings and keys again. A broken file changes nothing and is told by `error`."""
        async with self._changing:
            try:
                settings = settings_of(self._config_file, os.environ)
                keys = keys_of(self._paths, os.environ, self._token, self._handed)
                fresh = catalog_of(self._paths, settings, self._config_file, os.environ)
            except ConfigError as error:
                self.error = str(error)
                log.warning("the settings were not reloaded: %s", error)
                return
            self.error = ""
            self._keys = keys
            self._upstream.use(keys)
            self._probes.forgive()
            await self._renew(settings, fresh)
            self._reloaded()
        log.info("settings reloaded from %s", self._config_file)

    # What is looked at.

    async def _watch(self) -> None:
        """Looks at the files and the local servers for as long as the App lives: no failure ends it."""
        looks = 0
        while True:
            await asyncio.sleep(WATCH_SECONDS)
            looks += 1
            try:
                await self._look(discover=looks % DISCOVER_EVERY == 0)
            except Exception:  # whatever it is: the next look may do
                log.exception("the settings could not be followed")

    async def _look(self, *, discover: bool) -> None:
        seen = self._marks()
        if seen != self._seen:
            self._seen = seen
            await self.reload()
        elif discover:
            await self._discover()

    async def _discover(self) -> None:
        async with self._changing:
            await self._renew(self._declared.settings, self._declared.catalog)

    def _marks(self) -> tuple[tuple[int, int], ...]:
        """Changes when the settings file, the key file or the fetched prices do."""
        files = (self._config_file, self._paths.config / KEY_FILE, self._paths.prices)
        return tuple(config.fingerprint(file) for file in files)

    # How a new fleet is made.

    async def _renew(self, settings: Settings, loaded: Catalog) -> None:
        """The one way to a new fleet, at the start, after a reload and to discover. Held by `_changing`.

        Asks local servers what they have, and has the simulator where it is wanted or nobody else is usable.
        """
        loaded = await self._installed(loaded)
        made = assembled(settings, loaded, self._keys, "")
        if self._simulate or all(offer.missing for offer in made.offers):
            if self._simulator is None:
                from codriver.upstream import simulator  # who has a key never needs it

                self._simulator = await simulator.start(control=self._simulate, secret=self._token)
            made = assembled(settings, loaded, self._keys, self._simulator.url)
        self._declared = made
        for offer in self._to_prove():
            await self._probes.recall(offer.provider, offer.model)
        self._swap(self._judged())
        if self._probing is None or self._probing.done():
            self._probing = asyncio.create_task(self._prove(), name="probes")

    async def _installed(self, loaded: Catalog) -> Catalog:
        """The catalog with what local servers list; a server that is not there has nothing."""
        asked = [provider for provider in loaded.providers.values() if provider.discover and not provider.lacks]
        known = self._found
        lists = await asyncio.gather(
            *(discovery.installed(self._upstream, provider, known.get(provider.name, ())) for provider in asked)
        )
        for provider, listed in zip(asked, lists, strict=True):
            loaded = loaded.found(provider.name, listed)
            known[provider.name] = listed
        return loaded

    # Who fills holes.

    def _to_prove(self) -> list[Offer]:
        """Who shall be asked whether he fills holes: whoever is said to, and at home whoever's name says so; not where
        the server told it."""
        settings = self._declared.settings
        told = {(name, one.id) for name, found in self._found.items() for one in found if one.fim}
        return [
            offer
            for offer in self._declared.offers
            if not offer.missing
            and not offer.provider.simulated
            and probing.wanted(offer.provider, offer.model)
            and (offer.provider.name, offer.model.upstream_id) not in told
            and _may_ask(settings, offer)
        ]

    def _judged(self) -> Fleet:
        """What is declared, with what is known by now of who fills holes."""
        offers = []
        for offer in self._declared.offers:
            found = self._probes.verdict(offer.provider, offer.model)
            if found is not None:
                why = found.why if offer.model.fim else ""
                offer = replace(offer, model=replace(offer.model, fim=found.fim), unfit=why)
            offers.append(offer)
        return replace(self._declared, offers=tuple(offers), plans={})

    async def _prove(self) -> None:
        """Asks in the background, one after the other: a server at home has one graphics card."""
        for offer in self._to_prove():
            if not self._probes.due(offer.provider, offer.model):
                continue
            try:
                found = await self._probes.ask(offer.provider, offer.model)
            except Exception:  # whatever a server answers
                log.exception("%s could not be probed", offer.model.key)
                continue
            if found is not None and offer.model.fim and not found.fim:
                log.warning("%s gets no holes to fill: %s", offer.model.key, found.why)
            if found is not None and found.fim != offer.model.fim:
                async with self._changing:
                    self._swap(self._judged())


def _may_ask(settings: Settings, offer: Offer) -> bool:
    """Whether this model may be asked for a proof: at home, where the user himself said that it fills holes, or all."""
    table = settings.providers.get(offer.provider.name)
    model = table.models.get(offer.model.id) if table is not None else None
    named = model is not None and bool(model.fim)
    how = settings.complete.probe
    return how == "all" or (how == "local" and (offer.provider.local or named))
