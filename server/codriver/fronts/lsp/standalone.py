"""`codriver lsp --standalone`: the language server in this process, for debugging and for places without sockets."""

from __future__ import annotations

import asyncio
import os
import sys
import threading
from pathlib import Path

from codriver import app as application
from codriver import paths
from codriver.errors import CodriverError
from codriver.fronts.lsp.server import Connection

_CHUNK = 1 << 16


def serve(out: int, *, simulate: bool, config: str | None) -> int:
    """Serves stdin and the descriptor `out` until the editor leaves; the exit code is the protocol's."""
    try:
        return asyncio.run(_serve(out, simulate, Path(config) if config else None))
    except CodriverError as problem:
        sys.stderr.write(f"codriver lsp: {problem}\n")
        return 2


async def _serve(out: int, simulate: bool, config: Path | None) -> int:
    where = paths.find()
    where.create()
    app = application.create(where, config_file=config, simulate=simulate)
    await app.start()
    reader = asyncio.StreamReader()
    _pump(0, reader)
    connection = Connection(app, 1, _Out(out))
    try:
        await connection.run(reader)
    finally:
        await app.close()
    return 0 if connection.peer.orderly else 1


def _pump(descriptor: int, reader: asyncio.StreamReader) -> None:
    """Feeds a reader from a blocking descriptor: files and Windows pipes cannot be polled."""
    loop = asyncio.get_running_loop()

    def read() -> None:
        while chunk := os.read(descriptor, _CHUNK):
            loop.call_soon_threadsafe(reader.feed_data, chunk)
        loop.call_soon_threadsafe(reader.feed_eof)

    threading.Thread(target=read, name="stdin", daemon=True).start()


class _Out:
    """A descriptor that can be written like a stream."""

    def __init__(self, descriptor: int) -> None:
        self._descriptor = descriptor

    def write(self, data: bytes) -> None:
        view = memoryview(data)
        while view:
            view = view[os.write(self._descriptor, view) :]

    def is_closing(self) -> bool:
        return False
