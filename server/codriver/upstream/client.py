"""The port to the providers: one call out, an Answer or UpstreamFailed back, nothing else.

Leaving the context closes the provider's connection at once, unless its answer was complete.
"""

from __future__ import annotations

import asyncio
import re
import time
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import asynccontextmanager
from types import MappingProxyType
from urllib.parse import quote

from codriver import __version__
from codriver.errors import ConfigError, Failure, Kind, UpstreamFailed
from codriver.model.provider import Model, Provider
from codriver.upstream.failures import classify, from_transport, masked
from codriver.upstream.keys import Keys
from codriver.upstream.logins import LoginFailed, Logins
from codriver.upstream.proxies import Answered, Transport
from codriver.upstream.response import Taker, Timeouts, TransportError
from codriver.wire.codec import Call

__all__ = ["Answer", "Timeouts", "Upstream"]

ERROR_BYTES = 64 * 1024
"""How much of an error's body is read, and for how many seconds."""
ERROR_SECONDS = 5.0
MOST_HEADERS = 200
"""Encoded headers that are remembered."""
FETCHED_BYTES = 4_000_000
ANTHROPIC_VERSION = "2023-06-01"
_STREAMS = frozenset(("text/event-stream", "application/x-ndjson"))
_NOTHING: Mapping[str, str] = MappingProxyType({})
_TIMEOUTS = Timeouts()
_CREDENTIALS = frozenset(("authorization", "x-api-key", "x-goog-api-key", "api-key"))
_FORM = re.compile(r"\{([^{}|]*)\|([^{}|]*)\}")
# These describe our connection, not the caller's.
_HOP = frozenset(
    {"host", "connection", "keep-alive", "te", "trailer", "upgrade", "expect", "proxy-authorization"}
    | {"proxy-connection", "content-length", "content-type", "transfer-encoding", "accept", "accept-encoding"}
)


