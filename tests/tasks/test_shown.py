"""What was suggested lately, and what of it is not offered again."""

from __future__ import annotations

import pytest

from codriver.model.request import Snapshot
from codriver.tasks.shown import Shown
from codriver.tasks.suggestion import Suggestion

HERE = Snapshot("file:///a.py", 1, "python", b"def add(first, second):\n    return ", cursor=35)


def suggested(decision: str, text: str = "first + second") -> Suggestion:
    return Suggestion(text, 35, 35, "simulator/sim-small", decision)


@pytest.mark.parametrize("rejected", ["one", "two"])
def test_the_same_text_twice_is_rejected_once(rejected: str) -> None:
    shown = Shown()
    shown.keep(1, HERE, suggested("one"))
    shown.keep(1, HERE, suggested("two"))
    shown.keep(1, HERE, suggested("other", "second + first"))
    shown.rejected(rejected)
    found = shown.along(1, HERE)
    assert found is not None
    assert found.text == "second + first"
    shown.rejected("other")
    assert shown.along(1, HERE) is None
    assert shown.unwelcome(HERE, suggested("three"))


def test_what_was_rejected_elsewhere_is_still_offered() -> None:
    shown, elsewhere = Shown(), Snapshot("file:///b.py", 1, "python", HERE.text, cursor=35)
    shown.keep(1, HERE, suggested("one"))
    shown.keep(1, elsewhere, suggested("two"))
    shown.rejected("one")
    assert shown.along(1, HERE) is None
    assert shown.along(1, elsewhere) is not None
