"""The contract of every Store, and what only the SQLite one must keep: durability, order, migrations."""

from __future__ import annotations

import asyncio
import sqlite3
from collections.abc import Iterator
from pathlib import Path

import pytest

from codriver.errors import Failure, Kind, StoreError
from codriver.model.decision import Attempt, Candidate, Decision, Outcome, Refusal
from codriver.model.events import Usage
from codriver.state.sqlite import KEEP_SECONDS, MIGRATIONS, SqliteStore
from codriver.state.store import Judgement, MemoryStore, Store


class Clock:
    """Time as the test says."""

    now = 1000.0

    def __call__(self) -> float:
        return self.now


def outcome(ident: str, at: float, **over: object) -> Outcome:
    decision = Decision(ident, "auto", (Candidate("a/b", "openai_chat", 0.9, 0.01, 1.0),), reasons=("because",))
    failed = Attempt("a/c", "openai_chat", 0.0, ended=0.1, failure=Failure(Kind.OVERLOADED, "busy"))
    values: dict[str, object] = {
        "id": ident, "at": at, "front": "http", "wire": "openai_chat", "purpose": "chat", "status": "ok",
        "decision": decision, "attempts": (failed, Attempt("a/b", "openai_chat", 0.1, 0.2, 0.3)), "model": "a/b",
        "usage": Usage(10, 5, 0, 7), "cost": 0.25, "seconds": 0.3, "session": "s",
    }  # fmt: skip
    return Outcome(**(values | over))


@pytest.fixture(params=["memory", "sqlite"])
def store(request: pytest.FixtureRequest, tmp_path: Path, clock: Clock) -> Iterator[Store]:
    made: Store = MemoryStore(clock) if request.param == "memory" else SqliteStore(tmp_path / "l.sqlite3", clock)
    yield made
    made.close()


@pytest.fixture
def clock() -> Clock:
    return Clock()


def judgement(outcome: str, source: str, reward: float, at: float, model: str = "a/b") -> Judgement:
    return Judgement(outcome, source, model, "word", at, "debug", 0.5, reward, 1.0)


async def test_of_each_judge_the_last_word_stays(store: Store) -> None:
    store.judge(judgement("one", "tests", 0.0, 1.0))
    store.judge(judgement("one", "person", 0.0, 2.0))
    store.judge(judgement("one", "tests", 1.0, 3.0))
    store.judge(judgement("one", "tests", 0.0, 4.0, model="a/c"))
    kept = await store.judgements()
    assert [(one.source, one.model, one.reward, one.at) for one in kept] == [
        ("tests", "a/c", 0.0, 4.0), ("tests", "a/b", 1.0, 3.0), ("person", "a/b", 0.0, 2.0),
    ]  # fmt: skip
    assert [one.at for one in await store.judgements(since=3.0, limit=1)] == [4.0]


async def test_the_chance_and_the_arm_of_a_decision_are_kept(store: Store) -> None:
    decision = Decision("one", "auto", (), propensity=0.04, arm="brief/b")
    store.append(outcome("one", 1.0, decision=decision))
    found = await store.find("one")
    assert found is not None
    assert (found.propensity, found.arm, found.reasons.decision.propensity) == (0.04, "brief/b", 0.04)


async def test_outcomes_come_back_newest_first(store: Store) -> None:
    for ident, at in (("one", 1.0), ("three", 3.0), ("two", 2.0)):
        store.append(outcome(ident, at))
    rows = await store.outcomes()
    assert [row.id for row in rows] == ["three", "two", "one"]
    assert [row.id for row in await store.outcomes(since=2.0)] == ["three", "two"]
    assert [row.id for row in await store.outcomes(limit=1)] == ["three"]
    assert [row.id for row in await store.outcomes(until=3.0)] == ["two", "one"]
    assert (rows[0].prompt_tokens, rows[0].output_tokens, rows[0].cost) == (15, 7, 0.25)
    assert rows[0].reasons.decision == outcome("three", 3.0).decision
    assert rows[0].reasons.attempts == outcome("three", 3.0).attempts


async def test_an_id_is_kept_once_and_labels_stick(store: Store) -> None:
    store.append(outcome("one", 1.0))
    store.append(outcome("one", 1.0))
    store.label("one", "accepted")
    store.label("nobody", "accepted")
    rows = await store.outcomes()
    assert [(row.id, row.label) for row in rows] == [("one", "accepted")]
    store.label("one", "up", 0.5, "half good – ü")
    found = await store.find("one")
    assert found is not None and (found.label, found.score, found.remark) == ("up", 0.5, "half good – ü")
    assert await store.find("nobody") is None


async def test_whatever_lies_together_is_done_in_its_order(store: Store) -> None:
    for n in range(50):
        store.append(outcome(f"o{n}", float(n)))
        if n % 7 == 0:
            store.label(f"o{n}", "accepted")
            store.label(f"o{n + 1}", "too early")
    rows = (await store.outcomes(limit=100))[::-1]
    assert [row.id for row in rows] == [f"o{n}" for n in range(50)]
    assert [n for n, row in enumerate(rows) if row.label == "accepted"] == list(range(0, 50, 7))
    assert not [row.id for row in rows if row.label == "too early"]


