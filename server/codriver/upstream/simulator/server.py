"""The simulator's server: from a request on the socket to an answer, through the rules of its wire."""

from __future__ import annotations

import asyncio
import hmac
import json
import time
import urllib.parse
from collections.abc import Callable, Mapping, Sequence
from types import TracebackType
from typing import Any, NoReturn

from codriver.model.events import Usage
from codriver.upstream.simulator import (
    answers,
    anthropic,
    bulk,
    completions,
    embeddings,
    faults,
    gemini,
    infill,
    mistral,
    ollama,
    openai,
    openai_rules,
    responses,
)
from codriver.upstream.simulator.cache import PromptCache
from codriver.upstream.simulator.connection import Connection, Exchange
from codriver.upstream.simulator.delivery import LABEL, Cut, Delivery
from codriver.upstream.simulator.faults import Fault, Faults
from codriver.upstream.simulator.log import Entry, Log
from codriver.upstream.simulator.models import SimModel, shipped
from codriver.upstream.simulator.values import Answer, Asked, Refused, Wire, digest, dump

_COUNT = "/v1/messages/count_tokens"
_WIRES: Mapping[str, Wire] = {
    "/v1/chat/completions": openai,
    "/v1/completions": completions,
    "/v1/embeddings": embeddings,
    "/v1/messages": anthropic,
    "/v1/responses": responses,
    _COUNT: anthropic,
    "/v1/fim/completions": mistral,
    "/infill": infill,
    "/api/generate": ollama.Ollama("ollama_generate"),
    "/api/chat": ollama.Ollama("ollama_chat"),
}
_ABOUT = {"/api/version": "GET", "/api/tags": "GET", "/api/show": "POST"}
_KEYLESS = frozenset({"/infill", "/api/generate", "/api/chat", *_ABOUT})
"""Servers at home ask for no key."""
_CONTROL = ("/simulator/faults", "/simulator/log")
_LOOPBACK = ("127.0.0.1", "localhost", "::1")
_STARTED = 1_750_000_000


async def start(
    *,
    port: int = 0,
    pace: float = 0.0,
    models: Sequence[SimModel] | None = None,
    control: bool = True,
    secret: str = "",
    clock: Callable[[], float] = time.time,
) -> Simulator:
    """Listens on 127.0.0.1; port 0 takes a free one. Raises OSError when the port is taken.

    pace scales the models' delays; 0 answers at once. models: the shipped ones unless given.
    control False: no faults and no log over the socket, and no bodies kept, as fits a daemon.
    secret: what the controls want as a bearer token; other users of the machine reach this port too.
    """
    simulator = Simulator(tuple(shipped() if models is None else models), pace, control, clock, secret)
    await simulator.listen(port)
    return simulator


