"""The queue in this process, with a clock of the test's: time that runs out, files in use, what is forgotten."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator, Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from codriver import app as application
from codriver.app import App
from codriver.batches import Batch, Batches, native, running, services
from codriver.batches.record import WINDOW, Elsewhere
from codriver.errors import Failure, Kind, RequestRejected, UpstreamFailed
from codriver.model.provider import Provider
from codriver.paths import Paths
from codriver.upstream import simulator


class Clock:
    """Unix time, moved by hand."""

    def __init__(self) -> None:
        self.now = 1_000_000.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
async def app(tmp_path: Path) -> AsyncIterator[App]:
    paths = Paths(tmp_path, tmp_path, tmp_path)
    made = application.create(paths, simulate=True, memory=True, environ={})
    await made.start()
    yield made
    await made.close()


def queue(app: App, clock: Clock) -> Batches:
    return Batches(
        app.paths.state / "queue", app.router, limits=lambda: app.settings.batch, providers=list, clock=clock
    )


def put(batches: Batches, count: int, *models: str) -> str:
    draft = batches.files.draft()
    for number in range(count):
        body = {
            "model": models[number % len(models)] if models else "simulator/sim-small",
            "messages": [{"role": "user", "content": "hi"}],
        }
        line = {"custom_id": f"r{number}", "method": "POST", "url": "/v1/chat/completions", "body": body}
        draft.write(json.dumps(line).encode() + b"\n")
    return batches.files.keep(draft, "in.jsonl", "batch").id


async def until(condition: Callable[[], object]) -> None:
    async with asyncio.timeout(20):
        while not condition():  # noqa: ASYNC110 (nobody tells a test)
            await asyncio.sleep(0.005)


async def over(batches: Batches, ident: str) -> Batch:
    await until(lambda: (batch := batches.get(ident)) is not None and batch.over)
    batch = batches.get(ident)
    assert batch is not None
    return batch


def told(batches: Batches, ident: str) -> list[dict[str, Any]]:
    file = batches.files.get(ident)
    return [json.loads(line) for line in batches.files.path(file).read_bytes().splitlines()] if file else []


async def test_what_has_not_run_when_time_is_over_is_told_line_by_line(app: App) -> None:
    clock = Clock()
    first = queue(app, clock)
    made = await first.create("/v1/chat/completions", put(first, 5))
    await first.close()  # before a line ran
    clock.now += WINDOW + 1
    second = queue(app, clock)
    await second.start()
    batch = await over(second, made.id)
    assert (batch.status, batch.completed, batch.total, batch.output) == ("expired", 0, 5, "")
    lines = told(second, batch.errors)
    assert [line["custom_id"] for line in lines] == [f"r{n}" for n in range(5)]
    assert {line["error"]["code"] for line in lines} == {"batch_expired"}
    await second.close()


async def test_a_batch_goes_on_where_an_earlier_queue_left_it(app: App) -> None:
    clock = Clock()
    first = queue(app, clock)
    made = await first.create("/v1/chat/completions", put(first, 30))
    await until(lambda: (first.get(made.id) or made).completed >= 5)
    await first.close()
    before = app.ledger.requests
    second = queue(app, clock)
    assert second.unfinished == 1
    await second.start()
    batch = await over(second, made.id)
    assert (batch.status, batch.completed, second.unfinished) == ("completed", 30, 0)
    assert [line["custom_id"] for line in told(second, batch.output)] == [f"r{n}" for n in range(30)]
    assert app.ledger.requests - before <= 25
    assert not list((app.paths.state / "queue").glob("*.journal"))
    await second.close()


async def test_a_file_in_use_is_known_and_one_that_is_gone_is_told(app: App) -> None:
    clock = Clock()
    batches = queue(app, clock)
    ident = put(batches, 3)
    made = await batches.create("/v1/chat/completions", ident)
    assert batches.uses(ident)
    await over(batches, made.id)
    assert not batches.uses(ident)
    for endpoint, file in (("/v1/else", ident), ("/v1/chat/completions", "file-none")):
        with pytest.raises(RequestRejected):
            await batches.create(endpoint, file)
    assert await batches.cancel("batch_none") is None
    await batches.close()


async def test_old_batches_and_files_are_forgotten(app: App) -> None:
    clock = Clock()
    batches = queue(app, clock)
    made = await batches.create("/v1/chat/completions", put(batches, 1))
    await over(batches, made.id)
    await batches.close()
    clock.now += 31 * 86_400
    later = queue(app, clock)
    await later.start()
    assert later.all() == [] and later.files.all() == []
    assert [path.name for path in (app.paths.state / "queue").rglob("*") if path.is_file()] == []
    await later.close()


async def test_a_spent_budget_is_waited_for_and_cancelling_ends_the_wait(tmp_path: Path) -> None:
    """I1: a line that today's budget does not allow is no error: there is another day."""
    async with await simulator.start() as provider:
        (tmp_path / "config.toml").write_text(f"""
        [budget]
        daily_usd = 0.00001
        [providers.box]
        base_url = "{provider.url}"
        wire = "openai_chat"
        headers = {{ authorization = "Bearer any" }}
        [providers.box.models.sim-small]
        price = {{ input = 100, output = 400 }}
        """)
        app = application.create(
            Paths(tmp_path, tmp_path, tmp_path), config_file=tmp_path / "config.toml", memory=True, environ={}
        )
        await app.start()
        made = await app.batches.create("/v1/chat/completions", put(app.batches, 3, "box/sim-small"))
        await until(lambda: app.ledger.requests >= 3)
        standing = app.batches.get(made.id)
        assert standing is not None
        assert (standing.status, standing.completed, standing.failed) == ("in_progress", 0, 0)
        await app.batches.cancel(made.id)
        batch = await over(app.batches, made.id)
        assert (batch.status, len(told(app.batches, batch.errors)), list(provider.log)) == ("cancelled", 3, [])
        await app.close()


