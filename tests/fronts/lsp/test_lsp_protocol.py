"""The connection itself: every request is answered once, nothing that comes in ends it."""

from __future__ import annotations

import random
from typing import Any

import pytest
from lsp_client import Failed, change, position
from played_app import URI, Editor, suggestion

from codriver.fronts.lsp.framing import frame
from codriver.tasks.refactor import Rewrite

INLINE = "textDocument/inlineCompletion"
NOWHERE = {"start": position(0, 0), "end": position(0, 0)}
STALE = {"range": NOWHERE, "data": {"uri": URI}}


def inline(line: int = 0, character: int = 0, kind: int = 2) -> dict[str, Any]:
    return {"textDocument": {"uri": URI}, "position": position(line, character), "context": {"triggerKind": kind}}


@pytest.mark.parametrize(
    ("offered", "chosen"),
    [
        (["utf-16"], "utf-16"),
        (["utf-16", "utf-8"], "utf-8"),
        (["utf-32"], "utf-32"),
        (["utf-32", "utf-16"], "utf-16"),
        (["utf-7"], "utf-16"),
        (None, "utf-16"),
    ],
)
async def test_position_encodings_are_negotiated(editor: Editor, offered: list[str] | None, chosen: str) -> None:
    answer = await editor.initialize({"general": {"positionEncodings": offered}} if offered else {})
    assert answer["capabilities"]["positionEncoding"] == chosen


async def test_what_is_announced_depends_on_what_the_editor_can(editor: Editor) -> None:
    capabilities = (await editor.initialize())["capabilities"]
    assert capabilities["inlineCompletionProvider"] == {} and "completionProvider" not in capabilities
    assert capabilities["textDocumentSync"]["change"] == 2
    assert "codriver.refactor" in capabilities["executeCommandProvider"]["commands"]
    assert "refactor.rewrite" in capabilities["codeActionProvider"]["codeActionKinds"]


async def test_editors_without_inline_completion_get_the_plain_one(editor: Editor) -> None:
    capabilities = (await editor.initialize({}))["capabilities"]
    assert "inlineCompletionProvider" not in capabilities and capabilities["completionProvider"] is not None


async def test_phases(editor: Editor) -> None:
    with pytest.raises(Failed) as early:
        await editor.request("textDocument/hover", {"textDocument": {"uri": URI}, "position": position(0, 0)})
    assert early.value.code == -32002
    await editor.initialize()
    with pytest.raises(Failed) as twice:
        await editor.initialize()
    assert twice.value.code == -32600
    assert await editor.request("shutdown") is None
    with pytest.raises(Failed) as late:
        await editor.request("shutdown")
    assert late.value.code == -32600
    editor.notify("exit")
    await editor.leave()
    assert editor.connection.peer.orderly


@pytest.mark.parametrize(
    ("raw", "code"),
    [
        (b"Content-Length: x\r\n\r\n", -32700),
        (frame(b"{"), -32700),
        (frame(b"[]"), -32600),
        (frame(b'{"id": 7, "method": "x"}'), -32600),
        (frame(b'{"jsonrpc": "2.0", "id": {}, "method": "x"}'), -32600),
        (frame(b"[" * 100_000), -32700),
    ],
)
async def test_what_is_no_message_is_answered_without_an_id(ready: Editor, raw: bytes, code: int) -> None:
    ready.raw(raw)
    with pytest.raises(Failed) as failed:
        await ready.wait(None)
    assert failed.value.code == code
    assert await ready.request("textDocument/codeLens", {"textDocument": {"uri": URI}}) is None


@pytest.mark.parametrize("written", ['"\\ud800x"', '"x", "more": NaN', '"x", "uri2": "\\udc00"'])
async def test_what_strict_json_has_not_is_taken_all_the_same(ready: Editor, written: str) -> None:
    """Editors in JavaScript write half a pair as it is, where a cursor stands in the middle of one."""
    item = f'{{"uri": "file:///odd.py", "languageId": "python", "version": 1, "text": {written}}}'
    body = f'{{"jsonrpc": "2.0", "method": "textDocument/didOpen", "params": {{"textDocument": {item}}}}}'
    ready.raw(frame(body.encode()))
    assert await ready.request("textDocument/codeLens", {"textDocument": {"uri": "file:///odd.py"}}) == []


async def test_a_method_that_is_no_word_is_refused_under_its_id(ready: Editor) -> None:
    ready.send({"id": 7, "method": 3})
    with pytest.raises(Failed) as failed:
        await ready.wait(7)
    assert failed.value.code == -32600


