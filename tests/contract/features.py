"""The features of the contract: what is asked through an SDK, and what must have arrived on either side of Codriver.

Each check takes a client and a place and fails by an assertion. Nothing in here knows an SDK or a wire by name.
"""

from __future__ import annotations

import asyncio
import base64
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, replace
from typing import Any

from contract.asking import Ask, Client, Dropped, Function, Refused, Said
from contract.place import Place, until
from contract.upstreams import RESPONSES

Check = Callable[[Client, Place], Awaitable[None]]

WORDS = "漢字 🙂 naïve"
CHAT = Ask(f"Tell me about parsers {WORDS}")
WRITE = Function(
    "write_file",
    "Writes a file",
    {
        "type": "object",
        "properties": {"path": {"type": "string"}, "content": {"type": "string"}},
        "required": ["path", "content"],
        "additionalProperties": False,
    },
)
WEATHER = Function(
    "weather",
    "Forecast",
    {
        "type": "object",
        "properties": {"city": {"type": "string"}, "days": {"type": "integer"}},
        "required": ["city", "days"],
        "additionalProperties": False,
    },
)
UNICODE = "Grüße, ñandú, 漢字 🚗"
"""What the simulator puts into a file when nobody says what."""
TOOLS = Ask("Write a file größe.py", tools=(WRITE, WEATHER))
PERSON = {
    "type": "object",
    "properties": {"name": {"type": "string"}, "age": {"type": "integer"}, "größe": {"type": "number"}},
    "required": ["name", "age", "größe"],
    "additionalProperties": False,
}
PNG = base64.b64decode(
    "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNkYPhfDwAChwGA60e6kgAAAABJRU5ErkJggg=="
)


@dataclass(frozen=True, slots=True)
class Feature:
    """A row of the matrix: its name, what it holds, and how it is checked."""

    name: str
    about: str
    check: Check


# Text.


async def _text(client: Client, place: Place) -> None:
    said = await client.ask(CHAT)
    assert "simulated answer" in said.text and WORDS in said.text, said
    assert said.finish == "stop", said
    place.sent()


async def _stream(client: Client, place: Place) -> None:
    said = await client.ask(replace(CHAT, stream=True))
    assert "simulated answer" in said.text and WORDS in said.text, said
    assert said.finish == "stop" and said.pieces > 2, said
    assert place.log()[0]["stream"] is True


async def _system(client: Client, place: Place) -> None:
    await client.ask(replace(CHAT, system="Be brief: 簡潔"))
    assert "簡潔" in place.upstream.system(place.sent())


async def _usage(client: Client, place: Place) -> None:
    _same_count(await client.ask(CHAT), place)


async def _usage_in_stream(client: Client, place: Place) -> None:
    _same_count(await client.ask(replace(CHAT, stream=True)), place)


def _same_count(said: Said, place: Place) -> None:
    """The caller sees what the ledger booked, and that is what the upstream counted."""
    booked = place.decision()["usage"]
    assert not booked["estimated"], "the upstream's own count was lost"
    told = (booked["input"] + booked["cached"] + booked["written"], booked["output"])
    assert said.usage == told and min(told) > 0, f"shown {said.usage}, booked {told}"


async def _length(client: Client, place: Place) -> None:
    said = await client.ask(replace(CHAT, max_tokens=17))
    assert said.finish == "length", said


async def _length_in_stream(client: Client, place: Place) -> None:
    said = await client.ask(replace(CHAT, max_tokens=17, stream=True))
    assert said.finish == "length", said


def _stop(stream: bool) -> Check:
    async def check(client: Client, place: Place) -> None:
        said = await client.ask(replace(CHAT, stop=("You said", "never said"), stream=stream))
        told = place.upstream.stops(place.sent())
        # The responses wire has no such word: there the answer is cut here.
        assert told == ([] if place.upstream is RESPONSES else ["You said", "never said"]), told
        assert said.text.endswith("asked. ") or said.text.endswith("asked."), said
        assert said.finish in ("stop", "stop_sequence"), said

    return check


