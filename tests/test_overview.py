"""Sums by day: everything once, whatever was read and whatever was heard meanwhile; nothing while nobody looks."""

from __future__ import annotations

import asyncio
from datetime import datetime, timedelta
from math import inf

import pytest

from codriver import overview
from codriver.errors import Failure, Kind, StoreError
from codriver.ledger import Ledger
from codriver.metrics import MODELS, OTHERS, Metrics
from codriver.model.decision import Attempt, Candidate, Decision, Outcome
from codriver.model.events import Usage
from codriver.model.provider import Model, Price
from codriver.overview import Overview, merged
from codriver.state.store import MemoryStore, Row
from codriver.visits import CODE_SECONDS, KEY_SECONDS, MOST, Visits

NOON = datetime(2026, 11, 21, 12).timestamp()
DAY = timedelta(days=1).total_seconds()
MODELS_BY_KEY = {
    key: Model("a", key[2:], key[2:], 100_000, 4000, Price(input=price, output=price), {})
    for key, price in (("a/small", 1.0), ("a/large", 10.0))
}
CANDIDATES = (Candidate("a/small", "x", 0.7, 0.001, 1.0), Candidate("a/large", "x", 0.9, 0.01, 2.0))


def outcome(ident: str, at: float = NOON, purpose: str = "chat", **more: object) -> Outcome:
    usage = Usage(input=500, cached=300, output=200)
    decision = Decision(ident, "auto", CANDIDATES, (), ("because",))
    fixed: dict[str, object] = {"model": "a/small", "usage": usage, "cost": 0.0007, "seconds": 1.0, **more}
    return Outcome(ident, at, "http", "x", purpose, str(fixed.pop("status", "ok")), decision, **fixed)


class Clock:
    now = NOON + 60.0

    def __call__(self) -> float:
        return self.now


def seen(store: MemoryStore, clock: Clock | None = None) -> Overview:
    return Overview(store, lambda: MODELS_BY_KEY, clock or Clock())


async def all_read(made: Overview) -> None:
    for _ in range(100_000):
        if made.complete:
            return
        await asyncio.sleep(0)
    raise AssertionError("the earlier days are not read")


