"""The simulator's responses wire: as strict as the API where gateways go wrong, and able to finish a task."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator
from typing import Any

import httpx
import openai
import pytest

from codriver.upstream.simulator import Simulator, start

HI = [{"role": "user", "content": "hi"}]
TOOL = {
    "type": "function", "name": "weather", "description": "Forecast",
    "parameters": {"type": "object", "properties": {"city": {"type": "string"}}, "required": ["city"]},
}  # fmt: skip
CALL = {"type": "function_call", "call_id": "c1", "name": "weather", "arguments": "{}"}
OUTPUT = {"type": "function_call_output", "call_id": "c1", "output": "rain"}
SAID = {"role": "assistant", "content": [{"type": "output_text", "text": "ok"}]}


def thought(**more: Any) -> dict[str, Any]:
    return {"type": "reasoning", "id": "rs_1", "summary": [], **more}


@pytest.fixture
async def simulator() -> AsyncIterator[Simulator]:
    async with await start() as running:
        yield running


@pytest.fixture
async def client(simulator: Simulator) -> AsyncIterator[openai.AsyncOpenAI]:
    async with openai.AsyncOpenAI(base_url=f"{simulator.url}/v1", api_key="k", max_retries=0) as client:
        yield client


REFUSED: list[Any] = [
    pytest.param({}, 400, "input", "missing_required_parameter", id="no-input"),
    pytest.param({"input": []}, 400, "input", "empty_array", id="empty-input"),
    pytest.param({"input": 3}, 400, "input", "invalid_type", id="input-of-a-wrong-type"),
    pytest.param({"input": "x", "messages": HI}, 400, "messages", "unsupported_parameter", id="messages"),
    pytest.param({"input": "x", "max_tokens": 50}, 400, "max_tokens", "unsupported_parameter", id="max_tokens"),
    pytest.param({"input": "x", "stop": ["a"]}, 400, "stop", "unknown_parameter", id="stop"),
    pytest.param({"input": "x", "n": 2}, 400, "n", "unknown_parameter", id="n"),
    pytest.param({"input": "x", "response_format": {}}, 400, "response_format", "unsupported_parameter", id="format"),
    pytest.param({"input": "x", "reasoning_effort": "low"}, 400, "reasoning_effort", "unsupported_parameter", id="effort"),
    pytest.param({"input": "x", "temperature": 1}, 400, "temperature", "unsupported_parameter", id="sampling"),
    pytest.param({"input": "x", "max_output_tokens": 15}, 400, "max_output_tokens", "integer_below_min_value", id="floor"),
    pytest.param({"input": "x", "reasoning": {"effort": "max"}}, 400, "reasoning.effort", "invalid_value", id="max"),
    pytest.param({"input": "x", "include": ["all"]}, 400, "include[0]", "invalid_value", id="include"),
    pytest.param(
        {"input": "x", "previous_response_id": "resp_1"}, 404, "previous_response_id", "previous_response_not_found",
        id="previous",
    ),
    pytest.param({"input": "x", "conversation": "conv_1"}, 404, "conversation", None, id="conversation"),
    pytest.param({"input": [{"type": "chat", "x": 1}]}, 400, "input[0]", "invalid_value", id="item-type"),
    pytest.param({"input": [{"role": "tool", "content": "x"}]}, 400, "input[0].role", "invalid_value", id="role"),
    pytest.param(
        {"input": [{"role": "assistant", "content": [{"type": "input_text", "text": "x"}]}]}, 400,
        "input[0].content[0]", "invalid_value", id="assistants-input-text",
    ),
    pytest.param(
        {"input": [{"role": "user", "content": [{"type": "text", "text": "x"}]}]}, 400, "input[0].content[0]",
        "invalid_value", id="chats-text",
    ),
    pytest.param({"input": [*HI, {**CALL, "arguments": {}}, OUTPUT]}, 400, "input[1].arguments", "invalid_type", id="arguments"),
    pytest.param({"input": [*HI, OUTPUT]}, 400, "input", None, id="output-without-call"),
    pytest.param({"input": [*HI, CALL]}, 400, "input", None, id="call-without-output"),
    pytest.param({"input": [*HI, {**CALL, "id": "call_1"}, OUTPUT]}, 400, "input[1].id", "invalid_value", id="id"),
    pytest.param(
        {"input": [*HI, CALL, {**OUTPUT, "type": "custom_tool_call_output"}]}, 400, "input", None, id="other-kind-of-output"
    ),
    pytest.param(
        {"input": [*HI, thought(encrypted_content="cdr1.x"), SAID]}, 400, None, "invalid_encrypted_content", id="encrypted"
    ),
    pytest.param({"input": [*HI, thought(), SAID]}, 404, "input", None, id="kept-nowhere"),
    pytest.param({"input": [{"type": "item_reference", "id": "msg_1"}]}, 404, "input", None, id="reference"),
    pytest.param(
        {"input": "x", "tools": [{"type": "function", "function": {"name": "f"}}]}, 400, "tools[0].function",
        "unknown_parameter", id="chats-tool",
    ),
    pytest.param({"input": "x", "tools": [{"type": "function"}]}, 400, "tools[0].name", "missing_required_parameter", id="name"),
    pytest.param({"input": "x", "tools": [{"type": "mail"}]}, 400, "tools[0].type", "invalid_value", id="tool-type"),
    pytest.param({"input": "x", "tool_choice": {"type": "function", "name": "g"}}, 400, "tool_choice", None, id="choice"),
    pytest.param(
        {"input": "x", "text": {"format": {"type": "json_schema", "name": "n"}}}, 400, "text.format.schema",
        "missing_required_parameter", id="schema",
    ),
]  # fmt: skip


@pytest.mark.parametrize(("body", "status", "param", "code"), REFUSED)
async def test_it_refuses_what_the_api_refuses(
    simulator: Simulator, body: dict[str, Any], status: int, param: str | None, code: str | None
) -> None:
    async with httpx.AsyncClient(base_url=simulator.url, headers={"authorization": "Bearer k"}) as client:
        answer = await client.post("/v1/responses", json={"model": "sim-codex", **body})
    error = answer.json()["error"]
    assert (answer.status_code, error["param"], error["code"]) == (status, param, code)
    assert error["type"] == "invalid_request_error"


async def test_encrypted_thinking_holds_for_its_key_alone(simulator: Simulator, client: openai.AsyncOpenAI) -> None:
    """A12."""
    include: Any = ["reasoning.encrypted_content"]
    made = await client.responses.create(model="sim-codex", input="hi", include=include, store=False)
    items: Any = [*HI, *(item.model_dump(exclude_none=True) for item in made.output), *HI]
    again = await client.responses.create(model="sim-codex", input=items)
    assert again.output_text
    async with openai.AsyncOpenAI(base_url=f"{simulator.url}/v1", api_key="other", max_retries=0) as stranger:
        with pytest.raises(openai.BadRequestError, match="could not be verified"):
            await stranger.responses.create(model="sim-codex", input=items)


async def test_a_stream_has_all_events_in_order(client: openai.AsyncOpenAI) -> None:
    """W37, with the SDK's accumulator as a judge."""
    reasoning: Any = {"summary": "auto"}
    tools: Any = [TOOL, {"type": "custom", "name": "apply_patch"}]
    async with client.responses.stream(
        model="sim-codex", input="Call the weather tool for Zürich", tools=tools, reasoning=reasoning
    ) as stream:
        events = [event async for event in stream]
        final = await stream.get_final_response()
    assert [event.sequence_number for event in events] == list(range(len(events)))
    kinds = [event.type.removeprefix("response.") for event in events]
    assert kinds[:4] == ["created", "in_progress", "output_item.added", "reasoning_summary_part.added"]
    assert kinds[-3:] == ["function_call_arguments.done", "output_item.done", "completed"]
    thinking, call = final.output
    assert thinking.type == "reasoning"
    assert call.type == "function_call"
    assert json.loads(call.arguments) == {"city": "Zürich"}
    assert final.usage is not None
    assert final.usage.output_tokens_details.reasoning_tokens > 0


