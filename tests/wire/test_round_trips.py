"""There and back: what each wire keeps of the neutral form, and what becomes of the rest, feature by feature."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from codriver.model.provider import Quirks
from codriver.model.request import (
    FREE_TEXT,
    HOLES,
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
from codriver.wire import codec
from codriver.wire.codec import Call
from wire.samples import dump, model

CHATS = ("openai_chat", "openai_responses", "anthropic", "gemini", "ollama_chat")
MAKER = model(reasoning=True, schema=True, max_output=64_000)
THOUGHTFUL = Quirks(replay_reasoning="optional", efforts=("low", "medium", "high"))
SCHEMA = {"type": "object", "properties": {"a": {"type": "string"}}, "required": ["a"]}
SHAPE = {"type": "json_schema", "name": "output", "schema": SCHEMA, "strict": True}
HEADERS = {"gemini": {":path": "/v1beta/models/auto:generateContent"}}

KEPT: dict[str, frozenset[str]] = {
    "openai_chat": frozenset({"texts", "pictures", "addresses", "thinking", "strict", "choice", "parallel", "stop"})
    | {"temperature", "top_p", "form", "effort"},
    "openai_responses": frozenset({"texts", "pictures", "addresses", "signed", "shown", "strict", "free", "choice"})
    | {"parallel", "temperature", "top_p", "form", "effort"},
    "anthropic": frozenset({"texts", "pictures", "addresses", "signed", "redacted", "errors", "shown", "marks"})
    | {"strict", "choice", "parallel", "stop", "temperature", "form"},
    "gemini": frozenset({"texts", "pictures", "addresses", "errors", "proofs", "choice", "stop"})
    | {"temperature", "top_p", "form"},
    "ollama_chat": frozenset({"pictures", "thinking", "stop", "temperature", "top_p", "effort"}),
}
"""What a conversation keeps on each wire, besides words, turns, tools, calls, results and the answer's length.

