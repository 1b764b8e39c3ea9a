"""`workspace/executeCommand`: what an editor can ask for beside the protocol's own requests.

Arguments come as one object, or in its fields' order: [uri, range, instruction]. An empty range is a cursor. What a
model answered has `model`, `simulated`, `cost` (USD) and `decision` too; a refusal is an error with words for the user.

    codriver.review         {uri, range?, diff?}          -> {findings, dropped, items: [{range, severity, message, why,
                            fix?: {range, newText}}]}; also published as diagnostics of source "codriver".
                            diff: "staged", "unstaged" or "head": only lines changed since then are reported
    codriver.clearReview    {uri?}                        -> null; without uri all documents
    codriver.refactor       {uri, range?, instruction?, preview?} -> {applied, merged, summary, edit?}
    codriver.document       {uri, range?, preview?}       -> the same
    codriver.fix            {uri, range?, diagnostics?, preview?} -> the same; diagnostics: the protocol's, or strings;
                            without them the review's own findings at the range
    codriver.tests          {uri, range?, preview?}       -> {applied, uri, text, edit?}; a new file, never an old one
    codriver.explain        {uri, range?, question?, show?} -> {text} (Markdown)
    codriver.suggestNames   {uri, range, show?}           -> {old, range, names: [{name, why}]}
    codriver.commitMessage  {uri?, diff?}                 -> {text}; of the repository around the document or folder;
                            diff: "staged", "unstaged" or "head"; without it what is staged, else all changes
    codriver.accepted, codriver.partlyAccepted, codriver.rejected {decision} -> null; what became of a suggestion
    codriver.feedback       {decision, word}              -> null; up, down and the other words of routing/rewards.py
    codriver.explainLast    {show?}                       -> the last request with its decision and reasons, or null
    codriver.status         {sums?}                       -> {version, model, cost_today, http, ...}; sums: saved_today
    codriver.dashboard      {}                            -> {url} that opens the dashboard once

preview: the WorkspaceEdit comes back as `edit` and nothing is applied. show: what was found is shown as a message too,
for editors that do nothing with results. Without a range the whole file is meant where that makes sense.
"""

from __future__ import annotations

import asyncio
import os
from collections.abc import Callable
from typing import Any

from lsprotocol import types as lsp

from codriver.fronts.lsp import explain, reviewing
from codriver.fronts.lsp.arguments import INVALID_PARAMS, Arguments, Places, named
from codriver.fronts.lsp.documents import Document
from codriver.fronts.lsp.editing import Editing, told_by
from codriver.fronts.lsp.progress import Progress, Token
from codriver.fronts.lsp.protocol import CONTENT_MODIFIED, Refused
from codriver.fronts.lsp.reviews import Reviews
from codriver.fronts.lsp.session import Session
from codriver.fronts.lsp.telling import Telling
from codriver.model.request import Snapshot
from codriver.routing import rewards

Command = Callable[[Arguments, "Token | None"], Any]

FIELDS: dict[str, tuple[str, ...]] = {
    "codriver.refactor": ("uri", "range", "instruction", "preview"),
    "codriver.review": ("uri", "range", "diff"),
    "codriver.clearReview": ("uri",),
    "codriver.document": ("uri", "range", "preview"),
    "codriver.fix": ("uri", "range", "diagnostics", "preview"),
    "codriver.tests": ("uri", "range", "preview"),
    "codriver.explain": ("uri", "range", "question", "show"),
    "codriver.suggestNames": ("uri", "range", "show"),
    "codriver.commitMessage": ("uri", "diff"),
    "codriver.accepted": ("decision",),
    "codriver.partlyAccepted": ("decision",),
    "codriver.rejected": ("decision",),
    "codriver.feedback": ("decision", "word"),
    "codriver.explainLast": ("show",),
    "codriver.status": ("sums",),
    "codriver.dashboard": (),
}
"""The commands, and their arguments in order."""


