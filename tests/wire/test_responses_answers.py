"""Answers in OpenAI responses: events of the exact form and order, and what servers send read back."""

from __future__ import annotations

import json
import time
from collections.abc import Sequence
from itertools import pairwise
from typing import Any

import httpx
import openai
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from openai.types.responses import Response, ResponseStreamEvent
from pydantic import TypeAdapter

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
from codriver.model.request import FREE_TEXT, Conversation, Reasoning, Request, Tool, ToolCall
from codriver.wire import envelope
from codriver.wire import openai_responses as wire
from wire.samples import PLAIN, asked, dump, events, frames, model

EVENT: TypeAdapter[Any] = TypeAdapter(ResponseStreamEvent)
A, B = "call_aaaaaaaaaaaa", "call_bbbbbbbbbbbb"
TOOLS = (
    Tool("f", "", {"type": "object"}),
    Tool("mail__send", "", {"type": "object"}, namespace="mail"),
    Tool("patch", "", FREE_TEXT, custom={}),
)


def request(**more: Any) -> Request:
    return asked("openai_responses", unfold=lambda: Conversation((), TOOLS), **more)


def written(*found: Event, **more: Any) -> bytes:
    return wire.encoder(request(**more), "acme/one", 1_700_000_000).feed(found)


def kinds(stream: bytes) -> list[str]:
    return [frame["type"].removeprefix("response.") for frame in frames(stream)]


def accumulated(stream: bytes) -> Any:
    """What the SDK's own accumulator makes of a stream; it refuses a wrong order."""

    def answer(_: httpx.Request) -> httpx.Response:
        return httpx.Response(200, headers={"content-type": "text/event-stream"}, content=stream)

    http = httpx.Client(transport=httpx.MockTransport(answer))
    with (
        openai.OpenAI(api_key="k", base_url="http://test", http_client=http) as client,
        client.responses.stream(model="m", input="hi") as found,
    ):
        return found.get_final_response()


def sound(stream: bytes) -> list[dict[str, Any]]:
    """The frames, after checks that hold for every stream: types, numbers, names (W37)."""
    found = frames(stream)
    for number, frame in enumerate(found):
        EVENT.validate_python(frame)
        assert frame["sequence_number"] == number
    named = [line[7:].decode() for line in stream.split(b"\n") if line.startswith(b"event: ")]
    assert named == [frame["type"] for frame in found]
    return found


TEXT = [
    "created", "in_progress", "output_item.added", "content_part.added", "output_text.delta", "output_text.delta",
    "output_text.done", "content_part.done", "output_item.done", "completed",
]  # fmt: skip
CALL = ["output_item.added", "function_call_arguments.delta", "function_call_arguments.done", "output_item.done"]
THOUGHT = [
    "output_item.added", "reasoning_summary_part.added", "reasoning_summary_text.delta",
    "reasoning_summary_text.done", "reasoning_summary_part.done", "output_item.done",
]  # fmt: skip
STOP, TOOL_CALLS = Finished(Finish.STOP), Finished(Finish.TOOL_CALLS)


