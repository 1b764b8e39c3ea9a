"""Edits that name the version they were made for, ask before they are applied, and land where they were meant.

What was typed while a model was thinking is followed edit by edit: both changes are kept where they are apart, else
nothing is done and it is said why.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise

from lsprotocol import types as lsp

from codriver.fronts.lsp.capabilities import Client
from codriver.fronts.lsp.documents import Document
from codriver.fronts.lsp.protocol import CONTENT_MODIFIED, Refused
from codriver.fronts.lsp.session import Session
from codriver.model.request import Snapshot
from codriver.syntax.text import Edit
from codriver.tasks.merging import Patch, landed

_ANNOTATION = "codriver"
ATTEMPTS = 3
"""How often an edit that the editor refused for its version is made for the next one."""


@dataclass(frozen=True, slots=True)
class Work:
    """An edit that a model made of a snapshot, and every edit of the document since. label: what it is, for people."""

    document: Document
    snapshot: Snapshot
    patches: tuple[Patch, ...]
    trail: list[Edit]
    label: str

    @property
    def moved(self) -> bool:
        """Whether the document is another one than the model saw."""
        return not self.document.stands(self.snapshot)


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


def new_file(client: Client, uri: str, text: str, label: str) -> lsp.WorkspaceEdit:
    """A file that is not there yet, with its text. Raises Refused where the editor cannot make files."""
    if not client.creates:
        raise Refused("This editor cannot make files for a server.")
    start = lsp.Range(lsp.Position(0, 0), lsp.Position(0, 0))
    place = lsp.OptionalVersionedTextDocumentIdentifier(uri=uri, version=None)
    if not client.annotations:
        return lsp.WorkspaceEdit(
            document_changes=[lsp.CreateFile(uri=uri), lsp.TextDocumentEdit(place, [lsp.TextEdit(start, text)])]
        )
    annotation = lsp.ChangeAnnotation(label=label, needs_confirmation=True, description="Codriver")
    made = lsp.CreateFile(uri=uri, annotation_id=_ANNOTATION)
    filled = lsp.TextDocumentEdit(place, [lsp.AnnotatedTextEdit(_ANNOTATION, start, text)])
    return lsp.WorkspaceEdit(document_changes=[made, filled], change_annotations={_ANNOTATION: annotation})


def land(session: Session, work: Work) -> lsp.WorkspaceEdit:
    """The edit for the document as it is now. Raises Refused where both changed the same, or it no longer parses."""
    document, name = work.document, work.document.uri.rsplit("/", 1)[-1]
    if not session.documents.holds(document) or document.stale:
        raise Refused(f"{name} was closed or opened anew meanwhile, so nothing was done to it.", CONTENT_MODIFIED)
    patches = list(work.patches)
    if work.moved:
        now = document.text.data
        found = [landed(patch, work.snapshot.text, now, work.trail) for patch in patches]
        patches = [patch for patch in found if patch is not None]
        if len(patches) < len(found) or not _parse(session, document, patches):
            text = f"{name} changed meanwhile in the same place, so nothing was done to it. Please ask again."
            raise Refused(text, CONTENT_MODIFIED)
    changes = [(patch.start, patch.end, patch.text) for patch in patches]
    return workspace_edit(session.client, document, changes, work.label, confirm=True)


def _parse(session: Session, document: Document, patches: Sequence[Patch]) -> bool:
    """Whether the text parses with each of them no worse than it does, and they keep apart."""
    buffer = session.app.analyst.buffer(document.snapshot())
    ordered = sorted(patches, key=lambda patch: patch.start)
    if any(one.end > other.start for one, other in pairwise(ordered)):
        return False
    tried = (buffer.errors_with(patch.text.encode("utf-8", "replace"), patch.start, patch.end) for patch in patches)
    return all(after <= before for before, after in tried)


async def apply_work(session: Session, work: Work) -> bool:
    """Asks the editor to apply it, for a newer version again where it came too late; whether it was merged.

    Raises Refused with the reason when it is not applied.
    """
    for attempt in range(ATTEMPTS):
        version, merged = work.document.version, work.moved
        try:
            await apply(session, land(session, work), work.label)
            return merged
        except Refused as problem:
            asked_first = session.client.annotations
            late = problem.code != CONTENT_MODIFIED and work.document.version != version and not asked_first
            if not late or attempt == ATTEMPTS - 1:
                raise
    raise AssertionError("the last attempt returns or raises")


async def apply(session: Session, edit: lsp.WorkspaceEdit, label: str) -> None:
    """Asks the editor to apply it. Raises Refused with its reason when it does not."""
    if not session.client.apply_edit:
        raise Refused("This editor cannot apply edits sent by a server.")
    answer = await session.peer.ask(lsp.WORKSPACE_APPLY_EDIT, lsp.ApplyWorkspaceEditParams(edit=edit, label=label))
    if not answer.applied:
        raise Refused(f"The editor did not apply the edit: {answer.failure_reason or 'no reason given'}.")
