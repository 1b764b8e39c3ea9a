"""The store of one machine: SQLite, one writer thread, write-ahead log, numbered migrations.

Appends go into a list that the writer looks at a few times a second: waking it for each would make
it fight the event loop for the interpreter just when an answer is on its way.
The file holds numbers, reasons and what people said as feedback; no prompts, no code, no keys.
"""

from __future__ import annotations

import asyncio
import json
import logging
import os
import sqlite3
import threading
from collections import deque
from collections.abc import Callable, Sequence
from concurrent.futures import Future
from dataclasses import astuple
from math import inf
from pathlib import Path
from typing import Any, TypeVar

import msgspec

from codriver.errors import StoreError
from codriver.model.decision import Outcome
from codriver.state.store import Judgement, Reasons, Row, row

log = logging.getLogger("codriver.state")

T = TypeVar("T")
Work = Callable[[sqlite3.Connection], Any]
Entry = tuple[Work | Outcome, "Future[Any] | None"]
"""What is to be done, or kept; and who waits for it."""

LINGER = 0.3
"""Seconds an appended outcome may lie before it is written; a killed process loses no more than that."""
BATCH = 200
TOGETHER = 16
"""Outcomes written by one statement: the interpreter changes hands with each, and somebody's answer waits."""

KEEP_SECONDS = 90 * 86_400.0
"""Older outcomes are removed when the store is opened."""

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
    # 2: feedback is a word, a number from -1 to 1, and what the person said with it.
    """
    ALTER TABLE outcome ADD COLUMN score REAL;
    ALTER TABLE outcome ADD COLUMN remark TEXT NOT NULL DEFAULT '';
    """,
    # 3: the chance of the decision and the experiment's arm; what judges said, one row for each source.
    """
    ALTER TABLE outcome ADD COLUMN propensity REAL NOT NULL DEFAULT 1.0;
    ALTER TABLE outcome ADD COLUMN arm TEXT NOT NULL DEFAULT '';
    CREATE TABLE judgement (
        outcome TEXT NOT NULL, source TEXT NOT NULL, model TEXT NOT NULL, word TEXT NOT NULL, at REAL NOT NULL,
        family TEXT NOT NULL, base REAL NOT NULL, reward REAL NOT NULL, weight REAL NOT NULL,
        PRIMARY KEY (outcome, source, model)
    ) STRICT;
    CREATE INDEX judgement_at ON judgement (at);
    """,
)

_COLUMNS = (
    "id, at, front, wire, purpose, status, model, cost, seconds, first, "
    "prompt_tokens, output_tokens, session, workflow, attempts, reasons, label, score, remark, propensity, arm"
)
_ROW = f"({', '.join('?' * 21)})"
_INSERT = f"INSERT OR REPLACE INTO outcome ({_COLUMNS}) VALUES "  # noqa: S608 (constant)
_JUDGED = "outcome, source, model, word, at, family, base, reward, weight"


class SqliteStore:
    """Opens (or creates, 0600) the file at once. Raises StoreError when it cannot be used."""

    def __init__(self, path: Path, clock: Callable[[], float]) -> None:
        self._clock = clock
        self._work: deque[Entry] = deque()
        self._wake = threading.Event()
        self._closing = False
        self._connection = _open(path)
        self._work.append((lambda db: _tidy(db, clock()), None))
        self._thread = threading.Thread(target=self._write, name="ledger", daemon=True)
        self._thread.start()

    def append(self, outcome: Outcome) -> None:
        self._work.append((outcome, None))

    def label(self, ident: str, word: str, score: float | None = None, remark: str = "") -> None:
        statement = "UPDATE outcome SET label = ?, score = ?, remark = ? WHERE id = ?"
        values = (word, score, _sound(remark), ident)
        self._work.append((lambda db: db.execute(statement, values), None))

    def judge(self, judgement: Judgement) -> None:
        statement = f"INSERT OR REPLACE INTO judgement ({_JUDGED}) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)"  # noqa: S608 (constant)
        values = tuple(_sound(one) if isinstance(one, str) else one for one in astuple(judgement))
        self._work.append((lambda db: db.execute(statement, values), None))

    async def judgements(self, since: float = 0.0, limit: int = 5000) -> list[Judgement]:
        query = f"SELECT {_JUDGED} FROM judgement WHERE at >= ? ORDER BY at DESC, outcome LIMIT ?"  # noqa: S608 (constant)
        return await self._ask(lambda db: [Judgement(*values) for values in db.execute(query, (since, limit))])

    async def find(self, ident: str) -> Row | None:
        def read(db: sqlite3.Connection) -> Row | None:
            query = f"SELECT {_COLUMNS} FROM outcome WHERE id = ?"  # noqa: S608 (constant)
            found = db.execute(query, (_sound(ident),)).fetchone()
            return None if found is None else _row(found)

        return await self._ask(read)

    async def outcomes(self, since: float = 0.0, limit: int = 100, until: float = inf) -> list[Row]:
        def read(db: sqlite3.Connection) -> list[Row]:
            query = f"SELECT {_COLUMNS} FROM outcome WHERE at >= ? AND at < ? ORDER BY at DESC, id LIMIT ?"  # noqa: S608 (constant)
            return [_row(values) for values in db.execute(query, (since, until, limit))]

        return await self._ask(read)

    async def spent(self, since: float) -> float:
        query = "SELECT TOTAL(cost) FROM outcome WHERE at >= ?"
        return await self._ask(lambda db: float(db.execute(query, (since,)).fetchone()[0]))

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
        """Runs work in the writer's thread, after everything appended before it. Raises StoreError."""
        if self._closing or not self._thread.is_alive():
            raise StoreError("the ledger is closed")
        future: Future[T] = Future()
        self._work.append((work, future))
        self._wake.set()
        return await asyncio.wrap_future(future)

    def _write(self) -> None:
        """The writer: takes what lies there, and commits once per batch. Only `close` ends it."""
        while True:
            self._wake.wait(LINGER)
            self._wake.clear()
            closing = self._closing
            while self._work:
                _write_batch(self._connection, [self._work.popleft() for _ in range(min(len(self._work), BATCH))])
            if closing:
                break
        self._connection.close()