async def test_all_of_a_busy_second_count(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(overview, "PAGE", 3)
    store = MemoryStore(Clock())
    for number in range(20):
        store.append(outcome(f"{number}", NOON + number / 100))
    (*_, today) = await seen(store).look()
    assert today.requests == 20


async def test_earlier_days_and_live_outcomes_are_counted_once(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(overview, "PAGE", 3)  # many windows, some of them halved
    store, clock = MemoryStore(Clock()), Clock()
    for back in range(40):
        for number in range(5):
            store.append(outcome(f"{back}-{number}", NOON - back * DAY + number * 3.0))
    made = seen(store, clock)
    today = (await made.look())[-1]
    assert (today.date, today.requests) == ("2026-11-21", 5)
    # While earlier days are being read: one of today, and one that began yesterday.
    for late in (outcome("live"), outcome("long", NOON - DAY)):
        store.append(late)
        made.heard(late)
    await made.look()
    await all_read(made)
    days = await made.look()
    assert len(days) == overview.DAYS
    assert [day.requests for day in days[:-2]] == [5] * (overview.DAYS - 2)
    assert [day.requests for day in days[-2:]] == [6, 6]
    assert merged(days).requests == 5 * overview.DAYS + 2
    assert merged(days).cost == pytest.approx(0.0007 * (5 * overview.DAYS + 2))
    assert [one.id for one in made.recent()[:2]] == ["0-4", "0-3"]
    await made.close()


async def test_savings_are_those_of_one_model_for_all() -> None:
    store = MemoryStore(Clock())
    for number in range(3):
        store.append(outcome(f"o{number}", NOON + number))
    # Simulated: not billed, and compared by prices all the same.
    store.append(outcome("free", NOON + 5, cost=0.0))
    made = seen(store)
    day = (await made.look())[-1]
    small, large = (next(one for one in day.singles.rows() if one.model == key) for key in MODELS_BY_KEY)
    assert (small.requests, small.cost) == (4, pytest.approx(4 * 0.0007))
    assert large.cost - large.was == pytest.approx(4 * (0.007 - 0.0007)) == day.saved
    assert day.cost == pytest.approx(3 * 0.0007)
    await made.close()


async def test_what_is_said_of_completions_moves_them_from_word_to_word() -> None:
    store = MemoryStore(Clock())
    store.append(outcome("old", purpose="complete"))
    store.label("old", "accepted")
    made = seen(store)
    assert dict((await made.look())[-1].words) == {"accepted": 1}
    made.heard(outcome("new", NOON + 1, purpose="complete"))
    made.told("new", "rejected")
    made.told("old", "kept")
    made.told("unknown", "kept")
    day = (await made.look())[-1]
    assert {word: n for word, n in day.words.items() if n} == {"rejected": 1, "kept": 1}
    await made.close()


async def test_failures_are_counted_at_who_failed() -> None:
    store = MemoryStore(Clock())
    attempts = (Attempt("a/large", "x", 0.0, None, 0.2, Failure(Kind.OVERLOADED, "")), Attempt("a/small", "x", 0.2))
    store.append(outcome("one", attempts=attempts))
    store.append(outcome("two", status="unroutable", model="", cost=0.0))
    made = seen(store)
    day = (await made.look())[-1]
    assert (day.models["a/large"].failures, day.models["a/large"].requests) == (1, 0)
    assert (day.models["a/small"].failures, day.models["a/small"].requests) == (0, 1)
    assert (day.requests, day.failed) == (2, 1)
    await made.close()


async def test_while_nobody_looks_nothing_is_kept_and_the_store_is_not_asked(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(overview, "WAITING", 4)
    store, clock = MemoryStore(Clock()), Clock()
    made = seen(store, clock)
    for number in range(10):
        made.heard(outcome(f"unseen{number}"))
    assert made.recent() == []
    await made.look()
    for number in range(10):  # more than may wait: the oldest are folded as they come
        made.heard(outcome(f"seen{number}"))
    assert len(made.recent()) == 6
    assert (await made.look())[-1].requests == 10
    clock.now += overview.FORGOTTEN + 1.0
    for number in range(10):
        made.heard(outcome(f"later{number}"))
    assert (made.recent(), made.complete) == ([], False)
    assert (await made.look())[-1].requests == 0  # as the store has it
    await made.close()


async def test_whoever_looks_sees_what_the_ledger_was_owed() -> None:
    store, clock = MemoryStore(Clock()), Clock()
    ledger = Ledger(store, clock)
    made = Overview(store, lambda: MODELS_BY_KEY, clock, settle=ledger.settle)
    ledger.owe(lambda: outcome("owed"))
    assert (await made.look())[-1].requests == 1
    await made.close()


def test_a_code_opens_once_and_soon_and_a_used_key_lives_on() -> None:
    clock = Clock()
    visits = Visits(clock)
    code = visits.code()
    key = visits.enter(code)
    assert key
    assert visits.enter(code) == ""
    assert visits.enter("made up") == ""
    assert not visits.admits(code)
    late = visits.code()
    clock.now += CODE_SECONDS + 1.0
    assert visits.enter(late) == ""
    for _ in range(3):
        clock.now += 0.9 * KEY_SECONDS
        assert visits.admits(key)
    clock.now += KEY_SECONDS + 1.0
    assert not visits.admits(key)


def test_codes_do_not_pile_up() -> None:
    visits = Visits(Clock())
    first, *others = [visits.code() for _ in range(MOST + 1)]
    assert visits.enter(first) == ""
    assert visits.enter(others[0])


def test_metrics_have_bounded_labels_and_whole_histograms() -> None:
    made = Metrics()
    for number in range(MODELS + 50):
        made.heard(outcome(f"o{number}", model=f'a/"odd"\n{number}', first=0.3, seconds=400.0))
    lines = made.text([("codriver_waiting", "Now.", 2)]).splitlines()
    assert "codriver_waiting 2" in lines
    labelled = [line for line in lines if line.startswith("codriver_requests_total{")]
    assert len(labelled) == MODELS + 1
    assert f'codriver_requests_total{{model="{OTHERS}",purpose="chat",status="ok"}} 50' in lines
    assert labelled[0] == r'codriver_requests_total{model="a/\"odd\"\n0",purpose="chat",status="ok"} 1'
    assert f'codriver_first_content_seconds_bucket{{model="{OTHERS}",le="0.25"}} 0' in lines
    assert f'codriver_first_content_seconds_bucket{{model="{OTHERS}",le="0.5"}} 50' in lines
    assert 'codriver_request_seconds_bucket{purpose="chat",le="300"} 0' in lines
    assert f'codriver_request_seconds_bucket{{purpose="chat",le="+Inf"}} {MODELS + 50}' in lines
    assert f'codriver_tokens_total{{model="{OTHERS}",purpose="chat",kind="cached"}} 15000' in lines


class Failing(MemoryStore):
    """A store that cannot tell of yesterday for a while."""

    def __init__(self, failing: bool) -> None:
        super().__init__(Clock())
        self.failing, self.failed = failing, asyncio.Event()

    async def outcomes(self, since: float = 0.0, limit: int = 100, until: float = inf) -> list[Row]:
        if self.failing and since < NOON - DAY:
            self.failed.set()
            raise StoreError("the disk is full")
        return await super().outcomes(since, limit, until)


async def test_days_that_could_not_be_read_are_not_taken_for_whole_and_read_again() -> None:
    store = Failing(True)
    store.append(outcome("today"))
    store.append(outcome("before", NOON - 90_000.0))
    made = seen(store)
    assert sum(day.requests for day in await made.look()) == 1
    await store.failed.wait()
    for _ in range(10):
        await asyncio.sleep(0)
        assert not made.complete
    store.failing = False
    await made.look()
    await all_read(made)
    assert sum(day.requests for day in await made.look()) == 2
    await made.close()
