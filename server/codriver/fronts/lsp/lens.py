"""Code lenses and hovers: a function's complexity, and who would refactor it.

Lenses are listed from the tree alone and resolved one by one, so a long file costs no decisions
that nobody looks at.
"""

from __future__ import annotations

import uuid
from typing import Any

from lsprotocol import types as lsp

from codriver.errors import CodriverError
from codriver.fronts.lsp import explain
from codriver.fronts.lsp.documents import Document, plain
from codriver.fronts.lsp.idle import Idle
from codriver.fronts.lsp.session import Session
from codriver.model.decision import Decision
from codriver.model.features import Function
from codriver.model.request import Purpose, Request, Snapshot

REFACTOR = "codriver.refactor"
CYCLOMATIC, COGNITIVE = 8, 12
"""From here on a function is worth a lens."""


class Lenses:
    """Lenses and hovers of one editor."""

    def __init__(self, session: Session, idle: Idle) -> None:
        self._session, self._idle = session, idle

    async def offer(self, params: lsp.CodeLensParams) -> list[lsp.CodeLens] | None:
        """Handles textDocument/codeLens, once the document was read whole."""
        if not self._session.preferences.now.lenses:
            return None
        await self._idle.read(params.text_document.uri)
        document = self._session.documents.get(params.text_document.uri)
        if document is None:
            return None
        functions = self._session.functions(document)
        return [_lens(document, function) for function in functions if _hard(function)]

    def resolve(self, lens: lsp.CodeLens) -> lsp.CodeLens:
        """Handles codeLens/resolve: the words, with the model a refactor would take."""
        place = lens.data if isinstance(lens.data, dict) else {}
        document = self._session.documents.get(str(place.get("uri", "")))
        function = self._function(document, place, lens.range.start.line + 1) if document is not None else None
        if document is None or function is None:
            lens.command = lsp.Command("changed", "")
            return lens
        where = document.range(function.start_byte, function.end_byte)
        argument = {"uri": document.uri, "range": plain(where)}
        lens.command = lsp.Command(self._title(document, function), REFACTOR, arguments=[argument])
        return lens

    def hover(self, params: lsp.HoverParams) -> lsp.Hover | None:
        """Handles textDocument/hover on the line where a function begins."""
        document = self._session.documents.get(params.text_document.uri)
        if document is None:
            return None
        function = self._at_line(document, params.position.line + 1)
        if function is None:
            return None
        text = _numbers(function)
        try:
            text += f"\n\n{explain.decision(self._decide(document, function))}"
        except CodriverError as problem:
            text += f"\n\n{problem}"
        return lsp.Hover(lsp.MarkupContent(lsp.MarkupKind.Markdown, text))

    def _function(self, document: Document, place: dict[str, Any], line: int) -> Function | None:
        return self._named(document, place) or self._at_line(document, line)

    def _at_line(self, document: Document, line: int) -> Function | None:
        functions = self._session.functions(document)
        return next((function for function in functions if function.start_line == line), None)

    def _named(self, document: Document, place: dict[str, Any]) -> Function | None:
        functions = self._session.functions(document)
        named = [function for function in functions if function.name == place.get("name")]
        return named[0] if len(named) == 1 else None

    def _title(self, document: Document, function: Function) -> str:
        title = f"complexity {function.cyclomatic}, cognitive {function.cognitive}"
        try:
            chosen = self._decide(document, function).candidates[0]
        except (CodriverError, IndexError):
            return title
        return f"{title} · refactor with {chosen.model} (about ${chosen.cost:.3f})"

    def _decide(self, document: Document, function: Function) -> Decision:
        """Who would be asked to refactor this function. Raises RequestRejected or Unroutable."""
        span = (function.start_byte, function.end_byte)
        snapshot = Snapshot(
            document.uri, document.version, document.language, document.text.data, span[1], span, document.root
        )
        tokens = (span[1] - span[0]) // 3
        request = Request(uuid.uuid4().hex, Purpose.REFACTOR, input_tokens=tokens, code=snapshot)
        return self._session.app.router.decide(request)


def _hard(function: Function) -> bool:
    return function.cyclomatic >= CYCLOMATIC or function.cognitive >= COGNITIVE


def _lens(document: Document, function: Function) -> lsp.CodeLens:
    start = document.range(function.start_byte, function.start_byte).start
    return lsp.CodeLens(lsp.Range(start, start), data={"uri": document.uri, "name": function.name})


def _numbers(function: Function) -> str:
    return (
        f"`{function.name}`: cyclomatic complexity {function.cyclomatic}, cognitive {function.cognitive}, "
        f"nesting {function.nesting}, {function.lines} lines"
    )
