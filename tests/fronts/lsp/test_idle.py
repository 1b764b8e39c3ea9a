"""Long texts are read again when typing pauses, and only then."""

from __future__ import annotations

import asyncio

from lsprotocol import types as lsp
from played_app import PlayedTasks

from codriver.analyst import Analyst
from codriver.fronts.lsp.documents import Documents
from codriver.fronts.lsp.idle import Idle
from codriver.syntax.analysis import Buffer
from codriver.syntax.trees import EAGER, WHOLE

URI = "file:///long.py"
LINE = "value = [1, 2, 3]\n"


class Open:
    """One open document of so many bytes, at least."""

    def __init__(self, size: int, pause: float) -> None:
        self.analyst = Analyst()
        self.documents = Documents(1, self.analyst, PlayedTasks(), "utf-16", [])
        self.idle = Idle(self.documents, self.analyst, pause)
        self.documents.open(lsp.TextDocumentItem(URI, "python", 1, LINE * (size // len(LINE) + 1)))
        self.idle.touched(URI)

    @property
    def buffer(self) -> Buffer:
        document = self.documents.get(URI)
        assert document is not None
        return self.analyst.buffer(document.snapshot())

    def type(self, version: int) -> None:
        start = lsp.Range(lsp.Position(0, 0), lsp.Position(0, 0))
        change = lsp.TextDocumentContentChangePartial(start, "x")
        place = lsp.VersionedTextDocumentIdentifier(version, URI)
        self.documents.change(lsp.DidChangeTextDocumentParams(place, [change]))
        self.idle.touched(URI)


async def test_it_is_read_after_opening_and_after_changes() -> None:
    document = Open(EAGER, 0.0)
    assert document.buffer.dirty
    await document.idle.read(URI)
    assert not document.buffer.dirty
    document.type(2)
    assert document.buffer.dirty
    await document.idle.read(URI)
    assert not document.buffer.dirty and not document.idle._waiting


async def test_who_waits_for_it_ends_the_pause() -> None:
    document = Open(EAGER, 3600.0)
    document.type(2)
    await asyncio.wait_for(document.idle.read(URI), 30)
    assert not document.buffer.dirty


async def test_typing_goes_on_while_it_is_read() -> None:
    document = Open(4 * EAGER, 0.0)
    buffer = document.buffer
    for version in range(2, 6):
        assert not buffer.step()
        document.type(version)
    await document.idle.read(URI)
    document_text = document.documents.get(URI).text.data
    assert document_text.startswith(b"xxxxvalue") and not buffer.errors()
    assert buffer.facts() == Buffer(document_text, language_id="python", path="/long.py").facts()


async def test_typing_puts_it_off() -> None:
    document = Open(EAGER, 3600.0)
    for version in range(2, 6):
        document.type(version)
    assert len(document.idle._waiting) == 1 and document.buffer.dirty
    document.idle.closed(URI)
    assert not document.idle._waiting


async def test_what_is_read_on_demand_is_left_alone() -> None:
    assert not Open(100, 0.0).idle._waiting


async def test_of_what_is_too_long_the_functions_that_are_listed_are_counted() -> None:
    document = Open(WHOLE, 0.0)
    await asyncio.wait_for(document.idle.read(URI), 30)
    assert not document.buffer.whole and document.buffer.step()
    assert not document.idle._waiting


async def test_what_was_closed_meanwhile_is_not_read() -> None:
    document = Open(EAGER, 0.0)
    buffer = document.buffer
    reading = asyncio.ensure_future(document.idle.read(URI))
    await asyncio.sleep(0)
    document.documents.close(URI)
    await asyncio.wait_for(reading, 30)
    assert buffer.dirty and not document.idle._waiting
