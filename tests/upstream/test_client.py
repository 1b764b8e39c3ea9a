"""The port to the providers: what is sent, what comes back, and every way in which it can go wrong."""

from __future__ import annotations

import asyncio
import contextlib
import json
import subprocess
import sys
from dataclasses import replace

import pytest

from codriver import __version__
from codriver.errors import Kind, UpstreamFailed
from codriver.model.provider import Model, Price, Provider
from codriver.upstream.client import Timeouts, Upstream
from codriver.upstream.http11 import Http11
from codriver.upstream.keys import Keys
from codriver.upstream.proxies import Network, proxy_for, proxy_settings
from codriver.upstream.response import BadRequest
from codriver.wire.codec import Call

KEY = "sk-test-0123456789abcdef"
MODEL = Model("acme", "fast", "vendor/fast 1", 8000, 1000, Price(), {"": 1.0})
WIRES = {
    "openai_chat": "/v1/chat",
    "anthropic_messages": "/v1/messages",
    "gemini": "/m/{model}:generate",
}
CALL = Call(b'{"model":"fast"}', {"X-Quirk": "1"})
FAST = Timeouts(connect=5, first=5, between=5, total=5)


def acme(url: str, **changes) -> Provider:
    return replace(Provider("acme", "Acme", url, WIRES, key_env=("ACME_API_KEY",)), **changes)


@pytest.fixture
async def upstream():
    made = Upstream(Network({}), Keys({"ACME_API_KEY": KEY}), clock=lambda: 1_800_000_000.0)
    yield made
    await made.aclose()


def sent(upstream, server, wire="openai_chat", **options):
    provider = acme(server.url, **options.pop("provider", {}))
    options.setdefault("timeouts", FAST)
    options.setdefault("stream", True)
    return upstream.send(provider, MODEL, wire, options.pop("call", CALL), **options)


async def failed(upstream, server, **options):
    """The failure of a call, wherever it shows."""
    with pytest.raises(UpstreamFailed) as caught:
        async with sent(upstream, server, **options) as answer:
            await answer.read()
    failure = caught.value.failure
    assert (failure.provider, failure.model) == ("acme", "acme/fast")
    assert "acme" in failure.message and KEY not in failure.message
    return failure


async def whole(peer, asked) -> None:
    await peer.whole(b'{"ok":true}')


AUTHS = [
    ({}, {}, {"authorization": f"Bearer {KEY}"}),
    ({"auth": "x-api-key"}, {}, {"x-api-key": KEY}),
    ({"auth": "x-goog-api-key"}, {}, {"x-goog-api-key": KEY}),
    ({"auth": "none"}, {}, {}),
    ({"auth": "x-api-key"}, {"Authorization": "Bearer own-token"}, {"authorization": "Bearer own-token"}),
]


@pytest.mark.parametrize(("provider", "forward", "credentials"), AUTHS)
async def test_credentials(serve, upstream, provider, forward, credentials) -> None:
    server = await serve(whole)
    async with sent(upstream, server, provider=provider, forward=forward):
        pass
    names = {"authorization", "x-api-key", "x-goog-api-key"}
    assert {name: value for name, value in server.asked[0].headers.items() if name in names} == credentials


async def test_the_call_as_it_is_sent(serve, upstream) -> None:
    server = await serve(whole)
    provider = {"headers": {"X-Title": "codriver", "User-Agent": "special"}}
    forward = {"anthropic-beta": "b1", "Host": "evil", "Content-Length": "3", "Accept-Encoding": "gzip"}
    async with sent(upstream, server, "anthropic_messages", provider=provider, forward=forward) as answer:
        assert (answer.status, await answer.read()) == (200, b'{"ok":true}')
    (asked,) = server.asked
    assert (asked.method, asked.target, asked.body) == ("POST", "/v1/messages", CALL.body)
    assert asked.headers == {
        "host": f"127.0.0.1:{server.port}",
        "accept": "text/event-stream",
        "accept-encoding": "identity",
        "anthropic-beta": "b1",
        "anthropic-version": "2023-06-01",
        "authorization": f"Bearer {KEY}",
        "content-length": str(len(CALL.body)),
        "content-type": "application/json",
        "user-agent": "special",
        "x-quirk": "1",
        "x-title": "codriver",
    }


async def test_a_model_in_the_path_is_quoted(serve, upstream) -> None:
    server = await serve(whole)
    async with sent(upstream, server, "gemini", stream=False):
        pass
    (asked,) = server.asked
    assert asked.target == "/m/vendor/fast%201:generate"
    assert (asked.headers["accept"], asked.headers["user-agent"]) == ("application/json", f"codriver/{__version__}")
    assert "anthropic-version" not in asked.headers


