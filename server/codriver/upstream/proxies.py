"""Which hosts are called directly and which through a proxy, by the variables everybody uses.

The direct way is our own client; a proxied host goes through httpx, imported only then.
"""

from __future__ import annotations

import ipaddress
import os
from collections.abc import AsyncIterator, Mapping, Sequence
from typing import Protocol

from codriver.upstream.http11 import Http11, Url
from codriver.upstream.response import Taker, Timeouts


class Answered(Protocol):
    """An answer of any transport; response.Response is the usual one."""

    status: int
    complete: bool
    """Whether its last byte is here, read or not."""

    @property
    def headers(self) -> Mapping[str, str]:
        """Lower-case names."""
        ...

    async def more(self, taker: Taker | None = None) -> bytes:
        """Everything that came since the last call; b"" at the end. Raises TransportError.

        taker: may be shown first what comes meanwhile, and take it.
        """
        ...

    def chunks(self) -> AsyncIterator[bytes]:
        """The body as it comes."""
        ...

    async def aclose(self) -> None:
        """Closes the connection at once unless the answer was complete."""
        ...


class Transport(Protocol):
    """What carries requests: the only thing `Upstream` needs from the network."""

    async def request(
        self, method: str, url: str, headers: Sequence[tuple[bytes, bytes]], body: bytes, *, timeouts: Timeouts
    ) -> Answered:
        """Returns once the answer's head is there; raises TransportError."""
        ...

    async def aclose(self) -> None:
        """Closes every connection."""
        ...


class Network:
    """The real network: each host directly or through its proxy."""

    def __init__(
        self, environ: Mapping[str, str] | None = None, *, direct: Http11 | None = None, ca_file: str = ""
    ) -> None:
        """environ: where the proxy variables are read, once; the process's own by default.

        ca_file: PEM certificates trusted besides the system's.
        """
        self._proxies = proxy_settings(os.environ if environ is None else environ)
        self._direct = Http11(ca_file=ca_file) if direct is None else direct
        self._proxied: dict[str, Transport] = {}
        self._ca_file = ca_file

    async def request(
        self, method: str, url: str, headers: Sequence[tuple[bytes, bytes]], body: bytes, *, timeouts: Timeouts
    ) -> Answered:
        """See Transport."""
        proxy = proxy_for(url, self._proxies) if self._proxies else None
        if proxy is None:
            return await self._direct.request(method, url, headers, body, timeouts=timeouts)
        transport = self._proxied.get(proxy)
        if transport is None:
            from codriver.upstream.over_httpx import Proxied

            transport = self._proxied[proxy] = Proxied(proxy, ca_file=self._ca_file)
        return await transport.request(method, url, headers, body, timeouts=timeouts)

    async def aclose(self) -> None:
        """Closes every connection, direct or proxied."""
        await self._direct.aclose()
        for transport in self._proxied.values():
            await transport.aclose()


def proxy_settings(environ: Mapping[str, str]) -> dict[str, str]:
    """The proxies named by *_PROXY variables, keyed "http", "https", "all" and "no".

    Lower case wins over upper case. HTTP_PROXY is ignored in a CGI process, where a request's
    header could set it (httpoxy). Nothing but "no" is the same as nothing.
    """
    found = {}
    for name in ("http", "https", "all", "no"):
        upper = "" if name == "http" and "REQUEST_METHOD" in environ else environ.get(f"{name.upper()}_PROXY", "")
        value = environ.get(f"{name}_proxy", upper).strip()
        if value:
            found[name] = value if name == "no" or "://" in value else f"http://{value}"
    return found if found.keys() - {"no"} else {}


def proxy_for(url: str, settings: Mapping[str, str]) -> str | None:
    """The proxy's address for this URL, or None. Loopback is never proxied. Raises BadRequest."""
    address = Url.parse(url)
    proxy = settings.get(address.scheme) or settings.get("all")
    if proxy is None or _is_loopback(address.host) or _is_excluded(address, settings.get("no", "")):
        return None
    return proxy


def _is_loopback(host: str) -> bool:
    if host == "localhost" or host.endswith(".localhost"):
        return True
    address = _ip(host)
    return address is not None and address.is_loopback


def _is_excluded(address: Url, patterns: str) -> bool:
    """NO_PROXY: `*`, a host or a domain with all below it, an address, a network, each with :port or not."""
    ip = _ip(address.host)
    for pattern in (part.strip().lower() for part in patterns.split(",")):
        if pattern == "*":
            return True
        if ip is not None and _covers(pattern, ip):
            return True
        domain, _, port = pattern.rpartition(":") if pattern.count(":") == 1 else (pattern, "", "")
        if not domain or (port and port != str(address.port)):
            continue
        domain = domain.removeprefix("*").lstrip(".")
        if address.host == domain or address.host.endswith(f".{domain}"):
            return True
    return False


def _covers(pattern: str, ip: ipaddress.IPv4Address | ipaddress.IPv6Address) -> bool:
    try:
        return ip in ipaddress.ip_network(pattern.strip("[]"), strict=False)
    except ValueError:
        return False


def _ip(host: str) -> ipaddress.IPv4Address | ipaddress.IPv6Address | None:
    try:
        return ipaddress.ip_address(host)
    except ValueError:
        return None
