"""The store of one machine: SQLite, one writer thread, write-ahead log, numbered migrations.

Appends go into a list that the writer looks at a few times a second: waking it for each would make
it fight the event loop for the interpreter just when an answer is on its way.
The file holds numbers and reasons; no prompts, no code, no keys.
"""

from __future__ import annotations

import asyncio
import os
import sqlite3
import threading
from collections import deque
from collections.abc import Callable
from concurrent.futures import Future
from pathlib import Path
from typing import Any, TypeVar

import msgspec

from codriver.errors import StoreError
from codriver.model.decision import Outcome
from codriver.state.store import Reasons, Row, row

T = TypeVar("T")
Work = Callable[[sqlite3.Connection], Any]

LINGER = 0.3
"""Seconds an appended outcome may lie before it is written; a killed process loses no more than that."""
BATCH = 200

# Each is applied once, in order, inside one transaction; `user_version` counts them. Never edit one
# that has shipped: add the next.
MIGRATIONS: tuple[str, ...] = (
    # 1: outcomes with their numbers in columns (statistics read them), reasons as JSON; small values.
    """
    CREATE TABLE outcome (
        id TEXT PRIMARY KEY, at REAL NOT NULL, front TEXT NOT NULL, wire TEXT NOT NULL, purpose TEXT NOT NULL,
        status TEXT NOT NULL, model TEXT NOT NULL, cost REAL NOT NULL, seconds REAL NOT NULL, first REAL,
        prompt_tokens INTEGER NOT NULL, output_tokens INTEGER NOT NULL, session TEXT NOT NULL,
        workflow TEXT NOT NULL, attempts INTEGER NOT NULL, reasons TEXT NOT NULL, label TEXT NOT NULL DEFAULT ''
    ) STRICT;
    CREATE INDEX outcome_at ON outcome (at);
    CREATE TABLE value (key TEXT PRIMARY KEY, value TEXT NOT NULL, until REAL) STRICT;
    """,
)

_COLUMNS = (
    "id, at, front, wire, purpose, status, model, cost, seconds, first, "
    "prompt_tokens, output_tokens, session, workflow, attempts, reasons, label"
)
_INSERT = f"INSERT OR REPLACE INTO outcome ({_COLUMNS}) VALUES ({', '.join('?' * 17)})"  # noqa: S608 (constant)


