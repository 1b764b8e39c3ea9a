"""What the editor can, as one small value, and what we answer to it."""

from __future__ import annotations

from dataclasses import dataclass

from lsprotocol import types as lsp

ENCODINGS = ("utf-8", "utf-16", "utf-32")
"""In the order we prefer them; utf-16 is what a client speaks that names none."""

ALONE = "utf-16"
"""What nearly every language server speaks. Neovim keeps one encoding a buffer and misplaces text where servers differ;
its plugins, Copilot's clients among them, count so too. `initializationOptions.positionEncoding` names another."""

REVIEW_KIND = "source.codriver.review"
EXPLAIN_KIND = "source.codriver.explain"
TESTS_KIND = "source.codriver.tests"


@dataclass(frozen=True, slots=True)
class Client:
    """The editor's abilities that change what we do. Without them we do with less, never fail."""

    encoding: str = "utf-16"
    inline: bool = False
    """Knows textDocument/inlineCompletion, so plain completion need not carry suggestions."""
    apply_edit: bool = False
    document_changes: bool = False
    """Takes edits that name the version they were made for."""
    annotations: bool = False
    """Takes edits that ask for confirmation."""
    creates: bool = False
    """Takes edits that make files."""
    progress: bool = False
    """Lets the server begin a progress report by itself."""
    literal_actions: bool = False
    """Takes code actions, not only commands."""
    watches: bool = False
    """Can be asked to tell of files that change on the disk."""
    configuration: bool = False
    """Can be asked for its settings."""
    configures: bool = False
    """Can be asked to tell of settings that change."""
    notebooks: bool = False
    renames: bool = False
    """Tells of files that were renamed."""
    dialect: bool = False
    """Speaks Copilot's messages (dialect.py): it draws by itself, so a menu of ours would show everything twice."""


def read(params: lsp.InitializeParams) -> Client:
    """The editor's abilities from its initialize request."""
    offer = params.capabilities
    text, workspace, window = offer.text_document, offer.workspace, offer.window
    options = params.initialization_options if isinstance(params.initialization_options, dict) else {}
    edits = workspace.workspace_edit if workspace else None
    files = workspace.did_change_watched_files if workspace else None
    settings = workspace.did_change_configuration if workspace else None
    moves = workspace.file_operations if workspace else None
    actions = text.code_action if text else None
    return Client(
        encoding=_encoding(offer.general, params.client_info, options.get("positionEncoding")),
        inline=bool(text and text.inline_completion),
        apply_edit=bool(workspace and workspace.apply_edit),
        document_changes=bool(edits and edits.document_changes),
        annotations=bool(edits and edits.document_changes and edits.change_annotation_support),
        creates=bool(edits and edits.document_changes and _creates(edits)),
        progress=bool(window and window.work_done_progress),
        literal_actions=bool(actions and actions.code_action_literal_support),
        watches=bool(files and files.dynamic_registration),
        configuration=bool(workspace and workspace.configuration),
        configures=bool(settings and settings.dynamic_registration),
        notebooks=bool(offer.notebook_document),
        renames=bool(moves and moves.did_rename),
        dialect=isinstance(options.get("editorPluginInfo"), dict),
    )


def _creates(edits: lsp.WorkspaceEditClientCapabilities) -> bool:
    return lsp.ResourceOperationKind.Create in (edits.resource_operations or ())


def _encoding(general: lsp.GeneralClientCapabilities | None, client: lsp.ClientInfo | None, wish: object) -> str:
    offered = [getattr(kind, "value", kind) for kind in (general and general.position_encodings) or ()]
    if not offered:
        return "utf-16"
    if wish in offered:
        return str(wish)
    if client is not None and client.name == "Neovim" and ALONE in offered:
        return ALONE
    return next((encoding for encoding in ENCODINGS if encoding in offered), "utf-16")


_NOTEBOOKS = lsp.NotebookDocumentSyncOptions([lsp.NotebookDocumentFilterWithNotebook(notebook="*")], save=False)
_FILES = lsp.FileOperationRegistrationOptions([lsp.FileOperationFilter(lsp.FileOperationPattern("**"), scheme="file")])


def ours(client: Client, commands: list[str]) -> lsp.ServerCapabilities:
    """What the server announces to this client."""
    return lsp.ServerCapabilities(
        position_encoding=lsp.PositionEncodingKind(client.encoding),
        notebook_document_sync=_NOTEBOOKS if client.notebooks else None,
        text_document_sync=lsp.TextDocumentSyncOptions(
            open_close=True, change=lsp.TextDocumentSyncKind.Incremental, save=lsp.SaveOptions(include_text=False)
        ),
        inline_completion_provider=lsp.InlineCompletionOptions() if client.inline else None,
        completion_provider=None if client.inline or client.dialect else lsp.CompletionOptions(resolve_provider=False),
        code_action_provider=lsp.CodeActionOptions(
            code_action_kinds=[
                lsp.CodeActionKind.RefactorRewrite,
                lsp.CodeActionKind.QuickFix,
                REVIEW_KIND,
                EXPLAIN_KIND,
                TESTS_KIND,
            ]
        ),
        code_lens_provider=lsp.CodeLensOptions(resolve_provider=True),
        hover_provider=True,
        execute_command_provider=lsp.ExecuteCommandOptions(commands=commands, work_done_progress=True),
        workspace=lsp.WorkspaceOptions(
            workspace_folders=lsp.WorkspaceFoldersServerCapabilities(supported=True, change_notifications=True),
            file_operations=lsp.FileOperationOptions(did_rename=_FILES) if client.renames else None,
        ),
    )
