"""What callers say in each of their wire's ways, and how it arrives on every other: system words, images, counts."""

from __future__ import annotations

import json
from typing import Any

import pytest

from codriver.model.events import Finish, Finished, Started, TextDelta, Usage, UsageSeen
from codriver.model.provider import Quirks
from codriver.model.request import Fim, Image, Message, Request, Text
from codriver.wire import codec
from wire.samples import PLAIN, asked, dump, frames, model

CHATS = ("openai_chat", "openai_responses", "anthropic", "gemini", "ollama_chat")
HEADERS = {"gemini": {":path": "/v1beta/models/auto:generateContent"}}
PNG = "iVBORw0KGgo="
WEB = "https://x.example/a.png"


def parsed(wire: str, body: dict[str, Any]) -> Request:
    return codec.find(wire).parse(dump(body), HEADERS.get(wire, {}))


def chat(*messages: dict[str, Any]) -> dict[str, Any]:
    return {"model": "auto", "messages": list(messages)}


def user(content: Any) -> dict[str, Any]:
    return {"role": "user", "content": content}


def claude(*content: Any, **more: Any) -> dict[str, Any]:
    return {"model": "auto", "max_tokens": 9, "messages": [user(list(content) or "hi")], **more}


def google(*parts: Any, **more: Any) -> dict[str, Any]:
    return {"contents": [{"role": "user", "parts": list(parts) or [{"text": "hi"}]}], **more}


def items(*content: Any, **more: Any) -> dict[str, Any]:
    return {"model": "auto", "input": [{"role": "user", "content": list(content)}] if content else "hi", **more}


# System words.

SAID: list[Any] = [
    pytest.param("openai_chat", chat({"role": "system", "content": "S"}, user("hi")), id="chat-text"),
    pytest.param("openai_chat", chat({"role": "developer", "content": "S"}, user("hi")), id="chat-developer"),
    pytest.param(
        "openai_chat",
        chat({"role": "system", "content": [{"type": "text", "text": "S"}]}, user("hi")),
        id="chat-parts",
    ),
    pytest.param("openai_chat", chat(user("hi"), {"role": "system", "content": "S"}), id="chat-late"),
    pytest.param("anthropic", claude(system="S"), id="anthropic-text"),
    pytest.param("anthropic", claude(system=[{"type": "text", "text": "S"}]), id="anthropic-blocks"),
    pytest.param("openai_responses", items(instructions="S"), id="responses-instructions"),
    pytest.param(
        "openai_responses",
        {"model": "auto", "input": [{"role": "developer", "content": "S"}, {"role": "user", "content": "hi"}]},
        id="responses-developer",
    ),
    pytest.param("gemini", google(systemInstruction={"parts": [{"text": "S"}]}), id="gemini"),
    pytest.param("gemini", google(system_instruction="S"), id="gemini-text"),
    pytest.param("ollama_chat", chat({"role": "system", "content": "S"}, user("hi")), id="ollama"),
]
WAYS: dict[str, Any] = {
    "openai_chat": lambda body: body["messages"][0] == {"role": "developer", "content": "S"},
    "anthropic": lambda body: body["system"] == [{"type": "text", "text": "S"}],
    "openai_responses": lambda body: body["instructions"] == "S",
    "gemini": lambda body: body["systemInstruction"] == {"parts": [{"text": "S"}]},
    "ollama_chat": lambda body: body["messages"][0] == {"role": "system", "content": "S"},
}


@pytest.mark.parametrize("target", CHATS)
@pytest.mark.parametrize(("source", "body"), SAID)
def test_t38_system_words_arrive_in_each_targets_way(source: str, body: dict[str, Any], target: str) -> None:
    """W12, W21."""
    request = parsed(source, body)
    assert [m for m in request.conversation.messages if m.role == "system"] == [Message("system", (Text("S"),))]
    if source != target:
        call = codec.find(target).call(request, model(), Quirks(system_role="developer"))
        assert WAYS[target](json.loads(call.body))
        assert call.body.count(b'"S"') == 1


# Images.

