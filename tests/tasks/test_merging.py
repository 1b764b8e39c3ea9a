"""Versions of a text: which lines differ, three made one, and patches that follow their lines through edits."""

from __future__ import annotations

import random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from codriver.syntax.text import Text
from codriver.tasks.merging import Patch, applied, carried, differing, landed, merged, narrowest

BASE = b"1\n2\n3\n4\n5\n"


@pytest.mark.parametrize(
    ("new", "lines"),
    [
        (b"1\n2\n3\n4\n5\n", ()),
        (b"1\nx\n3\n4\n5\n", ((2, 2),)),
        (b"1\n2\n4\n5\n", ((3, 3),)),
        (b"1\n2\n3\n4\n", ((4, 4),)),
        (b"0\n1\n2\n3\n4\n5\n6\n", ((1, 1), (7, 7))),
        (b"", ((1, 1),)),
    ],
)
def test_differing_lines(new: bytes, lines: tuple[tuple[int, int], ...]) -> None:
    assert differing(BASE, new) == lines


@pytest.mark.parametrize(
    ("ours", "theirs", "both"),
    [
        (BASE, b"x\n", b"x\n"),
        (b"x\n", BASE, b"x\n"),
        (b"x\n", b"x\n", b"x\n"),
        (b"1\nx\n3\n4\n5\n", b"1\n2\n3\n4\ny\n", b"1\nx\n3\n4\ny\n"),
        (b"0\n1\n2\n3\n4\n5\n", b"1\n2\n3\n4\n5\n6\n", b"0\n1\n2\n3\n4\n5\n6\n"),
        (b"1\nx\n3\n4\n5\n", b"1\ny\n3\n4\n5\n", None),
        (b"1\nx\n3\n4\n5\n", b"1\n2\ny\n4\n5\n", None),
        (b"1\n4\n5\n", b"1\n2\nx\n4\n5\n", None),
    ],
)
def test_three_versions_of_a_text(ours: bytes, theirs: bytes, both: bytes | None) -> None:
    assert merged(BASE, ours, theirs) == both
    assert merged(BASE, theirs, ours) == both


@pytest.mark.parametrize(
    ("lines", "new", "there"),
    [
        ((3, 4), b"0\n" + BASE, (4, 5)),
        ((3, 4), b"1\n3\n4\n5\n", (2, 3)),
        ((3, 4), b"1\n2\n3\nx\n5\n", None),
        ((3, 4), b"1\n2\n3\n4\n5\n6\n", (3, 4)),
    ],
)
def test_lines_are_found_again(lines: tuple[int, int], new: bytes, there: tuple[int, int] | None) -> None:
    assert carried(lines, BASE, new) == there


@given(st.binary(max_size=30), st.binary(max_size=30))
@settings(max_examples=100)
def test_the_narrowest_change_makes_one_text_the_other(old: bytes, new: bytes) -> None:
    start, old_end, new_end = narrowest(old, new)
    assert old[:start] + new[start:new_end] + old[old_end:] == new


@given(st.integers(0, 10_000), st.booleans())
@settings(max_examples=150, deadline=None)
def test_a_patch_lands_on_its_own_lines_or_nowhere(seed: int, whole: bool) -> None:
    """All lines are alike but one: only who follows the edits knows which ones are meant. T: misapplied edits."""
    chance = random.Random(seed)
    rows = [b"same"] * 6 + [b"here"] + [b"same"] * 6
    base = b"\n".join(rows) + b"\n"
    start = 6 * 5
    text, trail = Text(base), []
    for _ in range(chance.randint(1, 5)):
        at = text.line_start(chance.randint(0, text.line_count - 1))
        end = min(at + chance.choice((0, 0, 5)), text.size)
        new = chance.choice((b"same\n", b"", b"typed\n"))
        if whole:
            data = text.data
            trail.append(text.apply(None, (data[:at] + new + data[end:]).decode()))
        else:
            trail.append(text.splice(at, end, new))
    now = text.data
    found = landed(Patch(start, start + 4, "done"), base, now, trail)
    if found is None:
        assert b"here" not in now or whole or trail
    else:
        after = found.applied(now)
        assert after.count(b"done") == 1 and after.replace(b"done", b"here") == now


def test_several_patches_of_one_text() -> None:
    assert applied(b"abc", [Patch(0, 0, "x"), Patch(1, 2, "y"), Patch(3, 3, "z")]) == b"xaycz"
