"""What the simulated models say: code that is really edited, calls that fit their schemas, holes that get filled."""

from __future__ import annotations

import ast
import json
import re
import textwrap
from collections.abc import Mapping
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from codriver.model.events import Reply
from codriver.upstream.simulator import answers, anthropic, completions, edits, fill, openai, schema, shipped
from codriver.upstream.simulator.values import Refused, pieces

MODELS = {model.id: model for model in shipped()}
TEXT = {"type": "string"}


def said(*turns: Any, system: str = "", **more: Any) -> Reply:
    """The reply of a chat; a plain text is what the user says."""
    messages = [{"role": "user", "content": turn} if isinstance(turn, str) else turn for turn in turns]
    first = [{"role": "system", "content": system}] if system else []
    body = {"model": "sim-small", "messages": [*first, *messages], **more}
    return answers.reply(openai.read(body, {}, MODELS["sim-small"]))


def tool(name: str, required: list[str], description: str = "", **properties: Any) -> dict[str, Any]:
    parameters = {"type": "object", "properties": properties, "required": required}
    return {"type": "function", "function": {"name": name, "description": description, "parameters": parameters}}


AGENT = [
    tool("read_file", ["path"], path=TEXT),
    tool("write_to_file", ["path", "content"], path=TEXT, content=TEXT),
    tool("replace_in_file", ["path", "old_string", "new_string"], path=TEXT, old_string=TEXT, new_string=TEXT),
    tool("execute_command", ["command"], command=TEXT, requires_approval={"type": "boolean"}),
]
HELLO = {"path": "hello.py", "content": "print('hi')"}
CALLS: list[tuple[str, list[dict[str, Any]], dict[str, Any], list[tuple[str, dict[str, Any]]]]] = [
    ("Create hello.py with the line `print('hi')`", AGENT, {}, [("write_to_file", HELLO)]),
    ("Write hello.py:\n```python\nprint('hi')\n```", AGENT, {}, [("write_to_file", HELLO)]),
    (
        "<system-reminder>use `x.py`</system-reminder>\nCreate hello.py containing \"print('hi')\"",
        AGENT,
        {},
        [("write_to_file", HELLO)],
    ),
    ("创建文件 hello.py，内容为 `print('hi')`", AGENT, {}, [("write_to_file", HELLO)]),
    (
        "Rename foo to bar in src/app.ts",
        AGENT,
        {},
        [("replace_in_file", {"path": "src/app.ts", "old_string": "foo", "new_string": "bar"})],
    ),
    ("Please read a.py and b/c.py", AGENT, {}, [("read_file", {"path": "a.py"}), ("read_file", {"path": "b/c.py"})]),
    ("Please read a.py and b/c.py", AGENT, {"parallel_tool_calls": False}, [("read_file", {"path": "a.py"})]),
    ("Read a.py twice", AGENT, {}, [("read_file", {"path": "a.py"})] * 2),
    ("Run the tests", AGENT, {}, [("execute_command", {"command": "echo simulated"})]),
    (
        "Create a.txt",
        [tool("shell", ["command"], command={"type": "array", "items": TEXT})],
        {},
        [("shell", {"command": ["bash", "-lc", "echo simulated"]})],
    ),
    (
        "What's the weather in Paris?",
        [tool("get_weather", ["city"], city=TEXT)],
        {},
        [("get_weather", {"city": "Paris"})],
    ),
    (
        "How is the weather in München, in celsius?",
        [tool("get_weather", ["city", "unit"], city=TEXT, unit={"enum": ["kelvin", "celsius"]})],
        {},
        [("get_weather", {"city": "München", "unit": "celsius"})],
    ),
    ("Hello there", AGENT, {}, []),
    ("Explain what a monad is", AGENT, {}, []),
    ("Create hello.py with `print('hi')`", AGENT, {"tool_choice": "none"}, []),
    ("Hello there", AGENT, {"tool_choice": "required"}, [("read_file", {"path": "simulated.txt"})]),
    (
        "Hello",
        AGENT,
        {"tool_choice": {"type": "function", "function": {"name": "execute_command"}}},
        [("execute_command", {"command": "echo simulated"})],
    ),
    (
        "Add a.txt containing 'x'",
        [tool("apply_patch", ["input"], "Takes *** Begin Patch", input=TEXT)],
        {},
        [("apply_patch", {"input": "*** Begin Patch\n*** Add File: a.txt\n+x\n*** End Patch"})],
    ),
]


