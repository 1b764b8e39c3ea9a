"""Inline completion from snapshot to suggestion, against a scripted router."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from codriver.analyst import Analyst
from codriver.config import Settings
from codriver.errors import Failure, Kind, Unroutable, UpstreamFailed
from codriver.model.events import Finish
from codriver.model.request import Purpose
from codriver.router import PREDICTOR
from codriver.syntax import predictor
from codriver.tasks.changes import Change
from codriver.tasks.complete import Completer
from codriver.tasks.suggestion import Picked

ADD = "def add(first, second):\n    total = ‸\n    return total\n"
BODY = "def mean(values):\n    ‸\n\n\nprint(mean([1]))\n"
UNROUTABLE = Unroutable(Failure(Kind.UNROUTABLE, "no provider is configured"))
BROKEN = UpstreamFailed(Failure(Kind.BROKEN, "the connection broke"))


def completer(
    router: Any, analyst: Analyst, *, clock: Callable[[], float] = time.monotonic, **settings: Any
) -> Completer:
    """Without the local predictor and without alternatives, unless the test is about them."""
    few = {"predictor": False, "alternatives": 1}
    return Completer(router, analyst, Settings.model_validate({"complete": few | settings}), clock)


@pytest.mark.parametrize(
    ("text", "said", "expected"),
    [
        pytest.param(ADD, "first + second", "    total = first + second\n", id="good"),
        pytest.param(ADD, " first + second", "    total = first + second\n", id="spare space"),
        pytest.param(ADD, "first + second\n    return total", "    total = first + second\n", id="one line only"),
        pytest.param(ADD, "total = first + second", "    total = first + second\n", id="echo"),
        pytest.param(
            ADD,
            "```python\n    total = first + second\n```\nThis adds them.",
            "    total = first + second\n",
            id="fence",
        ),
        pytest.param(
            ADD, "Here is the completed line:\n\n```\nfirst + second\n```", "    total = first + second\n", id="chatter"
        ),
        pytest.param(ADD, "<think>add</think>first + second", "    total = first + second\n", id="thinking"),
        pytest.param(ADD, "first + second<|endoftext|>def", "    total = first + second\n", id="mark"),
        pytest.param(ADD, "abs(first", "    total = abs(first)\n", id="closed"),
        pytest.param(ADD, "first + second)", "    total = first + second\n", id="a bracket too many"),
        pytest.param(
            BODY,
            "return sum(values) / len(values)\n\n\ndef other():\n    pass\n",
            "    return sum(values) / len(values)\n",
            id="block ends",
        ),
        pytest.param(
            BODY,
            "total = 0\nfor value in values:\n    total += value\nreturn total / len(values)",
            "    total = 0\n    for value in values:\n        total += value\n    return total / len(values)\n",
            id="from zero",
        ),
        pytest.param("print(len(‸))\nx = 1\n", '"abc"))', 'print(len("abc"))\n', id="closers to the right"),
        pytest.param("héé = [1, 2]\nprint(hé‸)\n", "é", "print(héé)\n", id="not ASCII"),
    ],
)
async def test_a_suggestion_is_good_code_in_place(
    kit: Any, analyst: Analyst, text: str, said: str, expected: str
) -> None:
    snapshot = kit.snapshot(text)
    router = kit.router(said)
    [suggestion] = await completer(router, analyst).complete(snapshot, owner=1, explicit=False)
    result = kit.applied(snapshot, suggestion.start, suggestion.end, suggestion.text)
    assert expected in result
    compile(result, "app.py", "exec")
    assert suggestion.model == kit.MODELS[0] and suggestion.simulated and suggestion.decision == "d1"
    assert router.open_now == 0


async def test_the_request_says_what_a_model_needs(kit: Any, analyst: Analyst) -> None:
    router = kit.router("first + second")
    snapshot = kit.snapshot(ADD)
    await completer(router, analyst, deadline=3).complete(snapshot, owner=1, explicit=False)
    [request] = router.requests
    assert request.purpose is Purpose.COMPLETE and request.code == snapshot and request.deadline == 3
    assert request.fim.prefix.endswith("    total = ") and request.fim.suffix == "\n    return total\n"
    assert request.limits.max_tokens == 48
    assert "total = <|cursor|>\n    return total" in router.prompt()


async def test_w41_a_buffer_with_the_prompts_own_mark_has_one_cursor(kit: Any, analyst: Analyst) -> None:
    router = kit.router('"< |cursor|>"')
    snapshot = kit.snapshot('MARK = "<|cursor|>"\nother = ‸\n')
    [suggestion] = await completer(router, analyst).complete(snapshot, owner=1, explicit=False)
    assert router.prompt().count("<|cursor|>") == 1 + router.requests[0].conversation.messages[0].text.count(
        "<|cursor|>"
    )
    assert suggestion.text.endswith('"<|cursor|>"')


async def test_the_range_begins_with_the_typed_word(kit: Any, analyst: Analyst) -> None:
    snapshot = kit.snapshot("values = [1]\nprint(val‸)\n")
    [suggestion] = await completer(kit.router("ues"), analyst).complete(snapshot, owner=1, explicit=False)
    assert (suggestion.text, snapshot.text[suggestion.start : suggestion.end]) == ("values", b"val")
    assert suggestion.label == "values"


async def test_windows_line_ends_stay(kit: Any, analyst: Analyst) -> None:
    snapshot = kit.snapshot(BODY.replace("\n", "\r\n"))
    said = "total = sum(values)\n    return total\n"
    [suggestion] = await completer(kit.router(said), analyst).complete(snapshot, owner=1, explicit=False)
    assert suggestion.text == "total = sum(values)\r\n    return total"


@pytest.mark.parametrize(
    ("text", "uri"),
    [
        pytest.param("x = ‸", "file:///a.py", id="nearly empty"),
        pytest.param("total = first + sec‸ond\n", "file:///a.py", id="inside a word"),
        pytest.param("total = ‸first + second\n", "file:///a.py", id="text to the right"),
        pytest.param("total = 1\n# and no‸\n", "file:///a.py", id="comment"),
        pytest.param('total = "and no‸"\n', "file:///a.py", id="string"),
    ],
)
async def test_silence_unless_asked(kit: Any, analyst: Analyst, text: str, uri: str) -> None:
    router = kit.router("w", "w")
    snapshot = kit.snapshot(text, uri=uri)
    assert await completer(router, analyst).complete(snapshot, owner=1, explicit=False) == []
    assert router.requests == []
    await completer(router, analyst).complete(snapshot, owner=1, explicit=True)
    assert len(router.requests) == 1


@pytest.mark.parametrize(
    ("text", "uri", "settings"),
    [
        pytest.param("SECRET_TOKEN=‸\n", "file:///work/.env", {}, id="secret"),
        pytest.param("aaaaaaaaaaaa ‸\n", "file:///home/me/.ssh/id_rsa", {}, id="key"),
        pytest.param("«total» = 12345\n", "file:///a.py", {}, id="selection"),
        pytest.param("total = 12345\n", "file:///a.py", {}, id="no cursor"),
        pytest.param(ADD, "file:///a.py", {"max_bytes": 20}, id="too large"),
        pytest.param(ADD, "file:///a.py", {"enabled": False}, id="switched off"),
    ],
)
async def test_silence_always(kit: Any, analyst: Analyst, text: str, uri: str, settings: dict[str, Any]) -> None:
    router = kit.router("1")
    snapshot = kit.snapshot(text, uri=uri)
    for explicit in (False, True):
        assert await completer(router, analyst, **settings).complete(snapshot, owner=1, explicit=explicit) == []
    assert router.requests == []


@pytest.mark.parametrize(
    "said",
    [
        pytest.param("", id="nothing"),
        pytest.param("\n", id="blank"),
        pytest.param("\n    return total", id="what stands below"),
        pytest.param("total = ", id="only echo"),
    ],
)
async def test_nothing_new_is_silence_and_nobody_else_is_asked(kit: Any, analyst: Analyst, said: str) -> None:
    router = kit.router(said, "first + second")
    assert await completer(router, analyst).complete(kit.snapshot(ADD), owner=1, explicit=False) == []
    assert len(router.requests) == 1 and router.learned == []


@pytest.mark.parametrize("explicit", [False, True])
async def test_what_stands_to_the_right_already_is_no_suggestion(kit: Any, analyst: Analyst, explicit: bool) -> None:
    router = kit.router('"', "never asked")
    snapshot = kit.snapshot('names = [\n  "README.md‸",\n]\n', language="toml", uri="file:///a.toml")
    assert await completer(router, analyst).complete(snapshot, owner=1, explicit=explicit) == []
    assert router.learned == []


ENTRY = '    "name of a thing, number {n}": ["one", "two", "three"],\n'


@pytest.mark.parametrize(
    ("lines", "said", "shown"),
    [
        pytest.param(2_000, "result = 0", False, id="a statement in a long dict"),
        pytest.param(2_000, '"x": 1,', True, id="an entry in a long dict"),
        pytest.param(8_000, "result = 0", False, id="a statement in a dict too long to be parsed whole"),
    ],
)
async def test_long_texts_are_judged_like_short_ones(
    kit: Any, analyst: Analyst, lines: int, said: str, shown: bool
) -> None:
    half = "".join(ENTRY.format(n=n) for n in range(lines // 2))
    snapshot = kit.snapshot(f"things = {{\n{half}    ‸\n{half}}}\n")
    found = await completer(kit.router(said, said), analyst).complete(snapshot, owner=1, explicit=True)
    assert [suggestion.text for suggestion in found] == [said] * shown


async def test_the_stream_is_closed_when_it_was_enough(kit: Any, analyst: Analyst) -> None:
    said = kit.Says("return sum(values)\n\n\ndef other():\n" + "    more()\n" * 100)
    router = kit.router(said)
    [suggestion] = await completer(router, analyst).complete(kit.snapshot(BODY), owner=1, explicit=False)
    assert suggestion.text == "return sum(values)"
    assert said.heard < 60 and router.open_now == 0


async def test_a_line_broken_off_by_the_limit_is_not_shown(kit: Any, analyst: Analyst) -> None:
    said = kit.Says("total = sum(values)\n    count = len(val", finish=Finish.LENGTH)
    [suggestion] = await completer(kit.router(said), analyst).complete(kit.snapshot(BODY), owner=1, explicit=False)
    assert suggestion.text == "total = sum(values)"


async def test_what_does_not_parse_is_asked_of_the_next_stronger_model_once(kit: Any, analyst: Analyst) -> None:
    router = kit.router("is = is", "first + second")
    [suggestion] = await completer(router, analyst).complete(kit.snapshot(ADD), owner=1, explicit=False)
    assert suggestion.text == "first + second" and suggestion.model == kit.MODELS[1]
    assert [request.model for request in router.requests] == ["auto", kit.MODELS[1]]
    assert router.requests[0].id != router.requests[1].id
    assert router.learned == [("d1", "verified-bad")]


async def test_two_bad_answers_are_silence(kit: Any, analyst: Analyst) -> None:
    router = kit.router("is = is", "in in", "first")
    assert await completer(router, analyst).complete(kit.snapshot(ADD), owner=1, explicit=False) == []
    assert len(router.requests) == 2


@pytest.mark.parametrize("error", [UNROUTABLE, BROKEN, RuntimeError("a mistake of ours")])
async def test_failures_are_silence(kit: Any, analyst: Analyst, error: Exception) -> None:
    router = kit.router(kit.Says(fails=error))
    assert await completer(router, analyst).complete(kit.snapshot(ADD), owner=1, explicit=False) == []


async def test_time_is_bounded(kit: Any, analyst: Analyst) -> None:
    router = kit.router(kit.Says(hangs=True))
    assert await completer(router, analyst, deadline=0.01).complete(kit.snapshot(ADD), owner=1, explicit=False) == []
    assert router.open_now == 0


async def test_cancelling_closes_the_stream_and_is_told(kit: Any, analyst: Analyst) -> None:
    said = kit.Says(hangs=True)
    router = kit.router(said)
    task = asyncio.create_task(completer(router, analyst).complete(kit.snapshot(ADD), owner=1, explicit=False))
    async with asyncio.timeout(5):
        await said.asked.wait()
    assert router.open_now == 1
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    async with asyncio.timeout(5):  # a moment later: the question for the next key is usually near
        while router.open_now:  # noqa: ASYNC110 (nobody tells a test)
            await asyncio.sleep(0)


# Typed along.


@pytest.mark.parametrize(
    ("later", "expected"),
    [
        pytest.param(ADD.replace("‸", "fir‸"), "first + second", id="typed"),
        pytest.param(ADD.replace("‸", "first + ‸"), "second", id="a word typed"),
        pytest.param(ADD, "first + second", id="nothing typed"),
    ],
)
async def test_typing_along_asks_nobody(kit: Any, analyst: Analyst, later: str, expected: str) -> None:
    router = kit.router("first + second")
    completing = completer(router, analyst)
    [before] = await completing.complete(kit.snapshot(ADD), owner=1, explicit=False)
    [after] = await completing.complete(kit.snapshot(later, version=2), owner=1, explicit=False)
    assert (after.text, after.decision) == (expected, before.decision)
    assert len(router.requests) == 1
    [back] = await completing.complete(kit.snapshot(ADD, version=3), owner=1, explicit=False)
    assert back.text == before.text


@pytest.mark.parametrize(
    "later",
    [
        pytest.param(ADD.replace("‸", "sec‸"), id="something else typed"),
        pytest.param(ADD.replace("‸", "fir‸").replace("add", "sum"), id="changed above"),
        pytest.param(ADD.replace("‸", "fir‸") + "more = 1\n", id="changed below"),
        pytest.param(ADD.replace("‸", "first + second‸"), id="all of it typed"),
    ],
)
async def test_anything_else_is_a_new_question(kit: Any, analyst: Analyst, later: str) -> None:
    router = kit.router("first + second", "")
    completing = completer(router, analyst)
    await completing.complete(kit.snapshot(ADD), owner=1, explicit=False)
    await completing.complete(kit.snapshot(later, version=2), owner=1, explicit=False)
    assert len(router.requests) == 2


async def test_typing_along_into_a_closed_pair(kit: Any, analyst: Analyst) -> None:
    router = kit.router("abs(first)")
    completing = completer(router, analyst)
    await completing.complete(kit.snapshot(ADD), owner=1, explicit=False)
    later = kit.snapshot(ADD.replace("‸", "abs(‸)"), version=2)
    [suggestion] = await completing.complete(later, owner=1, explicit=False)
    assert "total = abs(first)\n" in kit.applied(later, suggestion.start, suggestion.end, suggestion.text)
    assert len(router.requests) == 1


async def test_editors_do_not_share_what_is_typed(kit: Any, analyst: Analyst) -> None:
    router = kit.router("first + second", "second")
    completing = completer(router, analyst)
    await completing.complete(kit.snapshot(ADD), owner=1, explicit=False)
    await completing.complete(kit.snapshot(ADD), owner=2, explicit=False)
    assert len(router.requests) == 2


async def test_a_rejected_suggestion_does_not_come_back(kit: Any, analyst: Analyst) -> None:
    router = kit.router("first + second", "first + second", "second + first")
    now = [100.0]
    completing = completer(router, analyst, clock=lambda: now[0])
    [suggestion] = await completing.complete(kit.snapshot(ADD), owner=1, explicit=False)
    completing.fate(suggestion.decision, "rejected")
    assert router.learned == [("d1", "rejected")]
    assert await completing.complete(kit.snapshot(ADD), owner=1, explicit=False) == []
    assert len(router.requests) == 1, "the line is left alone for a while"
    now[0] += 10
    assert await completing.complete(kit.snapshot(ADD), owner=1, explicit=False) == []
    assert len(router.requests) == 2
    [other] = await completing.complete(kit.snapshot(ADD), owner=1, explicit=False)
    assert other.text == "second + first"


# The local predictor.

ROWS = "".join(f"    table.insert_row(name, amount_{n}, currency)\n" for n in range(8))
REPEATED = f"def fill(table, name, currency):\n{ROWS}    table.insert_row(na‸\n"


async def test_what_is_certain_needs_no_model(kit: Any, analyst: Analyst) -> None:
    router = kit.router("me)")
    [suggestion] = await completer(router, analyst, predictor=True, threshold=0.0).complete(
        kit.snapshot(REPEATED), owner=1, explicit=False
    )
    assert suggestion.model == PREDICTOR and not suggestion.simulated and suggestion.decision == "n1"
    assert suggestion.text.startswith("name")
    assert router.requests == [] and len(router.noted) == 1


@pytest.mark.parametrize(("share", "shown"), [(0.9, True), (0.4, False)])
async def test_with_no_model_half_the_certainty_is_enough(
    kit: Any, analyst: Analyst, share: float, shown: bool
) -> None:
    snapshot = kit.snapshot(REPEATED)
    told = predictor.predict(snapshot.text[: snapshot.cursor], snapshot.text[snapshot.cursor :], ())
    assert told is not None
    router = kit.router(kit.Says(fails=UNROUTABLE))
    completing = completer(router, analyst, predictor=True)
    tuned = completing.settings.complete.model_copy(update={"threshold": told.confidence / share})
    completing.settings = completing.settings.model_copy(update={"complete": tuned})
    found = await completing.complete(snapshot, owner=1, explicit=False)
    assert [suggestion.model for suggestion in found] == [PREDICTOR] * shown
    assert len(router.requests) == 1


async def test_the_predictor_can_be_switched_off(kit: Any, analyst: Analyst) -> None:
    router = kit.router("me, 1, currency)")
    completing = completer(router, analyst, threshold=0.0, predictor=False)
    [suggestion] = await completing.complete(kit.snapshot(REPEATED), owner=1, explicit=False)
    assert suggestion.model == kit.MODELS[0] and router.noted == []


async def test_asked_explicitly_both_answer(kit: Any, analyst: Analyst) -> None:
    router = kit.router("me, 1, currency)")
    found = await completer(router, analyst, predictor=True, threshold=0.0).complete(
        kit.snapshot(REPEATED), owner=1, explicit=True
    )
    assert [suggestion.model for suggestion in found] == [kit.MODELS[0], PREDICTOR]


# Alternatives, on demand.


async def test_on_demand_several_are_asked_at_the_same_time(kit: Any, analyst: Analyst) -> None:
    router = kit.router("first + second", "second + first", "first + second")
    found = await completer(router, analyst, alternatives=3).complete(kit.snapshot(ADD), owner=1, explicit=True)
    assert [one.text for one in found] == ["first + second", "second + first"], "each once, the calmest first"
    temperatures = [request.limits.temperature for request in router.requests]
    assert temperatures[0] == 0.0 and min(temperatures[1:]) > 0.5
    assert len({request.id for request in router.requests}) == 3 and router.open_now == 0


async def test_of_several_those_that_fail_are_left_out(kit: Any, analyst: Analyst) -> None:
    router = kit.router("first + second", kit.Says(fails=BROKEN), kit.Says(hangs=True))
    completing = completer(router, analyst, alternatives=3, deadline=0.05)
    [found] = await completing.complete(kit.snapshot(ADD), owner=1, explicit=True)
    assert found.text == "first + second" and router.open_now == 0


async def test_several_that_all_fail_are_silence(kit: Any, analyst: Analyst) -> None:
    router = kit.router(*(kit.Says(fails=UNROUTABLE) for _ in range(3)))
    assert await completer(router, analyst, alternatives=3).complete(kit.snapshot(ADD), owner=1, explicit=True) == []


async def test_cancelling_closes_all_of_several(kit: Any, analyst: Analyst) -> None:
    hanging = [kit.Says(hangs=True) for _ in range(3)]
    router = kit.router(*hanging)
    asked = completer(router, analyst, alternatives=3).complete(kit.snapshot(ADD), owner=1, explicit=True)
    task = asyncio.create_task(asked)
    async with asyncio.timeout(5):
        for said in hanging:
            await said.asked.wait()
    assert router.open_now == 3
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    assert router.open_now == 0


# The wait.


@pytest.mark.parametrize(
    ("settings", "predicted", "expected"),
    [({}, False, 1), ({"delay": 2.0}, False, 1), ({"delay": 0.0}, False, 0), ({}, True, 0)],
)
async def test_a_model_is_asked_when_the_next_key_is_not_to_be_expected(
    kit: Any, analyst: Analyst, settings: dict[str, Any], predicted: bool, expected: int
) -> None:
    router, now, pauses = kit.router("first + second"), [0.0], list[float]()

    async def pause(seconds: float) -> None:
        pauses.append(seconds)
        assert router.requests == []

    few = {"predictor": predicted, "threshold": 0.0 if predicted else 0.6, **settings}
    completing = Completer(
        router, analyst, Settings.model_validate({"complete": few}), clock=lambda: now[0], pause=pause
    )
    marked = REPEATED if predicted else ADD
    snapshot = kit.snapshot(marked)
    completing.opened(1, snapshot.uri)
    for n in range(8):
        now[0] += 0.15
        change = Change(snapshot.cursor - 8 + n, b"", snapshot.text[snapshot.cursor - 8 + n :][:1])
        completing.changed(1, snapshot.uri, [change], lambda: snapshot.text)
    assert await completing.complete(snapshot, owner=1, explicit=False)
    assert len(pauses) == expected
    assert pauses == [] or pauses[0] == pytest.approx(0.1125 * settings.get("delay", 1.0))


async def test_on_demand_nothing_is_waited_for(kit: Any, analyst: Analyst) -> None:
    async def pause(seconds: float) -> None:
        raise AssertionError

    router, now = kit.router("first + second"), [0.0]
    few = {"predictor": False, "alternatives": 1}
    completing = Completer(router, analyst, Settings.model_validate({"complete": few}), lambda: now[0], pause)
    snapshot = kit.snapshot(ADD)
    for n in range(8):
        now[0] += 0.15
        completing.changed(1, snapshot.uri, [Change(n, b"", b"d")], lambda: snapshot.text)
    assert await completing.complete(snapshot, owner=1, explicit=True)


async def test_nothing_is_suggested_unasked_in_a_file_that_git_ignores(
    kit: Any, analyst: Analyst, tmp_path: Path
) -> None:
    (tmp_path / ".git").mkdir()
    (tmp_path / ".gitignore").write_text("generated.py\n")
    for name, count in (("generated.py", 0), ("written.py", 1)):
        snapshot = kit.snapshot(ADD, uri=(tmp_path / name).as_uri())
        completing = completer(kit.router("first + second", "first + second"), analyst)
        completing.opened(1, snapshot.uri)
        completing.changed(1, snapshot.uri, [Change(snapshot.cursor - 1, b"", b" ")], bytes)
        assert len(await completing.complete(snapshot, owner=1, explicit=False)) == count
        assert len(await completing.complete(snapshot, owner=1, explicit=True)) == 1, "asked for it may be"


# The editor's own menu.


@pytest.mark.parametrize(
    ("text", "picked", "said", "expected"),
    [
        pytest.param("values = [1]\nprint(va‸)\n", "values", "[0]", "print(values[0])", id="a name"),
        pytest.param("values = [1]\nprint(va‸)\n", "sum(values)", " + 1", "print(sum(values) + 1)", id="with brackets"),
    ],
)
async def test_what_is_shown_begins_with_the_entry_chosen_in_the_menu(
    kit: Any, analyst: Analyst, text: str, picked: str, said: str, expected: str
) -> None:
    router, snapshot = kit.router(said), kit.snapshot(text)
    chosen = Picked(snapshot.cursor - 2, snapshot.cursor, picked)
    [found] = await completer(router, analyst).complete(snapshot, owner=1, explicit=False, picked=chosen)
    assert found.start == chosen.start and found.text.startswith(picked)
    assert expected in kit.applied(snapshot, found.start, found.end, found.text)
    assert router.requests[0].fim.prefix.endswith(f"print({picked}")


async def test_a_line_that_goes_in_circles_is_not_listened_to(kit: Any, analyst: Analyst) -> None:
    said = kit.Says("[" + "0, 1, " * 1_000)
    router = kit.router(said)
    [found] = await completer(router, analyst).complete(kit.snapshot(ADD), owner=1, explicit=False)
    assert said.heard < 600 and found.text == "[0, 1,]"


async def test_silences_are_counted_with_their_reasons(kit: Any, analyst: Analyst) -> None:
    completing = completer(kit.router("first + second"), analyst)
    for text in (ADD, "total = 1\n# and no‸\n", "total = fir‸st + second\n"):
        await completing.complete(kit.snapshot(text), owner=1, explicit=False)
    assert completing.silences == {"": 1, "inside a string or comment": 1, "inside a word": 1}


async def test_settings_may_be_replaced(kit: Any, analyst: Analyst) -> None:
    completing = completer(kit.router("1"), analyst)
    settings = completing.settings
    completing.settings = settings.model_copy(
        update={"complete": settings.complete.model_copy(update={"enabled": False})}
    )
    assert await completing.complete(replace(kit.snapshot(ADD), version=9), owner=1, explicit=False) == []
