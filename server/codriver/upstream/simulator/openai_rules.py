"""The rules of POST /v1/chat/completions: from a body to what is asked, or the refusal OpenAI gives."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import Any, Literal

from codriver.model.request import (
    Conversation,
    Image,
    Limits,
    Message,
    Part,
    Role,
    Text,
    Tool,
    ToolCall,
    ToolChoice,
    ToolResult,
)
from codriver.upstream.simulator import openai_fields as fields
from codriver.upstream.simulator.models import SimModel
from codriver.upstream.simulator.values import Asked, Refused, Unit, digest, dump, seed, tokens

_ROLES: tuple[Role | Literal["developer"], ...] = ("system", "assistant", "user", "tool", "developer")
_EFFORTS = ("none", "minimal", "low", "medium", "high", "xhigh")
_NAME = re.compile(r"^[a-zA-Z0-9_-]+$")
_ID_LENGTH = 64
_IMAGE_TOKENS = 765


def read(body: Mapping[str, Any], model: SimModel) -> Asked:
    """What is asked. Raises Refused."""
    fields.common(body, model)
    messages = fields.filled(fields.required(body, "messages", "messages"), "an array of objects", "messages")
    conversation = Conversation(
        messages=tuple(_message(item, place, model) for place, item in enumerate(messages)),
        tools=_tools(body, model),
        tool_choice=_choice(body),
    )
    _answered(conversation.messages)
    output = fields.output_limit(body, model, None)
    named = body.get("max_tokens") is not None or body.get("max_completion_tokens") is not None
    units = _units(body, messages)
    fields.window(model, sum(unit.tokens for unit in units), output, "messages", asked=named)
    if body.get("reasoning_effort") is not None:
        fields.one_of(body["reasoning_effort"], _EFFORTS, "reasoning_effort")
    if body.get("logprobs") is not None:
        fields.typed(body["logprobs"], "a boolean", "logprobs")
    options = body.get("stream_options") or {}
    return Asked(
        model=model,
        seed=seed(body),
        units=units,
        conversation=conversation,
        limits=Limits(max_tokens=output, stop=fields.stops(body), schema=_format(body, conversation)),
        n=body.get("n") or 1,
        stream=bool(body.get("stream")),
        wants_usage=options.get("include_usage") is True,
        logprobs=body.get("logprobs") is True,
    )


def _message(item: Any, place: int, model: SimModel) -> Message:
    path = f"messages[{place}]"
    fields.typed(item, "an object", path)
    role = fields.one_of(fields.required(item, "role", f"{path}.role"), _ROLES, f"{path}.role")
    calls = _tool_calls(item, path) if role == "assistant" else ()
    content = item.get("content")
    if content is None and not (role == "assistant" and (calls or item.get("refusal") or item.get("audio"))):
        text = f"Invalid value for 'content': expected a string, got null. ({path}.content)"
        raise fields.refused(text, f"{path}.content", "invalid_type")
    parts = () if content is None else _content(content, f"{path}.content", role, model)
    if role == "tool":
        call = fields.typed(fields.required(item, "tool_call_id", f"{path}.tool_call_id"), "a string", path)
        shown = tuple(part for part in parts if isinstance(part, (Text, Image)))
        return Message("tool", (ToolResult(call, shown),))
    if role == "developer":
        role = "system"
    return Message(role, (*parts, *calls))


def _content(content: Any, path: str, role: str, model: SimModel) -> tuple[Part, ...]:
    if isinstance(content, str):
        return (Text(content),)
    if not isinstance(content, list):
        text = (
            f"Invalid type for '{path}': expected one of a string or array of objects, but got "
            f"{type(content).__name__} instead."
        )
        raise fields.refused(text, path, "invalid_type")
    parts: list[Part] = []
    for place, item in enumerate(fields.filled(content, "an array of objects", path)):
        where = f"{path}[{place}]"
        fields.typed(item, "an object", where)
        kinds = ("text", "image_url") if role == "user" else ("text", "refusal") if role == "assistant" else ("text",)
        kind = fields.one_of(fields.required(item, "type", f"{where}.type"), kinds, f"{where}.type")
        if kind == "image_url":
            parts.append(_image(item, where, model))
        else:
            parts.append(Text(fields.typed(fields.required(item, kind, f"{where}.{kind}"), "a string", where)))
    return tuple(parts)


def _image(item: Mapping[str, Any], where: str, model: SimModel) -> Image:
    if not model.images:
        text = "Invalid content type. image_url is only supported by certain models."
        raise fields.refused(text, f"{where}.type")
    holder = fields.typed(fields.required(item, "image_url", f"{where}.image_url"), "an object", f"{where}.image_url")
    url = fields.typed(fields.required(holder, "url", f"{where}.image_url.url"), "a string", f"{where}.image_url.url")
    if not re.match(r"https?://|data:image/[\w.+-]+;base64,", url):
        text = f"Invalid '{where}.image_url.url'. Expected a valid URL, but got a value with an invalid format."
        raise fields.refused(text, f"{where}.image_url.url", "invalid_image_url")
    return Image(url=url)


def _tool_calls(item: Mapping[str, Any], path: str) -> tuple[ToolCall, ...]:
    if item.get("tool_calls") is None:
        return ()
    calls = []
    for place, call in enumerate(fields.filled(item["tool_calls"], "an array of objects", f"{path}.tool_calls")):
        where = f"{path}.tool_calls[{place}]"
        fields.typed(call, "an object", where)
        ident = fields.typed(fields.required(call, "id", f"{where}.id"), "a string", f"{where}.id")
        if len(ident) > _ID_LENGTH:
            text = (
                f"Invalid '{where}.id': string too long. Expected a string with maximum length "
                f"{_ID_LENGTH}, but got a string with length {len(ident)} instead."
            )
            raise fields.refused(text, f"{where}.id", "string_above_max_length")
        fields.one_of(fields.required(call, "type", f"{where}.type"), ("function",), f"{where}.type")
        function = fields.typed(fields.required(call, "function", f"{where}.function"), "an object", where)
        name = named_tool(function, f"{where}.function")
        arguments = fields.required(function, "arguments", f"{where}.function.arguments")
        fields.typed(arguments, "a string", f"{where}.function.arguments")
        calls.append(ToolCall(ident, name, arguments))
    return tuple(calls)


def named_tool(function: Mapping[str, Any], path: str) -> str:
    """The name in a definition, which must be legal. Raises Refused."""
    name = str(fields.typed(fields.required(function, "name", f"{path}.name"), "a string", f"{path}.name"))
    if not _NAME.match(name):
        text = (
            f"Invalid '{path}.name': string does not match pattern. Expected a string that matches "
            f"the pattern '{_NAME.pattern}'."
        )
        raise fields.refused(text, f"{path}.name", "invalid_value")
    if len(name) > 64:
        text = (
            f"Invalid '{path}.name': string too long. Expected a string with maximum length 64, but "
            f"got a string with length {len(name)} instead."
        )
        raise fields.refused(text, f"{path}.name", "string_above_max_length")
    return name


def _answered(messages: Sequence[Message]) -> None:
    """Every call is answered right behind it, and nothing else is answered. "preceeding" is OpenAI's spelling."""
    open_calls: dict[str, int] = {}
    for place, message in enumerate(messages):
        if message.role == "tool":
            result = message.parts[0]
            assert isinstance(result, ToolResult)
            if result.call_id not in open_calls:
                text = (
                    "Invalid parameter: messages with role 'tool' must be a response to a preceeding "
                    "message with 'tool_calls'."
                )
                raise fields.refused(text, f"messages.[{place}].role")
            del open_calls[result.call_id]
            continue
        _none_open(open_calls)
        open_calls = {part.id: place for part in message.parts if isinstance(part, ToolCall)}
    _none_open(open_calls)


