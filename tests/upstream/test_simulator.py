"""The shipped simulator over real sockets: rules, streams, caches, faults, disconnects, official clients."""

from __future__ import annotations

import asyncio
import base64
import json
import subprocess
import sys
from collections.abc import AsyncIterator, Mapping
from typing import Any

import anthropic
import httpx
import openai
import pytest

from codriver.upstream import simulator as shipped

KEY = {"authorization": "Bearer simulated"}
CLAUDE = {"x-api-key": "simulated", "anthropic-version": "2023-06-01"}
HELLO = [{"role": "user", "content": "hello"}]
WRITE = {
    "type": "object",
    "properties": {"path": {"type": "string"}, "content": {"type": "string"}},
    "required": ["path", "content"],
    "additionalProperties": False,
}
TOOL = {"type": "function", "function": {"name": "write_file", "description": "Writes a file.", "parameters": WRITE}}
CLAUDE_TOOL = {"name": "write_file", "description": "Writes a file.", "input_schema": WRITE}
ASK_FILE = [{"role": "user", "content": "Create the file grüße.py containing `print('Grüße 你好')`."}]


@pytest.fixture
async def simulator() -> AsyncIterator[shipped.Simulator]:
    async with await shipped.start() as running:
        yield running


@pytest.fixture
async def client(simulator: shipped.Simulator) -> AsyncIterator[httpx.AsyncClient]:
    async with httpx.AsyncClient(base_url=simulator.url, timeout=10, trust_env=False, verify=False) as opened:
        yield opened


def chat(**more: Any) -> dict[str, Any]:
    return {"model": "sim-small", "messages": HELLO, **more}


def messages(**more: Any) -> dict[str, Any]:
    return {"model": "sim-claude", "max_tokens": 1000, "messages": HELLO, **more}


def events(body: bytes) -> list[Any]:
    """The documents of a stream; [DONE] as that word."""
    found = [line[6:] for line in body.decode().splitlines() if line.startswith("data: ")]
    return [text if text == "[DONE]" else json.loads(text) for text in found]


async def post(client: httpx.AsyncClient, path: str, body: Any, **headers: str) -> httpx.Response:
    own = CLAUDE if path.startswith("/v1/messages") else KEY
    sent = {"content": body} if isinstance(body, bytes) else {"json": body}
    return await client.post(path, headers={**own, **headers}, **sent)


CALL = {"id": "call_1", "type": "function", "function": {"name": "write_file", "arguments": "{}"}}
ASKED = {"role": "assistant", "content": None, "tool_calls": [CALL]}
STRICT = {"type": "object", "properties": {"a": {"type": "string"}}, "required": [], "additionalProperties": False}


def formatted(**inner: Any) -> dict[str, Any]:
    return {"response_format": {"type": "json_schema", "json_schema": inner}}


CHAT_REFUSALS: list[tuple[dict[str, Any], int, str | None, str | None]] = [
    ({"model": None}, 400, None, None),
    ({"model": ""}, 400, None, None),
    ({"model": "sim-huge"}, 404, None, "model_not_found"),
    ({"model": "sim-claude"}, 404, None, "model_not_found"),
    ({"model": "sim-coder"}, 404, "model", None),
    ({"messages": None}, 400, "messages", "missing_required_parameter"),
    ({"messages": []}, 400, "messages", "empty_array"),
    ({"messages": "hi"}, 400, "messages", "invalid_type"),
    ({"messages": ["hi"]}, 400, "messages[0]", "invalid_type"),
    ({"messages": [{"content": "hi"}]}, 400, "messages[0].role", "missing_required_parameter"),
    ({"messages": [{"role": "robot", "content": "hi"}]}, 400, "messages[0].role", "invalid_value"),
    ({"messages": [{"role": "user"}]}, 400, "messages[0].content", "invalid_type"),
    ({"messages": [{"role": "user", "content": 7}]}, 400, "messages[0].content", "invalid_type"),
    ({"messages": [{"role": "user", "content": []}]}, 400, "messages[0].content", "empty_array"),
    (
        {"messages": [{"role": "user", "content": [{"type": "sound"}]}]},
        400,
        "messages[0].content[0].type",
        "invalid_value",
    ),
    (
        {"messages": [{"role": "user", "content": [{"type": "image_url", "image_url": {"url": "https://a/b.png"}}]}]},
        400,
        "messages[0].content[0].type",
        None,
    ),
    (
        {"messages": [*HELLO, {"role": "tool", "tool_call_id": "call_1", "content": "x"}]},
        400,
        "messages.[1].role",
        None,
    ),
    ({"messages": [*HELLO, ASKED]}, 400, "messages.[1].role", None),
    ({"messages": [*HELLO, ASKED, *HELLO]}, 400, "messages.[1].role", None),
    (
        {"messages": [*HELLO, ASKED, {"role": "tool", "tool_call_id": "call_2", "content": "x"}]},
        400,
        "messages.[2].role",
        None,
    ),
    ({"messages": [*HELLO, {**ASKED, "tool_calls": []}]}, 400, "messages[1].tool_calls", "empty_array"),
    (
        {"messages": [*HELLO, {**ASKED, "tool_calls": [{**CALL, "id": "c" * 65}]}]},
        400,
        "messages[1].tool_calls[0].id",
        "string_above_max_length",
    ),
    ({"tools": []}, 400, "tools", "empty_array"),
    ({"tools": [{**TOOL, "type": "custom_thing"}]}, 400, "tools[0].type", "invalid_value"),
    ({"tools": [{"type": "function", "function": {"name": "a b"}}]}, 400, "tools[0].function.name", "invalid_value"),
    (
        {"tools": [{"type": "function", "function": {"name": "n" * 65}}]},
        400,
        "tools[0].function.name",
        "string_above_max_length",
    ),
    (
        {"tools": [{"type": "function", "function": {"name": "a", "parameters": {"type": "string"}}}]},
        400,
        "tools[0].function.parameters",
        "invalid_function_parameters",
    ),
    (
        {"tools": [{"type": "function", "function": {"name": "a", "strict": True, "parameters": STRICT}}]},
        400,
        "tools[0].function.parameters",
        "invalid_function_parameters",
    ),
    ({"tool_choice": "auto"}, 400, "tool_choice", None),
    ({"parallel_tool_calls": True}, 400, "parallel_tool_calls", None),
    ({"tools": [TOOL], "tool_choice": "maybe"}, 400, "tool_choice", "invalid_value"),
    ({"tools": [TOOL], "tool_choice": {"type": "function", "function": {"name": "other"}}}, 400, "tool_choice", None),
    ({"n": 0}, 400, "n", "integer_below_min_value"),
    ({"n": 129}, 400, "n", "integer_above_max_value"),
    ({"n": True}, 400, "n", "invalid_type"),
    ({"temperature": 2.5}, 400, "temperature", "decimal_above_max_value"),
    ({"temperature": "hot"}, 400, "temperature", "invalid_type"),
    ({"max_tokens": 0}, 400, "max_tokens", "integer_below_min_value"),
    ({"max_tokens": 16385}, 400, "max_tokens", "invalid_value"),
    ({"model": "sim-large", "max_tokens": 10}, 400, "max_tokens", "unsupported_parameter"),
    ({"stop": ["a", "b", "c", "d", "e"]}, 400, "stop", "array_above_max_length"),
    ({"stop": [1]}, 400, "stop[0]", "invalid_type"),
    ({"stream": "yes"}, 400, "stream", "invalid_type"),
    ({"stream_options": {"include_usage": True}}, 400, "stream_options", None),
    ({"response_format": "json"}, 400, "response_format", "invalid_type"),
    ({"response_format": {"type": "xml"}}, 400, "response_format.type", "invalid_value"),
    ({"response_format": {"type": "json_object"}}, 400, "messages", None),
    (formatted(schema=STRICT), 400, "response_format.json_schema.name", "missing_required_parameter"),
    (formatted(name="x", strict=True, schema=STRICT), 400, "response_format", None),
    (formatted(name="x", strict=True, schema={**STRICT, "additionalProperties": True}), 400, "response_format", None),
    ({"reasoning_effort": "huge"}, 400, "reasoning_effort", "invalid_value"),
    ({"system": "be nice"}, 400, "system", "unknown_parameter"),
    ({"messages": [{"role": "user", "content": "a" * 512_100}]}, 400, "messages", "context_length_exceeded"),
]


