"""The five promises of Router.open, against an upstream that does what the script says."""

from __future__ import annotations

import asyncio
import json
from dataclasses import replace

import pytest
from fleet import LARGE, MEDIUM, SMALL

from codriver.errors import Failure, Kind, RequestRejected, Unroutable, UpstreamFailed
from codriver.model.events import Finish, Finished, ReasoningDelta, Reply, TextDelta, ToolStart
from codriver.model.provider import Quirks, Spell, Tariff
from codriver.model.request import Purpose, Request
from codriver.router import Plan, trying
from codriver.upstream.client import Timeouts
from scripted import BUSY, DONE, GOOD, HANG, HELLO, IDENT, ROLE, STOP, USAGE, WORLD, Bench, Sink, Step, chat, frame

FLEET = (SMALL, MEDIUM)


async def test_the_answer_comes_through_with_usage_and_cost() -> None:
    bench = Bench({"east/small": GOOD}, (SMALL,))
    async with bench.router.open(chat(), front="http") as stream:
        raw = b"".join([piece.raw async for piece in stream if not piece.usage_only])
        assert stream.relayed
    assert raw == ROLE + HELLO + WORLD + STOP + DONE
    row = await bench.outcome()
    assert (row.status, row.model, row.prompt_tokens, row.output_tokens) == ("ok", "east/small", 100, 7)
    assert row.cost == pytest.approx((60 * 0.15 + 40 * 0.015 + 7 * 0.6) / 1e6)


@pytest.mark.parametrize(
    "first",
    [
        pytest.param((BUSY,), id="refused"),
        pytest.param((ROLE, BUSY), id="lifecycle frames, then a break"),
        pytest.param((ROLE,), id="ends before content"),
        pytest.param((b'data: {"error": {"message": "overloaded", "code": 529}}\n\n',), id="error in the stream"),
        pytest.param((b"<html>no</html>",), id="no event stream at all"),
    ],
)
async def test_fallback_is_invisible_until_the_first_content(first: tuple[Step, ...]) -> None:
    bench = Bench({"east/small": first, "east/medium": GOOD}, FLEET, strategy="cost", floor=1.0)
    async with bench.router.open(chat()) as stream:
        reply = await stream.reply()
    assert reply.text == "hello world"
    assert bench.upstream.asked == ["east/small", "east/medium"]
    row = await bench.outcome()
    assert (row.status, row.model, row.attempts) == ("ok", "east/medium", 2)
    failed, answered = row.reasons.attempts
    assert failed.failure is not None
    assert answered.failure is None


@pytest.mark.parametrize("rest", [(BUSY,), ()], ids=["break", "ends without an end"])
async def test_after_content_a_break_is_raised(rest: tuple[Step, ...]) -> None:
    bench = Bench({"east/small": (ROLE, HELLO, *rest), "east/medium": GOOD}, FLEET, strategy="cost", floor=1.0)
    with pytest.raises(UpstreamFailed):
        async with bench.router.open(chat()) as stream:
            await stream.reply()
    assert bench.upstream.asked == ["east/small"]
    row = await bench.outcome()
    assert row.status == "broken"
    assert "east/small" in bench.ledger.view().cooling


TOOLS = [{"type": "function", "function": {"name": "f", "parameters": {"type": "object", "properties": {}}}}]
CALL = frame({"tool_calls": [{"index": 0, "id": "c", "type": "function", "function": {"name": "f", "arguments": ""}}]})
PART = frame({"tool_calls": [{"index": 0, "function": {"arguments": '{"a": '}}]})
THOUGHT = frame({"reasoning_content": "hm"})


