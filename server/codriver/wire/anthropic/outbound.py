"""What goes to a provider that speaks Anthropic messages: the caller's own bytes, or a body built anew."""

from __future__ import annotations

from typing import Any

from codriver.model.provider import Model, Quirks
from codriver.model.request import (
    Conversation,
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
from codriver.wire import bounds, carried, fim, history, jsontext, names
from codriver.wire.anthropic import caching, relaying, thinking
from codriver.wire.anthropic.inbound import Body
from codriver.wire.codec import Call

_HOLE_LENGTH = 1024
_JSON_ONLY = "Answer with one JSON object and nothing else."


def call(request: Request, model: Model, quirks: Quirks) -> Call:
    """The body for this model. A hole to fill becomes a chat prompt when there is no conversation."""
    if request.wire == "anthropic" and request.body is not None and isinstance(request.unfold, Body):
        return relaying.call(request, request.body, request.unfold, model, quirks)
    return _built(request, model, quirks)


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
    body["messages"] = _messages(talk, "" if request.forget or not model.reasoning else model.key)
    if talk.tools:
        body["tools"] = [_tool(tool, dropped) for tool in talk.tools]
        if choice := _choice(talk.tool_choice):
            body["tool_choice"] = choice
    # A stop sequence of nothing but blanks is refused.
    stops, left = bounds.stops(tuple(stop for stop in request.limits.stop if stop.strip()), quirks, "stop_sequences")
    left += tuple(stop for stop in request.limits.stop if stop and not stop.strip())
    if stops:
        body["stop_sequences"] = list(stops)
    _limits(body, request, model, quirks, dropped)
    if request.stream:
        body["stream"] = True
    long = request.input_tokens >= (quirks.cache_from or caching.USUAL_FROM)
    if not caching.trimmed(body) and long and (talk.tools or len(body["messages"]) > 1):
        caching.mark(body)
    body |= quirks.put
    # Where the path names the model, it is not lost.
    dropped += [name for name in quirks.drop if body.pop(name, None) is not None and name != "model"]
    return Call(jsontext.encode(body), dropped=tuple(dropped), stop=left)


def _system(talk: Conversation, limits: Limits) -> list[dict[str, Any]]:
    texts = [_text(part) for part in history.system(talk.messages)]
    if limits.schema is not None and limits.schema.get("type") == "json_object":
        texts.append({"type": "text", "text": _JSON_ONLY})
    return texts


def _messages(talk: Conversation, origin: str) -> list[dict[str, Any]]:
    """Alternating, the user first and last: an answer is never begun for the model (prefill).

    Only thinking that this very model (origin) made and signed is sent: all other would be refused.
    """
    own = [Message(m.role, tuple(part for part in m.parts if _sayable(part, origin))) for m in talk.messages]
    turns = history.turns(own, tools=bool(talk.tools))
    if not turns or turns[0].role == "assistant":
        turns.insert(0, history.Turn("user", [Text("(The conversation goes on.)")]))
    if turns[-1].role == "assistant":
        turns.append(history.Turn("user", [Text("Go on.")]))
    return [{"role": turn.role, "content": _content(turn)} for turn in turns]


def _sayable(part: Part, origin: str) -> bool:
    if not isinstance(part, Reasoning):
        return True
    return bool(origin) and part.origin == origin and bool(part.signature or part.redacted)


def _content(turn: history.Turn) -> list[dict[str, Any]]:
    """Results first in a user's turn, calls last in an assistant's; signed thinking keeps its place among them."""
    blocks = [_result(result) for result in turn.results]
    blocks += [_block(part) for part in turn.parts if isinstance(part, Text | Image)]
    others: list[dict[str, Any]] = []
    for part in turn.parts:
        if isinstance(part, ToolCall):
            arguments = jsontext.arguments(part.arguments) or {}
            others.append({"type": "tool_use", "id": part.id, "name": names.legal_name(part.name), "input": arguments})
        elif isinstance(part, Reasoning):
            others.append(_thought(part))
    leading = next((n for n, block in enumerate(others) if block["type"] == "tool_use"), len(others))
    return [*others[:leading], *blocks, *others[leading:]]


def _thought(part: Reasoning) -> dict[str, Any]:
    if part.redacted:
        return {"type": "redacted_thinking", "data": part.redacted}
    return {"type": "thinking", "thinking": part.text, "signature": part.signature}


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


def _limits(body: dict[str, Any], request: Request, model: Model, quirks: Quirks, dropped: list[str]) -> None:
    limits = request.limits
    if limits.schema is not None and limits.schema.get("type") == "json_schema":
        if model.schema:
            body["output_config"] = {"format": {"type": "json_schema", "schema": _closed(limits.schema["schema"])}}
        else:
            dropped.append("response_format")
    if thinking.build(body, request, model, quirks, dropped):
        dropped += [name for name in ("temperature", "top_p") if getattr(limits, name) is not None]
    elif limits.temperature is not None:
        body["temperature"] = min(max(limits.temperature, 0.0), 1.0)
        if limits.top_p is not None:
            dropped.append("top_p")  # newer models refuse both together
    elif limits.top_p is not None:
        body["top_p"] = limits.top_p


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
