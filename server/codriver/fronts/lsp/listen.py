"""The daemon's LSP door: a Unix socket, or loopback TCP where there are none.

Every connection begins with one line that proves it may come in. The language server itself
(pygls, a third of a second) is imported only once the door is open.
"""

from __future__ import annotations

import asyncio
import contextlib
import hmac
import importlib
import json
import logging
import os
import socket
import struct
from collections.abc import Callable
from itertools import count
from pathlib import Path
from types import ModuleType
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from codriver.app import App
    from codriver.fronts.lsp.server import Connection

log = logging.getLogger(__name__)

GREETING_SECONDS = 10.0
LEAVING = "codriver/leaving"
"""Tells the forwarder that the daemon goes on purpose; editors never see it."""


class LspFront:
    """The open door. `leave` is called with a reason when a forwarder asks this daemon to go."""

    def __init__(self, app: App, leave: Callable[[str], None]) -> None:
        self._app, self._leave = app, leave
        self._server: asyncio.Server | None = None
        self._module: asyncio.Future[ModuleType] | None = None
        self._owners = count(1)
        self._talks: dict[asyncio.Task[None], Connection] = {}
        self._held: list[asyncio.StreamWriter] = []
        """Connections of those who asked us to go: they see us gone when these close with the process."""
        self.path: Path | None = None
        self.port: int | None = None
        self.last_left = asyncio.get_running_loop().time()

    @property
    def connections(self) -> int:
        return len(self._talks)

    async def open(self, path: Path | None) -> None:
        """Listens on `path`, or on a free loopback port when it is None. Raises OSError."""
        loop = asyncio.get_running_loop()
        if path is not None:
            self._server = await asyncio.start_unix_server(self._accept, sock=_bind(path))
        else:
            self._server = await asyncio.start_server(self._accept, "127.0.0.1", 0)
            self.port = self._server.sockets[0].getsockname()[1]
        self.path = path
        self._module = loop.run_in_executor(None, _language_server)

    async def warmed(self) -> None:
        """Waits until connections are served without any import in the way."""
        assert self._module is not None
        module = await asyncio.shield(self._module)
        await asyncio.get_running_loop().run_in_executor(None, module.warm)

    async def close(self, grace: float) -> None:
        """Stops listening, lets open requests end for `grace` seconds, then closes every connection."""
        if self._server is not None:
            self._server.close()
        if self.path is not None:
            self.path.unlink(missing_ok=True)
        loop = asyncio.get_running_loop()
        end = loop.time() + grace
        for connection in self._talks.values():
            connection.peer.notify(LEAVING, {})
        for connection in list(self._talks.values()):
            await connection.peer.quiet(end - loop.time())
        for task in self._talks:
            task.cancel()
        if self._talks:
            await asyncio.wait(self._talks, timeout=1.0)

    async def _accept(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            if not await self._greet(reader, writer) or self._module is None:
                return
            module = await asyncio.shield(self._module)
            await self._talk(module.Connection(self._app, next(self._owners), writer), reader)
        except OSError as problem:
            log.info("a connection broke: %s", problem)
        finally:
            if writer not in self._held:
                writer.close()

    async def _talk(self, connection: Connection, reader: asyncio.StreamReader) -> None:
        task = asyncio.current_task()
        assert task is not None
        self._talks[task] = connection
        self._app.editors = len(self._talks)
        try:
            await connection.run(reader)
        finally:
            del self._talks[task]
            self._app.editors = len(self._talks)
            self.last_left = asyncio.get_running_loop().time()

    async def _greet(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> bool:
        """Reads and answers the first line; True when the connection may go on."""
        try:
            async with asyncio.timeout(GREETING_SECONDS):
                line = json.loads(await reader.readline())
        except (TimeoutError, ValueError):
            line = None
        answer = self._verdict(line, writer)
        answer |= {"version": self._app.version, "pid": os.getpid()}
        writer.write(json.dumps(answer).encode() + b"\n")
        with contextlib.suppress(OSError):
            await writer.drain()
        if answer.get("draining"):
            self._held.append(writer)
            self._leave(f"version {line['version']} takes over")
        return bool(answer["ok"]) and not answer.get("draining")

    def _verdict(self, line: Any, writer: asyncio.StreamWriter) -> dict[str, Any]:
        if not isinstance(line, dict) or line.get("codriver") != 1:
            return {"ok": False, "error": "malformed", "message": "This socket is for codriver lsp."}
        token = str(line.get("token", ""))
        if not (_same_user(writer) and hmac.compare_digest(token.encode(), self._app.token.encode())):
            log.warning("refused a connection with a wrong token")
            text = f"The running daemon (pid {os.getpid()}) does not know our token. Stop it and try again."
            return {"ok": False, "error": "token", "message": text}
        if line.get("drain"):
            return {"ok": True, "draining": True}
        if line.get("version") != self._app.version and not line.get("any"):
            return {"ok": False, "error": "version", "message": f"This is version {self._app.version}."}
        return {"ok": True}


def _bind(path: Path) -> socket.socket:
    """A socket at this path; a file there is removed only if nobody answers behind it. Raises OSError."""
    listener = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    try:
        if path.parent.stat().st_uid != os.getuid():
            raise PermissionError(f"{path.parent} belongs to another user")
        if path.exists():
            _remove_stale(path)
        listener.bind(os.fspath(path))
        path.chmod(0o600)
    except BaseException:  # whatever it is: the socket is not left open
        listener.close()
        raise
    return listener


def _remove_stale(path: Path) -> None:
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as probe:
        probe.settimeout(1.0)
        try:
            probe.connect(os.fspath(path))
        except (ConnectionRefusedError, FileNotFoundError):
            path.unlink(missing_ok=True)
            return
    raise OSError(f"somebody already listens at {path}")


def _same_user(writer: asyncio.StreamWriter) -> bool:
    """Whether the peer of a Unix socket is this user, where the kernel tells it cheaply (Linux)."""
    connection = writer.get_extra_info("socket")
    if not hasattr(socket, "SO_PEERCRED") or connection.family != socket.AF_UNIX:
        return True
    raw = connection.getsockopt(socket.SOL_SOCKET, socket.SO_PEERCRED, struct.calcsize("3i"))
    return bool(struct.unpack("3i", raw)[1] == os.getuid())


def _language_server() -> ModuleType:
    """The module, with the one thing made that must not be made by two threads at once.

    lsprotocol resolves its types in place when a converter is made; the first editor and the warming
    up would both do so.
    """
    module = importlib.import_module("codriver.fronts.lsp.server")
    module.converter()
    return module