@pytest.mark.parametrize(("text", "tools", "more", "expected"), CALLS)
def test_tools_are_called_as_the_message_asks(
    text: str, tools: list[dict[str, Any]], more: dict[str, Any], expected: list[tuple[str, dict[str, Any]]]
) -> None:
    reply = said(text, tools=tools, **more)
    assert [(call.name, json.loads(call.arguments)) for call in reply.tool_calls] == expected
    assert (reply.finish == "tool_calls") == bool(expected) and bool(reply.text) != bool(expected)
    assert len({call.id for call in reply.tool_calls}) == len(expected)


def test_absolute_paths_are_given_where_a_tool_wants_them() -> None:
    write = tool("Write", ["file_path"], file_path={"type": "string", "description": "The absolute path"})
    reply = said("Create hello.py", system="Working directory: /home/me/app\n", tools=[write])
    assert json.loads(reply.tool_calls[0].arguments)["file_path"] == "/home/me/app/hello.py"


def test_after_tool_results_the_model_says_what_was_done() -> None:
    asked = said("Create a.py and b.py", tools=AGENT)
    calls = [
        {"id": call.id, "type": "function", "function": {"name": call.name, "arguments": call.arguments}}
        for call in asked.tool_calls
    ]
    results = [{"role": "tool", "tool_call_id": call["id"], "content": "written"} for call in calls]
    assistant = {"role": "assistant", "content": None, "tool_calls": calls}
    reply = said("Create a.py and b.py", assistant, *results, tools=AGENT)
    assert reply.finish == "stop" and not reply.tool_calls
    assert "Done" in reply.text and "a.py" in reply.text and "b.py" in reply.text
    assert reply.text.lower().count("simulated") == 1
    ending = tool("final_answer", ["answer"], answer=TEXT)
    forced = said("Create a.py and b.py", assistant, *results, tools=[*AGENT, ending], tool_choice="required")
    assert [call.name for call in forced.tool_calls] == ["final_answer"]


def test_a_failed_tool_is_told() -> None:
    use = {"type": "tool_use", "id": "toolu_1", "name": "write", "input": {"path": "a.py"}}
    result = {"type": "tool_result", "tool_use_id": "toolu_1", "content": "denied", "is_error": True}
    reminder = {"type": "text", "text": "<system-reminder>be brief</system-reminder>"}
    turns = [("user", "Create a.py"), ("assistant", [use]), ("user", [result, reminder])]
    body = {"max_tokens": 100, "messages": [{"role": role, "content": content} for role, content in turns]}
    reply = answers.reply(anthropic.read(body, {"anthropic-version": "2023-06-01"}, MODELS["sim-claude"]))
    assert "failed" in reply.text and "write on a.py" in reply.text


PYTHON = "def area(width, height=2):\n    if width == None:\n        return 0\n    return width * height\n"
METHOD = textwrap.indent(PYTHON, "    ")
SOURCES = {
    "python": PYTHON,
    "an indented method": METHOD,
    "tabs": PYTHON.replace("    ", "\t"),
    "crlf": PYTHON.replace("\n", "\r\n"),
    "a documented function": 'def f():\n    """Has one."""\n    return "ü"\n',
    "one line": "def f(x): return x",
    "decorated": "class A:\n    @property\n    def n(self):\n        @cache\n        def f(): ...\n        return f\n",
    "a script": "#!/usr/bin/env python3\nimport os\nprint(os.name)",
    "an async generator": "async def rows(n: int = 3):\n    for i in range(n):\n        yield i",
}


@pytest.mark.parametrize("source", SOURCES.values(), ids=SOURCES)
@pytest.mark.parametrize(
    "wish", ["Improve this", "Add type hints", "Rename width to breadth", "Fix the bug in this function"]
)
def test_edited_python_is_changed_and_still_parses(source: str, wish: str) -> None:
    reply = said(f"{wish}:\n```python\n{source}\n```")
    prose, code = unfenced(reply.text)
    assert code != source and prose.lower().count("simulated") == 1
    tree = ast.parse(textwrap.dedent(code))
    names = [node.name for node in ast.walk(tree) if isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef))]
    before = [
        node.name
        for node in ast.walk(ast.parse(textwrap.dedent(source)))
        if isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef))
    ]
    assert names == before
    assert ("\r\n" in source) == ("\r\n" in code)


