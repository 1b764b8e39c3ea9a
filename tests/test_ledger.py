"""What the next decision learns from what happened."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from functools import partial
from typing import Any

import pytest

from codriver.errors import Failure, Kind
from codriver.ledger import LONGEST_REST, REMEMBERED, Ledger
from codriver.model.decision import Attempt, Decision, Outcome
from codriver.model.events import Usage
from codriver.state.store import MemoryStore


class Clock:
    now = 1_000_000.0

    def __call__(self) -> float:
        return self.now


def ledger() -> tuple[Ledger, Clock]:
    clock = Clock()
    return Ledger(MemoryStore(clock), clock), clock


def outcome(ident: str = "o", purpose: str = "chat", cost: float = 0.0, session: str = "s") -> Outcome:
    return Outcome(
        ident, 1_000_000.0, "http", "openai_chat", purpose, "ok", Decision(ident, "auto", ()),
        attempts=(Attempt("a/b", "openai_chat", 0.0, first=0.5, ended=1.5),), model="a/b",
        usage=Usage(input=100, output=50), cost=cost, session=session,
    )  # fmt: skip


@pytest.mark.parametrize(
    ("kind", "retry_after", "name", "seconds"),
    [
        (Kind.TRANSIENT, None, "a/b", 5),
        (Kind.RATE_LIMITED, 42.0, "a/b", 42),
        (Kind.RATE_LIMITED, 1e9, "a/b", LONGEST_REST),
        (Kind.AUTH, None, "a", 300),
        (Kind.INVALID, None, "", 0),
        (Kind.UNFIT, None, "", 0),
    ],
)
def test_whoever_is_at_fault_rests(kind: Kind, retry_after: float | None, name: str, seconds: float) -> None:
    kept, clock = ledger()
    kept.failed("a/b", "a", Failure(kind, "no", retry_after=retry_after))
    assert {k: rest.until - clock.now for k, rest in kept.view().cooling.items()} == ({name: seconds} if name else {})


def test_a_longer_rest_replaces_a_shorter_and_not_the_other_way() -> None:
    kept, clock = ledger()
    kept.failed("a/b", "a", Failure(Kind.RATE_LIMITED, "no", retry_after=60))
    kept.failed("a/b", "a", Failure(Kind.TRANSIENT, "no"))
    assert kept.view().cooling["a/b"].until == clock.now + 60
    kept.answered("a/b", "a")
    assert not kept.view().cooling


def test_a_session_is_pinned_where_it_is_warm_and_errands_do_not_move_it() -> None:
    """W30."""
    kept, _ = ledger()
    kept.record(outcome())
    assert kept.view().pins["s"].tokens == 150
    kept.record(outcome("t", purpose="title", session="other"))
    assert "other" not in kept.view().pins


def test_latency_and_spending_are_measured() -> None:
    kept, clock = ledger()
    kept.record(outcome(cost=0.5))
    seen = kept.view().latency["a/b"]
    assert (seen.first, seen.speed, seen.n) == (0.5, 50.0, 1)
    assert kept.spent_today == 0.5
    clock.now += 2 * 86400
    assert kept.spent_today == 0.0


async def test_a_restart_remembers_todays_cost() -> None:
    clock = Clock()
    store = MemoryStore(clock)
    Ledger(store, clock).record(outcome(cost=0.75))
    fresh = Ledger(store, clock)
    await fresh.recover()
    assert fresh.spent_today == 0.75


def test_memory_is_bounded_and_recent_outcomes_are_found() -> None:
    kept, _ = ledger()
    for n in range(REMEMBERED + 10):
        kept.record(outcome(f"o{n}"))
    assert kept.recall("o0") is None
    found = kept.recall(f"o{REMEMBERED}")
    assert found is not None
    last = kept.last("http")
    assert last is not None
    assert last.id == f"o{REMEMBERED + 9}"
    assert kept.last("lsp") is None


def test_rests_that_are_over_are_forgotten() -> None:
    kept, clock = ledger()
    kept.failed("a/b", "a", Failure(Kind.QUOTA, "no"))
    clock.now += 601
    assert not kept.view().cooling


async def test_what_providers_say_is_not_stored() -> None:
    clock = Clock()
    store = MemoryStore(clock)
    told = Failure(Kind.INVALID, "your prompt 'the secret plan' is wrong")
    failed = Attempt("a/b", "openai_chat", 0.0, ended=0.1, failure=told)
    Ledger(store, clock).record(replace(outcome(), status="refused", attempts=(failed,), error=told.message))
    (row,) = await store.outcomes()
    assert "secret plan" not in repr(row)
    assert "invalid" in repr(row)


@pytest.mark.parametrize(
    ("ask", "told"),
    [
        pytest.param(lambda kept: kept.view().spent_today, 2.0, id="a decision"),
        pytest.param(lambda kept: kept.spent_today, 2.0, id="a budget"),
        pytest.param(lambda kept: [kept.recall(name) is not None for name in "ab"], [True, True], id="who is recalled"),
        pytest.param(lambda kept: kept.last().id, "b", id="the last one"),
        pytest.param(lambda kept: kept.record(outcome("c")), None, id="the next one"),
        pytest.param(lambda kept: kept.label("a", "accepted"), None, id="feedback"),
    ],
)
async def test_whoever_asks_sees_what_is_owed(ask: Callable[[Ledger], Any], told: Any) -> None:
    store = MemoryStore(Clock())
    kept = Ledger(store, Clock())
    for name in "ab":
        kept.owe(partial(outcome, name, cost=1.0))
    assert (kept.requests, kept.owed) == (2, 2)
    assert ask(kept) == told
    assert kept.owed == 0
    assert [row.id for row in await store.outcomes()][:2] == ["a", "b"]


async def test_feedback_may_name_what_is_owed() -> None:
    kept, _ = ledger()
    kept.owe(partial(outcome, "a"))
    assert await kept.knows("a")
    assert not await kept.knows("b")


async def test_an_outcome_that_cannot_be_made_harms_nobody_else(caplog: pytest.LogCaptureFixture) -> None:
    store = MemoryStore(Clock())
    kept = Ledger(store, Clock())

    def broken() -> Outcome:
        raise RecursionError

    kept.owe(partial(outcome, "a"))
    kept.owe(broken)
    kept.owe(partial(outcome, "b"))
    kept.record(outcome("c"))
    assert {row.id for row in await store.outcomes()} == {"a", "b", "c"}
    assert "an outcome was lost" in caplog.text
