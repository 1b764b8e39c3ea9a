"""Our answer to a messages caller: one block open at a time, in order, whatever it was made from.

Thinking is signed with an envelope of ours that names its maker: callers return it unread, inbound.py
opens it, and no provider ever sees it.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

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
from codriver.wire import envelope, jsontext, names, overflow
from codriver.wire.growing import GrowingValue

_FINISH = {
    Finish.STOP: "end_turn",
    Finish.LENGTH: "max_tokens",
    Finish.TOOL_CALLS: "tool_use",
    Finish.FILTERED: "refusal",
    Finish.STOP_SEQUENCE: "stop_sequence",
    Finish.PAUSE: "pause_turn",
}
_ERRORS: dict[Kind, str] = {
    Kind.INVALID: "invalid_request_error",
    Kind.TOO_LARGE: "request_too_large",
    Kind.UNAUTHORIZED: "authentication_error",
    Kind.FORBIDDEN: "permission_error",
    Kind.NOT_FOUND: "not_found_error",
    Kind.METHOD: "invalid_request_error",
    Kind.UNKNOWN_MODEL: "not_found_error",
    Kind.TOO_LONG: "invalid_request_error",
    Kind.UNSUPPORTED: "invalid_request_error",
    Kind.FILTERED: "invalid_request_error",
    Kind.QUOTA: "rate_limit_error",
    Kind.RATE_LIMITED: "rate_limit_error",
    Kind.OVERLOADED: "overloaded_error",
    Kind.SLOW: "timeout_error",
    Kind.MODEL_GONE: "not_found_error",
    Kind.REGION: "permission_error",
}

_TOO_LONG = "prompt is too long"
"""What agents look for, with numbers or without, before they compact."""


def encoder(request: Request, model: str, at: int = 0) -> MessageEncoder:
    """For the answer to this request. This wire shows no time."""
    return MessageEncoder(request, model)


def ping() -> bytes:
    return b'event: ping\ndata: {"type": "ping"}\n\n'


def failure(failure: Failure) -> bytes:
    """Anthropic's error object."""
    return jsontext.encode(_error(failure))


def usage(used: Usage) -> dict[str, int]:
    """Disjoint classes are what Anthropic counts in."""
    return {
        "input_tokens": used.input,
        "cache_creation_input_tokens": used.written,
        "cache_read_input_tokens": used.cached,
        "output_tokens": used.output,
    }


@dataclass(slots=True)
class _Block:
    """One content block: its opening, and deltas that wait until the blocks before it are closed."""

    key: str
    opening: dict[str, Any]
    arguments: GrowingValue = field(default_factory=GrowingValue)
    waiting: list[dict[str, Any]] = field(default_factory=list)
    signed: bool = False

    @property
    def closable(self) -> bool:
        """A call may only be closed for another block once its arguments are whole."""
        return self.opening["type"] != "tool_use" or self.arguments.whole


