"""An upstream's responses answer, read by what its items become rather than by which events announce it.

Servers differ in which events they send: whatever deltas left out is taken from the events that end
an item, and at last from the whole response. Nothing is told twice.
"""

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
from codriver.wire.growing import Growing
from codriver.wire.openai_responses.items import flat_name, signature
from codriver.wire.sse import Frame
from codriver.wire.stream import FrameDecoder, Unreadable, counted, unreadable

Number = int | float | None


class Details(msgspec.Struct, gc=False):
    cached_tokens: Number = None
    cache_write_tokens: Number = None
    reasoning_tokens: Number = None


class Counts(msgspec.Struct, gc=False):
    input_tokens: Number = None
    output_tokens: Number = None
    input_tokens_details: Details | None = None
    output_tokens_details: Details | None = None


class Why(msgspec.Struct, gc=False):
    reason: str | None = None


class Item(msgspec.Struct, gc=False):
    """One item of the output. Fields whose shape depends on the type are looked at with care."""

    type: str | None = None
    id: str | None = None
    call_id: str | None = None
    name: str | None = None
    namespace: str | None = None
    arguments: Any = None
    input: Any = None
    content: Any = None
    summary: Any = None
    encrypted_content: Any = None


class Response(msgspec.Struct, gc=False):
    id: str | None = None
    model: str | None = None
    object: str | None = None
    status: str | None = None
    output: list[Item] | None = None
    usage: Counts | None = None
    error: Any = None
    incomplete_details: Why | None = None


class Message(msgspec.Struct, gc=False):
    """One event of a stream."""

    type: str | None = None
    response: Response | None = None
    item: Item | None = None
    item_id: str | None = None
    output_index: int | None = None
    content_index: int | None = None
    summary_index: int | None = None
    delta: Any = None
    text: Any = None
    refusal: Any = None
    arguments: Any = None
    input: Any = None
    error: Any = None
    message: Any = None
    code: Any = None
    param: Any = None


_MESSAGE = msgspec.json.Decoder(Message, strict=False)
_RESPONSE = msgspec.json.Decoder(Response, strict=False)
_INCOMPLETE = {"max_output_tokens": Finish.LENGTH, "content_filter": Finish.FILTERED}
_CALLS = ("function_call", "custom_tool_call")


def decoder(model: Model, quirks: Quirks) -> ResponsesDecoder:
    """For the answer of this model."""
    return ResponsesDecoder()


def usage(counts: Counts) -> Usage:
    """The API's counts, whose input includes what was cached, as disjoint classes."""
    before, after = counts.input_tokens_details or Details(), counts.output_tokens_details or Details()
    prompt, output = counted(counts.input_tokens), counted(counts.output_tokens)
    cached = min(counted(before.cached_tokens), prompt)
    written = min(counted(before.cache_write_tokens), prompt - cached)
    reasoning = min(counted(after.reasoning_tokens), output)
    return Usage(prompt - cached - written, cached, written, output, reasoning)


@dataclass(slots=True)
class _Open:
    """What was told of one item so far. call: its number among the calls, -1 if it is none."""

    call: int = -1
    free: bool = False
    said: Growing = field(default_factory=Growing)
    thought: bool = False
    part: object = None
    done: bool = False


