"""What an editor sees: suggestions, actions, refactors, reviews, lenses."""

from __future__ import annotations

from typing import Any

import pytest
from lsp_client import CAPABILITIES, Failed, change, position
from played_app import URI, Editor, findings, function, suggestion

from codriver.config import Settings
from codriver.tasks.changes import Change
from codriver.tasks.findings import Finding
from codriver.tasks.merging import Patch
from codriver.tasks.refactor import Rewrite
from codriver.tasks.suggestion import Picked

PLAIN: dict[str, Any] = {"general": {"positionEncodings": ["utf-16"]}}
CODE = "def f(a):\n    return a\n\nx = 1\n"


def span(start: tuple[int, int], end: tuple[int, int]) -> dict[str, Any]:
    return {"start": position(*start), "end": position(*end)}


def finding(first: int, last: int, start: int, end: int, fix: str | None = None, severity: str = "warning") -> Any:
    return Finding(start, end, first, last, severity, "Off by one", "The end is exclusive.", fix)


async def actions(editor: Editor, where: dict[str, Any], only: list[str] | None = None) -> list[dict[str, Any]]:
    context: dict[str, Any] = {"diagnostics": []} | ({"only": only} if only else {})
    params = {"textDocument": {"uri": URI}, "range": where, "context": context}
    return list(await editor.request("textDocument/codeAction", params))


# Suggestions.


async def test_an_inline_item_replaces_the_typed_word_and_tells_when_it_is_taken(ready: Editor) -> None:
    ready.open("😀 = val")
    ready.app.tasks.suggest = lambda snapshot: [suggestion("value + 1", 7, 10)]
    params = {"textDocument": {"uri": URI}, "position": position(0, 8), "context": {"triggerKind": 2}}
    (item,) = (await ready.request("textDocument/inlineCompletion", params))["items"]
    assert item["range"] == span((0, 5), (0, 8))
    assert item["insertText"] == item["filterText"] == "value + 1"
    await ready.wait(ready.command(item["command"]["command"], *item["command"]["arguments"]))
    assert ready.app.tasks.fates == [("d1", "accepted")]


@pytest.mark.parametrize(
    ("more", "by"),
    [
        ({}, "acme/small"),
        ({"simulated": True}, "acme/small (simulated)"),
        ({"model": "local/predictor"}, "local predictor"),
    ],
)
async def test_a_menu_entry_says_who_wrote_it(editor: Editor, more: dict[str, Any], by: str) -> None:
    await editor.initialize(PLAIN)
    editor.open("val")
    editor.app.tasks.suggest = lambda snapshot: [suggestion("value = 1\nother", 0, 3, label="value = 1", **more)]
    found = await editor.request("textDocument/completion", {"textDocument": {"uri": URI}, "position": position(0, 3)})
    (item,) = found["items"]
    assert found["isIncomplete"] and item["label"] == "value = 1" and by in item["detail"]
    assert "value = 1\nother" in item["documentation"]["value"]
    assert item["textEdit"] == {"range": span((0, 0), (0, 3)), "newText": "value = 1\nother"}
    assert item["filterText"] == "value = 1" and item["sortText"] > "z" and item["command"]["arguments"] == ["d1"]


async def test_a_menu_cannot_carry_a_range_over_lines(editor: Editor) -> None:
    await editor.initialize(PLAIN)
    editor.open("val\nue")
    editor.app.tasks.suggest = lambda snapshot: [suggestion("value", 0, 6)]
    params = {"textDocument": {"uri": URI}, "position": position(0, 3)}
    assert (await editor.request("textDocument/completion", params))["items"] == []


# Actions.


OURS = ["Refactor {}", "Review {}", "Explain {}"]
OF_F = ["Document f", "Write tests for f"]
ANYWHERE = ["Review file", "Explain the last route"]


def titled(name: str, *more: str) -> list[str]:
    return [f"Codriver: {title.format(name)}" for title in (*OURS, *more, *ANYWHERE)]


