"""What is read bit by bit: slices end by the clock, and what was made ready is what would have been said anyway."""

from __future__ import annotations

import pytest

from codriver.syntax import paces
from codriver.syntax.analysis import Buffer
from codriver.syntax.text import Text
from codriver.syntax.trees import EAGER, SLICE

BRANCHES = "".join(f"    if a == {n} and b:\n        total += {n}\n" for n in range(2_000))
ONE_FUNCTION = f"def long(a, b):\n    total = 0\n{BRANCHES}    return total\n"
"""Some 80 kB that are a single unit."""
STATEMENTS = "import os\n" + "value = [1]\n" * 5_000 + "import sys\n"
FUNCTIONS = "".join(f"def f{n}(a):\n    return a if a else {n}\n\n\n" for n in range(1_000))
WINDOWED = FUNCTIONS * 9
"""Too long for one tree."""
TEXTS = {
    "one function": ONE_FUNCTION,
    "statements": STATEMENTS,
    "functions": FUNCTIONS,
    "too long": WINDOWED,
    "short": FUNCTIONS[: EAGER // 2],
}


class Ticks:
    """A clock that goes on by half a millisecond whenever somebody looks at it."""

    def __init__(self) -> None:
        self.looks = 0

    def __call__(self) -> float:
        self.looks += 1
        return self.looks * 0.0005


def test_a_slice_ends_by_the_clock() -> None:
    clock, work = Ticks(), iter([None] * 20)
    assert [paces.slice_of(work, SLICE, clock) for _ in range(3)] == [False, False, True]


def test_without_a_clock_it_ends_by_bits() -> None:
    work = iter([None] * (2 * paces.BITS))
    assert [paces.slice_of(work, SLICE, None) for _ in range(3)] == [False, False, True]


@pytest.mark.parametrize("text", TEXTS.values(), ids=TEXTS)
def test_what_was_counted_in_slices_is_what_is_counted_at_once(text: str) -> None:
    sliced, once = (Buffer(text.encode(), language_id="python", clock=clock) for clock in (Ticks(), None))
    slices = 1
    while not sliced.step():
        slices += 1
    once.parse()
    assert sliced.functions() == once.functions()
    assert sliced.imports() == once.imports()
    assert sliced.facts() == once.facts()
    assert slices > 1


@pytest.mark.parametrize("text", ["one function", "statements"])
def test_one_long_thing_is_counted_in_many_slices(text: str) -> None:
    buffer, slices = Buffer(TEXTS[text].encode(), language_id="python", clock=Ticks()), 0
    buffer.parse()
    while not buffer.step():
        slices += 1
    assert slices > 5


@pytest.mark.parametrize("at", [0, 1, 2])
@pytest.mark.parametrize("text", TEXTS.values(), ids=TEXTS)
def test_a_place_made_ready_has_the_same_facts(text: str, at: int) -> None:
    data, offset = text.encode(), at * len(text) // 2
    ready, asked = (Buffer(data, language_id="python", clock=clock) for clock in (Ticks(), None))
    for buffer in (ready, asked):
        while buffer.unread and not buffer.step():
            pass
    while not ready.ready(offset):
        pass
    assert ready.facts_typing(offset) == asked.facts_typing(offset)
    assert ready.ready(offset)


def test_edits_between_slices_are_seen() -> None:
    text = ONE_FUNCTION.encode()
    buffer = Buffer(text, language_id="python", clock=Ticks())
    buffer.parse()
    assert not buffer.step() and not buffer.ready(len(text) - 1)
    edited = Text(text)
    edit = edited.splice(0, 0, b"def first():\n    return 1\n\n\n")
    buffer.edit([edit], edited.data)
    while not buffer.step():
        pass
    assert [function.name for function in buffer.functions()] == ["first", "long"]
