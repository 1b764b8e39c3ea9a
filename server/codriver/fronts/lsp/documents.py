"""The open documents of one editor: its text, byte for byte, applied change by change.

The only place where the protocol's positions and our byte offsets meet.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from lsprotocol import types as lsp

from codriver.analyst import Analyst, path_of
from codriver.model.request import Snapshot
from codriver.syntax.text import Edit, Text


class Document:
    """One open document. Offsets and positions are those of its current text."""

    def __init__(self, item: lsp.TextDocumentItem, encoding: str, root: str) -> None:
        self.uri, self.version, self.language = (
            item.uri,
            item.version,
            str(getattr(item.language_id, "value", item.language_id)),
        )
        self.text = Text(item.text)
        self.root = root
        self._encoding = encoding

    def apply(self, change: lsp.TextDocumentContentChangeEvent) -> Edit:
        if isinstance(change, lsp.TextDocumentContentChangeWholeDocument):
            return self.text.apply(None, change.text, self._encoding)
        start, end = change.range.start, change.range.end
        span = ((start.line, start.character), (end.line, end.character))
        return self.text.apply(span, change.text, self._encoding)

    def snapshot(self, at: lsp.Position | lsp.Range | None = None) -> Snapshot:
        """This moment, with the cursor or the selection (an empty range is a cursor)."""
        cursor = selection = None
        if isinstance(at, lsp.Position):
            cursor = self.offset(at)
        elif at is not None:
            start, end = sorted((self.offset(at.start), self.offset(at.end)))
            cursor, selection = end, (start, end) if start < end else None
        return Snapshot(
            uri=self.uri,
            version=self.version,
            language_id=self.language,
            text=self.text.data,
            cursor=cursor,
            selection=selection,
            root=self.root,
        )

    def stands(self, snapshot: Snapshot) -> bool:
        """Whether its text is the snapshot's still. Versions alone do not tell: some editors repeat them."""
        return self.version == snapshot.version and self.text.data == snapshot.text

    def offset(self, position: lsp.Position) -> int:
        return self.text.offset(position.line, position.character, self._encoding)

    def range(self, start: int, end: int) -> lsp.Range:
        """The protocol's range of a byte range."""
        return lsp.Range(
            lsp.Position(*self.text.position(start, self._encoding)),
            lsp.Position(*self.text.position(end, self._encoding)),
        )

    def lines(self, first: int, last: int) -> tuple[int, int]:
        """The byte range of 1-based lines, from the first character that is no blank to the last line's end."""
        first = min(max(first - 1, 0), self.text.line_count - 1)
        last = min(max(last - 1, first), self.text.line_count - 1)
        start = self.text.line_start(first)
        content = self.text.line(first)
        start += len(content) - len(content.lstrip())
        return start, max(start, self.text.line_start(last) + len(self.text.line(last)))


class Documents:
    """All documents of one editor, kept in step with the analyst."""

    def __init__(self, owner: int, analyst: Analyst, encoding: str, roots: Iterable[str]) -> None:
        self._owner, self._analyst, self._encoding = owner, analyst, encoding
        self._open: dict[str, Document] = {}
        self.roots = [root.rstrip("/") for root in roots]
        """Workspace folders as URIs."""

    def all(self) -> list[Document]:
        return list(self._open.values())

    def get(self, uri: str) -> Document | None:
        return self._open.get(uri)

    def open(self, item: lsp.TextDocumentItem) -> None:
        document = self._open[item.uri] = Document(item, self._encoding, self._root(item.uri))
        self._analyst.opened(self._owner, document.snapshot())

    def change(self, params: lsp.DidChangeTextDocumentParams) -> Sequence[Edit]:
        """Applies the changes in order; what they did to the bytes. Unknown documents are ignored."""
        document = self._open.get(params.text_document.uri)
        if document is None:
            return ()
        edits = [document.apply(change) for change in params.content_changes]
        document.version = params.text_document.version
        self._analyst.changed(self._owner, document.uri, edits, document.snapshot)
        return edits

    def close(self, uri: str) -> None:
        if self._open.pop(uri, None) is not None:
            self._analyst.closed(self._owner, uri)

    def leave(self) -> None:
        """The editor has gone."""
        self._open.clear()
        self._analyst.left(self._owner)

    def _root(self, uri: str) -> str:
        """The path of the innermost workspace folder around this document, or ""."""
        around = [root for root in self.roots if uri.startswith(root + "/")]
        return path_of(max(around, key=len)) if around else ""


def plain(where: lsp.Range) -> dict[str, dict[str, int]]:
    """A range as plain JSON, for the arguments of commands."""
    start, end = where.start, where.end
    return {
        "start": {"line": start.line, "character": start.character},
        "end": {"line": end.line, "character": end.character},
    }