texts: several in one turn. addresses: images by URL. thinking: as text. signed, redacted: as its maker wrote it.
proofs: signatures on calls. errors: that a result is one. shown: images in results. marks: of prompt caches.
free: tools that take text. form: the schema of the answer.
"""


# What is sent there and read again.


def sent(wire: str, request: Request) -> Call:
    return codec.find(wire).call(replace(request, wire="", body=None), MAKER, THOUGHTFUL)


def back(wire: str, call: Call) -> Request:
    return codec.find(wire).parse(call.body, HEADERS.get(wire, {}))


def asked(talk: Conversation, limits: Limits = Limits(64)) -> Request:
    return Request("r1", "chat", stream=False, limits=limits, unfold=lambda: talk)


def alike(talk: Conversation) -> Conversation:
    """What is the same said otherwise: arguments by their value, neighbouring results in one turn, no origin
    (who made it is known where the answer came in), no type of an
    image that lies elsewhere (Gemini wants one, so it is guessed)."""
    messages: list[Message] = []
    for message in talk.messages:
        parts = tuple(_alike(part) for part in message.parts)
        if messages and messages[-1].role == message.role == "tool":
            parts = (*messages.pop().parts, *parts)
        messages.append(Message(message.role, parts))
    choice = talk.tool_choice
    if choice in (ToolChoice("auto"), ToolChoice("auto", parallel=True)):
        choice = None
    return replace(talk, messages=tuple(messages), tools=tuple(map(_tool, talk.tools)), tool_choice=choice)


def _alike(part: Part) -> Part:
    if isinstance(part, ToolCall):
        return replace(part, arguments=json.dumps(json.loads(part.arguments), sort_keys=True), origin="")
    if isinstance(part, Image) and part.url:
        return replace(part, media_type="")
    return replace(part, origin="") if isinstance(part, Reasoning) else part


def _tool(tool: Tool) -> Tool:
    """That no strictness was asked for, and that none is wanted, are the same everywhere."""
    return replace(tool, strict=tool.strict or None, schema=dict(tool.schema))


TEXT = st.text(min_size=1, max_size=8).filter(lambda text: bool(text.strip()))
JSON = st.dictionaries(st.text(max_size=4), st.text(max_size=4) | st.integers(-9, 9) | st.none(), max_size=3)
MARK = {"type": "ephemeral", "ttl": "1h"}


@dataclass
class Writer:
    """Draws a sound conversation of what one wire keeps."""

    draw: st.DrawFn
    keeps: frozenset[str]
    calls: int = 0
    marks: int = 0

    def wants(self, feature: str) -> bool:
        return feature in self.keeps and self.draw(st.booleans())

    def text(self) -> Text:
        marked = self.marks < 4 and self.wants("marks")
        self.marks += marked
        return Text(self.draw(TEXT), MARK if marked else None)

    def image(self) -> Image:
        if self.wants("addresses"):
            return Image(url="https://x.example/a.png")
        return Image("image/png", "iVBORAAA")

    def user(self) -> Message:
        parts: list[Part] = [self.text()]
        if self.wants("pictures"):
            parts.append(self.image())
        if self.wants("texts"):
            parts.append(self.text())
        return Message("user", tuple(parts))

    def turns(self) -> list[Message]:
        """An assistant's turn, and the results of its calls."""
        parts: list[Part] = [thought for kind in ("thinking", "signed", "redacted") if (thought := self.thought(kind))]
        calls = [self.call() for _ in range(self.draw(st.integers(0, 3)))]
        if not calls or self.draw(st.booleans()):
            parts.append(self.text())
        answered = [Message("tool", tuple(self.result(call) for call in calls))] if calls else []
        return [Message("assistant", (*parts, *calls)), *answered]

    def thought(self, kind: str) -> Reasoning | None:
        if not self.wants(kind):
            return None
        signature = "rs_1|ENCRYPTED" if "free" in self.keeps else "SIG=="
        made = {
            "thinking": Reasoning(self.draw(TEXT)),
            "signed": Reasoning(self.draw(TEXT), signature, origin=MAKER.key),
            "redacted": Reasoning("", redacted="UkVE", origin=MAKER.key),
        }
        return made[kind]

    def call(self) -> ToolCall:
        self.calls += 1
        ident = f"call_{self.calls:012}"
        if self.wants("free"):
            return ToolCall(ident, "patch", json.dumps({"input": self.draw(TEXT)}))
        text = json.dumps(self.draw(JSON), ensure_ascii=self.draw(st.booleans()))
        return ToolCall(ident, "f", text, "c2ln" if self.wants("proofs") else "", MAKER.key)

    def result(self, call: ToolCall) -> ToolResult:
        parts: list[Text | Image] = [Text(self.draw(TEXT))]
        if self.wants("shown"):
            parts.append(Image("image/png", "iVBORAAA"))
        return ToolResult(call.id, tuple(parts), self.wants("errors"))

    def tools(self) -> tuple[Tool, ...]:
        strict = True if self.wants("strict") else None
        described = Tool("f", self.draw(TEXT), SCHEMA, strict)
        return (described, Tool("patch", "edits", FREE_TEXT, custom={})) if "free" in self.keeps else (described,)

    def choice(self) -> ToolChoice | None:
        if not self.wants("choice"):
            return None
        mode = self.draw(st.sampled_from(["auto", "required", "none", "named"]))
        # Anthropic has no word for it where no call may be made.
        parallel = False if mode != "none" and self.wants("parallel") else None
        return ToolChoice(mode, "f" if mode == "named" else "", parallel)


@st.composite
def conversations(draw: st.DrawFn, wire: str) -> Conversation:
    writer = Writer(draw, KEPT[wire])
    messages = [Message("system", (writer.text(),))] if draw(st.booleans()) else []
    messages.append(writer.user())
    for _ in range(draw(st.integers(0, 2))):
        messages += writer.turns()
        messages.append(writer.user())
    return Conversation(tuple(messages), writer.tools(), writer.choice())


@settings(max_examples=30, deadline=None)
@given(st.data())
@pytest.mark.parametrize("wire", CHATS)
def test_a_conversation_comes_back_as_it_was(wire: str, data: st.DataObject) -> None:
    """W13, W22, T4, T17, B11."""
    talk = data.draw(conversations(wire))
    call = sent(wire, asked(talk))
    assert call.dropped == ()
    assert alike(back(wire, call).conversation) == alike(talk)


