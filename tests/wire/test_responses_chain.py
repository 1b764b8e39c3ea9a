"""Conversations kept by the server: put into the body, and found again in what was answered."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from codriver.wire.openai_responses import chain
from wire.samples import dump

USER = {"role": "user", "content": "one"}
MESSAGE = {"id": "msg_1", "type": "message", "role": "assistant", "content": [{"type": "output_text", "text": "é"}]}
CALL = {"id": "fc_1", "type": "function_call", "call_id": "c", "name": "f", "arguments": "{}"}


def response(status: str | None = "completed", **more: Any) -> dict[str, Any]:
    return {"id": "resp_1", "object": "response", "status": status, "output": [MESSAGE], **more}


@pytest.mark.parametrize(
    ("body", "found"),
    [
        (b'{"previous_response_id": "resp_1"}', "resp_1"),
        (b'{"previous_response_id":null}', ""),
        (b'{"previous_response_id":3}', ""),
        (b'{"input":"previous_response_id"}', ""),
        (b'{"input":{"previous_response_id":"x"}}', ""),
        (b'{"previous_response_id":"x"', ""),
        (b"", ""),
        (b'{"previous_response_id":"x","input":' + b"[" * 100_000 + b"]" * 100_000 + b"}", ""),
    ],
)
def test_what_a_body_goes_on_from(body: bytes, found: str) -> None:
    assert chain.previous(body) == found


def test_earlier_items_come_first_and_the_reference_goes() -> None:
    """W38."""
    body = b'{"model": "m", "input": "two", "previous_response_id": "resp_1", "x": 1.0}'
    linked = chain.linked(body, [dump(USER), dump(MESSAGE)], chain.own_items(body))
    assert json.loads(linked) == {
        "model": "m", "x": 1.0,
        "input": [USER, MESSAGE, {"type": "message", "role": "user", "content": "two"}],
    }  # fmt: skip


def test_no_input_is_no_item() -> None:
    assert chain.own_items(b'{"input":null}') == chain.own_items(b"{}") == ()


def test_thinking_that_stayed_at_its_maker_is_left_there() -> None:
    """T14: and with it the ids that would ask for it."""
    secret = {"id": "rs_1", "type": "reasoning", "summary": [], "encrypted_content": "gA"}
    kept = {"id": "rs_1", "type": "reasoning", "summary": []}
    whole = [dump(secret), dump(CALL)]
    assert chain.continued(whole) == whole
    bare = {key: value for key, value in CALL.items() if key != "id"}
    assert [json.loads(item) for item in chain.continued([dump(kept), dump(CALL)])] == [bare]


def test_references_to_known_items_are_resolved() -> None:
    known, unknown = ({"type": "item_reference", "id": name} for name in ("msg_1", "msg_2"))
    items = [dump(USER), dump(known), dump(unknown)]
    found = chain.resolved(items, {"msg_1": dump(MESSAGE)}.get)
    assert [json.loads(item) for item in found] == [USER, MESSAGE, unknown]


@pytest.mark.parametrize("status", ["completed", "incomplete"])
def test_a_finished_answer_is_found_in_its_stream(status: str) -> None:
    made = response(status)
    delta = b'event: response.output_text.delta\ndata: {"delta":"response.completed"}\n\n'
    end = (
        f"event: response.{status}\ndata: ".encode() + dump({"type": f"response.{status}", "response": made}) + b"\n\n"
    )
    found = chain.ended(delta + end)
    assert found is not None
    assert (found.id, found.names, json.loads(found.response)) == ("resp_1", ("msg_1",), made)
    assert [json.loads(item) for item in found.items] == [MESSAGE]
    assert chain.ended(delta) is None


@pytest.mark.parametrize(
    "body",
    [
        dump(response("failed")),
        dump(response("in_progress")),
        b'{"error":{}}',
        b"<html>",
        b"",
        b'{"id":"r","output":3}',
    ],
)
def test_what_is_no_finished_answer(body: bytes) -> None:
    assert chain.made(body) is None


@settings(max_examples=60, deadline=None)
@given(st.binary(max_size=80))
def test_what_is_no_json_says_nothing(data: bytes) -> None:
    assert chain.previous(b'"previous_response_id"' + data) == ""
    assert chain.ended(b"data: response.completed" + data + b"\n\n") is None
    assert chain.made(data) is None


def test_items_are_shown_with_ids_types_and_parts() -> None:
    assert json.loads(chain.shown(dump(USER), "msg_x")) == {
        "id": "msg_x", "type": "message", "role": "user", "content": [{"type": "input_text", "text": "one"}],
    }  # fmt: skip
    assert json.loads(chain.shown(dump(MESSAGE), "msg_x")) == MESSAGE
