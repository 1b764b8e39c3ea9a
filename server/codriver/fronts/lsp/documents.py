"""The open documents of one editor: its text, byte for byte, applied change by change.

The only place where the protocol's positions and our byte offsets meet.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterable, Sequence
from typing import Protocol

from lsprotocol import types as lsp

from codriver.analyst import Analyst, path_of
from codriver.fronts.lsp.notebooks import Joined, Notebook
from codriver.model.request import Snapshot
from codriver.syntax.text import Edit, Text, utf8
from codriver.tasks import changes
from codriver.tasks.changes import Change

APART = 0.005
"""Seconds between freeing two documents of an editor that has gone."""
PATIENCE = 0.25
"""Seconds that a request waits for its document to be opened."""


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
        self.stale = False
        """Whether the editor's text must be another one: it named lines that are not here. A whole text mends it."""
        self._encoding = encoding

    def apply(self, change: lsp.TextDocumentContentChangeEvent) -> tuple[Edit, Change]:
        """What it did to the bytes: as it was sent, and what it came to."""
        if isinstance(change, lsp.TextDocumentContentChangeWholeDocument):
            self.stale, old = False, self.text.data
            edit = self.text.apply(None, change.text, self._encoding)
            return edit, changes.narrowed(0, old, self.text.data)
        start, end = change.range.start, change.range.end
        if min(start.line, end.line) > self.text.line_count:
            self.stale = True  # the line behind the last one is said of the end
        inserted = utf8(change.text)
        if start.line == end.line and start.character == end.character:
            first = self.offset(start)
            return self.text.splice(first, first, inserted), Change(first, b"", inserted)
        first, last = sorted((self.offset(start), self.offset(end)))
        removed = self.text.cut(first, last)
        return self.text.splice(first, last, inserted), changes.narrowed(first, removed, inserted)

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

    def holds(self, start: int, end: int) -> bool:
        """Whether a byte range of its snapshots lies in it."""
        return start >= 0 and end <= self.text.size

    def offset(self, position: lsp.Position) -> int:
        return self.text.offset(position.line, position.character, self._encoding)

    def range(self, start: int, end: int) -> lsp.Range:
        """The protocol's range of a byte range."""
        first = self.text.position(start, self._encoding)
        last = first if end == start else self.text.position(end, self._encoding)
        return lsp.Range(lsp.Position(*first), lsp.Position(*last))

    def lines(self, first: int, last: int) -> tuple[int, int]:
        """The byte range of 1-based lines, from the first character that is no blank to the last line's end."""
        first = min(max(first - 1, 0), self.text.line_count - 1)
        last = min(max(last - 1, first), self.text.line_count - 1)
        start = self.text.line_start(first)
        content = self.text.line(first)
        start += len(content) - len(content.lstrip())
        return start, max(start, self.text.line_start(last) + len(self.text.line(last)))


Place = Document | Joined
"""What completions are made in: a document, or a cell among the others of its notebook."""


class Follower(Protocol):
    """Who is told what somebody does with buffers (tasks/complete.py); cells of notebooks are not followed."""

    def opened(self, owner: int, uri: str) -> None: ...

    def changed(self, owner: int, uri: str, batch: Sequence[Change], content: Callable[[], bytes]) -> None: ...

    def closed(self, owner: int, uri: str) -> None: ...

    def left(self, owner: int) -> None: ...


