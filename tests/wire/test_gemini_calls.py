"""What goes to a provider that speaks Gemini: relayed as it came, or built from any other wire."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from codriver.model.events import fold
from codriver.model.provider import Quirks
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
from codriver.upstream.simulator import gemini_rules
from codriver.upstream.simulator.models import SimModel
from codriver.wire import anthropic, codec, gemini, names, openai_chat
from codriver.wire.codec import Call
from wire.samples import PLAIN, asked, dump, model

SKIP = "skip_thought_signature_validator"
NEWER = Quirks(thinking="level", efforts=("low", "medium", "high"), thought_signature=SKIP, stop_max=5)
OLDER = Quirks(thinking="budget", efforts=("minimal", "low", "medium", "high", "max"))
FLASH = Quirks(thinking="budget", efforts=("none", "minimal", "low", "medium", "high", "max"))
THINKS = model(reasoning=True, schema=True)
JUDGE = SimModel("acme-one-2026", 1_000_000, 8192, ("gemini",), images=True, thinking="level", signs=True)
HI = {"role": "user", "parts": [{"text": "hi"}]}
TOOL = Tool("f", "does f", {"type": "object", "properties": {"a": {"type": "string"}}, "required": ["a"]})


def talk(
    *messages: Message, tools: tuple[Tool, ...] = (TOOL,), choice: ToolChoice | None = None, **more: Any
) -> Request:
    conversation = Conversation(messages, tools, choice)
    return asked("openai_chat", unfold=lambda: conversation, body=None, **more)


def built(request: Request, quirks: Quirks = NEWER) -> tuple[dict[str, Any], Call]:
    """The body, which the simulator's rules must take for a model that signs."""
    call = gemini.call(request, THINKS, quirks)
    body = json.loads(call.body)
    if quirks is NEWER and not _foreign(request):
        gemini_rules.read(body, JUDGE)
    return body, call


def in_order(body: Mapping[str, Any]) -> bool:
    """Whether user and model take turns, the user first and last, and each says something."""
    roles = [content["role"] for content in body["contents"]]
    turns = [("user", "model")[n % 2] for n in range(len(roles))]
    return roles == turns and roles[-1:] == ["user"] and all(content["parts"] for content in body["contents"])


def _foreign(request: Request) -> bool:
    parts = [part for message in request.conversation.messages for part in message.parts]
    return any(isinstance(part, ToolCall) and part.signature for part in parts)


def own(body: Mapping[str, Any], path: str = "/v1beta/models/auto:generateContent", **headers: str) -> Request:
    return gemini.parse(dump(body), {":path": path, **headers})


# Relayed.


@pytest.mark.parametrize("indent", [None, 2])
@pytest.mark.parametrize("quirks", [PLAIN, NEWER, OLDER])
def test_a_body_of_this_wire_passes_as_it_came(indent: int | None, quirks: Quirks) -> None:
    body = {
        "contents": [HI],
        "generationConfig": {"topK": 3, "temperature": 1},
        "safetySettings": [],
        "zzz": {"a": [1]},
    }
    raw = json.dumps(body, indent=indent).encode()
    call = gemini.call(gemini.parse(raw, {":path": "/v1beta/models/auto:streamGenerateContent"}), THINKS, quirks)
    assert call.body == raw and call.action == "streamGenerateContent?alt=sse" and call.dropped == ()


def test_sdk_bodies_with_both_spellings_pass_as_they_came() -> None:
    raw = dump(
        {"contents": [HI], "generationConfig": {"thinkingConfig": {"include_thoughts": True, "thinking_level": "LOW"}}}
    )
    request = gemini.parse(raw, {":path": "/v1beta/models/auto:generateContent"})
    assert gemini.call(request, THINKS, NEWER).body == raw
    assert json.loads(gemini.call(request, model(), NEWER).body) == {"contents": [HI]}


