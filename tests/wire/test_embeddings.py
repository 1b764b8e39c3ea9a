"""The embeddings wire: what is taken, what is refused and where, what goes upstream, what is counted."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from codriver.errors import Kind, RequestRejected
from codriver.model.events import Failed, Finished, UsageSeen
from codriver.model.provider import Model, Price, Quirks
from codriver.model.request import Purpose, Request
from codriver.wire import openai_chat
from codriver.wire import openai_embeddings as wire

MODEL = Model("p", "embed", "upstream-embed", 8192, 1, Price(0.02), {"": 0.0}, chat=False, embeds=True)


def parse(**fields: Any) -> Request:
    return wire.parse(json.dumps({"model": "auto", **fields}).encode(), {})


@pytest.mark.parametrize(
    ("input", "tokens"),
    [
        ("a text of some words", 3),
        (["one", "two", ""], 1),
        ([1, 2, 3], 3),
        ([[1, 2], [3]], 3),
    ],
    ids=["a text", "texts", "tokens", "lists of tokens"],
)
def test_each_form_of_input_is_taken_and_counted(input: Any, tokens: int) -> None:
    request = parse(input=input, dimensions=64, encoding_format="base64", user="me")
    assert request.purpose is Purpose.EMBED and request.needs.embed and not request.stream
    assert request.input_tokens >= tokens


@pytest.mark.parametrize(
    ("fields", "at"),
    [
        ({"input": ""}, "input"),
        ({"input": []}, "input"),
        ({"input": ["", ""]}, "input"),
        ({}, "input"),
        ({"input": None}, "input"),
        ({"input": 5}, "input"),
        ({"input": ["a", 1]}, "input[1]"),
        ({"input": [1, "a"]}, "input"),
        ({"input": [True]}, "input[0]"),
        ({"input": [[1], []]}, "input[1]"),
        ({"input": [[1], [-1]]}, "input[1]"),
        ({"input": [{"text": "a"}]}, "input[0]"),
        ({"input": ["a"] * 2049}, "input"),
        ({"input": "a", "dimensions": 0}, "dimensions"),
        ({"input": "a", "dimensions": "64"}, "dimensions"),
        ({"input": "a", "encoding_format": "int8"}, "encoding_format"),
        ({"input": "a", "model": ""}, "model"),
    ],
)
def test_w9_what_is_wrong_is_named(fields: dict[str, Any], at: str) -> None:
    with pytest.raises(RequestRejected) as refused:
        parse(**fields)
    assert (refused.value.failure.kind, refused.value.failure.field) == (Kind.INVALID, at)


def test_only_the_models_name_changes_on_the_way() -> None:
    body = b'{ "input": ["a",\n "b"], "model":"auto", "dimensions" : 64, "own":{"x":1.50} }'
    sent = wire.call(wire.parse(body, {}), MODEL, Quirks()).body
    assert sent == body.replace(b'"auto"', b'"upstream-embed"')


def test_what_a_server_refuses_is_dropped() -> None:
    request = parse(input="a", dimensions=64, user="me")
    sent = json.loads(wire.call(request, MODEL, Quirks(drop=("user", "temperature"))).body)
    assert sent == {"model": "upstream-embed", "input": "a", "dimensions": 64}


def test_a_conversation_is_no_request_for_vectors() -> None:
    chat = openai_chat.parse(b'{"model":"auto","messages":[{"role":"user","content":"hi"}]}', {})
    with pytest.raises(RequestRejected) as refused:
        wire.call(chat, MODEL, Quirks())
    assert refused.value.failure.kind is Kind.UNSUPPORTED


@pytest.mark.parametrize(
    ("usage", "counted"),
    [({"prompt_tokens": 7, "total_tokens": 7}, 7), ({"total_tokens": 9}, 9), (None, None), ({}, None)],
)
def test_w7_the_count_is_read_and_the_vectors_are_not(usage: Any, counted: int | None) -> None:
    body = json.dumps({"object": "list", "data": [{"embedding": "AAAA"}], "model": "m", "usage": usage}).encode()
    events = wire.decoder(MODEL, Quirks()).whole(body)
    assert isinstance(events[-1], Finished)
    seen = [event.usage.input for event in events if isinstance(event, UsageSeen)]
    assert seen == ([] if counted is None else [counted])


@pytest.mark.parametrize(
    ("body", "kind"),
    [
        (b'{"error":{"message":"no","code":"rate_limit_exceeded"}}', Kind.RATE_LIMITED),
        (b'{"object":"list"}', Kind.BROKEN),
        (b'{"data":null}', Kind.BROKEN),
        (b"[]", Kind.BROKEN),
        (b"", Kind.BROKEN),
        (b"<html>", Kind.BROKEN),
    ],
)
def test_w2_an_answer_without_vectors_is_a_failure(body: bytes, kind: Kind) -> None:
    (event,) = wire.decoder(MODEL, Quirks()).whole(body)
    assert isinstance(event, Failed) and event.failure.kind is kind


def test_a_stream_of_vectors_does_not_exist() -> None:
    decoder = wire.decoder(MODEL, Quirks())
    assert decoder.feed(b'data: {"data":[]}\n\n') == [] and not decoder.over
    ((event,),) = [piece.events for piece in decoder.close()]
    assert isinstance(event, Failed)


@settings(max_examples=60)
@given(
    st.recursive(
        st.none() | st.booleans() | st.integers() | st.text(max_size=4),
        lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=3), inner, max_size=2),
    )
)
def test_any_input_is_taken_or_refused_by_name(value: Any) -> None:
    field = ""
    try:
        request = parse(input=value)
    except RequestRejected as refused:
        field = refused.failure.field
    assert field.startswith("input") or (not field and request.input_tokens > 0)
