"""What an editor can ask for, over HTTP, for scripts, hooks and CI: a text in, findings, words or an edit out.

The caller sends the text; nothing is read from the disk here. Offsets are bytes of the text in UTF-8.
"""

from __future__ import annotations

import os
from pathlib import PurePath
from typing import TYPE_CHECKING, Annotated, Any

import msgspec

from codriver.app import App
from codriver.errors import RequestRejected, Unroutable, UpstreamFailed, reject
from codriver.fronts.http.exchange import Exchange
from codriver.fronts.http.route import Handler, Route, Routes
from codriver.model.request import Snapshot
from codriver.tasks.asking import Answered
from codriver.wire import jsontext

if TYPE_CHECKING:
    from codriver.tasks.refactor import Rewrite
    from codriver.tasks.review import Findings

FRONT = "http"

Path = Annotated[str, msgspec.Meta(min_length=1, max_length=4096)]


class Asked(msgspec.Struct):
    """A place in a text. path: absolute; lines: first and last, from 1; base: the text before a change."""

    path: Path
    text: str
    language: str = ""
    root: str = ""
    lines: tuple[int, int] | None = None
    base: str | None = None
    question: str = ""


class Change(msgspec.Struct):
    """A diff as git writes it, and subjects of earlier commits."""

    diff: str
    recent: list[str] = msgspec.field(default_factory=list)


_ASKED = msgspec.json.Decoder(Asked)
_CHANGE = msgspec.json.Decoder(Change)


async def review(app: App, exchange: Exchange) -> None:
    """POST /v1/tasks/review: the findings in a text; with `base` those on lines that differ from it."""
    asked = await _read(app, exchange)
    base = asked.base.encode("utf-8", "replace") if asked.base is not None else None
    async with exchange.watch():
        found = await app.tasks.review(_snapshot(asked), base=base, front=FRONT)
    page = {"findings": _findings(found), "dropped": found.dropped}
    await _answer(exchange, page, Answered(found.model, found.simulated, found.cost, found.decision))


async def explain(app: App, exchange: Exchange) -> None:
    """POST /v1/tasks/explain: the lines, or the function at a single one, in words."""
    asked = await _read(app, exchange)
    async with exchange.watch():
        done = await app.tasks.explain(_snapshot(asked), asked.question, front=FRONT)
    await _answer(exchange, {"text": done.text}, done.by)


async def tests(app: App, exchange: Exchange) -> None:
    """POST /v1/tasks/tests: a new test file for the function at the lines, and where it would go."""
    asked = await _read(app, exchange)
    async with exchange.watch():
        done = await app.tasks.tests(_snapshot(asked), exists=os.path.exists, front=FRONT)
    await _answer(exchange, {"path": done.path, "text": done.text}, done.by)


async def document(app: App, exchange: Exchange) -> None:
    """POST /v1/tasks/document: the edit that documents the function at the lines."""
    asked = await _read(app, exchange)
    async with exchange.watch():
        done: Rewrite = await app.tasks.document(_snapshot(asked), front=FRONT)
    edits = [{"start": patch.start, "end": patch.end, "text": patch.text} for patch in done.patches]
    who = Answered(done.model, done.simulated, done.cost, done.decision)
    await _answer(exchange, {"edits": edits, "summary": done.summary}, who)


async def commit_message(app: App, exchange: Exchange) -> None:
    """POST /v1/tasks/commit-message: a message for a diff."""
    body = await exchange.body(app.settings.http.max_body_mb * 1_000_000)
    asked, _ = jsontext.body(_CHANGE, body or b"{}")
    async with exchange.watch():
        done = await app.tasks.commit_message(asked.diff, asked.recent, front=FRONT)
    await _answer(exchange, {"text": done.text}, done.by)


def _told(handler: Handler) -> Handler:
    """The handler, whose failures are told with their reasons: nobody may answer, or nobody answered well."""

    async def handle(app: App, exchange: Exchange) -> None:
        try:
            await handler(app, exchange)
        except (RequestRejected, Unroutable, UpstreamFailed) as error:
            page: dict[str, Any] = {"error": {"message": str(error), "kind": error.failure.kind}}
            reasons = error.reasons if isinstance(error, Unroutable) else ()
            await exchange.answer(error.failure.policy.status, msgspec.json.encode({**page, "reasons": reasons}))

    return handle


async def _read(app: App, exchange: Exchange) -> Asked:
    body = await exchange.body(app.settings.http.max_body_mb * 1_000_000)
    asked, _ = jsontext.body(_ASKED, body or b"{}")
    return asked


def _snapshot(asked: Asked) -> Snapshot:
    """The text with its lines selected; a single line is the cursor. Raises RequestRejected."""
    text = asked.text.encode("utf-8", "replace")
    if not PurePath(asked.path).is_absolute():
        raise reject("path must be absolute", field="path")
    cursor: int | None = None
    selection: tuple[int, int] | None = None
    if asked.lines is not None:
        first, last = asked.lines
        count = text.count(b"\n") + (not text.endswith(b"\n"))
        if not 1 <= first <= last or first > max(count, 1):
            raise reject(f"{asked.path} has {count} lines, so not {first} to {last}", field="lines")
        start, end = _line(text, first), _line(text, last + 1)
        row = text[start:end]
        cursor = start + len(row) - len(row.lstrip(b" \t"))
        selection = (start, end) if last > first else None
    return Snapshot(PurePath(asked.path).as_uri(), 0, asked.language, text, cursor, selection, asked.root)


def _line(text: bytes, line: int) -> int:
    """Where a line (from 1) begins; behind the last one, the end."""
    at = 0
    for _ in range(line - 1):
        found = text.find(b"\n", at)
        if found < 0:
            return len(text)
        at = found + 1
    return at


def _findings(found: Findings) -> list[dict[str, Any]]:
    return [
        {
            "start": one.start, "end": one.end, "start_line": one.start_line, "end_line": one.end_line,
            "severity": one.severity, "message": one.message, "why": one.why, "fix": one.fix,
        }
        for one in found.items
    ]  # fmt: skip


async def _answer(exchange: Exchange, page: dict[str, Any], by: Answered) -> None:
    who = {"model": by.model, "simulated": by.simulated, "cost_usd": by.cost, "decision": by.decision}
    await exchange.answer(200, msgspec.json.encode(page | who))


ROUTES: Routes = {
    "POST /v1/tasks/review": Route(_told(review)),
    "POST /v1/tasks/explain": Route(_told(explain)),
    "POST /v1/tasks/tests": Route(_told(tests)),
    "POST /v1/tasks/document": Route(_told(document)),
    "POST /v1/tasks/commit-message": Route(_told(commit_message)),
}
