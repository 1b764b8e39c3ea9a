"""A wish for thinking that the caller did not have, in what goes upstream; all else of his body stays."""

from __future__ import annotations

import json
from typing import Any

import pytest

from codriver.model.provider import Model, Price, Quirks
from codriver.wire import codec
from codriver.wire.wishing import wished

MODEL = Model("east", "m", "m-1", 100_000, 8_000, Price(), {}, reasoning=True)
CHAT = {"model": "auto", "messages": [{"role": "user", "content": "why?"}], "seed": 7}


def sent(wire: str, to: str, body: dict[str, Any], quirks: Quirks = Quirks()) -> dict[str, Any]:
    request = wished(codec.find(wire).parse(json.dumps(body).encode(), {}), "high")
    assert request.limits.effort == "high"
    return dict(json.loads(codec.find(to).call(request, MODEL, quirks).body))


def test_chat_on_its_own_wire() -> None:
    body = sent("openai_chat", "openai_chat", CHAT)
    assert (body["reasoning_effort"], body["seed"], body["messages"]) == ("high", 7, CHAT["messages"])


def test_responses_keep_what_else_they_wish() -> None:
    body = sent(
        "openai_responses", "openai_responses", {"model": "auto", "input": "x", "reasoning": {"summary": "auto"}}
    )
    assert body["reasoning"] == {"summary": "auto", "effort": "high"}


def test_it_is_written_as_the_model_wants_it() -> None:
    assert sent("openai_chat", "openai_chat", CHAT, Quirks(thinking="reasoning"))["reasoning"] == {"effort": "high"}


@pytest.mark.parametrize(
    ("wire", "body"),
    [
        ("anthropic", {"model": "auto", "max_tokens": 9000, "messages": [{"role": "user", "content": "x"}]}),
        ("openai_responses", {"model": "auto", "input": "x"}),
    ],
)
def test_from_another_wire(wire: str, body: dict[str, Any]) -> None:
    assert sent(wire, "openai_chat", body)["reasoning_effort"] == "high"
