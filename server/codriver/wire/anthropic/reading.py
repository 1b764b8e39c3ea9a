"""An upstream's messages answer: its own events, and those of servers that imitate them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, TypeVar

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
from codriver.wire.sse import Frame
from codriver.wire.stream import FrameDecoder, Unreadable, counted, unreadable

T = TypeVar("T")
Number = int | float | None


class Counts(msgspec.Struct, gc=False):
    input_tokens: Number = None
    cache_read_input_tokens: Number = None
    cache_creation_input_tokens: Number = None
    cache_creation: dict[str, Any] | None = None
    output_tokens: Number = None
    output_tokens_details: dict[str, Any] | None = None


class Block(msgspec.Struct, gc=False):
    type: str = ""
    id: str | None = None
    name: str | None = None
    input: Any = None
    text: str | None = None
    thinking: str | None = None
    signature: str | None = None
    data: str | None = None


class Delta(msgspec.Struct, gc=False):
    type: str = ""
    text: str | None = None
    partial_json: str | None = None
    thinking: str | None = None
    signature: str | None = None
    stop_reason: str | None = None
    stop_sequence: str | None = None


class Message(msgspec.Struct, gc=False):
    id: str | None = None
    model: str | None = None
    content: list[Block] | None = None
    stop_reason: str | None = None
    stop_sequence: str | None = None
    usage: Counts | None = None


class Line(msgspec.Struct, gc=False):
    type: str = ""
    index: int | None = None
    message: Message | str | None = None
    content_block: Block | None = None
    delta: Delta | None = None
    usage: Counts | None = None
    error: Any = None


class Whole(Message, gc=False):
    type: str = ""
    error: Any = None


_LINE = msgspec.json.Decoder(Line, strict=False)
_WHOLE = msgspec.json.Decoder(Whole, strict=False)
_FINISH = {
    "end_turn": Finish.STOP,
    "max_tokens": Finish.LENGTH,
    "model_context_window_exceeded": Finish.LENGTH,
    "stop_sequence": Finish.STOP_SEQUENCE,
    "tool_use": Finish.TOOL_CALLS,
    "pause_turn": Finish.PAUSE,
    "refusal": Finish.FILTERED,
}
_FIELDS = (
    ("input_tokens", "input"),
    ("cache_read_input_tokens", "cached"),
    ("cache_creation_input_tokens", "written"),
    ("output_tokens", "output"),
)


def decoder(model: Model, quirks: Quirks) -> MessageDecoder:
    """For the answer of this model."""
    return MessageDecoder()


@dataclass(slots=True)
class _Open:
    """A call of the answer: its number among calls, what its start held, whether fragments came."""

    index: int
    given: str
    filled: bool = False


class MessageDecoder(FrameDecoder):
    """Blocks of server-side tools and citations pass unread: only this wire carries them."""

    end = b'event: message_stop\ndata: {"type":"message_stop"}\n\n'

    loud = (b"message_", b'error"', b"event: error", b'_use"', b"input_json_delta", b"thinking", b"signature")

    def __init__(self) -> None:
        super().__init__()
        self._seen: dict[str, int] = {}
        self._open: dict[int, _Open] = {}
        self._block = 0

    def read(self, frame: Frame) -> Piece:
        line = _decoded(_LINE, frame.data or b"")
        if line is None:
            if (frame.data or b"").strip() == b"[DONE]":  # some imitators close like OpenAI
                return Piece(frame.raw, self.finished() if self._finish else ())
            raise Unreadable
        kind = line.type or frame.event
        if kind == "error" or (line.error and not line.type):
            return Piece(frame.raw, self.failed(line.error or {"message": line.message or ""}))
        return Piece(frame.raw, self._events(kind, line))

    def whole(self, body: bytes) -> tuple[Event, ...]:
        message = _decoded(_WHOLE, body)
        if message is None:
            return unreadable(body)
        if message.error or message.type == "error":
            return self.failed(message.error or {"message": ""})
        if message.content is None:
            return unreadable(body)
        events: list[Event] = [Started(message.id or "", message.model or "")]
        for number, block in enumerate(message.content):
            events += self._start(number, block)
            events += self._stop(number)
        if message.usage is not None:
            events.append(UsageSeen(self._merged(message.usage)))
        self._stopped(message.stop_reason, message.stop_sequence)
        return (*events, *self.finished())

    def _events(self, kind: str, line: Line) -> tuple[Event, ...]:
        match kind:
            case "content_block_delta" if line.delta is not None:
                return self._delta(self._at(line), line.delta)
            case "content_block_start" if line.content_block is not None:
                self._block = line.index if line.index is not None else self._block + 1
                return tuple(self._start(self._block, line.content_block))
            case "content_block_stop":
                return tuple(self._stop(self._at(line)))
            case "message_start" if isinstance(line.message, Message):
                message = line.message
                used = self._merged(message.usage) if message.usage else None
                return (Started(message.id or "", message.model or "", used),)
            case "message_delta":
                if line.delta is not None:
                    self._stopped(line.delta.stop_reason, line.delta.stop_sequence)
                return (UsageSeen(self._merged(line.usage)),) if line.usage is not None else ()
            case "message_stop":
                return self.finished()
            case _:
                return ()

    def _at(self, line: Line) -> int:
        return line.index if line.index is not None else self._block

    def _start(self, number: int, block: Block) -> list[Event]:
        match block.type:
            case "text" if block.text:
                return [TextDelta(block.text)]
            case "thinking" if block.thinking or block.signature:
                return [ReasoningDelta(block.thinking or "", block.signature or "")]
            case "redacted_thinking":
                return [ReasoningDelta(redacted=block.data or "")]
            case "tool_use":
                given = "" if block.input in (None, {}, "") else jsontext.encode(block.input).decode()
                self._open[number] = _Open(self._calls, given)
                self._calls += 1
                return [ToolStart(self._calls - 1, block.id or f"toolu_{new_id()}", block.name or "")]
            case _:
                return []

    def _delta(self, number: int, delta: Delta) -> tuple[Event, ...]:
        if delta.text:
            return (TextDelta(delta.text),)
        if delta.partial_json:
            call = self._open.get(number)
            if call is None:
                return ()  # a server-side tool's input
            call.filled = True
            return (ToolDelta(call.index, delta.partial_json),)
        if delta.thinking or delta.signature:
            return (ReasoningDelta(delta.thinking or "", delta.signature or ""),)
        return ()

    def _stop(self, number: int) -> list[Event]:
        """A call whose input stood whole in its start has no fragments: it is told here."""
        call = self._open.pop(number, None)
        return [ToolDelta(call.index, call.given)] if call and call.given and not call.filled else []

    def _stopped(self, reason: str | None, sequence: str | None) -> None:
        if reason:
            self._finish = Finished(_FINISH.get(reason, Finish.STOP), sequence or "")

    def _merged(self, counts: Counts) -> Usage:
        """Counts are cumulative and partial: a number replaces, nothing and zero leave what was known."""
        for theirs, ours in _FIELDS:
            if value := counted(getattr(counts, theirs)):
                self._seen[ours] = value
        thinking = (counts.output_tokens_details or {}).get("thinking_tokens")
        if isinstance(thinking, int) and thinking:
            self._seen["reasoning"] = thinking
        hour = (counts.cache_creation or {}).get("ephemeral_1h_input_tokens")
        if isinstance(hour, int) and hour:
            self._seen["written_1h"] = hour
        seen = self._seen.get
        return Usage(
            seen("input", 0),
            seen("cached", 0),
            seen("written", 0),
            seen("output", 0),
            seen("reasoning", 0),
            written_1h=min(seen("written_1h", 0), seen("written", 0)),
        )


def _decoded(decoder: msgspec.json.Decoder[T], data: bytes) -> T | None:
    try:
        return jsontext.decode(decoder, data)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        return None
