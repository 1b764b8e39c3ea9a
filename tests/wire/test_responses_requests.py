"""Requests in OpenAI responses: what callers send, what is made of it, and what goes to providers."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from codriver.errors import Kind, RequestRejected
from codriver.model.provider import Model, Quirks
from codriver.model.request import (
    Conversation,
    Image,
    Limits,
    Message,
    Purpose,
    Reasoning,
    Request,
    Text,
    Tool,
    ToolCall,
    ToolChoice,
    ToolResult,
)
from codriver.wire import anthropic, codec, envelope, openai_chat
from codriver.wire import openai_responses as wire
from wire.samples import PLAIN, dump, model

THINKER = model(reasoning=True)
HI = [{"role": "user", "content": "hi é"}]
FUNCTION = {"type": "function", "name": "f", "description": "does f", "parameters": {"type": "object"}, "strict": False}
PATCH = {
    "type": "custom", "name": "apply_patch", "description": "Patches files",
    "format": {"type": "grammar", "syntax": "lark", "definition": "start: LINE+"},
}  # fmt: skip
CALL = {"type": "function_call", "id": "fc_1", "call_id": "call_1", "name": "f", "arguments": '{"a":1}'}
OUTPUT = {"type": "function_call_output", "id": "fc_2", "call_id": "call_1", "output": "one"}
SEALED = envelope.seal([Reasoning("hm", "sig==")], "anthropic/claude")


def thought(encrypted: str | None, ident: str = "rs_1") -> dict[str, Any]:
    item: dict[str, Any] = {"type": "reasoning", "id": ident, "summary": [{"type": "summary_text", "text": "hm"}]}
    return {**item, "encrypted_content": encrypted} if encrypted is not None else item


CODEX: dict[str, Any] = {
    "model": "auto",
    "instructions": "You are a coding agent.",
    "input": [
        {
            "type": "message", "id": "msg_a", "role": "developer",
            "content": [{"type": "input_text", "text": "<permissions>all</permissions>"}],
        },
        {
            "type": "message", "id": "msg_b", "role": "user",
            "content": [{"type": "input_text", "text": "Append a line to notes.txt"}],
        },
        thought(SEALED),
        {"type": "function_call", "id": "fc_a", "status": "completed", "call_id": "call_a", "name": "shell",
         "arguments": '{"command":["cat","notes.txt"]}'},
        {"type": "function_call", "id": "fc_b", "call_id": "call_b", "name": "spawn", "namespace": "agents",
         "arguments": "{}"},
        {"type": "message", "id": "msg_c", "role": "assistant", "status": "completed",
         "content": [{"type": "output_text", "text": "Reading.", "annotations": []}]},
        {"type": "function_call_output", "id": "fco_a", "call_id": "call_a", "output": "old line"},
        {"type": "function_call_output", "id": "fco_b", "call_id": "call_b",
         "output": [{"type": "input_text", "text": "spawned"}]},
        {"type": "custom_tool_call", "id": "ctc_a", "call_id": "call_c", "name": "apply_patch", "input": "*** \"é\""},
        {"type": "custom_tool_call_output", "call_id": "call_c", "output": "Done"},
    ],
    "tools": [
        {"type": "function", "name": "shell", "description": "Runs", "strict": False,
         "parameters": {"type": "object", "properties": {"command": {"type": "array", "items": {"type": "string"}}}}},
        PATCH,
        {"type": "namespace", "name": "agents", "description": "Helpers", "tools": [
            {"type": "function", "name": "spawn", "description": "Starts one", "strict": False,
             "parameters": {"type": "object", "properties": {}}}]},
        {"type": "namespace", "name": "functions", "description": "", "tools": [{**FUNCTION, "name": "plan"}]},
        {"type": "web_search", "external_web_access": False},
    ],
    "tool_choice": "auto",
    "parallel_tool_calls": True,
    "reasoning": {"effort": "xhigh", "summary": "auto"},
    "store": False,
    "stream": True,
    "include": ["reasoning.encrypted_content"],
    "prompt_cache_key": "thread-1",
    "client_metadata": {"session_id": "thread-1", "x-codex-window-id": "thread-1:0"},
}  # fmt: skip


def parsed(body: dict[str, Any], **headers: str) -> Request:
    return wire.parse(dump(body), headers)


def talk(body: dict[str, Any]) -> Conversation:
    return parsed(body).conversation


def sent(request: Request, to: Model = THINKER, quirks: Quirks = PLAIN, speaker: Any = wire) -> dict[str, Any]:
    found: dict[str, Any] = json.loads(speaker.call(request, to, quirks).body)
    return found


# In.


def test_a_codex_body_is_read_whole() -> None:
    """G1, G2, T15, T16, trap 3 of real clients: every item and tool that Codex sends is taken."""
    request = parsed(CODEX)
    found = request.conversation
    assert request.purpose is Purpose.TOOL_RESULT
    assert request.needs.same_wire == ()
    assert request.needs.tools
    assert request.session == "thread-1"
    assert (request.limits.effort, request.stream) == ("max", True)
    assert request.tail == ("Done", "Append a line to notes.txt")
    assert [tool.name for tool in found.tools] == ["shell", "apply_patch", "agents__spawn", "plan"]
    assert found.tool_choice == ToolChoice("auto", parallel=True)
    assert found.lost == ("tools[web_search]",)
    assert [message.role for message in found.messages] == [
        "system", "system", "user", "assistant", "tool", "assistant", "tool",
    ]  # fmt: skip
    assert found.messages[3].parts == (
        Reasoning("hm", "sig==", "", "anthropic/claude"),
        ToolCall("call_a", "shell", '{"command":["cat","notes.txt"]}'),
        ToolCall("call_b", "agents__spawn", "{}"),
        Text("Reading."),
    )
    assert found.messages[4].parts == (
        ToolResult("call_a", (Text("old line"),)),
        ToolResult("call_b", (Text("spawned"),)),
    )
    assert found.messages[5].parts == (ToolCall("call_c", "apply_patch", '{"input":"*** \\"é\\""}'),)


@pytest.mark.parametrize("name", ["openai_chat", "anthropic"])
def test_a_codex_body_goes_to_other_wires(name: str) -> None:
    """W36 as real clients need it: built-in tools are left out by name, everything else arrives."""
    made = codec.find(name).call(parsed(CODEX), THINKER, PLAIN)
    body = json.loads(made.body)
    assert "tools[web_search]" in made.dropped
    tools = [tool.get("function", tool) for tool in body["tools"]]
    assert [tool["name"] for tool in tools] == ["shell", "apply_patch", "agents__spawn", "plan"]
    assert "start: LINE+" in json.dumps(tools[1])
    text = json.dumps(body)
    for word in ("You are a coding agent.", "<permissions>", "Append a line", "old line", "spawned", "Done"):
        assert word in text


def test_the_grammar_of_a_free_text_tool_is_kept() -> None:
    (tool,) = talk({"model": "m", "input": "x", "tools": [PATCH]}).tools
    assert tool.custom == PATCH["format"]
    assert tool.schema["required"] == ["input"]


@pytest.mark.parametrize(
    ("tools", "choice", "same"),
    [
        pytest.param([{"type": "web_search"}, FUNCTION], "auto", (), id="beside-others-it-may-go"),
        pytest.param([{"type": "web_search"}, FUNCTION], None, (), id="beside-others-without-a-choice"),
        pytest.param([{"type": "web_search"}], None, ("tools[web_search]",), id="alone-it-is-the-point"),
        pytest.param([{"type": "web_search"}], "none", (), id="alone-but-not-to-be-called"),
        pytest.param(
            [{"type": "web_search"}, FUNCTION], {"type": "web_search"}, ("tool_choice[web_search]",), id="forced"
        ),
        pytest.param(
            [{"type": "mcp", "server_label": "x", "server_url": "http://x"}], "auto", ("tools[mcp]",), id="mcp"
        ),
    ],
)
def test_built_in_tools(tools: list[Any], choice: Any, same: tuple[str, ...]) -> None:
    """W36, T15: they tie a request to this wire only where it is nothing without them. Real clients list
    web_search by the way, so refusing it (W36 to the letter) would shut them out: agents' trap 3 goes first."""
    body = {"model": "m", "input": "hi", "tools": tools, "tool_choice": choice}
    assert parsed(body).needs.same_wire == same


