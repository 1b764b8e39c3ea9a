"""The door: who may come in, and how it is opened and closed."""

from __future__ import annotations

import asyncio
import json
import os
import socket
import tempfile
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
from lsp_client import CAPABILITIES
from played_app import PlayedApp

from codriver.fronts.lsp.framing import Frames, frame
from codriver.fronts.lsp.listen import LspFront
from codriver.fronts.lsp.protocol import converter

GREETING = {"codriver": 1, "token": "a-token-for-tests", "version": "1.2.3", "pid": 1}


class Door(LspFront):
    """An open door in a short folder, with what it was told."""

    def __init__(self, app: PlayedApp) -> None:
        self.reasons: list[str] = []
        self.app = app
        super().__init__(app, self.reasons.append)

    async def greet(self, line: bytes | dict[str, Any]) -> tuple[dict[str, Any], Any, Any]:
        """The answer to a first line, and the connection."""
        reader, writer = await (
            asyncio.open_unix_connection(self.path) if self.path else asyncio.open_connection("127.0.0.1", self.port)
        )
        writer.write(line if isinstance(line, bytes) else json.dumps(line).encode() + b"\n")
        async with asyncio.timeout(5):
            return json.loads(await reader.readline()), reader, writer


@pytest.fixture(params=["unix", "tcp"])
async def door(request: pytest.FixtureRequest) -> AsyncIterator[Door]:
    if request.param == "unix" and not hasattr(socket, "AF_UNIX"):
        pytest.skip("no Unix sockets here")
    opened = Door(PlayedApp())
    with tempfile.TemporaryDirectory() as folder:
        await opened.open(Path(folder) / "lsp.sock" if request.param == "unix" else None)
        await opened.warmed()
        yield opened
        await opened.close(0.0)


@pytest.mark.parametrize(
    ("line", "error"),
    [
        (b"GET / HTTP/1.1\r\n\r\n", "malformed"),
        (b"{}\n", "malformed"),
        (b"[" * 100_000 + b"\n", "malformed"),
        ({**GREETING, "token": ""}, "token"),
        ({**GREETING, "token": "a-token-for-test"}, "token"),
        ({**GREETING, "token": "é"}, "token"),
        ({**GREETING, "token": "wrong", "drain": True}, "token"),
        ({**GREETING, "version": "0.9"}, "version"),
    ],
)
async def test_who_is_refused_is_told_why_and_let_go(door: Door, line: bytes | dict[str, Any], error: str) -> None:
    answer, reader, writer = await door.greet(line)
    assert (answer["ok"], answer["error"], answer["version"]) == (False, error, "1.2.3")
    assert await reader.read() == b""
    writer.close()
    assert door.connections == 0 and door.reasons == []


@pytest.mark.parametrize("line", [GREETING, {**GREETING, "version": "0.9", "any": True}])
async def test_who_knows_the_token_is_served(door: Door, line: dict[str, Any]) -> None:
    answer, reader, writer = await door.greet(line)
    assert answer == {"ok": True, "version": "1.2.3", "pid": os.getpid()}
    content = {"jsonrpc": "2.0", "id": 1, "method": "initialize", "params": {"capabilities": CAPABILITIES}}
    writer.write(frame(json.dumps({**content, "params": {**content["params"], "processId": None}}).encode()))
    frames = Frames()
    async with asyncio.timeout(5):
        while not (bodies := frames.feed(await reader.read(65536))):
            pass
    assert json.loads(bodies[0])["result"]["serverInfo"] == {"name": "codriver", "version": "1.2.3"}
    await door.app.until_editors(1)
    assert door.connections == 1
    writer.close()
    await door.app.until_editors(0)
    assert door.connections == 0


async def test_a_newer_version_asks_us_to_leave_and_sees_us_go(door: Door) -> None:
    answer, reader, _writer = await door.greet({**GREETING, "version": "2.0", "drain": True})
    assert answer["ok"] and answer["draining"]
    assert door.reasons == ["version 2.0 takes over"]
    with pytest.raises(TimeoutError):
        async with asyncio.timeout(0.05):
            await reader.read(1)


async def test_leaving_is_announced(door: Door) -> None:
    _, reader, _ = await door.greet(GREETING)
    await door.app.until_editors(1)
    async with asyncio.timeout(5):
        await door.close(1.0)
        (body,) = Frames().feed(await reader.read())
    assert json.loads(body)["method"] == "codriver/leaving"


@pytest.mark.skipif(not hasattr(socket, "AF_UNIX"), reason="no Unix sockets here")
async def test_a_socket_left_behind_is_replaced_and_a_live_one_is_not() -> None:
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "lsp.sock"
        dead = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        dead.bind(str(path))
        dead.close()
        door, second = Door(PlayedApp()), Door(PlayedApp())
        await door.open(path)
        assert path.stat().st_mode & 0o777 == 0o600
        with pytest.raises(OSError, match="already listens"):
            await second.open(path)
        await door.warmed()
        assert (await door.greet(GREETING))[0]["ok"]
        await door.close(0.0)
        assert not path.exists()


async def test_the_one_converter_is_made_before_anybody_may_use_it() -> None:
    # Two threads making one at once break each other: "dictionary changed size during iteration".
    converter.cache_clear()
    opened = Door(PlayedApp())
    await opened.open(None)
    _, _, writer = await opened.greet(GREETING)
    await opened.warmed()
    assert (converter.cache_info().misses, converter.cache_info().currsize) == (1, 1)
    writer.close()
    await opened.close(0)
