"""Where an edit is likely to be repeated."""

from __future__ import annotations

from typing import Any

import pytest

from codriver.analyst import Analyst
from codriver.config import Settings
from codriver.model.request import Snapshot
from codriver.tasks import next_edit
from codriver.tasks.changes import Change, merged
from codriver.tasks.complete import NEXT_EDIT, Completer
from codriver.tasks.watch import Watch

CALLS = "def f(count, other):\n    a = count + 1\n    return count * other\n\n\nprint(f(1, 2))\ncount = 3\n"
UTF = 'a = open("a", encoding="utf8")\nb = open("b", encoding="utf8")\n'
PAY = 'pay(10)\nx = 1\npay(20, "EUR")\nif x:\n    pay(30)\n'


def edited(text: str, *edits: tuple[str, str], pause: float = 1.0) -> tuple[str, list[Change], Watch]:
    """A text after edits by hand: the first `old` (with context around «») becomes `new`, letter by letter."""
    watch, changes, now = Watch(), [], 0.0
    for context, new in edits:
        start = text.index(context.replace("«", "").replace("»", "")) + context.index("«")
        old = context[context.index("«") + 1 : context.index("»")]
        steps = [(start, old, ""), *((start + n, "", sign) for n, sign in enumerate(new))]
        for at, gone, put in steps:
            text = text[:at] + put + text[at + len(gone) :]
            change = Change(len(text[:at].encode()), gone.encode(), put.encode())
            watch.changed(merged([change]), now)
            changes.append(change)
            now += 0.1
        now += pause
    return text, changes, watch


@pytest.mark.parametrize(
    ("text", "edits", "expected"),
    [
        pytest.param(CALLS, [("def f(«count»", "size")], "    a = size + 1", id="a parameter"),
        pytest.param("total = 1\nprint(total)\nx = total\n", [("«total» =", "whole")], "print(whole)", id="a variable"),
        pytest.param(
            "def old_name():\n    pass\n\n\nold_name()\n", [("def «old_name»", "fresh")], "fresh()", id="a function"
        ),
        pytest.param(
            "class A:\n    def __init__(self):\n        self.count = 1\n\n    def f(self):\n        return self.count\n",
            [("self.«count»", "size")],
            "        return self.size",
            id="a member",
        ),
        pytest.param(
            "const rate = 1;\nlet a = rate * 2;\n", [("const «rate»", "ratio")], "let a = ratio * 2;", id="a constant"
        ),
        pytest.param(
            "def f():\n    total = 1\n    print(total)\n\n\ndef g():\n    total = 2\n    print(total)\n",
            [("def f():\n    «total»", "whole")],
            "    print(whole)",
            id="only in its function",
        ),
        pytest.param("a = f(x, 1)\nb = f(x, 1)\n", [("a = f(x, «1»", "2")], "b = f(x, 2)", id="the same call"),
        pytest.param(PAY, [("pay(10«»", ", 'USD'")], "    pay(30, 'USD')", id="an argument more, where it is missing"),
        pytest.param(UTF, [('"a", encoding="«utf8»', "utf-8")], "", id="one string changed says nothing yet"),
        pytest.param(
            UTF + 'c = open("c", encoding="utf8")\n',
            [('"a", encoding="«utf8»', "utf-8"), ('"b", encoding="«utf8»', "utf-8")],
            'c = open("c", encoding="utf-8")',
            id="the same string changed twice",
        ),
        pytest.param(
            "log.debug(a)\nlog.debug(b)\nlog.debug(c)\n",
            [("log.«debug»(a", "info"), ("log.«debug»(b", "info")],
            "log.info(c)",
            id="the same call renamed twice",
        ),
        pytest.param("a = 1\nb = a\nc = b + a\n", [("b = «a»", "c0")], "", id="another value is no new name"),
        pytest.param("value = 1\nother = 2\n", [("«value»", "thing")], "", id="nothing else has it"),
        pytest.param("value = 1\nvalues = value_of(x.value)\n", [("«value» =", "thing")], "", id="parts of words"),
        pytest.param("grün = 1\nprint(grün)\n", [("«grün» =", "blau")], "print(blau)", id="beyond ASCII"),
    ],
)
def test_the_next_place(text: str, edits: list[tuple[str, str]], expected: str) -> None:
    after, _, watch = edited(text, *edits)
    found = next(next_edit.find(after.encode(), tuple(watch.past), watch.when), None)
    line = ""
    if found is not None:
        data = after.encode()
        changed = data[: found.start] + found.text.encode() + data[found.end :]
        start = changed.rfind(b"\n", 0, found.start) + 1
        line = changed[start : changed.find(b"\n", start)].decode()
        assert found.label == f"Same change on line {changed.count(bytes([10]), 0, start) + 1}"
    assert line == expected