def unfenced(text: str) -> tuple[str, str]:
    """The words around the one code block, and the code."""
    match = re.fullmatch(r"(.*?)^(`{3,})[^\n]*\n(.*)\n\2(.*)", text, re.S | re.M)
    assert match, text
    return match[1] + match[4], match[3]


@pytest.mark.parametrize(
    ("wish", "language", "code", "expected"),
    [
        ("Rename width to breadth", "python", "width = subwidth + width\n", "breadth = subwidth + breadth\n"),
        ("rename the function `go` to `run`", "go", "func go() { go() }", "func run() { run() }"),
        ("把 foo 重命名为 bar", "ts", "const foo = foo.foo;", "const bar = bar.bar;"),
        ("replace 'a b' with 'c'", "txt", "x a b y", "x c y"),
        (
            "add type hints",
            "python",
            "def f(a=1, *, b='x'):\n    pass",
            "def f(a: int=1, *, b: str='x') -> None:\n    pass",
        ),
        (
            "improve",
            "python",
            "def to_text(x):\n  return x",
            'def to_text(x):\n  """To text. Simulated docstring."""\n  return x',
        ),
        ("improve", "js", "\tgo();", "\t// Simulated edit: reviewed.\n\tgo();"),
        ("improve", "sql", "select 1", "-- Simulated edit: reviewed.\nselect 1"),
        ("improve", "css", "a {}", "/* Simulated edit: reviewed. */\na {}"),
        ("improve", "php", "<?php\necho 1;", "<?php\n// Simulated edit: reviewed.\necho 1;"),
        ("improve", "sh", "#!/bin/sh\nls", "#!/bin/sh\n# Simulated edit: reviewed.\nls"),
        ("improve", "json", '{"a":1}', '{\n  "a": 1\n}'),
        ("improve", "", '{"a": [1]}', '{\n  "a": [\n    1\n  ]\n}'),
        ("rename if to x", "python", "if a:\n    pass", "# Simulated edit: reviewed.\nif a:\n    pass"),
    ],
)
def test_edits_do_what_the_instruction_says(wish: str, language: str, code: str, expected: str) -> None:
    assert edits.edit(code, language, wish).code == expected


def test_a_block_with_fences_inside_comes_back_whole() -> None:
    code = 'TEXT = """\n```\nx\n```\n"""'
    assert "````" in said(f"Document this:\n````python\n{code}\n````").text


def test_code_shown_earlier_is_what_a_later_wish_is_about() -> None:
    shown = "Look:\n```python\ndef f(a):\n    return a\n```"
    reply = said(shown, {"role": "assistant", "content": "I see."}, "Now rename a to b.")
    assert "def f(b):\n    return b" in reply.text


@pytest.mark.parametrize("wish", ["Explain this", "What does this do?", "为什么这样写？解释一下"])
def test_explanations_are_words(wish: str) -> None:
    reply = said(f"{wish}\n```python\n{PYTHON}```")
    assert "`area`" in reply.text and "```" not in reply.text and reply.text.lower().count("simulated") == 1


def test_tests_are_written() -> None:
    assert "def test_area" in said(f"Write tests for this:\n```python\n{PYTHON}```").text


def test_a_commit_message_names_the_files() -> None:
    diff = "--- a/src/x.py\n+++ b/src/x.py\n@@ -1 +1 @@\n-a\n+b\n"
    assert said(f"```diff\n{diff}```", system="Write a commit message.").text == "Update src/x.py (simulated)"


REVIEWS = [
    (
        'Review. Answer JSON: {"findings": [{"quote": "...", "line": 12, "severity": "error", "message": "..."}]}',
        "findings",
        {"quote", "line", "severity", "message"},
    ),
    (
        'Review this. Answer with a JSON array of {"line_number": 1, "description": "x"}',
        "",
        {"line_number", "description"},
    ),
    ("Review this and answer as JSON", "findings", {"quote", "line", "severity", "message", "why", "fix", "category"}),
]


