"""What an editor tells of its documents, notebooks, folders and files, handed to everybody whom it concerns."""

from __future__ import annotations

from lsprotocol import types as lsp

from codriver.fronts.lsp.idle import Idle
from codriver.fronts.lsp.protocol import Handler
from codriver.fronts.lsp.reviews import Reviews
from codriver.fronts.lsp.session import Session
from codriver.fronts.lsp.workspace import Workspace


class Sync:
    """The notifications by which one editor keeps us in step with it."""

    def __init__(self, session: Session, workspace: Workspace, reviews: Reviews, idle: Idle) -> None:
        self._documents, self._workspace = session.documents, workspace
        self._reviews, self._idle = reviews, idle

    def handlers(self) -> dict[str, Handler]:
        """Who answers which notification."""
        return {
            lsp.TEXT_DOCUMENT_DID_OPEN: self.opened,
            lsp.TEXT_DOCUMENT_DID_CHANGE: self.changed,
            lsp.TEXT_DOCUMENT_DID_CLOSE: self.closed,
            lsp.TEXT_DOCUMENT_DID_SAVE: lambda params: self._workspace.changed(params.text_document.uri),
            lsp.NOTEBOOK_DOCUMENT_DID_OPEN: self._documents.open_notebook,
            lsp.NOTEBOOK_DOCUMENT_DID_CHANGE: self.notebook_changed,
            lsp.NOTEBOOK_DOCUMENT_DID_CLOSE: self.notebook_closed,
            lsp.WORKSPACE_DID_CHANGE_WATCHED_FILES: self.watched,
            lsp.WORKSPACE_DID_CHANGE_WORKSPACE_FOLDERS: self.folders,
            lsp.WORKSPACE_DID_RENAME_FILES: self.renamed,
        }

    def opened(self, params: lsp.DidOpenTextDocumentParams) -> None:
        """Handles textDocument/didOpen. A document that is opened twice is what was said last."""
        self._documents.open(params.text_document)
        self._idle.opened(params.text_document.uri)

    def changed(self, params: lsp.DidChangeTextDocumentParams) -> None:
        """Handles textDocument/didChange."""
        self._reviews.moved(params.text_document.uri, self._documents.change(params))
        self._idle.touched(params.text_document.uri)

    def closed(self, params: lsp.DidCloseTextDocumentParams) -> None:
        """Handles textDocument/didClose."""
        self._documents.close(params.text_document.uri)
        self._idle.closed(params.text_document.uri)
        self._reviews.clear([params.text_document.uri])

    def notebook_changed(self, params: lsp.DidChangeNotebookDocumentParams) -> None:
        """Handles notebookDocument/didChange."""
        for uri, edits in self._documents.change_notebook(params).items():
            self._reviews.moved(uri, edits)

    def notebook_closed(self, params: lsp.DidCloseNotebookDocumentParams) -> None:
        """Handles notebookDocument/didClose."""
        self._reviews.clear(self._documents.close_notebook(params.notebook_document.uri))

    def watched(self, params: lsp.DidChangeWatchedFilesParams) -> None:
        """Handles workspace/didChangeWatchedFiles."""
        self._workspace.changed(*(change.uri for change in params.changes))

    def renamed(self, params: lsp.RenameFilesParams) -> None:
        """Handles workspace/didRenameFiles. An open document keeps its old name until its editor closes it and opens
        it under the new one, as the protocol wants: until then it goes on sending changes for the old."""
        for file in params.files:
            self._workspace.changed(file.old_uri, file.new_uri)

    def folders(self, params: lsp.DidChangeWorkspaceFoldersParams) -> None:
        """Handles workspace/didChangeWorkspaceFolders."""
        documents = self._documents
        gone = {folder.uri.rstrip("/") for folder in params.event.removed}
        self._workspace.closed(gone)
        self._workspace.opened(folder.uri.rstrip("/") for folder in params.event.added)
        documents.roots = [root for root in documents.roots if root not in gone]
        documents.roots += [folder.uri.rstrip("/") for folder in params.event.added]
