"""What a JSON Schema says, read tolerantly: whatever is not of the form it should have says nothing."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

_TYPES = {
    "string": "STRING", "number": "NUMBER", "integer": "INTEGER", "boolean": "BOOLEAN", "array": "ARRAY",
    "object": "OBJECT", "null": "NULL",
}  # fmt: skip


def joined(beside: Mapping[str, Any], branch: Any) -> Any:
    """A branch with what stood beside the choice; its own words win, properties of both hold."""
    if not isinstance(branch, Mapping):
        return branch
    both = {**beside, **branch}
    if "properties" in beside and "properties" in branch:
        both["properties"] = {**mapped(beside["properties"]), **mapped(branch["properties"])}
        both["required"] = [*listed(beside.get("required")), *listed(branch.get("required"))]
    return both


def kind_of(schema: Mapping[str, Any], values: Iterable[Any]) -> tuple[str, bool]:
    """The one type of a schema in Gemini's words ("" if none is known), and whether null is right too."""
    stated = schema.get("type")
    if isinstance(stated, list):
        stated = stated[0] if stated else None
    if isinstance(stated, str) and (known := _TYPES.get(stated.lower())):
        return ("STRING", True) if known == "NULL" else (known, False)
    if "properties" in schema or "additionalProperties" in schema:
        return "OBJECT", False
    if "items" in schema or "prefixItems" in schema:
        return "ARRAY", False
    kinds = {type_of(value) for value in values if value is not None}
    return (kinds.pop() if len(kinds) == 1 else ""), False


def type_of(value: Any) -> str:
    match value:
        case bool():
            return "BOOLEAN"
        case int():
            return "INTEGER"
        case float():
            return "NUMBER"
        case str():
            return "STRING"
        case _:
            return "ARRAY" if isinstance(value, list) else "OBJECT"


def listed(value: Any) -> list[Any]:
    return value if isinstance(value, list) else []


def names_in(value: Any) -> list[str]:
    return [name for name in listed(value) if isinstance(name, str)]


def mapped(value: Any) -> Mapping[str, Any]:
    return value if isinstance(value, Mapping) else {}
