"""The composition root: settings, catalog and keys become a running router. The only place that constructs.

A change of the settings file builds the new parts beside the old ones and swaps them; a broken
file changes nothing and is told in the status. Nothing here serves: the fronts get an App.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
import os
import secrets
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING

from codriver import __version__, catalog, config
from codriver.analyst import Analyst, Marked
from codriver.batches import Batches
from codriver.catalog import Catalog, Resolution
from codriver.config import Settings, ruling
from codriver.errors import ConfigError, Kind, StoreError, reject
from codriver.experiments import Experiments
from codriver.ledger import Ledger
from codriver.lessons import Lessons
from codriver.metrics import Metrics
from codriver.model.decision import Outcome
from codriver.model.provider import Installed, Model, Provider
from codriver.model.request import Request
from codriver.overview import Overview
from codriver.paths import Paths
from codriver.router import Plan, Router, fusing
from codriver.router.hedging import Limits
from codriver.routing import strategies
from codriver.routing.decide import Wish
from codriver.routing.degrading import Steps
from codriver.routing.eligibility import Bounds, Offer, standing
from codriver.routing.embedders import embedder
from codriver.routing.experiments import Arm, Experiment, Guard
from codriver.routing.rules import Rule
from codriver.sources.disk import Disk
from codriver.state.responses import Responses
from codriver.state.sqlite import SqliteStore
from codriver.state.store import MemoryStore, Store
from codriver.tasks.desk import Tasks
from codriver.upstream import discovery, logins, probing
from codriver.upstream.client import Timeouts, Upstream
from codriver.upstream.keys import KEY_FILE, Keys, read_key_file
from codriver.upstream.proxies import Network
from codriver.visits import Visits
from codriver.workspace import Workspace

if TYPE_CHECKING:
    from codriver.upstream.simulator import Simulator

log = logging.getLogger("codriver.app")

SIMULATOR = "simulator"

WATCH_SECONDS = 1.0
"""How often the settings file is looked at; once in DISCOVER_EVERY looks local servers are asked."""

DISCOVER_EVERY = 30

EMBED = "/embed"
"""In place of a strategy: plans for vectors know none."""


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


class App:
    """One running Codriver. `create` builds it, `start` opens what needs a loop, `close` ends it."""

    def __init__(
        self, paths: Paths, config_file: Path, *, store: Store, keys: Keys, token: str, fleet: Fleet, simulate: bool
    ) -> None:
        self.paths = paths
        self.config_file = config_file
        self.config_error = ""
        self.token = token
        self.version = __version__
        self.started = time.monotonic()
        self.editors = 0
        self.address = ""
        """Where the HTTP front answers: scheme, host and port; "" while there is none on TCP."""
        self.simulate = simulate
        self._fleet = fleet
        self._keys = keys
        self._handed: dict[str, str] = {}
        self._store = store
        self._simulator: Simulator | None = None
        self._watching: asyncio.Task[None] | None = None
        self._embedder = ""  # the model whose vectors "auto" means, once somebody asked
        self._found: dict[str, tuple[Installed, ...]] = {}  # at local servers, when they were last asked
        self._seen = self._marks()
        self._changing = asyncio.Lock()
        self.stop = asyncio.Event()
        self.responses = Responses(time.monotonic)
        self.ledger = Ledger(store)
        self.workspace = Workspace()
        self.disk = Disk(never=fleet.settings.privacy.never, manifests_for=self.workspace.manifests_for)
        self.analyst = Analyst(
            local_only=fleet.settings.privacy.local_only,
            manifests_for=self.workspace.manifests_for,
            disk=self.disk,
            roots=lambda: self.workspace.roots,
        )
        self.upstream = Upstream(Network(), keys)
        self._probes = probing.Probes(self.upstream, store, time.time)
        self._probing: asyncio.Task[None] | None = None
        self._handing: asyncio.Future[None] | None = None
        self._declared = fleet  # as the catalog has it, before anything was proven
        self.lessons = Lessons(store, lambda: self.settings.learning, later=_later)
        self.experiments = Experiments(lambda: self._fleet.experiments, token)
        self.ledger.abilities, self.ledger.heard = self.lessons.abilities.beliefs, self._heard
        self.ledger.troubles = self.lessons.troubles
        self.metrics, self.visits = Metrics(), Visits()
        self.overview = Overview(store, self._priced)
        self.ledger.labelled = self.overview.told
        self.router = Router(
            plan=self.plan, upstream=self.upstream, analyst=self.analyst, ledger=self.ledger, timeouts=self.timeouts,
            lessons=self.lessons, experiments=self.experiments, hedge=self._hedge, peak=self._peak, fuse=self._fuse,
        )  # fmt: skip
        self.tasks = Tasks(self.router, self.analyst, fleet.settings)
        self.batches = Batches(
            paths.state / "batches", self.router, limits=lambda: self.settings.batch, providers=self._callable
        )

    @property
    def settings(self) -> Settings:
        """What holds now."""
        return self._fleet.settings

    @property
    def complaints(self) -> tuple[str, ...]:
        """What of the user's rules and of installed classifiers has no effect now, in sentences."""
        return (*self._fleet.complaints, *self.analyst.classifiers.complaints.values())

    def offers(self) -> tuple[Offer, ...]:
        """Every model of the catalog, usable or not."""
        return self._fleet.offers

    def dashboard(self) -> str:
        """An address that opens the dashboard once and soon; "" where no browser can reach it."""
        return f"{self.address}/dashboard#{self.visits.code()}" if self.address else ""

    def _callable(self) -> list[Provider]:
        """The providers that can be called now."""
        return list({offer.provider.name: offer.provider for offer in self.offers() if not offer.missing}.values())

    @property
    def simulator_url(self) -> str:
        """Where the simulator answers, or "" when nobody is sent there."""
        offered = self._simulator is not None and any(offer.provider.simulated for offer in self._fleet.offers)
        return self._simulator.url if self._simulator is not None and offered else ""

    def _hedge(self) -> Limits:
        limits = self._fleet.settings.hedge
        return Limits(limits.strategies, limits.share)

    def _fuse(self) -> fusing.Limits:
        limits = self._fleet.settings.fuse
        return fusing.Limits(limits.k, limits.judge)

    def _peak(self) -> tuple[Steps | None, float]:
        return ruling.steps_of(self._fleet.settings), self._fleet.settings.peak.patience

    def _heard(self, outcome: Outcome) -> None:
        self.lessons.ended(outcome)
        self.experiments.ended(outcome)
        self.metrics.heard(outcome)
        self.overview.heard(outcome)

    def _priced(self) -> dict[str, Model]:
        return {offer.model.key: offer.model for offer in self._fleet.offers}

    # Life.

    async def start(self) -> None:
        """Finds local servers, starts the simulator where it is wanted or nothing else is there, and watches."""
        self.lessons.resume(await self.ledger.recover())
        await self.lessons.recover()
        await self.experiments.recover(self._store)
        async with self._changing:
            await self._renew(self._fleet.settings, self._fleet.catalog)
        self._watching = asyncio.create_task(self._watch(), name="settings")

    async def close(self) -> None:
        """Ends everything; what was recorded is durable when this returns."""
        for task in (self._watching, self._probing, self._handing):
            if task is not None:
                task.cancel()
                with contextlib.suppress(asyncio.CancelledError):
                    await task
        await self.batches.close()
        await self.overview.close()
        if self.lessons.fresh:
            with contextlib.suppress(StoreError):
                await self.lessons.keep()
        self.workspace.close()
        self.disk.close()
        await self.upstream.aclose()
        if self._simulator is not None:
            await self._simulator.close()
        self._store.close()

    def hand(self, keys: Mapping[str, str]) -> None:
        """Takes keys out of an editor's own safe, by provider ("" takes one back). They live with this process."""
        changed = {name: key for name, key in keys.items() if self._handed.get(name, "") != key}
        if changed:
            held = {**self._handed, **changed}
            self._handed = {name: key for name, key in held.items() if key}
            self._handing = asyncio.ensure_future(self.reload())

    async def reload(self) -> None:
        """Reads settings and keys again. A broken file changes nothing and is told by `config_error`."""
        async with self._changing:
            try:
                settings = _settings(self.config_file, os.environ)
                keys = _keys(self.paths, os.environ, self.token, self._handed)
                fresh = load(self.paths, settings, self.config_file, os.environ)
            except ConfigError as error:
                self.config_error = str(error)
                log.warning("the settings were not reloaded: %s", error)
                return
            self.config_error = self._embedder = ""
            self._keys = keys
            self.upstream.use(keys)
            self._probes.forgive()
            await self._renew(settings, fresh)
            self.ledger.forgive()
        log.info("settings reloaded from %s", self.config_file)

    async def _watch(self) -> None:
        """Looks at the files and the local servers for as long as the App lives: no failure ends it."""
        looks = 0
        while True:
            await asyncio.sleep(WATCH_SECONDS)
            looks += 1
            try:
                await self._look(discover=looks % DISCOVER_EVERY == 0)
            except Exception:
                log.exception("the settings could not be followed")

    async def _look(self, *, discover: bool) -> None:
        seen = self._marks()
        if seen != self._seen:
            self._seen = seen
            await self.reload()
        elif discover:
            async with self._changing:
                await self._renew(self._fleet.settings, self._fleet.catalog)

    def _marks(self) -> tuple[tuple[int, int], ...]:
        """Changes when the settings file, the key file or the fetched prices do."""
        files = (self.config_file, self.paths.config / KEY_FILE, self.paths.prices)
        return tuple(config.fingerprint(file) for file in files)

    async def _renew(self, settings: Settings, loaded: Catalog) -> None:
        """The one way to a new fleet, at the start, after a reload and to discover. Held by `_changing`.

        Asks local servers what they have, and has the simulator where it is wanted or nobody else is usable.
        """
        loaded = await self._installed(loaded)
        made = fleet(settings, loaded, self._keys, "")
        if self.simulate or all(offer.missing for offer in made.offers):
            if self._simulator is None:
                from codriver.upstream import simulator  # who has a key never needs it

                self._simulator = await simulator.start(control=self.simulate, secret=self.token)
            made = fleet(settings, loaded, self._keys, self._simulator.url)
        self._declared = made
        for offer in self._to_prove():
            await self._probes.recall(offer.provider, offer.model)
        self._swap(self._proven())
        if self._probing is None or self._probing.done():
            self._probing = asyncio.create_task(self._prove(), name="probes")

    def _to_prove(self) -> list[Offer]:
        """Who shall be asked whether he fills holes: whoever is said to, and at home whoever's name says so; not where
        the server told it."""
        settings, told = self._declared.settings, {
            (name, one.id) for name, found in self._found.items() for one in found if one.fim
        }  # fmt: skip
        return [
            offer
            for offer in self._declared.offers
            if not offer.missing and not offer.provider.simulated and probing.wanted(offer.provider, offer.model)
            and (offer.provider.name, offer.model.upstream_id) not in told
            and _may_ask(settings, offer)
        ]  # fmt: skip

    def _proven(self) -> Fleet:
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
            except Exception:
                log.exception("%s could not be probed", offer.model.key)
                continue
            if found is not None and offer.model.fim and not found.fim:
                log.warning("%s gets no holes to fill: %s", offer.model.key, found.why)
            if found is not None and found.fim != offer.model.fim:
                async with self._changing:
                    self._swap(self._proven())

    async def _installed(self, loaded: Catalog) -> Catalog:
        """The catalog with what local servers list; a server that is not there has nothing."""
        asked = [provider for provider in loaded.providers.values() if provider.discover and not provider.lacks]
        known = self._found
        lists = await asyncio.gather(
            *(discovery.installed(self.upstream, provider, known.get(provider.name, ())) for provider in asked)
        )
        for provider, listed in zip(asked, lists, strict=True):
            loaded = loaded.found(provider.name, listed)
            known[provider.name] = listed
        return loaded

    def _swap(self, made: Fleet) -> None:
        for complaint in set(made.complaints) - set(self._fleet.complaints):
            log.warning("%s: %s", self.config_file, complaint)
        self._fleet = made
        self.analyst.local_only = Marked(made.settings.privacy.local_only)
        self.disk.forbid(made.settings.privacy.never)
        self.tasks.configure(made.settings)
        self.ledger.payers = bool(made.settings.budget.session_usd or made.settings.budget.workflow_usd)
        logging.getLogger("codriver").setLevel(made.settings.log.level.upper())

    # What the router asks.

    def plan(self, request: Request) -> Plan:
        """The offers and the wish that a request's model name and strategy stand for. Raises RequestRejected."""
        held = self._fleet
        key = (request.model, EMBED if request.needs.embed else request.strategy)
        made = held.plans.get(key)
        if made is None:
            made = self._embedding(held, request) if request.needs.embed else _planned(held, request)
            if len(held.plans) < 1000:
                held.plans[key] = made
        if request.max_cost is not None:
            bounds = replace(made.wish.bounds, request_usd=request.max_cost)
            return replace(made, wish=replace(made.wish, bounds=bounds))
        return made

    def _embedding(self, held: Fleet, request: Request) -> Plan:
        """The plan of a request for vectors. Raises RequestRejected for a name that only hints at a class of models.

        What "auto" means is chosen once: a local server that is away for a while changes nothing.
        """
        made = _planned(held, replace(request, strategy="cost"))
        wish = made.wish
        if wish.bounds.tier:
            text = f"{request.model!r} cannot be served now, and another model's vectors would not mix with its own"
            raise reject(text, field="model", kind=Kind.UNKNOWN_MODEL)
        if wish.bounds.only:
            return made
        offers, others, self._embedder = embedder(made.offers, self._embedder)
        if not self._embedder:
            return made
        reason = f"vectors of two models do not mix: {request.model!r} is always {self._embedder}"
        return Plan(offers, replace(wish, hint=reason, refused=(*wish.refused, *others)))

    def timeouts(self, request: Request, spent: float = 0.0) -> Timeouts:
        """How long each step of the next attempt may take, of a request that has taken `spent` seconds already.

        The caller's deadline and `timeouts.total` are for the request, not for each attempt. A whole
        answer's first byte comes with its last, so only the total counts there. Who is asked to think
        may do so in silence for minutes.
        """
        limits = self._fleet.settings.timeouts
        total = limits.total if request.deadline is None else min(limits.total, request.deadline)
        left = max(0.0, total - spent)
        first = limits.complete_first if request.typed else limits.first
        between = limits.between
        if request.limits.effort not in (None, "none", "minimal"):
            first, between = max(first, limits.thinking), max(between, limits.thinking)
        if not request.stream:
            first = left
        return Timeouts(connect=min(limits.connect, left), first=min(first, left), between=between, total=left)


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
    settings = _settings(file, environ)
    own = token(paths)
    keys = _keys(paths, environ, own)
    loaded = load(paths, settings, file, environ)
    store: Store = MemoryStore(time.time) if memory else SqliteStore(paths.ledger, time.time)
    return App(
        paths,
        file,
        store=store,
        keys=keys,
        token=own,
        fleet=fleet(settings, loaded, keys, ""),
        simulate=simulate,
    )


