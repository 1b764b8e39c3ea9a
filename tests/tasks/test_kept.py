"""Whether accepted text is still there after a while."""

from __future__ import annotations

import pytest

from codriver.tasks.kept import AFTER, FORGOTTEN, REMEMBERED, Kept

TEXT = "total = sum(prices)\nreturn total * rate\n"


@pytest.mark.parametrize(
    ("content", "word"),
    [
        (b"def f():\n    total = sum(prices)\nreturn total * rate\n", "kept"),
        (b"def f():\n    total = sum(prices)\n    return total\n", "changed"),
        (b"def f():\n    pass\n", "removed"),
    ],
)
def test_what_became_of_it(content: bytes, word: str) -> None:
    held = Kept()
    held.accepted("d", "file:///a.py", TEXT, 100.0)
    assert held.seen("file:///a.py", content, 100.0 + AFTER - 1) == []
    assert held.seen("file:///b.py", content, 100.0 + AFTER) == []
    assert held.seen("file:///a.py", content, 100.0 + AFTER) == [("d", word)]
    assert held.seen("file:///a.py", content, 200.0 + AFTER) == []


def test_what_says_nothing_is_not_waited_for() -> None:
    held = Kept()
    held.accepted("short", "file:///a.py", "x)", 0.0)
    held.accepted("late", "file:///a.py", TEXT, 0.0)
    assert held.seen("file:///a.py", b"", FORGOTTEN) == []
    for number in range(REMEMBERED + 1):
        held.accepted(str(number), "file:///a.py", TEXT, 0.0)
    assert held.seen("file:///a.py", b"", AFTER)[0] == ("1", "removed")
