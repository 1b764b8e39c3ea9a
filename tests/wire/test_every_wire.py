"""What holds for every wire, found by its module: a new one without a sample stream fails here (W1)."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from itertools import pairwise

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from codriver.errors import Failure, Kind
from codriver.model.events import (
    Event,
    Failed,
    Finish,
    Finished,
    Piece,
    ReasoningDelta,
    Started,
    TextDelta,
    ToolDelta,
    ToolStart,
    Usage,
    UsageSeen,
    fold,
    is_content,
)
from codriver.wire import codec
from wire.samples import PLAIN, asked, events, model
from wire.streams import CODECS, SAMPLES, TEXT, A, B

WHOLE = {"openai_embeddings"}
"""Wires whose answers are never streamed."""
STREAMED = [name for name in CODECS if name not in WHOLE]


def written(name: str) -> list[bytes]:
    """The sample as servers write it: escaped or not, and with other line ends and comments where these are allowed."""
    stream = SAMPLES[name]
    raw = stream.decode()
    for escaped, real in (("\\u00fc", "ü"), ("\\u00df", "ß"), ("\\ud83c\\udf88", "🎈")):
        raw = raw.replace(escaped, real)
    forms = [stream, raw.encode()]
    if codec.find(name).content_type == "text/event-stream":
        forms.append(raw.replace("\n\n", "\r\n\r\n: still here\r\n\r\n").encode())
    return forms


def read(name: str, chunks: Iterable[bytes]) -> tuple[list[Event], list[Piece]]:
    """Events without ids that are made up here, deltas that belong together in one, and the pieces."""
    decoder = codec.find(name).decoder(model(), PLAIN)
    pieces = [piece for chunk in chunks for piece in decoder.feed(chunk)] + decoder.close()
    return events(pieces), pieces


def cut(stream: bytes, cuts: Iterable[int]) -> list[bytes]:
    places = [0, *sorted({at % (len(stream) + 1) for at in cuts}), len(stream)]
    return [stream[a:b] for a, b in pairwise(places)]


def test_the_wires_are_found() -> None:
    assert {"openai_chat", "anthropic", "openai_responses", "gemini", "openai_completions"} <= set(STREAMED)


def test_every_wire_has_a_sample() -> None:
    assert sorted(SAMPLES) == sorted(STREAMED)


@pytest.mark.parametrize("name", STREAMED)
def test_w1_byte_by_byte(name: str) -> None:
    for stream in written(name):
        found, pieces = read(name, [stream])
        assert read(name, cut(stream, range(len(stream))))[0] == found
        reply = fold(found)
        assert (reply.text, reply.usage.prompt, reply.usage.output) == (TEXT, 9, 5)
        assert reply.finish in (Finish.TOOL_CALLS, Finish.STOP, Finish.LENGTH)
        assert sum(isinstance(event, Finished) for event in found) == 1
        # A relay passes these on.
        assert stream.startswith(b"".join(piece.raw for piece in pieces).rstrip())


@settings(max_examples=60, deadline=None)
@given(st.sampled_from(STREAMED), st.integers(0, 2), st.lists(st.integers(0, 100_000), max_size=9))
def test_w1_random_splits(name: str, form: int, cuts: list[int]) -> None:
    forms = written(name)
    stream = forms[form % len(forms)]
    assert read(name, cut(stream, cuts))[0] == read(name, [stream])[0]


@settings(max_examples=40, deadline=None)
@given(st.sampled_from(STREAMED), st.integers(0, 100_000))
def test_w2_a_stream_that_ends_early_is_a_break(name: str, place: int) -> None:
    """C2: whatever was cut off, there is either the whole answer or a failure, and never both."""
    stream = SAMPLES[name]
    found, _ = read(name, [stream[: place % len(stream)]])
    assert isinstance(found[-1], Finished | Failed)
    assert sum(isinstance(event, Finished | Failed) for event in found) == 1
    if isinstance(found[-1], Finished):
        assert fold(found).text == TEXT


@settings(max_examples=40, deadline=None)
@given(st.sampled_from(CODECS), st.binary(max_size=60), st.binary(max_size=60))
def test_any_bytes_are_read_without_an_exception(name: str, stream: bytes, whole: bytes) -> None:
    found, _ = read(name, [stream])
    assert isinstance(found[-1], Finished | Failed)
    assert codec.find(name).decoder(model(), PLAIN).whole(whole)


@settings(max_examples=40, deadline=None)
@given(st.sampled_from(STREAMED), st.lists(st.integers(0, 100_000), max_size=6))
def test_w3_pings_are_legal_between_any_two_frames(name: str, cuts: list[int]) -> None:
    """T35, C10: and mean nothing to whoever reads them."""
    stream, ping = SAMPLES[name], codec.find(name).ping()
    gap = b"\n" if codec.find(name).content_type == "application/x-ndjson" else b"\n\n"
    frames = [frame + gap for frame in stream.split(gap)[:-1]]
    for place in sorted({at % (len(frames) + 1) for at in cuts}, reverse=True):
        frames.insert(place, ping)
    found = [event for event in read(name, frames)[0] if not isinstance(event, Started)]
    assert found == [event for event in read(name, [stream])[0] if not isinstance(event, Started)]
    assert not any(is_content(event) for event in events(codec.find(name).decoder(model(), PLAIN).feed(ping)))


@pytest.mark.parametrize("name", STREAMED)
def test_w2_a_break_is_told_and_has_no_end(name: str) -> None:
    """W6: in words that this wire's own decoder takes for a failure."""
    speaker = codec.find(name)
    encoder = speaker.encoder(asked(name, body=b"{}"), "acme/one", 1_700_000_000)
    stream = encoder.feed([Started("i", "m"), TextDelta("so far")])
    stream += encoder.broken(Failure(Kind.BROKEN, "it fell silent"))
    found, _ = read(name, [stream])
    assert isinstance(found[-1], Failed)
    assert "it fell silent" in found[-1].failure.message
    assert fold(found).text == "so far"


