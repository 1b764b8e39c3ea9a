"""What somebody is doing, told from changes alone."""

from __future__ import annotations

import pytest

from codriver.tasks.changes import Change, merged
from codriver.tasks.watch import PAST, Doing, Watch

Batch = list[Change]


def played(*batches: Batch) -> Watch:
    """A watch that saw these messages, a tenth of a second apart."""
    watch = Watch()
    for n, batch in enumerate(batches):
        watch.changed(merged(batch), n / 10)
    return watch


def keys(at: int, text: str) -> list[Batch]:
    """A text typed key by key."""
    return [[Change(at + n, b"", sign.encode())] for n, sign in enumerate(text)]


PASTE = b"def one():\n    return 1\n"


@pytest.mark.parametrize(
    ("batches", "expected"),
    [
        pytest.param([], Doing.NOTHING, id="opened"),
        pytest.param([[]], Doing.NOTHING, id="an empty message"),
        pytest.param(keys(0, "ret"), Doing.TYPED, id="keys"),
        pytest.param([[Change(0, b"", "é".encode())]], Doing.TYPED, id="a letter beyond ASCII"),
        pytest.param([[Change(0, b"", b"(")], [Change(1, b"", b")")]], Doing.TYPED, id="a closer by the editor"),
        pytest.param([[Change(0, b"", b"("), Change(1, b"", b")")]], Doing.TYPED, id="a pair"),
        pytest.param([[Change(0, b"pri", b"print_all()")]], Doing.TYPED, id="chosen in a menu"),
        pytest.param([[Change(0, b"", b"return x")]], Doing.TYPED, id="keys told together"),
        pytest.param([[Change(0, b"", b"    ")]], Doing.TYPED, id="an indentation"),
        pytest.param([[Change(5, b"", b"\n    ")]], Doing.NEWLINE, id="a new line"),
        pytest.param([[Change(5, b"", b"\r\n")]], Doing.NEWLINE, id="a new line on Windows"),
        pytest.param([[Change(5, b"x", b"")]], Doing.DELETED, id="a backspace"),
        pytest.param([*keys(0, "ab"), [Change(1, b"b", b"")]], Doing.DELETED, id="a backspace is no undo"),
        pytest.param([[Change(5, b"word", b"")]], Doing.DELETED, id="a word deleted"),
        pytest.param([[Change(0, b"", PASTE)]], Doing.PASTED, id="a paste of lines"),
        pytest.param([[Change(0, b"", b"os.path.join(home, 'a', 'b', 'c')")]], Doing.PASTED, id="a paste"),
        pytest.param([[Change(0, b"", b"x"), Change(9, b"", b"x")]], Doing.MANY, id="several cursors"),
        pytest.param([[Change(0, b"a", b""), Change(9, b"b", b"")]], Doing.MANY, id="several cursors delete"),
        pytest.param([[Change(0, b"", b"import a\n"), Change(30, b"", b"a")]], Doing.OTHER, id="the editor adds to it"),
        pytest.param([*keys(0, "abc"), [Change(0, b"abc", b"")]], Doing.UNDONE, id="undo of keys"),
        pytest.param([[Change(0, b"", PASTE)], [Change(0, PASTE, b"")]], Doing.UNDONE, id="undo of a paste"),
        pytest.param([[Change(4, b"word", b"")], [Change(4, b"", b"word")]], Doing.UNDONE, id="undo of a deletion"),
        pytest.param(
            [[Change(4, b"d", b"")], [Change(3, b"c", b"")], [Change(3, b"", b"cd")]],
            Doing.UNDONE,
            id="undo of backspaces",
        ),
        pytest.param([[Change(4, b"old", b"new")], [Change(4, b"new", b"old")]], Doing.UNDONE, id="undo of a choice"),
        pytest.param([*keys(0, "abc"), [Change(0, b"abc", b"")], [Change(0, b"", b"abc")]], Doing.UNDONE, id="redo"),
        pytest.param(
            [[Change(0, b"", b"one ")], [Change(4, b"", b"two")], [Change(4, b"two", b"")], [Change(0, b"one ", b"")]],
            Doing.UNDONE,
            id="two undos",
        ),
        pytest.param([*keys(0, "abc"), [Change(0, b"abc", b"")], *keys(0, "x")], Doing.TYPED, id="undone and typed"),
    ],
)
def test_what_the_newest_change_was(batches: list[Batch], expected: Doing) -> None:
    assert played(*batches).doing is expected


def test_deletions_in_a_row_are_counted() -> None:
    back = [[Change(9 - n, b"x", b"")] for n in range(3)]
    assert played(*back).deletions == 3
    assert played(*back, [Change(7, b"", b"y")]).deletions == 0


def test_it_knows_where_the_last_changes_were() -> None:
    watch = played([Change(50, b"", b"x")], [Change(0, b"", b"import a\nimport bb\n\n\n# and more of it\n")])
    assert watch.doing is Doing.PASTED
    assert watch.at(51 + 38) is Doing.TYPED, "the first place has moved along"
    assert watch.at(38) is Doing.PASTED and watch.at(45) is None


def test_what_was_put_in_whole_is_known_while_it_is_filled_in() -> None:
    put = b"for item in items:\n    print(item)\n"
    watch = played([Change(10, b"", put)], [Change(14, b"item", b"x")])
    assert watch.put == (10, 10 + len(put) - 3)
    watch.changed([Change(100, b"", b"x")], 1.0)
    assert watch.put is None
    watch = played([Change(10, b"", put)])
    watch.accepted()
    assert watch.doing is Doing.ACCEPTED and watch.put is None


def test_its_memory_is_bounded() -> None:
    watch = played(*([[Change(n, b"", b"x" * 10_000)] for n in range(2 * PAST)]))
    assert len(watch.past) == PAST and max(len(one.change.inserted) for one in watch.past) <= 4_000
