"""What single targets bound or insist on, on both ways to them: the caller's own body, and one built anew."""

from __future__ import annotations

import json
import re
from dataclasses import replace
from typing import Any

import pytest

from codriver.model.provider import Quirks
from codriver.model.request import Conversation, Limits, Message, Request, Text, Tool, ToolCall, ToolResult
from codriver.wire import codec, names
from wire.samples import PLAIN, dump, model

HI = [{"role": "user", "content": "hi"}]
BOUNDS: list[tuple[dict[str, Any], dict[str, Any], dict[str, Any], str]] = [
    ({"temperature_max": 1.0}, {"temperature": 1.7}, {"temperature": 1.0}, "temperature"),
    ({"temperature_max": 1.0}, {"temperature": 0.3}, {"temperature": 0.3}, ""),
    ({"temperature_max": 1.0}, {}, {}, ""),
    ({"stop_max": 1}, {"stop": ["a", "b"]}, {"stop": ["a"]}, ""),  # at "b" the answer is cut here: test_stopping.py
    ({"stop_max": 4}, {"stop": ["a", "b"]}, {"stop": ["a", "b"]}, ""),
    ({"stop_max": 1}, {"stop": "a"}, {"stop": "a"}, ""),
    ({"put": {"reasoning_split": True}}, {}, {"reasoning_split": True}, ""),
    ({"put": {"reasoning_split": True}}, {"reasoning_split": False}, {"reasoning_split": True}, ""),
]  # fmt: skip


def relayed(wire: str, body: dict[str, Any], quirks: Quirks) -> tuple[dict[str, Any], tuple[str, ...]]:
    call = codec.find(wire).call(codec.find(wire).parse(dump(body), {}), model(), quirks)
    return json.loads(call.body), call.dropped


@pytest.mark.parametrize(("quirk", "asked", "sent", "lost"), BOUNDS)
def test_a_callers_own_body(quirk: dict[str, Any], asked: dict[str, Any], sent: dict[str, Any], lost: str) -> None:
    body, dropped = relayed("openai_chat", {"model": "m", "messages": HI, **asked}, replace(PLAIN, **quirk))
    assert {name: body.get(name) for name in {*asked, *sent}} == {name: sent.get(name) for name in {*asked, *sent}}
    assert body["messages"] == HI
    assert (lost in " ".join(dropped)) and bool(dropped) == bool(lost)


@pytest.mark.parametrize(("quirk", "asked", "sent", "lost"), BOUNDS)
def test_a_body_of_ours(quirk: dict[str, Any], asked: dict[str, Any], sent: dict[str, Any], lost: str) -> None:
    stop = asked.get("stop", ())
    limits = Limits(temperature=asked.get("temperature"), stop=(stop,) if isinstance(stop, str) else tuple(stop))
    request = Request("r", "chat", unfold=lambda: Conversation((Message("user", (Text("hi"),)),)), limits=limits)
    call = codec.find("openai_chat").call(request, model(), replace(PLAIN, **quirk))
    body = json.loads(call.body)
    for name, value in sent.items():
        assert body[name] == ([value] if name == "stop" and isinstance(value, str) else value)
    assert lost in " ".join(call.dropped)


def test_without_such_quirks_not_a_byte_differs() -> None:
    body = b'{"model": "m",  "temperature": 1.9, "stop": ["a","b"], "messages": [{"role":"user","content":"hi"}]}'
    chat = codec.find("openai_chat")
    assert not PLAIN.bounded
    sent = chat.call(chat.parse(body, {}), model(), PLAIN).body
    assert sent == body.replace(b'"m"', json.dumps(model().upstream_id).encode())


IDS = ["call_PTLP8xhu3uwZk4l3nlnrrJha", "toolu_01", "D681PevKs", "a", "ü" * 9, "functions.read:0"]
TALK = [
    {"role": "user", "content": "read both"},
    {"role": "assistant", "content": None, "tool_calls": [
        {"id": ident, "type": "function", "function": {"name": "f", "arguments": "{}"}} for ident in IDS
    ]},
    *({"role": "tool", "tool_call_id": ident, "content": ident} for ident in IDS),
]  # fmt: skip


def test_tool_call_ids_of_a_fixed_form() -> None:
    """W8: Mistral refuses ids that are not nine letters and digits; results still answer their calls."""
    mistral = replace(PLAIN, tool_id_length=9)
    body, _ = relayed("openai_chat", {"model": "m", "messages": TALK}, mistral)
    calls = [call["id"] for call in body["messages"][1]["tool_calls"]]
    assert all(re.fullmatch("[A-Za-z0-9]{9}", ident) for ident in calls)
    assert len(set(calls)) == len(IDS) and "D681PevKs" in calls
    assert [message["tool_call_id"] for message in body["messages"][2:]] == calls
    assert [message["content"] for message in body["messages"][2:]] == IDS
    built = codec.find("openai_chat").call(neutral(), model(), mistral)
    messages = json.loads(built.body)["messages"]
    assert [call["id"] for call in messages[1]["tool_calls"]] == calls
    assert [message["tool_call_id"] for message in messages[2:]] == calls


def neutral() -> Request:
    talk = (
        Message("user", (Text("read both"),)),
        Message("assistant", tuple(ToolCall(ident, "f", "{}") for ident in IDS)),
        Message("tool", tuple(ToolResult(ident, (Text(ident),)) for ident in IDS)),
    )
    return Request("r", "chat", unfold=lambda: Conversation(talk, (Tool("f", "", {}),)))


@pytest.mark.parametrize("ident", IDS)
def test_a_renamed_id_is_always_the_same(ident: str) -> None:
    """A prompt cache lives on equal bytes."""
    assert names.sized_id(ident, 9) == names.sized_id(ident, 9)
    assert names.sized_id(names.sized_id(ident, 9), 9) == names.sized_id(ident, 9)


@pytest.mark.parametrize("own", [True, False], ids=["relayed", "built"])
def test_claude_on_vertex_has_a_version_and_no_model(own: bool) -> None:
    vertex = replace(PLAIN, put={"anthropic_version": "vertex-2023-10-16"}, drop=("model",))
    if own:
        body, dropped = relayed("anthropic", {"model": "m", "max_tokens": 9, "messages": HI}, vertex)
    else:
        request = Request("r", "chat", unfold=lambda: Conversation((Message("user", (Text("hi"),)),)))
        call = codec.find("anthropic").call(request, model(), vertex)
        body, dropped = json.loads(call.body), call.dropped
    assert "model" not in body and body["anthropic_version"] == "vertex-2023-10-16"
    assert body["messages"] and body["max_tokens"]
    assert "model" not in dropped
