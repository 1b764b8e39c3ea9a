"""Who names a model is asked for at once: what the code says is found out while the answer is on its way."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from typing import Any

import pytest
from fleet import MEDIUM, SMALL

from codriver.errors import Failure, Kind, Unroutable, UpstreamFailed
from codriver.model.features import Features
from codriver.model.request import Fim, Purpose, Request
from codriver.router.books import AT_A_TIME, MOST
from codriver.routing.degrading import PeakStep, Steps
from codriver.routing.eligibility import Bounds
from scripted import BUSY, GOOD, IDENT, Bench, chat

NAMED = Bounds(only="east/small")


def made(script: Any = GOOD, steps: Steps | None = None, **settings: Any) -> Bench:
    bounds = settings.pop("bounds", NAMED)
    offers = (SMALL,) if bounds.only else (SMALL, MEDIUM)
    bench = Bench({"east/small": script, "east/medium": GOOD}, offers, bounds=bounds, **settings)
    plan = bench.router.plan
    bench.router.plan = lambda request: replace(plan(request), steps=steps)
    return bench


def read(bench: Bench, monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """How many models were asked each time somebody wanted to know what the code says."""
    asked: list[int] = []
    features = bench.router.analyst.features

    def counted(request: Request, **rest: Any) -> Features:
        asked.append(len(bench.upstream.asked))
        return features(request, **rest)

    monkeypatch.setattr(bench.router.analyst, "features", counted)
    return asked


async def test_a_named_model_is_asked_before_anything_is_read(monkeypatch: pytest.MonkeyPatch) -> None:
    bench = made()
    asked = read(bench, monkeypatch)
    async with bench.router.open(chat()) as stream:
        assert (await stream.reply()).text == "hello world"
        assert asked == [], "nobody wanted to know"
        reasons = stream.decision.reasons
    assert asked == [], "nor does anybody yet"
    row = await bench.outcome()
    assert asked == [1]
    assert (row.status, row.model, row.id) == ("ok", "east/small", stream.id)
    assert row.reasons.decision.reasons == reasons
    assert bench.router.decide(chat()).reasons == reasons, "what route tells is what is told with the answer"
    assert row.reasons.decision.features.task == "write"
    candidate = row.reasons.decision.candidates[0]
    assert candidate.quality > 0
    assert candidate.cost > 0


@pytest.mark.parametrize(
    "settings",
    [
        pytest.param({"bounds": Bounds()}, id="no model named"),
        pytest.param({"bounds": replace(NAMED, daily_usd=5.0)}, id="a budget"),
        pytest.param({"bounds": replace(NAMED, session_usd=5.0)}, id="a session's budget"),
        pytest.param({"bounds": replace(NAMED, request_usd=1.0)}, id="the request's own limit"),
        pytest.param({"steps": Steps(peak=(PeakStep(100, 0, 0.5),))}, id="a step at a peak"),
        pytest.param({"strategy": "fuse"}, id="a strategy that asks several"),
    ],
)
async def test_where_the_decision_could_say_no_it_comes_first(
    settings: dict[str, Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    bench = made(**settings)
    asked = read(bench, monkeypatch)
    async with bench.router.open(chat()) as stream:
        await stream.reply()
    assert asked[0] == 0


async def test_a_check_and_code_that_must_stay_here_wait_for_the_decision(monkeypatch: pytest.MonkeyPatch) -> None:
    bench = made()
    asked = read(bench, monkeypatch)
    async with bench.router.open(chat(), check=lambda reply: "") as stream:
        assert stream.decision.hold == "whole"
    assert asked == [0]
    bench.router.analyst.local_only = type(bench.router.analyst.local_only)(("secret/**",))
    async with bench.router.open(chat()) as stream:
        await stream.reply()
    assert asked == [0, 1]  # one was asked for the check above


async def test_a_failure_of_a_model_asked_ahead_is_in_the_books() -> None:
    """Also of one that rests since, because of this very request."""
    bench = made((BUSY, BUSY))
    with pytest.raises(UpstreamFailed):
        async with bench.router.open(chat()):
            pass
    row = await bench.outcome()
    assert (row.status, row.model) == ("failed", "")
    assert [one.model for one in row.reasons.attempts] == ["east/small"] * 2
    assert row.reasons.decision.candidates[0].model == "east/small"
    assert bench.ledger.view().cooling


async def answered(bench: Bench, **more: Any) -> str:
    async with bench.router.open(replace(chat(), **more)) as stream:
        await stream.reply()
    return stream.id


async def test_its_books_wait_until_somebody_asks() -> None:
    bench = made()
    ids = [await answered(bench) for _ in range(3)]
    assert (bench.ledger.requests, bench.ledger.owed) == (3, 3), "counted, and owed"
    last = bench.router.last()
    assert last is not None and last.id == ids[-1] and bench.ledger.owed == 0
    assert [row.id for row in await bench.store.outcomes()] == ids[::-1], "in the order in which they ended"


async def test_whoever_is_decided_for_sees_what_was_answered_before() -> None:
    bench = made()
    await answered(bench, session="s-1")
    assert "s-1" not in bench.ledger.view(settled=False).pins
    bench.router.decide(replace(chat(), session="s-1"))
    assert bench.ledger.view(settled=False).pins["s-1"].model == "east/small", "its prompt cache is warm there"


async def test_books_are_kept_by_themselves_a_few_in_a_turn_of_the_loop() -> None:
    bench = made()
    for _ in range(AT_A_TIME + 2):
        await answered(bench)
    owed = bench.ledger.owed
    seen = {owed}
    async with asyncio.timeout(10):
        while bench.ledger.owed:
            await asyncio.sleep(0)
            seen.add(bench.ledger.owed)
    assert seen == {owed, owed - AT_A_TIME, 0}


async def test_under_load_little_is_owed() -> None:
    bench = made()
    for count in range(3 * MOST):
        await answered(bench)
        assert bench.ledger.owed <= MOST
        assert bench.ledger.requests == count + 1


async def test_an_outcome_that_is_wanted_at_once_is_made_after_those_before(monkeypatch: pytest.MonkeyPatch) -> None:
    bench = made()
    made_of: list[str] = []
    settled = bench.router.settled

    def noted(request: Request, asked: Any) -> Any:
        made_of.append(asked.decision.id)
        return settled(request, asked)

    monkeypatch.setattr(bench.router, "settled", noted)
    first = await answered(bench)
    stream = bench.router.open(chat())
    with pytest.raises(asyncio.CancelledError):
        async with stream:
            raise asyncio.CancelledError
    assert made_of == [first, stream.id]


async def test_what_is_left_for_later_is_not_read_when_an_answer_ends() -> None:
    times: list[int] = []

    def understood() -> tuple[Purpose, tuple[str, ...], str]:
        times.append(1)
        return Purpose.CHAT, (), "s-1"

    bench = made()
    await answered(bench, later=understood)
    assert times == []
    bench.ledger.settle()
    assert times == [1]


async def test_a_hole_is_looked_for_in_the_buffers_while_they_hold_it(monkeypatch: pytest.MonkeyPatch) -> None:
    bench = made()
    asked = read(bench, monkeypatch)
    await answered(bench, fim=Fim("def add(", "):\n"))
    assert asked == [1], "and not when its buffer is closed"


async def test_a_model_that_the_code_speaks_against_is_in_the_books_as_asked(monkeypatch: pytest.MonkeyPatch) -> None:
    bench = made()

    def refuses(request: Request, **rest: Any) -> Features:
        raise Unroutable(Failure(Kind.INVALID, "the code must stay here"))

    monkeypatch.setattr(bench.router.analyst, "features", refuses)
    ident = await answered(bench)
    row = await bench.outcome()
    assert (row.id, row.status, row.model) == (ident, "ok", "east/small")


async def test_a_resting_model_is_not_asked_ahead(monkeypatch: pytest.MonkeyPatch) -> None:
    bench = made()
    bench.ledger.failed("east/small", "east", BUSY)
    asked = read(bench, monkeypatch)
    async with bench.router.open(chat()) as stream:
        await stream.reply()
    assert asked == [0]


async def test_what_can_be_got_ready_is_while_the_answer_is_on_its_way() -> None:
    bench = made()
    begin = bench.upstream.begin

    async def slow(*given: Any, **named: Any) -> Any:
        await asyncio.sleep(0)  # the loop comes round once
        return await begin(*given, **named)

    bench.upstream.begin = slow
    told: list[tuple[str, int]] = []
    async with bench.router.open(chat(), meanwhile=lambda stream: told.append((stream.id, stream.attempts))) as stream:
        assert told == [(stream.id, 1)]
        await stream.reply()


def test_purpose_tail_and_session_are_read_once_when_asked_for() -> None:
    times: list[int] = []

    def understood() -> tuple[Purpose, tuple[str, ...], str]:
        times.append(1)
        return Purpose.TITLE, ("a wish",), "s-1"

    request = Request(id=IDENT, purpose=Purpose.CHAT, later=understood)
    assert not request.typed
    assert times == []
    assert (request.session, request.tail, request.purpose) == ("s-1", ("a wish",), Purpose.TITLE)
    assert times == [1]
    again = replace(Request(id=IDENT, purpose=Purpose.CHAT, later=understood), session="other")
    assert (again.session, again.purpose) == ("other", Purpose.TITLE)
    assert again == replace(request, session="other")
    with pytest.raises(AttributeError):
        _ = Request(id=IDENT, purpose=Purpose.CHAT).nothing