@pytest.mark.parametrize(
    ("first", "tools", "invisible"),
    [
        pytest.param((ROLE, CALL, PART), True, True, id="in a call"),
        pytest.param((ROLE, THOUGHT, THOUGHT), True, True, id="in thinking"),
        pytest.param((ROLE, THOUGHT, CALL, PART), True, True, id="in a call after thinking"),
        pytest.param((ROLE, frame({"content": "\n"}), CALL), True, True, id="in a call after a blank"),
        pytest.param((ROLE, HELLO, CALL, PART), True, False, id="in a call after words"),
        pytest.param((ROLE, THOUGHT), False, False, id="in thinking, for who has no tools"),
    ],
)
async def test_half_a_call_is_never_shown(first: tuple[Step, ...], tools: bool, invisible: bool) -> None:
    """C1, C2: agents that were shown a part of an answer give up when it breaks."""
    bench = Bench({"east/small": (*first, BUSY), "east/medium": GOOD}, FLEET, strategy="cost", floor=1.0)
    sink = Sink()

    async def ask() -> None:
        async with bench.router.open(chat(**({"tools": TOOLS} if tools else {}))) as stream:
            await sink.write(await stream.relay(sink))

    if invisible:
        await ask()
        assert b"".join(sink.got) == b"".join(step for step in GOOD if isinstance(step, bytes))
    else:
        with pytest.raises(UpstreamFailed):
            await ask()
    assert bench.upstream.asked == (["east/small", "east/medium"] if invisible else ["east/small"])


BROKEN_WORD = b'data: {"choices":[{"index":0,"delta":{"content":"so"}\n\n'


@pytest.mark.parametrize(
    ("burst", "shown"),
    [
        pytest.param(ROLE + HELLO, True, id="words"),
        pytest.param(ROLE + BROKEN_WORD, False, id="words that cannot be read"),
        pytest.param(HELLO + b'data: {"error":{"message":"no"}}\n\n', False, id="words and an error"),
    ],
)
async def test_first_words_go_out_unread_only_where_nothing_else_came_with_them(burst: bytes, shown: bool) -> None:
    bench = Bench(
        {"east/small": (burst, WORLD, STOP, USAGE, DONE), "east/medium": GOOD}, FLEET, strategy="cost", floor=1.0
    )
    sink = Sink()
    async with bench.router.open(chat()) as stream:
        await sink.write(await stream.relay(sink))
    assert sink.got[0] == (burst if shown else ROLE + HELLO)
    assert bench.upstream.asked == (["east/small"] if shown else ["east/small", "east/medium"])
    row = await bench.outcome()
    assert (row.status, row.prompt_tokens, row.output_tokens) == ("ok", 100, 7)


LONG, BRIEF = "Write code between <code> and </code>. " * 200, "Be brief."


@pytest.mark.parametrize(
    ("system", "stop", "purpose", "held"),
    [
        pytest.param(LONG, ["</code>"], Purpose.CHAT, True, id="an agent whose calls stand in its text"),
        pytest.param(LONG, [], Purpose.CHAT, False, id="a chat with a long prompt"),
        pytest.param(BRIEF, ["\n"], Purpose.CHAT, False, id="a chat with a stop"),
        pytest.param(LONG, ["\n"], Purpose.COMPLETE, False, id="somebody who types"),
    ],
)
async def test_text_that_a_program_reads_calls_from_is_held_too(
    system: str, stop: list[str], purpose: Purpose, held: bool
) -> None:
    """C1: such an agent gives up as well when a part of an answer was shown to it."""
    request = chat(stop=stop, messages=[{"role": "system", "content": system}, {"role": "user", "content": "hi"}])
    hold = trying.Hold(replace(request, purpose=purpose))
    assert hold.over((TextDelta("Thought: "),), 0.5) is not held
    assert hold.over((TextDelta("Thought: "),), trying.HOLD_THINKING + 1)
    assert hold.over((Finished(Finish.STOP),), 0.5)


def test_an_answer_is_held_for_a_while_only() -> None:
    call, thought = ToolStart(0, "c", "f"), ReasoningDelta("hm")
    for events, seconds, over in (
        ((thought,), 1.0, False),
        ((thought,), trying.HOLD_THINKING + 1, True),
        ((thought, call), trying.HOLD_THINKING + 1, False),
        ((call,), trying.HOLD_CALLS + 1, True),
        ((call, Finished(Finish.TOOL_CALLS)), 0.0, True),
    ):
        assert trying.Hold(chat(tools=TOOLS)).over(events, seconds) is over
        assert trying.Hold(chat()).over(events, seconds)