@pytest.mark.parametrize(("change", "status", "param", "code"), CHAT_REFUSALS)
async def test_chat_is_refused_as_openai_refuses(
    client: httpx.AsyncClient, change: Mapping[str, Any], status: int, param: str | None, code: str | None
) -> None:
    body = {key: value for key, value in chat(**change).items() if value is not None}
    response = await post(client, "/v1/chat/completions", body)
    error = response.json()["error"]
    assert (response.status_code, error["param"], error["code"]) == (status, param, code), error
    assert error["type"] == "invalid_request_error" and error["message"]
    assert response.headers["x-codriver-simulated"] == "true"


USE = {"type": "tool_use", "id": "toolu_1", "name": "write_file", "input": {}}
RESULT = {"type": "tool_result", "tool_use_id": "toolu_1", "content": "ok"}
PIXEL = {"type": "image", "source": {"type": "base64", "media_type": "image/png", "data": "iVBORw0KGgo="}}


def turn(role: str, *blocks: Any) -> dict[str, Any]:
    return {"role": role, "content": list(blocks)}


def words(text: str, **more: Any) -> dict[str, Any]:
    return {"type": "text", "text": text, **more}


MESSAGE_REFUSALS: list[tuple[dict[str, Any], int, str]] = [
    ({"model": "sim-small"}, 404, "model: sim-small"),
    ({"model": None}, 400, "model: Field required"),
    ({"max_tokens": None}, 400, "max_tokens: Field required"),
    ({"max_tokens": "many"}, 400, "max_tokens: Input should be a valid integer"),
    ({"max_tokens": 0}, 400, "max_tokens: Input should be greater"),
    ({"max_tokens": 64001}, 400, "max_tokens: 64001 > 64000"),
    ({"messages": None}, 400, "messages: Field required"),
    ({"messages": []}, 400, "messages: at least one message is required"),
    ({"messages": "hi"}, 400, "messages: Input should be a valid list"),
    ({"messages": [{"role": "user"}]}, 400, "messages.0.content: Field required"),
    ({"messages": [{"role": "assistant", "content": "hi"}]}, 400, 'first message must use the "user" role'),
    ({"messages": [*HELLO, {"role": "system", "content": "hi"}]}, 400, 'Unexpected role "system"'),
    ({"messages": [*HELLO, {"role": "tool", "content": "hi"}]}, 400, "messages.1.role"),
    ({"messages": [{"role": "user", "content": ""}]}, 400, "non-empty content"),
    ({"messages": [turn("user", words(""))]}, 400, "text content blocks must be non-empty"),
    ({"messages": [turn("user", words(" \n"))]}, 400, "must contain non-whitespace text"),
    ({"messages": [*HELLO, {"role": "assistant", "content": "So, "}]}, 400, "cannot end with trailing whitespace"),
    ({"messages": [turn("user", {"type": "image_url"})]}, 400, "messages.0.content.0: Input tag 'image_url'"),
    ({"messages": [turn("user", RESULT)]}, 400, "unexpected `tool_use_id`"),
    ({"messages": [*HELLO, turn("assistant", USE)]}, 400, "messages.1: `tool_use` ids were found without"),
    ({"messages": [*HELLO, turn("assistant", USE), *HELLO]}, 400, "`tool_use` ids were found without"),
    (
        {"messages": [*HELLO, turn("assistant", USE), turn("user", words("so"), RESULT)]},
        400,
        "`tool_use` ids were found without",
    ),
    ({"messages": [*HELLO, turn("assistant", {**USE, "id": "call.1"})]}, 400, "tool_use.id: String should match"),
    (
        {"messages": [*HELLO, turn("assistant", {**USE, "input": "{}"})]},
        400,
        "tool_use.input: Input should be a valid dictionary",
    ),
    ({"messages": [*HELLO, turn("assistant", USE, USE), turn("user", RESULT)]}, 400, "ids must be unique"),
    (
        {
            "messages": [
                *HELLO,
                turn("assistant", {"type": "thinking", "thinking": "hm", "signature": "forged"}),
                *HELLO,
            ]
        },
        400,
        "Invalid `signature`",
    ),
    ({"system": [words("")]}, 400, "system: text content blocks must be non-empty"),
    ({"system": 7}, 400, "system: Input should be a valid list"),
    ({"temperature": 1.2}, 400, "temperature: range: 0..1"),
    ({"stop_sequences": [" "]}, 400, "stop_sequences"),
    ({"tools": [{"name": "a"}]}, 400, "tools.0.custom.input_schema: Field required"),
    ({"tools": [{"name": "a b", "input_schema": {"type": "object"}}]}, 400, "tools.0.custom.name: String should match"),
    ({"tools": [{"name": "a", "input_schema": {}}]}, 400, "tools.0.custom.input_schema.type: Field required"),
    ({"tools": [CLAUDE_TOOL, CLAUDE_TOOL]}, 400, "Tool names must be unique"),
    ({"tool_choice": {"type": "any"}}, 400, "only be specified while providing tools"),
    ({"tools": [CLAUDE_TOOL], "tool_choice": {"type": "required"}}, 400, "tool_choice: Input tag 'required'"),
    ({"tools": [CLAUDE_TOOL], "tool_choice": {"type": "tool", "name": "other"}}, 400, "'other' not found"),
    ({"thinking": {"type": "enabled", "budget_tokens": 100}}, 400, "greater than or equal to 1024"),
    ({"thinking": {"type": "enabled", "budget_tokens": 2000}}, 400, "`max_tokens` must be greater"),
    ({"thinking": {"type": "adaptive"}, "temperature": 0.5}, 400, "when thinking is enabled"),
    ({"stream_options": {}}, 400, "stream_options: Extra inputs are not permitted"),
    ({"output_config": {"format": {"type": "json_object"}}}, 400, "format.type: Input should be 'json_schema'"),
    ({"output_config": {"format": {"type": "json_schema"}}}, 400, "format.schema: Field required"),
    (
        {"output_config": {"format": {"type": "json_schema", "schema": {"anyOf": [{"type": "object"}]}}}},
        400,
        "'additionalProperties' must be explicitly set to false",
    ),
    ({"messages": [turn("user", *[words("a", cache_control={"type": "ephemeral"})] * 5)]}, 400, "maximum of 4 blocks"),
    ({"messages": [{"role": "user", "content": "a" * 800_100}]}, 400, "tokens > 200000 maximum"),
    ({"max_tokens": 64000, "messages": [{"role": "user", "content": "a" * 600_000}]}, 400, "exceed context limit"),
]