class Commands:
    """The commands of one editor."""

    def __init__(self, session: Session, reviews: Reviews, progress: Progress) -> None:
        self._session, self._reviews, self._progress = session, reviews, progress
        self._places = Places(session)
        editing, telling = Editing(session, reviews, progress), Telling(session, progress)
        self._table: dict[str, Command] = {
            "codriver.refactor": editing.refactor,
            "codriver.review": self.review,
            "codriver.clearReview": self.clear_review,
            "codriver.document": editing.document,
            "codriver.fix": editing.fix,
            "codriver.tests": editing.tests,
            "codriver.explain": telling.explain,
            "codriver.suggestNames": telling.names,
            "codriver.commitMessage": telling.commit_message,
            "codriver.accepted": self.accepted,
            "codriver.partlyAccepted": self.partly_accepted,
            "codriver.rejected": self.rejected,
            "codriver.feedback": self.feedback,
            "codriver.explainLast": self.explain_last,
            "codriver.status": self.status,
            "codriver.dashboard": self.dashboard,
        }

    def execute(self, params: lsp.ExecuteCommandParams) -> Any:
        """Handles workspace/executeCommand."""
        command = self._table.get(params.command)
        if command is None:
            raise Refused(f"There is no command {params.command}.", INVALID_PARAMS)
        return command(named(params.arguments or (), FIELDS[params.command]), params.work_done_token)

    def review(self, arguments: Arguments, token: Token | None) -> Any:
        """Reviews the range or the whole file; findings appear as diagnostics. What was found, as an object."""
        document, snapshot = self._places.any(arguments)
        what = str(arguments.get("diff") or "")
        if what and what not in reviewing.BASES:
            raise Refused(f"The argument diff is one of {', '.join(reviewing.BASES)}.", INVALID_PARAMS)
        return self._review(document, snapshot, what, token)

    async def _review(self, document: Document, snapshot: Snapshot, what: str, token: Token | None) -> dict[str, Any]:
        with self._reviews.trails.follow(document.uri) as trail:
            async with self._progress.report("Codriver: review", token) as notify:
                sides = await asyncio.to_thread(reviewing.sides, snapshot, what) if what else None
                seen, base = sides or (snapshot, None)
                findings = await self._session.app.tasks.review(seen, base=base, notify=notify)
                if not self._session.documents.holds(document):
                    name = snapshot.uri.rsplit("/", 1)[-1]
                    raise Refused(f"{name} was closed meanwhile, so nothing is shown of it.", CONTENT_MODIFIED)
                findings = reviewing.now(findings, seen.text, snapshot.text, document.text.data, trail)
                items = self._reviews.show(document, findings)
        return told_by(findings) | {
            "findings": len(findings.items),
            "dropped": findings.dropped,
            "items": items,
        }

    def clear_review(self, arguments: Arguments, token: Token | None) -> None:
        """Takes away the findings of one document, or of all."""
        uri = arguments.get("uri")
        self._reviews.clear([str(uri)] if uri else [document.uri for document in self._session.documents.all()])

    def accepted(self, arguments: Arguments, token: Token | None) -> None:
        """A suggestion was taken."""
        self._session.app.tasks.completer.fate(str(arguments.get("decision", "")), "accepted")

    def partly_accepted(self, arguments: Arguments, token: Token | None) -> None:
        """A part of a suggestion was taken: the next word, the next line."""
        self._session.app.tasks.completer.fate(str(arguments.get("decision", "")), "partly-accepted")

    def rejected(self, arguments: Arguments, token: Token | None) -> None:
        """A suggestion was dismissed: it is not offered there again."""
        self._session.app.tasks.completer.fate(str(arguments.get("decision", "")), "rejected")

    def feedback(self, arguments: Arguments, token: Token | None) -> None:
        """How anything with a decision was: by a word of rewards.WORDS, such as up or down."""
        word = str(arguments.get("word", ""))
        if rewards.of(word) is None:
            raise Refused(f"There is no feedback {word!r}; there is {', '.join(rewards.WORDS)}.", INVALID_PARAMS)
        self._session.app.router.learn(str(arguments.get("decision", "")), word)

    def explain_last(self, arguments: Arguments, token: Token | None) -> Any:
        """The last request of an editor with its decision and reasons, as an object; also shown when asked."""
        found = self._session.app.router.last("lsp")
        if found is not None and arguments.get("show"):
            params = lsp.ShowMessageParams(lsp.MessageType.Info, explain.outcome(found))
            self._session.peer.notify(lsp.WINDOW_SHOW_MESSAGE, params)
        return explain.as_json(found)

    async def status(self, arguments: Arguments, token: Token | None) -> dict[str, Any]:
        """Who serves this editor, and what the last request took; with `sums` also what today saved, which is read."""
        app, last = self._session.app, self._session.app.router.last()
        return {
            **({"saved_today": (await app.overview.look())[-1].saved} if arguments.get("sums") else {}),
            "version": app.version,
            "pid": os.getpid(),
            "documents": [
                {"uri": document.uri, "version": document.version, "bytes": document.text.size}
                for document in self._session.documents.all()
            ],
            "model": last.model if last else "",
            "cost": last.cost if last else 0.0,
            "simulated": last is not None and last.model.startswith("simulator/"),
            "cost_today": app.ledger.spent_today,
            "strategy": app.settings.routing.strategy,
            "http": app.address,
            "problem": app.config_error,
        }

    def dashboard(self, arguments: Arguments, token: Token | None) -> dict[str, Any]:
        """The address that opens the dashboard once and soon; "" where no browser can reach it."""
        return {"url": self._session.app.dashboard()}