def _told(place: Place, *names: str) -> Exception:
    """Dropped if the decision's reasons name what did not arrive, else a failure."""
    reasons = " ".join(place.decision()["decision"]["reasons"])
    carried = reasons.partition("cannot carry: ")[2].replace(",", " ").split()
    found = [name for name in names if name in carried]
    return Dropped(found[0]) if found else AssertionError(f"{names} did not arrive, and nobody was told: {reasons!r}")


async def _choices(client: Client, place: Place) -> None:
    said = await client.ask(replace(CHAT, n=3))
    assert len(said.texts) == 3 and all("simulated" in text for text in said.texts), said
    assert place.upstream.n(place.sent()) == 3


async def _choices_in_stream(client: Client, place: Place) -> None:
    said = await client.ask(replace(CHAT, n=3, stream=True))
    assert len(said.texts) == 3 and all("simulated" in text for text in said.texts), said
    assert place.upstream.n(place.sent()) == 3


# Tools.


def _calls_one(stream: bool) -> Check:
    async def check(client: Client, place: Place) -> None:
        said = await client.ask(replace(TOOLS, stream=stream))
        (call,) = said.calls
        assert call.id and call.name == "write_file", said
        assert call.arguments["path"] == "größe.py" and UNICODE in call.arguments["content"], call
        assert said.finish == "tool_calls", said
        assert place.upstream.tools(place.sent()) == {"write_file", "weather"}

    return check


def _calls_two(stream: bool) -> Check:
    async def check(client: Client, place: Place) -> None:
        said = await client.ask(replace(TOOLS, text="Write the files größe.py and maß.py", stream=stream))
        assert [call.name for call in said.calls] == ["write_file"] * 2, said
        assert [call.arguments["path"] for call in said.calls] == ["größe.py", "maß.py"], said
        assert len({call.id for call in said.calls}) == 2, said
        assert all(UNICODE in call.arguments["content"] for call in said.calls), said
        assert said.finish == "tool_calls", said

    return check


def _loop(stream: bool) -> Check:
    """Calls, their results, and the words after them: the upstream is strict about who answers which call."""

    async def check(client: Client, place: Place) -> None:
        asked = replace(TOOLS, text="Write the files größe.py and maß.py", stream=stream)
        first = await client.ask(asked)
        assert len(first.calls) == 2, first
        done = await client.ask(replace(asked, after=(first, ("geschrieben ✓", "写好了 ✓"))))
        assert "write_file on größe.py; write_file on maß.py" in done.text, done
        assert done.finish == "stop", done
        body = str(place.log()[-1]["body"])
        assert "geschrieben ✓" in body and "写好了 ✓" in body

    return check


async def _choice_auto(client: Client, place: Place) -> None:
    said = await client.ask(replace(TOOLS, choice="auto"))
    assert len(said.calls) == 1, said
    assert place.upstream.choice(place.sent()) == "auto"


async def _choice_none(client: Client, place: Place) -> None:
    said = await client.ask(replace(TOOLS, choice="none"))
    assert not said.calls and said.text, said
    sent = place.sent()
    assert place.upstream.choice(sent) == "none" or not place.upstream.tools(sent)


async def _choice_required(client: Client, place: Place) -> None:
    said = await client.ask(replace(CHAT, tools=TOOLS.tools, choice="required"))
    assert len(said.calls) == 1 and said.finish == "tool_calls", said
    assert place.upstream.choice(place.sent()) == "required"


async def _choice_named(client: Client, place: Place) -> None:
    said = await client.ask(replace(TOOLS, choice="weather"))
    assert [call.name for call in said.calls] == ["weather"] and said.finish == "tool_calls", said
    assert isinstance(said.calls[0].arguments["days"], int)
    assert place.upstream.choice(place.sent()) == "weather"


async def _one_at_most(client: Client, place: Place) -> None:
    said = await client.ask(replace(TOOLS, text="Write the files größe.py and maß.py", parallel=False))
    if not place.upstream.single(place.sent()):
        raise _told(place, "parallel_tool_calls")
    assert len(said.calls) == 1, said


# Form and images.


def _schema(stream: bool) -> Check:
    async def check(client: Client, place: Place) -> None:
        import json

        said = await client.ask(Ask("Somebody", schema=PERSON, stream=stream))
        person = json.loads(said.text)
        assert set(person) == set(PERSON["properties"]), said
        assert isinstance(person["age"], int) and isinstance(person["name"], str), said
        assert place.upstream.schema(place.sent()) == set(PERSON["properties"])

    return check