class MessageEncoder:
    """Deltas of a later block that come while an earlier call is unfinished wait for it."""

    def __init__(self, request: Request, model: str) -> None:
        self._request = request
        self._model = model
        self._begun = False
        self._number = -1
        self._open: _Block | None = None
        self._later: list[_Block] = []
        self._newest: dict[str, _Block] = {}  # of those, by their keys
        self._usage: Usage | None = None
        self._written = 0
        self._calls = 0

    def feed(self, events: Sequence[Event]) -> bytes:
        return b"".join([self._write(event) for event in events])

    def broken(self, failure: Failure) -> bytes:
        return _frame(_error(failure))

    def whole(self, reply: Reply) -> bytes:
        thoughts = [block for block in reply.reasoning if block.text or block.signature or block.redacted]
        content = [_thinking(block, self._model) for block in thoughts]
        if reply.text:
            content.append({"type": "text", "text": reply.text})
        for index, call in enumerate(reply.tool_calls):
            arguments = jsontext.arguments(call.arguments)
            known = arguments if arguments is not None else {"arguments": call.arguments}
            content.append({**self._called(index, call.id, call.name), "input": known})
        message = self._message(reply.usage)
        message["content"] = content
        message["stop_reason"] = _reason(reply.finish or Finish.LENGTH, bool(reply.tool_calls))
        message["stop_sequence"] = reply.stop or None
        return jsontext.encode(message)

    def _write(self, event: Event) -> bytes:
        match event:
            case TextDelta() if event.text:
                return self._delta("text", {"type": "text", "text": ""}, {"type": "text_delta", "text": event.text})
            case ReasoningDelta():
                return self._thought(event)
            case ToolStart():
                self._calls += 1
                return self._delta(f"call {event.index}", self._called(event.index, event.id, event.name), None)
            case ToolDelta() if event.arguments:
                delta = {"type": "input_json_delta", "partial_json": event.arguments}
                return self._delta(f"call {event.index}", None, delta)
            case UsageSeen():
                self._usage = event.usage
            case Started():
                self._usage = event.usage or self._usage
                return self._start()
            case Finished():
                return self._end(event)
            case _:
                pass
        return b""

    def _thought(self, event: ReasoningDelta) -> bytes:
        if event.redacted:
            block = {"type": "redacted_thinking", "data": envelope.seal([event], self._model)}
            return self._delta("redacted", block, None) + self._signed("redacted")
        written = b""
        opening = {"type": "thinking", "thinking": "", "signature": ""}
        if event.text:
            written += self._delta("thinking", opening, {"type": "thinking_delta", "thinking": event.text})
        if event.signature:
            written += self._delta("thinking", opening, _sealed(event.signature, self._model))
            written += self._signed("thinking")
        return written

    def _signed(self, key: str) -> bytes:
        """A signature or redacted block is the end of its block; the next thinking is another one."""
        if not self._later:
            return self._close()
        self._newest.pop(key, None)
        return b""

    def _delta(self, key: str, opening: dict[str, Any] | None, delta: dict[str, Any] | None) -> bytes:
        """Writes a delta into the block of this key, opens the block, or lets it wait for its turn."""
        written = self._start()
        block = self._newest.get(key) or (self._open if self._open is not None and self._open.key == key else None)
        if block is not None and block is not self._open and key == "text" and block is not self._later[-1]:
            block = None  # text after a waiting call is a new block, so that the order stays
        if block is None:
            if opening is None:
                return written  # arguments after their call was whole: only blanks are possible
            block = _Block(key, opening)
            if self._later or (self._open is not None and not self._open.closable):
                self._later.append(block)
                self._newest[key] = block
            else:
                written += self._close() + self._begin(block)
        if delta is None:
            return written
        if "partial_json" in delta:
            block.arguments.add(delta["partial_json"])
        if block is self._open:
            return written + self._put(delta)
        block.waiting.append(delta)
        return written

    def _start(self) -> bytes:
        if self._begun:
            return b""
        self._begun = True
        known = self._usage or Usage(self._request.input_tokens, output=1, estimated=True)
        return _frame({"type": "message_start", "message": self._message(known)})

    def _begin(self, block: _Block) -> bytes:
        self._number += 1
        self._open = block
        return _frame({"type": "content_block_start", "index": self._number, "content_block": block.opening})

    def _put(self, delta: dict[str, Any]) -> bytes:
        if self._open is not None and delta["type"] == "signature_delta":
            self._open.signed = True
        frame = _frame({"type": "content_block_delta", "index": self._number, "delta": delta})
        self._written += len(frame) - 110
        return frame

    def _close(self) -> bytes:
        if self._open is None:
            return b""
        unsigned = self._open.key == "thinking" and not self._open.signed
        written = self._put(_sealed("", self._model)) if unsigned else b""
        self._open = None
        return written + _frame({"type": "content_block_stop", "index": self._number})

    def _end(self, finished: Finished) -> bytes:
        written = [self._start(), self._close()]
        for block in self._later:
            written += [self._begin(block), *map(self._put, block.waiting), self._close()]
        guess = Usage(self._request.input_tokens, output=max(1, self._written // 4), estimated=True)
        reason = _reason(finished.reason, self._calls > 0)
        ending = {"stop_reason": reason, "stop_sequence": finished.stop or None}
        written.append(_frame({"type": "message_delta", "delta": ending, "usage": usage(self._usage or guess)}))
        written.append(_frame({"type": "message_stop"}))
        return b"".join(written)

    def _message(self, used: Usage) -> dict[str, Any]:
        return {
            "id": f"msg_{self._request.id}",
            "type": "message",
            "role": "assistant",
            "model": self._model,
            "content": [],
            "stop_reason": None,
            "stop_sequence": None,
            "usage": usage(used),
        }

    def _called(self, index: int, ident: str, name: str) -> dict[str, Any]:
        ident = names.unique_id(ident, self._request, index)
        return {"type": "tool_use", "id": ident, "name": names.original_name(name, self._request), "input": {}}


def _thinking(block: ReasoningDelta, origin: str) -> dict[str, Any]:
    if block.redacted:
        return {"type": "redacted_thinking", "data": envelope.seal([block], origin)}
    return {"type": "thinking", "thinking": block.text, "signature": _sealed(block.signature, origin)["signature"]}


def _sealed(signature: str, origin: str) -> dict[str, Any]:
    """The end of a thinking block: its maker, and the maker's signature if there is one. The text stands outside."""
    return {"type": "signature_delta", "signature": envelope.seal([ReasoningDelta("", signature)], origin)}


def _reason(reason: Finish, calls: bool) -> str:
    if calls and reason in (Finish.STOP, Finish.STOP_SEQUENCE):
        return "tool_use"
    if not calls and reason is Finish.TOOL_CALLS:
        return "end_turn"
    return _FINISH[reason]


def _error(failure: Failure) -> dict[str, Any]:
    kind = _ERRORS.get(failure.kind, "api_error")
    message = overflow.told(failure, overflow.ANTHROPIC)
    if failure.kind is Kind.TOO_LONG and _TOO_LONG not in message.lower():
        message = f"{_TOO_LONG}. {message}"
    return {"type": "error", "error": {"type": kind, "message": message}}


def _frame(body: dict[str, Any]) -> bytes:
    kind: str = body["type"]
    return b"event: " + kind.encode() + b"\ndata: " + jsontext.encode(body) + b"\n\n"
