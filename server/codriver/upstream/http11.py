"""Our HTTP/1.1 client: one pool of kept connections per host, last used first.

httpx scans its whole pool on every call, which costs tens of milliseconds at 16 streams and more
(decisions/0001-upstream-client.md); here a call costs two dictionary lookups and one write.
"""

from __future__ import annotations

import asyncio
import contextlib
import errno
import math
import os
import re
import ssl
from collections import deque
from collections.abc import Sequence
from dataclasses import dataclass, field
from urllib.parse import quote, urlsplit

from codriver.upstream.connection import Connection
from codriver.upstream.response import (
    BadRequest,
    ConnectFailed,
    ConnectionLost,
    Response,
    TimedOut,
    Timeouts,
)

_PORTS = {"http": 80, "https": 443}
_LEGAL_IN_TARGET = "%/:=&?~#+!$,;'@()*[]|-._"
_MAX_URLS = 1024
_ERRNO = re.compile(r"\[Errno (\d+)\]")


@dataclass(frozen=True, slots=True)
class Url:
    """An address, taken apart once. authority and target are what the request says."""

    scheme: str
    host: str
    port: int
    authority: bytes
    target: bytes
    origin: tuple[str, str, int]

    @classmethod
    def parse(cls, text: str) -> Url:
        """Raises BadRequest for anything but http(s)://host[:port][/path][?query]."""
        try:
            parts = urlsplit(text)
            port, name = parts.port, parts.hostname or ""
            host = name if name.isascii() else name.encode("idna").decode("ascii")
        except ValueError as error:
            raise BadRequest(f"{text!r} is not an address that can be called: {error}") from error
        if parts.scheme not in _PORTS or not host or parts.username is not None or any(c in host for c in " \r\n\t"):
            raise BadRequest(f"{text!r} is not an address that can be called: it takes http(s)://host[:port]/path")
        standard = _PORTS[parts.scheme]
        authority = f"[{host}]" if ":" in host else host
        if port not in (None, standard):
            authority += f":{port}"
        target = quote(parts.path or "/", safe=_LEGAL_IN_TARGET)
        if parts.query:
            target += "?" + quote(parts.query, safe=_LEGAL_IN_TARGET)
        port = standard if port is None else port
        return cls(parts.scheme, host, port, authority.encode(), target.encode(), (parts.scheme, host, port))


@dataclass(slots=True)
class _Host:
    """What is open to one origin. open counts sockets and those being opened."""

    idle: list[Connection] = field(default_factory=list)
    open: int = 0
    waiters: deque[asyncio.Future[Connection | None]] = field(default_factory=deque)


