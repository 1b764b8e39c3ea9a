"""A prompt that is too long: whatever the provider said, each caller reads the words that make it compact (W29, F4)."""

from __future__ import annotations

import json
from typing import Any

import pytest

from codriver.errors import Failure, Kind
from codriver.wire import codec, faults, overflow
from wire.samples import asked

SAID: list[Any] = [
    pytest.param("prompt is too long: 210000 tokens > 200000 maximum", (210000, 200000), id="Anthropic"),
    pytest.param(
        "This model's maximum context length is 128000 tokens. However, your messages resulted in 140231 tokens.",
        (140231, 128000),
        id="OpenAI",
    ),
    pytest.param(
        "This model's maximum context length is 65536 tokens. However, you requested 70000 tokens (62000 in the "
        "messages, 8000 in the completion).",
        (70000, 65536),
        id="DeepSeek",
    ),
    pytest.param(
        "This endpoint's maximum context length is 1,048,576 tokens. However, you requested about 1,300,000 tokens",
        (1300000, 1048576),
        id="OpenRouter",
    ),
    pytest.param(
        "This model's maximum prompt length is 131072 but the request contains 140000 tokens.",
        (140000, 131072),
        id="xAI",
    ),
    pytest.param(
        "The input token count (1200000) exceeds the maximum number of tokens allowed (1048576).",
        (1200000, 1048576),
        id="Google",
    ),
    pytest.param(
        "request (9000 tokens) exceeds the available context size (8192 tokens), try increasing it",
        (9000, 8192),
        id="llama.cpp",
    ),
    pytest.param("Range of input length should be [1, 30720]", None, id="one-number"),
    pytest.param("prompt is too long: 5 tokens > 9 maximum", None, id="numbers-that-cannot-be"),
    pytest.param("too long", None, id="no-number"),
]
PHRASES = {
    "anthropic": overflow.ANTHROPIC,
    "openai_chat": overflow.OPENAI,
    "openai_responses": overflow.OPENAI,
    "gemini": overflow.GEMINI,
}


@pytest.mark.parametrize("wire", PHRASES)
@pytest.mark.parametrize(("said", "numbers"), SAID)
def test_w29_both_numbers_in_the_words_of_the_callers_wire(wire: str, said: str, numbers: Any) -> None:
    """F4, T31: the phrase once, and the provider's own sentence behind it."""
    assert overflow.counts(said) == numbers
    where = f"the request is too long for acme/one: {said}"
    error = json.loads(codec.find(wire).failure(Failure(Kind.TOO_LONG, where)))["error"]
    assert said in error["message"]
    if numbers:
        phrase = PHRASES[wire].format(asked=numbers[0], most=numbers[1])
        assert error["message"].count(phrase) == 1
    if wire == "anthropic":
        assert "prompt is too long" in error["message"].lower()
    if wire.startswith("openai"):
        assert error["code"] == "context_length_exceeded"
    assert faults.failure({"error": error}).kind is Kind.TOO_LONG or (wire == "gemini" and not numbers)


@pytest.mark.parametrize("wire", PHRASES)
def test_w29_inside_a_stream_too(wire: str) -> None:
    said = "This model's maximum context length is 8192 tokens. However, your messages resulted in 9000 tokens."
    stream = codec.find(wire).encoder(asked(wire, body=b"{}"), "m", 1).broken(Failure(Kind.TOO_LONG, said))
    assert PHRASES[wire].format(asked=9000, most=8192) in stream.decode()


@pytest.mark.parametrize("kind", [kind for kind in Kind if kind is not Kind.TOO_LONG])
@pytest.mark.parametrize("wire", PHRASES)
def test_other_failures_keep_their_words(wire: str, kind: Kind) -> None:
    said = "a sentence with 9000 tokens > 8192 maximum"
    assert json.loads(codec.find(wire).failure(Failure(kind, said)))["error"]["message"] == said
