"""The journal: whatever a kill leaves of it, each result is there once, whole, or not at all."""

from __future__ import annotations

import tempfile
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from codriver.batches.journal import Journal, Result
from codriver.batches.record import Spent


def result(number: int, *, good: bool = True, text: bytes = b'{"a":1}') -> Result:
    return Result(number, good, text, Spent(number, 1, 2, 3))


def test_results_are_counted_once_and_read_in_the_order_of_their_lines(tmp_path: Path) -> None:
    journal = Journal(tmp_path / "j")
    assert journal.add([result(2), result(0, good=False)]) == [result(2), result(0, good=False)]
    assert journal.add([result(2, text=b'{"other":2}'), result(1), result(1)]) == [result(1)]
    for opened in (journal, Journal(tmp_path / "j")):
        assert list(opened.results()) == [result(0, good=False), result(1), result(2)]
        assert (opened.completed, opened.failed, opened.spent) == (2, 1, Spent(3, 3, 6, 9))
        opened.close()


@settings(max_examples=60, deadline=None)
@given(st.integers(0, 400), st.binary(max_size=12))
def test_a_torn_end_is_cut_off_and_its_lines_run_again(cut: int, junk: bytes) -> None:
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder, "j")
        whole = [result(number, text=b'{"text":"\xc3\xbc %d"}' % number) for number in range(6)]
        first = Journal(path)
        first.add(whole)
        first.close()
        data = path.read_bytes()
        path.write_bytes(data[:cut] + (junk if cut < len(data) else b""))
        again = Journal(path)
        kept = list(again.results())
        assert kept == whole[: len(kept)] and len(kept) >= data[:cut].count(b"\n")
        again.add(whole)
        assert list(again.results()) == whole
        again.close()
        last = Journal(path)
        assert list(last.results()) == whole and last.completed == 6
        last.close()


@pytest.mark.parametrize(
    "line", [b"\n", b"x\ty\n", b"[0,true,1,1,1]\t{}\n", b"[0,true,1,1,1,1]\t{broken\n", b"\0" * 40]
)
def test_what_is_no_result_ends_the_journal(tmp_path: Path, line: bytes) -> None:
    journal = Journal(tmp_path / "j")
    journal.add([result(0)])
    journal.close()
    with (tmp_path / "j").open("ab") as out:
        out.write(line + b"[1,true,0,0,0,0]\t{}\n")
    again = Journal(tmp_path / "j")
    assert list(again.places) == [0]
    again.remove()
    assert not (tmp_path / "j").exists()
