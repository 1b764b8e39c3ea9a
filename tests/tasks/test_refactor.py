"""Refactor from snapshot and wish to a rewrite, against a scripted router."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from codriver.analyst import Analyst
from codriver.config import Settings
from codriver.errors import RequestRejected, UpstreamFailed
from codriver.model.events import Finish
from codriver.model.request import Purpose
from codriver.syntax.text import Edit
from codriver.tasks.refactor import DEFAULT, refactor, summary

CODE = """import os


def total(items, tax):
    result = 0
    for item in items:
        result = result + item
    return result‸ * tax


def other():
    return os.name
"""
GOOD = "```python\ndef total(items, tax):\n    return sum(items) * tax\n```\nSummary: uses sum instead of a loop."
BROKEN = "```python\ndef total(items, tax):\n    return sum(items * tax\n```"
ANOTHER = "```python\ndef total(items):\n    return sum(items)\n```"


async def test_the_function_around_the_cursor_is_rewritten(kit: Any, analyst: Analyst) -> None:
    snapshot, told = kit.snapshot(CODE), list[str]()
    router = kit.router(GOOD)
    rewrite = await refactor(router, analyst, snapshot, "use sum", notify=told.append)
    after = kit.applied(snapshot, rewrite.start, rewrite.end, rewrite.text)
    assert after == CODE.replace("‸", "").replace(
        "    result = 0\n    for item in items:\n        result = result + item\n    return result * tax\n",
        "    return sum(items) * tax\n",
    )
    assert (rewrite.model, rewrite.simulated, rewrite.cost, rewrite.decision) == (kit.MODELS[0], True, 0.0125, "d1")
    assert rewrite.summary == "uses sum instead of a loop."
    assert told[0] == "Rewriting lines 4-8" and "$0.0125" in told[-1]
    assert router.open_now == 0


async def test_the_request_says_what_a_model_needs(kit: Any, analyst: Analyst) -> None:
    router = kit.router(GOOD)
    await refactor(router, analyst, kit.snapshot(CODE), "use {{sum}}")
    [request] = router.requests
    assert request.purpose is Purpose.REFACTOR and request.tail == ("use {{sum}}",)
    assert request.code.text[slice(*request.code.selection)].startswith(b"def total")
    assert request.input_tokens > 100 and request.deadline
    prompt = router.prompt()
    assert "Instruction: use {{sum}}" in prompt and "app.py" in prompt and "lines 4-8" in prompt
    assert "import os" in prompt and "def other():" in prompt


@pytest.mark.parametrize(
    ("bad", "why"),
    [
        pytest.param(BROKEN, "does not parse in place", id="broken"),
        pytest.param(ANOTHER, "changes the signature of total", id="signature"),
        pytest.param("I'm sorry, but I can't assist with that.", "refused", id="refused"),
        pytest.param("", "empty", id="empty"),
        pytest.param("```python\n# ... rest unchanged\n```", "leaves code out", id="elided"),
    ],
)
async def test_a_bad_answer_goes_to_the_next_model(kit: Any, analyst: Analyst, bad: str, why: str) -> None:
    router, told = kit.router(bad, GOOD), list[str]()
    rewrite = await refactor(router, analyst, kit.snapshot(CODE), "use sum", notify=told.append)
    assert "sum(items)" in rewrite.text
    assert router.verdicts == [why] and any(why in text for text in told)


async def test_a_cut_answer_is_no_answer(kit: Any, analyst: Analyst) -> None:
    router = kit.router(kit.Says(GOOD, finish=Finish.LENGTH), kit.Says(GOOD, finish=None), GOOD)
    await refactor(router, analyst, kit.snapshot(CODE), "use sum")
    assert router.verdicts == ["cut", "cut"]


async def test_when_nobody_gives_a_good_edit_it_is_said(kit: Any, analyst: Analyst) -> None:
    with pytest.raises(UpstreamFailed):
        await refactor(kit.router(BROKEN, BROKEN), analyst, kit.snapshot(CODE), "use sum")


async def test_a_selection_wins_over_the_function(kit: Any, analyst: Analyst) -> None:
    snapshot = kit.snapshot("def f(a):\n    «b = a + 1\n    return b\n»\n\nf(1)\n")
    rewrite = await refactor(kit.router("```\nreturn a + 1\n```"), analyst, snapshot, "")
    after = kit.applied(snapshot, rewrite.start, rewrite.end, rewrite.text)
    assert after == "def f(a):\n    return a + 1\n\n\nf(1)\n"
    assert rewrite.summary == DEFAULT


@pytest.mark.parametrize(
    ("text", "uri", "settings", "message"),
    [
        pytest.param("x = 1‸\n", "file:///a.py", {}, "There is nothing to refactor", id="no function"),
        pytest.param("x = 1\n", "file:///a.py", {}, "There is nothing to refactor", id="no cursor"),
        pytest.param("x = 1\n«\n\n»", "file:///a.py", {}, "There is nothing to refactor", id="blank selection"),
        pytest.param("«A=1»\n", "file:///a/.env", {}, "/a/.env is marked as private", id="secret"),
        pytest.param(CODE, "file:///a.py", {"refactor": {"max_bytes": 9}}, "too large to refactor", id="too large"),
    ],
)
async def test_what_cannot_be_refactored_is_said(
    kit: Any, analyst: Analyst, text: str, uri: str, settings: dict[str, Any], message: str
) -> None:
    router = kit.router(GOOD)
    with pytest.raises(RequestRejected, match=message):
        await refactor(
            router, analyst, kit.snapshot(text, uri=uri), "use sum", settings=Settings.model_validate(settings)
        )
    assert router.requests == []


@pytest.mark.parametrize(
    ("reply", "expected"),
    [
        ("```\nx\n```\nSummary: shorter.", "shorter."),
        ("**no**\n```\nSummary: in code\n```", ""),
        ("```\nx\n```\n  summary: *tidier*", "tidier"),
    ],
)
def test_summary(reply: str, expected: str) -> None:
    assert summary(reply) == expected


async def test_more_than_a_model_can_write_again_is_refused_before_anybody_is_asked(kit: Any, analyst: Analyst) -> None:
    router = kit.router(GOOD)
    with pytest.raises(RequestRejected, match="too much to rewrite at once"):
        await refactor(router, analyst, kit.snapshot("«" + "x = 1\n" * 20_000 + "»"), "tidy")
    assert router.requests == []


async def test_what_is_typed_meanwhile_does_not_change_what_an_answer_is_checked_in(kit: Any, analyst: Analyst) -> None:
    snapshot = kit.snapshot(CODE)
    analyst.opened(1, snapshot)
    router = kit.router(GOOD)

    def typed(told: str) -> None:
        """Half a function above the one that is rewritten, while the model writes."""
        if not told.startswith("Rewriting"):
            return
        above = b"def broken(:\n" * 3
        edit = Edit(0, 0, len(above), (0, 0), (0, 0), (3, 0))
        analyst.changed(1, snapshot.uri, [edit], lambda: replace(snapshot, version=2, text=above + snapshot.text))
        assert analyst.functions(1, snapshot.uri)

    rewrite = await refactor(router, analyst, snapshot, "use sum", notify=typed)
    assert not router.verdicts
    assert "return sum(items) * tax" in kit.applied(snapshot, rewrite.start, rewrite.end, rewrite.text)


async def test_a_function_deep_in_a_long_class_that_nobody_has_open_is_found(kit: Any, analyst: Analyst) -> None:
    methods = "".join(f"    *walk{n}(node) {{\n        yield node.child{n};\n    }}\n\n" for n in range(900))
    text = f"export class Walker {{\n{methods}}}\n".replace("node.child700", "node.child700‸")
    snapshot = kit.snapshot(text, language="javascript", uri="file:///work/walker.js")
    router = kit.router("```js\n    *walk700(node) {\n        yield node.child(700);\n    }\n```")
    rewrite = await refactor(router, analyst, snapshot, "call it")
    wanted = text.replace("node.child700‸", "node.child(700)")
    assert kit.applied(snapshot, rewrite.start, rewrite.end, rewrite.text) == wanted
