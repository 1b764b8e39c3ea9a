"""OpenAI embeddings: texts in, vectors out, always on this same wire.

The vectors themselves are never decoded: a body passes as it is, and of the answer only the count
is read.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Annotated, Any

import msgspec

from codriver.errors import Failure, Kind, RequestRejected, reject
from codriver.model.events import Event, Failed, Finish, Finished, Piece, Reply, Started, Usage, UsageSeen
from codriver.model.ids import new_id
from codriver.model.provider import Model, Quirks
from codriver.model.request import Needs, Purpose, Request
from codriver.wire import faults, intake, jsontext, openai_chat, relay, tokens
from codriver.wire.codec import Call

content_type = "application/json"
ping = openai_chat.ping
failure = openai_chat.failure

MOST_INPUTS = 2048
"""Inputs of one request, as OpenAI's API has it."""


class Body(msgspec.Struct, gc=False):
    """The fields we read. All others are kept in the bytes."""

    model: Annotated[str, msgspec.Meta(min_length=1)]
    input: str | list[Any]
    encoding_format: str | None = None
    dimensions: Annotated[int, msgspec.Meta(ge=1)] | None = None


class Count(msgspec.Struct, gc=False):
    prompt_tokens: int | None = None
    total_tokens: int | None = None


class Answered(msgspec.Struct, gc=False):
    """An answer without its vectors, or an error in its place."""

    data: msgspec.Raw = jsontext.NOTHING
    model: str | None = None
    usage: Count | None = None
    error: Any = None


_BODY = msgspec.json.Decoder(Body)
_ANSWER = msgspec.json.Decoder(Answered)


def parse(body: bytes, headers: Mapping[str, str]) -> Request:
    """An embeddings request. Raises RequestRejected with the position or the field at fault."""
    asked, body = jsontext.body(_BODY, body)
    if asked.encoding_format not in (None, "float", "base64"):
        raise reject("encoding_format: Expected 'float' or 'base64'", field="encoding_format")
    wish = intake.wishes(headers, None)
    return Request(
        id=new_id(),
        purpose=Purpose.EMBED,
        model=asked.model,
        wire="openai_embeddings",
        body=body,
        stream=False,
        needs=Needs(embed=True),
        input_tokens=_count(asked.input),
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


def _count(given: str | list[Any]) -> int:
    """Tokens of a text, of texts, of one input in tokens, or of several. Raises RequestRejected for anything else."""
    if not given:
        raise reject("input: Expected at least one text, got an empty one", field="input")
    if isinstance(given, str):
        return tokens.estimate((given,))
    first = given[0]
    if _is_token(first):
        return len(_tokens(given, "input"))
    if len(given) > MOST_INPUTS:
        raise reject(f"input: Expected at most {MOST_INPUTS} inputs, got {len(given)}", field="input")
    if isinstance(first, str):
        for place, text in enumerate(given):
            if not isinstance(text, str):
                raise _mixed(place)
        if not any(given):
            raise reject("input: Expected at least one text, got only empty ones", field="input")
        return tokens.estimate(given)
    if not isinstance(first, list):
        raise _mixed(0)
    return sum(len(_tokens(item, f"input[{place}]")) for place, item in enumerate(given))


def _tokens(item: Any, place: str) -> list[int]:
    if not isinstance(item, list) or not item or not all(map(_is_token, item)):
        raise reject(f"{place}: Expected a list of token numbers", field=place)
    return item


def _is_token(value: object) -> bool:
    return isinstance(value, int) and not isinstance(value, bool) and value >= 0


def _mixed(place: int) -> RequestRejected:
    field = f"input[{place}]"
    return reject(f"{field}: Expected texts or lists of token numbers, all of one kind", field=field)


def call(request: Request, model: Model, quirks: Quirks) -> Call:
    """The caller's own bytes with the model's name. Raises RequestRejected (UNSUPPORTED) for another wire's request."""
    if request.wire != "openai_embeddings" or request.body is None:
        raise reject("Only a request for embeddings can be sent as one", kind=Kind.UNSUPPORTED)
    drop = [name for name in quirks.drop if f'"{name}"'.encode() in request.body]
    if not drop:
        return Call(relay.named(request.body, request.model, model.upstream_id))
    return Call(relay.edited(request.body, {"model": model.upstream_id}, drop=drop))


def decoder(model: Model, quirks: Quirks) -> EmbeddingDecoder:
    """For the answer of this model."""
    return EmbeddingDecoder()


class EmbeddingDecoder:
    """Reads the count out of an answer. Embeddings are not streamed: a stream is a failure."""

    over = left = False

    def feed(self, data: bytes) -> list[Piece]:
        return []

    def quiet(self, data: bytes) -> int:
        return 0

    def close(self) -> list[Piece]:
        return [Piece(b"", (_broken("came as a stream, which embeddings never do"),))]

    def whole(self, body: bytes) -> tuple[Event, ...]:
        try:
            answer = jsontext.decode(_ANSWER, body)
        except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
            return (_broken(f"is no list of embeddings: {error}"),)
        if answer.error is not None:
            return (Failed(faults.failure(answer.error)),)
        if not bytes(answer.data).startswith(b"["):
            return (_broken("holds no vectors"),)
        events: list[Event] = [Started(model=answer.model or "")]
        used = answer.usage
        if used is not None and (used.prompt_tokens or used.total_tokens):
            events.append(UsageSeen(Usage(input=used.prompt_tokens or used.total_tokens or 0)))
        return (*events, Finished(Finish.STOP))


def _broken(what: str) -> Failed:
    return Failed(Failure(Kind.BROKEN, f"The provider's answer {what}"))


def encoder(request: Request, model: str, at: int = 0) -> EmbeddingEncoder:
    """For the answer to this request."""
    return EmbeddingEncoder(model)


class EmbeddingEncoder:
    """Answers of this wire are only ever passed on; neutral events hold no vectors to write."""

    def __init__(self, model: str) -> None:
        self._model = model

    def feed(self, events: Sequence[Event]) -> bytes:
        return b""

    def broken(self, failure: Failure) -> bytes:
        return b"data: " + openai_chat.failure(failure) + b"\n\n"

    def whole(self, reply: Reply) -> bytes:
        counts = {"prompt_tokens": reply.usage.prompt, "total_tokens": reply.usage.prompt}
        return jsontext.encode({"object": "list", "data": [], "model": self._model, "usage": counts})
