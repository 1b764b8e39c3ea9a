"""Anthropic's message batches: the same queue and files as OpenAI's, in Anthropic's words."""

from __future__ import annotations

import asyncio
import datetime
from collections.abc import Iterator
from typing import Annotated, Any

import msgspec

from codriver.app import App
from codriver.batches import Batch, File
from codriver.batches.lines import MOST_LINES
from codriver.errors import Kind, reject
from codriver.fronts.http.exchange import Exchange
from codriver.fronts.http.files import answer, limited, queried
from codriver.fronts.http.route import Route, Routes
from codriver.wire import jsontext

_PATH = "/messages/batches/"
_AT_ONCE = 200


class Params(msgspec.Struct):
    """Of a request only what is looked at now; the rest when it runs."""

    model: str
    stream: bool | None = None


class One(msgspec.Struct):
    """One request of a batch."""

    custom_id: Annotated[str, msgspec.Meta(pattern="^[a-zA-Z0-9_-]{1,64}$")]
    params: msgspec.Raw


class Asked(msgspec.Struct):
    """The body of POST /v1/messages/batches."""

    requests: Annotated[list[One], msgspec.Meta(min_length=1, max_length=MOST_LINES)]


class _Response(msgspec.Struct):
    status_code: int
    body: msgspec.Raw


class _Trouble(msgspec.Struct):
    code: str


class _Line(msgspec.Struct):
    custom_id: str
    response: _Response | None = None
    error: _Trouble | None = None


_ASKED = msgspec.json.Decoder(Asked)
_PARAMS = msgspec.json.Decoder(Params)
_LINE = msgspec.json.Decoder(_Line)


async def create(app: App, exchange: Exchange) -> None:
    """POST /v1/messages/batches: the requests stand in the body; each is one line of a file of ours."""
    asked, _ = jsontext.body(_ASKED, await exchange.body(app.settings.http.max_body_mb * 1_000_000) or b"{}")
    _check(asked)
    draft = app.batches.files.draft()
    try:
        for one in asked.requests:
            # Raw line breaks stand only between values, never in them.
            body = msgspec.Raw(bytes(one.params).replace(b"\r", b" ").replace(b"\n", b" "))
            line = {"custom_id": one.custom_id, "method": "POST", "url": "/v1/messages", "body": body}
            draft.write(msgspec.json.encode(line) + b"\n")
        file = await asyncio.to_thread(app.batches.files.keep, draft, "requests.jsonl", "batch")
    except BaseException:  # also when the caller leaves: half a file is none
        draft.drop()
        raise
    batch = await app.batches.create("/v1/messages", file.id, form="anthropic", headers=exchange.headers)
    await answer(exchange, page(batch, exchange))


async def listing(app: App, exchange: Exchange) -> None:
    """GET /v1/messages/batches: after_id, before_id and limit; the newest first."""
    query = queried(exchange)
    limit = limited(query, most=1000)
    batches = [batch for batch in app.batches.all() if batch.form == "anthropic"]
    places = {batch.id: place for place, batch in enumerate(batches)}
    for name in ("after_id", "before_id"):
        if name in query and query[name] not in places:
            raise reject(f"{name}: no batch has the id {query[name]!r}", field=name)
    if "before_id" in query:
        found = batches[: places[query["before_id"]]]
        shown, more = found[-limit:], len(found) > limit
    else:
        found = batches[places[query["after_id"]] + 1 :] if "after_id" in query else batches
        shown, more = found[:limit], len(found) > limit
    ends = {"first_id": shown[0].id, "last_id": shown[-1].id} if shown else {"first_id": None, "last_id": None}
    await answer(exchange, {"data": [page(batch, exchange) for batch in shown], "has_more": more, **ends})


async def look(app: App, exchange: Exchange) -> None:
    """GET /v1/messages/batches/{id} and GET /v1/messages/batches/{id}/results."""
    ident, _, rest = exchange.path.partition(_PATH)[2].partition("/")
    batch = _found(app, ident)
    if not rest:
        await answer(exchange, page(batch, exchange))
    elif rest != "results":
        raise reject(f"a batch has no {rest!r}", kind=Kind.NOT_FOUND)
    elif not batch.over:
        raise reject(f"{ident} has no results before it has ended")
    else:
        await _results(app, exchange, batch)


async def act(app: App, exchange: Exchange) -> None:
    """POST /v1/messages/batches/{id}/cancel."""
    ident, _, verb = exchange.path.partition(_PATH)[2].partition("/")
    if verb != "cancel":
        raise reject(f"Codriver has no {exchange.path}", kind=Kind.NOT_FOUND)
    batch = _found(app, ident)
    await answer(exchange, page(await app.batches.cancel(ident) or batch, exchange))