@pytest.mark.parametrize(
    ("body", "same"),
    [
        ({"input": [*HI, {"type": "web_search_call", "id": "ws_1", "status": "completed"}]}, ()),
        ({"input": [*HI, {"type": "file_search_call", "id": "fs_1"}]}, ("input[file_search_call]",)),
        ({"input": [*HI, {"type": "compaction", "encrypted_content": "x"}]}, ("input[compaction]",)),
        ({"input": [*HI, {"type": "tool_search_call", "arguments": {"q": 1}}]}, ("input[tool_search_call]",)),
        ({"input": [*HI, {"type": "of_tomorrow", "content": 7, "name": []}]}, ("input[of_tomorrow]",)),
        ({"input": [{"role": "user", "content": [{"type": "input_file", "file_id": "f"}]}]}, ("content[input_file]",)),
        (
            {"input": [{"role": "user", "content": [{"type": "input_image", "file_id": "f"}]}]},
            ("content[input_image]",),
        ),
        ({"input": "x", "conversation": "conv_1"}, ("conversation",)),
        ({"input": "x", "background": True}, ("background",)),
        ({"input": "x", "background": False, "conversation": None}, ()),
        ({"prompt": {"id": "pmpt_1"}}, ("prompt",)),
        ({"input": "x", "top_logprobs": 3}, ("top_logprobs",)),
        ({"input": "x", "include": ["message.output_text.logprobs"]}, ("top_logprobs",)),
        ({"input": "x", "include": []}, ()),
        ({"input": "x", "service_tier": "flex"}, ("service_tier",)),
        ({"input": "x", "service_tier": "auto"}, ()),
    ],
)
def test_what_only_this_wire_can_carry(body: dict[str, Any], same: tuple[str, ...]) -> None:
    """W10, W36, G3: unknown items are taken, and keep the request on its wire."""
    assert parsed({"model": "m", **body}).needs.same_wire == same


