"""Stop sequences that an upstream cannot be told of: found here, in any pieces, and the answer ends before them."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from codriver.model.events import (
    Event,
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
)
from codriver.model.provider import Quirks
from codriver.model.request import Conversation, Fim, Limits, Message, Needs, Request, Text
from codriver.wire import codec, mending
from codriver.wire.codec import Call
from codriver.wire.mending import Stopping
from codriver.wire.stopping import Watch
from wire.samples import PLAIN, asked, dump, events, model, named
from wire.streams import told

# Where a sequence is found.


def looked(pieces: list[str], stops: list[str]) -> tuple[str, str]:
    """All that was shown, and what was found; each piece's showing is checked for how much it holds back."""
    watch, shown = Watch(stops), ""
    for number, piece in enumerate(pieces):
        more, stop = watch.feed(piece)
        shown += more
        if stop:
            return shown, stop
        so_far = "".join(pieces[: number + 1])
        assert so_far.startswith(shown)
        held = so_far[len(shown) :]
        assert len(held) == max((n for s in stops for n in range(len(s)) if so_far.endswith(s[:n])), default=0)
    return shown + watch.rest(), ""


def expected(text: str, stops: list[str]) -> tuple[str, str]:
    for end in range(len(text) + 1):
        found = [stop for stop in stops if stop and text[:end].endswith(stop)]
        if found:
            stop = max(found, key=len)
            return text[: end - len(stop)], stop
    return text, ""


WORDS = st.text("abn\n", min_size=1, max_size=5)


@settings(max_examples=300, deadline=None)
@given(st.lists(st.text("abn\n", max_size=8), max_size=8), st.lists(WORDS, min_size=1, max_size=4))
def test_the_first_whole_sequence_is_found_in_any_pieces_and_no_more_is_held_than_must_be(
    pieces: list[str], stops: list[str]
) -> None:
    assert looked(pieces, stops) == expected("".join(pieces), stops)


@pytest.mark.parametrize(
    ("text", "stops", "shown", "stop"),
    [
        pytest.param("one\nHuman: two", ["\nHuman:"], "one", "\nHuman:", id="over words"),
        pytest.param("aaab", ["aab"], "a", "aab", id="begins anew inside itself"),
        pytest.param("abcd", ["bcd", "abcd"], "", "abcd", id="of two that end together the longer"),
        pytest.param("abcd", ["abcd", "bc"], "a", "bc", id="the one that is whole first"),
        pytest.param("Grüße 🎈!", ["🎈"], "Grüße ", "🎈", id="beyond ASCII"),
        pytest.param("ab", ["", "c"], "ab", "", id="an empty one is none"),
        pytest.param("end", ["end."], "end", "", id="half a sequence at the end is text"),
        pytest.param("STOP", ["stop"], "STOP", "", id="letters as they are"),
    ],
)
def test_a_sequence_letter_by_letter(text: str, stops: list[str], shown: str, stop: str) -> None:
    assert looked(list(text), stops) == (shown, stop) == looked([text], stops)


def test_a_long_sequence_costs_each_character_once() -> None:
    """Characters are compared at most twice each, however often the text nearly says the sequence."""
    compared = 0

    class Sign(str):
        __slots__ = ()
        __hash__ = str.__hash__

        def __eq__(self, other: object) -> bool:
            nonlocal compared
            compared += 1
            return str.__eq__(self, other)

        def __ne__(self, other: object) -> bool:
            nonlocal compared
            compared += 1
            return str.__ne__(self, other)

    class Signs(str):
        __slots__ = ()

        def __iter__(self) -> Any:
            return map(Sign, str.__str__(self))

    watch, text = Watch(["a" * 500 + "b"]), "a" * 499 + "c"
    for _ in range(20):
        watch.feed(Signs(text))
    assert 20 * 500 <= compared <= 3 * 20 * 500


# What becomes of the answer.


class Told:
    """A decoder that gives these batches of events, one for each read, and is never at its end by itself."""

    over = left = False

    def __init__(self, *batches: list[Event]) -> None:
        self._batches = list(batches)

    def feed(self, data: bytes) -> list[Piece]:
        return [Piece(data, tuple(self._batches.pop(0)))]

    def quiet(self, data: bytes) -> int:
        return len(data)

    def close(self) -> list[Piece]:
        return [Piece(b"", tuple(batch)) for batch in self._batches]

    def whole(self, body: bytes) -> tuple[Event, ...]:
        return tuple(event for batch in self._batches for event in batch)


