"""Our HTTP/1.1 client over real loopback sockets, on both event loops."""

from __future__ import annotations

import asyncio
import gzip
from collections.abc import Awaitable, Callable

import httpx
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from codriver.upstream import response
from codriver.upstream.connection import HEAD_FIELDS, Connection
from codriver.upstream.http11 import Http11, Url
from codriver.upstream.over_httpx import Http11Transport
from codriver.upstream.response import (
    UNREAD_BYTES,
    BadRequest,
    ConnectFailed,
    ConnectionLost,
    ProtocolBroken,
    Response,
    TimedOut,
    Timeouts,
)


@pytest.fixture
async def client():
    made = Http11()
    yield made
    await made.aclose()


async def soon(wait: Awaitable[object]) -> None:
    """The promise is "at once"; the limit is generous because test machines are not."""
    await asyncio.wait_for(wait, 10)


async def echo(peer, asked):
    await peer.whole(asked.body or asked.target.encode())


# What an answer may look like: raw bytes, status, body, whether the connection may be used again.
ANSWERS = {
    "length": (b"HTTP/1.1 200 OK\r\ncontent-length: 5\r\n\r\nhello", 200, b"hello", True),
    "empty": (b"HTTP/1.1 200 OK\r\ncontent-length: 0\r\n\r\n", 200, b"", True),
    "chunked": (
        b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n3\r\nhel\r\n2\r\nlo\r\n0\r\n\r\n",
        200, b"hello", True,
    ),
    "extension and trailer": (
        b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n5;a=b\r\nhello\r\n0\r\nx-sum: 1\r\n\r\n",
        200, b"hello", True,
    ),
    "until close": (b"HTTP/1.1 200 OK\r\nx: y\r\n\r\nhello", 200, b"hello", False),
    "no content": (b"HTTP/1.1 204 No Content\r\n\r\n", 204, b"", True),
    "not modified": (b"HTTP/1.1 304 Not Modified\r\ncontent-length: 99\r\n\r\n", 304, b"", True),
    "continue": (
        b"HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 201 Made\r\ncontent-length: 5\r\n\r\nhello",
        201, b"hello", True,
    ),
    "hints": (
        b"HTTP/1.1 103 Early Hints\r\nlink: x\r\n\r\nHTTP/1.1 200 OK\r\ncontent-length: 5\r\n\r\nhello",
        200, b"hello", True,
    ),
    "asked to close": (b"HTTP/1.1 200 OK\r\nconnection: close\r\ncontent-length: 5\r\n\r\nhello", 200, b"hello", False),
    "old": (b"HTTP/1.0 200 OK\r\ncontent-length: 5\r\n\r\nhello", 200, b"hello", False),
    "more than promised": (b"HTTP/1.1 200 OK\r\ncontent-length: 5\r\n\r\nhello?", 200, b"hello", False),
    "answered twice": (
        b"HTTP/1.1 200 OK\r\ncontent-length: 5\r\n\r\nhelloHTTP/1.1 200 OK\r\ncontent-length: 0\r\n\r\n",
        200, b"hello", False,
    ),
    "upgrade offered": (
        b"HTTP/1.1 200 OK\r\nupgrade: h2c\r\nconnection: upgrade\r\ncontent-length: 5\r\n\r\nhello",
        200, b"hello", True,
    ),
}  # fmt: skip

BROKEN = {
    "not HTTP": b"SSH-2.0-OpenSSH\r\n",
    "two lengths": b"HTTP/1.1 200 OK\r\ncontent-length: 5\r\ntransfer-encoding: chunked\r\n\r\n",
    "bad chunk": b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\nzz\r\n",
    "switched": b"HTTP/1.1 101 Switching Protocols\r\nupgrade: x\r\nconnection: upgrade\r\n\r\n",
    "endless header": b"HTTP/1.1 200 OK\r\nx: " + b"a" * 200_000,
    "many headers": b"HTTP/1.1 200 OK\r\n" + b"x: y\r\n" * (HEAD_FIELDS + 1) + b"\r\n",
    "endless interim answers": b"HTTP/1.1 103 Early Hints\r\nlink: x\r\n\r\n" * 5000,
}


