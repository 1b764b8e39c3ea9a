"""What every feature is given: the editor at the other end, its documents, and the application."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from codriver.fronts.lsp.capabilities import Client
from codriver.fronts.lsp.documents import Document, Documents
from codriver.fronts.lsp.preferences import Settled
from codriver.fronts.lsp.protocol import Peer, Refused
from codriver.model.features import Function

if TYPE_CHECKING:
    from codriver.app import App


@dataclass(frozen=True, slots=True)
class Session:
    """One initialized connection."""

    app: App
    owner: int
    peer: Peer
    client: Client
    documents: Documents
    preferences: Settled = field(default_factory=Settled)

    def functions(self, document: Document) -> tuple[Function, ...]:
        """The functions of an open document, with their numbers. Cells are read alone."""
        if self.documents.is_cell(document.uri):
            return self.app.analyst.buffer(document.snapshot()).functions()
        return self.app.analyst.functions(self.owner, document.uri)

    def function_at(self, document: Document, offset: int) -> Function | None:
        """The innermost function around a byte offset."""
        if self.documents.is_cell(document.uri):
            return self.app.analyst.buffer(document.snapshot()).function_at(offset)
        return self.app.analyst.function_at(self.owner, document.uri, offset)

    def document(self, uri: str) -> Document:
        """An open document. Raises Refused for others: only what the editor showed us is read."""
        found = self.documents.get(uri)
        if found is None:
            raise Refused(f"{uri or 'This document'} is not open in this editor.")
        return found
