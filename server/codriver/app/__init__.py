"""The composition root: settings, catalog and keys become a running router. The only place that constructs.

A change of the settings file builds the new parts beside the old ones and swaps them; a broken
file changes nothing and is told in the status. Nothing here serves: the fronts get an App.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
import os
import time
from collections.abc import Callable, Mapping
from pathlib import Path

from codriver import __version__, config
from codriver.analyst import Analyst, Marked
from codriver.app.credentials import keys_of, token
from codriver.app.fleet import Fleet, assembled, catalog_of, settings_of
from codriver.app.planning import embedding, limited, planned, timeouts_of
from codriver.app.renewal import Renewal
from codriver.batches import Batches
from codriver.config import Settings, ruling
from codriver.errors import StoreError
from codriver.experiments import Experiments
from codriver.ledger import Ledger
from codriver.lessons import Lessons
from codriver.metrics import Metrics
from codriver.model.decision import Outcome
from codriver.model.provider import Model, Provider
from codriver.model.request import Request
from codriver.overview import Overview
from codriver.paths import Paths
from codriver.router import Plan, Router, fusing
from codriver.router.hedging import Limits
from codriver.routing.degrading import Steps
from codriver.routing.eligibility import Offer
from codriver.sources.disk import Disk
from codriver.state.responses import Responses
from codriver.state.sqlite import SqliteStore
from codriver.state.store import MemoryStore, Store
from codriver.tasks.desk import Tasks
from codriver.upstream.client import Timeouts, Upstream
from codriver.upstream.keys import Keys
from codriver.upstream.proxies import Network
from codriver.visits import Visits
from codriver.workspace import Workspace

__all__ = ["App", "create", "token"]

log = logging.getLogger("codriver.app")

EMBED = "/embed"
"""In place of a strategy: plans for vectors know none."""

MOST_PLANS = 1000
"""How many plans are remembered: names come from callers."""


class App:
    """One running Codriver. `create` builds it, `start` opens what needs a loop, `close` ends it."""

    def __init__(
        self, paths: Paths, config_file: Path, *, store: Store, keys: Keys, token: str, fleet: Fleet, simulate: bool
    ) -> None:
        self.paths = paths
        self.config_file = config_file
        self.token = token
        self.version = __version__
        self.started = time.monotonic()
        self.editors = 0
        self.address = ""
        """Where the HTTP front answers: scheme, host and port; "" while there is none on TCP."""
        self.stop = asyncio.Event()
        self._fleet = fleet
        self._store = store
        self._embedder = ""  # the model whose vectors "auto" means, once somebody asked
        self.upstream = Upstream(Network(), keys)
        self._renewal = Renewal(
            paths, config_file, fleet, keys, token=token, simulate=simulate, upstream=self.upstream, store=store,
            swap=self._swap, reloaded=self._reloaded,
        )  # fmt: skip
        self.responses = Responses(time.monotonic)
        self.workspace = Workspace()
        self.disk = Disk(never=fleet.settings.privacy.never, manifests_for=self.workspace.manifests_for)
        self.analyst = Analyst(
            local_only=fleet.settings.privacy.local_only,
            manifests_for=self.workspace.manifests_for,
            disk=self.disk,
            roots=lambda: self.workspace.roots,
        )
        self.lessons = Lessons(store, lambda: self.settings.learning, later=_later)
        self.experiments = Experiments(lambda: self._fleet.experiments, token)
        self.metrics, self.visits = Metrics(), Visits()
        self.ledger = Ledger(store)
        self.overview = Overview(store, self._priced, settle=self.ledger.settle)
        self.ledger.abilities, self.ledger.troubles = self.lessons.abilities.beliefs, self.lessons.troubles
        self.ledger.heard, self.ledger.labelled = self._heard, self.overview.told
        self.router = Router(
            plan=self.plan, upstream=self.upstream, analyst=self.analyst, ledger=self.ledger, timeouts=self.timeouts,
            lessons=self.lessons, experiments=self.experiments, hedge=self._hedge, peak=self._peak, fuse=self._fuse,
        )  # fmt: skip
        self.tasks = Tasks(self.router, self.analyst, fleet.settings)
        self.batches = Batches(
            paths.state / "batches", self.router, limits=lambda: self.settings.batch, providers=self._callable
        )

    # Life.

    async def start(self) -> None:
        """Recovers what was recorded, finds who can be called (the simulator where nobody is), and follows changes."""
        self.lessons.resume(await self.ledger.recover())
        await self.lessons.recover()
        await self.experiments.recover(self._store)
        await self._renewal.start()

    async def close(self) -> None:
        """Ends everything; what was recorded is durable when this returns."""
        self.ledger.settle()
        await self._renewal.stop()
        await self.batches.close()
        await self.overview.close()
        if self.lessons.fresh:
            with contextlib.suppress(StoreError):
                await self.lessons.keep()
        self.workspace.close()
        self.disk.close()
        await self.upstream.aclose()
        await self._renewal.close()
        self.ledger.settle()  # lines of batches were answered meanwhile
        self._store.close()

    def hand(self, keys: Mapping[str, str]) -> None:
        """Takes keys out of an editor's own safe, by provider ("" takes one back). They live with this process."""
        self._renewal.hand(keys)

    async def reload(self) -> None:
        """Reads settings and keys again. A broken file changes nothing and is told by `config_error`."""
        await self._renewal.reload()

    def _swap(self, made: Fleet) -> None:
        for complaint in set(made.complaints) - set(self._fleet.complaints):
            log.warning("%s: %s", self.config_file, complaint)
        self._fleet = made
        self.analyst.local_only = Marked(made.settings.privacy.local_only)
        self.disk.forbid(made.settings.privacy.never)
        self.tasks.configure(made.settings)
        self.ledger.payers = bool(made.settings.budget.session_usd or made.settings.budget.workflow_usd)
        logging.getLogger("codriver").setLevel(made.settings.log.level.upper())

    def _reloaded(self) -> None:
        self._embedder = ""
        self.ledger.forgive()

    # What holds now.

    @property
    def settings(self) -> Settings:
        """The settings of the next request."""
        return self._fleet.settings

    @property
    def config_error(self) -> str:
        """What is wrong with the settings or the key file now, which is why older ones hold; "" when nothing is."""
        return self._renewal.error

    @property
    def complaints(self) -> tuple[str, ...]:
        """What of the user's rules and of installed classifiers has no effect now, in sentences."""
        return (*self._fleet.complaints, *self.analyst.classifiers.complaints.values())

    @property
    def simulator_url(self) -> str:
        """Where the simulator answers, or "" when nobody is sent there."""
        return self._renewal.simulator_url

    def offers(self) -> tuple[Offer, ...]:
        """Every model of the catalog, usable or not."""
        return self._fleet.offers

    def dashboard(self) -> str:
        """An address that opens the dashboard once and soon; "" where no browser can reach it."""
        return f"{self.address}/dashboard#{self.visits.code()}" if self.address else ""

    # What the router asks.

    def plan(self, request: Request) -> Plan:
        """The offers and the wish that a request's model name and strategy stand for. Raises RequestRejected."""
        held = self._fleet
        key = (request.model, EMBED if request.needs.embed else request.strategy)
        made = held.plans.get(key)
        if made is None:
            if request.needs.embed:
                made, self._embedder = embedding(held, request, self._embedder)
            else:
                made = planned(held, request)
            if len(held.plans) < MOST_PLANS:
                held.plans[key] = made
        return limited(made, request.max_cost)

    def timeouts(self, request: Request, spent: float = 0.0) -> Timeouts:
        """How long each step of the next attempt may take, of a request that has taken `spent` seconds already."""
        return timeouts_of(self._fleet.settings, request, spent)

    def _hedge(self) -> Limits:
        limits = self._fleet.settings.hedge
        return Limits(limits.strategies, limits.share)

    def _fuse(self) -> fusing.Limits:
        limits = self._fleet.settings.fuse
        return fusing.Limits(limits.k, limits.judge)

    def _peak(self) -> tuple[Steps | None, float]:
        return ruling.steps_of(self._fleet.settings), self._fleet.settings.peak.patience

    # What the ledger, the overview and the batches ask.

    def _heard(self, outcome: Outcome) -> None:
        self.lessons.ended(outcome)
        self.experiments.ended(outcome)
        self.metrics.heard(outcome)
        self.overview.heard(outcome)

    def _priced(self) -> dict[str, Model]:
        return {offer.model.key: offer.model for offer in self._fleet.offers}

    def _callable(self) -> list[Provider]:
        """The providers that can be called now."""
        return list({offer.provider.name: offer.provider for offer in self.offers() if not offer.missing}.values())


def create(
    paths: Paths,
    *,
    config_file: Path | None = None,
    simulate: bool = False,
    memory: bool = False,
    environ: Mapping[str, str] = os.environ,
) -> App:
    """Builds an App from the user's files; nothing is started. Raises ConfigError and StoreError.

    memory: keep no ledger file (for a command that only asks).
    """
    paths.create()
    file = config_file or config.where(environ)
    settings = settings_of(file, environ)
    own = token(paths)
    keys = keys_of(paths, environ, own)
    fleet = assembled(settings, catalog_of(paths, settings, file, environ), keys, "")
    store: Store = MemoryStore(time.time) if memory else SqliteStore(paths.ledger, time.time)
    return App(paths, file, store=store, keys=keys, token=own, fleet=fleet, simulate=simulate)


def _later(work: Callable[[], None]) -> None:
    asyncio.get_running_loop().call_soon(work)