@pytest.mark.parametrize(
    ("asked_for", "quirks", "sent"),
    [
        ({"maxOutputTokens": 99_999}, NEWER, {"maxOutputTokens": 8192}),
        ({"thinkingConfig": {"thinkingLevel": "LOW"}}, OLDER, {"thinkingConfig": {"thinkingBudget": 2048}}),
        ({"thinkingConfig": {"thinkingLevel": "MINIMAL"}}, NEWER, {"thinkingConfig": {"thinkingLevel": "LOW"}}),
        ({"thinkingConfig": {"thinkingBudget": 0}}, OLDER, {"thinkingConfig": {"thinkingBudget": 1024}}),
        ({"thinkingConfig": {"thinkingBudget": 0}}, FLASH, {"thinkingConfig": {"thinkingBudget": 0}}),
        ({"thinkingConfig": {"thinkingBudget": 32768}}, FLASH, {"thinkingConfig": {"thinkingBudget": 24576}}),
        ({"thinkingConfig": {"thinkingBudget": -1}}, FLASH, {"thinkingConfig": {"thinkingBudget": -1}}),
        ({"thinkingConfig": {"thinkingBudget": 500}}, NEWER, {"thinkingConfig": {"thinkingBudget": 500}}),
        ({"topK": 4, "topP": 0.5}, Quirks(drop=("topK",)), {"topP": 0.5}),
        ({"temperature": 2}, Quirks(temperature_max=1.0), {"temperature": 1.0}),
    ],
)
def test_w35_what_this_model_would_refuse_is_fitted(asked_for: Any, quirks: Quirks, sent: Any) -> None:
    body = json.loads(gemini.call(own({"contents": [HI], "generationConfig": asked_for}), THINKS, quirks).body)
    assert body["generationConfig"] == sent


def test_a_model_that_does_not_think_is_not_told_how_much() -> None:
    body = {"contents": [HI], "generationConfig": {"thinkingConfig": {"includeThoughts": True}, "topP": 1}}
    assert json.loads(gemini.call(own(body), model(), PLAIN).body)["generationConfig"] == {"topP": 1}


STEP = {"functionCall": {"name": "f", "args": {"a": "ü"}}}
ANSWER = {"role": "user", "parts": [{"functionResponse": {"name": "f", "response": {"output": "x"}}}]}
TWO = {"role": "user", "parts": [ANSWER["parts"][0], ANSWER["parts"][0]]}


def test_w33_unsigned_calls_get_what_stands_for_a_signature() -> None:
    """T10: at the first call of a step, at models that insist, and nowhere else."""
    body = {"contents": [HI, {"role": "model", "parts": [{"text": "so"}, STEP, STEP]}, TWO], "zzz": 1}
    sent = json.loads(gemini.call(own(body), THINKS, NEWER).body)
    assert sent["contents"][1]["parts"] == [{"text": "so"}, {**STEP, "thoughtSignature": SKIP}, STEP]
    assert [sent["contents"][0], sent["contents"][2], sent["zzz"]] == [HI, TWO, 1]
    raw = dump(body)
    plain = gemini.parse(raw, {":path": "/v1beta/models/auto:generateContent"})
    assert gemini.call(plain, THINKS, OLDER).body == raw


def test_a_turn_of_nothing_passes() -> None:
    for empty in ({"role": "model", "parts": None}, {"role": "model"}, {"role": "model", "parts": []}):
        body = {"contents": [HI, empty, HI, {"role": "model", "parts": [STEP]}, ANSWER]}
        sent = json.loads(gemini.call(own(body), THINKS, NEWER).body)
        assert [sent["contents"][1], sent["contents"][4]] == [empty, ANSWER]


