"""JSON Schema, the part models meet: a value that conforms, and whether a value does."""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Mapping, Sequence
from typing import Any

Suggest = Callable[[str, Mapping[str, Any]], Sequence[Any]]
"""Candidates for a property of this name and schema, best first."""

_DEPTH = 6
_TYPES: Mapping[str, type | tuple[type, ...]] = {
    "object": Mapping,
    "array": list,
    "string": str,
    "boolean": bool,
    "integer": int,
    "number": (int, float),
    "null": type(None),
}
_FORMATS = {
    "date": "2024-05-17",
    "date-time": "2024-05-17T09:30:00Z",
    "time": "09:30:00Z",
    "duration": "PT5M",
    "email": "someone@example.com",
    "hostname": "example.com",
    "ipv4": "127.0.0.1",
    "ipv6": "::1",
    "uri": "https://example.com/simulated",
    "uuid": "5f8b1c3e-0d2a-4b6f-9c7e-1a2b3c4d5e6f",
}
_PATTERNED = ("simulated", "example", "a", "A", "1", "0", "12", "123", "a1", "A1", "x-1", "main.py", "/a/b")
_PATTERNED_TOO = ("2024-05-17", "09:30", "1.0.0", "#336699", "someone@example.com", "https://example.com", "en-US")


def nothing(name: str, schema: Mapping[str, Any]) -> Sequence[Any]:
    """No suggestions."""
    return ()


def fill(schema: Any, suggest: Suggest = nothing) -> Any:
    """A plausible value of this schema: required properties, and optional ones that `suggest` knows."""
    return _fill(schema, suggest, schema, "", 0)


def accepts(schema: Any, value: Any) -> bool:
    """Whether the value conforms. Unknown words are passed over."""
    return _accepts(schema, value, schema, 0)


def resolve(schema: Any, root: Any) -> Mapping[str, Any]:
    """The schema behind a local `$ref`, with `allOf` and the `$ref`'s siblings merged in."""
    for _ in range(_DEPTH):
        if not isinstance(schema, Mapping):
            return {}
        if "$ref" in schema:
            target = _pointer(root, str(schema["$ref"]))
            schema = {**target, **{key: item for key, item in schema.items() if key != "$ref"}}
        elif isinstance(schema.get("allOf"), list):
            merged: dict[str, Any] = {key: item for key, item in schema.items() if key != "allOf"}
            for part in schema["allOf"]:
                _merge(merged, resolve(part, root))
            schema = merged
        else:
            return schema
    return {}


def _pointer(root: Any, ref: str) -> Mapping[str, Any]:
    node = root
    for step in ref.removeprefix("#").strip("/").split("/") if ref.startswith("#/") else ():
        node = node.get(step.replace("~1", "/").replace("~0", "~"), {}) if isinstance(node, Mapping) else {}
    return node if isinstance(node, Mapping) else {}


def _merge(into: dict[str, Any], part: Mapping[str, Any]) -> None:
    for key, item in part.items():
        if key == "properties" and isinstance(into.get(key), Mapping):
            into[key] = {**into[key], **item}
        elif key == "required" and isinstance(into.get(key), list):
            into[key] = [*into[key], *(name for name in item if name not in into[key])]
        else:
            into.setdefault(key, item)


def _kind(schema: Mapping[str, Any]) -> str:
    kind = schema.get("type")
    if isinstance(kind, list):
        kind = next((name for name in kind if name != "null"), "null")
    if isinstance(kind, str):
        return kind
    if "properties" in schema or "additionalProperties" in schema:
        return "object"
    return "array" if "items" in schema or "prefixItems" in schema else "string"


def _fill(schema: Any, suggest: Suggest, root: Any, name: str, depth: int) -> Any:
    schema = resolve(schema, root)
    for candidate in suggest(name, schema) if name else ():
        if _accepts(schema, candidate, root, depth):
            return candidate
    if "const" in schema:
        return schema["const"]
    for key in ("enum", "examples"):
        if isinstance(schema.get(key), list) and schema[key] and schema[key][0] is not None:
            return schema[key][0]
    if "default" in schema and _accepts(schema, schema["default"], root, depth):
        return schema["default"]
    for key in ("anyOf", "oneOf"):
        options = [resolve(option, root) for option in schema.get(key) or ()]
        if options:
            chosen = next((option for option in options if option.get("type") != "null"), options[0])
            rest = {word: item for word, item in schema.items() if word != key}
            return _fill({**rest, **chosen}, suggest, root, name, depth + 1)
    return _FILLERS.get(_kind(schema), _string)(schema, suggest, root, name, depth)


def _object(schema: Mapping[str, Any], suggest: Suggest, root: Any, name: str, depth: int) -> Any:
    properties = schema.get("properties") or {}
    required = [key for key in schema.get("required") or () if isinstance(key, str)]
    filled = {}
    for key, part in properties.items():
        if key in required and depth < 4 * _DEPTH:
            filled[key] = _fill(part, suggest, root, key, depth + 1)
        elif depth < _DEPTH:
            shape = resolve(part, root)
            known = [item for item in suggest(key, shape) if _accepts(shape, item, root, depth)]
            filled.update({key: known[0]} if known else {})
    extra = schema.get("additionalProperties")
    for key in (key for key in required if key not in properties):
        filled[key] = _fill(extra if isinstance(extra, Mapping) else {}, suggest, root, key, depth + 1)
    return filled