@pytest.mark.parametrize(("prompt", "wrapper", "keys"), REVIEWS)
def test_reviews_quote_real_lines_under_the_keys_asked_for(prompt: str, wrapper: str, keys: set[str]) -> None:
    document = json.loads(said(f"```python\n{PYTHON}```", system=prompt).text)
    rows = document[wrapper] if wrapper else document
    assert rows and set(rows[0]) == keys
    if "quote" in keys:
        lines = PYTHON.split("\n")
        assert all(lines[row["line"] - 1] == row["quote"] for row in rows)


def test_fixes_are_code_and_numbers_of_lines_are_those_given() -> None:
    code = "7 | try:\n8 |     go()\n9 | except:\n10|     pass"
    row = json.loads(said(f"```python\n{code}\n```", system="Review; answer as JSON").text)["findings"][0]
    assert (row["line"], row["quote"], row["fix"]) == (9, "except:", "except Exception:")


SCHEMAS: list[dict[str, Any]] = [
    {"type": "object", "properties": {"a": {"type": "integer", "minimum": 3, "maximum": 4}}, "required": ["a"]},
    {"type": "object", "properties": {"a": {"enum": ["x", "y"]}, "b": {"const": 7}}, "required": ["a", "b"]},
    {"type": "object", "properties": {"a": {"type": ["null", "string"], "minLength": 12}}, "required": ["a"]},
    {
        "type": "object",
        "properties": {
            "a": {"anyOf": [{"type": "null"}, {"type": "number", "exclusiveMinimum": 0, "exclusiveMaximum": 1}]}
        },
        "required": ["a"],
    },
    {
        "type": "object",
        "properties": {"a": {"type": "array", "minItems": 3, "uniqueItems": True, "items": TEXT}},
        "required": ["a"],
    },
    {
        "type": "object",
        "properties": {
            "a": {"type": "string", "pattern": "^[A-Z]\\d$"},
            "d": {"type": "string", "pattern": "^\\d{4}-\\d\\d-\\d\\d$"},
        },
        "required": ["a", "d"],
    },
    {
        "type": "object",
        "properties": {"n": {"$ref": "#/$defs/node"}},
        "required": ["n"],
        "$defs": {
            "node": {
                "type": "object",
                "properties": {"next": {"anyOf": [{"$ref": "#/$defs/node"}, {"type": "null"}]}, "name": TEXT},
                "required": ["name"],
            }
        },
    },
    {
        "allOf": [
            {"type": "object", "properties": {"a": TEXT}, "required": ["a"]},
            {"properties": {"b": {"type": "boolean"}}, "required": ["b"]},
        ]
    },
    {"type": "object", "properties": {"a": {"type": "integer", "multipleOf": 5, "minimum": 7}}, "required": ["a"]},
    {"type": "object", "properties": {"path": {"type": "integer"}}, "required": ["path"]},
    {"type": "object", "properties": {}},
    {"type": "object", "required": ["free"], "additionalProperties": {"type": "integer"}},
]


@pytest.mark.parametrize("wanted", SCHEMAS)
def test_documents_and_arguments_conform(wanted: dict[str, Any]) -> None:
    form = {"type": "json_schema", "json_schema": {"name": "x", "schema": {"type": "object", **wanted}}}
    assert conforms(wanted, json.loads(said("Give me one", response_format=form).text), wanted)
    asked = {"type": "function", "function": {"name": "x", "parameters": {"type": "object", **wanted}}}
    call = said("Do it with a.py", tools=[asked], tool_choice="required").tool_calls[0]
    assert conforms(wanted, json.loads(call.arguments), wanted)


def test_anthropics_structured_output_conforms() -> None:
    wanted = {"type": "object", "properties": {"n": {"type": "integer"}}, "required": ["n"]}
    form = {"type": "json_schema", "schema": {**wanted, "additionalProperties": False}}
    turns = [{"role": "user", "content": "Give me one"}]
    body = {"model": "sim-claude", "max_tokens": 99, "messages": turns, "output_config": {"format": form}}
    reply = answers.reply(anthropic.read(body, {"anthropic-version": "1"}, MODELS["sim-claude"]))
    assert conforms(wanted, json.loads(reply.text), wanted)


