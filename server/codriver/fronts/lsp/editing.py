"""The commands whose answer is an edit: refactor, document, fix, tests."""

from __future__ import annotations

import os
from collections.abc import Awaitable, Callable, Sequence
from pathlib import PurePath
from typing import TYPE_CHECKING, Any
from urllib.parse import quote, urlsplit, urlunsplit

from lsprotocol import types as lsp

from codriver.analyst import path_of
from codriver.fronts.lsp import edits, explain
from codriver.fronts.lsp.arguments import Arguments, Places
from codriver.fronts.lsp.documents import Document
from codriver.fronts.lsp.progress import Notify, Progress, Token
from codriver.fronts.lsp.protocol import Refused, converter
from codriver.fronts.lsp.reviews import Reviews
from codriver.fronts.lsp.session import Session
from codriver.model.request import Snapshot

if TYPE_CHECKING:
    from codriver.tasks.refactor import Rewrite

INSTRUCTION = "improve readability without changing behaviour"

Writer = Callable[[Notify], Awaitable["Rewrite"]]


class Editing:
    """These commands of one editor."""

    def __init__(self, session: Session, reviews: Reviews, progress: Progress) -> None:
        self._session, self._reviews, self._progress = session, reviews, progress
        self._places = Places(session)

    def refactor(self, arguments: Arguments, token: Token | None) -> Any:
        """Rewrites the range, or the function at the cursor, by instruction."""
        document, snapshot = self._places.function(arguments, "Select the code to refactor")
        wish = str(arguments.get("instruction") or INSTRUCTION)
        tasks = self._session.app.tasks
        return self._edited(
            "refactor", document, snapshot, arguments, token,
            lambda notify: tasks.refactor(snapshot, wish, notify=notify),
        )  # fmt: skip

    def document(self, arguments: Arguments, token: Token | None) -> Any:
        """Writes the documentation comment of the function at the range or cursor."""
        document, snapshot = self._places.function(arguments, "Select the function to document")
        tasks = self._session.app.tasks
        return self._edited(
            "document", document, snapshot, arguments, token, lambda notify: tasks.document(snapshot, notify=notify)
        )

    def fix(self, arguments: Arguments, token: Token | None) -> Any:
        """Repairs what is complained about at the range: by the diagnostics given, else by the review's findings."""
        document, snapshot = self._places.any(arguments)
        start, end = snapshot.selection or (snapshot.cursor or 0, snapshot.cursor or 0)
        told = _complaints(arguments.get("diagnostics")) or self._reviews.complaints(document, start, end)
        if not told:
            raise Refused("There is nothing to fix: nobody complains about this place.")
        tasks = self._session.app.tasks
        return self._edited(
            "fix", document, snapshot, arguments, token, lambda notify: tasks.fix(snapshot, told, notify=notify)
        )

    async def _edited(
        self, what: str, document: Document, snapshot: Snapshot, arguments: Arguments, token: Token | None, ask: Writer
    ) -> dict[str, Any]:
        """What was done, as an object. The document is followed from before anybody was asked."""
        with self._reviews.trails.follow(document.uri) as trail:
            async with self._progress.report(f"Codriver: {what}", token) as notify:
                done = await ask(notify)
                by = explain.by(done.model, simulated=done.simulated)
                label = (
                    f"{what.capitalize()} by {by}: {done.summary}" if done.summary else f"{what.capitalize()} by {by}"
                )
                work = edits.Work(document, snapshot, done.patches, trail, label)
                told = told_by(done) | {"summary": done.summary}
                if arguments.get("preview"):
                    edit = edits.land(self._session, work)
                    return told | {"applied": False, "merged": work.moved, "edit": converter().unstructure(edit)}
                return told | {"merged": await edits.apply_work(self._session, work), "applied": True}

    def tests(self, arguments: Arguments, token: Token | None) -> Any:
        """Writes tests of the function at the range or cursor into a new file."""
        _, snapshot = self._places.function(arguments, "Select the function to test")
        return self._tested(snapshot, bool(arguments.get("preview")), token)

    async def _tested(self, snapshot: Snapshot, preview: bool, token: Token | None) -> dict[str, Any]:
        open_ = {path_of(document.uri) for document in self._session.documents.all()}
        async with self._progress.report("Codriver: tests", token) as notify:
            done = await self._session.app.tasks.tests(
                snapshot, exists=lambda path: path in open_ or os.path.exists(path), notify=notify
            )
            uri = _address(snapshot.uri, done.path)
            label = f"Tests by {explain.by(done.by.model, simulated=done.by.simulated)}"
            told = told_by(done.by) | {"uri": uri, "text": done.text, "applied": False}
            if not uri or not self._session.client.creates:
                return told
            edit = edits.new_file(self._session.client, uri, done.text, label)
            if preview:
                return told | {"edit": converter().unstructure(edit)}
            await edits.apply(self._session, edit, label)
        return told | {"applied": True}


def told_by(done: Any) -> dict[str, Any]:
    """Who did something, as every answer tells it."""
    return {"model": done.model, "simulated": done.simulated, "cost": done.cost, "decision": done.decision}


def _complaints(given: object) -> list[str]:
    """What diagnostics say: the protocol's, or plain strings."""
    listed: Sequence[Any] = given if isinstance(given, list) else ()
    found = []
    for item in listed:
        if isinstance(item, str):
            found.append(item)
        elif isinstance(item, dict) and isinstance(item.get("message"), str):
            source, line = item.get("source"), _line(item)
            found.append(f"{source + ': ' if isinstance(source, str) else ''}{item['message']}{line}")
    return [text for text in found if text.strip()]


def _line(item: dict[str, Any]) -> str:
    try:
        where = converter().structure(item["range"], lsp.Range)
    except Exception:  # the converter raises what its hooks raise: a complaint without a line is one too
        return ""
    return f" (line {where.start.line + 1})"


def _address(uri: str, path: str) -> str:
    """The address of a path where a document is: of the same scheme and machine; "" for one that is nowhere yet."""
    parts = urlsplit(uri)
    if not PurePath(path).is_absolute():
        return ""
    return PurePath(path).as_uri() if parts.scheme == "file" else urlunsplit((*parts[:2], quote(path), "", ""))