class SqliteStore:
    """Opens (or creates, 0600) the file at once. Raises StoreError when it cannot be used."""

    def __init__(self, path: Path, clock: Callable[[], float]) -> None:
        self._clock = clock
        self._work: deque[tuple[Work, Future[Any] | None]] = deque()
        self._wake = threading.Event()
        self._closing = False
        self._connection = _open(path)
        self._thread = threading.Thread(target=self._write, name="ledger", daemon=True)
        self._thread.start()

    def append(self, outcome: Outcome) -> None:
        self._work.append((lambda db: db.execute(_INSERT, _values(row(outcome))), None))

    def label(self, ident: str, word: str) -> None:
        self._work.append((lambda db: db.execute("UPDATE outcome SET label = ? WHERE id = ?", (word, ident)), None))

    async def outcomes(self, since: float = 0.0, limit: int = 100) -> list[Row]:
        def read(db: sqlite3.Connection) -> list[Row]:
            query = f"SELECT {_COLUMNS} FROM outcome WHERE at >= ? ORDER BY at DESC, id LIMIT ?"  # noqa: S608 (constant)
            return [_row(values) for values in db.execute(query, (since, limit))]

        return await self._ask(read)

    async def get(self, key: str) -> str | None:
        return await self._ask(lambda db: _get(db, key, self._clock()))

    async def put(self, key: str, value: str, ttl: float | None = None) -> None:
        until = None if ttl is None else self._clock() + ttl
        statement = "INSERT OR REPLACE INTO value (key, value, until) VALUES (?, ?, ?)"
        await self._ask(lambda db: db.execute(statement, (key, value, until)) and None)

    async def add(self, key: str, amount: float, ttl: float | None = None) -> float:
        def count(db: sqlite3.Connection) -> float:
            now = self._clock()
            held = _get(db, key, now)
            if held is None:
                until = None if ttl is None else now + ttl
                db.execute("INSERT OR REPLACE INTO value VALUES (?, ?, ?)", (key, repr(amount), until))
                return amount
            total = float(held) + amount
            db.execute("UPDATE value SET value = ? WHERE key = ?", (repr(total), key))
            return total

        return await self._ask(count)

    def close(self) -> None:
        self._closing = True
        self._wake.set()
        self._thread.join()

    async def _ask(self, work: Callable[[sqlite3.Connection], T]) -> T:
        """Runs work in the writer's thread, after everything appended before it."""
        future: Future[T] = Future()
        self._work.append((work, future))
        self._wake.set()
        return await asyncio.wrap_future(future)

    def _write(self) -> None:
        """The writer: takes what lies there, and commits once per batch."""
        while True:
            self._wake.wait(LINGER)
            self._wake.clear()
            closing = self._closing
            while self._work:
                self._run(self._connection, [self._work.popleft() for _ in range(min(len(self._work), BATCH))])
            if closing:
                break
        self._connection.close()

    def _run(self, db: sqlite3.Connection, batch: list[tuple[Work, Future[Any] | None]]) -> None:
        answers: list[tuple[Future[Any], Any]] = []
        try:
            with db:
                for work, future in batch:
                    result = work(db)
                    if future is not None:
                        answers.append((future, result))
        except sqlite3.Error as error:
            # A full disk must not take the requests with it: the batch is lost, askers are told.
            for _, future in batch:
                if future is not None and not future.cancelled():
                    future.set_exception(StoreError(f"the ledger cannot be written: {error}"))
            return
        for future, result in answers:
            if not future.cancelled():
                future.set_result(result)


def _open(path: Path) -> sqlite3.Connection:
    try:
        path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        os.close(os.open(path, os.O_CREAT | os.O_RDWR, 0o600))
        db = sqlite3.connect(path, check_same_thread=False, timeout=5.0)
        db.execute("PRAGMA journal_mode = WAL")
        db.execute("PRAGMA synchronous = NORMAL")
        _migrate(db)
    except (OSError, sqlite3.Error) as error:
        raise StoreError(f"{path}: {error}. Move the file away to start a new ledger.") from error
    return db


def _migrate(db: sqlite3.Connection) -> None:
    (done,) = db.execute("PRAGMA user_version").fetchone()
    if done > len(MIGRATIONS):
        raise sqlite3.DatabaseError(f"written by a newer Codriver (format {done}, this one knows {len(MIGRATIONS)})")
    for number, script in enumerate(MIGRATIONS[done:], start=done + 1):
        db.executescript(f"BEGIN; {script} PRAGMA user_version = {number}; COMMIT;")


def _get(db: sqlite3.Connection, key: str, now: float) -> str | None:
    found = db.execute("SELECT value, until FROM value WHERE key = ?", (key,)).fetchone()
    if found is None or (found[1] is not None and found[1] <= now):
        return None
    return str(found[0])


def _values(kept: Row) -> tuple[Any, ...]:
    return (
        kept.id, kept.at, kept.front, kept.wire, kept.purpose, kept.status, kept.model, kept.cost, kept.seconds,
        kept.first, kept.prompt_tokens, kept.output_tokens, kept.session, kept.workflow, kept.attempts,
        msgspec.json.encode(kept.reasons).decode(), kept.label,
    )  # fmt: skip


def _row(values: tuple[Any, ...]) -> Row:
    named = dict(zip(_COLUMNS.split(", "), values, strict=True))
    return Row(**(named | {"reasons": msgspec.json.decode(named["reasons"], type=Reasons)}))