@pytest.mark.parametrize(("change", "status", "text"), MESSAGE_REFUSALS)
async def test_messages_are_refused_as_anthropic_refuses(
    client: httpx.AsyncClient, change: Mapping[str, Any], status: int, text: str
) -> None:
    body = {key: value for key, value in messages(**change).items() if value is not None}
    response = await post(client, "/v1/messages", body)
    document = response.json()
    assert response.status_code == status and text in document["error"]["message"], document
    kind = {400: "invalid_request_error", 404: "not_found_error"}[status]
    assert (document["type"], document["error"]["type"]) == ("error", kind)


@pytest.mark.parametrize(
    ("change", "param", "code"),
    [
        ({"prompt": None}, "prompt", "missing_required_parameter"),
        ({"prompt": []}, "prompt", "empty_array"),
        ({"prompt": [1, 2]}, "prompt[0]", "invalid_type"),
        ({"suffix": 3}, "suffix", "invalid_type"),
        ({"max_tokens": 4097}, "max_tokens", "invalid_value"),
        ({"messages": HELLO}, "messages", "unknown_parameter"),
        ({"model": "sim-small"}, "model", None),
        ({"prompt": "x" * 140_000}, "prompt", "context_length_exceeded"),
    ],
)
async def test_completions_are_refused_as_openai_refuses(
    client: httpx.AsyncClient, change: Mapping[str, Any], param: str, code: str | None
) -> None:
    body = {"model": "sim-coder", "prompt": "x = ", **change}
    response = await post(client, "/v1/completions", {key: item for key, item in body.items() if item is not None})
    assert response.status_code in (400, 404)
    assert (response.json()["error"]["param"], response.json()["error"]["code"]) == (param, code)


@pytest.mark.parametrize(
    ("method", "path", "headers", "body", "status", "text"),
    [
        ("POST", "/v1/chat/completions", {}, b"{}", 401, "API key"),
        ("POST", "/v1/chat/completions", {"authorization": "Bearer"}, b"{}", 401, "API key"),
        ("POST", "/v1/messages", {"anthropic-version": "2023-06-01"}, b"{}", 401, "x-api-key"),
        ("GET", "/v1/models", {}, b"", 401, "API key"),
        ("GET", "/v1/chat/completions", KEY, b"", 405, "Not allowed to GET"),
        ("PUT", "/v1/messages", CLAUDE, b"{}", 405, "Not allowed to PUT"),
        ("POST", "/v1/nowhere", KEY, b"{}", 404, "/v1/nowhere"),
        ("GET", "/v1/models/sim-huge", KEY, b"", 404, "sim-huge"),
        ("POST", "/v1/chat/completions", KEY, b'{"model": ', 400, "column"),
        ("POST", "/v1/chat/completions", KEY, b'{"model": "\xff"}', 400, "UTF-8 at byte 11"),
        ("POST", "/v1/chat/completions", KEY, b'{"temperature": NaN}', 400, "NaN"),
        ("POST", "/v1/chat/completions", KEY, b"[" * 200_000, 400, "not valid JSON"),
        ("POST", "/v1/messages", CLAUDE, b"[]", 400, "not a JSON object"),
        ("POST", "/v1/messages", {"x-api-key": "k"}, json.dumps(messages()).encode(), 400, "anthropic-version"),
    ],
)
async def test_what_is_wrong_before_the_wire_is_refused_in_its_shape(
    client: httpx.AsyncClient, method: str, path: str, headers: dict[str, str], body: bytes, status: int, text: str
) -> None:
    response = await client.request(method, path, headers=headers, content=body)
    assert response.status_code == status and text in response.json()["error"]["message"]
    assert ("type" in response.json()) == (path == "/v1/messages")


