"""The only home of httpx: our client as an httpx transport, and httpx's own for hosts behind a proxy."""

from __future__ import annotations

import asyncio
import math
from collections.abc import AsyncIterator, Awaitable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import TypeVar

import httpx

from codriver.upstream.http11 import Http11, Url, tls_context
from codriver.upstream.response import (
    BadRequest,
    ConnectFailed,
    ConnectionLost,
    ProtocolBroken,
    Response,
    Taker,
    TimedOut,
    Timeouts,
    TransportError,
)

_T = TypeVar("_T")
_WRITTEN_BY_US = (b"host", b"content-length", b"transfer-encoding")


class Http11Transport(httpx.AsyncBaseTransport):
    """`httpx.AsyncClient(transport=Http11Transport())`: httpx's API over our connections.

    httpx's read timeout stands for both the first byte and the pauses between bytes; its pool
    timeout is covered by connect.
    """

    def __init__(self, client: Http11 | None = None) -> None:
        self._client = Http11() if client is None else client

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        """Sends one request; raises httpx's own exceptions."""
        body = await request.aread()
        headers = [pair for pair in request.headers.raw if pair[0].lower() not in _WRITTEN_BY_US]
        try:
            url = replace(Url.parse(str(request.url)), authority=request.headers["host"].encode("ascii"))
            answer = await self._client.request(request.method, url, headers, body, timeouts=_timeouts(request))
        except TransportError as error:
            raise _as_httpx(error, request) from error
        return httpx.Response(
            answer.status,
            headers=answer.fields,
            stream=_Body(answer, request),
            extensions={"http_version": b"HTTP/1.1"},
        )

    async def aclose(self) -> None:
        """Closes every connection."""
        await self._client.aclose()


class _Body(httpx.AsyncByteStream):
    def __init__(self, answer: Response, request: httpx.Request) -> None:
        self._answer, self._request = answer, request

    async def __aiter__(self) -> AsyncIterator[bytes]:
        try:
            while chunk := await self._answer.more():
                yield chunk
        except TransportError as error:
            raise _as_httpx(error, self._request) from error

    async def aclose(self) -> None:
        self._answer.close()


def _timeouts(request: httpx.Request) -> Timeouts:
    asked = request.extensions.get("timeout", {})
    connect, read = (math.inf if asked.get(name) is None else asked[name] for name in ("connect", "read"))
    return Timeouts(connect, read, read, math.inf)


def _as_httpx(error: TransportError, request: httpx.Request) -> httpx.TransportError:
    kinds: dict[type[TransportError], type[httpx.TransportError]] = {
        BadRequest: httpx.LocalProtocolError,
        ConnectFailed: httpx.ConnectError,
        ConnectionLost: httpx.ReadError,
        ProtocolBroken: httpx.RemoteProtocolError,
        TimedOut: httpx.ReadTimeout,
    }
    kind = kinds[type(error)]
    if isinstance(error, TimedOut) and error.limit in ("connect", "queue"):
        kind = httpx.ConnectTimeout if error.limit == "connect" else httpx.PoolTimeout
    return kind(str(error), request=request)


class Proxied:
    """A transport through one proxy, by httpx's own client; the same port as Http11."""

    def __init__(self, proxy: str, *, ca_file: str = "") -> None:
        """Raises ConnectFailed for a proxy httpx cannot use (SOCKS needs its extra package)."""
        limits = httpx.Limits(max_connections=100, max_keepalive_connections=100, keepalive_expiry=120.0)
        try:
            self._transport = httpx.AsyncHTTPTransport(
                verify=tls_context(ca_file), proxy=proxy, trust_env=False, limits=limits
            )
        except (ImportError, ValueError, httpx.InvalidURL) as error:
            raise ConnectFailed(f"the proxy named in the environment cannot be used: {error}") from error

    async def request(
        self, method: str, url: str, headers: Sequence[tuple[bytes, bytes]], body: bytes, *, timeouts: Timeouts
    ) -> _ProxiedAnswer:
        """Returns once the answer's head is there; raises TransportError."""
        patience = _Patience(timeouts, asyncio.get_running_loop().time() + timeouts.total)
        connect = None if timeouts.connect == math.inf else timeouts.connect
        limits = {"connect": connect, "read": None, "write": None, "pool": connect}
        try:
            request = httpx.Request(method, url, headers=list(headers), content=body, extensions={"timeout": limits})
        except httpx.InvalidURL as error:
            raise BadRequest(f"{url!r} is not an address that can be called: {error}") from error
        answer = await patience.wait(self._transport.handle_async_request(request), "first")
        return _ProxiedAnswer(answer, patience)

    async def aclose(self) -> None:
        """Closes every connection."""
        await self._transport.aclose()


class _ProxiedAnswer:
    """httpx's answer behind our port."""

    def __init__(self, answer: httpx.Response, patience: _Patience) -> None:
        assert isinstance(answer.stream, httpx.AsyncByteStream)
        self.status = answer.status_code
        self.complete = False
        self._answer, self._patience = answer, patience
        self._reads = aiter(answer.stream)
        self._limit = "first"

    @property
    def headers(self) -> Mapping[str, str]:
        """See Answered; httpx's mapping ignores case and joins repeated fields."""
        return self._answer.headers

    async def more(self, taker: Taker | None = None) -> bytes:
        """See Answered; the taker is never asked."""
        while (chunk := await self._patience.wait(anext(self._reads, None), self._limit)) == b"":
            pass
        self._limit = "between"
        self.complete = chunk is None
        return chunk or b""

    async def chunks(self) -> AsyncIterator[bytes]:
        """See Answered."""
        while chunk := await self.more():
            yield chunk

    async def aclose(self) -> None:
        """See Answered."""
        await self._answer.aclose()


@dataclass(frozen=True, slots=True)
class _Patience:
    """The limits of one exchange; end is in the loop's clock. Turns httpx's exceptions into ours."""

    timeouts: Timeouts
    end: float

    async def wait(self, waiting: Awaitable[_T], limit: str) -> _T:
        seconds: float = getattr(self.timeouts, limit)
        left = self.end - asyncio.get_running_loop().time()
        if left < seconds:
            limit, seconds = "total", self.timeouts.total
        else:
            left = seconds
        try:
            async with asyncio.timeout(None if left == math.inf else left):
                return await waiting
        except TimeoutError as error:
            raise TimedOut(limit, seconds) from error
        except httpx.ConnectTimeout as error:
            raise TimedOut("connect", self.timeouts.connect) from error
        except httpx.PoolTimeout as error:
            raise TimedOut("queue", self.timeouts.connect) from error
        except (httpx.ConnectError, httpx.ProxyError) as error:
            raise ConnectFailed(f"no connection through the proxy: {error}") from error
        except httpx.LocalProtocolError as error:
            raise BadRequest(str(error)) from error
        except httpx.TransportError as error:
            raise ConnectionLost(f"the connection was cut: {error}", begun=True) from error