@pytest.mark.parametrize(
    ("where", "titles"),
    [
        pytest.param(span((0, 0), (1, 4)), titled("selection"), id="a part of a function"),
        pytest.param(span((0, 0), (1, 12)), titled("selection", *OF_F), id="all of it"),
        pytest.param(span((1, 4), (1, 4)), titled("function", *OF_F), id="the cursor in it"),
        pytest.param(span((1, 4), (1, 5)), titled("function", *OF_F), id="one sign, as Helix always selects one"),
        pytest.param(span((3, 0), (3, 0)), [f"Codriver: {title}" for title in ANYWHERE], id="in no function"),
    ],
)
async def test_actions_are_offered_where_they_make_sense(
    ready: Editor, where: dict[str, Any], titles: list[str]
) -> None:
    ready.open(CODE)
    ready.app.analyst.known = (function("f", 0, 22),)
    assert [action["title"] for action in await actions(ready, where)] == titles


@pytest.mark.parametrize(
    ("uri", "settings", "offered"),
    [
        pytest.param("file:///w/test_a.py", {}, False, id="a test needs no tests"),
        pytest.param(URI, {}, True, id="code does"),
    ],
)
async def test_tests_are_offered_for_code(ready: Editor, uri: str, settings: dict[str, Any], offered: bool) -> None:
    ready.open(CODE, uri=uri)
    ready.app.analyst.known = (function("f", 0, 22),)
    params = {"textDocument": {"uri": uri}, "range": span((1, 5), (1, 5)), "context": {"diagnostics": []}}
    kinds = [action["kind"] for action in await ready.request("textDocument/codeAction", params)]
    assert ("source.codriver.tests" in kinds) is offered


@pytest.mark.parametrize(
    ("uri", "settings"),
    [("file:///w/.env", {}), (URI, {"refactor": {"max_bytes": 3}})],
    ids=["private", "too large"],
)
async def test_nothing_is_offered_for_what_no_model_may_see(ready: Editor, uri: str, settings: dict[str, Any]) -> None:
    ready.app.settings = Settings.model_validate(settings)
    ready.app.router.outcome = None
    ready.open(CODE, uri=uri)
    params = {"textDocument": {"uri": uri}, "range": span((1, 5), (1, 5)), "context": {"diagnostics": []}}
    assert await ready.request("textDocument/codeAction", params) == []


async def test_what_others_complain_about_gets_a_fix_and_our_own_findings_do_not(ready: Editor) -> None:
    ready.open(CODE)
    told = {"range": span((1, 4), (1, 10)), "message": "a is\nunknown", "source": "ruff"}
    context = {"diagnostics": [told, told | {"source": "codriver"}], "only": ["quickfix"]}
    params = {"textDocument": {"uri": URI}, "range": span((1, 5), (1, 5)), "context": context}
    (fix,) = await ready.request("textDocument/codeAction", params)
    assert fix["title"] == "Codriver: Fix: a is unknown" and fix["diagnostics"] == [told]
    assert fix["command"]["command"] == "codriver.fix"
    (argument,) = fix["command"]["arguments"]
    assert argument == {"uri": URI, "range": told["range"], "diagnostics": [told]}


@pytest.mark.parametrize(("trigger", "offered"), [(1, True), (2, False)], ids=["asked for", "by itself"])
async def test_names_are_suggested_only_to_who_looks_for_actions(ready: Editor, trigger: int, offered: bool) -> None:
    ready.open(CODE)
    context = {"diagnostics": [], "triggerKind": trigger}
    params = {"textDocument": {"uri": URI}, "range": span((1, 11), (1, 11)), "context": context}
    titles = [action["title"] for action in await ready.request("textDocument/codeAction", params)]
    assert ("Codriver: Suggest names for a" in titles) is offered


async def test_nothing_is_offered_for_nothing(ready: Editor) -> None:
    ready.app.router.outcome = None
    ready.open(" \n")
    assert await actions(ready, span((0, 0), (0, 0))) == []


async def test_kinds_filter_by_their_prefix(ready: Editor) -> None:
    ready.open(CODE)
    kinds = {action["kind"] for action in await actions(ready, span((0, 0), (1, 0)), ["source"])}
    assert kinds == {"source.codriver.review", "source.codriver.explain"}
    kinds = {action["kind"] for action in await actions(ready, span((0, 0), (1, 0)), ["refactor"])}
    assert kinds == {"refactor.rewrite"}


async def test_editors_that_know_only_commands_get_commands(editor: Editor) -> None:
    await editor.initialize(PLAIN)
    editor.open(CODE)
    offered = await actions(editor, span((0, 0), (1, 0)))
    assert {action["command"] for action in offered} >= {"codriver.refactor", "codriver.review"}


