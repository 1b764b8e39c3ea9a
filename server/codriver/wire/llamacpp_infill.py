"""llama.cpp's POST /infill (and /completion), both halves: its server knows the marks of the model it has loaded.

https://github.com/ggml-org/llama.cpp/tree/master/tools/server. The cursor's line up to the cursor is
`prompt`, what stands above it `input_prefix`; `input_extra` are parts of other files.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import msgspec

from codriver.errors import Failure, Kind, reject
from codriver.model.events import (
    Event,
    Finish,
    Finished,
    Piece,
    Reply,
    Started,
    TextDelta,
    Usage,
    UsageSeen,
)
from codriver.model.ids import new_id
from codriver.model.provider import Model, Quirks
from codriver.model.request import Fim, Limits, Needs, Purpose, Request
from codriver.wire import carried, fim, intake, jsontext, relay, timing, tokens
from codriver.wire.codec import Call
from codriver.wire.sse import Frame
from codriver.wire.stream import FrameDecoder, Unreadable, unreadable

content_type = "text/event-stream"
_WIRE = "llamacpp_infill"
_DEFAULT_LENGTH = 256
"""Tokens for callers who name no limit, which there means until the context is full."""


class Extra(msgspec.Struct, gc=False):
    text: str = ""
    filename: str = ""


class Body(msgspec.Struct, gc=False):
    """The fields we read. All others pass to llama.cpp servers, and are named when they cannot be carried."""

    input_prefix: str | None = None
    input_suffix: str | None = None
    input_extra: list[Extra] | None = None
    prompt: str | None = None
    n_predict: int | None = None
    temperature: float | None = None
    top_p: float | None = None
    stop: str | list[str] | None = None
    stream: bool | None = None
    response_fields: list[str] | None = None
    model: str | None = None


_BODY = msgspec.json.Decoder(Body)


def parse(body: bytes, headers: Mapping[str, str]) -> Request:
    """A hole, or on /completion a prompt; max_tokens 0 only warms a cache. Raises RequestRejected."""
    asked, body = jsontext.body(_BODY, body)
    wish = intake.wishes(headers, None)
    stop = (asked.stop,) if isinstance(asked.stop, str) else tuple(asked.stop or ())
    hole = _hole(asked)
    if hole.form:
        stop = fim.own_stops(stop)
    length = asked.n_predict if asked.n_predict is not None else -1
    return Request(
        id=new_id(),
        purpose=Purpose.COMPLETE,
        model=asked.model or "auto",
        wire=_WIRE,
        body=body,
        stream=bool(asked.stream),
        wants_usage=True,
        limits=Limits(length if length >= 0 else _DEFAULT_LENGTH, asked.temperature, asked.top_p, stop),
        needs=Needs(fim=hole.suffix is not None, stream=bool(asked.stream)),
        fim=hole,
        input_tokens=tokens.estimate((hole.prefix, hole.suffix or "", *(text for _, text in hole.files))),
        task=wish.task,
        session=intake.session(headers, wish.session, "", ""),
        strategy=wish.strategy,
        workflow=wish.workflow,
        deadline=wish.deadline,
        max_cost=wish.max_cost,
        priority=wish.priority,
        file=wish.file,
        locale=wish.locale,
    )


def _hole(asked: Body) -> Fim:
    prompt = asked.prompt or ""
    if asked.input_prefix is None and asked.input_suffix is None:
        return fim.read(prompt) or Fim(prompt)
    files = tuple((extra.filename, extra.text) for extra in asked.input_extra or () if extra.text.strip())
    return Fim((asked.input_prefix or "") + prompt, asked.input_suffix or "", files=files)


def call(request: Request, model: Model, quirks: Quirks) -> Call:
    """The hole as it is. Raises RequestRejected (UNSUPPORTED) for a conversation."""
    hole = request.fim
    if hole is None:
        raise reject("A conversation cannot be sent to /infill", kind=Kind.UNSUPPORTED)
    if request.wire == _WIRE and request.body is not None and not hole.form and b'"input_suffix"' in request.body:
        return Call(relay.edited(request.body, {"model": model.upstream_id}, drop=quirks.drop))
    limits = request.limits
    length = min(limits.max_tokens, model.max_output or limits.max_tokens) if limits.max_tokens else None
    body: dict[str, Any] = {
        "model": model.upstream_id,
        "input_prefix": hole.prefix,
        "input_suffix": hole.suffix or "",
        "input_extra": [{"filename": path or fim.UNNAMED, "text": text} for path, text in hole.files] or None,
        "prompt": "",
        "n_predict": length,
        "temperature": limits.temperature,
        "top_p": limits.top_p,
        "stop": list(limits.stop) or None,
        "stream": request.stream,
        "cache_prompt": True,
    }
    dropped = carried.lost(request) + [name for name in quirks.drop if body.pop(name, None) is not None]
    kept = {name: value for name, value in body.items() if value is not None}
    return Call(jsontext.encode(kept), dropped=tuple(dropped))


# A server's answer.


class Chunk(msgspec.Struct, gc=False):
    content: str | None = None
    stop: bool | None = None
    stop_type: str | None = None
    stopped_limit: bool | None = None
    stopping_word: str | None = None
    model: str | None = None
    tokens_predicted: int | None = None
    tokens_evaluated: int | None = None
    tokens_cached: int | None = None
    error: Any = None


_CHUNK = msgspec.json.Decoder(Chunk, strict=False)


class InfillDecoder(FrameDecoder):
    """Reads the stream, whose last frame says that it stopped, and the whole answer."""

    loud = (b'"error"', b'"stop":true', b'"stop": true')

    def __init__(self) -> None:
        super().__init__()
        self._started = False

    def read(self, frame: Frame) -> Piece:
        chunk = _chunk(frame.data or b"")
        if chunk is None or (chunk.content is None and not chunk.error):
            raise Unreadable
        return Piece(frame.raw, self._events(chunk))

    def whole(self, body: bytes) -> tuple[Event, ...]:
        chunk = _chunk(body)
        if chunk is None or (chunk.content is None and not chunk.error):
            return unreadable(body)
        events = self._events(chunk)
        return events if self._over else (*events, *self.finished())

    def _events(self, chunk: Chunk) -> tuple[Event, ...]:
        if chunk.error:
            return self.failed(chunk.error)
        events: list[Event] = [] if self._started else [Started("", chunk.model or "")]
        self._started = True
        if chunk.content:
            events.append(TextDelta(chunk.content))
        if chunk.stop:
            if chunk.tokens_evaluated or chunk.tokens_predicted:
                events.append(UsageSeen(Usage(chunk.tokens_evaluated or 0, output=chunk.tokens_predicted or 0)))
            self._finish = _finish(chunk)
            events += self.finished()
        return tuple(events)


def _finish(chunk: Chunk) -> Finished:
    if chunk.stop_type == "limit" or chunk.stopped_limit:
        return Finished(Finish.LENGTH)
    if chunk.stopping_word:
        return Finished(Finish.STOP_SEQUENCE, chunk.stopping_word)
    return Finished(Finish.STOP)


def _chunk(data: bytes) -> Chunk | None:
    try:
        return jsontext.decode(_CHUNK, data)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        return None


def decoder(model: Model, quirks: Quirks) -> InfillDecoder:
    """For the answer of this model."""
    return InfillDecoder()


# Our answer.

_TYPES: Mapping[Kind, tuple[int, str]] = {
    Kind.UNAUTHORIZED: (401, "authentication_error"),
    Kind.FORBIDDEN: (403, "permission_error"),
    Kind.NOT_FOUND: (404, "not_found_error"),
    Kind.UNKNOWN_MODEL: (404, "not_found_error"),
    Kind.UNSUPPORTED: (501, "not_supported_error"),
    Kind.TOO_LONG: (400, "exceed_context_size_error"),
    Kind.OVERLOADED: (503, "unavailable_error"),
    Kind.UNROUTABLE: (503, "unavailable_error"),
}


def failure(failure: Failure) -> bytes:
    """llama.cpp's error object."""
    status = failure.policy.status
    code, kind = _TYPES.get(failure.kind, (status, "invalid_request_error" if status < 500 else "server_error"))
    return jsontext.encode({"error": {"code": code, "message": failure.message, "type": kind}})


