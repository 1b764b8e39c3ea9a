"""One small text per language, `samples/<language>.toml`: its functions with their numbers, its imports, and what
the cursor stands in at some places (`¦`). "inert" is in a string or comment, "block" at the start of a block."""

from __future__ import annotations

import tomllib
from pathlib import Path
from typing import Any

import pytest

from codriver.syntax import languages
from codriver.syntax.analysis import Buffer

SAMPLES = {file.stem: tomllib.loads(file.read_text("utf-8")) for file in Path(__file__).parent.glob("samples/*.toml")}


def read(language: str) -> Buffer:
    return Buffer(SAMPLES[language]["source"].encode(), language_id=language)


def test_every_language_with_a_folder_and_a_grammar_has_a_sample() -> None:
    assert {language.name for language in languages.every() if language.grammar} == SAMPLES.keys()


@pytest.mark.parametrize("language", sorted(SAMPLES))
def test_functions_and_their_numbers(language: str) -> None:
    """What the first languages count as is held by test_complexity.py, in agreement with other tools."""
    expected = SAMPLES[language]["functions"]
    columns = len(expected[0]) if expected else 0
    listed = [
        [f.name, f.kind, f"{f.start_line}-{f.end_line}", f.parameters, f.cyclomatic, f.cognitive][:columns]
        for f in read(language).functions()
    ]
    assert listed == expected


@pytest.mark.parametrize("language", sorted(SAMPLES))
def test_imports(language: str) -> None:
    assert list(read(language).imports()) == SAMPLES[language]["imports"]


PLACES = [(language, *place) for language, sample in sorted(SAMPLES.items()) for place in sample["places"]]


@pytest.mark.parametrize(("language", "excerpt", "scope", "what"), PLACES)
def test_what_a_place_is(language: str, excerpt: str, scope: str, what: str) -> None:
    sample: dict[str, Any] = SAMPLES[language]
    before, after = excerpt.split("¦")
    at = len(sample["source"][: sample["source"].index(before + after)].encode()) + len(before.encode())
    buffer = read(language)
    inert, block = buffer.in_string_or_comment(at), buffer.at_block_start(at)
    assert (buffer.facts(at).scope, "inert" if inert else "block" if block else "code") == (scope, what)


@pytest.mark.parametrize(
    ("language", "text", "block"),
    [
        ("kotlin", "fun f() {¦\n}\n", True),
        ("kotlin", "val g = xs.map { x ->¦\n", True),
        ("kotlin", "val x = f(a,¦\n", False),
        ("csharp", "class A { void F() {¦\n} }", True),
        ("csharp", "class A { int F() { return 1;¦\n} }", False),
        ("csharp", "enum E {¦\n}\n", False),
        ("swift", "func f() {¦\n}\n", True),
        ("swift", "switch a {\ncase 1:¦\n}\n", True),
        ("scala", "def f() = {¦\n}\n", True),
        ("scala", "def f(): Int =¦\n", True),
        ("lua", "if a then¦\nend\n", True),
        ("lua", "local function f(a)¦\nend\n", True),
        ("lua", "local x = a¦\n", False),
        ("dart", "void f() {¦\n}\n", True),
        ("elixir", "def f(a) do¦\nend\n", True),
        ("elixir", "f = fn x ->¦\nend\n", True),
        ("elixir", "x = 1¦\n", False),
        ("haskell", "main = do¦\n", True),
        ("haskell", "f x = case x of¦\n", True),
        ("r", "f <- function(x) {¦\n}\n", True),
        ("julia", "for i in x¦\nend\n", True),
        ("julia", "x = 1¦\nend\n", False),
        ("shell", "if x; then¦\nfi\n", True),
        ("shell", "f() {¦\n}\n", True),
        ("shell", "echo x¦\n", False),
        ("yaml", "a:¦\n", True),
        ("yaml", "a: 1¦\n", False),
        ("terraform", 'resource "a" "b" {¦\n}\n', True),
        ("cmake", "foreach(i a b)¦\nendforeach()\n", True),
        ("css", ".a {¦\n}\n", True),
        ("scss", "@mixin a {¦\n}\n", True),
    ],
)
def test_where_blocks_begin(language: str, text: str, block: bool) -> None:
    before, after = text.split("¦")
    assert Buffer((before + after).encode(), language_id=language).at_block_start(len(before)) == block


@pytest.mark.parametrize(
    ("language", "reading"),
    [
        *(("python", ""), ("scss", ""), ("sql", ""), ("yaml", "configuration"), ("json", "configuration")),
        *(
            ("terraform", "configuration"),
            ("html", "markup"),
            ("vue", "markup"),
            ("zig", "generic"),
            ("perl", "generic"),
        ),
    ],
)
def test_how_a_language_is_read_is_said(language: str, reading: str) -> None:
    facts = Buffer(b"\n", language_id=language).facts()
    assert facts.reading == reading
    assert facts.cyclomatic == (1 if reading == "" else 0)


@pytest.mark.parametrize(
    ("language", "text", "functions", "nesting"),
    [
        ("zig", "fn add(a: i32) i32 {\n  while (true) {\n    if (a > 1) { return 1; }\n  }\n}\n", ["add"], 2),
        ("starlark", "def add(a):\n  for x in a:\n    if x:\n      return 1\n", ["add"], 2),
        ("fish", "function hi\n  for x in y\n    echo $x\n  end\nend\n", ["hi"], 1),
        ("gdscript", "func add(a):\n\tif a:\n\t\treturn 1\n", ["add"], 1),
        ("erlang", "f(X) -> case X of 1 -> a; _ -> b end.\n", ["f"], 1),
        ("ocaml", "let rec add a b =\n  if a > 1 then 2 else 3\n", ["add"], 1),
        ("nim", "proc add(a: int): int =\n  if a > 1:\n    return 1\n", ["add"], 1),
        ("matlab", "function y = add(a)\n  if a > 1\n    y = 1;\n  end\nend\n", ["add"], 1),
        ("powershell", "function Add($a) {\n  if ($a) { 1 }\n}\n", ["Add"], 1),
        ("pascal", "function Add(a: Integer): Integer;\nbegin\n  if a > 1 then Add := 1;\nend;\n", ["Add"], 1),
    ],
)
def test_other_grammars_tell_lines_and_nesting_and_no_more(
    language: str, text: str, functions: list[str], nesting: int
) -> None:
    buffer = Buffer(text.encode(), language_id=language)
    found = buffer.functions()
    assert buffer.facts().reading == "generic"
    assert [function.name for function in found] == functions
    assert max(function.nesting for function in found) == nesting
    assert {(function.cyclomatic, function.cognitive) for function in found} == {(0, 0)}
