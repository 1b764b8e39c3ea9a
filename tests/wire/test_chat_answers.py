"""Answers in OpenAI chat: what servers send becomes events, and events become exact chunks."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from codriver.errors import Failure, Kind
from codriver.model.events import (
    Event,
    Failed,
    Finish,
    Finished,
    ReasoningDelta,
    Reply,
    Started,
    TextDelta,
    ToolDelta,
    ToolStart,
    Usage,
    UsageSeen,
    fold,
)
from codriver.model.provider import Quirks
from codriver.model.request import ToolCall
from codriver.wire import codec
from codriver.wire import openai_chat as wire
from wire.samples import PLAIN, asked, data, dump, events, frames, model


def chunk(delta: dict[str, Any], finish: str | None = None, **more: Any) -> dict[str, Any]:
    return {"id": "c1", "model": "m", "choices": [{"index": 0, "delta": delta, "finish_reason": finish}], **more}


def further(delta: dict[str, Any], finish: str | None = None) -> dict[str, Any]:
    """Of a second answer in the same stream (n: 2)."""
    return {"id": "c1", "model": "m", "choices": [{"index": 1, "delta": delta, "finish_reason": finish}]}


def call(arguments: Any = None, **more: Any) -> dict[str, Any]:
    function = {"arguments": arguments} if arguments is not None else {}
    if "name" in more:
        function["name"] = more.pop("name")
    return {"tool_calls": [{**more, "function": function}]}


def read(stream: bytes, step: int = 0) -> list[Event]:
    decoder = wire.decoder(model(), PLAIN)
    found = []
    for start in range(0, len(stream), step or len(stream) or 1):
        found += decoder.feed(stream[start : start + (step or len(stream))])
    return events([*found, *decoder.close()])


def summary(found: list[Event]) -> dict[str, Any]:
    reply = fold(found)
    return {
        "text": reply.text,
        "thought": "".join(block.text for block in reply.reasoning),
        "calls": [(c.id, c.name, c.arguments) for c in reply.tool_calls],
        "finish": reply.finish,
    }


STOP, TOOLS = chunk({}, "stop"), chunk({}, "tool_calls")
DONE = "[DONE]"
A, B = "call_aaaaaaaaaaaa", "call_bbbbbbbbbbbb"

TOLERATED: list[Any] = [
    pytest.param([chunk({"content": "Hi"}), STOP, DONE], {"text": "Hi", "finish": Finish.STOP}, id="text"),
    pytest.param([chunk({"content": "Hi"}), STOP], {"text": "Hi", "finish": Finish.STOP}, id="no-done"),
    pytest.param([chunk({"content": "Hi"}), DONE], {"text": "Hi", "finish": Finish.STOP}, id="done-without-finish"),
    pytest.param(
        [chunk({"content": "cut"}), chunk({}, "length"), DONE], {"text": "cut", "finish": Finish.LENGTH}, id="length"
    ),
    pytest.param(
        [chunk({"content": "x"}), chunk({}, "content_filter"), DONE], {"finish": Finish.FILTERED}, id="filter"
    ),
    pytest.param(
        [
            chunk(call("", index=0, id=A, name="f")),
            chunk(call('{"a"', index=0)),
            chunk(call(":1}", index=0)),
            TOOLS,
            DONE,
        ],
        {"calls": [(A, "f", '{"a":1}')], "finish": Finish.TOOL_CALLS},
        id="trap14-fragments",
    ),
    pytest.param(
        [
            chunk(call("", index=0, id=A, name="f")),
            chunk(call("", index=3, id=B, name="g")),
            chunk(call('{"b":2}', index=3)),
            chunk(call('{"a":1}', index=0)),
            TOOLS,
            DONE,
        ],
        {"calls": [(A, "f", '{"a":1}'), (B, "g", '{"b":2}')]},
        id="trap14-interleaved-with-gaps",
    ),
    pytest.param(
        [chunk(call('{"a"', index=0, id=A, name="f")), chunk(call(":1}", index=0, id=A, name="f")), TOOLS, DONE],
        {"calls": [(A, "f", '{"a":1}')]},
        id="trap14-name-repeated",
    ),
    pytest.param(
        [chunk(call('{"a"', name="f")), chunk(call(":1}", name="f")), TOOLS, DONE],
        {"calls": [("*", "f", '{"a":1}')]},
        id="trap14-name-repeated-no-index-no-id",
    ),
    pytest.param(
        [chunk(call('{"a":1}', id=A, name="f")), chunk(call('{"b":2}', id=B, name="f")), TOOLS, DONE],
        {"calls": [(A, "f", '{"a":1}'), (B, "f", '{"b":2}')]},
        id="trap14-whole-calls-no-index",
    ),
    pytest.param(
        [
            chunk(call('{"a":1}', index=0, id="", name="f")),
            chunk(call('{"b":2}', index=0, id="", name="f")),
            TOOLS,
            DONE,
        ],
        {"calls": [("*", "f", '{"a":1}'), ("*", "f", '{"b":2}')]},
        id="trap14-empty-ids-same-index",
    ),
    pytest.param(
        [chunk(call('{"a":1}', index=0, id=A, name="f")), chunk(call('{"b":2}', index=0, id=B, name="g")), TOOLS, DONE],
        {"calls": [(A, "f", '{"a":1}'), (B, "g", '{"b":2}')]},
        id="trap14-every-index-0",
    ),
    pytest.param(
        [chunk(call('{"a"', index=0, id=A)), chunk(call(":1}", index=0, name="f")), TOOLS, DONE],
        {"calls": [(A, "f", '{"a":1}')]},
        id="T3-name-after-arguments",
    ),
    pytest.param(
        [chunk(call({"a": {"é": 1}}, index=0, id=A, name="f")), TOOLS, DONE],
        {"calls": [(A, "f", '{"a":{"é":1}}')]},
        id="T4-arguments-as-object",
    ),
    pytest.param(
        [chunk(call(None, index=0, id=A, name="f")), TOOLS, DONE], {"calls": [(A, "f", "{}")]}, id="T4-nothing"
    ),
    pytest.param(
        [chunk(call("{}", index=0, id=A, name="f")), STOP, DONE],
        {"calls": [(A, "f", "{}")], "finish": Finish.TOOL_CALLS},
        id="trap15-stop-after-calls",
    ),
    pytest.param([chunk({"content": "x"}), TOOLS, DONE], {"finish": Finish.STOP}, id="trap15-tool-calls-without-any"),
    pytest.param(
        [chunk({"function_call": {"name": "f", "arguments": "{"}}), chunk({"function_call": {"arguments": "}"}}), DONE],
        {"calls": [("*", "f", "{}")]},
        id="legacy-function-call",
    ),
    pytest.param(
        [chunk({"reasoning_content": "th"}), chunk({"reasoning_content": "ink"}), chunk({"content": "x"}), STOP, DONE],
        {"thought": "think", "text": "x"},
        id="trap18-reasoning-content",
    ),
    pytest.param([chunk({"reasoning": "think"}), STOP, DONE], {"thought": "think"}, id="trap18-reasoning"),
    pytest.param(
        [chunk({"reasoning": "th", "reasoning_content": "th"}), STOP, DONE], {"thought": "th"}, id="trap18-both-once"
    ),
    pytest.param(
        [
            chunk(
                {
                    "content": [
                        {"type": "thinking", "thinking": [{"type": "text", "text": "t"}]},
                        {"type": "text", "text": "x"},
                    ]
                }
            ),
            STOP,
            DONE,
        ],
        {"thought": "t", "text": "x"},
        id="content-as-parts",
    ),
    pytest.param([chunk({"refusal": "I cannot"}), STOP, DONE], {"text": "I cannot"}, id="refusal"),
    pytest.param(
        ["keep", chunk({"content": "x"}), STOP, DONE], {"text": "x", "finish": Finish.STOP}, id="T41-one-bad-line"
    ),
    pytest.param(
        [{"id": "a", "choices": [], "prompt_filter_results": []}, chunk({"content": "x"}), STOP, DONE],
        {"text": "x"},
        id="first-chunk-without-choices",
    ),
    pytest.param(
        ['{"id":"c","choices":[{"delta":{"content":"\\ud83d!"}}]}', STOP, DONE], {"text": "\ufffd!"}, id="cut-surrogate"
    ),
]


@pytest.mark.parametrize(("sent", "expected"), TOLERATED)
def test_tolerant_when_reading(sent: list[Any], expected: dict[str, Any]) -> None:
    stream = data(*sent)
    found = read(stream)
    got = summary(found)
    got["calls"] = [
        ("*" if wanted[0] == "*" and ident else ident, name, arguments)
        for (ident, name, arguments), wanted in zip(got["calls"], expected.get("calls", got["calls"]), strict=True)
    ]
    assert {key: got[key] for key in expected} == expected
    assert len({c[0] for c in summary(found)["calls"]}) == len(got["calls"])
    assert sum(isinstance(event, Finished) for event in found) == 1
    assert len(read(stream, 1)) == len(found)


BROKEN: list[Any] = [
    pytest.param(b"", Kind.BROKEN, "empty", id="trap2-nothing"),
    pytest.param(data(chunk({"content": "Hi"})), Kind.BROKEN, "cut off", id="trap2-no-finish"),
    pytest.param(data(DONE), Kind.BROKEN, "empty", id="trap2-done-alone"),
    pytest.param(data(chunk({"content": "Hi"}))[:-9], Kind.BROKEN, "", id="trap2-cut-inside-a-frame"),
    pytest.param(b"<!DOCTYPE html>\n\n<html></html>\n\n", Kind.BROKEN, "", id="html"),
    pytest.param(data("x", "y"), Kind.BROKEN, "format", id="T41-two-bad-lines"),
    pytest.param(
        data(chunk({"content": "a"}), '{"choices":[{"delta":{"content":"b', chunk({"content": "c"}), STOP, DONE),
        Kind.BROKEN,
        "lost",
        id="T41-a-lost-piece-of-the-answer",
    ),
    pytest.param(
        data({"error": {"message": "Overloaded", "type": "overloaded_error"}}), Kind.OVERLOADED, "", id="T32-overloaded"
    ),
    pytest.param(
        data(chunk({"content": "Hi"}), {"error": {"message": "slow down", "code": "rate_limit_exceeded"}}),
        Kind.RATE_LIMITED,
        "slow down",
        id="T32-rate-limit-inside",
    ),
    pytest.param(
        data(
            {
                "error": {
                    "message": "maximum context length is 8192 tokens",
                    "type": "invalid_request_error",
                    "code": None,
                }
            }
        ),
        Kind.TOO_LONG,
        "8192",
        id="trap29-overflow-known-by-its-prose",
    ),
    pytest.param(data({"error": {"message": "no money", "code": 402}}), Kind.QUOTA, "", id="number-as-code"),
    pytest.param(data({"error": "something odd"}), Kind.TRANSIENT, "something odd", id="error-as-string"),
    pytest.param(
        data({"object": "error", "message": "bad", "code": 400}), Kind.INVALID, "bad", id="error-as-the-frame-itself"
    ),
    pytest.param(b'event: error\ndata: {"message":"boom"}\n\n', Kind.TRANSIENT, "boom", id="error-event"),
    pytest.param(data(chunk({}, "error")), Kind.TRANSIENT, "", id="finish-reason-error"),
    pytest.param(
        data(chunk({"content": "a"}), further({"content": "b"}), STOP), Kind.BROKEN, "cut off", id="W2-a-further-answer"
    ),
]


@pytest.mark.parametrize(("stream", "kind", "words"), BROKEN)
def test_a_break_is_told(stream: bytes, kind: Kind, words: str) -> None:
    for step in (0, 1):
        found = read(stream, step)
        assert isinstance(found[-1], Failed)
        assert found[-1].failure.kind is kind
        assert words in found[-1].failure.message
        assert not any(isinstance(event, Finished) for event in found)


@pytest.mark.parametrize(
    ("counts", "expected"),
    [
        pytest.param(
            {"prompt_tokens": 100, "completion_tokens": 20, "prompt_tokens_details": {"cached_tokens": 80}},
            Usage(20, 80, 0, 20),
            id="trap7-cached-inside-prompt",
        ),
        pytest.param(
            {"prompt_tokens": 100, "completion_tokens": 20, "prompt_cache_hit_tokens": 64},
            Usage(36, 64, 0, 20),
            id="deepseek",
        ),
        pytest.param(
            {"prompt_tokens": 10, "completion_tokens": 2, "cached_tokens": 4}, Usage(6, 4, 0, 2), id="moonshot"
        ),
        pytest.param(
            {"prompt_tokens": 10, "completion_tokens": 2, "prompt_tokens_details": {"cached_tokens": 40}},
            Usage(0, 10, 0, 2),
            id="T23-cached-capped",
        ),
        pytest.param(
            {"prompt_tokens": 10, "completion_tokens": 30, "completion_tokens_details": {"reasoning_tokens": 25}},
            Usage(10, 0, 0, 30, 25),
            id="reasoning-inside",
        ),
        pytest.param(
            {
                "prompt_tokens": 10, "completion_tokens": 5, "total_tokens": 40,
                "completion_tokens_details": {"reasoning_tokens": 25},
            },
            Usage(10, 0, 0, 30, 25),
            id="reasoning-beside-xai",
        ),
        pytest.param({"prompt_tokens": -1, "completion_tokens": 3}, Usage(0, 0, 0, 3), id="less-than-nothing"),
        pytest.param({"prompt_tokens": "NaN", "completion_tokens": 3}, Usage(0, 0, 0, 3), id="no-number"),
        pytest.param({"prompt_tokens": 2, "completion_tokens": "inf"}, Usage(2), id="no-end"),
    ],
)  # fmt: skip
def test_usage_in_disjoint_classes(counts: dict[str, Any], expected: Usage) -> None:
    decoder = wire.decoder(model(), PLAIN)
    pieces = decoder.feed(data(chunk({"content": "x"}), STOP, {"id": "c", "choices": [], "usage": counts}, DONE))
    assert UsageSeen(expected) in events(pieces)
    assert [piece.usage_only for piece in pieces] == [False, False, True, False]
    found = events(pieces)
    assert isinstance(found[-1], Finished)  # after the counts, so that an encoder has them


def test_several_answers_end_when_all_of_them_have() -> None:
    stream = data(chunk({"content": "a"}), further({"content": "b"}), STOP, further({}, "length"))
    assert read(stream)[-1] == Finished(Finish.STOP)


@pytest.mark.parametrize(
    ("frame", "quiet"),
    [
        pytest.param(data(chunk({"content": "more"})), True, id="text"),
        pytest.param(data(further({"content": "more"})), False, id="of-a-further-answer"),
        pytest.param(b'event: error\ndata: {"message":"slow down","code":429}\n\n', False, id="error-event"),
        pytest.param(data(chunk({"content": "more"}, usage={"prompt_tokens": 1})), False, id="counts"),
        pytest.param(data(chunk({"reasoning": "more"})), False, id="thinking"),
        pytest.param(data(STOP), False, id="end"),
    ],
)
def test_a_relay_reads_all_that_is_not_mere_text(frame: bytes, quiet: bool) -> None:
    decoder = wire.decoder(model(), PLAIN)
    decoder.feed(data(chunk({"role": "assistant", "content": "x"})))
    assert decoder.quiet(frame) == (len(frame) if quiet else 0)


@pytest.mark.parametrize("number", ["NaN", "inf", -1, 1e300])
@pytest.mark.parametrize(
    ("name", "answer"),
    [
        ("anthropic", {"type": "message", "content": [], "stop_reason": "end_turn", "usage": {"input_tokens": 0}}),
        ("gemini", {"candidates": [{"finishReason": "STOP"}], "usageMetadata": {"promptTokenCount": 0}}),
        ("openai_responses", {"status": "completed", "output": [], "usage": {"input_tokens": 0}}),
    ],
)
def test_counts_that_are_no_numbers_count_for_nothing(name: str, answer: dict[str, Any], number: object) -> None:
    counts = answer.get("usage") or answer["usageMetadata"]
    body = dump({**answer, "usage": dict.fromkeys(counts, number), "usageMetadata": dict.fromkeys(counts, number)})
    found = codec.find(name).decoder(model(), PLAIN).whole(body)
    assert UsageSeen(Usage()) in found
    assert isinstance(found[-1], Finished)


def test_frames_stay_byte_exact() -> None:
    stream = b": hello\n\n" + data(chunk({"content": "é"}), STOP, DONE).replace(b"\n\n", b"\r\n\r\n")
    pieces = wire.decoder(model(), PLAIN).feed(stream)
    assert b"".join(piece.raw for piece in pieces) == stream


def test_a_forgotten_done_is_added_to_a_relay() -> None:
    decoder = wire.decoder(model(), PLAIN)
    decoder.feed(data(chunk({"content": "x"}), STOP))
    assert decoder.close()[-1].raw == b"data: [DONE]\n\n"


def test_a_last_frame_without_blank_line_is_completed() -> None:
    decoder = wire.decoder(model(), PLAIN)
    pieces = decoder.feed(data(chunk({"content": "x"}), STOP) + b"data: [DONE]") + decoder.close()
    assert pieces[-1].raw == b"data: [DONE]\n\n"
    assert events(pieces)[-1] == Finished(Finish.STOP)


def test_whole_answers() -> None:
    message = {
        "content": None,
        "reasoning_content": "t",
        "tool_calls": [{"id": A, "function": {"name": "f", "arguments": "{}"}}],
    }
    body = {
        "id": "c",
        "model": "m",
        "choices": [{"message": message, "finish_reason": "stop"}],
        "usage": {"prompt_tokens": 3},
    }
    reply = fold(wire.decoder(model(), PLAIN).whole(dump(body)))
    assert reply.tool_calls == (ToolCall(A, "f", "{}"),)
    assert reply.reasoning == (ReasoningDelta("t"),)
    assert reply.finish is Finish.TOOL_CALLS
    assert reply.usage.input == 3


@pytest.mark.parametrize("body", [b"", b"<html>", b"{}", b'{"choices":[]}', b"[1]"])
def test_whole_answers_that_are_none(body: bytes) -> None:
    found = wire.decoder(model(), PLAIN).whole(body)
    assert isinstance(found[-1], Failed)
    assert found[-1].failure.kind is Kind.BROKEN


ANSWER: list[Event] = [
    Started("up", "m"),
    ReasoningDelta("hm"),
    TextDelta("Hé"),
    ToolStart(0, A, "f"),
    ToolStart(1, "", "g"),
    ToolDelta(0, '{"a":'),
    ToolDelta(0, "1}"),
    UsageSeen(Usage(10, 5, 0, 7, 2)),
    Finished(Finish.STOP),
]


def test_exact_when_writing() -> None:
    written = wire.encoder(asked(), "auto", 1700000000).feed(ANSWER)
    lines = frames(written)
    assert lines[0]["choices"][0]["delta"] == {"role": "assistant", "content": ""}
    assert {(line["object"], line["created"], line["model"]) for line in lines[:-1]} == {
        ("chat.completion.chunk", 1700000000, "auto")
    }
    calls = [c for line in lines[:-1] for choice in line["choices"] for c in choice["delta"].get("tool_calls", ())]
    first, second, *fragments = calls
    assert first == {"index": 0, "id": A, "type": "function", "function": {"name": "f", "arguments": ""}}
    assert second["id"] == "call_r1_1"  # trap8: an empty id becomes a unique one
    assert fragments == [
        {"index": 0, "function": {"arguments": '{"a":'}},
        {"index": 0, "function": {"arguments": "1}"}},
        {"index": 1, "function": {"arguments": "{}"}},
    ]
    assert lines[-3]["choices"][0]["finish_reason"] == "tool_calls"
    assert lines[-2]["choices"] == []
    assert lines[-2]["usage"]["prompt_tokens"] == 15
    assert lines[-2]["usage"]["prompt_tokens_details"]["cached_tokens"] == 5
    assert lines[-1] == {"done": True}
    assert all(line["usage"] is None for line in lines[:-2])


def test_trap17_no_usage_chunk_unless_asked() -> None:
    lines = frames(wire.encoder(asked(wants_usage=False), "auto").feed(ANSWER))
    assert all(line.get("choices") for line in lines[:-1])
    assert all("usage" not in line for line in lines)


def test_trap7_usage_is_guessed_when_none_came() -> None:
    lines = frames(wire.encoder(asked(), "auto").feed([TextDelta("word " * 40), Finished(Finish.STOP)]))
    assert lines[-2]["usage"]["prompt_tokens"] == 11
    assert 30 <= lines[-2]["usage"]["completion_tokens"] <= 70


def test_trap2_a_break_has_no_done() -> None:
    written = wire.encoder(asked(), "auto").broken(Failure(Kind.BROKEN, "gone"))
    assert json.loads(written.removeprefix(b"data: "))["error"]["message"] == "gone"
    assert b"[DONE]" not in written


def test_whole_reply() -> None:
    reply = Reply("", (ReasoningDelta("t"),), (ToolCall(A, "f", "{}"),), Usage(1, 2, 0, 3), Finish.STOP)
    body = json.loads(wire.encoder(asked(), "auto").whole(reply))
    choice = body["choices"][0]
    assert choice["finish_reason"] == "tool_calls"
    assert choice["message"]["content"] is None
    assert choice["message"]["tool_calls"][0]["function"] == {"name": "f", "arguments": "{}"}
    assert body["usage"]["total_tokens"] == 6


@pytest.mark.parametrize("kind", list(Kind))
def test_every_failure_has_words(kind: Kind) -> None:
    error = json.loads(wire.failure(Failure(kind, "why", field="messages")))["error"]
    assert error["message"] == "why"
    assert error["param"] == "messages"
    assert error["type"]
    if kind is Kind.TOO_LONG:
        assert error["code"] == "context_length_exceeded"


TEXT = st.text(max_size=8)
EVENTS = st.lists(st.one_of(TEXT.map(TextDelta), TEXT.map(ReasoningDelta)), max_size=8)
ARGUMENTS = st.dictionaries(TEXT, st.one_of(TEXT, st.integers(), st.none()), max_size=3)


@settings(max_examples=60, deadline=None)
@given(EVENTS, st.lists(ARGUMENTS, max_size=3), st.lists(st.integers(1, 4000), max_size=5))
def test_what_is_written_reads_back_in_any_cut(said: list[Event], calls: list[dict[str, Any]], cuts: list[int]) -> None:
    told: list[Event] = [Started("x", "m"), *said]
    for index, arguments in enumerate(calls):
        text = json.dumps(arguments, ensure_ascii=index % 2 == 0)
        told += [
            ToolStart(index, f"call_{index:012}", "f"),
            *(ToolDelta(index, text[i : i + 3]) for i in range(0, len(text), 3)),
        ]
    told.append(Finished(Finish.STOP))
    stream = wire.encoder(asked(), "m").feed(told)
    before, after = fold(told), fold(read(stream))
    assert (after.text, after.tool_calls) == (before.text, before.tool_calls)
    assert "".join(b.text for b in after.reasoning) == "".join(b.text for b in before.reasoning)
    decoder, found, start = wire.decoder(model(), PLAIN), [], 0
    for cut in [*sorted({cut for cut in cuts if cut < len(stream)}), len(stream)]:
        found += decoder.feed(stream[start:cut])
        start = cut
    assert events(found) == read(stream)


ROLE, WORD = chunk({"role": "assistant", "content": ""}), chunk({"content": "so "})
SPEAKING = {
    "a word": ([WORD], "", True),
    "a word behind the opening": ([ROLE, WORD], "", True),
    "where thinking may stand in the text": ([ROLE, WORD], "read", True),
    "the opening alone": ([ROLE], "", False),
    "a blank": ([ROLE, chunk({"content": "\n"})], "", False),
    "a tag": ([ROLE, chunk({"content": " <think>"})], "read", False),
    "half a tag": ([chunk({"content": "<"}), WORD], "read", False),
    "thinking": ([ROLE, chunk({"reasoning_content": "hm"})], "", False),
    "a call": ([WORD, chunk({"tool_calls": [{"index": 0, "id": "c", "function": {"name": "f"}}]})], "", False),
    "a refusal": ([ROLE, chunk({"refusal": "no"})], "", False),
    "the end": ([WORD, chunk({}, "stop")], "", False),
    "counts": ([chunk({"content": "so"}, usage={"prompt_tokens": 3})], "", False),
    "an error": ([WORD, {"error": {"message": "no"}}], "", False),
    "another error": ([{**WORD, "message": "no"}], "", False),
    "a second answer": ([further({"content": "so"})], "", False),
}


@pytest.mark.parametrize("name", SPEAKING)
def test_what_may_go_out_before_it_is_read(name: str) -> None:
    pages, tags, speaking = SPEAKING[name]
    quirks = Quirks(think_tags=tags)
    assert wire.decoder(model(), quirks).speaking(data(*pages)) is speaking


FRAMES = [
    *{data(page) for pages, _, _ in SPEAKING.values() for page in pages},
    *(
        b": alive\n\n",
        b"data: [DONE]\n\n",
        b"data: {\n\n",
        b'data: {"choices":[{"delta":{"content":"a"}\n\n',
        b"data: ",
    ),
]


@settings(max_examples=200, deadline=None)
@given(st.lists(st.sampled_from(FRAMES), max_size=4), st.sampled_from(["", "read"]))
def test_what_goes_out_unread_says_words_and_nothing_else(came: list[bytes], tags: str) -> None:
    burst = b"".join(came)
    first, then = (wire.decoder(model(), Quirks(think_tags=tags)) for _ in range(2))
    if not first.speaking(burst):
        return
    pieces = then.feed(burst)
    said = [event for piece in pieces for event in piece.events]
    assert all(isinstance(event, Started | TextDelta) for event in said)
    assert any(event.text.strip() for event in said if isinstance(event, TextDelta))
    assert b"".join(piece.raw for piece in pieces) == burst and not then.over
    assert not any(piece.usage_only for piece in pieces)