def test_w33_signatures_of_another_model_are_taken_out() -> None:
    """A1: they hold at the model that made them."""
    mine, other = {**STEP, "thoughtSignature": "bWluZQ=="}, {**STEP, "thoughtSignature": "b3RoZXI="}
    said = {"role": "model", "parts": [{"text": "done", "thoughtSignature": "dGV4dA=="}]}
    body = {
        "contents": [
            HI,
            {"role": "model", "parts": [mine]},
            ANSWER,
            {"role": "model", "parts": [other]},
            ANSWER,
            said,
            HI,
        ]
    }
    request = own(body)
    assert request.signatures == ("bWluZQ==", "b3RoZXI=", "dGV4dA==")
    assert gemini.call(request, THINKS, NEWER).body == dump(body)
    moved = replace(request, forget=True, own=frozenset(["bWluZQ=="]))
    contents = json.loads(gemini.call(moved, THINKS, NEWER).body)["contents"]
    assert contents[1]["parts"] == [mine]
    assert contents[3]["parts"] == [{**STEP, "thoughtSignature": SKIP}]
    assert contents[5]["parts"] == [{"text": "done"}]
    assert json.loads(gemini.call(moved, THINKS, OLDER).body)["contents"][3]["parts"] == [STEP]


# Built.


def test_w31_a_conversation_in_geminis_form() -> None:
    body, call = built(
        talk(
            Message("system", (Text("be brief"),)),
            Message("user", (Text("hi"), Image("image/png", "QUJD"))),
            Message("assistant", (Reasoning("hm"), Text("so"), ToolCall("call_123456", "f", '{"a": "ü"}'))),
            Message("tool", (ToolResult("call_123456", (Text("x"),), is_error=True),)),
            limits=Limits(max_tokens=100, temperature=1.5, top_p=0.9, stop=("a", "", "b")),
        ),
    )
    assert body["systemInstruction"] == {"parts": [{"text": "be brief"}]}
    assert body["contents"] == [
        {"role": "user", "parts": [{"text": "hi"}, {"inlineData": {"mimeType": "image/png", "data": "QUJD"}}]},
        {
            "role": "model",
            "parts": [
                {"text": "so"},
                {"functionCall": {"id": "call_123456", "name": "f", "args": {"a": "ü"}}, "thoughtSignature": SKIP},
            ],
        },
        {
            "role": "user",
            "parts": [{"functionResponse": {"id": "call_123456", "name": "f", "response": {"error": "x"}}}],
        },
    ]
    assert body["generationConfig"] == {
        "maxOutputTokens": 100,
        "temperature": 1.5,
        "topP": 0.9,
        "stopSequences": ["a", "b"],
        "thinkingConfig": {"includeThoughts": True},
    }
    assert call.action == "streamGenerateContent?alt=sse"
    assert body["tools"] == [{"functionDeclarations": [{"name": "f", "description": "does f", "parameters": {
        "type": "OBJECT", "properties": {"a": {"type": "STRING"}}, "required": ["a"]}}]}]  # fmt: skip


def test_agents4_a_tool_without_parameters_has_no_such_field() -> None:
    body, _ = built(
        talk(Message("user", (Text("hi"),)), tools=(Tool("now", "", {"type": "object", "properties": {}}),))
    )
    assert body["tools"] == [{"functionDeclarations": [{"name": "now", "description": "now"}]}]


def test_w32_free_form_arguments_go_as_json_schema() -> None:
    tool = Tool("put", "", {"type": "object", "properties": {"data": {"type": "object"}}})
    body, _ = built(talk(Message("user", (Text("hi"),)), tools=(tool,)))
    (declared,) = body["tools"][0]["functionDeclarations"]
    assert "parameters" not in declared
    assert declared["parametersJsonSchema"]["properties"]["data"] == {"type": "object", "additionalProperties": True}


def test_t27_lost_constraints_are_told() -> None:
    tool = Tool("f", "", {"type": "object", "properties": {"a": {"type": "string", "format": "uri"}}})
    assert built(talk(Message("user", (Text("hi"),)), tools=(tool, replace(tool, name="g"))))[1].dropped == (
        "tools.format",
    )


ROUND = (
    Message("user", (Text("hi"),)),
    Message("assistant", (ToolCall("call_1", "f", "{}", "c2ln", "acme/one"), ToolCall("call_2", "f", "{}"))),
    Message("tool", (ToolResult("call_1", (Text("1"),)), ToolResult("call_2", (Text("2"),)))),
)


