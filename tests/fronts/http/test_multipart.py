"""Forms, however they are cut on their way: the same parts and the same bytes."""

from __future__ import annotations

import itertools

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from codriver.errors import RequestRejected
from codriver.fronts.http.multipart import Multipart, Part, boundary

MARK = b"xyz"
SDK = (
    b"--xyz\r\nContent-Disposition: form-data; name=\"purpose\"\r\n\r\nbatch\r\n"
    b"--xyz\r\nContent-Disposition: form-data; name=\"file\"; filename=\"in.jsonl\"\r\n"
    b"Content-Type: application/octet-stream\r\n\r\n%b\r\n--xyz--\r\n"
)  # fmt: skip


def read(data: bytes, cuts: list[int]) -> list[tuple[Part, bytes]]:
    reader, parts = Multipart(MARK), list[tuple[Part, bytes]]()
    places = sorted({min(cut, len(data)) for cut in cuts} | {0, len(data)})
    for start, end in itertools.pairwise(places):
        for item in reader.feed(data[start:end]):
            if isinstance(item, Part):
                parts.append((item, b""))
            else:
                assert item, "no empty piece"
                parts[-1] = (parts[-1][0], parts[-1][1] + item)
    reader.close()
    return parts


PIECE = st.sampled_from([b"\r\n--xy", b"\r\n", b"--xyz", b"\r", b"\n", b"--", b"a", b"\0\xff", b"\r\n--"])
CONTENT = st.one_of(st.binary(max_size=60), st.lists(PIECE, max_size=12).map(b"".join))


@settings(max_examples=150)
@given(CONTENT.filter(lambda data: b"\r\n--xyz" not in b"\r\n" + data), st.lists(st.integers(0, 400), max_size=8))
def test_w1_any_content_in_any_pieces(content: bytes, cuts: list[int]) -> None:
    parts = read(SDK % content, cuts)
    assert parts == [(Part("purpose"), b"batch"), (Part("file", "in.jsonl"), content)]


def test_w1_byte_by_byte() -> None:
    data = SDK % b"a\r\n--xy\r\nb"
    assert read(data, list(range(len(data)))) == read(data, [])


@pytest.mark.parametrize(
    ("head", "part"),
    [
        ('name="file"; filename="a b.jsonl"', Part("file", "a b.jsonl")),
        ("name=file; filename=a.jsonl", Part("file", "a.jsonl")),
        ('name="file"; filename="%22q%22.jsonl"', Part("file", '"q".jsonl')),
        (r'name="file"; filename="\"q\".jsonl"', Part("file", '"q".jsonl')),
        ('name="file"; filename="x"; filename*=UTF-8\'\'%C3%BC.jsonl', Part("file", "ü.jsonl")),
        ('filename="ü.jsonl"; name="file"', Part("file", "ü.jsonl")),
        ('name="purpose"', Part("purpose")),
    ],
)
def test_names_as_clients_write_them(head: str, part: Part) -> None:
    data = f"preamble\r\n--xyz  \r\nX-Other: 1\r\ncontent-disposition: form-data; {head}\r\n\r\n\r\n--xyz--".encode()
    assert read(data, []) == [(part, b"")]


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"no form at all",
        SDK[:40],
        (SDK % b"abc")[:-6],
        b"--xyz\r\nContent-Type: text/plain\r\n\r\nx\r\n--xyz--",
        b"--xyzabc\r\n\r\n",
        b"--xyz\r\n" + b"a" * 10_000,
        b"--xyz" + b" " * 10_000,
        b"--xyz\r\ncontent-disposition: form-data; name=a\r\n\r\n\r\n" * 101 + b"--xyz--",
    ],
    ids=["empty", "text", "cut in the head", "cut at the end", "nameless", "no break", "long head", "blanks", "many"],
)
def test_broken_forms_are_refused(data: bytes) -> None:
    with pytest.raises(RequestRejected):
        read(data, [])


@pytest.mark.parametrize(
    ("content_type", "mark"),
    [
        ("multipart/form-data; boundary=abc", b"abc"),
        ('Multipart/Form-Data; charset=utf-8; boundary="a b,c"', b"a b,c"),
        ("multipart/form-data", None),
        ("application/json; boundary=abc", None),
        ("", None),
    ],
)
def test_the_boundary_is_told_by_the_content_type(content_type: str, mark: bytes | None) -> None:
    if mark is None:
        with pytest.raises(RequestRejected, match="multipart/form-data"):
            boundary(content_type)
    else:
        assert boundary(content_type) == mark