@pytest.mark.parametrize(
    ("body", "field"),
    [
        ({"model": "m"}, "input"),
        ({"input": "hi"}, "model"),
        ({"model": "", "input": "hi"}, "model"),
        ({"model": "m", "input": 3}, "input"),
        ({"model": "m", "input": [{"content": "x"}]}, "input[0].role"),
        ({"model": "m", "input": [{"role": "king", "content": "x"}]}, "input[0].role"),
        ({"model": "m", "input": [{"role": "user"}]}, "input[0].content"),
        ({"model": "m", "input": [{"role": "user", "content": 7}]}, "input[0].content"),
        ({"model": "m", "input": [{"role": "user", "content": ["x"]}]}, "input[0].content[0]"),
        ({"model": "m", "input": [{"role": "user", "content": [{"type": "input_text"}]}]}, "input[0].content[0].text"),
        ({"model": "m", "input": [{**CALL, "arguments": {}}]}, "input[0].arguments"),
        ({"model": "m", "input": [{**CALL, "name": None}]}, "input[0].name"),
        ({"model": "m", "input": [{**CALL, "call_id": 3}]}, "input[0].call_id"),
        ({"model": "m", "input": [{"type": "function_call_output", "call_id": "c"}]}, "input[0].output"),
        ({"model": "m", "input": [{"type": "custom_tool_call", "call_id": "c", "name": "p"}]}, "input[0].input"),
        ({"model": "m", "input": "x", "tools": [{"type": "function"}]}, "tools[0].name"),
        ({"model": "m", "input": "x", "tools": [{**FUNCTION, "parameters": 3}]}, "tools[0].parameters"),
        (
            {"model": "m", "input": "x", "tools": [{"type": "namespace", "name": "n", "tools": [{"type": "custom"}]}]},
            "tools[0].tools[0].name",
        ),
        ({"model": "m", "input": [{"type": "additional_tools", "tools": [3]}]}, "input[0].tools"),
        ({"model": "m", "input": "x", "temperature": 9}, "temperature"),
        ({"model": "m", "input": "x", "max_output_tokens": 0}, "max_output_tokens"),
        ({"model": "m", "input": "x", "reasoning": "high"}, "reasoning"),
    ],
)
def test_bad_bodies_are_refused_by_field(body: dict[str, Any], field: str) -> None:
    """W9."""
    with pytest.raises(RequestRejected) as told:
        parsed(body)
    assert told.value.failure.kind is Kind.INVALID
    assert told.value.failure.field == field


JSON = st.recursive(
    st.none() | st.booleans() | st.integers(-9, 9) | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner, max_size=3),
    max_leaves=8,
)
NAMES = st.sampled_from(["type", "role", "content", "call_id", "name", "arguments", "output", "summary", "tools", "id"])
TYPES = st.sampled_from(["message", "function_call", "function_call_output", "custom_tool_call", "reasoning", "user"])


