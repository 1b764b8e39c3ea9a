"""A slow model is bridged by keep-alives: headers once, pings only between frames, a failure still told."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator
from typing import Any

import pytest

from codriver import app as application
from codriver import paths
from codriver.app import App
from codriver.errors import Failure, Kind, UpstreamFailed
from codriver.fronts.http import converse
from codriver.fronts.http.exchange import Exchange

FIRST = b'data: {"id":"x","choices":[{"index":0,"delta":{"content":"hello"},"finish_reason":null}]}\n\n'
REST = b'data: {"id":"x","choices":[{"index":0,"delta":{},"finish_reason":"stop"}]}\n\ndata: [DONE]\n\n'
MODEL = """
[providers.slow]
base_url = "http://127.0.0.1:9"
wire = "openai_chat"
auth = "none"
discover = ""
[providers.slow.models.one]
"""


class Slow:
    """An upstream answer whose first word waits for `speak`."""

    streamed = True

    def __init__(self, *steps: bytes | Failure) -> None:
        self.speak = asyncio.Event()
        self.steps = list(steps)

    @property
    def complete(self) -> bool:
        return not self.steps

    async def more(self, taker: object = None) -> bytes:
        await self.speak.wait()
        if not self.steps:
            return b""
        step = self.steps.pop(0)
        if isinstance(step, Failure):
            raise UpstreamFailed(step)
        return step

    def masked(self, failure: Failure) -> Failure:
        return failure

    async def aclose(self) -> None:
        pass


@pytest.fixture
async def app(monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[App]:
    where = paths.find()
    where.create()
    where.config_file.write_text(MODEL)
    made = application.create(where, memory=True)
    monkeypatch.setattr(converse, "PATIENCE", 0.01)
    yield made
    await made.close()


async def bridged(app: App, answer: Slow, pings: int) -> list[Any]:
    """The ASGI messages of one streamed chat whose model speaks after so many pings."""
    sent: list[Any] = []

    async def begin(*arguments: Any, **options: Any) -> Slow:
        return answer

    async def send(message: Any) -> None:
        # A slow socket: whoever does not wait for it would interleave.
        await asyncio.sleep(0)
        sent.append(message)
        if sum(message.get("body") == b": ping\n\n" for message in sent) == pings:
            answer.speak.set()

    body = json.dumps({"model": "slow/one", "stream": True, "messages": [{"role": "user", "content": "hi"}]}).encode()

    async def receive() -> Any:
        return {"type": "http.request", "body": body}

    app.upstream.begin = begin
    scope: dict[str, Any] = {
        "method": "POST",
        "path": "/v1/chat/completions",
        "headers": [],
        "client": ("127.0.0.1", 1),
    }
    await asyncio.wait_for(converse.converse(app, Exchange(scope, receive, send), "openai_chat"), 10)
    return sent


@pytest.mark.parametrize("pings", [1, 3])
async def test_pings_come_before_the_first_word_and_headers_once(app: App, pings: int) -> None:
    """W3, T35, C6, C8."""
    sent = await bridged(app, Slow(FIRST, REST), pings)
    assert [message["type"] for message in sent].count("http.response.start") == 1
    assert sent[0]["status"] == 200
    text = b"".join(message.get("body", b"") for message in sent)
    assert text.count(b": ping\n\n") >= pings
    assert text.replace(b": ping\n\n", b"") == FIRST + REST
    assert not sent[-1].get("more_body", False)


async def test_a_failure_after_pings_alone_is_told_in_the_stream(app: App) -> None:
    sent = await bridged(app, Slow(Failure(Kind.OVERLOADED, "busy", retry_after=60)), 1)
    text = b"".join(message.get("body", b"") for message in sent).decode()
    assert [message["type"] for message in sent].count("http.response.start") == 1
    assert '"error"' in text
    assert "busy" in text
    assert "[DONE]" not in text


async def test_a_word_in_the_very_turn_of_a_ping_does_not_start_twice(app: App) -> None:
    """First content and timer in one loop turn: the ping's task exists and has not run yet."""
    for _ in range(20):
        answer = Slow(FIRST, REST)
        asyncio.get_running_loop().call_later(converse.PATIENCE, answer.speak.set)
        sent = await bridged(app, answer, 99)
        assert [message["type"] for message in sent].count("http.response.start") == 1