async def test_values_expire(store: Store, clock: Clock) -> None:
    await store.put("k", "v", ttl=10)
    await store.put("forever", "v")
    assert await store.get("k") == "v"
    clock.now += 11
    assert await store.get("k") is None
    assert await store.get("forever") == "v"
    assert await store.get("nothing") is None


async def test_counters_add_up_and_start_again_after_their_time(store: Store, clock: Clock) -> None:
    assert await store.add("c", 1.5, ttl=10) == 1.5
    clock.now += 5
    assert await store.add("c", 2.0, ttl=10) == 3.5
    clock.now += 6
    assert await store.add("c", 1.0, ttl=10) == 1.0


async def test_spending_is_summed_from_a_time_on(store: Store) -> None:
    assert await store.spent(0.0) == 0.0
    for n in range(4):
        store.append(outcome(f"o{n}", float(n), cost=0.5))
    assert await store.spent(0.0) == 2.0
    assert await store.spent(2.0) == 1.0
    assert await store.spent(9.0) == 0.0


async def test_refusals_that_follow_from_the_settings_are_not_kept(store: Store) -> None:
    refused = tuple(Refusal(f"m/{why}", why, "") for why in ("unavailable", "pinned", "tier", "cooling", "window"))
    store.append(outcome("one", 1.0, decision=Decision("one", "auto", (), refused)))
    (kept,) = await store.outcomes()
    assert [r.why for r in kept.reasons.decision.refused] == ["cooling", "window"]


async def test_half_a_character_loses_nothing(store: Store) -> None:
    failed = Attempt("a/c", "openai_chat", 0.0, failure=Failure(Kind.OVERLOADED, "cut \ud83d"))
    store.append(outcome("one", 1.0))
    store.append(outcome("cut", 2.0, error="cut \ud83d", session="\udcff", attempts=(failed,)))
    store.append(outcome("two", 3.0))
    assert [row.id for row in await store.outcomes()] == ["two", "cut", "one"]


async def test_a_bad_entry_loses_only_itself(tmp_path: Path, clock: Clock, caplog: pytest.LogCaptureFixture) -> None:
    store = SqliteStore(tmp_path / "l.sqlite3", clock)
    store.append(outcome("one", 1.0))
    store.append(outcome("huge", 2.0, usage=Usage(10**30)))
    store.append(outcome("nobody", 3.0, front=None))
    store.label("\ud83d", "accepted")
    store.append(outcome("two", 4.0))
    async with asyncio.timeout(10):
        assert [row.id for row in await store.outcomes()] == ["two", "one"]
        with pytest.raises(StoreError, match="cannot be written"):
            await store.put("k", "\ud83d")
        await store.put("k", "v")
        assert await store.get("k") == "v"
    store.close()
    assert len([record for record in caplog.records if "lost: 1" in record.getMessage()]) == 4


async def test_a_closed_ledger_says_so(tmp_path: Path, clock: Clock) -> None:
    store = SqliteStore(tmp_path / "l.sqlite3", clock)
    store.close()
    async with asyncio.timeout(10):
        with pytest.raises(StoreError, match="closed"):
            await store.outcomes()


async def test_old_outcomes_and_values_are_removed_when_it_opens(tmp_path: Path, clock: Clock) -> None:
    store = SqliteStore(tmp_path / "l.sqlite3", clock)
    store.append(outcome("old", 1.0))
    store.append(outcome("young", 900.0))
    await store.put("k", "v", ttl=10)
    store.close()
    clock.now = KEEP_SECONDS + 500
    again = SqliteStore(tmp_path / "l.sqlite3", clock)
    assert [row.id for row in await again.outcomes()] == ["young"]
    again.close()
    with sqlite3.connect(tmp_path / "l.sqlite3") as db:
        assert db.execute("SELECT COUNT(*) FROM value").fetchone() == (0,)


async def test_sqlite_keeps_everything_appended_before_close(tmp_path: Path, clock: Clock) -> None:
    path = tmp_path / "deep" / "ledger.sqlite3"
    store = SqliteStore(path, clock)
    for n in range(3000):
        store.append(outcome(f"o{n}", float(n)))
    store.close()
    store.close()
    again = SqliteStore(path, clock)
    assert len(await again.outcomes(limit=10_000)) == 3000
    again.close()
    assert path.stat().st_mode & 0o077 == 0


def test_sqlite_refuses_what_it_cannot_use(tmp_path: Path, clock: Clock) -> None:
    broken = tmp_path / "broken"
    broken.write_bytes(b"this is no database, " * 100)
    with pytest.raises(StoreError, match="Move the file away"):
        SqliteStore(broken, clock)
    newer = tmp_path / "newer"
    db = sqlite3.connect(newer)
    db.execute(f"PRAGMA user_version = {len(MIGRATIONS) + 1}")
    db.close()
    with pytest.raises(StoreError, match="newer Codriver"):
        SqliteStore(newer, clock)
