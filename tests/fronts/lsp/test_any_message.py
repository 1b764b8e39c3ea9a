"""Any message at all: whatever stands in its params, a request gets one answer, which is never "unforeseen", and the next
message is served."""

from __future__ import annotations

import asyncio
import copy
import json
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from lsp_client import CAPABILITIES, position
from played_app import URI, Editor, PlayedApp, findings, suggestion

NOTEBOOK = {"uri": "file:///w/n.ipynb", "version": 1}
CELL = {"uri": "cell:1", "languageId": "python", "version": 1, "text": "x = 1\n"}
PLACE = {"textDocument": {"uri": URI, "version": 1}, "position": position(0, 2)}
RANGE = {"start": position(0, 0), "end": position(1, 1)}
DOC = {"doc": {"uri": URI, "version": 1, "position": position(0, 2)}, "panelId": "p"}

REQUESTS: dict[str, Any] = {
    "textDocument/inlineCompletion": {
        **PLACE, "context": {"triggerKind": 1, "selectedCompletionInfo": {"range": RANGE, "text": "x"}},
    },
    "textDocument/completion": PLACE,
    "textDocument/hover": PLACE,
    "textDocument/codeLens": {"textDocument": {"uri": URI}},
    "codeLens/resolve": {"range": RANGE, "data": {"uri": URI, "name": "f"}},
    "textDocument/codeAction": {"textDocument": {"uri": URI}, "range": RANGE, "context": {"diagnostics": [], "only": ["x"]}},
    "workspace/executeCommand": {"command": "codriver.rejected", "arguments": [{"decision": "d"}]},
    "getCompletions": DOC,
    "getCompletionsCycling": DOC,
    "getPanelCompletions": DOC,
    "notifyAccepted": {"uuid": "d1", "acceptedLength": 3},
    "notifyRejected": {"uuids": ["d1"]},
    "notifyShown": {"uuid": "d1"},
    "checkStatus": {"options": {}},
    "setEditorInfo": {"editorInfo": {}},
    "textDocument/copilotPanelCompletion": PLACE,
    "textDocument/copilotInlineEdit": PLACE,
    "codriver/nonsense": {"a": 1},
}  # fmt: skip
CHANGE = {"range": RANGE, "text": "y"}
NOTES: dict[str, Any] = {
    "textDocument/didChange": {"textDocument": {"uri": URI, "version": 2}, "contentChanges": [CHANGE, {"text": "z\n"}]},
    "textDocument/didOpen": {"textDocument": {**CELL, "uri": "file:///w/b.py"}},
    "textDocument/didSave": {"textDocument": {"uri": URI}},
    "textDocument/didClose": {"textDocument": {"uri": "file:///w/b.py"}},
    "notebookDocument/didOpen": {
        "notebookDocument": {**NOTEBOOK, "notebookType": "j", "cells": [{"kind": 2, "document": "cell:1"}]},
        "cellTextDocuments": [CELL],
    },
    "notebookDocument/didChange": {
        "notebookDocument": NOTEBOOK,
        "change": {"cells": {
            "structure": {"array": {"start": 0, "deleteCount": 1, "cells": [{"kind": 2, "document": "cell:1"}]}},
            "textContent": [{"document": {"uri": "cell:1", "version": 2}, "changes": [CHANGE]}],
        }},
    },
    "notebookDocument/didClose": {"notebookDocument": NOTEBOOK, "cellTextDocuments": []},
    "workspace/didRenameFiles": {"files": [{"oldUri": URI, "newUri": "file:///w/c.py"}]},
    "workspace/didChangeConfiguration": {"settings": {"codriver": {"complete": {"enabled": True}}}},
    "workspace/didChangeWatchedFiles": {"changes": [{"uri": URI, "type": 2}]},
    "workspace/didChangeWorkspaceFolders": {"event": {"added": [{"uri": "file:///w", "name": "w"}], "removed": []}},
    "textDocument/didShowCompletion": {"item": {"command": {"arguments": ["d1"]}}},
    "textDocument/didPartiallyAcceptCompletion": {"item": {"command": {"arguments": ["d1"]}}, "acceptedLength": 2},
    "textDocument/didFocus": {"textDocument": {"uri": URI}},
    "$/setTrace": {"value": "off"},
    "$/cancelRequest": {"id": 7},
    "window/workDoneProgress/cancel": {"token": "t"},
}  # fmt: skip

ODD = st.sampled_from(
    [None, True, -1, 0, 2**31, 2**70, 1.5, "", "x", "file:///w/a.py", [], [None], {}, {"uri": URI}, {"line": 0}]
)


def paths(value: Any, here: tuple[Any, ...] = ()) -> list[tuple[Any, ...]]:
    """All places in a JSON value."""
    inner = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    return [here, *(path for key, one in inner for path in paths(one, (*here, key)))]


def replaced(value: Any, path: tuple[Any, ...], new: Any) -> Any:
    if not path:
        return new
    value = copy.deepcopy(value)
    holder = value
    for key in path[:-1]:
        holder = holder[key]
    if new is ...:
        del holder[path[-1]]
    else:
        holder[path[-1]] = new
    return value


SAMPLES = sorted((REQUESTS | NOTES).items())


@st.composite
def messages(draw: st.DrawFn) -> tuple[str, Any]:
    method, params = draw(st.sampled_from(SAMPLES))
    for _ in range(draw(st.integers(0, 2))):
        path = draw(st.sampled_from(paths(params)))
        params = replaced(params, path, draw(ODD) if not path else draw(ODD | st.just(...)))
    return method, params


def application() -> PlayedApp:
    app = PlayedApp()
    app.tasks.suggest = lambda snapshot: [suggestion("value", 0, min(2, len(snapshot.text)))]
    app.tasks.next_edits = lambda snapshot, *, owner: [suggestion("v", 0, 1)]
    app.tasks.findings = findings()
    return app


async def unforeseen(sent: list[tuple[str, Any]]) -> list[str]:
    """What an editor that sends this is told of failures nobody foresaw; every request is waited for, and the next."""
    editor = Editor(application())
    await editor.initialize({**CAPABILITIES, "notebookDocument": {"synchronization": {}}})
    editor.connection._documents.patience = 0.0
    editor.open("val = 1\nx\n")
    asked, troubles = [], []
    for method, params in sent:
        if method in REQUESTS:
            asked.append((editor.ask(method, params), method, params))
        else:
            editor.notify(method, params)
    for identity, method, params in asked:
        await editor.until(lambda identity=identity: identity in editor.answers)
        code = editor.answers[identity].get("error", {}).get("code")
        if code == -32603:
            troubles.append(f"{method} {json.dumps(params)}")
    assert (await editor.request("checkStatus", {}))["status"] == "OK"
    logged = [told["message"] for told in editor.told("window/logMessage") if "unforeseen" in told["message"]]
    await editor.leave()
    return troubles + logged


@settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(st.lists(messages(), min_size=1, max_size=6))
def test_any_message_is_survived(sent: list[tuple[str, Any]]) -> None:
    assert asyncio.run(unforeseen(sent)) == []


@pytest.mark.parametrize("method", [*REQUESTS, *NOTES])
def test_the_samples_themselves_are_good(method: str, caplog: pytest.LogCaptureFixture) -> None:
    assert asyncio.run(unforeseen([(method, (REQUESTS | NOTES)[method])])) == []
    assert not caplog.records
