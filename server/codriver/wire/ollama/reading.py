"""An Ollama server's answer, of either route: lines, or one document."""

from __future__ import annotations

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
from codriver.wire import jsontext
from codriver.wire.ndjson import LinesDecoder
from codriver.wire.sse import Frame
from codriver.wire.stream import Unreadable, unreadable


class Function(msgspec.Struct, gc=False):
    name: str = ""
    arguments: dict[str, Any] | str | None = None


class Called(msgspec.Struct, gc=False):
    id: str | None = None
    function: Function | None = None


class Said(msgspec.Struct, gc=False):
    content: str | None = None
    thinking: str | None = None
    tool_calls: list[Called] | None = None


class Line(msgspec.Struct, gc=False):
    model: str | None = None
    message: Said | None = None
    response: str | None = None
    thinking: str | None = None
    done: bool | None = None
    done_reason: str | None = None
    prompt_eval_count: int | None = None
    eval_count: int | None = None
    error: Any = None


_LINE = msgspec.json.Decoder(Line, strict=False)


class OllamaDecoder(LinesDecoder):
    """Reads both routes: text stands in `message.content` or in `response`."""

    loud = (b'"error"', b'"done":true', b'"done": true', b'"thinking":"', b'"tool_calls":[')

    def __init__(self) -> None:
        super().__init__()
        self._started = False

    def read(self, frame: Frame) -> Piece:
        line = _line(frame.data or b"")
        if line is None:
            raise Unreadable
        return Piece(frame.raw, self._events(line))

    def whole(self, body: bytes) -> tuple[Event, ...]:
        line = _line(body)
        if line is None:
            return unreadable(body)
        events = self._events(line)
        return events if self._over else (*events, *self.finished())

    def _events(self, line: Line) -> tuple[Event, ...]:
        if line.error:
            return self.failed(line.error if isinstance(line.error, dict) else {"message": str(line.error)})
        events: list[Event] = [] if self._started else [Started("", line.model or "")]
        self._started = True
        said = line.message or Said(line.response, line.thinking)
        if said.thinking:
            events.append(ReasoningDelta(said.thinking))
        if said.content:
            events.append(TextDelta(said.content))
        for called in said.tool_calls or ():
            events += self._call(called)
        if line.done:
            events += self._end(line)
        return tuple(events)

    def _call(self, called: Called) -> list[Event]:
        function = called.function or Function()
        text = function.arguments
        written = text if isinstance(text, str) else jsontext.encode(text or {}).decode()
        index, self._calls = self._calls, self._calls + 1
        return [ToolStart(index, called.id or f"call_{new_id()}", function.name), ToolDelta(index, written)]

    def _end(self, line: Line) -> list[Event]:
        counted: list[Event] = []
        if line.prompt_eval_count or line.eval_count:
            counted.append(UsageSeen(Usage(line.prompt_eval_count or 0, output=line.eval_count or 0)))
        self._finish = Finished(Finish.LENGTH if line.done_reason == "length" else Finish.STOP)
        return [*counted, *self.finished()]


def _line(data: bytes) -> Line | None:
    try:
        return jsontext.decode(_LINE, data)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        return None