@pytest.mark.parametrize(
    ("origin", "quirks", "signatures"),
    [
        ("acme/one", NEWER, ["c2ln", None]),
        ("acme/one", OLDER, ["c2ln", None]),
        ("other/two", NEWER, [SKIP, None]),
        ("other/two", OLDER, [None, None]),
        ("", NEWER, [SKIP, None]),
    ],
)
def test_a11_a_signature_goes_back_to_its_maker_only(origin: str, quirks: Quirks, signatures: list[str | None]) -> None:
    """A1, A11, T8, T10, W33."""
    first, second = ROUND[1].parts
    assert isinstance(first, ToolCall)
    body, _ = built(talk(ROUND[0], Message("assistant", (replace(first, origin=origin), second)), ROUND[2]), quirks)
    assert [part.get("thoughtSignature") for part in body["contents"][1]["parts"]] == signatures


MINE = Reasoning("", "bWluZQ==", origin="acme/one")
SIGNED = {"thoughtSignature": "bWluZQ=="}
UNTOLD = {"functionCall": {"id": "call_1", "name": "f", "args": {}}}


@pytest.mark.parametrize(
    ("said", "parts"),
    [
        pytest.param([Text("so"), MINE], [{"text": "so", **SIGNED}], id="behind its text"),
        pytest.param([replace(MINE, text="hm"), Text("so")], [{"text": "so", **SIGNED}], id="before it"),
        pytest.param([MINE], [{"text": "", **SIGNED}], id="alone"),
        pytest.param([Text("a"), MINE, Text("b")], [{"text": "a", **SIGNED}, {"text": "b"}], id="between two"),
        pytest.param(
            [Text("a"), MINE, ROUND[1].parts[0]], [{"text": "a", **SIGNED}, STEP], id="and a call has its own"
        ),
        pytest.param([Text("so"), replace(MINE, origin="other/two")], [{"text": "so"}], id="another's"),
        pytest.param([Text("so"), replace(MINE, origin="")], [{"text": "so"}], id="nobody's"),
        pytest.param([Reasoning("hm", origin="acme/one"), Text("so")], [{"text": "so"}], id="thinking without one"),
    ],
)
def test_w33_a_signature_outside_of_calls_goes_back_to_its_maker_only(
    said: list[Part], parts: list[dict[str, Any]]
) -> None:
    """A1, A11."""
    call = next((part for part in said if isinstance(part, ToolCall)), None)
    result = (ROUND[2],) if call else ()
    body = json.loads(gemini.call(talk(ROUND[0], Message("assistant", tuple(said)), *result), THINKS, NEWER).body)
    found = body["contents"][1]["parts"]
    if call:
        assert found.pop()["thoughtSignature"] == call.signature
        parts = parts[:-1]
    assert found == parts


def test_a_turn_of_another_models_signature_alone_is_no_turn() -> None:
    foreign = Message("assistant", (replace(MINE, origin="other/two"),))
    body, _ = built(talk(ROUND[0], foreign, ROUND[0]))
    assert [turn["role"] for turn in body["contents"]] == ["user"]


