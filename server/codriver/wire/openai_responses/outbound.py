"""What goes to a provider that speaks responses: the caller's own bytes, or a body built anew.

Nothing is ever kept at the provider for us (store false): what must come back comes back in the body.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import partial
from typing import Any

import msgspec

from codriver.model.provider import Model, Quirks
from codriver.model.request import (
    Conversation,
    Image,
    Limits,
    Part,
    Reasoning,
    Request,
    Text,
    Tool,
    ToolCall,
    ToolChoice,
    ToolResult,
)
from codriver.wire import carried, effort, envelope, fim, history, jsontext, names, relay
from codriver.wire.codec import Call
from codriver.wire.openai_responses.inbound import ENCRYPTED, Body
from codriver.wire.openai_responses.items import Item, bound
from codriver.wire.openai_responses.tools import unwrapped

LEAST_OUTPUT = 16
"""The API refuses a smaller max_output_tokens."""
_ITEMS = msgspec.json.Decoder(list[dict[str, msgspec.Raw]] | str)
_WORDS = msgspec.json.Decoder(list[str])
_TYPE = msgspec.json.Decoder(Item)
# The provider looks for the reasoning it paired with these ids; without the one the other must go.
_PAIRED = frozenset({"function_call", "custom_tool_call", "message", None})


def call(request: Request, model: Model, quirks: Quirks) -> Call:
    """The body for this model. A hole to fill becomes a chat prompt when there is no conversation."""
    if request.wire == "openai_responses" and request.body is not None and isinstance(request.unfold, Body):
        return Call(_relayed(request, request.body, request.unfold, model, quirks))
    return _built(request, model, quirks)


def _relayed(request: Request, body: bytes, asked: Body, model: Model, quirks: Quirks) -> bytes:
    put: dict[str, object] = {}
    change: dict[str, Any] = {}
    drop = list(quirks.drop)
    if (length := asked.max_output_tokens) is not None and length != _length(length, model):
        put["max_output_tokens"] = _length(length, model)
    if not model.reasoning:
        drop.append("reasoning")
        if ENCRYPTED in (asked.include or ()):
            change["include"] = _without_encrypted
    elif asked.reasoning is not None and asked.reasoning.effort and quirks.efforts:
        change["reasoning"] = partial(_clamped, known=quirks.efforts)
    if _unreadable(request, asked, model):
        own = request.own if model.reasoning else frozenset()
        change["input"] = partial(_forgotten, every=request.forget or not model.reasoning, own=own)
    if any(key.startswith("codriver_") for key in asked.metadata or ()):
        change["metadata"] = relay.without_own_keys
    if quirks.cache_key and request.session and not asked.prompt_cache_key:
        put["prompt_cache_key"] = names.cache_key(request.session)
    put = {name: value for name, value in put.items() if name not in quirks.drop}
    drop = [name for name in drop if getattr(asked, name, name) is not None]
    if not (drop or change) and all(getattr(asked, name, name) is None for name in put):
        return relay.extended(body, (asked.model, model.upstream_id), put)
    return relay.edited(body, {"model": model.upstream_id, **put}, drop=drop, change=change)


def _length(asked: int, model: Model) -> int:
    return max(LEAST_OUTPUT, min(asked, model.max_output or asked))


def _unreadable(request: Request, asked: Body, model: Model) -> bool:
    """Whether there is thinking in the history that this model cannot take back."""
    if isinstance(asked.input, str) or asked.input is None:
        return False
    every = request.forget or not model.reasoning
    return any(item.type == "reasoning" and (every or _ours(item)) for item in asked.input)


def _ours(item: Item) -> bool:
    return isinstance(item.encrypted_content, str) and envelope.sealed(item.encrypted_content)


def _forgotten(raw: bytes, every: bool, own: frozenset[str]) -> object:
    """The items without unreadable reasoning, and without the ids that would tie others to it. All else byte-equal."""
    items = _ITEMS.decode(raw)
    if isinstance(items, str):
        return items
    kept: list[dict[str, msgspec.Raw]] = []
    for source in items:
        item = _TYPE.decode(msgspec.json.encode(source))
        if item.type == "reasoning":
            if _ours(item) or (every and bound(item) not in own):
                continue
        elif every and item.type in _PAIRED:
            source = {key: value for key, value in source.items() if key != "id"}
        kept.append(source)
    return kept


def _without_encrypted(raw: bytes) -> object:
    return [word for word in _WORDS.decode(raw) if word != ENCRYPTED] or None


def _clamped(raw: bytes, known: Sequence[str]) -> object:
    """The reasoning wish with an effort the model knows."""
    fields: dict[str, Any] = dict(relay.fields(raw))
    said = msgspec.json.decode(bytes(fields["effort"]))
    if said not in known and (word := effort.word(said)) is not None:
        fields["effort"] = effort.nearest(word, known)
    return fields


def _built(request: Request, model: Model, quirks: Quirks) -> Call:
    talk = request.conversation
    if request.fim is not None and not talk.messages:
        talk = fim.chat_prompt(request.fim)
    dropped = carried.lost(request)
    told = "\n\n".join(part.text for part in history.system(talk.messages))
    body: dict[str, Any] = {"model": model.upstream_id}
    items = _items(talk, model, forget=request.forget)
    if items and told:
        body["instructions"] = told
    body["input"] = items or [_message("developer", [Text(told)])]
    if talk.tools:
        body["tools"] = [_tool(tool) for tool in talk.tools]
        body |= _choice(talk)
    body |= _limits(request.limits, model, quirks)
    body["store"] = False
    if quirks.cache_key and request.session:
        body["prompt_cache_key"] = names.cache_key(request.session)
    if request.stream:
        body["stream"] = True
    dropped += [name for name in quirks.drop if body.pop(name, None) is not None]
    # The wire has no word for stop sequences.
    return Call(jsontext.encode(body), dropped=tuple(dropped), stop=request.limits.stop)


def _limits(limits: Limits, model: Model, quirks: Quirks) -> dict[str, Any]:
    body: dict[str, Any] = {}
    length = limits.max_tokens or (model.max_output if quirks.requires_max_tokens else None)
    if length:
        body["max_output_tokens"] = _length(length, model)
    if limits.temperature is not None:
        body["temperature"] = limits.temperature
    if limits.top_p is not None:
        body["top_p"] = limits.top_p
    if limits.schema is not None:
        body["text"] = {"format": {key: value for key, value in limits.schema.items() if value is not None}}
    if model.reasoning:
        body["include"] = [ENCRYPTED]
        if limits.effort:
            body["reasoning"] = {"effort": effort.nearest(limits.effort, quirks.efforts)}
    return body


def _items(talk: Conversation, model: Model, *, forget: bool) -> list[dict[str, Any]]:
    free = {tool.name for tool in talk.tools if tool.custom is not None}
    calls: dict[str, str] = {}
    items: list[dict[str, Any]] = []
    for turn in history.turns(talk.messages, tools=bool(talk.tools)):
        if turn.role == "user":
            items += [_result(result, calls.get(result.call_id, "")) for result in turn.results]
            if turn.parts:
                items.append(_message("user", turn.parts))
            continue
        for part in turn.parts:
            if isinstance(part, ToolCall):
                item = _called(part, free)
                calls[part.id] = item["type"]
                items.append(item)
            elif isinstance(part, Text):
                items.append(_message("assistant", [part]))
            elif isinstance(part, Reasoning) and not forget and part.origin == model.key and model.reasoning:
                items += _thought(part)
    return items


def _message(role: str, parts: Sequence[Part]) -> dict[str, Any]:
    if role == "assistant":
        texts = [{"type": "output_text", "text": p.text, "annotations": []} for p in parts if isinstance(p, Text)]
        return {"type": "message", "role": role, "content": texts}
    return {"type": "message", "role": role, "content": [_content(part) for part in parts]}


def _content(part: Part) -> dict[str, Any]:
    if isinstance(part, Image):
        url = part.url or f"data:{part.media_type};base64,{part.data}"
        return {"type": "input_image", "image_url": url, "detail": "auto"}
    assert isinstance(part, Text)
    return {"type": "input_text", "text": part.text}


def _called(part: ToolCall, free: set[str]) -> dict[str, Any]:
    item = {"call_id": part.id, "name": names.legal_name(part.name)}
    if part.name in free:
        return {"type": "custom_tool_call", **item, "input": unwrapped(part.arguments)}
    arguments = part.arguments
    if not jsontext.complete(arguments):
        arguments = jsontext.encode(jsontext.arguments(arguments)).decode()
    return {"type": "function_call", **item, "arguments": arguments}


def _result(result: ToolResult, kind: str) -> dict[str, Any]:
    """A result behind its call; images stay in it, which this wire allows."""
    output: object = history.plain(result)
    if result.is_error and "error" not in str(output).lower():
        output = f"Error: {output}"
    if images := history.images(result):
        texts: list[Part] = [Text(str(output))] if output else []
        output = [_content(part) for part in (*texts, *images)]
    return {"type": f"{kind or 'function_call'}_output", "call_id": result.call_id, "output": output}


def _thought(part: Reasoning) -> list[dict[str, Any]]:
    """The model's own encrypted item. Thinking without one is of no use to it."""
    ident, bar, encrypted = part.signature.partition("|")
    if not bar or not encrypted:
        return []
    summary = [{"type": "summary_text", "text": part.text}] if part.text else []
    item: dict[str, Any] = {"type": "reasoning", "summary": summary, "encrypted_content": encrypted}
    return [{"id": ident, **item} if ident else item]


def _tool(tool: Tool) -> dict[str, Any]:
    """strict is always said: left out, the API would make it so wherever it can."""
    item: dict[str, Any] = {"name": names.legal_name(tool.name)}
    if tool.description:
        item["description"] = tool.description
    if tool.custom is not None:
        return {"type": "custom", **item} | ({"format": dict(tool.custom)} if tool.custom else {})
    schema: Mapping[str, Any] = dict(tool.schema) or {"type": "object", "properties": {}}
    return {"type": "function", **item, "parameters": schema, "strict": bool(tool.strict)}


def _choice(talk: Conversation) -> dict[str, Any]:
    choice: ToolChoice | None = talk.tool_choice
    if choice is None:
        return {}
    body: dict[str, Any] = {"tool_choice": choice.mode}
    if choice.mode == "named":
        free = any(tool.name == choice.name and tool.custom is not None for tool in talk.tools)
        body["tool_choice"] = {"type": "custom" if free else "function", "name": names.legal_name(choice.name)}
    if choice.parallel is not None:
        body["parallel_tool_calls"] = choice.parallel
    return body
