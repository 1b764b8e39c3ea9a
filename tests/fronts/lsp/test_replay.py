"""What a forwarder remembers, and what it tells the next daemon and the editor."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from codriver.fronts.lsp.framing import Frames
from codriver.fronts.lsp.replay import Memory
from codriver.syntax.text import Text

URI = "file:///a.py"


def contents(frames: list[bytes]) -> list[dict[str, Any]]:
    return [json.loads(body) for body in Frames().feed(b"".join(frames)) if isinstance(body, bytes)]


def hear(memory: Memory, *, linked: bool = True, **content: Any) -> bool:
    return memory.heard(json.dumps(content).encode(), content, linked=linked)


def opened(memory: Memory, text: str, encoding: str = "utf-16") -> None:
    hear(memory, id=1, method="initialize", params={"processId": 7})
    memory.said({"id": 1, "result": {"capabilities": {"positionEncoding": encoding}}})
    hear(memory, method="initialized", params={})
    item = {"uri": URI, "languageId": "python", "version": 1, "text": text}
    hear(memory, method="textDocument/didOpen", params={"textDocument": item})


def edit(memory: Memory, version: int, *changes: dict[str, Any]) -> None:
    params = {"textDocument": {"uri": URI, "version": version}, "contentChanges": list(changes)}
    hear(memory, method="textDocument/didChange", params=params)


def ranged(start: tuple[int, int], end: tuple[int, int], text: str) -> dict[str, Any]:
    (sl, sc), (el, ec) = start, end
    return {"range": {"start": {"line": sl, "character": sc}, "end": {"line": el, "character": ec}}, "text": text}


def documents(memory: Memory) -> list[dict[str, Any]]:
    return [c["params"]["textDocument"] for c in contents(memory.replay()) if c["method"] == "textDocument/didOpen"]


@pytest.mark.parametrize(
    ("encoding", "character", "expected"),
    [("utf-16", 3, "😀x!y"), ("utf-8", 5, "😀x!y"), ("utf-32", 2, "😀x!y")],
)
def test_documents_are_replayed_as_they_stand_in_the_editors_units(
    encoding: str, character: int, expected: str
) -> None:
    memory = Memory()
    opened(memory, "😀xy", encoding)
    edit(memory, 2, ranged((0, character), (0, character), "!"))
    assert documents(memory) == [{"uri": URI, "languageId": "python", "version": 2, "text": expected}]


@settings(max_examples=60)
@given(
    st.text(alphabet="ab😀é\r\n", max_size=30),
    st.lists(st.tuples(*[st.integers(0, 6)] * 4, st.text(alphabet="x😀\r\n", max_size=4)), max_size=8),
    st.booleans(),
)
def test_folding_late_or_early_gives_the_same_text(
    text: str, edits: list[tuple[int, int, int, int, str]], peek: bool
) -> None:
    memory, reference = Memory(), Text(text)
    opened(memory, text)
    for version, (sl, sc, el, ec, new) in enumerate(edits, 2):
        edit(memory, version, ranged((sl, sc), (el, ec), new))
        reference.apply(((sl, sc), (el, ec)), new, "utf-16")
        if peek:
            memory.replay()
    assert documents(memory)[0]["text"].encode() == reference.data


def test_a_whole_new_text_forgets_what_was_before() -> None:
    memory = Memory()
    opened(memory, "old")
    edit(memory, 2, ranged((0, 0), (0, 1), "x"), {"text": "new"}, ranged((0, 3), (0, 3), "er"))
    assert documents(memory)[0]["text"] == "newer"


def test_thousands_of_keystrokes_fold_on_the_way() -> None:
    memory = Memory()
    opened(memory, "")
    for n in range(2500):
        edit(memory, n + 2, ranged((0, n), (0, n), "x"))
    assert documents(memory)[0]["text"] == "x" * 2500


def test_a_replay_introduces_the_editor_and_its_answer_is_swallowed() -> None:
    memory = Memory()
    opened(memory, "")
    hear(memory, method="workspace/didChangeConfiguration", params={"settings": 1})
    hear(memory, method="workspace/didChangeConfiguration", params={"settings": 2})
    memory.lost()
    replayed = contents(memory.replay())
    methods = [content["method"] for content in replayed]
    assert methods == ["initialize", "initialized", "workspace/didChangeConfiguration", "textDocument/didOpen"]
    assert replayed[0]["params"] == {"processId": 7} and replayed[2]["params"] == {"settings": 2}
    assert not memory.said({"id": replayed[0]["id"], "result": {"capabilities": {}}})


def test_an_unanswered_initialize_is_asked_again_under_its_own_id() -> None:
    memory = Memory()
    hear(memory, id="first", method="initialize", params={})
    assert memory.lost() == []
    assert [content["id"] for content in contents(memory.replay())] == ["first"]
    assert memory.said({"id": "first", "result": {"capabilities": {}}})


def test_reads_are_asked_again_and_the_rest_is_answered_with_an_error() -> None:
    memory = Memory()
    opened(memory, "")
    hear(memory, id=2, method="textDocument/inlineCompletion", params={})
    hear(memory, id=3, method="workspace/executeCommand", params={})
    (told,) = contents(memory.lost())
    assert told["id"] == 3 and told["error"]["code"] == -32802
    assert [c["id"] for c in contents(memory.replay()) if "Completion" in c["method"]] == [2]
    assert memory.said({"id": 2, "result": None})
    assert not memory.said({"id": 2, "result": None}), "an answer passes once"


def test_what_is_asked_while_nobody_is_there_waits_even_if_it_changes_things() -> None:
    memory = Memory()
    opened(memory, "")
    memory.lost()
    hear(memory, linked=False, id=4, method="workspace/executeCommand", params={})
    assert contents(memory.replay())[-1]["id"] == 4


def test_a_request_cancelled_before_anybody_saw_it_is_answered_here() -> None:
    memory = Memory()
    opened(memory, "")
    hear(memory, linked=False, id=5, method="textDocument/hover", params={})
    answer = memory.cancelled({"params": {"id": 5}})
    assert answer is not None and contents([answer])[0]["error"]["code"] == -32800
    assert all(content.get("id") != 5 for content in contents(memory.replay()))


def test_answers_to_a_dead_daemons_questions_go_nowhere() -> None:
    memory = Memory()
    assert memory.said({"id": "q", "method": "workspace/applyEdit", "params": {}})
    memory.lost()
    assert not hear(memory, id="q", result={"applied": True})


def test_reports_of_a_dead_daemon_are_ended() -> None:
    memory = Memory()
    memory.said({"method": "$/progress", "params": {"token": "t", "value": {"kind": "begin"}}})
    memory.said({"method": "$/progress", "params": {"token": "u", "value": {"kind": "begin"}}})
    memory.said({"method": "$/progress", "params": {"token": "u", "value": {"kind": "end"}}})
    (ended,) = contents(memory.lost())
    assert ended["params"] == {"token": "t", "value": {"kind": "end"}}


def test_shutdown_is_answered_even_if_the_daemon_is_gone() -> None:
    memory = Memory()
    hear(memory, id=9, method="shutdown")
    assert contents(memory.lost()) == [{"jsonrpc": "2.0", "id": 9, "result": None}]
    assert memory.shut_down


def whole(**more: Any) -> dict[str, Any]:
    return {"textDocument": {"uri": URI, "version": 9}, **more}


@pytest.mark.parametrize(
    ("method", "params"),
    [
        ("didOpen", whole()),
        ("didOpen", {"textDocument": {"uri": 5, "text": ""}}),
        ("didOpen", [1]),
        ("didChange", whole(contentChanges=None)),
        ("didChange", whole(contentChanges=[{"text": "x"}, {"text": 5}])),
        ("didChange", whole(contentChanges=[{"text": "x"}, 5])),
        ("didChange", whole(contentChanges=[ranged((0, 0), (0, 1), "x") | {"text": None}])),
        ("didChange", whole(contentChanges=[{"range": None, "text": "x"}])),
        ("didChange", whole(contentChanges=[{"range": {"start": {"line": "0", "character": 0}}, "text": "x"}])),
        ("didChange", whole(contentChanges=[ranged((0, 0), (0, 1.5), "x")])),
        ("didChange", whole(contentChanges=[ranged((0, 0), (0, float("inf")), "x")])),
    ],
)
def test_a_daemon_never_hears_of_a_document_what_this_memory_cannot_hold(method: str, params: Any) -> None:
    memory = Memory()
    opened(memory, "kept")
    assert not hear(memory, method=f"textDocument/{method}", params=params)
    assert documents(memory) == [{"uri": URI, "languageId": "python", "version": 1, "text": "kept"}]


def test_positions_may_be_whole_floats_as_some_editors_write_them() -> None:
    memory = Memory()
    opened(memory, "kept")
    edit(memory, 2, ranged((0.0, 1.0), (0.0, 4.0), "it"))
    assert documents(memory)[0]["text"] == "kit"


def test_a_refused_second_initialize_does_not_change_the_units() -> None:
    memory = Memory()
    opened(memory, "😀xy", "utf-8")
    hear(memory, id=2, method="initialize", params={})
    assert memory.said({"id": 2, "error": {"code": -32600, "message": "twice"}})
    edit(memory, 2, ranged((0, 5), (0, 5), "!"))
    assert documents(memory)[0]["text"] == "😀x!y"


@pytest.mark.parametrize("params", [None, 5, [1], {}, {"id": []}, {"id": {}}, {"id": 77}])
def test_a_cancel_of_nothing_is_nothing(params: Any) -> None:
    memory = Memory()
    opened(memory, "")
    assert memory.cancelled({"method": "$/cancelRequest", "params": params}) is None