HALF = Finished(Finish.STOP_SEQUENCE, "END")
CALL: list[Event] = [ToolStart(0, "call_0123456789ab", "f"), ToolDelta(0, "{}")]
ANSWERS: list[Any] = [
    pytest.param([[TextDelta("a EN")], [TextDelta("D b")]], [TextDelta("a "), HALF], id="cut over frames"),
    pytest.param([[TextDelta("END")]], [HALF], id="cut before its first word"),
    pytest.param(
        [[TextDelta("a E")], [Finished(Finish.STOP)]],
        [TextDelta("a "), TextDelta("E"), Finished(Finish.STOP)],
        id="what was held is told at the end",
    ),
    pytest.param(
        [[TextDelta("a EN")], CALL, [Finished(Finish.TOOL_CALLS)]],
        [TextDelta("a "), TextDelta("EN"), *CALL, Finished(Finish.TOOL_CALLS)],
        id="and before a call, whose arguments are no text",
    ),
    pytest.param(
        [[TextDelta("E")], [ReasoningDelta("END")], [TextDelta("ND")]],
        [TextDelta("E"), ReasoningDelta("END"), TextDelta("ND")],
        id="thinking is no text and parts it",
    ),
    pytest.param(
        [[Started("x", "m", Usage(100, output=1))], [TextDelta("words END")], [UsageSeen(Usage(100, output=9))]],
        [
            Started("x", "m", Usage(100, output=1)),
            TextDelta("words "),
            UsageSeen(Usage(100, output=1, estimated=True)),
            HALF,
        ],
        id="counts of the beginning are made whole by a guess",
    ),
    pytest.param([[TextDelta("END"), *CALL]], [HALF], id="a call after it is not told"),
]  # fmt: skip


@pytest.mark.parametrize(("batches", "told"), ANSWERS)
def test_a_stream_ends_where_the_sequence_begins(batches: list[list[Event]], told: list[Event]) -> None:
    decoder = Stopping(Told(*batches), ["END"])
    assert decoder.quiet(b"bytes") == 0
    seen: list[Event] = []
    for _ in batches:
        seen += events(decoder.feed(b"x"))
    assert seen == told
    stopped = HALF in told
    assert (decoder.over, decoder.left) == (stopped, stopped)
    assert not stopped or decoder.feed(b"more") == decoder.close() == []


def test_long_words_before_the_cut_are_counted() -> None:
    decoder = Stopping(Told([UsageSeen(Usage(7, output=1)), TextDelta("word " * 80 + "END")]), ["END"])
    assert fold(events(decoder.feed(b""))).usage == Usage(7, output=100, estimated=True)


def test_a_whole_answer_keeps_its_counts() -> None:
    billed = Usage(7, output=90)
    decoder = Stopping(Told([TextDelta("a END b"), *CALL, UsageSeen(billed), Finished(Finish.LENGTH)]), ["END"])
    reply = fold(decoder.whole(b""))
    assert (reply.text, reply.finish, reply.stop, reply.usage, reply.tool_calls) == (
        "a ", Finish.STOP_SEQUENCE, "END", billed, ()
    )  # fmt: skip


@settings(max_examples=30, deadline=None)
@given(st.lists(st.integers(1, 400), max_size=12))
def test_a_responses_stream_cut_anywhere(cuts: list[int]) -> None:
    frames = [
        told("output_text.delta", output_index=0, content_index=0, delta=text) for text in ("Grü", "ße\nHu", "m:", "x")
    ]
    stream = named(told("created", response={"id": "r", "model": "m"}), *frames)
    decoder = Stopping(codec.find("openai_responses").decoder(model(), PLAIN), ["\nHum:"])
    seen: list[Event] = []
    at = 0
    for cut in [*cuts, len(stream)]:
        seen += events(decoder.feed(stream[at : at + cut]))
        at += cut
    seen += events(decoder.feed(stream[at:]))
    reply = fold(seen)
    assert (reply.text, reply.finish, reply.stop) == ("Grüße", Finish.STOP_SEQUENCE, "\nHum:")


# Who is told of them, and where they are found here.

