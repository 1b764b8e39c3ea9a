"""One editor's connection: the lifecycle, and which method is answered by whom."""

from __future__ import annotations

import asyncio
import inspect
import logging
from typing import TYPE_CHECKING, Any

from lsprotocol import types as lsp

from codriver.fronts.lsp import capabilities
from codriver.fronts.lsp.actions import Actions
from codriver.fronts.lsp.commands import FIELDS, Commands
from codriver.fronts.lsp.completion import ACCEPTED, Completions
from codriver.fronts.lsp.dialect import Dialect
from codriver.fronts.lsp.documents import Documents
from codriver.fronts.lsp.idle import Idle
from codriver.fronts.lsp.lens import Lenses
from codriver.fronts.lsp.preferences import Preferring
from codriver.fronts.lsp.progress import Progress
from codriver.fronts.lsp.protocol import Handler, Out, Peer, converter
from codriver.fronts.lsp.reviews import Reviews
from codriver.fronts.lsp.session import Session
from codriver.fronts.lsp.sync import Sync
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
        self._preferring: Preferring | None = None

    async def run(self, reader: asyncio.StreamReader) -> None:
        """Serves until the editor leaves."""
        try:
            await self.peer.run(reader)
        finally:
            if self._documents is not None:
                self._documents.leave()
            if self._workspace is not None:
                self._workspace.leave()
            if self._preferring is not None:
                self._preferring.leave()

    def initialize(self, params: lsp.InitializeParams) -> lsp.InitializeResult:
        """Answers at once; whatever takes time happens later."""
        client = capabilities.read(params)
        analyst, completer = self._app.analyst, self._app.tasks.completer
        documents = self._documents = Documents(self._owner, analyst, completer, client.encoding, _roots(params))
        workspace = self._workspace = Workspace(self._app.workspace, documents.roots)
        keys = _keys(params.initialization_options)
        if keys:
            self._app.hand(keys)
        session = Session(self._app, self._owner, self.peer, client, documents)
        preferring = self._preferring = Preferring(
            session.preferences, self.peer, asks=client.configuration, registers=client.configures
        )
        self.peer.handlers = _handlers(session, workspace, preferring)
        if params.trace is not None:
            self.peer.trace = params.trace.value
        self.peer.phase = "ready"
        return lsp.InitializeResult(
            capabilities=capabilities.ours(client, list(FIELDS)),
            server_info=lsp.ServerInfo(name="codriver", version=self._app.version),
        )


def _handlers(session: Session, workspace: Workspace, preferring: Preferring) -> dict[str, Handler]:
    reviews, progress = Reviews(session), Progress(session)
    idle = Idle(session.documents, session.app.analyst)
    completions, lenses, actions = Completions(session), Lenses(session, idle), Actions(session, reviews)
    inline = _patient(session, _welcome(session, completions.inline))
    dialect = Dialect(session, inline, ACCEPTED)

    def shutdown(params: None) -> None:
        session.peer.phase = "down"

    def initialized(params: object) -> None:
        if session.client.watches:
            workspace.watch(session.peer)
        preferring.begin()
        dialect.status()

    def trace(params: lsp.SetTraceParams) -> None:
        session.peer.trace = str(params.value.value)

    return {
        lsp.SHUTDOWN: shutdown,
        lsp.INITIALIZED: initialized,
        lsp.SET_TRACE: trace,
        lsp.WORKSPACE_DID_CHANGE_CONFIGURATION: preferring.changed,
        lsp.TEXT_DOCUMENT_INLINE_COMPLETION: inline,
        lsp.TEXT_DOCUMENT_COMPLETION: _patient(session, _welcome(session, completions.plain)),
        lsp.TEXT_DOCUMENT_CODE_LENS: _patient(session, lenses.offer),
        lsp.CODE_LENS_RESOLVE: lenses.resolve,
        lsp.TEXT_DOCUMENT_HOVER: _patient(session, lenses.hover),
        lsp.TEXT_DOCUMENT_CODE_ACTION: _patient(session, actions.offer),
        lsp.WORKSPACE_EXECUTE_COMMAND: Commands(session, reviews, progress).execute,
        lsp.WINDOW_WORK_DONE_PROGRESS_CANCEL: progress.cancel,
        **Sync(session, workspace, reviews, idle).handlers(),
        **dialect.handlers(),
    }


def _patient(session: Session, handler: Handler) -> Handler:
    """The handler, which waits a moment for a document that is not open yet: some plugins ask before they tell."""

    async def late(params: Any) -> Any:
        await session.documents.arrival(params.text_document.uri)
        found = handler(params)
        return await found if inspect.isawaitable(found) else found

    return lambda params: handler(params) if session.documents.get(params.text_document.uri) else late(params)


def _welcome(session: Session, handler: Handler) -> Handler:
    """The handler, which is asked only where this editor wants suggestions, or its user asks for one."""

    def handle(params: lsp.InlineCompletionParams | lsp.CompletionParams) -> Any:
        document = session.documents.get(params.text_document.uri)
        invoked = (
            isinstance(params, lsp.InlineCompletionParams)
            and params.context.trigger_kind == lsp.InlineCompletionTriggerKind.Invoked
        )
        if document is not None and not invoked and not session.preferences.now.suggests(document.language):
            return None
        return handler(params)

    return handle


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
