"""`textDocument/inlineCompletion`, and `textDocument/completion` for editors without it.

The snapshot is taken when the message is read. A newer request for the same document replaces the
older, and an answer for a version that has passed is empty: late text is worse than none.
"""

from __future__ import annotations

import asyncio
from collections.abc import Coroutine, Sequence
from typing import TYPE_CHECKING, Any

from lsprotocol import types as lsp

from codriver.fronts.lsp.documents import Place
from codriver.fronts.lsp.explain import by
from codriver.fronts.lsp.session import Session
from codriver.model.request import Snapshot
from codriver.tasks.suggestion import Picked

if TYPE_CHECKING:
    from codriver.tasks.suggestion import Suggestion

ACCEPTED = "codriver.accepted"
PREDICTOR = "local/predictor"


class Completions:
    """The completions of one editor; at most one is being made per document."""

    def __init__(self, session: Session) -> None:
        self._session = session
        self._running: dict[str, asyncio.Task[Any]] = {}
        self._replaced = set[asyncio.Task[Any]]()
        """Those whose place a newer request took: they answer with nothing."""

    def inline(self, params: lsp.InlineCompletionParams) -> Coroutine[Any, Any, lsp.InlineCompletionList] | None:
        """Handles textDocument/inlineCompletion."""
        document = self._session.documents.place(params.text_document.uri)
        if document is None:
            return None
        explicit = params.context.trigger_kind == lsp.InlineCompletionTriggerKind.Invoked
        picked = _picked(document, params.context.selected_completion_info)
        return self._inline(document, document.snapshot(params.position), explicit, picked)

    async def _inline(
        self, document: Place, snapshot: Snapshot, explicit: bool, picked: Picked | None
    ) -> lsp.InlineCompletionList:
        found = await self._suggestions(document, snapshot, explicit, picked)
        return lsp.InlineCompletionList([_inline_item(document, suggestion) for suggestion in found])

    def plain(self, params: lsp.CompletionParams) -> Coroutine[Any, Any, lsp.CompletionList] | None:
        """Handles textDocument/completion. Editors send it while typing, so it never counts as explicit."""
        document = self._session.documents.place(params.text_document.uri)
        if document is None:
            return None
        return self._plain(document, document.snapshot(params.position))

    async def _plain(self, document: Place, snapshot: Snapshot) -> lsp.CompletionList:
        found = await self._suggestions(document, snapshot, explicit=False)
        items = [_plain_item(document, suggestion, n) for n, suggestion in enumerate(found)]
        return lsp.CompletionList(is_incomplete=True, items=[item for item in items if item is not None])

    async def _suggestions(
        self, document: Place, snapshot: Snapshot, explicit: bool, picked: Picked | None = None
    ) -> Sequence[Suggestion]:
        older, task = self._running.get(snapshot.uri), asyncio.current_task()
        assert task is not None
        if older is not None:
            self._replaced.add(older)
            older.cancel()
        self._running[snapshot.uri] = task
        completer = self._session.app.tasks.completer
        try:
            found = await completer.complete(snapshot, owner=self._session.owner, explicit=explicit, picked=picked)
        except asyncio.CancelledError:
            if task in self._replaced and task.uncancel() == 0:
                return ()
            raise
        finally:
            self._replaced.discard(task)
            if self._running.get(snapshot.uri) is task:
                del self._running[snapshot.uri]
        if not (self._session.documents.holds(document) and document.stands(snapshot)):
            return ()
        return [suggestion for suggestion in found if document.holds(suggestion.start, suggestion.end)]


def _picked(document: Place, chosen: lsp.SelectedCompletionInfo | None) -> Picked | None:
    """The entry chosen in the editor's own menu."""
    if chosen is None:
        return None
    start, end = sorted((document.offset(chosen.range.start), document.offset(chosen.range.end)))
    return Picked(start, end, chosen.text)


def _inline_item(document: Place, suggestion: Suggestion) -> lsp.InlineCompletionItem:
    return lsp.InlineCompletionItem(
        insert_text=suggestion.text,
        filter_text=suggestion.text,
        range=document.range(suggestion.start, suggestion.end),
        command=_accepted(suggestion),
    )


def _plain_item(document: Place, suggestion: Suggestion, n: int) -> lsp.CompletionItem | None:
    """One menu entry, or None where a menu cannot carry it (its range must lie in one line)."""
    where = document.range(suggestion.start, suggestion.end)
    if where.start.line != where.end.line:
        return None
    first = next((line for line in suggestion.text.splitlines() if line.strip()), "")
    return lsp.CompletionItem(
        label=suggestion.label or first.strip(),
        label_details=lsp.CompletionItemLabelDetails(description=_by(suggestion)),
        kind=lsp.CompletionItemKind.Snippet,
        detail=f"Codriver: {_by(suggestion)}",
        documentation=lsp.MarkupContent(
            lsp.MarkupKind.Markdown,
            f"{_fence(suggestion.text)}{document.language}\n{suggestion.text}\n{_fence(suggestion.text)}",
        ),
        sort_text=f"~{n:02d}",
        filter_text=suggestion.text.splitlines()[0] if suggestion.text else "",
        insert_text_format=lsp.InsertTextFormat.PlainText,
        text_edit=lsp.TextEdit(where, suggestion.text),
        command=_accepted(suggestion),
    )


def _by(suggestion: Suggestion) -> str:
    who = "local predictor" if suggestion.model == PREDICTOR else suggestion.model
    return by(who, simulated=suggestion.simulated)


def _fence(text: str) -> str:
    return "````" if "```" in text else "```"


def _accepted(suggestion: Suggestion) -> lsp.Command:
    return lsp.Command("Suggestion accepted", ACCEPTED, arguments=[suggestion.decision])