TALKS = [name for name in STREAMED if name in ("openai_chat", "anthropic", "gemini", "openai_responses", "ollama_chat")]


@pytest.mark.parametrize("source", TALKS)
@pytest.mark.parametrize("target", TALKS)
def test_an_answer_is_the_same_on_every_wire(source: str, target: str) -> None:
    """T1, T4, T5, W15, W26: whatever wire it was said on and whatever wire its caller reads."""
    reply = fold(read(source, [SAMPLES[source]])[0])
    request = asked(target, body=b"{}")
    stream = codec.find(target).encoder(request, "acme/one", 1).feed(read(source, [SAMPLES[source]])[0])
    heard = fold(read(target, [stream])[0])
    assert (heard.text, heard.finish) == (reply.text, reply.finish)
    assert [(c.name, c.arguments.replace(" ", "")) for c in heard.tool_calls] == [
        (c.name, c.arguments.replace(" ", "")) for c in reply.tool_calls
    ]
    assert (heard.usage.prompt, heard.usage.output) == (9, 5)
    whole = codec.find(target).encoder(request, "acme/one", 1).whole(replace(reply, id="i"))
    again = fold(codec.find(target).decoder(model(), PLAIN).whole(whole))
    assert (again.text, again.finish, len(again.tool_calls)) == (reply.text, reply.finish, len(reply.tool_calls))


REASONS = [
    pytest.param([TextDelta("x"), Finished(Finish.LENGTH)], Finish.LENGTH, id="length-stays"),
    pytest.param([TextDelta("x"), Finished(Finish.FILTERED)], Finish.FILTERED, id="filter-stays"),
    pytest.param([TextDelta("x"), Finished(Finish.STOP)], Finish.STOP, id="stop"),
    pytest.param(
        [ToolStart(0, A, "f"), ToolDelta(0, "{}"), Finished(Finish.TOOL_CALLS)], Finish.TOOL_CALLS, id="calls"
    ),
]


@pytest.mark.parametrize("name", ["openai_chat", "anthropic", "gemini", "openai_responses"])
@pytest.mark.parametrize(("said", "finish"), REASONS)
def test_t5_w26_why_it_stopped_is_the_same_behind_every_wire(name: str, said: list[Event], finish: Finish) -> None:
    stream = codec.find(name).encoder(asked(name, body=b"{}"), "acme/one", 1).feed([Started("i", "m"), *said])
    assert fold(read(name, [stream])[0]).finish is finish


@pytest.mark.parametrize("name", ["openai_chat", "anthropic", "gemini", "openai_responses", "ollama_chat"])
def test_t40_the_answer_names_who_gave_it(name: str) -> None:
    """L9: a rebuilt answer shows no name but that of the model which served; a relay keeps the provider's own word."""
    speaker = codec.find(name)
    told = [Started("i", "upstreams-own-name"), TextDelta("x"), UsageSeen(Usage(1, output=1)), Finished(Finish.STOP)]
    stream = speaker.encoder(asked(name, body=b"{}", model="auto"), "acme/one", 1).feed(told)
    assert b"acme/one" in stream
    assert b"upstreams-own-name" not in stream


@pytest.mark.parametrize("name", ["openai_chat", "anthropic", "gemini", "openai_responses"])
def test_t3_no_call_is_opened_before_its_name(name: str) -> None:
    """B5: interleaved fragments of two calls end up where they belong, whatever the wire makes of their order."""
    said: list[Event] = [
        ReasoningDelta("hm"), ToolStart(0, A, "f"), ToolDelta(0, '{"a"'), ToolStart(1, B, "f"), ToolDelta(1, '{"b"'),
        ToolDelta(0, ":1}"), ToolDelta(1, ":2}"), Finished(Finish.TOOL_CALLS),
    ]  # fmt: skip
    stream = codec.find(name).encoder(asked(name, body=b"{}"), "acme/one", 1).feed([Started("i", "m"), *said])
    found, _ = read(name, [stream])
    assert all(event.name == "f" for event in found if isinstance(event, ToolStart))
    assert [call.arguments.replace(" ", "") for call in fold(found).tool_calls] == ['{"a":1}', '{"b":2}']