@pytest.mark.parametrize(
    ("failure", "paused"),
    [
        (BUSY, [0.0]),
        (Failure(Kind.BROKEN, "cut"), [0.0]),
        (Failure(Kind.RATE_LIMITED, "slow down", retry_after=1.5), [1.5]),
        (Failure(Kind.RATE_LIMITED, "slow down", retry_after=30), []),
        (Failure(Kind.RATE_LIMITED, "slow down"), []),
        (Failure(Kind.SLOW, "nothing came"), []),
        (Failure(Kind.AUTH, "bad key"), []),
    ],
    ids=lambda value: str(value.kind) if isinstance(value, Failure) else "",
)
async def test_who_is_alone_is_asked_once_more_when_the_trouble_may_be_over(
    failure: Failure, paused: list[float]
) -> None:
    """H3: a short wait is kept for the caller, and a second trouble is told."""
    bench = Bench({"east/small": [(failure,), GOOD]}, (SMALL,))
    if paused:
        async with bench.router.open(chat()) as stream:
            assert (await stream.reply()).text == "hello world"
    else:
        with pytest.raises(UpstreamFailed):
            await bench.router.open(chat()).__aenter__()
    assert bench.paused == paused
    always = Bench({"east/small": (failure,)}, (SMALL,))
    with pytest.raises(UpstreamFailed):
        await always.router.open(chat()).__aenter__()
    assert len(always.upstream.asked) == 1 + len(paused)
    typing = Bench({"east/small": [(failure,), GOOD]}, (SMALL,))
    with pytest.raises(UpstreamFailed):
        await typing.router.open(replace(chat(), purpose=Purpose.COMPLETE)).__aenter__()


async def test_a_request_at_fault_is_not_tried_elsewhere() -> None:
    wrong = Failure(Kind.INVALID, "messages[0] is wrong")
    bench = Bench({"east/small": (wrong,), "east/medium": GOOD}, FLEET, strategy="cost", floor=1.0)
    with pytest.raises(RequestRejected, match="messages"):
        async with bench.router.open(chat()):
            pass
    assert bench.upstream.asked == ["east/small"]
    assert (await bench.outcome()).status == "refused"


async def test_too_long_moves_to_larger_windows_only_and_is_told_at_the_end() -> None:
    overflow = Failure(Kind.TOO_LONG, "prompt is too long: 5 tokens > 4 maximum")
    bench = Bench(
        {"east/small": (overflow,), "east/medium": GOOD, "west/large": (BUSY,)},
        (SMALL, MEDIUM, LARGE), strategy="cost", floor=1.0,
    )  # fmt: skip
    with pytest.raises(UpstreamFailed, match="prompt is too long"):
        async with bench.router.open(chat()):
            pass
    assert bench.upstream.asked == ["east/small", "west/large", "west/large"]


async def test_a_bad_key_passes_over_the_whole_provider() -> None:
    no = Failure(Kind.AUTH, "bad key")
    bench = Bench({"east/small": (no,), "west/large": (BUSY,)}, (SMALL, MEDIUM, LARGE), strategy="cost", floor=1.0)
    with pytest.raises(UpstreamFailed, match="busy"):
        async with bench.router.open(chat()):
            pass
    assert bench.upstream.asked == ["east/small", "west/large", "west/large"]
    assert "east" in bench.ledger.view().cooling


@pytest.mark.parametrize("steps", [(HANG,), (ROLE, HANG), (ROLE, HELLO, HANG)], ids=["at once", "held", "shown"])
async def test_cancelling_closes_the_upstream_and_leaves_one_outcome(steps: tuple[Step, ...]) -> None:
    bench = Bench({"east/small": steps}, (SMALL,))

    async def ask() -> None:
        async with bench.router.open(chat()) as stream:
            await stream.reply()

    task = asyncio.create_task(ask())
    await bench.upstream.hung.wait()
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    row = await bench.outcome()
    assert (row.status, row.attempts) == ("cancelled", 1)
    assert not bench.ledger.view().cooling


async def test_a_reader_who_has_enough_closes_the_upstream() -> None:
    bench = Bench({"east/small": (ROLE, HELLO, HANG)}, (SMALL,))
    async with bench.router.open(chat()) as stream:
        async for piece in stream:
            if piece.raw == HELLO:
                break
    row = await bench.outcome()
    assert row.status == "ok"