async def test_a_caller_s_wishes_hold_for_every_line(app: App) -> None:
    batches = queue(app, Clock())
    headers = {"x-codriver-strategy": "quality", "authorization": "secret", "x-codriver-session": "s"}
    made = await batches.create("/v1/chat/completions", put(batches, 2, "auto"), headers=headers)
    assert made.headers == {"x-codriver-strategy": "quality", "x-codriver-session": "s"}
    await over(batches, made.id)
    newest = app.ledger.last("batch")
    assert newest is not None and (newest.decision.strategy, newest.session) == ("quality", "s")
    await batches.close()


class Unreachable:
    """A provider's batch API behind a network that is down."""

    ENDPOINTS = frozenset({"/v1/chat/completions"})

    def __init__(self) -> None:
        self.asked = 0

    async def look(self, *asked: Any) -> None:
        self.asked += 1
        await asyncio.sleep(0)
        raise UpstreamFailed(Failure(Kind.TRANSIENT, "no route"))


@pytest.mark.parametrize("gone", [True, False], ids=["its key was removed", "it cannot be reached"])
async def test_a_batch_that_was_stopped_waits_for_its_provider_without_haste(
    app: App, monkeypatch: pytest.MonkeyPatch, gone: bool
) -> None:
    """What is cancelled while nobody can be asked neither turns in circles nor stands there for ever."""
    api, clock = Unreachable(), Clock()
    monkeypatch.setattr(services, "find", lambda name: api)
    monkeypatch.setattr(native, "LONGEST_LOOK", native.FIRST_LOOK)
    (made,) = {offer.provider.name: offer.provider for offer in app.offers() if offer.provider.simulated}.values()
    there: list[Provider] = [] if gone else [replace(made, batch="openai")]
    batches = Batches(
        app.paths.state / "queue", app.router, limits=lambda: app.settings.batch, providers=lambda: there, clock=clock
    )
    ident = "batch_1"
    place = Elsewhere("simulator", ("simulator/sim-small",), 0.0, "file-there", "batch-there")
    await batches.store(
        Batch(ident, "/v1/chat/completions", put(batches, 2), clock(), status="in_progress", in_progress_at=1,
              total=2, elsewhere=place)
    )  # fmt: skip
    await batches.start()
    await until(lambda: api.asked or gone)
    await until(lambda: batches.journal(batches.latest(Batch(ident, "", "", 0))).exists())
    await batches.cancel(ident)
    if not gone:
        before = api.asked
        for _ in range(200):
            await asyncio.sleep(0)
        assert api.asked - before <= 2
        clock.now += 2 * WINDOW + 1
    batch = await over(batches, ident)
    assert (batch.status, len(told(batches, batch.errors))) == ("cancelled", 2)
    await batches.close()


async def test_a_batch_cancelled_while_it_is_looked_through_stays_cancelled(app: App) -> None:
    for turns in range(0, 40, 4):
        batches = queue(app, Clock())
        made = await batches.create("/v1/chat/completions", put(batches, 3, "simulator/sim-claude"))
        for _ in range(turns):
            await asyncio.sleep(0)
        stopped = await batches.cancel(made.id)
        assert stopped is not None and stopped.status in ("cancelling", "cancelled")
        assert (await over(batches, made.id)).cancelling_at
        await batches.close()


async def test_what_a_kill_left_half_done_is_swept_up(app: App) -> None:
    batches = queue(app, Clock())
    ident = put(batches, 1)
    folder = app.paths.state / "queue"
    for name in ("batch_x.journal", "files/file-x.content", "files/y.draft"):
        (folder / name).write_bytes(b"half")
    again = queue(app, Clock())
    await again.start()
    assert [file.id for file in again.files.all()] == [ident]
    left = {path.name for path in folder.rglob("*") if path.is_file()}
    assert left == {f"{ident}.content", f"{ident}.json"}
    await again.close()
    await batches.close()


async def test_what_is_past_its_time_goes_also_while_the_daemon_lives(app: App) -> None:
    clock = Clock()
    batches = queue(app, clock)
    old = put(batches, 1)
    clock.now += 31 * 86_400
    new = await batches.create("/v1/chat/completions", put(batches, 1))
    assert batches.files.get(old) is None and batches.files.get(new.input) is not None
    await over(batches, new.id)
    await batches.close()


async def test_an_upload_that_a_full_disk_ended_leaves_nothing(app: App, monkeypatch: pytest.MonkeyPatch) -> None:
    draft = queue(app, Clock()).files.draft()
    draft.write(b"x")
    close = draft._out.close

    def full() -> None:
        close()
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(draft, "_out", type("Full", (), {"close": staticmethod(full)})())
    draft.drop()
    assert not draft.path.exists()


async def test_a_line_that_codriver_fails_on_does_not_hold_up_the_others(
    app: App, monkeypatch: pytest.MonkeyPatch
) -> None:
    opened = app.router.open

    def odd(request: Any, **how: Any) -> Any:
        if request.model.endswith("claude"):
            raise KeyError("nobody foresaw this")
        return opened(request, **how)

    monkeypatch.setattr(app.router, "open", odd)
    monkeypatch.setattr(running, "MOST_TRIES", 1)
    batches = queue(app, Clock())
    names = ("simulator/sim-small", "simulator/sim-claude")
    made = await batches.create("/v1/chat/completions", put(batches, 6, *names))
    batch = await over(batches, made.id)
    assert (batch.status, batch.completed, batch.failed) == ("completed", 3, 3)
    assert "KeyError" in told(batches, batch.errors)[0]["response"]["body"]["error"]["message"]
    await batches.close()
