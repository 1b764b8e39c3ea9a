"""Gemini's routes: model and action stand in the path, and a stream is SSE only for those who ask for it."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from urllib.parse import parse_qs

from codriver.app import App
from codriver.errors import Failure, Kind, reject
from codriver.fronts.http.converse import answered, converse
from codriver.fronts.http.exchange import Exchange, Message, Send
from codriver.fronts.http.route import Route, Routes
from codriver.wire import codec, sse


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
        case "embedContent" | "batchEmbedContents":
            await _embed(app, exchange, model, action)
        case _ if model:
            known = "generateContent, streamGenerateContent, countTokens, embedContent and batchEmbedContents"
            raise reject(f"Codriver has no {action} of a model: it has {known}", kind=Kind.NOT_FOUND)
        case _:
            failure = Failure(Kind.METHOD, f"{exchange.path} takes GET, not POST")
            await exchange.answer(failure.policy.status, gemini.failure(failure), [(b"allow", b"GET")])


async def _embed(app: App, exchange: Exchange, model: str, action: str) -> None:
    """Vectors, by the one path; what goes wrong is told in this wire."""
    from codriver.wire.gemini import embedding

    body = await exchange.body(app.settings.http.max_body_mb * 1_000_000)
    request = codec.find("openai_embeddings").parse(embedding.asked(body, model, action), exchange.headers)
    exchange.through(partial(_rewritten, rewrite=partial(embedding.answered, action=action)))
    await answered(app, exchange, request, codec.find("gemini"))


def _rewritten(send: Send, rewrite: Callable[[bytes], bytes]) -> Send:
    """Sends a whole answer in another form; errors as they are."""
    head: Message = {}

    async def through(message: Message) -> None:
        nonlocal head
        if message["type"] == "http.response.start":
            head = message
            return
        if head["status"] == 200:
            message = {**message, "body": rewrite(message["body"])}
        headers = {**dict(head["headers"]), b"content-length": str(len(message["body"])).encode()}
        await send({**head, "headers": [*headers.items()]})
        await send(message)

    return through


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
