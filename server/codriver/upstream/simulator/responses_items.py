"""Input items of POST /v1/responses, checked as strictly as OpenAI does, and told as messages.

Encrypted reasoning is only taken back with the key it was made for, under its own id, unchanged.
"""

from __future__ import annotations

import base64
import re
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, Literal

from codriver.model.request import Image, Message, Part, Text, ToolCall, ToolResult
from codriver.upstream.simulator import openai_fields as fields
from codriver.upstream.simulator.values import Refused, digest, dump

_ID_LENGTH = 64
_CALLS = {"function_call": "arguments", "custom_tool_call": "input"}
_RESULTS = {"function_call_output": "function_call", "custom_tool_call_output": "custom_tool_call"}
_STARTS = {"message": "msg", "function_call": "fc", "custom_tool_call": "ctc", "reasoning": "rs"}
_RECORDS = (
    *("web_search_call", "file_search_call", "code_interpreter_call", "image_generation_call"),
    *("computer_call", "computer_call_output", "local_shell_call", "local_shell_call_output"),
    *("shell_call", "shell_call_output", "apply_patch_call", "apply_patch_call_output"),
    *("mcp_list_tools", "mcp_approval_request", "mcp_approval_response", "mcp_call"),
    *("tool_search_call", "tool_search_output", "compaction", "additional_tools"),
)
_TYPES = ("message", *_CALLS, *_RESULTS, "reasoning", "item_reference", *_RECORDS)
_ROLES: tuple[Literal["assistant", "system", "developer", "user"], ...] = ("assistant", "system", "developer", "user")
_PARTS = {"assistant": ("output_text", "refusal"), "": ("input_text", "input_image", "input_file")}
_MADE = "gAAAAsim"
_MARK = 8


def flat_name(group: Any, name: str) -> str:
    """A grouped tool's name where there are no groups."""
    return f"{group}.{name}" if group else name


def stored(ident: str, key: str) -> str:
    """The id of an item that the provider keeps for the holder of this key: it is known by its end."""
    return f"{ident}{digest(ident, key)[:_MARK]}"


def encrypted(ident: str, text: str, key: str) -> str:
    """What stands for the encrypted thinking of an item, for the holder of this key."""
    sealed = base64.urlsafe_b64encode(text.encode("utf-8", "replace")).decode()
    return f"{_MADE}{sealed}.{digest(ident, sealed, key)}"


def messages(listed: Sequence[Any], key: str, *, images: bool) -> list[Message]:
    """The conversation. Raises Refused."""
    told: list[Message] = []
    for place, item in enumerate(listed):
        where = f"input[{place}]"
        fields.typed(item, "an object", where)
        kind = item.get("type") or "message"
        fields.one_of(kind, _TYPES, where)
        _ident(item, kind, where)
        if kind == "reasoning":
            _reasoning(item, listed[place + 1 :], where, key)
        elif kind == "item_reference":
            raise _gone(str(item.get("id")))
        else:
            told += _told(item, kind, where, images=images)
    _answered(listed)
    return told


def _ident(item: Mapping[str, Any], kind: str, where: str) -> None:
    ident, start = item.get("id"), _STARTS.get(kind)
    if ident is None or start is None:
        return
    fields.typed(ident, "a string", f"{where}.id")
    if not ident.startswith(start):
        text = f"Invalid '{where}.id': '{ident}'. Expected an ID that begins with '{start}'."
        raise fields.refused(text, f"{where}.id", "invalid_value")
    if len(ident) > _ID_LENGTH:
        raise _too_long(f"{where}.id", ident)


def _too_long(path: str, value: str) -> Refused:
    text = (
        f"Invalid '{path}': string too long. Expected a string with maximum length {_ID_LENGTH}, "
        f"but got a string with length {len(value)} instead."
    )
    return fields.refused(text, path, "string_above_max_length")


def _reasoning(item: Mapping[str, Any], rest: Sequence[Any], where: str, key: str) -> None:
    fields.typed(fields.required(item, "summary", f"{where}.summary"), "an array", f"{where}.summary")
    ident, sealed = str(item.get("id") or ""), item.get("encrypted_content")
    if sealed is None:
        if ident != stored(ident[:-_MARK], key):
            raise _gone(ident)
        return
    fields.typed(sealed, "a string", f"{where}.encrypted_content")
    body, _, seal = sealed.removeprefix(_MADE).rpartition(".")
    if not sealed.startswith(_MADE) or seal != digest(ident, body, key):
        text = (
            f"The encrypted content for item {ident} could not be verified. "
            "Reason: Encrypted content could not be decrypted or parsed."
        )
        raise fields.refused(text, None, "invalid_encrypted_content")
    following = rest[0] if rest and isinstance(rest[0], dict) else {}
    if following.get("type") not in (*_CALLS, "reasoning", *_RECORDS) and following.get("role") != "assistant":
        text = f"Item '{ident}' of type 'reasoning' was provided without its required following item."
        raise fields.refused(text, "input")