# Refactor.


def rewrite(start: int, end: int, text: str, *also: Patch) -> Rewrite:
    return Rewrite(start, end, text, "acme/large", True, 0.01, "d1", "Renamed a", also)


async def test_a_refactor_is_applied_by_the_editor_after_confirmation(ready: Editor) -> None:
    ready.open(CODE)
    ready.app.analyst.known = (function("f", 0, 22),)
    ready.app.tasks.rewrite = rewrite(0, 22, "def f(b):\n    return b")
    ready.answer = lambda method, params: {"applied": True} if method == "workspace/applyEdit" else None
    done = await ready.wait(ready.command("codriver.refactor", {"uri": URI, "range": span((1, 5), (1, 5))}))
    assert done["applied"] and done["model"] == "acme/large" and done["decision"] == "d1"
    ((snapshot, instruction),) = ready.app.tasks.seen
    assert snapshot.selection == (0, 22) and "readability" in instruction
    (asked,) = ready.told("workspace/applyEdit")
    (edit,) = asked["edit"]["documentChanges"]
    assert edit["textDocument"] == {"uri": URI, "version": 1}
    assert edit["edits"][0]["range"] == span((0, 0), (1, 12))
    (annotation,) = asked["edit"]["changeAnnotations"].values()
    assert annotation["needsConfirmation"] and annotation["label"] == "Refactor by acme/large (simulated): Renamed a"
    kinds = [report["value"]["kind"] for report in ready.told("$/progress")]
    assert kinds == ["begin", "report", "end"] and len(ready.told("window/workDoneProgress/create")) == 1


async def test_simple_editors_get_simple_edits(editor: Editor) -> None:
    await editor.initialize({"workspace": {"applyEdit": True}})
    editor.open(CODE)
    editor.app.tasks.rewrite = rewrite(0, 3, "DEF")
    editor.answer = lambda method, params: {"applied": True}
    await editor.wait(editor.command("codriver.refactor", URI, span((0, 0), (0, 3)), "shout"))
    (asked,) = editor.told("workspace/applyEdit")
    assert asked["edit"] == {"changes": {URI: [{"range": span((0, 0), (0, 3)), "newText": "DEF"}]}}
    assert editor.told("$/progress") == [] and editor.app.tasks.seen[0][1] == "shout"


async def test_a_refactor_of_a_text_that_changed_is_refused(ready: Editor) -> None:
    ready.open(CODE)
    ready.app.tasks.rewrite = rewrite(0, 3, "DEF")
    ready.app.tasks.gate.clear()
    identity = ready.command("codriver.refactor", URI, span((0, 0), (0, 3)))
    await ready.until(lambda: ready.app.tasks.seen)
    ready.change(2, change((0, 0), (0, 0), "x"))
    await ready.request("textDocument/codeLens", {"textDocument": {"uri": URI}})
    ready.app.tasks.gate.set()
    with pytest.raises(Failed, match=r"a\.py changed") as failed:
        await ready.wait(identity)
    assert failed.value.code == -32801 and ready.told("workspace/applyEdit") == []


async def test_two_commands_under_one_token_both_end(ready: Editor) -> None:
    ready.open(CODE)
    ready.app.tasks.findings = findings()
    ready.app.tasks.gate.clear()
    both = [ready.command("codriver.review", URI, workDoneToken="same") for _ in range(2)]
    ready.app.tasks.gate.set()
    assert [(await ready.wait(identity))["findings"] for identity in both] == [0, 0]


async def test_the_editors_own_token_carries_the_progress_and_its_cancel(ready: Editor) -> None:
    ready.open(CODE)
    ready.app.tasks.gate.clear()
    identity = ready.command("codriver.refactor", URI, span((0, 0), (0, 3)), workDoneToken="mine")
    await ready.until(lambda: ready.told("$/progress"))
    assert ready.told("window/workDoneProgress/create") == []
    ready.notify("window/workDoneProgress/cancel", {"token": "mine"})
    with pytest.raises(Failed) as failed:
        await ready.wait(identity)
    assert failed.value.code == -32800 and ready.app.tasks.cancelled == 1
    assert ready.told("$/progress")[-1] == {"token": "mine", "value": {"kind": "end"}}