class ResponsesDecoder(FrameDecoder):
    """Items are known by their place in the output, and by their id where a server leaves that out."""

    loud = (
        b"response.completed",
        b"response.failed",
        b"response.incomplete",
        b"response.done",
        b'"error"',
        b"[DONE]",
        b"response.output_item",
        b"response.reasoning",
        b"response.function_call_arguments",
        b"response.custom_tool_call_input",
        b"response.refusal",
    )

    def __init__(self) -> None:
        super().__init__()
        self._items: dict[object, _Open] = {}
        self._started = False

    def read(self, frame: Frame) -> Piece:
        data = frame.data or b""
        if data.strip() == b"[DONE]":
            return Piece(frame.raw, ())
        try:
            message = jsontext.decode(_MESSAGE, data)
        except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
            raise Unreadable from None
        kind = message.type or frame.event
        if kind == "error" or (not kind and message.error):
            told = message.error or {"message": message.message, "code": message.code, "param": message.param}
            return Piece(frame.raw, self.failed(told))
        return Piece(frame.raw, tuple(self._read(kind, message)))

    def whole(self, body: bytes) -> tuple[Event, ...]:
        try:
            response = jsontext.decode(_RESPONSE, body)
        except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
            return unreadable(body)
        if response.error:
            return self.failed(response.error)
        if response.output is None:
            return unreadable(body)
        return tuple(self._ended(response))

    def _read(self, kind: str, message: Message) -> list[Event]:
        events: list[Event] = []
        if not self._started:
            self._start(message.response or Response(), events)
        response = message.response
        match kind.removeprefix("response."):
            case "completed" | "incomplete" | "failed" | "done":
                return [*events, *self._ended(response or Response(status=kind.removeprefix("response.")))]
            case "output_item.added" | "output_item.done" if message.item is not None:
                place = self._place(message.output_index, message.item.id)
                self._item(place, message.item, events, ended=kind.endswith("done"))
            case "output_text.delta" | "refusal.delta" | "output_text.done" | "refusal.done":
                self._text(self._at(message), message, events)
            case "reasoning_summary_text.delta" | "reasoning_text.delta":
                self._think(self._at(message), message, events)
            case "function_call_arguments.delta" | "custom_tool_call_input.delta":
                self._argue(self._at(message), _str(message.delta), events)
            case "function_call_arguments.done" | "custom_tool_call_input.done":
                item = self._at(message)
                text = _str(message.arguments) or _str(message.input)
                self._argue(item, item.said.rest_of(text), events)
            case _:
                pass  # progress of tools that the provider runs itself, and what may come to be
        return events

    def _start(self, response: Response, events: list[Event]) -> None:
        self._started = True
        events.append(Started(response.id or "", response.model or ""))

    def _place(self, index: int | None, ident: str | None) -> object:
        return index if index is not None else ident

    def _at(self, message: Message) -> _Open:
        return self._items.setdefault(self._place(message.output_index, message.item_id), _Open())

    def _item(self, place: object, item: Item, events: list[Event], *, ended: bool) -> None:
        """An item begins or is there as a whole: what of it was not told yet is told now."""
        known = self._items.setdefault(place, _Open())
        if known.done:
            return
        known.done = ended
        if item.type in _CALLS:
            self._called(known, item, events, ended=ended)
        elif item.type == "message" and ended:
            whole = "".join(_str(part.get("text")) or _str(part.get("refusal")) for part in _objects(item.content))
            self._say(known, known.said.rest_of(whole), events)
        elif item.type == "reasoning" and ended:
            parts = _objects(item.summary) or _objects(item.content)
            whole = "\n\n".join(_str(part.get("text")) for part in parts)
            sealed = _str(item.encrypted_content)
            rest = "" if known.thought else whole
            if rest or sealed or item.id:
                # Without a secret of its own the item is one that its maker finds again by its id.
                events.append(ReasoningDelta(rest, signature(item.id, sealed) if sealed or item.id else ""))

    def _called(self, known: _Open, item: Item, events: list[Event], *, ended: bool) -> None:
        free = item.type == "custom_tool_call"
        if known.call < 0 and item.name:
            known.call, known.free = self._calls, free
            self._calls += 1
            ident = item.call_id or item.id or f"call_{new_id()}"
            events.append(ToolStart(known.call, ident, flat_name(item.namespace, item.name)))
            begun, known.said = known.said, Growing()
            self._argue(known, begun.text, events)
        given = item.input if free else item.arguments
        text = jsontext.encode(given).decode() if isinstance(given, dict) else _str(given)
        if ended:
            self._argue(known, known.said.rest_of(text), events)
            if free and known.call >= 0:
                events.append(ToolDelta(known.call, '"}' if known.said else '{"input":""}'))

    def _argue(self, known: _Open, text: str, events: list[Event]) -> None:
        """More of a call's arguments; free text becomes the one string of an object, bit by bit."""
        if not text:
            return
        begins = not known.said
        known.said.add(text)
        if known.call < 0:
            return  # its name is not known yet; it is told with that
        if known.free:
            text = ('{"input":"' if begins else "") + jsontext.encode(text).decode()[1:-1]
        events.append(ToolDelta(known.call, text))

    def _text(self, known: _Open, message: Message, events: list[Event]) -> None:
        delta = _str(message.delta)
        if not delta and known.part != message.content_index:
            # A part that came without deltas; of others the whole says nothing new.
            delta = _str(message.text) or _str(message.refusal)
        known.part = message.content_index
        self._say(known, delta, events)

    def _say(self, known: _Open, text: str, events: list[Event]) -> None:
        if text:
            known.said.add(text)
            events.append(TextDelta(text))

    def _think(self, known: _Open, message: Message, events: list[Event]) -> None:
        text = _str(message.delta)
        if known.thought and known.part != message.summary_index:
            text = "\n\n" + text
        known.part = message.summary_index
        if text:
            known.thought = True
            events.append(ReasoningDelta(text))

    def _ended(self, response: Response) -> list[Event]:
        """The whole response: what no event told, what was used, and how it ended."""
        events: list[Event] = []
        if not self._started:
            self._start(response, events)
        if response.status == "failed" or response.error:
            return [*events, *self.failed(response.error or "The provider ended its answer with an error")]
        for place, item in enumerate(response.output or ()):
            known = place if place in self._items or item.id not in self._items else item.id
            self._item(known, item, events, ended=True)
        if response.usage is not None:
            events.append(UsageSeen(usage(response.usage)))
        why = response.incomplete_details.reason if response.incomplete_details else None
        if response.status == "incomplete":
            self._finish = Finished(_INCOMPLETE.get(why or "", Finish.LENGTH))
        return [*events, *self.finished()]


def _str(value: object) -> str:
    return value if isinstance(value, str) else ""


def _objects(value: object) -> list[dict[str, Any]]:
    return [part for part in value if isinstance(part, dict)] if isinstance(value, list) else []