def test_a_schema_in_the_prompt_is_kept_to() -> None:
    wanted = {"type": "object", "properties": {"path": TEXT, "line": TEXT}, "required": ["path", "line"]}
    system = f"Answer with json that matches the following json_schema:\n\n{json.dumps(wanted)}"
    text = said("Append the line `x` to a.txt", system=system).text
    assert json.loads(text) == {"path": "a.txt", "line": "x"}


def test_json_object_mode_gives_an_object() -> None:
    assert isinstance(json.loads(said("json, please", response_format={"type": "json_object"}).text), dict)


def conforms(wanted: Any, value: Any, root: Any) -> bool:
    """A second, plainer reading of JSON Schema, so that the first is not its own judge."""
    if "$ref" in wanted:
        wanted = root["$defs"][wanted["$ref"].rsplit("/", 1)[-1]]
    kinds = wanted.get("type", [])
    kinds = [kinds] if isinstance(kinds, str) else kinds
    names = {bool: "boolean", int: "integer", float: "number", str: "string", list: "array", dict: "object"}
    kind = "null" if value is None else names[type(value)]
    checks = [
        not kinds or kind in kinds or (kind == "integer" and "number" in kinds),
        "const" not in wanted or value == wanted["const"],
        "enum" not in wanted or value in wanted["enum"],
        all(conforms(part, value, root) for part in wanted.get("allOf", ())),
        "anyOf" not in wanted or any(conforms(part, value, root) for part in wanted["anyOf"]),
    ]
    if kind == "string":
        checks += [len(value) >= wanted.get("minLength", 0), re.search(wanted.get("pattern", ""), value)]
    if kind in ("integer", "number"):
        checks += [wanted.get("minimum", value) <= value <= wanted.get("maximum", value)]
        checks += [value > wanted.get("exclusiveMinimum", value - 1), value < wanted.get("exclusiveMaximum", value + 1)]
        checks += [value % wanted.get("multipleOf", 1) == 0 if "multipleOf" in wanted else True]
    if kind == "array":
        checks += [len(value) >= wanted.get("minItems", 0), len(value) <= wanted.get("maxItems", len(value))]
        checks += [len(set(map(str, value))) == len(value) if wanted.get("uniqueItems") else True]
        checks += [conforms(wanted.get("items", {}), item, root) for item in value]
    if kind == "object":
        known, extra = wanted.get("properties", {}), wanted.get("additionalProperties", {})
        checks += [key in value for key in wanted.get("required", ())]
        checks += [conforms(known.get(key, extra or {}), item, root) for key, item in value.items()]
        checks += [extra is not False or set(value) <= set(known)]
    return all(checks)


NUMBERS = st.integers(-20, 20)
LEAVES = st.one_of(
    st.fixed_dictionaries({"type": st.just("string"), "minLength": st.integers(0, 20)}),
    st.builds(lambda a, b: {"type": "integer", "minimum": min(a, b), "maximum": max(a, b)}, NUMBERS, NUMBERS),
    st.builds(lambda a: {"type": "number", "exclusiveMinimum": a}, NUMBERS),
    st.fixed_dictionaries({"enum": st.lists(st.text(max_size=3), min_size=1, max_size=3)}),
    st.sampled_from([{"type": "boolean"}, {"type": "null"}, {}, {"type": ["null", "integer"]}]),
)
TREES = st.recursive(
    LEAVES,
    lambda inner: st.one_of(
        st.builds(lambda items, n: {"type": "array", "items": items, "minItems": n}, inner, st.integers(0, 2)),
        st.builds(
            lambda parts: {
                "type": "object",
                "properties": parts,
                "required": list(parts),
                "additionalProperties": False,
            },
            st.dictionaries(st.sampled_from(["path", "content", "a", "grüße"]), inner, max_size=3),
        ),
        st.builds(lambda part: {"anyOf": [part, {"type": "null"}]}, inner),
    ),
    max_leaves=6,
)


@settings(max_examples=80, deadline=None)
@given(TREES)
def test_any_schema_is_filled(wanted: Mapping[str, Any]) -> None:
    value = schema.fill(wanted, lambda name, part: ["src/a.py", 3, ["x"], {"y": 1}])
    assert conforms(wanted, value, wanted) and schema.accepts(wanted, value)