@pytest.mark.parametrize(
    ("answer", "words"),
    [({"applied": False, "failureReason": "read-only"}, "read-only"), ({"applied": False}, "no reason")],
)
async def test_an_edit_the_editor_refuses_is_an_error(ready: Editor, answer: dict[str, Any], words: str) -> None:
    ready.open(CODE)
    ready.app.tasks.rewrite = rewrite(0, 3, "DEF")
    ready.answer = lambda method, params: answer if method == "workspace/applyEdit" else None
    with pytest.raises(Failed, match=words):
        await ready.wait(ready.command("codriver.refactor", URI, span((0, 0), (0, 3))))


async def test_a_refactor_of_nothing_says_what_to_do(ready: Editor) -> None:
    ready.open(CODE)
    with pytest.raises(Failed, match="Select the code"):
        await ready.wait(ready.command("codriver.refactor", {"uri": URI, "range": span((3, 0), (3, 0))}))


# Review.


async def test_findings_become_diagnostics_with_fixes_that_follow_the_text(ready: Editor) -> None:
    ready.open(CODE)
    ready.app.tasks.findings = findings(
        finding(2, 2, 21, 22, fix="return a + 1", severity="error"), finding(4, 4, 24, 29)
    )
    done = await ready.wait(ready.command("codriver.review", {"uri": URI}))
    items = done.pop("items")
    by = {"model": "acme/large", "simulated": False, "cost": 0.02, "decision": "d1"}
    assert done == {"findings": 2, "dropped": 0, **by}
    assert items[0]["range"] == span((1, 11), (1, 12)) and items[0]["severity"] == "error"
    assert items[0]["fix"] == {"range": span((1, 4), (1, 12)), "newText": "return a + 1"} and "fix" not in items[1]
    (shown,) = ready.told("textDocument/publishDiagnostics")
    assert [(d["range"], d["severity"], d["source"]) for d in shown["diagnostics"]] == [
        (span((1, 11), (1, 12)), 1, "codriver"),
        (span((3, 0), (3, 5)), 2, "codriver"),
    ]
    assert shown["version"] == 1 and "exclusive" in shown["diagnostics"][0]["message"]
    ready.change(2, change((0, 0), (0, 0), "# new\n"))
    (fix,) = await actions(ready, span((2, 6), (2, 6)), ["quickfix"])
    (edit,) = fix["edit"]["documentChanges"]
    assert edit["edits"] == [{"range": span((2, 4), (2, 12)), "newText": "return a + 1"}]
    assert edit["textDocument"]["version"] == 2
    ready.change(3, change((2, 5), (2, 6), "X"))
    assert await actions(ready, span((2, 6), (2, 6)), ["quickfix"]) == [], "its text has changed"


@pytest.mark.parametrize("how", ["command", "all", "close"])
async def test_findings_go_away(ready: Editor, how: str) -> None:
    ready.open(CODE)
    ready.app.tasks.findings = findings(finding(2, 2, 15, 22, fix="pass"))
    await ready.wait(ready.command("codriver.review", URI))
    if how == "close":
        ready.notify("textDocument/didClose", {"textDocument": {"uri": URI}})
    else:
        await ready.wait(ready.command("codriver.clearReview", *([URI] if how == "command" else [])))
    await ready.until(lambda: len(ready.told("textDocument/publishDiagnostics")) == 2)
    assert ready.told("textDocument/publishDiagnostics")[-1] == {"uri": URI, "diagnostics": []}


async def test_a_finding_behind_the_end_is_clamped(ready: Editor) -> None:
    ready.open("a\nb")
    ready.app.tasks.findings = findings(finding(0, 99, 0, 99), finding(50, 60, 90, 99))
    await ready.wait(ready.command("codriver.review", URI))
    ((first, second),) = [shown["diagnostics"] for shown in ready.told("textDocument/publishDiagnostics")]
    assert first["range"] == span((0, 0), (1, 1)) and second["range"] == span((1, 1), (1, 1))


# Lenses, hovers, explanations.


