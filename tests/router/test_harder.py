"""A decision that says how much a model shall think is what goes upstream; who is asked after it thinks as usual."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import Any

import pytest
from fleet import EAST, model

from codriver.errors import Failure, Kind
from codriver.model.decision import Length
from codriver.model.request import Request
from codriver.routing.eligibility import Offer
from codriver.wire import codec
from scripted import GOOD, Bench, Step

THINKER = Offer(EAST, model("east", "thinker", 1.8, 0.5, reasoning=True))
BETTER = Offer(EAST, model("east", "better", 1.9, 3.0, reasoning=True))


def chat(**more: Any) -> Request:
    body = {"model": "auto", "stream": True, "seed": 7, "messages": [{"role": "user", "content": "why?"}], **more}
    return replace(codec.find("openai_chat").parse(json.dumps(body).encode(), {}), session="s")


async def bodies(first: tuple[Step, ...], request: Request) -> list[dict[str, Any]]:
    """What goes upstream for a request when the thinker answers like this."""
    made = Bench({"east/thinker": first, "east/better": GOOD}, (THINKER, BETTER), strategy="quality", harder=True)
    task = made.router.decide(request).features.task
    made.ledger.view().lengths[task] = dict.fromkeys(("east/thinker", "east/better"), Length(4.0, 20))
    sent: list[dict[str, Any]] = []
    begin = made.upstream.begin

    async def seen(*arguments: Any, **more: Any) -> Any:
        sent.append(json.loads(arguments[3].body))
        return await begin(*arguments, **more)

    setattr(made.upstream, "begin", seen)  # noqa: B010 (a bound method is replaced)
    async with made.router.open(request) as stream:
        await stream.reply()
    return sent


async def test_the_effort_goes_upstream_in_the_callers_own_body() -> None:
    (body,) = await bodies(GOOD, chat())
    assert (body["model"], body["reasoning_effort"], body["seed"]) == ("thinker", "high", 7)


async def test_the_next_candidate_thinks_as_usual() -> None:
    broken, after = await bodies((Failure(Kind.OVERLOADED, "busy"),), chat())
    assert (broken["model"], broken["reasoning_effort"]) == ("thinker", "high")
    assert after["model"] == "better"
    assert "reasoning_effort" not in after


@pytest.mark.parametrize("effort", ["low", "high"])
async def test_what_the_caller_said_holds(effort: str) -> None:
    (body,) = await bodies(GOOD, chat(reasoning_effort=effort))
    assert (body["model"], body["reasoning_effort"]) == ("better", effort)
