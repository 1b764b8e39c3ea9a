"""Tool and answer schemas between JSON Schema and Gemini's dialect, a subset of OpenAPI 3.

The dialect knows no references, no type lists, enums of strings only, and refuses any word it does
not know. What it cannot say is said in another way where there is one, else left out and named.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from codriver.wire.gemini.plain import Schema
from codriver.wire.gemini.shapes import joined, kind_of, listed, mapped, names_in, type_of

_FORMATS = {"STRING": {"enum", "date-time"}, "NUMBER": {"float", "double"}, "INTEGER": {"int32", "int64"}}
_BOUNDS = {
    "STRING": ("minLength", "maxLength", "pattern"),
    "NUMBER": ("minimum", "maximum"),
    "INTEGER": ("minimum", "maximum"),
    "ARRAY": ("minItems", "maxItems"),
    "OBJECT": ("minProperties", "maxProperties"),
}
# Words that say nothing about which values are right: dropped without a note.
_SILENT = frozenset(
    {"$schema", "$id", "$anchor", "$comment", "$defs", "definitions", "default", "example", "examples", "readOnly"}
    | {"writeOnly", "deprecated", "strict", "additionalProperties", "externalDocs", "xml", "discriminator"}
)
_HANDLED = frozenset(
    {"type", "title", "description", "nullable", "format", "enum", "const", "properties", "required", "items"}
    | {"prefixItems", "anyOf", "oneOf", "allOf", "$ref", "propertyOrdering", "exclusiveMinimum", "exclusiveMaximum"}
    | {word for words in _BOUNDS.values() for word in words}
)
_SHAPES = ("type", "properties", "items", "prefixItems", "enum", "const", "$ref", "anyOf", "oneOf", "allOf")
_UNROLLED = 3
"""How often one reference may stand inside itself."""
_MOST_NODES, _DEEPEST = 4000, 40


@dataclass(frozen=True, slots=True)
class Dialect:
    """A schema as Gemini takes it; None where nothing of it is left.

    open: it has parts of any shape, which only Gemini's fields for JSON Schema can carry: pass the
    schema through plain.json_schema for those. lost: words whose meaning is gone.
    """

    schema: Schema | None
    open: bool = False
    lost: frozenset[str] = frozenset()


def dialect(schema: Mapping[str, Any], *, parameters: bool = False) -> Dialect:
    """Gemini's form of a JSON Schema. parameters: of a function, whose top is one object without choices.

    A pure function of the schema: the same tools give the same bytes, turn after turn.
    """
    walk = _Walk(schema)
    found = walk.node(_single(schema, walk) if parameters else schema, 0)
    if found is None:
        return Dialect(None, lost=frozenset(walk.lost))
    if parameters and found.get("type") != "OBJECT":
        found = {"type": "OBJECT", "properties": {"input": found}, "required": ["input"]}
    if parameters:
        found.pop("nullable", None)  # arguments are an object, never null: JSON Schema's ["object", "null"] is refused
    if parameters and not found.get("properties") and "additionalProperties" not in found:
        return Dialect(None, lost=frozenset(walk.lost))  # an OBJECT without properties is refused
    return Dialect(found, walk.open, frozenset(walk.lost))


def _single(schema: Mapping[str, Any], walk: _Walk) -> Mapping[str, Any]:
    """A function's parameters without a choice at their top: what any of its branches takes, required where all do."""
    top, _ = walk.merged(schema)
    branches = [walk.merged(part)[0] for word in ("anyOf", "oneOf") for part in listed(top.get(word))]
    shaped = [part for part in branches if isinstance(part.get("properties"), Mapping)]
    whole = {key: value for key, value in top.items() if key not in ("anyOf", "oneOf")}
    if branches:
        walk.lost.add("anyOf")
    if shaped:
        every = {name: part for branch in shaped for name, part in branch["properties"].items()}
        always = set.intersection(*(set(names_in(branch.get("required"))) for branch in shaped))
        whole["properties"] = {**every, **mapped(top.get("properties"))}
        whole["required"] = [*names_in(top.get("required")), *sorted(always)]
    return {**whole, "type": "object"} if "type" not in whole or shaped else whole


