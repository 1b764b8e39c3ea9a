"""The endpoints of the responses wire: answers, and the memory that lets a caller go on from one by its id.

Every provider gets the whole conversation in the body: a reference to an earlier answer made here is
resolved before anybody is asked. What only one provider keeps is refused unless it is pinned.

The wire's own modules are imported by those who speak it: nobody who starts waits for all wires.
"""

from __future__ import annotations

from collections.abc import MutableMapping
from functools import partial
from typing import TYPE_CHECKING, Any
from urllib.parse import parse_qs

import msgspec

from codriver.app import App
from codriver.errors import Kind, RequestRejected, reject
from codriver.fronts.http.converse import answered, fail
from codriver.fronts.http.exchange import Exchange, Send
from codriver.fronts.http.route import Route, Routes
from codriver.model.request import Request
from codriver.state.responses import Remembered
from codriver.wire import codec, relay

if TYPE_CHECKING:
    from codriver.wire.openai_responses import chain

MOST_ITEMS, USUAL_ITEMS = 100, 20
_WIRE = "openai_responses"
_encode = msgspec.json.encode


class UnknownPrevious(Exception):
    """The answer to go on from is not known here (any more)."""


async def create(app: App, exchange: Exchange) -> None:
    """POST /v1/responses."""
    from codriver.wire.openai_responses import chain
    from codriver.wire.openai_responses.inbound import Body

    speaker = codec.find(_WIRE)
    try:
        body, asked, previous = _whole(app, await _body(app, exchange))
        request = speaker.parse(body, exchange.headers)
        _stays_at_one_provider(app, request)
    except RequestRejected as rejected:
        await fail(exchange, speaker, rejected.failure)
        return
    except UnknownPrevious as unknown:
        await exchange.answer(404, _not_found(str(unknown)))
        return
    if not isinstance(request.unfold, Body) or request.unfold.store is not False:
        keep = partial(_keep, app, asked=asked or chain.own_items(body), previous=previous)
        exchange.through(partial(_listening, keep=keep))
    await answered(app, exchange, request, speaker)


async def _body(app: App, exchange: Exchange) -> bytes:
    return await exchange.body(app.settings.http.max_body_mb * 1_000_000)


def _whole(app: App, body: bytes) -> tuple[bytes, tuple[bytes, ...], str]:
    """The body with all it refers to in it; its own items, where it had to be changed; and what it goes on from.

    Raises UnknownPrevious.
    """
    from codriver.wire.openai_responses import chain

    previous = chain.previous(body)
    if not previous and b'"item_reference"' not in body:
        return body, (), ""
    before: list[bytes] = []
    if previous:
        found = app.responses.chain(previous)
        if found is None:
            raise UnknownPrevious(previous)
        for earlier in found:
            before += (*earlier.asked, *chain.continued(earlier.said))
    try:
        items = tuple(chain.resolved(chain.own_items(body), app.responses.item))
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        return body, (), ""  # parsing tells what is wrong
    return chain.linked(body, before, items), items, previous


def _not_found(ident: str) -> bytes:
    text = f"Previous response with id '{ident}' not found."
    code = "previous_response_not_found"
    error = {"message": text, "type": "invalid_request_error", "param": "previous_response_id", "code": code}
    return _encode({"error": error})


def _stays_at_one_provider(app: App, request: Request) -> None:
    """What only the provider who made it can find again goes to nobody else. Raises RequestRejected."""
    bound = [name for name in ("conversation", "background", "prompt") if name in request.needs.same_wire]
    if bound and not app.plan(request).wish.bounds.only:
        text = f"{bound[0]}: this is kept by one provider; name one of its models as model (provider/model)"
        raise reject(text, field=bound[0], kind=Kind.UNSUPPORTED)


def _listening(send: Send, keep: partial[None]) -> Send:
    """Looks for the finished answer in what is sent: whole frames of a stream, or a whole body."""
    from codriver.wire.openai_responses import chain

    streams = False

    async def listen(message: MutableMapping[str, Any]) -> None:
        nonlocal streams
        if message["type"] == "http.response.start":
            streams = any(name == b"content-type" and b"event-stream" in value for name, value in message["headers"])
        elif body := message.get("body"):
            found = chain.ended(body) if streams else chain.made(body)
            if found is not None:
                keep(found)
        await send(message)

    return listen


def _keep(app: App, found: chain.Made, *, asked: tuple[bytes, ...], previous: str) -> None:
    made = Remembered(found.response, asked, found.items, found.names, previous)
    app.responses.keep(found.id, made)


# What is remembered.


def _named(exchange: Exchange) -> tuple[str, str]:
    """The id in the path, and what stands behind it."""
    ident, _, rest = exchange.path.partition("/responses/")[2].partition("/")
    return ident, rest