@pytest.mark.parametrize(
    ("method", "params", "code"),
    [
        ("textDocument/nonsense", {}, -32601),
        ("$/nonsense", {"a": [1]}, -32601),
        ("textDocument/hover", {"textDocument": 3}, -32602),
        ("textDocument/hover", [], -32602),
        ("workspace/executeCommand", {"command": "rm"}, -32602),
        ("workspace/executeCommand", {"command": "codriver.refactor", "arguments": [{"uri": "file:///x"}]}, -32803),
    ],
)
async def test_bad_requests_get_their_errors(ready: Editor, method: str, params: Any, code: int) -> None:
    with pytest.raises(Failed) as failed:
        await ready.request(method, params)
    assert failed.value.code == code


async def test_bad_parameters_are_named(ready: Editor) -> None:
    with pytest.raises(Failed, match=r"required field missing @ message\.params\.position"):
        await ready.request("textDocument/hover", {"textDocument": {"uri": URI}})


async def test_what_comes_back_too_deep_is_answered_with_an_error(ready: Editor) -> None:
    deep: dict[str, Any] = {}
    for _ in range(600):
        deep = {"deeper": deep}
    where = {"start": position(0, 0), "end": position(0, 0)}
    with pytest.raises(Failed, match="nested too deeply"):
        await ready.request("codeLens/resolve", {"range": where, "data": deep})
    assert await ready.request("textDocument/codeLens", {"textDocument": {"uri": URI}}) is None


@pytest.mark.parametrize("code", ["x", [], None, {"a": 1}])
async def test_an_editors_odd_error_ends_only_what_asked(ready: Editor, code: Any) -> None:
    ready.app.tasks.rewrite = Rewrite(0, 3, "two", "m", False, 0.0, "d", "", ())
    ready.answer = lambda method, params: ... if method == "workspace/applyEdit" else None
    ready.open("one")
    identity = ready.command("codriver.refactor", URI, {"start": position(0, 0), "end": position(0, 3)})
    await ready.until(lambda: ready.told("workspace/applyEdit"))
    question = next(note["id"] for note in ready.notes if note["method"] == "workspace/applyEdit")
    ready.send({"id": question, "error": {"code": code, "message": "no"}})
    with pytest.raises(Failed, match="no"):
        await ready.wait(identity)
    assert await ready.request("textDocument/codeLens", {"textDocument": {"uri": "file:///other"}}) is None


async def test_an_answer_for_a_repeated_version_with_another_text_is_empty(ready: Editor) -> None:
    tasks = ready.app.tasks
    tasks.suggest = lambda snapshot: [suggestion("one + 1", 0, 3)]
    tasks.gate.clear()
    ready.open("one")
    identity = ready.ask(INLINE, inline(0, 3))
    ready.change(1, change((0, 0), (0, 3), "two"))
    tasks.gate.set()
    assert await ready.wait(identity) == {"items": []}


@pytest.mark.parametrize(
    ("method", "params", "nothing"),
    [
        (INLINE, inline(), None),
        ("textDocument/completion", inline(), None),
        ("textDocument/hover", inline(), None),
        ("textDocument/codeLens", inline(), None),
        ("textDocument/codeAction", inline() | {"range": NOWHERE}, None),
        ("codeLens/resolve", STALE, STALE | {"command": {"title": "changed", "command": ""}}),
    ],
)
async def test_reads_before_the_document_is_open_find_nothing(
    ready: Editor, method: str, params: Any, nothing: Any
) -> None:
    assert await ready.request(method, params | {"context": {"triggerKind": 1, "diagnostics": []}}) == nothing


async def test_bad_notifications_are_survived_in_silence(ready: Editor) -> None:
    for method in ("$/nonsense", "textDocument/didOpen", "textDocument/didChange", "$/cancelRequest"):
        ready.notify(method, {"wrong": True})
    for wrong in ([], {"a": 1}, None):
        ready.notify("$/cancelRequest", {"id": wrong})
        ready.notify("window/workDoneProgress/cancel", {"token": wrong})
    ready.change(3, change((0, 0), (0, 0), "x"), uri="file:///never/opened")
    ready.send({"id": "unknown", "result": 1})
    assert await ready.request("textDocument/codeLens", {"textDocument": {"uri": URI}}) is None
    logged = [note["params"]["message"].split()[1] for note in ready.notes if note["method"] == "window/logMessage"]
    assert sorted(logged) == ["$/cancelRequest", "textDocument/didChange", "textDocument/didOpen"]  # once each
    assert len(logged) == len(ready.notes), "nothing else was said, no box shown"


