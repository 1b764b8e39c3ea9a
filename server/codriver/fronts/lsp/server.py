"""One editor's connection: the lifecycle, and which method is answered by whom."""

from __future__ import annotations

import asyncio
import logging
from typing import TYPE_CHECKING, Any

from lsprotocol import types as lsp

from codriver.fronts.lsp import capabilities
from codriver.fronts.lsp.actions import Actions
from codriver.fronts.lsp.commands import FIELDS, Commands
from codriver.fronts.lsp.completion import Completions
from codriver.fronts.lsp.documents import Documents
from codriver.fronts.lsp.idle import Idle
from codriver.fronts.lsp.lens import Lenses
from codriver.fronts.lsp.progress import Progress
from codriver.fronts.lsp.protocol import Out, Peer, converter
from codriver.fronts.lsp.reviews import Reviews
from codriver.fronts.lsp.session import Session
from codriver.fronts.lsp.workspace import Workspace

if TYPE_CHECKING:
    from codriver.app import App

# pygls logs whole messages, code included, at INFO.
logging.getLogger("pygls").setLevel(logging.WARNING)


class Connection:
    """One editor, from its first byte to its last."""

    def __init__(self, app: App, owner: int, writer: Out) -> None:
        self._app, self._owner = app, owner
        self.peer = Peer(writer)
        self.peer.handlers = {lsp.INITIALIZE: self.initialize}
        self._documents: Documents | None = None
        self._workspace: Workspace | None = None

    async def run(self, reader: asyncio.StreamReader) -> None:
        """Serves until the editor leaves."""
        try:
            await self.peer.run(reader)
        finally:
            if self._documents is not None:
                self._documents.leave()
            if self._workspace is not None:
                self._workspace.leave()

    def initialize(self, params: lsp.InitializeParams) -> lsp.InitializeResult:
        """Answers at once; whatever takes time happens later."""
        client = capabilities.read(params)
        documents = self._documents = Documents(self._owner, self._app.analyst, client.encoding, _roots(params))
        workspace = self._workspace = Workspace(self._app.workspace, documents.roots)
        keys = _keys(params.initialization_options)
        if keys:
            self._app.hand(keys)
        self.peer.handlers = _handlers(Session(self._app, self._owner, self.peer, client, documents), workspace)
        self.peer.phase = "ready"
        return lsp.InitializeResult(
            capabilities=capabilities.ours(client, list(FIELDS)),
            server_info=lsp.ServerInfo(name="codriver", version=self._app.version),
        )


def _handlers(session: Session, workspace: Workspace) -> dict[str, Any]:
    reviews, progress = Reviews(session), Progress(session)
    idle = Idle(session.documents, session.app.analyst)
    completions, lenses, actions = Completions(session), Lenses(session, idle), Actions(session, reviews)
    commands = Commands(session, reviews, progress)
    documents = session.documents

    def shutdown(params: None) -> None:
        session.peer.phase = "down"

    def open_(params: lsp.DidOpenTextDocumentParams) -> None:
        documents.open(params.text_document)
        idle.opened(params.text_document.uri)

    def change(params: lsp.DidChangeTextDocumentParams) -> None:
        reviews.moved(params.text_document.uri, documents.change(params))
        idle.touched(params.text_document.uri)

    def close(params: lsp.DidCloseTextDocumentParams) -> None:
        documents.close(params.text_document.uri)
        idle.closed(params.text_document.uri)
        reviews.clear([params.text_document.uri])

    def folders(params: lsp.DidChangeWorkspaceFoldersParams) -> None:
        gone = {folder.uri.rstrip("/") for folder in params.event.removed}
        workspace.closed(gone)
        workspace.opened(folder.uri.rstrip("/") for folder in params.event.added)
        documents.roots = [root for root in documents.roots if root not in gone]
        documents.roots += [folder.uri.rstrip("/") for folder in params.event.added]

    return {
        lsp.SHUTDOWN: shutdown,
        lsp.TEXT_DOCUMENT_DID_OPEN: open_,
        lsp.TEXT_DOCUMENT_DID_CHANGE: change,
        lsp.TEXT_DOCUMENT_DID_CLOSE: close,
        lsp.INITIALIZED: lambda params: workspace.watch(session.peer) if session.client.watches else None,
        lsp.TEXT_DOCUMENT_DID_SAVE: lambda params: workspace.changed(params.text_document.uri),
        lsp.WORKSPACE_DID_CHANGE_WATCHED_FILES: lambda params: workspace.changed(*(c.uri for c in params.changes)),
        lsp.WORKSPACE_DID_CHANGE_WORKSPACE_FOLDERS: folders,
        lsp.TEXT_DOCUMENT_INLINE_COMPLETION: completions.inline,
        lsp.TEXT_DOCUMENT_COMPLETION: completions.plain,
        lsp.TEXT_DOCUMENT_CODE_LENS: lenses.offer,
        lsp.CODE_LENS_RESOLVE: lenses.resolve,
        lsp.TEXT_DOCUMENT_HOVER: lenses.hover,
        lsp.TEXT_DOCUMENT_CODE_ACTION: actions.offer,
        lsp.WORKSPACE_EXECUTE_COMMAND: commands.execute,
        lsp.WINDOW_WORK_DONE_PROGRESS_CANCEL: progress.cancel,
    }


def _roots(params: lsp.InitializeParams) -> list[str]:
    """The workspace folders as URIs, from the newest field a client fills."""
    if params.workspace_folders:
        return [folder.uri for folder in params.workspace_folders]
    return [params.root_uri] if params.root_uri else []


def _keys(options: Any) -> dict[str, str]:
    """Providers' keys out of an editor's own safe: initializationOptions.keys, by provider."""
    held = options.get("keys") if isinstance(options, dict) else None
    return {str(name): key for name, key in held.items() if isinstance(key, str)} if isinstance(held, dict) else {}


def warm() -> None:
    """Compiles what reading the first messages needs, so that the first editor does not wait for it."""
    nowhere = {"textDocument": {"uri": "", "version": 0}, "position": {"line": 0, "character": 0}}
    samples: dict[str, dict[str, Any]] = {
        lsp.INITIALIZE: {"capabilities": {}, "processId": None, "rootUri": None},
        lsp.TEXT_DOCUMENT_DID_OPEN: {"textDocument": {"uri": "", "languageId": "python", "version": 0, "text": ""}},
        lsp.TEXT_DOCUMENT_DID_CHANGE: {**nowhere, "contentChanges": [{"text": ""}]},
        lsp.TEXT_DOCUMENT_INLINE_COMPLETION: {**nowhere, "context": {"triggerKind": 1}},
        lsp.TEXT_DOCUMENT_COMPLETION: nowhere,
    }
    for method, params in samples.items():
        content = {"jsonrpc": "2.0", "id": 0, "method": method, "params": params}
        converter().structure(content, lsp.METHOD_TO_TYPES[method][0])
    everything = capabilities.ours(capabilities.Client(), [])
    converter().unstructure(lsp.InitializeResult(capabilities=everything))
    converter().unstructure(lsp.InlineCompletionList([]))