@pytest.mark.parametrize(
    ("found", "expected"),
    [
        pytest.param([Started(), TextDelta("a"), TextDelta("b"), STOP], TEXT, id="W37-text"),
        pytest.param(
            [Started(), ToolStart(0, A, "f"), ToolDelta(0, '{"a":1}'), TOOL_CALLS],
            [*TEXT[:2], *CALL, "completed"],
            id="W37-call",
        ),
        pytest.param(
            [Started(), ReasoningDelta("why"), ReasoningDelta(signature="s"), TextDelta("a"), TextDelta("b"), STOP],
            [*TEXT[:2], *THOUGHT, *TEXT[2:]],
            id="W37-thought-then-text",
        ),
        pytest.param(
            [Started(), ToolStart(0, A, "f"), ToolStart(1, B, "f"), ToolDelta(1, "{}"), ToolDelta(0, "{}"), TOOL_CALLS],
            [*TEXT[:2], *CALL, *CALL, "completed"],
            id="T1-T2-interleaved-calls-one-after-the-other",
        ),
        pytest.param(
            [Started(), ToolStart(0, A, "f"), TOOL_CALLS], [*TEXT[:2], *CALL, "completed"], id="T4-no-arguments"
        ),
        pytest.param([Started(), STOP], [*TEXT[:4], *TEXT[6:]], id="nothing-said"),
        pytest.param(
            [Started(), TextDelta("a"), TextDelta("b"), Finished(Finish.LENGTH)],
            [*TEXT[:-1], "incomplete"],
            id="incomplete",
        ),
        pytest.param(
            [Started(), ReasoningDelta(redacted="x"), TextDelta("a"), TextDelta("b"), STOP],
            [*TEXT[:2], "output_item.added", "output_item.done", *TEXT[2:]],
            id="redacted-thinking-has-no-summary",
        ),
    ],
)
def test_events_come_in_the_order_of_the_real_api(found: list[Event], expected: list[str]) -> None:
    stream = written(*found)
    sound(stream)
    assert kinds(stream) == expected


def test_the_sdk_accumulates_what_was_said() -> None:
    used = Usage(input=5, cached=3, written=2, output=9, reasoning=4)
    final = accumulated(
        written(
            Started(),
            ReasoningDelta("Thinking."),
            TextDelta("Grüße 🙂"),
            ToolStart(0, A, "f"),
            ToolDelta(0, '{"city":'),
            ToolDelta(0, '"Zürich"}'),
            UsageSeen(used),
            TOOL_CALLS,
        )
    )
    thought, message, call = final.output
    assert [part.text for part in thought.summary] == ["Thinking."]
    assert final.output_text == "Grüße 🙂"
    assert message.id.startswith("msg_")
    assert (call.call_id, call.name, json.loads(call.arguments)) == (A, "f", {"city": "Zürich"})
    assert call.id.startswith("fc_")
    assert (final.model, final.status, final.error) == ("acme/one", "completed", None)
    assert final.usage.input_tokens == 10
    assert final.usage.input_tokens_details.cached_tokens == 3
    assert final.usage.output_tokens_details.reasoning_tokens == 4
    assert final.usage.total_tokens == 19


def test_a_grouped_tools_call_comes_back_with_its_group() -> None:
    """G2, T15: a call of a namespaced tool has name and namespace apart, as Codex looks it up."""
    for name in ("mail__send", "send"):
        (call,) = accumulated(written(Started(), ToolStart(0, A, name), ToolDelta(0, "{}"), TOOL_CALLS)).output
        assert (call.namespace, call.name) == ("mail", "send")


@pytest.mark.parametrize(
    ("arguments", "text"),
    [
        (['{"input":"*** Begin', ' \\"é\\"\\n"}'], '*** Begin "é"\n'),
        (['{"patch":"x"}'], "x"),
        (["*** not json"], "*** not json"),
        ([], ""),
        (['{"input":""}'], ""),
    ],
)
def test_free_text_tools(arguments: list[str], text: str) -> None:
    """T16: the function's one argument is free text again, with the events and ids of custom tools."""
    stream = written(Started(), ToolStart(0, A, "patch"), *(ToolDelta(0, a) for a in arguments), TOOL_CALLS)
    found = sound(stream)
    assert kinds(stream)[2:] == [
        "output_item.added", "custom_tool_call_input.delta", "custom_tool_call_input.done", "output_item.done",
        "completed",
    ]  # fmt: skip
    (call,) = found[-1]["response"]["output"]
    assert (call["type"], call["name"], call["input"], call["call_id"]) == ("custom_tool_call", "patch", text, A)
    assert call["id"].startswith("ctc_")


def test_thinking_goes_to_the_caller_sealed() -> None:
    """A3, T14 and trap 5 of real clients: what came with it comes back with it, and its maker's key."""
    thoughts = [ReasoningDelta("Let me"), ReasoningDelta(" see", "sig=="), ReasoningDelta(redacted="zzz")]
    final = accumulated(written(Started(), *thoughts, TextDelta("hi"), STOP))
    assert envelope.open(final.output[0].encrypted_content) == (
        Reasoning("Let me see", "sig==", "", "acme/one"),
        Reasoning("", "", "zzz", "acme/one"),
    )