@pytest.mark.parametrize(
    ("verdicts", "asked", "status"),
    [
        (("",), ["east/small"], "ok"),
        (("no good", ""), ["east/small", "east/medium"], "ok"),
        (("no good", "nor this"), ["east/small", "east/medium"], "failed"),
    ],
)
async def test_a_checked_reply_is_held_and_escalates(verdicts: tuple[str, ...], asked: list[str], status: str) -> None:
    bench = Bench({"east/small": GOOD, "east/medium": GOOD}, FLEET, strategy="cost", floor=1.0)
    said = iter(verdicts)
    seen: list[Reply] = []

    def check(reply: Reply) -> str:
        seen.append(reply)
        return next(said)

    opening = bench.router.open(chat(), check=check)
    if status == "ok":
        async with opening as stream:
            assert (await stream.reply()).text == "hello world"
    else:
        with pytest.raises(UpstreamFailed, match="did not pass its check: nor this"):
            async with opening:
                pass
    assert bench.upstream.asked == asked
    assert all(reply.text == "hello world" and reply.finish for reply in seen)
    row = await bench.outcome()
    assert row.status == status
    assert len(row.reasons.verdicts) == len([v for v in verdicts if v])
    assert not bench.ledger.view().cooling, "a wrong answer is no illness"
    each = {
        "east/small": (60 * 0.15 + 40 * 0.015 + 7 * 0.6) / 1e6,
        "east/medium": (60 * 0.8 + 40 * 0.08 + 7 * 3.2) / 1e6,
    }
    assert row.cost == pytest.approx(sum(each[name] for name in asked)), "what was billed and not shown is paid too"


async def test_a_weaker_model_is_no_escalation() -> None:
    bench = Bench({"east/medium": GOOD, "east/small": GOOD}, FLEET, strategy="quality")
    with pytest.raises(UpstreamFailed):
        async with bench.router.open(chat(), check=lambda reply: "no good"):
            pass
    assert bench.upstream.asked == ["east/medium"]


async def test_nobody_to_ask_is_one_outcome_too() -> None:
    bench = Bench({}, ())
    with pytest.raises(Unroutable):
        async with bench.router.open(chat()):
            pass
    assert (await bench.outcome()).status == "unroutable"


async def test_usage_is_estimated_and_marked_when_the_provider_sends_none() -> None:
    bench = Bench({"east/small": (ROLE, HELLO, WORLD, STOP, DONE)}, (SMALL,))
    async with bench.router.open(chat()) as stream:
        await stream.reply()
        assert stream.usage.estimated
        assert stream.usage.output > 0
        assert stream.usage.input > 0
    assert (await bench.outcome()).cost > 0


COUNTS = b'"usage":{"prompt_tokens":100,"completion_tokens":1},"choices"'
COUNTED = ROLE.replace(b'"choices"', COUNTS)
"""A beginning that counts, as some servers write it into every frame and Anthropic into its first one."""