async def test_text_is_kept_byte_for_byte_and_the_analyst_follows(ready: Editor) -> None:
    ready.open("a\x0cb\u2028😀\r\nc\rd\n")
    ready.change(5, change((0, 6), (0, 6), "!"), change((1, 0), (1, 1), "CC"), change((2, 99), (9, 9), "\nend"))
    ready.notify("textDocument/didClose", {"textDocument": {"uri": URI}})
    await ready.request("textDocument/codeLens", {"textDocument": {"uri": URI}})
    analyst = ready.app.analyst
    assert analyst.told == [("opened", URI), ("changed", URI, 3), ("closed", URI)]
    assert analyst.snapshots[URI].text.decode() == "a\x0cb\u2028😀!\r\nCC\rd\nend"
    assert analyst.snapshots[URI].version == 5
    await ready.leave()
    assert analyst.told[-1] == ("left", 1)


async def test_a_snapshot_is_of_the_moment_the_request_was_read(ready: Editor) -> None:
    ready.open("one")
    identity = ready.ask(INLINE, inline(0, 3))
    ready.change(2, change((0, 3), (0, 3), "x"))
    assert await ready.wait(identity) == {"items": []}, "the buffer has moved on"
    assert [(seen.text, seen.cursor) for seen, _ in ready.app.tasks.seen] == [(b"one", 3)]


async def test_a_newer_request_replaces_the_older(ready: Editor) -> None:
    tasks = ready.app.tasks
    tasks.suggest = lambda snapshot: [suggestion("one + 1", 0, 3)]
    tasks.gate.clear()
    ready.open("one")
    older = ready.ask(INLINE, inline(0, 3))
    newer = ready.ask(INLINE, inline(0, 3, kind=1))
    assert await ready.wait(older) == {"items": []}
    tasks.gate.set()
    assert len((await ready.wait(newer))["items"]) == 1
    assert [explicit for _, explicit in tasks.seen][-1] is True


@pytest.mark.parametrize(("kind", "explicit"), [(0, True), (1, True), (2, False), (7, False), ("x", False)])
async def test_trigger_kinds_of_drafts_are_read_too(ready: Editor, kind: Any, explicit: bool) -> None:
    ready.open("one")
    await ready.request(INLINE, inline(0, 3, kind=kind))
    assert [seen for _, seen in ready.app.tasks.seen] == [explicit]


async def test_cancelling_reaches_the_task(ready: Editor) -> None:
    ready.app.tasks.gate.clear()
    ready.open("one")
    identity = ready.ask(INLINE, inline())
    await ready.request("textDocument/codeLens", {"textDocument": {"uri": URI}})
    ready.notify("$/cancelRequest", {"id": identity})
    with pytest.raises(Failed) as failed:
        await ready.wait(identity)
    assert failed.value.code == -32800 and ready.app.tasks.cancelled == 1


async def test_leaving_cancels_what_runs(ready: Editor) -> None:
    ready.app.tasks.gate.clear()
    ready.open("one")
    ready.ask(INLINE, inline())
    await ready.request("textDocument/codeLens", {"textDocument": {"uri": URI}})
    await ready.leave()
    assert ready.app.tasks.cancelled == 1


async def test_an_unforeseen_error_is_answered_without_the_code_in_it(ready: Editor) -> None:
    ready.app.tasks.failure = RuntimeError("secret code")
    ready.open("one")
    with pytest.raises(Failed, match="RuntimeError") as failed:
        await ready.request(INLINE, inline())
    assert failed.value.code == -32603 and "secret" not in str(failed.value)


@pytest.mark.parametrize("seed", range(5))
async def test_as_many_answers_as_requests_whatever_is_cancelled(ready: Editor, seed: int) -> None:
    dice = random.Random(seed)
    ready.app.tasks.gate.clear()
    ready.open("one two three")
    asked = []
    for n in range(150):
        method = dice.choice([INLINE, INLINE, "textDocument/codeLens", "no/such", "textDocument/hover"])
        asked.append(ready.ask(method, inline(0, dice.randrange(14))))
        if dice.random() < 0.3:
            ready.notify("$/cancelRequest", {"id": dice.choice(asked)})
        if dice.random() < 0.2:
            ready.change(n + 2, change((0, 0), (0, 1), "x"))
    ready.app.tasks.gate.set()
    await ready.until(lambda: all(identity in ready.answers for identity in asked))
    assert not ready.connection.peer._answers and not ready.connection.peer._request_futures
