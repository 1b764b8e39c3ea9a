"""Who may come in: loopback names only, no foreign pages, and the token.

Localhost is no perimeter: any web page can make the browser call it, and DNS rebinding makes a
foreign name mean 127.0.0.1. So Host and Origin are checked before the token is even read.
"""

from __future__ import annotations

import base64
import hmac
from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass
from urllib.parse import parse_qs, urlsplit

from codriver.errors import Failure, Kind

LOOPBACK = frozenset({"127.0.0.1", "localhost", "::1"})

OPEN_PATHS = frozenset({"/healthz", "/health", "/v1/health", "/", "/dashboard", "/dashboard/enter"})
"""Reachable without a token: they say that Codriver is here, and nothing else; to enter takes a code."""

_MARKS = frozenset({"origin", "referer", "sec-fetch-site"})
_FORMS = frozenset({"text/plain", "multipart/form-data"})


@dataclass(frozen=True, slots=True)
class Guard:
    """The rules of one daemon. hosts: further names it may be called by now, in lower case.

    free: whether a path is now served without a token to programs; to pages never.
    visitor: whether a key that is not the token opens this path: the dashboard's.
    """

    token: str
    hosts: Callable[[], Collection[str]] = frozenset
    free: Callable[[str], bool] = lambda path: False
    visitor: Callable[[str, str], bool] = lambda path, key: False

    def refuse(
        self, path: str, headers: Mapping[str, str], *, local_socket: bool = False, query: bytes = b""
    ) -> Failure | None:
        """Why this request may not come in, or None. On a Unix socket the Host says nothing."""
        if not local_socket and not self._known(_host(headers.get("host", ""))):
            return Failure(Kind.FORBIDDEN, "this name is not Codriver's: call it by 127.0.0.1 or localhost")
        origin = headers.get("origin")
        if origin is not None and not self._known(_origin(origin)):
            return Failure(Kind.FORBIDDEN, f"pages of {origin!r} may not call Codriver")
        if origin is not None and not _is_json(headers.get("content-type", "")):
            # What a page may send without asking first: no client of ours does.
            return Failure(Kind.INVALID, "pages must send their bodies as application/json")
        if path in OPEN_PATHS or self._plainly(headers) or (self.free(path) and not _from_page(headers)):
            return None
        return self._unproven(_tokens(headers, query), path)

    def _plainly(self, headers: Mapping[str, str]) -> bool:
        """Whether the token stands where most clients put it."""
        return hmac.compare_digest(headers.get("authorization", "").encode(), f"Bearer {self.token}".encode())

    def _unproven(self, given: Collection[str], path: str) -> Failure | None:
        """Clients that carry several credentials are in when one of them is right."""
        if not given:
            text = "no token was sent: use the one that `codriver env` prints as the API key"
            return Failure(Kind.UNAUTHORIZED, text)
        if not any(hmac.compare_digest(one.encode(), self.token.encode()) for one in given):
            if any(self.visitor(path, one) for one in given):
                return None
            return Failure(Kind.UNAUTHORIZED, "the token is wrong: `codriver env` prints the right one")
        return None

    def _known(self, host: str) -> bool:
        return host in LOOPBACK or host in self.hosts()


def _host(value: str) -> str:
    """The name in a Host header, without port and brackets."""
    if value.startswith("["):
        name, _, port = value[1:].partition("]")
        return name.lower() if port[:1] in ("", ":") else ""
    return value.partition(":")[0].lower()


def _origin(value: str) -> str:
    try:
        parts = urlsplit(value)
    except ValueError:
        return ""
    return (parts.hostname or "") if parts.scheme in {"http", "https"} else ""


def _is_json(content_type: str) -> bool:
    return content_type.partition(";")[0].strip().lower() in {"", "application/json"}


def _from_page(headers: Mapping[str, str]) -> bool:
    """Whether a browser may have sent this: it marks also those requests that have no Origin, and where old ones do
    not, a page can still only post what a form posts. A form's text/plain can be JSON; curl's own type cannot."""
    kind = headers.get("content-type", "").partition(";")[0].strip().lower()
    return kind in _FORMS or not _MARKS.isdisjoint(headers)


def _tokens(headers: Mapping[str, str], query: bytes) -> list[str]:
    """The tokens in all the places where a wire carries its key; Gemini's clients may put it into the address,
    and so may anybody as the password there (http://any:token@127.0.0.1:3748), which arrives as Basic."""
    bearer = headers.get("authorization", "")
    given = [bearer[7:].strip() if bearer[:7].lower() == "bearer " else ""]
    if bearer[:6].lower() == "basic ":
        given.append(_password(bearer[6:]))
    given += [headers.get(name, "") for name in ("x-api-key", "x-goog-api-key")]
    if b"key=" in query:
        given += parse_qs(query.decode("latin-1")).get("key", [])
    return [token for token in given if token]


def _password(coded: str) -> str:
    try:
        return base64.b64decode(coded, validate=True).decode().partition(":")[2]
    except ValueError:
        return ""
