"""What a provider's error body says: half a dozen shapes, read tolerantly, never raising."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

_MESSAGE_LENGTH = 600


@dataclass(frozen=True, slots=True)
class Said:
    """What an error body says: its words, its machine-readable names, the field at fault."""

    message: str = ""
    names: str = ""
    field: str = ""


def said_in(body: bytes) -> Said:
    """What the body says, in any of the shapes in use; a text that is not JSON speaks for itself."""
    try:
        content = json.loads(body)
    except (ValueError, RecursionError):
        return Said(_plain(body))
    if isinstance(content, list) and content:  # Gemini wraps a stream's error in a list
        content = content[0]
    if not isinstance(content, dict):
        return Said(_squeeze(str(content)) if content else "")
    outer: dict[str, Any] = content
    error = outer.get("error", outer.get("base_resp"))
    inner: dict[str, Any] = error if isinstance(error, dict) else outer
    message = next(_messages(error, inner, outer), "")
    names = " ".join(str(inner[name]) for name in ("code", "type", "status", "error_code") if inner.get(name))
    details = inner.get("details")
    for detail in details if isinstance(details, list) else ():
        if isinstance(detail, dict) and detail.get("reason"):
            names += f" {detail['reason']}"
    field = inner.get("param") or _location(outer.get("detail"))
    return Said(_squeeze(message), names, field if isinstance(field, str) else "")


def _messages(error: object, inner: dict[str, Any], outer: dict[str, Any]) -> Iterator[str]:
    """Candidates for the text, the best first. OpenRouter hides the provider's own words in metadata."""
    metadata = inner.get("metadata")
    raw = metadata.get("raw") if isinstance(metadata, dict) else None
    message = inner.get("message")
    if isinstance(raw, str) and raw and isinstance(message, str):
        yield f"{message}: {raw}"
    if isinstance(error, str):
        yield error
    for found in (message, inner.get("status_msg"), inner.get("error_msg"), outer.get("detail"), outer.get("errors")):
        if isinstance(found, str) and found:
            yield found
        elif isinstance(found, list) and found:
            yield "; ".join(str(item.get("msg", item)) if isinstance(item, dict) else str(item) for item in found)
        elif found:
            yield json.dumps(found)


def _location(detail: object) -> str:
    """FastAPI's [{"loc": ["body", "messages", 0]}] as messages.0."""
    if isinstance(detail, list) and detail and isinstance(detail[0], dict):
        where = detail[0].get("loc")
        if isinstance(where, list):
            return ".".join(str(step) for step in where if step != "body")
    return ""


def _plain(body: bytes) -> str:
    text = body.decode("utf-8", "replace")
    if "<" in text and re.search(r"<(!doctype|html|head|body)\b", text, re.IGNORECASE):
        title = re.search(r"<(title|h1)[^>]*>(.*?)</\1", text, re.IGNORECASE | re.DOTALL)
        text = f"a web page titled {title[2].strip()!r}" if title else "a web page"
    return _squeeze(text)


def _squeeze(text: str) -> str:
    text = " ".join(text.split())
    return text if len(text) <= _MESSAGE_LENGTH else text[:_MESSAGE_LENGTH] + "…"
