"""Several answers to one request: which are sound, which say the same, and what a judge is asked. Pure.

Calls of tools are taken from one answer as they are: half of one and half of another is nobody's plan.
"""

from __future__ import annotations

import json
import re
from collections import Counter
from collections.abc import Sequence
from dataclasses import replace

from codriver import verify
from codriver.model.events import Reply
from codriver.model.request import Conversation, Message, Needs, Request, Text, ToolChoice
from codriver.syntax.analysis import Buffer
from codriver.syntax.mentions import mentions

CODE = 64_000
"""Bytes of a code block that are parsed."""

_SPACE = re.compile(r"\s+")
_MARKS = re.compile(r"[*_`#>]+")
_FENCES = re.compile(r"^(```|~~~)[^\n]*\n(.*?)^\1", re.DOTALL | re.MULTILINE)

INSTRUCTION = (
    "Several answers to the request above were proposed, each without knowing the others. Now answer that request "
    "yourself, in the language and the form it asks for: take the best of them as it is, or put together what is right "
    "in them and leave out what is wrong. Check code before you take it. Do not mention the proposals."
)


def unsound(request: Request, reply: Reply) -> str:
    """What is wrong with an answer by itself (verify.py), its code that does not parse included; "" for nothing."""
    return verify.verdict(request, reply) or _code(reply.text)


def _code(text: str) -> str:
    for fence in mentions(text).fences if "```" in text or "~~~" in text else ():
        code = fence.code.encode("utf-8", "replace")
        if fence.language and len(code) <= CODE:
            errors = Buffer(code, language_id=fence.language).facts(None).errors
            if errors:
                return f"its {fence.language} code does not parse"
    return ""


def meaning(reply: Reply) -> str:
    """What an answer comes down to: equal for answers that differ in nothing that matters.

    Calls: names and arguments, whatever their order of keys. JSON likewise. Text with code: the code without blank
    lines and indents at its ends. Other text: its words.
    """
    if reply.tool_calls:
        return json.dumps([[call.name, _loaded(call.arguments)] for call in reply.tool_calls], sort_keys=True)
    text = reply.text.strip()
    if text[:1] in ("{", "["):
        return json.dumps(_loaded(text), sort_keys=True)
    blocks = [found[2] for found in _FENCES.finditer(text)]
    if blocks:
        return "\n".join(line.rstrip() for block in blocks for line in block.splitlines() if line.strip())
    return _SPACE.sub(" ", _MARKS.sub("", text)).strip(" .!").casefold()


def _loaded(text: str) -> object:
    try:
        return json.loads(text or "{}")
    except ValueError:
        return text


def agreed(replies: Sequence[Reply]) -> int | None:
    """The first of the largest group of at least two that mean the same; None where there is none, or two are alike
    in size."""
    counted = Counter(meaning(reply) for reply in replies).most_common(2)
    if not counted or counted[0][1] < 2 or (len(counted) > 1 and counted[1][1] == counted[0][1]):
        return None
    return next(number for number, reply in enumerate(replies) if meaning(reply) == counted[0][0])


def of_one_kind(replies: Sequence[Reply]) -> tuple[list[int], bool]:
    """Those that do what most do, call tools or write, and whether that is to call; where both are as many, what the
    first one does."""
    calling = [number for number, reply in enumerate(replies) if reply.tool_calls]
    writing = [number for number, reply in enumerate(replies) if not reply.tool_calls]
    if len(calling) == len(writing):
        return (calling, True) if replies[0].tool_calls else (writing, False)
    return (calling, True) if len(calling) > len(writing) else (writing, False)


def judging(request: Request, replies: Sequence[Reply]) -> Request:
    """The request to a judge: the conversation, the proposals, and what to make of them. It calls no tools."""
    talk = request.conversation
    shown = "\n\n".join(
        f"<proposal number={number}>\n{reply.text}\n</proposal>" for number, reply in enumerate(replies, 1)
    )
    messages = (*talk.messages, Message("user", (Text(f"{INSTRUCTION}\n\n{shown}"),)))
    whole = Conversation(messages, talk.tools, ToolChoice("none") if talk.tools else None)
    tokens = request.input_tokens + sum(len(reply.text) for reply in replies) // 3 + 150
    return replace(
        request,
        wire="",
        body=None,
        needs=Needs(stream=request.needs.stream),
        unfold=lambda: whole,
        input_tokens=tokens,
        headers={},
        signatures=(),
        session="",
    )
