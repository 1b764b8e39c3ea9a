"""Answers in Anthropic messages: what servers send becomes events, and events become blocks in order."""

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
from codriver.model.request import Conversation, Reasoning, Tool, ToolCall
from codriver.wire import anthropic as wire
from codriver.wire import envelope
from codriver.wire.names import legal_name
from wire.samples import PLAIN, asked, dump, events, frames, model, named

START = {
    "type": "message_start",
    "message": {"id": "msg_1", "model": "m", "usage": {"input_tokens": 9, "output_tokens": 1}},
}
STOP = {"type": "message_stop"}
PING = {"type": "ping"}
TOO_LONG = {"type": "invalid_request_error", "message": "prompt is too long: 9 tokens > 8 maximum"}
HALF = b'event: content_block_delta\ndata: {"type":"content_block_delta","delta":{"text\n\n'
SIGNED = {"type": "signature_delta", "signature": "S"}
A, B = "toolu_aaaaaaaa01", "toolu_bbbbbbbb02"


def end(reason: str, **usage: int) -> dict[str, Any]:
    return {"type": "message_delta", "delta": {"stop_reason": reason, "stop_sequence": None}, "usage": usage}


def block(index: int, kind: str, *deltas: dict[str, Any], **more: Any) -> list[dict[str, Any]]:
    return [
        {"type": "content_block_start", "index": index, "content_block": {"type": kind, **more}},
        *({"type": "content_block_delta", "index": index, "delta": delta} for delta in deltas),
        {"type": "content_block_stop", "index": index},
    ]


def text(words: str) -> dict[str, Any]:
    return {"type": "text_delta", "text": words}


def part(fragment: str) -> dict[str, Any]:
    return {"type": "input_json_delta", "partial_json": fragment}


def read(stream: bytes, step: int = 0) -> list[Event]:
    decoder = wire.decoder(model(), PLAIN)
    found = []
    for start in range(0, len(stream), step or len(stream) or 1):
        found += decoder.feed(stream[start : start + (step or len(stream))])
    return events([*found, *decoder.close()])


READS: list[Any] = [
    pytest.param(
        [START, PING, *block(0, "text", text("Hé"), text("llo"), text="") , end("end_turn", output_tokens=5), STOP],
        Reply("Héllo", usage=Usage(9, output=5), finish=Finish.STOP, id="msg_1", model="m"),
        id="trap23-text-and-ping",
    ),
    pytest.param(
        [
            START,
            *block(0, "tool_use", part(""), part('{"a"'), part(":1}"), id=A, name="f", input={}),
            *block(1, "tool_use", id=B, name="g", input={}),
            end("tool_use"),
            STOP,
        ],
        Reply(
            tool_calls=(ToolCall(A, "f", '{"a":1}'), ToolCall(B, "g", "{}")),
            usage=Usage(9, output=1), finish=Finish.TOOL_CALLS, id="msg_1", model="m",
        ),
        id="trap23-empty-object-means-nothing-yet",
    ),
    pytest.param(
        [START, *block(0, "tool_use", id=A, name="f", input={"é": 1}), end("end_turn"), STOP],
        Reply(
            tool_calls=(ToolCall(A, "f", '{"é":1}'),),
            usage=Usage(9, output=1), finish=Finish.TOOL_CALLS, id="msg_1", model="m",
        ),
        id="trap15-whole-input-in-start-and-lying-reason",
    ),
    pytest.param(
        [
            START,
            *block(0, "thinking", {"type": "thinking_delta", "thinking": "hm"}, SIGNED, thinking=""),
            *block(1, "redacted_thinking", data="XX"),
            *block(2, "text", text("x"), text=""),
            end("end_turn"),
            STOP,
        ],
        Reply(
            "x", (ReasoningDelta("hm", "S"), ReasoningDelta(redacted="XX")),
            usage=Usage(9, output=1), finish=Finish.STOP, id="msg_1", model="m",
        ),
        id="trap24-signature-and-redacted",
    ),
    pytest.param(
        [
            START,
            *block(0, "server_tool_use", part('{"query":"x"}'), id="srvtoolu_1", name="web_search"),
            *block(1, "text", text("found"), {"type": "citations_delta", "citation": {}}, text=""),
            end("pause_turn"),
            STOP,
        ],
        Reply("found", usage=Usage(9, output=1), finish=Finish.PAUSE, id="msg_1", model="m"),
        id="server-tools-pass-unread",
    ),
    pytest.param(
        [
            START,
            *block(0, "text", text("x"), text=""),
            end("end_turn", input_tokens=100, cache_read_input_tokens=80, output_tokens=3),
            end("end_turn", output_tokens=7, input_tokens=0),
            STOP,
        ],
        Reply("x", usage=Usage(100, 80, 0, 7), finish=Finish.STOP, id="msg_1", model="m"),
        id="T21-usage-merged-by-field",
    ),
    pytest.param(
        [START, *block(0, "text", text("x"), text=""), end("end_turn")],
        Reply("x", usage=Usage(9, output=1), finish=Finish.STOP, id="msg_1", model="m"),
        id="message-stop-forgotten",
    ),
]  # fmt: skip