def test_long_thinking_costs_no_more_for_each_piece() -> None:
    """Joined anew for each of them, this many take a quarter of a minute."""
    encoder, began = wire.encoder(request(), "acme/one"), time.process_time()
    stream = b"".join(encoder.feed([ReasoningDelta("word ")]) for _ in range(16_000))
    assert time.process_time() - began < 4
    assert stream.count(b"response.reasoning_summary_part.added") == 2  # event and type


def test_a_break_is_told_as_a_failed_response() -> None:
    """W2: response.failed, and nothing that looks like an end."""
    encoder = wire.encoder(request(), "acme/one", 1)
    begun = encoder.feed([Started(), TextDelta("Hel")])
    broken = encoder.broken(Failure(Kind.RATE_LIMITED, "slow down"))
    found = sound(begun + broken)
    assert kinds(broken) == ["failed"]
    assert found[-1]["response"]["status"] == "failed"
    assert found[-1]["response"]["error"] == {"code": "rate_limit_exceeded", "message": "slow down"}
    assert found[-1]["response"]["id"] == found[0]["response"]["id"]


def test_a_break_before_anything_was_said_has_its_beginning() -> None:
    stream = wire.encoder(request(), "acme/one", 1).broken(Failure(Kind.OVERLOADED, "busy"))
    sound(stream)
    assert kinds(stream) == ["created", "in_progress", "failed"]


def test_a_break_of_a_relayed_answer_goes_on_with_its_id_and_numbers() -> None:
    first = b'event: response.created\ndata: {"type":"response.created","response":{"id":"resp_theirs"},"sequence_number":0}\n\n'
    last = b'data: {"type":"response.output_text.delta","sequence_number":41}\n\n'
    encoder = wire.encoder(request(), "acme/one", 1)
    encoder.resumed(first, last)
    (failed,) = frames(encoder.broken(Failure(Kind.BROKEN, "cut")))
    assert (failed["response"]["id"], failed["sequence_number"]) == ("resp_theirs", 42)


def test_what_was_asked_is_echoed() -> None:
    body = {"model": "auto", "input": "hi", "instructions": "Be brief.", "tools": [], "store": False, "top_p": 0.5}
    whole = json.loads(
        wire.encoder(request(body=dump(body)), "acme/one", 7).whole(Reply(text="ok", finish=Finish.STOP))
    )
    Response.model_validate(whole)
    assert (whole["instructions"], whole["store"], whole["top_p"], whole["created_at"]) == ("Be brief.", False, 0.5, 7)
    assert whole["object"] == "response"


@pytest.mark.parametrize(
    ("finish", "status", "why"),
    [
        (Finish.STOP, "completed", None),
        (Finish.LENGTH, "incomplete", "max_output_tokens"),
        (Finish.FILTERED, "incomplete", "content_filter"),
        (None, "incomplete", "max_output_tokens"),
    ],
)
def test_how_it_ended_is_told(finish: Finish | None, status: str, why: str | None) -> None:
    calls = (ToolCall(A, "f", '{"a":1}'), ToolCall("0", "patch", '{"input":"text"}'))
    reply = Reply("hi", (ReasoningDelta("hm"),), calls, Usage(1, 0, 0, 2), finish)
    whole = json.loads(wire.encoder(request(), "acme/one", 7).whole(reply))
    Response.model_validate(whole)
    assert (whole["status"], (whole["incomplete_details"] or {}).get("reason")) == (status, why)
    assert [item["type"] for item in whole["output"]] == ["reasoning", "message", "function_call", "custom_tool_call"]
    assert whole["output"][-1]["status"] == status


def test_errors_and_pings() -> None:
    error = json.loads(wire.failure(Failure(Kind.INVALID, "wrong", field="input")))["error"]
    assert error == {"message": "wrong", "type": "invalid_request_error", "param": "input", "code": None}
    assert wire.ping() == b": ping\n\n"


