"""Our answer to a Gemini caller: frames of whole objects, each call whole and in its place.

Clients differ in what they tolerate inside a stream: some take every line that is neither blank nor
`data:` for JSON, others stop at it. So a keep-alive is a blank line, and an error is bare JSON, which
is how Google itself tells one and the only form that every client raises.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from itertools import takewhile
from typing import Any

import msgspec

from codriver.errors import Failure, Kind
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
from codriver.wire import jsontext, names, overflow
from codriver.wire.gemini.body import Body
from codriver.wire.growing import GrowingValue

_FINISH = {
    Finish.STOP: "STOP",
    Finish.LENGTH: "MAX_TOKENS",
    Finish.TOOL_CALLS: "STOP",
    Finish.FILTERED: "SAFETY",
    Finish.STOP_SEQUENCE: "STOP",
    Finish.PAUSE: "STOP",
}
# google.rpc.Code by HTTP status, as Google maps them.
_STATUS = {
    400: "INVALID_ARGUMENT",
    401: "UNAUTHENTICATED",
    403: "PERMISSION_DENIED",
    404: "NOT_FOUND",
    405: "UNIMPLEMENTED",
    413: "INVALID_ARGUMENT",
    429: "RESOURCE_EXHAUSTED",
    503: "UNAVAILABLE",
    504: "DEADLINE_EXCEEDED",
}


def encoder(request: Request, model: str, at: int = 0) -> ContentEncoder:
    """For the answer to this request. This wire shows no time."""
    return ContentEncoder(request, model)


def ping() -> bytes:
    return b"\r\n"


def failure(failure: Failure) -> bytes:
    """Google's error object."""
    return jsontext.encode(_error(failure))


def usage(used: Usage) -> dict[str, int]:
    """Counts as Gemini has them: the prompt's include cached ones, the answer's leave out thinking."""
    told = {
        "promptTokenCount": used.prompt,
        "candidatesTokenCount": max(used.output - used.reasoning, 0),
        "totalTokenCount": used.prompt + used.output,
    }
    if used.cached:
        told["cachedContentTokenCount"] = used.cached
    if used.reasoning:
        told["thoughtsTokenCount"] = used.reasoning
    return told


@dataclass(slots=True)
class _Call:
    """A call whose arguments are still coming."""

    index: int
    id: str
    name: str
    signature: str
    arguments: GrowingValue = field(default_factory=GrowingValue)


class ContentEncoder:
    """Calls wait until they are whole. What is said after one that is not, comes before it."""

    def __init__(self, request: Request, model: str) -> None:
        self._request = request
        self._model = model
        self._thoughts = isinstance(request.unfold, Body) and request.unfold.wants_thoughts
        self._waiting: dict[int, _Call] = {}
        self._usage: Usage | None = None
        self._written = 0

    def feed(self, events: Sequence[Event]) -> bytes:
        return b"".join([self._write(event) for event in events])

    def broken(self, failure: Failure) -> bytes:
        return jsontext.encode(_error(failure)) + b"\n"

    def whole(self, reply: Reply) -> bytes:
        parts = [{"text": block.text, "thought": True} for block in reply.reasoning if block.text and self._thoughts]
        if reply.text:
            parts.append({"text": reply.text})
        for index, call in enumerate(reply.tool_calls):
            part = _Call(index, call.id, call.name, call.signature)
            part.arguments.add(call.arguments)
            parts.append(self._part(part))
        reason = _FINISH[reply.finish or Finish.LENGTH]
        document = self._document(parts, reason)
        document["usageMetadata"] = usage(reply.usage)
        return jsontext.encode(document)

    def _write(self, event: Event) -> bytes:
        match event:
            case TextDelta() if event.text:
                self._written += len(event.text)
                return self._flush() + self._frame([{"text": event.text}])
            case ReasoningDelta() if event.text and self._thoughts:
                return self._flush() + self._frame([{"text": event.text, "thought": True}])
            case ToolStart():
                written = self._flush()
                self._waiting[event.index] = _Call(event.index, event.id, event.name, event.signature)
                return written
            case ToolDelta():
                if event.index in self._waiting:
                    self._waiting[event.index].arguments.add(event.arguments)
                self._written += len(event.arguments)
            case UsageSeen():
                self._usage = event.usage
            case Started():
                self._usage = event.usage or self._usage
            case Finished():
                return self._end(event)
            case _:
                pass
        return b""

    def _flush(self) -> bytes:
        """The calls at the head that are whole by now, in their order."""
        ready = list(takewhile(lambda call: call.arguments.whole, self._waiting.values()))
        for call in ready:
            del self._waiting[call.index]
        return self._frame([self._part(call) for call in ready]) if ready else b""

    def _end(self, finished: Finished) -> bytes:
        parts = [self._part(call) for call in self._waiting.values()]
        self._waiting = {}
        document = self._document(parts or [{"text": ""}], _FINISH[finished.reason])
        guess = Usage(self._request.input_tokens, output=max(1, self._written // 4), estimated=True)
        document["usageMetadata"] = usage(self._usage or guess)
        return _frame(document)

    def _part(self, call: _Call) -> dict[str, Any]:
        text = call.arguments.text
        arguments = jsontext.arguments(text)
        known = arguments if arguments is not None else {"arguments": text}
        name = names.original_name(call.name, self._request)
        ident = names.unique_id(call.id, self._request, call.index)
        part: dict[str, Any] = {"functionCall": {"id": ident, "name": name, "args": known}}
        if call.signature:
            part["thoughtSignature"] = call.signature
        return part

    def _frame(self, parts: list[dict[str, Any]]) -> bytes:
        document = self._document(parts, "")
        if self._usage is not None:
            document["usageMetadata"] = usage(self._usage)
        return _frame(document)

    def _document(self, parts: list[dict[str, Any]], reason: str) -> dict[str, Any]:
        candidate: dict[str, Any] = {"content": {"parts": parts, "role": "model"}, "index": 0}
        if reason:
            candidate["finishReason"] = reason
        return {"candidates": [candidate], "modelVersion": self._model, "responseId": self._request.id}


def _error(failure: Failure) -> dict[str, Any]:
    code = failure.policy.status
    status = "FAILED_PRECONDITION" if failure.kind is Kind.REGION else _STATUS.get(code, "INTERNAL")
    message = overflow.told(failure, overflow.GEMINI)
    error: dict[str, Any] = {"code": code, "message": message, "status": status}
    if failure.retry_after is not None:
        delay = f"{max(1, round(failure.retry_after))}s"
        error["details"] = [{"@type": "type.googleapis.com/google.rpc.RetryInfo", "retryDelay": delay}]
    return {"error": error}


def _frame(document: dict[str, Any]) -> bytes:
    return b"data: " + msgspec.json.encode(document) + b"\r\n\r\n"
