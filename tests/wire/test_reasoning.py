"""How much to think: every wire's words on one scale, and each model's own words out again. Never an error."""

from __future__ import annotations

import json
from itertools import pairwise
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from codriver.model.events import Event, Finish, Finished, ReasoningDelta, Reply, Started, TextDelta, ToolStart, fold
from codriver.model.provider import Quirks
from codriver.model.request import (
    Conversation,
    Limits,
    Message,
    Reasoning,
    Request,
    Text,
    Tool,
    ToolCall,
    ToolChoice,
    ToolResult,
)
from codriver.wire import anthropic, codec, effort, envelope, openai_chat
from codriver.wire.anthropic.thinking import FORCED, NOT_AT_HAND, UNFORCED
from codriver.wire.think_tags import ThinkTags
from wire.samples import PLAIN, asked, data, dump, events, frames, model

SCALE = ("none", "minimal", "low", "medium", "high", "max")
HI: list[dict[str, Any]] = [{"role": "user", "content": "hi"}]
THINKER = {"reasoning": True, "max_output": 64_000}


def chat(**more: Any) -> Request:
    return openai_chat.parse(dump({"model": "auto", "messages": HI, **more}), {})


def claude(**more: Any) -> Request:
    return anthropic.parse(dump({"model": "auto", "max_tokens": 9000, "messages": HI, **more}), {})


def talk(*messages: Message, tools: bool = False, **more: Any) -> Request:
    known = (Tool("f", "", {"type": "object"}),) if tools else ()
    whole = messages or (Message("user", (Text("x"),)),)
    return Request("r1", "chat", unfold=lambda: Conversation(whole, known, more.get("choice")), limits=more["limits"])


def sent(wire: str, request: Request, quirks: Quirks = PLAIN, **facts: Any) -> dict[str, Any]:
    found: dict[str, Any] = json.loads(codec.find(wire).call(request, model(**facts), quirks).body)
    return found


# In -------------------------------------------------------------------------------------------------

CHAT: list[Any] = [
    ({}, None),
    ({"reasoning_effort": "minimal"}, "minimal"), ({"reasoning_effort": "xhigh"}, "max"),
    ({"reasoning_effort": "ultra"}, "max"), ({"reasoning_effort": None}, None),
    ({"reasoning": {"effort": "high"}}, "high"), ({"reasoning": {"max_tokens": 2000}}, "low"),
    ({"reasoning": {"enabled": False}}, "none"), ({"reasoning": {"enabled": True}}, "medium"),
    ({"reasoning": {"effort": "none"}}, "none"), ({"reasoning": {"exclude": True}}, None),
    ({"chat_template_kwargs": {"enable_thinking": False}}, "none"),
    ({"chat_template_kwargs": {"enable_thinking": True}}, "medium"),
    ({"chat_template_kwargs": {"thinking": False}}, "none"),
    ({"enable_thinking": False}, "none"), ({"enable_thinking": True, "thinking_budget": 20000}, "high"),
    ({"enable_thinking": False, "thinking_budget": 20000}, "none"),
    ({"thinking": {"type": "disabled"}}, "none"), ({"thinking": {"type": "enabled"}}, "medium"),
    ({"thinking": {"type": "enabled", "budget_tokens": 31999}}, "max"),
    ({"thinking": "yes"}, None), ({"reasoning": 3, "enable_thinking": "no"}, None), ({"thinking_budget": True}, None),
]  # fmt: skip


@pytest.mark.parametrize(("fields", "expected"), CHAT)
def test_every_dialect_of_chat(fields: dict[str, Any], expected: str | None) -> None:
    assert chat(**fields).limits.effort == expected


@settings(max_examples=80, deadline=None)
@given(st.dictionaries(st.sampled_from(effort.FIELDS[1:]), st.recursive(
    st.none() | st.booleans() | st.integers(-5, 10**6) | st.text(max_size=5),
    lambda inner: st.dictionaries(st.sampled_from(["effort", "type", "enabled", "max_tokens", "enable_thinking"]), inner),
)))  # fmt: skip
def test_odd_values_are_no_fault(fields: dict[str, Any]) -> None:
    assert chat(**fields).limits.effort in (None, *SCALE)


