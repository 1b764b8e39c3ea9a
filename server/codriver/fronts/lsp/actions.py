"""Code actions, only where they make sense: edits of a selection or function, reviews, explanations, tests, fixes."""

from __future__ import annotations

import re
from collections.abc import Iterator
from fnmatch import fnmatch

from lsprotocol import types as lsp

from codriver.fronts.lsp.capabilities import EXPLAIN_KIND, REVIEW_KIND, TESTS_KIND
from codriver.fronts.lsp.completion import ACCEPTED
from codriver.fronts.lsp.documents import Document, plain
from codriver.fronts.lsp.edits import workspace_edit
from codriver.fronts.lsp.protocol import converter
from codriver.fronts.lsp.reviews import SOURCE, Reviews
from codriver.fronts.lsp.session import Session
from codriver.model.features import Function
from codriver.syntax import languages
from codriver.tasks import doctext, gate

FIXES = 3
"""Diagnostics of others for which a fix is offered at once."""

_REWRITE = lsp.CodeActionKind.RefactorRewrite
_WORD = re.compile(rb"[^\W\d][\w$]*")


class Actions:
    """The code actions of one editor."""

    def __init__(self, session: Session, reviews: Reviews) -> None:
        self._session, self._reviews = session, reviews

    def offer(self, params: lsp.CodeActionParams) -> list[lsp.CodeAction | lsp.Command] | None:
        """Handles textDocument/codeAction."""
        document = self._session.documents.get(params.text_document.uri)
        if document is None or document.stale:
            return None
        offered = list(self._reviews.fixes(document, params.range))
        if self._allowed(document):
            offered += self._repairs(document, params)
            offered += self._ours(document, params)
            offered += self._repeated(document, params.range)
        offered += self._route()
        wanted = [str(getattr(kind, "value", kind)) for kind in params.context.only or ()]
        kept = [action for action in offered if _wanted(action, wanted)]
        if self._session.client.literal_actions:
            return list(kept)
        return [action.command for action in kept if action.command is not None]

    def _allowed(self, document: Document) -> bool:
        """Whether a model may see the file at all, and it is not too large."""
        settings = self._session.app.settings
        shown = not gate.private(document.snapshot(), settings.privacy.never)
        return shown and 0 < document.text.size <= settings.refactor.max_bytes

    def _ours(self, document: Document, params: lsp.CodeActionParams) -> Iterator[lsp.CodeAction]:
        where = params.range
        selected = _chosen(document, where)
        if not selected:
            where = lsp.Range(where.start, where.start)
        function = self._function_at(document, where)
        target = where if selected else document.range(function.start_byte, function.end_byte) if function else None
        if target is not None:
            name = "selection" if selected else "function"
            place: dict[str, object] = {"uri": document.uri, "range": plain(target)}
            yield _action(f"Refactor {name}", _REWRITE, "codriver.refactor", place)
            yield _action(f"Review {name}", REVIEW_KIND, "codriver.review", place)
            yield _action(f"Explain {name}", EXPLAIN_KIND, "codriver.explain", {**place, "show": True})
        if function is not None:
            yield from self._of_function(document, function)
        if document.text.data.strip():
            yield _action("Review file", REVIEW_KIND, "codriver.review", {"uri": document.uri})
        if not selected and params.context.trigger_kind == lsp.CodeActionTriggerKind.Invoked:
            yield from self._names(document, where)

    def _of_function(self, document: Document, function: Function) -> Iterator[lsp.CodeAction]:
        """What is done to one named function: not where its language has no comments, nor tests of tests."""
        language = languages.of_id(document.language) or languages.of_path(document.uri)
        place: dict[str, object] = {
            "uri": document.uri,
            "range": plain(document.range(function.start_byte, function.end_byte)),
        }
        short = function.name.rpartition(".")[2]
        if doctext.form_of(language) is not None:
            yield _action(f"Document {short}", _REWRITE, "codriver.document", place)
        tests = language.tests if language is not None else ()
        if not any(fnmatch(document.uri, f"*/{pattern.removeprefix('*/')}") for pattern in tests):
            yield _action(f"Write tests for {short}", TESTS_KIND, "codriver.tests", place)

    def _names(self, document: Document, where: lsp.Range) -> Iterator[lsp.CodeAction]:
        """Better names for the word at the cursor, where the user looks for actions."""
        line = document.text.line(where.start.line)
        start = document.offset(where.start) - document.text.line_start(where.start.line)
        word = next((found for found in _WORD.finditer(line) if found.start() <= start <= found.end()), None)
        if word is not None and len(line) < 1_000:
            name = word[0].decode("utf-8", "replace")
            place: dict[str, object] = {"uri": document.uri, "range": plain(where), "show": True}
            yield _action(f"Suggest names for {name}", EXPLAIN_KIND, "codriver.suggestNames", place)

    def _repairs(self, document: Document, params: lsp.CodeActionParams) -> Iterator[lsp.CodeAction]:
        """Fixes for what others complain about; the review's own findings bring theirs along."""
        others = [one for one in params.context.diagnostics if one.source != SOURCE]
        for diagnostic in others[:FIXES]:
            told = " ".join(diagnostic.message.split())
            argument: dict[str, object] = {
                "uri": document.uri,
                "range": plain(diagnostic.range),
                "diagnostics": [converter().unstructure(diagnostic)],
            }
            short = told if len(told) <= 60 else f"{told[:59]}…"
            action = _action(f"Fix: {short}", lsp.CodeActionKind.QuickFix, "codriver.fix", argument)
            action.diagnostics = [diagnostic]
            yield action

    def _repeated(self, document: Document, where: lsp.Range) -> Iterator[lsp.CodeAction]:
        """The edit just made, at the place where it is likely to be made next; no command can do that alone."""
        client = self._session.client
        completer = self._session.app.tasks.completer
        asked = document.snapshot(where.end) if client.literal_actions else None
        for edit in completer.next_edits(asked, owner=self._session.owner) if asked is not None else ():
            change = workspace_edit(client, document, [(edit.start, edit.end, edit.text)], edit.label, confirm=False)
            accepted = lsp.Command("Suggestion accepted", ACCEPTED, arguments=[edit.decision])
            yield lsp.CodeAction(f"Codriver: {edit.label}", _REWRITE, edit=change, command=accepted)

    def _route(self) -> Iterator[lsp.CodeAction]:
        if self._session.app.router.last("lsp") is not None:
            yield _action("Explain the last route", EXPLAIN_KIND, "codriver.explainLast", {"show": True})

    def _function_at(self, document: Document, where: lsp.Range) -> Function | None:
        """The function around the cursor; of a selection the one that it is all of."""
        start, end = document.offset(where.start), document.offset(where.end)
        found = self._session.function_at(document, start)
        if found is None or not found.name:
            return None
        return found if start == end or end >= found.end_byte else None


def _chosen(document: Document, where: lsp.Range) -> bool:
    """Whether something is selected: one sign alone is the cursor, in editors that always select it."""
    start, end = sorted((document.offset(where.start), document.offset(where.end)))
    return end - start > 4 or (end > start and len(document.text.data[start:end].decode("utf-8", "replace")) > 1)


def _action(title: str, kind: lsp.CodeActionKind | str, command: str, argument: dict[str, object]) -> lsp.CodeAction:
    title = f"Codriver: {title}"
    return lsp.CodeAction(title=title, kind=kind, command=lsp.Command(title, command, arguments=[argument]))


def _wanted(action: lsp.CodeAction, kinds: list[str]) -> bool:
    """Whether one of the asked kinds is this action's or a parent of it."""
    own = str(getattr(action.kind, "value", action.kind))
    return not kinds or any(not kind or own == kind or own.startswith(kind + ".") for kind in kinds)
