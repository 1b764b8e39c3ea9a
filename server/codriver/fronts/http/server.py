"""The HTTP front: the routing table, the guard before it, and uvicorn around it.

One bare ASGI callable. Every path of a wire answers errors in that wire.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
import socket
from collections.abc import Iterator, MutableMapping
from functools import partial
from pathlib import Path
from typing import Any

import uvicorn

from codriver.app import App
from codriver.errors import Failure, Kind, RequestRejected, StoreError, reject
from codriver.fronts.http import (
    batches,
    converse,
    dashboard,
    embeddings,
    feedback,
    files,
    gemini,
    listing,
    mcp,
    measured,
    message_batches,
    pages,
    plugins,
    responses,
    tasks,
)
from codriver.fronts.http.converse import fail
from codriver.fronts.http.exchange import Exchange, Receive, Send
from codriver.fronts.http.guard import LOOPBACK, Guard
from codriver.fronts.http.holding import HoldingProtocol
from codriver.fronts.http.route import Handler, Route, Routes
from codriver.model.address import base_url
from codriver.wire import codec

log = logging.getLogger("codriver.http")

GRACE = 4.0
"""Seconds that running answers have after a stop; then their callers are told. Less than uvicorn waits."""

_STOPPING = Failure(Kind.OVERLOADED, "Codriver is stopping; try again", retry_after=1)

ENDPOINTS: tuple[Routes, ...] = (
    converse.ROUTES,
    embeddings.ROUTES,
    files.ROUTES,
    batches.ROUTES,
    message_batches.ROUTES,
    feedback.ROUTES,
    gemini.ROUTES,
    responses.ROUTES,
    listing.ROUTES,
    mcp.ROUTES,
    pages.ROUTES,
    dashboard.ROUTES,
    measured.ROUTES,
    plugins.ROUTES,
    tasks.ROUTES,
)
"""The tables of all modules with endpoints."""

ROUTES: Routes = {key: route for table in ENDPOINTS for key, route in table.items()}


def warm() -> None:
    """Imports every wire that is served, so that nobody's first request waits for that; some 50 ms."""
    for route in ROUTES.values():
        codec.find(route.wire)


class HttpFront:
    """The running front. last_request: loop time at which the newest request ended."""

    def __init__(self, app: App, guard: Guard) -> None:
        self._app = app
        self._guard = guard
        self._server: uvicorn.Server | None = None
        self._serving: asyncio.Task[None] | None = None
        self._running: set[asyncio.Task[Any]] = set()
        self._interrupted: set[asyncio.Task[Any]] = set()
        self.last_request = 0.0
        self.port = 0
        self.unix: Path | None = None

    @property
    def active(self) -> int:
        """Requests in flight."""
        return len(self._running)

    async def __call__(self, scope: MutableMapping[str, Any], receive: Receive, send: Send) -> None:
        """The ASGI application."""
        if scope["type"] != "http":
            raise RuntimeError(f"Codriver does not serve {scope['type']}")
        exchange = Exchange(scope, receive, send)
        task = asyncio.current_task()
        assert task is not None
        self._running.add(task)
        try:
            await self._serve(exchange)
        except asyncio.CancelledError:
            if task in self._interrupted:
                task.uncancel()
                await break_off(exchange, _STOPPING)
            elif exchange.started:
                raise
            # Else the caller left before its body was complete.
        finally:
            self._running.discard(task)
            self._interrupted.discard(task)
            self.last_request = asyncio.get_running_loop().time()

    async def _serve(self, exchange: Exchange) -> None:
        """Answers, whatever happens: what nobody foresaw is logged once and told in the caller's wire."""
        try:
            await self._handle(exchange)
        except StoreError as error:
            log.warning("%s", error)
            await break_off(exchange, Failure(Kind.TRANSIENT, str(error)))
        except Exception as error:  # the last resort: every caller gets an answer
            log.exception("a request failed inside Codriver")
            text = f"Codriver failed on this request ({type(error).__name__}); the log has the details"
            await break_off(exchange, Failure(Kind.TRANSIENT, text))

    async def _handle(self, exchange: Exchange) -> None:
        refused = self._guard.refuse(
            exchange.path, exchange.headers, local_socket=exchange.local_socket, query=exchange.query
        )
        if refused is None:
            try:
                await handler_of(exchange)(self._app, exchange)
            except RequestRejected as rejected:
                refused = rejected.failure
        if refused is not None:
            await fail(exchange, codec.find(wire_of(exchange)), refused)

    async def listen(self, host: str, port: int | None, unix: Path | None) -> None:
        """Opens the sockets and serves in the background. Raises OSError when the port is taken.

        `port` and `unix` tell afterwards what was opened: with neither wanted or to be had, any free port.
        """
        sockets = [_tcp(host, port)] if port is not None else []
        local = _unix(unix) if unix is not None else None
        if local is None and not sockets:
            sockets = [_tcp(host, 0)]
        if sockets:
            self.port = sockets[0].getsockname()[1]
        if local is not None:
            self.unix = unix
            sockets.append(local)
        config = uvicorn.Config(
            self,
            http=HoldingProtocol,
            loop="none",
            ws="none",
            lifespan="off",
            interface="asgi3",
            log_config=None,
            access_log=False,
            server_header=False,
            date_header=False,
            proxy_headers=False,
            timeout_keep_alive=75,
            timeout_graceful_shutdown=5,
        )
        self._server = _Server(config)
        self._serving = asyncio.create_task(self._server.serve(sockets=sockets), name="http")
        while not self._server.started:
            if self._serving.done():
                self._serving.result()
                raise OSError("the HTTP server ended before it listened")
            await asyncio.sleep(0)

    async def close(self) -> None:
        """Stops accepting, lets running answers end for GRACE seconds, interrupts the others, then closes."""
        if self._server is not None and self._serving is not None:
            self._server.should_exit = True
            await asyncio.wait({self._serving}, timeout=GRACE)
            self._interrupt()
            await self._serving

    def _interrupt(self) -> None:
        """Ends what still runs; each caller is told in its wire."""
        self._interrupted |= self._running
        for task in self._running:
            task.cancel("Codriver is stopping")


