"""Arms that word requests otherwise: what goes upstream, on the caller's wire and on another, and who is compared."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import Any

import pytest
from fleet import LARGE, MEDIUM

from codriver.experiments import Experiments
from codriver.model.request import Conversation, Fim, Message, Purpose, Request, Text
from codriver.routing.eligibility import Offer
from codriver.routing.experiments import Arm, Experiment
from codriver.wire import codec
from scripted import GOOD, Bench

WORDS = "Answer in one sentence."
PLAIN, BRIEF = Arm("plain"), Arm("brief", system=WORDS)


def bench(offer: Offer, *arms: Arm) -> tuple[Bench, list[Any]]:
    """A router whose requests are all in one experiment, and the bodies that went upstream."""
    made = Bench({offer.model.key: GOOD}, (offer,))
    made.router.experiments = Experiments(lambda: (Experiment("words", arms),))
    sent: list[Any] = []
    begin = made.upstream.begin

    async def seen(*arguments: Any, **more: Any) -> Any:
        sent.append(json.loads(arguments[3].body))
        return await begin(*arguments, **more)

    made.upstream.begin = seen
    return made, sent


def chat(session: str = "s", **more: Any) -> Request:
    body = {"model": "auto", "stream": True, "messages": [{"role": "user", "content": "why?"}], **more}
    return replace(codec.find("openai_chat").parse(json.dumps(body).encode(), {}), session=session)


async def asked(made: Bench, request: Request) -> str:
    async with made.router.open(request) as stream:
        await stream.reply()
        return stream.decision.arm


async def test_the_words_go_along_on_the_callers_own_wire() -> None:
    made, sent = bench(MEDIUM, BRIEF)
    assert await asked(made, chat(seed=7)) == "words/brief"
    (body,) = sent
    assert body["messages"] == [{"role": "system", "content": WORDS}, {"role": "user", "content": "why?"}]
    assert body["seed"] == 7
    row = await made.outcome()
    assert row.arm == "words/brief"
    assert "experiment words: brief" in row.reasons.decision.reasons[0]


async def test_a_tasks_own_prompt_is_replaced() -> None:
    made, sent = bench(MEDIUM, Arm("other", prompt="Find bugs only."))
    task = Request(
        "r", Purpose.REVIEW,
        unfold=lambda: Conversation((Message("system", (Text("Review."),)), Message("user", (Text("code"),)))),
    )  # fmt: skip
    assert await asked(made, task) == "words/other"
    (body,) = sent
    assert [message["content"] for message in body["messages"]] == ["Find bugs only.", "code"]


@pytest.mark.parametrize(
    ("arm", "request_"),
    [
        pytest.param(BRIEF, Request("r", Purpose.COMPLETE, fim=Fim("a", "b")), id="a hole has no system prompt"),
        pytest.param(Arm("other", prompt="x"), chat(), id="a callers prompt is his own"),
    ],
)
def test_where_one_arm_cannot_word_a_request_no_arm_counts_it(arm: Arm, request_: Request) -> None:
    both = Experiments(lambda: (Experiment("words", (PLAIN, arm)),))
    found = {both.part(replace(request_, session=f"s{n}")) for n in range(20)}
    assert found == {None}


def test_a_body_that_is_odd_there_goes_as_it_came_and_in_no_arm() -> None:
    made, _ = bench(MEDIUM, BRIEF)
    odd = replace(chat(), body=b'{"model": "auto", "messages": [{"role": "system", "content": 5}]}')
    decision, plan = made.router.planned(odd)
    assert (decision.arm, plan.worded) == ("", None)


async def test_both_arms_are_used_and_told_apart() -> None:
    made, sent = bench(MEDIUM, PLAIN, BRIEF)
    arms = [await asked(made, chat(f"s{n}")) for n in range(12)]
    assert set(arms) == {"words/plain", "words/brief"}
    for arm, body in zip(arms, sent, strict=True):
        assert (body["messages"][0]["role"] == "system") == (arm == "words/brief")


def test_another_wire_gets_them_from_the_conversation() -> None:
    made, _ = bench(LARGE, BRIEF)
    _, plan = made.router.planned(chat())
    assert plan.worded is not None
    module = codec.find("anthropic")
    call = module.call(plan.worded, LARGE.model, LARGE.model.quirks or LARGE.provider.quirks)
    assert WORDS in json.dumps(json.loads(call.body)["system"])
