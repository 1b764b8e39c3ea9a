"""A relay, word by word over real sockets: what comes goes on at once, whole and in order, however the caller reads."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from pathlib import Path

import httptools
import pytest

from codriver import app as application
from codriver import paths
from codriver.fronts.http import holding, server
from scripted import DONE, ROLE, STOP, USAGE, frame

WORDS = [frame({"content": text}) for text in ("one ", '"two"\n', "drei\u00fc ", "\\u0034", "", "five", "x" * 3000)]
CALLS = frame({"tool_calls": [{"index": 0, "id": "c", "function": {"name": "f", "arguments": "{}"}}]})
BETWEEN = [b": waiting\n\n", frame({"reasoning_content": "hm"}), CALLS]
HEAD = b"HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\ntransfer-encoding: chunked\r\n\r\n"
CONFIG = """
[providers.rec]
base_url = "http://127.0.0.1:{port}"
wire = "openai_chat"
auth = "none"
discover = ""
models.m.window = 1000000
"""


Opener = Callable[[], Awaitable[tuple[asyncio.StreamReader, asyncio.StreamWriter]]]


class Upstream(asyncio.Protocol):
    """Answers with these frames, each when it is told to go on."""

    def __init__(self, frames: list[bytes]) -> None:
        self.frames = list(frames)
        self.asked = asyncio.Event()
        self.room = asyncio.Event()
        self.room.set()

    def __call__(self) -> Upstream:
        return self

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)
        self.transport, self.parser = transport, httptools.HttpRequestParser(self)

    def data_received(self, data: bytes) -> None:
        self.parser.feed_data(data)

    def on_message_complete(self) -> None:
        self.transport.write(HEAD)
        self.asked.set()
        self.go_on()

    def pause_writing(self) -> None:
        self.room.clear()

    def resume_writing(self) -> None:
        self.room.set()

    def go_on(self) -> None:
        if self.frames:
            part = self.frames.pop(0)
            self.transport.write(b"%x\r\n%b\r\n" % (len(part), part) + (b"" if self.frames else b"0\r\n\r\n"))


@asynccontextmanager
async def between(upstream: Upstream, home: Path) -> AsyncIterator[Opener]:
    """Codriver before this upstream; gives what opens a caller's connection, its request sent."""
    listening = await asyncio.get_running_loop().create_server(upstream, "127.0.0.1", 0)
    home.mkdir(parents=True, exist_ok=True)
    (home / "config.toml").write_text(CONFIG.format(port=listening.sockets[0].getsockname()[1]))
    app = application.create(paths.find(), memory=True)
    await app.start()
    front = await server.start(app, host="127.0.0.1", port=0, unix=None)

    async def opened() -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
        reader, writer = await asyncio.open_connection("127.0.0.1", front.port, limit=2**16)
        page = {"model": "rec/m", "stream": True, "messages": [{"role": "user", "content": "hi"}]}
        page["stream_options"] = {"include_usage": True}
        body = json.dumps(page).encode()
        head = f"POST /v1/chat/completions HTTP/1.1\r\nhost: localhost\r\nauthorization: Bearer {app.token}\r\n"
        writer.write(f"{head}content-type: application/json\r\ncontent-length: {len(body)}\r\n\r\n".encode() + body)
        return reader, writer

    try:
        yield opened
    finally:
        await front.close()
        await app.close()
        listening.close()


class Caller:
    """Reads an answer's body, chunked or to the connection's end."""

    def __init__(self) -> None:
        self.parser = httptools.HttpResponseParser(self)
        self.body, self.over = b"", False

    def on_body(self, data: bytes) -> None:
        self.body += data

    def on_message_complete(self) -> None:
        self.over = True


@pytest.fixture
def taken(monkeypatch: pytest.MonkeyPatch) -> list[bool]:
    """Whether the caller took each part that was offered at once."""
    said: list[bool] = []
    take = holding.Caller.take

    def heard(self: holding.Caller, data: bytes, framed: bytes = b"") -> bool:
        said.append(take(self, data, framed))
        return said[-1]

    monkeypatch.setattr(holding.Caller, "take", heard)
    return said


async def test_each_word_arrives_before_the_next_is_said(own_home: Path, taken: list[bool]) -> None:
    frames = [ROLE, *WORDS, *WORDS, BETWEEN[0], *WORDS, BETWEEN[1], WORDS[0], BETWEEN[2], *WORDS, STOP, USAGE, DONE]
    upstream, caller = Upstream(frames), Caller()
    async with asyncio.timeout(30), between(upstream, own_home) as opened:
        reader, writer = await opened()
        await upstream.asked.wait()
        upstream.go_on()  # an answer begins with its first word
        seen = 1
        while not caller.over and (data := await reader.read(2**16)):
            caller.parser.feed_data(data)
            while seen < len(frames) and caller.body == b"".join(frames[: seen + 1]):
                seen += 1
                upstream.go_on()
        writer.close()
    assert caller.body == b"".join(frames)
    assert taken.count(True) >= 3 * len(WORDS)


async def test_who_reads_slowly_holds_the_upstream_back_and_loses_nothing(own_home: Path) -> None:
    many = [frame({"content": f"{n} " * 16_000}) for n in range(400)]
    frames = [ROLE, *many, STOP, DONE]
    upstream, caller = Upstream(frames), Caller()
    async with asyncio.timeout(60), between(upstream, own_home) as opened:
        reader, writer = await opened()
        await upstream.asked.wait()
        while upstream.frames and upstream.room.is_set():
            upstream.go_on()
            await asyncio.sleep(0)
        assert upstream.frames, "all of it was taken though nobody reads"

        async def speak() -> None:
            while upstream.frames:
                await upstream.room.wait()
                upstream.go_on()
                await asyncio.sleep(0)

        speaking = asyncio.create_task(speak())
        while not caller.over and (data := await reader.read(2**16)):
            caller.parser.feed_data(data)
        await speaking
        writer.close()
    assert caller.body == b"".join(frames)