def _none_open(open_calls: Mapping[str, int]) -> None:
    if open_calls:
        text = (
            "An assistant message with 'tool_calls' must be followed by tool messages responding to "
            f"each 'tool_call_id'. The following tool_call_ids did not have response messages: {', '.join(open_calls)}"
        )
        raise fields.refused(text, f"messages.[{next(iter(open_calls.values()))}].role")


def _tools(body: Mapping[str, Any], model: SimModel) -> tuple[Tool, ...]:
    if body.get("tools") is None:
        for name in ("tool_choice", "parallel_tool_calls"):
            if body.get(name) is not None:
                text = f"Invalid value for '{name}': '{name}' is only allowed when 'tools' are specified."
                raise fields.refused(text, name)
        return ()
    if not model.tools:
        raise fields.refused("tools is not supported in this model.", "tools", "unsupported_parameter")
    found = []
    for place, item in enumerate(fields.filled(body["tools"], "an array of objects", "tools")):
        path = f"tools[{place}]"
        fields.typed(item, "an object", path)
        fields.one_of(fields.required(item, "type", f"{path}.type"), ("function",), f"{path}.type")
        function = fields.typed(fields.required(item, "function", f"{path}.function"), "an object", f"{path}.function")
        name = named_tool(function, f"{path}.function")
        parameters = function.get("parameters") or {"type": "object", "properties": {}}
        object_schema(parameters, f"function '{name}'", f"{path}.function.parameters", "invalid_function_parameters")
        if function.get("strict"):
            strict_schema(
                parameters, f"function '{name}'", f"{path}.function.parameters", "invalid_function_parameters"
            )
        found.append(Tool(name, str(function.get("description") or ""), parameters, function.get("strict")))
    return tuple(found)