@settings(max_examples=20, deadline=None)
@given(st.data())
@pytest.mark.parametrize("wire", CHATS)
def test_the_same_conversation_is_the_same_bytes(wire: str, data: st.DataObject) -> None:
    """T26, D6: read and written again nothing moves, so a prompt cache stays warm."""
    once = sent(wire, asked(data.draw(conversations(wire))))
    request = back(wire, once)
    made = [replace(p, origin=MAKER.key) if isinstance(p, Reasoning | ToolCall) else p
            for message in request.conversation.messages for p in message.parts]  # fmt: skip
    parts = iter(made)
    messages = tuple(Message(m.role, tuple(next(parts) for _ in m.parts)) for m in request.conversation.messages)
    talk = replace(request.conversation, messages=messages)
    assert sent(wire, replace(request, unfold=lambda: talk, input_tokens=0)).body == once.body


@settings(max_examples=30, deadline=None)
@given(st.data())
@pytest.mark.parametrize("wire", CHATS)
def test_wishes_come_back_as_they_were(wire: str, data: st.DataObject) -> None:
    """W11, W19, W20, W39."""
    keeps, draw = KEPT[wire], data.draw
    some = st.none() | st.sampled_from([0.0, 0.25, 1.0])
    limits = Limits(
        max_tokens=draw(st.integers(16, 64_000)),
        temperature=draw(some) if "temperature" in keeps else None,
        top_p=draw(some) if "top_p" in keeps else None,
        stop=tuple(draw(st.lists(TEXT, max_size=3))) if "stop" in keeps else (),
        schema=draw(st.none() | st.just(SHAPE)) if "form" in keeps else None,
        effort=draw(st.none() | st.sampled_from(["low", "medium", "high"])) if "effort" in keeps else None,
    )
    call = sent(wire, asked(Conversation((Message("user", (Text("x"),)),)), limits))
    assert call.dropped == ()
    found = back(wire, call).limits
    if limits.schema is not None and found.schema is not None and wire in ("anthropic", "gemini"):
        # There a form has no name, and is always kept to; Anthropic's is closed.
        assert found.schema["schema"] in (SCHEMA, {**SCHEMA, "additionalProperties": False})
        found, limits = replace(found, schema=None), replace(limits, schema=None)
    assert found == limits


@settings(max_examples=20, deadline=None)
@given(TEXT, TEXT, st.integers(1, 4096), st.lists(TEXT, max_size=2))
@pytest.mark.parametrize("wire", sorted(HOLES))
def test_a_hole_comes_back_as_it_was(wire: str, prefix: str, suffix: str, length: int, stop: list[str]) -> None:
    """W41."""
    fills = replace(MAKER, fim="suffix", chat=False, reasoning=False)
    hole = Request(
        "r1", "complete", stream=False, fim=Fim(prefix, suffix), limits=Limits(length, 0.25, stop=tuple(stop))
    )
    call = codec.find(wire).call(hole, fills, THOUGHTFUL)
    found = back(wire, call)
    assert call.dropped == ()
    assert (found.fim, found.limits) == (hole.fim, hole.limits)


# What a wire does not keep.

USER, CALL = Message("user", (Text("x"),)), ToolCall("call_000000000001", "f", "{}")
TOOL = Tool("f", "does f", SCHEMA)
PICTURE = Image("image/png", "iVBORAAA")


def talk(*messages: Message, tools: tuple[Tool, ...] = (TOOL,), choice: ToolChoice | None = None) -> Conversation:
    return Conversation(messages, tools, choice)


def answered(*parts: Text | Image, error: bool = False) -> Conversation:
    result = Message("tool", (ToolResult(CALL.id, parts, error),))
    return talk(USER, Message("assistant", (CALL,)), result)


def thought(*parts: Part) -> Conversation:
    return talk(USER, Message("assistant", (*parts, Text("y"))), USER)


