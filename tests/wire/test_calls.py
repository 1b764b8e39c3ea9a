"""Requests out: the caller's own bytes on its wire, a body built anew on another, nothing lost in silence."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import replace
from itertools import pairwise
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from codriver.errors import Kind, RequestRejected
from codriver.model.provider import Model, Quirks
from codriver.model.request import (
    Conversation,
    Fim,
    Image,
    Limits,
    Message,
    Part,
    Reasoning,
    Request,
    Text,
    Tool,
    ToolCall,
    ToolChoice,
    ToolResult,
)
from codriver.wire import anthropic, codec, openai_chat, openai_completions, relay
from wire.samples import PLAIN, dump, model

HI = [{"role": "user", "content": "hi é"}]


def parsed(wire: str, body: dict[str, Any], text: str = "") -> Request:
    return codec.find(wire).parse(text.encode() or dump(body), {})


def sent(wire: str, request: Request, to: Model | None = None, quirks: Quirks = PLAIN) -> dict[str, Any]:
    found: dict[str, Any] = json.loads(codec.find(wire).call(request, to or model(), quirks).body)
    return found


def talk(*messages: Message, tools: bool = True, choice: ToolChoice | None = None, **more: Any) -> Request:
    """An editor's or another wire's request, in neutral form."""
    known = (Tool("f", "does f", {"type": "object", "properties": {"a": {}}}),) if tools else ()
    return Request("r1", "chat", unfold=lambda: Conversation(messages, known, choice), **more)


def user(*parts: Part | str) -> Message:
    return Message("user", tuple(Text(part) if isinstance(part, str) else part for part in parts))


def said(*parts: Part | str) -> Message:
    return Message("assistant", tuple(Text(part) if isinstance(part, str) else part for part in parts))


def results(*several: ToolResult) -> Message:
    return Message("tool", several)


def result(ident: str, text: str = "ok", **more: Any) -> ToolResult:
    return ToolResult(ident, (Text(text),), **more)


CALL_A, CALL_B = ToolCall("call_a", "f", '{"a": "é"}'), ToolCall("call_b", "f", "{}")

# The caller's bytes on the caller's wire -----------------------------------------------------------


@pytest.mark.parametrize(
    ("wire", "body"),
    [
        ("openai_chat", {"messages": HI, "temperature": 0.5}),
        ("anthropic", {"messages": HI, "temperature": 0.5, "max_tokens": 9}),
    ],
)
def test_what_a_relay_leaves_out_is_named(wire: str, body: dict[str, Any]) -> None:
    request, quirks = parsed(wire, {"model": "a", **body}), Quirks(drop=("top_k", "temperature", "top_p", "logit_bias"))
    call = codec.find(wire).call(request, model(), quirks)
    assert ("temperature" in json.loads(call.body), call.dropped) == (False, ("temperature",))


@pytest.mark.parametrize(
    "body",
    [
        '{"model":"auto","messages":[{"role":"user","content":"x"}],"stream_options":{"include_usage":true},"stream":true}',
        '{ "messages" : [{"role":"user","content":"x"}] ,\n "model" : "auto" , "future": {"b": 1.50, "a": [ ] } }',
        '{"messages":[{"role":"user","content":"say \\"model\\": \\u00e9"}],"model":"auto","x":1e3}',
    ],
)
def test_a_relay_is_byte_equal_but_for_the_model(body: str) -> None:
    call = openai_chat.call(parsed("openai_chat", {}, body), model(), PLAIN)
    assert call.body.decode() == body.replace('"auto"', '"acme-one-2026"')
    assert call.dropped == ()


@pytest.mark.parametrize(
    "body",
    [
        '{"model":"auto","tools":[{"type":"function","function":{"name":"f","parameters":{"properties":{"model":{"type":"string"}}}}}],"messages":[{"role":"user","content":"x"}]}',
        '{"messages":[{"role":"user","content":"x"}],"note":{"model":"auto"},"model":"auto"}',
        '{"model":"other","messages":[{"role":"user","content":"x"}],"model":"auto"}',
        '{"mod\\u0065l":"auto","messages":[{"role":"user","content":"x"}],"note":{"model":"mine"}}',
        '{"model":"a\\u0075to","messages":[{"role":"user","content":"x"}]}',
    ],
)  # fmt: skip
def test_an_ambiguous_model_is_found_by_its_field(body: str) -> None:
    call = openai_chat.call(parsed("openai_chat", {}, body), model(), PLAIN)
    before, after = json.loads(body), json.loads(call.body)
    assert after == {**before, "model": "acme-one-2026"}


JSON = st.recursive(
    st.none() | st.booleans() | st.integers(-9, 9) | st.text(max_size=5) | st.just("model"),
    lambda inner: (
        st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5) | st.just("model"), inner, max_size=3)
    ),
    max_leaves=8,
)


@settings(max_examples=80, deadline=None)
@given(st.dictionaries(st.text(max_size=6), JSON, max_size=4), st.text(min_size=1, max_size=6), st.booleans())
def test_naming_changes_the_name_alone(extra: dict[str, Any], name: str, spaced: bool) -> None:
    body = json.dumps({**extra, "model": name}, separators=(", ", ": ") if spaced else (",", ":"), ensure_ascii=spaced)
    assert json.loads(relay.named(body.encode(), name, "new/é")) == {**extra, "model": "new/é"}


DEVELOPER = [{"role": "developer", "content": "d"}, *HI, {"role": "system", "content": "s"}]
PARTS = [{"role": "user", "content": [{"type": "text", "text": "a"}, {"type": "text", "text": "b"}]}]
THOUGHT = [*HI, {"role": "assistant", "content": "x", "reasoning_content": "t"}, *HI]

QUIRKS: list[Any] = [
    pytest.param(
        {"max_tokens": 5},
        Quirks(max_tokens_field="max_completion_tokens"),
        {"max_completion_tokens": 5, "max_tokens": None},
        id="trap11-newer-name",
    ),
    pytest.param(
        {"max_completion_tokens": 5},
        Quirks(max_tokens_field="max_tokens"),
        {"max_tokens": 5, "max_completion_tokens": None},
        id="trap11-older-name",
    ),
    pytest.param(
        {"max_completion_tokens": 5, "max_tokens": 9},
        Quirks(max_tokens_field="max_tokens"),
        {"max_tokens": 9, "max_completion_tokens": None},
        id="trap11-both",
    ),
    pytest.param({"max_tokens": 99999}, PLAIN, {"max_tokens": 8192}, id="clamped"),
    pytest.param({}, Quirks(requires_max_tokens=True), {"max_tokens": 8192}, id="required"),
    pytest.param(
        {"temperature": 1, "stop": "x"},
        Quirks(drop=("temperature", "stop")),
        {"temperature": None, "stop": None},
        id="trap11-refused",
    ),
    pytest.param({"stream": True}, PLAIN, {"stream_options": {"include_usage": True}}, id="trap17-usage-asked-for"),
    pytest.param({"stream": True}, Quirks(stream_usage=False), {"stream_options": None}, id="usage-not-known"),
    pytest.param({"stream": False}, PLAIN, {"stream_options": None}, id="no-stream-no-options"),
    pytest.param(
        {"messages": DEVELOPER},
        PLAIN,
        {"messages": [{"role": "system", "content": "d"}, *HI, {"role": "system", "content": "s"}]},
        id="trap12-developer",
    ),
    pytest.param(
        {"messages": DEVELOPER}, Quirks(system_role="developer"), {"messages": DEVELOPER}, id="trap12-developer-known"
    ),
    pytest.param(
        {"messages": DEVELOPER},
        Quirks(merge_system=True),
        {"messages": [{"role": "system", "content": "d\n\ns"}, *HI]},
        id="trap12-merged",
    ),
    pytest.param(
        {"messages": PARTS},
        Quirks(flatten_content=True),
        {"messages": [{"role": "user", "content": "a\nb"}]},
        id="trap13-flattened",
    ),
    pytest.param({"messages": PARTS}, PLAIN, {"messages": PARTS}, id="trap13-kept"),
    pytest.param(
        {"messages": THOUGHT},
        PLAIN,
        {"messages": [*HI, {"role": "assistant", "content": "x"}, *HI]},
        id="T11-reasoning-forbidden",
    ),
    pytest.param(
        {"messages": THOUGHT}, Quirks(replay_reasoning="optional"), {"messages": THOUGHT}, id="T11-reasoning-kept"
    ),
    pytest.param(
        {"metadata": {"codriver_task": "x", "mine": "y"}},
        PLAIN,
        {"metadata": {"mine": "y"}},
        id="own-metadata-stays-here",
    ),
    pytest.param({"metadata": {"codriver_task": "x"}}, PLAIN, {"metadata": None}, id="own-metadata-alone"),
]


@pytest.mark.parametrize(("changes", "quirks", "expected"), QUIRKS)
def test_quirks_on_a_relay(changes: dict[str, Any], quirks: Quirks, expected: dict[str, Any]) -> None:
    body = {"model": "auto", "messages": HI, "future": [1, {"x": None}], **changes}
    found = sent("openai_chat", parsed("openai_chat", body), quirks=quirks)
    wanted = {**body, "model": "acme-one-2026", **expected}
    assert found == {key: value for key, value in wanted.items() if value is not None}


SIGNED = {"type": "thinking", "thinking": "t", "signature": "SIG"}
UNSIGNED = {"type": "thinking", "thinking": "u", "signature": ""}
REDACTED = {"type": "redacted_thinking", "data": "R"}
WORDS = {"type": "text", "text": "x"}
MUTE: dict[str, Any] = {"reasoning": False}
BUDGET = {"type": "enabled", "budget_tokens": 9000}

RELAYS: list[Any] = [
    pytest.param(
        [SIGNED, REDACTED, WORDS], {}, {"reasoning": True}, [SIGNED, REDACTED, WORDS], {}, id="trap24-signed-stays"
    ),
    pytest.param([UNSIGNED, WORDS], {}, {"reasoning": True}, [WORDS], {}, id="trap24-unsigned-goes"),
    pytest.param(
        [SIGNED, REDACTED, WORDS],
        {"thinking": BUDGET},
        MUTE,
        [WORDS],
        {"thinking": None},
        id="trap24-a-model-that-does-not-think",
    ),
    pytest.param([UNSIGNED], {}, {"reasoning": True}, None, {}, id="a-turn-of-nothing-else-goes"),
    pytest.param(
        [WORDS],
        {"max_tokens": 32000, "thinking": BUDGET},
        {"reasoning": True},
        [WORDS],
        {"max_tokens": 8192, "thinking": {"type": "enabled", "budget_tokens": 4096}},
        id="clamped-with-its-budget",
    ),
    pytest.param(
        [WORDS],
        {"output_config": {"effort": "high"}, "context_management": {"edits": []}, "thinking": {"type": "adaptive"}},
        MUTE,
        [WORDS],
        {"output_config": None, "context_management": None, "thinking": None},
        id="claude-code-features",
    ),
    pytest.param(
        [WORDS],
        {"metadata": {"user_id": "u", "codriver_task": "x"}},
        {},
        [WORDS],
        {"metadata": {"user_id": "u"}},
        id="own-metadata-stays-here",
    ),
]


@pytest.mark.parametrize(("content", "changes", "facts", "kept", "expected"), RELAYS)
def test_quirks_on_an_anthropic_relay(
    content: list[Any], changes: dict[str, Any], facts: dict[str, Any], kept: list[Any] | None, expected: dict[str, Any]
) -> None:
    middle = [{"role": "assistant", "content": content}]
    body = {"model": "auto", "max_tokens": 10, "messages": [*HI, *middle, *HI], "future": 1, **changes}
    found = sent("anthropic", parsed("anthropic", body), model(**facts))
    messages = [*HI, *([{"role": "assistant", "content": kept}] if kept else []), *HI]
    wanted = {**body, "model": "acme-one-2026", "messages": messages, **expected}
    assert found == {key: value for key, value in wanted.items() if value is not None}


def test_trap24_another_model_gets_no_thinking_at_all() -> None:
    turns = [*HI, {"role": "assistant", "content": [SIGNED, REDACTED, WORDS]}, *HI]
    request = parsed("anthropic", {"model": "m", "max_tokens": 9, "messages": turns, "x": 1})
    assert request.signatures == ("SIG", "R")
    found = sent("anthropic", replace(request, forget=True), model(reasoning=True))
    assert found["messages"] == [*HI, {"role": "assistant", "content": [WORDS]}, *HI]
    assert (found["x"], found["max_tokens"]) == (1, 9)


def test_an_anthropic_relay_is_byte_equal() -> None:
    block = '{"type":"text","text":"\\u00e9","cache_control":{"type":"ephemeral"}}'
    body = '{ "max_tokens":9,"messages":[{"role":"user","content":[' + block + ']}],"model":"auto"}'
    assert anthropic.call(parsed("anthropic", {}, body), model(), PLAIN).body.decode() == body.replace(
        "auto", "acme-one-2026"
    )


# To Anthropic from elsewhere -----------------------------------------------------------------------


def shape(messages: list[dict[str, Any]]) -> list[str]:
    """Who says what kind of block, as a line per turn; fails when a turn is not legal for Anthropic."""
    lines = []
    for turn in messages:
        assert turn["content"]
        for block in turn["content"]:
            assert block.get("text", "x").strip()
        lines.append(f"{turn['role'][0]}: " + " ".join(block["type"] for block in turn["content"]))
    assert lines[0].startswith("u") and lines[-1].startswith("u")
    assert all(a[0] != b[0] for a, b in pairwise(lines))
    return lines


SHAPES: list[Any] = [
    pytest.param([user("hi")], ["u: text"], id="plain"),
    pytest.param(
        [user("a"), user("b"), said("c"), said("d"), user("e")],
        ["u: text text", "a: text text", "u: text"],
        id="trap21-merged",
    ),
    pytest.param([said("hello"), user("x")], ["u: text", "a: text", "u: text"], id="trap21-starts-with-user"),
    pytest.param([user("x"), said("half an ans")], ["u: text", "a: text", "u: text"], id="T34-no-prefill"),
    pytest.param([user("", "x", "  "), said(""), user("y")], ["u: text text"], id="trap21-no-empty-texts"),
    pytest.param(
        [user("x"), said(CALL_A, CALL_B), results(result("call_b")), results(result("call_a")), user("go")],
        ["u: text", "a: tool_use tool_use", "u: tool_result tool_result text"],
        id="trap22-parallel-results-in-one-turn",
    ),
    pytest.param(
        [user("x"), said(CALL_A), user("stop")],
        ["u: text", "a: tool_use", "u: tool_result text"],
        id="trap22-missing-result",
    ),
    pytest.param([user("x"), said(CALL_A)], ["u: text", "a: tool_use", "u: tool_result"], id="trap22-call-at-the-end"),
    pytest.param([results(result("gone")), user("x")], ["u: text text"], id="trap16-orphan-first"),
    pytest.param(
        [user("x"), said(CALL_A), results(result("call_a"), result("gone"))],
        ["u: text", "a: tool_use", "u: tool_result text"],
        id="trap16-orphan-beside",
    ),
    pytest.param(
        [user("x"), said(ToolCall("c", "f", '{"a": ')), results(result("c"))],
        ["u: text", "a: text", "u: text"],
        id="trap22-arguments-beyond-repair-become-text",
    ),
    pytest.param(
        [user("x"), said(Reasoning("hm"), "y"), user("z")],
        ["u: text", "a: text", "u: text"],
        id="trap24-unsigned-thinking",
    ),
    pytest.param(
        [user("x"), said(Reasoning("hm", "SIG")), user("z")], ["u: text text"], id="trap24-signature-of-another"
    ),
    pytest.param([], ["u: text"], id="nothing-at-all"),
]


@pytest.mark.parametrize(("messages", "expected"), SHAPES)
def test_anthropic_turns(messages: list[Message], expected: list[str]) -> None:
    found = sent("anthropic", talk(*messages))
    assert shape(found["messages"]) == expected
    assert found["max_tokens"] == 8192  # trap20


def test_trap22_results_answer_their_calls_in_order() -> None:
    found = sent(
        "anthropic", talk(user("x"), said(CALL_A, CALL_B), results(result("call_b", "B"), result("call_a", "A")))
    )
    calls, answers = found["messages"][1]["content"], found["messages"][2]["content"]
    assert [c["id"] for c in calls] == [a["tool_use_id"] for a in answers] == ["call_a", "call_b"]
    assert [a["content"] for a in answers] == ["A", "B"]
    assert calls[0]["input"] == {"a": "é"}


@pytest.mark.parametrize(
    ("arguments", "expected"),
    [
        ("", {}), ("null", {}), ("{}", {}), ('{"a":1}', {"a": 1}), ('{}{"a":1}', {"a": 1}), ('"{\\"a\\":1}"', {"a": 1}),
        ('```json\n{"a":1}\n```', {"a": 1}), ('{"a":"x\ny"}', {"a": "x\ny"}),
    ],
)  # fmt: skip
def test_trap22_certain_repairs_of_arguments(arguments: str, expected: dict[str, Any]) -> None:
    request = talk(user("x"), said(ToolCall("call_a", "f", arguments)), results(result("call_a")))
    assert sent("anthropic", request)["messages"][1]["content"][0]["input"] == expected
    text = sent("openai_chat", request)["messages"][1]["tool_calls"][0]["function"]["arguments"]
    assert json.loads(text) == expected


@pytest.mark.parametrize(("source", "target"), [("anthropic", "openai_chat"), ("openai_chat", "anthropic")])
def test_halves_of_surrogates_and_bytes_that_are_no_text(source: str, target: str) -> None:
    """Anywhere raw JSON is carried across: schemas, and what was called with."""
    schema = b'{"type":"object","description":"\xff \\ud83d"}'
    if source == "anthropic":
        tool = b'{"name":"f","input_schema":' + schema + b"}"
        call = b'{"role":"assistant","content":[{"type":"tool_use","id":"t","name":"f","input":' + schema + b"}]}"
    else:
        tool = b'{"type":"function","function":{"name":"f","parameters":' + schema + b"}}"
        function = b'{"name":"f","arguments":"{\\"a\\":\\"\\\\ud83d\\"}"}'
        call = b'{"role":"assistant","tool_calls":[{"id":"t","type":"function","function":' + function + b"}]}"
    ask = b'{"role":"user","content":"x"}'
    body = b'{"model":"auto","max_tokens":9,"messages":[' + ask + b"," + call + b'],"tools":[' + tool + b"]}"
    found = codec.find(target).call(codec.find(source).parse(body, {}), model(), PLAIN)
    assert json.loads(found.body)["tools"]
    assert "\ufffd" in found.body.decode()


@pytest.mark.parametrize("wire", ["anthropic", "openai_chat"])
@pytest.mark.parametrize("ident", ["functions.f:0", "x" * 90, "é", ""])
def test_trap8_ids_are_made_legal_and_stay_the_same(wire: str, ident: str) -> None:
    request = talk(user("x"), said(ToolCall(ident, "f", "{}")), results(result(ident)))
    first, again = (json.dumps(sent(wire, request)["messages"]) for _ in range(2))
    assert first == again
    found = sent(wire, request)["messages"]
    if wire == "anthropic":
        legal, answered = found[1]["content"][0]["id"], found[2]["content"][0]["tool_use_id"]
    else:
        legal, answered = found[1]["tool_calls"][0]["id"], found[2]["tool_call_id"]
    assert legal == answered
    assert 0 < len(legal) <= 64 and legal.replace("_", "").replace("-", "").isascii()


def test_trap8_ids_that_come_again_are_told_apart() -> None:
    once = [said(ToolCall("0", "f", "{}")), results(result("0", "one"))]
    twice = [said(ToolCall("0", "f", "{}")), results(result("0", "two"))]
    found = sent("anthropic", talk(user("x"), *once, *twice))["messages"]
    ids = [block["id"] for turn in found for block in turn["content"] if block["type"] == "tool_use"]
    answers = {b["tool_use_id"]: b["content"] for turn in found for b in turn["content"] if b["type"] == "tool_result"}
    assert len(set(ids)) == 2
    assert [answers[ident] for ident in ids] == ["one", "two"]


def test_trap22_calls_become_text_where_no_tools_are_defined() -> None:
    request = talk(user("x"), said(CALL_A), results(result("call_a", "found it")), user("summarise"), tools=False)
    found = sent("anthropic", request)
    assert shape(found["messages"]) == ["u: text", "a: text", "u: text text"]
    assert "found it" in json.dumps(found)


def test_trap21_system_is_hoisted() -> None:
    system, middle = Message("system", (Text("one"),)), Message("system", (Text("two"), Text(" ")))
    found = sent("anthropic", talk(system, user("x"), said("y"), middle, user("z")))
    assert [block["text"] for block in found["system"]] == ["one", "two"]
    assert all(turn["role"] != "system" for turn in found["messages"])


LIMITS: list[Any] = [
    (Limits(temperature=1.7), {}, {"temperature": 1.0}),
    (Limits(temperature=0.0, top_p=0.5), {}, {"temperature": 0.0, "top_p": None}),
    (Limits(top_p=0.5), {}, {"top_p": 0.5}),
    (Limits(max_tokens=99999), {}, {"max_tokens": 8192}),
    (Limits(stop=("a", " ")), {}, {"stop_sequences": ["a"]}),
    (Limits(effort="high"), {}, {"thinking": None}),
    (Limits(effort="none"), {"reasoning": True}, {"thinking": None}),
    (
        Limits(effort="low", max_tokens=100, temperature=0.2),
        {"reasoning": True},
        {"thinking": {"type": "enabled", "budget_tokens": 1074}, "max_tokens": 2148, "temperature": None},
    ),
    (
        Limits(effort="max"),
        {"reasoning": True, "max_output": 64000},
        {"thinking": {"type": "enabled", "budget_tokens": 31999}},
    ),
    (
        Limits(schema={"type": "json_schema", "name": "n", "schema": {"type": "object", "properties": {"a": {}}}}),
        {"schema": True},
        {
            "output_config": {
                "format": {
                    "type": "json_schema",
                    "schema": {"type": "object", "properties": {"a": {}}, "additionalProperties": False},
                }
            }
        },
    ),
]


@pytest.mark.parametrize(("limits", "facts", "expected"), LIMITS)
def test_trap20_limits_for_anthropic(limits: Limits, facts: dict[str, Any], expected: dict[str, Any]) -> None:
    found = sent("anthropic", talk(user("x"), limits=limits), model(**facts))
    assert {key: found.get(key) for key in expected} == expected


@pytest.mark.parametrize(
    "request_",
    [
        talk(user("x"), said(CALL_A), results(result("call_a")), limits=Limits(effort="high")),
        talk(user("x"), choice=ToolChoice("required"), limits=Limits(effort="high")),
    ],
    ids=["inside-a-tool-loop", "with-a-forced-tool"],
)
def test_T13_no_thinking_where_it_would_be_refused(request_: Request) -> None:
    assert "thinking" not in sent("anthropic", request_, model(reasoning=True))


CHOICES: list[Any] = [
    (ToolChoice("auto"), {"type": "auto"}, {"tool_choice": "auto"}),
    (ToolChoice("none"), {"type": "none"}, {"tool_choice": "none"}),
    (ToolChoice("required"), {"type": "any"}, {"tool_choice": "required"}),
    (
        ToolChoice("named", "f"),
        {"type": "tool", "name": "f"},
        {"tool_choice": {"type": "function", "function": {"name": "f"}}},
    ),
    (
        ToolChoice("auto", parallel=False),
        {"type": "auto", "disable_parallel_tool_use": True},
        {"tool_choice": "auto", "parallel_tool_calls": False},
    ),
    (None, None, {}),
]


@pytest.mark.parametrize(("choice", "theirs", "openai"), CHOICES)
def test_tool_choice(choice: ToolChoice | None, theirs: Any, openai: dict[str, Any]) -> None:
    request = talk(user("x"), choice=choice)
    assert sent("anthropic", request).get("tool_choice") == theirs
    found = sent("openai_chat", request)
    assert {key: found[key] for key in ("tool_choice", "parallel_tool_calls") if key in found} == openai


def test_trap25_marks_for_the_prompt_cache() -> None:
    turns = [Message("system", (Text("s"),)), user("x"), said("y"), user("z"), said("v"), user("w")]
    found = sent("anthropic", talk(*turns, input_tokens=9000))
    marked = [
        found["tools"][-1],
        found["system"][-1],
        found["messages"][2]["content"][-1],
        found["messages"][4]["content"][-1],
    ]
    assert all(block["cache_control"] == {"type": "ephemeral"} for block in marked)
    assert json.dumps(found).count("cache_control") == 4
    assert "cache_control" not in json.dumps(sent("anthropic", talk(*turns, input_tokens=900)))


def test_trap25_a_caller_s_own_marks_are_kept_up_to_four() -> None:
    cached = [user(Text(f"t{n}", {"type": "ephemeral", "ttl": "1h"})) for n in range(6)]
    found = json.dumps(sent("anthropic", talk(*cached, input_tokens=9000)))
    assert found.count("cache_control") == 4


def test_trap10_what_cannot_be_carried_is_named() -> None:
    body = {
        "model": "auto", "messages": HI, "presence_penalty": 1, "future": 2, "user": "u", "seed": None,
        "response_format": {"type": "json_schema", "json_schema": {"name": "n", "schema": {}}},
    }  # fmt: skip
    call = anthropic.call(parsed("openai_chat", body), model(), PLAIN)
    assert call.dropped == ("presence_penalty", "future", "response_format")
    back = openai_chat.call(
        parsed("anthropic", {"model": "auto", "max_tokens": 1, "messages": HI, "top_k": 4}), model(), PLAIN
    )
    assert back.dropped == ("top_k",)


def test_json_mode_becomes_an_instruction() -> None:
    request = parsed("openai_chat", {"model": "auto", "messages": HI, "response_format": {"type": "json_object"}})
    found = sent("anthropic", request)
    assert "JSON" in found["system"][-1]["text"]


def test_schemas_without_an_object_at_the_top() -> None:
    tool = {"type": "function", "function": {"name": "f", "parameters": {"anyOf": [{"type": "object"}]}}}
    call = anthropic.call(parsed("openai_chat", {"model": "auto", "messages": HI, "tools": [tool]}), model(), PLAIN)
    assert json.loads(call.body)["tools"][0]["input_schema"] == {"type": "object", "properties": {}}
    assert call.dropped == ("tools[f].anyOf",)


# To OpenAI from elsewhere --------------------------------------------------------------------------

PICTURE = Image("image/png", "AAAA")


def test_trap22_images_in_results_move_to_a_user_message() -> None:
    shown = ToolResult("call_a", (Text("see"), PICTURE))
    found = sent("openai_chat", talk(user("x"), said(CALL_A, CALL_B), results(shown, result("call_b"))))["messages"]
    assert [message["role"] for message in found] == ["user", "assistant", "tool", "tool", "user"]
    assert found[2]["content"] == "see"
    assert found[4]["content"][1]["image_url"]["url"] == "data:image/png;base64,AAAA"
    assert found[1]["content"] is None  # trap13


def test_trap13_a_server_that_takes_strings_only() -> None:
    request = talk(user("x", "y"), said(CALL_A), results(result("call_a")))
    found = sent("openai_chat", request, quirks=Quirks(flatten_content=True))["messages"]
    assert [message["content"] for message in found] == ["x\ny", "", "ok"]


@pytest.mark.parametrize(
    ("replay", "expected"), [("forbid", [None, None]), ("optional", ["hm", None]), ("required", ["hm", ""])]
)
def test_T11_reasoning_goes_back_as_the_quirk_says(replay: str, expected: list[str | None]) -> None:
    turns = [
        user("x"),
        said(Reasoning("hm", "SIG"), CALL_A),
        results(result("call_a")),
        said(CALL_B),
        results(result("call_b")),
    ]
    found = sent("openai_chat", talk(*turns), quirks=Quirks(replay_reasoning=replay))["messages"]
    assert [m.get("reasoning_content") for m in found if m["role"] == "assistant"] == expected
    assert "SIG" not in json.dumps(found)


def test_limits_for_openai() -> None:
    shape_ = {"type": "json_schema", "name": "n", "schema": {"type": "object"}, "strict": None}
    limits = Limits(9999, 1.5, 0.5, ("a",), shape_, "max")
    quirks = Quirks(max_tokens_field="max_completion_tokens", drop=("top_p",), system_role="developer")
    request = talk(Message("system", (Text("s"),)), user("x"), limits=limits)
    call = openai_chat.call(request, model(reasoning=True), quirks)
    found = json.loads(call.body)
    assert (found["max_completion_tokens"], found["temperature"], found["stop"]) == (8192, 1.5, ["a"])
    assert found["response_format"] == {
        "type": "json_schema",
        "json_schema": {"name": "n", "schema": {"type": "object"}},
    }
    assert (found["reasoning_effort"], found["messages"][0]["role"]) == ("high", "developer")
    assert (found["stream_options"], call.dropped) == ({"include_usage": True}, ("top_p",))
    assert "strict" not in json.dumps(found)  # trap19


def test_errors_of_tools_stay_errors() -> None:
    found = sent("openai_chat", talk(user("x"), said(CALL_A), results(result("call_a", "no such file", is_error=True))))
    assert found["messages"][2]["content"] == "Error: no such file"


# Round trips ---------------------------------------------------------------------------------------

NAMES = st.sampled_from(["f", "read_file"])
TEXT = st.text(min_size=1, max_size=8).filter(lambda text: bool(text.strip()))
ARGUMENTS = st.dictionaries(st.text(max_size=4), st.text(max_size=4) | st.integers(-9, 9), max_size=3)


@st.composite
def conversations(draw: st.DrawFn) -> list[Message]:
    """A sound conversation: a user, then turns of an assistant with calls, all answered."""
    messages = [user(draw(TEXT))]
    number = 0
    for _ in range(draw(st.integers(0, 3))):
        calls = []
        for arguments in draw(st.lists(ARGUMENTS, max_size=3)):
            number += 1
            text = json.dumps(arguments, ensure_ascii=draw(st.booleans()))
            calls.append(ToolCall(f"call_{number:012}", draw(NAMES), text))
        messages.append(said(draw(TEXT), *calls))
        if calls:
            messages.append(results(*(result(call.id, draw(TEXT)) for call in calls)))
        if not calls or draw(st.booleans()):
            messages.append(user(draw(TEXT), *([PICTURE] if draw(st.booleans()) else [])))
    return messages


def meaning(messages: tuple[Message, ...]) -> list[Any]:
    """What is said, however it is parted into messages; arguments by their value. Cache marks are
    no part of it: long prefixes on the way to Anthropic are given some."""
    said_: list[Any] = []
    for message in messages:
        for part in message.parts:
            if isinstance(part, ToolCall):
                said_.append((part.id, part.name, json.loads(part.arguments)))
            elif isinstance(part, ToolResult):
                said_.append((part.call_id, tuple(p.text for p in part.parts if isinstance(p, Text))))
            elif isinstance(part, Text):
                said_.append((message.role, part.text))
            else:
                said_.append((message.role, part))
    return said_


@settings(max_examples=60, deadline=None)
@given(conversations())
@pytest.mark.parametrize(
    "via", [("anthropic",), ("openai_chat",), ("anthropic", "openai_chat"), ("openai_chat", "anthropic")]
)
def test_a_sound_conversation_survives_every_way(via: tuple[str, ...], messages: list[Message]) -> None:
    request = talk(*messages, limits=Limits(max_tokens=9))
    for wire in via:
        body = codec.find(wire).call(replace(request, wire="", body=None), model(), PLAIN).body
        request = codec.find(wire).parse(body, {})
    assert meaning(request.conversation.messages) == meaning(tuple(messages))
    assert [tool.name for tool in request.conversation.tools] == ["f"]


PARTS_ANY: list[Callable[[str], Part]] = [
    Text, Reasoning, lambda text: ToolCall(text[:2], "f", text), lambda text: ToolResult(text[:2], (Text(text),)),
]  # fmt: skip


@settings(max_examples=80, deadline=None)
@given(
    st.lists(
        st.tuples(
            st.sampled_from(["system", "user", "assistant", "tool"]),
            st.lists(st.tuples(st.sampled_from(PARTS_ANY), st.text(max_size=4)), max_size=3),
        ),
        max_size=6,
    )
)
def test_any_history_becomes_legal(rows: list[Any]) -> None:
    messages = [Message(role, tuple(make(text) for make, text in parts)) for role, parts in rows]
    found = sent("anthropic", talk(*messages))["messages"]
    shape(found)
    for before, after in zip([{"content": []}, *found], found, strict=False):
        calls = [b["id"] for b in before["content"] if b["type"] == "tool_use"]
        assert [b["tool_use_id"] for b in after["content"] if b["type"] == "tool_result"] == calls
    waiting: list[str] = []
    for message in sent("openai_chat", talk(*messages))["messages"]:
        if message["role"] == "tool":
            assert message["tool_call_id"] == waiting.pop(0)
        else:
            assert not waiting
            waiting = [call["id"] for call in message.get("tool_calls", ())]
    assert not waiting


# Filling a hole ------------------------------------------------------------------------------------

HOLE = Fim("def f(", "):\n    pass\n")


def fill(**changes: Any) -> Request:
    return Request("r1", "complete", fim=HOLE, **changes)


def test_trap41_native_suffix() -> None:
    found = sent("openai_completions", fill(limits=Limits(64, 0.1, stop=("\n",))), model(fim="suffix"))
    assert (found["prompt"], found["suffix"], found["stop"], found["max_tokens"]) == (
        *(HOLE.prefix, HOLE.suffix),
        ["\n"],
        64,
    )


def test_trap41_a_family_s_template() -> None:
    found = sent("openai_completions", fill(limits=Limits(stop=("\n",))), model(fim="qwen"))
    assert found["prompt"] == "<|fim_prefix|>def f(<|fim_suffix|>):\n    pass\n<|fim_middle|>"
    assert found["stop"][0] == "\n" and "<|endoftext|>" in found["stop"]
    assert "suffix" not in found


def test_trap41_a_caller_s_own_body() -> None:
    body = {"model": "auto", "prompt": "a", "suffix": "b", "stream": True, "future": 1}
    request = parsed("openai_completions", body)
    native = sent("openai_completions", request, model(fim="suffix"))
    assert native == {**body, "model": "acme-one-2026", "stream_options": {"include_usage": True}}
    family = sent("openai_completions", request, model(fim="starcoder"))
    assert family["prompt"] == "<fim_prefix>a<fim_suffix>b<fim_middle>"
    assert "suffix" not in family and family["future"] == 1


@pytest.mark.parametrize("wire", ["openai_chat", "anthropic"])
def test_trap41_chat_models_fill_a_hole_too(wire: str) -> None:
    found = json.dumps(sent(wire, fill()))
    assert "def f(<HOLE/>):" in found
    own = Request("r1", "complete", fim=HOLE, unfold=lambda: Conversation((user("my own prompt"),)))
    assert "my own prompt" in json.dumps(sent(wire, own)) and "HOLE" not in json.dumps(sent(wire, own))


@pytest.mark.parametrize("request_", [talk(user("x")), fill()], ids=["a-conversation", "a-model-that-cannot"])
def test_trap41_what_completions_cannot_do(request_: Request) -> None:
    with pytest.raises(RequestRejected) as caught:
        openai_completions.call(request_, model(), PLAIN)
    assert caught.value.failure.kind is Kind.UNSUPPORTED