def test_those_behind_come_first_then_those_before() -> None:
    text, _, watch = edited("print(a_b)\n\na_b = 1\nprint(a_b)\n", ("«a_b» =", "cd"))
    found = list(next_edit.find(text.encode(), tuple(watch.past), watch.when))
    assert [one.label[-1] for one in found] == ["4", "1"]


def test_an_edit_of_long_ago_is_not_repeated() -> None:
    text, _, watch = edited(CALLS, ("def f(«count»", "size"))
    assert list(next_edit.find(text.encode(), tuple(watch.past), watch.when + next_edit.STALE + 1)) == []
    assert list(next_edit.find(b"", (), 0.0)) == []


def test_a_line_written_anew_is_no_edit() -> None:
    text, _, watch = edited("x = total\n\nprint(total)\n", ("x = total\n«»", "total = 1"))
    assert list(next_edit.find(text.encode(), tuple(watch.past), watch.when)) == []


# Through the completer.


class Desk:
    """A completer whose buffer was edited."""

    def __init__(self, kit: Any, analyst: Analyst, text: str, *edits: tuple[str, str], **settings: Any) -> None:
        self.now = 0.0
        self.router = kit.router("never asked")
        self.completing = Completer(
            self.router, analyst, Settings.model_validate({"complete": settings}), lambda: self.now
        )
        self.text, changes, _ = edited(text, *edits)
        self.completing.opened(1, "file:///work/app.py")
        for change in changes:
            self.now += 0.1
            self.completing.changed(1, "file:///work/app.py", [change], lambda: self.text.encode())
        self.at = self.text.index("\n")

    @property
    def snapshot(self) -> Snapshot:
        return Snapshot("file:///work/app.py", 1, "python", self.text.encode(), self.at)

    def next(self) -> list[str]:
        """The lines as they would be."""
        return [
            (self.text.encode()[: one.start] + one.text.encode() + self.text.encode()[one.end :])
            .decode()
            .split("\n")[self.text.encode().count(b"\n", 0, one.start)]
            for one in self.completing.next_edits(self.snapshot, owner=1)
        ]


def test_one_after_the_other(kit: Any, analyst: Analyst) -> None:
    desk = Desk(kit, analyst, CALLS, ("def f(«count»", "size"))
    assert desk.next() == ["    a = size + 1"]
    [edit] = desk.completing.next_edits(desk.snapshot, owner=1)
    assert len(desk.router.noted) == 1, "one outcome, however often it is asked for"
    assert edit.model == NEXT_EDIT and edit.label == "Same change on line 2" and edit.decision.startswith("n")
    change = Change(edit.start, b"count", b"size")
    desk.text = desk.text.replace("a = count", "a = size")
    desk.completing.changed(1, desk.snapshot.uri, [change], lambda: desk.text.encode())
    assert desk.router.learned == [(edit.decision, "accepted")]
    assert desk.next() == ["    return size * other"]
    assert desk.router.requests == []


def test_a_refused_one_is_not_offered_again(kit: Any, analyst: Analyst) -> None:
    desk = Desk(kit, analyst, CALLS, ("def f(«count»", "size"))
    [edit] = desk.completing.next_edits(desk.snapshot, owner=1)
    desk.completing.fate(edit.decision, "rejected")
    assert desk.router.learned == [(edit.decision, "rejected")]
    assert desk.next() == ["    return size * other"]


@pytest.mark.parametrize(
    ("text", "edit"),
    [
        pytest.param('total = 1\nprint("total")\n# total\n', ("«total» =", "whole"), id="strings and comments"),
        pytest.param("total = 1\nglobal total\n", ("«total» =", "a.b"), id="what would not parse"),
    ],
)
def test_what_is_not_alike_is_left_out(kit: Any, analyst: Analyst, text: str, edit: tuple[str, str]) -> None:
    assert Desk(kit, analyst, text, edit).next() == []


@pytest.mark.parametrize("settings", [{"next_edits": False}, {"enabled": False}, {"max_bytes": 10}])
def test_it_can_be_switched_off(kit: Any, analyst: Analyst, settings: dict[str, Any]) -> None:
    assert Desk(kit, analyst, CALLS, ("def f(«count»", "size"), **settings).next() == []


async def test_who_goes_to_its_line_is_shown_it_there(kit: Any, analyst: Analyst) -> None:
    desk = Desk(kit, analyst, CALLS, ("def f(«count»", "size"))
    desk.at = desk.text.index("a = count") + 1
    [shown] = await desk.completing.complete(desk.snapshot, owner=1, explicit=False)
    assert desk.text.encode()[shown.start : shown.end] == b" = count" and shown.text == " = size"
    desk.at = desk.text.index("print")
    assert await desk.completing.complete(desk.snapshot, owner=1, explicit=False) == []
    assert desk.completing.silences["the cursor was moved"] == 1
