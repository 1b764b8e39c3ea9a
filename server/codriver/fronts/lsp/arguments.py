"""The arguments of commands: a document and a range of it, or a cursor."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from lsprotocol import types as lsp

from codriver.fronts.lsp.documents import Document
from codriver.fronts.lsp.protocol import Refused, converter
from codriver.fronts.lsp.session import Session
from codriver.model.request import Snapshot

INVALID_PARAMS = -32602

Arguments = dict[str, Any]


def named(arguments: Sequence[Any], fields: tuple[str, ...]) -> Arguments:
    """Arguments by their names: given as one object, or in the fields' order."""
    if len(arguments) == 1 and isinstance(arguments[0], dict) and fields:
        return arguments[0]
    return dict(zip(fields, arguments, strict=False))


class Places:
    """Documents and ranges that commands of one editor are about."""

    def __init__(self, session: Session) -> None:
        self._session = session

    def any(self, arguments: Arguments) -> tuple[Document, Snapshot]:
        """The document and this moment of it, with the range as its selection when one is given. Raises Refused."""
        document = self._session.document(str(arguments.get("uri", "")))
        if document.stale:
            raise Refused("This document's text is not known for sure; save it, or close and open it.")
        if arguments.get("range") is None:
            return document, document.snapshot()
        try:
            where = converter().structure(arguments["range"], lsp.Range)
        except Exception as problem:  # the converter raises what its hooks raise
            raise Refused("The argument range is not a range of the protocol.", INVALID_PARAMS) from problem
        return document, document.snapshot(where)

    def function(self, arguments: Arguments, wanted: str) -> tuple[Document, Snapshot]:
        """The same; for a cursor the function around it is selected. Raises Refused where there is none."""
        document, snapshot = self.any(arguments)
        if snapshot.selection is not None:
            return document, snapshot
        found = self._session.function_at(document, snapshot.cursor or 0)
        if found is None or not found.name:
            raise Refused(f"{wanted}, or put the cursor inside a function.")
        return document, document.snapshot(document.range(found.start_byte, found.end_byte))
