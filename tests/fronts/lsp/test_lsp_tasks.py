"""Commands of tasks: edits that land beside what is typed meanwhile, words, reviews of changes, commit messages."""

from __future__ import annotations

import subprocess
from pathlib import Path
from typing import Any

import pytest
from lsp_client import CAPABILITIES, Failed, change, position
from played_app import URI, Editor, findings, function

from codriver.model.request import Snapshot
from codriver.tasks.asking import Answered
from codriver.tasks.commit import Message
from codriver.tasks.explain import Explanation
from codriver.tasks.findings import Finding
from codriver.tasks.merging import Patch
from codriver.tasks.naming import Name, Names
from codriver.tasks.refactor import Rewrite
from codriver.tasks.testing import Written

BY = Answered("acme/large", True, 0.01, "d1")
TOLD = {"model": "acme/large", "simulated": True, "cost": 0.01, "decision": "d1"}
CODE = "import os\n\ndef f(a):\n    b = a\n    return b\n\nx = 1\n"
F = (11, 43)
"""The bytes of f."""
NEW = "def f(a):\n    return a"


def span(start: tuple[int, int], end: tuple[int, int]) -> dict[str, Any]:
    return {"start": position(*start), "end": position(*end)}


def rewrite(text: str = NEW, *also: Patch) -> Rewrite:
    return Rewrite(*F, text, "acme/large", True, 0.01, "d1", "shorter", also)


def texts(asked: dict[str, Any]) -> list[tuple[Any, str]]:
    """The ranges and texts of an edit."""
    return [(edit["range"], edit["newText"]) for edit in asked["edit"]["documentChanges"][0]["edits"]]


async def started(editor: Editor, name: str = "codriver.refactor", **more: Any) -> int:
    """A command about f that waits for its model."""
    editor.open(CODE)
    editor.app.analyst.known = (function("f", *F),)
    editor.answer = lambda method, params: {"applied": True} if method == "workspace/applyEdit" else None
    editor.app.tasks.rewrite = editor.app.tasks.rewrite or rewrite()
    editor.app.tasks.gate.clear()
    identity = editor.command(name, {"uri": URI, "range": span((3, 4), (3, 4)), **more})
    while not editor.app.tasks.seen:
        await editor.request("textDocument/codeLens", {"textDocument": {"uri": URI}})
    return identity


async def answered(editor: Editor, identity: int) -> dict[str, Any]:
    """Lets the model answer once all changes have been read."""
    await editor.request("textDocument/codeLens", {"textDocument": {"uri": URI}})
    editor.app.tasks.gate.set()
    return dict(await editor.wait(identity))


@pytest.fixture
def whole(ready: Editor) -> Editor:
    """With the analyst's real reading of snapshots."""
    from codriver.analyst import Analyst

    ready.app.analyst.buffer = Analyst().buffer
    return ready


@pytest.mark.parametrize(
    ("changes", "where", "text"),
    [
        pytest.param([], span((2, 0), (4, 12)), NEW, id="nothing"),
        pytest.param([change((0, 0), (0, 0), "# new\n")], span((3, 0), (5, 12)), NEW, id="above"),
        pytest.param([change((6, 0), (6, 5), "y = 2")], span((2, 0), (4, 12)), NEW, id="below"),
        pytest.param(
            [change((0, 0), (0, 0), "# 1\n# 2\n"), change((8, 0), (8, 0), "z"), change((0, 0), (1, 0), "")],
            span((3, 0), (5, 12)),
            NEW,
            id="both, one after the other",
        ),
        pytest.param([{"text": CODE.replace("x = 1", "x = 1\ny = 2")}], span((2, 0), (4, 12)), NEW, id="the whole text"),
    ],
)  # fmt: skip
async def test_an_edit_lands_beside_what_was_typed_meanwhile(
    whole: Editor, changes: list[Any], where: Any, text: str
) -> None:
    identity = await started(whole)
    for number, one in enumerate(changes):
        whole.change(2 + number, one)
    done = await answered(whole, identity)
    (asked,) = whole.told("workspace/applyEdit")
    assert texts(asked) == [(where, text)] and done["merged"] is bool(changes)
    assert asked["edit"]["documentChanges"][0]["textDocument"]["version"] == 1 + len(changes)
    assert {**TOLD, "applied": True, "summary": "shorter"}.items() <= done.items()


