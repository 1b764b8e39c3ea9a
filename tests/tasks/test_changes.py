"""What an editor did, as bytes."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from codriver.tasks import changes
from codriver.tasks.changes import Change

TEXTS = st.text(alphabet="ab\né🙂", max_size=12).map(str.encode)


@pytest.mark.parametrize(
    ("removed", "inserted", "expected"),
    [
        (b"same", b"same", Change(14, b"", b"")),
        (b"abc", b"abXc", Change(12, b"", b"X")),
        (b"a b c", b"a c", Change(12, b"b ", b"")),
        (b"aa", b"aaa", Change(12, b"", b"a")),
        ("naïve".encode(), "naîve".encode(), Change(12, "ï".encode(), "î".encode())),
        ("é".encode(), "ü".encode(), Change(10, "é".encode(), "ü".encode())),
        (b"", b"x", Change(10, b"", b"x")),
    ],
)
def test_a_change_is_what_it_comes_to(removed: bytes, inserted: bytes, expected: Change) -> None:
    assert changes.narrowed(10, removed, inserted) == expected


@settings(max_examples=200, deadline=None)
@given(TEXTS, TEXTS)
def test_what_is_narrowed_leads_from_the_one_to_the_other(old: bytes, new: bytes) -> None:
    change = changes.narrowed(0, old, new)
    assert old[: change.at] + change.inserted + old[change.at + len(change.removed) :] == new
    assert old[change.at :].startswith(change.removed)
    for piece in (change.removed, change.inserted):
        piece.decode()
    assert len(change.removed) + len(change.inserted) <= len(old) + len(new)


@st.composite
def batches(draw: st.DrawFn) -> tuple[bytes, bytes, list[Change]]:
    """A text, what it became, and by which changes."""
    before = text = draw(st.binary(max_size=20))
    made = []
    for _ in range(draw(st.integers(0, 5))):
        start = draw(st.integers(0, len(text)))
        end = draw(st.integers(start, len(text)))
        change = Change(start, text[start:end], draw(st.binary(max_size=4)))
        text = text[:start] + change.inserted + text[end:]
        made.append(change)
    return before, text, made


@settings(max_examples=300, deadline=None)
@given(batches())
def test_merged_changes_do_the_same_and_can_be_taken_back(made: tuple[bytes, bytes, list[Change]]) -> None:
    before, after, batch = made
    assert changes.taken_back(after, batch) == before
    found, text = changes.merged(batch), before
    for change in found:
        assert text[change.at : change.at + len(change.removed)] == change.removed
        text = text[: change.at] + change.inserted + text[change.at + len(change.removed) :]
    assert text == after
    assert changes.taken_back(after, found) == before
    assert len(found) <= len(batch)


def test_a_bracket_and_its_closer_are_one_change() -> None:
    assert changes.merged([Change(3, b"", b"("), Change(4, b"", b")")]) == [Change(3, b"", b"()")]
    assert len(changes.merged([Change(3, b"", b"x"), Change(9, b"", b"x")])) == 2


@pytest.mark.parametrize(
    ("change", "expected"),
    [
        pytest.param(Change(0, b"", b"ab"), (12, 22), id="before"),
        pytest.param(Change(0, b"abc", b""), (7, 17), id="taken away before"),
        pytest.param(Change(8, b"xx", b"y"), (9, 19), id="replaced up to its beginning"),
        pytest.param(Change(10, b"", b"ab"), (10, 22), id="at its beginning"),
        pytest.param(Change(15, b"", b"ab"), (10, 22), id="inside"),
        pytest.param(Change(15, b"ab", b""), (10, 18), id="taken away inside"),
        pytest.param(Change(20, b"", b"ab"), (10, 20), id="behind"),
        pytest.param(Change(8, b"0123456789abcdef", b"x"), (8, 9), id="replaced whole"),
        pytest.param(Change(18, b"abcd", b""), (10, 18), id="its end taken away"),
    ],
)
def test_a_span_moves_along(change: Change, expected: tuple[int, int]) -> None:
    start, end = changes.moved((10, 20), change)
    assert start == expected[0] and min(end, expected[1]) == expected[1]
