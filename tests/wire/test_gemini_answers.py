"""Gemini's answers: read in any cut, and written for its callers."""

from __future__ import annotations

import json
from itertools import pairwise
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
from codriver.model.request import Conversation, Request, Tool, ToolCall
from codriver.wire import gemini
from codriver.wire.gemini.body import Body, Content, Generation, Thinking
from wire.samples import PLAIN, asked, dump, events, model


def frame(*parts: Any, reason: str = "", usage: Any = None, **more: Any) -> dict[str, Any]:
    candidate: dict[str, Any] = {"content": {"parts": list(parts), "role": "model"}, "index": 0}
    if reason:
        candidate["finishReason"] = reason
    return {
        "candidates": [candidate],
        **({"usageMetadata": usage} if usage else {}),
        "modelVersion": "g",
        "responseId": "r",
        **more,
    }


def text(words: str, **more: Any) -> dict[str, Any]:
    return {"text": words, **more}


def called(name: str, signature: str = "", **arguments: Any) -> dict[str, Any]:
    part: dict[str, Any] = {"functionCall": {"name": name, "args": arguments}}
    return part | ({"thoughtSignature": signature} if signature else {})


def wired(*frames: Any, end: str = "\r\n") -> bytes:
    return "".join(f"data: {json.dumps(one, ensure_ascii=False)}{end}{end}" for one in frames).encode()


def read(data: bytes, step: int = 0) -> list[Event]:
    decoder = gemini.decoder(model(), PLAIN)
    cuts = [data[at : at + step] for at in range(0, len(data), step)] if step else [data]
    return [*(event for cut in cuts for event in events(decoder.feed(cut))), *events(decoder.close())]


def named(found: list[Event]) -> list[Event]:
    """Without the ids that are made here."""
    return [ToolStart(e.index, "", e.name, e.signature) if isinstance(e, ToolStart) else e for e in found]


ALL = wired(
    frame(text("Hm, grü", thought=True), usage={"promptTokenCount": 9}),
    frame(text("ße 🙂")),
    frame(called("f", "c2ln", a="ü"), called("f", b=[1])),
    frame(text(""), reason="STOP", usage={
        "promptTokenCount": 9, "cachedContentTokenCount": 4, "candidatesTokenCount": 5, "thoughtsTokenCount": 3,
        "totalTokenCount": 17,
    }),
)  # fmt: skip
MEANT: list[Event] = [
    Started("r", "g"),
    UsageSeen(Usage(9)),
    ReasoningDelta("Hm, grü"),
    TextDelta("ße 🙂"),
    ToolStart(0, "", "f", "c2ln"),
    ToolDelta(0, '{"a": "ü"}'),
    ToolStart(1, "", "f"),
    ToolDelta(1, '{"b": [1]}'),
    UsageSeen(Usage(5, 4, 0, 8, 3)),
    Finished(Finish.TOOL_CALLS),
]


@pytest.mark.parametrize("step", [0, 1, 2, 7])
@pytest.mark.parametrize("data", [ALL, ALL.replace(b"\r\n", b"\n"), ALL.replace(b"\r\n", b"\r"), ALL.rstrip()])
def test_w1_w34_any_cut_gives_the_same_events(data: bytes, step: int) -> None:
    assert named(read(data, step)) == MEANT


SIGNED = ReasoningDelta("", "dGV4dA==")
SIGN = {"thoughtSignature": "dGV4dA=="}


@pytest.mark.parametrize(
    ("parts", "meant"),
    [
        pytest.param([text("so", **SIGN)], [TextDelta("so"), SIGNED], id="on a text"),
        pytest.param([text("so"), text("", **SIGN)], [TextDelta("so"), SIGNED], id="on an empty text at the end"),
        pytest.param([SIGN], [SIGNED], id="alone"),
        pytest.param(
            [text("hm", thought=True, **SIGN), text("so")],
            [ReasoningDelta("hm"), SIGNED, TextDelta("so")],
            id="on a thought",
        ),
        pytest.param([text("", thought=True)], [], id="a thought of nothing"),
    ],
)
def test_w33_signatures_outside_of_calls_are_kept(parts: list[dict[str, Any]], meant: list[Event]) -> None:
    """A3: as such a model's thinking, which has no text here and a signature."""
    end = Finished(Finish.STOP)
    assert read(wired(*[frame(part) for part in parts], frame(reason="STOP"))) == [Started("r", "g"), *meant, end]
    whole = frame(*parts, reason="STOP")
    assert gemini.decoder(model(), PLAIN).whole(json.dumps(whole).encode()) == (Started("r", "g"), *meant, end)


