"""What was answered is in the ledger's file when the daemon has gone, however late it was."""

from __future__ import annotations

import json
import time
from pathlib import Path

import pytest

from codriver import app as application
from codriver.app import App
from codriver.paths import Paths
from codriver.router import Stream
from codriver.state.sqlite import SqliteStore
from codriver.wire import codec


async def asked(app: App) -> Stream:
    """The answer of a model that was named, read to its end."""
    page = {"model": "simulator/sim-small", "messages": [{"role": "user", "content": "hi"}]}
    stream = app.router.open(codec.find("openai_chat").parse(json.dumps(page).encode(), {}))
    await stream.__aenter__()
    await stream.reply()
    return stream


async def kept(paths: Paths) -> list[str]:
    store = SqliteStore(paths.ledger, time.time)
    rows = await store.outcomes()
    store.close()
    return [row.id for row in rows]


async def test_what_is_owed_is_written_down_before_the_end(tmp_path: Path) -> None:
    paths = Paths(tmp_path, tmp_path, tmp_path)
    app = application.create(paths, simulate=True, environ={})
    await app.start()
    stream = await asked(app)
    await stream.__aexit__(None, None, None)
    assert app.ledger.owed == 1
    await app.close()
    assert await kept(paths) == [stream.id]


async def test_and_what_ends_while_it_closes(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """As lines of a batch do, which go on until they are told to stop."""
    paths = Paths(tmp_path, tmp_path, tmp_path)
    app = application.create(paths, simulate=True, environ={})
    await app.start()
    stream, close = await asked(app), app.batches.close

    async def closing() -> None:
        await stream.__aexit__(None, None, None)
        await close()

    monkeypatch.setattr(app.batches, "close", closing)
    await app.close()
    assert await kept(paths) == [stream.id]