async def test_both_changes_of_a_function_are_kept_where_they_are_apart(whole: Editor) -> None:
    longer = CODE.replace("    return b\n", "    c = 1\n    d = 2\n    return b\n")
    whole.app.tasks.rewrite = Rewrite(
        11, 63, "def f(a):\n    b = a + 1\n    c = 1\n    d = 2\n    return b", **TOLD, summary=""
    )
    whole.open(longer)
    whole.app.analyst.known = (function("f", 11, 63),)
    whole.answer = lambda method, params: {"applied": True}
    whole.app.tasks.gate.clear()
    identity = whole.command("codriver.refactor", {"uri": URI, "range": span((3, 4), (3, 4))})
    await whole.until(lambda: whole.app.tasks.seen)
    whole.change(2, change((6, 4), (6, 12), "return b, d"))
    done = await answered(whole, identity)
    (asked,) = whole.told("workspace/applyEdit")
    wanted = "def f(a):\n    b = a + 1\n    c = 1\n    d = 2\n    return b, d"
    assert texts(asked) == [(span((2, 0), (6, 15)), wanted)] and done["merged"]


@pytest.mark.parametrize(
    "changes",
    [
        pytest.param([change((3, 4), (3, 9), "b = 7")], id="the same line"),
        pytest.param([change((2, 0), (5, 0), "")], id="the function is gone"),
        pytest.param([{"text": "nothing\n"}], id="another text"),
    ],
)
async def test_an_edit_of_what_was_changed_meanwhile_is_dropped_with_a_reason(whole: Editor, changes: Any) -> None:
    identity = await started(whole)
    whole.change(2, *changes)
    with pytest.raises(Failed, match="changed meanwhile") as failed:
        await answered(whole, identity)
    assert failed.value.code == -32801 and whole.told("workspace/applyEdit") == []


@pytest.mark.parametrize("again", [False, True], ids=["closed", "opened anew"])
async def test_an_edit_of_a_document_that_is_gone_is_dropped(whole: Editor, again: bool) -> None:
    identity = await started(whole)
    whole.notify("textDocument/didClose", {"textDocument": {"uri": URI}})
    if again:
        whole.open(CODE)
    whole.app.tasks.gate.set()
    with pytest.raises(Failed, match="closed or opened anew"):
        await whole.wait(identity)
    assert whole.told("workspace/applyEdit") == []


async def test_an_edit_that_came_too_late_for_the_editor_is_made_for_its_next_version(editor: Editor) -> None:
    from codriver.analyst import Analyst

    plain = {"workspace": {"applyEdit": True, "workspaceEdit": {"documentChanges": True}}}
    await editor.initialize(plain)
    editor.app.analyst.buffer = Analyst().buffer
    identity = await started(editor)
    answers = [{"applied": False}, {"applied": True}]

    def refuse_once(method: str, params: Any) -> Any:
        if len(answers) == 2:
            editor.change(2, change((0, 0), (0, 0), "# new\n"))
        return answers.pop(0)

    editor.answer = refuse_once
    done = await answered(editor, identity)
    first, second = editor.told("workspace/applyEdit")
    assert [texts(asked)[0][0] for asked in (first, second)] == [span((2, 0), (4, 12)), span((3, 0), (5, 12))]
    assert done["merged"] and done["applied"]


async def test_an_import_goes_to_the_head_with_the_edit(whole: Editor) -> None:
    whole.app.tasks.rewrite = rewrite(NEW, Patch(10, 10, "import re\n"))
    identity = await started(whole)
    whole.change(2, change((6, 0), (6, 0), "# typed\n"))
    await answered(whole, identity)
    (asked,) = whole.told("workspace/applyEdit")
    assert texts(asked) == [(span((2, 0), (4, 12)), NEW), (span((1, 0), (1, 0)), "import re\n")]


@pytest.mark.parametrize(
    ("name", "more", "wish"),
    [
        ("codriver.document", {}, "document"),
        ("codriver.fix", {"diagnostics": ["b is silly"]}, ["b is silly"]),
        (
            "codriver.fix",
            {"diagnostics": [{"range": span((3, 4), (3, 5)), "message": "silly", "source": "ruff"}]},
            ["ruff: silly (line 4)"],
        ),
    ],
)
async def test_documenting_and_fixing_are_edits_too(whole: Editor, name: str, more: Any, wish: Any) -> None:
    done = await answered(whole, await started(whole, name, **more))
    ((snapshot, told),) = whole.app.tasks.seen
    assert told == wish and isinstance(snapshot, Snapshot) and done["applied"]