class Upstream:
    """Sends calls to providers. `clock` is Unix time, for dates in Retry-After."""

    def __init__(self, transport: Transport, keys: Keys, *, clock: Callable[[], float] = time.time) -> None:
        self._transport, self._keys, self._clock = transport, keys, clock
        self._logins = Logins(keys.environ, clock=clock)
        self._encoded: dict[tuple[object, ...], list[tuple[bytes, bytes]]] = {}

    @asynccontextmanager
    async def send(
        self,
        provider: Provider,
        model: Model,
        wire: str,
        call: Call,
        *,
        stream: bool,
        forward: Mapping[str, str] = _NOTHING,
        timeouts: Timeouts = _TIMEOUTS,
    ) -> AsyncIterator[Answer]:
        """`begin` as a context, which closes the answer."""
        answer = await self.begin(provider, model, wire, call, stream=stream, forward=forward, timeouts=timeouts)
        try:
            yield answer
        finally:
            await answer.aclose()

    async def begin(
        self,
        provider: Provider,
        model: Model,
        wire: str,
        call: Call,
        *,
        stream: bool,
        forward: Mapping[str, str] = _NOTHING,
        timeouts: Timeouts = _TIMEOUTS,
    ) -> Answer:
        """The answer once its head is there and its status is good, to be closed; else raises UpstreamFailed.

        wire is one of provider.wires. forward: headers of a caller who speaks this wire himself;
        credentials among them replace the configured key, so only a front that means it puts them
        there.
        """
        forward = _lowered(forward)
        sender = self._sender(provider, model.key, forward)
        headers = self._headers(provider, wire, stream, sender.credentials, _lowered(call.headers), forward)
        path = provider.wires[wire]
        if "{model}" in path:
            path = path.replace("{model}", quote(model.upstream_id, safe="/:@"))
        if call.action:
            path = path.replace("{action}", call.action)
        if "|" in path:
            path = _FORM.sub(r"\2" if stream else r"\1", path)
        url = provider.base_url + path
        if sender.signs:
            headers = await self._signed(provider, sender, "POST", url, headers, call.body)
        answer = await self._open("POST", url, headers, call.body, sender, timeouts)
        try:
            answer.check(stream)
        except BaseException:  # whatever it is: nobody reads the rest
            await answer.aclose()
            raise
        return answer

    def _headers(
        self,
        provider: Provider,
        wire: str,
        stream: bool,
        credentials: Mapping[str, str],
        extra: Mapping[str, str],
        forward: Mapping[str, str],
    ) -> list[tuple[bytes, bytes]]:
        """The encoded headers. Those of a plain call repeat and are remembered until the keys change."""
        plain = not (extra or forward)
        place = (provider.name, wire, stream, *credentials.values())
        held = self._encoded.get(place) if plain else None
        if held is not None:
            return held
        headers = {
            "accept": "text/event-stream" if stream else "application/json",
            "content-type": "application/json",
            **_common(provider, wire),
            **extra,
            **credentials,
            **forward,
        }
        encoded = _encoded(headers)
        if plain and len(self._encoded) < MOST_HEADERS:
            self._encoded[place] = encoded
        return encoded

    def use(self, keys: Keys) -> None:
        """Other keys hold from the next call on, and other providers' headers."""
        self._keys = keys
        self._logins = Logins(keys.environ, clock=self._clock)
        self._encoded.clear()

    async def fetch(self, provider: Provider, path: str, *, body: bytes = b"", timeouts: Timeouts = _TIMEOUTS) -> bytes:
        """GETs base_url + path, or POSTs JSON there: what is installed at a provider, or whether it is there at all.

        Raises UpstreamFailed; also for an answer of more than FETCHED_BYTES.
        """
        answer = await self.ask(provider, "POST" if body else "GET", path, body, timeouts=timeouts)
        try:
            parts, left = [], FETCHED_BYTES
            async for chunk in answer.chunks():
                parts.append(chunk)
                left -= len(chunk)
                if left < 0:
                    raise answer.odd("more than any list holds", "Check the base URL.")
            return b"".join(parts)
        finally:
            await answer.aclose()

    async def ask(
        self,
        provider: Provider,
        method: str,
        path: str,
        body: bytes = b"",
        *,
        content_type: str = "application/json",
        timeouts: Timeouts = _TIMEOUTS,
    ) -> Answer:
        """Anything else a provider offers at base_url + path: the answer, to be closed. Raises UpstreamFailed."""
        sender = self._sender(provider, "", _NOTHING)
        kind = {"content-type": content_type} if body else {}
        headers = _encoded({"accept": "application/json", **kind, **_common(provider, ""), **sender.credentials})
        url = provider.base_url + path
        if sender.signs:
            headers = await self._signed(provider, sender, method, url, headers, body)
        return await self._open(method, url, headers, body, sender, timeouts)

    async def _signed(
        self,
        provider: Provider,
        sender: _Sender,
        method: str,
        url: str,
        headers: list[tuple[bytes, bytes]],
        body: bytes,
    ) -> list[tuple[bytes, bytes]]:
        """The headers with the credentials of a login. Raises UpstreamFailed when nobody is signed in."""
        try:
            shown = await self._logins.headers(provider, method, url, headers, body)
        except LoginFailed as error:
            raise sender.unsigned(str(error)) from error
        sender.showed(shown)
        return [*headers, *_encoded(shown)]

    async def aclose(self) -> None:
        """Closes every connection; calls under way fail."""
        await self._transport.aclose()

    async def _open(
        self,
        method: str,
        url: str,
        headers: list[tuple[bytes, bytes]],
        body: bytes,
        sender: _Sender,
        timeouts: Timeouts,
    ) -> Answer:
        try:
            response = await self._transport.request(method, url, headers, body, timeouts=timeouts)
        except TransportError as error:
            raise sender.broken(error) from error
        if response.status < 300:
            return Answer(response, sender)
        if sender.signs and response.status in (401, 403):
            self._logins.forget(sender.signs)
        try:
            raise sender.refused(response, await _error_body(response), self._clock())
        finally:
            await response.aclose()

    def _sender(self, provider: Provider, model: str, forward: Mapping[str, str]) -> _Sender:
        """Who is asked and by which key. Raises UpstreamFailed when a key is needed and missing."""
        own = next((forward[name] for name in _CREDENTIALS if name in forward), None) if forward else None
        if own is not None:
            return _Sender(provider.name, model, own.rpartition(" ")[2], {})
        if provider.auth == "none":
            return _Sender(provider.name, model, "", {})
        try:
            key = self._keys.lookup(provider)
        except ConfigError as error:
            failure = Failure(Kind.AUTH, f"the key of {provider.name} cannot be used: {error}")
            raise UpstreamFailed(failure.at(provider.name, model)) from error
        if key is not None:
            return _Sender(provider.name, model, key, _credentials(provider.auth, key))
        if provider.login:
            return _Sender(provider.name, model, "", {}, provider.name)
        variables = self._keys.variables(provider)
        if provider.keyless or not variables:
            return _Sender(provider.name, model, "", {})  # servers at home take any key or none
        text = f"there is no key for {provider.name}. Set {' or '.join(variables)}, or add it to keys.toml."
        raise UpstreamFailed(Failure(Kind.AUTH, text, provider=provider.name, model=model))