HOLES = [
    ("def add(a, b):\n    ", "", "return a + b"),
    ("def add(a, b):\n    return ", "", "a + b"),
    ("def scale(a, k):\n    total = a * k\n    return ", "\n", "total"),
    ("def f(a):\r\n    ", "\r\nf(1)", "return a"),
    ("function mul(a, b) {\n  ", "\n}", "return a * b;"),
    ("func add(a, b int) int {\n\t", "\n}", "return a + b"),
    ("int add(int a, int b) {\n    ", "\n}", "return a + b;"),
    ("fn add(a: i32, b: i32) -> i32 {\n    ", "\n}", "return a + b;"),
    ("def f(xs):\n    for ", "", "item in xs:"),
    ("items = [1]\nprint(", ")", "items"),
    ("items = [1]\nprint(", "", "items)"),
    ("result = compute()\nresu", "", "lt"),
    ("class A:\n    def __init__(self, name):\n        self.name = name\n        self.", "", "name"),
    ("def total(a, b):", "", "\n    return a + b"),
    ("def f(a):\n    # give it back", "", "\n    return a"),
]


@pytest.mark.parametrize(("prefix", "suffix", "expected"), HOLES)
def test_holes_are_filled_with_what_stands_around(prefix: str, suffix: str, expected: str) -> None:
    body = {"prompt": prefix, "suffix": suffix, "max_tokens": 100}
    reply = answers.reply(completions.read(body, {}, MODELS["sim-coder"]))
    assert reply.text == expected and reply.finish == "stop"


def test_a_chat_model_fills_a_marked_hole_without_words() -> None:
    assert said("def add(a, b):\n    <|cursor|>\n\nadd(1, 2)\n").text == "return a + b"


@settings(max_examples=150, deadline=None)
@given(st.text("ab(){}[]:;=.,#/'\"\n\r\t _0é漢", max_size=60), st.text("ab){}\n ;", max_size=20))
def test_a_hole_is_never_left_empty(prefix: str, suffix: str) -> None:
    text = fill.fill(prefix, suffix)
    assert text.strip() and "simulated" not in text and not text.lstrip().startswith(("#", "//"))


@settings(max_examples=100, deadline=None)
@given(st.text(max_size=200))
def test_pieces_lose_nothing(text: str) -> None:
    assert "".join(pieces(text)) == text and all(pieces(text))


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
    max_leaves=5,
)
FIELD_NAMES = (
    "messages tools tool_choice system stop stop_sequences max_tokens n thinking prompt response_format stream_options "
    "temperature suffix metadata logprobs reasoning_effort"
)
FIELDS = st.sampled_from(FIELD_NAMES.split())
PARTS = st.fixed_dictionaries(
    {},
    optional={
        "type": st.sampled_from(["text", "tool_use", "image", "function", "image_url", "tool_result"]),
        "text": JSON,
    }
    | dict.fromkeys(("source", "input", "id", "name", "content", "function", "image_url", "tool_use_id"), JSON),
)
TURNS = st.lists(
    st.fixed_dictionaries(
        {"role": st.sampled_from(["user", "assistant", "tool", "system"])},
        optional={
            "content": st.lists(PARTS, max_size=2) | JSON,
            "tool_calls": st.lists(PARTS, max_size=2),
            "tool_call_id": JSON,
        },
    ),
    max_size=3,
)


@settings(max_examples=200, deadline=None)
@given(st.dictionaries(FIELDS, JSON, max_size=2), TURNS | JSON)
def test_any_body_is_answered_or_refused(change: dict[str, Any], turns: Any) -> None:
    known: list[Refused] = []
    for wire, model in ((openai, "sim-medium"), (completions, "sim-coder"), (anthropic, "sim-claude")):
        body = {"max_tokens": 9, "prompt": "x", "messages": turns, **change}
        try:
            asked = wire.read(body, {"anthropic-version": "1"}, MODELS[model])
        except Refused as refusal:
            known.append(refusal)
            continue
        assert asked.prompt_tokens >= 0 and answers.reply(asked).usage.output >= 1
    assert all(refusal.status == 400 and refusal.message for refusal in known)
