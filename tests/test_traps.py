"""Both lists of traps are held: each number has a test that carries it, so that none vanishes unseen."""

from __future__ import annotations

import ast
import re
import tomllib
from collections import defaultdict
from collections.abc import Iterator
from pathlib import Path

import pytest

HERE = Path(__file__).parent
TRAPS: dict[str, dict[str, str]] = tomllib.loads((HERE / "traps.toml").read_text("utf-8"))
NUMBERS = [f"{kind}{number}" for kind, lines in TRAPS.items() for number in lines]
# "trap7" in a name or an id is W7.
NUMBER = re.compile(r"(?<![A-Za-z0-9])(trap|[WwTt])(\d{1,2})(?![A-Za-z0-9])")

Function = ast.FunctionDef | ast.AsyncFunctionDef


def carried(words: str) -> set[str]:
    """The numbers in a name, a docstring or an id."""
    found = NUMBER.findall(words.replace("_", " "))
    return {("W" if kind == "trap" else kind.upper()) + number for kind, number in found}


def named(tree: ast.Module) -> Iterator[tuple[str, str]]:
    """(test, words) of all tests of a file: their names and docstrings, and the ids of cases."""
    for node in ast.walk(tree):
        if isinstance(node, Function) and node.name.startswith("test"):
            yield node.name, f"{node.name}: {ast.get_docstring(node) or ''}"
        elif isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute) and node.func.attr == "param":
            for word in node.keywords:
                if word.arg == "id" and isinstance(word.value, ast.Constant):
                    yield f"[{word.value.value}]", str(word.value.value)


def held() -> dict[str, list[str]]:
    """Which tests carry each number."""
    tests: defaultdict[str, list[str]] = defaultdict(list)
    for path in sorted(HERE.rglob("test_*.py")):
        for name, words in named(ast.parse(path.read_text("utf-8"))):
            for number in carried(words):
                tests[number].append(f"{path.relative_to(HERE)}::{name}")
    return tests


def test_every_trap_has_a_test() -> None:
    tests = held()
    assert [number for number in NUMBERS if not tests[number]] == []


def test_every_number_is_a_trap() -> None:
    assert {number: tests for number, tests in held().items() if number not in NUMBERS} == {}


def test_both_lists_are_whole() -> None:
    for kind in ("W", "T"):
        assert list(TRAPS[kind]) == [str(number) for number in range(1, 43)]
        assert all(len(line) > 20 for line in TRAPS[kind].values())


@pytest.mark.parametrize(
    ("words", "numbers"),
    [
        ("test_trap22_results", {"W22"}),
        ("trap1-crlf", {"W1"}),
        ("A12, T14: and W9.", {"T14", "W9"}),
        ("test_T24_t25_w3_marks", {"T24", "T25", "W3"}),
        ("trap 5 of real clients, UTF8, w3c, 2T4", set()),
    ],
)
def test_numbers_are_read(words: str, numbers: set[str]) -> None:
    assert carried(words) == numbers
