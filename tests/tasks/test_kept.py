"""Whether taken text is still there after a while."""

from __future__ import annotations

import pytest

from codriver.tasks.changes import Change
from codriver.tasks.kept import REMEMBERED, STAGES, Kept

KEY = (1, "file:///a.py")
TEXT = b"total = sum(prices)\nreturn total * rate\n"
HEAD = b"def f():\n    "


@pytest.mark.parametrize(
    ("change", "word"),
    [
        pytest.param(None, "kept", id="untouched"),
        pytest.param(Change(0, b"", b"# a head\n"), "kept", id="moved down"),
        pytest.param(Change(len(HEAD) + 8, b"sum(", b"max("), "kept", id="a name mended"),
        pytest.param(
            Change(len(HEAD) + 20, b"return total * rate\n", b"return 0\n"), "changed", id="half of it changed"
        ),
        pytest.param(Change(len(HEAD), TEXT, b"pass\n"), "removed", id="written anew"),
        pytest.param(
            Change(len(HEAD) + 20, b"", b"audit(total)\nlog(total, rate)\n"), "changed", id="much written into it"
        ),
        pytest.param(Change(0, HEAD + TEXT, b"x"), "removed", id="all of it replaced"),
    ],
)
def test_what_became_of_it(change: Change | None, word: str) -> None:
    held, content = Kept(), HEAD + TEXT
    held.taken("d", KEY, len(HEAD), TEXT, 100.0)
    if change is not None:
        held.changed(KEY, change)
        content = content[: change.at] + change.inserted + content[change.at + len(change.removed) :]
    assert held.seen(KEY, content, 100.0 + STAGES[0] - 1) == []
    assert held.seen((2, KEY[1]), content, 100.0 + STAGES[0]) == [], "another editor's"
    assert held.due(KEY, 100.0 + STAGES[0])
    assert held.seen(KEY, content, 100.0 + STAGES[0]) == [("d", word)]
    assert held.seen(KEY, content, 100.0 + STAGES[0] + 1) == [], "told once"


def test_it_is_looked_at_after_half_a_minute_two_and_ten() -> None:
    assert STAGES == (30.0, 120.0, 600.0)
    held, content = Kept(), HEAD + TEXT
    held.taken("d", KEY, len(HEAD), TEXT, 0.0)
    assert held.seen(KEY, content, 30.0) == [("d", "kept")]
    assert held.seen(KEY, content, 120.0) == [], "a word that stays is told once"
    change = Change(len(HEAD), TEXT, b"pass\n")
    held.changed(KEY, change)
    assert held.seen(KEY, HEAD + b"pass\n", 600.0) == [("d", "removed")]
    assert not held.due(KEY, 10_000.0), "nothing is followed any more"


def test_late_is_looked_at_once_for_all_that_passed() -> None:
    held = Kept()
    held.taken("d", KEY, 0, TEXT, 0.0)
    assert held.seen(KEY, TEXT, 700.0) == [("d", "kept")] and not held.due(KEY, 10_000.0)


def test_what_is_taken_out_again_at_once_is_known() -> None:
    held = Kept()
    held.taken("d", KEY, 5, TEXT, 0.0)
    assert held.removed(KEY, Change(5, TEXT[:-1], b"")) == []
    assert held.removed(KEY, Change(5, TEXT, b"x")) == [], "replaced: looked at later"
    assert held.removed(KEY, Change(3, b"ab" + TEXT, b"")) == ["d"]
    held.forget("d")
    assert held.removed(KEY, Change(3, b"ab" + TEXT, b"")) == []


def test_what_says_nothing_is_not_followed_and_memory_is_bounded() -> None:
    held = Kept()
    held.taken("short", KEY, 0, b" x) ", 0.0)
    assert not held.due(KEY, 1000.0)
    for number in range(REMEMBERED + 1):
        held.taken(str(number), KEY, 0, TEXT, 0.0)
    assert held.seen(KEY, b"", 30.0)[0] == ("1", "removed")
    held.taken("d", KEY, 0, TEXT, 0.0)
    held.closed(KEY)
    assert not held.due(KEY, 1000.0)
