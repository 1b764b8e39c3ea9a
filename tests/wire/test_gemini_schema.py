"""Tool schemas in Gemini's dialect, word by word (W32, T27, T28, B9), judged by the simulator's own rules."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from codriver.upstream.simulator import gemini_schema as google
from codriver.upstream.simulator.gemini_rules import plain as filled
from codriver.wire.gemini.plain import json_schema
from codriver.wire.gemini.schema import dialect

STRING = {"type": "STRING"}
NODE = {"type": "object", "properties": {"value": {"type": "string"}, "next": {"$ref": "#/$defs/node"}}}


def one(schema: Any) -> Any:
    """What becomes of the schema of a function's one parameter."""
    found = dialect({"type": "object", "properties": {"p": schema}}, parameters=True)
    assert found.schema is not None
    if not found.open:
        google.parameters(found.schema, "parameters", "f")
    else:
        google.json_schema(json_schema(found.schema), "parametersJsonSchema", parameters=True)
    return found.schema["properties"]["p"]


def lost(schema: Any) -> set[str]:
    return set(dialect({"type": "object", "properties": {"p": schema}}, parameters=True).lost)


MAPPED: list[tuple[str, Any, Any]] = [
    ("$schema", {"$schema": "http://json-schema.org/draft-07/schema#", "type": "string"}, STRING),
    ("additionalProperties", {"type": "object", "properties": {"a": {"type": "string"}}, "additionalProperties": False},
     {"type": "OBJECT", "properties": {"a": STRING}}),
    ("propertyNames", {"type": "object", "properties": {"a": {"type": "string"}}, "propertyNames": {"pattern": "^a"}},
     {"type": "OBJECT", "properties": {"a": STRING}}),
    ("patternProperties", {"type": "object", "properties": {"a": {"type": "string"}}, "patternProperties": {"x": {}}},
     {"type": "OBJECT", "properties": {"a": STRING}}),
    ("exclusiveMinimum of integers", {"type": "integer", "exclusiveMinimum": 0, "exclusiveMaximum": 9},
     {"type": "INTEGER", "minimum": 1, "maximum": 8}),
    ("exclusiveMinimum of numbers", {"type": "number", "exclusiveMinimum": 0.5}, {"type": "NUMBER", "minimum": 0.5}),
    ("exclusiveMinimum of draft 4", {"type": "integer", "minimum": 3, "exclusiveMinimum": True},
     {"type": "INTEGER", "minimum": 4}),
    ("const word", {"const": "x"}, {"type": "STRING", "enum": ["x"]}),
    ("const number", {"const": 5}, {"type": "INTEGER", "description": "One of: 5."}),
    ("unknown format", {"type": "string", "format": "uri"}, STRING),
    ("known format", {"type": "string", "format": "date-time"}, {"type": "STRING", "format": "date-time"}),
    ("numeric enum", {"type": "integer", "enum": [1, 2], "description": "How many."},
     {"type": "INTEGER", "description": "How many. One of: 1, 2."}),
    ("mixed enum", {"enum": ["a", 1]},
     {"anyOf": [{"type": "STRING", "enum": ["a"]}, {"type": "INTEGER", "description": "One of: 1."}]}),
    ("empty enum", {"type": "string", "enum": []}, STRING),
    ("empty word in an enum", {"type": "string", "enum": ["", "a"]}, {"type": "STRING", "enum": ["a"]}),
    ("null in an enum", {"type": ["string", "null"], "enum": ["a", None]},
     {"type": "STRING", "enum": ["a"], "nullable": True}),
    ("type list with null", {"type": ["string", "null"]}, {"type": "STRING", "nullable": True}),
    ("type list", {"type": ["string", "integer"]}, {"anyOf": [STRING, {"type": "INTEGER"}]}),
    ("anyOf with null", {"anyOf": [{"type": "string"}, {"type": "null"}], "description": "d", "default": None},
     {"type": "STRING", "description": "d", "nullable": True}),
    ("anyOf beside siblings", {"anyOf": [{"type": "string"}, {"type": "array"}], "description": "d"},
     {"anyOf": [{"type": "STRING", "description": "d"},
                {"type": "ARRAY", "description": "d", "items": STRING}]}),
    ("oneOf", {"oneOf": [{"type": "string"}, {"type": "boolean"}]}, {"anyOf": [STRING, {"type": "BOOLEAN"}]}),
    ("anyOf of conditions", {"type": "object", "properties": {"a": {"type": "string"}}, "anyOf": [{"required": ["a"]}]},
     {"type": "OBJECT", "properties": {"a": STRING}}),
    ("allOf", {"allOf": [{"type": "object", "properties": {"a": {"type": "string"}}},
                         {"properties": {"b": {"type": "string"}}, "required": ["b"]}]},
     {"type": "OBJECT", "properties": {"b": STRING, "a": STRING}, "required": ["b"]}),
    ("array without items", {"type": "array"}, {"type": "ARRAY", "items": STRING}),
    ("prefixItems", {"type": "array", "prefixItems": [{"type": "string"}, {"type": "integer"}]},
     {"type": "ARRAY", "items": {"anyOf": [STRING, {"type": "INTEGER"}]}}),
    ("uniqueItems", {"type": "array", "items": {"type": "string"}, "uniqueItems": True},
     {"type": "ARRAY", "items": STRING}),
    ("required of absent properties", {"type": "object", "properties": {"a": {"type": "string"}}, "required": ["b", "a"]},
     {"type": "OBJECT", "properties": {"a": STRING}, "required": ["a"]}),
    ("vendor keys", {"type": "string", "x-google-thing": 1, "x-order": 2}, STRING),
    ("type missing, by properties", {"properties": {"a": {"type": "string"}}},
     {"type": "OBJECT", "properties": {"a": STRING}}),
    ("null alone", {"type": "null"}, {"type": "STRING", "nullable": True}),
    ("lengths", {"type": "string", "minLength": 1, "maxLength": 4, "pattern": "^a"},
     {"type": "STRING", "minLength": 1, "maxLength": 4, "pattern": "^a"}),
]  # fmt: skip