@pytest.mark.parametrize(("path", "kind"), [("/v1/messages", "request_too_large"), ("/v1/chat/completions", None)])
async def test_a_body_over_32_mib_is_refused_and_the_client_sees_why(
    client: httpx.AsyncClient, path: str, kind: str | None
) -> None:
    response = await post(client, path, b" " * (32 * 1024 * 1024 + 1))
    assert response.status_code == 413
    assert kind is None or response.json()["error"]["type"] == kind


async def test_models_are_listed_and_say_that_they_are_simulated(client: httpx.AsyncClient) -> None:
    listed = (await client.get("/v1/models", headers=KEY)).json()["data"]
    assert [row["id"] for row in listed] == [model.id for model in shipped.shipped()]
    assert all(row["id"].startswith(("sim-", "embed-")) and row["owned_by"] == "codriver-simulator" for row in listed)
    for headers in (KEY, CLAUDE):
        one = await client.get("/v1/models/sim-medium", headers=headers)
        assert one.json()["id"] == "sim-medium"
    anthropics = (await client.get("/v1/models", headers=CLAUDE)).json()
    assert anthropics["has_more"] is False and "simulated" in anthropics["data"][0]["display_name"]


async def test_a_chat_stream_says_what_the_whole_answer_says(client: httpx.AsyncClient) -> None:
    whole = (await post(client, "/v1/chat/completions", chat())).json()
    asked = chat(stream=True, stream_options={"include_usage": True})
    response = await post(client, "/v1/chat/completions", asked)
    *chunks, usage, done = events(response.content)
    assert response.headers["content-type"].startswith("text/event-stream") and done == "[DONE]"
    assert chunks[0]["choices"][0]["delta"]["role"] == "assistant"
    text = "".join(chunk["choices"][0]["delta"].get("content") or "" for chunk in chunks)
    assert text == whole["choices"][0]["message"]["content"] and text.lower().count("simulated") == 1
    assert [chunk["choices"][0]["finish_reason"] for chunk in chunks if chunk["choices"][0]["finish_reason"]] == [
        "stop"
    ]
    assert all(chunk["usage"] is None for chunk in chunks) and usage["choices"] == []
    assert usage["usage"]["completion_tokens"] == whole["usage"]["completion_tokens"] == -(-len(text.encode()) // 4)
    assert len({chunk["id"] for chunk in [*chunks, usage]}) == 1 and chunks[0]["id"] != whole["id"]


async def test_usage_is_sent_only_to_those_who_ask(client: httpx.AsyncClient) -> None:
    chunks = events((await post(client, "/v1/chat/completions", chat(stream=True))).content)[:-1]
    assert all(chunk["choices"] and "usage" not in chunk for chunk in chunks)


async def test_several_choices_share_one_stream(client: httpx.AsyncClient) -> None:
    chunks = events((await post(client, "/v1/chat/completions", chat(stream=True, n=3))).content)[:-1]
    finished = [chunk["choices"][0]["index"] for chunk in chunks if chunk["choices"][0]["finish_reason"]]
    assert finished == [0, 1, 2]
    assert len((await post(client, "/v1/chat/completions", chat(n=3))).json()["choices"]) == 3


async def test_logprobs_cover_the_text(client: httpx.AsyncClient) -> None:
    choice = (await post(client, "/v1/chat/completions", chat(logprobs=True))).json()["choices"][0]
    assert "".join(item["token"] for item in choice["logprobs"]["content"]) == choice["message"]["content"]


async def test_an_anthropic_stream_has_its_events_in_order(client: httpx.AsyncClient) -> None:
    body = messages(stream=True, thinking={"type": "adaptive"})
    seen = events((await post(client, "/v1/messages", body)).content)
    kinds = [event["type"] for event in seen]
    squeezed = [kind for place, kind in enumerate(kinds) if kinds[place - 1 : place] != [kind]]
    block = ["content_block_start", "content_block_delta", "content_block_stop"]
    assert squeezed == ["message_start", block[0], "ping", *block[1:], *block, "message_delta", "message_stop"]
    assert [event["index"] for event in seen if event["type"] == "content_block_start"] == [0, 1]
    thought = [event["delta"]["type"] for event in seen if event.get("index") == 0 and "delta" in event]
    assert set(thought[:-1]) == {"thinking_delta"} and thought[-1] == "signature_delta"
    assert seen[0]["message"]["content"] == [] and seen[0]["message"]["usage"]["input_tokens"] > 0
    final = next(event for event in seen if event["type"] == "message_delta")
    assert final["delta"]["stop_reason"] == "end_turn" and final["usage"]["output_tokens"] > 0


async def test_thinking_must_come_back_as_it_was_within_a_tool_loop(client: httpx.AsyncClient) -> None:
    body = messages(
        messages=ASK_FILE, tools=[CLAUDE_TOOL], thinking={"type": "enabled", "budget_tokens": 1024}, max_tokens=4096
    )
    answered = (await post(client, "/v1/messages", body)).json()
    assert [block["type"] for block in answered["content"]] == ["thinking", "tool_use"]
    call = answered["content"][1]
    result = turn("user", {"type": "tool_result", "tool_use_id": call["id"], "content": "ok"})
    kept = {**body, "messages": [*ASK_FILE, turn("assistant", *answered["content"]), result]}
    assert (await post(client, "/v1/messages", kept)).status_code == 200
    lost = {**body, "messages": [*ASK_FILE, turn("assistant", call), result]}
    refused = await post(client, "/v1/messages", lost)
    adaptive = {**lost, "thinking": {"type": "adaptive"}}  # asks for none in the turns before
    assert (await post(client, "/v1/messages", adaptive)).status_code == 200
    assert refused.status_code == 400 and "Expected `thinking`" in refused.json()["error"]["message"]


@pytest.mark.parametrize("stream", [False, True])
async def test_length_and_stop_end_an_answer(client: httpx.AsyncClient, stream: bool) -> None:
    async def chatted(**more: Any) -> tuple[str, str]:
        response = await post(client, "/v1/chat/completions", chat(stream=stream, **more))
        if not stream:
            choice = response.json()["choices"][0]
            return choice["message"]["content"], choice["finish_reason"]
        chunks = [event["choices"][0] for event in events(response.content)[:-1]]
        return "".join(chunk["delta"].get("content") or "" for chunk in chunks), chunks[-1]["finish_reason"]

    full, reason = await chatted()
    assert reason == "stop"
    assert await chatted(max_tokens=2) == (full[:8], "length")
    assert await chatted(stop=["answer"]) == (full[: full.index("answer")], "stop")
    claude = (await post(client, "/v1/messages", messages(stop_sequences=["answer"]))).json()
    assert (claude["stop_reason"], claude["stop_sequence"]) == ("stop_sequence", "answer")
    assert (await post(client, "/v1/messages", messages(max_tokens=1))).json()["stop_reason"] == "max_tokens"


async def test_a_repeated_prefix_is_cached_per_model(client: httpx.AsyncClient) -> None:
    async def used(model: str, *turns: Any) -> tuple[int, int]:
        body = chat(model=model, messages=list(turns))
        usage = (await post(client, "/v1/chat/completions", body)).json()["usage"]
        return usage["prompt_tokens"], usage["prompt_tokens_details"]["cached_tokens"]

    first = {"role": "system", "content": "rules " * 200}
    follow = {"role": "user", "content": "and now?"}
    prompt, cached = await used("sim-small", first, *HELLO)
    assert cached == 0
    longer, cached = await used("sim-small", first, *HELLO, {"role": "assistant", "content": "Hi."}, follow)
    assert cached == prompt < longer
    assert (await used("sim-medium", first, *HELLO))[1] == 0
    assert (await used("sim-small", {"role": "system", "content": "other"}, *HELLO))[1] == 0


async def test_anthropic_caches_only_at_breakpoints(client: httpx.AsyncClient) -> None:
    async def used(body: Any) -> tuple[int, int, int]:
        usage = (await post(client, "/v1/messages", body)).json()["usage"]
        return usage["input_tokens"], usage["cache_creation_input_tokens"], usage["cache_read_input_tokens"]

    plain = messages(system="rules " * 100)
    assert await used(plain) == await used(plain) == ((await used(plain))[0], 0, 0)
    marked = messages(system=[words("rules " * 100, cache_control={"type": "ephemeral"})])
    fresh, written, read = await used(marked)
    assert written > 100 and read == 0
    assert await used(marked) == (fresh, 0, written)
    grown = [
        *HELLO,
        {"role": "assistant", "content": "Hi."},
        turn("user", words("go on", cache_control={"type": "ephemeral"})),
    ]
    fresh, more, read = await used({**marked, "messages": grown})
    assert (fresh, read) == (0, written) and more > 0


async def test_count_tokens_counts_what_a_message_would_use(client: httpx.AsyncClient) -> None:
    body = messages(system="be brief", tools=[CLAUDE_TOOL])
    counted = await post(client, "/v1/messages/count_tokens", {key: body[key] for key in body if key != "max_tokens"})
    assert counted.json() == {
        "input_tokens": (await post(client, "/v1/messages", body)).json()["usage"]["input_tokens"]
    }
    assert (await post(client, "/v1/messages/count_tokens", {"model": "sim-claude"})).status_code == 400


async def test_images_are_taken_by_models_that_see_and_count_by_a_flat_rate(client: httpx.AsyncClient) -> None:
    data = base64.b64encode(b"\0" * 300_000).decode()
    image = {"type": "image_url", "image_url": {"url": f"data:image/png;base64,{data}"}}
    body = chat(model="sim-medium", messages=[turn("user", words("what is this?"), image)])
    assert 700 < (await post(client, "/v1/chat/completions", body)).json()["usage"]["prompt_tokens"] < 1000
    body = messages(messages=[turn("user", words("what is this?"), PIXEL)])
    assert (await post(client, "/v1/messages", body)).status_code == 200


async def test_the_same_request_gets_the_same_answer_from_any_simulator(client: httpx.AsyncClient) -> None:
    body = chat(messages=ASK_FILE, tools=[TOOL])
    async with await shipped.start() as other, httpx.AsyncClient(base_url=other.url) as elsewhere:
        answers = [(await post(at, "/v1/chat/completions", body)).json() for at in (client, client, elsewhere)]
    assert answers[0]["choices"] == answers[1]["choices"] == answers[2]["choices"]
    assert answers[0]["id"] != answers[1]["id"]


STATUS_FAULTS = [("500", 500), ("429", 429), ("quota", 429), ("503", 503), ("529", 529), ("401", 401)]


@pytest.mark.parametrize(("name", "status"), STATUS_FAULTS)
@pytest.mark.parametrize("path", ["/v1/chat/completions", "/v1/messages"])
async def test_status_faults_come_once_in_the_shape_of_the_wire(
    simulator: shipped.Simulator, client: httpx.AsyncClient, name: str, status: int, path: str
) -> None:
    simulator.fault(name, retry_after=1.5)
    body = messages() if path == "/v1/messages" else chat()
    failed = await post(client, path, body)
    assert failed.status_code == status and failed.headers["retry-after"] == "1.5"
    assert "simulated fault" in failed.json()["error"]["message"]
    assert (await post(client, path, body)).status_code == 200
    assert [entry.fault for entry in simulator.log] == [name, ""]


async def test_faults_are_for_one_model_and_as_often_as_set(
    simulator: shipped.Simulator, client: httpx.AsyncClient
) -> None:
    simulator.fault("500", model="sim-small", times=2)
    simulator.fault("529", model="sim-medium", times=0)

    async def status(model: str) -> int:
        return (await post(client, "/v1/chat/completions", chat(model=model))).status_code

    assert [await status("sim-small") for _ in range(3)] == [500, 500, 200]
    assert [await status("sim-medium") for _ in range(3)] == [529, 529, 529]
    assert await status("sim-large") == 200
    simulator.clear_faults()
    assert await status("sim-medium") == 200
    with pytest.raises(ValueError, match="unknown fault"):
        simulator.fault("earthquake")


@pytest.mark.parametrize(
    ("name", "kind", "body"),
    [
        ("html", "text/html", b"<!doctype"),
        ("empty", "application/json", b""),
        ("garbage", "application/json", b'{"id"'),
    ],
)
async def test_wrong_bodies_come_with_status_200(client: httpx.AsyncClient, name: str, kind: str, body: bytes) -> None:
    response = await post(client, "/v1/chat/completions", chat(), **{"x-simulator-fault": name})
    assert response.status_code == 200 and response.headers["content-type"].startswith(kind)
    assert response.content.startswith(body) and (body or not response.content)


@pytest.mark.parametrize("after", [0, 2])
@pytest.mark.parametrize("path", ["/v1/chat/completions", "/v1/messages"])
@pytest.mark.parametrize("name", ["cut", "end", "error_event", "malformed"])
async def test_streams_break_where_they_are_told(
    simulator: shipped.Simulator, client: httpx.AsyncClient, path: str, name: str, after: int
) -> None:
    body = messages(stream=True) if path == "/v1/messages" else chat(stream=True)
    got, cut = b"", False
    async with client.stream(
        "POST", path, json=body, headers={**KEY, **CLAUDE, "x-simulator-fault": f"{name}; after={after}"}
    ) as response:
        assert response.status_code == 200
        try:
            async for chunk in response.aiter_raw():
                got += chunk
        except httpx.RemoteProtocolError:
            cut = True
    entry = await simulator.wait_for(lambda entry: entry.ended != "")
    assert cut == (name == "cut") == (entry.ended == "cut")
    before = got.split(b'data: {"error"')[0].split(b"event: error")[0].split(b'data: {"id": "sim", ')[0]
    shown = [event for event in events(before) if _shows(event)]
    assert len(shown) == after and len(events(before)) > after
    finished = b"[DONE]" in got or b"message_stop" in got
    assert finished == (name == "malformed")
    assert (b"Overloaded" in got) == (name == "error_event")


def _shows(event: Any) -> bool:
    return bool(
        event.get("type") == "content_block_delta"
        or (event.get("choices") and event["choices"][0]["delta"].get("content"))
    )


async def test_before_the_first_content_is_before_a_tool_call_opens(client: httpx.AsyncClient) -> None:
    for path, body in (
        ("/v1/chat/completions", chat(stream=True, messages=ASK_FILE, tools=[TOOL])),
        ("/v1/messages", messages(stream=True, messages=ASK_FILE, tools=[CLAUDE_TOOL])),
    ):
        response = await post(client, path, body, **{"x-simulator-fault": "error_event"})
        assert b"write_file" not in response.content and b"Overloaded" in response.content


@pytest.mark.parametrize(
    ("name", "check"),
    [
        ("refusal", lambda text: "can't help" in text),
        ("blank", lambda text: text == ""),
        ("unbalanced", lambda text: ")" not in text),
    ],
)
async def test_answers_can_be_bad_too(client: httpx.AsyncClient, name: str, check: Any) -> None:
    body = chat(messages=[{"role": "user", "content": "Document:\n```python\ndef f(x):\n    return (x)\n```"}])
    response = await post(client, "/v1/chat/completions", body, **{"x-simulator-fault": name})
    assert check(response.json()["choices"][0]["message"]["content"])


@pytest.mark.parametrize("name", ["bytewise", "crlf"])
async def test_odd_but_legal_streams_say_the_same(client: httpx.AsyncClient, name: str) -> None:
    plain = events((await post(client, "/v1/messages", messages(stream=True))).content)
    odd = events((await post(client, "/v1/messages", messages(stream=True), **{"x-simulator-fault": name})).content)
    assert [event.get("delta") for event in odd] == [event.get("delta") for event in plain]


@pytest.mark.parametrize("model", ["", "sim-small"])
async def test_connections_are_reset(simulator: shipped.Simulator, client: httpx.AsyncClient, model: str) -> None:
    simulator.fault("reset", model=model)
    with pytest.raises((httpx.ReadError, httpx.RemoteProtocolError, httpx.WriteError)):
        await post(client, "/v1/chat/completions", chat())
    assert (await post(client, "/v1/chat/completions", chat())).status_code == 200
    assert len(list(simulator.log)) == (2 if model else 1)


async def test_a_reset_catches_a_connection_that_is_already_open(
    simulator: shipped.Simulator, client: httpx.AsyncClient
) -> None:
    assert (await post(client, "/v1/chat/completions", chat())).status_code == 200
    simulator.fault("reset")
    with pytest.raises((httpx.ReadError, httpx.RemoteProtocolError)):
        await post(client, "/v1/chat/completions", chat())


@pytest.mark.parametrize("fault", ["stall; after=2", "slow; delay=60", "slow_token; delay=60"])
async def test_a_client_that_leaves_is_noticed_at_once(simulator: shipped.Simulator, fault: str) -> None:
    reader, writer = await asyncio.open_connection(*simulator.url.removeprefix("http://").split(":"))
    body = json.dumps(chat(stream=True)).encode()
    head = f"POST /v1/chat/completions HTTP/1.1\r\nhost: x\r\nauthorization: Bearer k\r\nx-simulator-fault: {fault}\r\n"
    writer.write(f"{head}content-length: {len(body)}\r\n\r\n".encode() + body)
    wanted = {"stall; after=2": 3, "slow_token; delay=60": 1}.get(fault, 0)
    running = await simulator.wait_for(lambda entry: entry.events >= wanted and entry.fault != "")
    assert running.ended == "" and running.seconds is None
    writer.close()
    entry = await simulator.wait_for(lambda entry: entry.ended != "")
    assert entry.ended == "disconnected" and entry.events == wanted
    assert entry.seconds is not None and entry.seconds < 5
    await reader.read()


async def test_a_whole_answer_can_stall_in_the_middle(simulator: shipped.Simulator, client: httpx.AsyncClient) -> None:
    simulator.fault("cut")
    with pytest.raises(httpx.RemoteProtocolError):
        await post(client, "/v1/chat/completions", chat())
    simulator.fault("stall")
    with pytest.raises(httpx.ReadTimeout):
        await client.post("/v1/chat/completions", headers=KEY, json=chat(), timeout=0.1)
    assert (await simulator.wait_for(lambda entry: entry.ended == "disconnected")).fault == "stall"


async def test_closing_ends_what_still_runs() -> None:
    running = await shipped.start()
    running.fault("stall")
    async with httpx.AsyncClient(base_url=running.url, trust_env=False) as client:
        asked = asyncio.create_task(post(client, "/v1/chat/completions", chat(stream=True)))
        await running.wait_for(lambda entry: entry.events > 0)
        await running.close()
        await running.close()
        with pytest.raises(httpx.HTTPError):
            await asked


async def test_the_log_keeps_what_was_sent_but_no_keys(simulator: shipped.Simulator, client: httpx.AsyncClient) -> None:
    body = chat(future_field={"a": [1]})
    await post(client, "/v1/chat/completions", body, **{"x-trace": "42", "x-api-key": "secret-key"})
    await post(client, "/v1/chat/completions", b"not json")
    logged = (await client.get("/simulator/log")).json()["requests"]
    assert [(row["status"], row["ended"], row["body"]) for row in logged] == [
        (200, "finished", body),
        (400, "finished", "not json"),
    ]
    assert logged[0]["headers"]["x-trace"] == "42" and logged[0]["model"] == "sim-small"
    assert "secret-key" not in json.dumps(logged) and "Bearer" not in json.dumps(logged)
    assert (await client.delete("/simulator/log")).json() == {"requests": []}
    with pytest.raises(TimeoutError):
        await simulator.wait_for(lambda entry: True, timeout=0.01)


async def test_faults_are_set_over_the_socket(client: httpx.AsyncClient) -> None:
    wanted = {"model": "sim-small", "fault": "429", "times": 1, "after": 5, "retry_after": 1}
    assert (await client.post("/simulator/faults", json=wanted)).json()["faults"][0]["fault"] == "429"
    limited = await post(client, "/v1/chat/completions", chat())
    assert (limited.status_code, limited.headers["retry-after"]) == (429, "1")
    await client.post("/simulator/faults", json={"fault": "500", "times": 0})
    assert (await client.delete("/simulator/faults")).json()["faults"] == []
    assert (await post(client, "/v1/chat/completions", chat())).status_code == 200


@pytest.mark.parametrize(
    "body", [b"[]", b"{", b'{"fault": "earthquake"}', b'{"fault": "500", "times": -1}', b'{"fault": "500", "when": 1}']
)
async def test_a_bad_fault_is_refused(client: httpx.AsyncClient, body: bytes) -> None:
    assert (await client.post("/simulator/faults", content=body)).status_code == 400
    refused = await post(client, "/v1/chat/completions", chat(), **{"x-simulator-fault": "earthquake"})
    assert refused.status_code == 400 and "earthquake" in refused.json()["error"]["message"]


async def test_web_pages_cannot_use_the_controls(client: httpx.AsyncClient) -> None:
    for headers in ({"origin": "http://evil.example"}, {"host": "evil.example"}):
        assert (await client.get("/simulator/log", headers=headers)).status_code == 403
    async with await shipped.start(control=False) as closed, httpx.AsyncClient(base_url=closed.url) as outside:
        assert (await outside.get("/simulator/log")).status_code == 404
        await post(outside, "/v1/chat/completions", chat(), **{"x-simulator-fault": "500"})
        assert [(entry.status, entry.body) for entry in closed.log] == [(200, None)]


async def test_pace_scales_the_delays_of_the_provider_file() -> None:
    model = shipped.SimModel("sim-x", 1000, 100, ("openai_chat",), first_token=0.02, speed=1e9)
    async with await shipped.start(pace=2, models=[model]) as slow, httpx.AsyncClient(base_url=slow.url) as client:
        await post(client, "/v1/chat/completions", chat(model="sim-x", stream=True))
        entry = await slow.wait_for(lambda entry: entry.ended == "finished")
        assert entry.seconds is not None and entry.seconds >= 0.04


async def test_requests_of_one_connection_are_answered_in_order(simulator: shipped.Simulator) -> None:
    reader, writer = await asyncio.open_connection(*simulator.url.removeprefix("http://").split(":"))
    head = b"GET /v1/models/sim-%b HTTP/1.1\r\nhost: x\r\nauthorization: Bearer k\r\n\r\n"
    writer.write(head % b"small" + head % b"large" + b"POST /v1/messages HTTP/9.9\r\n\r\n")
    got = await asyncio.wait_for(reader.read(), 5)
    assert got.index(b'"id":"sim-small"') < got.index(b'"id":"sim-large"') < got.index(b"HTTP/1.1 400")
    writer.close()


@pytest.mark.parametrize("form", ["whole", "bytewise", "chunked", "expect"])
async def test_a_request_may_come_in_any_pieces(simulator: shipped.Simulator, form: str) -> None:
    body = json.dumps(chat(messages=[{"role": "user", "content": "Grüße 🚗"}]), ensure_ascii=False).encode()
    head = b"POST /v1/chat/completions HTTP/1.1\r\nhost: x\r\nauthorization: Bearer k\r\nconnection: close\r\n"
    sized = b"content-length: %d\r\n\r\n%b" % (len(body), body)
    chunked = b"transfer-encoding: chunked\r\n\r\n%b0\r\n\r\n" % b"".join(b"1\r\n%c\r\n" % byte for byte in body)
    sent = head + {"chunked": chunked, "expect": b"expect: 100-continue\r\n" + sized}.get(form, sized)
    reader, writer = await asyncio.open_connection(*simulator.url.removeprefix("http://").split(":"))
    step = 1 if form == "bytewise" else len(sent)
    for place in range(0, len(sent), step):
        writer.write(sent[place : place + step])
        await writer.drain()
        await asyncio.sleep(0)
    got = await asyncio.wait_for(reader.read(), 5)
    writer.close()
    assert got.startswith(b"HTTP/1.1 100" if form == "expect" else b"HTTP/1.1 200") and "Grüße 🚗".encode() in got


@pytest.mark.parametrize(
    ("sent", "status"), [(b"GARBAGE\0\r\n\r\n", b"400"), (b"GET / HTTP/1.1\r\nx: %b\r\n\r\n" % (b"a" * 70_000), b"431")]
)
async def test_what_is_not_http_is_refused(simulator: shipped.Simulator, sent: bytes, status: bytes) -> None:
    reader, writer = await asyncio.open_connection(*simulator.url.removeprefix("http://").split(":"))
    writer.write(sent)
    assert (await asyncio.wait_for(reader.read(), 5)).startswith(b"HTTP/1.1 " + status)
    writer.close()


async def test_a_mistake_of_the_simulator_is_told_and_not_hung_on() -> None:
    impossible = shipped.SimModel("sim-x", 1000, 100, ("openai_chat",), speed=0)
    async with await shipped.start(models=[impossible]) as broken, httpx.AsyncClient(base_url=broken.url) as client:
        failed = await post(client, "/v1/chat/completions", chat(model="sim-x"))
        assert failed.status_code == 500 and "simulator itself" in failed.json()["error"]["message"]


async def test_system_messages_in_the_middle_need_their_beta(client: httpx.AsyncClient) -> None:
    asked = turn("assistant", USE)
    body = messages(messages=[*HELLO, asked, {"role": "system", "content": "Be brief."}, turn("user", RESULT)])
    assert (await post(client, "/v1/messages", body)).status_code == 400
    beta = {"anthropic-beta": "mid-conversation-system-2026-04-07"}
    assert (await post(client, "/v1/messages", body, **beta)).status_code == 200


async def test_a_call_that_max_tokens_cuts_is_cut_in_the_middle(client: httpx.AsyncClient) -> None:
    body = chat(messages=ASK_FILE, tools=[TOOL], max_tokens=2)
    choice = (await post(client, "/v1/chat/completions", body)).json()["choices"][0]
    assert choice["finish_reason"] == "length"
    assert choice["message"]["tool_calls"][0]["function"]["arguments"] == '{"path":'
    body = messages(messages=ASK_FILE, tools=[CLAUDE_TOOL], max_tokens=2)
    claude = (await post(client, "/v1/messages", body)).json()
    assert (claude["stop_reason"], claude["content"][0]["input"]) == ("max_tokens", {})


async def test_the_process_form_says_where_it_listens_and_ends_when_told() -> None:
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "codriver.upstream.simulator", "--pace", "0", stdout=subprocess.PIPE
    )
    assert process.stdout is not None
    try:
        said = json.loads(await asyncio.wait_for(process.stdout.readline(), 20))
        assert said["simulated"] is True
        async with httpx.AsyncClient(base_url=said["url"], trust_env=False) as client:
            assert (await post(client, "/v1/chat/completions", chat())).status_code == 200
    finally:
        process.terminate()
        assert await asyncio.wait_for(process.wait(), 10) == 0