def _array(schema: Mapping[str, Any], suggest: Suggest, root: Any, name: str, depth: int) -> Any:
    first = list(schema.get("prefixItems") or ())
    least = int(schema.get("minItems") or 0)
    wanted = max(least, len(first)) if depth >= _DEPTH else max(least, len(first), 1)
    wanted = min(wanted, int(schema.get("maxItems", wanted)))
    shapes = [first[place] if place < len(first) else schema.get("items", {}) for place in range(wanted)]
    items = [_fill(shape, suggest, root, "", depth + 1) for shape in shapes]
    if schema.get("uniqueItems"):
        items = [_distinct(item, place, resolve(shapes[place], root)) for place, item in enumerate(items)]
    return items


def _distinct(item: Any, place: int, shape: Mapping[str, Any]) -> Any:
    options = shape.get("enum")
    if isinstance(options, list) and place < len(options):
        return options[place]
    if isinstance(item, str) and place:
        return f"{item} {place}"
    return item + place if isinstance(item, (int, float)) and not isinstance(item, bool) else item


def _string(schema: Mapping[str, Any], suggest: Suggest, root: Any, name: str, depth: int) -> Any:
    least, most = int(schema.get("minLength") or 0), int(schema.get("maxLength", 1 << 30))
    pattern = schema.get("pattern")
    if isinstance(pattern, str):
        return next((text for text in (*_PATTERNED, *_PATTERNED_TOO) if _accepts(schema, text, root, 0)), "simulated")
    text = _FORMATS.get(str(schema.get("format")), "simulated")
    return text.ljust(least, "é")[:most] if least else text[:most]


def _number(schema: Mapping[str, Any], suggest: Suggest, root: Any, name: str, depth: int) -> Any:
    whole = _kind(schema) == "integer"
    step = schema.get("multipleOf") or (1 if whole else 0.5)
    low, high = _bound(schema, "minimum", -math.inf), _bound(schema, "maximum", math.inf)
    above, below = _bound(schema, "exclusiveMinimum", -math.inf), _bound(schema, "exclusiveMaximum", math.inf)
    least, most = max(low, above + step), min(high, below - step)
    value = min(max(1.0, least), most) if least <= most else (max(low, above) + min(high, below)) / 2
    if whole or "multipleOf" in schema:
        value = math.floor(value / step) * step
        value += step if value < low or value <= above else 0
    return int(value) if whole or float(value).is_integer() else value


def _bound(schema: Mapping[str, Any], word: str, absent: float) -> float:
    """A numeric bound; old drafts put a boolean here, which bounds nothing by itself."""
    value = schema.get(word)
    return float(value) if _is_number(value) and value is not None else absent


_FILLERS: Mapping[str, Callable[[Mapping[str, Any], Suggest, Any, str, int], Any]] = {
    "object": _object,
    "array": _array,
    "string": _string,
    "integer": _number,
    "number": _number,
    "boolean": lambda *_: True,
    "null": lambda *_: None,
}


def _is_number(value: Any) -> bool:
    return isinstance(value, (int, float)) and not isinstance(value, bool)


def _is_type(value: Any, name: str) -> bool:
    if name in ("integer", "number") and isinstance(value, bool):
        return False
    if name == "integer" and isinstance(value, float):
        return value.is_integer()
    return isinstance(value, _TYPES.get(name, object))


def _accepts(schema: Any, value: Any, root: Any, depth: int) -> bool:
    if isinstance(schema, bool):
        return schema
    schema = resolve(schema, root)
    kinds = schema.get("type")
    kinds = kinds if isinstance(kinds, list) else [kinds] if isinstance(kinds, str) else []
    if kinds and not any(_is_type(value, kind) for kind in kinds):
        return False
    if "const" in schema and schema["const"] != value:
        return False
    if isinstance(schema.get("enum"), list) and value not in schema["enum"]:
        return False
    for key in ("anyOf", "oneOf"):
        if schema.get(key) and not any(_accepts(option, value, root, depth + 1) for option in schema[key]):
            return False
    return _within(schema, value, root, depth)


def _within(schema: Mapping[str, Any], value: Any, root: Any, depth: int) -> bool:
    if isinstance(value, str):
        pattern = schema.get("pattern")
        length = int(schema.get("minLength") or 0) <= len(value) <= schema.get("maxLength", math.inf)
        return length and not (isinstance(pattern, str) and not _search(pattern, value))
    if _is_number(value):
        low, high = schema.get("minimum", -math.inf), schema.get("maximum", math.inf)
        above, below = schema.get("exclusiveMinimum"), schema.get("exclusiveMaximum")
        inside = (not _is_number(above) or value > above) and (not _is_number(below) or value < below)
        step = schema.get("multipleOf")
        return bool(low <= value <= high and inside and (not step or math.isclose(value / step, round(value / step))))
    if isinstance(value, list):
        count = int(schema.get("minItems") or 0) <= len(value) <= schema.get("maxItems", math.inf)
        return count and all(_accepts(schema.get("items", True), item, root, depth + 1) for item in value)
    if isinstance(value, Mapping):
        properties = schema.get("properties") or {}
        if any(key not in value for key in schema.get("required") or ()):
            return False
        extra = schema.get("additionalProperties", True)
        return all(_accepts(properties.get(key, extra), item, root, depth + 1) for key, item in value.items())
    return True


def _search(pattern: str, value: str) -> bool:
    try:
        return re.search(pattern, value) is not None
    except re.error:
        return True