async def test_headers_in_other_scripts_go_as_utf8(serve, upstream) -> None:
    server = await serve(whole)
    async with sent(upstream, server, forward={"x-title": "Zürich 东京"}):
        pass
    assert server.asked[0].headers["x-title"].encode("latin-1").decode() == "Zürich 东京"


async def test_a_header_cannot_start_another(serve, upstream) -> None:
    server = await serve(whole)
    assert (await failed(upstream, server, forward={"x-a": "1\r\nx-b: 2"})).kind is Kind.INVALID
    assert not server.asked


async def test_a_missing_key_names_where_to_put_it(serve) -> None:
    server = await serve(whole)
    upstream = Upstream(Network({}), Keys({}))
    failure = await failed(upstream, server)
    assert failure.kind is Kind.AUTH and "ACME_API_KEY" in failure.message and "keys.toml" in failure.message
    async with sent(upstream, server, provider={"key_env": ()}):
        pass  # a server at home
    upstream.use(Keys({"ACME_API_KEY": "later"}))
    async with sent(upstream, server):
        pass
    assert [asked.headers.get("authorization") for asked in server.asked] == [None, "Bearer later"]
    upstream.use(Keys({"ACME_API_KEY": "bro\nken"}))
    assert (await failed(upstream, server)).kind is Kind.AUTH
    await upstream.aclose()


KINDS = [
    (True, "text/event-stream; charset=utf-8", True),
    (True, "application/json", False),
    (True, "text/plain", True),
    (False, "application/json", False),
    (False, "text/event-stream", True),
]


@pytest.mark.parametrize(("stream", "kind", "streamed"), KINDS)
async def test_whether_the_body_is_a_stream(serve, upstream, stream: bool, kind: str, streamed: bool) -> None:
    async def script(peer, asked) -> None:
        await peer.whole(b"data: 1\n\n", kind=kind)

    async with sent(upstream, await serve(script), stream=stream) as answer:
        assert answer.streamed is streamed
        assert [chunk async for chunk in answer.chunks()] == [b"data: 1\n\n"]


async def test_chunks_come_as_they_are_sent(serve, upstream) -> None:
    heard = asyncio.Event()

    async def script(peer, asked) -> None:
        await peer.start()
        for n in range(3):
            await peer.chunk(b"data: %d\n\n" % n)
            await heard.wait()
            heard.clear()
        await peer.end()

    chunks = []
    async with sent(upstream, await serve(script)) as answer:
        async for chunk in answer.chunks():
            chunks.append(chunk)
            heard.set()
    assert chunks == [b"data: 0\n\n", b"data: 1\n\n", b"data: 2\n\n"]


async def test_web_pages_and_compressed_bodies_are_no_answers(serve, upstream) -> None:
    async def page(peer, asked) -> None:
        await peer.whole(b"<html>", kind="text/html")

    async def packed(peer, asked) -> None:
        await peer.send(b"HTTP/1.1 200 OK\r\ncontent-encoding: br\r\ncontent-length: 1\r\n\r\nx")

    failure = await failed(upstream, await serve(page))
    assert failure.kind is Kind.BROKEN and "web page" in failure.message
    failure = await failed(upstream, await serve(packed))
    assert failure.kind is Kind.BROKEN and "compressed with br" in failure.message


async def test_a_refusal_is_read_and_understood(serve, upstream) -> None:
    async def script(peer, asked) -> None:
        body = json.dumps({"error": {"message": f"Slow down, {KEY}", "type": "rate_limit_error"}}).encode()
        head = f"HTTP/1.1 429 Too Many\r\nretry-after: 12\r\ncontent-length: {len(body)}\r\n\r\n"
        await peer.send(head.encode() + body)

    server = await serve(script)
    failure = await failed(upstream, server)
    assert (failure.kind, failure.retry_after, failure.upstream_status) == (Kind.RATE_LIMITED, 12, 429)
    assert "Slow down, [key]" in failure.message
    await failed(upstream, server)
    assert server.connections == 1


async def test_an_endless_refusal_is_cut(serve, upstream) -> None:
    gone = asyncio.Event()

    async def script(peer, asked) -> None:
        await peer.send(b"HTTP/1.1 500 No\r\ntransfer-encoding: chunked\r\n\r\n")
        try:
            while True:
                await peer.chunk(b"no " * 5000)
        except ConnectionError:
            gone.set()

    assert (await failed(upstream, await serve(script), timeouts=Timeouts())).kind is Kind.TRANSIENT
    await asyncio.wait_for(gone.wait(), 10)