class Answer:
    """A provider's answer with a good status. For one reader.

    streamed: whether the body is a stream of events; when it is False the body is one document,
    even if a stream was asked for.
    """

    __slots__ = ("_response", "_sender", "headers", "status", "streamed")

    def __init__(self, response: Answered, sender: _Sender) -> None:
        self._response, self._sender = response, sender
        self.status: int = response.status
        self.headers: Mapping[str, str] = response.headers
        """Lower-case names."""
        self.streamed = False

    @property
    def complete(self) -> bool:
        """Whether its last byte is here, read or not."""
        return self._response.complete

    async def more(self, taker: Taker | None = None) -> bytes:
        """Everything that came since the last call, at least a byte; b"" at the end.

        taker: may be shown first what comes meanwhile; what it takes is not in the result.
        Raises UpstreamFailed when the body is cut, or a time limit is reached.
        """
        try:
            return await self._response.more(taker)
        except TransportError as error:
            raise self._sender.broken(error) from error

    async def chunks(self) -> AsyncIterator[bytes]:
        """The body as it comes; raises as `more` does."""
        while chunk := await self.more():
            yield chunk

    async def read(self) -> bytes:
        """The whole body; raises as `more` does."""
        parts: list[bytes] = []
        while chunk := await self.more():
            parts.append(chunk)
        return parts[0] if len(parts) == 1 else b"".join(parts)

    def odd(self, what: str, remedy: str) -> UpstreamFailed:
        """The failure of an answer that cannot be what was asked for."""
        return self._sender.odd(what, remedy)

    def masked(self, failure: Failure) -> Failure:
        """A failure told inside this answer, without the key its text may quote."""
        return self._sender.masked(failure)

    async def aclose(self) -> None:
        """Closes the connection at once unless the answer was complete."""
        await self._response.aclose()

    def check(self, stream: bool) -> None:
        """Sets `streamed`; raises UpstreamFailed when this cannot be an answer of any wire."""
        kind = self.headers.get("content-type", "").partition(";")[0].strip().lower()
        if "html" in kind:
            raise self._sender.odd("a web page", "Check the base URL; a proxy's sign-in page looks like this.")
        coding = self.headers.get("content-encoding", "identity").strip().lower()
        if coding not in ("identity", ""):
            raise self._sender.odd(
                f"a body compressed with {coding}", "It was asked not to; check what stands between."
            )
        # Some servers stream with no content type, or as text/plain; all mark a document as JSON.
        self.streamed = kind in _STREAMS or (stream and not kind.endswith("json"))


class _Sender:
    """Who was asked, by which key: what a failure's text needs to know, and must not tell."""

    __slots__ = ("_key", "_model", "_provider", "credentials", "signs")

    def __init__(self, provider: str, model: str, key: str, credentials: Mapping[str, str], signs: str = "") -> None:
        self._provider, self._model, self._key, self.credentials = provider, model, key, credentials
        self.signs = signs  # whose login to ask for credentials

    def showed(self, credentials: Mapping[str, str]) -> None:
        """What a login gave for this request: the token is as secret as a key."""
        self._key = credentials.get("authorization", "").rpartition(" ")[2]

    def unsigned(self, why: str) -> UpstreamFailed:
        text = f"{self._provider}: {why}."
        return UpstreamFailed(Failure(Kind.AUTH, text, provider=self._provider, model=self._model))

    def broken(self, error: TransportError) -> UpstreamFailed:
        return UpstreamFailed(from_transport(error, provider=self._provider, model=self._model))

    def refused(self, response: Answered, body: bytes, now: float) -> UpstreamFailed:
        place = {"provider": self._provider, "model": self._model}
        return UpstreamFailed(classify(response.status, response.headers, body, now=now, secret=self._key, **place))

    def masked(self, failure: Failure) -> Failure:
        return masked(failure, self._key)

    def odd(self, what: str, remedy: str) -> UpstreamFailed:
        text = f"{self._model or self._provider} answered with {what}. {remedy}"
        return UpstreamFailed(Failure(Kind.BROKEN, text, provider=self._provider, model=self._model))


async def _error_body(response: Answered) -> bytes:
    """As much as comes in the limits; the status alone says enough if nothing does."""
    parts: list[bytes] = []
    size = 0
    try:
        async with asyncio.timeout(ERROR_SECONDS):
            while size < ERROR_BYTES and (chunk := await response.more()):
                parts.append(chunk)
                size += len(chunk)
    except (TimeoutError, TransportError):
        pass
    return b"".join(parts)[:ERROR_BYTES]


def _common(provider: Provider, wire: str) -> dict[str, str]:
    """What every call to a provider carries; its own headers may replace any of it."""
    headers = {"user-agent": f"codriver/{__version__}", "accept-encoding": "identity"}
    if wire.startswith("anthropic"):
        headers["anthropic-version"] = ANTHROPIC_VERSION
    for name, value in provider.headers.items():
        headers[name.lower()] = value
    return headers


def _credentials(auth: str, key: str) -> dict[str, str]:
    """auth is "bearer" or the name of the header that takes the bare key."""
    return {"authorization": f"Bearer {key}"} if auth == "bearer" else {auth: key}


def _lowered(headers: Mapping[str, str]) -> Mapping[str, str]:
    if not headers:
        return _NOTHING
    return {low: value for name, value in headers.items() if (low := name.lower()) not in _HOP}


def _encoded(headers: Mapping[str, str]) -> list[tuple[bytes, bytes]]:
    try:
        return [(name.encode("latin-1"), value.encode("latin-1")) for name, value in headers.items()]
    except UnicodeEncodeError:  # no server has sent such a header, so a person wrote it
        return [(name.encode(), value.encode()) for name, value in headers.items()]
