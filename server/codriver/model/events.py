"""The answer, piece by piece, in neutral events, and how pieces fold into a Reply."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from enum import StrEnum

from codriver.errors import Failure
from codriver.model.request import ToolCall
from codriver.model.value import value


class Finish(StrEnum):
    """Why a model stopped."""

    STOP = "stop"
    LENGTH = "length"
    TOOL_CALLS = "tool_calls"
    FILTERED = "filtered"
    STOP_SEQUENCE = "stop_sequence"
    PAUSE = "pause"


@value(frozen=True, slots=True)
class Usage:
    """Tokens in disjoint classes, so that nothing is billed twice.

    input: fresh prompt tokens. cached: read from a prompt cache. written: written to one.
    output: everything generated, reasoning included. reasoning: the part of output that was
    thinking. estimated: True when the provider sent none and we counted.
    written_1h: the part of written that is kept for an hour, and dearer; so sums over the classes stay as they are.
    """

    input: int = 0
    cached: int = 0
    written: int = 0
    output: int = 0
    reasoning: int = 0
    estimated: bool = False
    written_1h: int = 0

    @property
    def prompt(self) -> int:
        """All prompt tokens, as OpenAI counts them."""
        return self.input + self.cached + self.written


@value(frozen=True, slots=True)
class Started:
    """The upstream opened its answer. `id` and `model` are the upstream's own words."""

    id: str = ""
    model: str = ""
    usage: Usage | None = None


@value(frozen=True, slots=True)
class TextDelta:
    text: str


@value(frozen=True, slots=True)
class ReasoningDelta:
    """A piece of thinking; the signature comes with the last piece of a block, if at all."""

    text: str = ""
    signature: str = ""
    redacted: str = ""


@value(frozen=True, slots=True)
class ToolStart:
    """A tool call begins. `index` counts calls of this answer from 0 in order of appearance.

    signature: Gemini's thoughtSignature on this call, if it has one.
    """

    index: int
    id: str
    name: str
    signature: str = ""


@value(frozen=True, slots=True)
class ToolDelta:
    """A fragment of the JSON text of one call's arguments."""

    index: int
    arguments: str


@value(frozen=True, slots=True)
class UsageSeen:
    """What was counted so far; later ones replace earlier ones (decoders merge by field)."""

    usage: Usage


@value(frozen=True, slots=True)
class Finished:
    """The regular end. `stop` is the stop sequence that was hit, if one was."""

    reason: Finish
    stop: str = ""


@value(frozen=True, slots=True)
class Failed:
    """The upstream said, inside its answer, that it failed. Always the last event."""

    failure: Failure


Event = Started | TextDelta | ReasoningDelta | ToolStart | ToolDelta | UsageSeen | Finished | Failed


def is_content(event: Event) -> bool:
    """Whether this event is something a caller could see: after it there is no silent fallback."""
    if isinstance(event, TextDelta):
        return bool(event.text)
    if isinstance(event, ReasoningDelta):
        return bool(event.text or event.redacted)
    return isinstance(event, ToolStart | ToolDelta | Finished)


@value(frozen=True, slots=True)
class Piece:
    """One frame of an answer: its bytes as they came, and what they mean.

    usage_only: the frame holds nothing but counts (OpenAI's last chunk), and is hidden from
    callers who did not ask for it.
    """

    raw: bytes
    events: tuple[Event, ...]
    usage_only: bool = False


@value(frozen=True, slots=True)
class Reply:
    """A whole answer."""

    text: str = ""
    reasoning: tuple[ReasoningDelta, ...] = ()
    tool_calls: tuple[ToolCall, ...] = ()
    usage: Usage = Usage()
    finish: Finish | None = None
    stop: str = ""
    id: str = ""
    model: str = ""


@dataclass(slots=True)
class _Call:
    id: str
    name: str
    signature: str
    arguments: list[str] = field(default_factory=list)


def fold(events: Iterable[Event]) -> Reply:
    """Gathers events into a Reply. finish stays None when the answer was cut."""
    text: list[str] = []
    thoughts: list[ReasoningDelta] = []
    calls: dict[int, _Call] = {}
    usage, finish, stop, ident, model = Usage(), None, "", "", ""
    for event in events:
        match event:
            case TextDelta():
                text.append(event.text)
            case ReasoningDelta():
                thoughts.append(event)
            case ToolStart():
                calls[event.index] = _Call(event.id, event.name, event.signature)
            case ToolDelta():
                calls[event.index].arguments.append(event.arguments)
            case UsageSeen():
                usage = event.usage
            case Started():
                ident, model = event.id or ident, event.model or model
                usage = event.usage or usage
            case Finished():
                finish, stop = event.reason, event.stop
            case Failed():
                break
    return Reply(
        text="".join(text),
        reasoning=blocks(thoughts),
        tool_calls=tuple(
            ToolCall(c.id, c.name, "".join(c.arguments) or "{}", c.signature) for _, c in sorted(calls.items())
        ),
        usage=usage,
        finish=finish,
        stop=stop,
        id=ident,
        model=model,
    )


def blocks(deltas: Iterable[ReasoningDelta]) -> tuple[ReasoningDelta, ...]:
    """Joins pieces of thinking into blocks: a signature or a redacted block ends one."""
    whole: list[ReasoningDelta] = []
    text: list[str] = []
    for delta in deltas:
        if delta.redacted:
            if text:
                whole.append(ReasoningDelta("".join(text)))
                text = []
            whole.append(delta)
            continue
        text.append(delta.text)
        if delta.signature:
            whole.append(ReasoningDelta("".join(text), delta.signature))
            text = []
    if text:
        whole.append(ReasoningDelta("".join(text)))
    return tuple(whole)