class Wire(asyncio.Transport):
    """A socket that remembers what was done to it."""

    def __init__(self) -> None:
        super().__init__({"socket": self})
        self.written, self.closed, self.reading, self.pauses = b"", False, True, 0

    def setsockopt(self, *_: int) -> None: ...

    def write(self, data: bytes) -> None:
        self.written += data

    def get_write_buffer_size(self) -> int:
        return 0

    def pause_reading(self) -> None:
        self.reading, self.pauses = False, self.pauses + 1

    def resume_reading(self) -> None:
        self.reading = True

    def is_closing(self) -> bool:
        return self.closed

    def abort(self) -> None:
        self.closed = True


class Bench:
    """One Connection on a Wire, with an exchange begun."""

    def __init__(self, *, head_only: bool = False) -> None:
        self.freed: list[Connection] = []
        self.wire = Wire()
        loop = asyncio.get_running_loop()
        self.connection = Connection(loop, self.freed.append, lambda _: None)
        self.connection.connection_made(self.wire)
        exchange = self.connection.exchange(b"", b"", Timeouts(), loop.time(), head_only=head_only)
        self.exchange = asyncio.ensure_future(exchange)

    async def feed(self, *pieces: bytes) -> None:
        await asyncio.sleep(0)  # lets the exchange begin
        for piece in pieces:
            if not self.wire.closed:
                self.connection.data_received(piece)


@pytest.mark.parametrize("name", ANSWERS)
async def test_an_answer_cut_anywhere_is_the_same_answer(name: str) -> None:
    raw, status, body, reusable = ANSWERS[name]
    cuts = [[raw], [raw[i : i + 1] for i in range(len(raw))], *([raw[:i], raw[i:]] for i in range(1, len(raw)))]
    for pieces in cuts:
        bench = Bench()
        await bench.feed(*pieces)
        bench.connection.connection_lost(None)
        answer = await bench.exchange
        assert (answer.status, await answer.read()) == (status, body)
        assert (bool(bench.freed) and not bench.wire.closed) is reusable


@pytest.mark.parametrize("name", BROKEN)
async def test_what_is_not_http_is_said_and_closed(name: str) -> None:
    bench = Bench()
    await bench.feed(*(BROKEN[name][i : i + 4096] for i in range(0, len(BROKEN[name]), 4096)))
    with pytest.raises(ProtocolBroken):
        await (await bench.exchange).read()
    assert bench.wire.closed and not bench.freed


