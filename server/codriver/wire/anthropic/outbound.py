"""What goes to a provider that speaks Anthropic messages: the caller's own bytes, or a body built anew."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial
from typing import Any

import msgspec

from codriver.model.provider import Model, Quirks
from codriver.model.request import Conversation, Image, Limits, Part, Request, Text, Tool, ToolChoice, ToolResult
from codriver.wire import carried, fim, history, jsontext, names, relay
from codriver.wire.anthropic.inbound import Block, Body, Message
from codriver.wire.codec import Call

_MESSAGES = msgspec.json.Decoder(list[dict[str, msgspec.Raw]])
_CONTENT = msgspec.json.Decoder(list[msgspec.Raw] | str)
_BLOCK = msgspec.json.Decoder(Block)
_BUDGET = {"minimal": 1024, "low": 2048, "medium": 8192, "high": 16384, "max": 31999}
_LEAST_BUDGET = 1024
_HOLE_LENGTH = 1024
_JSON_ONLY = "Answer with one JSON object and nothing else."
# Anthropic caches from 1,024 tokens on (more on small models) and takes four marks.
_CACHED_FROM, _MARKS = 2048, 4
_MARK = {"type": "ephemeral"}


def call(request: Request, model: Model, quirks: Quirks) -> Call:
    """The body for this model. A hole to fill becomes a chat prompt when there is no conversation."""
    if request.wire == "anthropic" and request.body is not None and isinstance(request.unfold, Body):
        return Call(_relayed(request.body, request.unfold, model, quirks))
    return _built(request, model, quirks)


def without_thinking(body: bytes) -> bytes:
    """A caller's body without any thinking in its history: for when another model than before answers."""
    return relay.edited(body, {}, change={"messages": partial(_stripped, every=True)})