@given(st.integers(-10, 200_000), st.integers(0, 50_000))
def test_more_tokens_are_never_less_effort(tokens: int, more: int) -> None:
    if tokens >= 0:
        assert SCALE.index(effort.of_budget(tokens)) <= SCALE.index(effort.of_budget(tokens + more))
    else:
        assert effort.of_budget(tokens) == "medium"


# Clamping -------------------------------------------------------------------------------------------

CLAMPED: list[Any] = [
    ("none", (), "low"), ("minimal", (), "low"), ("max", (), "high"), ("medium", (), "medium"),
    ("max", ("low", "medium", "high", "xhigh"), "xhigh"), ("medium", ("low", "high"), "high"),
    ("minimal", ("none", "low", "high"), "low"), ("none", ("none", "high"), "none"),
    ("low", ("none", "high", "max"), "high"), ("max", ("none",), "none"), ("high", ("nonsense",), "high"),
]  # fmt: skip


@pytest.mark.parametrize(("wanted", "known", "expected"), CLAMPED)
def test_trap39_words_are_clamped(wanted: str, known: tuple[str, ...], expected: str) -> None:
    assert effort.nearest(wanted, known) == expected


@given(st.sets(st.sampled_from(["none", *SCALE[1:], "xhigh"]), min_size=1))
def test_clamping_knows_only_known_words_and_keeps_the_order(known: set[str]) -> None:
    words = ("none", "minimal", "low", "medium", "high", "xhigh", "max")
    found = [effort.nearest(wanted, tuple(known)) for wanted in SCALE]
    assert known.issuperset(found)
    assert all(words.index(less) <= words.index(more) for less, more in pairwise(found))


# Out, on chat ---------------------------------------------------------------------------------------

STYLES: list[Any] = [
    ("effort", (), "high", {"reasoning_effort": "high"}),
    ("effort", ("none", "low", "xhigh"), "max", {"reasoning_effort": "xhigh"}),
    ("effort", ("none", "low"), "none", {"reasoning_effort": "none"}),
    ("reasoning", (), "max", {"reasoning": {"effort": "max"}}),
    ("reasoning", (), "none", {"reasoning": {"enabled": False}}),
    ("type", (), "low", {"thinking": {"type": "enabled"}}),
    ("type", (), "none", {"thinking": {"type": "disabled"}}),
    ("type", ("none", "high", "max"), "low", {"thinking": {"type": "enabled"}, "reasoning_effort": "high"}),
    ("type", ("high", "max"), "none", {"thinking": {"type": "enabled"}, "reasoning_effort": "high"}),
    ("enable", (), "medium", {"enable_thinking": True, "thinking_budget": 8192}),
    ("enable", (), "none", {"enable_thinking": False}),
    ("template", (), "none", {"chat_template_kwargs": {"enable_thinking": False}}),
    ("budget", (), "minimal", {"thinking": {"type": "enabled", "budget_tokens": 1024}}),
    ("budget", (), "none", {"thinking": {"type": "disabled"}}),
]  # fmt: skip


@pytest.mark.parametrize(("style", "efforts", "wanted", "expected"), STYLES)
def test_T12_T13_each_style_built_and_relayed(
    style: str, efforts: tuple[str, ...], wanted: str, expected: dict[str, Any]
) -> None:
    """T12: who thinks by default is told to stop, in its own words."""
    quirks = Quirks(thinking=style, efforts=efforts)
    other = {"reasoning_effort": wanted} if style == "reasoning" else {"reasoning": {"effort": wanted}}
    for request in (talk(limits=Limits(effort=wanted)), chat(**other, future=1)):
        found = sent("openai_chat", request, quirks)
        assert {name: found[name] for name in effort.FIELDS if name in found} == expected


UNTOUCHED: list[Any] = [
    (Quirks(), {"reasoning_effort": "ultra"}, {"reasoning": True}),
    (Quirks(thinking="effort", efforts=("low", "xhigh")), {"reasoning_effort": "xhigh"}, {}),
    (Quirks(thinking="effort"), {"reasoning_effort": "xhigh"}, {}),
    (Quirks(thinking="type"), {"thinking": {"type": "enabled", "keep": "all"}}, {}),
    (Quirks(thinking="enable"), {"enable_thinking": True, "thinking_budget": 77}, {}),
    (Quirks(thinking="reasoning"), {"reasoning": {"max_tokens": 2000, "exclude": True}}, {}),
    (Quirks(thinking="effort"), {}, {}),
]