async def test_the_official_openai_client_streams_and_calls_tools(simulator: shipped.Simulator) -> None:
    async with openai.AsyncOpenAI(base_url=f"{simulator.url}/v1", api_key="simulated", max_retries=0) as client:
        stream = await client.chat.completions.create(model="sim-medium", messages=HELLO, stream=True)
        text = "".join([chunk.choices[0].delta.content or "" async for chunk in stream])
        assert "simulated" in text
        asked = await client.chat.completions.create(model="sim-medium", messages=ASK_FILE, tools=[TOOL])
        message = asked.choices[0].message
        assert asked.choices[0].finish_reason == "tool_calls" and message.tool_calls
        call = message.tool_calls[0]
        assert json.loads(call.function.arguments) == {"path": "grüße.py", "content": "print('Grüße 你好')"}
        back = [*ASK_FILE, message.model_dump(), {"role": "tool", "tool_call_id": call.id, "content": "written"}]
        done = await client.chat.completions.create(model="sim-medium", messages=back, tools=[TOOL])
        assert done.choices[0].finish_reason == "stop" and "grüße.py" in (done.choices[0].message.content or "")
        filled = await client.completions.create(model="sim-coder", prompt="def add(a, b):\n    ", suffix="\n")
        assert filled.choices[0].text == "return a + b"
        with pytest.raises(openai.NotFoundError, match="does not exist"):
            await client.chat.completions.create(model="gpt-0", messages=HELLO)


