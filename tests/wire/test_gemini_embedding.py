"""Gemini's two ways to ask for vectors, in terms of OpenAI's one, and the answer in theirs."""

from __future__ import annotations

import base64
import json
from array import array
from typing import Any

import pytest

from codriver.errors import RequestRejected
from codriver.wire.gemini import embedding
from wire.samples import dump

ONE, MANY = embedding.ONE, embedding.MANY


def content(*texts: str) -> dict[str, Any]:
    return {"parts": [{"text": text} for text in texts]}


@pytest.mark.parametrize(
    ("body", "action", "told"),
    [
        ({"content": content("hi")}, ONE, {"input": ["hi"]}),
        ({"content": content("a", "b"), "taskType": "RETRIEVAL_QUERY"}, ONE, {"input": ["a\nb"]}),
        ({"content": {"parts": {"text": "hi"}}}, ONE, {"input": ["hi"]}),
        ({"content": "hi", "output_dimensionality": 8}, ONE, {"input": ["hi"], "dimensions": 8}),
        (
            {"requests": [{"model": "models/x", "content": content(t), "outputDimensionality": 8} for t in ("a", "b")]},
            MANY,
            {"input": ["a", "b"], "dimensions": 8},
        ),
    ],
)
def test_what_is_asked(body: dict[str, Any], action: str, told: dict[str, Any]) -> None:
    assert json.loads(embedding.asked(dump(body), "m", action)) == {"model": "m", "encoding_format": "float", **told}


@pytest.mark.parametrize(
    ("body", "action", "field"),
    [
        (b"{", ONE, ""),
        (b"{}", ONE, "content"),
        (dump({"content": {}}), ONE, "content"),
        (dump({"content": content("")}), ONE, "content"),
        (dump({"content": {"parts": [{"text": "a"}, {"inlineData": {}}]}}), ONE, "content.parts"),
        (dump({"content": content("a"), "outputDimensionality": 0}), ONE, "outputDimensionality"),
        (dump({"requests": [{"content": content("a")}, {"content": content("")}]}), MANY, "requests[1].content"),
        (dump({"requests": []}), MANY, "requests"),
    ],
)
def test_what_cannot_be_asked_is_named_as_the_caller_wrote_it(body: bytes, action: str, field: str) -> None:
    with pytest.raises(RequestRejected) as refused:
        embedding.asked(body, "m", action)
    assert refused.value.failure.field == field


def test_vectors_are_passed_on_as_they_came_in_the_order_of_the_texts() -> None:
    answer = b'{"data":[{"index":1,"embedding":[0.10,-2e-3]},{"index":0,"embedding":[1]}],"usage":{}}'
    assert embedding.answered(answer, MANY) == b'{"embeddings":[{"values":[1]},{"values":[0.10,-2e-3]}]}'
    assert embedding.answered(answer, ONE) == b'{"embedding":{"values":[1]}}'


def test_packed_vectors_are_unpacked() -> None:
    packed = base64.b64encode(array("f", [0.5, -1.0]).tobytes()).decode()
    answer = dump({"data": [{"index": 0, "embedding": packed}]})
    assert json.loads(embedding.answered(answer, ONE)) == {"embedding": {"values": [0.5, -1.0]}}


@pytest.mark.parametrize("body", [b"", b"{}", b'{"data":[{"embedding":"*"}]}', b'{"data":[{"embedding":"AAA="}]}'])
def test_what_holds_no_vectors_stays_as_it_is(body: bytes) -> None:
    assert embedding.answered(body, ONE) == body