@pytest.mark.parametrize("given", [{}, {"args": None}, {"args": {}}])
def test_a_call_without_arguments_has_an_empty_object(given: dict[str, Any]) -> None:
    found = read(wired(frame({"functionCall": {"name": "f", **given}}, reason="STOP")))
    assert ToolDelta(0, "{}") in found


@settings(max_examples=120, deadline=None)
@given(st.lists(st.integers(0, len(ALL)), max_size=12))
def test_w1_random_splits(cuts: list[int]) -> None:
    places = [0, *sorted(cuts), len(ALL)]
    decoder = gemini.decoder(model(), PLAIN)
    pieces = [piece for a, b in pairwise(places) for piece in decoder.feed(ALL[a:b])]
    pieces += decoder.close()
    assert named(events(pieces)) == MEANT
    assert b"".join(piece.raw for piece in pieces) == ALL


def test_b4_calls_of_one_function_are_counted_and_named_apart() -> None:
    """T1: there is no index on the wire, and often no id."""
    found = read(wired(frame(called("f", n=1)), frame(called("f", n=2), called("f", n=3)), frame(reason="STOP")))
    starts = [event for event in found if isinstance(event, ToolStart)]
    assert [start.index for start in starts] == [0, 1, 2]
    assert len({start.id for start in starts}) == 3
    assert [call.arguments for call in fold(found).tool_calls] == ['{"n": 1}', '{"n": 2}', '{"n": 3}']


def test_an_id_of_the_upstream_is_kept() -> None:
    part = {"functionCall": {"id": "call_77", "name": "f"}}
    found = read(wired(frame(part, reason="STOP")))
    assert fold(found).tool_calls == (ToolCall("call_77", "f", "{}"),)


@pytest.mark.parametrize(
    ("reason", "finish"),
    [
        ("STOP", Finish.STOP),
        ("MAX_TOKENS", Finish.LENGTH),
        ("SAFETY", Finish.FILTERED),
        ("RECITATION", Finish.FILTERED),
        ("BLOCKLIST", Finish.FILTERED),
        ("PROHIBITED_CONTENT", Finish.FILTERED),
        ("SPII", Finish.FILTERED),
        ("SOMETHING_NEW", Finish.STOP),
    ],
)
def test_w34_why_it_stopped(reason: str, finish: Finish) -> None:
    assert read(wired(frame(text("x"), reason=reason)))[-1] == Finished(finish)


@pytest.mark.parametrize(
    "reason", ["MALFORMED_FUNCTION_CALL", "UNEXPECTED_TOOL_CALL", "OTHER", "MISSING_THOUGHT_SIGNATURE"]
)
@pytest.mark.parametrize("whole", [False, True])
def test_w34_the_models_accidents_are_no_end(reason: str, whole: bool) -> None:
    body = frame(reason=reason)
    found = list(gemini.decoder(model(), PLAIN).whole(dump(body))) if whole else read(wired(body))
    assert isinstance(found[-1], Failed) and found[-1].failure.kind is Kind.BROKEN
    assert reason in found[-1].failure.message


@pytest.mark.parametrize("whole", [False, True])
def test_w34_a_blocked_prompt_has_no_candidates(whole: bool) -> None:
    body = {"promptFeedback": {"blockReason": "SAFETY"}, "usageMetadata": {"promptTokenCount": 3}}
    found = list(gemini.decoder(model(), PLAIN).whole(dump(body))) if whole else read(wired(body))
    assert isinstance(found[-1], Failed) and found[-1].failure.kind is Kind.FILTERED
    assert "SAFETY" in found[-1].failure.message


@pytest.mark.parametrize(
    "told",
    [
        b'data: {"error":{"code":503,"message":"busy","status":"UNAVAILABLE"}}\r\n\r\n',
        b'{\n  "error": {\n    "code": 503,\n    "message": "busy",\n    "status": "UNAVAILABLE"\n  }\n}\n',
        b'{"error":{"code":503,"message":"busy","status":"UNAVAILABLE"}}',
    ],
)
@pytest.mark.parametrize("step", [0, 1])
def test_t32_an_error_inside_the_stream(told: bytes, step: int) -> None:
    """Google writes it bare, over several lines."""
    found = read(wired(frame(text("x"))) + told, step)
    assert found[-1] == Failed(Failure(Kind.OVERLOADED, "busy"))


