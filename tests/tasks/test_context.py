"""What goes out around the cursor."""

from __future__ import annotations

from itertools import pairwise

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from codriver.tasks.context import Shares, Where, above, around, below

LINES = b"".join(b"line_%04d = %d\n" % (n, n) for n in range(2000))


def test_a_short_buffer_goes_out_whole_with_its_name() -> None:
    fim = around(b"import os\n\nx = \ny = 2\n", 15, Where("a/b.py", "#"))
    assert fim.prefix == "# a/b.py\nimport os\n\nx = "
    assert fim.suffix == "\ny = 2\n"


def test_a_long_prefix_keeps_the_head_of_file_and_function_and_what_is_nearest() -> None:
    text = b"import os\nimport sys\n" + LINES[:8000] + b"\ndef work(a, b):\n" + b"    step(a)\n" * 700 + b"    return "
    start = text.index(b"def work")
    fim = around(text, len(text), Where("w.py", "#", (start, len(text))))
    assert fim.prefix.startswith("import os\nimport sys\n")
    assert "\ndef work(a, b):\n" in fim.prefix
    assert fim.prefix.endswith("    step(a)\n    return ")
    assert len(fim.prefix) <= 6000


def test_the_beginning_stays_equal_between_keystrokes() -> None:
    text = LINES[:20000]
    prompts = [around(text + b"x" * n, len(text) + n).prefix for n in range(40)]
    assert sum(not b.startswith(a) for a, b in pairwise(prompts)) <= 1


@pytest.mark.parametrize(
    ("budget", "expected"),
    [(1000, "a\nb\nc"), (4, "a\nb\n"), (1, "a")],
)
def test_below_ends_at_a_line(budget: int, expected: str) -> None:
    assert below(b"a\nb\nc", 0, budget).decode() == expected


@settings(max_examples=100, deadline=None)
@given(st.text(alphabet="aé漢😀\n", max_size=400), st.integers(0, 400), st.integers(1, 300))
def test_cuts_never_split_a_character(text: str, place: int, budget: int) -> None:
    place = min(place, len(text))
    before, after = text[:place].encode(), text[place:].encode()
    data = before + after
    up, down = above(data, len(before), budget), below(data, len(before), budget)
    assert before.endswith(up) and after.startswith(down)
    assert up.decode() is not None and down.decode() is not None
    assert len(down) <= budget


def test_line_ends_are_one_kind_for_models() -> None:
    assert around(b"a\r\nb", 4, shares=Shares(10, 10)).prefix == "a\nb"
