"""OpenAI's batches: make, list, look, cancel."""

from __future__ import annotations

from typing import Annotated, Any

import msgspec

from codriver.app import App
from codriver.batches import Batch
from codriver.errors import Kind, RequestRejected, reject
from codriver.fronts.http.exchange import Exchange
from codriver.fronts.http.files import answer, paged, queried
from codriver.fronts.http.route import Route, Routes
from codriver.wire import jsontext

SMALL_BODY = 1_000_000


class Asked(msgspec.Struct):
    """The body of POST /v1/batches."""

    input_file_id: str
    endpoint: str
    completion_window: str = "24h"
    metadata: (
        Annotated[
            dict[Annotated[str, msgspec.Meta(max_length=64)], Annotated[str, msgspec.Meta(max_length=512)]],
            msgspec.Meta(max_length=16),
        ]
        | None
    ) = None


_ASKED = msgspec.json.Decoder(Asked)


async def create(app: App, exchange: Exchange) -> None:
    """POST /v1/batches: a batch from an uploaded file; its lines are looked at afterwards."""
    asked, _ = jsontext.body(_ASKED, await exchange.body(SMALL_BODY) or b"{}")
    if asked.completion_window != "24h":
        raise reject("completion_window: Expected '24h'", field="completion_window")
    batch = await app.batches.create(
        asked.endpoint, asked.input_file_id, metadata=asked.metadata, headers=exchange.headers
    )
    await answer(exchange, page(batch))


async def listing(app: App, exchange: Exchange) -> None:
    """GET /v1/batches: after and limit as OpenAI has them; the newest first."""
    shown = [page(batch) for batch in app.batches.all()]
    await answer(exchange, paged(shown, queried(exchange)))


async def look(app: App, exchange: Exchange) -> None:
    """GET /v1/batches/{id}."""
    await answer(exchange, page(found(app, exchange.path.partition("/batches/")[2])))


async def act(app: App, exchange: Exchange) -> None:
    """POST /v1/batches/{id}/cancel."""
    ident, _, verb = exchange.path.partition("/batches/")[2].partition("/")
    if verb != "cancel":
        raise reject(f"Codriver has no {exchange.path}", kind=Kind.NOT_FOUND)
    await answer(exchange, page(await app.batches.cancel(ident) or found(app, ident)))


def found(app: App, ident: str) -> Batch:
    """The batch with this id. Raises RequestRejected (404)."""
    batch = app.batches.get(ident)
    if batch is None:
        raise _unknown(ident)
    return batch


def page(batch: Batch) -> dict[str, Any]:
    """A batch as OpenAI shows it."""
    used, ended = batch.spent, {f"{batch.status}_at": batch.ended_at} if batch.ended_at else {}
    problems = [
        {"code": p.code, "line": p.line or None, "message": p.message, "param": p.param or None} for p in batch.problems
    ]
    return {
        "id": batch.id,
        "object": "batch",
        "endpoint": batch.endpoint,
        "errors": {"object": "list", "data": problems} if problems else None,
        "input_file_id": batch.input,
        "completion_window": "24h",
        "status": batch.status,
        "output_file_id": (batch.output or None) if batch.over else None,
        "error_file_id": (batch.errors or None) if batch.over else None,
        "created_at": int(batch.at),
        "in_progress_at": batch.in_progress_at or None,
        "expires_at": batch.expires_at,
        "finalizing_at": batch.finalizing_at or None,
        "completed_at": None,
        "failed_at": None,
        "expired_at": None,
        "cancelling_at": batch.cancelling_at or None,
        "cancelled_at": None,
        **ended,
        "request_counts": {"total": batch.total, "completed": batch.completed, "failed": batch.failed},
        "usage": {
            "input_tokens": used.input + used.cached,
            "input_tokens_details": {"cached_tokens": used.cached},
            "output_tokens": used.output,
            "output_tokens_details": {"reasoning_tokens": used.reasoning},
            "total_tokens": used.input + used.cached + used.output,
        },
        "metadata": batch.metadata,
    }


def _unknown(ident: str) -> RequestRejected:
    return reject(f"No batch has the id {ident!r}", kind=Kind.NOT_FOUND, field="batch_id")


_LIST, _CREATE, _LOOK, _ACT = Route(listing), Route(create), Route(look), Route(act)

ROUTES: Routes = {
    f"{method} {base}": route
    for prefix in ("/v1/batches", "/batches")
    for method, base, route in (
        ("GET", prefix, _LIST),
        ("POST", prefix, _CREATE),
        ("GET", f"{prefix}/*", _LOOK),
        ("POST", f"{prefix}/*", _ACT),
    )
}
