"""Under strain: a step is told and trials stop, background work waits; in ordinary times nothing changes."""

from __future__ import annotations

import asyncio
from dataclasses import replace

import pytest
from fleet import LARGE, MEDIUM, SMALL

from codriver.model.request import Request
from codriver.router import Plan
from codriver.routing.decide import Wish
from codriver.routing.degrading import BudgetStep, PeakStep, Steps
from codriver.routing.eligibility import Bounds
from codriver.routing.rules import Match, Rule
from scripted import GOOD, Bench, chat

STEPS = Steps((PeakStep(1, 0, 0.5),), (BudgetStep(0.5, 0.5),))
SCRIPTS = dict.fromkeys(("east/small", "east/medium", "west/large"), GOOD)


def bench(bounds: Bounds = Bounds(), rules: tuple[Rule, ...] = ()) -> Bench:
    made = Bench(SCRIPTS, (SMALL, MEDIUM, LARGE))
    wish = Wish(strategy="quality", bounds=bounds)
    made.router.plan = lambda request: Plan((SMALL, MEDIUM, LARGE), wish, rules=rules, steps=STEPS)
    made.router.peak = lambda: (STEPS, 1.0)
    return made


async def answered(made: Bench, request: Request) -> None:
    async with made.router.open(request, front="http") as stream:
        await stream.reply()


async def test_a_busy_moment_sinks_the_floor_and_says_so() -> None:
    made = bench()
    await answered(made, chat())  # it counts itself
    row = await made.outcome()
    assert row.model == "east/small"
    assert "peak, step 1: 1 requests are under way, so the floor sinks to 0.5" in row.reasons.decision.reasons[0]


async def test_nothing_changes_in_ordinary_times() -> None:
    made = bench()
    decision = made.router.decide(chat())
    assert decision.candidates[0].model == "west/large"
    assert not any("floor" in reason for reason in decision.reasons)


async def test_a_budget_nearly_spent_sinks_it_too() -> None:
    made = bench(Bounds(daily_usd=1.0))
    made.ledger.reserve(0.6)
    decision = made.router.decide(chat())
    assert decision.candidates[0].model == "east/small"
    assert decision.reasons[0] == "today's budget, step 1: 60% is spent, so the floor sinks to 0.5"


async def test_background_work_waits_for_the_peak_to_pass_but_not_for_ever() -> None:
    made = bench()
    made.router.waiting = 1
    await answered(made, replace(chat(), priority="background"))
    assert sum(made.paused) == pytest.approx(1.0)
    row = await made.outcome()
    assert any("background work waited 1.0 s" in reason for reason in row.reasons.decision.reasons)
    assert made.router.waiting == 1, "nobody waits for it"


async def test_background_work_goes_on_as_soon_as_it_passed() -> None:
    made = bench()
    made.router.waiting = 1

    async def pause(seconds: float) -> None:
        made.paused.append(seconds)
        made.router.waiting = 0

    made.router.pause = pause
    await answered(made, replace(chat(), priority="background"))
    assert len(made.paused) == 1


async def test_rules_see_the_load_of_the_moment() -> None:
    made = bench(rules=(Rule("busy", Match(load=2), pin="east/medium"),))
    assert made.router.decide(chat()).candidates[0].model == "west/large"
    made.router.waiting = 2
    decision = made.router.decide(chat())
    assert decision.candidates[0].model == "east/medium"
    assert "'busy' (pins east/medium)" in decision.reasons[0]


async def test_sessions_and_workflows_are_booked() -> None:
    made = bench()
    await answered(made, replace(chat(), session="s", workflow="w"))
    row = await made.outcome()
    assert row.cost > 0
    assert made.ledger.view().spent_by == {"session:s": row.cost, "workflow:w": row.cost}
    fresh = type(made.ledger)(made.store, lambda: 1000.0)
    await fresh.recover()
    assert fresh.view().spent_by == made.ledger.view().spent_by


async def test_a_caller_who_leaves_while_waiting_is_nobody_any_more() -> None:
    made = bench()
    made.router.waiting = 1
    started = asyncio.Event()

    async def pause(seconds: float) -> None:
        started.set()
        await asyncio.Event().wait()

    made.router.pause = pause
    task = asyncio.ensure_future(answered(made, replace(chat(), priority="background")))
    await started.wait()
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    assert made.router.waiting == 1
    row = await made.outcome()
    assert (row.status, row.cost) == ("cancelled", 0.0)