@pytest.mark.parametrize(
    ("data", "words"),
    [
        (b"", "empty"),
        (wired(frame(text("x"))), "cut off"),
        (
            wired(frame(text("x"))) + b'data: {"candidates": [{"content": {"par\r\n\r\n' + wired(frame(reason="STOP")),
            "broken",
        ),
        (b"data: [1]\n\ndata: nonsense\n\n", "not in the format"),
    ],
)
def test_w2_w41_a_stream_without_its_end_is_a_break(data: bytes, words: str) -> None:
    found = read(data)
    assert isinstance(found[-1], Failed) and words in found[-1].failure.message


def test_what_only_this_wire_knows_passes_unread() -> None:
    found = read(
        wired(
            frame(
                {"executableCode": {"code": "1"}}, {"inlineData": {"mimeType": "image/png", "data": "QQ"}}, text("x")
            ),
            {"candidates": [{"index": 1, "content": {"parts": [text("other")]}}]},
            frame(reason="STOP", groundingMetadata={}),
        )
    )
    assert fold(found).text == "x"


@pytest.mark.parametrize(
    ("counts", "usage"),
    [
        ({"promptTokenCount": 9, "candidatesTokenCount": 2}, Usage(9, output=2)),
        ({"promptTokenCount": 9, "cachedContentTokenCount": 4, "candidatesTokenCount": 2}, Usage(5, 4, output=2)),
        ({"promptTokenCount": 9, "candidatesTokenCount": 2, "thoughtsTokenCount": 7}, Usage(9, output=9, reasoning=7)),
        ({"promptTokenCount": 9, "toolUsePromptTokenCount": 5}, Usage(14)),
        ({"promptTokenCount": 4, "cachedContentTokenCount": 9}, Usage(0, 4)),
    ],
)
def test_t19_counts_are_disjoint(counts: dict[str, int], usage: Usage) -> None:
    """T23: no class counts what another covers."""
    assert fold(read(wired(frame(text("x"), reason="STOP", usage=counts)))).usage == usage
    shown = gemini.encoder(caller(), "m").whole(Reply("x", usage=usage, finish=Finish.STOP))
    again = gemini.decoder(model(), PLAIN).whole(shown)
    assert fold(again).usage == usage


def test_t21_later_counts_replace_earlier_ones_by_field() -> None:
    found = read(
        wired(
            frame(text("x"), usage={"promptTokenCount": 9, "thoughtsTokenCount": 3}),
            frame(reason="STOP", usage={"candidatesTokenCount": 2}),
        )
    )
    assert fold(found).usage == Usage(9, output=5, reasoning=3)


@pytest.mark.parametrize("body", [b"", b"<html>", b"{}", b'{"candidates": 3}', b"[]", dump(frame(text("x")))])
def test_a_whole_answer_that_is_none(body: bytes) -> None:
    (*_, last) = gemini.decoder(model(), PLAIN).whole(body)
    assert isinstance(last, Failed) and last.failure.kind is Kind.BROKEN


def test_a_whole_answer_and_an_array_of_frames() -> None:
    one = frame(text("hm", thought=True), text("x"), called("f", a=1), reason="STOP", usage={"promptTokenCount": 1})
    parts = [
        frame(text("hm", thought=True)),
        frame(text("x")),
        frame(called("f", a=1), reason="STOP", usage={"promptTokenCount": 1}),
    ]
    replies = [fold(gemini.decoder(model(), PLAIN).whole(dump(body))) for body in (one, parts)]
    for reply in replies:
        assert (reply.text, reply.reasoning, reply.finish) == ("x", (ReasoningDelta("hm"),), Finish.TOOL_CALLS)
        assert [(call.name, call.arguments) for call in reply.tool_calls] == [("f", '{"a": 1}')]


QUIET = wired(frame(text("a")), frame(text("b")))


@pytest.mark.parametrize("end", ["\r\n", "\n"])
def test_frames_of_text_alone_may_pass_unread(end: str) -> None:
    decoder = gemini.decoder(model(), PLAIN)
    data = wired(frame(text("a")), frame(text("b")), end=end)
    assert decoder.quiet(data) == len(data)
    for loud in (frame(called("f")), frame(text("x", thought=True)), frame(text("x"), reason="STOP"), {"error": {}}):
        assert decoder.quiet(data + wired(loud, end=end)) == len(data)