# Reading.


def numbered(*found: dict[str, Any]) -> bytes:
    """A stream as the API writes it."""
    return b"".join(
        b"event: " + f["type"].encode() + b"\ndata: " + dump({**f, "sequence_number": n}) + b"\n\n"
        for n, f in enumerate(found)
    )


def read(stream: bytes, cuts: Sequence[int] = ()) -> list[Event]:
    decoder = wire.decoder(model(), PLAIN)
    edges = [0, *sorted(cut % (len(stream) + 1) for cut in cuts), len(stream)]
    pieces = [piece for start, end in pairwise(edges) for piece in decoder.feed(stream[start:end])]
    return events([*pieces, *decoder.close()])


def r(kind: str, **more: Any) -> dict[str, Any]:
    return {"type": f"response.{kind}", **more}


def shape(status: str = "in_progress", output: list[Any] | None = None, **more: Any) -> dict[str, Any]:
    return {"id": "resp_1", "object": "response", "model": "m", "status": status, "output": output or [], **more}


CREATED = r("created", response=shape())
COUNTED = {
    "input_tokens": 100, "input_tokens_details": {"cached_tokens": 60, "cache_write_tokens": 10},
    "output_tokens": 20, "output_tokens_details": {"reasoning_tokens": 15}, "total_tokens": 120,
}  # fmt: skip
MESSAGE = {"id": "msg_1", "type": "message", "role": "assistant", "content": [{"type": "output_text", "text": "Hi é"}]}
FC = {"id": "fc_1", "type": "function_call", "call_id": A, "name": "f", "arguments": '{"a":1}'}
CTC = {"id": "ctc_1", "type": "custom_tool_call", "call_id": B, "name": "patch", "input": 'say "x"\n'}
RS = {
    "id": "rs_1",
    "type": "reasoning",
    "summary": [{"type": "summary_text", "text": "why"}],
    "encrypted_content": "gA",
}
ALL = [RS, MESSAGE, FC, CTC]


def opened(item: dict[str, Any], index: int) -> dict[str, Any]:
    empty: dict[str, Any] = {"content": [], "summary": [], "arguments": "", "input": ""}
    return r("output_item.added", output_index=index, item={k: empty.get(k, v) for k, v in item.items()})


def done(item: dict[str, Any], index: int) -> dict[str, Any]:
    return r("output_item.done", output_index=index, item=item)


def part(kind: str, item: dict[str, Any], index: int, **more: Any) -> dict[str, Any]:
    return r(kind, output_index=index, item_id=item["id"], **more)


FULL = [
    CREATED,
    r("in_progress", response=shape()),
    opened(RS, 0),
    part("reasoning_summary_part.added", RS, 0, summary_index=0, part={"type": "summary_text", "text": ""}),
    part("reasoning_summary_text.delta", RS, 0, summary_index=0, delta="why"),
    part("reasoning_summary_text.done", RS, 0, summary_index=0, text="why"),
    done(RS, 0),
    opened(MESSAGE, 1),
    part("content_part.added", MESSAGE, 1, content_index=0, part={"type": "output_text", "text": ""}),
    part("output_text.delta", MESSAGE, 1, content_index=0, delta="Hi"),
    part("output_text.delta", MESSAGE, 1, content_index=0, delta=" é"),
    part("output_text.done", MESSAGE, 1, content_index=0, text="Hi é"),
    done(MESSAGE, 1),
    opened(FC, 2),
    opened(CTC, 3),
    part("function_call_arguments.delta", FC, 2, delta='{"a"'),
    part("custom_tool_call_input.delta", CTC, 3, delta='say "'),
    part("function_call_arguments.delta", FC, 2, delta=":1}"),
    part("custom_tool_call_input.delta", CTC, 3, delta='x"\n'),
    part("function_call_arguments.done", FC, 2, arguments='{"a":1}'),
    part("custom_tool_call_input.done", CTC, 3, input='say "x"\n'),
    done(FC, 2),
    done(CTC, 3),
    r("completed", response=shape("completed", ALL, usage=COUNTED)),
]
EXPECTED = {
    "text": "Hi é",
    "thoughts": [("why", "rs_1|gA")],
    "calls": [(A, "f", {"a": 1}), (B, "patch", {"input": 'say "x"\n'})],
    "finish": Finish.TOOL_CALLS,
    "usage": Usage(30, 60, 10, 20, 15),
}