async def test_a_refusal_that_stalls_still_counts(serve, upstream, monkeypatch) -> None:
    async def script(peer, asked) -> None:
        await peer.send(b"HTTP/1.1 503 No\r\ncontent-length: 99\r\n\r\nbusy")
        await peer.gone()

    monkeypatch.setattr("codriver.upstream.client.ERROR_SECONDS", 0.05)
    failure = await failed(upstream, await serve(script))
    assert failure.kind is Kind.OVERLOADED and "busy" in failure.message


async def test_redirects_are_not_followed(serve, upstream) -> None:
    async def script(peer, asked) -> None:
        await peer.send(b"HTTP/1.1 301 Moved\r\nlocation: https://elsewhere.example/\r\ncontent-length: 0\r\n\r\n")

    failure = await failed(upstream, await serve(script))
    assert failure.kind is Kind.TRANSIENT and "elsewhere.example" in failure.message


async def silence(peer, asked) -> None:
    await peer.gone()


async def head_only(peer, asked) -> None:
    await peer.start()
    await peer.gone()


async def one_chunk(peer, asked) -> None:
    await peer.start()
    await peer.chunk(b"data: 1\n\n")
    await peer.gone()


async def trickle(peer, asked) -> None:
    await peer.start()
    while True:
        await peer.chunk(b": ping\n\n")
        await asyncio.sleep(0.01)


SLOW = [
    (silence, Timeouts(5, 0.05, 5, 5), "no first byte within 0.05 s"),
    (head_only, Timeouts(5, 0.05, 5, 5), "no first byte within 0.05 s"),
    (one_chunk, Timeouts(5, 5, 0.05, 5), "no further byte within 0.05 s"),
    (trickle, Timeouts(5, 5, 5, 0.1), "not finished within 0.1 s"),
]


@pytest.mark.parametrize(("script", "timeouts", "words"), SLOW)
async def test_each_limit_is_told_apart(serve, upstream, script, timeouts: Timeouts, words: str) -> None:
    """W4, C9: pings are signs of life, but not for ever."""
    gone = asyncio.Event()

    async def watched(peer, asked) -> None:
        try:
            await script(peer, asked)
        finally:
            gone.set()

    failure = await failed(upstream, await serve(watched), timeouts=timeouts)
    assert failure.kind is Kind.SLOW and words in failure.message
    await asyncio.wait_for(gone.wait(), 10)


async def test_a_cut_answer_is_broken_after_what_came(serve, upstream) -> None:
    async def script(peer, asked) -> None:
        await peer.start()
        await peer.chunk(b"data: 1\n\n")
        peer.writer.close()

    chunks = []

    async def call(server) -> None:
        async with sent(upstream, server) as answer:
            async for chunk in answer.chunks():
                chunks.append(chunk)

    server = await serve(script)
    with pytest.raises(UpstreamFailed) as caught:
        await call(server)
    assert chunks == [b"data: 1\n\n"] and caught.value.failure.kind is Kind.BROKEN


async def test_no_answer_and_no_server(serve, upstream) -> None:
    async def script(peer, asked) -> None:
        peer.cut()

    server = await serve(script)
    failure = await failed(upstream, server)
    assert failure.kind is Kind.TRANSIENT and "gave no answer" in failure.message
    server.url = "http://127.0.0.1:1"
    failure = await failed(upstream, server)
    assert failure.kind is Kind.TRANSIENT and "nothing answers at 127.0.0.1 port 1" in failure.message
    server.url = "not-a-url"
    assert (await failed(upstream, server)).kind is Kind.INVALID


@pytest.mark.parametrize("how", ["leaves", "raises", "cancelled", "cancelled before the head"])
async def test_leaving_closes_the_providers_connection(serve, upstream, how: str) -> None:
    reached, gone = asyncio.Event(), asyncio.Event()

    async def script(peer, asked) -> None:
        if how != "cancelled before the head":
            await peer.start()
            await peer.chunk(b"data: 1\n\n")
        reached.set()
        await peer.gone()
        gone.set()

    async def call() -> None:
        async with sent(upstream, server) as answer:
            async for _ in answer.chunks():
                if how == "leaves":
                    return
                if how == "raises":
                    raise KeyError(how)

    server = await serve(script)
    task = asyncio.ensure_future(call())
    await asyncio.wait_for(reached.wait(), 10)
    if how.startswith("cancelled"):
        task.cancel()
    with contextlib.suppress(asyncio.CancelledError, KeyError):
        await task
    await asyncio.wait_for(gone.wait(), 10)


