"""What the way to the providers costs: our client directly, behind the port, under httpx's API, and httpx.

One run, one tiny server in a process of its own, loopback, uvloop on both sides. Run it with
`python tests/bench/transport.py`; read the ratios, not the figures.
"""

from __future__ import annotations

import asyncio
import subprocess
import sys
import time
from collections.abc import Awaitable, Callable
from contextlib import AsyncExitStack
from dataclasses import dataclass
from statistics import median, quantiles

import httptools
import httpx
import uvloop

from codriver.model.provider import Model, Price, Provider
from codriver.upstream.client import Upstream
from codriver.upstream.http11 import Http11
from codriver.upstream.keys import Keys
from codriver.upstream.over_httpx import Http11Transport
from codriver.upstream.proxies import Network
from codriver.wire.codec import Call

BODY = b'{"messages":"' + b"x" * 1000 + b'"}'
ANSWER = b"HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-length: 1024\r\n\r\n" + b"y" * 1024
STREAM = b"HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\ntransfer-encoding: chunked\r\n\r\n"
FRAME = b"data: " + b"z" * 140 + b"\n\n"
CHUNK = b"%x\r\n%b\r\n" % (len(FRAME), FRAME)
CHUNKS = 200
SECONDS = 2.0
"""How long each cell is measured, after a warm-up of a quarter of that."""


class Server(asyncio.Protocol):
    """Answers at once; a stream gets one chunk per turn of the loop."""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self.transport = transport
        self.parser = httptools.HttpRequestParser(self)

    def data_received(self, data: bytes) -> None:
        self.parser.feed_data(data)

    def on_url(self, url: bytes) -> None:
        self.streams = url == b"/stream"

    def on_message_complete(self) -> None:
        if self.streams:
            self.transport.write(STREAM)
            self.next_chunk(CHUNKS)
        else:
            self.transport.write(ANSWER)

    def next_chunk(self, left: int) -> None:
        if left == 0:
            self.transport.write(b"0\r\n\r\n")
        elif not self.transport.is_closing():
            self.transport.write(CHUNK)
            asyncio.get_running_loop().call_soon(self.next_chunk, left - 1)


async def serve() -> None:
    server = await asyncio.get_running_loop().create_server(Server, "127.0.0.1", 0)
    print(server.sockets[0].getsockname()[1], flush=True)
    await asyncio.to_thread(sys.stdin.read)


Ask = Callable[[str], Awaitable[float]]
"""Sends one request to a path, reads the answer; returns seconds to the first bytes of the body."""


async def direct(url: str, stack: AsyncExitStack) -> Ask:
    client = Http11()
    stack.push_async_callback(client.aclose)
    headers = [(b"content-type", b"application/json"), (b"authorization", b"Bearer x"), (b"accept", b"*/*")]

    async def ask(path: str) -> float:
        began, first = time.perf_counter(), 0.0
        answer = await client.request("POST", url + path, headers, BODY)
        while await answer.more():
            first = first or time.perf_counter() - began
        return first

    return ask


async def port(url: str, stack: AsyncExitStack) -> Ask:
    upstream = Upstream(Network({}), Keys({"BENCH_KEY": "x"}))
    stack.push_async_callback(upstream.aclose)
    model = Model("bench", "m", "m", 1000, 1000, Price(), {"": 1.0})
    wires = {"/whole": "/whole", "/stream": "/stream"}
    provider = Provider("bench", "Bench", url, wires, key_env=("BENCH_KEY",))
    call = Call(BODY)

    async def ask(path: str) -> float:
        began, first = time.perf_counter(), 0.0
        async with upstream.send(provider, model, path, call, stream=path == "/stream") as answer:
            async for _ in answer.chunks():
                first = first or time.perf_counter() - began
        return first

    return ask


async def over_httpx(url: str, stack: AsyncExitStack, transport: httpx.AsyncBaseTransport | None) -> Ask:
    limits = httpx.Limits(max_connections=100, max_keepalive_connections=100, keepalive_expiry=120)
    client = await stack.enter_async_context(httpx.AsyncClient(transport=transport, timeout=60, limits=limits))
    headers = {"content-type": "application/json", "authorization": "Bearer x", "accept-encoding": "identity"}

    async def ask(path: str) -> float:
        began, first = time.perf_counter(), 0.0
        async with client.stream("POST", url + path, content=BODY, headers=headers) as answer:
            async for _ in answer.aiter_raw():
                first = first or time.perf_counter() - began
        return first

    return ask


@dataclass(frozen=True, slots=True)
class Cell:
    """calls per second, CPU ms of this process per 1,000 calls, ms to the first bytes."""

    rate: float
    cpu: float
    first: float
    late: float


async def measure(ask: Ask, path: str, concurrent: int) -> Cell:
    times: list[float] = []

    async def loop(until: float) -> None:
        while time.perf_counter() < until:
            times.append(await ask(path))

    for seconds in (SECONDS / 4, SECONDS):
        times.clear()
        began, cpu = time.perf_counter(), time.process_time()
        await asyncio.gather(*(loop(began + seconds) for _ in range(concurrent)))
    elapsed, cpu = time.perf_counter() - began, time.process_time() - cpu
    late = quantiles(times, n=100)[98] if len(times) > 1 else times[0]
    return Cell(len(times) / elapsed, cpu / len(times) * 1e6, median(times) * 1e3, late * 1e3)


CLIENTS = {
    "Http11": direct,
    "Upstream, the port over Http11": port,
    "httpx over Http11Transport": lambda url, stack: over_httpx(url, stack, Http11Transport()),
    "httpx": lambda url, stack: over_httpx(url, stack, None),
}
CASES = {
    "1 KB, 1 at a time": ("/whole", 1),
    "1 KB, 64 at a time": ("/whole", 64),
    f"streams of {CHUNKS} chunks, 32 at a time": ("/stream", 32),
}


async def run(url: str) -> None:
    for title, (path, concurrent) in CASES.items():
        print(
            f"\n{title}\n{'':34}{'calls/s':>9}{'ratio':>8}{'CPU ms per 1,000':>19}{'ratio':>8}{'first p50/p99 ms':>20}"
        )
        floor: Cell | None = None
        for name, make in CLIENTS.items():
            async with AsyncExitStack() as stack:
                cell = await measure(await make(url, stack), path, concurrent)
            floor = floor or cell
            ratios = f"{cell.rate:>9,.0f}{cell.rate / floor.rate:>8.3f}{cell.cpu:>19,.0f}{cell.cpu / floor.cpu:>8.1f}"
            print(f"{name:34}{ratios}{cell.first:>12.2f} /{cell.late:>6.2f}", flush=True)


def main() -> None:
    if sys.argv[1:] == ["serve"]:
        uvloop.run(serve())
        return
    command = [sys.executable, __file__, "serve"]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as server:
        assert server.stdin is not None and server.stdout is not None
        try:
            uvloop.run(run(f"http://127.0.0.1:{int(server.stdout.readline())}"))
        finally:
            server.stdin.close()


if __name__ == "__main__":
    main()
