"""Copilot's messages as its clients send them: copilot.lua and copilot.vim the older ones, copilot-lsp the newer."""

from __future__ import annotations

from typing import Any

import pytest
from lsp_client import Failed, change, position
from played_app import URI, Editor, suggestion

from codriver.tasks.suggestion import Suggestion

PLUGIN = {"editorInfo": {"name": "neovim", "version": "0.11"}, "editorPluginInfo": {"name": "a", "version": "1"}}


def asked(line: int, character: int, version: int = 1) -> dict[str, Any]:
    """The params of getCompletions as copilot.lua makes them: everything twice."""
    place = {"uri": URI, "version": version, "relativePath": "a.py"}
    doc = {**place, "insertSpaces": True, "tabSize": 4, "indentSize": 4, "position": position(line, character)}
    return {"doc": doc, "textDocument": place, "position": position(line, character), "_": True}


@pytest.fixture
async def copilot(editor: Editor) -> Editor:
    """An editor whose plugin speaks the dialect."""
    await editor.initialize({"textDocument": {}}, initializationOptions=PLUGIN)
    editor.open("😀 = 1\n    x = val\n")
    editor.app.tasks.suggest = lambda snapshot: [suggestion("value + 1", 17, 20)]
    return editor


async def test_completions_are_whole_lines_from_column_zero(copilot: Editor) -> None:
    (one,) = (await copilot.request("getCompletions", asked(1, 11)))["completions"]
    assert one == {
        "uuid": "d1",
        "text": "    x = value + 1",
        "displayText": "ue + 1",
        "position": position(1, 11),
        "range": {"start": position(1, 0), "end": position(1, 11)},
        "docVersion": 1,
    }


async def test_several_of_one_decision_have_names_of_their_own(copilot: Editor) -> None:
    copilot.app.tasks.suggest = lambda snapshot: [suggestion("value", 17, 20), suggestion("valid()", 17, 20)]
    found = (await copilot.request("getCompletionsCycling", asked(1, 11)))["completions"]
    assert [one["uuid"] for one in found] == ["d1", "d1#2"] and copilot.app.tasks.seen[-1][1] is True
    await copilot.request("notifyRejected", {"uuids": ["d1", "d1#2"]})
    assert copilot.app.tasks.fates == [("d1", "rejected")] * 2


@pytest.mark.parametrize(
    ("length", "word"), [(17, "accepted"), (12, "partly-accepted"), (None, "accepted"), ("x", "accepted")]
)
async def test_how_much_was_taken_decides_its_fate(copilot: Editor, length: Any, word: str) -> None:
    (one,) = (await copilot.request("getCompletions", asked(1, 11)))["completions"]
    await copilot.request("notifyShown", {"uuid": one["uuid"]})
    told = {"uuid": one["uuid"]} | ({} if length is None else {"acceptedLength": length})
    assert await copilot.request("notifyAccepted", told) == "OK"
    assert copilot.app.tasks.fates == [("d1", word)]


async def test_the_newer_layer_tells_of_items_by_their_command(copilot: Editor) -> None:
    params = {"textDocument": {"uri": URI}, "position": position(1, 11), "context": {"triggerKind": 2}}
    (item,) = (await copilot.request("textDocument/inlineCompletion", params))["items"]
    copilot.notify("textDocument/didShowCompletion", {"item": item})
    copilot.notify("textDocument/didPartiallyAcceptCompletion", {"item": item, "acceptedLength": 3})
    copilot.notify("textDocument/didFocus", {"textDocument": {"uri": URI}})
    copilot.notify("textDocument/didFocus", {})
    await copilot.request("checkStatus", {})
    assert copilot.app.tasks.fates == [("d1", "partly-accepted")]
    assert [told[1] for told in copilot.app.analyst.told if told[0] == "focused"] == [URI, ""]


