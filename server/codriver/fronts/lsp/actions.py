"""Code actions: refactor, review, explain the route, and fixes; only where they make sense."""

from __future__ import annotations

from lsprotocol import types as lsp

from codriver.fronts.lsp.capabilities import EXPLAIN_KIND, REVIEW_KIND
from codriver.fronts.lsp.documents import Document, plain
from codriver.fronts.lsp.reviews import Reviews
from codriver.fronts.lsp.session import Session
from codriver.model.features import Function


class Actions:
    """The code actions of one editor."""

    def __init__(self, session: Session, reviews: Reviews) -> None:
        self._session, self._reviews = session, reviews

    def offer(self, params: lsp.CodeActionParams) -> list[lsp.CodeAction | lsp.Command] | None:
        """Handles textDocument/codeAction."""
        document = self._session.documents.get(params.text_document.uri)
        if document is None:
            return None
        offered = [*self._reviews.fixes(document, params.range), *self._ours(document, params.range)]
        wanted = [str(getattr(kind, "value", kind)) for kind in params.context.only or ()]
        kept = [action for action in offered if _wanted(action, wanted)]
        if self._session.client.literal_actions:
            return list(kept)
        return [action.command for action in kept if action.command is not None]

    def _ours(self, document: Document, where: lsp.Range) -> list[lsp.CodeAction]:
        actions = []
        selected = document.offset(where.start) != document.offset(where.end)
        target = where if selected else self._function_around(document, where.start)
        if target is not None:
            name = "selection" if selected else "function"
            place: dict[str, object] = {"uri": document.uri, "range": plain(target)}
            actions.append(_action(f"Refactor {name}", lsp.CodeActionKind.RefactorRewrite, "codriver.refactor", place))
            actions.append(_action(f"Review {name}", REVIEW_KIND, "codriver.review", place))
        if document.text.data.strip():
            actions.append(_action("Review file", REVIEW_KIND, "codriver.review", {"uri": document.uri}))
        if self._session.app.router.last("lsp") is not None:
            actions.append(_action("Explain the last route", EXPLAIN_KIND, "codriver.explainLast", {"show": True}))
        return actions

    def _function_around(self, document: Document, position: lsp.Position) -> lsp.Range | None:
        found = around(self._session, document, document.offset(position))
        return document.range(found.start_byte, found.end_byte) if found else None


def around(session: Session, document: Document, offset: int) -> Function | None:
    """The innermost function around a byte offset."""
    found = session.function_at(document, offset)
    return found if found is not None and found.name else None


def _action(title: str, kind: lsp.CodeActionKind | str, command: str, argument: dict[str, object]) -> lsp.CodeAction:
    title = f"Codriver: {title}"
    return lsp.CodeAction(title=title, kind=kind, command=lsp.Command(title, command, arguments=[argument]))


def _wanted(action: lsp.CodeAction, kinds: list[str]) -> bool:
    """Whether one of the asked kinds is this action's or a parent of it."""
    own = str(getattr(action.kind, "value", action.kind))
    return not kinds or any(not kind or own == kind or own.startswith(kind + ".") for kind in kinds)
