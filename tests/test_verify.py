"""Verdicts on whole replies."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from codriver.model.events import Finish, Reply
from codriver.model.request import Conversation, Limits, Purpose, Request, Tool, ToolCall
from codriver.verify import obeys, refuses, repeats, verdict

CHAT = Request("r", Purpose.CHAT)
COMPLETE = Request("r", Purpose.COMPLETE)
CAPPED = Request("r", Purpose.CHAT, wire="openai_chat", limits=Limits(max_tokens=5))
REFACTOR = Request("r", Purpose.REFACTOR, limits=Limits(max_tokens=500))
TOOLED = Request("r", Purpose.MAIN, unfold=lambda: Conversation((), (Tool("read", "", {}),)))
POINT = {
    "type": "json_schema",
    "schema": {"type": "object", "required": ["x"], "properties": {"x": {"type": "integer"}}},
}
JSON = Request("r", Purpose.CHAT, limits=Limits(schema=POINT))


def calls(name: str, arguments: str) -> Reply:
    return Reply(tool_calls=(ToolCall("1", name, arguments),), finish=Finish.TOOL_CALLS)


@pytest.mark.parametrize(
    ("request_", "reply", "expected"),
    [
        (CHAT, Reply("Fine.", finish=Finish.STOP), ""),
        (CHAT, Reply("Fine.", finish=Finish.STOP_SEQUENCE), ""),
        (CHAT, Reply("Fine", finish=None), "cut"),
        (CHAT, Reply("Fine", finish=Finish.LENGTH), "cut"),
        (REFACTOR, Reply("Fine", finish=Finish.LENGTH), "cut"),
        (CAPPED, Reply("Fine", finish=Finish.LENGTH), ""),
        (COMPLETE, Reply("fine(", finish=Finish.LENGTH), ""),
        (CHAT, Reply("Fine", finish=Finish.FILTERED), "filtered"),
        (CHAT, Reply(" \n", finish=Finish.STOP), "empty"),
        (CHAT, Reply("", finish=Finish.PAUSE), ""),
        (TOOLED, Reply("", tool_calls=(ToolCall("1", "read", "{}"),), finish=Finish.TOOL_CALLS), ""),
        (
            TOOLED,
            Reply("", tool_calls=(ToolCall("1", "raed", "{}"),), finish=Finish.TOOL_CALLS),
            "calls an unknown tool raed",
        ),
        (
            TOOLED,
            Reply("", tool_calls=(ToolCall("1", "read", '{"a'),), finish=Finish.TOOL_CALLS),
            "arguments of read are not JSON",
        ),
        (CHAT, Reply("I'm sorry, but I can't assist with that.", finish=Finish.STOP), "refused"),
        (COMPLETE, Reply("I can't help it\n", finish=Finish.STOP), ""),
        (JSON, Reply('{"x": 1}', finish=Finish.STOP), ""),
        (JSON, Reply("x is 1", finish=Finish.STOP), "not JSON"),
        (JSON, Reply('{"y": 1}', finish=Finish.STOP), "x is missing"),
        (CHAT, Reply("and so on\n" * 20, finish=Finish.STOP), "repeats itself"),
    ],
)
def test_verdict(request_: Request, reply: Reply, expected: str) -> None:
    assert verdict(request_, reply) == expected


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("I cannot help with that request.", True),
        ("Sorry, I'm unable to provide this.", True),
        ("As an AI language model, I can't do that.", True),
        ("Unfortunately, I cannot assist with this.", True),
        ("I can help: rename the variable.", False),
        ("Sorry for the confusion. The loop is off by one.", False),
        ("I can't help but notice the bug.\n```py\nx = 1\n```", False),
        ("The function raises when it cannot help.", False),
        ("I can't find the file a.py; which one do you mean?", False),
    ],
)
def test_refuses(text: str, expected: bool) -> None:
    assert refuses(text) is expected


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("a = 1\nb = 2\n", False),
        ("x = compute(y)\n" * 12, True),
        ("if a:\n    return b\n\n" * 10, True),
        ("head\n" + "word word " * 20, True),
        ("-" * 200, False),
        ("[" + "0, " * 50 + "]", False),
        ("    }\n" * 7, False),
        ("case A:\n    break\ncase B:\n    break\ncase C:\n    break\n", False),
    ],
)
def test_repeats(text: str, expected: bool) -> None:
    assert repeats(text) is expected


@pytest.mark.parametrize(
    ("text", "schema", "expected"),
    [
        ("anything", None, ""),
        ("[1]", {"type": "json_object"}, "not a JSON object"),
        ("{}", {"type": "json_object"}, ""),
        ("[1, 2.0]", {"schema": {"type": "array", "items": {"type": "integer"}}}, ""),
        ("[1, true]", {"schema": {"type": "array", "items": {"type": "integer"}}}, "[1] is not of type integer"),
        ('"a"', {"schema": {"enum": ["b"]}}, "reply is none of the allowed values"),
        ("null", {"schema": {"type": ["string", "null"]}}, ""),
        (
            '{"a": {"b": 1}}',
            {"schema": {"properties": {"a": {"required": ["c"]}}}},
            "a.c is missing",
        ),
        ('{"a": 1}', {"schema": {"type": "mystery", "properties": {"a": True}}}, ""),
    ],
)
def test_obeys(text: str, schema: dict[str, object] | None, expected: str) -> None:
    assert obeys(text, schema) == expected


@settings(max_examples=60, deadline=None)
@given(st.text(max_size=300), st.sampled_from([*Finish, None]))
def test_a_verdict_never_raises(text: str, finish: Finish | None) -> None:
    assert isinstance(verdict(JSON, Reply(text, finish=finish)), str)