def load(paths: Paths, settings: Settings, file: Path, environ: Mapping[str, str]) -> Catalog:
    """The catalog of this installation: with the prices it fetched, if it did. Raises ConfigError."""
    found = catalog.load(settings, config_file=str(file), environ=environ, fetched=paths.prices, cache=paths.parsed)
    if found.complaint:
        log.warning("%s", found.complaint)
    return found


def _settings(file: Path, environ: Mapping[str, str]) -> Settings:
    """The settings of a file, with a strategy that exists. Raises ConfigError."""
    settings = config.load(file, environ)
    try:
        strategies.find(settings.routing.strategy)
    except LookupError as unknown:
        raise ConfigError(str(file), "routing.strategy", str(unknown), "Write one of these") from None
    ruling.check(settings.rules, str(file))
    for name, experiment in settings.experiments.items():
        for arm, told in experiment.arms.items():
            try:
                strategies.find(told.strategy or settings.routing.strategy)
            except LookupError as unknown:
                key = f"experiments.{name}.arms.{arm}.strategy"
                raise ConfigError(str(file), key, str(unknown), "Write one of these") from None
    return settings


def _keys(paths: Paths, environ: Mapping[str, str], own: str, handed: Mapping[str, str] | None = None) -> Keys:
    """The providers' keys. After `eval "$(codriver env)"` our own token stands where a key would: it is none."""
    theirs = {name: value for name, value in environ.items() if value.strip() != own}
    return Keys(theirs, file=read_key_file(paths.config / KEY_FILE), handed=handed)


