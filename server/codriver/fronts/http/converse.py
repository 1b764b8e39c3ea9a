"""The endpoints that get an answer from a model: one handler for every wire.

Bodies and frames of the caller's own wire pass as they are; others go through the codec. Headers
wait for the first content, so that fallback stays invisible and the status can still tell a
failure; a slow model is bridged with keep-alive frames.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Sequence
from dataclasses import replace
from functools import partial
from typing import cast

from codriver.app import App
from codriver.errors import Failure, RequestRejected, Unroutable, UpstreamFailed
from codriver.fronts.http.exchange import Exchange, Headers
from codriver.fronts.http.route import Route, Routes
from codriver.model.decision import Decision
from codriver.model.request import Request
from codriver.router import Stream
from codriver.wire import codec
from codriver.wire.resuming import Resuming
from codriver.wire.timing import Timed

PATIENCE = 10.0
"""Seconds of silence before a keep-alive: one agent shows a banner after about 20 s without bytes."""

REASON_LENGTH = 700
"""Characters of a decision's reasons in the answer's headers."""

_EVENTS = "text/event-stream"


def _stream_headers(kind: str) -> Headers:
    kind = f"{kind}; charset=utf-8" if kind == _EVENTS else kind
    return [(b"content-type", kind.encode()), (b"cache-control", b"no-cache"), (b"x-accel-buffering", b"no")]


_STREAM_HEADERS = _stream_headers(_EVENTS)


async def converse(app: App, exchange: Exchange, wire: str) -> None:
    """Answers one model request in the caller's wire."""
    speaker = codec.find(wire)
    try:
        request = speaker.parse(await exchange.body(app.settings.http.max_body_mb * 1_000_000), exchange.headers)
    except RequestRejected as rejected:
        await fail(exchange, speaker, rejected.failure)
        return
    await answered(app, exchange, request, speaker)


async def answered(app: App, exchange: Exchange, request: Request, speaker: codec.Codec) -> None:
    """Answers a request that was read already."""
    if app.settings.rules:
        request = replace(request, agent=exchange.headers.get("user-agent", ""))
    async with exchange.watch():
        if request.stream:
            await _stream(app, exchange, request, speaker)
        else:
            await _whole(app, exchange, request, speaker)


async def fail(exchange: Exchange, speaker: codec.Codec, failure: Failure) -> None:
    """An error in the caller's wire, with the status and Retry-After that belong to it."""
    headers: Headers = []
    if failure.retry_after is not None:
        headers.append((b"retry-after", str(max(1, round(failure.retry_after))).encode()))
    await exchange.answer(failure.policy.status, speaker.failure(failure), headers)


async def _whole(app: App, exchange: Exchange, request: Request, speaker: codec.Codec) -> None:
    try:
        told = _Told()
        async with app.router.open(request, front="http", meanwhile=told.prepare) as stream:
            if stream.relayed:
                body = await stream.raw()
            else:
                body = _encoder(request, stream, speaker).whole(await stream.reply())
            headers = [*told.headers(stream), (b"x-codriver-cost-usd", b"%.8f" % stream.cost)]
            # Inside the context: the books are closed after the last byte, not before it.
            await exchange.answer(200, body, headers)
    except (RequestRejected, Unroutable, UpstreamFailed) as error:
        await fail(exchange, speaker, error.failure)


async def _stream(app: App, exchange: Exchange, request: Request, speaker: codec.Codec) -> None:
    bridge, told = _Bridge(exchange, speaker), _Told()
    exchange.broken = lambda failure: speaker.encoder(request, request.model).broken(failure)  # behind keep-alives
    try:
        async with app.router.open(request, front="http", meanwhile=told.prepare) as stream:
            await bridge.start(told.headers(stream))
            last = b""
            if stream.relayed:
                exchange.broken = lambda failure: _going_on(bridge, _encoder(request, stream, speaker)).broken(failure)
                last = await stream.relay(bridge, counts=request.wants_usage)
            else:
                encoder = _encoder(request, stream, speaker)
                exchange.broken = encoder.broken
                await _rebuild(bridge, stream, encoder)
            await bridge.stop()
            await exchange.end(last)  # inside the context, as above
    except (RequestRejected, Unroutable, UpstreamFailed) as error:
        await bridge.stop()
        if not exchange.started:
            await fail(exchange, speaker, error.failure)
            return
        # The status is spent; the wire's own error is not, and no regular end comes after it.
        await exchange.end(exchange.broken(error.failure))
    finally:
        await bridge.stop()


async def _rebuild(bridge: _Bridge, stream: Stream, encoder: codec.Encoder) -> None:
    """Events in the caller's wire."""
    async for pieces in stream.batches():
        data = encoder.feed([event for piece in pieces for event in piece.events])
        if data:
            await bridge.write(data)


def _going_on(bridge: _Bridge, encoder: codec.Encoder) -> codec.Encoder:
    """For an answer that was relayed so far: where frames are numbered, this one goes on from those."""
    if bridge.wrote and hasattr(encoder, "resumed"):
        cast(Resuming, encoder).resumed(bridge.first, bridge.caller.last)
    return encoder