@settings(max_examples=150, deadline=None)
@given(st.lists(st.dictionaries(NAMES, JSON | TYPES, max_size=5), max_size=3), st.lists(JSON, max_size=2))
def test_nothing_a_caller_sends_raises_anything_else(items: list[Any], tools: list[Any]) -> None:
    try:
        request = parsed({"model": "m", "input": items, "tools": tools})
    except RequestRejected:
        return
    for speaker in (wire, openai_chat, anthropic):
        assert json.loads(speaker.call(request, THINKER, PLAIN).body)["model"] == THINKER.upstream_id


def test_the_session_is_found() -> None:
    """W40."""
    assert parsed({"model": "m", "input": "x", "prompt_cache_key": "k"}).session == "k"
    assert wire.parse(dump({"model": "m", "input": "x"}), {"session-id": "s", "thread-id": "t"}).session == "s"
    assert wire.parse(dump({"model": "m", "input": "x"}), {"session_id": "s"}).session == "s"


def test_allowed_tools_narrow_the_list() -> None:
    choice = {"type": "allowed_tools", "mode": "required", "tools": [{"type": "function", "name": "g"}]}
    found = talk({"model": "m", "input": "x", "tools": [FUNCTION, {**FUNCTION, "name": "g"}], "tool_choice": choice})
    assert [tool.name for tool in found.tools] == ["g"]
    assert found.tool_choice == ToolChoice("required")


def test_tools_inside_an_item_count() -> None:
    extra = {"type": "additional_tools", "role": "developer", "tools": [{**FUNCTION, "name": "g"}]}
    request = parsed({"model": "m", "input": [*HI, extra], "tools": [FUNCTION]})
    assert [tool.name for tool in request.conversation.tools] == ["f", "g"]
    assert request.needs.same_wire == ()


# Relayed.


def test_the_callers_bytes_go_on() -> None:
    """W36, G3: equal but for the model's name, unknown fields and items included."""
    body = dump({**CODEX, "input": [*HI, {"type": "of_tomorrow", "x": [1.0, {"é": None}]}], "of_tomorrow": {"a": 1}})
    made = wire.call(wire.parse(body, {}), THINKER, PLAIN).body
    assert made == body.replace(b'"auto"', b'"acme-one-2026"', 1)


def test_foreign_thinking_is_taken_out_of_the_bytes() -> None:
    """A12, T14: our own envelope means nothing to a provider; items it made itself stay as they are."""
    body = {"model": "m", "input": [*HI, thought(SEALED), CALL, OUTPUT, thought("gAAA", "rs_2"), CALL]}
    assert sent(parsed(body))["input"] == [*HI, CALL, OUTPUT, thought("gAAA", "rs_2"), CALL]


def test_thinking_of_another_model_goes_with_all_that_is_tied_to_it() -> None:
    """A12, T14: with `forget` no encrypted item stays but the target's own, and no id that would ask for one."""
    body = {
        "model": "m",
        "input": [*HI, thought("theirs"), CALL, OUTPUT, thought("mine", "rs_2"), CALL, thought(None, "rs_3")],
    }
    request = parsed(body)
    assert request.signatures == ("theirs", "mine", "rs_3|")
    bare = {key: value for key, value in CALL.items() if key != "id"}
    forgetful = replace(request, forget=True)
    assert sent(forgetful)["input"] == [*HI, bare, OUTPUT, bare]
    kept = sent(replace(forgetful, own=frozenset({"mine"})))["input"]
    assert kept == [*HI, bare, OUTPUT, thought("mine", "rs_2"), bare]


def test_a_model_that_does_not_reason_gets_no_reasoning() -> None:
    body = {**CODEX, "input": [*HI, thought("gAAA"), CALL, OUTPUT], "include": ["reasoning.encrypted_content"]}
    found = sent(parsed(body), model())
    assert "reasoning" not in found
    assert "include" not in found
    assert [item.get("type") for item in found["input"]] == [None, "function_call", "function_call_output"]


