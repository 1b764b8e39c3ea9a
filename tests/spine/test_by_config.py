"""A provider that nobody shipped, by settings alone: completions, chat and tools, on OpenAI's wires and on Anthropic's.

Behind each stands the simulator as a process of its own, which is strict about both.
"""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Iterator
from typing import Any

import anthropic
import openai
import pytest

from running import PATIENCE, Daemon, daemon_at, environment

CONFIG = """
[providers.house]
base_url = "{url}/v1"
wires = {{ openai_chat = "/chat/completions", openai_completions = "/completions" }}
key = "env:HOUSE_TOKEN"
[providers.house.models.medium]
upstream_id = "sim-medium"
price = {{ input = 1, output = 2 }}
[providers.house.models.coder]
upstream_id = "sim-coder"
chat = false
fim = "suffix"
wires = ["openai_completions"]
price = {{ input = 1, output = 2 }}

[providers.salon]
base_url = "{url}"
wire = "anthropic"
key = "env:SALON_TOKEN"
[providers.salon.models.claude]
upstream_id = "sim-claude"
price = {{ input = 1, output = 2 }}

[providers.elsewhere]
base_url = "https://{{region}}.example"
wire = "openai_chat"
vars = {{ region = {{ env = ["ELSEWHERE_REGION"] }} }}
[providers.elsewhere.models.m]
"""
WEATHER = {"type": "object", "properties": {"city": {"type": "string"}}, "required": ["city"]}
OPENAI_TOOL: Any = {"type": "function", "function": {"name": "weather", "description": "tells", "parameters": WEATHER}}
ANTHROPIC_TOOL: Any = {"name": "weather", "description": "tells", "input_schema": WEATHER}
MODELS = ["house/medium", "salon/claude"]


@pytest.fixture(scope="module")
def simulator() -> Iterator[str]:
    process = subprocess.Popen(
        [sys.executable, "-m", "codriver.upstream.simulator", "--pace", "0"], stdout=subprocess.PIPE, text=True
    )
    assert process.stdout is not None
    try:
        yield json.loads(process.stdout.readline())["url"]
    finally:
        process.terminate()
        process.communicate(timeout=PATIENCE)


@pytest.fixture(scope="module")
def own(simulator: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Daemon]:
    """A daemon that knows these providers from its settings only."""
    assert "HOUSE_TOKEN" not in environment(tmp_path_factory.mktemp("x"))
    home = tmp_path_factory.mktemp("own")
    with daemon_at(home, config=CONFIG.format(url=simulator), HOUSE_TOKEN="h", SALON_TOKEN="s") as running:
        yield running


@pytest.fixture
def chat(own: Daemon) -> Iterator[openai.OpenAI]:
    with openai.OpenAI(base_url=f"{own.base}/v1", api_key=own.token, max_retries=0) as client:
        yield client


@pytest.fixture
def messages(own: Daemon) -> Iterator[anthropic.Anthropic]:
    with anthropic.Anthropic(base_url=own.base, api_key=own.token, max_retries=0) as client:
        yield client


def test_they_are_listed_and_what_lacks_something_says_so(own: Daemon, chat: openai.OpenAI) -> None:
    assert set(MODELS) <= {model.id for model in chat.models.list()}
    told = own.post("/v1/route", {"model": "elsewhere/m", "prompt": "hi"}).text
    assert "ELSEWHERE_REGION is not set" in told


@pytest.mark.parametrize("model", MODELS)
@pytest.mark.parametrize("stream", [False, True], ids=["whole", "streamed"])
def test_chat(chat: openai.OpenAI, messages: anthropic.Anthropic, model: str, stream: bool) -> None:
    ask: Any = [{"role": "user", "content": "Explain what a parser does – kurz"}]
    if stream:
        text = "".join(c.choices[0].delta.content or "" for c in chat.chat.completions.create(
            model=model, messages=ask, stream=True) if c.choices)  # fmt: skip
        with messages.messages.stream(model=model, max_tokens=300, messages=ask) as answer:
            other = "".join(answer.text_stream)
    else:
        text = chat.chat.completions.create(model=model, messages=ask).choices[0].message.content or ""
        block = messages.messages.create(model=model, max_tokens=300, messages=ask).content[0]
        other = block.text if block.type == "text" else ""
    assert "simulated" in text.lower() and "simulated" in other.lower()


@pytest.mark.parametrize("model", MODELS)
def test_tools(chat: openai.OpenAI, messages: anthropic.Anthropic, model: str) -> None:
    ask: Any = [{"role": "user", "content": "Call the weather tool for Zürich"}]
    first = chat.chat.completions.create(
        model=model, messages=ask, tools=[OPENAI_TOOL], tool_choice="required"
    ).choices[0]  # fmt: skip
    (call,) = first.message.tool_calls or ()
    assert first.finish_reason == "tool_calls" and set(json.loads(call.function.arguments)) == {"city"}
    answer = {"role": "tool", "tool_call_id": call.id, "content": "sunny"}
    turn = first.message.model_dump(exclude_none=True)
    done = chat.chat.completions.create(model=model, messages=[*ask, turn, answer], tools=[OPENAI_TOOL]).choices[0]
    assert done.finish_reason == "stop" and done.message.content
    reply = messages.messages.create(
        model=model, max_tokens=500, messages=ask, tools=[ANTHROPIC_TOOL], tool_choice={"type": "any"}
    )
    (use,) = [block for block in reply.content if block.type == "tool_use"]
    result = {"type": "tool_result", "tool_use_id": use.id, "content": "sunny"}
    spoken = [block.model_dump(exclude_none=True) for block in reply.content]
    talk: Any = [*ask, {"role": "assistant", "content": spoken}, {"role": "user", "content": [result]}]
    ended = messages.messages.create(model=model, max_tokens=500, messages=talk, tools=[ANTHROPIC_TOOL])
    assert (reply.stop_reason, ended.stop_reason) == ("tool_use", "end_turn")


@pytest.mark.parametrize("model", ["house/coder", *MODELS])
def test_completions(own: Daemon, chat: openai.OpenAI, model: str) -> None:
    """Natively where the model fills holes, through a chat prompt where it does not."""
    body: dict[str, Any] = {"prompt": "def add(a, b):\n    return ", "suffix": "\n\nprint(add(1, 2))\n"}
    done = chat.completions.create(model=model, max_tokens=40, **body)
    assert done.choices[0].text.strip()
    assert "print(add" not in done.choices[0].text
    assert own.get("/v1/decisions/last")["model"] == model


def test_what_it_costs_is_as_written(own: Daemon, chat: openai.OpenAI) -> None:
    used = chat.chat.completions.create(model="house/medium", messages=[{"role": "user", "content": "hi"}]).usage
    assert used is not None
    booked = own.get("/v1/decisions/last")["cost"]
    assert booked == pytest.approx((used.prompt_tokens * 1 + used.completion_tokens * 2) / 1e6, abs=1e-6)
