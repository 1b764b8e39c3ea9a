"""Words of ours behind a caller's system prompt: on his own wire and on every other one, and nothing else changes."""

from __future__ import annotations

import json
from typing import Any

import pytest

from codriver.model.request import Conversation, Fim, Message, Purpose, Request, Text
from codriver.wire import addition, codec

WORDS = "Answer briefly."
CHAT = {"model": "auto", "messages": [{"role": "user", "content": "hello"}]}
HUMAN = {"role": "user", "content": "hello"}

CASES: list[Any] = [
    ("openai_chat", {"messages": [HUMAN]}, {"messages": [{"role": "system", "content": WORDS}, HUMAN]}),
    (
        "openai_chat",
        {"messages": [{"role": "system", "content": "Be kind."}, HUMAN]},
        {"messages": [{"role": "system", "content": f"Be kind.\n\n{WORDS}"}, HUMAN]},
    ),
    (
        "openai_chat",
        {"messages": [{"role": "system", "content": "a"}, {"role": "developer", "content": [], "name": "n"}, HUMAN]},
        {
            "messages": [
                {"role": "system", "content": "a"},
                {"role": "developer", "content": WORDS, "name": "n"},
                HUMAN,
            ]
        },
    ),
    (
        "openai_chat",
        {"messages": [{"role": "system", "content": [{"type": "text", "text": "a"}]}, HUMAN]},
        {
            "messages": [
                {"role": "system", "content": [{"type": "text", "text": "a"}, {"type": "text", "text": WORDS}]},
                HUMAN,
            ]
        },
    ),
    ("ollama_chat", {"messages": [HUMAN]}, {"messages": [{"role": "system", "content": WORDS}, HUMAN]}),
    ("anthropic", {"messages": [HUMAN], "max_tokens": 9}, {"system": WORDS}),
    (
        "anthropic",
        {
            "messages": [HUMAN],
            "max_tokens": 9,
            "system": [{"type": "text", "text": "a", "cache_control": {"type": "ephemeral"}}],
        },
        {
            "system": [
                {"type": "text", "text": "a", "cache_control": {"type": "ephemeral"}},
                {"type": "text", "text": WORDS},
            ]
        },
    ),
    ("openai_responses", {"input": "hello"}, {"instructions": WORDS}),
    ("openai_responses", {"input": "hello", "instructions": "a"}, {"instructions": f"a\n\n{WORDS}"}),
    ("gemini", {"contents": [{"role": "user", "parts": [{"text": "hello"}]}]}, {"systemInstruction": {"parts": [{"text": WORDS}]}}),
    (
        "gemini",
        {
            "contents": [{"role": "user", "parts": [{"text": "hello"}]}],
            "system_instruction": {"role": "user", "parts": [{"text": "a"}]},
        },
        {"system_instruction": {"role": "user", "parts": [{"text": "a"}, {"text": WORDS}]}},
    ),
]  # fmt: skip


def parsed(wire: str, fields: dict[str, Any]) -> Request:
    body = fields if wire == "gemini" else {"model": "auto", **fields}
    return codec.find(wire).parse(json.dumps(body).encode(), {":path": "/v1beta/models/auto:generateContent"})


@pytest.mark.parametrize(("wire", "fields", "changed"), CASES)
def test_the_words_stand_behind_the_system_prompt(wire: str, fields: dict[str, Any], changed: dict[str, Any]) -> None:
    before = parsed(wire, fields)
    assert addition.carries(before)
    after = addition.added(before, WORDS)
    assert after is not None
    assert after.body is not None
    assert before.body is not None
    assert json.loads(after.body) == json.loads(before.body) | changed
    # On another wire, which is written from the conversation.
    system = [message for message in after.conversation.messages if message.role == "system"]
    assert WORDS in system[-1].text
    assert after.conversation.messages[-1] == before.conversation.messages[-1]
    assert after.input_tokens > before.input_tokens
    # It goes upstream as its own wire's body, the words in it.
    assert type(after.unfold) is type(before.unfold)
    assert (after.session, after.model, after.stream) == (before.session, before.model, before.stream)


@pytest.mark.parametrize(
    ("wire", "fields"),
    [
        ("openai_completions", {"prompt": "def f():"}),
        ("llamacpp_infill", {"input_prefix": "a", "input_suffix": "b"}),
        ("openai_embeddings", {"input": "x"}),
    ],
)
def test_there_is_no_room_for_words_in_a_hole_or_a_vector(wire: str, fields: dict[str, Any]) -> None:
    assert not addition.carries(parsed(wire, fields))


@pytest.mark.parametrize(
    ("wire", "fields"), [("anthropic", {"system": 5}), ("gemini", {"systemInstruction": {"parts": "x"}})]
)
def test_an_odd_body_is_left_alone(wire: str, fields: dict[str, Any]) -> None:
    request = Request("r", Purpose.CHAT, wire=wire, body=json.dumps({**CHAT, **fields}).encode())
    assert addition.added(request, WORDS) is None


def test_the_prompt_of_a_task_is_replaced_and_nobody_elses() -> None:
    conversation = Conversation((Message("system", (Text("Review."),)), Message("user", (Text("code"),))))
    task = Request("r", Purpose.REVIEW, unfold=lambda: conversation)
    made = addition.instead(task, "Find bugs only.")
    assert made is not None
    assert [message.text for message in made.conversation.messages] == ["Find bugs only.", "code"]
    both = addition.added(made, WORDS)
    assert both is not None
    assert [message.text for message in both.conversation.messages] == [f"Find bugs only.\n{WORDS}", "code"]
    assert addition.instead(parsed("openai_chat", {"messages": [HUMAN]}), "x") is None
    assert addition.instead(Request("r", Purpose.COMPLETE, fim=Fim("a", "b")), "x") is None
