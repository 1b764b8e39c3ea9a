"""Thinking and signatures: kept by the call they led to, given back to their maker, kept from everybody else."""

from __future__ import annotations

import json
import time
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from codriver.errors import Failure, Kind
from codriver.model.events import Event, Finish, Finished, ReasoningDelta, TextDelta, ToolStart
from codriver.model.provider import Model, Price, Quirks
from codriver.model.request import Conversation, Message, Reasoning, Request, Text, ToolCall, ToolResult
from codriver.router.keepsakes import Keepsakes, refused
from codriver.wire import codec, envelope

CALL = "toolu_0123456789"
PLAIN, BACK = Quirks(), Quirks(replay_reasoning="required")


def model(name: str) -> Model:
    provider, _, ident = name.partition("/")
    return Model(provider, ident, ident, 1000, 100, Price(), {}, reasoning=True)


A, B = model("east/a"), model("east/b")


def memory(at: list[float] | None = None, **limits: Any) -> Keepsakes:
    clock = at or [1000.0]
    return Keepsakes(lambda: clock[0], **limits)


def watched(kept: Keepsakes, *events: Event, maker: Model = A, request: Request | None = None, **more: Any) -> None:
    quirks = more.pop("quirks", PLAIN)
    watch = kept.watching(request or asked(), maker, quirks, relayed=more.pop("relayed", False))
    for event in events:
        watch(event)


def asked(*messages: Message, wire: str = "openai_chat", **more: Any) -> Request:
    return Request("r1", "chat", wire=wire, unfold=lambda: Conversation(messages), **more)


def loop(*parts: Any, ident: str = CALL, name: str = "f") -> Request:
    call = ToolCall(ident, name, "{}")
    return asked(
        Message("user", (Text("x"),)),
        Message("assistant", (*parts, call)),
        Message("tool", (ToolResult(ident, (Text("ok"),)),)),
    )


def turn(request: Request) -> tuple[Any, ...]:
    return request.conversation.messages[1].parts


THOUGHT = (ReasoningDelta("I "), ReasoningDelta("see"), ReasoningDelta("", "SIG"))
SEEN = Reasoning("I see", "SIG", origin="east/a")


def test_it_goes_back_before_the_call_it_led_to() -> None:
    """T10, agents.md 5: the id of the call is the one thing every client carries back."""
    kept = memory()
    watched(kept, *THOUGHT, TextDelta("now"), ToolStart(0, CALL, "f"), Finished(Finish.TOOL_CALLS))
    found = kept.prepared(loop(Reasoning("I see"), Text("now")), A, "anthropic", PLAIN)
    assert turn(found) == (Text("now"), SEEN, ToolCall(CALL, "f", "{}"))


@pytest.mark.parametrize(
    ("maker", "name", "why"),
    [(B, "f", "another model"), (model("west/a"), "f", "the same model elsewhere (A1)"), (A, "g", "another tool")],
)
def test_nobody_else_gets_it(maker: Model, name: str, why: str) -> None:
    kept = memory()
    watched(kept, *THOUGHT, ToolStart(0, CALL, "f"))
    request = loop(Text("now"), name=name)
    assert kept.prepared(request, maker, "anthropic", PLAIN) is request, why


def test_each_call_has_the_thinking_before_it() -> None:
    """A7: interleaved thinking keeps its place; redacted blocks too."""
    kept = memory()
    other = "toolu_9876543210"
    redacted = ReasoningDelta(redacted="R")
    watched(
        kept,
        *THOUGHT,
        ToolStart(0, CALL, "f"),
        redacted,
        ToolStart(1, other, "f"),
        ToolStart(2, "toolu_ccccccccc", "f"),
    )
    calls = (ToolCall(CALL, "f", "{}"), ToolCall(other, "f", "{}"), ToolCall("toolu_ccccccccc", "f", "{}"))
    request = asked(Message("assistant", calls))
    (message,) = kept.prepared(request, A, "anthropic", PLAIN).conversation.messages
    assert message.parts == (SEEN, calls[0], Reasoning("", redacted="R", origin="east/a"), calls[1], calls[2])


def test_a_call_s_own_signature() -> None:
    """A11, T10, agents.md 6: Gemini's signature for callers of another wire."""
    kept = memory()
    watched(kept, ToolStart(0, CALL, "f", "GSIG"))
    assert turn(kept.prepared(loop(), A, "gemini", PLAIN)) == (ToolCall(CALL, "f", "{}", "GSIG", "east/a"),)
    assert turn(kept.prepared(loop(), B, "gemini", PLAIN)) == (ToolCall(CALL, "f", "{}"),)


def test_what_the_caller_carries_himself_is_not_doubled() -> None:
    kept = memory()
    watched(kept, *THOUGHT, ToolStart(0, CALL, "f"))
    assert turn(kept.prepared(loop(SEEN), A, "anthropic", PLAIN)) == (SEEN, ToolCall(CALL, "f", "{}"))