class Simulator:
    """A running simulator. `url` has no trailing slash; `log` iterates over the last requests."""

    def __init__(
        self, models: tuple[SimModel, ...], pace: float, control: bool, clock: Callable[[], float], secret: str = ""
    ) -> None:
        self.models, self.pace = models, pace
        self.url = ""
        self.log = Log(keeps_bodies=control)
        self._by_id = {model.id: model for model in models}
        self._control, self._clock, self._secret = control, clock, secret
        self._faults = Faults()
        self._cache = PromptCache()
        self._connections: set[Connection] = set()
        self._server: asyncio.Server | None = None
        self._answered = 0
        self._bulk = bulk.Bulk(self._line, clock)

    async def listen(self, port: int) -> None:
        """Starts accepting connections."""
        self._server = await asyncio.get_running_loop().create_server(self._connect, "127.0.0.1", port)
        self.url = f"http://127.0.0.1:{self._server.sockets[0].getsockname()[1]}"

    async def close(self) -> None:
        """Stops listening and ends every connection. May be called twice."""
        if self._server is not None:
            self._server.close()
            self._server = None
        tasks = [connection.task for connection in self._connections if connection.task is not None]
        for connection in list(self._connections):
            connection.leave()
        await asyncio.gather(*tasks, return_exceptions=True)
        self._connections.clear()

    async def __aenter__(self) -> Simulator:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self.close()

    def fault(
        self,
        fault: str,
        *,
        model: str = "",
        times: int = 1,
        after: int = 0,
        retry_after: float | None = None,
        delay: float = 5.0,
    ) -> None:
        """Sets a failure to come; see `faults`. times 0 means until cleared. Raises ValueError for an unknown one."""
        if fault not in faults.NAMES:
            raise ValueError(f"unknown fault {fault!r}; there are {', '.join(sorted(faults.NAMES))}")
        self._faults.add(Fault(fault, model, times, after, retry_after, delay))

    def clear_faults(self, model: str = "") -> None:
        """Forgets all failures to come, or those of one model."""
        self._faults.clear(model)

    async def wait_for(self, predicate: Callable[[Entry], bool], timeout: float = 5.0) -> Entry:
        """The first log entry that fits, now or later. Raises TimeoutError after `timeout` seconds."""
        return await self.log.wait_for(predicate, timeout)

    def _connect(self) -> Connection:
        self._connections = {connection for connection in self._connections if not connection.lost}
        connection = Connection(self._serve, self._faults.take_reset)
        self._connections.add(connection)
        return connection

    async def _serve(self, exchange: Exchange) -> None:
        """One request, whatever it is, to its end."""
        request = exchange.request
        if request.path.startswith("/simulator/") and request.broken is None:
            await self._controlled(exchange)
            return
        entry = self.log.opened(request.method, request.path, request.headers, len(request.body))
        wire = _wire(request.path, request.headers)
        try:
            await self._generate(exchange, entry, wire)
            self.log.closed(entry, "finished")
        except Refused as refused:
            await Delivery(exchange, entry, self.log, wire, 0, None).refuse(refused, _allowed(refused))
            self.log.closed(entry, "finished")
        except Cut:
            self.log.closed(entry, "cut")
        except asyncio.CancelledError:
            self.log.closed(entry, "disconnected")
            raise
        except Exception as error:
            # A mistake of ours must not look like a provider that hangs.
            if exchange.begun:
                exchange.cut()
            else:
                ours = Refused(500, f"The simulator itself failed: {error!r}. Please report this.")
                await Delivery(exchange, entry, self.log, wire, 0, None).refuse(ours)
            self.log.closed(entry, "cut")

    async def _generate(self, exchange: Exchange, entry: Entry, wire: Wire) -> None:
        request = exchange.request
        self._admit(exchange)
        if wire is gemini and request.method != "POST":
            await self._send(exchange, entry, 200, gemini.listed(self.models, request.path))
            return
        if request.path.startswith(bulk.PATHS):
            found = self._bulk.answer(request)
            content = found if isinstance(found, bytes) else dump(found)
            kind = "application/octet-stream" if isinstance(found, bytes) else "application/json"
            entry.status = 200
            await exchange.respond(200, {"content-type": kind, **LABEL}, content)
            return
        if request.path.startswith("/v1/models"):
            await self._listing(exchange, entry)
            return
        if request.path in _ABOUT:
            about = ollama.page(request.path, _json(request.body or b"{}"), self._by_id)
            await self._send(exchange, entry, 200, about)
            return
        body = _parsed(request.body, wire, lambda shown: self.log.understood(entry, shown))
        action = ""
        if wire is gemini:
            name, action = gemini.addressed(request.path)
            body = {**body, "model": name, "stream": action == "streamGenerateContent"}
        model = self._model(body, request.path, wire)
        entry.model, entry.stream = model.id, body.get("stream", isinstance(wire, ollama.Ollama)) is True
        if request.path == _COUNT:
            counted = {"input_tokens": anthropic.count(body, request.headers, model)}
            await self._send(exchange, entry, 200, counted)
            return
        if action == "countTokens":
            await self._send(exchange, entry, 200, gemini.count(body, model))
            return
        asked = wire.read(body, request.headers, model)
        fault = self._fault(request.headers, model.id)
        entry.fault = fault.fault if fault else ""
        self.log.touched(entry)
        delivery = Delivery(exchange, entry, self.log, wire, self.pace, fault)
        if not await delivery.before():
            await delivery.answer(self._answer(asked, fault))

    def _admit(self, exchange: Exchange) -> None:
        """What is refused before the body is looked at: size, path, method, key. Raises Refused."""
        request = exchange.request
        if request.broken is not None:
            raise Refused(*request.broken)
        if _ABOUT.get(request.path) == request.method:
            return
        google = request.path.startswith(gemini.PATHS)
        action = gemini.addressed(request.path)[1] if google else ""
        listing = request.path == "/v1/models" or request.path.startswith("/v1/models/") or (google and not action)
        bulky = request.path.startswith(bulk.PATHS)
        if request.path not in _WIRES and not listing and not bulky and action not in gemini.ACTIONS:
            raise Refused(404, f"Invalid URL ({request.method} {request.path})")
        if not bulky and request.method not in (("GET", "HEAD") if listing else ("POST",)):
            raise Refused(405, f"Not allowed to {request.method} on {request.path}.", code="method_not_supported")
        if request.path in _KEYLESS:
            return
        scheme, _, bearer = request.headers.get("authorization", "").partition(" ")
        if request.headers.get("x-api-key", "").strip() or (scheme.lower() == "bearer" and bearer.strip()):
            return
        if google and request.headers.get("x-goog-api-key", "").strip():
            return
        if google:
            raise gemini.unregistered()
        if _wire(request.path, request.headers) is anthropic:
            raise Refused(401, "x-api-key header is required")
        raise Refused(
            401,
            "You didn't provide an API key. You need to provide your API key in an Authorization header using Bearer "
            "auth (i.e. Authorization: Bearer YOUR_KEY). The simulator takes any.",
        )

    def _model(self, body: Mapping[str, Any], path: str, wire: Wire) -> SimModel:
        name = body.get("model")
        if wire is infill and name is None:
            name = next((model.id for model in self.models if infill.name in model.wires), None)
        if isinstance(wire, ollama.Ollama):
            model = self._by_id.get(str(name or "").removesuffix(":latest"))
            if model is None or wire.name not in model.wires:
                raise wire.unknown(name)
            return model
        if wire is anthropic:
            if name is None:
                raise Refused(400, "model: Field required")
            if not isinstance(name, str):
                raise Refused(400, "model: Input should be a valid string")
        elif not isinstance(name, str) or not name:
            raise Refused(400, "you must provide a model parameter")
        model = self._by_id.get(str(name))
        if model is not None and wire.name in model.wires:
            return model
        if wire is anthropic:
            raise anthropic.unknown_model(str(name))
        if wire is gemini:
            raise gemini.unknown_model(str(name))
        if model is not None and wire.name == "openai_chat" and "openai_completions" in model.wires:
            text = (
                "This is not a chat model and thus not supported in the v1/chat/completions "
                "endpoint. Did you mean to use v1/completions?"
            )
            raise Refused(404, text, param="model")
        if model is not None and wire.name == "openai_chat" and "openai_responses" in model.wires:
            text = "This model is only supported in v1/responses and not in v1/chat/completions."
            raise Refused(404, text, param="model")
        if model is not None and wire.name == "openai_completions" and "openai_chat" in model.wires:
            text = (
                "This is a chat model and not supported in the v1/completions endpoint. Did you mean "
                "to use v1/chat/completions?"
            )
            raise Refused(404, text, param="model")
        raise openai_rules.unknown_model(str(name))

    def _fault(self, headers: Mapping[str, str], model: str) -> Fault | None:
        asked = headers.get("x-simulator-fault") if self._control else None
        return faults.from_header(asked) if asked else self._faults.take(model)

    def _answer(self, asked: Asked, fault: Fault | None) -> Answer:
        self._answered += 1
        replies = [answers.reply(asked, index) for index in range(asked.n * max(len(asked.prompts), 1))]
        if fault and fault.fault in faults.ANSWERS:
            replies = [faults.ANSWERS[fault.fault](reply) for reply in replies]
        marked = "anthropic" in asked.model.wires
        prompt = (self._cache.marked if marked else self._cache.automatic)(asked.model.id, asked.units)
        output = sum(reply.usage.output for reply in replies)
        reasoning = sum(reply.usage.reasoning for reply in replies)
        usage = Usage(prompt.input, prompt.cached, prompt.written, output, reasoning)
        ident = digest(asked.seed, self._answered)[:20]
        return Answer(asked, ident, int(self._clock()), tuple(replies), usage)

    def _line(self, path: str, body: Mapping[str, Any]) -> tuple[int, Mapping[str, Any]]:
        """A line of a batch: the status and the document that a request of its own would have got."""
        wire = _WIRES[path]
        try:
            model = self._model(body, path, wire)
            asked = wire.read(body, {}, model)
            fault = self._fault({}, model.id)
            if fault is not None and fault.fault in faults.STATUSES:
                raise fault.refusal()
            return 200, wire.whole(self._answer(asked, fault))
        except Refused as refused:
            return refused.status, wire.error(refused)

    async def _listing(self, exchange: Exchange, entry: Entry) -> None:
        """GET /v1/models and /v1/models/{id}, in Anthropic's form for its clients."""
        ours = "anthropic-version" in exchange.request.headers
        rows = {model.id: _row(model, ours) for model in self.models}
        _, _, name = exchange.request.path.partition("/v1/models/")
        if name and name not in rows:
            raise anthropic.unknown_model(name) if ours else openai_rules.unknown_model(name)
        ends = {"has_more": False, "first_id": self.models[0].id, "last_id": self.models[-1].id} if rows else {}
        listed = {"data": list(rows.values()), **(ends if ours else {"object": "list"})}
        await self._send(exchange, entry, 200, rows[name] if name else listed)

    async def _send(self, exchange: Exchange, entry: Entry | None, status: int, document: Any) -> None:
        if entry is not None:
            entry.status = status
        await exchange.respond(status, {"content-type": "application/json", **LABEL}, dump(document))

    async def _controlled(self, exchange: Exchange) -> None:
        """Faults and log over the socket, for the process form and for tests in other languages."""
        try:
            await self._send(exchange, None, 200, self._controls(exchange))
        except Refused as refused:
            await self._send(exchange, None, refused.status, {"error": {"message": refused.message}})

    def _controls(self, exchange: Exchange) -> Mapping[str, Any]:
        request = exchange.request
        host = urllib.parse.urlsplit("//" + request.headers.get("host", "127.0.0.1")).hostname
        if not self._control or request.path not in _CONTROL:
            raise Refused(404, f"There is no {request.path} here.")
        # A web page must not read the log: neither by its own origin nor by a name bound to loopback.
        if "origin" in request.headers or host not in _LOOPBACK:
            raise Refused(403, "The simulator's controls are for local programs, not for web pages.")
        given = request.headers.get("authorization", "").removeprefix("Bearer ")
        if self._secret and not hmac.compare_digest(given.encode(), self._secret.encode()):
            raise Refused(401, "The simulator's controls want the daemon's token.")
        faults_path = request.path == _CONTROL[0]
        if request.method == "DELETE":
            (self._faults if faults_path else self.log).clear()
        elif request.method == "POST" and faults_path:
            self._faults.add(faults.from_json(_json(request.body)))
        elif request.method != "GET":
            raise Refused(405, f"Not allowed to {request.method} on {request.path}.")
        if faults_path:
            return {"faults": self._faults.document(), "known": sorted(faults.NAMES)}
        return {"requests": self.log.document()}