SIGNED = "rs_1|SIGNED"
FEATURES: dict[str, Request] = {
    "texts": asked(talk(Message("user", (Text("one"), Text("two"))))),
    "pictures": asked(talk(Message("user", (Text("x"), PICTURE)))),
    "addresses": asked(talk(Message("user", (Text("x"), Image(url="https://x.example/a.png"))))),
    "thinking": asked(thought(Reasoning("THOUGHT"))),
    "signed": asked(thought(Reasoning("THOUGHT", SIGNED, origin=MAKER.key))),
    "redacted": asked(thought(Reasoning("", redacted="REDACTED", origin=MAKER.key))),
    "proofs": asked(talk(USER, Message("assistant", (replace(CALL, signature="PROOF", origin=MAKER.key),)))),
    "errors": asked(answered(Text("no such file"), error=True)),
    "shown": asked(answered(Text("see"), PICTURE)),
    "marks": asked(talk(Message("user", (Text("x", {"type": "ephemeral"}),)))),
    "strict": asked(talk(USER, tools=(replace(TOOL, strict=True),))),
    "free": asked(talk(USER, tools=(Tool("patch", "edits", FREE_TEXT, custom={"type": "text"}),))),
    "choice": asked(talk(USER, choice=ToolChoice("named", "f"))),
    "parallel": asked(talk(USER, choice=ToolChoice("auto", parallel=False))),
    "stop": asked(talk(USER), Limits(64, stop=("STOP",))),
    "temperature": asked(talk(USER), Limits(64, temperature=0.5)),
    "top_p": asked(talk(USER), Limits(64, top_p=0.5)),
    "form": asked(talk(USER, tools=()), Limits(64, schema=SHAPE)),
    "effort": asked(talk(USER), Limits(16_000, effort="high")),
}

Check = Callable[[dict[str, Any], tuple[str, ...]], object]


def named(name: str) -> Check:
    """Said in the decision's reasons."""
    return lambda body, dropped: name in dropped


def told(*words: str) -> Check:
    """Said in another way."""
    return lambda body, dropped: all(word.lower() in json.dumps(body).lower() for word in words)


def left(word: str) -> Check:
    """Of no use to this model, and not there: a fact about a cache, or a proof for another's eyes."""
    return lambda body, dropped: word not in json.dumps(body)


FUNCTION = told('"input"', "string")
LOST: dict[tuple[str, str], Check] = {
    ("openai_chat", "signed"): left("SIGNED"),
    ("openai_chat", "redacted"): left("REDACTED"),
    ("openai_chat", "proofs"): left("PROOF"),
    ("openai_chat", "errors"): told("Error: no such file"),
    ("openai_chat", "shown"): lambda body, _: body["messages"][-1]["content"][-1]["type"] == "image_url",
    ("openai_chat", "marks"): left("ephemeral"),
    ("openai_chat", "free"): FUNCTION,
    ("openai_responses", "thinking"): left("THOUGHT"),
    ("openai_responses", "redacted"): left("REDACTED"),
    ("openai_responses", "proofs"): left("PROOF"),
    ("openai_responses", "errors"): told("Error: no such file"),
    ("openai_responses", "marks"): left("ephemeral"),
    ("openai_responses", "stop"): lambda body, dropped: "STOP" not in json.dumps(body) and not dropped,  # Call.stop
    ("anthropic", "thinking"): left("THOUGHT"),
    ("anthropic", "proofs"): left("PROOF"),
    ("anthropic", "free"): FUNCTION,
    ("anthropic", "top_p"): lambda body, _: body["top_p"] == 0.5,  # kept where no temperature is beside it
    ("anthropic", "effort"): lambda body, _: body["thinking"]["budget_tokens"] > 1024,  # as a budget
    ("gemini", "thinking"): left("THOUGHT"),
    ("gemini", "signed"): lambda body, _: body["contents"][1]["parts"] == [{"text": "y", "thoughtSignature": SIGNED}],
    ("gemini", "redacted"): left("REDACTED"),
    ("gemini", "shown"): told("inlineData"),
    ("gemini", "marks"): left("ephemeral"),
    ("gemini", "strict"): left("strict"),
    ("gemini", "free"): FUNCTION,
    ("gemini", "parallel"): named("parallel_tool_calls"),
    ("gemini", "effort"): left("effort"),  # budget or level, as its quirks say
    ("ollama_chat", "texts"): told("one\\ntwo"),
    ("ollama_chat", "addresses"): named("image_url"),
    ("ollama_chat", "signed"): left("SIGNED"),
    ("ollama_chat", "redacted"): left("REDACTED"),
    ("ollama_chat", "proofs"): left("PROOF"),
    ("ollama_chat", "errors"): told("Error: no such file"),
    ("ollama_chat", "shown"): told("images"),
    ("ollama_chat", "marks"): left("ephemeral"),
    ("ollama_chat", "strict"): left("strict"),
    ("ollama_chat", "free"): FUNCTION,
    ("ollama_chat", "choice"): named("tool_choice"),
    ("ollama_chat", "parallel"): named("parallel_tool_calls"),
    ("ollama_chat", "form"): told('"format": {"type": "object"'),
}


