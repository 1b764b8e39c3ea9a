"""What is read and written by hand is what the general converter makes of it, or is left to it."""

from __future__ import annotations

import json
from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st
from lsprotocol import types as lsp

from codriver.fronts.lsp import keys
from codriver.fronts.lsp.protocol import converter

PLACE = {"line": 3, "character": 7}
SPAN = {"start": PLACE, "end": {"line": 3, "character": 9}}
CHANGE = {"textDocument": {"uri": "file:///a.py", "version": 3}, "contentChanges": [{"range": SPAN, "text": "a"}]}
ASKED = {"textDocument": {"uri": "file:///a.py"}, "position": PLACE, "context": {"triggerKind": 2}}
CHANGING, ASKING = lsp.TEXT_DOCUMENT_DID_CHANGE, lsp.TEXT_DOCUMENT_INLINE_COMPLETION


def structured(method: str, params: Any) -> Any:
    content = {"jsonrpc": "2.0", "id": 1, "method": method, "params": params}
    return converter().structure(content, lsp.METHOD_TO_TYPES[method][0]).params


@pytest.mark.parametrize(
    ("method", "params"),
    [
        (CHANGING, CHANGE),
        (CHANGING, {**CHANGE, "more": 1}),
        *((ASKING, {**ASKED, "context": {"triggerKind": kind}}) for kind in (0, 1, 2)),
    ],
)
def test_plain_messages_are_read_as_the_converter_reads_them(method: str, params: Any) -> None:
    assert keys.read(method, params) == structured(method, params)


@pytest.mark.parametrize(
    ("method", "params"),
    [
        pytest.param(CHANGING, {**CHANGE, "contentChanges": [{"text": "all"}]}, id="whole text"),
        pytest.param(CHANGING, {**CHANGE, "contentChanges": CHANGE["contentChanges"] * 2}, id="two changes"),
        pytest.param(CHANGING, {**CHANGE, "contentChanges": []}, id="no change"),
        pytest.param(CHANGING, {**CHANGE, "contentChanges": [{"range": SPAN, "text": 5}]}, id="no text"),
        pytest.param(
            CHANGING, {**CHANGE, "contentChanges": [{"range": SPAN, "text": "", "rangeLength": 2}]}, id="length"
        ),
        pytest.param(CHANGING, {**CHANGE, "textDocument": {"uri": "x", "version": None}}, id="no version"),
        pytest.param(CHANGING, {**CHANGE, "textDocument": {"uri": 5, "version": 1}}, id="no name"),
        pytest.param(CHANGING, None, id="nothing"),
        pytest.param(CHANGING, [], id="a list"),
        pytest.param(ASKING, {**ASKED, "position": {"line": -1, "character": 0}}, id="before the text"),
        pytest.param(ASKING, {**ASKED, "position": {"line": 1.0, "character": 0}}, id="a float"),
        pytest.param(ASKING, {**ASKED, "position": {"line": 2**31, "character": 0}}, id="too far"),
        pytest.param(ASKING, {**ASKED, "context": {}}, id="no kind"),
        pytest.param(ASKING, {**ASKED, "workDoneToken": 1}, id="a token"),
        pytest.param(
            ASKING,
            {**ASKED, "context": {"triggerKind": 1, "selectedCompletionInfo": {"range": SPAN, "text": "x"}}},
            id="chosen",
        ),
        pytest.param(lsp.TEXT_DOCUMENT_HOVER, ASKED, id="another method"),
    ],
)
def test_all_others_are_left_to_the_converter(method: str, params: Any) -> None:
    assert keys.read(method, params) is None


_places = st.builds(lsp.Position, st.integers(0, 2**31 - 1), st.integers(0, 2**31 - 1))
_items = st.builds(
    lsp.InlineCompletionItem,
    insert_text=st.text(),
    filter_text=st.none() | st.text(),
    range=st.none() | st.builds(lsp.Range, _places, _places),
    command=st.none() | st.builds(lsp.Command, st.text(), st.text(), arguments=st.none() | st.lists(st.text())),
)


@given(st.lists(_items, max_size=3))
def test_an_answer_is_written_as_the_converter_writes_it(items: list[lsp.InlineCompletionItem]) -> None:
    found = lsp.InlineCompletionList(items)
    assert json.loads(msgspec.json.encode(keys.written(found))) == converter().unstructure(found)