@pytest.mark.parametrize(
    ("change", "quirks", "field", "expected"),
    [
        ({"max_output_tokens": 5}, PLAIN, "max_output_tokens", 16),
        ({"max_output_tokens": 99_999}, PLAIN, "max_output_tokens", 8192),
        ({"max_output_tokens": 100}, PLAIN, "max_output_tokens", 100),
        ({"temperature": 0.3}, Quirks(drop=("temperature",)), "temperature", None),
        ({"reasoning": {"effort": "xhigh", "summary": "auto"}}, Quirks(efforts=("low", "high")), "reasoning",
         {"effort": "high", "summary": "auto"}),
        ({"reasoning": {"effort": "low"}}, Quirks(efforts=("low", "high")), "reasoning", {"effort": "low"}),
        ({"metadata": {"codriver_task": "edit", "a": "b"}}, PLAIN, "metadata", {"a": "b"}),
        ({"metadata": {"codriver_task": "edit"}}, PLAIN, "metadata", None),
    ],
)  # fmt: skip
def test_what_a_relay_changes(change: dict[str, Any], quirks: Quirks, field: str, expected: Any) -> None:
    """W39: the floor of max_output_tokens, the model's ceiling, efforts it knows."""
    assert sent(parsed({"model": "m", "input": "x", **change}), THINKER, quirks).get(field) == expected


def test_a_cache_key_is_made_from_the_session_where_there_is_none() -> None:
    """W40, D7: the same for every turn of a session, and not the session's name."""
    body = {"model": "m", "input": "x"}
    quirks = Quirks(cache_key=True)
    keys = [sent(wire.parse(dump(body), {"session-id": name}), THINKER, quirks)["prompt_cache_key"] for name in "aab"]
    assert keys[0] == keys[1] != keys[2]
    assert sent(parsed({**body, "prompt_cache_key": "mine"}), THINKER, quirks)["prompt_cache_key"] == "mine"
    assert "prompt_cache_key" not in sent(wire.parse(dump(body), {"session-id": "a"}))


# Built.


def neutral(*messages: Message, tools: tuple[Tool, ...] = (), choice: ToolChoice | None = None, **more: Any) -> Request:
    return Request("r1", "chat", unfold=lambda: Conversation(messages, tools, choice), **more)


F = Tool("f", "does f", {"type": "object", "properties": {"a": {}}})
USER = Message("user", (Text("hi"),))


def test_a_body_from_the_neutral_form() -> None:
    own = Reasoning("hm", "rs_1|gAAA", "", THINKER.key)
    theirs = Reasoning("no", "sig", "", "other/model")
    request = neutral(
        Message("system", (Text("Be brief."),)),
        USER,
        Message("assistant", (own, theirs, Text("Calling."), ToolCall("call_1", "f", '{"a":1}'))),
        Message("tool", (ToolResult("call_1", (Text("one"), Image("image/png", "AAAA"))),)),
        Message("user", (Image(url="https://x/y.png"), Text("and?"))),
        tools=(F,),
        choice=ToolChoice("named", "f", parallel=False),
        limits=Limits(
            5, 0.5, None, ("END",), {"type": "json_schema", "name": "n", "schema": {}, "strict": None}, "max"
        ),
    )
    made = wire.call(request, THINKER, PLAIN)
    body = json.loads(made.body)
    assert made.dropped == () and made.stop == ("END",)
    assert body == {
        "model": "acme-one-2026",
        "instructions": "Be brief.",
        "input": [
            {"type": "message", "role": "user", "content": [{"type": "input_text", "text": "hi"}]},
            {"id": "rs_1", "type": "reasoning", "summary": [{"type": "summary_text", "text": "hm"}],
             "encrypted_content": "gAAA"},
            {"type": "message", "role": "assistant",
             "content": [{"type": "output_text", "text": "Calling.", "annotations": []}]},
            {"type": "function_call", "call_id": "call_1", "name": "f", "arguments": '{"a":1}'},
            {"type": "function_call_output", "call_id": "call_1", "output": [
                {"type": "input_text", "text": "one"},
                {"type": "input_image", "image_url": "data:image/png;base64,AAAA", "detail": "auto"}]},
            {"type": "message", "role": "user", "content": [
                {"type": "input_image", "image_url": "https://x/y.png", "detail": "auto"},
                {"type": "input_text", "text": "and?"}]},
        ],
        "tools": [{"type": "function", "name": "f", "description": "does f",
                   "parameters": {"type": "object", "properties": {"a": {}}}, "strict": False}],
        "tool_choice": {"type": "function", "name": "f"},
        "parallel_tool_calls": False,
        "max_output_tokens": 16,
        "temperature": 0.5,
        "text": {"format": {"type": "json_schema", "name": "n", "schema": {}}},
        "include": ["reasoning.encrypted_content"],
        "reasoning": {"effort": "high"},
        "store": False,
        "stream": True,
    }  # fmt: skip