@pytest.mark.parametrize(("quirks", "fields", "facts"), UNTOUCHED)
def test_words_the_model_knows_are_relayed_byte_for_byte(
    quirks: Quirks, fields: dict[str, Any], facts: dict[str, Any]
) -> None:
    request = chat(**fields)
    call = openai_chat.call(request, model(**facts), quirks)
    assert call.body == (request.body or b"").replace(b'"auto"', b'"acme-one-2026"')


def test_a_model_that_does_not_think_is_not_asked_to() -> None:
    call = openai_chat.call(chat(reasoning_effort="high", thinking={"type": "enabled"}), model(), PLAIN)
    assert json.loads(call.body) == {"model": "acme-one-2026", "messages": HI}
    assert call.dropped == ("reasoning_effort", "thinking")
    assert "reasoning_effort" not in sent("openai_chat", talk(limits=Limits(effort="high")))


def test_models_that_think_with_tools_on_another_wire_only() -> None:
    """OpenAI from 5.4 on: tools on the chat wire only without thinking."""
    quirks = Quirks(tools_wire="openai_responses", efforts=("none", "low"))
    tool = {"type": "function", "function": {"name": "f", "parameters": {"type": "object"}}}
    for request in (chat(tools=[tool], reasoning={"effort": "low"}), talk(tools=True, limits=Limits(effort="low"))):
        found = sent("openai_chat", request, quirks, reasoning=True)
        assert (found["reasoning_effort"], "reasoning" in found) == ("none", False)
    assert sent("openai_chat", chat(reasoning_effort="low"), quirks, reasoning=True)["reasoning_effort"] == "low"


def test_a_call_is_not_forced_where_that_is_refused() -> None:
    tool = {"type": "function", "function": {"name": "f", "parameters": {"type": "object"}}}
    request = chat(tools=[tool], tool_choice="required")
    call = openai_chat.call(request, model(), Quirks(forced_tools=False))
    assert json.loads(call.body)["tool_choice"] == "auto"
    assert call.dropped == (UNFORCED,)
    assert sent("openai_chat", request)["tool_choice"] == "required"


# Out, on Anthropic ----------------------------------------------------------------------------------

ADAPTIVE = Quirks(thinking="adaptive", efforts=("low", "medium", "high", "xhigh", "max"))
BUDGET = Quirks(thinking="budget")
BUILT: list[Any] = [
    (ADAPTIVE, "minimal", {"thinking": {"type": "adaptive"}, "output_config": {"effort": "low"}}),
    (ADAPTIVE, "max", {"thinking": {"type": "adaptive"}, "output_config": {"effort": "max"}}),
    (ADAPTIVE, "none", {"thinking": None, "output_config": {"effort": "low"}}),
    (Quirks(thinking="adaptive", efforts=("none", "low")), "none", {"thinking": {"type": "disabled"}}),
    (BUDGET, "medium", {"thinking": {"type": "enabled", "budget_tokens": 8192}, "output_config": None}),
    (BUDGET, "none", {"thinking": None, "output_config": None}),
    (Quirks(thinking="type"), "none", {"thinking": {"type": "disabled"}}),
    (Quirks(thinking="type"), "low", {"thinking": {"type": "enabled", "budget_tokens": 2048}}),
]


@pytest.mark.parametrize(("quirks", "wanted", "expected"), BUILT)
def test_T13_thinking_built_for_anthropic(quirks: Quirks, wanted: str, expected: dict[str, Any]) -> None:
    found = sent("anthropic", talk(limits=Limits(20000, effort=wanted, temperature=0.3)), quirks, **THINKER)
    assert {name: found.get(name) for name in expected} == expected
    if found.get("thinking", {}).get("type") in ("enabled", "adaptive"):
        assert "temperature" not in found
        assert found["max_tokens"] > found["thinking"].get("budget_tokens", 0)


