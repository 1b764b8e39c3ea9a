"""The endpoints that answer from what Codriver knows: decisions, status. No model is asked."""

from __future__ import annotations

import asyncio
import os
import stat
import time
from collections.abc import Mapping
from dataclasses import asdict
from pathlib import Path
from typing import Any

import msgspec

from codriver.app import App
from codriver.errors import Kind, Unroutable, reject
from codriver.fronts.http.exchange import Exchange
from codriver.fronts.http.route import Route, Routes
from codriver.model.decision import Decision
from codriver.model.ids import new_id
from codriver.model.request import Purpose, Request, Snapshot
from codriver.wire import codec

SMALL_BODY = 4_000_000
"""Bytes a control request may have."""


ROUTED = ("openai_chat", "anthropic", "openai_responses", "openai_completions", "openai_embeddings")
"""The wires whose bodies /v1/route takes."""


async def route(app: App, exchange: Exchange) -> None:
    """POST /v1/route: the decision alone, with reasons. Nobody is called and nothing is spent."""
    body = await exchange.json(app.settings.http.max_body_mb * 1_000_000)
    request = await _routed(body, exchange.headers)
    try:
        decision = await decided(app, request)
    except Unroutable as nobody:
        page: dict[str, Any] = {"error": {"message": str(nobody), "kind": nobody.failure.kind}}
        await exchange.answer(nobody.failure.policy.status, msgspec.json.encode({**page, "reasons": nobody.reasons}))
        return
    await _json(exchange, {"decision": explain(decision)})


async def decided(app: App, request: Request) -> Decision:
    """What the router decides of a request whose code may not be open anywhere. Raises as the router does."""
    read = None if request.code is None else await app.analyst.read(request.code)
    made = app.router.decide(request)
    del read  # it is remembered as long as somebody holds it
    return made


async def decision(app: App, exchange: Exchange) -> None:
    """GET /v1/decisions/{id}: what was decided, tried and spent for a recent request; `last` is the newest."""
    name = exchange.path.removeprefix("/v1/decisions/")
    outcome = app.router.last() if name == "last" else app.router.recall(name)
    if outcome is None:
        raise reject(f"no recent request has the decision {name!r}", kind=Kind.NOT_FOUND)
    await _json(exchange, outcome)


async def count_tokens(app: App, exchange: Exchange) -> None:
    """POST /v1/messages/count_tokens: an estimate, and marked as one in a header."""
    body = await exchange.body(app.settings.http.max_body_mb * 1_000_000)
    from codriver.wire import anthropic

    answer = anthropic.count(body, exchange.headers)
    await exchange.answer(200, answer, [(b"x-codriver-estimated", b"true")])


async def status(app: App, exchange: Exchange) -> None:
    """GET /v1/status: this process and what it has done."""
    offers = [offer for offer in app.offers() if not offer.missing]
    page = {
        "pid": os.getpid(),
        "version": app.version,
        "uptime_s": round(time.monotonic() - app.started, 3),
        "requests": app.ledger.requests,
        "cost_today_usd": app.ledger.spent_today,
        "models": [offer.model.key for offer in offers],
        "simulator_url": app.simulator_url,
        "simulated": bool(offers) and all(offer.provider.simulated for offer in offers),
        "editors": app.editors,
        "buffers": app.analyst.count,
        "batches": app.batches.unfinished,
        "strategy": app.settings.routing.strategy,
        "config": {"file": str(app.config_file), "error": app.config_error},
        "complaints": list(app.complaints),
        "unfit": {offer.model.key: offer.unfit for offer in offers if offer.unfit},
        "resting": {name: rest.failure.message for name, rest in app.ledger.view().cooling.items()},
    }
    await _json(exchange, page)


async def reload(app: App, exchange: Exchange) -> None:
    """POST /v1/reload: reads settings and keys again, and forgets who rests after a failure."""
    await app.reload()
    await _json(exchange, {"reloaded": not app.config_error, "error": app.config_error})


async def shutdown(app: App, exchange: Exchange) -> None:
    """POST /v1/shutdown: the process drains and ends."""
    await _json(exchange, {"stopping": True})
    app.stop.set()


async def healthz(app: App, exchange: Exchange) -> None:
    """GET /healthz: alive. The only page without a token."""
    await _json(exchange, {"status": "ok", "service": "codriver", "version": app.version})


