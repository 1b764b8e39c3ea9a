"""Who is asked beside a slow first one, who wins, and what both cost; at real speed only as far as events go."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from typing import Any

import pytest
from fleet import LARGE, MEDIUM, SMALL

from codriver.errors import Kind, UpstreamFailed
from codriver.model.decision import Latency
from codriver.model.provider import Provider
from codriver.model.request import Request
from codriver.router import hedging
from codriver.router.hedging import Hedging, Limits, late
from codriver.routing.eligibility import Offer
from scripted import BUSY, DONE, GOOD, HANG, HELLO, ROLE, STOP, USAGE, WORLD, Bench, chat, frame

SOUTH = Provider("south", "South", "http://south", {"openai_chat": "/c"})
OTHER = Offer(SOUTH, replace(MEDIUM.model, provider="south", id="other", upstream_id="other"))
QUICK = Offer(SMALL.provider, replace(SMALL.model, first_token=0.001, skill={"": 3.0}))
"""Its answers are late after SOONEST, 50 ms."""


def bench(scripts: dict[str, Any], *offers: Offer, share: float = 1.0) -> Bench:
    made = Bench(scripts, offers or (QUICK, OTHER), strategy="speed")
    made.router.hedging = Hedging(lambda: Limits(share=share), lambda: made.ledger.latency)
    return made


async def said(made: Bench, request: Request | None = None, front: str = "http") -> tuple[str, int]:
    async with made.router.open(request or chat(), front=front) as stream:
        reply = await stream.reply()
        return reply.text, stream.attempts


async def test_the_second_answers_when_the_first_is_slow_and_both_are_told_and_billed() -> None:
    made = bench({"east/small": (ROLE, HANG), "south/other": GOOD})
    assert await said(made) == ("hello world", 2)
    row = await made.outcome()
    assert (row.status, row.model) == ("ok", "south/other")
    first, second = row.reasons.attempts
    assert (first.model, first.failure.kind, first.first) == ("east/small", Kind.SLOW, None)
    assert (second.model, second.failure) == ("south/other", None)
    own = OTHER.model.price.cost(row.reasons.usage)
    assert row.cost > own > 0, "the loser's prompt is billed too"
    assert any("is asked too" in reason for reason in row.reasons.decision.reasons)
    assert made.ledger.view().spent_today == pytest.approx(row.cost), "nothing stays reserved"
    assert not made.ledger.view().cooling, "who was merely slow is not left alone"


async def test_the_first_wins_when_it_brings_content_before_the_second() -> None:
    made = bench({"east/small": [(ROLE, HANG)], "south/other": (ROLE, HANG)})
    first = made.upstream

    begin = first.begin

    async def begins(provider: Any, model: Any, *rest: Any, **more: Any) -> Any:
        answer = await begin(provider, model, *rest, **more)
        if model.key == "east/small":
            answer.steps = (ROLE, HELLO, WORLD, STOP, USAGE, DONE)
            more_of = answer.more

            async def waits(taker: object = None) -> bytes:
                await first.twice.wait()
                return await more_of()

            answer.more = waits
        return answer

    first.begin = begins
    assert (await said(made))[0] == "hello world"
    row = await made.outcome()
    assert (row.model, [a.model for a in row.reasons.attempts]) == ("east/small", ["south/other", "east/small"])


async def test_a_quick_first_one_is_alone() -> None:
    made = bench({"east/small": GOOD, "south/other": GOOD})
    assert await said(made) == ("hello world", 1)
    assert made.upstream.asked == ["east/small"]


@pytest.mark.parametrize(
    ("scripts", "asked"),
    [
        ({"east/small": (BUSY,), "south/other": GOOD}, ["east/small", "south/other"]),
        ({"east/small": (ROLE, HANG), "south/other": (BUSY,), "west/large": GOOD}, None),
    ],
    ids=["the first at once", "the second while the first is silent"],
)
async def test_a_failure_in_the_race_leaves_the_other_one(scripts: dict[str, Any], asked: list[str] | None) -> None:
    if asked is not None:
        made = bench(scripts)
        assert (await said(made))[0] == "hello world"
        assert made.upstream.asked == asked
        return
    made = bench(scripts)
    task = asyncio.ensure_future(said(made))
    await made.upstream.hung.wait()
    await made.upstream.twice.wait()
    for _ in range(5):
        await asyncio.sleep(0)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    row = await made.outcome()
    assert (row.status, [a.model for a in row.reasons.attempts]) == ("cancelled", ["south/other", "east/small"])


async def test_both_fail_and_the_third_answers() -> None:
    third = Offer(LARGE.provider, replace(LARGE.model, provider="west"))
    slow_failure: Any = (ROLE, frame({}), BUSY)
    made = bench(
        {"east/small": slow_failure, "south/other": slow_failure, "west/large": slow_failure}, QUICK, OTHER, third
    )
    with pytest.raises(UpstreamFailed):
        await said(made)
    row = await made.outcome()
    assert row.status == "failed"
    assert len(row.reasons.attempts) >= 3
    assert made.ledger.view().spent_today == pytest.approx(row.cost)


async def test_a_caller_who_leaves_closes_both() -> None:
    made = bench({"east/small": (ROLE, HANG), "south/other": (ROLE, HANG)})
    task = asyncio.ensure_future(said(made))
    await made.upstream.twice.wait()
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    row = await made.outcome()
    assert (row.status, len(row.reasons.attempts)) == ("cancelled", 2)


async def test_never_more_than_the_share() -> None:
    made = bench({"east/small": (ROLE, HANG), "south/other": GOOD}, share=0.05)
    hedged = 0
    for _ in range(60):
        spare = _spare(made)
        if spare is not None:
            made.router.hedging.used()
            hedged += 1
    assert 2 <= hedged <= 3


def _spare(made: Bench, request: Request | None = None, front: str = "http", step: int = 0) -> Any:
    request = request or chat()
    decision, plan = made.router.planned(request)
    asked: Any = type("One", (), {"offer": plan.by_key[decision.candidates[0].model]})
    asked.candidate = decision.candidates[0]
    queue = list(decision.candidates[1:])
    return made.router.hedging.spare(request, decision, asked, queue, replace(plan, step=step), front)


@pytest.mark.parametrize(
    ("over", "wanted"),
    [
        ({}, True),
        ({"front": "batch"}, False),
        ({"request": replace(chat(), priority="background")}, False),
        ({"request": chat(stream=False)}, False),
        ({"step": 1}, False),
    ],
    ids=["ordinary", "batch", "background", "whole", "degraded"],
)
async def test_who_is_never_hedged(over: dict[str, Any], wanted: bool) -> None:
    made = bench({})
    assert (_spare(made, **over) is not None) is wanted


async def test_other_strategies_and_lone_providers_are_not_hedged() -> None:
    made = bench({}, QUICK, MEDIUM)
    assert _spare(made) is None, "both are of one provider"
    made = Bench({}, (QUICK, OTHER), strategy="cost")
    made.router.hedging = Hedging(lambda: Limits(share=1.0), dict)
    assert _spare(made) is None


@pytest.mark.parametrize(
    ("seen", "seconds"),
    [
        (None, hedging.USUAL_TAIL * SMALL.model.first_token),
        (Latency(0.1, None, 5, 9.0), hedging.USUAL_TAIL * SMALL.model.first_token),
        (Latency(0.1, None, 50, 0.7), 0.7),
        (Latency(0.0, None, 50, 0.001), hedging.SOONEST),
    ],
)
def test_late_is_measured_once_enough_was_seen(seen: Latency | None, seconds: float) -> None:
    assert late(SMALL.model, seen) == pytest.approx(seconds)