@dataclass(slots=True)
class _Walk:
    """One conversion: the root for references, and what was found on the way."""

    root: Mapping[str, Any]
    lost: set[str] = field(default_factory=set)
    open: bool = False
    _nodes: int = 0
    _within: list[str] = field(default_factory=list)

    def node(self, schema: Any, depth: int) -> Schema | None:
        """One schema; None where a recursion was cut: whoever holds it leaves it out."""
        self._nodes += 1
        if self._nodes > _MOST_NODES or depth > _DEEPEST:
            self.lost.add("recursion")
            return None
        if not isinstance(schema, Mapping):
            return self._any({}) if schema is not False else None
        schema, references = self.merged(schema)
        if any(self._within.count(reference) >= _UNROLLED for reference in references):
            self.lost.add("recursion")
            return None
        self.lost |= {key for key in schema if key not in _HANDLED | _SILENT and not key.startswith("x-")}
        self._within += references
        branches = self._branches(schema)
        found = self._choice(schema, branches, depth) if branches else self._plain(schema, depth)
        del self._within[len(self._within) - len(references) :]
        return found

    def merged(self, schema: Any) -> tuple[Mapping[str, Any], list[str]]:
        """The schema with its references and allOf folded in, its own words first; and the references."""
        parts, whole, references = [schema], dict[str, Any](), list[str]()
        while parts and len(references) < _DEEPEST:
            part = mapped(parts.pop(0))
            if isinstance(part.get("$ref"), str):
                references.append(part["$ref"])
                parts.append(self._at(part["$ref"]))
            parts += listed(part.get("allOf"))
            for key, value in part.items():
                if key == "properties":
                    whole[key] = {**mapped(value), **mapped(whole.get(key))}
                elif key == "required":
                    whole[key] = [*listed(whole.get(key)), *listed(value)]
                elif key not in ("allOf", "$ref"):
                    whole.setdefault(key, value)
        return whole, references

    def _at(self, reference: str) -> Any:
        """What a local reference points to; nothing is known of others."""
        place: Any = self.root
        if not reference.startswith("#"):
            self.lost.add("$ref")
            return {}
        for step in reference[1:].strip("/").split("/"):
            name = step.replace("~1", "/").replace("~0", "~")
            if step and isinstance(place, list) and name.isdecimal() and int(name) < len(place):
                place = place[int(name)]
            elif step:
                place = mapped(place).get(name)
        if not isinstance(place, Mapping):
            self.lost.add("$ref")
            return {}
        return place

    def _branches(self, schema: Mapping[str, Any]) -> list[Any]:
        """The choices of a schema: anyOf or oneOf that say a shape, or a list of types."""
        for word in ("anyOf", "oneOf"):
            found = listed(schema.get(word))
            shaped = any(isinstance(part, Mapping) and any(key in part for key in _SHAPES) for part in found)
            if found and (shaped or not any(key in schema for key in _SHAPES if key != word)):
                return found
            if found:
                self.lost.add(word)  # mere conditions on the properties beside them
        types = schema.get("type")
        if isinstance(types, list) and len(types) > 1:
            return [{"type": kind} for kind in types]
        return []

    def _choice(self, schema: Mapping[str, Any], branches: list[Any], depth: int) -> Schema | None:
        """anyOf must stand alone: what stood beside it goes into its branches, null becomes nullable."""
        beside = {key: value for key, value in schema.items() if key not in ("anyOf", "oneOf", "nullable")}
        if isinstance(beside.get("type"), list):
            del beside["type"]
        empty = schema.get("nullable") is True
        found: list[Schema] = []
        for branch in branches:
            if isinstance(branch, Mapping) and branch.get("type") in ("null", "NULL", ["null"]):
                empty = True
                continue
            node = self.node(joined(beside, branch), depth + 1)
            if node is not None and node not in found:
                found += node["anyOf"] if list(node) == ["anyOf"] else [node]
        if not found:
            return None if branches and not empty else self._any(beside)
        if empty:
            found = [{**node, "nullable": True} for node in found]
        return found[0] if len(found) == 1 else {"anyOf": found}

    def _plain(self, schema: Mapping[str, Any], depth: int) -> Schema | None:
        node: Schema = {key: schema[key] for key in ("title", "description") if isinstance(schema.get(key), str)}
        values = [schema["const"]] if "const" in schema else listed(schema.get("enum"))
        kind, empty = kind_of(schema, values)
        if empty or schema.get("nullable") is True or (None in values and len(values) > 1):
            node["nullable"] = True
        values = [value for value in values if value is not None]
        if not kind:
            return self._described(self._any(node), values) if not values else self._mixed(node, values)
        node["type"] = kind
        self._bounded(node, schema, kind)
        match kind:
            case "STRING":
                words = [value for value in values if isinstance(value, str) and value]
                if words and len(words) == len([value for value in values if value != ""]):
                    node["enum"] = list(dict.fromkeys(words))
                elif values:
                    self._described(node, values)
            case "ARRAY":
                return self._array(node, schema, depth)
            case "OBJECT":
                return self._object(node, schema, depth)
            case _ if values:
                self._described(node, values)
        return node

    def _mixed(self, node: Schema, values: list[Any]) -> Schema:
        """An enum over several types: a choice of them."""
        words = [value for value in values if isinstance(value, str) and value]
        others = list(dict.fromkeys(type_of(value) for value in values if not isinstance(value, str)))
        branches: list[Schema] = [{**node, "type": "STRING", "enum": words}] if words else []
        branches += [{**node, "type": kind} for kind in others if kind in ("NUMBER", "INTEGER", "BOOLEAN")]
        for branch in branches[1 if words else 0 :]:
            self._described(branch, [value for value in values if type_of(value) == branch["type"]])
        if not branches:
            return self._described(self._any(node), values)
        return branches[0] if len(branches) == 1 else {"anyOf": branches}

    def _described(self, node: Schema, values: list[Any]) -> Schema:
        """Values that only strings may list are told in words."""
        if values:
            told = f"One of: {', '.join(str(value) for value in values)}."
            node["description"] = f"{node['description']} {told}" if node.get("description") else told
        return node

    def _bounded(self, node: Schema, schema: Mapping[str, Any], kind: str) -> None:
        if str(schema.get("format")) in _FORMATS.get(kind, ()):
            node["format"] = schema["format"]
        elif "format" in schema:
            self.lost.add("format")
        for word in _BOUNDS.get(kind, ()):
            value = schema.get(word)
            if isinstance(value, str if word == "pattern" else int | float) and not isinstance(value, bool):
                node[word] = value
        for word, end, step in (("exclusiveMinimum", "minimum", 1), ("exclusiveMaximum", "maximum", -1)):
            value = schema.get(word)
            value = node.get(end) if value is True else value
            if isinstance(value, int | float) and not isinstance(value, bool) and kind in ("NUMBER", "INTEGER"):
                node[end] = value + step if kind == "INTEGER" else value
                self.lost |= {word} if kind == "NUMBER" else set()

    def _array(self, node: Schema, schema: Mapping[str, Any], depth: int) -> Schema | None:
        items = schema.get("items")
        several = listed(schema.get("prefixItems")) or listed(items)
        if several:  # a tuple: each place has its own type, here any place has any of them
            self.lost.add("prefixItems")
            items = several[0] if len(several) == 1 else {"anyOf": several}
        if not isinstance(items, Mapping):
            node["items"] = {"type": "STRING"}
            return node
        found = self.node(items, depth + 1)
        if found is None:
            return None
        node["items"] = found
        return node

    def _object(self, node: Schema, schema: Mapping[str, Any], depth: int) -> Schema | None:
        found: Schema = {}
        stated = mapped(schema.get("properties"))
        for name, part in stated.items():
            inner = self.node(part, depth + 1)
            if inner is not None:
                found[str(name)] = inner
        more = schema.get("additionalProperties")
        if stated and not found:
            return None  # all of it was recursion
        if isinstance(more, Mapping) and more:
            self.open = True
            node["additionalProperties"] = self.node(more, depth + 1) or {}
        elif not found:
            self.open = True  # the dialect refuses an OBJECT without properties
            if more is True or (more is not False and depth > 0):
                node["additionalProperties"] = True
        if found:
            node["properties"] = found
            if required := [name for name in dict.fromkeys(names_in(schema.get("required"))) if name in found]:
                node["required"] = required
            order = names_in(schema.get("propertyOrdering"))
            if order and sorted(order) == sorted(found):
                node["propertyOrdering"] = order
        return node

    def _any(self, node: Schema) -> Schema:
        """A value of any shape, which the dialect has no word for."""
        self.open = True
        return {key: node[key] for key in ("title", "description") if isinstance(node.get(key), str)}