DATA, FAR = Image("image/png", PNG), Image(url=WEB)
SHOWN: list[Any] = [
    pytest.param("openai_chat", chat(user([{"type": "image_url", "image_url": {"url": WEB}}])), FAR, id="chat-url"),
    pytest.param(
        "openai_chat",
        chat(user([{"type": "image_url", "image_url": {"url": f"data:image/png;base64,{PNG}"}}])),
        DATA,
        id="chat-data",
    ),
    pytest.param(
        "anthropic",
        claude({"type": "image", "source": {"type": "base64", "media_type": "image/png", "data": PNG}}),
        DATA,
        id="anthropic-base64",
    ),
    pytest.param(
        "anthropic", claude({"type": "image", "source": {"type": "url", "url": WEB}}), FAR, id="anthropic-url"
    ),
    pytest.param("openai_responses", items({"type": "input_image", "image_url": WEB}), FAR, id="responses-url"),
    pytest.param(
        "openai_responses",
        items({"type": "input_image", "image_url": f"data:image/png;base64,{PNG}"}),
        DATA,
        id="responses-data",
    ),
    pytest.param("gemini", google({"inlineData": {"mimeType": "image/png", "data": PNG}}), DATA, id="gemini-inline"),
    pytest.param("gemini", google({"inline_data": {"mime_type": "image/png", "data": PNG}}), DATA, id="gemini-snake"),
    pytest.param(
        "gemini",
        google({"fileData": {"mimeType": "image/png", "fileUri": WEB}}),
        Image("image/png", url=WEB),
        id="gemini-url",
    ),
    pytest.param("ollama_chat", chat({**user("see"), "images": [PNG]}), DATA, id="ollama"),
]


@pytest.mark.parametrize("target", CHATS)
@pytest.mark.parametrize(("source", "body", "image"), SHOWN)
def test_t29_images_in_every_form_reach_every_wire(source: str, body: Any, image: Image, target: str) -> None:
    """B10: what a model cannot be shown by address is named; a model without eyes is not asked at all."""
    request = parsed(source, body)
    assert request.needs.images
    assert image in request.conversation.messages[-1].parts
    call = codec.find(target).call(request, model(), PLAIN)
    if target == "ollama_chat" and image.url and source != target:
        assert "image_url" in call.dropped
    else:
        assert (image.data or image.url).encode() in call.body
        assert call.dropped == ()


@pytest.mark.parametrize(
    ("wire", "body", "what"),
    [
        ("openai_chat", chat(user([{"type": "file", "file": {"file_id": "file-1"}}])), "content[file]"),
        ("anthropic", claude({"type": "document", "source": {"type": "file", "file_id": "f"}}), "content[document]"),
        ("openai_responses", items({"type": "input_image", "file_id": "file-1"}), "content[input_image]"),
    ],
)
def test_t29_a_file_that_lies_at_its_provider_binds_to_its_wire(wire: str, body: dict[str, Any], what: str) -> None:
    assert what in parsed(wire, body).needs.same_wire


# Counts.


@pytest.mark.parametrize(
    ("source", "target"), [*((source, "openai_chat") for source in CHATS), ("mistral_fim", "openai_completions")]
)
@pytest.mark.parametrize(("stream", "knows"), [(True, True), (False, True), (True, False)])
def test_t22_counts_are_asked_for_whoever_asks(source: str, target: str, stream: bool, knows: bool) -> None:
    """W7: of streams only, and only where it is understood."""
    hole = Fim("x", "y") if source == "mistral_fim" else None
    request = asked(source, body=None, fim=hole, wants_usage=False, stream=stream)
    body = json.loads(codec.find(target).call(request, model(fim="suffix"), Quirks(stream_usage=knows)).body)
    assert body.get("stream_options") == ({"include_usage": True} if stream and knows else None)


@pytest.mark.parametrize("wants", [True, False])
@pytest.mark.parametrize("wire", ["openai_chat", "openai_completions"])
def test_t22_counts_are_shown_to_who_asked(wire: str, wants: bool) -> None:
    """W17: in a last chunk without choices, before [DONE]."""
    told = [Started("i", "m"), TextDelta("x"), UsageSeen(Usage(3, output=2)), Finished(Finish.STOP)]
    body = dump({"model": "a", "prompt": "x"}) if wire == "openai_completions" else b"{}"
    pages = frames(codec.find(wire).encoder(asked(wire, wants_usage=wants, body=body), "m", 1).feed(told))
    assert pages[-1] == {"done": True}
    empty = [number for number, page in enumerate(pages) if page.get("choices") == []]
    assert empty == ([len(pages) - 2] if wants else [])
