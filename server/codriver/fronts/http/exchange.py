"""One HTTP exchange over ASGI: read the body, answer once, notice that the caller went away.

Bare ASGI, because a framework's layers cost more than the router itself (decisions/0001), and
because a caller that leaves must cancel the very task that holds the upstream connection.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Iterable, MutableMapping
from types import TracebackType
from typing import Any, Self

import msgspec

from codriver.errors import Failure, Kind, RequestRejected, reject
from codriver.fronts.http.holding import CALLER, Caller

Message = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[Message]]
Send = Callable[[Message], Awaitable[None]]
Headers = list[tuple[bytes, bytes]]

_JSON: Headers = [(b"content-type", b"application/json")]


class Exchange:
    """A request and its one answer. open_ended: it has begun, and its length was not promised."""

    def __init__(self, scope: MutableMapping[str, Any], receive: Receive, send: Send) -> None:
        self.method: str = scope["method"]
        self.path: str = scope["path"].rstrip("/") or "/"
        self.query: bytes = scope.get("query_string", b"")
        self.headers = {name.decode("latin-1"): value.decode("latin-1") for name, value in scope["headers"]}
        self.local_socket = scope.get("client") is None
        self.started = False
        self.open_ended = False
        self.ended = False
        self.broken: Callable[[Failure], bytes] | None = None
        """What tells of a failure in the midst of what is sent; None where nothing can."""
        self._receive = receive
        self._send = send
        self.caller: Caller = scope.get(CALLER) or Caller()
        self.direct = True
        """Whether nothing stands between us and the caller."""

    async def body(self, limit: int) -> bytes:
        """The whole body. Raises RequestRejected over `limit` bytes, and CancelledError when the caller left."""
        declared = self.headers.get("content-length", "0")
        if declared.isdigit() and int(declared) > limit:
            raise _too_large(limit)
        chunks: list[bytes] = []
        size = 0
        while True:
            message = await self._receive()
            if message["type"] == "http.disconnect":
                raise asyncio.CancelledError("the caller left while sending")
            chunk: bytes = message.get("body", b"")
            size += len(chunk)
            if size > limit:
                raise _too_large(limit)
            chunks.append(chunk)
            if not message.get("more_body", False):
                return chunks[0] if len(chunks) == 1 else b"".join(chunks)

    async def chunks(self, limit: int) -> AsyncIterator[bytes]:
        """The body as it comes; raises as `body` does."""
        declared = self.headers.get("content-length", "0")
        if declared.isdigit() and int(declared) > limit:
            raise _upload_too_large(limit)
        size, more = 0, True
        while more:
            message = await self._receive()
            if message["type"] == "http.disconnect":
                raise asyncio.CancelledError("the caller left while sending")
            chunk: bytes = message.get("body", b"")
            size += len(chunk)
            if size > limit:
                raise _upload_too_large(limit)
            more = message.get("more_body", False)
            yield chunk

    async def json(self, limit: int) -> dict[str, Any]:
        """The body as a JSON object. Raises RequestRejected for anything else."""
        try:
            value = msgspec.json.decode(await self.body(limit) or b"{}")
        except msgspec.DecodeError as error:
            raise reject(f"the body is not JSON: {error}") from None
        if not isinstance(value, dict):
            raise reject("the body must be a JSON object")
        return value

    async def start(self, status: int, headers: Iterable[tuple[bytes, bytes]]) -> None:
        sent = list(headers)
        self.started = True
        self.open_ended = b"content-length" not in dict(sent)
        await self._send({"type": "http.response.start", "status": status, "headers": sent})

    async def write(self, data: bytes) -> None:
        await self._send({"type": "http.response.body", "body": data, "more_body": True})

    async def end(self, data: bytes = b"") -> None:
        self.ended = True
        await self._send({"type": "http.response.body", "body": data})

    async def answer(self, status: int, body: bytes, headers: Headers | None = None) -> None:
        """A whole JSON answer."""
        length = (b"content-length", str(len(body)).encode())
        await self.start(status, [*_JSON, length, *(headers or [])])
        await self.end(body)

    def through(self, wrap: Callable[[Send], Send]) -> None:
        """From now on everything is sent through what `wrap` makes of the way out."""
        self._send = wrap(self._send)
        self.direct = False

    def watch(self) -> Watch:
        """While inside this context, a caller that leaves cancels the current task."""
        return Watch(self, self.caller)


class Watch:
    """Races the work against the caller's leaving. The cancellation it caused ends at its exit.

    Who leaves with his whole answer cancels nothing.
    """

    def __init__(self, exchange: Exchange, caller: Caller) -> None:
        self._exchange = exchange
        self._caller = caller
        self._left = False

    async def __aenter__(self) -> Self:
        task = asyncio.current_task()
        assert task is not None
        self._task = task
        if self._caller.gone:
            self._gone()
        self._caller.then = self._gone
        return self

    def _gone(self) -> None:
        if not (self._task.done() or self._exchange.ended):
            self._left = True
            self._task.cancel()

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> bool:
        self._caller.then = None
        if self._left and isinstance(error, asyncio.CancelledError):
            self._task.uncancel()
            return True
        return False


def _upload_too_large(limit: int) -> RequestRejected:
    return reject(f"the upload is larger than {limit / 1_000_000:g} MB", kind=Kind.TOO_LARGE)


def _too_large(limit: int) -> RequestRejected:
    return reject(f"the body is larger than {limit / 1_000_000:g} MB (http.max_body_mb)", kind=Kind.TOO_LARGE)
