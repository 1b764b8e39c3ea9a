"""An upstream's generateContent answer: whole objects in frames, calls whole, counts in every frame.

No frame says that it is the last: the answer has ended when the stream has, and a finishReason was seen.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import TypeVar

import msgspec

from codriver.errors import Failure, Kind
from codriver.model.events import (
    Event,
    Failed,
    Finish,
    Finished,
    Piece,
    ReasoningDelta,
    Started,
    TextDelta,
    ToolDelta,
    ToolStart,
    Usage,
    UsageSeen,
)
from codriver.model.ids import new_id
from codriver.model.provider import Model, Quirks
from codriver.wire import jsontext
from codriver.wire.sse import Frame
from codriver.wire.stream import FrameDecoder, Unreadable, counted, unreadable

T = TypeVar("T")
Number = int | float | None


class Called(msgspec.Struct, gc=False):
    name: str = ""
    id: str | None = None
    args: msgspec.Raw = jsontext.NOTHING


class Part(msgspec.Struct, gc=False, rename="camel"):
    text: str | None = None
    thought: bool | None = None
    thought_signature: str | None = None
    function_call: Called | None = None


class Content(msgspec.Struct, gc=False):
    parts: list[Part] | None = None


class Candidate(msgspec.Struct, gc=False, rename="camel"):
    content: Content | None = None
    finish_reason: str | None = None
    finish_message: str | None = None
    index: int | None = None


class Feedback(msgspec.Struct, gc=False, rename="camel"):
    block_reason: str | None = None
    block_reason_message: str | None = None


class Counts(msgspec.Struct, gc=False, rename="camel"):
    prompt_token_count: Number = None
    cached_content_token_count: Number = None
    candidates_token_count: Number = None
    thoughts_token_count: Number = None
    tool_use_prompt_token_count: Number = None


class Line(msgspec.Struct, gc=False, rename="camel"):
    candidates: list[Candidate] | None = None
    prompt_feedback: Feedback | None = None
    usage_metadata: Counts | None = None
    model_version: str | None = None
    response_id: str | None = None
    error: msgspec.Raw = jsontext.NOTHING


_LINE = msgspec.json.Decoder(Line, strict=False)
_LINES = msgspec.json.Decoder(list[msgspec.Raw])
_FINISH = {
    "STOP": Finish.STOP,
    "FINISH_REASON_UNSPECIFIED": Finish.STOP,
    "MAX_TOKENS": Finish.LENGTH,
    "SAFETY": Finish.FILTERED,
    "RECITATION": Finish.FILTERED,
    "LANGUAGE": Finish.FILTERED,
    "BLOCKLIST": Finish.FILTERED,
    "PROHIBITED_CONTENT": Finish.FILTERED,
    "SPII": Finish.FILTERED,
    "MODEL_ARMOR": Finish.FILTERED,
    "IMAGE_SAFETY": Finish.FILTERED,
    "IMAGE_PROHIBITED_CONTENT": Finish.FILTERED,
    "IMAGE_RECITATION": Finish.FILTERED,
}
# The model's own accidents: another may do better, and nobody shall take them for an end.
_ACCIDENTS = frozenset(
    {"MALFORMED_FUNCTION_CALL", "UNEXPECTED_TOOL_CALL", "TOO_MANY_TOOL_CALLS", "MISSING_THOUGHT_SIGNATURE"}
    | {"MALFORMED_RESPONSE", "OTHER"}
)
_FIELDS = (
    ("prompt_token_count", "prompt"),
    ("cached_content_token_count", "cached"),
    ("candidates_token_count", "said"),
    ("thoughts_token_count", "thought"),
    ("tool_use_prompt_token_count", "used"),
)


def decoder(model: Model, quirks: Quirks) -> ContentDecoder:
    """For the answer of this model."""
    return ContentDecoder()


class ContentDecoder(FrameDecoder):
    """Code that Google ran, its results, sources and images pass unread: only this wire carries them."""

    loud = (b'"finishReason"', b'"error"', b'"blockReason"', b'"functionCall"', b'"thought')

    def __init__(self) -> None:
        super().__init__()
        self._seen: dict[str, int] = {}
        self._told: Usage | None = None
        self._started = False

    def quiet(self, data: bytes) -> int:
        # Google ends its lines with CRLF; who stands between may not.
        self.gap = b"\r\n\r\n" if b"\r\n\r\n" in data else b"\n\n"
        return super().quiet(data)

    def _pieces(self, frames: list[Frame]) -> list[Piece]:
        """An error inside a stream comes as bare JSON, without `data:`."""
        return super()._pieces([_bare(frame) if frame.data is None else frame for frame in frames])

    def read(self, frame: Frame) -> Piece:
        data = frame.data or b""
        line = _decoded(_LINE, data)
        if line is None:
            if data.strip() == b"[DONE]":  # some imitators close like OpenAI
                return Piece(frame.raw, self.finished() if self._finish else ())
            raise Unreadable
        return Piece(frame.raw, tuple(self._events(line)))

    def whole(self, body: bytes) -> tuple[Event, ...]:
        """One document, or the list of them that a stream without SSE is."""
        events: list[Event] = []
        for part in _decoded(_LINES, body) or (body,):
            line = _decoded(_LINE, bytes(part))
            if line is None or not (line.candidates or line.prompt_feedback or jsontext.given(line.error)):
                return unreadable(body)
            events += self._events(line)
            if self._over:
                return tuple(events)
        if self._finish is None:
            return (*events, *self._cut("the answer has no end"))
        return (*events, *self.finished())

    def _events(self, line: Line) -> Iterator[Event]:
        if jsontext.given(line.error):
            yield from self.failed(jsontext.known(line.error))
            return
        if not self._started:
            self._started = True
            yield Started(line.response_id or "", line.model_version or "")
        if line.usage_metadata is not None and (usage := self._merged(line.usage_metadata)) != self._told:
            self._told = usage
            yield UsageSeen(usage)
        # A blocked prompt has no candidates at all.
        if line.prompt_feedback is not None and line.prompt_feedback.block_reason:
            yield self._blocked(line.prompt_feedback)
            return
        for candidate in line.candidates or ():
            if not candidate.index:  # further ones are for callers of this wire only
                yield from self._said(candidate)

    def _said(self, candidate: Candidate) -> Iterator[Event]:
        for part in (candidate.content and candidate.content.parts) or ():
            if part.function_call is not None:
                call = part.function_call
                yield ToolStart(self._calls, call.id or f"call_{new_id()}", call.name, part.thought_signature or "")
                given = bytes(call.args) if jsontext.given(call.args) else b"{}"
                yield ToolDelta(self._calls, given.decode("utf-8", "replace"))
                self._calls += 1
                continue
            if part.text and part.thought:
                yield ReasoningDelta(part.text)
            elif part.text:
                yield TextDelta(part.text)
            if part.thought_signature:  # of all that was said so far; it may come with an empty text
                yield ReasoningDelta("", part.thought_signature)
        reason = candidate.finish_reason
        if reason in _ACCIDENTS:
            yield from self._cut(f"it stopped with {reason} {candidate.finish_message or ''}".strip())
        elif reason:
            self._finish = Finished(_FINISH.get(reason, Finish.STOP))

    def _blocked(self, feedback: Feedback) -> Event:
        self._over = True
        why = f"{feedback.block_reason} {feedback.block_reason_message or ''}".strip()
        return Failed(Failure(Kind.FILTERED, f"The provider refused the prompt: {why}"))

    def _cut(self, why: str) -> tuple[Event, ...]:
        self._over = True
        return (Failed(Failure(Kind.BROKEN, f"The provider broke off: {why}")),)

    def _merged(self, counts: Counts) -> Usage:
        """Counts are cumulative: a number replaces what was known. The prompt's includes the cached ones, the
        answer's leaves out thinking."""
        for theirs, ours in _FIELDS:
            if (value := getattr(counts, theirs)) is not None:
                self._seen[ours] = counted(value)
        seen = self._seen.get
        prompt, cached, thought = seen("prompt", 0), seen("cached", 0), seen("thought", 0)
        cached = min(cached, prompt)
        return Usage(prompt - cached + seen("used", 0), cached, 0, seen("said", 0) + thought, thought)


def _bare(frame: Frame) -> Frame:
    text = frame.raw.strip()
    return Frame(frame.raw, "", text) if text.startswith(b"{") else frame


def _decoded(decoder: msgspec.json.Decoder[T], data: bytes) -> T | None:
    try:
        return jsontext.decode(decoder, data)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        return None