async def test_next_edits_name_their_document_and_the_version_they_are_for(copilot: Editor) -> None:
    def next_edits(snapshot: Any, *, owner: int) -> list[Suggestion]:
        assert snapshot.cursor == 17 and owner == 1
        return [suggestion("y", 13, 14)]

    copilot.app.tasks.next_edits = next_edits
    params = {"textDocument": {"uri": URI, "version": 1}, "position": position(1, 8)}
    (edit,) = (await copilot.request("textDocument/copilotInlineEdit", params))["edits"]
    assert edit["text"] == "y" and edit["range"] == {"start": position(1, 4), "end": position(1, 5)}
    assert edit["textDocument"] == {"uri": URI, "version": 1}
    copilot.notify("textDocument/didShowInlineEdit", {"item": {"command": edit["command"]}})
    await copilot.wait(copilot.command(edit["command"]["command"], *edit["command"]["arguments"]))
    assert copilot.app.tasks.fates == [("d1", "accepted")]


async def test_panels_of_both_layers(copilot: Editor) -> None:
    assert await copilot.request("getPanelCompletions", {**asked(1, 11), "panelId": "1:x"}) == {
        "solutionCountTarget": 1
    }
    (solution,), (done,) = copilot.told("PanelSolution"), copilot.told("PanelSolutionsDone")
    assert solution["completionText"] == "    x = value + 1" and solution["panelId"] == done["panelId"] == "1:x"
    params = {"textDocument": {"uri": URI}, "position": position(1, 11)}
    (item,) = (await copilot.request("textDocument/copilotPanelCompletion", params))["items"]
    assert item["insertText"] == "value + 1" and item["command"]["arguments"] == ["d1"]


async def test_nobody_has_to_sign_in(copilot: Editor) -> None:
    assert (await copilot.request("checkStatus", {"options": {"localChecksOnly": True}}))["status"] == "OK"
    assert (await copilot.request("signIn", {}))["status"] == "AlreadySignedIn"
    assert (await copilot.request("signInInitiate", {}))["user"]
    assert (await copilot.request("signInConfirm", {"userCode": "x"}))["status"] == "OK"
    assert await copilot.request("setEditorInfo", PLUGIN) == "OK"
    assert (await copilot.request("getVersion", {}))["version"] == "1.2.3"


async def test_its_clients_hear_how_we_are_and_nobody_else_does(copilot: Editor) -> None:
    await copilot.request("getCompletions", asked(1, 11))
    assert [told["busy"] for told in copilot.told("didChangeStatus")] == [False, True, False]
    assert [told["status"] for told in copilot.told("statusNotification")] == ["Normal", "InProgress", "Normal"]
    other = Editor(copilot.app)
    await other.initialize()
    other.open("val")
    await other.request("getCompletions", asked(0, 3))
    assert not other.told("didChangeStatus")
    await other.leave()


async def test_our_name_is_our_own_and_no_menu_repeats_what_is_drawn(editor: Editor) -> None:
    result = await editor.initialize({"textDocument": {}}, initializationOptions=PLUGIN)
    assert result["serverInfo"]["name"] == "codriver" and "completionProvider" not in result["capabilities"]


async def test_a_stale_request_gets_nothing(copilot: Editor) -> None:
    copilot.app.tasks.gate.clear()
    identity = copilot.ask("getCompletions", asked(1, 11))
    copilot.change(2, change((1, 11), (1, 11), "u"))
    await copilot.request("checkStatus", {})
    copilot.app.tasks.gate.set()
    assert await copilot.wait(identity) == {"completions": []}


@pytest.mark.parametrize(
    ("method", "params"),
    [
        ("getCompletions", []),
        ("getCompletions", {}),
        ("getCompletions", {"doc": {"uri": URI}}),
        ("getCompletions", {"doc": 7, "position": position(0, 0)}),
        ("textDocument/copilotInlineEdit", {"position": position(0, 0)}),
        ("notifyRejected", None),
    ],
)
async def test_what_is_no_message_of_theirs_is_refused(copilot: Editor, method: str, params: Any) -> None:
    copilot.send({"id": "odd", "method": method, "params": params})
    with pytest.raises(Failed) as failed:
        await copilot.wait("odd")
    assert failed.value.code == -32602
