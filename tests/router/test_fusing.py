"""fuse: who is asked, whose answer is taken, what a judge is shown, and that all of it is one outcome."""

from __future__ import annotations

import asyncio
import json
from dataclasses import replace
from typing import Any

import pytest
from fleet import EAST, HOME, LARGE, LOCAL, MEDIUM, SMALL, WEST

from codriver.errors import UpstreamFailed
from codriver.model.events import Finish, Reply
from codriver.model.request import Purpose, ToolCall
from codriver.router import agreement, fusing
from codriver.router.fusing import Limits
from codriver.routing.eligibility import Offer
from codriver.upstream import simulator
from codriver.upstream.client import Upstream
from codriver.upstream.keys import Keys
from codriver.upstream.proxies import Network
from scripted import BUSY, DONE, HANG, ROLE, STOP, Bench, Step, chat, frame

THIRD = Offer(EAST, replace(LARGE.model, provider="east", id="third", upstream_id="third"))
OFFERS = (SMALL, MEDIUM, THIRD)
KEYS = tuple(offer.model.key for offer in OFFERS)
TOOLS = [{"type": "function", "function": {"name": "run", "parameters": {"type": "object", "properties": {}}}}]


def says(text: str) -> tuple[Step, ...]:
    return (ROLE, frame({"content": text}), STOP, DONE)


def calls(arguments: str) -> tuple[Step, ...]:
    call = {"index": 0, "id": "c1", "type": "function", "function": {"name": "run", "arguments": arguments}}
    return (ROLE, frame({"tool_calls": [call]}), frame({}, "tool_calls"), DONE)


def bench(scripts: dict[str, Any], offers: tuple[Offer, ...] = OFFERS, **limits: Any) -> Bench:
    made = Bench(scripts, offers, strategy="fuse")
    made.router.fuse = lambda: Limits(**limits)
    return made


async def reply(made: Bench, request: Any = None) -> Reply:
    async with made.router.open(request or chat(), front="http") as stream:
        return await stream.reply()


AGREED = [
    pytest.param({"east/small": says("It is 4."), "east/medium": says("it is **4**"), "east/third": says("5")}, "4", 3),
    pytest.param({"east/small": says("5"), "east/medium": says("four"), "east/third": says("Four.")}, "our", 3),
]


@pytest.mark.parametrize(("scripts", "said", "attempts"), AGREED)
async def test_what_most_say_is_taken_without_a_judge(scripts: dict[str, Any], said: str, attempts: int) -> None:
    made = bench(scripts)
    assert said in (await reply(made)).text
    row = await made.outcome()
    assert (row.status, row.attempts) == ("ok", attempts)
    assert sorted(made.upstream.asked) == sorted(KEYS), "nobody is asked twice"
    assert any("most agree" in reason for reason in row.reasons.decision.reasons)
    assert row.cost > 0
    assert made.ledger.view().spent_today == pytest.approx(row.cost)


async def test_a_judge_makes_one_answer_where_they_differ_and_all_of_it_is_billed() -> None:
    made = bench({"east/small": says("a"), "east/medium": says("b"), "east/third": [says("c"), says("a and b")]})
    assert (await reply(made)).text == "a and b"
    row = await made.outcome()
    assert (row.model, row.attempts) == ("east/third", 4)
    assert [a.failure for a in row.reasons.attempts] == [None] * 4
    assert any("answered differently; east/third made one answer" in reason for reason in row.reasons.decision.reasons)


async def test_a_local_judge_comes_before_the_best() -> None:
    made = bench(
        {
            **dict.fromkeys(KEYS, says("x")),
            "east/small": says("y"),
            "east/medium": says("z"),
            "home/local": says("judged"),
        },
        (SMALL, MEDIUM, THIRD, LOCAL),
    )
    assert (await reply(made)).text == "judged"
    assert made.upstream.asked[-1] == "home/local"


async def test_a_judge_that_fails_leaves_the_best_candidates_answer() -> None:
    made = bench(
        {"east/small": says("a"), "east/medium": [says("b"), (BUSY,)], "east/third": says("c")}, judge="east/medium"
    )
    ranked = made.router.decide(chat()).candidates
    wanted = {"east/small": "a", "east/medium": "b", "east/third": "c"}[ranked[0].model]
    assert (await reply(made)).text == wanted
    row = await made.outcome()
    assert (row.status, row.model) == ("ok", ranked[0].model)
    assert any("the judge east/medium failed" in reason for reason in row.reasons.decision.reasons)


async def test_some_may_fail_and_one_left_is_enough() -> None:
    made = bench({"east/small": (BUSY,), "east/medium": says("here"), "east/third": (ROLE, BUSY)})
    assert (await reply(made)).text == "here"
    row = await made.outcome()
    assert (row.status, row.model, row.attempts) == ("ok", "east/medium", 3)


async def test_where_all_fail_the_others_are_tried_and_then_it_is_an_error() -> None:
    fourth = Offer(WEST, replace(LARGE.model, id="fourth", upstream_id="fourth", wires=("openai_chat",)))
    fourth = replace(fourth, provider=replace(WEST, wires={"openai_chat": "/c"}))
    scripts: dict[str, Any] = dict.fromkeys(KEYS, (BUSY,))
    made = bench({**scripts, "west/fourth": says("saved")}, (*OFFERS, fourth))
    first = [c.model for c in made.router.decide(chat()).candidates][:3]
    made.upstream.scripts = {key: says("saved") if key not in first else (BUSY,) for key in (*KEYS, "west/fourth")}
    assert (await reply(made)).text == "saved"
    made = bench(scripts)
    with pytest.raises(UpstreamFailed, match="busy"):
        await reply(made)
    assert (await made.outcome()).status == "failed"