def summary(found: list[Event]) -> dict[str, Any]:
    reply = fold(found)
    return {
        "text": reply.text,
        "thoughts": [(block.text, block.signature) for block in reply.reasoning],
        "calls": [(c.id, c.name, json.loads(c.arguments)) for c in reply.tool_calls],
        "finish": reply.finish,
        "usage": reply.usage,
    }


def without(*left_out: str) -> list[dict[str, Any]]:
    return [event for event in FULL if not any(word in event["type"] for word in left_out)]


@pytest.mark.parametrize(
    "stream",
    [
        pytest.param(FULL, id="the-real-api"),
        pytest.param(without(".delta"), id="only-ends"),
        pytest.param(without(".delta", "arguments.done", "text.done", "input.done"), id="only-items"),
        pytest.param([CREATED, FULL[-1]], id="only-completed"),
        pytest.param([FULL[-1]], id="only-completed-without-created"),
        pytest.param(without("output_item.added"), id="no-item-is-announced"),
        pytest.param([{k: v for k, v in e.items() if k != "output_index"} for e in FULL], id="by-item-id"),
    ],
)
def test_whatever_events_a_server_sends_the_answer_is_the_same(stream: list[dict[str, Any]]) -> None:
    """T1, T6: items by their place or id; what deltas leave out is taken from later; calls decide the finish."""
    assert summary(read(numbered(*stream))) == EXPECTED


def test_a_whole_answer() -> None:
    whole = wire.decoder(model(), PLAIN).whole(dump(shape("completed", ALL, usage=COUNTED)))
    assert summary(list(whole)) == EXPECTED


@settings(max_examples=60, deadline=None)
@given(st.lists(st.integers(0, 100_000), max_size=12), st.booleans())
def test_cut_anywhere_the_events_are_the_same(cuts: list[int], crlf: bool) -> None:
    """W1."""
    stream = numbered(*FULL)
    if crlf:
        stream = stream.replace(b"\n", b"\r\n")
    assert summary(read(stream, cuts)) == EXPECTED


def test_byte_by_byte() -> None:
    """W1."""
    stream = numbered(*FULL)
    assert read(stream, range(len(stream))) == read(stream)


def test_a_relay_gets_every_byte() -> None:
    stream = numbered(*FULL)
    decoder = wire.decoder(model(), PLAIN)
    assert b"".join(piece.raw for piece in decoder.feed(stream)) == stream
    assert decoder.over


def test_only_text_is_quiet() -> None:
    """A relay never reads what is quiet: whatever ends, counts, fails, calls or thinks is not."""
    decoder = wire.decoder(model(), PLAIN)
    decoder.feed(numbered(CREATED))
    ends = [
        r("failed", response=shape("failed")),
        r("incomplete"),
        r("done", response=shape("completed")),
        {"type": "error", "message": "x"},
    ]
    for event in [*FULL[2:], *ends]:
        frame = numbered(event)
        text = "content_part" in event["type"] or "output_text" in event["type"]
        assert decoder.quiet(frame) == (len(frame) if text else 0), event["type"]


FAILED = shape("failed", error={"code": "rate_limit_exceeded", "message": "slow"})


