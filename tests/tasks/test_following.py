"""What becomes of suggestions, told from changes alone; and how long is waited."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import pytest

from codriver.model.request import Snapshot
from codriver.tasks.changes import Change
from codriver.tasks.fate import SEEN
from codriver.tasks.following import Following
from codriver.tasks.rhythm import Rhythm, Spot
from codriver.tasks.shown import COOLING, VAIN
from codriver.tasks.suggestion import Suggestion

URI = "file:///work/app.py"
LINE = "total = ‸\n"


@dataclass
class Desk:
    """Somebody with one buffer, and what is told of his suggestions."""

    marked: str = LINE
    now: float = 100.0
    told: list[tuple[str, str]] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.following = Following(lambda decision, word: self.told.append((decision, word)), lambda: self.now)
        self.text, self.cursor = self.marked.replace("‸", "").encode(), self.marked.index("‸")
        self.following.opened(1, URI)

    @property
    def snapshot(self) -> Snapshot:
        return Snapshot(URI, 1, "python", self.text, self.cursor)

    def given(self, *texts: str, start: int | None = None) -> None:
        """Suggestions for the cursor, with the decisions d1, d2, ..."""
        found = [
            Suggestion(text, self.cursor if start is None else start, self.cursor, "m", f"d{n + 1}")
            for n, text in enumerate(texts)
        ]
        self.following.given(1, self.snapshot, found)

    def change(self, *edits: tuple[int, int, str], wait: float = 0.1) -> None:
        """Bytes replaced, in one message; the cursor is behind the last one."""
        self.now += wait
        batch = []
        for start, end, new in edits:
            batch.append(Change(start, self.text[start:end], new.encode()))
            self.text = self.text[:start] + new.encode() + self.text[end:]
            self.cursor = start + len(new.encode())
        self.following.changed(1, URI, batch, lambda: self.text)

    def put(self, text: str, **more: Any) -> None:
        self.change((self.cursor, self.cursor, text), **more)

    def keys(self, text: str) -> None:
        for sign in text:
            self.put(sign)

    def back(self, count: int = 1) -> None:
        for _ in range(count):
            self.change((self.cursor - 1, self.cursor, ""))

    @property
    def silent(self) -> str:
        return self.following.silent(1, self.snapshot)

    @property
    def along(self) -> str:
        found = self.following.along(1, self.snapshot)
        return found.text if found is not None else ""


def test_accepted_whole() -> None:
    desk = Desk()
    desk.given("first + second")
    desk.put("first + second")
    assert desk.told == [("d1", "accepted")]
    desk.following.fate("d1", "accepted")
    assert desk.told == [("d1", "accepted")], "the editor's word only confirms it"


def test_the_editors_word_may_come_before_the_change() -> None:
    desk = Desk()
    desk.given("first + second")
    desk.following.fate("d1", "accepted")
    desk.put("first + second")
    assert desk.told == [("d1", "accepted")]
    desk.change((0, 0, ""), (0, 0, ""), wait=30.0)
    desk.keys("x")
    assert desk.told[1:] == [("d1", "kept")], "its place is known"


def test_accepted_after_a_part_was_typed_and_over_a_closer() -> None:
    desk = Desk("total = sum(‸)\n")
    desk.following.given(1, desk.snapshot, [Suggestion("prices)", desk.cursor, desk.cursor + 1, "m", "d1")])
    desk.keys("pr")
    desk.change((desk.cursor, desk.cursor + 1, "ices)"))
    assert desk.told == [("d1", "accepted")] and desk.text == b"total = sum(prices)\n"


@pytest.mark.parametrize("indented", ["a(\n        b,\n    )", "a(\n\tb,\n)"])
def test_an_editor_may_indent_what_it_takes(indented: str) -> None:
    desk = Desk()
    desk.given("a(\n    b,\n)")
    desk.put(indented)
    assert desk.told == [("d1", "accepted")]


def test_typed_to_the_end_by_hand_was_right_too() -> None:
    desk = Desk()
    desk.given("first")
    desk.keys("first")
    assert desk.told == [("d1", "accepted")]


def test_a_word_then_a_line_then_the_rest() -> None:
    desk = Desk()
    desk.given("first + second\nother = 3")
    desk.put("first")
    assert desk.told == [("d1", "partly-accepted")] and desk.along == "first + second\nother = 3"
    desk.put(" + second\n")
    assert desk.told == [("d1", "partly-accepted")], "told once"
    desk.put("other = 3")
    assert desk.told[1:] == [("d1", "accepted")]


def test_what_was_taken_in_part_is_followed_too() -> None:
    desk = Desk()
    desk.given("first + second")
    desk.put("first + ")
    desk.keys("third")
    desk.now += 31
    desk.keys(" ")
    assert desk.told == [("d1", "partly-accepted"), ("d1", "kept")]


@pytest.mark.parametrize(("seen", "told"), [(SEEN, [("d1", "typed-over")]), (SEEN / 2, [])])
def test_typed_over_counts_when_it_was_there_long_enough_to_be_read(seen: float, told: list[tuple[str, str]]) -> None:
    desk = Desk()
    desk.given("first + second")
    desk.now += seen
    desk.put("x", wait=0.0)
    assert desk.told == told
    assert desk.following.shown.unwelcome(Desk().snapshot, Suggestion("first + second", 8, 8, "m", "d9")) is bool(
        told
    ), "what was read and not taken is not offered there again"


def test_typing_along_and_deleting_back_is_no_verdict() -> None:
    desk = Desk()
    desk.given("first + second")
    desk.keys("fir")
    desk.back()
    assert (desk.told, desk.along) == ([], "first + second")
    desk.back(2)
    assert (desk.told, desk.along) == ([], "first + second")
    desk.back()
    assert (desk.told, desk.along) == ([], ""), "what stood there before is deleted"


def test_a_pair_that_the_editor_closed_is_no_part() -> None:
    desk = Desk("total = f‸\n")
    desk.given("f(first)", start=8)
    desk.change((desk.cursor, desk.cursor, "("), (desk.cursor + 1, desk.cursor + 1, ")"))
    desk.cursor -= 1
    assert desk.told == [] and desk.along


def test_a_change_elsewhere_leaves_it_without_a_verdict() -> None:
    desk = Desk("one = 1\ntotal = ‸\n")
    desk.given("first")
    desk.now += 10
    desk.change((0, 3, "two"))
    desk.cursor = len(desk.text) - 1
    desk.put("first")
    assert desk.told == []


def test_an_import_that_comes_with_it_changes_nothing() -> None:
    desk = Desk("one = 1\ntotal = ‸\n")
    desk.given("first_value")
    at = desk.cursor
    desk.change((0, 0, "import a\n"), (at + 9, at + 9, "first_value"))
    assert desk.told == [("d1", "accepted")]


def test_of_several_the_second_may_be_taken() -> None:
    desk = Desk()
    desk.given("first", "second")
    desk.now += 5
    desk.put("second")
    assert desk.told == [("d2", "accepted")]


def test_taken_out_again_at_once() -> None:
    desk = Desk()
    desk.given("first + second")
    desk.put("first + second")
    desk.change((8, desk.cursor, ""))
    assert desk.told == [("d1", "accepted"), ("d1", "removed")]
    assert desk.silent == "undone" and desk.along == ""
    assert desk.following.shown.unwelcome(desk.snapshot, Suggestion("first + second", 8, 8, "m", "d9"))


def test_retention_is_told_at_its_times() -> None:
    desk = Desk()
    desk.given("first + second")
    desk.put("first + second")
    for wait, expected in ((29.0, 1), (2.0, 2), (60.0, 2)):
        desk.now += wait
        desk.following.looked(1, desk.snapshot)
        assert len(desk.told) == expected
    assert desk.told[-1] == ("d1", "kept")
    desk.change((8, 22, "something()"))
    desk.now += 40
    desk.following.looked(1, desk.snapshot)
    assert desk.told[-1] == ("d1", "removed")


def test_rejected_leaves_the_line_alone_for_a_while() -> None:
    desk = Desk("one = 1\ntotal = ‸\nthree = 3\n")
    desk.keys("f")
    desk.given("first")
    desk.following.fate("d1", "rejected")
    assert desk.told == [("d1", "rejected")] and desk.silent == "a suggestion was rejected on this line"
    desk.put("\n")
    assert desk.silent == "", "another line"
    desk.back()
    desk.keys("i")
    desk.now += COOLING
    assert desk.silent == ""


def test_where_nobody_knew_anything_nobody_is_asked_again_for_a_while() -> None:
    desk = Desk()
    desk.keys("f")
    desk.following.shown.in_vain(desk.snapshot, desk.now)
    assert desk.silent == "nobody knew anything here"
    desk.now += VAIN
    assert desk.silent == ""
    desk.following.shown.in_vain(desk.snapshot, desk.now)
    desk.keys("i")
    assert desk.silent == ""


def test_a_small_memory_brings_back_what_was_suggested_before() -> None:
    desk = Desk()
    desk.given("first")
    desk.keys("s")
    desk.following.given(1, desk.snapshot, [Suggestion("second", 8, 9, "m", "d7")])
    assert desk.along == "second"
    desk.back()
    assert desk.along == "first", "deleted back to where it was given"


def test_editors_come_and_go() -> None:
    desk = Desk()
    desk.given("first")
    desk.following.closed(1, URI)
    desk.following.left(1)
    assert desk.following.watch(1, URI) is None
    desk.put("first")
    assert desk.told == []


def test_nothing_is_held_of_an_editor_that_has_gone_nor_of_its_notebooks() -> None:
    desk = Desk()
    cell = Snapshot("file:///work/a.ipynb#python", 1, "python", b"x = ", 4)  # never opened: cells are not watched
    for snapshot in (desk.snapshot, cell):
        desk.following.given(1, snapshot, [Suggestion("1", 4, 4, "m", "d")])
        desk.following.offered(1, snapshot, Suggestion("2", 0, 0, "m", "e"))
    desk.following.left(1)
    assert not desk.following._live and not desk.following._next


# The wait.


def typing(gap: float, count: int = 12) -> Rhythm:
    rhythm = Rhythm()
    for n in range(count):
        rhythm.key(n * gap)
    return rhythm


@pytest.mark.parametrize(
    ("gap", "spot", "waited", "expected"),
    [
        pytest.param(0.005, Spot.WORD, 0.0, 0.0, id="no hand types so fast"),
        pytest.param(3.0, Spot.WORD, 0.0, 0.0, id="nobody is typing"),
        pytest.param(0.15, Spot.START, 0.0, 0.025, id="a line's beginning"),
        pytest.param(0.15, Spot.OTHER, 0.0, 0.1125, id="elsewhere"),
        pytest.param(0.30, Spot.OTHER, 0.0, 0.125, id="a slow hand waits no longer"),
        pytest.param(0.15, Spot.WORD, 0.0, 0.30, id="in a word"),
        pytest.param(0.15, Spot.WORD, 0.20, 0.10, id="what the editor waited is taken off"),
        pytest.param(0.15, Spot.OTHER, 0.30, 0.0, id="the editor waited long enough"),
        pytest.param(0.15, Spot.CLEARED, 0.0, 0.4, id="much was deleted"),
    ],
)
def test_the_wait(gap: float, spot: Spot, waited: float, expected: float) -> None:
    assert typing(gap).delay(spot, waited, 2.0) == pytest.approx(expected)


def test_the_wait_is_longer_after_what_was_not_wanted_and_forgets_it() -> None:
    rhythm = typing(0.15)
    plain = rhythm.delay(Spot.OTHER, 0.0, 10.0)
    rhythm.went_over(10.0)
    assert rhythm.delay(Spot.OTHER, 0.0, 10.0) == pytest.approx(1.5 * plain, rel=0.01)
    assert plain < rhythm.delay(Spot.OTHER, 0.0, 610.0) < 1.2 * plain
    rhythm.took(610.0)
    rhythm.took(610.0)
    assert rhythm.delay(Spot.OTHER, 0.0, 610.0) < plain


def test_what_an_editor_waits_by_itself_is_learned() -> None:
    rhythm = typing(0.15)
    for waited in (0.2, 0.21, 0.19, 30.0):
        rhythm.asked(waited)
    assert rhythm.own == pytest.approx(0.2)
    assert rhythm.delay(Spot.WORD, None, 2.0) == pytest.approx(0.1)


@pytest.mark.parametrize(
    ("marked", "keys", "expected"),
    [(LINE, "abcdefgh", 0.3), (LINE, "abcdefg(", 0.1125), ("\n‸", "       ", 0.025)],
)
def test_where_the_cursor_stands_decides(marked: str, keys: str, expected: float) -> None:
    desk = Desk(marked)
    for sign in keys:
        desk.put(sign, wait=0.15)
    assert desk.following.delay(1, desk.snapshot) == pytest.approx(expected)
