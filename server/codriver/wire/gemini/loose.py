"""Google's servers take a body in more ways than one: names in camelCase or snake_case, and one thing
where a list of things belongs. Its own Python SDK mixes both spellings in one body."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any, TypeVar

import msgspec

from codriver.errors import RequestRejected
from codriver.wire import jsontext, names

T = TypeVar("T")
# In some bodies these are also names of the caller's own, which costs time and changes nothing.
_SNAKE = re.compile(
    rb'"(?:system_instruction|generation_config|generate_content_request|google_search|code_execution|url_context|'
    rb"function_(?:declarations|calling_config|call|response)|inline_data|file_(?:data|uri)|mime_type|cached_content|"
    rb"tool_config|allowed_function_names|thought_signature|thinking_(?:config|level|budget)|include_thoughts|"
    rb"max_output_tokens|stop_sequences|candidate_count|parameters_json_schema|"
    rb'response_(?:mime_type|schema|json_schema))"'
)
_LISTS = frozenset({"contents", "parts", "tools", "functionDeclarations"})
_OPAQUE = frozenset({"args", "response", "parameters", "parametersJsonSchema", "responseSchema", "responseJsonSchema"})
"""What belongs to the caller's functions: names in there are nobody's to change."""


def loosened(decoder: msgspec.json.Decoder[T], body: bytes, headers: Mapping[str, str]) -> tuple[T, bytes]:
    """The decoded body, and the bytes to go on with: those that came, but for cut surrogates.

    Raises RequestRejected with the position or the field at fault.
    """
    # Google's SDK for JavaScript, and gemini-cli with it, has but one spelling: its bodies are not searched.
    if "gl-node" not in headers.get("x-goog-api-client", "") and mixed(body):
        return jsontext.body(decoder, strict(body))[0], jsontext.paired(body)
    try:
        return jsontext.body(decoder, body)
    except RequestRejected as refused:
        other = strict(body)
        if other == body:
            raise
        try:
            return jsontext.body(decoder, other)
        except RequestRejected:
            raise refused from None


def mixed(body: bytes) -> bool:
    """Whether some name may be in snake_case."""
    return _SNAKE.search(body) is not None


def strict(body: bytes) -> bytes:
    """The body as the API's reference writes it. What is no JSON stays as it is: whoever decodes it tells."""
    try:
        return jsontext.encode(_camel(msgspec.json.decode(jsontext.paired(body))))
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        return body


def _camel(value: Any) -> Any:
    if isinstance(value, list):
        return [_camel(part) for part in value]
    if not isinstance(value, dict):
        return value
    named: dict[str, Any] = {}
    for key, part in value.items():
        name = names.camel(key)
        part = part if name in _OPAQUE else _camel(part)
        named[name] = [part] if name in _LISTS and isinstance(part, dict) else part
    return named