@pytest.mark.parametrize("stream", [True, False], ids=["stream", "whole"])
@pytest.mark.parametrize("wire", ["anthropic", "openai_responses"])
def test_w33_a_signed_text_comes_back_through_a_caller_of_another_wire(wire: str, stream: bool) -> None:
    """A3: what the caller's wire has for thinking carries it, and its maker gets it where it stood."""
    answer = {"responseId": "r", "candidates": [{"index": 0, "finishReason": "STOP", "content": {"parts": [
        {"text": "so", **SIGNED}]}}]}  # fmt: skip
    meant = gemini.decoder(THINKS, NEWER).whole(dump(answer))
    speaker = codec.find(wire)
    encoder = speaker.encoder(asked(wire), THINKS.key)
    if stream:
        shown = speaker.decoder(THINKS, PLAIN)
        found = [event for piece in [*shown.feed(encoder.feed(meant)), *shown.close()] for event in piece.events]
    else:
        found = list(speaker.decoder(THINKS, PLAIN).whole(encoder.whole(fold(meant))))
    reply = fold(found)
    (thought,) = reply.reasoning
    if wire == "anthropic":
        content = [
            {"type": "text", "text": reply.text},
            {"type": "thinking", "thinking": "", "signature": thought.signature},
        ]
        turns = [
            {"role": "user", "content": "hi"},
            {"role": "assistant", "content": content},
            {"role": "user", "content": "so?"},
        ]
        body: dict[str, Any] = {"messages": turns, "max_tokens": 9}
    else:
        ident, _, sealed = thought.signature.partition("|")
        item = {"type": "reasoning", "id": ident, "summary": [], "encrypted_content": sealed}
        spoken = {"type": "message", "role": "assistant", "content": [{"type": "output_text", "text": reply.text}]}
        body = {"input": [{"role": "user", "content": "hi"}, spoken, item, {"role": "user", "content": "so?"}]}
    back = speaker.parse(dump({"model": "m", **body}), {})
    contents = json.loads(gemini.call(back, THINKS, NEWER).body)["contents"]
    assert contents[1] == {"role": "model", "parts": [{"text": "so", **SIGNED}]}
    assert contents[1] not in json.loads(gemini.call(back, replace(THINKS, id="two"), NEWER).body)["contents"]


@pytest.mark.parametrize(
    ("effort", "quirks", "told"),
    [
        (None, NEWER, {"includeThoughts": True}),
        ("none", NEWER, {"thinkingLevel": "LOW", "includeThoughts": True}),
        ("medium", NEWER, {"thinkingLevel": "MEDIUM", "includeThoughts": True}),
        ("max", NEWER, {"thinkingLevel": "HIGH", "includeThoughts": True}),
        ("none", FLASH, {"thinkingBudget": 0}),
        ("none", OLDER, {"thinkingBudget": 1024, "includeThoughts": True}),
        ("low", OLDER, {"thinkingBudget": 2048, "includeThoughts": True}),
        ("max", OLDER, {"thinkingBudget": 24576, "includeThoughts": True}),
        ("high", PLAIN, None),
    ],
)
def test_w35_effort_in_the_models_own_words(effort: str | None, quirks: Quirks, told: Any) -> None:
    body = json.loads(
        gemini.call(talk(Message("user", (Text("hi"),)), limits=Limits(effort=effort)), THINKS, quirks).body
    )
    assert body.get("generationConfig", {}).get("thinkingConfig") == told


def test_t13_a_budget_comes_on_top_of_the_answers_length() -> None:
    request = talk(Message("user", (Text("hi"),)), limits=Limits(max_tokens=100, effort="low"))
    config = json.loads(gemini.call(request, THINKS, OLDER).body)["generationConfig"]
    assert config["maxOutputTokens"] == 2148


@pytest.mark.parametrize(
    ("choice", "told", "dropped"),
    [
        (ToolChoice("auto"), None, ()),
        (ToolChoice("none"), {"mode": "NONE"}, ()),
        (ToolChoice("required"), {"mode": "ANY"}, ()),
        (ToolChoice("named", "f"), {"mode": "ANY", "allowedFunctionNames": ["f"]}, ()),
        (ToolChoice("auto", parallel=False), None, ("parallel_tool_calls",)),
    ],
)
def test_tool_choice(choice: ToolChoice, told: Any, dropped: tuple[str, ...]) -> None:
    body, call = built(talk(Message("user", (Text("hi"),)), choice=choice))
    assert body.get("toolConfig", {}).get("functionCallingConfig") == told
    assert call.dropped == dropped