class _Server(uvicorn.Server):
    """uvicorn without its signal handlers: the daemon owns those."""

    @contextlib.contextmanager
    def capture_signals(self) -> Iterator[None]:
        yield


async def start(app: App, *, host: str, port: int | None, unix: Path | None) -> HttpFront:
    """Serves `app` on TCP (port None: not if there is the other; 0: any free one) and a Unix socket. Raises OSError."""

    def names() -> set[str]:
        """As the settings have them now; a daemon on loopback goes by loopback's names alone."""
        return set() if host in LOOPBACK else {name.lower() for name in (host, *app.settings.http.names)}

    def free(path: str) -> bool:
        """Only where no other machine can reach it."""
        return path in plugins.KEYLESS and app.settings.http.open_plugins and host in LOOPBACK

    def visitor(path: str, key: str) -> bool:
        return path == dashboard.DATA_PATH and app.visits.admits(key)

    front = HttpFront(app, Guard(app.token, names, free, visitor))
    await front.listen(host, port, unix)
    app.address = base_url(host, front.port) if front.port else ""
    return front


async def break_off(exchange: Exchange, failure: Failure) -> None:
    """Tells the caller why there is no answer, or no more of it: by status, or by its wire's error in the stream.

    What cannot tell of a failure (a download) has no end either, so nobody takes it for whole.
    """
    if not exchange.started:
        await fail(exchange, codec.find(wire_of(exchange)), failure)
    elif exchange.broken is not None and exchange.open_ended and not exchange.ended:
        await exchange.end(exchange.broken(failure))


def handler_of(exchange: Exchange) -> Handler:
    """The handler of a method and path; HEAD is a GET of which uvicorn sends no body. Raises RequestRejected (404)."""
    method = "GET" if exchange.method == "HEAD" else exchange.method
    exact = ROUTES.get(f"{method} {exchange.path}")
    if exact is not None:
        return exact.handler
    known = _methods(exchange.path)
    if method in known:
        return known[method].handler
    if known:
        return partial(_other_method, allowed=", ".join(sorted(known)))
    raise reject(f"Codriver has no {exchange.path}; its base URL ends with /v1", kind=Kind.NOT_FOUND)


def _methods(path: str) -> dict[str, Route]:
    """What a path takes, by method: its own entries, else those of the longest pattern that fits."""
    fitting: dict[str, dict[str, Route]] = {}
    for key, route in ROUTES.items():
        method, _, pattern = key.partition(" ")
        if pattern == path or (pattern.endswith("*") and path.startswith(pattern[:-1])):
            fitting.setdefault(pattern, {})[method] = route
    return fitting[max(fitting, key=lambda pattern: (pattern == path, len(pattern)))] if fitting else {}


async def _other_method(app: App, exchange: Exchange, allowed: str) -> None:
    failure = Failure(Kind.METHOD, f"{exchange.path} takes {allowed}, not {exchange.method}")
    body = codec.find(wire_of(exchange)).failure(failure)
    await exchange.answer(failure.policy.status, body, [(b"allow", allowed.encode())])


def wire_of(exchange: Exchange) -> str:
    """The wire whose error shape a path's callers understand."""
    if "anthropic-version" in exchange.headers:
        return "anthropic"
    known = _methods(exchange.path)
    if known:
        return known.get(exchange.method, next(iter(known.values()))).wire
    return "anthropic" if "/messages" in exchange.path else "openai_chat"


def _tcp(host: str, port: int) -> socket.socket:
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    listener = socket.socket(family, socket.SOCK_STREAM)
    try:
        if hasattr(socket, "SO_EXCLUSIVEADDRUSE"):  # Windows: SO_REUSEADDR would let others steal the port
            listener.setsockopt(socket.SOL_SOCKET, socket.SO_EXCLUSIVEADDRUSE, 1)
        else:
            listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listener.bind((host, port))
        listener.listen(2048)
    except OSError:
        listener.close()
        raise
    listener.setblocking(False)
    return listener


def _unix(path: Path) -> socket.socket | None:
    """None where there are no Unix sockets, or the file system does not take them."""
    if not hasattr(socket, "AF_UNIX"):
        return None
    listener = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    try:
        path.unlink(missing_ok=True)
        listener.bind(str(path))
        path.chmod(0o600)
        listener.listen(2048)
    except OSError as problem:
        log.warning("no Unix socket at %s (%s): only TCP", path, problem)
        listener.close()
        return None
    listener.setblocking(False)
    return listener