CALLS: list[tuple[str, dict[str, Any], tuple[str, ...], list[str] | None, tuple[str, ...]]] = [
    ("openai_responses", {}, ("a", "b"), None, ("a", "b")),
    ("openai_chat", {}, ("a", "b"), ["a", "b"], ()),
    ("openai_chat", {"stop_max": 1}, ("a", "b", "c"), ["a"], ("b", "c")),
    ("openai_chat", {"drop": ("stop",)}, ("a", "b"), None, ("a", "b")),
    ("anthropic", {}, ("a", "\n"), ["a"], ("\n",)),
    ("anthropic", {}, ("\n\n",), None, ("\n\n",)),
    ("anthropic", {"drop": ("stop_sequences",)}, ("a",), None, ("a",)),
    ("gemini", {}, ("a", ""), ["a"], ()),
    ("gemini", {"stop_max": 2}, ("a", "b", "c"), ["a", "b"], ("c",)),
    ("gemini", {"drop": ("stopSequences",)}, ("a",), None, ("a",)),
]
FIELD = {"openai_chat": "stop", "anthropic": "stop_sequences"}


@pytest.mark.parametrize(("wire", "quirk", "stops", "sent", "left"), CALLS)
def test_what_a_target_does_not_take_is_left_for_us(
    wire: str, quirk: dict[str, Any], stops: tuple[str, ...], sent: list[str] | None, left: tuple[str, ...]
) -> None:
    talk = Conversation((Message("user", (Text("hi"),)),))
    request = Request("r", "chat", unfold=lambda: talk, limits=Limits(stop=stops))
    call = codec.find(wire).call(request, model(), Quirks(**quirk))
    body = json.loads(call.body)
    found = (
        body.get("generationConfig", {}).get("stopSequences") if wire == "gemini" else body.get(FIELD.get(wire, "stop"))
    )
    assert (found, call.stop, call.dropped) == (sent, left, ())


OWN: list[tuple[str, dict[str, Any], dict[str, Any], object, tuple[str, ...], str]] = [
    ("openai_chat", {}, {"stop": ["a", "b"]}, ["a", "b"], (), ""),
    ("openai_chat", {"stop_max": 1}, {"stop": ["a", "b"]}, ["a"], ("b",), ""),
    ("openai_chat", {"stop_max": 1}, {"stop": "a"}, "a", (), ""),
    ("openai_chat", {"drop": ("stop",)}, {"stop": "a"}, None, ("a",), ""),
    ("openai_chat", {"drop": ("stop",)}, {"stop": "a", "n": 2}, None, (), "stop"),
    ("openai_chat", {"stop_max": 1}, {"stop": ["a", "b"], "logprobs": True}, ["a"], (), "stop"),
    ("anthropic", {"drop": ("stop_sequences",)}, {"stop_sequences": ["a"], "max_tokens": 9}, None, ("a",), ""),
    ("anthropic", {"stop_max": 1}, {"stop_sequences": ["a", "b"], "max_tokens": 9}, ["a"], ("b",), ""),
]  # fmt: skip


@pytest.mark.parametrize(("wire", "quirk", "said", "sent", "left", "lost"), OWN)
def test_and_of_a_callers_own_body(
    wire: str, quirk: dict[str, Any], said: dict[str, Any], sent: object, left: tuple[str, ...], lost: str
) -> None:
    """Where the answer must be passed on as it comes (several choices, log probabilities) it is said instead."""
    body = {"model": "m", "messages": [{"role": "user", "content": "hi"}], **said}
    call = codec.find(wire).call(codec.find(wire).parse(dump(body), {}), model(), Quirks(**quirk))
    assert (json.loads(call.body).get(FIELD[wire]), call.stop) == (sent, left)
    assert bool(call.dropped) == bool(lost) and lost in " ".join(call.dropped)


def test_code_for_a_hole_is_cut_out_first_and_then_at_the_sequence() -> None:
    request = asked("openai_completions", fim=Fim("a = ", "\n"), needs=Needs(fim=True))
    said = Told([TextDelta("Sure! Here it is:\n```py\nw * h\nx\n```\n")], [Finished(Finish.STOP)])
    decoder = mending.mended(said, request, Call(b"", stop=("\n",)), "openai_responses")
    reply = fold(events(decoder.feed(b"") + decoder.feed(b"")))
    assert (reply.text, reply.finish) == ("w * h", Finish.STOP_SEQUENCE)