class Http11:
    """The client. Belongs to one event loop; starts no task. `aclose` closes every socket."""

    def __init__(self, *, ca_file: str = "", per_host: int = 100, idle_seconds: float = 120.0) -> None:
        """ca_file: PEM certificates trusted besides the system's (SSL_CERT_FILE and _DIR count too)."""
        self._ca_file, self._per_host, self._idle_seconds = ca_file, per_host, idle_seconds
        self._hosts: dict[tuple[str, str, int], _Host] = {}
        self._urls: dict[str, Url] = {}
        self._connections: dict[Connection, _Host] = {}
        self._context: ssl.SSLContext | None = None
        self._context_lock = asyncio.Lock()
        self._sweeper: asyncio.TimerHandle | None = None
        self._closed = False
        self._emptied: asyncio.Future[None] | None = None

    async def request(
        self,
        method: str,
        url: Url | str,
        headers: Sequence[tuple[bytes, bytes]],
        body: bytes = b"",
        *,
        timeouts: Timeouts = Timeouts(),  # noqa: B008 (frozen)
    ) -> Response:
        """Sends a request and returns once the answer's head is there; raises TransportError.

        Host and Content-Length are written here. Close the response, or read it to its end.
        A kept connection that turns out dead before any byte came is replaced once.
        """
        address = url if isinstance(url, Url) else self._parsed(url)
        head = _request_head(method, address, headers, len(body))
        loop = asyncio.get_running_loop()
        started = loop.time()
        host = self._hosts.get(address.origin)
        if host is None:
            host = self._hosts[address.origin] = _Host()
        connection = self._kept(host, started) or await self._acquire(host, address, timeouts)
        try:
            return await connection.exchange(head, body, timeouts, started, head_only=method == "HEAD")
        except ConnectionLost as lost:
            if lost.begun or not connection.used:
                raise
        # The server had closed it while it lay idle; the others of that age are likely dead too.
        for stale in host.idle:
            stale.abort()
        host.idle.clear()
        connection = await self._acquire(host, address, timeouts)
        return await connection.exchange(head, body, timeouts, started, head_only=method == "HEAD")

    async def aclose(self) -> None:
        """Closes every socket at once; calls under way fail. Returns when all are closed."""
        self._closed = True
        if self._sweeper is not None:
            self._sweeper.cancel()
        for host in self._hosts.values():
            for waiter in host.waiters:
                waiter.cancel()
        for connection in list(self._connections):
            connection.fail(ConnectFailed("the client was closed"))
        if self._connections:
            self._emptied = asyncio.get_running_loop().create_future()
            await self._emptied

    def _parsed(self, text: str) -> Url:
        url = self._urls.get(text)
        if url is None:
            if len(self._urls) >= _MAX_URLS:
                self._urls.clear()
            url = self._urls[text] = Url.parse(text)
        return url

    def _kept(self, host: _Host, now: float) -> Connection | None:
        while host.idle:
            connection = host.idle.pop()
            if connection.usable and now - connection.idle_since < self._idle_seconds:
                return connection
            connection.abort()
        return None

    async def _acquire(self, host: _Host, address: Url, timeouts: Timeouts) -> Connection:
        """A connection ready for use: a new one, or one that became free while all were busy."""
        if self._closed:
            raise ConnectFailed("the client was closed")
        limit, seconds = "connect", min(timeouts.connect, timeouts.total)
        try:
            async with asyncio.timeout(None if seconds == math.inf else seconds):
                while host.open >= self._per_host:
                    limit = "queue"
                    freed = await self._queue(host)
                    if freed is None:
                        break  # a slot, already counted
                    if freed.usable:
                        return freed
                else:
                    host.open += 1
                limit = "connect"
                return await self._dial(host, address)
        except TimeoutError as error:
            raise TimedOut(limit, seconds) from error

    async def _queue(self, host: _Host) -> Connection | None:
        """Waits in line for a freed connection, or for a slot (None) to open one in."""
        waiter: asyncio.Future[Connection | None] = asyncio.get_running_loop().create_future()
        host.waiters.append(waiter)
        try:
            return await waiter
        except asyncio.CancelledError:
            if waiter.cancelled() and self._closed:
                raise ConnectFailed("the client was closed") from None
            if waiter.done() and not waiter.cancelled():  # handed to us in the very moment we left
                self._pass_on(host, waiter.result())
            else:
                with contextlib.suppress(ValueError):
                    host.waiters.remove(waiter)
            raise

    async def _dial(self, host: _Host, address: Url) -> Connection:
        """Opens a connection in a slot already counted; gives the slot back when that fails."""
        loop = asyncio.get_running_loop()
        try:
            tls = await self._tls() if address.scheme == "https" else None
            _, connection = await loop.create_connection(
                lambda: Connection(loop, self._freed, self._gone),
                address.host,
                address.port,
                ssl=tls,
                server_hostname=address.host if tls else None,
            )
            if self._closed or not connection.usable:
                connection.abort()
                raise ConnectFailed(f"{address.authority.decode()} closed the connection at once")
        except BaseException as error:  # also when cancelled: whoever waits for this place gets it
            self._pass_on(host, None)
            if isinstance(error, (OSError, UnicodeError)) and not isinstance(error, TimeoutError):
                raise ConnectFailed(_why(error, address)) from error
            raise
        self._connections[connection] = host
        return connection

    def _freed(self, connection: Connection) -> None:
        host = self._connections[connection]
        connection.used = True
        self._pass_on(host, connection)

    def _gone(self, connection: Connection) -> None:
        host = self._connections.pop(connection, None)
        if host is None:
            return  # never taken into the pool: its slot was given back by _dial
        if connection in host.idle:
            host.idle.remove(connection)
        self._pass_on(host, None)
        if self._emptied is not None and not self._connections and not self._emptied.done():
            self._emptied.set_result(None)

    def _pass_on(self, host: _Host, connection: Connection | None) -> None:
        """Gives a free connection, or a free slot (None), to the first in line, or puts it away."""
        while host.waiters:
            waiter = host.waiters.popleft()
            if not waiter.done():
                waiter.set_result(connection)
                return
        if connection is None:
            host.open -= 1
            return
        now = asyncio.get_running_loop().time()
        connection.idle_since = now
        host.idle.append(connection)
        if self._sweeper is None:
            self._sweep_at(now + self._idle_seconds)

    def _sweep_at(self, when: float) -> None:
        self._sweeper = asyncio.get_running_loop().call_at(when, self._sweep)

    def _sweep(self) -> None:
        """Closes what lay idle for too long, and comes back when the next would be due."""
        self._sweeper = None
        oldest = asyncio.get_running_loop().time() - self._idle_seconds
        for host in self._hosts.values():
            while host.idle and host.idle[0].idle_since <= oldest:
                host.idle.pop(0).abort()
        left = [host.idle[0].idle_since for host in self._hosts.values() if host.idle]
        if left:
            self._sweep_at(min(left) + self._idle_seconds)

    async def _tls(self) -> ssl.SSLContext:
        """The one context, made on first use, off the loop: reading a system's store takes 20 to 90 ms."""
        async with self._context_lock:
            if self._context is None:
                self._context = await asyncio.to_thread(tls_context, self._ca_file)
        return self._context