async def test_the_official_anthropic_client_streams_and_calls_tools(simulator: shipped.Simulator) -> None:
    async with anthropic.AsyncAnthropic(base_url=simulator.url, api_key="simulated", max_retries=0) as client:
        async with client.messages.stream(model="sim-claude", max_tokens=500, messages=HELLO) as stream:
            assert "simulated" in "".join([text async for text in stream.text_stream])
        async with client.messages.stream(
            model="sim-claude", max_tokens=500, messages=ASK_FILE, tools=[CLAUDE_TOOL]
        ) as stream:
            asked = await stream.get_final_message()
        call = asked.content[0]
        assert asked.stop_reason == "tool_use" and call.type == "tool_use"
        assert call.input == {"path": "grüße.py", "content": "print('Grüße 你好')"}
        result = {"type": "tool_result", "tool_use_id": call.id, "content": "written"}
        back = [*ASK_FILE, {"role": "assistant", "content": asked.content}, {"role": "user", "content": [result]}]
        done = await client.messages.create(model="sim-claude", max_tokens=500, messages=back, tools=[CLAUDE_TOOL])
        assert done.stop_reason == "end_turn" and "grüße.py" in done.content[0].text
        simulator.fault("529")
        with pytest.raises(anthropic.APIStatusError) as failed:
            await client.messages.create(model="sim-claude", max_tokens=5, messages=HELLO)
        assert failed.value.status_code == 529