def _relayed(body: bytes, asked: Body, model: Model, quirks: Quirks) -> bytes:
    put: dict[str, object] = {}
    drop = list(quirks.drop)
    change: dict[str, Any] = {}
    mute = not model.reasoning or "thinking" in quirks.drop
    if asked.max_tokens > model.max_output > 0:
        put["max_tokens"] = model.max_output
        budget = asked.thinking.budget_tokens if asked.thinking else None
        if budget is not None and budget >= model.max_output and not mute:
            put["thinking"] = {"type": "enabled", "budget_tokens": max(_LEAST_BUDGET, model.max_output // 2)}
    if mute and asked.thinking is not None:
        drop += ["thinking", "context_management"]
    if mute and asked.output_config is not None and asked.output_config.effort:
        change["output_config"] = _without_effort
    thoughts = [block for message in asked.messages for block in _thoughts(message)]
    if thoughts and (mute or any(_unsigned(block) for block in thoughts)):
        change["messages"] = partial(_stripped, every=mute)
    if any(key.startswith("codriver_") for key in asked.metadata or ()):
        change["metadata"] = relay.without_own_keys
    if not (put or drop or change):
        return relay.named(body, asked.model, model.upstream_id)
    return relay.edited(body, {"model": model.upstream_id, **put}, drop=drop, change=change)


def _thoughts(message: Message) -> list[Block]:
    if message.role != "assistant" or isinstance(message.content, str):
        return []
    return [block for block in message.content if block.type in ("thinking", "redacted_thinking")]


def _unsigned(block: Block) -> bool:
    return block.type == "thinking" and not block.signature


def _without_effort(raw: bytes) -> object:
    kept = {key: value for key, value in relay.fields(raw).items() if key != "effort"}
    return kept or None


def _stripped(raw: bytes, every: bool) -> object:
    """The messages without unsigned thinking, or without any; all else byte-equal. Empty turns go."""
    kept: list[object] = []
    for message in _MESSAGES.decode(raw):
        content = _CONTENT.decode(bytes(message["content"]))
        if isinstance(content, str) or b'"assistant"' not in bytes(message["role"]):
            kept.append(message)
            continue
        blocks = [block for block in content if not _thought(block, every)]
        if len(blocks) == len(content):
            kept.append(message)
        elif blocks:
            kept.append({**message, "content": blocks})
    return kept


def _thought(raw: msgspec.Raw, every: bool) -> bool:
    block = _BLOCK.decode(raw)
    return block.type in ("thinking", "redacted_thinking") if every else _unsigned(block)


def _built(request: Request, model: Model, quirks: Quirks) -> Call:
    talk = request.conversation
    length = request.limits.max_tokens or model.max_output or 4096
    if request.fim is not None and not talk.messages:
        talk = fim.chat_prompt(request.fim)
        length = request.limits.max_tokens or min(length, _HOLE_LENGTH)
    dropped = carried.lost(request)
    body: dict[str, Any] = {"model": model.upstream_id, "max_tokens": min(length, model.max_output or length)}
    if texts := _system(talk, request.limits):
        body["system"] = texts
    body["messages"] = _messages(talk)
    if talk.tools:
        body["tools"] = [_tool(tool, dropped) for tool in talk.tools]
        if choice := _choice(talk.tool_choice):
            body["tool_choice"] = choice
    _limits(body, request.limits, model, dropped)
    if request.stream:
        body["stream"] = True
    if not _marked(body) and request.input_tokens >= _CACHED_FROM and (talk.tools or len(body["messages"]) > 1):
        _mark(body)
    dropped += [name for name in quirks.drop if body.pop(name, None) is not None]
    return Call(jsontext.encode(body), dropped=tuple(dropped))


def _system(talk: Conversation, limits: Limits) -> list[dict[str, Any]]:
    texts = [_text(part) for part in history.system(talk.messages)]
    if limits.schema is not None and limits.schema.get("type") == "json_object":
        texts.append({"type": "text", "text": _JSON_ONLY})
    return texts


def _messages(talk: Conversation) -> list[dict[str, Any]]:
    """Alternating, the user first and last: an answer is never begun for the model (prefill).

    Thinking is left out: without a signature of this very model it would be refused.
    """
    turns = history.turns(talk.messages, tools=bool(talk.tools), thinking=False)
    if not turns or turns[0].role == "assistant":
        turns.insert(0, history.Turn("user", [Text("(The conversation goes on.)")]))
    if turns[-1].role == "assistant":
        turns.append(history.Turn("user", [Text("Go on.")]))
    return [{"role": turn.role, "content": _content(turn)} for turn in turns]


def _content(turn: history.Turn) -> list[dict[str, Any]]:
    """Results first in a user's turn, calls last in an assistant's."""
    blocks = [_result(result) for result in turn.results]
    blocks += [_block(part) for part in turn.parts if isinstance(part, Text | Image)]
    for part in turn.calls:
        arguments = jsontext.arguments(part.arguments) or {}
        blocks.append({"type": "tool_use", "id": part.id, "name": names.legal_name(part.name), "input": arguments})
    return blocks


def _block(part: Part) -> dict[str, Any]:
    if isinstance(part, Image):
        if part.url:
            return {"type": "image", "source": {"type": "url", "url": part.url}}
        kind = "image/jpeg" if part.media_type == "image/jpg" else part.media_type
        return {"type": "image", "source": {"type": "base64", "media_type": kind, "data": part.data}}
    assert isinstance(part, Text)
    return _text(part)


def _text(part: Text) -> dict[str, Any]:
    block: dict[str, Any] = {"type": "text", "text": part.text}
    if part.cache:
        block["cache_control"] = dict(part.cache)
    return block


def _result(result: ToolResult) -> dict[str, Any]:
    block: dict[str, Any] = {"type": "tool_result", "tool_use_id": result.call_id}
    parts = [part for part in result.parts if isinstance(part, Image) or part.text.strip()]
    if len(parts) == 1 and isinstance(parts[0], Text):
        block["content"] = parts[0].text
    elif parts:
        block["content"] = [_block(part) for part in parts]
    if result.is_error:
        block["is_error"] = True
    return block


def _tool(tool: Tool, dropped: list[str]) -> dict[str, Any]:
    """A schema is an object at its top; a choice of several there is refused and left out by name."""
    schema = {"type": "object", "properties": {}, **tool.schema}
    for word in ("anyOf", "oneOf", "allOf"):
        if schema.pop(word, None) is not None:
            dropped.append(f"tools[{tool.name}].{word}")
    block: dict[str, Any] = {"name": names.legal_name(tool.name), "input_schema": schema}
    if tool.description:
        block["description"] = tool.description
    if tool.strict:
        block["strict"] = True
    return block


def _choice(choice: ToolChoice | None) -> dict[str, Any] | None:
    if choice is None:
        return None
    kind = {"required": "any", "named": "tool"}.get(choice.mode, choice.mode)
    body: dict[str, Any] = {"type": kind}
    if kind == "tool":
        body["name"] = names.legal_name(choice.name)
    if choice.parallel is False and kind != "none":
        body["disable_parallel_tool_use"] = True
    return body


def _limits(body: dict[str, Any], limits: Limits, model: Model, dropped: list[str]) -> None:
    if limits.stop:
        body["stop_sequences"] = [stop for stop in limits.stop if stop.strip()]
    if limits.schema is not None and limits.schema.get("type") == "json_schema":
        if model.schema:
            body["output_config"] = {"format": {"type": "json_schema", "schema": _closed(limits.schema["schema"])}}
        else:
            dropped.append("response_format")
    budget = _BUDGET.get(limits.effort or "", 0) if model.reasoning else 0
    if budget and _may_think(body):
        room = min(model.max_output or body["max_tokens"], body["max_tokens"] + budget)
        if room > _LEAST_BUDGET:
            body["max_tokens"] = room
            body["thinking"] = {"type": "enabled", "budget_tokens": min(budget, max(_LEAST_BUDGET, room // 2))}
            dropped += [name for name in ("temperature", "top_p") if getattr(limits, name) is not None]
            return
    if limits.temperature is not None:
        body["temperature"] = min(max(limits.temperature, 0.0), 1.0)
        if limits.top_p is not None:
            dropped.append("top_p")  # newer models refuse both together
    elif limits.top_p is not None:
        body["top_p"] = limits.top_p


def _may_think(body: dict[str, Any]) -> bool:
    """Not inside a tool loop, whose thinking we do not have with its signature; not with a forced tool."""
    if body.get("tool_choice", {}).get("type") in ("any", "tool"):
        return False
    return all(block["type"] != "tool_result" for block in body["messages"][-1]["content"])


def _closed(schema: Any) -> Any:
    """The schema with its objects closed, without which Anthropic refuses an output format."""
    if isinstance(schema, list):
        return [_closed(part) for part in schema]
    if not isinstance(schema, dict):
        return schema
    closed: dict[str, Any] = {}
    for key, value in schema.items():
        if key in ("properties", "$defs", "definitions") and isinstance(value, dict):
            closed[key] = {name: _closed(part) for name, part in value.items()}
        elif key in ("items", "anyOf", "allOf", "oneOf"):
            closed[key] = _closed(value)
        else:
            closed[key] = value
    if closed.get("type") == "object" and "properties" in closed:
        closed.setdefault("additionalProperties", False)
    return closed


def _marked(body: dict[str, Any]) -> bool:
    """Whether the caller set cache marks of its own; more than four are cut to the last four."""
    blocks = [*body.get("system", ()), *(block for turn in body["messages"] for block in turn["content"])]
    marked = [block for block in blocks if "cache_control" in block]
    for block in marked[:-_MARKS]:
        del block["cache_control"]
    return bool(marked)


def _mark(body: dict[str, Any]) -> None:
    """Cache marks at the ends of what stays the same: tools, system, the turn before the last, the last."""
    turns: Sequence[dict[str, Any]] = body["messages"]
    users = [turn["content"] for turn in turns if turn["role"] == "user"]
    for blocks in (body.get("tools"), body.get("system"), *users[-2:]):
        if blocks:
            blocks[-1]["cache_control"] = _MARK
