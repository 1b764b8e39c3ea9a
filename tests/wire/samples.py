"""What the wire tests share: a model, requests, and how frames are written down."""

from __future__ import annotations

import json
from typing import Any

from codriver.model.events import Event, Piece
from codriver.model.provider import Model, Price, Quirks
from codriver.model.request import Request

PLAIN = Quirks()


def model(**changes: Any) -> Model:
    facts: dict[str, Any] = {
        "provider": "acme", "id": "one", "upstream_id": "acme-one-2026", "window": 128_000, "max_output": 8192,
        "price": Price(), "skill": {}, "images": True,
    }  # fmt: skip
    return Model(**{**facts, **changes})


def dump(value: object) -> bytes:
    return json.dumps(value).encode()


def data(*frames: object) -> bytes:
    """An OpenAI stream: each value as one data frame; strings as they are."""
    return b"".join(b"data: " + (f.encode() if isinstance(f, str) else dump(f)) + b"\n\n" for f in frames)


def named(*frames: dict[str, Any]) -> bytes:
    """An Anthropic stream: each value as one named frame."""
    return b"".join(b"event: " + f["type"].encode() + b"\ndata: " + dump(f) + b"\n\n" for f in frames)


def events(pieces: list[Piece]) -> list[Event]:
    return [event for piece in pieces for event in piece.events]


def frames(stream: bytes) -> list[dict[str, Any]]:
    """The JSON of every data line of a stream we wrote; [DONE] as {"done": True}."""
    lines = [line[6:] for line in stream.split(b"\n") if line.startswith(b"data: ")]
    return [{"done": True} if line == b"[DONE]" else json.loads(line) for line in lines]


def asked(wire: str = "openai_chat", **changes: Any) -> Request:
    return Request(**{"id": "r1", "purpose": "chat", "wire": wire, "input_tokens": 11, "wants_usage": True, **changes})
