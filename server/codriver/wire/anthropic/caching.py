"""Cache marks by position: where a prompt ends that will be sent again, at most four in all.

Marks a caller set are kept byte for byte on this wire; ours come only where there are none. Keys are
never looked for by name: a tool's schema may have a field that is called cache_control.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import msgspec

from codriver.wire import relay

MARK = {"type": "ephemeral"}
MOST = 4
USUAL_FROM = 2048
"""Tokens of a prompt from which marks pay: Anthropic caches from 1,024 on, small models from 4,096."""

_BLOCKS = msgspec.json.Decoder(list[msgspec.Raw])
_CONTENT = msgspec.json.Decoder(list[msgspec.Raw] | str)
_MESSAGES = msgspec.json.Decoder(list[dict[str, msgspec.Raw]])
_KEY = "cache_control"
_NO_MARK = ("thinking", "redacted_thinking")


def mark(body: dict[str, Any]) -> None:
    """Marks a body of ours at the ends of what stays the same: tools, system, the last two user turns."""
    turns: Sequence[dict[str, Any]] = body["messages"]
    users = [turn["content"] for turn in turns if turn["role"] == "user"]
    for blocks in (body.get("tools"), body.get("system"), *users[-2:]):
        if blocks:
            blocks[-1][_KEY] = MARK


def trimmed(body: dict[str, Any]) -> bool:
    """Whether a body of ours has marks of the caller's; more than four are cut to the last four."""
    blocks = [*body.get("system", ()), *(block for turn in body["messages"] for block in turn["content"])]
    marked = [block for block in blocks if _KEY in block]
    for block in marked[:-MOST]:
        del block[_KEY]
    return bool(marked)


def marked(body: bytes) -> bool:
    """Whether a caller's body has marks, on its top, tools, system, turns or the parts of a result."""
    if b'"cache_control"' not in body:
        return False
    parts = relay.fields(body)
    if _KEY in parts:
        return True
    blocks = [*_list(parts.get("tools")), *_list(parts.get("system"))]
    for message in _MESSAGES.decode(parts["messages"]):
        blocks += _list(message.get("content"))
    for raw in blocks:
        block = relay.fields(bytes(raw))
        if _KEY in block or any(_KEY in relay.fields(bytes(part)) for part in _parts(block)):
            return True
    return False


def _list(raw: msgspec.Raw | None) -> list[msgspec.Raw]:
    data = b"" if raw is None else bytes(raw)
    return _BLOCKS.decode(data) if data.startswith(b"[") else []


def _parts(block: Mapping[str, msgspec.Raw]) -> list[msgspec.Raw]:
    """The parts of a tool result, which may be marked as well."""
    return _list(block.get("content")) if bytes(block.get("type", b"")) == b'"tool_result"' else []


def mark_last(raw: bytes) -> object:
    """A caller's tools or system with a mark on the last block; a text becomes a block."""
    content = _CONTENT.decode(raw)
    if isinstance(content, str):
        return [{"type": "text", "text": content, _KEY: MARK}] if content.strip() else msgspec.Raw(raw)
    return _ended(content)


def mark_turns(messages: list[dict[str, Any]]) -> None:
    """Marks the last two user turns of a caller's messages, whose contents are raw."""
    users = [message for message in messages if bytes(message["role"]) == b'"user"']
    for message in users[-2:]:
        message["content"] = mark_last(bytes(message["content"]))


def _ended(blocks: Sequence[msgspec.Raw]) -> object:
    if not blocks:
        return blocks
    last: dict[str, object] = {**relay.fields(bytes(blocks[-1])), _KEY: MARK}
    return [*blocks[:-1], last]