def _gone(ident: str) -> Refused:
    text = (
        f"Item with id '{ident}' not found. Items are not persisted when `store` is set to false. "
        "Try again with `store` set to true, or remove this item from your input."
    )
    return Refused(404, text, param="input")


def _told(item: Mapping[str, Any], kind: str, where: str, *, images: bool) -> Iterator[Message]:
    if kind == "message":
        role = fields.one_of(fields.required(item, "role", f"{where}.role"), _ROLES, f"{where}.role")
        content = fields.required(item, "content", f"{where}.content")
        parts = _content(content, f"{where}.content", role if role == "assistant" else "", images=images)
        yield Message("system" if role == "developer" else role, parts)
    elif kind in _CALLS:
        name = fields.typed(fields.required(item, "name", f"{where}.name"), "a string", f"{where}.name")
        said = str(fields.typed(item.get(_CALLS[kind]), "a string", f"{where}.{_CALLS[kind]}"))
        said = dump({"input": said}).decode() if kind == "custom_tool_call" else said
        yield Message("assistant", (ToolCall(_call_id(item, where), flat_name(item.get("namespace"), name), said),))
    elif kind in _RESULTS:
        output = fields.required(item, "output", f"{where}.output")
        parts = _content(output, f"{where}.output", "", images=images)
        shown = tuple(part for part in parts if isinstance(part, Text | Image))
        yield Message("tool", (ToolResult(_call_id(item, where), shown),))


def _call_id(item: Mapping[str, Any], where: str) -> str:
    ident = fields.typed(fields.required(item, "call_id", f"{where}.call_id"), "a string", f"{where}.call_id")
    if len(ident) > _ID_LENGTH:
        raise _too_long(f"{where}.call_id", ident)
    return str(ident)


def _content(content: Any, path: str, role: str, *, images: bool) -> tuple[Part, ...]:
    if isinstance(content, str):
        return (Text(content),)
    parts: list[Part] = []
    for place, item in enumerate(fields.typed(content, "an array of objects", path)):
        where = f"{path}[{place}]"
        fields.typed(item, "an object", where)
        kind = fields.one_of(fields.required(item, "type", f"{where}.type"), _PARTS[role], where)
        if kind == "input_image":
            parts.append(_image(item, where, images=images))
        elif kind != "input_file":
            name = "refusal" if kind == "refusal" else "text"
            text = item.get(name)
            parts.append(Text(fields.typed(text, "a string", f"{where}.{name}")))
    return tuple(parts)


def _image(item: Mapping[str, Any], where: str, *, images: bool) -> Image:
    if not images:
        raise fields.refused("Invalid content type. input_image is only supported by certain models.", where)
    url = fields.typed(fields.required(item, "image_url", f"{where}.image_url"), "a string", f"{where}.image_url")
    if not re.match(r"https?://|data:image/[\w.+-]+;base64,", url):
        text = f"Invalid '{where}.image_url'. Expected a valid URL, but got a value with an invalid format."
        raise fields.refused(text, f"{where}.image_url", "invalid_image_url")
    return Image(url=url)


def _answered(listed: Sequence[Any]) -> None:
    """Every call has an output behind it, of its own kind, and no output is without its call."""
    calls: dict[str, str] = {}
    outputs: set[str] = set()
    for item in listed:
        kind = item.get("type")
        if kind in _CALLS:
            calls[item["call_id"]] = kind
        elif kind in _RESULTS:
            ident = item["call_id"]
            word = "function call" if kind == "function_call_output" else "custom tool call"
            if calls.get(ident) != _RESULTS[kind]:
                text = f"No tool call found for {word} output with call_id {ident}."
                raise fields.refused(text, "input")
            outputs.add(ident)
    for ident, kind in calls.items():
        if ident not in outputs:
            raise fields.refused(f"No tool output found for {kind.replace('_', ' ')} {ident}.", "input")