def _write_batch(db: sqlite3.Connection, batch: list[Entry]) -> None:
    """One transaction for all of it; one for each entry when an entry is at fault, which then loses only itself."""
    try:
        answers = _commit(db, batch)
    except Exception as error:  # whatever it is: the thread goes on, and whoever waits is told
        # A full disk or a locked file is nobody's fault and must not be waited for again by each entry.
        if len(batch) > 1 and not isinstance(error, sqlite3.OperationalError):
            for entry in batch:
                _write_batch(db, [entry])
            return
        log.exception("entries the ledger lost: %d", len(batch))
        _tell(batch, StoreError(f"the ledger cannot be written: {error}"))
        return
    for future, result in answers:
        if future.set_running_or_notify_cancel():
            future.set_result(result)


def _commit(db: sqlite3.Connection, batch: list[Entry]) -> list[tuple[Future[Any], Any]]:
    results: list[tuple[Future[Any], Any]] = []
    outcomes: list[Outcome] = []
    with db:
        for work, future in batch:
            if isinstance(work, Outcome):
                outcomes.append(work)
                continue
            _keep(db, outcomes)
            outcomes, result = [], work(db)
            if future is not None:
                results.append((future, result))
        _keep(db, outcomes)
    return results


def _keep(db: sqlite3.Connection, outcomes: Sequence[Outcome]) -> None:
    for first in range(0, len(outcomes), TOGETHER):
        some = [_values(row(outcome)) for outcome in outcomes[first : first + TOGETHER]]
        db.execute(_INSERT + ", ".join([_ROW] * len(some)), [value for values in some for value in values])


def _tell(batch: list[Entry], error: StoreError) -> None:
    for _, future in batch:
        if future is not None and future.set_running_or_notify_cancel():
            future.set_exception(error)


def _tidy(db: sqlite3.Connection, now: float) -> None:
    """Removes what nobody will ask for any more."""
    db.execute("DELETE FROM outcome WHERE at < ?", (now - KEEP_SECONDS,))
    db.execute("DELETE FROM judgement WHERE at < ?", (now - KEEP_SECONDS,))
    db.execute("DELETE FROM value WHERE until <= ?", (now,))


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
    values = (
        kept.id, kept.at, kept.front, kept.wire, kept.purpose, kept.status, kept.model, kept.cost, kept.seconds,
        kept.first, kept.prompt_tokens, kept.output_tokens, kept.session, kept.workflow, kept.attempts,
        _document(kept.reasons), kept.label, kept.score, kept.remark, kept.propensity, kept.arm,
    )  # fmt: skip
    return tuple(_sound(value) if isinstance(value, str) else value for value in values)


def _document(reasons: Reasons) -> str:
    try:
        return msgspec.json.encode(reasons).decode()
    except UnicodeEncodeError:
        return _sound(json.dumps(msgspec.to_builtins(reasons), ensure_ascii=False))


def _sound(text: str) -> str:
    """Text without half characters (lone surrogates), which neither JSON nor SQLite takes."""
    return text.encode("utf-8", "replace").decode()


def _row(values: tuple[Any, ...]) -> Row:
    named = dict(zip(_COLUMNS.split(", "), values, strict=True))
    return Row(**(named | {"reasons": msgspec.json.decode(named["reasons"], type=Reasons)}))
