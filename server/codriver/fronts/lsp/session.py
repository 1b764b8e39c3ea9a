"""What every feature is given: the editor at the other end, its documents, and the application."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from codriver.fronts.lsp.capabilities import Client
from codriver.fronts.lsp.documents import Document, Documents
from codriver.fronts.lsp.protocol import Peer, Refused

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

    def document(self, uri: str) -> Document:
        """An open document. Raises Refused for others: only what the editor showed us is read."""
        found = self.documents.get(uri)
        if found is None:
            raise Refused(f"{uri or 'This document'} is not open in this editor.")
        return found