# Written.


def caller(*, thoughts: bool = False, tools: tuple[Tool, ...] = ()) -> Request:
    if thoughts:
        config = Generation(thinking_config=Thinking(include_thoughts=True))
        return asked("gemini", unfold=Body(contents=[Content()], generation_config=config))
    return asked("gemini", unfold=lambda: Conversation((), tools))


def written(found: list[Event], request: Request | None = None) -> list[dict[str, Any]]:
    stream = gemini.encoder(request or caller(), "acme/one").feed(found)
    assert stream.endswith(b"\r\n\r\n") and b"\r\n\r\n\r\n" not in stream
    return [json.loads(one.removeprefix("data: ")) for one in stream.decode().split("\r\n\r\n") if one]


def parts_of(frames: list[dict[str, Any]]) -> list[dict[str, Any]]:
    return [part for one in frames for part in one["candidates"][0]["content"]["parts"]]


def test_text_and_usage_are_written_as_google_does() -> None:
    frames = written(
        [Started("x", "y"), TextDelta("a"), TextDelta("b"), UsageSeen(Usage(3, 2, 1, 9, 4)), Finished(Finish.LENGTH)]
    )
    assert [part["text"] for part in parts_of(frames)] == ["a", "b", ""]
    assert [one["candidates"][0].get("finishReason") for one in frames] == [None, None, "MAX_TOKENS"]
    assert frames[-1]["usageMetadata"] == {
        "promptTokenCount": 6,
        "candidatesTokenCount": 5,
        "totalTokenCount": 15,
        "cachedContentTokenCount": 2,
        "thoughtsTokenCount": 4,
    }
    assert {(one["modelVersion"], one["responseId"]) for one in frames} == {("acme/one", "r1")}


@pytest.mark.parametrize(
    ("finish", "reason"),
    [
        (Finish.STOP, "STOP"),
        (Finish.TOOL_CALLS, "STOP"),
        (Finish.STOP_SEQUENCE, "STOP"),
        (Finish.PAUSE, "STOP"),
        (Finish.LENGTH, "MAX_TOKENS"),
        (Finish.FILTERED, "SAFETY"),
    ],
)
def test_why_it_stopped_in_googles_words(finish: Finish, reason: str) -> None:
    assert written([TextDelta("x"), Finished(finish)])[-1]["candidates"][0]["finishReason"] == reason


def test_t2_interleaved_calls_come_whole_and_in_order() -> None:
    found: list[Event] = [
        ToolStart(0, "call_00000000", "f"),
        ToolStart(1, "call_11111111", "g", "c2ln"),
        ToolDelta(1, '{"b":'),
        ToolDelta(0, '{"a":"ü'),
        ToolDelta(1, "2}"),
        ToolDelta(0, '"}'),
        Finished(Finish.TOOL_CALLS),
    ]
    (last,) = written(found)
    assert parts_of([last]) == [
        {"functionCall": {"id": "call_00000000", "name": "f", "args": {"a": "ü"}}},
        {"functionCall": {"id": "call_11111111", "name": "g", "args": {"b": 2}}, "thoughtSignature": "c2ln"},
    ]
    assert last["candidates"][0]["finishReason"] == "STOP"


def test_a_call_stands_before_what_is_said_after_it() -> None:
    found: list[Event] = [
        ToolStart(0, "call_00000000", "f"),
        ToolDelta(0, '{"a":1}'),
        TextDelta("x"),
        Finished(Finish.STOP),
    ]
    kinds = [next(iter(part)) for part in parts_of(written(found))]
    assert kinds == ["functionCall", "text", "text"]


@pytest.mark.parametrize(
    ("arguments", "args"), [("", {}), ("null", {}), ("oops", {"arguments": "oops"}), ('{"a":1}', {"a": 1})]
)
def test_t4_arguments_are_always_an_object(arguments: str, args: Any) -> None:
    events_: list[Event] = [
        ToolStart(0, "x", "f"),
        *([ToolDelta(0, arguments)] if arguments else []),
        Finished(Finish.TOOL_CALLS),
    ]
    (call,) = [part["functionCall"] for part in parts_of(written(events_))]
    assert call["args"] == args and call["id"].startswith("call_")


