"""The official SDKs, unchanged but for base URL and key: text and tool calls to the end, on either upstream wire."""

from __future__ import annotations

import json
from collections.abc import Iterator

import anthropic
import openai
import pytest

from running import Daemon, daemon_at

WEATHER = {
    "type": "object",
    "properties": {"city": {"type": "string"}, "days": {"type": "integer"}},
    "required": ["city", "days"],
    "additionalProperties": False,
}
OPENAI_TOOL = {"type": "function", "function": {"name": "weather", "description": "Forecast", "parameters": WEATHER}}
ANTHROPIC_TOOL = {"name": "weather", "description": "Forecast", "input_schema": WEATHER}

OTHERS_OFF = {
    "openai_chat": ("sim-claude", "sim-codex"),
    "anthropic": ("sim-small", "sim-medium", "sim-large", "sim-codex"),
}


@pytest.fixture(scope="module", params=["openai_chat", "anthropic"])
def upstream(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Daemon]:
    """A daemon whose only chat models speak one wire, so that `auto` means that wire."""
    off = "".join(f"[providers.simulator.models.{name}]\nenabled = false\n" for name in OTHERS_OFF[request.param])
    with daemon_at(tmp_path_factory.mktemp("sdk"), "--simulate", config=off) as running:
        yield running


@pytest.fixture
def chat(upstream: Daemon) -> Iterator[openai.OpenAI]:
    with openai.OpenAI(base_url=f"{upstream.base}/v1", api_key=upstream.token, max_retries=0) as client:
        yield client


@pytest.fixture
def messages(upstream: Daemon) -> Iterator[anthropic.Anthropic]:
    with anthropic.Anthropic(base_url=upstream.base, api_key=upstream.token, max_retries=0) as client:
        yield client


def test_openai_streams_text_with_usage(chat: openai.OpenAI) -> None:
    chunks = list(
        chat.chat.completions.create(
            model="auto",
            messages=[{"role": "user", "content": "Tell me about parsers – kurz, bitte 🙂"}],
            stream=True,
            stream_options={"include_usage": True},
        )
    )
    text = "".join(c.choices[0].delta.content or "" for c in chunks if c.choices)
    assert "simulated" in text.lower()
    assert [c.choices[0].finish_reason for c in chunks if c.choices][-1] == "stop"
    usage = chunks[-1].usage
    assert usage is not None
    assert not chunks[-1].choices
    assert usage.total_tokens == usage.prompt_tokens + usage.completion_tokens
    assert usage.prompt_tokens > 0
    assert usage.completion_tokens > 0


def test_openai_usage_is_hidden_from_who_did_not_ask(chat: openai.OpenAI) -> None:
    stream = chat.chat.completions.create(model="auto", messages=[{"role": "user", "content": "hello"}], stream=True)
    chunks = list(stream)
    assert all(len(chunk.choices) == 1 for chunk in chunks)


def test_openai_calls_a_tool_and_takes_its_result(chat: openai.OpenAI) -> None:
    history: list[dict[str, object]] = [{"role": "user", "content": "Call the weather tool for Zürich, 3 days"}]
    arguments, name, ident, finish = "", "", "", None
    for chunk in chat.chat.completions.create(
        model="auto", messages=history, tools=[OPENAI_TOOL], tool_choice="required", stream=True
    ):
        for call in chunk.choices[0].delta.tool_calls or []:
            assert call.function is not None
            name, ident = name or (call.function.name or ""), ident or (call.id or "")
            arguments += call.function.arguments or ""
        finish = chunk.choices[0].finish_reason or finish
    assert finish == "tool_calls"
    assert name == "weather"
    assert set(json.loads(arguments)) == {"city", "days"}
    call = {"id": ident, "type": "function", "function": {"name": name, "arguments": arguments}}
    history += [
        {"role": "assistant", "content": None, "tool_calls": [call]},
        {"role": "tool", "tool_call_id": ident, "content": "sunny"},
    ]
    done = chat.chat.completions.create(model="auto", messages=history, tools=[OPENAI_TOOL])
    assert done.choices[0].finish_reason == "stop"
    assert done.choices[0].message.content