@settings(max_examples=60, deadline=None)
@given(st.lists(st.binary(max_size=60), max_size=8))
def test_any_bytes_end_in_an_answer_or_a_transport_error(pieces: list[bytes]) -> None:
    async def run() -> None:
        for start in (b"", b"HTTP/1.1 200 OK\r\n", b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n"):
            bench = Bench()
            await bench.feed(*filter(None, [start, *pieces]))
            bench.connection.connection_lost(None)
            try:
                body = await (await bench.exchange).read()
            except response.TransportError:
                continue
            assert body in b"".join([start, *pieces])

    asyncio.run(run())


CHUNKS = st.one_of(
    st.binary(min_size=1, max_size=20),
    st.sampled_from([b"1\r\na\r\n", b"\r\n", b"a\r\n1\r\nb", b"0\r\n\r\n", b"6\r\n1\r\na\r\n\r\n"]),
)


@settings(max_examples=150, deadline=None)
@given(st.lists(CHUNKS, min_size=1, max_size=8), st.lists(st.integers(1, 30), max_size=12), st.booleans())
def test_whoever_takes_what_comes_gets_the_same_bytes(chunks: list[bytes], cuts: list[int], willing: bool) -> None:
    """Chunks that look like chunks inside, reads that end where chunks do and elsewhere."""
    framed = [b"%x\r\n%b\r\n" % (len(chunk), chunk) for chunk in chunks]
    reads, rest = list[bytes](), b"".join(framed)
    for size in cuts:
        reads, rest = [*reads, rest[:size]], rest[size:]
    got, as_they_came = list[bytes](), set[bytes]()

    def take(data: bytes, whole: bytes) -> bool:
        if whole:
            assert whole == b"%x\r\n%b\r\n" % (len(data), data)
            as_they_came.add(whole)
        if willing or len(data) % 2:
            got.append(data)
            return True
        return False

    async def run(pieces: list[bytes]) -> None:
        bench = Bench()
        await bench.feed(b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n")
        answer = await bench.exchange

        async def read() -> None:
            while data := await answer.more(take):
                got.append(data)

        reading = asyncio.ensure_future(read())
        for piece in filter(None, pieces):
            await asyncio.sleep(0)
            bench.connection.data_received(piece)
        bench.connection.data_received(b"0\r\n\r\n")
        await reading
        assert bench.freed and not bench.wire.closed
        assert b"".join(got) == b"".join(chunks)

    asyncio.run(run([*reads, rest]))
    got.clear()
    as_they_came.clear()
    asyncio.run(run(framed))
    assert not willing or as_they_came == set(framed[1:]), "the first shows where chunks begin, all others pass"


async def test_head_has_no_body_whatever_its_length_says() -> None:
    bench = Bench(head_only=True)
    await bench.feed(b"HTTP/1.1 200 OK\r\ncontent-length: 5\r\n\r\n")
    answer = await bench.exchange
    assert (answer.headers, await answer.read()) == ({"content-length": "5"}, b"")
    assert bench.wire.closed


async def test_bytes_nobody_asked_for_close_the_connection() -> None:
    bench = Bench()
    await bench.feed(ANSWERS["length"][0])
    bench.connection.data_received(b"HTTP/1.1 408 Request Timeout\r\n\r\n")
    assert bench.wire.closed
    assert await (await bench.exchange).read() == b"hello"


async def test_repeated_headers_are_joined_and_names_lowered() -> None:
    bench = Bench()
    await bench.feed(b"HTTP/1.1 200 OK\r\nVia: a\r\nX-Rate: 1\r\nvia: b\r\ncontent-length: 0\r\n\r\n")
    assert (await bench.exchange).headers == {"via": "a, b", "x-rate": "1", "content-length": "0"}


async def test_a_slow_reader_stops_the_socket_until_it_reads() -> None:
    bench = Bench()
    await bench.feed(b"HTTP/1.1 200 OK\r\ncontent-length: 1000000\r\n\r\n")
    answer = await bench.exchange
    bench.connection.data_received(b"x" * (UNREAD_BYTES - 1))
    assert bench.wire.reading
    bench.connection.data_received(b"x")
    assert not bench.wire.reading
    assert len(await answer.more()) == UNREAD_BYTES
    assert bench.wire.reading and bench.wire.pauses == 1


async def test_a_connection_freed_before_its_answer_is_read_goes_on_reading() -> None:
    bench = Bench()
    await bench.feed(b"HTTP/1.1 200 OK\r\ncontent-length: %d\r\n\r\n" % (UNREAD_BYTES + 1), b"x" * UNREAD_BYTES)
    assert not bench.wire.reading
    bench.connection.data_received(b"x")  # TLS had it already
    assert bench.wire.reading and bench.freed
    assert len(await (await bench.exchange).read()) == UNREAD_BYTES + 1


async def test_an_error_is_no_end_of_a_body() -> None:
    bench = Bench()
    await bench.feed(ANSWERS["until close"][0])
    bench.connection.connection_lost(ConnectionResetError())
    answer = await bench.exchange
    assert await answer.more() == b"hello"
    with pytest.raises(ConnectionLost):
        await answer.more()


class Clock:
    """The part of an event loop a watchdog needs, with a time that is set by hand."""

    def __init__(self) -> None:
        self.now, self.due, self.look = 0.0, 0.0, None

    def time(self) -> float:
        return self.now

    def call_at(self, due: float, look: Callable[[], None]) -> Clock:
        self.due, self.look = due, look
        return self

    def cancel(self) -> None:
        self.look = None

    def advance(self, seconds: float) -> None:
        self.now += seconds
        while self.look is not None and self.due <= self.now:
            look, self.look = self.look, None
            look()


class Line:
    def __init__(self) -> None:
        self.errors: list[response.TransportError] = []

    def fail(self, error: response.TransportError) -> None:
        self.errors.append(error)

    def resume(self) -> None: ...


LIMITS = Timeouts(connect=1, first=30, between=10, total=100)


@pytest.mark.parametrize(
    ("story", "limit"),
    [
        ([30], "first"),
        ([29, "data", 9], ""),
        ([29, "data", 10], "between"),
        ([1, "data", 9, "data", 9, "data", 10], "between"),
        ([1, "data", "unread", 9], ""),
        ([1, "data", "unread", 11, "read", 9.5], ""),
        ([1, "data", "unread", 11, "read", 20], "between"),
        ([1, *(["data", 9] * 10), "data", 9], "total"),
        ([1, "data", "end", 1000], ""),
    ],
)
def test_each_limit_has_its_own_clock(story: list[float | str], limit: str) -> None:
    clock, line = Clock(), Line()
    answer = Response(clock, line, LIMITS, 0.0)
    reading = True
    for step in story:
        if step == "data":
            answer.data(b"x")
            answer.progress()
            if reading:
                answer._take()
        elif step == "unread":
            answer.data(b"x")
            answer.progress()
            reading = False
        elif step == "read":
            answer._take()
            reading = True
        elif step == "end":
            answer.finish()
        else:
            assert not line.errors
            clock.advance(float(step))
    found = [error.limit for error in line.errors[:1] if isinstance(error, TimedOut)]
    assert found == ([limit] if limit else [])


@pytest.mark.parametrize(
    ("text", "authority", "target", "port"),
    [
        ("http://a", b"a", b"/", 80),
        ("https://a.example/v1/chat?x=1&y=%20", b"a.example", b"/v1/chat?x=1&y=%20", 443),
        ("https://a:443/", b"a", b"/", 443),
        ("http://a:8080/m/x:generate?alt=sse", b"a:8080", b"/m/x:generate?alt=sse", 8080),
        ("http://[::1]:11434/v1", b"[::1]:11434", b"/v1", 11434),
        ("http://münchen.example/straße name", b"xn--mnchen-3ya.example", b"/stra%C3%9Fe%20name", 80),
    ],
)
def test_addresses(text: str, authority: bytes, target: bytes, port: int) -> None:
    url = Url.parse(text)
    assert (url.authority, url.target, url.port) == (authority, target, port)


@pytest.mark.parametrize(
    "text", ["", "a.example/v1", "ftp://a", "http://", "http://a:99999", "http://u:p@a", "http://[::1", "http://a b/"]
)
def test_what_is_no_address(text: str) -> None:
    with pytest.raises(BadRequest):
        Url.parse(text)


async def test_the_request_as_it_is_written(serve, client) -> None:
    server = await serve(echo)
    answer = await client.request("POST", server.url + "/a?b=c", [(b"x-one", b"1")], b"body")
    assert await answer.read() == b"body"
    await (await client.request("GET", server.url, ())).read()
    post, get = server.asked
    host = f"127.0.0.1:{server.port}"
    assert (post.method, post.target, post.headers) == (
        "POST",
        "/a?b=c",
        {"host": host, "x-one": "1", "content-length": "4"},
    )
    assert (get.method, get.target, get.headers) == ("GET", "/", {"host": host})


@pytest.mark.parametrize("value", [b"a\r\nevil: 1", b"a\nb", b"a\rb"])
async def test_a_header_cannot_start_another(client, value: bytes) -> None:
    with pytest.raises(BadRequest):
        await client.request("POST", "http://127.0.0.1:1", [(b"x", value)], b"")


async def test_connections_are_kept(serve, client) -> None:
    server = await serve(echo)
    for n in range(5):
        answer = await client.request("POST", server.url, (), b"%d" % n)
        assert await answer.read() == b"%d" % n
    assert server.connections == 1


async def test_the_connection_is_free_before_its_answer_is_read(serve, client) -> None:
    server = await serve(echo)
    first = await client.request("POST", server.url, (), b"one")
    second = await client.request("POST", server.url, (), b"two")
    assert (await first.read(), await second.read(), server.connections) == (b"one", b"two", 1)


async def test_connections_that_lay_idle_too_long_are_closed(serve) -> None:
    gone = asyncio.Event()

    async def script(peer, asked) -> None:
        await peer.whole(b"")
        await peer.gone()
        gone.set()

    server = await serve(script)
    client = Http11(idle_seconds=0.02)
    await (await client.request("GET", server.url, ())).read()
    await soon(gone.wait())
    assert gone.is_set()
    await client.aclose()


async def test_each_idle_connection_has_its_own_age(serve) -> None:
    gone: asyncio.Queue[int] = asyncio.Queue()

    async def script(peer, asked) -> None:
        if asked.body == b"late":
            await asyncio.sleep(0.05)
        await peer.whole(b"")
        await peer.gone()
        gone.put_nowait(asked.connection)

    server = await serve(script)
    client = Http11(idle_seconds=0.1)
    await asyncio.gather(*(client.request("POST", server.url, (), body) for body in (b"late", b"soon")))
    assert [await asyncio.wait_for(gone.get(), 10) for _ in range(2)] == [
        asked.connection for asked in sorted(server.asked, key=lambda asked: asked.body, reverse=True)
    ]
    await client.aclose()


async def test_a_connection_too_old_is_not_used_though_no_timer_has_closed_it(serve) -> None:
    server = await serve(echo)
    client = Http11(idle_seconds=0)
    for _ in range(3):
        await (await client.request("GET", server.url, ())).read()
    assert server.connections == 3
    await client.aclose()


async def test_the_last_used_connection_is_used_next(serve, client) -> None:
    gates = {b"a": asyncio.Event(), b"b": asyncio.Event(), b"c": asyncio.Event()}
    arrived = asyncio.Event()

    async def script(peer, asked) -> None:
        if len(server.asked) == 3:
            arrived.set()
        await gates.get(asked.body, arrived).wait()
        await peer.whole(b"%d" % asked.connection)

    server = await serve(script)
    calls = {name: asyncio.ensure_future(client.request("POST", server.url, (), name)) for name in gates}
    await soon(arrived.wait())
    last = b""
    for name in (b"b", b"c", b"a"):
        gates[name].set()
        last = await (await calls[name]).read()
    assert await (await client.request("POST", server.url, (), b"next")).read() == last


async def test_streams_side_by_side_do_not_mix(serve, client) -> None:
    async def script(peer, asked) -> None:
        await peer.start()
        for n in range(20):
            await peer.chunk(f"{asked.body.decode()}:{n};".encode())
            await asyncio.sleep(0)
        await peer.end()

    async def stream(name: int) -> bytes:
        answer = await client.request("POST", server.url, (), b"%d" % name)
        return b"".join([chunk async for chunk in answer.chunks()])

    server = await serve(script)
    for _ in range(2):
        bodies = await asyncio.gather(*map(stream, range(64)))
        assert bodies == ["".join(f"{name}:{n};" for n in range(20)).encode() for name in range(64)]
    assert server.connections == 64


async def test_who_waits_for_a_connection_waits_in_line(serve) -> None:
    gate, begun = asyncio.Event(), asyncio.Event()

    async def script(peer, asked) -> None:
        begun.set()
        await gate.wait()
        await peer.whole(asked.body)

    server = await serve(script)
    client = Http11(per_host=2)
    done: list[bytes] = []

    async def call(name: bytes) -> None:
        done.append(await (await client.request("POST", server.url, (), name)).read())

    calls = [asyncio.ensure_future(call(b"%d" % n)) for n in range(8)]
    await soon(begun.wait())
    calls[4].cancel()
    gate.set()
    await asyncio.gather(*calls, return_exceptions=True)
    assert [asked.body for asked in server.asked[2:]] == [b"2", b"3", b"5", b"6", b"7"]
    assert sorted(done) == [b"0", b"1", b"2", b"3", b"5", b"6", b"7"]
    assert server.connections == server.most_open == 2
    await client.aclose()


async def test_leaving_the_line_gives_the_place_back(serve) -> None:
    """Whatever moment a waiter is cancelled in, the others still get through."""
    server = await serve(echo)
    for turns in range(12):
        client = Http11(per_host=1)
        calls = [asyncio.ensure_future(client.request("POST", server.url, (), b"%d" % n)) for n in range(4)]
        for _ in range(turns):
            await asyncio.sleep(0)
        calls[1].cancel()
        answers = await asyncio.wait_for(asyncio.gather(*calls, return_exceptions=True), 10)
        assert [a.status for a in answers if isinstance(a, Response)].count(200) >= 3
        assert await (await asyncio.wait_for(client.request("POST", server.url, (), b"x"), 10)).read() == b"x"
        await client.aclose()


async def test_nobody_waits_in_line_for_ever(serve) -> None:
    async def silent(peer, asked) -> None:
        await peer.gone()

    server = await serve(silent)
    client = Http11(per_host=1)
    holder = asyncio.ensure_future(client.request("GET", server.url, ()))
    await asyncio.sleep(0)
    with pytest.raises(TimedOut) as caught:
        await client.request("GET", server.url, (), timeouts=Timeouts(connect=0.02))
    assert caught.value.limit == "queue"
    await client.aclose()
    with pytest.raises(ConnectFailed):
        await holder


@pytest.mark.parametrize("moment", ["before the head", "in the body"])
@pytest.mark.parametrize("tls", [False, True])
async def test_cancelling_closes_the_connection_at_once(serve, authority, moment: str, tls: bool) -> None:
    reached, gone = asyncio.Event(), asyncio.Event()

    async def script(peer, asked) -> None:
        if moment == "in the body":
            await peer.start()
            await peer.chunk(b"x")
        reached.set()
        await peer.gone()
        gone.set()

    async def call() -> None:
        answer = await client.request("POST", server.url, (), b"x")
        async for _ in answer.chunks():
            pass

    server = await serve(script, tls=tls)
    client = Http11(ca_file=authority)
    task = asyncio.ensure_future(call())
    await soon(reached.wait())
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    await soon(gone.wait())
    await client.aclose()


async def test_an_answer_left_unfinished_closes_its_connection(serve, client) -> None:
    gone = asyncio.Event()

    async def script(peer, asked) -> None:
        await peer.start()
        await peer.chunk(b"x")
        await peer.gone()
        gone.set()

    server = await serve(script)
    answer = await client.request("GET", server.url, ())
    assert await answer.more() == b"x"
    answer.close()
    await soon(gone.wait())
    with pytest.raises(ConnectionLost):
        await answer.more()


async def test_a_kept_connection_found_dead_is_replaced_once(serve, client) -> None:
    async def script(peer, asked) -> None:
        if asked.turn == 0:
            await peer.whole(b"%d" % asked.connection)
        else:
            peer.cut()

    server = await serve(script)
    bodies = [await (await client.request("POST", server.url, (), b"x")).read() for _ in range(3)]
    assert bodies == [b"0", b"1", b"2"]


async def test_a_new_connection_that_dies_is_not_retried(serve, client) -> None:
    async def script(peer, asked) -> None:
        peer.cut()

    server = await serve(script)
    with pytest.raises(ConnectionLost) as caught:
        await client.request("POST", server.url, (), b"x")
    assert (caught.value.begun, len(server.asked)) == (False, 1)


async def test_an_answer_that_had_begun_is_not_retried(serve, client) -> None:
    async def script(peer, asked) -> None:
        if asked.turn == 0:
            await peer.whole(b"")
        else:
            await peer.send(b"HTTP/1.1 200")
            await asyncio.sleep(0.01)  # the bytes leave before the end does
            peer.writer.close()

    server = await serve(script)
    await (await client.request("POST", server.url, (), b"x")).read()
    with pytest.raises(ConnectionLost) as caught:
        await client.request("POST", server.url, (), b"x")
    assert (caught.value.begun, len(server.asked)) == (True, 2)


async def test_what_came_before_the_cut_is_given_out_first(serve, client) -> None:
    async def script(peer, asked) -> None:
        await peer.start()
        await peer.chunk(b"first")
        peer.writer.close()

    server = await serve(script)
    answer = await client.request("GET", server.url, ())
    assert await answer.more() == b"first"
    with pytest.raises(ConnectionLost, match="cut in the middle"):
        await answer.more()


async def test_an_early_answer_to_a_large_body_is_heard(serve, client) -> None:
    gone = asyncio.Event()

    async def script(peer, asked) -> None:
        await peer.whole(b"too large", "413 Content Too Large")
        await peer.gone()
        gone.set()

    server = await serve(script, read_bodies=False)
    answer = await client.request("POST", server.url, (), b"x" * 30_000_000)
    assert (answer.status, await answer.read()) == (413, b"too large")
    await soon(gone.wait())


async def test_a_large_body_comes_through_whole(serve, client) -> None:
    body = bytes(range(256)) * 40_000
    server = await serve(echo)
    answer = await client.request("POST", server.url, (), body)
    received = b""
    while chunk := await answer.more():
        received += chunk
        await asyncio.sleep(0)
    assert received == body


async def test_nothing_there(client) -> None:
    listening = await asyncio.start_server(lambda *_: None, "127.0.0.1", 0)
    port = listening.sockets[0].getsockname()[1]
    listening.close()
    await listening.wait_closed()
    with pytest.raises(ConnectFailed, match=f"nothing answers at localhost port {port}"):
        await client.request("GET", f"http://localhost:{port}", ())
    with pytest.raises(ConnectFailed, match="no connection to"):
        await client.request("GET", f"http://{'x' * 70}.invalid:{port}", ())


async def test_a_server_that_never_shakes_hands(serve, client) -> None:
    server = await serve(echo)
    url = server.url.replace("http:", "https:")
    with pytest.raises(TimedOut) as caught:
        await client.request("GET", url, (), timeouts=Timeouts(connect=0.1))
    assert caught.value.limit == "connect"


async def test_closing_ends_every_call_and_socket(serve) -> None:
    reached, gone = asyncio.Event(), asyncio.Event()

    async def script(peer, asked) -> None:
        reached.set()
        await peer.gone()
        gone.set()

    server = await serve(script)
    client = Http11()
    call = asyncio.ensure_future(client.request("GET", server.url, ()))
    await soon(reached.wait())
    await client.aclose()
    with pytest.raises(ConnectFailed):
        await call
    with pytest.raises(ConnectFailed):
        await client.request("GET", server.url, ())
    await soon(gone.wait())


async def test_closing_while_a_connection_is_being_opened(serve) -> None:
    async def silent(peer, asked) -> None:
        await peer.gone()

    server = await serve(silent)
    for turns in range(6):
        client = Http11()
        call = asyncio.ensure_future(client.request("GET", server.url, ()))
        for _ in range(turns):
            await asyncio.sleep(0)
        await client.aclose()
        with pytest.raises(ConnectFailed):
            await asyncio.wait_for(call, 10)
        assert not client._connections


async def test_tls_with_an_authority_of_our_own(serve, authority) -> None:
    server = await serve(echo, tls=True)
    client = Http11(ca_file=authority)
    for _ in range(3):
        answer = await client.request("POST", server.url, (), b"x" * 100_000)
        assert len(await answer.read()) == 100_000
    assert server.connections == 1
    with pytest.raises(ConnectFailed, match="not trusted"):
        await client.request("GET", server.url.replace("localhost", "127.0.0.1"), ())
    await client.aclose()


async def test_tls_refuses_strangers_and_hears_ssl_cert_file(serve, authority, client, monkeypatch) -> None:
    server = await serve(echo, tls=True)
    with pytest.raises(ConnectFailed, match="not trusted"):
        await client.request("GET", server.url, ())
    monkeypatch.setenv("SSL_CERT_FILE", authority)
    second = Http11()
    assert await (await second.request("GET", server.url, ())).read() == b"/"
    await second.aclose()


async def test_a_certificate_file_that_is_not_there(serve) -> None:
    client = Http11(ca_file="/nowhere/ca.pem")
    with pytest.raises(ConnectFailed, match=r"/nowhere/ca\.pem cannot be used"):
        await client.request("GET", "https://localhost:1", ())
    await client.aclose()


async def test_under_the_api_of_httpx(serve) -> None:
    async def script(peer, asked) -> None:
        match asked.target:
            case "/stream":
                await peer.start()
                for n in range(3):
                    await peer.chunk(b"data: %d\n\n" % n)
                await peer.end()
            case "/gzip":
                body = gzip.compress(b"squeezed")
                head = b"HTTP/1.1 200 OK\r\ncontent-encoding: gzip\r\ncontent-length: %d\r\n\r\n" % len(body)
                await peer.send(head + body)
            case "/cut":
                peer.cut()
            case "/silent":
                await peer.gone()
            case "/garbage":
                await peer.send(b"SSH-2.0\r\n")
            case _:
                await peer.whole(asked.body + asked.headers["host"].encode())

    async def letters():
        yield b"a"
        yield b"b"

    server = await serve(script)
    async with httpx.AsyncClient(transport=Http11Transport(), base_url=server.url, timeout=5) as api:
        assert (await api.post("/", content=letters(), headers={"host": "other"})).content == b"abother"
        assert (await api.get("/gzip")).text == "squeezed"
        async with api.stream("GET", "/stream") as answer:
            assert "".join([text async for text in answer.aiter_text()]).count("data:") == 3
        with pytest.raises(httpx.ReadError):
            await api.get("/cut")
        with pytest.raises(httpx.ReadTimeout):
            await api.get("/silent", timeout=0.05)
        with pytest.raises(httpx.RemoteProtocolError):
            await api.get("/garbage")
        with pytest.raises(httpx.ConnectError):
            await api.get("http://127.0.0.1:1/")
