"""When nobody waits for a suggestion: every reason there is."""

from __future__ import annotations

from typing import Any

import pytest

from codriver.syntax.analysis import Buffer
from codriver.tasks import gate
from codriver.tasks.changes import Change
from codriver.tasks.watch import Watch

NEVER = (".env", "*.pem")


@pytest.mark.parametrize(
    ("marked", "more", "most", "expected"),
    [
        pytest.param("value = 1", {}, 100, "no cursor", id="no cursor"),
        pytest.param("«value» = 1", {}, 100, "something is selected", id="a selection"),
        pytest.param("value = ‸1", {}, 5, "larger than 5 bytes", id="a large file"),
        pytest.param("KEY=‸", {"uri": "file:///work/.env"}, 100, "privacy.never", id="a secret file"),
        pytest.param("value = ‸1", {}, 100, "", id="nothing against it"),
    ],
)
def test_shut(kit: Any, marked: str, more: dict[str, Any], most: int, expected: str) -> None:
    found = gate.shut(kit.snapshot(marked, **more), NEVER, most)
    assert expected in found and bool(found) == bool(expected)


@pytest.mark.parametrize(
    ("marked", "expected"),
    [
        pytest.param("a = ‸", "an empty file", id="an empty file"),
        pytest.param("total = fir‸st + second\n", "inside a word", id="inside a word"),
        pytest.param("total = ‸first + second\n", "text to the right", id="text to the right"),
        pytest.param("total = sum(prices‸))\n", "", id="closers to the right"),
        pytest.param("total = 12‸\nother = 3\n", "a number", id="a number"),
        pytest.param("total = value1‸\nother = 3\n", "", id="a name with a digit"),
        pytest.param("x" * 1_001 + "‸\n", "a very long line", id="a very long line"),
        pytest.param("<<<<<<< HEAD\nvalue = ‸\n=======\n>>>>>>> b\n", "an unsolved merge", id="an unsolved merge"),
        pytest.param("Title here\n=======\n\nSome prose ‸\n", "", id="a heading of seven signs"),
        pytest.param("print(total)‸\n", "a finished statement", id="a finished statement"),
        pytest.param("total = ‸\nother = 3\n", "", id="nothing against it"),
    ],
)
def test_text(kit: Any, marked: str, expected: str) -> None:
    assert gate.text(kit.snapshot(marked)) == expected


@pytest.mark.parametrize(
    ("line", "expected"),
    [
        ("foo(a)", True), ("x = foo(a", False), ("return foo(x)", True), ("await foo()", True), ("x;", True),
        ("}", False), ("foo()}", True), ("  )", True), ("pass", True), ("return", False), ("x = [1, 2]", True),
        ("x = 'a'", True), ("x = 'it", False), ("if x == 'a'", False), ("def f(x)", False), ("} else if (x)", False),
        ("int main(void)", False), ("public static void main(String[] args)", False), ("for (;;)", False),
        ("const x = f(1)", True), ("std::vector<int> foo(int a)", False), ("func (s *Server) Run()", False),
        ("if x == ')", False), ("print(x) ", False), ("fi", True), ("x = fi", True),
    ],
)  # fmt: skip
def test_a_statement_that_is_finished(line: str, expected: bool) -> None:
    assert gate.finished(line.encode()) is expected
    assert not gate.finished(line.encode(), b")")


@pytest.mark.parametrize(
    ("text", "place", "expected"),
    [
        ("x = 1\n# a comment", 14, "inside a string or comment"),
        ('x = "a string"\n', 8, "inside a string or comment"),
        ("x = 1\ny = x\n", 10, ""),
    ],
)
def test_tree(text: str, place: int, expected: str) -> None:
    buffer = Buffer(text.encode(), language_id="python")
    assert gate.tree(buffer, place) == expected
    assert gate.tree(buffer, place, comments=True) == ""


TEXT = "first = 1\nsecond = ‸\n\nthird = 3\n"
AT = TEXT.index("‸")
LINES = b"for one in two:\n    three(one)"


@pytest.mark.parametrize(
    ("marked", "batches", "expected"),
    [
        pytest.param(TEXT, [], "nothing was changed yet", id="no edit since it was opened"),
        pytest.param(TEXT, [[Change(AT - 1, b"", b" ")]], "", id="typed"),
        pytest.param(TEXT, [[Change(AT, b"x", b"")]], "deleted", id="one deletion"),
        pytest.param(TEXT, [[Change(AT + 2 - n, b"x", b"")] for n in range(3)], "", id="three deletions"),
        pytest.param(TEXT, [[Change(AT, b"word", b"")], [Change(AT - 1, b"", b" ")]], "", id="deleted, then typed"),
        pytest.param(
            TEXT, [[Change(AT - 1, b" ", b"")], [Change(AT - 1, b"", b" ")]], "undone", id="what was deleted comes back"
        ),
        pytest.param(
            TEXT, [[Change(AT - 1, b"", b" "), Change(2, b"", b" ")]], "typed at several cursors", id="several cursors"
        ),
        pytest.param(TEXT, [[Change(0, b"", b"first")]], "the cursor was moved", id="moved"),
        pytest.param("first = 1\n‸\nthird\n", [[Change(0, b"", b"first")]], "", id="moved to an empty line"),
        pytest.param(
            "for one in two:\n    three(one)‸\n", [[Change(0, b"", LINES)]], "pasted", id="behind a paste"
        ),
        pytest.param(
            "for one in two:\n    three(one‸)", [[Change(0, b"", LINES)]], "pasted", id="in a paste"
        ),
        pytest.param(
            "for x‸ in two:\n    three(one)",
            [[Change(0, b"", LINES)], [Change(4, b"one", b"x")]],
            "inside of what was pasted, or of a snippet",
            id="in a snippet",
        ),
    ],
)  # fmt: skip
def test_hands(kit: Any, marked: str, batches: list[list[Change]], expected: str) -> None:
    watch = Watch()
    for n, batch in enumerate(batches):
        watch.changed(batch, float(n))
    assert gate.hands(kit.snapshot(marked), watch) == expected
    assert gate.hands(kit.snapshot(marked), None) == ""
