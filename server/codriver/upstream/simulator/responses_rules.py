"""The rules of POST /v1/responses: from a body to what is asked, or the refusal OpenAI gives."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any, Literal

from codriver.model.request import FREE_TEXT, Conversation, Limits, Message, Text, Tool, ToolChoice
from codriver.upstream.simulator import openai_fields as fields
from codriver.upstream.simulator import responses_items as items
from codriver.upstream.simulator.models import SimModel
from codriver.upstream.simulator.openai_rules import named_tool, object_schema, strict_schema
from codriver.upstream.simulator.values import Asked, Refused, Unit, digest, dump, seed, tokens

ENCRYPTED = "reasoning.encrypted_content"
LEAST_OUTPUT = 16
_IMAGE_TOKENS = 765
_EFFORTS = ("none", "minimal", "low", "medium", "high", "xhigh")
# Field -> kind, least, most. Null is absent for all of these; any other field is refused.
_FIELDS: Mapping[str, tuple[str, float | None, float | None]] = {
    "temperature": ("a decimal", 0, 2),
    "top_p": ("a decimal", 0, 1),
    "max_output_tokens": ("an integer", LEAST_OUTPUT, None),
    "max_tool_calls": ("an integer", 1, None),
    "top_logprobs": ("an integer", 0, 20),
    "stream": ("a boolean", None, None),
    "store": ("a boolean", None, None),
    "background": ("a boolean", None, None),
    "parallel_tool_calls": ("a boolean", None, None),
    "instructions": ("a string", None, None),
    "previous_response_id": ("a string", None, None),
    "prompt_cache_key": ("a string", None, None),
    "prompt_cache_retention": ("a string", None, None),
    "safety_identifier": ("a string", None, None),
    "service_tier": ("a string", None, None),
    "truncation": ("a string", None, None),
    "user": ("a string", None, None),
    "metadata": ("an object", None, None),
    "client_metadata": ("an object", None, None),
    "stream_options": ("an object", None, None),
    "reasoning": ("an object", None, None),
    "text": ("an object", None, None),
    "include": ("an array", None, None),
    "tools": ("an array", None, None),
}
_OTHERS = ("model", "input", "tool_choice", "conversation", "prompt", "context_management", "moderation")
# Words of the chat endpoint, and what this one calls them.
_MOVED = {
    "messages": "Did you mean 'input'?",
    "max_tokens": "Did you mean 'max_output_tokens'?",
    "max_completion_tokens": "Did you mean 'max_output_tokens'?",
    "response_format": "In the Responses API, this parameter has moved to 'text.format'.",
    "reasoning_effort": "In the Responses API, this parameter has moved to 'reasoning.effort'.",
}
_INCLUDED = (
    ENCRYPTED,
    "file_search_call.results",
    "web_search_call.results",
    "web_search_call.action.sources",
    "message.input_image.image_url",
    "message.output_text.logprobs",
    "computer_call_output.output.image_url",
    "code_interpreter_call.outputs",
)
_BUILT_IN = (
    *("web_search", "web_search_preview", "file_search", "code_interpreter", "image_generation", "mcp"),
    *("computer_use_preview", "computer", "local_shell", "shell", "apply_patch", "tool_search"),
)


def read(body: Mapping[str, Any], headers: Mapping[str, str], model: SimModel) -> Asked:
    """What is asked. Raises Refused."""
    _known(body, model)
    listed = _listed(body)
    tools = _tools(body, model)
    effort = _reasoning(body, model)
    key = headers.get("authorization", "")
    conversation = Conversation(
        (*_instructions(body), *items.messages(listed, key, images=model.images)), tuple(tools), _choice(body, tools)
    )
    output = min(body.get("max_output_tokens") or model.max_output, model.max_output)
    units = _units(body, listed)
    named_length = body.get("max_output_tokens") is not None
    fields.window(model, sum(unit.tokens for unit in units), output, "input", asked=named_length)
    return Asked(
        model=model,
        seed=seed(body),
        units=units,
        conversation=conversation,
        limits=Limits(max_tokens=output, schema=_format(body, listed)),
        stream=bool(body.get("stream")),
        thinking=model.reasoning and effort != "none",
        form={**body, "tools": list(body.get("tools") or ()), "key": key},
    )


def _known(body: Mapping[str, Any], model: SimModel) -> None:
    for name in body:
        if name not in _FIELDS and name not in _OTHERS:
            hint = _MOVED.get(name)
            text = f"Unsupported parameter: '{name}'. {hint}" if hint else f"Unknown parameter: '{name}'."
            raise fields.refused(text, name, "unsupported_parameter" if hint else "unknown_parameter")
    for name in model.refused:
        if body.get(name) is not None:
            text = f"Unsupported parameter: '{name}' is not supported with this model."
            raise fields.refused(text, name, "unsupported_parameter")
    for name, (kind, least, most) in _FIELDS.items():
        if body.get(name) is not None:
            fields.typed(body[name], kind, name)
            fields.within(body[name], kind, least, most, name)
    _kept_nowhere(body)


def _kept_nowhere(body: Mapping[str, Any]) -> None:
    """The simulator keeps no responses: whatever refers to one refers to nothing."""
    earlier = body.get("previous_response_id")
    if earlier is not None:
        text = f"Previous response with id '{earlier}' not found."
        raise Refused(404, text, param="previous_response_id", code="previous_response_not_found")
    for name in ("conversation", "prompt"):
        if body.get(name) is not None:
            raise Refused(404, f"{name.capitalize()} not found: the simulator keeps none.", param=name)
    if body.get("background"):
        raise fields.refused("Background mode is not supported by the simulator.", "background")


def _listed(body: Mapping[str, Any]) -> Sequence[Any]:
    given = body.get("input")
    if given is None:
        raise fields.refused("Missing required parameter: 'input'.", "input", "missing_required_parameter")
    if isinstance(given, str):
        return [{"role": "user", "content": given}]
    if not isinstance(given, list):
        text = f"Invalid type for 'input': expected one of a string or array of input items, but got {given!r:.30}."
        raise fields.refused(text, "input", "invalid_type")
    return list(fields.filled(given, "an array of objects", "input"))


def _instructions(body: Mapping[str, Any]) -> Iterator[Message]:
    if body.get("instructions"):
        yield Message("system", (Text(body["instructions"]),))


def _reasoning(body: Mapping[str, Any], model: SimModel) -> str:
    for place, word in enumerate(body.get("include") or ()):
        fields.one_of(word, _INCLUDED, f"include[{place}]")
    if not model.reasoning and ENCRYPTED in (body.get("include") or ()):
        raise fields.refused("Encrypted content is not supported with this model.", "include")
    wish = body.get("reasoning") or {}
    for name in wish:
        if name not in ("effort", "summary", "generate_summary"):
            raise fields.refused(f"Unknown parameter: 'reasoning.{name}'.", f"reasoning.{name}", "unknown_parameter")
        if wish[name] is not None and not model.reasoning:
            text = f"Unsupported parameter: 'reasoning.{name}' is not supported with this model."
            raise fields.refused(text, f"reasoning.{name}", "unsupported_parameter")
    if wish.get("summary") is not None:
        fields.one_of(wish["summary"], ("concise", "detailed", "auto"), "reasoning.summary")
    if wish.get("effort") is None:
        return ""
    return fields.one_of(wish["effort"], _EFFORTS, "reasoning.effort")


def _tools(body: Mapping[str, Any], model: SimModel) -> list[Tool]:
    if body.get("tools") and not model.tools:
        raise fields.refused("tools is not supported in this model.", "tools", "unsupported_parameter")
    return list(_gathered(body.get("tools") or (), "tools", ""))


def _gathered(listed: Sequence[Any], path: str, group: str) -> Iterator[Tool]:
    for place, item in enumerate(listed):
        where = f"{path}[{place}]"
        fields.typed(item, "an object", where)
        kinds = ("function", "custom") if group else ("function", "custom", "namespace", *_BUILT_IN)
        kind = fields.one_of(fields.required(item, "type", f"{where}.type"), kinds, f"{where}.type")
        if "function" in item:
            text = f"Unknown parameter: '{where}.function'."
            raise fields.refused(text, f"{where}.function", "unknown_parameter")
        if kind in _BUILT_IN:
            continue
        name = named_tool(item, where)
        if kind == "namespace":
            inner = fields.filled(fields.required(item, "tools", f"{where}.tools"), "an array", f"{where}.tools")
            yield from _gathered(inner, f"{where}.tools", name)
        else:
            yield _tool(item, items.flat_name(group, name), where, group)


def _tool(item: Mapping[str, Any], name: str, where: str, group: str) -> Tool:
    about = str(item.get("description") or "")
    if item["type"] == "custom":
        return Tool(name, about, FREE_TEXT, None, item.get("format") or {}, group)
    schema = item.get("parameters") or {"type": "object", "properties": {}}
    object_schema(schema, f"function '{name}'", f"{where}.parameters", "invalid_function_parameters")
    if item.get("strict"):
        strict_schema(schema, f"function '{name}'", f"{where}.parameters", "invalid_function_parameters")
    return Tool(name, about, schema, item.get("strict"), None, group)


def _choice(body: Mapping[str, Any], tools: Sequence[Tool]) -> ToolChoice | None:
    choice, parallel = body.get("tool_choice"), body.get("parallel_tool_calls")
    if choice is None:
        return ToolChoice(parallel=parallel) if parallel is not None else None
    if isinstance(choice, str):
        mode: Literal["none", "auto", "required"] = fields.one_of(choice, ("none", "auto", "required"), "tool_choice")
        return ToolChoice(mode, parallel=parallel)
    fields.typed(choice, "an object", "tool_choice")
    kinds = ("function", "custom", "allowed_tools", *_BUILT_IN)
    kind = fields.one_of(fields.required(choice, "type", "tool_choice.type"), kinds, "tool_choice.type")
    if kind == "allowed_tools":
        return ToolChoice("required" if choice.get("mode") == "required" else "auto", parallel=parallel)
    if kind in _BUILT_IN:
        return ToolChoice(parallel=parallel)
    name = items.flat_name(choice.get("namespace"), named_tool(choice, "tool_choice"))
    if name not in [tool.name for tool in tools]:
        raise fields.refused(f"Tool choice '{name}' not found in 'tools' parameter.", "tool_choice")
    return ToolChoice("named", name, parallel)


def _format(body: Mapping[str, Any], listed: Sequence[Any]) -> Mapping[str, Any] | None:
    wanted = (body.get("text") or {}).get("format")
    if wanted is None:
        return None
    path = "text.format"
    fields.typed(wanted, "an object", path)
    kinds = ("json_object", "json_schema", "text")
    kind = fields.one_of(fields.required(wanted, "type", f"{path}.type"), kinds, f"{path}.type")
    if kind == "text":
        return None
    if kind == "json_object":
        if b"json" not in dump([listed, body.get("instructions")]).lower():
            text = (
                "Response input messages must contain the word 'json' in some form to use 'text.format' "
                "of type 'json_object'."
            )
            raise fields.refused(text, "input")
        return {"type": "json_object"}
    if "json_schema" in wanted:
        raise fields.refused(f"Unknown parameter: '{path}.json_schema'.", f"{path}.json_schema", "unknown_parameter")
    name = named_tool(wanted, path)
    schema = fields.typed(fields.required(wanted, "schema", f"{path}.schema"), "an object", f"{path}.schema")
    object_schema(schema, f"response_format '{name}'", f"{path}.schema", "invalid_json_schema")
    if wanted.get("strict"):
        strict_schema(schema, f"response_format '{name}'", f"{path}.schema", "invalid_json_schema")
    return {"type": "json_schema", "name": name, "schema": schema}


def _units(body: Mapping[str, Any], listed: Sequence[Any]) -> tuple[Unit, ...]:
    """The prompt in the order in which it is cached: tools, instructions, items."""
    fixed = [body[name] for name in ("tools", "instructions") if body.get(name)]
    return tuple(_unit(item) for item in (*fixed, *listed))


def _unit(item: Any) -> Unit:
    images: list[str] = []
    counted = dump(_without_images(item, images))
    content = counted + digest(images).encode() if images else counted
    return Unit(content, tokens(counted) + _IMAGE_TOKENS * len(images))


def _without_images(item: Any, images: list[str]) -> Any:
    if isinstance(item, dict):
        if item.get("type") == "input_image":
            images.append(str(item.get("image_url")))
            return {"type": "input_image"}
        return {key: _without_images(value, images) for key, value in item.items()}
    return [_without_images(value, images) for value in item] if isinstance(item, list) else item
