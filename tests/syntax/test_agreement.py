"""Small sources of ours, and what radon, lizard, eslint, sonarjs and the Python tools say of their functions.

The tools' numbers are kept in tests/agreement/guard/numbers.json (written by guard.py there); the comparison over
published sources is `make agreement`.
"""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from codriver.syntax.analysis import analyze

GUARD = Path(__file__).parents[1] / "agreement/guard"
NUMBERS: dict[str, dict[str, dict[str, int]]] = json.loads((GUARD / "numbers.json").read_text())
COGNITIVE = ("sonarjs", "both")


@pytest.mark.parametrize(("name", "tool"), [(name, tool) for name, said in NUMBERS.items() for tool in said])
def test_numbers_are_those_of_the_tool(name: str, tool: str) -> None:
    functions = analyze(name, (GUARD / name).read_bytes()).functions()
    ours = {one.name: one.cognitive if tool in COGNITIVE else one.cyclomatic for one in functions}
    assert {key: ours.get(key) for key in NUMBERS[name][tool]} == NUMBERS[name][tool]


def test_every_tool_and_language_is_held() -> None:
    assert {(tool, Path(name).suffix) for name, said in NUMBERS.items() for tool in said if said[tool]} == {
        ("radon", ".py"), ("both", ".py"),
        *((tool, suffix) for tool in ("eslint", "sonarjs") for suffix in (".js", ".ts", ".tsx")),
        *(("lizard", suffix) for suffix in (".c", ".cpp", ".java", ".go", ".kt", ".m", ".mm", ".sol", ".rs", ".rb", ".php", ".swift", ".lua")),
    }  # fmt: skip
    assert sum(len(numbers) for said in NUMBERS.values() for numbers in said.values()) >= 50