async def hello(app: App, exchange: Exchange) -> None:
    """GET or HEAD /: some agents ask before they begin."""
    await _json(exchange, {"service": "codriver"})


def explain(made: Decision) -> dict[str, Any]:
    """A decision as the JSON that `POST /v1/route` and `codriver route` show."""
    return {
        "id": made.id,
        "strategy": made.strategy,
        "hold": made.hold,
        "candidates": [
            {
                "model": c.model, "wire": c.wire, "quality": round(c.quality, 4), "cost_usd": round(c.cost, 8),
                "latency_s": round(c.latency, 3), "score": round(c.score, 6), "reason": c.reason,
            }
            for c in made.candidates
        ],
        "refused": [asdict(refused) for refused in made.refused],
        "reasons": list(made.reasons),
        "features": asdict(made.features),
    }  # fmt: skip


async def _routed(body: Mapping[str, Any], headers: Mapping[str, str]) -> Request:
    """The request that a /v1/route body stands for: a prompt, a place in a file, or a whole body of a wire."""
    if isinstance(body.get("request"), dict):
        wire = body.get("wire", "openai_chat")
        if wire not in ROUTED:
            raise reject(f"wire must be one of {', '.join(ROUTED)}", field="wire")
        return codec.find(wire).parse(msgspec.json.encode(body["request"]), headers)
    prompt, file = body.get("prompt", body.get("instruction", "")), body.get("file")
    if not isinstance(prompt, str):
        raise reject("prompt must be a string", field="prompt")
    strategy, asked = body.get("strategy", ""), body.get("model", "auto")
    if not isinstance(strategy, str) or not isinstance(asked, str):
        raise reject("strategy and model must be strings", field="strategy")
    code = None
    if file is not None:
        code = await asyncio.to_thread(_place, file, body.get("line", 1))
    elif not prompt:
        raise reject("give a prompt, a file and line, or a request", field="prompt")
    size = len(prompt.encode()) + (len(code.text) if code else 0)
    purpose = Purpose.REFACTOR if code is not None and not prompt else Purpose.CHAT
    return Request(
        new_id(), purpose, model=asked, strategy=strategy, tail=(prompt,) if prompt else (), code=code,
        input_tokens=size // 4 + 1,
    )  # fmt: skip


def _place(file: object, line: object) -> Snapshot:
    """A file on disk as a snapshot with the cursor in a 1-based line."""
    if not isinstance(file, str) or not isinstance(line, int) or isinstance(line, bool) or line < 1:
        raise reject("file must be a path and line a number from 1 on", field="file")
    text = _content(file)
    lines = text.splitlines(keepends=True)
    if line > max(1, len(lines)):
        raise reject(f"{file} has {len(lines)} lines, not {line}", field="line")
    start = sum(map(len, lines[: line - 1]))
    indent = len(lines[line - 1]) - len(lines[line - 1].lstrip(b" \t")) if lines else 0
    return Snapshot(Path(file).absolute().as_uri(), 0, "", text, cursor=start + indent)


def _content(file: str) -> bytes:
    """What is in a regular file of a sensible size: devices and pipes have no end. Raises RequestRejected."""
    try:
        if not stat.S_ISREG(os.stat(file).st_mode):
            raise reject(f"{file} is not a regular file", field="file")
        with open(file, "rb") as source:
            text = source.read(SMALL_BODY + 1)
    except OSError as error:
        raise reject(f"{file} cannot be read: {error.strerror}", field="file") from None
    except ValueError:
        raise reject(f"{file!a} is no path", field="file") from None
    if len(text) > SMALL_BODY:
        raise reject(f"{file} is larger than {SMALL_BODY / 1e6:g} MB", field="file")
    return text


async def _json(exchange: Exchange, page: object) -> None:
    await exchange.answer(200, msgspec.json.encode(page))


_COUNT = Route(count_tokens, wire="anthropic")

ROUTES: Routes = {
    "POST /v1/messages/count_tokens": _COUNT,
    "POST /messages/count_tokens": _COUNT,
    "GET /v1/decisions/*": Route(decision),
    "POST /v1/route": Route(route),
    "GET /v1/status": Route(status),
    "POST /v1/reload": Route(reload),
    "POST /v1/shutdown": Route(shutdown),
    "GET /healthz": Route(healthz),
    "GET /": Route(hello),
}
