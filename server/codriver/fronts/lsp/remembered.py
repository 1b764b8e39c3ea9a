"""The editor's open documents and notebooks as a forwarder remembers them. Standard library only.

Changes are kept as they came and folded into text only when many have gathered, so a keystroke costs microseconds.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from codriver.syntax.text import Text

_FOLD_AT = 1000
_ORIGIN = {"line": 0, "character": 0}


class OpenDocument:
    """One open document: its last folded text and the changes since."""

    def __init__(self, item: dict[str, Any]) -> None:
        self.item = item
        self.text: Text | str = str(item.get("text") or "")
        self.changes: list[dict[str, Any]] = []

    def change(self, version: object, changes: list[dict[str, Any]], encoding: str) -> None:
        self.item["version"] = version
        for change in changes:
            if "range" not in change:
                self.text, self.changes = str(change.get("text") or ""), []
            else:
                self.changes.append(change)
        if len(self.changes) >= _FOLD_AT:
            self.fold(encoding)

    def fold(self, encoding: str) -> str:
        """The current text."""
        if not self.changes:
            return self.text if isinstance(self.text, str) else self.text.data.decode("utf-8", "replace")
        from codriver.syntax.text import Text

        text = self.text if isinstance(self.text, Text) else Text(self.text)
        for change in self.changes:
            start, end = change["range"]["start"], change["range"]["end"]
            span = (int(start["line"]), int(start["character"])), (int(end["line"]), int(end["character"]))
            text.apply(span, change["text"], encoding)
        self.text, self.changes = text, []
        return text.data.decode("utf-8", "replace")


class Notebook:
    """One open notebook: its cells in order, and their texts."""

    def __init__(self, opening: dict[str, Any]) -> None:
        """`opening` are the params of notebookDocument/didOpen. Raises KeyError or TypeError when they are not."""
        self._notebook = dict(opening["notebookDocument"])
        self._cells = list(self._notebook["cells"])
        self._texts = {item["uri"]: OpenDocument(dict(item)) for item in opening["cellTextDocuments"]}

    def change(self, params: dict[str, Any], encoding: str) -> None:
        """Takes over the params of notebookDocument/didChange. Raises KeyError or TypeError when they are not."""
        self._notebook["version"] = params["notebookDocument"].get("version")
        cells = params["change"].get("cells") or {}
        structure = cells.get("structure")
        if structure is not None:
            array = structure["array"]
            start, end = array["start"], array["start"] + array["deleteCount"]
            self._cells[start:end] = array.get("cells") or []
            self._texts.update({item["uri"]: OpenDocument(dict(item)) for item in structure.get("didOpen") or ()})
            kept = {cell["document"] for cell in self._cells}
            self._texts = {uri: text for uri, text in self._texts.items() if uri in kept}
        for content in cells.get("textContent") or ():
            document = content["document"]
            if sound("textDocument/didChange", {"textDocument": document, "contentChanges": content["changes"]}):
                held = self._texts.get(document["uri"])
                if held is not None:
                    held.change(document.get("version"), content["changes"], encoding)

    def opening(self, encoding: str) -> dict[str, Any]:
        """The params of notebookDocument/didOpen that open it as it is now."""
        texts = [{**held.item, "text": held.fold(encoding)} for held in self._texts.values()]
        return {"notebookDocument": {**self._notebook, "cells": self._cells}, "cellTextDocuments": texts}


def sound(method: str, params: Any) -> bool:
    """Whether a notification says what the protocol wants it to say of a document.

    One that does not is passed on to nobody: a daemon that reads it kindly (5 as "5") and this memory
    must not hold different texts.
    """
    item = params.get("textDocument") if isinstance(params, dict) else None
    if not isinstance(item, dict) or not isinstance(item.get("uri"), str):
        return False
    if method == "textDocument/didOpen":
        return isinstance(item.get("text"), str)
    changes = params.get("contentChanges")
    return method != "textDocument/didChange" or (isinstance(changes, list) and all(map(_sound_change, changes)))


def _sound_change(change: Any) -> bool:
    if not isinstance(change, dict) or not isinstance(change.get("text"), str):
        return False
    where = change.get("range", {"start": _ORIGIN, "end": _ORIGIN})
    ends = (where.get("start"), where.get("end")) if isinstance(where, dict) else ()
    numbers = [end.get(name) for end in ends if isinstance(end, dict) for name in ("line", "character")]
    return len(numbers) == 4 and all(_whole(number) for number in numbers)


def _whole(number: Any) -> bool:
    """Some editors' JSON has 3.0 for 3."""
    return type(number) is int or (isinstance(number, float) and number.is_integer())
