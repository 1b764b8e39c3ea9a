"""Our answer to a caller of Ollama's API: lines as its server writes them, on either route."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Any

from codriver.errors import Failure
from codriver.model.events import (
    Event,
    Finish,
    Finished,
    ReasoningDelta,
    Reply,
    Started,
    TextDelta,
    ToolDelta,
    ToolStart,
    Usage,
    UsageSeen,
)
from codriver.model.request import Request
from codriver.wire import jsontext, names, timing


def failure(failure: Failure) -> bytes:
    """Ollama's error object."""
    return jsontext.encode({"error": failure.message})


class OllamaEncoder:
    """Content as it comes, calls whole, then the one line that is done, with counts and nanoseconds.

    chat: whether text stands in a message or in `response`.
    """

    def __init__(self, request: Request, model: str, at: int, *, chat: bool) -> None:
        self._request = request
        self._chat = chat
        stamp = datetime.fromtimestamp(at, UTC).strftime("%Y-%m-%dT%H:%M:%S.000000Z")
        self._head: dict[str, Any] = {"model": model, "created_at": stamp}
        self._usage: Usage | None = None
        self._written = 0
        self._calls: dict[int, ToolStart] = {}
        self._arguments: dict[int, str] = {}
        self.clock: timing.Clock = timing.unknown

    def feed(self, events: Sequence[Event]) -> bytes:
        return b"".join([self._write(event) for event in events])

    def broken(self, failure: Failure) -> bytes:
        return jsontext.encode({"error": failure.message}) + b"\n"

    def whole(self, reply: Reply) -> bytes:
        calls = [self._call(number, call.id, call.name, call.arguments) for number, call in enumerate(reply.tool_calls)]
        thought = "\n".join(block.text for block in reply.reasoning if block.text)
        return jsontext.encode(
            {**self._head, **self._said(reply.text, thought, calls), **self._done(reply.finish, reply.usage)}
        )

    def _write(self, event: Event) -> bytes:
        match event:
            case TextDelta() if event.text:
                self._written += len(event.text)
                return self._line(self._said(event.text), {"done": False})
            case ReasoningDelta() if event.text:
                self._written += len(event.text)
                return self._line(self._said("", event.text), {"done": False})
            case ToolStart():
                self._calls[event.index] = event
            case ToolDelta():
                self._arguments[event.index] = self._arguments.get(event.index, "") + event.arguments
            case UsageSeen():
                self._usage = event.usage
            case Started():
                self._usage = event.usage or self._usage
            case Finished():
                return self._end(event)
            case _:
                pass
        return b""

    def _end(self, event: Finished) -> bytes:
        calls = [
            self._call(index, call.id, call.name, self._arguments.get(index, "")) for index, call in self._calls.items()
        ]
        told = self._line(self._said("", calls=calls), {"done": False}) if calls else b""
        guess = Usage(self._request.input_tokens, output=self._written // 4 + 1, estimated=True)
        return told + self._line(self._said(""), self._done(event.reason, self._usage or guess))

    def _line(self, said: dict[str, Any], rest: dict[str, Any]) -> bytes:
        return jsontext.encode({**self._head, **said, **rest}) + b"\n"

    def _said(self, text: str, thought: str = "", calls: Sequence[object] = ()) -> dict[str, Any]:
        thinking = {"thinking": thought} if thought else {}
        if not self._chat:
            return {"response": text, **thinking}
        message: dict[str, Any] = {"role": "assistant", "content": text, **thinking}
        return {"message": {**message, "tool_calls": calls} if calls else message}

    def _call(self, index: int, ident: str, name: str, arguments: str) -> dict[str, Any]:
        read = jsontext.arguments(arguments)
        function = {
            "index": index,
            "name": names.original_name(name, self._request),
            "arguments": {"input": arguments} if read is None else read,
        }
        return {"id": names.unique_id(ident, self._request, index), "function": function}

    def _done(self, finish: Finish | None, usage: Usage) -> dict[str, Any]:
        first, total = self.clock()
        cut = finish in (Finish.LENGTH, None)
        return {
            "done": True,
            "done_reason": "length" if cut else "stop",
            "total_duration": round(total * 1e9),
            "load_duration": 0,
            "prompt_eval_count": usage.prompt,
            "prompt_eval_duration": round(first * 1e9),
            "eval_count": usage.output,
            "eval_duration": max(round((total - first) * 1e9), 1),
        }