RELAYED: list[Any] = [
    pytest.param(
        BUDGET, {"thinking": {"type": "enabled", "budget_tokens": 100}},
        {"thinking": {"type": "enabled", "budget_tokens": 1024}}, id="F6-below-the-minimum",
    ),
    pytest.param(
        Quirks(), {"thinking": {"type": "enabled", "budget_tokens": 9000}},
        {"thinking": {"type": "enabled", "budget_tokens": 4500}}, id="T13-not-below-max_tokens",
    ),
    pytest.param(
        BUDGET, {"thinking": {"type": "enabled", "budget_tokens": 2000}, "max_tokens": 500},
        {"thinking": None}, id="T13-no-room-at-all",
    ),
    pytest.param(
        BUDGET, {"thinking": {"type": "adaptive"}, "output_config": {"effort": "low", "format": {"type": "x"}}},
        {"thinking": {"type": "enabled", "budget_tokens": 2048}, "output_config": {"format": {"type": "x"}}},
        id="agents1-adaptive-to-an-older-model",
    ),
    pytest.param(
        ADAPTIVE, {"thinking": {"type": "enabled", "budget_tokens": 8000}},
        {"thinking": {"type": "adaptive"}, "output_config": {"effort": "medium"}}, id="a-budget-to-a-newer-model",
    ),
    pytest.param(ADAPTIVE, {"thinking": {"type": "disabled"}}, {"thinking": None}, id="off-where-off-is-unknown"),
    pytest.param(
        Quirks(thinking="adaptive", efforts=("low", "high")), {"output_config": {"effort": "xhigh", "more": 1}},
        {"output_config": {"effort": "high", "more": 1}}, id="trap39-effort-clamped",
    ),
    pytest.param(
        Quirks(thinking="type"), {"thinking": {"type": "adaptive"}, "output_config": {"effort": "max"}},
        {"thinking": {"type": "enabled", "budget_tokens": 4500}, "output_config": None}, id="to-an-imitator",
    ),
    pytest.param(
        Quirks(one_sampler=True), {"temperature": 0.5, "top_p": 0.5}, {"temperature": 0.5, "top_p": None},
        id="one-sampler",
    ),
    pytest.param(
        Quirks(forced_tools=False), {"tool_choice": {"type": "any", "disable_parallel_tool_use": True}},
        {"tool_choice": {"type": "auto", "disable_parallel_tool_use": True}}, id="a-call-is-not-forced",
    ),
    pytest.param(
        Quirks(prefill=False), {"messages": [*HI, {"role": "assistant", "content": "{"}]},
        {"messages": [*HI, {"role": "assistant", "content": "{"}, {"role": "user", "content": "Go on."}]},
        id="T34-C5-no-prefill",
    ),
    pytest.param(
        Quirks(beta_headers=False), {"messages": [*HI, {"role": "system", "content": "s"}]},
        {"messages": [*HI, {"role": "user", "content": "s"}]}, id="agents1-system-in-the-middle",
    ),
    pytest.param(ADAPTIVE, {"thinking": {"type": "adaptive"}, "output_config": {"effort": "max"}}, {}, id="known"),
    pytest.param(Quirks(), {"thinking": {"type": "adaptive"}, "output_config": {"effort": "max"}}, {}, id="unknown"),
]  # fmt: skip


@pytest.mark.parametrize(("quirks", "fields", "expected"), RELAYED)
def test_wishes_that_a_model_would_refuse(quirks: Quirks, fields: dict[str, Any], expected: dict[str, Any]) -> None:
    request = claude(future=1, **fields)
    call = anthropic.call(request, model(**THINKER), quirks)
    if not expected:
        assert call.body == (request.body or b"").replace(b'"auto"', b'"acme-one-2026"')
    before = {**json.loads(request.body or b""), "model": "acme-one-2026"}
    assert json.loads(call.body) == {k: v for k, v in (before | expected).items() if v is not None}


USE = {"type": "tool_use", "id": "toolu_0123456789", "name": "f", "input": {}}
DONE = {"role": "user", "content": [{"type": "tool_result", "tool_use_id": USE["id"], "content": "ok"}]}
SIGNED = {"type": "thinking", "thinking": "t", "signature": "SIG"}
ENABLED = {"type": "enabled", "budget_tokens": 2000}