@pytest.mark.parametrize(("sent", "expected"), READS)
def test_reading(sent: list[dict[str, Any]], expected: Reply) -> None:
    stream = named(*sent)
    assert fold(read(stream)) == expected
    assert read(stream, 1) == read(stream)


@pytest.mark.parametrize(
    ("reason", "finish"),
    [
        ("end_turn", Finish.STOP),
        ("max_tokens", Finish.LENGTH),
        ("model_context_window_exceeded", Finish.LENGTH),
        ("stop_sequence", Finish.STOP_SEQUENCE),
        ("pause_turn", Finish.PAUSE),
        ("refusal", Finish.FILTERED),
    ],
)
def test_trap26_stop_reasons_and_back(reason: str, finish: Finish) -> None:
    ending = end(reason)
    ending["delta"]["stop_sequence"] = "###" if reason == "stop_sequence" else None
    found = read(named(START, *block(0, "text", text("x"), text=""), ending, STOP))
    assert found[-1] == Finished(finish, "###" if reason == "stop_sequence" else "")
    written = frames(wire.encoder(asked("anthropic"), "m").feed(found))
    assert written[-2]["delta"] == {
        **ending["delta"],
        "stop_reason": "max_tokens" if finish is Finish.LENGTH else reason,
    }


@pytest.mark.parametrize(
    ("stream", "kind"),
    [
        pytest.param(
            named({"type": "error", "error": {"type": "overloaded_error", "message": "Overloaded"}}),
            Kind.OVERLOADED,
            id="trap27-overloaded",
        ),
        pytest.param(
            named(START, {"type": "error", "error": {"type": "rate_limit_error", "message": "x"}}),
            Kind.RATE_LIMITED,
            id="trap27-rate-limit",
        ),
        pytest.param(
            named({"type": "error", "error": TOO_LONG}),
            Kind.TOO_LONG,
            id="trap29-too-long",
        ),
        pytest.param(named(START, *block(0, "text", text("x"))), Kind.BROKEN, id="trap2-no-finish"),
        pytest.param(named(START), Kind.BROKEN, id="trap2-start-alone"),
        pytest.param(b"", Kind.BROKEN, id="trap2-nothing"),
        pytest.param(b"<html>\n\n", Kind.BROKEN, id="html"),
        pytest.param(
            named(START) + HALF + named(STOP),
            Kind.BROKEN,
            id="T41-lost-piece",
        ),
    ],
)
def test_a_break_is_told(stream: bytes, kind: Kind) -> None:
    for step in (0, 1):
        found = read(stream, step)
        assert isinstance(found[-1], Failed)
        assert found[-1].failure.kind is kind