async def test_calls_of_tools_are_the_majoritys_and_never_merged() -> None:
    request = chat(tools=TOOLS)
    made = bench(
        {"east/small": calls('{"a":1,"b":2}'), "east/medium": calls('{"b": 2, "a": 1}'), "east/third": says("hm")}
    )
    (call,) = (await reply(made, request)).tool_calls
    assert json.loads(call.arguments) == {"a": 1, "b": 2}
    made = bench({"east/small": calls('{"a":1}'), "east/medium": calls('{"a":2}'), "east/third": calls('{"a":3}')})
    (call,) = (await reply(made, request)).tool_calls
    assert call.arguments in ('{"a":1}', '{"a":2}', '{"a":3}')
    assert len(made.upstream.asked) == 3, "no judge makes calls"


async def test_code_that_does_not_parse_is_out() -> None:
    good, bad = "```python\ndef f():\n    return 1\n```\n", "```python\ndef f(:\n    return 1\n```\n"
    made = bench({"east/small": says(bad), "east/medium": says(bad), "east/third": says(good)})
    assert (await reply(made)).text == good
    row = await made.outcome()
    assert sum(a.failure is not None for a in row.reasons.attempts) == 2


async def test_when_most_agree_the_slowest_is_left() -> None:
    made = bench({"east/small": says("yes"), "east/medium": says("Yes."), "east/third": (ROLE, HANG)})
    assert (await reply(made)).text in ("yes", "Yes.")
    row = await made.outcome()
    assert {a.model: a.failure is None for a in row.reasons.attempts}["east/third"] is False


async def test_a_caller_who_leaves_closes_all() -> None:
    made = bench({"east/small": says("yes"), "east/medium": (ROLE, HANG), "east/third": (ROLE, HANG)})
    task = asyncio.ensure_future(reply(made))
    await made.upstream.hung.wait()
    for _ in range(20):
        await asyncio.sleep(0)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    row = await made.outcome()
    assert (row.status, row.attempts) == ("cancelled", 3)
    assert made.ledger.view().spent_today == pytest.approx(row.cost), "nothing stays reserved"


async def test_a_checked_reply_is_checked_in_all_of_them() -> None:
    made = bench({"east/small": says("bad"), "east/medium": says("bad"), "east/third": says("good")})
    async with made.router.open(chat(), check=lambda answer: "" if answer.text == "good" else "bad") as stream:
        assert (await stream.reply()).text == "good"


def test_who_is_on_the_panel() -> None:
    again = Offer(HOME, replace(SMALL.model, provider="home", id="copy", upstream_id="vendor/SMALL"))
    made = bench({}, (SMALL, again, MEDIUM))
    decision, plan = made.router.planned(chat())
    chosen = fusing.panel(chat(), decision.candidates, plan, Limits(k=3))
    assert len(chosen) == 2, "the same model twice would agree with itself"
    assert not fusing.panel(replace(chat(), purpose=Purpose.COMPLETE), decision.candidates, plan, Limits())
    assert not fusing.panel(chat(n=2), decision.candidates, plan, Limits())


@pytest.mark.parametrize(
    ("one", "other", "same"),
    [
        ("It is **4**.", "it is 4", True),
        ('{"a": 1, "b": 2}', '{"b":2,"a":1}', True),
        ("Do:\n```py\nx = 1\n\ny\n```\n", "Sure!\n```py\nx = 1  \ny\n```\n", True),
        ("```py\nx = 1\n```\n", "```py\nX = 1\n```\n", False),
        ("```py\nif a:\n    b\n```\n", "```py\nif a:\nb\n```\n", False),
        ("yes", "no", False),
    ],
)
def test_what_means_the_same(one: str, other: str, same: bool) -> None:
    assert (agreement.meaning(Reply(one)) == agreement.meaning(Reply(other))) is same


def test_ties_are_no_agreement_and_kinds_are_counted() -> None:
    texts = [Reply(text, finish=Finish.STOP) for text in ("a", "b", "a", "b")]
    assert agreement.agreed(texts) is None
    assert agreement.agreed([]) is None
    call = Reply(tool_calls=(ToolCall("1", "run", "{}"),))
    assert agreement.of_one_kind([texts[0], call]) == ([0], False)
    assert agreement.of_one_kind([call, texts[0]]) == ([0], True)
    assert agreement.of_one_kind([texts[0], call, call]) == ([1, 2], True)


async def test_over_the_simulator_three_answer_and_a_judge_streams() -> None:
    upstream = Upstream(Network(), Keys({"SIM_KEY": "any"}))
    async with await simulator.start(pace=0) as running:
        house = replace(EAST, base_url=running.url, wires={"openai_chat": "/v1/chat/completions"}, key_env=("SIM_KEY",))
        offers = tuple(
            Offer(house, replace(offer.model, provider="east", upstream_id=name))
            for offer, name in ((SMALL, "sim-small"), (MEDIUM, "sim-medium"), (LARGE, "sim-large"))
        )
        running.fault("500", model="sim-medium")
        made = Bench({}, offers, real=upstream, strategy="fuse")
        async with made.router.open(chat(), front="http") as stream:
            assert "simulated" in (await stream.reply()).text
        asked = [entry.model for entry in running.log]
    await upstream.aclose()
    assert {"sim-small", "sim-medium", "sim-large"} <= set(asked)
    (row,) = await made.store.outcomes()
    assert (row.status, row.attempts) == ("ok", len(asked))