async def test_lists_are_fetched(serve, upstream) -> None:
    async def script(peer, asked) -> None:
        if asked.target == "/endless":
            await peer.start("application/json")
            while True:
                await peer.chunk(b"x" * 60_000)
        await peer.whole(b"[]", "404 No" if asked.target == "/gone" else "200 OK")

    server = await serve(script)
    provider = acme(server.url)
    assert await upstream.fetch(provider, "/v1/models", timeouts=FAST) == b"[]"
    assert server.asked[0].method == "GET" and server.asked[0].headers["authorization"] == f"Bearer {KEY}"
    for path in ("/gone", "/endless"):
        with pytest.raises(UpstreamFailed):
            await upstream.fetch(provider, path, timeouts=FAST)


PROXIES = [
    ({}, "https://a.example/v1", None),
    ({"HTTPS_PROXY": "http://p:1"}, "https://a.example/v1", "http://p:1"),
    ({"HTTPS_PROXY": "p:1"}, "https://a.example/v1", "http://p:1"),
    ({"HTTPS_PROXY": "http://p:1"}, "http://a.example/v1", None),
    ({"https_proxy": "http://small:1", "HTTPS_PROXY": "http://p:1"}, "https://a.example", "http://small:1"),
    ({"https_proxy": "", "HTTPS_PROXY": "http://p:1"}, "https://a.example", None),
    ({"ALL_PROXY": "http://p:1"}, "http://a.example", "http://p:1"),
    ({"ALL_PROXY": "http://p:1", "HTTP_PROXY": "http://q:2"}, "http://a.example", "http://q:2"),
    ({"HTTP_PROXY": "http://p:1", "REQUEST_METHOD": "GET"}, "http://a.example", None),
    ({"ALL_PROXY": "http://p:1"}, "http://localhost:11434", None),
    ({"ALL_PROXY": "http://p:1"}, "http://127.3.2.1:8080", None),
    ({"ALL_PROXY": "http://p:1"}, "http://[::1]:8080", None),
    ({"ALL_PROXY": "http://p:1"}, "http://10.1.2.3", "http://p:1"),
    ({"ALL_PROXY": "http://p:1", "NO_PROXY": "*"}, "http://a.example", None),
    ({"ALL_PROXY": "http://p:1", "NO_PROXY": "b.example, a.example"}, "http://a.example", None),
    ({"ALL_PROXY": "http://p:1", "NO_PROXY": ".example"}, "http://deep.a.example", None),
    ({"ALL_PROXY": "http://p:1", "NO_PROXY": "*.example"}, "http://a.example", None),
    ({"ALL_PROXY": "http://p:1", "NO_PROXY": "a.example"}, "http://nota.example", "http://p:1"),
    ({"ALL_PROXY": "http://p:1", "NO_PROXY": "a.example:8080"}, "http://a.example:8080", None),
    ({"ALL_PROXY": "http://p:1", "NO_PROXY": "a.example:8080"}, "http://a.example", "http://p:1"),
    ({"ALL_PROXY": "http://p:1", "NO_PROXY": "10.0.0.0/8,192.168.1.1"}, "http://10.1.2.3", None),
    ({"ALL_PROXY": "http://p:1", "NO_PROXY": "10.0.0.0/8,192.168.1.1"}, "http://192.168.1.1", None),
    ({"ALL_PROXY": "http://p:1", "NO_PROXY": "10.0.0.0/8,,"}, "http://11.1.2.3", "http://p:1"),
    ({"ALL_PROXY": "http://p:1", "NO_PROXY": "fd00::/8"}, "http://[fd00::7]:80", None),
    ({"NO_PROXY": "a.example"}, "http://a.example", None),
]  # fmt: skip


@pytest.mark.parametrize(("environ", "url", "proxy"), PROXIES)
def test_which_hosts_are_proxied(environ, url: str, proxy: str | None) -> None:
    assert proxy_for(url, proxy_settings(environ)) == proxy


@pytest.fixture
async def behind(serve):
    """A proxy on loopback, scripted, and an Upstream that must use it for everything else."""
    servers = []

    async def start(script, **environ):
        server = await serve(script)
        upstream = Upstream(Network({"ALL_PROXY": server.url, **environ}), Keys({"ACME_API_KEY": KEY}))
        servers.append(upstream)
        asked_for = replace(server, url="http://api.acme.example")
        return upstream, asked_for, server

    yield start
    for upstream in servers:
        await upstream.aclose()


