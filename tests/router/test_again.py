"""A line that is typed in is decided once for a moment; its completions are written down when their answers are out."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest
from fleet import MEDIUM, SMALL

from codriver.errors import Failure, Kind
from codriver.model.ids import new_id
from codriver.model.request import Fim, Limits, Purpose, Request, Snapshot
from codriver.router import Plan, again
from codriver.router.books import LATEST
from codriver.routing.decide import Wish
from codriver.routing.eligibility import Bounds
from scripted import BUSY, GOOD, HANG, Bench, chat

TEXT = b"def add(one, two):\n    total = \n    return total\n"
AT = TEXT.index(b"= ") + 2


class Typing:
    """An editor in front of a router: each `key` is a completion for a text with some letters more."""

    def __init__(self, script: Any = GOOD, bounds: Bounds = Bounds()) -> None:
        self.bench = Bench({"east/small": script, "east/medium": GOOD}, (SMALL, MEDIUM))
        self.router = self.bench.router
        self.now, self.read = 1000.0, 0
        self.plan = Plan((SMALL, MEDIUM), Wish(bounds=bounds))
        self.router.plan = lambda request: self.plan
        self.router.clock = lambda: self.now
        features = self.router.analyst.features

        def counted(request: Request, **rest: Any) -> Any:
            self.read += 1
            return features(request, **rest)

        self.router.analyst.features = counted  # type: ignore[method-assign]

    def request(self, typed: bytes = b"", **more: Any) -> Request:
        text, cursor = TEXT[:AT] + typed + TEXT[AT:], AT + len(typed)
        code = Snapshot("file:///work/a.py", 1, "python", text, cursor)
        fim = Fim(text[:cursor].decode(), text[cursor:].decode())
        made = Request(new_id(), Purpose.COMPLETE, limits=Limits(max_tokens=40), fim=fim, code=code, input_tokens=20)
        return replace(made, **more)

    async def key(self, request: Request | None = None) -> Any:
        async with self.router.open(request or self.request(), front="lsp") as stream:
            await stream.reply()
        return stream


async def test_a_line_is_decided_once_for_a_moment() -> None:
    typing = Typing()
    first = await typing.key(typing.request(b"o"))
    second = await typing.key(typing.request(b"on"))
    assert typing.read == 1, "a letter more says nothing new of the code"
    assert first.id != second.id
    assert second.decision == replace(first.decision, id=second.id, reasons=(*first.decision.reasons, again.REASON)), (
        "and the reasons say so"
    )
    told = [typing.router.recall(stream.id) for stream in (first, second)]
    assert [(one.status, one.decision.features.language) for one in told if one] == [("ok", "python")] * 2


def elsewhere(typing: Typing) -> Request:
    code = typing.request().code
    assert code is not None
    return typing.request(code=replace(code, cursor=3))


def speaks(typing: Typing) -> Request:
    code = typing.request().code
    assert code is not None
    return typing.request(code=replace(code, language_id="ruby"))


def later(typing: Typing) -> Request:
    typing.now += again.LASTING
    return typing.request()


def configured(typing: Typing) -> Request:
    typing.plan = replace(typing.plan)
    return typing.request()


def rests(typing: Typing) -> Request:
    typing.bench.ledger.failed("east/medium", "east", BUSY)
    return typing.request()


@pytest.mark.parametrize(
    "change",
    [
        pytest.param(elsewhere, id="another line"),
        pytest.param(speaks, id="another language"),
        pytest.param(later, id="a while ago"),
        pytest.param(configured, id="other settings"),
        pytest.param(rests, id="somebody rests"),
        pytest.param(lambda typing: typing.request(input_tokens=20 + again.GROWN + 1), id="a longer prompt"),
        pytest.param(lambda typing: typing.request(limits=Limits(max_tokens=200)), id="a longer answer"),
        pytest.param(lambda typing: typing.request(strategy="quality"), id="another strategy"),
        pytest.param(lambda typing: typing.request(code=None), id="no buffer"),
    ],
)
async def test_what_may_change_a_decision_has_it_made_anew(change: Callable[[Typing], Request]) -> None:
    typing = Typing()
    await typing.key()
    stream = await typing.key(change(typing))
    assert typing.read == 2
    assert again.REASON not in stream.decision.reasons


@pytest.mark.parametrize(
    "bounds",
    [
        Bounds(daily_usd=5.0),
        Bounds(session_usd=5.0),
        Bounds(workflow_usd=5.0),
        Bounds(request_usd=5.0),
    ],
    ids=["a day's", "a session's", "a workflow's", "its own"],
)
async def test_under_a_budget_each_key_is_decided_by_what_was_spent(bounds: Bounds) -> None:
    typing = Typing(bounds=bounds)
    for count in (1, 2):
        await typing.key()
        assert typing.read == count
    assert typing.bench.ledger.owed == 1, "the one before was counted before this was decided"


async def test_an_outcome_is_written_down_when_nobody_waits() -> None:
    typing = Typing()
    stream = await typing.key()
    assert typing.bench.ledger.owed == 1, "not while its answer goes out"
    async with asyncio.timeout(10):
        while typing.bench.ledger.owed:  # noqa: ASYNC110 (a timer of the loop's does it)
            await asyncio.sleep(0.005)
    row = await typing.bench.outcome()
    assert (row.id, row.status) == (stream.id, "ok")


async def test_it_is_not_put_off_for_long_by_others() -> None:
    typing = Typing([GOOD, (HANG,)])
    began = asyncio.get_running_loop().time()
    await typing.key()
    other = asyncio.ensure_future(typing.key())
    await typing.bench.upstream.hung.wait()
    async with asyncio.timeout(10):
        while typing.bench.ledger.owed:  # noqa: ASYNC110 (likewise)
            await asyncio.sleep(0.005)
    assert asyncio.get_running_loop().time() - began > LATEST / 2, "the other one was waited for"
    other.cancel()
    with pytest.raises(asyncio.CancelledError):
        await other


async def test_whoever_asks_for_it_finds_it() -> None:
    typing = Typing()
    stream = await typing.key()
    last = typing.router.last("lsp")
    assert last is not None and last.id == stream.id
    stream = await typing.key()
    typing.router.learn(stream.id, "accepted")
    labels = {row.id: row.label for row in await typing.bench.store.outcomes()}
    assert labels[stream.id] == "accepted", "it was there to be judged"


async def test_all_others_are_written_down_at_once() -> None:
    typing = Typing((Failure(Kind.INVALID, "no"),))
    with pytest.raises(Exception, match="no"):
        await typing.key()
    assert (typing.bench.ledger.requests, typing.bench.ledger.owed) == (1, 0), "a completion that failed"
    typing = Typing()
    await typing.key(chat())
    assert (typing.bench.ledger.requests, typing.bench.ledger.owed) == (1, 0), "a caller's request"
    await typing.key()
    second, last = await typing.key(chat()), typing.router.last()
    assert last is not None and last.id == second.id, "in the order in which they ended"