def _later(work: Callable[[], None]) -> None:
    asyncio.get_running_loop().call_soon(work)


def _may_ask(settings: Settings, offer: Offer) -> bool:
    """Whether this model may be asked for a proof: at home, where the user himself said that it fills holes, or all."""
    table = settings.providers.get(offer.provider.name)
    model = table.models.get(offer.model.id) if table is not None else None
    named = model is not None and bool(model.fim)
    how = settings.complete.probe
    return how == "all" or (how == "local" and (offer.provider.local or named))


def fleet(settings: Settings, loaded: Catalog, keys: Keys, simulated: str) -> Fleet:
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
    made, complaints = ruling.rules_of(settings.rules, [offer.model.key for offer in offers])
    return Fleet(settings, loaded, tuple(offers), {}, experiments_of(settings), made, complaints)


def experiments_of(settings: Settings) -> tuple[Experiment, ...]:
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


def token(paths: Paths) -> str:
    """This installation's token, made on first use in a file only its owner can read. Raises StoreError."""
    try:
        return _held_token(paths.token) or _new_token(paths.token)
    except (OSError, UnicodeDecodeError) as error:
        raise StoreError(f"{paths.token}: {error}. Remove the file and a new token is made.") from error


def _held_token(file: Path) -> str:
    try:
        held = file.read_text(encoding="ascii").strip()
    except FileNotFoundError:
        return ""
    if os.name == "posix" and file.stat().st_mode & 0o077:
        file.chmod(0o600)
    return held if len(held) >= 16 else ""