async def show(app: App, exchange: Exchange) -> None:
    """GET /v1/responses/{id} and /v1/responses/{id}/input_items."""
    ident, rest = _named(exchange)
    made = app.responses.find(ident)
    if made is None or rest not in ("", "input_items"):
        raise reject(f"Response with id '{exchange.path.partition('/responses/')[2]}' not found.", kind=Kind.NOT_FOUND)
    if rest:
        await exchange.answer(200, _items(app, ident, exchange))
        return
    if b"true" in parse_qs(exchange.query).get(b"stream", []):
        raise reject("stream: an answer made here is not streamed again", field="stream", kind=Kind.UNSUPPORTED)
    await exchange.answer(200, made.response)


def _items(app: App, ident: str, exchange: Exchange) -> bytes:
    """The list of all that stood before an answer, newest first unless asked otherwise."""
    from codriver.wire.openai_responses import chain

    asked = parse_qs(exchange.query)
    found = app.responses.chain(ident) or []
    items: list[bytes] = []
    for earlier in found:
        items += earlier.asked
        items += earlier.said if earlier is not found[-1] else ()
    listed = [chain.shown(item, f"msg_{ident.removeprefix('resp_')}_{place}") for place, item in enumerate(items)]
    rows = [(msgspec.json.decode(item)["id"], msgspec.Raw(item)) for item in listed]
    if b"asc" not in asked.get(b"order", []):
        rows.reverse()
    if after := asked.get(b"after", [b""])[0].decode("utf-8", "replace"):
        names = [name for name, _ in rows]
        rows = rows[names.index(after) + 1 :] if after in names else []
    limit = _limit(asked.get(b"limit", [b""])[0])
    page = rows[:limit]
    ends = {"first_id": page[0][0] if page else None, "last_id": page[-1][0] if page else None}
    data = [item for _, item in page]
    return _encode({"object": "list", "data": data, **ends, "has_more": len(rows) > limit})


def _limit(text: bytes) -> int:
    if not text:
        return USUAL_ITEMS
    if not text.isdigit() or len(text) > 9 or not 1 <= int(text) <= MOST_ITEMS:
        raise reject(f"limit: Expected a number from 1 to {MOST_ITEMS}", field="limit")
    return int(text)


async def forget(app: App, exchange: Exchange) -> None:
    """DELETE /v1/responses/{id}."""
    ident, rest = _named(exchange)
    if rest or not app.responses.forget(ident):
        raise reject(f"Response with id '{ident}' not found.", kind=Kind.NOT_FOUND)
    await exchange.answer(200, _encode({"id": ident, "object": "response", "deleted": True}))


# What needs no model.


async def count(app: App, exchange: Exchange) -> None:
    """POST /v1/responses/input_tokens: an estimate, and marked as one in a header."""
    try:
        body, _, _ = _whole(app, await _body(app, exchange))
    except UnknownPrevious as unknown:
        await exchange.answer(404, _not_found(str(unknown)))
        return
    tokens = codec.find(_WIRE).parse(_complete(body), exchange.headers).input_tokens
    answer = _encode({"object": "response.input_tokens", "input_tokens": tokens})
    await exchange.answer(200, answer, [(b"x-codriver-estimated", b"true")])


def _complete(body: bytes) -> bytes:
    """The body with a model and an input, which may be left out where tokens are only counted."""
    try:
        fields = relay.fields(body)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        return body  # parsing tells what is wrong
    put = {name: usual for name, usual in (("model", "auto"), ("input", "")) if name not in fields}
    return relay.edited(body, put) if put else body


async def refuse(app: App, exchange: Exchange) -> None:
    """POST to anything below an answer: nothing there is served, cancelling included."""
    raise reject(f"Codriver has no {exchange.path}: no answer is made in the background", kind=Kind.NOT_FOUND)


async def compact(app: App, exchange: Exchange) -> None:
    """POST /v1/responses/compact."""
    text = "Codriver does not compact histories: the result could only be read by the one provider that made it"
    raise reject(text, kind=Kind.NOT_FOUND)


def _route(handler: Any) -> Route:
    return Route(handler, wire=_WIRE)


# Some clients add /v1 to their base URL and some do not: both are served.
ROUTES: Routes = {
    f"{method} {prefix}/responses{rest}": _route(handler)
    for prefix in ("/v1", "")
    for method, rest, handler in (
        ("POST", "", create),
        ("POST", "/input_tokens", count),
        ("POST", "/compact", compact),
        ("POST", "/*", refuse),
        ("GET", "/*", show),
        ("DELETE", "/*", forget),
    )
}