def object_schema(schema: Any, where: str, param: str, code: str | None) -> None:
    """Whether a schema is one of an object. Raises Refused."""
    kind = schema.get("type") if isinstance(schema, dict) else schema
    if kind != "object":
        text = (
            f"Invalid schema for {where}: schema must be a JSON Schema of 'type: \"object\"', got 'type: \"{kind}\"'."
        )
        raise fields.refused(text, param, code)


def strict_schema(schema: Any, where: str, param: str, code: str | None, context: tuple[str, ...] = ()) -> None:
    """Strict schemas are closed, and every property is required; at every depth."""
    if not isinstance(schema, dict):
        return
    properties = schema.get("properties")
    if isinstance(properties, dict):
        shown = "(" + "".join(f"'{step}', " for step in context).rstrip() + ")"
        if schema.get("additionalProperties") is not False:
            text = (
                f"Invalid schema for {where}: In context={shown}, 'additionalProperties' is required "
                "to be supplied and to be false."
            )
            raise fields.refused(text, param, code)
        missing = [name for name in properties if name not in (schema.get("required") or ())]
        if missing:
            text = (
                f"Invalid schema for {where}: In context={shown}, 'required' is required to be "
                "supplied and to be an array including every key in properties. Missing "
                f"'{missing[0]}'."
            )
            raise fields.refused(text, param, code)
        for name, part in properties.items():
            strict_schema(part, where, param, code, (*context, "properties", name))
    strict_schema(schema.get("items"), where, param, code, (*context, "items"))


def _choice(body: Mapping[str, Any]) -> ToolChoice | None:
    choice, parallel = body.get("tool_choice"), body.get("parallel_tool_calls")
    if choice is None:
        return ToolChoice(parallel=parallel) if parallel is not None else None
    if isinstance(choice, str):
        mode: Literal["none", "auto", "required"] = fields.one_of(choice, ("none", "auto", "required"), "tool_choice")
        return ToolChoice(mode, parallel=parallel)
    fields.typed(choice, "an object", "tool_choice")
    fields.one_of(fields.required(choice, "type", "tool_choice.type"), ("function",), "tool_choice.type")
    function = fields.typed(fields.required(choice, "function", "tool_choice.function"), "an object", "tool_choice")
    name = named_tool(function, "tool_choice.function")
    if name not in [tool.get("function", {}).get("name") for tool in body.get("tools") or ()]:
        text = f"Tool choice '{name}' not found in 'tools' parameter."
        raise fields.refused(text, "tool_choice")
    return ToolChoice("named", name, parallel)


def _format(body: Mapping[str, Any], conversation: Conversation) -> Mapping[str, Any] | None:
    wanted = body.get("response_format")
    if wanted is None:
        return None
    fields.typed(wanted, "an object", "response_format")
    kinds = ("json_object", "json_schema", "text")
    kind = fields.one_of(fields.required(wanted, "type", "response_format.type"), kinds, "response_format.type")
    if kind == "text":
        return None
    if kind == "json_object":
        if not any("json" in message.text.lower() for message in conversation.messages):
            text = (
                "'messages' must contain the word 'json' in some form, to use 'response_format' of type 'json_object'."
            )
            raise fields.refused(text, "messages")
        return {"type": "json_object"}
    path = "response_format.json_schema"
    inner = fields.typed(fields.required(wanted, "json_schema", path), "an object", path)
    name = named_tool(inner, path)
    schema = inner.get("schema")
    if schema is not None:
        object_schema(schema, f"response_format '{name}'", "response_format", None)
    if inner.get("strict"):
        strict_schema(
            fields.required(inner, "schema", f"{path}.schema"), f"response_format '{name}'", "response_format", None
        )
    return {"type": "json_schema", "name": name, "schema": schema or {"type": "object"}}


def _units(body: Mapping[str, Any], messages: Sequence[Any]) -> tuple[Unit, ...]:
    units = [_unit(body["tools"])] if body.get("tools") else []
    return (*units, *(_unit(item) for item in messages))


def _unit(item: Any) -> Unit:
    images: list[str] = []
    counted = dump(_without_images(item, images))
    content = counted + digest(images).encode() if images else counted
    return Unit(content, tokens(counted) + _IMAGE_TOKENS * len(images))


def _without_images(item: Any, images: list[str]) -> Any:
    """The same with image URLs moved out: their bytes are no tokens."""
    if isinstance(item, dict):
        if isinstance(item.get("image_url"), dict):
            images.append(str(item["image_url"].get("url")))
            return {"type": "image_url"}
        return {key: _without_images(value, images) for key, value in item.items()}
    return [_without_images(value, images) for value in item] if isinstance(item, list) else item


def unknown_model(name: str) -> Refused:
    """OpenAI's 404 for a model that is not there."""
    text = f"The model `{name}` does not exist or you do not have access to it."
    return Refused(404, text, code="model_not_found")
