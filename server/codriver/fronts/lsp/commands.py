"""`workspace/executeCommand`: what an editor can ask for beside the protocol's own requests.

Arguments come as one object, or in its fields' order: [uri, range, instruction]. An empty range is a cursor. Every
answer has `model`, `simulated`, `cost` (USD) and `decision`; a refusal is an error with words for the user.

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
                            diff: "staged" (default: staged, else all changes), "head"

preview: the WorkspaceEdit comes back as `edit` and nothing is applied. show: what was found is shown as a message too,
for editors that do nothing with results. Without a range the whole file is meant where that makes sense.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Sequence
from typing import Any

from lsprotocol import types as lsp

from codriver.fronts.lsp import edits, explain
from codriver.fronts.lsp.actions import around
from codriver.fronts.lsp.documents import Document
from codriver.fronts.lsp.progress import Progress, Token
from codriver.fronts.lsp.protocol import CONTENT_MODIFIED, Refused, converter
from codriver.fronts.lsp.reviews import Reviews
from codriver.fronts.lsp.session import Session
from codriver.model.request import Snapshot
from codriver.routing import rewards

INSTRUCTION = "improve readability without changing behaviour"
_INVALID_PARAMS = -32602

Arguments = dict[str, Any]
Command = Callable[[Arguments, "Token | None"], Any]

FIELDS: dict[str, tuple[str, ...]] = {
    "codriver.refactor": ("uri", "range", "instruction"),
    "codriver.review": ("uri", "range"),
    "codriver.clearReview": ("uri",),
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
        self._table: dict[str, Command] = {
            "codriver.refactor": self.refactor,
            "codriver.review": self.review,
            "codriver.clearReview": self.clear_review,
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
            raise Refused(f"There is no command {params.command}.", _INVALID_PARAMS)
        return command(_named(params.arguments or (), FIELDS[params.command]), params.work_done_token)

    def refactor(self, arguments: Arguments, token: Token | None) -> Any:
        """Rewrites the range by instruction; the editor is asked to apply it. What was done, as an object."""
        document, snapshot = self._place(arguments)
        if snapshot.selection is None:
            found = around(self._session, document, snapshot.cursor or 0)
            if found is None:
                raise Refused("Select the code to refactor, or put the cursor inside a function.")
            where = document.range(found.start_byte, found.end_byte)
            snapshot = document.snapshot(where)
        return self._refactor(document, snapshot, str(arguments.get("instruction") or INSTRUCTION), token)

    async def _refactor(
        self, document: Document, snapshot: Snapshot, instruction: str, token: Token | None
    ) -> dict[str, Any]:
        async with self._progress.report("Codriver: refactor", token) as notify:
            rewrite = await self._session.app.tasks.refactor(
                snapshot, instruction, owner=self._session.owner, notify=notify
            )
            self._unchanged(document, snapshot)
            by = explain.by(rewrite.model, simulated=rewrite.simulated)
            label = f"Refactor by {by}: {rewrite.summary}" if rewrite.summary else f"Refactor by {by}"
            change = (rewrite.start, rewrite.end, rewrite.text)
            edit = edits.workspace_edit(self._session.client, document, [change], label, confirm=True)
            await edits.apply(self._session, edit, label)
        return {
            "model": rewrite.model,
            "simulated": rewrite.simulated,
            "cost": rewrite.cost,
            "decision": rewrite.decision,
            "summary": rewrite.summary,
            "applied": True,
        }

    def review(self, arguments: Arguments, token: Token | None) -> Any:
        """Reviews the range or the whole file; findings appear as diagnostics. Their number, as an object."""
        document, snapshot = self._place(arguments)
        return self._review(document, snapshot, token)

    async def _review(self, document: Document, snapshot: Snapshot, token: Token | None) -> dict[str, Any]:
        async with self._progress.report("Codriver: review", token) as notify:
            findings = await self._session.app.tasks.review(snapshot, owner=self._session.owner, notify=notify)
            self._unchanged(document, snapshot)
            self._reviews.show(document, findings)
        return {
            "findings": len(findings.items),
            "model": findings.model,
            "simulated": findings.simulated,
            "cost": findings.cost,
            "decision": findings.decision,
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
            raise Refused(f"There is no feedback {word!r}; there is {', '.join(rewards.WORDS)}.", _INVALID_PARAMS)
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
                {"uri": document.uri, "version": document.version, "bytes": len(document.text.data)}
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

    def _place(self, arguments: Arguments) -> tuple[Document, Snapshot]:
        """The document and this moment of it, with the range as its selection when one is given."""
        document = self._session.document(str(arguments.get("uri", "")))
        if arguments.get("range") is None:
            return document, document.snapshot()
        try:
            where = converter().structure(arguments["range"], lsp.Range)
        except Exception as problem:
            raise Refused("The argument range is not a range of the protocol.", _INVALID_PARAMS) from problem
        return document, document.snapshot(where)

    def _unchanged(self, document: Document, snapshot: Snapshot) -> None:
        if not self._session.documents.holds(document) or not document.stands(snapshot):
            name = snapshot.uri.rsplit("/", 1)[-1]
            raise Refused(f"{name} changed meanwhile, so nothing was done to it. Please ask again.", CONTENT_MODIFIED)


def _named(arguments: Sequence[Any], fields: tuple[str, ...]) -> Arguments:
    if len(arguments) == 1 and isinstance(arguments[0], dict) and fields:
        return arguments[0]
    return dict(zip(fields, arguments, strict=False))