async def remove(app: App, exchange: Exchange) -> None:
    """DELETE /v1/messages/batches/{id}: only what has ended."""
    batch = _found(app, exchange.path.partition(_PATH)[2])
    if not batch.over:
        raise reject(f"{batch.id} has not ended; cancel it first")
    await app.batches.remove(batch)
    await answer(exchange, {"id": batch.id, "type": "message_batch_deleted"})


def page(batch: Batch, exchange: Exchange) -> dict[str, Any]:
    """A batch as Anthropic shows it."""
    left = max(0, batch.total - batch.completed - batch.failed)
    status = "ended" if batch.over else "canceling" if batch.cancelling_at else "in_progress"
    place = f"http://{exchange.headers.get('host', 'localhost')}/v1{_PATH}{batch.id}/results"
    return {
        "id": batch.id,
        "type": "message_batch",
        "processing_status": status,
        "request_counts": {
            "processing": 0 if batch.over else left,
            "succeeded": batch.completed,
            "errored": batch.failed,
            "canceled": left if batch.status == "cancelled" else 0,
            "expired": left if batch.status == "expired" else 0,
        },
        "created_at": _time(batch.at),
        "expires_at": _time(batch.expires_at),
        "ended_at": _time(batch.ended_at) if batch.ended_at else None,
        "cancel_initiated_at": _time(batch.cancelling_at) if batch.cancelling_at else None,
        "archived_at": None,
        "results_url": place if batch.over else None,
    }


async def _results(app: App, exchange: Exchange, batch: Batch) -> None:
    """The lines of both result files, in Anthropic's form."""
    files = [file for file in map(app.batches.files.get, (batch.output, batch.errors)) if file is not None]
    await exchange.start(200, [(b"content-type", b"application/x-jsonl")])
    lines = _lines(app, files)
    while part := await asyncio.to_thread(_next, lines):
        await exchange.write(part)
    await exchange.end()


def _lines(app: App, files: list[File]) -> Iterator[bytes]:
    for file in files:
        with app.batches.files.path(file).open("rb") as source:
            for text in source:
                yield _result(_LINE.decode(text))


def _next(lines: Iterator[bytes]) -> bytes:
    return b"".join(line for line, _ in zip(lines, range(_AT_ONCE), strict=False))


def _result(line: _Line) -> bytes:
    found: dict[str, Any]
    if line.response is not None and line.response.status_code == 200:
        found = {"type": "succeeded", "message": line.response.body}
    elif line.response is not None:
        found = {"type": "errored", "error": line.response.body}
    elif line.error is not None and line.error.code == "batch_cancelled":
        found = {"type": "canceled"}
    else:
        found = {"type": "expired"}
    return msgspec.json.encode({"custom_id": line.custom_id, "result": found}) + b"\n"


def _check(asked: Asked) -> None:
    """Raises RequestRejected naming the request at fault."""
    seen: set[str] = set()
    for number, one in enumerate(asked.requests):
        place = f"requests.{number}"
        if one.custom_id in seen:
            raise reject(f"{place}.custom_id: {one.custom_id!r} is used twice", field=f"{place}.custom_id")
        seen.add(one.custom_id)
        try:
            params = _PARAMS.decode(one.params)
        except msgspec.DecodeError as error:
            raise reject(f"{place}.params: {error}", field=f"{place}.params") from None
        if params.stream:
            raise reject(f"{place}.params.stream: a batch does not stream", field=f"{place}.params.stream")


def _found(app: App, ident: str) -> Batch:
    batch = app.batches.get(ident)
    if batch is None or batch.form != "anthropic":
        raise reject(f"No message batch has the id {ident!r}", kind=Kind.NOT_FOUND)
    return batch


def _time(at: float) -> str:
    return datetime.datetime.fromtimestamp(int(at), datetime.UTC).isoformat().replace("+00:00", "Z")


_CREATE, _LIST, _LOOK = Route(create, "anthropic"), Route(listing, "anthropic"), Route(look, "anthropic")
_ACT, _REMOVE = Route(act, "anthropic"), Route(remove, "anthropic")

ROUTES: Routes = {
    f"{method} {base}": route
    for prefix in ("/v1/messages/batches", "/messages/batches")
    for method, base, route in (
        ("POST", prefix, _CREATE),
        ("GET", prefix, _LIST),
        ("GET", f"{prefix}/*", _LOOK),
        ("POST", f"{prefix}/*", _ACT),
        ("DELETE", f"{prefix}/*", _REMOVE),
    )
}