def test_each_feature_is_kept_or_its_loss_is_known() -> None:
    pairs = {(wire, feature) for wire in CHATS for feature in FEATURES}
    kept = {(wire, feature) for wire, features in KEPT.items() for feature in features}
    assert kept | set(LOST) == pairs
    assert kept & set(LOST) == set()


@pytest.mark.parametrize(("wire", "feature"), sorted(LOST))
def test_w10_what_a_wire_cannot_say_is_told_otherwise_or_named(wire: str, feature: str) -> None:
    """T9, T16, T30, A6, B10: and nothing that only its maker may see goes to another."""
    call = sent(wire, FEATURES[feature])
    assert LOST[wire, feature](json.loads(call.body), call.dropped)


@pytest.mark.parametrize("wire", CHATS)
def test_w10_no_call_is_wanted_so_none_is_possible(wire: str) -> None:
    """Where a wire has no word for it, the tools stay away."""
    call = sent(wire, asked(talk(USER, choice=ToolChoice("none"))))
    body = json.loads(call.body)
    said = json.dumps(body.get("tool_choice") or body.get("toolConfig") or "")
    assert "none" in said.lower() or not body.get("tools")


# What only the caller's own wire can say: it is named, and makes others ineligible or is left out.

OWN: list[Any] = [
    ("openai_chat", {"n": 3}, "n", True),
    ("openai_chat", {"logprobs": True}, "logprobs", True),
    ("openai_chat", {"seed": 7}, "seed", True),
    ("openai_chat", {"service_tier": "flex"}, "service_tier", True),
    ("openai_chat", {"modalities": ["text", "audio"], "audio": {"voice": "v"}}, "audio", True),
    ("openai_chat", {"logit_bias": {"1": 2}}, "logit_bias", True),
    ("openai_chat", {"presence_penalty": 1}, "presence_penalty", False),
    ("openai_chat", {"a_field_of_tomorrow": 1}, "a_field_of_tomorrow", False),
    ("anthropic", {"mcp_servers": [{"url": "x"}]}, "mcp_servers", True),
    ("anthropic", {"container": "c"}, "container", True),
    ("anthropic", {"tools": [{"type": "computer_20250124", "name": "computer"}]}, "tools[computer_20250124]", True),
    ("anthropic", {"top_k": 5}, "top_k", False),
    ("openai_responses", {"background": True}, "background", True),
    ("openai_responses", {"tools": [{"type": "web_search"}]}, "tools[web_search]", True),
    ("openai_responses", {"top_logprobs": 2}, "top_logprobs", True),
    ("openai_responses", {"truncation": "auto"}, "truncation", False),
    ("gemini", {"generationConfig": {"candidateCount": 2}}, "candidateCount", True),
    ("gemini", {"cachedContent": "cachedContents/1"}, "cachedContent", True),
    ("gemini", {"safetySettings": [{"category": "x"}]}, "safetySettings", False),
    ("ollama_chat", {"logprobs": True}, "logprobs", False),
]
LEAST: dict[str, dict[str, Any]] = {
    "openai_chat": {"model": "auto", "messages": [{"role": "user", "content": "x"}]},
    "anthropic": {"model": "auto", "max_tokens": 9, "messages": [{"role": "user", "content": "x"}]},
    "openai_responses": {"model": "auto", "input": "x"},
    "gemini": {"contents": [{"role": "user", "parts": [{"text": "x"}]}]},
    "ollama_chat": {"model": "auto", "messages": [{"role": "user", "content": "x"}]},
}


@pytest.mark.parametrize(("wire", "more", "name", "binds"), OWN, ids=[f"{row[0]}-{row[2]}" for row in OWN])
def test_w10_what_only_its_own_wire_can_say(wire: str, more: dict[str, Any], name: str, binds: bool) -> None:
    """T15, W36: what changes the meaning keeps a request on its wire, the rest is named to any other."""
    request = codec.find(wire).parse(dump({**LEAST[wire], **more}), HEADERS.get(wire, {}))
    assert (name in request.needs.same_wire) is binds
    for other in CHATS:
        call = codec.find(other).call(request, MAKER, THOUGHTFUL)
        if other == wire:
            assert name not in call.dropped
            assert json.loads(call.body).items() >= more.items()
        elif not binds:
            assert name in call.dropped