def test_a_forgotten_message_stop_is_added_to_a_relay() -> None:
    decoder = wire.decoder(model(), PLAIN)
    decoder.feed(named(START, end("end_turn")))
    assert frames(decoder.close()[-1].raw) == [{"type": "message_stop"}]


HOUR = {"ephemeral_5m_input_tokens": 60, "ephemeral_1h_input_tokens": 40}

KEPT = [
    ({"cache_creation_input_tokens": 100, "cache_creation": HOUR}, 40, "both kinds"),
    ({"cache_creation_input_tokens": 100}, 0, "an older server says no kinds"),
    ({"cache_creation_input_tokens": 100, "cache_creation": None}, 0, "null"),
    ({"cache_creation_input_tokens": 30, "cache_creation": HOUR}, 30, "never more than was written"),
    ({"cache_creation_input_tokens": 100, "cache_creation": {"ephemeral_1h_input_tokens": "x"}}, 0, "no number"),
]


@pytest.mark.parametrize(("counts", "hour", "why"), KEPT, ids=[k[2] for k in KEPT])
def test_writes_that_are_kept_for_an_hour(counts: dict[str, Any], hour: int, why: str) -> None:
    """T19: a part of what was written, so that no sum counts it twice."""
    body = {"type": "message", "content": [], "stop_reason": "end_turn", "usage": {"input_tokens": 3, **counts}}
    usage = fold(wire.decoder(model(), PLAIN).whole(dump(body))).usage
    assert (usage.written_1h, usage.written, usage.prompt) == (
        hour,
        counts["cache_creation_input_tokens"],
        3 + usage.written,
    )


def test_whole_answers() -> None:
    content = [
        {"type": "thinking", "thinking": "t", "signature": "S"},
        {"type": "text", "text": "x"},
        {"type": "tool_use", "id": A, "name": "f", "input": {"a": 1}},
    ]
    usage = {"input_tokens": 3, "cache_read_input_tokens": 4, "cache_creation_input_tokens": 5, "output_tokens": 6}
    body = {"type": "message", "id": "i", "model": "m", "content": content, "stop_reason": "tool_use", "usage": usage}
    reply = fold(wire.decoder(model(), PLAIN).whole(dump(body)))
    call = ToolCall(A, "f", '{"a":1}')
    assert reply == Reply(
        "x", (ReasoningDelta("t", "S"),), (call,), Usage(3, 4, 5, 6), Finish.TOOL_CALLS, id="i", model="m"
    )
    written = json.loads(wire.encoder(asked("anthropic"), "m").whole(reply))
    assert envelope.open(written["content"][0]["signature"]) == (Reasoning("", "S", origin="m"),)
    assert [{**block, "signature": "S"} if "signature" in block else block for block in written["content"]] == content
    assert (written["stop_reason"], written["usage"]) == ("tool_use", usage)


@pytest.mark.parametrize(
    ("body", "kind"),
    [
        (b"", Kind.BROKEN),
        (b"<html>", Kind.BROKEN),
        (b"{}", Kind.BROKEN),
        (dump({"type": "error", "error": {"type": "api_error", "message": "x"}}), Kind.TRANSIENT),
    ],
)
def test_whole_answers_that_are_none(body: bytes, kind: Kind) -> None:
    found = wire.decoder(model(), PLAIN).whole(body)
    assert isinstance(found[-1], Failed)
    assert found[-1].failure.kind is kind


