"""OpenAI completions, the wire of fill-in-the-middle: prompt and suffix in, text out; both halves."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Annotated, Any

import msgspec

from codriver.errors import Failure, Kind, reject
from codriver.model.events import Event, Finish, Finished, Reply, Started, TextDelta, Usage, UsageSeen
from codriver.model.ids import new_id
from codriver.model.provider import Model, Quirks
from codriver.model.request import Fim, Limits, Needs, Purpose, Request
from codriver.wire import bounds, carried, fim, intake, jsontext, openai_chat, relay, tokens
from codriver.wire.codec import Call
from codriver.wire.openai_chat.reading import ChatDecoder
from codriver.wire.openai_chat.writing import usage

content_type = "text/event-stream"
ping = openai_chat.ping
failure = openai_chat.failure

Count = Annotated[int, msgspec.Meta(ge=1)]
_FINISH = {Finish.LENGTH: "length", Finish.FILTERED: "content_filter"}
# How OpenAI's own API cuts an answer nobody gave a length for.
_DEFAULT_LENGTH = 16


class Options(msgspec.Struct, gc=False):
    include_usage: bool | None = None


class Body(msgspec.Struct, gc=False):
    """The fields we read. All others are kept in the bytes, or named when they cannot be carried."""

    model: Annotated[str, msgspec.Meta(min_length=1)]
    prompt: str | list[Any]
    suffix: str | None = None
    max_tokens: Annotated[int, msgspec.Meta(ge=0)] | None = None
    temperature: Annotated[float, msgspec.Meta(ge=0, le=2)] | None = None
    top_p: Annotated[float, msgspec.Meta(ge=0, le=1)] | None = None
    stop: str | list[str] | None = None
    stream: bool | None = None
    stream_options: Options | None = None
    n: Count | None = None
    best_of: Count | None = None
    echo: bool | None = None
    logprobs: int | None = None
    logit_bias: dict[str, Any] | None = None
    seed: int | None = None
    metadata: dict[str, Any] | None = None
    prompt_cache_key: str | None = None


_BODY = msgspec.json.Decoder(Body)


def parse(body: bytes, headers: Mapping[str, str]) -> Request:
    """A completion request. Raises RequestRejected with the position or the field at fault."""
    asked, body = jsontext.body(_BODY, body)
    prompt = _prompt(asked.prompt)
    wish = intake.wishes(headers, asked.metadata)
    stop = (asked.stop,) if isinstance(asked.stop, str) else tuple(asked.stop or ())
    hole = Fim(prompt, asked.suffix)
    if asked.suffix is None and (read := fim.read(prompt)) is not None:
        hole, stop = read, fim.own_stops(stop)
    return Request(
        id=new_id(),
        purpose=Purpose.COMPLETE,
        model=asked.model,
        wire="openai_completions",
        body=body,
        stream=bool(asked.stream),
        wants_usage=bool(asked.stream_options and asked.stream_options.include_usage),
        limits=Limits(asked.max_tokens or _DEFAULT_LENGTH, asked.temperature, asked.top_p, stop),
        needs=Needs(fim=hole.suffix is not None, stream=bool(asked.stream), same_wire=_bound(asked)),
        fim=hole,
        input_tokens=tokens.estimate((prompt, asked.suffix or "")),
        tail=(),
        task=wish.task,
        session=intake.session(headers, wish.session, asked.prompt_cache_key or "", ""),
        strategy=wish.strategy,
        workflow=wish.workflow,
        deadline=wish.deadline,
        max_cost=wish.max_cost,
        priority=wish.priority,
        file=wish.file,
        locale=wish.locale,
    )


def _prompt(prompt: str | list[Any]) -> str:
    if isinstance(prompt, str):
        return prompt
    if len(prompt) == 1 and isinstance(prompt[0], str):
        return prompt[0]
    raise reject("prompt: Expected one string (or a list of one string), not several and not token ids", field="prompt")


def _bound(asked: Body) -> tuple[str, ...]:
    """What only this wire can carry."""
    asks = {
        "n": (asked.n or 1) > 1,
        "best_of": (asked.best_of or 1) > 1,
        "echo": bool(asked.echo),
        "logprobs": asked.logprobs is not None,
        "logit_bias": bool(asked.logit_bias),
        "seed": asked.seed is not None,
    }
    return tuple(name for name, wanted in asks.items() if wanted)


def call(request: Request, model: Model, quirks: Quirks) -> Call:
    """Native prompt and suffix where the model has them, else its family's template.

    Raises RequestRejected (UNSUPPORTED) for a conversation, which this wire cannot hold, and for a
    hole when the model has no way to be told of one.
    """
    hole = request.fim
    if hole is None:
        raise reject("A conversation cannot be sent as a completion", kind=Kind.UNSUPPORTED)
    own = request.wire == "openai_completions" and request.body is not None
    stops, left = bounds.stops(request.limits.stop, quirks)
    put: dict[str, Any] = {"stop": list(stops)} if left else {}
    broken = ""
    if not (own and _as_it_is(hole, model)):
        put, broken = _told(hole, model, stops, quirks.stop_max)
    put["model"] = model.upstream_id
    if request.needs.same_wire:
        left = ()  # such an answer is passed on as it comes
    if own and request.body is not None:
        return Call(_relayed(request, request.body, put, model, quirks), family=broken, stop=left)
    made = _built(request, put, model, quirks)
    return replace(made, family=broken, stop=left) if broken or left else made


def _as_it_is(hole: Fim, model: Model) -> bool:
    """Whether the caller's own fields tell this model of the hole."""
    native = model.fim == "suffix" and not hole.form
    return hole.suffix is None or native or fim.same_form(hole.form, model.fim)


