"""Budgets of sessions and workflows count what is under way: requests side by side do not overshoot together."""

from __future__ import annotations

from contextlib import AsyncExitStack
from dataclasses import replace

import pytest
from fleet import MEDIUM

from codriver.errors import Unroutable
from codriver.model.request import Request
from codriver.routing.eligibility import Bounds
from scripted import GOOD, Bench, chat


def bench(**budget: float) -> Bench:
    made = Bench({"east/medium": GOOD}, (MEDIUM,), strategy="quality", bounds=Bounds(**budget))
    made.ledger.payers = True
    return made


def asking(name: str) -> Request:
    return replace(chat(), session=f"s-{name}", workflow=f"w-{name}", input_tokens=1_500)


@pytest.mark.parametrize("budget", ["session_usd", "workflow_usd"])
async def test_requests_side_by_side_do_not_overshoot_a_budget(budget: str) -> None:
    free = bench()
    expected = free.router.decide(asking("a")).candidates[0].cost
    assert expected > 0.0
    made = bench(**{budget: 2.5 * expected})
    async with AsyncExitStack() as open_ones:
        streams = [await open_ones.enter_async_context(made.router.open(asking("a"))) for _ in range(2)]
        with pytest.raises(Unroutable) as refused:
            await open_ones.enter_async_context(made.router.open(asking("a")))
        assert "budget" in str(refused.value) or any("budget" in reason for reason in refused.value.reasons)
        # Another session and workflow is nobody's concern here.
        async with made.router.open(asking("b")) as other:
            await other.reply()
        for stream in streams:
            await stream.reply()
    view = made.ledger.view()
    assert view.reserved_by == {}, "nothing stays reserved"
    assert view.paid_by("session:s-a") == pytest.approx(view.spent_by["session:s-a"])
    async with made.router.open(asking("a")) as again:
        assert again.model.key == "east/medium"


async def test_a_failed_request_gives_back_what_it_reserved() -> None:
    made = bench(session_usd=1.0)
    stream = made.router.open(asking("a"))
    await stream.__aenter__()
    assert made.ledger.view().paid_by("session:s-a") > 0.0
    error = RuntimeError("the caller broke")
    await stream.__aexit__(RuntimeError, error, None)
    assert made.ledger.view().reserved_by == {}


async def test_without_such_budgets_nobody_keeps_accounts() -> None:
    made = bench()
    made.ledger.payers = False
    async with made.router.open(asking("a")):
        assert made.ledger.view().reserved_by == {}


async def test_a_budget_that_comes_while_requests_run_takes_no_harm() -> None:
    made = bench()
    made.ledger.payers = False
    async with made.router.open(asking("a")) as before:
        made.ledger.payers = True
        async with made.router.open(asking("a")):
            await before.reply()
    assert made.ledger.view().reserved_by == {}