def test_anthropic_streams_text_with_usage(messages: anthropic.Anthropic) -> None:
    with messages.messages.stream(
        model="auto", max_tokens=500, messages=[{"role": "user", "content": "Tell me about parsers 🙂"}]
    ) as stream:
        text = "".join(stream.text_stream)
        final = stream.get_final_message()
    assert "simulated" in text.lower()
    assert final.stop_reason == "end_turn"
    assert final.usage.input_tokens > 0
    assert final.usage.output_tokens > 0


def test_anthropic_calls_a_tool_and_takes_its_result(messages: anthropic.Anthropic) -> None:
    ask = {"role": "user", "content": "Call the weather tool for Zürich, 3 days"}
    with messages.messages.stream(
        model="auto", max_tokens=500, messages=[ask], tools=[ANTHROPIC_TOOL], tool_choice={"type": "any"}
    ) as stream:
        final = stream.get_final_message()
    assert final.stop_reason == "tool_use"
    (call,) = [block for block in final.content if block.type == "tool_use"]
    assert set(call.input) == {"city", "days"}
    answer = {"type": "tool_result", "tool_use_id": call.id, "content": "sunny"}
    done = messages.messages.create(
        model="auto",
        max_tokens=500,
        tools=[ANTHROPIC_TOOL],
        messages=[
            ask,
            {"role": "assistant", "content": [block.model_dump(exclude_none=True) for block in final.content]},
            {"role": "user", "content": [answer]},
        ],
    )
    assert done.stop_reason == "end_turn"


def test_usage_is_the_upstreams_own(upstream: Daemon, chat: openai.OpenAI, messages: anthropic.Anthropic) -> None:
    """Both wires report the same counts for the same words, and the ledger books what they report."""
    words = "How many tokens are in this sentence?"
    one = chat.chat.completions.create(model="auto", messages=[{"role": "user", "content": words}], max_tokens=300)
    booked = upstream.get("/v1/decisions/last")["usage"]
    assert one.usage is not None
    assert booked["input"] + booked["cached"] + booked["written"] == one.usage.prompt_tokens
    assert booked["output"] == one.usage.completion_tokens
    assert not booked["estimated"]
    two = messages.messages.create(model="auto", max_tokens=300, messages=[{"role": "user", "content": words}])
    booked = upstream.get("/v1/decisions/last")["usage"]
    assert (booked["input"], booked["output"]) == (two.usage.input_tokens, two.usage.output_tokens)


@pytest.mark.parametrize("name", ["openai", "anthropic"])
def test_models_are_listed_for_either_sdk(name: str, chat: openai.OpenAI, messages: anthropic.Anthropic) -> None:
    listed = chat.models.list() if name == "openai" else messages.models.list()
    assert "auto" in [model.id for model in listed]


def test_errors_are_the_sdks_own(upstream: Daemon, chat: openai.OpenAI, messages: anthropic.Anthropic) -> None:
    with pytest.raises(openai.NotFoundError, match="no model is called"):
        chat.chat.completions.create(model="nonsense-9", messages=[{"role": "user", "content": "hi"}])
    with pytest.raises(anthropic.NotFoundError, match="no model is called"):
        messages.messages.create(model="nonsense-9", max_tokens=5, messages=[{"role": "user", "content": "hi"}])
    with pytest.raises(openai.BadRequestError, match="messages"):
        chat.chat.completions.create(model="auto", messages=[])
    wrong = openai.OpenAI(base_url=f"{upstream.base}/v1", api_key="wrong", max_retries=0)
    with pytest.raises(openai.AuthenticationError):
        wrong.chat.completions.create(model="auto", messages=[{"role": "user", "content": "hi"}])


def test_tokens_are_counted(messages: anthropic.Anthropic) -> None:
    counted = messages.messages.count_tokens(model="auto", messages=[{"role": "user", "content": "hello " * 100}])
    assert 80 <= counted.input_tokens <= 250


def test_completions_fill_a_hole(chat: openai.OpenAI) -> None:
    made = chat.completions.create(model="auto", prompt="def add(a, b):\n    return ", suffix="\n", max_tokens=20)
    assert made.choices[0].text.strip()
