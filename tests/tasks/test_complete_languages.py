"""Completions where braces, tabs and other line ends rule."""

from __future__ import annotations

from typing import Any

import pytest

from codriver.analyst import Analyst
from codriver.config import Settings
from codriver.tasks.complete import Completer

MODEL_ONLY = Settings.model_validate({"complete": {"predictor": False}})

JS = "function area(width, height) {‸\n}\n\nconsole.log(area(2, 3));\n"
OPEN = "function area(width, height) {\n  const rate = 2;\n  if (width > 3) {‸\n\nconsole.log(1);\n"
GO = "package main\n\nfunc area(width int, height int) int {\n\tif width > 3 {\n\t\t‸\n\t}\n\treturn 1\n}\n"
C = "int area(int width, int height) {\n  int sum = ‸;\n  return sum;\n}\n"
TS = "export const names: string[] = [];\nnames.map((name) => ‸);\n"


@pytest.mark.parametrize(
    ("language", "text", "said", "expected"),
    [
        pytest.param(
            "javascript",
            JS,
            "\n  return width * height;\n}",
            "{\n  return width * height;\n}\n\nconsole",
            id="own closer",
        ),
        pytest.param(
            "javascript", JS, "\n  return width * height;", "{\n  return width * height;\n}\n\nconsole", id="js"
        ),
        pytest.param("javascript", JS, "\nreturn width;\n}", "{\n    return width;\n}\n\nconsole", id="js, from zero"),
        pytest.param(
            "javascript",
            OPEN,
            "\n    return 3;\n  }\n",
            "if (width > 3) {\n    return 3;\n  }\n",
            id="js, not closed below",
        ),
        pytest.param("go", GO, "\t\treturn width * 2\n\t}\n\treturn 2", "\n\t\treturn width * 2\n\t}\n", id="go"),
        pytest.param("go", GO, "    return width * 2", "\n\t\treturn width * 2\n\t}\n", id="go, spaces"),
        pytest.param("go", GO, "```go\nreturn width * 2\n```", "\n\t\treturn width * 2\n\t}\n", id="go, fence"),
        pytest.param("c", C, "width + height;", "  int sum = width + height;\n", id="c, its own semicolon"),
        pytest.param("c", C, "width + height", "  int sum = width + height;\n", id="c"),
        pytest.param("c", C, "(width + height", "  int sum = (width + height);\n", id="c, closed"),
        pytest.param("typescript", TS, "name.trim());", "names.map((name) => name.trim());\n", id="ts"),
        pytest.param("typescript", TS, "name.trim(", "names.map((name) => name.trim());\n", id="ts, closed"),
    ],
)
async def test_a_suggestion_fits_its_language(
    kit: Any, analyst: Analyst, language: str, text: str, said: str, expected: str
) -> None:
    snapshot = kit.snapshot(text, uri="file:///work/code", language=language)
    completing = Completer(kit.router(said), analyst, MODEL_ONLY)
    found = await completing.complete(snapshot, owner=1, explicit=False)
    assert [expected in kit.applied(snapshot, s.start, s.end, s.text) for s in found] == [True]


@pytest.mark.parametrize(
    ("language", "text", "said"),
    [
        pytest.param("javascript", JS, "\n  return width *;\n"),
        pytest.param("go", GO, "return func {"),
        pytest.param("c", C, "width + + / height"),
    ],
)
async def test_what_does_not_parse_is_not_shown(
    kit: Any, analyst: Analyst, language: str, text: str, said: str
) -> None:
    snapshot = kit.snapshot(text, uri="file:///work/code", language=language)
    completing = Completer(kit.router(said, said), analyst, MODEL_ONLY)
    assert await completing.complete(snapshot, owner=1, explicit=False) == []


async def test_a_text_without_grammar_is_completed_too(kit: Any, analyst: Analyst) -> None:
    snapshot = kit.snapshot("Dear reader,\n\nthis text goes ‸\n", uri="file:///work/letter.txt", language="plaintext")
    [suggestion] = await Completer(kit.router("on and on."), analyst, MODEL_ONLY).complete(
        snapshot, owner=1, explicit=False
    )
    assert suggestion.text == "on and on."