def _new_token(file: Path) -> str:
    fresh = f"cdr-{secrets.token_urlsafe(32)}"
    draft = file.with_name(f"{file.name}.{os.getpid()}")
    with open(os.open(draft, os.O_CREAT | os.O_WRONLY | os.O_TRUNC, 0o600), "w", encoding="ascii") as out:
        out.write(fresh + "\n")
    try:
        # Two processes may be first at once: the link fails for the later one, which takes the other's.
        os.link(draft, file)
    except OSError:
        held = _held_token(file)
        if held:
            return held
        # What is there is no token, or there are no hard links (FAT, some shared folders).
        os.replace(draft, file)
        return _held_token(file)
    finally:
        draft.unlink(missing_ok=True)
    return fresh


def _missing(provider: Provider, keys: Keys) -> str:
    """Why a provider cannot be called now, or ""."""
    if provider.lacks:
        return provider.lacks
    if provider.auth == "none" or provider.keyless or keys.lookup(provider) is not None:
        return ""
    if provider.login:
        return logins.missing(provider, keys.environ)
    return f"{' or '.join(keys.variables(provider))} is not set" if provider.key_env else ""


def _planned(held: Fleet, request: Request) -> Plan:
    wish = _wish(held, request)
    offers, refused = standing(held.offers, wish.bounds)
    steps = ruling.steps_of(held.settings)
    return Plan(offers, replace(wish, refused=refused), rules=held.rules, steps=steps)


def _wish(held: Fleet, request: Request) -> Wish:
    settings = held.settings
    usable = {offer.provider.name for offer in held.offers if not offer.missing}
    found: Resolution = held.catalog.resolve(request.model, settings, lambda provider: provider.name in usable)
    return Wish(
        strategy=request.strategy or found.strategy,
        bounds=Bounds(
            only=found.model,
            tier=found.tier,
            daily_usd=settings.budget.daily_usd,
            session_usd=settings.budget.session_usd,
            workflow_usd=settings.budget.workflow_usd,
        ),
        floor=settings.routing.floor,
        hint=found.note,
        experience=settings.routing.experience,
        tenth=settings.routing.tenth_usd,
        harder=settings.routing.harder,
    )
