"""Gemini's routes: model and action stand in the path, and a stream is SSE only for those who ask for it."""

from __future__ import annotations

from urllib.parse import parse_qs

from codriver.app import App
from codriver.errors import Failure, Kind, reject
from codriver.fronts.http.converse import converse
from codriver.fronts.http.exchange import Exchange, Message, Send
from codriver.fronts.http.route import Route, Routes
from codriver.wire import sse


async def act(app: App, exchange: Exchange) -> None:
    """POST /v1beta/models/{model}:{action}. Raises RequestRejected for an action that is not served."""
    from codriver.wire import gemini  # its codec, for those who speak it: nobody who starts waits for all wires

    exchange.headers[gemini.PATH] = exchange.path
    model, action = gemini.addressed(exchange.path)
    match action:
        case "generateContent":
            await converse(app, exchange, "gemini")
        case "streamGenerateContent":
            if b"sse" not in _asked(exchange, "alt"):
                exchange.through(array)
            await converse(app, exchange, "gemini")
        case "countTokens":
            body = await exchange.body(app.settings.http.max_body_mb * 1_000_000)
            await exchange.answer(200, gemini.count(body, exchange.headers), [(b"x-codriver-estimated", b"true")])
        case _ if model:
            known = "generateContent, streamGenerateContent and countTokens"
            raise reject(f"Codriver has no {action} of a model: it has {known}", kind=Kind.NOT_FOUND)
        case _:
            failure = Failure(Kind.METHOD, f"{exchange.path} takes GET, not POST")
            await exchange.answer(failure.policy.status, gemini.failure(failure), [(b"allow", b"GET")])


def _asked(exchange: Exchange, name: str) -> list[bytes]:
    return parse_qs(exchange.query).get(name.encode(), [])


def array(send: Send) -> Send:
    """Sends a stream of events as one JSON array, which is what this wire streams without `alt=sse`."""
    parser = sse.Parser()
    streams = False
    separator = b"["

    def elements(data: bytes, last: bool) -> bytes:
        nonlocal separator
        frames = parser.feed(data)
        if last and (rest := parser.rest()) is not None:
            frames.append(rest)
        written = b""
        for frame in frames:
            document = (frame.data if frame.data is not None else frame.raw).strip()
            if document:
                written += separator + document
                separator = b",\r\n"
        if not last:
            return written or b"\n"  # a keep-alive: blanks are legal between elements
        return written + (b"[]" if separator == b"[" else b"]")

    async def through(message: Message) -> None:
        nonlocal streams
        if message["type"] == "http.response.start":
            headers = dict(message["headers"])
            streams = headers.get(b"content-type", b"").startswith(b"text/event-stream")
            if streams:
                message = {**message, "headers": [*{**headers, b"content-type": b"application/json"}.items()]}
        elif streams:
            body = elements(message.get("body", b""), not message.get("more_body", False))
            message = {**message, "body": body}
        await send(message)

    return through


_ACT = Route(act, wire="gemini")

ROUTES: Routes = {
    "POST /v1beta/models/*": _ACT,
    "POST /v1alpha/models/*": _ACT,
    "POST /v1/models/*": _ACT,
}