@pytest.mark.parametrize(("schema", "expected"), [row[1:] for row in MAPPED], ids=[row[0] for row in MAPPED])
def test_w32_each_word_is_mapped_or_stripped(schema: Any, expected: Any) -> None:
    assert one(schema) == expected


@pytest.mark.parametrize(
    "schema", [{}, True, {"type": "object"}, {"type": "object", "additionalProperties": {"type": "integer"}}]
)
def test_w32_what_the_dialect_cannot_say_goes_as_json_schema(schema: Any) -> None:
    found = dialect({"type": "object", "properties": {"p": schema, "q": {"type": "string"}}}, parameters=True)
    assert found.open and found.schema is not None
    told = json_schema(found.schema)
    assert told["type"] == "object" and told["properties"]["q"] == {"type": "string"}
    if isinstance(schema, dict) and "type" in schema:
        assert told["properties"]["p"]["type"] == "object"
        assert told["properties"]["p"]["additionalProperties"] == schema.get("additionalProperties", True)


@pytest.mark.parametrize(
    "schema",
    [{}, {"type": "object"}, {"type": "object", "properties": {}}, {"type": "object", "additionalProperties": False}],
)
def test_agents4_a_function_without_parameters_has_none(schema: Any) -> None:
    """T28: an OBJECT without properties is refused; five agents send one."""
    assert dialect(schema, parameters=True).schema is None


@pytest.mark.parametrize(
    "schema",
    [
        {"type": ["object", "null"], "properties": {"a": {"type": "string"}}},
        {"type": "object", "nullable": True, "properties": {"a": {"type": "string"}}},
        {"anyOf": [{"type": "object", "properties": {"a": {"type": "string"}}}, {"type": "null"}]},
        {"type": ["object", "null"], "properties": {"a": {}}},
        {"enum": [None, None], "type": None, "properties": {"a": {}}},
    ],
    ids=["type list", "nullable", "anyOf", "open", "by enum"],
)
def test_w32_arguments_that_may_be_null_are_an_object(schema: Any) -> None:
    """A function's arguments are an object for Google, in its dialect as in JSON Schema; a property may be null."""
    found = dialect(schema, parameters=True)
    assert found.schema is not None and found.schema["type"] == "OBJECT" and "nullable" not in found.schema
    assert json_schema(found.schema)["type"] == "object"
    assert one(schema).get("nullable") is True


def test_w32_references_are_inlined_and_recursion_ends() -> None:
    found = dialect({"$defs": {"node": NODE}, "$ref": "#/$defs/node", "required": ["next"]}, parameters=True)
    assert found.schema is not None and "recursion" in found.lost
    google.parameters(found.schema, "parameters", "f")
    depth, node = 0, found.schema
    while "next" in node["properties"]:
        depth, node = depth + 1, node["properties"]["next"]
    assert depth == 3 and node == {"type": "OBJECT", "properties": {"value": STRING}}