@pytest.mark.parametrize(
    ("content", "wish", "thinks"),
    [
        ([USE], ENABLED, False), ([SIGNED, USE], ENABLED, True), ([USE], {"type": "adaptive"}, True),
        ([{**SIGNED, "signature": None}, USE], ENABLED, False), ([{"type": "text", "text": "x"}, USE], ENABLED, False),
    ],
)  # fmt: skip
def test_agents5_a_loop_without_its_thinking_goes_on_without(content: list[Any], wish: Any, thinks: bool) -> None:
    request = claude(messages=[*HI, {"role": "assistant", "content": content}, DONE], thinking=wish)
    call = anthropic.call(request, model(**THINKER), PLAIN)
    assert ("thinking" in json.loads(call.body)) is thinks
    assert call.dropped == (() if thinks else (NOT_AT_HAND,))


@pytest.mark.parametrize("known", [True, False])
def test_agents5_built_loops_think_only_with_their_thinking(known: bool) -> None:
    kept = Reasoning("t", "SIG", origin="acme/one")
    call = ToolCall("toolu_0123456789", "f", "{}")
    turns = (
        Message("user", (Text("x"),)),
        Message("assistant", (*([kept] if known else []), Text("now"), call)),
        Message("tool", (ToolResult(call.id, (Text("ok"),)),)),
    )
    made = anthropic.call(talk(*turns, tools=True, limits=Limits(effort="low")), model(**THINKER), PLAIN)
    body = json.loads(made.body)
    kinds = [block["type"] for block in body["messages"][1]["content"]]
    assert kinds == [*(["thinking"] if known else []), "text", "tool_use"]
    assert ("thinking" in body, made.dropped) == ((True, ()) if known else (False, (NOT_AT_HAND,)))
    other = anthropic.call(talk(*turns, tools=True, limits=Limits()), model(id="two", **THINKER), PLAIN)
    assert b"SIG" not in other.body, "T8: another model"


def test_no_thinking_beside_a_forced_tool() -> None:
    request = talk(tools=True, choice=ToolChoice("required"), limits=Limits(effort="low"))
    call = anthropic.call(request, model(**THINKER), PLAIN)
    assert ("thinking" in json.loads(call.body), call.dropped) == (False, (FORCED,))
    call = anthropic.call(request, model(**THINKER), Quirks(forced_tools=False))
    body = json.loads(call.body)
    assert (body["tool_choice"]["type"], "thinking" in body, call.dropped) == ("auto", True, (UNFORCED,))


# What callers see -----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("wish", "field"), [(None, "reasoning_content"), ({"effort": "low"}, "reasoning"), ({"exclude": True}, "")]
)
def test_trap18_thinking_in_the_words_a_chat_caller_asked_in(wish: Any, field: str) -> None:
    request = chat(**({"reasoning": wish} if wish else {}), stream=True)
    told: list[Event] = [Started(), ReasoningDelta("hm"), TextDelta("x"), Finished(Finish.STOP)]
    deltas = [f["choices"][0]["delta"] for f in frames(openai_chat.encoder(request, "m").feed(told)) if "done" not in f]
    shown = {key: d[key] for d in deltas for key in d if key.startswith("reasoning")}
    assert shown == ({field: "hm"} if field else {})
    whole = json.loads(openai_chat.encoder(request, "m").whole(Reply("x", (ReasoningDelta("hm"),), finish=Finish.STOP)))
    message = whole["choices"][0]["message"]
    assert {k: v for k, v in message.items() if k.startswith("reasoning")} == shown


THOUGHTS = st.lists(
    st.builds(ReasoningDelta, st.text(max_size=5), st.sampled_from(["", "SIG"]))
    | st.builds(ReasoningDelta, redacted=st.text(min_size=1, max_size=5)),
    max_size=6,
)


@settings(max_examples=60, deadline=None)
@given(THOUGHTS, st.booleans())
def test_A8_thinking_comes_back_from_anthropic_callers_with_its_maker(said: list[ReasoningDelta], stream: bool) -> None:
    """Also of makers that sign nothing; also from a whole answer; the maker's signature byte for byte (A5)."""
    told: list[Event] = [Started("i", "m"), *said, TextDelta("x"), Finished(Finish.STOP)]
    encoder = anthropic.encoder(asked("anthropic"), "acme/one")
    decoder = anthropic.decoder(model(), PLAIN)
    if stream:
        read = events([*decoder.feed(encoder.feed(told)), *decoder.close()])
    else:
        read = list(decoder.whole(encoder.whole(fold(told))))
    content = [
        {"type": "redacted_thinking", "data": part.redacted}
        if part.redacted
        else {"type": "thinking", "thinking": part.text, "signature": part.signature}
        for part in fold(read).reasoning
    ]
    request = claude(messages=[*HI, {"role": "assistant", "content": [*content, {"type": "text", "text": "x"}]}, *HI])
    assert all(envelope.sealed(text) for text in request.signatures)
    back = [part for part in request.conversation.messages[1].parts if isinstance(part, Reasoning)]
    assert all(part.origin == "acme/one" for part in back)
    made = [part for part in fold(told).reasoning if part.text or part.signature or part.redacted]
    assert [(p.text, p.signature, p.redacted) for p in back] == [(p.text, p.signature, p.redacted) for p in made]


