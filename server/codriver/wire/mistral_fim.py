"""Mistral's wire for holes: prompt and suffix in, chat objects out; both halves.

https://docs.mistral.ai/api/endpoint/fim. Codestral's own host and gateways serve it too; its marks are
the server's business, so a text is sent as it is.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Any

import msgspec

from codriver.errors import Kind, reject
from codriver.model.ids import new_id
from codriver.model.provider import Model, Quirks
from codriver.model.request import Fim, Limits, Needs, Purpose, Request
from codriver.wire import carried, intake, jsontext, openai_chat, relay, tokens
from codriver.wire.codec import Call
from codriver.wire.openai_chat.reading import ChatDecoder

content_type = openai_chat.content_type
encoder = openai_chat.encoder
failure = openai_chat.failure
ping = openai_chat.ping

Count = Annotated[int, msgspec.Meta(ge=0)]
_WIRE = "mistral_fim"


class Body(msgspec.Struct, gc=False):
    """The fields we read. All others are kept in the bytes, or named when they cannot be carried."""

    model: Annotated[str, msgspec.Meta(min_length=1)]
    prompt: str
    suffix: str | None = None
    max_tokens: Count | None = None
    temperature: Annotated[float, msgspec.Meta(ge=0, le=2)] | None = None
    top_p: Annotated[float, msgspec.Meta(ge=0, le=1)] | None = None
    stop: str | list[str] | None = None
    stream: bool | None = None
    random_seed: int | None = None
    metadata: dict[str, Any] | None = None


_BODY = msgspec.json.Decoder(Body)


def parse(body: bytes, headers: Mapping[str, str]) -> Request:
    """A hole, or a plain prompt. Raises RequestRejected with the position or the field at fault."""
    asked, body = jsontext.body(_BODY, body)
    wish = intake.wishes(headers, asked.metadata)
    stop = (asked.stop,) if isinstance(asked.stop, str) else tuple(asked.stop or ())
    return Request(
        id=new_id(),
        purpose=Purpose.COMPLETE,
        model=asked.model,
        wire=_WIRE,
        body=body,
        stream=bool(asked.stream),
        limits=Limits(asked.max_tokens or None, asked.temperature, asked.top_p, stop),
        needs=Needs(
            fim=asked.suffix is not None,
            stream=bool(asked.stream),
            same_wire=() if asked.random_seed is None else ("random_seed",),
        ),
        fim=Fim(asked.prompt, asked.suffix),
        input_tokens=tokens.estimate((asked.prompt, asked.suffix or "")),
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


def call(request: Request, model: Model, quirks: Quirks) -> Call:
    """Prompt and suffix as they are. Raises RequestRejected (UNSUPPORTED) for a conversation."""
    hole = request.fim
    if hole is None:
        raise reject("A conversation cannot be sent as a hole", kind=Kind.UNSUPPORTED)
    limit = request.limits.max_tokens
    if request.wire == _WIRE and request.body is not None:
        put = {"max_tokens": model.max_output} if (limit or 0) > model.max_output > 0 else {}
        change = {"metadata": relay.without_own_keys} if b'"codriver_' in request.body else {}
        if not (put or change or quirks.drop):
            return Call(relay.named(request.body, request.model, model.upstream_id))
        put_all = {"model": model.upstream_id, **put}
        return Call(relay.edited(request.body, put_all, drop=quirks.drop, change=change))
    body: dict[str, Any] = {"model": model.upstream_id, "prompt": hole.prefix, "suffix": hole.suffix}
    body["max_tokens"] = min(limit, model.max_output or limit) if limit else None
    body |= {"temperature": request.limits.temperature, "top_p": request.limits.top_p}
    body |= {"stop": list(request.limits.stop) or None, "stream": request.stream or None}
    body = {name: value for name, value in body.items() if value is not None and name not in quirks.drop}
    dropped = carried.lost(request) + (["other files"] if hole.files else [])
    return Call(jsontext.encode(body), dropped=tuple(dropped))


def decoder(model: Model, quirks: Quirks) -> ChatDecoder:
    """For the answer of this model: chat's objects."""
    return ChatDecoder(quirks.reasoning_field)
