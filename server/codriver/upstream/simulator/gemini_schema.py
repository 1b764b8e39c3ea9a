"""Which schemas Gemini takes: its own dialect word by word, JSON Schema in the fields that are for it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from codriver.upstream.simulator.values import Refused

_TYPES = ("STRING", "NUMBER", "INTEGER", "BOOLEAN", "ARRAY", "OBJECT", "NULL")
_WORDS: Mapping[str, tuple[type, ...]] = {
    "type": (str,), "format": (str,), "title": (str,), "description": (str,), "nullable": (bool,),
    "enum": (list,), "maxItems": (int, str), "minItems": (int, str), "properties": (dict,), "required": (list,),
    "minProperties": (int, str), "maxProperties": (int, str), "minLength": (int, str), "maxLength": (int, str),
    "pattern": (str,), "example": (object,), "anyOf": (list,), "propertyOrdering": (list,), "default": (object,),
    "items": (dict,), "minimum": (int, float), "maximum": (int, float),
}  # fmt: skip
_FORMATS = {"STRING": ("enum", "date-time"), "NUMBER": ("float", "double"), "INTEGER": ("int32", "int64")}
_DEEPEST = 32


def refused(text: str) -> Refused:
    """A 400 in Google's words."""
    return Refused(400, text, code="INVALID_ARGUMENT")


def unknown(name: str, path: str) -> Refused:
    """What Google's parser says to a field it does not know."""
    where = f" at '{path}'" if path else ""
    return refused(f'Invalid JSON payload received. Unknown name "{name}"{where}: Cannot find field.')


def parameters(schema: Any, path: str, name: str) -> None:
    """A function's parameters. Raises Refused."""
    if not isinstance(schema, dict):
        raise refused(f"Invalid value at '{path}' (type.googleapis.com/google.ai.generativelanguage.v1beta.Schema)")
    if str(schema.get("type", "")).upper() != "OBJECT":
        raise refused(
            f"Unable to submit request because `{name}` functionDeclaration parameters schema should be of type OBJECT."
        )
    dialect(schema, path)


def dialect(schema: Any, path: str, depth: int = 0) -> None:
    """One schema in Gemini's own dialect. Raises Refused."""
    if not isinstance(schema, dict):
        raise refused(f"Invalid value at '{path}' (type.googleapis.com/google.ai.generativelanguage.v1beta.Schema)")
    if depth > _DEEPEST:
        raise refused("A schema in the request exceeds the maximum allowed nesting depth.")
    for word, value in schema.items():
        if word not in _WORDS:
            raise unknown(word, path)
        if isinstance(value, list) and list not in _WORDS[word] and object not in _WORDS[word]:
            raise refused(
                f"Invalid JSON payload received. Unknown name \"{word}\" at '{path}': "
                "Proto field is not repeating, cannot start list."
            )
        if not isinstance(value, _WORDS[word]):
            raise refused(f"Invalid value at '{path}.{word}', {value!r}")
    if "anyOf" in schema:
        _choice(schema, path, depth)
        return
    kind = str(schema.get("type", "")).upper()
    if kind not in _TYPES:
        raise refused(f"{path}.type: must be specified when not using one_of, any_of or all_of fields")
    if "format" in schema and schema["format"] not in _FORMATS.get(kind, ()):
        known = " and ".join(f"'{word}'" for word in _FORMATS.get(kind, ("none",)))
        raise refused(f"{path}.format: only {known} are supported for {kind} type")
    _enum(schema, kind, path)
    if kind == "OBJECT":
        _object(schema, path, depth)
    elif kind == "ARRAY":
        if "items" not in schema:
            raise refused(f"{path}.items: missing field.")
        dialect(schema["items"], f"{path}.items", depth + 1)


def _choice(schema: Mapping[str, Any], path: str, depth: int) -> None:
    if len(schema) > 1:
        raise refused(
            f"{path} schema specified other fields alongside any_of. When using any_of, it must be the only field set."
        )
    if not schema["anyOf"]:
        raise refused(f"{path}.any_of: should not be empty")
    for place, part in enumerate(schema["anyOf"]):
        dialect(part, f"{path}.any_of[{place}]", depth + 1)


def _enum(schema: Mapping[str, Any], kind: str, path: str) -> None:
    for place, value in enumerate(schema.get("enum", ())):
        if not isinstance(value, str):
            raise refused(f"Invalid value at '{path}.enum[{place}]' (TYPE_STRING), {value!r}")
        if not value:
            raise refused(f"{path}.enum[{place}]: cannot be empty")
    if schema.get("enum") and kind != "STRING":
        raise refused(f"{path}.enum: only allowed for STRING type")


def _object(schema: Mapping[str, Any], path: str, depth: int) -> None:
    properties = schema.get("properties") or {}
    if not properties:
        raise refused(f"{path}.properties: should be non-empty for OBJECT type")
    for name, part in properties.items():
        dialect(part, f"{path}.properties[{name}]", depth + 1)
    for place, name in enumerate(schema.get("required", ())):
        if name not in properties:
            raise refused(f"{path}.required[{place}]: property is not defined")


def json_schema(schema: Any, path: str, *, parameters: bool = False) -> None:
    """A schema where JSON Schema is taken: what it refers to must be in it. Raises Refused."""
    if not isinstance(schema, dict):
        raise refused(f"Invalid value at '{path}' (google.protobuf.Value), expected an object")
    if parameters and schema.get("type") != "object":
        raise refused(f"{path}: the schema must describe an object")
    _references(schema, schema, path)


def _references(part: Any, root: Mapping[str, Any], path: str) -> None:
    if isinstance(part, list):
        for item in part:
            _references(item, root, path)
    elif isinstance(part, dict):
        reference = part.get("$ref")
        if isinstance(reference, str) and not _found(reference, root):
            raise refused(f"reference to undefined schema at {path}: {reference}")
        for item in part.values():
            _references(item, root, path)


def _found(reference: str, root: Any) -> bool:
    place = root
    for step in reference.removeprefix("#").strip("/").split("/"):
        if step:
            place = place.get(step) if isinstance(place, dict) else None
    return reference.startswith("#") and isinstance(place, dict)
