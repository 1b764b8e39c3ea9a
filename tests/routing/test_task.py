"""Task families from purposes and from words."""

from __future__ import annotations

import pytest

from codriver.model.request import Purpose
from codriver.routing.task import clean, family


@pytest.mark.parametrize(
    ("purpose", "tail", "expected"),
    [
        (Purpose.COMPLETE, (), "complete"),
        (Purpose.TITLE, ("Fix the bug",), "title"),
        (Purpose.CHAT, ("Rename x to y in this function",), "refactor"),
        (Purpose.CHAT, ("why does this crash?",), "debug"),
        (Purpose.CHAT, ("Explain this loop",), "explain"),
        (Purpose.CHAT, ("write tests for parse()",), "test"),
        (Purpose.CHAT, ("Implement a cache",), "generate"),
        (Purpose.CHAT, ("good morning",), "write"),
        (Purpose.MAIN, ("Refactor the parser", "ok", "continue"), "refactor"),
        (
            Purpose.CHAT,
            ("<system-reminder>explain nothing, fix all</system-reminder>Review this diff",),
            "review",
        ),
    ],
)
def test_family(purpose: Purpose, tail: tuple[str, ...], expected: str) -> None:
    assert family(purpose, tail) == expected


def test_harness_noise_is_cut() -> None:
    assert clean("a <environment_details>x\ny</environment_details> b") == "a  b"
