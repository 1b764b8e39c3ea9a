"""What goes to a provider that speaks Gemini: the caller's own bytes, or a body built anew."""

from __future__ import annotations

import mimetypes
from collections.abc import Iterable, Iterator
from dataclasses import replace
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
from codriver.wire.codec import Call
from codriver.wire.gemini import relaying, thinking
from codriver.wire.gemini.body import Body
from codriver.wire.gemini.plain import json_schema
from codriver.wire.gemini.schema import dialect

WHOLE, STREAM = "generateContent", "streamGenerateContent?alt=sse"
_HOLE_LENGTH = 1024
_JSON_ONLY = "Answer with one JSON object and nothing else."
_MODES = {"auto": "AUTO", "none": "NONE", "required": "ANY", "named": "ANY"}


def call(request: Request, model: Model, quirks: Quirks) -> Call:
    """The body for this model. A hole to fill becomes a chat prompt when there is no conversation."""
    action = STREAM if request.stream else WHOLE
    if request.wire == "gemini" and request.body is not None and isinstance(request.unfold, Body):
        body = relaying.fitted(request, request.body, request.unfold, model, quirks)
        return Call(body, action=action)
    return _built(request, model, quirks, action)


def _built(request: Request, model: Model, quirks: Quirks, action: str) -> Call:
    talk = request.conversation
    length = request.limits.max_tokens
    if request.fim is not None and not talk.messages:
        talk = fim.chat_prompt(request.fim)
        length = length or _HOLE_LENGTH
    dropped = carried.lost(request)
    body: dict[str, Any] = {}
    if texts := _system(talk, request.limits):
        body["systemInstruction"] = {"parts": [{"text": text} for text in texts]}
    body["contents"] = list(_contents(request, talk, model, quirks))
    if talk.tools:
        body["tools"] = [{"functionDeclarations": [_tool(tool, dropped) for tool in talk.tools]}]
        if choice := _choice(talk.tool_choice, quirks, dropped):
            body["toolConfig"] = {"functionCallingConfig": choice}
    stops, left = bounds.stops(tuple(filter(None, request.limits.stop)), quirks, "stopSequences")
    config = _config(replace(request.limits, stop=stops), length, talk, model, quirks, dropped)
    for name in quirks.drop:
        if body.pop(name, None) is not None or config.pop(name, None) is not None:
            dropped.append(name)
    if config:
        body["generationConfig"] = config
    for name, value in quirks.put.items():
        body.setdefault(name, value)
    return Call(jsontext.encode(body), dropped=tuple(dropped), action=action, stop=left)


def _system(talk: Conversation, limits: Limits) -> list[str]:
    texts = [part.text for part in history.system(talk.messages)]
    schema = limits.schema
    if schema is None:
        return texts
    if schema.get("type") == "json_object":
        texts.append(_JSON_ONLY)
    elif talk.tools:  # functions and a schema for the answer are refused together: the schema is told in words
        shape = jsontext.encode(schema["schema"]).decode()
        texts.append(f"{_JSON_ONLY} When no tool is called, it must fit this JSON Schema: {shape}")
    return texts


def _contents(request: Request, talk: Conversation, model: Model, quirks: Quirks) -> Iterator[dict[str, Any]]:
    """Alternating, the user first and last: an answer is never begun for the model. Earlier thinking is left
    out: what may be returned of it are its own signatures, on calls and on texts."""
    own = [Message(m.role, tuple(part for part in m.parts if _sayable(request, part, model))) for m in talk.messages]
    turns = history.turns(own, tools=bool(talk.tools))
    if not turns or turns[0].role == "assistant":
        turns.insert(0, history.Turn("user", [Text("(The conversation goes on.)")]))
    if turns[-1].role == "assistant":
        turns.append(history.Turn("user", [Text("Go on.")]))
    called: dict[str, str] = {}
    for turn in turns:
        parts = [_result(result, called.get(result.call_id, "")) for result in turn.results]
        parts += [part for result in turn.results for part in map(_image, history.images(result))]
        parts += _said(turn.parts)
        first = True
        for made in turn.calls:
            called[made.id] = name = names.lettered_name(made.name)
            parts.append(_called(made, name, _signature(request, made, model, quirks, first)))
            first = False
        yield {"role": "model" if turn.role == "assistant" else "user", "parts": parts}


def _sayable(request: Request, part: Part, model: Model) -> bool:
    """Of thinking only what this very model signed, and nothing where thinking is to be forgotten."""
    return not isinstance(part, Reasoning) or (bool(part.signature) and _own(request, part, model))


def _own(request: Request, part: Reasoning | ToolCall, model: Model) -> bool:
    """Whether this model made it, or a Gemini caller says so."""
    if request.forget:
        return False
    return part.origin == model.key or (part.origin == "" and request.wire == "gemini")