@pytest.mark.parametrize("relayed", ["", "in turn", "at once"])
@pytest.mark.parametrize("said", ["content", "reasoning_content"])
async def test_an_answer_that_was_left_costs_what_was_written(relayed: str, said: str) -> None:
    word = frame({said: "words of four " * 10})
    bench = Bench({"east/small": (COUNTED, *[word] * 40, HANG)}, (SMALL,))

    async def ask() -> None:
        async with bench.router.open(chat()) as stream:
            await (stream.relay(Sink(relayed == "at once")) if relayed else stream.reply())

    task = asyncio.create_task(ask())
    await bench.upstream.hung.wait()
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    row = await bench.outcome()
    assert (row.status, row.prompt_tokens, row.output_tokens) == ("cancelled", 100, 40 * 140 // 4)
    assert row.cost == pytest.approx((100 * 0.15 + 1400 * 0.6) / 1e6)


@pytest.mark.parametrize("quick", [False, True])
async def test_tagged_thinking_is_read_to_its_end_on_its_way_through(quick: bool) -> None:
    """Trap 18: what is kept of it by the call it led to is all of it."""
    thought = [frame({"content": text}) for text in ("<think>", "let ", "me ", "see", "</think>", "so")]
    called = frame({"tool_calls": [{"index": 0, "id": IDENT, "function": {"name": "f", "arguments": "{}"}}]})
    quirks = Quirks(think_tags="read", replay_reasoning="required")
    small = replace(SMALL, model=replace(SMALL.model, quirks=quirks))
    burst = b"".join(thought)
    bench = Bench(
        {"east/small": (ROLE, thought[0] + thought[1], burst[len(thought[0] + thought[1]) :], called, STOP, DONE)},
        (small,),
    )
    sink = Sink(quick)
    async with bench.router.open(chat()) as stream:
        await sink.write(await stream.relay(sink))
    assert b"".join(sink.got) == b"".join((ROLE, burst, called, STOP, DONE))
    assert bench.router.keepsakes.thought(IDENT, "east/small") == "let me see"


async def test_a_whole_answer_is_relayed_byte_for_byte() -> None:
    body = json.dumps(
        {
            "id": "x", "object": "chat.completion", "model": "m", "unknown_future_field": [1, 2],
            "choices": [{"index": 0, "message": {"role": "assistant", "content": "hello"}, "finish_reason": "stop"}],
            "usage": {"prompt_tokens": 3, "completion_tokens": 1, "total_tokens": 4},
        }
    ).encode()  # fmt: skip
    bench = Bench({"east/small": (body,)}, (SMALL,))
    async with bench.router.open(chat(stream=False)) as stream:
        assert stream.relayed
        assert [piece.raw async for piece in stream] == [body]
    assert (await bench.outcome()).prompt_tokens == 3


async def test_answers_teach_latency_and_pin_the_session() -> None:
    bench = Bench({"east/small": GOOD}, (SMALL,))
    async with bench.router.open(chat(prompt_cache_key="s1")) as stream:
        await stream.reply()
    view = bench.ledger.view()
    assert view.pins["s1"].model == "east/small"
    assert view.latency["east/small"].n == 1


async def test_what_was_answered_locally_is_an_outcome() -> None:
    bench = Bench({}, (SMALL,))
    noted = bench.router.note(chat(), front="lsp", model="local/predictor", text="return x", confidence=0.9)
    bench.router.learn(noted.id, "accepted")
    row = await bench.outcome()
    assert (row.model, row.cost, row.label) == ("local/predictor", 0.0, "accepted")


@pytest.mark.parametrize("end", [(), (BUSY,), (HANG,)], ids=["ends", "is cut", "stays open"])
async def test_what_comes_after_the_regular_end_is_nobodys(end: tuple[Step, ...]) -> None:
    bench = Bench({"east/small": (*GOOD, *end)}, (SMALL,))
    async with bench.router.open(chat()) as stream:
        assert (await stream.reply()).text == "hello world"
    assert (await bench.outcome()).status == "ok"
    assert not bench.ledger.view().cooling


async def test_a_deadline_is_the_requests_not_each_attempts() -> None:
    given: list[float] = []

    def timeouts(request: Request, spent: float) -> Timeouts:
        left = 5.0 if not given else 0.0
        given.append(spent)
        return Timeouts(total=left)

    bench = Bench({"east/small": (BUSY,), "east/medium": GOOD}, FLEET, timeouts=timeouts, strategy="cost", floor=1.0)
    with pytest.raises(UpstreamFailed, match="busy"):
        async with bench.router.open(chat()):
            pass
    assert bench.upstream.asked == ["east/small"]
    assert given[1] >= given[0]


async def test_a_request_with_an_unknown_name_is_one_outcome_too() -> None:
    bench = Bench({}, (SMALL,))

    def unknown(request: Request) -> Plan:
        raise RequestRejected(Failure(Kind.UNKNOWN_MODEL, "no model is called that"))

    bench.router.plan = unknown
    with pytest.raises(RequestRejected):
        async with bench.router.open(chat()):
            pass
    assert (await bench.outcome()).status == "refused"


async def test_simulated_answers_cost_nothing() -> None:
    simulated = replace(SMALL, provider=replace(SMALL.provider, simulated=True))
    bench = Bench({"east/small": GOOD}, (simulated,))
    async with bench.router.open(chat()) as stream:
        await stream.reply()
        assert stream.cost == 0
    assert bench.ledger.spent_today == 0


async def test_running_requests_count_against_the_budget() -> None:
    bench = Bench({"east/small": (ROLE, HELLO, HANG)}, (SMALL,))
    async with bench.router.open(chat()) as stream:
        assert bench.ledger.view().spent_today == pytest.approx(stream.decision.candidates[0].cost)
    assert bench.ledger.view().spent_today == pytest.approx(stream.cost)


@pytest.mark.parametrize(("clock", "dollars"), [(3600.0, 0.15), (50_000.0, 0.3)], ids=["off-peak", "peak"])
async def test_an_answer_costs_what_held_when_it_was_asked_for(clock: float, dollars: float) -> None:
    cheap = SMALL.model.price
    dear = replace(cheap, input=2 * cheap.input, cached=2 * cheap.cached, output=2 * cheap.output)
    tariff = Tariff((Spell(dear), Spell(cheap, hours=((0, 600),))))
    offer = replace(SMALL, model=replace(SMALL.model, price=dear, tariff=tariff))
    bench = Bench({"east/small": GOOD}, (offer,))
    bench.router.clock = lambda: clock
    async with bench.router.open(chat(), front="http") as stream:
        await stream.reply()
    factor = dollars / 0.15
    assert (await bench.outcome()).cost == pytest.approx(factor * (60 * 0.15 + 40 * 0.015 + 7 * 0.6) / 1e6)


BETA = {"anthropic-beta": "context-management-2025-06-27"}


@pytest.mark.parametrize(("understood", "expected"), [(True, BETA), (False, {})])
async def test_beta_headers_go_only_where_they_are_understood(understood: bool, expected: dict[str, str]) -> None:
    """T37, W28: on the same wire, to a provider that knows them, and to nobody else."""
    small = replace(SMALL, model=replace(SMALL.model, quirks=Quirks(beta_headers=understood)))
    bench = Bench({"east/small": GOOD}, (small,))
    async with bench.router.open(replace(chat(), headers=BETA)) as stream:
        await stream.reply()
    assert bench.upstream.forwarded == [expected]


async def test_a_refused_history_of_thinking_is_tried_once_without_it() -> None:
    """A4: the same model, once; refused again, the caller hears it."""
    wrong = Failure(Kind.INVALID, "messages.1.content.0: Invalid `signature` in `thinking` block")
    bench = Bench({"east/small": (wrong,), "east/medium": GOOD}, FLEET, strategy="cost", floor=1.0)
    with pytest.raises(RequestRejected, match="signature"):
        async with bench.router.open(chat()):
            pass
    assert bench.upstream.asked == ["east/small", "east/small"]
    assert any("without it" in reason for reason in (await bench.outcome()).reasons.decision.reasons)


async def test_answers_whose_tags_are_to_be_read_are_rebuilt() -> None:
    """Trap 18: only where the quirk says so; else a relay is not touched."""
    tagged = (ROLE, frame({"content": "<think>hm</think>yes"}), STOP, DONE)
    for quirk, relayed in (("read", True), ("always", False)):
        small = replace(SMALL, model=replace(SMALL.model, quirks=Quirks(think_tags=quirk)))
        bench = Bench({"east/small": tagged}, (small,))
        async with bench.router.open(chat()) as stream:
            reply = await stream.reply()
            assert stream.relayed is relayed
        assert (reply.text, reply.reasoning[0].text) == ("yes", "hm")


async def test_an_answer_that_is_cut_at_a_stop_sequence_leaves_the_upstream_at_once() -> None:
    """The model goes on, but nobody reads it; what was written until then is what it costs."""
    small = replace(SMALL, model=replace(SMALL.model, quirks=Quirks(drop=("stop",))))
    bench = Bench({"east/small": (COUNTED, HELLO, WORLD, HANG)}, (small,))
    async with bench.router.open(chat(stop="lo wor")) as stream:
        reply = await stream.reply()
        assert not stream.relayed
    assert (reply.text, reply.finish, reply.stop) == ("hel", Finish.STOP_SEQUENCE, "lo wor")
    assert not bench.upstream.hung.is_set()
    row = await bench.outcome()
    assert (row.status, row.prompt_tokens, row.output_tokens) == ("ok", 100, 1)
    assert not any("cannot carry" in reason for reason in row.reasons.decision.reasons)
