"""A prompt that is too long, told in the words each wire's clients look for: without them they never compact.

Both numbers are read out of whatever the provider said; its own sentence stays behind ours.
"""

from __future__ import annotations

import re

from codriver.errors import Failure, Kind

ANTHROPIC = "prompt is too long: {asked} tokens > {most} maximum"
OPENAI = "This model's maximum context length is {most} tokens. However, your messages resulted in {asked} tokens"
GEMINI = "The input token count ({asked}) exceeds the maximum number of tokens allowed ({most})"

_ASKED, _MOST = r"\(?(?P<asked>\d[\d,]*)", r"\(?(?P<most>\d[\d,]*)"
# Anthropic and ourselves; OpenAI, vLLM, DeepSeek, xAI, OpenRouter; Google; llama.cpp.
_SAID = tuple(
    re.compile(pattern, re.IGNORECASE | re.DOTALL)
    for pattern in (
        rf"{_ASKED} tokens? > {_MOST}",
        rf"maximum (?:context|prompt|input) length (?:is|of) {_MOST}"
        rf".*?(?:requested|resulted in|contains|has)(?: about)? {_ASKED}",
        rf"input token count {_ASKED}\)? exceeds .{{0,60}}? {_MOST}",
        rf"request {_ASKED} tokens\)? exceeds .{{0,60}}? {_MOST} tokens",
    )
)


def counts(message: str) -> tuple[int, int] | None:
    """How many tokens a prompt has and how many it may have, where a provider's sentence says both."""
    for said in _SAID:
        if found := said.search(message):
            asked, most = (int(found[name].replace(",", "")) for name in ("asked", "most"))
            return (asked, most) if asked > most else None
    return None


def told(failure: Failure, phrase: str) -> str:
    """The failure's message, with a wire's own phrase before it where it is about a prompt too long."""
    found = counts(failure.message) if failure.kind is Kind.TOO_LONG else None
    if found is None:
        return failure.message
    words = phrase.format(asked=found[0], most=found[1])
    return failure.message if words in failure.message else f"{words}. {failure.message}"
