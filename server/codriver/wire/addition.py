"""Words of ours in a conversation that somebody else wrote: behind its system prompt, or in place of it.

A caller's body that may go on as it is gets them where its wire has the system prompt; all other fields of it stay
byte-equal, and it is read again.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace
from types import MappingProxyType
from typing import Any

import msgspec

from codriver.errors import RequestRejected
from codriver.model.request import Conversation, Message, Request, Text
from codriver.wire import codec, relay

_LIST = msgspec.json.Decoder(list[msgspec.Raw])
_SYSTEM = frozenset({"system", "developer"})

Put = Callable[[relay.Fields, str], tuple[str, object]]
"""From a body's fields and the words: the field that changes and what it becomes. Raises ValueError for odd ones."""


def carries(request: Request) -> bool:
    """Whether words can be added to a request of this kind: a conversation on a wire that has a place for them."""
    if request.fim is not None or request.needs.embed:
        return False
    return not request.wire or request.wire in _PLACES


def ours(request: Request) -> bool:
    """Whether one of our own tasks wrote the prompt."""
    return not request.wire and request.fim is None and not request.needs.embed


def added(request: Request, words: str) -> Request | None:
    """The request with these words behind its system prompt; None where its body is odd there."""
    if not request.wire or request.body is None:
        tokens = request.input_tokens + len(words.encode()) // 4 + 1
        return replace(request, unfold=lambda: _behind(request.conversation, words), input_tokens=tokens)
    try:
        field, value = _PLACES[request.wire](relay.fields(request.body), words)
        body = relay.edited(request.body, {field: value})
        read = codec.find(request.wire).parse(body, {**request.headers, ":path": _path(request)})
    except (msgspec.DecodeError, ValueError, KeyError, RequestRejected):
        return None
    # What is known of the request besides its body stays: its session began before these words.
    return replace(request, body=read.body, unfold=read.unfold, input_tokens=read.input_tokens)


def _path(request: Request) -> str:
    """Where Gemini's wire names the model and the action (`wire/gemini`); the other wires do not look there."""
    return f"/v1beta/models/{request.model}:{'streamGenerateContent' if request.stream else 'generateContent'}"


def instead(request: Request, words: str) -> Request | None:
    """The request with these words in place of its system prompt; None where somebody else wrote that."""
    if not ours(request):
        return None
    return replace(request, unfold=lambda: _instead(request.conversation, words))


def _behind(conversation: Conversation, words: str) -> Conversation:
    messages = list(conversation.messages)
    leading = next((at for at, message in enumerate(messages) if message.role != "system"), len(messages))
    if not leading:
        messages.insert(0, Message("system", (Text(words),)))
    else:
        last = messages[leading - 1]
        messages[leading - 1] = replace(last, parts=(*last.parts, Text(words)))
    return replace(conversation, messages=tuple(messages))


def _instead(conversation: Conversation, words: str) -> Conversation:
    others = (message for message in conversation.messages if message.role != "system")
    return replace(conversation, messages=(Message("system", (Text(words),)), *others))


# Where each wire has its system prompt. What stands there stays as it is, before ours.


def _messages(fields: relay.Fields, words: str) -> tuple[str, object]:
    """OpenAI chat and Ollama: messages of the role, a string or blocks."""
    messages: list[object] = list(_LIST.decode(bytes(fields["messages"])))
    heads: list[dict[str, Any]] = []
    for raw in _LIST.decode(bytes(fields["messages"])):
        head = msgspec.json.decode(raw)
        if not isinstance(head, dict) or head.get("role") not in _SYSTEM:
            break
        heads.append(head)
    if not heads:
        return "messages", [{"role": "system", "content": words}, *messages]
    messages[len(heads) - 1] = {**heads[-1], "content": _text(heads[-1].get("content"), words)}
    return "messages", messages


def _system(fields: relay.Fields, words: str) -> tuple[str, object]:
    """Anthropic: a string or blocks."""
    held = msgspec.json.decode(bytes(fields["system"])) if "system" in fields else None
    return "system", _text(held, words)


def _instructions(fields: relay.Fields, words: str) -> tuple[str, object]:
    """OpenAI responses: a string."""
    held = msgspec.json.decode(bytes(fields["instructions"])) if "instructions" in fields else None
    if held is not None and not isinstance(held, str):
        raise ValueError("instructions are no text")
    return "instructions", _text(held, words)


def _content(fields: relay.Fields, words: str) -> tuple[str, object]:
    """Gemini: a content with parts, under either of two names."""
    name = "system_instruction" if "system_instruction" in fields else "systemInstruction"
    held = msgspec.json.decode(bytes(fields[name])) if name in fields else None
    if isinstance(held, str):
        held = {"parts": [{"text": held}]}
    held = held or {"parts": []}
    if not isinstance(held, dict) or not isinstance(held.get("parts"), list):
        raise ValueError("the system instruction has no parts")
    return name, {**held, "parts": [*held["parts"], {"text": words}]}


def _text(held: object, words: str) -> object:
    """A text or a list of text blocks, with these words behind."""
    if held is None or held in ("", []):
        return words
    if isinstance(held, str):
        return f"{held}\n\n{words}"
    if isinstance(held, list):
        return [*held, {"type": "text", "text": words}]
    raise ValueError("the system prompt is neither text nor blocks")


_PLACES: Mapping[str, Put] = MappingProxyType(
    {
        "openai_chat": _messages,
        "ollama_chat": _messages,
        "anthropic": _system,
        "openai_responses": _instructions,
        "gemini": _content,
    }
)
