"""Edits that name the version they were made for, and ask before they are applied."""

from __future__ import annotations

from collections.abc import Sequence

from lsprotocol import types as lsp

from codriver.fronts.lsp.capabilities import Client
from codriver.fronts.lsp.documents import Document
from codriver.fronts.lsp.protocol import Refused
from codriver.fronts.lsp.session import Session

_ANNOTATION = "codriver"


def workspace_edit(
    client: Client, document: Document, changes: Sequence[tuple[int, int, str]], label: str, *, confirm: bool
) -> lsp.WorkspaceEdit:
    """Replacements of byte ranges as the richest edit this client takes.

    `label` tells the user what it is; with `confirm` the client asks before applying, where it can.
    """
    edits = [lsp.TextEdit(document.range(start, end), text) for start, end, text in changes]
    if not client.document_changes:
        return lsp.WorkspaceEdit(changes={document.uri: edits})
    place = lsp.OptionalVersionedTextDocumentIdentifier(uri=document.uri, version=document.version)
    if not (confirm and client.annotations):
        return lsp.WorkspaceEdit(document_changes=[lsp.TextDocumentEdit(place, edits)])
    marked = [lsp.AnnotatedTextEdit(_ANNOTATION, edit.range, edit.new_text) for edit in edits]
    annotation = lsp.ChangeAnnotation(label=label, needs_confirmation=True, description="Codriver")
    return lsp.WorkspaceEdit(
        document_changes=[lsp.TextDocumentEdit(place, marked)], change_annotations={_ANNOTATION: annotation}
    )


async def apply(session: Session, edit: lsp.WorkspaceEdit, label: str) -> None:
    """Asks the editor to apply it. Raises Refused with its reason when it does not."""
    if not session.client.apply_edit:
        raise Refused("This editor cannot apply edits sent by a server.")
    answer = await session.peer.ask(lsp.WORKSPACE_APPLY_EDIT, lsp.ApplyWorkspaceEditParams(edit=edit, label=label))
    if not answer.applied:
        raise Refused(f"The editor did not apply the edit: {answer.failure_reason or 'no reason given'}.")
