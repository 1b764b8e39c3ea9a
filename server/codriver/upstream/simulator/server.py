"""The simulator's server: from a request on the socket to an answer, through the rules of its wire."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Mapping, Sequence
from functools import partial
from types import TracebackType
from typing import Any

from codriver.model.events import Usage
from codriver.upstream.simulator import admission, answers, anthropic, bulk, controls, faults, gemini, listing, ollama
from codriver.upstream.simulator.admission import ABOUT, COUNT, WIRES, wire_of
from codriver.upstream.simulator.cache import PromptCache
from codriver.upstream.simulator.connection import Connection, Exchange, HttpRequest
from codriver.upstream.simulator.delivery import LABEL, Cut, Delivery
from codriver.upstream.simulator.faults import Fault, Faults
from codriver.upstream.simulator.log import Entry, Log
from codriver.upstream.simulator.models import SimModel, shipped
from codriver.upstream.simulator.values import Answer, Asked, Refused, Wire, digest, dump


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
        if request.path.startswith(controls.PREFIX) and request.broken is None:
            await self._controlled(exchange)
            return
        entry = self.log.opened(request.method, request.path, request.headers, len(request.body))
        wire = wire_of(request.path, request.headers)
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
            # Whatever it is: a mistake of ours must not look like a provider that hangs.
            if exchange.begun:
                exchange.cut()
            else:
                ours = Refused(500, f"The simulator itself failed: {error!r}. Please report this.")
                await Delivery(exchange, entry, self.log, wire, 0, None).refuse(ours)
            self.log.closed(entry, "cut")

    async def _generate(self, exchange: Exchange, entry: Entry, wire: Wire) -> None:
        """Everything that is no control: what is known at once, or a model's answer. Raises Refused and Cut."""
        request = exchange.request
        admission.admit(request)
        if request.path.startswith(bulk.PATHS):
            await self._bulky(exchange, entry)
            return
        understood = partial(self.log.understood, entry)
        page = self._page(request, wire, understood)
        if page is not None:
            await self._send(exchange, entry, 200, page)
            return
        body = admission.body_of(request.body, wire, understood)
        action = ""
        if wire is gemini:
            name, action = gemini.addressed(request.path)
            body = {**body, "model": name, "stream": action == "streamGenerateContent"}
        model = admission.model_of(body, wire, self._by_id)
        entry.model, entry.stream = model.id, body.get("stream", isinstance(wire, ollama.Ollama)) is True
        if request.path == COUNT:
            counted = {"input_tokens": anthropic.count(body, request.headers, model)}
            await self._send(exchange, entry, 200, counted)
        elif action == "countTokens":
            await self._send(exchange, entry, 200, gemini.count(body, model))
        else:
            asked = wire.read(body, request.headers, model)
            await self._deliver(exchange, entry, wire, asked)

    def _page(self, request: HttpRequest, wire: Wire, understood: Callable[[Any], None]) -> Any:
        """What a server tells of itself and its models; None where a model is to answer. Raises Refused."""
        if wire is gemini and request.method != "POST":
            return gemini.listed(self.models, request.path)
        if request.path.startswith("/v1/models"):
            return listing.listed(self.models, request.path, request.headers)
        if request.path in ABOUT:
            body = admission.body_of(request.body or b"{}", wire, understood)
            return ollama.page(request.path, body, self._by_id)
        return None

    async def _bulky(self, exchange: Exchange, entry: Entry) -> None:
        found = self._bulk.answer(exchange.request)
        content, kind = (found, "octet-stream") if isinstance(found, bytes) else (dump(found), "json")
        entry.status = 200
        await exchange.respond(200, {"content-type": f"application/{kind}", **LABEL}, content)

    async def _deliver(self, exchange: Exchange, entry: Entry, wire: Wire, asked: Asked) -> None:
        fault = self._fault(exchange.request.headers, asked.model.id)
        entry.fault = fault.fault if fault else ""
        self.log.touched(entry)
        delivery = Delivery(exchange, entry, self.log, wire, self.pace, fault)
        if not await delivery.before():
            await delivery.answer(self._answer(asked, fault))

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
        wire = WIRES[path]
        try:
            model = admission.model_of(body, wire, self._by_id)
            asked = wire.read(body, {}, model)
            fault = self._fault({}, model.id)
            if fault is not None and fault.fault in faults.STATUSES:
                raise fault.refusal()
            return 200, wire.whole(self._answer(asked, fault))
        except Refused as refused:
            return refused.status, wire.error(refused)

    async def _send(self, exchange: Exchange, entry: Entry | None, status: int, document: Any) -> None:
        if entry is not None:
            entry.status = status
        await exchange.respond(status, {"content-type": "application/json", **LABEL}, dump(document))

    async def _controlled(self, exchange: Exchange) -> None:
        try:
            if not self._control:
                raise Refused(404, f"There is no {exchange.request.path} here.")
            page = controls.controlled(exchange.request, self._faults, self.log, self._secret)
            await self._send(exchange, None, 200, page)
        except Refused as refused:
            await self._send(exchange, None, refused.status, {"error": {"message": refused.message}})


def _allowed(refused: Refused) -> Mapping[str, str]:
    return {"allow": "POST"} if refused.status == 405 else {}