async def _image(client: Client, place: Place) -> None:
    said = await client.ask(replace(CHAT, image=PNG))
    assert "simulated" in said.text, said
    assert base64.b64decode(place.upstream.image(place.sent())) == PNG


# Errors.


async def _refusal(client: Client, ask: Ask) -> Refused:
    try:
        said = await client.ask(ask)
    except Refused as refused:
        return refused
    raise AssertionError(f"answered as if nothing were wrong: {said}")


def _error(ask: Ask, status: int, *words: str, fault: Mapping[str, Any] | None = None, tries: int = 0) -> Check:
    """A check that an error reaches the caller as his SDK's own, of this status and with these words."""

    async def check(client: Client, place: Place) -> None:
        if fault:
            place.fault(**fault)
        refused = await _refusal(client, ask)
        assert refused.status == status, refused
        for word in words:
            assert word in refused.message, refused
        assert len(place.log()) == tries, f"the upstream was asked {len(place.log())} times"

    return check


def _retry_after(stream: bool) -> Check:
    async def check(client: Client, place: Place) -> None:
        place.fault("429", retry_after=17)
        refused = await _refusal(client, replace(CHAT, stream=stream))
        assert refused.status == 429, refused
        assert 15 <= float(refused.retry_after or 0) <= 17, f"retry-after: {refused.retry_after!r}"

    return check


def _overloaded_once(stream: bool) -> Check:
    """Who is alone is asked once more: nobody sees a trouble that passes before the first content."""

    async def check(client: Client, place: Place) -> None:
        place.fault("529")
        said = await client.ask(replace(CHAT, stream=stream))
        assert "simulated" in said.text and said.finish == "stop", said
        assert [entry["fault"] for entry in place.log()] == ["529", ""]

    return check


async def _filtered(client: Client, place: Place) -> None:
    place.fault("filter")
    said = await client.ask(CHAT)
    assert said.finish == "filtered", said


async def _filtered_in_stream(client: Client, place: Place) -> None:
    place.fault("filter")
    said = await client.ask(replace(CHAT, stream=True))
    assert said.finish == "filtered", said


_DEEP = 15
"""Content frames before something happens: behind the thinking, which some SDKs do not show."""


async def _cut(client: Client, place: Place) -> None:
    place.fault("cut", after=_DEEP)
    refused = await _refusal(client, replace(CHAT, stream=True))
    assert refused.status in (0, 200) and refused.pieces > 0 and refused.message, refused


# Leaving, and many at once.


def _leaves(stream: bool, fault: Mapping[str, Any], shown: bool) -> Check:
    """A caller that leaves closes the upstream: known by what the upstream saw, not by time."""

    async def check(client: Client, place: Place) -> None:
        place.fault(**fault)
        begun = asyncio.Event()
        ask = replace(CHAT, stream=stream, seen=lambda _: begun.set())
        asking = asyncio.ensure_future(client.ask(ask))
        try:
            await until(lambda: [entry for entry in place.log() if entry["fault"]], "the upstream to be asked")
            if shown:
                await asyncio.wait_for(begun.wait(), 10)
            assert not asking.done(), "answered before anybody left"
        finally:
            await _given_up(asking)
        entry = await until(lambda: [entry for entry in place.log() if entry["ended"]], "the upstream to be closed")
        assert entry[0]["ended"] == "disconnected", entry[0]["ended"]

    return check


async def _given_up(asking: asyncio.Future[Said]) -> None:
    """Cancels until it is so: Python 3.11's wait_for, around which some SDKs stand, can swallow the first time."""
    for _ in range(5):
        asking.cancel()
        await asyncio.wait({asking}, timeout=2)
        if asking.done():
            return
    raise AssertionError("the SDK cannot be cancelled")


async def _many(client: Client, place: Place) -> None:
    said = await asyncio.gather(*(client.ask(Ask(f"Greet guest-{n:02}-ß", stream=True)) for n in range(32)))
    for number, answer in enumerate(said):
        named = {other for other in range(32) if f"guest-{other:02}-ß" in answer.text}
        assert named == {number} and answer.finish == "stop", answer
    assert len(place.log()) == 32