def test_thinking_is_left_out_when_it_is_to_be_forgotten() -> None:
    own = Reasoning("hm", "rs_1|gAAA", "", THINKER.key)
    request = neutral(USER, Message("assistant", (own, Text("ok"))), USER)
    assert "gAAA" in json.dumps(sent(request))
    assert "gAAA" not in json.dumps(sent(Request("r1", request.purpose, unfold=request.unfold, forget=True)))
    assert "gAAA" not in json.dumps(sent(request, model()))


def test_only_system_words_are_said_as_such() -> None:
    body = sent(neutral(Message("system", (Text("Rules"),))))
    assert "instructions" not in body
    assert body["input"] == [
        {"type": "message", "role": "developer", "content": [{"type": "input_text", "text": "Rules"}]}
    ]


def test_a_free_text_tool_is_one_again() -> None:
    """T16: calls, results and a forced choice too."""
    (tool,) = talk({"model": "m", "input": "x", "tools": [PATCH]}).tools
    call = Message("assistant", (ToolCall("call_1", "apply_patch", '{"input":"*** x"}'),))
    result = Message("tool", (ToolResult("call_1", (Text("ok"),)),))
    body = sent(neutral(USER, call, result, tools=(tool,), choice=ToolChoice("named", "apply_patch")))
    assert body["tools"] == [PATCH]
    assert body["tool_choice"] == {"type": "custom", "name": "apply_patch"}
    assert body["input"][1:] == [
        {"type": "custom_tool_call", "call_id": "call_1", "name": "apply_patch", "input": "*** x"},
        {"type": "custom_tool_call_output", "call_id": "call_1", "output": "ok"},
    ]


@pytest.mark.parametrize("messages", [
    pytest.param([USER, Message("assistant", (ToolCall("c", "f", "{}"),)), USER], id="no-output"),
    pytest.param([USER, Message("tool", (ToolResult("c", (Text("x"),)),))], id="no-call"),
    pytest.param([USER, Message("assistant", (ToolCall("c", "f", "{broken"),)), Message("tool", (ToolResult("c", ()),))],
                 id="no-arguments"),
])  # fmt: skip
def test_calls_and_outputs_are_paired(messages: list[Message]) -> None:
    """T17, W16."""
    items = sent(neutral(*messages, tools=(F,)))["input"]
    calls = [item["call_id"] for item in items if item["type"] == "function_call"]
    assert calls == [item["call_id"] for item in items if item["type"] == "function_call_output"]


WORDS = st.text(st.characters(exclude_categories=["Cs"]), min_size=1, max_size=10).filter(lambda text: text.strip())


@st.composite
def conversations(draw: st.DrawFn) -> dict[str, Any]:
    """Bodies of sound conversations, with calls in parallel."""
    items: list[dict[str, Any]] = []
    for turn in range(draw(st.integers(1, 3))):
        items.append({"type": "message", "role": "user", "content": [{"type": "input_text", "text": draw(WORDS)}]})
        calls = [f"call_{turn}_{n}" for n in range(draw(st.integers(0, 2)))]
        for ident in calls:
            said = json.dumps({"a": draw(WORDS)})
            items.append({"type": "function_call", "call_id": ident, "name": "f", "arguments": said})
        items += [{"type": "function_call_output", "call_id": ident, "output": draw(WORDS)} for ident in calls]
        text = {"type": "output_text", "text": draw(WORDS), "annotations": []}
        items.append({"type": "message", "role": "assistant", "content": [text]})
    return {"model": "m", "instructions": draw(WORDS), "input": items, "tools": [FUNCTION], "stream": False}


@settings(max_examples=50, deadline=None)
@given(conversations())
def test_round_trip(body: dict[str, Any]) -> None:
    """Responses -> neutral -> responses loses nothing the neutral form knows."""
    request = parsed(body)
    again = sent(Request("r1", request.purpose, unfold=request.unfold, stream=False), model())
    expected = {**body, "model": "acme-one-2026", "store": False}
    assert again == {name: value for name, value in expected.items() if name != "stream"}