@pytest.mark.parametrize(
    ("tail", "kind"),
    [
        pytest.param([r("failed", response=FAILED)], Kind.RATE_LIMITED, id="T32-failed"),
        pytest.param([r("failed", response=shape("failed"))], Kind.TRANSIENT, id="T32-failed-without-a-reason"),
        pytest.param(
            [{"type": "error", "code": "context_length_exceeded", "message": "too long"}], Kind.TOO_LONG, id="T32-error"
        ),
        pytest.param([{"type": "error", "error": {"type": "overloaded_error"}}], Kind.OVERLOADED, id="error-object"),
        pytest.param([], Kind.BROKEN, id="W2-cut"),
        pytest.param([FULL[9], FULL[10]], Kind.BROKEN, id="W2-cut-in-text"),
    ],
)
def test_failures_inside_the_stream(tail: list[dict[str, Any]], kind: Kind) -> None:
    last = read(numbered(CREATED, *tail))[-1]
    assert isinstance(last, Failed)
    assert last.failure.kind is kind


@pytest.mark.parametrize(
    ("why", "finish"),
    [("max_output_tokens", Finish.LENGTH), ("content_filter", Finish.FILTERED), (None, Finish.LENGTH)],
)
def test_incomplete_answers(why: str | None, finish: Finish) -> None:
    response = shape("incomplete", [MESSAGE], incomplete_details={"reason": why})
    assert fold(read(numbered(CREATED, r("incomplete", response=response)))).finish is finish
    assert fold(wire.decoder(model(), PLAIN).whole(dump(response))).finish is finish


@pytest.mark.parametrize(
    "body", [b"", b"<html>", b"[]", b"{}", b'{"output":3}', b'{"error":{"message":"no","code":"server_error"}}']
)
def test_whole_answers_that_are_none(body: bytes) -> None:
    (last,) = wire.decoder(model(), PLAIN).whole(body)
    assert isinstance(last, Failed)


@settings(max_examples=60, deadline=None)
@given(st.binary(max_size=200))
def test_nothing_a_server_sends_raises(data: bytes) -> None:
    decoder = wire.decoder(model(), PLAIN)
    pieces = [*decoder.feed(data), *decoder.feed(b"\n\ndata: " + data + b"\n\n"), *decoder.close()]
    ends = [event for piece in pieces for event in piece.events if isinstance(event, Failed | Finished)]
    assert decoder.over and len(ends) == 1, "it is told once that there was no answer"
    assert isinstance(wire.decoder(model(), PLAIN).whole(data)[-1], Failed)


TEXTS = st.text(st.characters(exclude_categories=["Cs"]), min_size=1, max_size=8)


@st.composite
def answers(draw: st.DrawFn) -> list[Event]:
    """Any answer, with fragments of its calls interleaved."""
    found: list[Event] = [Started("up", "m")]
    found += [ReasoningDelta(text) for text in draw(st.lists(TEXTS, max_size=2))]
    found += [TextDelta(text) for text in draw(st.lists(TEXTS, max_size=3))]
    calls = draw(st.lists(st.tuples(st.sampled_from(["f", "mail__send", "patch"]), TEXTS), max_size=3))
    fragments = []
    for index, (name, text) in enumerate(calls):
        found.append(ToolStart(index, f"call_{index:012d}", name))
        fragments.append([ToolDelta(index, piece) for piece in json.dumps({"input": text})])
    while any(fragments):
        line = draw(st.sampled_from([line for line in fragments if line]))
        found.append(line.pop(0))
    return [*found, UsageSeen(Usage(3, 2, 1, 5, 2)), Finished(Finish.TOOL_CALLS if calls else Finish.STOP)]


@settings(max_examples=40, deadline=None)
@given(answers())
def test_what_is_written_is_read_back(found: list[Event]) -> None:
    """Round trip, with the SDK's accumulator as a judge of the order in between (T1, T2, W37)."""
    stream = written(*found)
    sound(stream)
    accumulated(stream)
    before, after = fold(found), fold(read(stream))
    assert (after.text, after.finish, after.usage) == (before.text, before.finish, before.usage)
    assert [(c.id, c.name, json.loads(c.arguments)) for c in after.tool_calls] == [
        (c.id, c.name, json.loads(c.arguments)) for c in before.tool_calls
    ]
    assert "".join(b.text for b in after.reasoning) == "".join(b.text for b in before.reasoning)
