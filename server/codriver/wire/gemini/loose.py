"""Google's servers take a body in more ways than their SDKs write it: snake_case names, and one thing
where a list of things belongs. Hand-written requests use both."""

from __future__ import annotations

import re
from typing import Any, TypeVar

import msgspec

from codriver.errors import RequestRejected
from codriver.wire import jsontext

T = TypeVar("T")
# Names that only a snake_case body has; a schema's or argument's own names are never among them.
_SNAKE = (
    b'"system_instruction"', b'"generation_config"', b'"function_declarations"', b'"function_call"', b'"file_data"',
    b'"function_response"', b'"inline_data"', b'"tool_config"', b'"cached_content"', b'"thought_signature"',
    b'"generate_content_request"', b'"google_search"', b'"code_execution"', b'"url_context"', b'"max_output_tokens"',
    b'"thinking_config"', b'"response_schema"', b'"response_mime_type"', b'"stop_sequences"',
)  # fmt: skip
_LISTS = frozenset({"contents", "parts", "tools", "functionDeclarations"})
_OPAQUE = frozenset({"args", "response", "parameters", "parametersJsonSchema", "responseSchema", "responseJsonSchema"})
"""What belongs to the caller's functions: names in there are nobody's to change."""
_UNDERSCORE = re.compile(r"_([a-z])")


def loosened(decoder: msgspec.json.Decoder[T], body: bytes) -> tuple[T, bytes]:
    """The decoded body and the bytes to go on with: those that came, if they are as the SDKs write them.

    Raises RequestRejected with the position or the field at fault.
    """
    if any(name in body for name in _SNAKE):
        return jsontext.body(decoder, _strict(body))
    try:
        return jsontext.body(decoder, body)
    except RequestRejected as refused:
        strict = _strict(body)
        if strict == body:
            raise
        try:
            return jsontext.body(decoder, strict)
        except RequestRejected:
            raise refused from None


def _strict(body: bytes) -> bytes:
    try:
        return jsontext.encode(_camel(msgspec.json.decode(jsontext.paired(body))))
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        return body  # told by whoever decodes it


def _camel(value: Any) -> Any:
    if isinstance(value, list):
        return [_camel(part) for part in value]
    if not isinstance(value, dict):
        return value
    named: dict[str, Any] = {}
    for key, part in value.items():
        name = _UNDERSCORE.sub(lambda found: found[1].upper(), key)
        part = part if name in _OPAQUE else _camel(part)
        named[name] = [part] if name in _LISTS and isinstance(part, dict) else part
    return named