def _told(hole: Fim, model: Model, own: Sequence[str], most: int) -> tuple[dict[str, Any], str]:
    """The fields that tell this model of the hole and the caller's own stops; and its family when its answer must be
    mended, because tokens were broken or stops left out (most: how many the server takes, 0: any number), else ""."""
    if hole.suffix is None:
        return {"prompt": hole.prefix, "stop": list(own)}, ""
    if model.fim == "suffix":
        return {"prompt": hole.prefix, "suffix": hole.suffix, "stop": list(own)}, ""
    family = fim.families().get(model.fim)
    if family is None:
        raise reject(f"{model.key} cannot fill in the middle", field="suffix", kind=Kind.UNSUPPORTED)
    stops = list(dict.fromkeys((*own, *family.stops)))
    mended = fim.breaks(family, hole) or 0 < most < len(stops)
    return {"prompt": fim.prompt(family, hole), "stop": stops[: most or None]}, model.fim if mended else ""


def _relayed(request: Request, body: bytes, put: dict[str, Any], model: Model, quirks: Quirks) -> bytes:
    drop = list(quirks.drop)
    if "prompt" in put and "suffix" not in put:
        drop.append("suffix")
    if (request.limits.max_tokens or 0) > model.max_output > 0:
        put["max_tokens"] = model.max_output
    if request.stream and quirks.stream_usage and not request.wants_usage:
        put["stream_options"] = {"include_usage": True}
    elif not quirks.stream_usage:
        drop.append("stream_options")
    if put.get("stop") == []:
        del put["stop"]
        drop.append("stop")
    change = {"metadata": relay.without_own_keys} if b'"codriver_' in body else {}
    if len(put) == 1 and not drop and not change:
        return relay.named(body, request.model, model.upstream_id)
    return relay.edited(body, put, drop=drop, change=change)


def _built(request: Request, put: dict[str, Any], model: Model, quirks: Quirks) -> Call:
    body = {name: value for name, value in put.items() if value != []}
    length = request.limits.max_tokens
    if length:
        body["max_tokens"] = min(length, model.max_output or length)
    for name in ("temperature", "top_p"):
        if (value := getattr(request.limits, name)) is not None:
            body[name] = value
    if request.stream:
        body["stream"] = True
        if quirks.stream_usage:
            body["stream_options"] = {"include_usage": True}
    dropped = carried.lost(request)
    if request.fim is not None and request.fim.files and "suffix" in put:
        dropped.append("other files")
    dropped += [name for name in quirks.drop if body.pop(name, None) is not None]
    return Call(jsontext.encode(body), dropped=tuple(dropped))


def decoder(model: Model, quirks: Quirks) -> ChatDecoder:
    """For the answer of this model. Some servers answer with chat's objects (Mistral); both are read."""
    return ChatDecoder(quirks.reasoning_field)


def encoder(request: Request, model: str, at: int = 0) -> CompletionEncoder:
    """For the answer to this request; `at` is the Unix time shown in `created`."""
    return CompletionEncoder(request, model, at)


class CompletionEncoder:
    """Writes text_completion objects. Thinking and calls have no place in this wire and are left out."""

    def __init__(self, request: Request, model: str, at: int) -> None:
        self._request = request
        self._head = {"id": f"cmpl-{request.id}", "object": "text_completion", "created": at, "model": model}
        self._open = b"data: " + jsontext.encode(self._head)[:-1] + b',"choices":['
        self._shut = b'],"usage":null}\n\n' if request.wants_usage else b"]}\n\n"
        self._usage: Usage | None = None
        self._written = 0

    def feed(self, events: Sequence[Event]) -> bytes:
        return b"".join([self._write(event) for event in events])

    def broken(self, failure: Failure) -> bytes:
        return b"data: " + openai_chat.failure(failure) + b"\n\n"

    def whole(self, reply: Reply) -> bytes:
        choice = self._choice(reply.text, _FINISH.get(reply.finish or Finish.LENGTH, "stop"))
        return jsontext.encode({**self._head, "choices": [choice], "usage": usage(reply.usage)})

    def _write(self, event: Event) -> bytes:
        match event:
            case TextDelta() if event.text:
                self._written += len(event.text)
                return self._chunk(event.text, None)
            case UsageSeen():
                self._usage = event.usage
            case Started():
                self._usage = event.usage or self._usage
            case Finished():
                return self._chunk("", _FINISH.get(event.reason, "stop")) + self._counts() + b"data: [DONE]\n\n"
            case _:
                pass
        return b""

    def _counts(self) -> bytes:
        if not self._request.wants_usage:
            return b""
        guess = Usage(self._request.input_tokens, output=self._written // 4 + 1, estimated=True)
        return self._open + b'],"usage":' + jsontext.encode(usage(self._usage or guess)) + b"}\n\n"

    def _chunk(self, text: str, finish: str | None) -> bytes:
        return self._open + jsontext.encode(self._choice(text, finish)) + self._shut

    def _choice(self, text: str, finish: str | None) -> dict[str, Any]:
        return {"index": 0, "text": text, "logprobs": None, "finish_reason": finish}