def test_ids_that_a_caller_sees_otherwise() -> None:
    """Servers that number their calls: the caller got an id of ours, and returns that one."""
    kept, request = memory(), asked()
    watched(kept, *THOUGHT, ToolStart(0, "0", "f"), request=request)
    assert turn(kept.prepared(loop(ident="call_r1_0"), A, "anthropic", PLAIN))[0] == SEEN
    other = loop(ident="0")
    assert kept.prepared(other, A, "anthropic", PLAIN) is other


def test_thinking_as_text_is_kept_where_it_is_wanted_back() -> None:
    """A9: DeepSeek wants its reasoning_content on every turn, and clients drop it."""
    kept = memory()
    watched(kept, ReasoningDelta("hm"), ToolStart(0, CALL, "f"))
    assert not kept
    watched(kept, ReasoningDelta("hm"), ToolStart(0, CALL, "f"), quirks=BACK, relayed=True)
    recalled = kept.prepared(loop(), A, "openai_chat", BACK).recalled
    assert (recalled[CALL], dict(recalled), len(recalled)) == ("hm", {CALL: "hm"}, 1)
    assert CALL not in kept.prepared(loop(), B, "openai_chat", BACK).recalled


def test_a_relayed_body_gets_what_its_caller_dropped() -> None:
    kept = memory()
    watched(kept, ReasoningDelta("hm"), ToolStart(0, CALL, "f"), quirks=BACK, relayed=True)
    calls = [{"id": CALL, "type": "function", "function": {"name": "f", "arguments": "{}"}}]
    messages = [
        {"role": "user", "content": "x"},
        {"role": "assistant", "content": None, "tool_calls": calls},
        {"role": "tool", "tool_call_id": CALL, "content": "ok"},
        {"role": "assistant", "content": "done"},
        {"role": "user", "content": "y"},
    ]
    wire = codec.find("openai_chat")
    request = wire.parse(json.dumps({"model": "m", "messages": messages}).encode(), {})
    sent = json.loads(wire.call(kept.prepared(request, A, "openai_chat", BACK), A, BACK).body)["messages"]
    assert [m.get("reasoning_content") for m in sent] == [None, "hm", None, "", None]
    assert [{k: v for k, v in m.items() if k != "reasoning_content"} for m in sent] == messages


# The caller's own wire ------------------------------------------------------------------------------


def claude(*signatures: str) -> Request:
    blocks = [{"type": "thinking", "thinking": "t", "signature": text} for text in signatures]
    messages = [
        {"role": "user", "content": "x"},
        {"role": "assistant", "content": [*blocks, {"type": "text", "text": "w"}]},
        {"role": "user", "content": "y"},
    ]
    body = json.dumps({"model": "auto", "max_tokens": 50, "messages": messages}).encode()
    return codec.find("anthropic").parse(body, {})


def sent(kept: Keepsakes, request: Request, to: Model) -> list[str]:
    """The signatures in what goes out."""
    call = codec.find("anthropic").call(kept.prepared(request, to, "anthropic", PLAIN), to, PLAIN)
    content = json.loads(call.body)["messages"][1]["content"]
    return [block["signature"] for block in content if block["type"] == "thinking"]


RELAYS: list[Any] = [
    pytest.param(["MINE"], A, ["MINE"], id="A5-its-maker-gets-it-back"),
    pytest.param(["MINE"], B, [], id="A2-another-model"),
    pytest.param(["MINE", "WHO"], B, [], id="trap24-all-of-them"),
    pytest.param(["WHO"], B, ["WHO"], id="A4-of-unknown-origin-is-sent"),
    pytest.param(["MINE", "THEIRS"], A, ["MINE"], id="A3-its-own-stay-for-a-later-hop"),
    pytest.param(["MINE", ""], A, ["MINE"], id="A6-T9-without-signature"),
    pytest.param([envelope.seal([Reasoning("t", "X")], "east/a")], A, [], id="our-envelopes-never-go-out"),
    pytest.param(["cdr1.broken", "MINE"], A, ["MINE"], id="nor-damaged-ones"),
]


@pytest.mark.parametrize(("signatures", "to", "expected"), RELAYS)
def test_signatures_on_the_same_wire(signatures: list[str], to: Model, expected: list[str]) -> None:
    kept = memory()
    watched(kept, ReasoningDelta("t", "MINE"), maker=A, request=claude(), relayed=True)
    watched(kept, ReasoningDelta("t", "THEIRS"), maker=B, request=claude(), relayed=True)
    assert sent(kept, claude(*signatures), to) == expected
    assert not kept, "a relay's caller carries his thinking himself"


def test_a_body_with_nothing_foreign_is_untouched() -> None:
    kept = memory()
    request = claude("WHO")
    assert kept.prepared(request, A, "anthropic", PLAIN) is request
    assert codec.find("anthropic").call(request, A, PLAIN).body == (request.body or b"").replace(b'"auto"', b'"a"')


