"""The content blocks of Anthropic's messages: each kind's rules, and the words of its refusal."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping, Sequence
from typing import Any

from codriver.model.request import Image, Part, Reasoning, Text, ToolCall, ToolResult
from codriver.upstream.simulator.models import SimModel
from codriver.upstream.simulator.values import Refused, digest

TOOL_NAME = re.compile(r"^[a-zA-Z0-9_-]{1,128}$")
_ID = re.compile(r"^[a-zA-Z0-9_-]+$")
_KNOWN_BLOCKS: Mapping[str, Sequence[str]] = {
    "user": ("text", "image", "document", "tool_result"),
    "assistant": ("text", "thinking", "redacted_thinking", "tool_use"),
    "system": ("text",),
}


def signature(model: str, thinking: str) -> str:
    """What a thinking block of this model is signed with, and checked against when it comes back."""
    return f"sim-{digest(thinking, model)}"


def invalid(message: str) -> Refused:
    """A 400 in Anthropic's words."""
    return Refused(400, message)


def read_block(block: Any, path: str, role: str, model: SimModel) -> Part:
    """A content block of a user or assistant turn. Raises Refused."""
    if not isinstance(block, dict):
        raise invalid(f"{path}: Input should be a valid dictionary")
    kind = block.get("type")
    if kind is None:
        raise invalid(f"{path}.type: Field required")
    if kind not in _KNOWN_BLOCKS[role]:
        expected = ", ".join(f"'{word}'" for word in _KNOWN_BLOCKS[role])
        raise invalid(
            f"{path}: Input tag '{kind}' found using 'type' does not match any of the expected tags: {expected}"
        )
    if kind == "text":
        return text_block(block, path, "messages")
    if kind in ("image", "document"):
        return _image(block, path, model)
    if kind == "tool_use":
        return _tool_use(block, path)
    if kind == "tool_result":
        return _tool_result(block, path, model)
    return _thinking(block, path, str(kind), model)


def text_block(block: Any, path: str, where: str) -> Text:
    """A text block with text in it; `where` is what Anthropic names when it is empty. Raises Refused."""
    if not isinstance(block, dict) or block.get("type") != "text":
        raise invalid(f"{path}: Input should be a valid text block")
    if "text" not in block:
        raise invalid(f"{path}.text.text: Field required")
    if not isinstance(block["text"], str):
        raise invalid(f"{path}.text.text: Input should be a valid string")
    if not block["text"]:
        raise invalid(f"{where}: text content blocks must be non-empty")
    if not block["text"].strip():
        raise invalid(f"{where}: text content blocks must contain non-whitespace text")
    return Text(block["text"])


def _image(block: Mapping[str, Any], path: str, model: SimModel) -> Image:
    source = block.get("source")
    if not isinstance(source, dict):
        raise invalid(f"{path}.{block['type']}.source: Field required")
    if not model.images:
        raise invalid(f"{path}: this model does not support images")
    kind = source.get("type")
    if kind == "url" and str(source.get("url", "")).startswith("https://"):
        return Image(url=str(source["url"]))
    if kind == "base64" and isinstance(source.get("data"), str) and source["data"] and source.get("media_type"):
        return Image(media_type=str(source["media_type"]), data=source["data"])
    if kind in ("file", "text"):
        return Image(media_type="text/plain", data=str(source.get("data", "")))
    raise invalid(
        f"{path}.{block['type']}.source: Input should be a base64 source with media_type and data, or an https url"
    )


def _tool_use(block: Mapping[str, Any], path: str) -> ToolCall:
    for name in ("id", "name", "input"):
        if name not in block:
            raise invalid(f"{path}.tool_use.{name}: Field required")
    if not isinstance(block["id"], str) or not _ID.match(block["id"]):
        raise invalid(f"{path}.tool_use.id: String should match pattern '{_ID.pattern}'")
    if not isinstance(block["name"], str) or not TOOL_NAME.match(block["name"]):
        raise invalid(f"{path}.tool_use.name: String should match pattern '{TOOL_NAME.pattern}'")
    if not isinstance(block["input"], dict):
        raise invalid(f"{path}.tool_use.input: Input should be a valid dictionary")
    return ToolCall(block["id"], block["name"], json.dumps(block["input"], ensure_ascii=False))


def _tool_result(block: Mapping[str, Any], path: str, model: SimModel) -> ToolResult:
    ident = block.get("tool_use_id")
    if ident is None:
        raise invalid(f"{path}.tool_result.tool_use_id: Field required")
    if not isinstance(ident, str) or not _ID.match(ident):
        raise invalid(f"{path}.tool_result.tool_use_id: String should match pattern '{_ID.pattern}'")
    content = block.get("content")
    if isinstance(content, str) or content is None:
        parts: tuple[Part, ...] = (Text(content),) if content else ()
    elif isinstance(content, list):
        where = f"{path}.tool_result.content"
        parts = tuple(read_block(item, f"{where}.{number}", "user", model) for number, item in enumerate(content))
    else:
        raise invalid(f"{path}.tool_result.content: Input should be a valid list")
    shown = tuple(part for part in parts if isinstance(part, (Text, Image)))
    return ToolResult(ident, shown, is_error=block.get("is_error") is True)


def _thinking(block: Mapping[str, Any], path: str, kind: str, model: SimModel) -> Reasoning:
    if kind == "redacted_thinking":
        if not isinstance(block.get("data"), str):
            raise invalid(f"{path}.redacted_thinking.data: Field required")
        return Reasoning("", redacted=block["data"])
    for name in ("thinking", "signature"):
        if not isinstance(block.get(name), str):
            raise invalid(f"{path}.thinking.{name}: Field required")
    if block["signature"] != signature(model.id, block["thinking"]):
        raise invalid(f"{path}: Invalid `signature` in `thinking` block")
    return Reasoning(block["thinking"], block["signature"])