async def test_lenses_stand_above_hard_functions_and_name_the_model_when_resolved(ready: Editor) -> None:
    ready.open(CODE)
    ready.app.analyst.known = (function("f", 0, 22), function("g", 24, 29, line=4, cyclomatic=1, cognitive=0))
    (lens,) = await ready.request("textDocument/codeLens", {"textDocument": {"uri": URI}})
    assert ready.app.router.asked == [], "nobody decides for lenses nobody sees"
    resolved = await ready.request("codeLens/resolve", lens)
    assert "cognitive 21" in resolved["command"]["title"] and "acme/large" in resolved["command"]["title"]
    assert resolved["command"]["arguments"] == [{"uri": URI, "range": span((0, 0), (1, 12))}]
    ready.app.router.routable = False
    assert "acme" not in (await ready.request("codeLens/resolve", lens))["command"]["title"]


async def test_a_hover_on_the_first_line_explains(ready: Editor) -> None:
    ready.open(CODE)
    ready.app.analyst.known = (function("f", 0, 22),)
    params = {"textDocument": {"uri": URI}, "position": position(0, 5)}
    text = (await ready.request("textDocument/hover", params))["contents"]["value"]
    assert "complexity 9" in text and "acme/large" in text and "window is too small" in text
    assert "not other/a and 1 more: OTHER_KEY is not set" in text
    assert await ready.request("textDocument/hover", params | {"position": position(1, 5)}) is None
    ready.app.router.routable = False
    assert "No model may answer" in (await ready.request("textDocument/hover", params))["contents"]["value"]


async def test_the_last_decision_comes_as_json(ready: Editor) -> None:
    told = await ready.wait(ready.command("codriver.explainLast"))
    assert told["model"] == "acme/large" and told["decision"]["reasons"] == ["cognitive complexity 21"]
    assert told["decision"]["candidates"][0]["reason"] == "hard code" and ready.notes == []
    await ready.wait(ready.command("codriver.explainLast", {"show": True}))
    assert "acme/large" in ready.told("window/showMessage")[0]["message"]
    ready.app.router.outcome = None
    assert await ready.wait(ready.command("codriver.explainLast")) is None


async def test_status(ready: Editor) -> None:
    ready.open(CODE)
    told = await ready.wait(ready.command("codriver.status"))
    assert (
        told["version"] == "1.2.3"
        and told["documents"] == [{"uri": URI, "version": 1, "bytes": len(CODE)}]
        and told["model"] == "acme/large"
    )


async def test_status_tells_todays_sums_and_where_agents_and_the_dashboard_go(ready: Editor) -> None:
    told = await ready.wait(ready.command("codriver.status"))
    assert (told["cost_today"], told["strategy"], told["http"]) == (1.25, "cost", "http://127.0.0.1:5")
    assert "saved_today" not in told, "what has to be read is read only for who asks"
    assert (await ready.wait(ready.command("codriver.status", {"sums": True})))["saved_today"] == 0.5
    assert await ready.wait(ready.command("codriver.dashboard")) == {"url": "http://127.0.0.1:5/dashboard#code"}


@pytest.mark.parametrize(
    ("options", "handed"),
    [
        ({"keys": {"acme": "k", "odd": 3}, "editor": "x"}, {"acme": "k"}),
        ({"keys": ["acme"]}, {}),
        ("keys", {}),
        (None, {}),
    ],
)
async def test_keys_out_of_an_editors_safe_are_handed_on_at_once(editor: Editor, options: Any, handed: Any) -> None:
    await editor.initialize(CAPABILITIES, initializationOptions=options)
    assert editor.app.handed == handed


async def test_the_innermost_workspace_folder_is_the_root(editor: Editor) -> None:
    folders = [{"uri": "file:///w", "name": "w"}, {"uri": "file:///w/sub%20one/", "name": "s"}]
    await editor.initialize(CAPABILITIES, workspaceFolders=folders)
    editor.open("a")
    editor.open("b", uri="file:///w/sub%20one/b.py")
    editor.open("c", uri="untitled:c")
    await editor.request("textDocument/codeLens", {"textDocument": {"uri": URI}})
    roots = [snapshot.root for snapshot in editor.app.analyst.snapshots.values()]
    assert roots == ["/w", "/w/sub one", ""]


