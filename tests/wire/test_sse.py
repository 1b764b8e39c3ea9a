"""Server-sent events: any cut, any line end, no byte lost."""

from __future__ import annotations

import time

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from codriver.wire.ndjson import Lines
from codriver.wire.sse import Frame, Parser


def read(stream: bytes, cuts: list[int] | None = None) -> list[Frame]:
    parser, found, start = Parser(), [], 0
    for cut in [*sorted(set(cuts or [])), len(stream)]:
        found += parser.feed(stream[start:cut])
        start = max(start, cut)
    last = parser.rest()
    return [*found, last] if last else found


@pytest.mark.parametrize(
    ("stream", "expected"),
    [
        pytest.param(b"data: a\n\n", [("", b"a")], id="lf"),
        pytest.param(b"data: a\r\n\r\ndata: b\r\n\r\n", [("", b"a"), ("", b"b")], id="trap1-crlf"),
        pytest.param(b"data: a\r\rdata: b\r\r", [("", b"a"), ("", b"b")], id="trap1-cr"),
        pytest.param(b"data: a\n\r\ndata: b\r\n\n", [("", b"a"), ("", b"b")], id="trap1-mixed-ends"),
        pytest.param(b"data: a\ndata:b\ndata\n\n", [("", b"a\nb\n")], id="trap1-multi-line-data"),
        pytest.param(b": ping\n\ndata: a\n\n", [("", None), ("", b"a")], id="trap1-comment"),
        pytest.param(b"event: error\ndata: {}\n\n", [("error", b"{}")], id="named"),
        pytest.param(b"\xef\xbb\xbfdata: a\n\n", [("", b"a")], id="bom"),
        pytest.param(b"data:a\n\n", [("", b"a")], id="no-space"),
        pytest.param(b"data:  a\n\n", [("", b" a")], id="one-space-only"),
        pytest.param(b"id: 7\nretry: 3\ndata: a\n\n", [("", b"a")], id="other-fields"),
        pytest.param("data: é😀\n\n".encode(), [("", "é😀".encode())], id="trap1-utf8"),
        pytest.param(b"data: a\n\ndata: [DONE]", [("", b"a"), ("", b"[DONE]")], id="last-without-blank-line"),
        pytest.param(b"<html>\n\n</html>", [("", None), ("", None)], id="html"),
        pytest.param(b"", [], id="nothing"),
    ],
)
def test_frames(stream: bytes, expected: list[tuple[str, bytes | None]]) -> None:
    found = read(stream)
    assert [(frame.event, frame.data) for frame in found] == expected
    assert b"".join(frame.raw for frame in found) == stream
    assert read(stream, list(range(len(stream)))) == found


LINES = st.sampled_from(
    [b"data: x", b"data:", b"event: e", b": c", b"", b"junk", "data: \u00e9\U0001f600".encode(), b'data: {"a":"b\\n"}']
)
ENDS = st.sampled_from([b"\n", b"\r\n", b"\r"])
STREAMS = st.lists(st.tuples(LINES, ENDS), max_size=14).map(lambda rows: b"".join(a + b for a, b in rows))


@settings(max_examples=150, deadline=None)
@given(STREAMS, st.lists(st.integers(0, 200), max_size=6))
def test_any_cut_gives_the_same_frames(stream: bytes, cuts: list[int]) -> None:
    whole = read(stream)
    assert read(stream, [cut for cut in cuts if cut < len(stream)]) == whole
    assert read(stream, list(range(len(stream)))) == whole
    kept = b"".join(frame.raw for frame in whole)
    assert stream.startswith(kept) and not stream[len(kept) :].strip()


@pytest.mark.parametrize("parser", [Parser, Lines])
def test_a_long_frame_is_put_together_but_once(parser: type[Parser]) -> None:
    """An image in one frame: joined anew with every read, these 8 MB take ten seconds."""
    reading, piece = parser(), b"x" * 1024
    began = time.process_time()
    for _ in range(8192):
        assert reading.feed(piece) == []
    (frame,) = reading.feed(b"\n\n")[:1]
    assert time.process_time() - began < 2
    assert frame.raw.strip() == piece * 8192
    assert reading.rest() is None