def test_items_are_known_by_their_id_and_by_what_they_hold() -> None:
    """T14: a responses item comes back as its encrypted content alone."""
    kept = memory()
    watched(kept, ReasoningDelta("t", "rs_1|gAAA"), maker=A)
    request = asked(wire="openai_responses", signatures=("gAAA",))
    assert kept.prepared(request, B, "openai_responses", PLAIN).forget
    assert kept.prepared(request, A, "openai_responses", PLAIN) is request


# Bounds and cost ------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("session", "later", "expected"),
    [
        pytest.param("one", "one", "hm", id="the-same-session"),
        pytest.param("one", "two", "", id="another-one-counts-alike"),
        pytest.param("", "", "", id="nobody-knows"),
    ],
)
def test_ids_that_count_hold_within_their_session(session: str, later: str, expected: str) -> None:
    """A relay's caller sees the server's own ids, and some of those begin anew in every conversation."""
    kept, ident = memory(), "functions.bash:0"
    request = asked(session=session)
    watched(kept, ReasoningDelta("hm"), ToolStart(0, ident, "bash"), request=request, relayed=True, quirks=BACK)
    called = {"role": "assistant", "tool_calls": [{"id": ident, "function": {"name": "bash", "arguments": "{}"}}]}
    talk = [{"role": "user", "content": "x"}, called, {"role": "tool", "tool_call_id": ident, "content": "ok"}]
    speaker = codec.find("openai_chat")
    body = {"model": "a", "messages": talk, "prompt_cache_key": later}
    again = kept.prepared(speaker.parse(json.dumps(body).encode(), {}), A, "openai_chat", BACK)
    assert json.loads(speaker.call(again, A, BACK).body)["messages"][1]["reasoning_content"] == expected
    assert list(again.recalled) == ([ident] if expected else [])


def test_it_forgets_the_oldest() -> None:
    at = [0.0]
    kept = memory(at, calls=3, most=2000, age=100)
    for number in range(5):
        watched(kept, *THOUGHT, ToolStart(0, f"toolu_{number:010}", "f"))
    assert len(kept) == 3
    assert turn(kept.prepared(loop(ident="toolu_0000000004"), A, "anthropic", PLAIN))[0] == SEEN
    watched(kept, ReasoningDelta("x" * 1500, "BIG"), ToolStart(0, "toolu_bbbbbbbbbb", "f"))
    assert len(kept) == 1, "bytes"
    at[0] = 101.0
    request = loop(ident="toolu_bbbbbbbbbb")
    assert kept.prepared(request, A, "anthropic", PLAIN) is request, "age"


@settings(max_examples=50, deadline=None)
@given(st.lists(st.tuples(st.integers(0, 5), st.integers(0, 400)), max_size=30))
def test_it_is_bounded_whatever_comes(rows: list[tuple[int, int]]) -> None:
    kept = memory(calls=4, most=1500)
    for ident, size in rows:
        watched(kept, ReasoningDelta("t" * size, "S"), ToolStart(0, f"toolu_{ident:010}", "f"))
        assert len(kept) <= 4
        assert kept.held <= 1500
        assert kept.held >= len(kept) * 400


def test_unknown_sessions_cost_nothing() -> None:
    """The conversation is not even unfolded."""

    def never() -> Conversation:
        raise AssertionError("unfolded")

    request = Request("r", "chat", wire="openai_chat", unfold=never)
    kept = memory()
    assert kept.prepared(request, A, "openai_chat", PLAIN) is request
    assert kept.prepared(request, A, "anthropic", PLAIN) is request
    watched(kept, *THOUGHT, ToolStart(0, CALL, "f"))
    assert kept.prepared(request, A, "openai_chat", BACK).recalled
    began = time.perf_counter()
    for _ in range(1000):
        kept.prepared(request, A, "openai_chat", PLAIN)
    assert time.perf_counter() - began < 0.5


@pytest.mark.parametrize(
    ("message", "kind", "told"),
    [
        ("messages.1.content.0: Invalid `signature` in `thinking` block", Kind.INVALID, True),
        ("Expected `thinking` or `redacted_thinking`, but found `text`", Kind.INVALID, True),
        ("Thought signature is not valid", Kind.INVALID, True),
        ("Corrupted thought signature.", Kind.INVALID, True),
        ("The encrypted content for item rs_1 could not be verified", Kind.INVALID, True),
        ("`thinking` blocks in the latest assistant message cannot be modified", Kind.INVALID, True),
        ("max_tokens: must be greater than thinking.budget_tokens", Kind.INVALID, False),
        ("Invalid `signature` in `thinking` block", Kind.OVERLOADED, False),
        ("the function signature is wrong: missing parameter", Kind.TRANSIENT, False),
    ],
)
def test_what_providers_say_to_foreign_thinking(message: str, kind: Kind, told: bool) -> None:
    assert refused(Failure(kind, message)) is told
