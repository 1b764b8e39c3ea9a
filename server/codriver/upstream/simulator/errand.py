"""One small job an agent's model can do to its end: append a line to a file.

What was asked, and how far the conversation has come: what was read, what was written, what failed.
"""

from __future__ import annotations

import json
import re
import shlex
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from codriver.model.request import Message, Text, ToolCall, ToolResult
from codriver.upstream.simulator import intent

_VERB = r"(?:append|add|write|insert|put)\s+(?:(?:the|a|this|one|following|new|single)\s+)*(?:line|sentence)"
_QUOTE = r"(?:`([^`\n]{1,400})`|\"([^\"\n]{1,400})\"|'([^'\n]{1,400})'|“([^”\n]{1,400})”|「([^」\n]{1,400})」)"
_QUOTED = re.compile(
    rf"(?:\b{_VERB}|添加一行|追加一行|写入一行)(?:\s+(?:of text|saying|reading))?\s*[:：]?\s*{_QUOTE}", re.I
)
_BARE = re.compile(
    rf"\b{_VERB}\s*:?\s+(\S.{{0,400}}?)\s+(?=(?:to|in|into|at|on)\s+(?:the\s+|end\s+|of\s+|file\s+)*\S{{1,200}}\.\w)",
    re.I,
)
# Some agents tell a model what came of its action as if a person had said it.
_OBSERVED = re.compile(
    r"\s*(?:observation|<returncode|<output|<exception|execution logs|last output|code output)", re.I
)
_FAILED = re.compile(
    r"\W*(?:tool_use_error|error\b|required\b|missing\b|invalid\b|you must\b|"
    r"failed\b|failure\b|\w+error\b|cannot\b|could not\b|no such\b|"
    r"(?:the )?file \S*\s?not found|(?:process |command )?exit(?:ed)?(?: with)?(?: code)?:? *[1-9])",
    re.I,
)
# Only then may the file be made anew; after any other failure it may be there and has to be kept.
_ABSENT = re.compile(r"not found|no such file|does ?n[o']t exist|(?:is )?no file|ENOENT|missing file", re.I)
_NUMBERED = re.compile(r"[ \t]*(\d+)(?:→|\t|[ ]?\|[ ]?|:[ ]?)(.*)")


@dataclass(frozen=True, slots=True)
class Addition:
    """The line to append, the file, and the place of the message that asked."""

    line: str
    path: str
    place: int


@dataclass(frozen=True, slots=True)
class Progress:
    """done: the line was written. content: the file's lines, None while nobody read them.

    missing: there is no such file. failed: tools that did not manage to write, or twice not to read.
    steps: calls made so far.
    """

    done: bool = False
    content: tuple[str, ...] | None = None
    missing: bool = False
    failed: frozenset[str] = frozenset()
    steps: int = 0


def asked(messages: Sequence[Message]) -> Addition | None:
    """The job that the newest message of a person asks for, if it is this one."""
    for place in range(len(messages) - 1, -1, -1):
        message = messages[place]
        if message.role != "user" or _OBSERVED.match(message.text):
            continue
        said = intent.everything(message)
        if said.strip():
            return _read(said, place)
    return None


def _read(text: str, place: int) -> Addition | None:
    match = _QUOTED.search(text) or _BARE.search(text)
    if match is None:
        return None
    line = next(filter(None, match.groups())).strip()
    named = intent.paths(text[match.end() :]) or intent.paths(text[: match.start()])
    return Addition(line, named[0], place) if line and named else None


def progress(messages: Sequence[Message], addition: Addition) -> Progress:
    """How far the job has come since it was asked for."""
    later = messages[addition.place + 1 :]
    results = {part.call_id: part for message in later for part in message.parts if isinstance(part, ToolResult)}
    forms = (addition.line, shlex.quote(addition.line), repr(addition.line)[1:-1])
    done, missing, steps, failed = False, False, 0, list[str]()
    content: tuple[str, ...] | None = None
    for call in (part for message in later for part in message.parts if isinstance(part, ToolCall)):
        steps += 1
        result = results.get(call.id)
        written = any(form in text for text in _strings(call.arguments) for form in forms)
        if result is None or _went_wrong(result):
            missing = missing or bool(not written and result and _ABSENT.search(_shown(result)))
            failed += [call.name, call.name] if written else [call.name]
        elif written:
            done = True
        else:
            content = lines(_shown(result))
    told = [message for message in later if message.role == "assistant" and any(form in message.text for form in forms)]
    done = done or (bool(told) and later[-1].role == "user" and not _FAILED.match(_observation(later[-1])))
    return Progress(
        done, content, missing, frozenset(name for name in failed if failed.count(name) > 1), steps + len(told)
    )


def _went_wrong(result: ToolResult) -> bool:
    return result.is_error or _FAILED.match(_shown(result)) is not None


def _shown(result: ToolResult) -> str:
    return "\n".join(part.text for part in result.parts if isinstance(part, Text))


def _observation(message: Message) -> str:
    return re.sub(r"\s*observation:?\s*", "", message.text, count=1, flags=re.I)


def lines(shown: str) -> tuple[str, ...]:
    """A file's lines as a reading tool shows them: bare, numbered, inside tags or inside JSON."""
    inside = max((text for text in _strings(shown) if "\n" in text), key=len, default=shown)
    numbered: list[str] = []
    for line in inside.splitlines():
        match = _NUMBERED.match(line)
        if match and int(match[1]) == len(numbered) + 1:
            numbered.append(match[2])
    if numbered:
        return tuple(numbered if numbered[-1].strip() else numbered[:-1])
    tagged = re.search(r"<(content|file|output)\b[^>]*>\n?(.*?)\n?</\1>", inside, re.S)
    return tuple((tagged[2] if tagged else inside).rstrip("\n").split("\n"))


def _strings(document: str) -> Iterator[str]:
    """Every string in a JSON document; nothing for what is none."""
    try:
        waiting: list[Any] = [json.loads(document)]
    except (ValueError, RecursionError):
        return
    while waiting:
        value = waiting.pop()
        if isinstance(value, str):
            yield value
        elif isinstance(value, (list, dict)):
            waiting.extend(value.values() if isinstance(value, dict) else value)
