"""What holds for every wire, found by its module: a new one without a sample stream fails here (W1)."""

from __future__ import annotations

import pkgutil
from collections.abc import Iterable
from dataclasses import replace
from itertools import pairwise
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from codriver import wire
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
from wire.samples import PLAIN, asked, data, dump, events, model, named

CODEC = ("parse", "encoder", "failure", "ping", "call", "decoder", "content_type")
WHOLE = {"openai_embeddings"}
"""Wires whose answers are never streamed."""


def wires() -> list[str]:
    """Every module of codriver.wire that is a codec, by its name."""
    names = [module.name for module in pkgutil.iter_modules(wire.__path__)]
    return [name for name in names if all(hasattr(codec.find(name), part) for part in CODEC)]


CODECS = wires()
STREAMED = [name for name in CODECS if name not in WHOLE]


def delta(finish: str | None = None, **said: Any) -> dict[str, Any]:
    return {"id": "c1", "model": "m", "choices": [{"index": 0, "delta": said, "finish_reason": finish}]}


def call(index: int, arguments: str, **more: str) -> dict[str, Any]:
    name = {"name": more.pop("name")} if "name" in more else {}
    return {"index": index, **more, "function": {**name, "arguments": arguments}}


def lines(*pages: dict[str, Any]) -> bytes:
    return b"".join(dump({"model": "m", **page}) + b"\n" for page in pages)


def block(index: int, opened: dict[str, Any], *deltas: dict[str, Any]) -> list[dict[str, Any]]:
    return [
        {"type": "content_block_start", "index": index, "content_block": opened},
        *({"type": "content_block_delta", "index": index, "delta": one} for one in deltas),
        {"type": "content_block_stop", "index": index},
    ]


def part(*parts: dict[str, Any], **more: Any) -> dict[str, Any]:
    return {"candidates": [{"index": 0, "content": {"role": "model", "parts": list(parts)}, **more}]}


def told(kind: str, **more: Any) -> dict[str, Any]:
    return {"type": f"response.{kind}", **more}


A, B = "call_aaaaaaaaaaaa", "call_bbbbbbbbbbbb"
OUTPUT = [
    {"type": "reasoning", "id": "rs_1", "summary": [{"type": "summary_text", "text": "hm"}]},
    {"type": "message", "id": "msg_1", "role": "assistant", "content": [{"type": "output_text", "text": "Grüße 🎈"}]},
    {"type": "function_call", "id": "fc_1", "call_id": A, "name": "f", "arguments": '{"a":1}'},
]

SAMPLES: dict[str, tuple[bytes, str]] = {
    "openai_chat": (
        data(
            delta(role="assistant", content=""),
            delta(reasoning_content="hm"),
            delta(content="Gr"),
            delta(content="\u00fc\u00dfe \U0001f388"),
            delta(tool_calls=[call(0, "", id=A, name="f"), call(2, "", id=B, name="f")]),
            delta(tool_calls=[call(2, "{}"), call(0, '{"a"')]),
            delta(tool_calls=[call(0, ":1}")]),
            delta("tool_calls"),
            {"id": "c1", "choices": [], "usage": {"prompt_tokens": 9, "completion_tokens": 5}},
            "[DONE]",
        ),
        "Grüße 🎈",
    ),
    "openai_completions": (
        data(
            {"id": "c", "model": "m", "choices": [{"index": 0, "text": "Grüße", "finish_reason": None}]},
            {"id": "c", "model": "m", "choices": [{"index": 0, "text": " 🎈", "finish_reason": "length"}]},
            {"id": "c", "choices": [], "usage": {"prompt_tokens": 9, "completion_tokens": 5}},
            "[DONE]",
        ),
        "Grüße 🎈",
    ),
    "anthropic": (
        named(
            {"type": "message_start", "message": {"id": "msg_1", "model": "m", "usage": {"input_tokens": 9}}},
            {"type": "ping"},
            *block(
                0,
                {"type": "thinking", "thinking": ""},
                {"type": "thinking_delta", "thinking": "hm"},
                {"type": "signature_delta", "signature": "S"},
            ),
            *block(1, {"type": "text", "text": ""}, {"type": "text_delta", "text": "Grüße 🎈"}),
            *block(
                2,
                {"type": "tool_use", "id": "toolu_aaaaaaaa", "name": "f", "input": {}},
                {"type": "input_json_delta", "partial_json": '{"a"'},
                {"type": "input_json_delta", "partial_json": ":1}"},
            ),
            {"type": "message_delta", "delta": {"stop_reason": "tool_use"}, "usage": {"output_tokens": 5}},
            {"type": "message_stop"},
        ),
        "Grüße 🎈",
    ),
    "gemini": (
        data(
            part({"text": "hm", "thought": True}),
            part({"text": "Grüße"}),
            part({"text": " 🎈"}),
            part({"functionCall": {"id": A, "name": "f", "args": {"a": 1}}, "thoughtSignature": "c2ln"}),
            {**part(finishReason="STOP"), "usageMetadata": {"promptTokenCount": 9, "candidatesTokenCount": 5}},
        ),
        "Grüße 🎈",
    ),
    "openai_responses": (
        named(
            told("created", response={"id": "resp_1", "model": "m", "status": "in_progress", "output": []}),
            told("output_item.added", output_index=0, item={**OUTPUT[0], "summary": []}),
            told("reasoning_summary_text.delta", output_index=0, item_id="rs_1", summary_index=0, delta="hm"),
            told("output_item.done", output_index=0, item=OUTPUT[0]),
            told("output_item.added", output_index=1, item={**OUTPUT[1], "content": []}),
            told("output_text.delta", output_index=1, item_id="msg_1", content_index=0, delta="Grüße"),
            told("output_text.delta", output_index=1, item_id="msg_1", content_index=0, delta=" 🎈"),
            told("output_item.done", output_index=1, item=OUTPUT[1]),
            told("output_item.added", output_index=2, item={**OUTPUT[2], "arguments": ""}),
            told("function_call_arguments.delta", output_index=2, item_id="fc_1", delta='{"a":1}'),
            told("output_item.done", output_index=2, item=OUTPUT[2]),
            told(
                "completed",
                response={
                    "id": "resp_1", "model": "m", "status": "completed", "output": OUTPUT,
                    "usage": {"input_tokens": 9, "output_tokens": 5},
                },
            ),
        ),
        "Grüße 🎈",
    ),
    "ollama_chat": (
        lines(
            {"message": {"role": "assistant", "content": "", "thinking": "hm"}, "done": False},
            {"message": {"role": "assistant", "content": "Grüße 🎈"}, "done": False},
            {
                "message": {"content": "", "tool_calls": [{"id": A, "function": {"name": "f", "arguments": {"a": 1}}}]},
                "done": False,
            },
            {"message": {"content": ""}, "done": True, "done_reason": "stop", "prompt_eval_count": 9, "eval_count": 5},
        ),
        "Grüße 🎈",
    ),
    "ollama_generate": (
        lines(
            {"response": "Grüße", "done": False},
            {"response": " 🎈", "done": False},
            {"response": "", "done": True, "done_reason": "length", "prompt_eval_count": 9, "eval_count": 5},
        ),
        "Grüße 🎈",
    ),
    "llamacpp_infill": (
        data(
            {"content": "Grüße", "stop": False},
            {"content": " 🎈", "stop": False},
            {"content": "", "stop": True, "stop_type": "eos", "tokens_evaluated": 9, "tokens_predicted": 5},
        ),
        "Grüße 🎈",
    ),
    "mistral_fim": (
        data(
            delta(role="assistant", content="Grüße"),
            delta(content=" 🎈"),
            {**delta("stop", content=""), "usage": {"prompt_tokens": 9, "completion_tokens": 5}},
            "[DONE]",
        ),
        "Grüße 🎈",
    ),
}  # fmt: skip