def _wire(path: str, headers: Mapping[str, str]) -> Wire:
    """The wire in whose shape errors are told: the path's, else the one the headers speak of."""
    if path.startswith(gemini.PATHS):
        return gemini
    return _WIRES.get(path, anthropic if "anthropic-version" in headers else openai)


def _row(model: SimModel, anthropic_form: bool) -> Mapping[str, Any]:
    if anthropic_form:
        name = f"{model.id} (simulated)"
        return {"type": "model", "id": model.id, "display_name": name, "created_at": "2025-06-15T00:00:00Z"}
    row: dict[str, Any] = {"id": model.id, "object": "model", "created": _STARTED, "owned_by": "codriver-simulator"}
    return {**row, "context_window": model.window, "max_output_tokens": model.max_output}


def _parsed(body: bytes, wire: Wire, seen: Callable[[Any], None]) -> Mapping[str, Any]:
    """The body as an object. Raises Refused in the wire's words."""
    try:
        document = _json(body)
    except Refused as refused:
        seen(body.decode("utf-8", "replace"))
        if wire is anthropic:
            raise Refused(400, f"The request body is not valid JSON: {refused.message}") from refused
        if wire is gemini:
            raise Refused(400, f"Invalid JSON payload received. {refused.message}") from refused
        hint = (
            "(HINT: This likely means you aren't using your HTTP library correctly. The API expects "
            "a JSON payload, but what was sent was not valid JSON."
        )
        raise Refused(400, f"We could not parse the JSON body of your request. {hint} {refused.message})") from refused
    seen(document)
    if not isinstance(document, dict):
        raise Refused(400, "The request body is not a JSON object.")
    return document


def _json(body: bytes) -> Any:
    try:
        return json.loads(body.decode("utf-8"), parse_constant=_no_constant)
    except UnicodeDecodeError as error:
        raise Refused(400, f"not UTF-8 at byte {error.start}") from error
    except (ValueError, RecursionError) as error:
        raise Refused(400, f"{error}" if isinstance(error, ValueError) else "too deeply nested") from error


def _no_constant(name: str) -> NoReturn:
    raise ValueError(f"{name} is not JSON")


def _allowed(refused: Refused) -> Mapping[str, str]:
    return {"allow": "POST"} if refused.status == 405 else {}
