"""An upstream's chat answer, read as tolerantly as the servers that speak this format differ."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import msgspec

from codriver.model.events import (
    Event,
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
from codriver.wire.growing import GrowingValue
from codriver.wire.sse import Frame
from codriver.wire.stream import FrameDecoder, Unreadable, counted, unreadable
from codriver.wire.think_tags import ThinkTags

Number = int | float | None


class Details(msgspec.Struct, gc=False):
    cached_tokens: Number = None
    cache_write_tokens: Number = None
    cache_creation_tokens: Number = None
    cache_creation_input_tokens: Number = None
    cached_creation_tokens: Number = None
    reasoning_tokens: Number = None


class Counts(msgspec.Struct, gc=False):
    prompt_tokens: Number = None
    completion_tokens: Number = None
    total_tokens: Number = None
    input_tokens: Number = None
    output_tokens: Number = None
    prompt_tokens_details: Details | None = None
    input_tokens_details: Details | None = None
    output_tokens_details: Details | None = None
    completion_tokens_details: Details | None = None
    prompt_cache_hit_tokens: Number = None
    cached_tokens: Number = None


class Function(msgspec.Struct, gc=False):
    name: str | None = None
    arguments: str | dict[str, Any] | None = None


class Called(msgspec.Struct, gc=False):
    index: int | None = None
    id: str | None = None
    function: Function | None = None


class Delta(msgspec.Struct, gc=False):
    content: str | list[dict[str, Any]] | None = None
    reasoning_content: str | None = None
    reasoning: str | dict[str, Any] | None = None
    refusal: str | None = None
    tool_calls: list[Called] | None = None
    function_call: Function | None = None


class Choice(msgspec.Struct, gc=False):
    index: int | None = None
    delta: Delta | None = None
    message: Delta | None = None
    text: str | None = None
    finish_reason: str | None = None
    usage: Counts | None = None


class Chunk(msgspec.Struct, gc=False):
    id: str | None = None
    model: str | None = None
    choices: list[Choice] | None = None
    usage: Counts | None = None
    error: Any = None
    object: str | None = None
    message: str | None = None
    code: Any = None


_CHUNK = msgspec.json.Decoder(Chunk, strict=False)
_NONE, _DETAILS = Usage(), Details()
_FINISH = {
    "stop": Finish.STOP,
    "length": Finish.LENGTH,
    "tool_calls": Finish.TOOL_CALLS,
    "function_call": Finish.TOOL_CALLS,
    "content_filter": Finish.FILTERED,
    "max_tokens": Finish.LENGTH,
}


def decoder(model: Model, quirks: Quirks) -> ChatDecoder:
    """For the answer of this model."""
    return ChatDecoder(quirks.reasoning_field, ThinkTags() if quirks.think_tags else None)


def usage(counts: Counts) -> Usage:
    """OpenAI's counts, whose prompt includes what was cached, as disjoint classes.

    Some servers (xAI) leave reasoning out of completion_tokens; then their total says so.
    """
    details = counts.prompt_tokens_details or counts.input_tokens_details or _DETAILS
    answer = counts.completion_tokens_details or counts.output_tokens_details or _DETAILS
    prompt = counted(counts.prompt_tokens or counts.input_tokens)
    output = counted(counts.completion_tokens or counts.output_tokens)
    reasoning = counted(answer.reasoning_tokens)
    if reasoning and counts.total_tokens == prompt + output + reasoning:
        output += reasoning
    cached = counted(details.cached_tokens or counts.prompt_cache_hit_tokens or counts.cached_tokens)
    cached = min(cached, prompt)
    told = details.cache_write_tokens or details.cache_creation_tokens
    told = told or details.cache_creation_input_tokens or details.cached_creation_tokens
    written = min(counted(told), prompt - cached)
    return Usage(prompt - cached - written, cached, written, output, min(reasoning, output))


@dataclass(slots=True)
class _Open:
    """A call whose fragments are coming. Its start is told once the name is known."""

    id: str
    given: bool
    name: str = ""
    arguments: GrowingValue = field(default_factory=GrowingValue)
    index: int = 0
    told: bool = False


class ChatDecoder(FrameDecoder):
    """Also reads the completions format, whose choices hold `text`."""

    end = b"data: [DONE]\n\n"
    loud = (
        *(b'"error"', b"event: error", b"[DONE]", b'"usage":{', b'"usage": {'),
        *(b'"finish_reason":"', b'"finish_reason": "', b'"index":1', b'"index": 1'),
        *(b'_call":{', b'_calls":[', b'_call": {', b'_calls": ['),
        *(
            b'reasoning_content":"',
            b'reasoning_content": "',
            b'"reasoning":"',
            b'"reasoning": "',
            b'reasoning_details":[',
        ),
    )

    def __init__(self, reasoning_field: str = "reasoning_content", tags: ThinkTags | None = None) -> None:
        super().__init__()
        self._tags = tags
        self._first_reasoning = reasoning_field
        self._started = False
        self._table: dict[object, _Open] = {}
        self._last: _Open | None = None
        self._said = False

    def quiet(self, data: bytes) -> int:
        """None while what is said may be thinking: only reading tells where that ends."""
        return super().quiet(data) if self._tags is None or self._tags.done else 0

    def ordinary(self) -> tuple[bytes, bytes] | None:
        return super().ordinary() if self._tags is None or self._tags.done else None

    def speaking(self, data: bytes) -> bool:
        if self._started or not data.startswith(b"data: {"):
            return False
        if self._without(self.loud, data) != len(data):
            return False
        said = False
        for text in data[6:-2].split(b"\n\ndata: "):
            chunk = _chunk(text)
            if chunk is None or not chunk.choices or chunk.message is not None:
                return False
            delta = chunk.choices[0].delta
            words = delta.content if delta is not None else None
            if not said and isinstance(words, str) and words.strip():
                if self._tags is not None and self._tags.may_begin(words):
                    return False
                said = True
        return said

    def read(self, frame: Frame) -> Piece:
        data = frame.data or b""
        if data == b"[DONE]" or data.strip() == b"[DONE]":
            return Piece(frame.raw, self._done())
        chunk = _chunk(data)
        if chunk is None:
            raise Unreadable
        error = _error(chunk, frame.event)
        if error is not None:
            return Piece(frame.raw, self.failed(error))
        events = self._events(chunk)
        return Piece(frame.raw, tuple(events), usage_only=not chunk.choices and chunk.usage is not None)

    def whole(self, body: bytes) -> tuple[Event, ...]:
        chunk = _chunk(body)
        if chunk is None:
            return unreadable(body)
        error = _error(chunk, "")
        if error is not None:
            return self.failed(error)
        if not chunk.choices:
            return unreadable(body)
        events = self._events(chunk)
        return (*events, *self.finished())

    def _events(self, chunk: Chunk) -> list[Event]:
        events: list[Event] = []
        if not self._started:
            self._started = True
            events.append(Started(chunk.id or "", chunk.model or ""))
        counts, begun = chunk.usage, len(events)
        for choice in chunk.choices or ():
            if choice.index:
                # n > 1 is relayed; what we count and keep is the first.
                (self._further.discard if choice.finish_reason else self._further.add)(choice.index)
                continue
            delta = choice.delta or choice.message
            if choice.text:
                events.append(TextDelta(choice.text))
            if delta is not None:
                self._delta(delta, events)
            counts = counts or choice.usage
            if choice.finish_reason:
                self._finish = Finished(_FINISH.get(choice.finish_reason, Finish.STOP))
        self._said = self._said or len(events) > begun
        if counts is not None and (used := usage(counts)) != _NONE:
            events.append(UsageSeen(used))
        return events if self._tags is None else self._tags.feed(events)

    def finished(self) -> tuple[Event, ...]:
        """The regular end, and before it what was held back."""
        return (*(self._tags.rest() if self._tags is not None else ()), *super().finished())

    def _delta(self, delta: Delta, events: list[Event]) -> None:
        if thought := self._thought(delta):
            events.append(ReasoningDelta(thought))
        if isinstance(delta.content, list):
            _parts(delta.content, events)
        elif delta.content:
            events.append(TextDelta(delta.content))
        if delta.refusal:
            events.append(TextDelta(delta.refusal))
        for called in delta.tool_calls or ():
            self._call(called, events)
        if delta.function_call is not None:
            self._call(Called(0, None, delta.function_call), events)

    def _thought(self, delta: Delta) -> str:
        """Thinking, under whichever name; servers that send both say the same twice."""
        first = getattr(delta, self._first_reasoning, None) if self._first_reasoning in _REASONING else None
        thought = first or delta.reasoning_content or delta.reasoning
        return thought if isinstance(thought, str) else ""

    def _call(self, called: Called, events: list[Event]) -> None:
        function = called.function or Function()
        text = function.arguments
        text = jsontext.encode(text).decode() if isinstance(text, dict) else text or ""
        call = self._last = self._which(called, function.name or "", text)
        call.name = call.name or function.name or ""
        call.arguments.add(text)
        if call.name and not call.told:
            call.told, call.index = True, self._calls
            self._calls += 1
            events.append(ToolStart(call.index, call.id, call.name))
            text = call.arguments.text
        if call.told and text:
            events.append(ToolDelta(call.index, text))

    def _which(self, called: Called, name: str, text: str) -> _Open:
        """The call a fragment belongs to: by index, else by id, else the last one."""
        key: object = called.index if called.index is not None else called.id or None
        known = self._table.get(key) if key is not None else self._last
        if known is None or _another(known, called.id or "", name, text):
            known = _Open(called.id or f"call_{new_id()}", bool(called.id))
            if key is not None:
                self._table[key] = known
        return known

    def _done(self) -> tuple[Event, ...]:
        if self._finish is None and not self._said:
            return self._fail("the answer was empty")[0].events
        return self.finished()


def _another(known: _Open, ident: str, name: str, text: str) -> bool:
    """Whether a fragment in a known call's place begins another one.

    Some servers number every call 0, or not at all; some repeat the name in every fragment. A new
    call has a name, and another id; or, without ids, another name or arguments after whole ones.
    """
    if not name or not known.name:
        return False
    if ident and known.given:
        return ident != known.id
    return name != known.name or (bool(text) and known.arguments.whole)


_REASONING = ("reasoning_content", "reasoning")


def _chunk(data: bytes) -> Chunk | None:
    try:
        return jsontext.decode(_CHUNK, data)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        return None


def _error(chunk: Chunk, event: str) -> object:
    """The error a frame tells of, in the shapes of OpenAI, vLLM and plain `event: error`."""
    if chunk.error:
        return chunk.error
    if chunk.object == "error" or (event == "error" and chunk.message) or (chunk.message and chunk.choices is None):
        return {"message": chunk.message or "", "code": chunk.code}
    for choice in chunk.choices or ():
        if choice.finish_reason == "error":
            return "The provider ended its answer with an error"
    return None


def _parts(content: list[dict[str, Any]], events: list[Event]) -> None:
    """Content as a list of parts (Mistral's reasoning models)."""
    for part in content:
        if isinstance(text := part.get("text"), str) and text:
            events.append(TextDelta(text))
        for thought in part.get("thinking") or ():
            if isinstance(thought, dict) and thought.get("text"):
                events.append(ReasoningDelta(str(thought["text"])))