def written(name: str) -> list[bytes]:
    """The sample as servers write it: escaped or not, and with other line ends and comments where these are allowed."""
    stream = SAMPLES[name][0]
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
        assert (reply.text, reply.usage.prompt, reply.usage.output) == (SAMPLES[name][1], 9, 5)
        assert reply.finish in (Finish.TOOL_CALLS, Finish.STOP, Finish.LENGTH)
        assert sum(isinstance(event, Finished) for event in found) == 1
        # A relay passes these on.
        assert stream.startswith(b"".join(piece.raw for piece in pieces).rstrip())


@settings(max_examples=120, deadline=None)
@given(st.sampled_from(STREAMED), st.integers(0, 2), st.lists(st.integers(0, 100_000), max_size=9))
def test_w1_random_splits(name: str, form: int, cuts: list[int]) -> None:
    forms = written(name)
    stream = forms[form % len(forms)]
    assert read(name, cut(stream, cuts))[0] == read(name, [stream])[0]


@settings(max_examples=80, deadline=None)
@given(st.sampled_from(STREAMED), st.integers(0, 100_000))
def test_w2_a_stream_that_ends_early_is_a_break(name: str, place: int) -> None:
    """C2: whatever was cut off, there is either the whole answer or a failure, and never both."""
    stream = SAMPLES[name][0]
    found, _ = read(name, [stream[: place % len(stream)]])
    assert isinstance(found[-1], Finished | Failed)
    assert sum(isinstance(event, Finished | Failed) for event in found) == 1
    if isinstance(found[-1], Finished):
        assert fold(found).text == SAMPLES[name][1]


@settings(max_examples=80, deadline=None)
@given(st.sampled_from(CODECS), st.binary(max_size=60), st.binary(max_size=60))
def test_any_bytes_are_read_without_an_exception(name: str, stream: bytes, whole: bytes) -> None:
    found, _ = read(name, [stream])
    assert isinstance(found[-1], Finished | Failed)
    assert codec.find(name).decoder(model(), PLAIN).whole(whole)


@settings(max_examples=80, deadline=None)
@given(st.sampled_from(STREAMED), st.lists(st.integers(0, 100_000), max_size=6))
def test_w3_pings_are_legal_between_any_two_frames(name: str, cuts: list[int]) -> None:
    """T35, C10: and mean nothing to whoever reads them."""
    stream, ping = SAMPLES[name][0], codec.find(name).ping()
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
    reply = fold(read(source, [SAMPLES[source][0]])[0])
    request = asked(target, body=b"{}")
    stream = codec.find(target).encoder(request, "acme/one", 1).feed(read(source, [SAMPLES[source][0]])[0])
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