async def test_a_preview_is_handed_out_and_not_applied(whole: Editor) -> None:
    done = await answered(whole, await started(whole, preview=True))
    assert not done["applied"] and whole.told("workspace/applyEdit") == []
    (edit,) = done["edit"]["documentChanges"][0]["edits"]
    assert (edit["range"], edit["newText"]) == (span((2, 0), (4, 12)), NEW)


async def test_a_fix_of_what_the_review_found_needs_no_diagnostics(whole: Editor) -> None:
    whole.open(CODE)
    whole.app.tasks.findings = findings(Finding(25, 30, 4, 4, "error", "b is silly", "So it is."))
    await whole.wait(whole.command("codriver.review", URI))
    whole.app.tasks.rewrite = rewrite()
    whole.answer = lambda method, params: {"applied": True}
    await whole.wait(whole.command("codriver.fix", URI, span((3, 4), (3, 4))))
    assert whole.app.tasks.seen[-1][1] == ["b is silly\nSo it is."]
    with pytest.raises(Failed, match="nobody complains"):
        await whole.wait(whole.command("codriver.fix", URI, span((6, 0), (6, 0))))


# Tests.

CREATES = {
    "workspace": {"applyEdit": True, "workspaceEdit": {"documentChanges": True, "resourceOperations": ["create"]}}
}


@pytest.mark.parametrize("preview", [False, True])
async def test_tests_go_into_a_new_file(editor: Editor, preview: bool) -> None:
    await editor.initialize(CREATES)
    editor.open(CODE)
    editor.open("taken", uri="file:///w/test_a.py")
    editor.app.analyst.known = (function("f", *F),)
    editor.app.tasks.told = Written("/w/test ü.py", "def test_f(): ...\n", BY)
    editor.answer = lambda method, params: {"applied": True}
    done = await editor.wait(
        editor.command("codriver.tests", {"uri": URI, "range": span((3, 4), (3, 4)), "preview": preview})
    )
    assert (
        done["uri"] == "file:///w/test%20%C3%BC.py"
        and done["applied"] is not preview
        and done["text"].startswith("def")
    )
    edit = done["edit"] if preview else editor.told("workspace/applyEdit")[0]["edit"]
    made, filled = edit["documentChanges"]
    assert made == {"kind": "create", "uri": done["uri"]}, "an old file is never overwritten"
    assert filled["edits"] == [{"range": span((0, 0), (0, 0)), "newText": "def test_f(): ...\n"}]
    exists = editor.app.tasks.seen[0][1]
    assert exists("/w/test_a.py") and not exists("/w/test_b.py")


async def test_editors_that_cannot_make_files_get_the_text(editor: Editor) -> None:
    await editor.initialize({"workspace": {"applyEdit": True}})
    editor.open(CODE)
    editor.app.analyst.known = (function("f", *F),)
    editor.app.tasks.told = Written("/w/test_a.py", "def test_f(): ...\n", BY)
    done = await editor.wait(editor.command("codriver.tests", URI, span((3, 4), (3, 4))))
    assert not done["applied"] and done["text"] and editor.told("workspace/applyEdit") == []


# Words.


async def test_an_explanation_is_told_and_shown_where_asked_for(ready: Editor) -> None:
    ready.open(CODE)
    ready.app.tasks.told = Explanation("It is f.", 0, 1, BY)
    assert await ready.wait(ready.command("codriver.explain", URI, None, "why?")) == {**TOLD, "text": "It is f."}
    assert ready.app.tasks.seen[0][1] == "why?" and ready.told("window/showMessage") == []
    await ready.wait(ready.command("codriver.explain", {"uri": URI, "show": True}))
    assert ready.told("window/showMessage") == [{"type": 3, "message": "It is f."}]


async def test_names_come_with_their_place(ready: Editor) -> None:
    ready.open(CODE)
    ready.app.tasks.told = Names("b", 25, 26, (Name("given", "says more"),), BY)
    done = await ready.wait(ready.command("codriver.suggestNames", URI, span((3, 4), (3, 4))))
    assert done == {**TOLD, "old": "b", "range": span((3, 4), (3, 5)), "names": [{"name": "given", "why": "says more"}]}