def test_w32_recursion_through_arrays_unions_and_all_of_ends() -> None:
    tree = {
        "type": "object",
        "properties": {
            "kids": {"type": "array", "items": {"$ref": "#"}},
            "either": {"anyOf": [{"$ref": "#"}, {"type": "string"}]},
            "both": {"allOf": [{"$ref": "#"}]},
            "name": {"type": "string"},
        },
    }
    found = dialect(tree, parameters=True)
    assert found.schema is not None and "recursion" in found.lost
    google.parameters(found.schema, "parameters", "f")


def test_w32_a_choice_at_the_top_becomes_one_object() -> None:
    either = [
        {"type": "object", "properties": {"a": {"type": "string"}, "c": {"type": "string"}}, "required": ["a", "c"]},
        {"$ref": "#/$defs/b"},
    ]
    other = {"type": "object", "properties": {"b": {"type": "string"}, "c": {"type": "string"}}, "required": ["b", "c"]}
    found = dialect({"anyOf": either, "$defs": {"b": other}}, parameters=True)
    assert found.schema == {"type": "OBJECT", "properties": {"a": STRING, "c": STRING, "b": STRING}, "required": ["c"]}


def test_t27_lost_constraints_are_named() -> None:
    assert lost({"type": "array", "items": {"type": "string", "format": "uri"}, "uniqueItems": True}) == {
        "format",
        "uniqueItems",
    }
    assert lost({"type": "string", "default": "x", "examples": ["y"], "x-a": 1, "$comment": "z"}) == set()


def test_d6_the_same_schema_gives_the_same_bytes() -> None:
    schema = {"type": "object", "properties": {"b": {"enum": ["y", "x"]}, "a": {"type": ["null", "integer"]}}}
    assert repr(dialect(schema, parameters=True)) == repr(dialect(dict(schema), parameters=True))


BACK: list[tuple[Any, Any]] = [
    ({"type": "STRING", "nullable": True}, {"type": ["string", "null"]}),
    (
        {"type": "STRING", "enum": ["a"], "format": "enum", "nullable": True},
        {"type": ["string", "null"], "enum": ["a", None]},
    ),
    ({"any_of": [{"type": "STRING"}], "nullable": True}, {"anyOf": [{"type": "string"}, {"type": "null"}]}),
    (
        {"type": "OBJECT", "properties": {"min_items": {"type": "ARRAY", "items": STRING, "min_items": "2"}}},
        {"type": "object", "properties": {"min_items": {"type": "array", "items": {"type": "string"}, "minItems": 2}}},
    ),
    ({"type": "object", "properties": {"a": {"const": 1}}}, {"type": "object", "properties": {"a": {"const": 1}}}),
]


@pytest.mark.parametrize(("schema", "expected"), BACK)
def test_the_dialect_is_read_back_as_json_schema(schema: Any, expected: Any) -> None:
    assert json_schema(schema) == expected


@pytest.mark.parametrize("schema", [row[1] for row in MAPPED], ids=[row[0] for row in MAPPED])
def test_there_and_back_and_there_is_there(schema: Any) -> None:
    once = dialect({"type": "object", "properties": {"p": schema}}, parameters=True)
    twice = dialect(json_schema(once.schema), parameters=True)
    assert twice.schema == once.schema and twice.open == once.open


WORDS = st.sampled_from(
    ["type", "properties", "items", "anyOf", "oneOf", "allOf", "enum", "const", "$ref", "required", "format", "nullable",
     "additionalProperties", "prefixItems", "exclusiveMinimum", "minItems", "description", "not", "x-y", "$defs"]
)  # fmt: skip
SCALARS = (
    st.none()
    | st.booleans()
    | st.integers(-2, 9)
    | st.sampled_from(
        ["string", "object", "array", "integer", "null", "#", "#/$defs/a", "#/properties/a", "", "enum", "zzz"]
    )
)
ANYTHING = st.recursive(
    SCALARS,
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(WORDS, inner, max_size=4)
        | st.dictionaries(st.sampled_from(["a", "b"]), inner, max_size=2)
    ),
    max_leaves=14,
)


@settings(max_examples=200, deadline=None)
@given(st.dictionaries(WORDS, ANYTHING, max_size=5))
@example({"enum": [None, None], "type": None, "properties": {"type": None}})
@example({"type": ["object", "null"], "properties": {"type": {}}})
def test_any_schema_becomes_one_that_google_takes(schema: dict[str, Any]) -> None:
    for parameters in (True, False):
        found = dialect(schema, parameters=parameters)
        if found.schema is None:
            continue
        if found.open:
            google.json_schema(json_schema(found.schema), "schema", parameters=parameters)
        elif parameters:
            google.parameters(found.schema, "schema", "f")
        else:
            google.dialect(found.schema, "schema")
        assert filled(found.schema) is not None
