"""Our answer to a chat caller: chunks exactly as the format defines them, whatever they were made from."""

from __future__ import annotations

from collections.abc import Sequence
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
from codriver.wire import jsontext, names, overflow
from codriver.wire.openai_chat.inbound import Asked

_FINISH = {Finish.LENGTH: "length", Finish.FILTERED: "content_filter"}
# type and code as api.openai.com words them; clients look at the code.
_ERRORS: dict[Kind, tuple[str, str | None]] = {
    Kind.INVALID: ("invalid_request_error", None),
    Kind.TOO_LARGE: ("invalid_request_error", "request_too_large"),
    Kind.UNAUTHORIZED: ("invalid_request_error", "invalid_api_key"),
    Kind.FORBIDDEN: ("permission_error", "forbidden"),
    Kind.NOT_FOUND: ("invalid_request_error", "not_found"),
    Kind.METHOD: ("invalid_request_error", "method_not_allowed"),
    Kind.UNKNOWN_MODEL: ("invalid_request_error", "model_not_found"),
    Kind.TOO_LONG: ("invalid_request_error", "context_length_exceeded"),
    Kind.UNSUPPORTED: ("invalid_request_error", "unsupported_parameter"),
    Kind.FILTERED: ("invalid_request_error", "content_filter"),
    Kind.QUOTA: ("insufficient_quota", "insufficient_quota"),
    Kind.RATE_LIMITED: ("rate_limit_error", "rate_limit_exceeded"),
    Kind.OVERLOADED: ("server_error", "overloaded"),
    Kind.MODEL_GONE: ("invalid_request_error", "model_not_found"),
    Kind.REGION: ("invalid_request_error", "unsupported_country_region_territory"),
}


def encoder(request: Request, model: str, at: int = 0) -> ChatEncoder:
    """For the answer to this request; `at` is the Unix time shown in `created`."""
    return ChatEncoder(request, model, at)


def ping() -> bytes:
    return b": ping\n\n"


def failure(failure: Failure) -> bytes:
    """OpenAI's error object."""
    return jsontext.encode({"error": _error(failure)})


def usage(used: Usage) -> dict[str, Any]:
    """Disjoint classes as OpenAI counts: the prompt includes what was cached."""
    counts: dict[str, Any] = {
        "prompt_tokens": used.prompt,
        "completion_tokens": used.output,
        "total_tokens": used.prompt + used.output,
        "prompt_tokens_details": {"cached_tokens": used.cached},
        "completion_tokens_details": {"reasoning_tokens": used.reasoning},
    }
    if used.written:
        counts["prompt_tokens_details"]["cache_write_tokens"] = used.written
    return counts