def blocks(stream: bytes) -> list[dict[str, Any]]:
    """Reads a stream as strictly as Anthropic's clients do, and gives its blocks."""
    lines = frames(stream)
    assert lines[0]["type"] == "message_start"
    assert [line["type"] for line in lines[-2:]] == ["message_delta", "message_stop"]
    found: list[dict[str, Any]] = []
    opened = False
    for line in lines[1:-2]:
        if line["type"] == "content_block_start":
            assert not opened
            assert line["index"] == len(found)
            opened = True
            found.append({**line["content_block"], "json": ""})
            continue
        assert opened
        assert line["index"] == len(found) - 1
        if line["type"] == "content_block_stop":
            opened = False
            continue
        delta = line["delta"]
        key = {"text_delta": "text", "thinking_delta": "thinking", "signature_delta": "signature"}.get(
            delta["type"], "json"
        )
        found[-1][key] += delta.get("partial_json", delta.get(key))
    assert not opened
    return found


WRITES: list[Any] = [
    pytest.param(
        [TextDelta("a"), TextDelta("b"), ToolStart(0, A, "f"), ToolDelta(0, '{"x":1}'), TextDelta("c")],
        [("text", "ab"), ("tool_use", '{"x":1}'), ("text", "c")],
        id="trap23-in-order",
    ),
    pytest.param(
        [
            ToolStart(0, A, "f"), ToolStart(1, B, "g"), ToolDelta(1, '{"b":'), ToolDelta(0, '{"a":'),
            ToolDelta(1, "2}"), ToolDelta(0, "1}"), TextDelta("z"),
        ],
        [("tool_use", '{"a":1}'), ("tool_use", '{"b":2}'), ("text", "z")],
        id="T2-interleaved-calls-wait",
    ),
    pytest.param(
        [ReasoningDelta("t"), ReasoningDelta("", "SIG"), ReasoningDelta("u"), TextDelta("x")],
        [("thinking", "t/SIG"), ("thinking", "u/"), ("text", "x")],
        id="trap24-each-block-in-an-envelope",
    ),
    pytest.param(
        [ReasoningDelta(redacted="RR"), TextDelta("x")], [("redacted_thinking", "RR"), ("text", "x")], id="redacted"
    ),
    pytest.param(
        [
            ToolStart(0, A, "f"), ToolDelta(0, '{"a":'), ReasoningDelta("t"), ToolStart(1, B, "g"), ToolDelta(1, '{"b":'),
            ReasoningDelta("", "SIG"), ToolDelta(1, "2}"), ToolDelta(0, "1}"),
        ],
        [("tool_use", '{"a":1}'), ("thinking", "t/SIG"), ("tool_use", '{"b":2}')],
        id="T2-a-signature-ends-its-own-block-only",
    ),
    pytest.param([], [], id="nothing-said"),
]  # fmt: skip


@pytest.mark.parametrize(("told", "expected"), WRITES)
def test_writing_one_block_at_a_time(told: list[Event], expected: list[tuple[str, str]]) -> None:
    stream = wire.encoder(asked("anthropic"), "m").feed([Started("x", "m"), *told, Finished(Finish.STOP)])
    shown = []
    for found in blocks(stream):
        kind = found["type"]
        shown.append((kind, {
            "text": found.get("text"), "tool_use": found["json"], "redacted_thinking": opened(found.get("data")).redacted,
            "thinking": f"{found.get('thinking')}/{opened(found.get('signature')).signature}",
        }[kind]))  # fmt: skip
    assert shown == expected
    signatures = [line for line in frames(stream) if line.get("delta", {}).get("type") == "signature_delta"]
    assert len(signatures) == sum(kind == "thinking" for kind, _ in shown)


def opened(signature: str | None) -> Reasoning:
    """What is in an envelope of ours, which names the model that answered."""
    found = envelope.open(signature or "") or (Reasoning("", origin="m"),)
    assert [part.origin for part in found] == ["m"]
    return found[0]


def test_T20_usage_estimate_first_truth_last() -> None:
    told = [Started("x", "m"), TextDelta("hi"), UsageSeen(Usage(10, 5, 2, 7)), Finished(Finish.STOP)]
    lines = frames(wire.encoder(asked("anthropic"), "m").feed(told))
    assert lines[0]["message"]["usage"]["input_tokens"] == 11
    assert lines[-2]["usage"] == {
        "input_tokens": 10, "cache_creation_input_tokens": 2, "cache_read_input_tokens": 5, "output_tokens": 7,
    }  # fmt: skip