# <think> --------------------------------------------------------------------------------------------

TAGGED: list[Any] = [
    ("<think>hm</think>\n\nx", "hm", "x"), ("  \n<think>\nhm</think>x", "hm", "x"), ("x <think>y</think>", "", "x <think>y</think>"),
    ("<thinking>a<b</thinking>c", "a<b", "c"), ("<think></think>x", "", "x"), ("<think>hm", "hm", ""),
    ("<thinker>x", "", "<thinker>x"), ("<", "", "<"), ("  ", "", "  "), ("", "", ""),
    ("<think>a</thin b</think>c </think>", "a</thin b", "c </think>"), ("◁think▷é◁/think▷ü", "é", "ü"),
    ("<think>a</think", "a</think", ""), ("if a <think", "", "if a <think"),
]  # fmt: skip


def split(text: str, cuts: list[int]) -> list[str]:
    places = sorted({0, len(text), *(cut % (len(text) + 1) for cut in cuts)})
    return [text[start:end] for start, end in pairwise(places)] or [text]


def untagged(pieces: list[str]) -> tuple[str, str]:
    tags = ThinkTags()
    told = [event for piece in pieces for event in tags.feed([TextDelta(piece)])] + tags.rest()
    thought = "".join(e.text for e in told if isinstance(e, ReasoningDelta))
    return thought, "".join(e.text for e in told if isinstance(e, TextDelta))


@pytest.mark.parametrize(("text", "thought", "said"), TAGGED)
def test_trap18_tags_at_the_start_of_an_answer(text: str, thought: str, said: str) -> None:
    assert untagged([text]) == untagged(list(text)) == (thought, said)


@settings(max_examples=100, deadline=None)
@given(
    st.sampled_from([row[0] for row in TAGGED]) | st.text("<think>/ \nab", max_size=30), st.lists(st.integers(0, 99))
)
def test_tags_cut_anywhere_mean_the_same(text: str, cuts: list[int]) -> None:
    assert untagged(split(text, cuts)) == untagged([text])


@pytest.mark.parametrize("step", [1, 7, 10_000])
def test_tags_in_a_stream_of_chat(step: int) -> None:
    deltas = [{"content": "<th"}, {"content": "ink>hm</think>"}, {"content": "\n\nx"}]
    chunks = [{"choices": [{"index": 0, "delta": delta}]} for delta in deltas]
    end = {"choices": [{"index": 0, "delta": {}, "finish_reason": "stop"}]}
    stream = data(*chunks, end, "[DONE]")
    for quirk, expected in (("", ("", "<think>hm</think>\n\nx")), ("read", ("hm", "x"))):
        decoder = openai_chat.decoder(model(), Quirks(think_tags=quirk))
        pieces = [
            piece for start in range(0, len(stream), step) for piece in decoder.feed(stream[start : start + step])
        ]
        reply = fold(events(pieces))
        assert ("".join(part.text for part in reply.reasoning), reply.text) == expected
        assert b"".join(piece.raw for piece in pieces) == stream, "a relay is not touched"


def test_what_is_held_back_comes_before_a_call_and_at_the_end() -> None:
    tags = ThinkTags()
    assert tags.feed([TextDelta("<thi")]) == []
    assert tags.feed([ToolStart(0, "c", "f")]) == [TextDelta("<thi"), ToolStart(0, "c", "f")]
    decoder = openai_chat.decoder(model(), Quirks(think_tags="read"))
    body = dump({"choices": [{"message": {"content": "<thi"}, "finish_reason": "length"}]})
    assert fold(decoder.whole(body)).text == "<thi"