_LONG = Ask("ab cd. " * 60_000)

FEATURES: tuple[Feature, ...] = (
    Feature("text", "text of several scripts, whole", _text),
    Feature("stream", "the same, streamed", _stream),
    Feature("system", "a system prompt in the upstream's own place", _system),
    Feature("usage", "tokens as the upstream counted them", _usage),
    Feature("usage-stream", "the same in a stream", _usage_in_stream),
    Feature("length", "cut by max tokens, and said so", _length),
    Feature("length-stream", "the same in a stream", _length_in_stream),
    Feature("stop", "stop sequences", _stop(False)),
    Feature("stop-stream", "the same in a stream", _stop(True)),
    Feature("n", "three choices", _choices),
    Feature("n-stream", "three choices in a stream", _choices_in_stream),
    Feature("tool", "a call with unicode arguments", _calls_one(False)),
    Feature("tool-stream", "the same in a stream", _calls_one(True)),
    Feature("tools", "two calls at once, ids apart", _calls_two(False)),
    Feature("tools-stream", "the same in a stream", _calls_two(True)),
    Feature("loop", "results go back, the model goes on", _loop(False)),
    Feature("loop-stream", "the same in a stream", _loop(True)),
    Feature("choice-auto", "tool_choice auto", _choice_auto),
    Feature("choice-none", "tool_choice none", _choice_none),
    Feature("choice-required", "tool_choice required", _choice_required),
    Feature("choice-named", "tool_choice names a tool", _choice_named),
    Feature("one-call", "one call at most", _one_at_most),
    Feature("schema", "output after a JSON schema", _schema(False)),
    Feature("schema-stream", "the same in a stream", _schema(True)),
    Feature("image", "an image, byte for byte", _image),
    Feature("bad-key", "a wrong key at us: 401", _error(replace(CHAT, model=""), 401)),
    Feature("no-model", "an unknown model: 404", _error(replace(CHAT, model="nonsense-9"), 404, "nonsense-9")),
    Feature("bad-body", "a field of a wrong type: 400 names it", _error(replace(CHAT, temperature="hot"), 400, "temp")),
    Feature("too-long", "longer than every window: 400 in the words agents look for", _error(_LONG, 400, "too long")),
    Feature(
        "too-long-told",
        "the upstream says so: 400, the same words",
        _error(CHAT, 400, "too long", fault={"fault": "too_long"}, tries=1),
    ),
    Feature("rate-limit", "429 with Retry-After", _retry_after(False)),
    Feature("rate-limit-stream", "the same for a stream", _retry_after(True)),
    Feature(
        "upstream-401", "our key is wrong upstream: 502", _error(CHAT, 502, "key", fault={"fault": "401"}, tries=1)
    ),
    Feature(
        "overloaded",
        "529 upstream: asked once more, then 503",
        _error(CHAT, 503, "verloaded", fault={"fault": "529", "times": 0}, tries=2),
    ),
    Feature("overloaded-once", "one 529 upstream is nobody's trouble", _overloaded_once(False)),
    Feature("overloaded-once-stream", "the same for a stream", _overloaded_once(True)),
    Feature(
        "overloaded-stream",
        "an error event before the first content: the same",
        _error(replace(CHAT, stream=True), 503, "verloaded", fault={"fault": "error_event", "times": 0}, tries=2),
    ),
    Feature("filtered", "the model's answer was filtered", _filtered),
    Feature("filtered-stream", "the same in a stream", _filtered_in_stream),
    Feature(
        "policy",
        "the prompt was refused by policy: 400",
        _error(CHAT, 400, "flagged", fault={"fault": "content_policy"}, tries=1),
    ),
    Feature("cut", "a stream that breaks is an error, not an end", _cut),
    Feature("leave", "leaving closes the upstream, whole", _leaves(False, {"fault": "slow", "delay": 60}, False)),
    Feature("leave-before", "before the first token", _leaves(True, {"fault": "stall"}, False)),
    Feature("leave-after", "after the first token", _leaves(True, {"fault": "stall", "after": _DEEP}, True)),
    Feature("streams-32", "32 streams at once, none mixed", _many),
)
