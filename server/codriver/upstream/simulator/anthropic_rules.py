"""The rules of POST /v1/messages: from a body to what is asked, or the refusal Anthropic gives."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Literal

from codriver.model.request import (
    Conversation,
    Limits,
    Message,
    Part,
    Reasoning,
    Role,
    Text,
    Tool,
    ToolCall,
    ToolChoice,
    ToolResult,
)
from codriver.upstream.simulator.anthropic_blocks import TOOL_NAME, invalid, read_block, text_block
from codriver.upstream.simulator.anthropic_schema import asked_schema
from codriver.upstream.simulator.models import SimModel
from codriver.upstream.simulator.values import Asked, Refused, Unit, digest, dump, seed, tokens

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
    "output_config": ("a valid dictionary", (dict,)),
}
# Fields of other wires; see openai_fields for why only these.
_FOREIGN_WORDS = (
    "stop max_completion_tokens response_format stream_options frequency_penalty presence_penalty logit_bias n seed "
    "parallel_tool_calls functions function_call logprobs top_logprobs reasoning_effort user prompt suffix input"
)
_FOREIGN = tuple(_FOREIGN_WORDS.split())
_IMAGE_TOKENS = 1600
_BREAKPOINTS = 4


def read(body: Mapping[str, Any], headers: Mapping[str, str], model: SimModel, *, counting: bool = False) -> Asked:
    """What is asked. `counting`: for count_tokens, which needs no max_tokens and has no window. Raises Refused."""
    if not headers.get("anthropic-version"):
        raise invalid("anthropic-version: header is required")
    _fields(body, counting)
    thinking = _thinking(body)
    tools = _tools(body)
    choice = _choice(body, tools, thinking)
    system = _system(body.get("system"))
    turns = _turns(body["messages"], headers, model)
    _paired(turns)
    if thinking and body["thinking"]["type"] == "enabled":  # adaptive thinking asks for none in earlier turns
        _thought(turns)
    units = _units(body)
    if sum(unit.mark for unit in units) > _BREAKPOINTS:
        found = sum(unit.mark for unit in units)
        raise invalid(f"A maximum of {_BREAKPOINTS} blocks with cache_control may be provided. Found {found}.")
    if not counting:
        _window(model, sum(unit.tokens for unit in units), body["max_tokens"])
    return Asked(
        model=model,
        seed=seed(body),
        units=units,
        conversation=Conversation((*system, *_split(turns)), tools, choice),
        limits=Limits(
            max_tokens=body.get("max_tokens"), stop=tuple(body.get("stop_sequences") or ()), schema=asked_schema(body)
        ),
        stream=bool(body.get("stream")),
        thinking=thinking,
    )


def _fields(body: Mapping[str, Any], counting: bool) -> None:
    for name in _FOREIGN:
        if name in body:
            raise invalid(f"{name}: Extra inputs are not permitted")
    for name in ("messages",) if counting else ("max_tokens", "messages"):
        if name not in body:
            raise invalid(f"{name}: Field required")
    for name, (kind, types) in _KINDS.items():
        value = body.get(name)
        required = name in ("max_tokens", "messages") and name in body
        if (value is not None or required) and (
            not isinstance(value, types) or (isinstance(value, bool) and bool not in types)
        ):
            raise invalid(f"{name}: Input should be {kind}")
    if body.get("max_tokens") is not None and body["max_tokens"] < 1:
        raise invalid("max_tokens: Input should be greater than or equal to 1")
    for name in ("temperature", "top_p"):
        if body.get(name) is not None and not 0 <= body[name] <= 1:
            raise invalid(f"{name}: range: 0..1")
    for place, stop in enumerate(body.get("stop_sequences") or ()):
        if not isinstance(stop, str):
            raise invalid(f"stop_sequences.{place}: Input should be a valid string")
        if not stop.strip():
            raise invalid("stop_sequences: each stop sequence must contain non-whitespace")


def _thinking(body: Mapping[str, Any]) -> bool:
    wanted = body.get("thinking")
    if wanted is None:
        return False
    kind = wanted.get("type")
    if kind not in ("enabled", "disabled", "adaptive"):
        raise invalid(
            f"thinking: Input tag '{kind}' found using 'type' does not match any of the expected "
            "tags: 'adaptive', 'disabled', 'enabled'"
        )
    if kind == "disabled":
        return False
    if kind == "enabled":
        budget = wanted.get("budget_tokens")
        if not isinstance(budget, int):
            raise invalid("thinking.enabled.budget_tokens: Field required")
        if budget < 1024:
            raise invalid("thinking.enabled.budget_tokens: Input should be greater than or equal to 1024")
        if budget >= body.get("max_tokens", budget + 1):
            raise invalid(
                "`max_tokens` must be greater than `thinking.budget_tokens`. Please consult our documentation"
            )
    if body.get("temperature") not in (None, 1, 1.0):
        raise invalid("`temperature` may only be set to 1 when thinking is enabled.")
    return True


def _system(system: Any) -> list[Message]:
    if system is None:
        return []
    if isinstance(system, str):
        return [Message("system", (Text(system),))] if system else []
    if not isinstance(system, list):
        raise invalid("system: Input should be a valid list")
    for place, block in enumerate(system):
        text_block(block, f"system.{place}", "system")
    return [Message("system", tuple(Text(block["text"]) for block in system))]


def _turns(messages: Any, headers: Mapping[str, str], model: SimModel) -> list[tuple[Role, list[Part], int]]:
    """Role, parts and place of each turn; neighbours of one role are one turn, as Anthropic combines them.

    System messages in the middle, where a beta allows them, are no turns.
    """
    if not messages:
        raise invalid("messages: at least one message is required")
    turns: list[tuple[Role, list[Part], int]] = []
    for place, message in enumerate(messages):
        if not isinstance(message, dict):
            raise invalid(f"messages.{place}: Input should be a valid dictionary")
        role = _role(message, place, headers)
        last = place == len(messages) - 1
        parts = _blocks(message, place, role, model, may_be_empty=last and role == "assistant")
        if turns and turns[-1][0] == role:
            turns[-1][1].extend(parts)
        elif role != "system":
            turns.append((role, parts, place))
    if not turns or turns[0][0] != "user":
        raise invalid('messages: first message must use the "user" role')
    return turns


def _role(message: Mapping[str, Any], place: int, headers: Mapping[str, str]) -> Role:
    if "role" not in message:
        raise invalid(f"messages.{place}.role: Field required")
    role = message["role"]
    if role == "system" and "mid-conversation-system" in headers.get("anthropic-beta", ""):
        return "system"
    if role == "system":
        raise invalid(
            'messages: Unexpected role "system". The Messages API accepts a top-level `system` '
            'parameter, not "system" as an input message role.'
        )
    if role == "user":
        return "user"
    if role == "assistant":
        return "assistant"
    raise invalid(f"messages.{place}.role: Input should be 'user' or 'assistant'")


def _blocks(message: Mapping[str, Any], place: int, role: str, model: SimModel, *, may_be_empty: bool) -> list[Part]:
    if "content" not in message:
        raise invalid(f"messages.{place}.content: Field required")
    content = message["content"]
    if isinstance(content, str):
        content = [{"type": "text", "text": content}] if content else []
    if not isinstance(content, list):
        raise invalid(f"messages.{place}.content: Input should be a valid list")
    if not content and not may_be_empty:
        raise invalid(
            f"messages.{place}: all messages must have non-empty content except for the optional "
            "final assistant message"
        )
    parts = [
        read_block(block, f"messages.{place}.content.{number}", role, model) for number, block in enumerate(content)
    ]
    final = parts[-1] if parts else None
    if may_be_empty and isinstance(final, Text) and final.text != final.text.rstrip():
        raise invalid("messages: final assistant content cannot end with trailing whitespace")
    return parts


def _paired(turns: Sequence[tuple[Role, list[Part], int]]) -> None:
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
                raise invalid(
                    f"messages.{place}.content.{number}: unexpected `tool_use_id` found in "
                    f"`tool_result` blocks: {part.call_id}. "
                    "Each `tool_result` block must have a corresponding `tool_use` block in the previous message."
                )
        asked, before = [part.id for part in parts if isinstance(part, ToolCall)], place
        if len(set(asked)) < len(asked) or seen & set(asked):
            raise invalid("messages: `tool_use` ids must be unique")
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
    return invalid(
        f"messages.{place}: `tool_use` ids were found without `tool_result` blocks immediately "
        f"after: {', '.join(missing)}. "
        "Each `tool_use` block must have a corresponding `tool_result` block in the next message."
    )


def _thought(turns: Sequence[tuple[Role, list[Part], int]]) -> None:
    """With thinking on, the turn of a running tool loop must begin with its thinking."""
    if len(turns) < 2 or turns[-1][0] != "user" or turns[-2][0] != "assistant":
        return
    _, parts, place = turns[-2]
    if any(isinstance(part, ToolCall) for part in parts) and not isinstance(parts[0], Reasoning):
        kind = "tool_use" if isinstance(parts[0], ToolCall) else "text"
        raise invalid(
            f"messages.{place}.content.0.type: Expected `thinking` or `redacted_thinking`, but found `{kind}`. "
            "When `thinking` is enabled, a final `assistant` message must start with a thinking block."
        )


def _tools(body: Mapping[str, Any]) -> tuple[Tool, ...]:
    found = []
    for place, item in enumerate(body.get("tools") or ()):
        if not isinstance(item, dict):
            raise invalid(f"tools.{place}: Input should be a valid dictionary")
        if item.get("type") not in (None, "custom"):
            continue  # the provider's own tools, such as web_search_20250305: taken, never called here
        path = f"tools.{place}.custom"
        for name in ("name", "input_schema"):
            if name not in item:
                raise invalid(f"{path}.{name}: Field required")
        if not isinstance(item["name"], str) or not TOOL_NAME.match(item["name"]):
            raise invalid(f"{path}.name: String should match pattern '{TOOL_NAME.pattern}'")
        schema = item["input_schema"]
        if not isinstance(schema, dict):
            raise invalid(f"{path}.input_schema: Input should be a valid dictionary")
        if schema.get("type") != "object":
            wrong = "Field required" if "type" not in schema else "Input should be 'object'"
            raise invalid(f"{path}.input_schema.type: {wrong}")
        found.append(Tool(item["name"], str(item.get("description") or ""), schema))
    if len({tool.name for tool in found}) < len(found):
        raise invalid("tools: Tool names must be unique.")
    return tuple(found)


def _choice(body: Mapping[str, Any], tools: Sequence[Tool], thinking: bool) -> ToolChoice | None:
    choice = body.get("tool_choice")
    if choice is None:
        return None
    kind = choice.get("type")
    modes: Mapping[str, Literal["auto", "none", "required", "named"]] = {
        "auto": "auto", "any": "required", "none": "none", "tool": "named",
    }  # fmt: skip
    if kind not in modes:
        raise invalid(
            f"tool_choice: Input tag '{kind}' found using 'type' does not match any of the "
            "expected tags: 'any', 'auto', 'none', 'tool'"
        )
    if not body.get("tools") and kind != "none":
        raise invalid(f"tool_choice.{kind}: tool_choice may only be specified while providing tools.")
    if kind == "tool" and not isinstance(choice.get("name"), str):
        raise invalid("tool_choice.tool.name: Field required")
    if kind == "tool" and choice["name"] not in [tool.name for tool in tools]:
        raise invalid(f"Tool '{choice['name']}' not found in provided tools")
    if thinking and kind in ("any", "tool"):
        raise invalid("Thinking may not be enabled when tool_choice forces tool use.")
    parallel = False if choice.get("disable_parallel_tool_use") is True else None
    return ToolChoice(modes[kind], str(choice.get("name") or ""), parallel)


def _split(turns: Sequence[tuple[Role, list[Part], int]]) -> list[Message]:
    """Turns as neutral messages: tool results are turns of their own, and what is said with them comes before."""
    messages = []
    for role, parts, _ in turns:
        results = tuple(part for part in parts if isinstance(part, ToolResult))
        others = tuple(part for part in parts if not isinstance(part, ToolResult))
        if others:
            messages.append(Message(role, others))
        if results:
            messages.append(Message("tool", results))
    return messages


def _window(model: SimModel, prompt: int, wanted: int) -> None:
    if wanted > model.max_output:
        raise invalid(
            f"max_tokens: {wanted} > {model.max_output}, which is the maximum allowed number of "
            f"output tokens for {model.id}"
        )
    if prompt > model.window:
        raise invalid(f"prompt is too long: {prompt} tokens > {model.window} maximum")
    if prompt + wanted > model.window:
        raise invalid(
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