class ChatEncoder:
    """Role first, then content, calls with id and name first, one finish, usage if asked, [DONE]."""

    def __init__(self, request: Request, model: str, at: int) -> None:
        self._request = request
        self._head: dict[str, Any] = {"id": f"chatcmpl-{request.id}", "created": at, "model": model}
        opening = {"id": self._head["id"], "object": "chat.completion.chunk", "created": at, "model": model}
        self._open = b"data: " + jsontext.encode(opening)[:-1] + b',"choices":['
        self._shut = b'],"usage":null}\n\n' if request.wants_usage else b"]}\n\n"
        self._begun = False
        self._usage: Usage | None = None
        self._written = 0
        self._calls: dict[int, bool] = {}
        self._thought = _reasoning_field(request)

    def feed(self, events: Sequence[Event]) -> bytes:
        return b"".join([self._write(event) for event in events])

    @property
    def used(self) -> Usage:
        """What the upstream counted, else what we guess."""
        return self._usage or Usage(self._request.input_tokens, output=self._written // 4 + 1, estimated=True)

    def broken(self, failure: Failure) -> bytes:
        return b"data: " + jsontext.encode({"error": _error(failure)}) + b"\n\n"

    def whole(self, reply: Reply) -> bytes:
        calls = [
            {"id": self._id(c.id, i), "type": "function", "function": self._function(c.name, c.arguments)}
            for i, c in enumerate(reply.tool_calls)
        ]
        message: dict[str, Any] = {
            "role": "assistant",
            "content": reply.text or (None if calls else ""),
            "refusal": None,
        }
        thought = "\n".join(block.text for block in reply.reasoning if block.text)
        if thought and self._thought:
            message[self._thought] = thought
        if calls:
            message["tool_calls"] = calls
        finish = _reason(reply.finish or Finish.LENGTH, bool(calls))
        choice = {"index": 0, "message": message, "logprobs": None, "finish_reason": finish}
        return jsontext.encode(
            {**self._head, "object": "chat.completion", "choices": [choice], "usage": usage(reply.usage)}
        )

    def _write(self, event: Event) -> bytes:
        match event:
            case TextDelta():
                return self._delta({"content": event.text}) if event.text else b""
            case ReasoningDelta():
                return self._delta({self._thought: event.text}) if event.text and self._thought else b""
            case ToolStart():
                self._calls[event.index] = False
                call = {"index": event.index, "id": self._id(event.id, event.index), "type": "function"}
                return self._delta({"tool_calls": [{**call, "function": self._function(event.name, "")}]})
            case ToolDelta():
                self._calls[event.index] = True
                return self._arguments(event.index, event.arguments)
            case UsageSeen():
                self._usage = event.usage
            case Started():
                self._usage = event.usage or self._usage
                return self._role()
            case Finished():
                return self._end(event.reason)
            case _:
                pass
        return b""

    def _role(self) -> bytes:
        if self._begun:
            return b""
        self._begun = True
        return self._chunk({"role": "assistant", "content": ""})

    def _delta(self, delta: dict[str, Any]) -> bytes:
        return (self._role() if not self._begun else b"") + self._chunk(delta)

    def _chunk(self, delta: dict[str, Any]) -> bytes:
        body = jsontext.encode(delta)
        self._written += len(body) - 14
        return self._open + b'{"index":0,"delta":' + body + b',"logprobs":null,"finish_reason":null}' + self._shut

    def _arguments(self, index: int, text: str) -> bytes:
        return self._delta({"tool_calls": [{"index": index, "function": {"arguments": text}}]})

    def _end(self, reason: Finish) -> bytes:
        """Calls that got no arguments get an empty object: clients parse what they were given."""
        parts = [self._role()]
        parts += [self._arguments(index, "{}") for index, filled in self._calls.items() if not filled]
        choice = {"index": 0, "delta": {}, "logprobs": None, "finish_reason": _reason(reason, bool(self._calls))}
        parts.append(self._open + jsontext.encode(choice) + self._shut)
        if self._request.wants_usage:
            counts = jsontext.encode(usage(self.used))
            parts.append(self._open + b'],"usage":' + counts + b"}\n\n")
        parts.append(b"data: [DONE]\n\n")
        return b"".join(parts)

    def _id(self, ident: str, index: int) -> str:
        return names.unique_id(ident, self._request, index)

    def _function(self, name: str, arguments: str) -> dict[str, str]:
        return {"name": names.original_name(name, self._request), "arguments": arguments}


def _reasoning_field(request: Request) -> str:
    """Where this caller looks for thinking: `reasoning` for those who asked in OpenRouter's words; "" for nowhere."""
    wish = request.unfold.body.reasoning if isinstance(request.unfold, Asked) else None
    if not isinstance(wish, dict):
        return "reasoning_content"
    return "" if wish.get("exclude") is True else "reasoning"


def _reason(reason: Finish, calls: bool) -> str:
    return _FINISH.get(reason) or ("tool_calls" if calls else "stop")


def _error(failure: Failure) -> dict[str, Any]:
    kind, code = _ERRORS.get(failure.kind, ("server_error", failure.kind.value))
    message = overflow.told(failure, overflow.OPENAI)
    return {"message": message, "type": kind, "param": failure.field or None, "code": code}
