"""A history that comes again is not read again, and nobody can tell but by the time it takes."""

from __future__ import annotations

import json
from typing import Any

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from codriver.errors import RequestRejected
from codriver.wire import anthropic, openai_chat, prefix, relay
from codriver.wire.survey import Survey

WIRES = {"openai_chat": openai_chat, "anthropic": anthropic}
LONG = "a line of text, as an agent reads it\n" * 200


def turn(wire: str, number: int, text: str) -> list[dict[str, Any]]:
    """What an agent adds to its history in one step: a call and its result."""
    if wire == "anthropic":
        call = {"type": "tool_use", "id": f"t{number}", "name": "read", "input": {"messages": [1, 2]}}
        answer = {"type": "tool_result", "tool_use_id": f"t{number}", "content": text}
        return [{"role": "assistant", "content": [call]}, {"role": "user", "content": [answer]}]
    function = {"name": "read", "arguments": '{"messages": [1]}'}
    call = {"id": f"t{number}", "type": "function", "function": function}
    return [
        {"role": "assistant", "content": None, "tool_calls": [call]},
        {"role": "tool", "tool_call_id": f"t{number}", "content": text},
    ]


def body(wire: str, turns: int, *, first: str = "Fix the parser.", **dump: Any) -> bytes:
    messages: list[dict[str, Any]] = [{"role": "user", "content": first}]
    for number in range(turns):
        messages += turn(wire, number, f"{number} {LONG}")
    page = {"model": "auto", "metadata": {"messages": ["not these"]}, "max_tokens": 100, "messages": messages}
    return json.dumps(page | {"stream": True, "temperature": 0.5}, **dump).encode()


def told(wire: str, data: bytes) -> dict[str, Any]:
    """Everything a request says, but for its own id."""
    request = WIRES[wire].parse(data, {})
    names = ("purpose", "model", "stream", "limits", "needs", "tail", "session", "body", "conversation", "input_tokens")
    return {name: getattr(request, name) for name in names}


def afresh(wire: str, data: bytes, monkeypatch: pytest.MonkeyPatch) -> dict[str, Any]:
    """The same by a reader that remembers nothing."""
    with monkeypatch.context() as patched:
        patched.setattr(prefix, "SMALLEST", 1 << 40)
        return told(wire, data)


@pytest.mark.parametrize("dump", [{}, {"separators": (",", ":")}, {"indent": 1}], ids=["spaced", "compact", "indented"])
@pytest.mark.parametrize("wire", WIRES)
def test_a_growing_session_reads_as_if_each_body_were_the_first(
    wire: str, dump: dict[str, Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    for turns in range(3, 24, 2):
        data = body(wire, turns, **dump)
        whole, grown = afresh(wire, data, monkeypatch), told(wire, data)
        rough, exact = grown.pop("input_tokens"), whole.pop("input_tokens")
        assert grown == whole
        assert rough == pytest.approx(exact, rel=0.15)


@pytest.mark.parametrize("wire", WIRES)
def test_only_what_is_new_is_decoded(wire: str, monkeypatch: pytest.MonkeyPatch) -> None:
    module = WIRES[wire].inbound
    sizes: list[int] = []

    class Counting:
        def decode(self, data: bytes) -> Any:
            sizes.append(len(data))
            return module._BODY.decode(data)

    monkeypatch.setattr(module, "_READER", prefix.Reader(Counting(), module._walk))
    for turns in (20, 21, 22):
        told(wire, body(wire, turns).replace(b'{"messages": [1, 2]}', b"{}"))
    assert sizes[0] > 100_000 and max(sizes[1:]) < 60_000


@pytest.mark.parametrize("wire", WIRES)
@pytest.mark.parametrize(
    ("damage", "says"),
    [
        (lambda data: data[:-40], "not valid JSON"),
        (lambda data: data.replace(b'"temperature": 0.5', b'"temperature": "warm"'), "temperature"),
        (lambda data: data.replace(b'"role": "assistant", "content"', b'"role": 7, "content"'), "messages["),
    ],
    ids=["cut", "wrong type", "wrong role"],
)
def test_what_is_wrong_in_the_new_part_is_told_with_its_real_place(
    wire: str, damage: Any, says: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    told(wire, body(wire, 12))
    data = body(wire, 14)
    cut = data.rindex(b'"role": "assistant"')
    broken = data[: cut - 1] + damage(data[cut - 1 :])
    with pytest.raises(RequestRejected, match=says.replace("[", r"\[")) as late:
        told(wire, broken)
    with pytest.raises(RequestRejected) as early:
        afresh(wire, broken, monkeypatch)
    assert str(late.value) == str(early.value)


@pytest.mark.parametrize("wire", WIRES)
def test_a_second_list_of_messages_is_the_one_that_counts(wire: str, monkeypatch: pytest.MonkeyPatch) -> None:
    told(wire, body(wire, 12))
    twice = body(wire, 12)[:-1] + b', "messages": [{"role": "user", "content": "the last word"}]}'
    assert told(wire, twice)["conversation"] == afresh(wire, twice, monkeypatch)["conversation"]
    assert told(wire, twice)["tail"] == ("the last word",)


@settings(max_examples=60, deadline=None)
@given(
    st.lists(st.dictionaries(st.text(max_size=6), st.text(max_size=12), max_size=3), min_size=1, max_size=12),
    st.dictionaries(st.sampled_from(["a", "messages ", "tools"]), st.text(max_size=20), max_size=3),
    st.sampled_from([None, 1]),
)
def test_a_boundary_is_where_a_message_begins(messages: list[Any], before: dict[str, Any], indent: int | None) -> None:
    data = json.dumps(before | {"messages": messages, "x": '"messages": ['}, indent=indent).encode()
    place = prefix._boundary(data)
    if place is None:
        assert len(messages) <= prefix.LAST
        return
    first, last, count = place
    rest = data[:first] + data[last:]
    assert count == len(messages) - prefix.LAST
    assert json.loads(rest) == before | {"messages": messages[count:], "x": '"messages": ['}


def test_memory_is_bounded() -> None:
    reader: prefix.Reader[Any, Any] = prefix.Reader(
        msgspec.json.Decoder(type("Talk", (msgspec.Struct,), {"__annotations__": {"messages": list[Any]}})), _nothing
    )
    for session in range(prefix.ENTRIES * 2):
        reader.read(body("openai_chat", 8, first=f"session {session}"))
    assert len(reader._held) == prefix.ENTRIES
    assert reader._bytes == sum(len(known.start) for known in reader._held) <= prefix.BYTES
    assert relay.fields(body("openai_chat", 8))  # the sample is sound


def _nothing(messages: list[Any], before: int, survey: Survey) -> None:
    pass