async def test_the_workspace_hears_of_folders_saved_files_and_watched_ones(editor: Editor) -> None:
    folders = [{"uri": uri, "name": "w"} for uri in ("file:///w", "vsls:/x")]
    await editor.initialize(CAPABILITIES, workspaceFolders=folders)
    editor.notify("textDocument/didSave", {"textDocument": {"uri": "file:///w/a%20b/go.mod"}})
    editor.notify("textDocument/didSave", {"textDocument": {"uri": "untitled:x"}})
    changes = [{"uri": f"file:///w/{name}", "type": 1} for name in ("package.json", "uv.lock")]
    editor.notify("workspace/didChangeWatchedFiles", {"changes": changes})
    event = {"added": [{"uri": "file:///v/", "name": "v"}], "removed": [{"uri": "file:///w", "name": "w"}]}
    editor.notify("workspace/didChangeWorkspaceFolders", {"event": event})
    editor.open(CODE)
    await editor.request("textDocument/codeLens", {"textDocument": {"uri": URI}})
    assert editor.app.workspace.told == [
        ("opened", "/w"),
        ("changed", "/w/a b/go.mod"),
        ("changed", "/w/package.json"),
        ("changed", "/w/uv.lock"),
        ("closed", "/w"),
        ("opened", "/v"),
    ]


@pytest.mark.parametrize("answer", [None, ...], ids=["granted", "silent"])
async def test_an_editor_that_can_watch_is_asked_to_watch_manifests(editor: Editor, answer: Any) -> None:
    editor.answer = lambda method, params: answer
    watching = {**CAPABILITIES["workspace"], "didChangeWatchedFiles": {"dynamicRegistration": True}}
    await editor.initialize({**CAPABILITIES, "workspace": watching})
    await editor.until(lambda: editor.told("client/registerCapability"))
    (told,) = editor.told("client/registerCapability")
    (registration,) = told["registrations"]
    assert registration["method"] == "workspace/didChangeWatchedFiles"
    globs = {watcher["globPattern"] for watcher in registration["registerOptions"]["watchers"]}
    assert {"**/package.json", "**/uv.lock", "**/*requirements*.txt", "**/libs.versions.toml"} <= globs
    await editor.leave()


async def test_an_editor_that_cannot_watch_is_not_asked(ready: Editor) -> None:
    ready.open(CODE)
    await ready.request("textDocument/codeLens", {"textDocument": {"uri": URI}})
    assert not ready.told("client/registerCapability")


async def test_the_completer_is_told_what_every_change_came_to(ready: Editor) -> None:
    ready.open("é = 1\nsecond = 2\n")
    ready.change(2, change((0, 1), (0, 1), "x"), change((1, 0), (1, 10), "second = 3"))
    ready.change(3, {"text": "éx = 1\nsecond = 34\n"})
    ready.notify("textDocument/didClose", {"textDocument": {"uri": URI}})
    await ready.leave()
    changes = [Change(2, b"", b"x"), Change(17, b"2", b"3"), Change(18, b"", b"4")]
    told = [("opened", URI), *(("changed", URI, one) for one in changes), ("closed", URI), ("left",)]
    assert ready.app.tasks.followed == told


async def test_the_entry_chosen_in_the_menu_goes_along(ready: Editor) -> None:
    ready.open("x = va\n")
    info = {"range": span((0, 4), (0, 6)), "text": "value"}
    context = {"triggerKind": 2, "selectedCompletionInfo": info}
    params = {"textDocument": {"uri": URI}, "position": position(0, 6), "context": context}
    await ready.request("textDocument/inlineCompletion", params)
    assert ready.app.tasks.picked == Picked(4, 6, "value")


async def test_the_edit_just_made_is_an_action_where_it_is_likely_to_be_repeated(ready: Editor) -> None:
    ready.open("first = 1\nprint(second)\n")
    ready.app.tasks.edits = [suggestion("first", 16, 22, label="Same change on line 2", decision="d7")]
    params = {"textDocument": {"uri": URI}, "range": span((0, 5), (0, 5)), "context": {"diagnostics": []}}
    found = await ready.request("textDocument/codeAction", params)
    (action,) = [one for one in found if "Same change" in one["title"]]
    (edit,) = action["edit"]["documentChanges"][0]["edits"]
    assert (edit["range"], edit["newText"]) == (span((1, 6), (1, 12)), "first")
    await ready.wait(ready.command(action["command"]["command"], *action["command"]["arguments"]))
    assert ready.app.tasks.fates == [("d7", "accepted")]
