"""What follows from a change of settings, keys or local servers while Codriver runs."""

from __future__ import annotations

import asyncio
import logging
import os
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest

from codriver import app as application
from codriver import paths
from codriver.app import App, renewal
from codriver.model.provider import Installed, Provider
from codriver.model.request import Purpose, Request
from codriver.upstream import discovery, simulator
from codriver.upstream.client import Upstream

REAL = '[providers.house]\nbase_url = "http://127.0.0.1:9"\nwire = "openai_chat"\n[providers.house.models.m]\n'


class Servers:
    """The local servers as `discovery` sees them: what each lists, and a gate that lists wait at."""

    def __init__(self) -> None:
        self.lists: dict[str, tuple[str, ...]] = {}
        self.asked = asyncio.Event()
        self.gate = asyncio.Event()
        self.gate.set()
        self.broken = False

    async def installed(self, upstream: Upstream, provider: Provider, known: object = ()) -> tuple[Installed, ...]:
        self.asked.set()
        await self.gate.wait()
        if self.broken:
            raise RuntimeError("played")
        return tuple(Installed(one) for one in self.lists.get(provider.name, ()))


@pytest.fixture
def servers(monkeypatch: pytest.MonkeyPatch) -> Servers:
    played = Servers()
    monkeypatch.setattr(discovery, "installed", played.installed)
    return played


@asynccontextmanager
async def running(*, simulate: bool = False) -> AsyncIterator[App]:
    made = application.create(paths.find(), memory=True, simulate=simulate)
    await made.start()
    try:
        yield made
    finally:
        await made.close()


def sellers(app: App) -> set[str]:
    """The providers that an `auto` request may go to."""
    return {offer.provider.name for offer in app.plan(Request("i", Purpose.CHAT)).offers}


def write(app: App, text: str) -> None:
    app.config_file.write_text(text)


def write_key(app: App, line: str) -> None:
    with open(os.open(app.paths.config / "keys.toml", os.O_CREAT | os.O_WRONLY | os.O_TRUNC, 0o600), "w") as file:
        file.write(line)


async def at_last(app: App, wanted: set[str]) -> set[str]:
    """Who sells, as soon as it is those; after ten seconds whoever it is."""
    for _ in range(2000):
        if sellers(app) == wanted:
            break
        await asyncio.sleep(0.005)
    return sellers(app)


async def test_the_simulator_leaves_when_a_provider_comes_and_returns_when_the_last_goes(servers: Servers) -> None:
    async with running() as app:
        assert sellers(app) == {"simulator"} and app.simulator_url
        write(app, REAL)
        await app.reload()
        assert sellers(app) == {"house"} and app.simulator_url == ""
        write(app, "")
        await app.reload()
        assert sellers(app) == {"simulator"} and app.simulator_url


async def test_the_simulator_starts_when_the_last_provider_goes(servers: Servers, own_home: Path) -> None:
    own_home.mkdir()
    (own_home / "config.toml").write_text(REAL)
    async with running() as app:
        assert sellers(app) == {"house"} and app.simulator_url == ""
        write(app, "")
        await app.reload()
        assert sellers(app) == {"simulator"} and app.simulator_url


async def test_asked_for_it_stays_beside_the_others(servers: Servers) -> None:
    async with running(simulate=True) as app:
        write(app, REAL)
        await app.reload()
        assert sellers(app) == {"simulator", "house"}


async def test_a_local_server_that_appears_replaces_the_simulator(
    servers: Servers, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(renewal, "WATCH_SECONDS", 0.005)
    monkeypatch.setattr(renewal, "DISCOVER_EVERY", 1)
    async with running() as app:
        servers.lists["ollama"] = ("llama3",)
        assert await at_last(app, {"ollama"}) == {"ollama"}
        servers.lists.clear()
        assert await at_last(app, {"simulator"}) == {"simulator"}


async def test_a_key_in_its_file_is_noticed(servers: Servers, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(renewal, "WATCH_SECONDS", 0.005)
    async with running() as app:
        write_key(app, 'openai = "sk-played"\n')
        assert await at_last(app, {"openai"}) == {"openai"}
        (app.paths.config / "keys.toml").unlink()
        assert await at_last(app, {"simulator"}) == {"simulator"}


async def test_a_reload_during_discovery_ends_neither(servers: Servers, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(renewal, "WATCH_SECONDS", 0.005)
    monkeypatch.setattr(renewal, "DISCOVER_EVERY", 1)
    async with running() as app:
        servers.lists["ollama"] = ("llama3",)
        servers.gate.clear()
        servers.asked.clear()
        await servers.asked.wait()
        write(app, "[providers.ollama]\nenabled = false\n" + REAL)
        reload = asyncio.create_task(app.reload())
        await asyncio.sleep(0)
        servers.gate.set()
        await reload
        assert sellers(app) == {"house"}
        write(app, "")
        assert await at_last(app, {"ollama"}) == {"ollama"}


async def test_the_watcher_goes_on_after_any_failure(servers: Servers, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(renewal, "WATCH_SECONDS", 0.005)
    async with running() as app:
        servers.broken = True
        servers.asked.clear()
        write(app, REAL)
        await servers.asked.wait()
        servers.broken = False
        write(app, REAL + "\n")
        assert await at_last(app, {"house"}) == {"house"}


async def test_a_simulator_that_cannot_start_is_told_and_changes_nothing(
    servers: Servers, own_home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def refused(**_: object) -> simulator.Simulator:
        raise OSError("no ports left")

    own_home.mkdir()
    (own_home / "config.toml").write_text(REAL)
    async with running() as app:
        monkeypatch.setattr(simulator, "start", refused)
        write(app, "")
        with pytest.raises(OSError, match="no ports"):
            await app.reload()
        assert sellers(app) == {"house"}


async def test_the_log_level_holds_for_all_of_codriver_at_once(servers: Servers, own_home: Path) -> None:
    own_home.mkdir()
    (own_home / "config.toml").write_text('[log]\nlevel = "error"\n')
    before = logging.getLogger("codriver").level
    try:
        async with running() as app:
            assert logging.getLogger("codriver.http").getEffectiveLevel() == logging.ERROR
            write(app, '[log]\nlevel = "debug"\n')
            await app.reload()
            assert logging.getLogger("codriver.http").getEffectiveLevel() == logging.DEBUG
    finally:
        logging.getLogger("codriver").setLevel(before)


async def test_broken_settings_are_told_and_change_nothing(servers: Servers) -> None:
    async with running() as app:
        write(app, REAL)
        await app.reload()
        write(app, "[routing\nstrategy = 5\n")
        await app.reload()
        assert "config.toml:1: is not valid TOML" in app.config_error
        assert sellers(app) == {"house"}
        write(app, REAL)
        await app.reload()
        assert app.config_error == ""