def _said(parts: Iterable[Part]) -> list[dict[str, Any]]:
    """Texts and images. A signature stands on the text before it, else on the one behind it, else on an empty one."""
    said: list[dict[str, Any]] = []
    signature = ""
    for part in parts:
        if isinstance(part, Text):
            said.append({"text": part.text} | ({"thoughtSignature": signature} if signature else {}))
            signature = ""
        elif isinstance(part, Image):
            said.append(_image(part))
        elif isinstance(part, Reasoning) and said and said[-1].keys() == {"text"}:
            said[-1]["thoughtSignature"] = part.signature
        elif isinstance(part, Reasoning):
            signature = part.signature
    return [*said, {"text": "", "thoughtSignature": signature}] if signature else said


def _signature(request: Request, made: ToolCall, model: Model, quirks: Quirks, first: bool) -> str:
    """A call's signature where it is this model's; else, at the first call of a step, what such models take
    instead."""
    if made.signature and _own(request, made, model):
        return made.signature
    return quirks.thought_signature if first else ""


def _called(made: ToolCall, name: str, signature: str) -> dict[str, Any]:
    arguments = jsontext.arguments(made.arguments) or {}
    part: dict[str, Any] = {"functionCall": {"id": made.id, "name": name, "args": arguments}}
    if signature:
        part["thoughtSignature"] = signature
    return part


def _result(result: ToolResult, name: str) -> dict[str, Any]:
    text = history.plain(result)
    return {
        "functionResponse": {
            "id": result.call_id,
            "name": name,
            "response": {"error" if result.is_error else "output": text},
        }
    }


def _image(part: Image) -> dict[str, Any]:
    if part.url:
        kind = part.media_type or mimetypes.guess_type(part.url.partition("?")[0])[0] or "image/jpeg"
        return {"fileData": {"mimeType": kind, "fileUri": part.url}}
    kind = "image/jpeg" if part.media_type == "image/jpg" else part.media_type
    return {"inlineData": {"mimeType": kind, "data": part.data}}


def _tool(tool: Tool, dropped: list[str]) -> dict[str, Any]:
    """A tool without parameters has no `parameters`: an OBJECT without properties is refused."""
    block: dict[str, Any] = {"name": names.lettered_name(tool.name), "description": tool.description or tool.name}
    found = dialect(tool.schema, parameters=True)
    dropped += [name for word in sorted(found.lost) if (name := f"tools.{word}") not in dropped]
    if found.schema is not None:
        if found.open:
            block["parametersJsonSchema"] = json_schema(found.schema)
        else:
            block["parameters"] = found.schema
    return block


def _choice(choice: ToolChoice | None, quirks: Quirks, dropped: list[str]) -> dict[str, Any] | None:
    if choice is None:
        return None
    if choice.parallel is False:
        dropped.append("parallel_tool_calls")
    mode = _MODES[choice.mode]
    if mode == "ANY" and not quirks.forced_tools:
        dropped.append("tool_choice")
        mode = "AUTO"
    told: dict[str, Any] = {"mode": mode}
    if choice.mode == "named" and mode == "ANY":
        told["allowedFunctionNames"] = [names.lettered_name(choice.name)]
    return told if mode != "AUTO" else None


def _config(
    limits: Limits, length: int | None, talk: Conversation, model: Model, quirks: Quirks, dropped: list[str]
) -> dict[str, Any]:
    config: dict[str, Any] = {}
    thinks = thinking.told(limits.effort, model, quirks)
    if length:
        # The limit counts thinking as well: a budget comes on top of what was asked for.
        length += thinks.get("thinkingBudget", 0)
        config["maxOutputTokens"] = min(length, model.max_output or length)
    if limits.temperature is not None:
        most = 2.0 if quirks.temperature_max is None else quirks.temperature_max
        config["temperature"] = min(limits.temperature, most)
    if limits.top_p is not None:
        config["topP"] = limits.top_p
    if limits.stop:
        config["stopSequences"] = list(limits.stop)
    if thinks:
        config["thinkingConfig"] = thinks
    if limits.schema is not None and not talk.tools:
        config |= _format(limits, model, dropped)
    return config


def _format(limits: Limits, model: Model, dropped: list[str]) -> dict[str, Any]:
    told: dict[str, Any] = {"responseMimeType": "application/json"}
    schema = limits.schema or {}
    if schema.get("type") != "json_schema":
        return told
    if not model.schema:
        dropped.append("response_format")
        return told
    found = dialect(schema["schema"])
    dropped += [f"response_format.{word}" for word in sorted(found.lost)]
    if found.open:
        told["responseJsonSchema"] = json_schema(found.schema)
    elif found.schema is not None:
        told["responseSchema"] = found.schema
    return told
