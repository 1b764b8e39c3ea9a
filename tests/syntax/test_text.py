"""The editor's buffer against a plain model: a list of characters, split as LSP says."""

from __future__ import annotations

import re

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from codriver.syntax import chunks
from codriver.syntax.text import Text, utf8

ENCODINGS = ("utf-8", "utf-16", "utf-32")
PIECES = ["a", "é", "\u2028", "\x85", "\x0c", "\r\n", "\r", "\n", "𝒳", "字", " ", "bc", "\U0001f600x"]
TEXTS = st.lists(st.sampled_from(PIECES), max_size=14).map("".join)
POSITIONS = st.tuples(st.integers(-1, 9), st.integers(-1, 9))


def lines_of(text: str) -> list[str]:
    """Lines with their ends; the model's own splitting."""
    parts = re.split(r"(\r\n|\r|\n)", text)
    return [text + end for text, end in zip(parts[::2], [*parts[1::2], ""], strict=True)]


def units(char: str, encoding: str) -> int:
    return {"utf-8": len(char.encode()), "utf-16": len(char.encode("utf-16-le")) // 2, "utf-32": 1}[encoding]


def index_of(text: str, position: tuple[int, int], encoding: str) -> int:
    """Character index of a position in the model."""
    line, left = position
    lines = lines_of(text)
    if line < 0:
        return 0
    if line >= len(lines):
        return len(text)
    index = sum(map(len, lines[:line]))
    for char in lines[line].rstrip("\r\n"):
        left -= units(char, encoding)
        if left < 0:
            break
        index += 1
    return index


@pytest.mark.parametrize("size", [chunks.LEAST, 2], ids=["one chunk", "many"])
@settings(max_examples=300, deadline=None)
@given(
    start=TEXTS,
    edits=st.lists(st.tuples(POSITIONS, POSITIONS, TEXTS), max_size=6),
    encoding=st.sampled_from(ENCODINGS),
    read=st.booleans(),
)
def test_edits_agree_with_the_model(size: int, start: str, edits: list, encoding: str, read: bool) -> None:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(chunks, "LEAST", size)
        patch.setattr(chunks, "GROWTH", 1)
        text = Text(start)
        assert edited(text, start, edits, encoding, read).encode() == text.data


def edited(text: Text, model: str, edits: list, encoding: str, read: bool) -> str:
    """The model after the edits; each of them must have done the same to the text."""
    for first, second, new in edits:
        a, b = sorted((index_of(model, first, encoding), index_of(model, second, encoding)))
        old = model
        model = model[:a] + new + model[b:]
        edit = text.apply((first, second), new, encoding)
        assert text.size == len(model.encode())
        assert not read or text.data == model.encode()
        assert [text.line(n).decode() for n in range(text.line_count)] == [x.rstrip("\r\n") for x in lines_of(model)]
        assert (edit.start_byte, edit.old_end_byte) == (len(old[:a].encode()), len(old[:b].encode()))
        assert edit.new_end_byte == edit.start_byte + len(new.encode())
        assert edit.start_point == point(old, a)
        assert edit.old_end_point == point(old, b)
        assert edit.new_end_point == point(model, a + len(new))
    return model


def point(text: str, index: int) -> tuple[int, int]:
    """Tree-sitter's: rows end at LF only, columns are bytes."""
    before = text[:index]
    return before.count("\n"), len(before.rpartition("\n")[2].encode())


@settings(max_examples=200, deadline=None)
@given(TEXTS, st.sampled_from(ENCODINGS))
def test_every_position_leads_back(source: str, encoding: str) -> None:
    text, offset = Text(source), 0
    for n, line in enumerate(lines_of(source)):
        column = 0
        for char in line.rstrip("\r\n") + ("\0" if not line.endswith(("\r", "\n")) else "\n"):
            assert text.position(offset, encoding) == (n, column)
            assert text.offset(n, column, encoding) == offset
            column += units(char, encoding)
            offset += len(char.encode())
        offset = len("".join(lines_of(source)[: n + 1]).encode())


@settings(max_examples=200, deadline=None)
@given(st.binary(max_size=30), st.integers(-2, 40), POSITIONS, st.sampled_from(ENCODINGS))
def test_any_bytes_are_kept_and_nothing_raises(data: bytes, offset: int, position: tuple, encoding: str) -> None:
    text = Text(data)
    line, char = text.position(offset, encoding)
    assert 0 <= text.offset(line, char, encoding) <= len(data)
    at = text.offset(*position, encoding)
    text.apply((position, position), "x", encoding)
    assert text.data == data[:at] + b"x" + data[at:]


@pytest.mark.parametrize(
    ("source", "data"),
    [
        ("a\ud800b", "a\ufffdb"),
        ("\udc00", "\ufffd"),
        ("\ud83d\ude00", "😀"),
        ("x\ud83d", "x\ufffd"),
        ("\ud800\ud800z", "\ufffd\ufffdz"),
    ],
)
def test_lone_surrogates_become_replacement_characters(source: str, data: str) -> None:
    assert utf8(source) == data.encode()
    assert Text(source).data == data.encode()


@pytest.mark.parametrize(
    ("position", "encoding", "offset"),
    [
        ((0, 2), "utf-16", 1),  # inside the pair: its start
        ((0, 3), "utf-16", 5),
        ((0, 2), "utf-32", 5),
        ((0, 3), "utf-8", 1),
        ((0, 99), "utf-16", 6),
        ((7, 0), "utf-16", 9),
        ((-1, 5), "utf-16", 0),
    ],
)
def test_positions_out_of_range_are_clamped(position: tuple[int, int], encoding: str, offset: int) -> None:
    assert Text("a😀b\r\nc").offset(*position, encoding) == offset


def test_inverted_ranges_are_swapped_and_none_replaces_everything() -> None:
    text = Text("one\ntwo\n")
    text.apply(((1, 3), (0, 3)), "-", "utf-16")
    assert text.data == b"one-\n"
    edit = text.apply(None, "x\ny", "utf-16")
    assert (edit.start_byte, edit.old_end_byte, edit.new_end_byte, edit.old_end_point) == (0, 5, 3, (1, 0))
    assert (text.line_count, text.line(1), text.line_start(1), text.line(9)) == (2, b"y", 2, b"")


@pytest.mark.parametrize("end", ["\n", "\r\n", "\r", ""])
@pytest.mark.parametrize("lines", [100, 100_000])
def test_an_edit_in_a_text_of_any_size_touches_little_of_it(
    lines: int, end: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    text = Text(f"    value = compute(argument, other){end}" * lines)
    written: list[int] = []

    class Counted(chunks.Chunk):
        def __init__(self, data: bytes) -> None:
            written.append(len(data))
            super().__init__(data)

    monkeypatch.setattr(chunks, "Chunk", Counted)
    size, at = text.size, 0
    for n in range(200):
        at = (n * 7919 * 61) % text.size if n % 10 == 0 else at + 1  # typing, with jumps
        text.splice(at, at, b"x")
    largest = 10_000  # bytes; the text has up to 3.8 million
    assert max(written) <= 2 * largest
    assert sum(written) <= 200 * 5 * largest
    assert text.size == size + 200
    assert text.line_count == len((text.data + b"x").splitlines())
    assert text.line_at(at) == len((text.data[:at] + b"x").splitlines()) - 1


def test_a_text_of_any_size_is_few_chunks() -> None:
    text = Text("value = 1\n" * 3_000_000)
    text.splice(text.size // 2, text.size // 2, b"x")
    assert len(text._chunks._chunks) <= 2_500
