"""Frames: whatever the cuts and the headers look like, bodies come out whole and in order."""

from __future__ import annotations

import itertools

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from codriver.fronts.lsp.framing import HEADER_LIMIT, Frames, Malformed, frame


def pieces(data: bytes, cuts: list[int]) -> list[bytes]:
    edges = [0, *sorted(min(cut, len(data)) for cut in cuts), len(data)]
    return [data[start:end] for start, end in itertools.pairwise(edges)]


@settings(max_examples=60)
@given(st.lists(st.binary(max_size=200), max_size=6), st.lists(st.integers(0, 1500), max_size=8))
def test_bodies_survive_any_cut(bodies: list[bytes], cuts: list[int]) -> None:
    frames = Frames()
    out = [body for piece in pieces(b"".join(map(frame, bodies)), cuts) for body in frames.feed(piece)]
    assert out == bodies


@settings(max_examples=80)
@given(st.binary(max_size=400), st.lists(st.integers(0, 400), max_size=4))
def test_garbage_never_raises_and_never_stops_reading(garbage: bytes, cuts: list[int]) -> None:
    frames = Frames(limit=1000)
    for piece in pieces(garbage, cuts):
        frames.feed(piece)
    # A wrong length may swallow what follows it; more than the limit it never swallows at once.
    out: list[bytes | Malformed] = []
    for _ in range(400):
        out += frames.feed(frame(b"{}") * 10)
    assert b"{}" in out or any(isinstance(body, bytes) for body in out)


@pytest.mark.parametrize(
    "header",
    [
        b"Content-Length: 2\r\n\r\n",
        b"content-length:2\r\n\r\n",
        b"CONTENT-LENGTH:   2  \r\n\r\n",
        b"Content-Type: application/vscode-jsonrpc; charset=utf-8\r\nContent-Length: 2\r\n\r\n",
        b"Content-Length: 2\r\nContent-Type: x\r\n\r\n",
        b"Content-Length: 2\n\n",
        b"some wrapper's chatter Content-Length: 2\r\n\r\n",
    ],
)
def test_headers_of_the_wild(header: bytes) -> None:
    assert Frames().feed(header + b"{}" + frame(b"[]")) == [b"{}", b"[]"]


@pytest.mark.parametrize(
    ("header", "word"),
    [
        (b"Content-Length: two\r\n\r\n", "not a number"),
        (b"Content-Length: -2\r\n\r\n", "not a number"),
        (b"Content-Type: x\r\n\r\n", "without Content-Length"),
    ],
)
def test_a_bad_header_is_told_and_the_next_message_is_read(header: bytes, word: str) -> None:
    bad, good = Frames().feed(header + frame(b"{}"))
    assert isinstance(bad, Malformed) and word in bad.reason
    assert good == b"{}"


def test_a_message_above_the_limit_is_skipped_as_a_whole() -> None:
    frames = Frames(limit=10)
    out = [body for piece in pieces(frame(b"x" * 5000) + frame(b"{}"), [100, 3000]) for body in frames.feed(piece)]
    assert isinstance(out[0], Malformed) and out[1:] == [b"{}"]


def test_an_endless_header_is_given_up_and_found_again() -> None:
    frames = Frames()
    out = frames.feed(b"y" * (HEADER_LIMIT + 1))
    assert [type(body) for body in out] == [Malformed]
    assert frames.feed(frame(b"{}"))[-1] == b"{}"