@pytest.mark.parametrize(
    ("schema", "tools", "config"),
    [
        ({"type": "json_object"}, (), {"responseMimeType": "application/json"}),
        (
            {"type": "json_schema", "schema": {"type": "object", "properties": {"a": {"type": "string"}}}},
            (),
            {
                "responseMimeType": "application/json",
                "responseSchema": {"type": "OBJECT", "properties": {"a": {"type": "STRING"}}},
            },
        ),
        (
            {"type": "json_schema", "schema": {"type": "object", "properties": {"a": {"type": "object"}}}},
            (),
            {
                "responseMimeType": "application/json",
                "responseJsonSchema": {
                    "type": "object",
                    "properties": {"a": {"type": "object", "additionalProperties": True}},
                },
            },
        ),
        ({"type": "json_schema", "schema": {"type": "object", "properties": {"zz": {"type": "string"}}}}, (TOOL,), {}),
    ],
)
def test_w19_an_asked_form_of_the_answer(
    schema: dict[str, Any], tools: tuple[Tool, ...], config: dict[str, Any]
) -> None:
    body, _ = built(talk(Message("user", (Text("hi"),)), tools=tools, limits=Limits(schema=schema)))
    told = {key: value for key, value in body["generationConfig"].items() if key != "thinkingConfig"}
    assert told == config
    if tools:  # both together are refused: the schema is told in words
        assert '"zz"' in body["systemInstruction"]["parts"][0]["text"]


def test_at_stops_beyond_the_most_the_answer_is_cut_here() -> None:
    request = talk(Message("user", (Text("hi"),)), limits=Limits(stop=tuple("abcdefg")))
    body, call = built(request)
    assert body["generationConfig"]["stopSequences"] == list("abcde")
    assert call.stop == ("f", "g") and call.dropped == ()


@pytest.mark.parametrize("name", ["7zip", "-x", "a.b/c", "名前", "x" * 80, "_ok", "Fine-1"])
def test_names_begin_with_a_letter_and_come_back(name: str) -> None:
    request = talk(
        Message("user", (Text("hi"),)),
        Message("assistant", (ToolCall("call_1", name, "{}"),)),
        Message("tool", (ToolResult("call_1", (Text("x"),)),)),
        tools=(Tool(name, "", {}),),
        choice=ToolChoice("named", name),
    )
    body, _ = built(request)
    sent = body["tools"][0]["functionDeclarations"][0]["name"]
    assert names.original_name(sent, request) == name
    assert body["contents"][1]["parts"][0]["functionCall"]["name"] == sent
    assert body["contents"][2]["parts"][0]["functionResponse"]["name"] == sent


def test_images_in_results_and_on_the_web() -> None:
    """T30: what a tool shows stands behind its response."""
    body, _ = built(
        talk(
            Message("user", (Image(url="https://x.example/a.webp?b=1"),)),
            Message("assistant", (ToolCall("call_1", "f", "{}"),)),
            Message("tool", (ToolResult("call_1", (Text("see"), Image("image/jpg", "QQ"))),)),
        )
    )
    assert body["contents"][0]["parts"] == [
        {"fileData": {"mimeType": "image/webp", "fileUri": "https://x.example/a.webp?b=1"}}
    ]
    assert body["contents"][2]["parts"][1] == {"inlineData": {"mimeType": "image/jpeg", "data": "QQ"}}


def test_a_history_trimmed_anywhere_is_put_in_order() -> None:
    """W16, W31: orphans become text, neighbours are joined, the user speaks first and last."""
    history = [
        Message("tool", (ToolResult("gone", (Text("late"),)),)),
        Message("assistant", (Text("a"),)),
        Message("assistant", (ToolCall("call_1", "f", "{}"), ToolCall("call_2", "f", "not json"))),
        Message("user", (Text("b"),)),
        Message("user", (Text("c"),)),
        Message("assistant", (Text("d"),)),
    ]
    for start in range(len(history)):
        for end in range(start + 1, len(history) + 1):
            assert in_order(built(talk(*history[start:end]))[0])