def tls_context(ca_file: str = "") -> ssl.SSLContext:
    """Certificates of the system, SSL_CERT_FILE, SSL_CERT_DIR and `ca_file`. Raises ConnectFailed."""
    context = ssl.create_default_context()
    places = ssl.get_default_verify_paths()
    empty = not context.cert_store_stats()["x509_ca"] and places.cafile is None
    if empty and not (places.capath and os.listdir(places.capath)):
        import httpx  # some Python builds look where no certificates are: then the bundle httpx brings

        context = httpx.create_ssl_context()
    context.set_alpn_protocols(["http/1.1"])
    if ca_file:
        try:
            context.load_verify_locations(cafile=ca_file)
        except OSError as error:
            raise ConnectFailed(f"the certificates in {ca_file} cannot be used: {error}") from error
    return context


def _request_head(method: str, url: Url, headers: Sequence[tuple[bytes, bytes]], length: int) -> bytes:
    lines = [b"%b %b HTTP/1.1\r\nhost: %b\r\n" % (method.encode("ascii"), url.target, url.authority)]
    lines += [b"%b: %b\r\n" % pair for pair in headers]
    if length or method in ("POST", "PUT", "PATCH"):
        lines.append(b"content-length: %d\r\n" % length)
    lines.append(b"\r\n")
    head = b"".join(lines)
    if not head.count(b"\n") == head.count(b"\r") == len(lines) + 1:
        raise BadRequest("a header holds a line break")
    return head


def _why(error: OSError | UnicodeError, url: Url) -> str:
    place = f"{url.host} port {url.port}"
    if isinstance(error, ssl.SSLCertVerificationError):
        return f"the certificate of {place} is not trusted: {error.verify_message}"
    if isinstance(error, ssl.SSLError):
        return f"no TLS with {place}: {error.reason or error}"
    # A name with several addresses raises one OSError that lists each one's in its text.
    if isinstance(error, ConnectionRefusedError) or set(_ERRNO.findall(str(error))) == {str(errno.ECONNREFUSED)}:
        return f"nothing answers at {place}"
    return f"no connection to {place}: {error.strerror if isinstance(error, OSError) and error.strerror else error}"
