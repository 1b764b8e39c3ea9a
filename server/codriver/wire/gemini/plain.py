"""JSON Schema of a schema in Gemini's dialect: for callers' tools on other wires, and for Gemini's own
fields that take JSON Schema."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from codriver.wire.names import camel

Schema = dict[str, Any]


def json_schema(schema: Any) -> Any:
    """JSON Schema of a schema in Gemini's dialect; what is JSON Schema already stays as it is."""
    if isinstance(schema, list):
        return [json_schema(part) for part in schema]
    if not isinstance(schema, Mapping):
        return schema
    plain: Schema = {}
    for name, value in schema.items():
        key = camel(name)
        match key:
            case "type" if isinstance(value, str):
                if value != "TYPE_UNSPECIFIED":
                    plain["type"] = value.lower() if value.isupper() else value
            case "properties" | "$defs" | "definitions" if isinstance(value, Mapping):
                plain[key] = {own: json_schema(part) for own, part in value.items()}
            case "items" | "prefixItems" | "anyOf" | "oneOf" | "allOf" | "additionalProperties":
                plain[key] = json_schema(value)
            case "minItems" | "maxItems" | "minLength" | "maxLength" | "minProperties" | "maxProperties":
                plain[key] = int(value) if isinstance(value, str) and value.isdecimal() else value
            case "nullable" | "propertyOrdering":
                pass
            case "format" if value == "enum":
                pass
            case _:
                plain[key] = value
    return _nullable(plain) if schema.get("nullable") is True else plain


def _nullable(plain: Schema) -> Schema:
    if isinstance(plain.get("anyOf"), list):
        return {**plain, "anyOf": [*plain["anyOf"], {"type": "null"}]}
    if isinstance(plain.get("type"), str):
        plain = {**plain, "type": [plain["type"], "null"]}
        if isinstance(plain.get("enum"), list):
            plain["enum"] = [*plain["enum"], None]
    return plain