# Changes that git knows of.


def git(folder: Path, *arguments: str) -> None:
    who = ("-c", "user.name=n", "-c", "user.email=n@example.org", "-c", "commit.gpgsign=false")
    subprocess.run(["git", "-C", str(folder), *who, *arguments], check=True, capture_output=True)


@pytest.fixture
def repository(tmp_path: Path) -> Path:
    git(tmp_path, "init", "-q")
    (tmp_path / "a.py").write_text("one = 1\ntwo = 2\nthree = 3\n")
    git(tmp_path, "add", ".")
    git(tmp_path, "commit", "-qm", "Add numbers")
    (tmp_path / "a.py").write_text("one = 1\ntwo = 22\nthree = 3\n")
    git(tmp_path, "add", ".")
    return tmp_path


@pytest.mark.parametrize(
    ("what", "seen", "base"),
    [
        ("staged", "one = 1\ntwo = 22\nthree = 3\n", "one = 1\ntwo = 2\nthree = 3\n"),
        ("unstaged", "new\none = 1\ntwo = 22\nthree = 3\n", "one = 1\ntwo = 22\nthree = 3\n"),
        ("head", "new\none = 1\ntwo = 22\nthree = 3\n", "one = 1\ntwo = 2\nthree = 3\n"),
    ],
)
async def test_a_review_of_a_change_compares_the_right_texts(
    ready: Editor, repository: Path, what: str, seen: str, base: str
) -> None:
    uri = (repository / "a.py").as_uri()
    ready.open("new\none = 1\ntwo = 22\nthree = 3\n", uri=uri)
    at = seen.index("two")
    line = seen.count("\n", 0, at) + 1
    ready.app.tasks.findings = findings(Finding(at, at + 8, line, line, "error", "wrong"))
    done = await ready.wait(ready.command("codriver.review", {"uri": uri, "diff": what}))
    ((snapshot, before),) = ready.app.tasks.seen
    assert (snapshot.text.decode(), before.decode()) == (seen, base)
    assert [item["range"] for item in done["items"]] == [span((2, 0), (2, 8))], "where it stands in the buffer"


async def test_a_finding_on_a_line_that_was_changed_meanwhile_is_dropped(ready: Editor) -> None:
    ready.open(CODE)
    ready.app.tasks.findings = findings(
        Finding(25, 30, 4, 4, "error", "first"), Finding(44, 49, 7, 7, "error", "second")
    )
    ready.app.tasks.gate.clear()
    identity = ready.command("codriver.review", URI)
    await ready.until(lambda: ready.app.tasks.seen)
    ready.change(2, change((3, 4), (3, 5), "bb"), change((0, 0), (0, 0), "# new\n"))
    done = await answered(ready, identity)
    assert [item["message"] for item in done["items"]] == ["second"] and done["dropped"] == 1
    assert done["items"][0]["range"] == span((7, 0), (7, 5))


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        ({"diff": "yesterday"}, "one of staged"),
        ({"diff": "staged"}, "git: not a git repository"),
    ],
)
async def test_what_cannot_be_compared_is_said(ready: Editor, tmp_path: Path, arguments: Any, words: str) -> None:
    (tmp_path / "a.py").write_text("x")
    uri = (tmp_path / "a.py").as_uri()
    ready.open("x", uri=uri)
    with pytest.raises(Failed, match=words):
        await ready.wait(ready.command("codriver.review", {"uri": uri, **arguments}))


async def test_a_commit_message_is_written_of_what_is_staged(editor: Editor, repository: Path) -> None:
    await editor.initialize(CAPABILITIES, workspaceFolders=[{"uri": repository.as_uri(), "name": "w"}])
    editor.app.tasks.told = Message("Make two twenty-two", BY)
    (repository / "b.py").write_text("not staged\n")
    done = await editor.wait(editor.command("codriver.commitMessage"))
    assert done == {**TOLD, "text": "Make two twenty-two"}
    ((diff, recent),) = editor.app.tasks.diffs
    assert "+two = 22" in diff and "not staged" not in diff and recent == ("Add numbers",)
    with pytest.raises(Failed, match="open in this editor"):
        await editor.wait(editor.command("codriver.commitMessage", "file:///etc"))
