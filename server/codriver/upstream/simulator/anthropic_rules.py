"""The rules of POST /v1/messages: from a body to what is asked, or the refusal Anthropic gives."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping, Sequence
from typing import Any

from codriver.model.request import (
    Conversation,
    Image,
    Limits,
    Message,
    Part,
    Reasoning,
    Text,
    Tool,
    ToolCall,
    ToolChoice,
    ToolResult,
)
from codriver.upstream.simulator.models import SimModel
from codriver.upstream.simulator.values import Asked, Refused, Unit, digest, dump, seed, tokens

_KNOWN_BLOCKS: Mapping[str, Sequence[str]] = {
    "user": ("text", "image", "document", "tool_result"),
    "assistant": ("text", "thinking", "redacted_thinking", "tool_use"),
    "system": ("text",),
}
_KINDS: Mapping[str, tuple[str, tuple[type, ...]]] = {
    "max_tokens": ("a valid integer", (int,)),
    "temperature": ("a valid number", (int, float)),
    "top_p": ("a valid number", (int, float)),
    "top_k": ("a valid integer", (int,)),
    "stream": ("a valid boolean", (bool,)),
    "stop_sequences": ("a valid list", (list,)),
    "tools": ("a valid list", (list,)),
    "messages": ("a valid list", (list,)),
    "tool_choice": ("a valid dictionary", (dict,)),
    "thinking": ("a valid dictionary", (dict,)),
    "metadata": ("a valid dictionary", (dict,)),
}
# Fields of other wires; see openai_fields for why only these.
_FOREIGN_WORDS = (
    "stop max_completion_tokens response_format stream_options frequency_penalty presence_penalty logit_bias n seed "
    "parallel_tool_calls functions function_call logprobs top_logprobs reasoning_effort user prompt suffix input"
)
_FOREIGN = tuple(_FOREIGN_WORDS.split())
_ID = re.compile(r"^[a-zA-Z0-9_-]+$")
_TOOL = re.compile(r"^[a-zA-Z0-9_-]{1,128}$")
_IMAGE_TOKENS = 1600
_BREAKPOINTS = 4


def read(body: Mapping[str, Any], headers: Mapping[str, str], model: SimModel, *, counting: bool = False) -> Asked:
    """What is asked. `counting`: for count_tokens, which needs no max_tokens and has no window. Raises Refused."""
    if not headers.get("anthropic-version"):
        raise _invalid("anthropic-version: header is required")
    _fields(body, counting)
    thinking = _thinking(body)
    tools = _tools(body, model)
    choice = _choice(body, tools, thinking)
    system = _system(body.get("system"))
    turns = _turns(body["messages"], headers, model)
    _paired(turns)
    if thinking:
        _thought(turns)
    units = _units(body)
    if sum(unit.mark for unit in units) > _BREAKPOINTS:
        found = sum(unit.mark for unit in units)
        raise _invalid(f"A maximum of {_BREAKPOINTS} blocks with cache_control may be provided. Found {found}.")
    if not counting:
        _window(model, sum(unit.tokens for unit in units), body["max_tokens"])
    return Asked(
        model=model,
        seed=seed(body),
        units=units,
        conversation=Conversation((*system, *_split(turns)), tools, choice),
        limits=Limits(max_tokens=body.get("max_tokens"), stop=tuple(body.get("stop_sequences") or ())),
        stream=bool(body.get("stream")),
        thinking=thinking,
    )


def signature(model: str, thinking: str) -> str:
    """What a thinking block of this model is signed with, and checked against when it comes back."""
    return f"sim-{digest(thinking, model)}"


def _fields(body: Mapping[str, Any], counting: bool) -> None:
    for name in _FOREIGN:
        if name in body:
            raise _invalid(f"{name}: Extra inputs are not permitted")
    for name in ("messages",) if counting else ("max_tokens", "messages"):
        if name not in body:
            raise _invalid(f"{name}: Field required")
    for name, (kind, types) in _KINDS.items():
        value = body.get(name)
        required = name in ("max_tokens", "messages") and name in body
        if (value is not None or required) and (
            not isinstance(value, types) or (isinstance(value, bool) and bool not in types)
        ):
            raise _invalid(f"{name}: Input should be {kind}")
    if body.get("max_tokens") is not None and body["max_tokens"] < 1:
        raise _invalid("max_tokens: Input should be greater than or equal to 1")
    for name in ("temperature", "top_p"):
        if body.get(name) is not None and not 0 <= body[name] <= 1:
            raise _invalid(f"{name}: range: 0..1")
    for place, stop in enumerate(body.get("stop_sequences") or ()):
        if not isinstance(stop, str):
            raise _invalid(f"stop_sequences.{place}: Input should be a valid string")
        if not stop.strip():
            raise _invalid("stop_sequences: each stop sequence must contain non-whitespace")


def _thinking(body: Mapping[str, Any]) -> bool:
    wanted = body.get("thinking")
    if wanted is None:
        return False
    kind = wanted.get("type")
    if kind not in ("enabled", "disabled", "adaptive"):
        raise _invalid(
            f"thinking: Input tag '{kind}' found using 'type' does not match any of the expected "
            "tags: 'adaptive', 'disabled', 'enabled'"
        )
    if kind == "disabled":
        return False
    if kind == "enabled":
        budget = wanted.get("budget_tokens")
        if not isinstance(budget, int):
            raise _invalid("thinking.enabled.budget_tokens: Field required")
        if budget < 1024:
            raise _invalid("thinking.enabled.budget_tokens: Input should be greater than or equal to 1024")
        if budget >= body.get("max_tokens", budget + 1):
            raise _invalid(
                "`max_tokens` must be greater than `thinking.budget_tokens`. Please consult our documentation"
            )
    if body.get("temperature") not in (None, 1, 1.0):
        raise _invalid("`temperature` may only be set to 1 when thinking is enabled.")
    return True


def _system(system: Any) -> list[Message]:
    if system is None:
        return []
    if isinstance(system, str):
        return [Message("system", (Text(system),))] if system else []
    if not isinstance(system, list):
        raise _invalid("system: Input should be a valid list")
    for place, block in enumerate(system):
        _text(block, f"system.{place}", "system")
    return [Message("system", tuple(Text(block["text"]) for block in system))]


def _turns(messages: Any, headers: Mapping[str, str], model: SimModel) -> list[tuple[str, list[Part], int]]:
    """Role, parts and place of each turn; neighbours of one role are one turn, as Anthropic combines them."""
    if not messages:
        raise _invalid("messages: at least one message is required")
    turns: list[tuple[str, list[Part], int]] = []
    for place, message in enumerate(messages):
        if not isinstance(message, dict):
            raise _invalid(f"messages.{place}: Input should be a valid dictionary")
        role = _role(message, place, headers)
        last = place == len(messages) - 1
        parts = _blocks(message, place, role, model, may_be_empty=last and role == "assistant")
        if turns and turns[-1][0] == role:
            turns[-1][1].extend(parts)
        else:
            turns.append((role, parts, place))
    if turns[0][0] != "user":
        raise _invalid('messages: first message must use the "user" role')
    return turns


def _role(message: Mapping[str, Any], place: int, headers: Mapping[str, str]) -> str:
    if "role" not in message:
        raise _invalid(f"messages.{place}.role: Field required")
    role = message["role"]
    if role == "system" and "mid-conversation-system" in headers.get("anthropic-beta", ""):
        return "user" if place else "system"
    if role == "system":
        raise _invalid(
            'messages: Unexpected role "system". The Messages API accepts a top-level `system` '
            'parameter, not "system" as an input message role.'
        )
    if role not in ("user", "assistant"):
        raise _invalid(f"messages.{place}.role: Input should be 'user' or 'assistant'")
    return str(role)


def _blocks(message: Mapping[str, Any], place: int, role: str, model: SimModel, *, may_be_empty: bool) -> list[Part]:
    if "content" not in message:
        raise _invalid(f"messages.{place}.content: Field required")
    content = message["content"]
    if isinstance(content, str):
        content = [{"type": "text", "text": content}] if content else []
    if not isinstance(content, list):
        raise _invalid(f"messages.{place}.content: Input should be a valid list")
    if not content and not may_be_empty:
        raise _invalid(
            f"messages.{place}: all messages must have non-empty content except for the optional "
            "final assistant message"
        )
    parts = [_block(block, f"messages.{place}.content.{number}", role, model) for number, block in enumerate(content)]
    final = parts[-1] if parts else None
    if may_be_empty and isinstance(final, Text) and final.text != final.text.rstrip():
        raise _invalid("messages: final assistant content cannot end with trailing whitespace")
    return parts


def _block(block: Any, path: str, role: str, model: SimModel) -> Part:
    if not isinstance(block, dict):
        raise _invalid(f"{path}: Input should be a valid dictionary")
    kind = block.get("type")
    if kind is None:
        raise _invalid(f"{path}.type: Field required")
    if kind not in _KNOWN_BLOCKS[role]:
        expected = ", ".join(f"'{word}'" for word in _KNOWN_BLOCKS[role])
        raise _invalid(
            f"{path}: Input tag '{kind}' found using 'type' does not match any of the expected tags: {expected}"
        )
    if kind == "text":
        return _text(block, path, "messages")
    if kind in ("image", "document"):
        return _image(block, path, model)
    if kind == "tool_use":
        return _tool_use(block, path)
    if kind == "tool_result":
        return _tool_result(block, path, model)
    return _thought_block(block, path, str(kind), model)


def _text(block: Any, path: str, where: str) -> Text:
    if not isinstance(block, dict) or block.get("type") != "text":
        raise _invalid(f"{path}: Input should be a valid text block")
    if "text" not in block:
        raise _invalid(f"{path}.text.text: Field required")
    if not isinstance(block["text"], str):
        raise _invalid(f"{path}.text.text: Input should be a valid string")
    if not block["text"]:
        raise _invalid(f"{where}: text content blocks must be non-empty")
    if not block["text"].strip():
        raise _invalid(f"{where}: text content blocks must contain non-whitespace text")
    return Text(block["text"])


def _image(block: Mapping[str, Any], path: str, model: SimModel) -> Image:
    source = block.get("source")
    if not isinstance(source, dict):
        raise _invalid(f"{path}.{block['type']}.source: Field required")
    if not model.images:
        raise _invalid(f"{path}: this model does not support images")
    kind = source.get("type")
    if kind == "url" and str(source.get("url", "")).startswith("https://"):
        return Image(url=str(source["url"]))
    if kind == "base64" and isinstance(source.get("data"), str) and source["data"] and source.get("media_type"):
        return Image(media_type=str(source["media_type"]), data=source["data"])
    if kind in ("file", "text"):
        return Image(media_type="text/plain", data=str(source.get("data", "")))
    raise _invalid(
        f"{path}.{block['type']}.source: Input should be a base64 source with media_type and data, or an https url"
    )


def _tool_use(block: Mapping[str, Any], path: str) -> ToolCall:
    for name in ("id", "name", "input"):
        if name not in block:
            raise _invalid(f"{path}.tool_use.{name}: Field required")
    if not isinstance(block["id"], str) or not _ID.match(block["id"]):
        raise _invalid(f"{path}.tool_use.id: String should match pattern '{_ID.pattern}'")
    if not isinstance(block["name"], str) or not _TOOL.match(block["name"]):
        raise _invalid(f"{path}.tool_use.name: String should match pattern '{_TOOL.pattern}'")
    if not isinstance(block["input"], dict):
        raise _invalid(f"{path}.tool_use.input: Input should be a valid dictionary")
    return ToolCall(block["id"], block["name"], json.dumps(block["input"], ensure_ascii=False))


def _tool_result(block: Mapping[str, Any], path: str, model: SimModel) -> ToolResult:
    ident = block.get("tool_use_id")
    if ident is None:
        raise _invalid(f"{path}.tool_result.tool_use_id: Field required")
    if not isinstance(ident, str) or not _ID.match(ident):
        raise _invalid(f"{path}.tool_result.tool_use_id: String should match pattern '{_ID.pattern}'")
    content = block.get("content")
    if isinstance(content, str) or content is None:
        parts: tuple[Part, ...] = (Text(content),) if content else ()
    elif isinstance(content, list):
        where = f"{path}.tool_result.content"
        parts = tuple(_block(item, f"{where}.{number}", "user", model) for number, item in enumerate(content))
    else:
        raise _invalid(f"{path}.tool_result.content: Input should be a valid list")
    shown = tuple(part for part in parts if isinstance(part, (Text, Image)))
    return ToolResult(ident, shown, is_error=block.get("is_error") is True)


def _thought_block(block: Mapping[str, Any], path: str, kind: str, model: SimModel) -> Reasoning:
    if kind == "redacted_thinking":
        if not isinstance(block.get("data"), str):
            raise _invalid(f"{path}.redacted_thinking.data: Field required")
        return Reasoning("", redacted=block["data"])
    for name in ("thinking", "signature"):
        if not isinstance(block.get(name), str):
            raise _invalid(f"{path}.thinking.{name}: Field required")
    if block["signature"] != signature(model.id, block["thinking"]):
        raise _invalid(f"{path}: Invalid `signature` in `thinking` block")
    return Reasoning(block["thinking"], block["signature"])


def _paired(turns: Sequence[tuple[str, list[Part], int]]) -> None:
    """Each tool_use is answered at the start of the next turn, and nothing else is answered there."""
    seen: set[str] = set()
    asked: list[str] = []
    before = 0
    for _, parts, place in turns:
        leading = _leading_results(parts)
        missing = [ident for ident in asked if ident not in leading]
        if missing:
            raise _unanswered(before, missing)
        for number, part in enumerate(parts):
            if isinstance(part, ToolResult) and part.call_id not in asked:
                raise _invalid(
                    f"messages.{place}.content.{number}: unexpected `tool_use_id` found in "
                    f"`tool_result` blocks: {part.call_id}. "
                    "Each `tool_result` block must have a corresponding `tool_use` block in the previous message."
                )
        asked, before = [part.id for part in parts if isinstance(part, ToolCall)], place
        if len(set(asked)) < len(asked) or seen & set(asked):
            raise _invalid("messages: `tool_use` ids must be unique")
        seen.update(asked)
    if asked:
        raise _unanswered(before, asked)


def _leading_results(parts: Sequence[Part]) -> list[str]:
    found = []
    for part in parts:
        if not isinstance(part, ToolResult):
            break
        found.append(part.call_id)
    return found


def _unanswered(place: int, missing: Sequence[str]) -> Refused:
    return _invalid(
        f"messages.{place}: `tool_use` ids were found without `tool_result` blocks immediately "
        f"after: {', '.join(missing)}. "
        "Each `tool_use` block must have a corresponding `tool_result` block in the next message."
    )


def _thought(turns: Sequence[tuple[str, list[Part], int]]) -> None:
    """With thinking on, the turn of a running tool loop must begin with its thinking."""
    if len(turns) < 2 or turns[-1][0] != "user" or turns[-2][0] != "assistant":
        return
    _, parts, place = turns[-2]
    if any(isinstance(part, ToolCall) for part in parts) and not isinstance(parts[0], Reasoning):
        kind = "tool_use" if isinstance(parts[0], ToolCall) else "text"
        raise _invalid(
            f"messages.{place}.content.0.type: Expected `thinking` or `redacted_thinking`, but found `{kind}`. "
            "When `thinking` is enabled, a final `assistant` message must start with a thinking block."
        )


def _tools(body: Mapping[str, Any], model: SimModel) -> tuple[Tool, ...]:
    found = []
    for place, item in enumerate(body.get("tools") or ()):
        if not isinstance(item, dict):
            raise _invalid(f"tools.{place}: Input should be a valid dictionary")
        if item.get("type") not in (None, "custom"):
            continue  # the provider's own tools, such as web_search_20250305: taken, never called here
        path = f"tools.{place}.custom"
        for name in ("name", "input_schema"):
            if name not in item:
                raise _invalid(f"{path}.{name}: Field required")
        if not isinstance(item["name"], str) or not _TOOL.match(item["name"]):
            raise _invalid(f"{path}.name: String should match pattern '{_TOOL.pattern}'")
        schema = item["input_schema"]
        if not isinstance(schema, dict):
            raise _invalid(f"{path}.input_schema: Input should be a valid dictionary")
        if schema.get("type") != "object":
            wrong = "Field required" if "type" not in schema else "Input should be 'object'"
            raise _invalid(f"{path}.input_schema.type: {wrong}")
        found.append(Tool(item["name"], str(item.get("description") or ""), schema))
    if len({tool.name for tool in found}) < len(found):
        raise _invalid("tools: Tool names must be unique.")
    return tuple(found)


def _choice(body: Mapping[str, Any], tools: Sequence[Tool], thinking: bool) -> ToolChoice | None:
    choice = body.get("tool_choice")
    if choice is None:
        return None
    kind = choice.get("type")
    modes = {"auto": "auto", "any": "required", "none": "none", "tool": "named"}
    if kind not in modes:
        raise _invalid(
            f"tool_choice: Input tag '{kind}' found using 'type' does not match any of the "
            "expected tags: 'any', 'auto', 'none', 'tool'"
        )
    if not body.get("tools") and kind != "none":
        raise _invalid(f"tool_choice.{kind}: tool_choice may only be specified while providing tools.")
    if kind == "tool" and not isinstance(choice.get("name"), str):
        raise _invalid("tool_choice.tool.name: Field required")
    if kind == "tool" and choice["name"] not in [tool.name for tool in tools]:
        raise _invalid(f"Tool '{choice['name']}' not found in provided tools")
    if thinking and kind in ("any", "tool"):
        raise _invalid("Thinking may not be enabled when tool_choice forces tool use.")
    parallel = False if choice.get("disable_parallel_tool_use") is True else None
    return ToolChoice(modes[kind], str(choice.get("name") or ""), parallel)  # type: ignore[arg-type]


def _split(turns: Sequence[tuple[str, list[Part], int]]) -> list[Message]:
    """Turns as neutral messages: tool results are turns of their own, and what is said with them comes before."""
    messages = []
    for role, parts, _ in turns:
        results = tuple(part for part in parts if isinstance(part, ToolResult))
        others = tuple(part for part in parts if not isinstance(part, ToolResult))
        if others:
            messages.append(Message(role, others))  # type: ignore[arg-type]
        if results:
            messages.append(Message("tool", results))
    return messages


def _window(model: SimModel, prompt: int, wanted: int) -> None:
    if wanted > model.max_output:
        raise _invalid(
            f"max_tokens: {wanted} > {model.max_output}, which is the maximum allowed number of "
            f"output tokens for {model.id}"
        )
    if prompt > model.window:
        raise _invalid(f"prompt is too long: {prompt} tokens > {model.window} maximum")
    if prompt + wanted > model.window:
        raise _invalid(
            f"input length and `max_tokens` exceed context limit: {prompt} + {wanted} > {model.window}, "
            "decrease input length or `max_tokens` and try again"
        )


def _units(body: Mapping[str, Any]) -> tuple[Unit, ...]:
    """Tools, system and content blocks in the order in which they are cached."""
    system, units = body.get("system"), [_unit(tool, "tool") for tool in body.get("tools") or ()]
    for block in [{"type": "text", "text": system}] if isinstance(system, str) and system else system or ():
        units.append(_unit(block, "system"))
    for message in body["messages"]:
        content = message["content"]
        for block in [{"type": "text", "text": content}] if isinstance(content, str) else content:
            units.append(_unit(block, message["role"]))
    return tuple(units)


def _unit(block: Any, role: str) -> Unit:
    """A block without its breakpoint, which is no part of the prompt; an image counts by a flat rate."""
    mark = isinstance(block, dict) and isinstance(block.get("cache_control"), dict)
    if isinstance(block, dict):
        block = {key: value for key, value in block.items() if key != "cache_control"}
    images: list[Any] = []
    counted = dump([role, _without_images(block, images)])
    content = counted + digest(images).encode() if images else counted
    return Unit(content, tokens(counted) + _IMAGE_TOKENS * len(images), mark)


def _without_images(item: Any, images: list[Any]) -> Any:
    if isinstance(item, dict):
        if item.get("type") in ("image", "document"):
            images.append(item.get("source"))
            return {"type": item["type"]}
        return {key: _without_images(value, images) for key, value in item.items()}
    return [_without_images(value, images) for value in item] if isinstance(item, list) else item


def _invalid(message: str) -> Refused:
    return Refused(400, message)
