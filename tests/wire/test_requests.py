"""Requests in: what a body says, and what is refused, with the field or the position."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from codriver.errors import Kind, RequestRejected
from codriver.model.request import Image, Message, Purpose, Request, Text, ToolCall, ToolChoice, ToolResult
from codriver.wire import anthropic, codec, openai_chat
from wire.samples import dump

HI = [{"role": "user", "content": "hi"}]
CHAT: dict[str, Any] = {"model": "auto", "messages": HI}
CLAUDE: dict[str, Any] = {"model": "auto", "max_tokens": 10, "messages": HI}
FILL: dict[str, Any] = {"model": "auto", "prompt": "def f(", "suffix": "): pass"}


def chat(headers: dict[str, str] | None = None, **changes: Any) -> Request:
    return openai_chat.parse(dump({**CHAT, **changes}), headers or {})


def claude(headers: dict[str, str] | None = None, **changes: Any) -> Request:
    return anthropic.parse(dump({**CLAUDE, **changes}), headers or {})


def messages(*several: Any) -> dict[str, Any]:
    return {"messages": list(several)}


def blocks(role: str, *parts: dict[str, Any]) -> dict[str, Any]:
    """One message made of these blocks."""
    return messages({"role": role, "content": list(parts)})


REFUSED: list[Any] = [
    ("openai_chat", {"model": 3}, "model"),
    ("openai_chat", {"model": None}, "model"),
    ("openai_chat", {"model": ""}, "model"),
    ("openai_chat", {"messages": []}, "messages"),
    ("openai_chat", {"messages": "hi"}, "messages"),
    ("openai_chat", messages({"role": "user"}), "messages[0].content"),
    ("openai_chat", messages(*HI, {"role": "user", "content": 5}), "messages[1].content"),
    ("openai_chat", messages(*HI, *HI, {"role": "user", "content": [{"text": "x"}]}), "messages[2].content[0].type"),
    ("openai_chat", messages({"role": "robot", "content": "x"}), "messages[0].role"),
    ("openai_chat", messages({"content": "x"}), "messages[0].role"),
    ("openai_chat", messages({"role": "tool", "content": "x"}), "messages[0].tool_call_id"),
    ("openai_chat", {"temperature": 3}, "temperature"),
    ("openai_chat", {"temperature": "hot"}, "temperature"),
    ("openai_chat", {"max_tokens": 0}, "max_tokens"),
    ("openai_chat", {"n": 0}, "n"),
    ("openai_chat", {"stream": "yes"}, "stream"),
    ("openai_chat", {"tools": [{"type": "function", "function": {}}]}, "tools[0].function.name"),
    ("anthropic", {"max_tokens": None}, "max_tokens"),
    ("anthropic", {"max_tokens": "x"}, "max_tokens"),
    ("anthropic", {"messages": []}, "messages"),
    ("anthropic", {"temperature": 1.5}, "temperature"),
    ("anthropic", messages({"role": "user"}), "messages[0].content"),
    ("anthropic", messages({"role": "tool", "content": "x"}), "messages[0].role"),
    (
        "anthropic",
        messages({"role": "user", "content": [{"type": "tool_result"}]}),
        "messages[0].content[0].tool_use_id",
    ),
    (
        "anthropic",
        messages({"role": "assistant", "content": [{"type": "tool_use", "name": "f"}]}),
        "messages[0].content[0].id",
    ),
    ("anthropic", {"tools": [{"name": "f"}]}, "tools[0].input_schema"),
    ("anthropic", {"tools": [{"input_schema": {}}]}, "tools[0].name"),
    ("anthropic", {"tool_choice": {"type": "maybe"}}, "tool_choice.type"),
    ("openai_completions", {"prompt": None}, "prompt"),
    ("openai_completions", {"prompt": [1, 2]}, "prompt"),
    ("openai_completions", {"prompt": ["a", "b"]}, "prompt"),
    ("openai_completions", {"suffix": 1}, "suffix"),
]
BODIES = {"openai_chat": CHAT, "anthropic": CLAUDE, "openai_completions": FILL}


@pytest.mark.parametrize(("wire", "changes", "field"), REFUSED)
def test_trap9_wrong_types_name_their_field(wire: str, changes: dict[str, Any], field: str) -> None:
    body = {**BODIES[wire], **changes}
    with pytest.raises(RequestRejected) as caught:
        codec.find(wire).parse(dump(body), {})
    assert caught.value.failure.field == field
    assert field in str(caught.value)
    assert caught.value.failure.kind is Kind.INVALID


@pytest.mark.parametrize("wire", list(BODIES))
@pytest.mark.parametrize("name", ["model", "messages", "max_tokens", "prompt"])
def test_trap9_missing_fields_are_named(wire: str, name: str) -> None:
    body = {key: value for key, value in BODIES[wire].items() if key != name}
    if len(body) == len(BODIES[wire]):
        assert codec.find(wire).parse(dump(body), {}).model == "auto"
        return
    with pytest.raises(RequestRejected, match=f"^{name}: Field required$") as caught:
        codec.find(wire).parse(dump(body), {})
    assert caught.value.failure.field == name


@pytest.mark.parametrize("wire", list(BODIES))
@pytest.mark.parametrize(
    ("body", "words"),
    [
        (b"", "at byte 0"),
        (b'{"model": "auto"', "at byte 16"),
        (b'{"model" "auto"}', "at byte 9"),
        (b"[1]", "Expected `object`"),
        (b'{"model": "\xff"}', "not UTF-8 at byte 11"),
        (b'{"x":' + b"[" * 1_000_000 + b"]" * 1_000_000 + b"}", "nested too deeply"),
    ],
)
def test_trap9_broken_json_names_its_place(wire: str, body: bytes, words: str) -> None:
    with pytest.raises(RequestRejected, match=words):
        codec.find(wire).parse(body, {})


@settings(max_examples=80, deadline=None)
@given(st.sampled_from(sorted(BODIES)), st.data())
def test_any_body_is_read_or_refused(wire: str, draw: st.DataObject) -> None:
    scalars = st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(max_size=4)

    def nested(inner: st.SearchStrategy[Any]) -> st.SearchStrategy[Any]:
        return st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=4), inner, max_size=3)

    junk = draw.draw(st.recursive(scalars, nested, max_leaves=6))
    place = draw.draw(st.sampled_from([*BODIES[wire], "tools", "stop", "metadata", "system"]))
    body = dump({**BODIES[wire], place: junk})
    try:
        request = codec.find(wire).parse(body, {})
    except RequestRejected:
        return
    assert request.conversation.messages or request.fim is not None


@pytest.mark.parametrize("cut", ['"\\ud83d"', '"a\\ud83d\\ud83d\\ude00b"', '"\\\\ud83d \\ude00"'])
def test_cut_surrogates_are_read(cut: str) -> None:
    body = b'{"model":"auto","messages":[{"role":"user","content":' + cut.encode() + b"}]}"
    told = openai_chat.parse(body, {}).tail[0]
    assert told == json.loads(cut).encode("utf-16", "surrogatepass").decode("utf-16", "replace")


def test_chat_fields() -> None:
    request = chat(
        stream=True, stream_options={"include_usage": True}, max_tokens=5, max_completion_tokens=7, temperature=0.5,
        stop="END", reasoning_effort="xhigh", tools=[{"type": "function", "function": {"name": "f"}}],
        tool_choice={"type": "function", "function": {"name": "f"}}, parallel_tool_calls=False,
    )  # fmt: skip
    assert (request.stream, request.wants_usage, request.wire, request.purpose) == (
        True,
        True,
        "openai_chat",
        Purpose.MAIN,
    )
    assert (request.limits.max_tokens, request.limits.stop, request.limits.effort) == (7, ("END",), "max")
    assert request.conversation.tool_choice == ToolChoice("named", "f", False)
    assert request.needs.tools
    assert len(request.id) >= 16 and request.id != chat().id


@pytest.mark.parametrize(
    ("changes", "same"),
    [
        ({"n": 2}, ("n",)), ({"n": 1}, ()), ({"logprobs": True}, ("logprobs",)), ({"logprobs": False}, ()),
        ({"seed": 0}, ("seed",)), ({"service_tier": "flex"}, ("service_tier",)), ({"service_tier": "auto"}, ()),
        ({"modalities": ["text", "audio"], "audio": {"voice": "x"}}, ("audio", "modalities")),
        ({"tools": [{"type": "custom", "custom": {"name": "x"}}]}, ("tools[custom]",)),
        (blocks("user", {"type": "input_audio", "input_audio": {}}), ("content[input_audio]",)),
    ],
)  # fmt: skip
def test_trap10_what_binds_chat_to_its_wire(changes: dict[str, Any], same: tuple[str, ...]) -> None:
    assert chat(**changes).needs.same_wire == same


@pytest.mark.parametrize("content", [None, "", [{"type": "refusal", "refusal": "I can't"}]])
def test_a_refusal_that_an_sdk_sends_back_is_kept(content: object) -> None:
    said = {"role": "assistant", "content": content, "refusal": "I can't"}
    request = chat(**messages({"role": "user", "content": "x"}, said, {"role": "user", "content": "why"}))
    assert [message.text for message in request.conversation.messages] == ["x", "I can't", "why"]


OWN = {"name": "f", "input_schema": {"type": "object"}}
SEARCH = {"type": "web_search_20250305", "name": "web_search"}
FORCED = {"type": "tool", "name": "web_search"}
STORED = {"type": "image", "source": {"type": "file", "file_id": "file_1"}}


@pytest.mark.parametrize(
    ("changes", "same"),
    [
        ({"tools": [OWN]}, ()),
        ({"tools": [SEARCH]}, ("tools[web_search_20250305]",)),
        ({"tools": [OWN, SEARCH]}, ()),
        (
            {"tools": [OWN, SEARCH], "tool_choice": {"type": "tool", "name": "web_search"}},
            ("tools[web_search_20250305]",),
        ),
        ({"tools": [OWN, {"type": "bash_20250124", "name": "bash"}]}, ("tools[bash_20250124]",)),
        ({"tools": [{"type": "computer_toolset_20260801"}]}, ("tools[computer_toolset_20260801]",)),
        ({"mcp_servers": [{"url": "x"}]}, ("mcp_servers",)),
        (
            messages({"role": "user", "content": [{"type": "document", "source": {"type": "base64"}}]}),
            ("content[document]",),
        ),
        (blocks("user", {"type": "document", "source": {"type": "text", "data": "x"}}), ()),
        (blocks("user", {"type": "image", "source": {"type": "base64", "data": "QQ"}}), ()),
        (blocks("user", {"type": "image", "source": {"type": "url", "url": "https://x/a.png"}}), ()),
        (blocks("user", STORED), ("image[file]",)),
        (blocks("user", {"type": "tool_result", "tool_use_id": "t", "content": [STORED]}), ("image[file]",)),
    ],
)
def test_trap10_what_binds_messages_to_its_wire(changes: dict[str, Any], same: tuple[str, ...]) -> None:
    assert claude(**changes).needs.same_wire == same


def test_images_and_schemas_are_needs() -> None:
    url = "data:image/png;base64,AAAA"
    seen = chat(**messages({"role": "user", "content": [{"type": "image_url", "image_url": {"url": url}}]}))
    assert seen.needs.images and seen.input_tokens > 1000
    assert seen.conversation.messages[0].parts == (Image("image/png", "AAAA"),)
    shape = {"type": "json_schema", "json_schema": {"name": "x", "schema": {"type": "object"}}}
    assert chat(response_format=shape).needs.schema
    assert not chat(response_format={"type": "json_object"}).needs.schema
    assert claude(output_config={"format": {"type": "json_schema", "schema": {}}}).needs.schema


@pytest.mark.parametrize(
    ("changes", "effort"),
    [
        ({}, None), ({"thinking": {"type": "disabled"}}, "none"),
        ({"thinking": {"type": "enabled", "budget_tokens": 2000}}, "low"),
        ({"thinking": {"type": "enabled", "budget_tokens": 7168}}, "medium"),
        ({"thinking": {"type": "enabled", "budget_tokens": 32000}}, "max"),
        ({"thinking": {"type": "adaptive"}}, "high"),
        ({"thinking": {"type": "adaptive"}, "output_config": {"effort": "medium"}}, "medium"),
        ({"output_config": {"effort": "xhigh"}}, "max"),
    ],
)  # fmt: skip
def test_effort_on_one_scale(changes: dict[str, Any], effort: str | None) -> None:
    assert claude(**changes).limits.effort == effort


USER = json.dumps({"device_id": "d" * 64, "account_uuid": "", "session_id": "0123-abcd-session"})


@pytest.mark.parametrize(
    ("wire", "headers", "body", "session"),
    [
        ("openai_chat", {}, {}, ""),
        ("openai_chat", {}, {"prompt_cache_key": "k"}, "k"),
        ("openai_chat", {"x-session-id": "s"}, {}, "s"),
        ("openai_chat", {"session_id": "s"}, {}, "s"),
        ("openai_chat", {"x-session-affinity": "s"}, {}, "s"),
        ("openai_chat", {"x-codriver-session": "mine", "x-session-id": "s"}, {"prompt_cache_key": "k"}, "mine"),
        ("openai_chat", {}, {"metadata": {"codriver_session": "m"}}, "m"),
        ("anthropic", {"x-claude-code-session-id": "c"}, {"metadata": {"user_id": "u"}}, "c"),
        ("anthropic", {}, {"metadata": {"user_id": USER}}, "0123-abcd-session"),
        ("anthropic", {}, {"metadata": {"user_id": "user_ab_account__session_01-23-45-67"}}, "01-23-45-67"),
        ("anthropic", {}, {"metadata": {"user_id": "somebody"}}, "somebody"),
        ("anthropic", {}, {"metadata": {"user_id": None}}, ""),
    ],
)
def test_sessions(wire: str, headers: dict[str, str], body: dict[str, Any], session: str) -> None:
    assert codec.find(wire).parse(dump({**BODIES[wire], **body}), headers).session == session


@pytest.mark.parametrize("wire", ["openai_chat", "anthropic", "openai_responses", "gemini", "openai_completions"])
def test_priority_file_and_locale_in_every_wire(wire: str) -> None:
    """Headers, else metadata where a wire has it."""
    bodies: dict[str, dict[str, Any]] = {
        "openai_responses": {"input": "x"},
        "gemini": {"contents": [{"role": "user", "parts": [{"text": "x"}]}]},
        "openai_completions": {"prompt": "x"},
    }
    body = {"model": "auto", "max_tokens": 9, **bodies.get(wire, {"messages": [{"role": "user", "content": "x"}]})}
    headers = {"x-codriver-priority": "Background", "x-codriver-file": "src/a.py", "x-codriver-locale": "zh-CN"}
    request = codec.find(wire).parse(dump(body), headers)
    assert (request.priority, request.file, request.locale) == ("background", "src/a.py", "zh-CN")
    bare = codec.find(wire).parse(dump(body), {})
    assert (bare.priority, bare.file, bare.locale) == ("", "", "")
    with pytest.raises(RequestRejected, match="background or interactive"):
        codec.find(wire).parse(dump(body), {"x-codriver-priority": "urgent"})


def test_wishes_from_headers_and_metadata() -> None:
    headers = {"x-codriver-strategy": "cost", "x-codriver-max-latency-ms": "1500", "x-codriver-max-cost-usd": "0.02"}
    notes = {"codriver_strategy": "speed", "codriver_workflow": "nightly", "codriver_task": "debug"}
    request = chat(headers, metadata=notes)
    assert (request.strategy, request.workflow, request.task) == ("cost", "nightly", "debug")
    assert (request.deadline, request.max_cost) == (1.5, 0.02)


@pytest.mark.parametrize("value", ["soon", "-1", "nan", "inf", "0"])
def test_a_wish_that_is_no_number(value: str) -> None:
    with pytest.raises(RequestRejected) as caught:
        chat({"x-codriver-max-latency-ms": value})
    assert caught.value.failure.field == "X-Codriver-Max-Latency-Ms"


def test_tail_holds_three_human_turns_and_fresh_results() -> None:
    turns = [{"role": "user", "content": f"turn {n}"} for n in range(4)]
    called = {
        "role": "assistant",
        "content": None,
        "tool_calls": [{"id": "a", "type": "function", "function": {"name": "f", "arguments": "{}"}}],
    }
    result = {"role": "tool", "tool_call_id": "a", "content": "src/app.py:3 " + "x" * 9000}
    request = chat(**messages(*turns, called, result))
    assert request.purpose is Purpose.TOOL_RESULT
    assert request.tail[1:] == ("turn 1", "turn 2", "turn 3")
    assert "src/app.py" in request.tail[0] and len(request.tail[0]) < 5000
    assert chat(**messages({"role": "user", "content": "x" * 90_000})).tail[0].count("x") == 8192


def test_anthropic_tail_and_purpose() -> None:
    use = {"type": "tool_use", "id": "t", "name": "f", "input": {}}
    result = {"type": "tool_result", "tool_use_id": "t", "content": [{"type": "text", "text": "a.py"}]}
    request = claude(
        **messages(
            {"role": "user", "content": "fix it"},
            {"role": "assistant", "content": [use]},
            {"role": "user", "content": [result]},
        )
    )
    assert request.purpose is Purpose.TOOL_RESULT
    assert request.tail == ("a.py", "fix it")


def test_headers_of_the_same_wire_are_kept() -> None:
    headers = {
        "anthropic-beta": "x-1",
        "anthropic-version": "2023-06-01",
        "authorization": "Bearer s",
        "x-api-key": "s",
    }
    assert claude(headers).headers == {"anthropic-beta": "x-1", "anthropic-version": "2023-06-01"}


def test_anthropic_conversation() -> None:
    thought = {"type": "thinking", "thinking": "t", "signature": "S"}
    use = {"type": "tool_use", "id": "t1", "name": "f", "input": {"é": 1}}
    result = {"type": "tool_result", "tool_use_id": "t1", "is_error": True, "content": "no"}
    request = claude(
        system=[{"type": "text", "text": "be kind", "cache_control": {"type": "ephemeral"}}],
        **messages(
            {"role": "user", "content": "hi"},
            {"role": "assistant", "content": [thought, use]},
            {"role": "user", "content": [{"type": "text", "text": "and"}, result]},
            {"role": "system", "content": "mode changed"},
        ),
    )
    system, _, said, results, after, middle = request.conversation.messages
    assert system.parts == (Text("be kind", {"type": "ephemeral"}),)
    assert isinstance(said.parts[1], ToolCall)
    assert json.loads(said.parts[1].arguments) == {"é": 1}
    assert results == Message("tool", (ToolResult("t1", (Text("no"),), True),))
    assert (after.role, middle.role, middle.text) == ("user", "system", "mode changed")


def test_count_tokens() -> None:
    body = {"model": "auto", "messages": [{"role": "user", "content": "word " * 1000}]}
    counted = json.loads(anthropic.count(dump(body), {}))["input_tokens"]
    assert 950 < counted < 1300
    with pytest.raises(RequestRejected, match="messages"):
        anthropic.count(b'{"model":"x"}', {})


def test_completions() -> None:
    request = codec.find("openai_completions").parse(dump({**FILL, "prompt": ["def f("], "stop": ["\n"], "n": 2}), {})
    assert request.purpose is Purpose.COMPLETE
    assert request.fim is not None and (request.fim.prefix, request.fim.suffix) == ("def f(", "): pass")
    assert request.needs.fim and request.needs.same_wire == ("n",)
    plain = codec.find("openai_completions").parse(dump({"model": "auto", "prompt": "once"}), {})
    assert plain.fim is not None and plain.fim.suffix is None and not plain.needs.fim