async def test_through_a_proxy(behind) -> None:
    async def script(peer, asked) -> None:
        if asked.target.endswith("/chat"):
            await peer.start()
            await peer.chunk(b"data: 1\n\n")
            await peer.chunk(b"data: 2\n\n")
            await peer.end()
        else:
            await peer.whole(b"no", "429 Slow")

    upstream, asked_for, proxy = await behind(script)
    async with sent(upstream, asked_for) as answer:
        assert answer.streamed and await answer.read() == b"data: 1\n\ndata: 2\n\n"
    assert proxy.asked[0].target == "http://api.acme.example/v1/chat"
    assert proxy.asked[0].body == CALL.body and proxy.asked[0].headers["host"] == "api.acme.example"
    assert (await failed(upstream, asked_for, wire="gemini")).kind is Kind.RATE_LIMITED


@pytest.mark.parametrize(("script", "timeouts", "words"), SLOW)
async def test_limits_hold_through_a_proxy(behind, script, timeouts: Timeouts, words: str) -> None:
    upstream, asked_for, _ = await behind(script)
    failure = await failed(upstream, asked_for, timeouts=timeouts)
    assert failure.kind is Kind.SLOW and words in failure.message


async def test_breaks_and_leaving_through_a_proxy(behind) -> None:
    gone = asyncio.Event()

    async def script(peer, asked) -> None:
        await peer.start()
        await peer.chunk(b"data: 1\n\n")
        if asked.target.endswith("/chat"):
            peer.writer.close()
        else:
            await peer.gone()
            gone.set()

    upstream, asked_for, _ = await behind(script)
    assert (await failed(upstream, asked_for)).kind is Kind.BROKEN
    async with sent(upstream, asked_for, wire="gemini") as answer:
        async for _ in answer.chunks():
            break
    await asyncio.wait_for(gone.wait(), 10)


async def test_tls_through_a_proxy(serve, authority) -> None:
    async def carry(reader, writer) -> None:
        while data := await reader.read(65536):
            writer.write(data)
        writer.close()

    async def tunnel(peer, asked) -> None:
        assert (asked.method, asked.target) == ("CONNECT", "api.acme.example:443")
        reader, writer = await asyncio.open_connection("127.0.0.1", secure.port)
        await peer.send(b"HTTP/1.1 200 OK\r\n\r\n")
        await asyncio.gather(carry(reader, peer.writer), carry(peer.reader, writer))

    secure, proxy = await serve(whole, tls=True), await serve(tunnel)
    network = Network({"HTTPS_PROXY": proxy.url}, ca_file=authority)
    upstream = Upstream(network, Keys({"ACME_API_KEY": KEY}))
    async with sent(upstream, replace(secure, url="https://api.acme.example")) as answer:
        assert await answer.read() == b'{"ok":true}'
    assert "authorization" not in proxy.asked[0].headers and "authorization" in secure.asked[0].headers
    await upstream.aclose()


@pytest.mark.parametrize("proxy", ["http://127.0.0.1:1", "socks9://127.0.0.1:1"])
async def test_a_proxy_that_is_not_there(serve, proxy: str) -> None:
    server = await serve(whole)
    upstream = Upstream(Network({"ALL_PROXY": proxy}), Keys({"ACME_API_KEY": KEY}))
    failure = await failed(upstream, replace(server, url="http://api.acme.example"))
    assert failure.kind is Kind.TRANSIENT and "proxy" in failure.message
    async with sent(upstream, server) as answer:  # loopback needs none
        assert answer.status == 200
    await upstream.aclose()


def test_an_address_without_a_host_has_no_proxy() -> None:
    with pytest.raises(BadRequest):
        proxy_for("http://", {"all": "http://p"})


async def test_a_network_may_share_its_direct_client(serve) -> None:
    server = await serve(whole)
    direct = Http11()
    upstream = Upstream(Network({}, direct=direct), Keys({}))
    await (await direct.request("GET", server.url, ())).read()
    async with sent(upstream, server, provider={"auth": "none"}) as answer:
        await answer.read()
    assert server.connections == 1
    await upstream.aclose()


def test_httpx_is_imported_only_for_proxies() -> None:
    code = "import sys, codriver.upstream.client as c; from codriver.upstream.keys import Keys; c.Upstream(None, Keys({})); print('httpx' in sys.modules)"
    ran = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert ran.stdout.strip() == "False"
