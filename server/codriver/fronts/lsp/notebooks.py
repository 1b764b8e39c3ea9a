"""Notebooks: a cell is a document of its own, and completions see it among the cells of its language.

Earlier cells are what stands before, later ones what stands behind; cells of another language are not seen. The
analyst knows one text a notebook and language, so that nothing in it is its own neighbour.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING

from lsprotocol import types as lsp

from codriver.analyst import Analyst
from codriver.model.request import Snapshot
from codriver.syntax.text import Edit

if TYPE_CHECKING:
    from codriver.fronts.lsp.documents import Document

GAP = b"\n"
"""What stands behind each cell of the joined text."""


class Notebook:
    """One open notebook: its cells in order. `owner` is the editor's number at the analyst."""

    def __init__(self, uri: str, owner: int, analyst: Analyst, root: str) -> None:
        self.uri, self.root = uri, root
        self.cells: list[Document] = []
        self._owner, self._analyst = owner, analyst
        self._known: set[str] = set()
        self._joined: dict[str, bytes] = {}

    def place(self, cell: Document) -> Joined:
        """A cell among the others of its language."""
        return Joined(self, cell)

    def of(self, language: str) -> Iterator[Document]:
        """The cells of a language, in order."""
        return (cell for cell in self.cells if cell.language == language)

    def text(self, language: str) -> bytes:
        """All cells of a language, one behind the other; the same object until one of them changes."""
        joined = self._joined.get(language)
        if joined is None:
            joined = self._joined[language] = b"".join(cell.text.data + GAP for cell in self.of(language))
        return joined

    def key(self, language: str) -> str:
        """The name of that text: the notebook's, with the language behind it."""
        return f"{self.uri}#{language}"

    def base(self, cell: Document) -> tuple[int, int]:
        """Bytes and rows of the joined text before a cell."""
        size = rows = 0
        for other in self.of(cell.language):
            if other is cell:
                break
            size += other.text.size + len(GAP)
            rows += other.text.point(other.text.size)[0] + 1
        return size, rows

    def snapshot(self, language: str) -> Snapshot:
        """The joined text of this moment."""
        version = sum(cell.version for cell in self.of(language))
        return Snapshot(self.key(language), version, language, self.text(language), root=self.root)

    def changed(self, cell: Document, edits: Sequence[Edit]) -> None:
        """A cell was edited: the joined text follows by the same edits."""
        self._joined.pop(cell.language, None)
        size, rows = self.base(cell)
        moved = [_moved(edit, size, rows) for edit in edits]
        language = cell.language
        self._analyst.changed(self._owner, self.key(language), moved, lambda: self.snapshot(language))

    def rearranged(self) -> None:
        """Cells were added, taken away or moved: the joined texts are told anew."""
        self._joined.clear()
        languages = {cell.language for cell in self.cells}
        for gone in self._known - languages:
            self._analyst.closed(self._owner, self.key(gone))
        for language in sorted(languages):
            self._analyst.opened(self._owner, self.snapshot(language))
        self._known = languages

    def close(self) -> None:
        """The notebook was closed."""
        self.cells.clear()
        self.rearranged()


class Joined:
    """A cell as completions see it: a place in the joined text. Ranges are told in the cell's own positions."""

    def __init__(self, notebook: Notebook, cell: Document) -> None:
        self._notebook, self.cell = notebook, cell
        self.uri, self.language = cell.uri, cell.language

    def snapshot(self, at: lsp.Position | lsp.Range | None = None) -> Snapshot:
        """This moment of the joined text, with the cursor or the selection in it."""
        own, (base, _) = self.cell.snapshot(at), self._notebook.base(self.cell)
        return replace(
            self._notebook.snapshot(self.language),
            cursor=None if own.cursor is None else base + own.cursor,
            selection=None if own.selection is None else (base + own.selection[0], base + own.selection[1]),
        )

    def stands(self, snapshot: Snapshot) -> bool:
        """Whether the joined text is the snapshot's still."""
        return self.cell in self._notebook.cells and self._notebook.text(self.language) == snapshot.text

    def offset(self, position: lsp.Position) -> int:
        """A position of the cell in the joined text."""
        return self._notebook.base(self.cell)[0] + self.cell.offset(position)

    def range(self, start: int, end: int) -> lsp.Range:
        """A byte range of the joined text in the cell's positions; what lies outside of the cell is cut off."""
        base, size = self._notebook.base(self.cell)[0], self.cell.text.size
        return self.cell.range(min(max(start - base, 0), size), min(max(end - base, 0), size))

    def holds(self, start: int, end: int) -> bool:
        """Whether a byte range of the joined text lies in this cell."""
        base = self._notebook.base(self.cell)[0]
        return base <= start and end <= base + self.cell.text.size


def _moved(edit: Edit, size: int, rows: int) -> Edit:
    """An edit of a cell as one of the joined text: cells begin at the beginning of a row."""
    starts = [(row + rows, column) for row, column in (edit.start_point, edit.old_end_point, edit.new_end_point)]
    return Edit(edit.start_byte + size, edit.old_end_byte + size, edit.new_end_byte + size, *starts)
