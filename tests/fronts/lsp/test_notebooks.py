"""Notebooks: earlier cells of the same language stand before, later ones behind; cells come, move and go."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from lsp_client import CAPABILITIES, change, position
from lsprotocol import types as lsp
from played_app import Editor, PlayedAnalyst, suggestion

from codriver.fronts.lsp.documents import Documents
from codriver.fronts.lsp.notebooks import Joined
from codriver.fronts.lsp.replay import Memory

NOTEBOOK = "file:///w/a.ipynb"
ABLE = {**CAPABILITIES, "notebookDocument": {"synchronization": {}}}


def cell(name: str) -> str:
    return f"vscode-notebook-cell:/w/a.ipynb#{name}"


def item(name: str, text: str, language: str = "python") -> dict[str, Any]:
    return {"uri": cell(name), "languageId": language, "version": 1, "text": text}


def listed(*names: str) -> list[dict[str, Any]]:
    return [{"kind": 2, "document": cell(name)} for name in names]


def opening(*items: dict[str, Any]) -> dict[str, Any]:
    cells = [{"kind": 2, "document": one["uri"]} for one in items]
    notebook = {"uri": NOTEBOOK, "notebookType": "jupyter-notebook", "version": 1, "cells": cells}
    return {"notebookDocument": notebook, "cellTextDocuments": list(items)}


def changing(**cells: Any) -> dict[str, Any]:
    return {"notebookDocument": {"uri": NOTEBOOK, "version": 2}, "change": {"cells": cells}}


def typed(name: str, *changes: dict[str, Any]) -> dict[str, Any]:
    return {"document": {"uri": cell(name), "version": 2}, "changes": list(changes)}


FOUR = opening(
    item("a", "x = 1\n"), item("m", "# Title 😀\n", "markdown"), item("b", "y = val"), item("c", "print(y)\n")
)


@pytest.fixture
async def book(editor: Editor) -> Editor:
    """An editor with a notebook of four cells."""
    await editor.initialize(ABLE)
    editor.notify("notebookDocument/didOpen", FOUR)
    return editor


async def complete(editor: Editor, name: str, line: int, character: int) -> Any:
    params = {"textDocument": {"uri": cell(name)}, "position": position(line, character), "context": {"triggerKind": 1}}
    return await editor.request("textDocument/inlineCompletion", params)


async def test_it_is_offered_where_the_editor_knows_it(editor: Editor) -> None:
    capabilities = (await editor.initialize(ABLE))["capabilities"]
    assert capabilities["notebookDocumentSync"]["notebookSelector"] == [{"notebook": "*"}]


async def test_completions_see_the_cells_of_their_language(book: Editor) -> None:
    book.app.tasks.suggest = lambda snapshot: [suggestion("value", 11, 14), suggestion("elsewhere", 15, 15)]
    (only,) = (await complete(book, "b", 0, 7))["items"]
    assert only["range"] == {"start": position(0, 4), "end": position(0, 7)}, "and none for another cell"
    snapshot, _ = book.app.tasks.seen[-1]
    assert snapshot.text == b"x = 1\n\ny = val\nprint(y)\n\n" and snapshot.cursor == 14
    assert snapshot.uri == f"{NOTEBOOK}#python"
    await complete(book, "m", 0, 9)
    assert book.app.tasks.seen[-1][0].text == "# Title 😀\n\n".encode()


async def test_typing_structure_and_closing_are_followed(book: Editor) -> None:
    book.notify("notebookDocument/didChange", changing(textContent=[typed("b", change((0, 4), (0, 7), "é😀"))]))
    await complete(book, "c", 0, 0)
    assert book.app.tasks.seen[-1][0].text == "x = 1\n\ny = é😀\nprint(y)\n\n".encode()
    structure = {
        "array": {"start": 0, "deleteCount": 2, "cells": listed("n")},
        "didOpen": [item("n", "z = 0")],
        "didClose": [{"uri": cell("a")}, {"uri": cell("m")}],
    }
    book.notify("notebookDocument/didChange", changing(structure=structure))
    await complete(book, "c", 0, 0)
    assert book.app.tasks.seen[-1][0].text == "z = 0\ny = é😀\nprint(y)\n\n".encode()
    assert ("closed", f"{NOTEBOOK}#markdown") in book.app.analyst.told
    book.notify("notebookDocument/didClose", {"notebookDocument": {"uri": NOTEBOOK}, "cellTextDocuments": []})
    assert await complete(book, "c", 0, 0) is None
    assert ("closed", f"{NOTEBOOK}#python") in book.app.analyst.told


async def test_a_cell_that_moves_keeps_its_text(book: Editor) -> None:
    moved = {"array": {"start": 0, "deleteCount": 4, "cells": listed("c", "b", "m", "a")}}
    book.notify("notebookDocument/didChange", changing(structure=moved))
    await complete(book, "b", 0, 7)
    assert book.app.tasks.seen[-1][0].text == b"print(y)\n\ny = val\nx = 1\n\n"


async def test_a_cell_in_another_language_changes_company(book: Editor) -> None:
    structure = {"array": {"start": 2, "deleteCount": 0}, "didOpen": [item("b", "y = val", "sql")]}
    book.notify("notebookDocument/didChange", changing(structure=structure))
    await complete(book, "b", 0, 7)
    assert book.app.tasks.seen[-1][0].text == b"y = val\n"


async def test_a_review_of_a_cell_is_of_that_cell_alone(book: Editor) -> None:
    from played_app import findings

    book.app.tasks.findings = findings()
    await book.wait(book.command("codriver.review", cell("b")))
    assert book.app.tasks.seen[-1][0].text == b"y = val" and book.app.tasks.seen[-1][0].uri == cell("b")


class Nobody:
    """Follows what is done to buffers, and does nothing with it."""

    def __getattr__(self, name: str) -> Any:
        return lambda *told: None


PIECES = st.text(alphabet="ab\n\r😀é", max_size=12)


@settings(max_examples=60, deadline=None)
@given(
    st.lists(PIECES, min_size=1, max_size=4),
    st.lists(st.tuples(st.integers(0, 3), PIECES, st.integers(0, 3)), max_size=6),
)
def test_the_joined_text_is_the_cells_and_the_edits_lead_there(texts: list[str], edits: list[Any]) -> None:
    """PlayedAnalyst fails where the byte edits do not lead from the old joined text to the new one."""
    analyst = PlayedAnalyst()
    documents = Documents(1, analyst, Nobody(), "utf-16", [])
    items = [lsp.TextDocumentItem(cell(str(n)), "python", 1, text) for n, text in enumerate(texts)]
    cells = [lsp.NotebookCell(lsp.NotebookCellKind.Code, one.uri) for one in items]
    book = lsp.NotebookDocument(NOTEBOOK, "x", 1, cells)
    documents.open_notebook(lsp.DidOpenNotebookDocumentParams(book, items))
    for which, text, line in edits:
        uri = cell(str(which % len(texts)))
        there = lsp.TextDocumentContentChangePartial(lsp.Range(lsp.Position(line, 0), lsp.Position(line, 1)), text)
        content = lsp.NotebookDocumentCellContentChanges(lsp.VersionedTextDocumentIdentifier(2, uri), [there])
        event = lsp.NotebookDocumentChangeEvent(cells=lsp.NotebookDocumentCellChanges(text_content=[content]))
        identity = lsp.VersionedNotebookDocumentIdentifier(2, NOTEBOOK)
        documents.change_notebook(lsp.DidChangeNotebookDocumentParams(identity, event))
    whole = b"".join(one.text.data + b"\n" for one in documents.all())
    assert analyst.snapshots[f"{NOTEBOOK}#python"].text == whole
    for one in documents.all():
        place = documents.place(one.uri)
        if place is not None:
            assert isinstance(place, Joined)
            end = lsp.Position(*one.text.position(one.text.size))
            assert place.range(place.offset(end), place.offset(end)) == lsp.Range(end, end)


def test_the_next_daemon_hears_the_notebook_as_it_is_now() -> None:
    memory = Memory()

    def say(method: str, params: Any) -> bool:
        return memory.heard(b"{}", {"method": method, "params": params}, linked=True)

    assert say("notebookDocument/didOpen", FOUR)
    assert say("notebookDocument/didChange", changing(textContent=[typed("b", change((0, 4), (0, 7), "😀"))]))
    structure = {"array": {"start": 0, "deleteCount": 2, "cells": listed("n")}, "didOpen": [item("n", "z")]}
    assert say("notebookDocument/didChange", changing(structure=structure))
    for wrong in ([], {}, {"notebookDocument": 1}, {"notebookDocument": {"uri": "x"}}):
        assert not say("notebookDocument/didOpen", wrong)
    replayed = b"".join(memory.replay()).decode()
    assert '"document":"vscode-notebook-cell:/w/a.ipynb#n"' in replayed and '"text":"y = \\ud83d\\ude00"' in replayed
    assert "Title" not in replayed and '"text":"x = 1' not in replayed
    assert say("notebookDocument/didClose", {"notebookDocument": {"uri": NOTEBOOK}})
    assert memory.replay() == []
