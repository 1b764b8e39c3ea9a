"""The two messages of every key and the answer to them, read and written by hand.

The general converter takes several times as long for them. What is not of the plainest shape is left to it.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from lsprotocol import types as lsp

_MOST = 2**31 - 1
_new, _set = object.__new__, object.__setattr__
_TRIGGERS = {0: lsp.InlineCompletionTriggerKind.Invoked, 1: lsp.InlineCompletionTriggerKind.Invoked}


def read(method: str, params: Any) -> lsp.DidChangeTextDocumentParams | lsp.InlineCompletionParams | None:
    """Typed params, or None for all that the converter has to read."""
    try:
        if method == lsp.TEXT_DOCUMENT_DID_CHANGE:
            return _changed(params)
        if method == lsp.TEXT_DOCUMENT_INLINE_COMPLETION:
            return _asked(params)
    except (TypeError, KeyError, ValueError):
        pass
    return None


def written(found: lsp.InlineCompletionList) -> dict[str, Any]:
    """The list as plain JSON; what has no value is left out."""
    return {"items": [_item(item) for item in found.items]}


def _changed(params: Mapping[str, Any]) -> lsp.DidChangeTextDocumentParams | None:
    [change] = params["contentChanges"]
    document = params["textDocument"]
    uri, version, text = document["uri"], document["version"], change["text"]
    if type(uri) is not str or type(version) is not int or type(text) is not str or "rangeLength" in change:
        return None
    where = change["range"]
    span = lsp.Range(_position(where["start"]), _position(where["end"]))
    return lsp.DidChangeTextDocumentParams(
        lsp.VersionedTextDocumentIdentifier(version, uri), (lsp.TextDocumentContentChangePartial(span, text),)
    )


def _asked(params: Mapping[str, Any]) -> lsp.InlineCompletionParams | None:
    context, uri = params["context"], params["textDocument"]["uri"]
    if type(uri) is not str or len(context) != 1 or "workDoneToken" in params:
        return None
    kind = context["triggerKind"]
    if type(kind) is not int:
        return None
    trigger = _TRIGGERS.get(kind, lsp.InlineCompletionTriggerKind.Automatic)
    return lsp.InlineCompletionParams(
        lsp.InlineCompletionContext(trigger), lsp.TextDocumentIdentifier(uri), _position(params["position"])
    )


def _position(where: Mapping[str, Any]) -> lsp.Position:
    """Raises ValueError for what is no place as it should be."""
    line, character = where["line"], where["character"]
    if type(line) is not int or type(character) is not int or not (0 <= line <= _MOST and 0 <= character <= _MOST):
        raise ValueError(where)
    made = _new(lsp.Position)  # what its own validators would look at was just looked at
    _set(made, "line", line)
    _set(made, "character", character)
    return made


def _item(item: lsp.InlineCompletionItem) -> dict[str, Any]:
    page: dict[str, Any] = {"insertText": item.insert_text}
    if item.filter_text is not None:
        page["filterText"] = item.filter_text
    if item.range is not None:
        start, end = item.range.start, item.range.end
        page["range"] = {
            "start": {"line": start.line, "character": start.character},
            "end": {"line": end.line, "character": end.character},
        }
    if item.command is not None:
        page["command"] = {"title": item.command.title, "command": item.command.command}
        if item.command.arguments is not None:
            page["command"]["arguments"] = list(item.command.arguments)
    return page