class Documents:
    """All documents of one editor, kept in step with the analyst."""

    def __init__(self, owner: int, analyst: Analyst, follower: Follower, encoding: str, roots: Iterable[str]) -> None:
        self._owner, self._analyst, self._follower, self._encoding = owner, analyst, follower, encoding
        self._open: dict[str, Document] = {}
        self._arrivals: dict[str, asyncio.Event] = {}
        self._notebooks: dict[str, Notebook] = {}
        self._cells: dict[str, Notebook] = {}
        self.patience = PATIENCE
        self.roots = [root.rstrip("/") for root in roots]
        """Workspace folders as URIs."""

    def all(self) -> list[Document]:
        return list(self._open.values())

    def get(self, uri: str) -> Document | None:
        return self._open.get(uri)

    def holds(self, document: Place) -> bool:
        """Whether it is open still, and was not opened anew meanwhile."""
        return self._open.get(document.uri) is (document.cell if isinstance(document, Joined) else document)

    def is_cell(self, uri: str) -> bool:
        """Whether it is a cell of a notebook."""
        return uri in self._cells

    def place(self, uri: str) -> Place | None:
        """What completions are made in: the document, or the cell among its notebook's; None where nothing is known
        for sure."""
        document, notebook = self._open.get(uri), self._cells.get(uri)
        if document is None or document.stale:
            return None
        return notebook.place(document) if notebook is not None else document

    async def arrival(self, uri: str) -> None:
        """Waits until a document is opened, `patience` seconds at most: some plugins ask before they tell."""
        event = self._arrivals.setdefault(uri, asyncio.Event())
        try:
            async with asyncio.timeout(self.patience):
                await event.wait()
        except TimeoutError:
            self._arrivals.pop(uri, None)

    def open(self, item: lsp.TextDocumentItem) -> None:
        self._follower.opened(self._owner, item.uri)
        self._analyst.opened(self._owner, self._opened(item).snapshot())

    def _opened(self, item: lsp.TextDocumentItem) -> Document:
        document = self._open[item.uri] = Document(item, self._encoding, self._root(item.uri))
        if (arrived := self._arrivals.pop(item.uri, None)) is not None:
            arrived.set()
        return document

    def change(self, params: lsp.DidChangeTextDocumentParams) -> Sequence[Edit]:
        """Applies the changes in order; what they did to the bytes. Unknown documents are ignored."""
        document = self._open.get(params.text_document.uri)
        if document is None:
            return ()
        applied = [document.apply(change) for change in params.content_changes]
        edits = [edit for edit, _ in applied]
        document.version = params.text_document.version
        notebook = self._cells.get(document.uri)
        if notebook is not None:
            notebook.changed(document, edits)
        else:
            batch = [change for _, change in applied]
            self._follower.changed(self._owner, document.uri, batch, lambda: document.text.data)
            self._analyst.changed(self._owner, document.uri, edits, document.snapshot)
        return edits

    def close(self, uri: str) -> None:
        if uri not in self._cells and self._open.pop(uri, None) is not None:
            self._analyst.closed(self._owner, uri)
            self._follower.closed(self._owner, uri)

    # Notebooks: their cells come and go with them.

    def open_notebook(self, params: lsp.DidOpenNotebookDocumentParams) -> None:
        """Handles notebookDocument/didOpen. A notebook that is opened again replaces what was there."""
        uri = params.notebook_document.uri
        self.close_notebook(uri)
        notebook = self._notebooks[uri] = Notebook(uri, self._owner, self._analyst, self._root(uri))
        self._arrange(notebook, 0, 0, params.notebook_document.cells, params.cell_text_documents)

    def change_notebook(self, params: lsp.DidChangeNotebookDocumentParams) -> dict[str, Sequence[Edit]]:
        """Handles notebookDocument/didChange: first which cells there are, then their texts. Edits by cell."""
        notebook, cells = self._notebooks.get(params.notebook_document.uri), params.change.cells
        if notebook is None or cells is None:
            return {}
        if (structure := cells.structure) is not None:
            array = structure.array
            self._arrange(notebook, array.start, array.delete_count, array.cells or (), structure.did_open or ())
        edits: dict[str, Sequence[Edit]] = {}
        for content in cells.text_content or ():
            change = lsp.DidChangeTextDocumentParams(content.document, content.changes)
            edits[content.document.uri] = self.change(change)
        return edits

    def close_notebook(self, uri: str) -> list[str]:
        """Handles notebookDocument/didClose; the cells that went with it."""
        notebook = self._notebooks.pop(uri, None)
        gone = [cell.uri for cell in notebook.cells] if notebook is not None else []
        for cell in gone:
            self._forget(cell)
        if notebook is not None:
            notebook.close()
        return gone

    def _arrange(
        self,
        notebook: Notebook,
        start: int,
        delete: int,
        cells: Sequence[lsp.NotebookCell],
        opened: Sequence[lsp.TextDocumentItem],
    ) -> None:
        """Replaces cells; one that is only moved keeps its text."""
        texts = {item.uri: item for item in opened}
        for n, held in enumerate(notebook.cells):
            if (again := texts.get(held.uri)) is not None and held.uri not in {cell.document for cell in cells}:
                notebook.cells[n] = self._opened(again)  # in another language
        gone = notebook.cells[start : start + delete]
        fresh = []
        for cell in cells:
            item = texts.get(cell.document)
            known = self._open.get(cell.document) if cell.document in self._cells else None
            document = self._opened(item) if item is not None else known
            if document is not None:
                fresh.append(document)
                self._cells[document.uri] = notebook
        notebook.cells[start : start + delete] = fresh
        kept = {cell.uri for cell in notebook.cells}
        for document in gone:
            if document.uri not in kept:
                self._forget(document.uri)
        notebook.rearranged()

    def _forget(self, cell: str) -> None:
        self._open.pop(cell, None)
        self._cells.pop(cell, None)

    def leave(self) -> None:
        """The editor has gone."""
        for held in (self._open, self._cells, self._notebooks):
            held.clear()
        self._follower.left(self._owner)
        gone, loop = self._analyst.left(self._owner), asyncio.get_running_loop()
        for n in range(len(gone)):
            loop.call_later(n * APART, gone.pop)  # freed one by one

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