async def test_an_answer_that_is_cut_is_incomplete(client: openai.AsyncOpenAI) -> None:
    made = await client.responses.create(model="sim-codex", input="Tell me a long story", max_output_tokens=16)
    assert made.status == "incomplete"
    assert made.incomplete_details is not None
    assert made.incomplete_details.reason == "max_output_tokens"


@pytest.mark.parametrize(("model", "words"), [("sim-large", "does not exist"), ("nobody", "does not exist")])
async def test_models_of_other_wires_are_not_there(client: openai.AsyncOpenAI, model: str, words: str) -> None:
    with pytest.raises(openai.NotFoundError, match=words):
        await client.responses.create(model=model, input="hi")
    with pytest.raises(openai.NotFoundError, match="v1/responses"):
        await client.chat.completions.create(model="sim-codex", messages=[{"role": "user", "content": "hi"}])


@pytest.mark.parametrize(("fault", "error"), [("503", openai.InternalServerError), ("429", openai.RateLimitError)])
async def test_faults(simulator: Simulator, client: openai.AsyncOpenAI, fault: str, error: type[Exception]) -> None:
    simulator.fault(fault, model="sim-codex")
    with pytest.raises(error):
        await client.responses.create(model="sim-codex", input="hi")


async def test_an_error_in_the_stream_has_no_end_behind_it(simulator: Simulator, client: openai.AsyncOpenAI) -> None:
    """T32."""
    simulator.fault("error_event", model="sim-codex", after=1)
    stream = await client.responses.create(model="sim-codex", input="hi", stream=True)
    kinds = [event.type async for event in stream]
    assert kinds[-1] == "error"