@pytest.mark.parametrize("thoughts", [False, True])
def test_thinking_is_shown_to_who_asked_for_it(thoughts: bool) -> None:
    request = caller(thoughts=thoughts)
    found: list[Event] = [ReasoningDelta("hm", "sig"), TextDelta("x"), Finished(Finish.STOP)]
    shown = [part for part in parts_of(written(found, request)) if part.get("thought")]
    assert shown == ([{"text": "hm", "thought": True}] if thoughts else [])
    reply = Reply("x", (ReasoningDelta("hm"),), finish=Finish.STOP)
    whole = json.loads(gemini.encoder(request, "m").whole(reply))
    assert (whole["candidates"][0]["content"]["parts"][0] == {"text": "hm", "thought": True}) is thoughts


def test_a_whole_answer() -> None:
    reply = Reply(
        "x",
        tool_calls=(ToolCall("call_12345678", "f", '{"a":1}', "c2ln"),),
        usage=Usage(2, output=3),
        finish=Finish.TOOL_CALLS,
    )
    document = json.loads(gemini.encoder(caller(), "acme/one").whole(reply))
    (candidate,) = document["candidates"]
    assert candidate["content"] == {
        "parts": [
            {"text": "x"},
            {"functionCall": {"id": "call_12345678", "name": "f", "args": {"a": 1}}, "thoughtSignature": "c2ln"},
        ],
        "role": "model",
    }
    assert candidate["finishReason"] == "STOP" and document["usageMetadata"]["totalTokenCount"] == 5


@pytest.mark.parametrize(
    ("kind", "code", "status"),
    [
        (Kind.INVALID, 400, "INVALID_ARGUMENT"),
        (Kind.UNAUTHORIZED, 401, "UNAUTHENTICATED"),
        (Kind.FORBIDDEN, 403, "PERMISSION_DENIED"),
        (Kind.UNKNOWN_MODEL, 404, "NOT_FOUND"),
        (Kind.TOO_LARGE, 413, "INVALID_ARGUMENT"),
        (Kind.RATE_LIMITED, 429, "RESOURCE_EXHAUSTED"),
        (Kind.AUTH, 502, "INTERNAL"),
        (Kind.OVERLOADED, 503, "UNAVAILABLE"),
        (Kind.SLOW, 504, "DEADLINE_EXCEEDED"),
    ],
)
def test_w6_errors_in_googles_shape(kind: Kind, code: int, status: str) -> None:
    assert json.loads(gemini.failure(Failure(kind, "why"))) == {
        "error": {"code": code, "message": "why", "status": status}
    }


def test_w2_a_break_is_bare_json_that_our_own_reader_takes_too() -> None:
    stream = gemini.encoder(caller(), "m")
    told = stream.feed([TextDelta("x")]) + gemini.ping() + stream.broken(Failure(Kind.OVERLOADED, "busy"))
    assert told.splitlines()[-1].startswith(b'{"error":')
    assert isinstance(read(told)[-1], Failed)


@settings(max_examples=100, deadline=None)
@given(
    st.lists(
        st.one_of(
            st.text(min_size=1, max_size=5).map(TextDelta),
            st.text(min_size=1, max_size=5).map(ReasoningDelta),
            st.sampled_from(['{"a": "ü"}', "{}", '{"b": [1, null]}']),
        ),
        max_size=8,
    ),
    st.lists(st.integers(0, 4000), max_size=6),
)
def test_w3_events_written_and_read_are_the_same(script: list[Any], cuts: list[int]) -> None:
    """Keep-alives between any two frames change nothing."""
    found: list[Event] = []
    for item in script:
        if isinstance(item, str):
            index = sum(isinstance(event, ToolStart) for event in found)
            found += [ToolStart(index, f"call_{index:08}", "f"), ToolDelta(index, item)]
        else:
            found.append(item)
    encoder = gemini.encoder(caller(thoughts=True), "m")
    stream = b"".join(encoder.feed([event]) + gemini.ping() for event in [*found, Finished(Finish.STOP)])
    places = sorted({0, len(stream), *(cut for cut in cuts if cut < len(stream))})
    decoder = gemini.decoder(model(), PLAIN)
    seen = [event for a, b in pairwise(places) for event in events(decoder.feed(stream[a:b]))]
    reply, meant = fold([*seen, *events(decoder.close())]), fold(found)
    assert (reply.text, reply.reasoning) == (meant.text, meant.reasoning)
    assert [(c.id, c.name, json.loads(c.arguments)) for c in reply.tool_calls] == [
        (c.id, c.name, json.loads(c.arguments)) for c in meant.tool_calls
    ]