def _encoder(request: Request, stream: Stream, speaker: codec.Codec) -> codec.Encoder:
    """Writes a rebuilt answer; it names the model that really answered, and the times where its wire has them."""
    encoder = speaker.encoder(request, stream.model.key, int(time.time()))
    if hasattr(encoder, "clock"):
        cast(Timed, encoder).clock = stream.spent
    return encoder


class _Told:
    """The headers that tell of a decision, made while the model is waited for where that can be."""

    __slots__ = ("_decision", "_headers")

    def __init__(self) -> None:
        self._decision: Decision | None = None
        self._headers: Headers = []

    def prepare(self, stream: Stream) -> None:
        """The first model was asked."""
        self._decision, self._headers = stream.decision, _decision_headers(stream)

    def headers(self, stream: Stream) -> Headers:
        """For the answer that is there now, whoever gave it."""
        if stream.attempts == 1 and stream.decision is self._decision:
            return self._headers
        return _decision_headers(stream)


def _decision_headers(stream: Stream) -> Headers:
    model, decision = stream.model, stream.decision
    headers = [
        (b"x-codriver-model", model.key.encode()),
        (b"x-codriver-decision", decision.id.encode()),
        (b"x-codriver-attempts", b"%d" % stream.attempts),
        (b"x-codriver-strategy", decision.strategy.encode()),
        (b"x-codriver-window", b"%d" % model.window),
    ]
    if decision.reasons:
        headers.append((b"x-codriver-reason", _line(decision.reasons)))
    if stream.simulated:
        headers.append((b"x-codriver-simulated", b"true"))
    if decision.arm:
        headers.append((b"x-codriver-experiment", decision.arm.encode()))
    return headers


def _line(reasons: Sequence[str]) -> bytes:
    """Reasons as a header takes them: one line of ASCII, and not a long one. The whole stands in the ledger."""
    text = " | ".join(reasons)
    if len(text) > REASON_LENGTH:
        text = text[: REASON_LENGTH - 4] + " ..."
    if text.isascii() and text.isprintable():
        return text.encode()
    return "".join(c if " " <= c <= "~" else "?" for c in " ".join(text.split())).encode()


class _Bridge:
    """Keeps a silent stream alive: after PATIENCE seconds without bytes, a ping between two frames.

    Until the first content no header is sent; the first ping sends them, without a decision.
    """

    def __init__(self, exchange: Exchange, speaker: codec.Codec) -> None:
        self._exchange, self.caller = exchange, exchange.caller
        self._ping = speaker.ping()
        kind = speaker.content_type
        self._headers = _STREAM_HEADERS if kind == _EVENTS else _stream_headers(kind)
        self._loop = asyncio.get_running_loop()
        self._sending: asyncio.Task[None] | None = None
        self.caller.last, self.caller.last_at = b"", self._loop.time()
        self._timer: asyncio.Handle = self._loop.call_soon(self._due)  # when its task first waits
        self.wrote = False
        self.first = b""

    async def start(self, headers: Headers) -> None:
        await self._quiet()
        if not self._exchange.started:
            await self._exchange.start(200, [*self._headers, *headers])

    async def write(self, data: bytes) -> None:
        if self._sending is not None:
            await self._quiet()
        if not self.wrote:
            self.wrote, self.first = True, data
        self.caller.last, self.caller.last_at = data, self._loop.time()
        await self._exchange.write(data)

    def short(self) -> Callable[[bytes, bytes], bool] | None:
        """The way past all of us, for what follows a write."""
        return self.caller.take if self._exchange.direct else None

    async def stop(self) -> None:
        """No ping comes after this."""
        self._timer.cancel()
        await self._quiet()

    async def _quiet(self) -> None:
        """Waits for a ping that is on its way: frames never interleave, and headers are sent once."""
        if self._sending is not None:
            await self._sending
            self._sending = None

    def _due(self) -> None:
        silent = self._loop.time() - self.caller.last_at
        if silent >= PATIENCE:
            self.caller.last_at = self._loop.time()
            self._sending = self._loop.create_task(self._keep_alive())
            silent = 0.0
        self._timer = self._loop.call_later(PATIENCE - silent, self._due)

    async def _keep_alive(self) -> None:
        if not self._exchange.started:
            await self._exchange.start(200, self._headers)
        await self._exchange.write(self._ping)


_CHAT = Route(partial(converse, wire="openai_chat"))
_COMPLETIONS = Route(partial(converse, wire="openai_completions"))
_MESSAGES = Route(partial(converse, wire="anthropic"), wire="anthropic")

# Some clients add /v1 to their base URL and some do not: both are served.
ROUTES: Routes = {
    "POST /v1/chat/completions": _CHAT,
    "POST /chat/completions": _CHAT,
    "POST /v1/completions": _COMPLETIONS,
    "POST /completions": _COMPLETIONS,
    "POST /v1/messages": _MESSAGES,
    "POST /messages": _MESSAGES,
}