TEXTS = st.text(max_size=6)
IDENTS = st.sampled_from(["a", "b", "call_1", "ü"])
PARTS = st.one_of(
    TEXTS.map(Text),
    st.builds(Reasoning, TEXTS),
    st.builds(ToolCall, IDENTS, st.sampled_from(["f", "g"]), st.sampled_from(["{}", '{"a":"ü"}', "oops", ""])),
    st.just(Image("image/png", "QQ")),
)
MESSAGES = st.one_of(
    st.builds(Message, st.sampled_from(["system", "user"]), st.lists(TEXTS.map(Text), max_size=2).map(tuple)),
    st.builds(Message, st.just("assistant"), st.lists(PARTS, max_size=3).map(tuple)),
    st.builds(
        Message,
        st.just("tool"),
        st.lists(st.builds(ToolResult, IDENTS, TEXTS.map(lambda text: (Text(text),))), min_size=1, max_size=2).map(
            tuple
        ),
    ),
)


@settings(max_examples=150, deadline=None)
@given(st.lists(MESSAGES, max_size=7), st.booleans())
def test_whatever_was_said_google_takes_it(messages: list[Message], tools: bool) -> None:
    body, _ = built(talk(*messages, tools=(TOOL, replace(TOOL, name="g")) if tools else ()))
    assert in_order(body)


# There and back.

SAME = (
    Message("system", (Text("s"),)),
    Message("user", (Text("hi"), Image("image/png", "QUJD"))),
    Message(
        "assistant",
        (Text("so"), ToolCall("call_12345678", "f", '{"a":"ü"}'), ToolCall("call_12345679", "f", '{"a":"b"}')),
    ),
    Message(
        "tool", (ToolResult("call_12345678", (Text("1"),)), ToolResult("call_12345679", (Text("no"),), is_error=True))
    ),
    Message("assistant", (Text("done"),)),
    Message("user", (Text("more"),)),
)


def test_neutral_to_gemini_and_back_loses_nothing() -> None:
    choice = ToolChoice("named", "f")
    limits = Limits(max_tokens=9, temperature=0.5, top_p=0.25, stop=("x",))
    body, _ = built(talk(*SAME, choice=choice, limits=limits))
    again = gemini.parse(dump(body), {":path": "/v1beta/models/auto:streamGenerateContent"})

    def shape(part: Part) -> Part:
        if not isinstance(part, ToolCall):
            return part
        return replace(part, signature="", arguments=json.dumps(json.loads(part.arguments)))

    def shaped(messages: tuple[Message, ...]) -> list[Message]:
        return [Message(m.role, tuple(map(shape, m.parts))) for m in messages]

    assert shaped(again.conversation.messages) == shaped(SAME)
    assert again.conversation.tools == (TOOL,) and again.conversation.tool_choice == choice
    assert replace(again.limits, effort=None) == limits


def test_gemini_to_neutral_and_back_is_the_same() -> None:
    body, _ = built(talk(*SAME))
    once = gemini.parse(dump(body), {":path": "/v1beta/models/auto:streamGenerateContent"})
    conversation = once.conversation
    through = replace(once, body=None, unfold=lambda: conversation)
    assert json.loads(gemini.call(through, THINKS, NEWER).body)["contents"] == body["contents"]


def test_what_crosses_to_other_wires_is_named() -> None:
    """W9: unknown fields are dropped with a reason, known ones are carried."""
    body = {
        "contents": [HI],
        "safetySettings": [{"category": "x"}],
        "tools": [{"functionDeclarations": [{"name": "f"}]}, {"googleSearch": {}}],
        "generationConfig": {"topK": 5, "temperature": 1, "max_output_tokens": 7, "presencePenalty": None},
    }
    for other in (openai_chat, anthropic):
        call = other.call(own(body), model(), PLAIN)
        assert {"safetySettings", "tools[googleSearch]", "topK"} <= set(call.dropped)
        assert not {"contents", "temperature", "maxOutputTokens", "max_output_tokens", "presencePenalty"} & set(
            call.dropped
        )
        assert json.loads(call.body)["max_tokens"] == 7


def test_a_hole_becomes_a_prompt() -> None:
    request = asked("openai_completions", fim=Fim("def f(", "): pass"), body=None)
    body, _ = built(request)
    assert "def f(" in json.dumps(body["contents"]) and body["generationConfig"]["maxOutputTokens"] == 1024
