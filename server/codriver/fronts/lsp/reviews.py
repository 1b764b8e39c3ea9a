"""The findings of reviews, as diagnostics of their own source, until re-review, clear or close.

A finding keeps the bytes it was about and moves with edits around it. Its fix is offered only while
those very bytes still stand there.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from lsprotocol import types as lsp

from codriver.fronts.lsp.documents import Document, plain
from codriver.fronts.lsp.edits import workspace_edit
from codriver.fronts.lsp.explain import by
from codriver.fronts.lsp.session import Session
from codriver.fronts.lsp.trails import Trails
from codriver.syntax.text import Edit

if TYPE_CHECKING:
    from codriver.tasks.findings import Finding
    from codriver.tasks.review import Findings

SOURCE = "codriver"
_SEVERITIES = {
    "error": lsp.DiagnosticSeverity.Error,
    "warning": lsp.DiagnosticSeverity.Warning,
    "info": lsp.DiagnosticSeverity.Information,
    "hint": lsp.DiagnosticSeverity.Hint,
}


@dataclass(frozen=True, slots=True)
class Mark:
    """One finding where its lines now stand (what a fix replaces), and what stood there when it was made."""

    start: int
    end: int
    text: bytes
    finding: Finding
    inset: int = 0
    """Bytes from `start` to the code the finding is about."""

    @property
    def shown(self) -> tuple[int, int]:
        """The bytes the finding is about."""
        start = min(self.start + self.inset, self.end)
        return start, min(start + self.finding.end - self.finding.start, self.end)

    def after(self, edit: Edit) -> Mark:
        """Where it stands after an edit; an edit inside stretches it."""
        delta = edit.new_end_byte - edit.old_end_byte
        if edit.start_byte >= self.end:
            return self
        if edit.old_end_byte <= self.start:
            return replace(self, start=self.start + delta, end=self.end + delta)
        return replace(self, start=min(self.start, edit.start_byte), end=max(self.end + delta, edit.new_end_byte))


class Reviews:
    """The findings now shown in one editor."""

    def __init__(self, session: Session) -> None:
        self._session = session
        self._marks: dict[str, list[Mark]] = {}
        self.trails = Trails()
        """Told of every change, as the marks are."""

    def show(self, document: Document, findings: Findings) -> list[dict[str, object]]:
        """Replaces what was shown for this document; the findings as plain JSON, where they stand."""
        marks = [_mark(document, finding) for finding in findings.items]
        self._marks[document.uri] = marks
        diagnostics = [_diagnostic(document, mark, by(findings.model, simulated=findings.simulated)) for mark in marks]
        self._publish(document.uri, diagnostics, document.version)
        return [_told(document, mark) for mark in marks]

    def moved(self, uri: str, edits: Iterable[Edit]) -> None:
        """The document changed: the marks follow. Editors move what they show themselves."""
        edits = list(edits)
        self.trails.record(uri, edits)
        marks = self._marks.get(uri)
        if marks:
            for edit in edits:
                marks[:] = [mark.after(edit) for mark in marks]

    def clear(self, uris: Iterable[str]) -> None:
        """Takes the findings of these documents away, also those of a daemon before this one."""
        for uri in uris:
            self._marks.pop(uri, None)
            self._publish(uri, [], None)

    def complaints(self, document: Document, start: int, end: int) -> list[str]:
        """What the findings that touch a byte range say."""
        touching = (mark for mark in self._marks.get(document.uri, ()) if mark.start <= end and mark.end >= start)
        return [_words(mark.finding) for mark in touching]

    def fixes(self, document: Document, within: lsp.Range) -> list[lsp.CodeAction]:
        """Quick fixes for findings that touch the range and still stand as they were."""
        start, end = document.offset(within.start), document.offset(within.end)
        actions = []
        for mark in self._marks.get(document.uri, ()):
            unchanged = document.text.data[mark.start : mark.end] == mark.text
            if mark.finding.fix is None or not unchanged or mark.end < start or mark.start > end:
                continue
            title = f"Fix: {mark.finding.message}"
            fix = [(mark.start, mark.end, mark.finding.fix)]
            actions.append(
                lsp.CodeAction(
                    title=title,
                    kind=lsp.CodeActionKind.QuickFix,
                    diagnostics=[_diagnostic(document, mark, "")],
                    edit=workspace_edit(self._session.client, document, fix, title, confirm=False),
                )
            )
        return actions

    def _publish(self, uri: str, diagnostics: Sequence[lsp.Diagnostic], version: int | None) -> None:
        params = lsp.PublishDiagnosticsParams(uri=uri, diagnostics=diagnostics, version=version)
        self._session.peer.notify(lsp.TEXT_DOCUMENT_PUBLISH_DIAGNOSTICS, params)


def _mark(document: Document, finding: Finding) -> Mark:
    start, end = document.lines(finding.start_line, finding.end_line)
    inset = max(finding.start - start, 0)
    return Mark(start, end, document.text.data[start:end], finding, inset)


def _told(document: Document, mark: Mark) -> dict[str, object]:
    finding = mark.finding
    told: dict[str, object] = {
        "range": plain(document.range(*mark.shown)),
        "severity": finding.severity,
        "message": finding.message,
        "why": finding.why,
    }
    if finding.fix is not None:
        told["fix"] = {"range": plain(document.range(mark.start, mark.end)), "newText": finding.fix}
    return told


def _words(finding: Finding) -> str:
    return f"{finding.message}\n{finding.why}" if finding.why else finding.message


def _diagnostic(document: Document, mark: Mark, model: str) -> lsp.Diagnostic:
    finding = mark.finding
    return lsp.Diagnostic(
        range=document.range(*mark.shown),
        severity=_SEVERITIES.get(finding.severity, lsp.DiagnosticSeverity.Information),
        source=SOURCE,
        code=model or None,
        message=_words(finding),
    )