def ping() -> bytes:
    return b": ping\n\n"


def encoder(request: Request, model: str, at: int = 0) -> InfillEncoder:
    """For the answer to this request. This wire tells no time of day."""
    return InfillEncoder(request, model)


class InfillEncoder:
    """Frames of content, and a last one that says how it stopped, with counts and milliseconds."""

    def __init__(self, request: Request, model: str) -> None:
        self._request = request
        self._model = model
        self._usage: Usage | None = None
        self._written = 0
        self.clock: timing.Clock = timing.unknown
        asked = _BODY.decode(request.body).response_fields if request.body is not None else None
        self._wanted: Sequence[str] = asked or ()

    def feed(self, events: Sequence[Event]) -> bytes:
        return b"".join([self._write(event) for event in events])

    def broken(self, failure_: Failure) -> bytes:
        return b"data: " + failure(failure_) + b"\n\n"

    def whole(self, reply: Reply) -> bytes:
        return jsontext.encode(self._last(reply.text, reply.finish, reply.stop, reply.usage))

    def _write(self, event: Event) -> bytes:
        match event:
            case TextDelta() if event.text:
                self._written += len(event.text)
                return _frame({"index": 0, "content": event.text, "tokens": [], "stop": False})
            case UsageSeen():
                self._usage = event.usage
            case Started():
                self._usage = event.usage or self._usage
            case Finished():
                guess = Usage(self._request.input_tokens, output=self._written // 4 + 1, estimated=True)
                return _frame(self._last("", event.reason, event.stop, self._usage or guess))
            case _:
                pass
        return b""

    def _last(self, text: str, finish: Finish | None, word: str, usage: Usage) -> dict[str, Any]:
        kinds = {Finish.LENGTH: "limit", Finish.STOP_SEQUENCE: "word", None: "none"}
        answer: dict[str, Any] = {
            "index": 0,
            "content": text,
            "tokens": [],
            "id_slot": -1,
            "stop": True,
            "model": self._model,
            "tokens_predicted": usage.output,
            "tokens_evaluated": usage.prompt,
            "generation_settings": {"n_predict": self._request.limits.max_tokens},
            "has_new_line": "\n" in text,
            "truncated": False,
            "stop_type": kinds.get(finish, "eos"),
            "stopping_word": word,
            "tokens_cached": usage.cached,
            "timings": self._timings(usage),
        }
        return _chosen(answer, self._wanted)

    def _timings(self, usage: Usage) -> dict[str, Any]:
        first, total = self.clock()
        return {
            "cache_n": usage.cached,
            **_pace("prompt", usage.prompt - usage.cached, first),
            **_pace("predicted", usage.output, total - first),
        }


def _pace(name: str, count: int, seconds: float) -> dict[str, float]:
    seconds = max(seconds, 1e-6)
    return {
        f"{name}_n": count,
        f"{name}_ms": round(seconds * 1000, 3),
        f"{name}_per_token_ms": round(seconds * 1000 / max(count, 1), 3),
        f"{name}_per_second": round(count / seconds, 3),
    }


def _chosen(answer: dict[str, Any], wanted: Sequence[str]) -> dict[str, Any]:
    """The fields a caller wants, all when he names none; one with a slash comes out of its object under that name."""
    if not wanted:
        return answer
    chosen: dict[str, Any] = {}
    for path in wanted:
        value: Any = answer
        for step in path.split("/"):
            value = value.get(step) if isinstance(value, dict) else None
        if value is not None:
            chosen[path] = value
    return chosen


def _frame(page: object) -> bytes:
    return b"data: " + jsontext.encode(page) + b"\n\n"