def test_trap2_a_break_is_an_error_event() -> None:
    written = wire.encoder(asked("anthropic"), "m").broken(Failure(Kind.OVERLOADED, "busy"))
    assert written.startswith(b"event: error\n")
    assert frames(written) == [{"type": "error", "error": {"type": "overloaded_error", "message": "busy"}}]


@pytest.mark.parametrize(
    ("kind", "word"),
    [
        (Kind.INVALID, "invalid_request_error"), (Kind.UNAUTHORIZED, "authentication_error"),
        (Kind.FORBIDDEN, "permission_error"), (Kind.UNKNOWN_MODEL, "not_found_error"),
        (Kind.TOO_LARGE, "request_too_large"), (Kind.RATE_LIMITED, "rate_limit_error"),
        (Kind.OVERLOADED, "overloaded_error"), (Kind.AUTH, "api_error"), (Kind.TOO_LONG, "invalid_request_error"),
    ],
)  # fmt: skip
def test_T31_error_words(kind: Kind, word: str) -> None:
    message = "prompt is too long: 210000 tokens > 200000 maximum"
    assert json.loads(wire.failure(Failure(kind, message))) == {
        "type": "error",
        "error": {"type": word, "message": message},
    }


def test_trap8_names_that_had_to_change_come_back() -> None:
    name = "mcp.server/very long tool " + "x" * 60
    talk = Conversation((), (Tool(name, "", {}),))
    request = asked("anthropic", unfold=lambda: talk)
    told = [ToolStart(0, "functions.f:0", legal_name(name)), ToolDelta(0, "{}"), Finished(Finish.TOOL_CALLS)]
    found = blocks(wire.encoder(request, "m").feed(told))
    assert found[0]["name"] == name
    assert found[0]["id"] == "call_r1_0"


def test_a_call_with_broken_arguments_keeps_its_words() -> None:
    reply = Reply(tool_calls=(ToolCall(A, "f", '{"a": '),), finish=Finish.LENGTH)
    body = json.loads(wire.encoder(asked("anthropic"), "m").whole(reply))
    assert body["content"][0]["input"] == {"arguments": '{"a": '}
    assert body["stop_reason"] == "max_tokens"


TEXT = st.text(min_size=1, max_size=6)
SAID = st.one_of(TEXT.map(TextDelta), TEXT.map(ReasoningDelta), st.just(ReasoningDelta("s", "SIG")))


@settings(max_examples=60, deadline=None)
@given(st.lists(SAID, max_size=6), st.lists(st.dictionaries(TEXT, TEXT, max_size=2), max_size=3), st.randoms())
def test_what_is_written_reads_back(said: list[Event], calls: list[dict[str, str]], chance: Any) -> None:
    """Calls' fragments arrive interleaved in a random order; each call's own order is kept."""
    queues = [[json.dumps(a)[i : i + 4] for i in range(0, len(json.dumps(a)), 4)] for a in calls]
    told: list[Event] = [Started("x", "m"), *said, *(ToolStart(i, f"toolu_{i:08}", "f") for i in range(len(calls)))]
    while any(queues):
        index = chance.choice([i for i, queue in enumerate(queues) if queue])
        told.append(ToolDelta(index, queues[index].pop(0)))
    told.append(Finished(Finish.STOP))
    stream = wire.encoder(asked("anthropic"), "m").feed(told)
    blocks(stream)
    before, after = fold(told), fold(read(stream))
    assert (after.text, after.tool_calls) == (before.text, before.tool_calls)
    assert "".join(b.text for b in after.reasoning) == "".join(b.text for b in before.reasoning)
    assert read(stream, 1) == read(stream)
