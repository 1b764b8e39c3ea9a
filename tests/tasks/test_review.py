"""Review from snapshot to findings, against a scripted router."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from codriver.analyst import Analyst
from codriver.config import Settings
from codriver.errors import RequestRejected, UpstreamFailed
from codriver.model.request import Purpose, Snapshot
from codriver.syntax.analysis import Buffer
from codriver.tasks import findings
from codriver.tasks.region import region
from codriver.tasks.review import review

CODE = """def mean(values):
    total = 0
    for value in values:
        total += value
    if total == None:
        return 0
    return total / len(values)


def last(values):
    if total == None:
        return values[len(values)]
"""


def reply(*items: dict[str, Any]) -> str:
    return json.dumps({"findings": items})


def found(**more: Any) -> dict[str, Any]:
    return {
        "quote": "    return total / len(values)",
        "severity": "error",
        "message": "Divides by zero.",
        "why": "mean([]) fails.",
    } | more


async def test_findings_have_exact_places(kit: Any, analyst: Analyst) -> None:
    snapshot, told = kit.snapshot(CODE), list[str]()
    router = kit.router(reply(found(fix="    return total / len(values) if values else 0")))
    result = await review(router, analyst, snapshot, notify=told.append)
    [item] = result.items
    assert snapshot.text[item.start : item.end] == b"return total / len(values)"
    assert (item.start_line, item.end_line, item.severity) == (7, 7, "error")
    assert (item.message, item.why) == ("Divides by zero.", "mean([]) fails.")
    assert item.fix == "return total / len(values) if values else 0"
    assert (result.model, result.simulated, result.cost, result.decision) == (kit.MODELS[0], True, 0.0125, "d1")
    assert result.dropped == 0 and told[0] == "Reviewing lines 1-12"
    [request] = router.requests
    assert request.purpose is Purpose.REVIEW and CODE.rstrip("\n") in router.prompt()


@pytest.mark.parametrize(
    ("item", "quoted"),
    [
        pytest.param(found(quote="return total / len(values)"), "return total / len(values)", id="no indentation"),
        pytest.param(found(quote="len(values)", line=7), "len(values)", id="a part of a line"),
        pytest.param(
            found(quote="    if total == None:", line=11), "if total == None:\n        return values", id="2nd"
        ),
        pytest.param(found(quote="if total == None:", line=4), "if total == None:\n        return 0", id="1st"),
        pytest.param(
            found(quote="for value in values:\n    total += value"),
            "for value in values:\n        total += value",
            id="two lines",
        ),
        pytest.param(found(line="seven"), "return total / len(values)", id="a line that is none"),
    ],
)
async def test_a_quote_is_found(kit: Any, analyst: Analyst, item: dict[str, Any], quoted: str) -> None:
    snapshot = kit.snapshot(CODE)
    [place] = (await review(kit.router(reply(item)), analyst, snapshot)).items
    text = snapshot.text.decode()
    assert quoted.startswith(text[place.start : place.end])
    assert text[place.start :].startswith(quoted)


@pytest.mark.parametrize(
    "item",
    [
        pytest.param(found(quote="return total / count"), id="not there"),
        pytest.param(found(quote=""), id="no quote"),
        pytest.param(found(quote="\n \n"), id="blank quote"),
        pytest.param(found(message=" "), id="no message"),
        pytest.param({"quote": 3, "message": ["x"]}, id="no words"),
    ],
)
async def test_what_is_not_there_is_dropped(kit: Any, analyst: Analyst, item: dict[str, Any]) -> None:
    result = await review(kit.router(reply(item, found())), analyst, kit.snapshot(CODE))
    assert [place.start_line for place in result.items] == [7]
    assert result.dropped == 1


@pytest.mark.parametrize(
    ("fix", "expected"),
    [
        pytest.param("    return total", "return total", id="good"),
        pytest.param("return total", "return total", id="no indentation"),
        pytest.param("```python\n    return total\n```", "return total", id="fence"),
        pytest.param(
            "if not values:\n    return 0\nreturn total",
            "if not values:\n        return 0\n    return total",
            id="more",
        ),
        pytest.param("    return ((total", None, id="broken"),
        pytest.param("    return total / len(values)", None, id="no change"),
        pytest.param("# ... rest unchanged", None, id="elided"),
        pytest.param("", None, id="empty"),
        pytest.param(None, None, id="none"),
    ],
)
async def test_a_fix_is_kept_when_it_parses_no_worse(
    kit: Any, analyst: Analyst, fix: str | None, expected: str | None
) -> None:
    [item] = (await review(kit.router(reply(found(fix=fix))), analyst, kit.snapshot(CODE))).items
    assert item.fix == expected


async def test_a_fix_of_a_part_replaces_its_line(kit: Any, analyst: Analyst) -> None:
    item = found(quote="total == None", line=5, fix="total is None")
    [place] = (await review(kit.router(reply(item)), analyst, kit.snapshot(CODE))).items
    assert place.fix == "if total is None:"


@pytest.mark.parametrize(
    ("word", "expected"),
    [
        ("error", "error"),
        ("CRITICAL", "error"),
        ("medium", "warning"),
        ("low", "info"),
        ("nit", "hint"),
        ("?", "warning"),
    ],
)
async def test_severities(kit: Any, analyst: Analyst, word: str, expected: str) -> None:
    [item] = (await review(kit.router(reply(found(severity=word))), analyst, kit.snapshot(CODE))).items
    assert item.severity == expected


async def test_gravest_first_no_doubles_and_not_too_many(kit: Any, analyst: Analyst) -> None:
    said = reply(found(severity="hint", message="a"), found(), found(), found(severity="warning", message="b"))
    settings = Settings.model_validate({"review": {"max_findings": 2}})
    result = await review(kit.router(said), analyst, kit.snapshot(CODE), settings=settings)
    assert [item.severity for item in result.items] == ["error", "warning"]


async def test_only_the_selection_is_reviewed(kit: Any, analyst: Analyst) -> None:
    picked = CODE.replace("def last", "«def last") + "»"
    result = await review(
        kit.router(reply(found(), found(quote="return values[len(values)]"))), analyst, kit.snapshot(picked)
    )
    assert [item.start_line for item in result.items] == [12]


async def test_an_empty_list_is_a_good_answer(kit: Any, analyst: Analyst) -> None:
    router = kit.router('{"findings": []}')
    assert (await review(router, analyst, kit.snapshot(CODE))).items == ()
    assert router.verdicts == []


async def test_an_answer_without_findings_goes_to_the_next_model(kit: Any, analyst: Analyst) -> None:
    router = kit.router("The code looks fine to me.", reply(found()))
    assert len((await review(router, analyst, kit.snapshot(CODE))).items) == 1
    assert router.verdicts == ["no findings in JSON"]
    with pytest.raises(UpstreamFailed):
        await review(kit.router("Fine."), analyst, kit.snapshot(CODE))


@pytest.mark.parametrize(
    ("text", "uri", "message"),
    [
        pytest.param("\n \n", "file:///a.py", "nothing to review", id="empty"),
        pytest.param("A=1\n", "file:///a/.env", "marked as private", id="secret"),
        pytest.param("x = 1\n" * 30_000, "file:///a.py", "too much to review at once", id="too much"),
    ],
)
async def test_what_cannot_be_reviewed_is_said(kit: Any, analyst: Analyst, text: str, uri: str, message: str) -> None:
    router = kit.router(reply())
    with pytest.raises(RequestRejected, match=message):
        await review(router, analyst, kit.snapshot(text, uri=uri))
    assert router.requests == []


ONE = {"quote": "a", "message": "b"}


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ('{"findings": [{"quote": "a", "message": "b"}]}', [ONE]),
        ('[{"quote": "a", "message": "b"}]', [ONE]),
        ('Sure!\n```json\n{"findings": [{"quote": "a", "message": "b"}]}\n```\nBye.', [ONE]),
        ('I found {one} thing: {"findings": [{"quote": "a", "message": "b",}],}', [ONE]),
        ('{"findings": [{"quote": "a", "message": "b"}, {"quote": "c", "mess', [ONE]),
        ('{"quote": "a", "message": "b"}', [ONE]),
        ('{"findings": []}', []),
        ('{"findings": "none"}', None),
        ("nothing", None),
        ("", None),
    ],
)
def test_findings_are_read_from_what_is_said(text: str, expected: list[dict[str, str]] | None) -> None:
    assert findings.told(text) == expected


@settings(max_examples=150, deadline=None)
@given(st.text(alphabet='{}[]",:a1 \n`', max_size=80))
def test_reading_never_raises(text: str) -> None:
    told = findings.told(text)
    assert told is None or all(isinstance(item, dict) for item in told)


@settings(max_examples=60, deadline=None)
@given(st.text(alphabet="aé (=\n", max_size=60), st.text(alphabet="aé (=\n", max_size=12), st.integers(-3, 99))
def test_a_place_holds_what_was_quoted(code: str, quote: str, line: int) -> None:
    snapshot = Snapshot("file:///a.txt", 1, "plaintext", code.encode())
    whole = region(snapshot, Buffer(snapshot.text, language_id="plaintext"), (0, len(snapshot.text)))
    span = findings.place(quote, whole, line) if whole else None
    if span is not None:
        held = snapshot.text[slice(*span)].decode()
        assert _stripped(held) == _stripped(quote.strip("\n"))


def _stripped(text: str) -> list[str]:
    return [part.strip() for part in text.split("\n")]
