"""The envelope around thinking: what goes in comes out, and nothing else does."""

from __future__ import annotations

import base64

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from codriver.model.events import ReasoningDelta
from codriver.model.request import Reasoning
from codriver.wire import envelope

TEXT = st.text(max_size=60)


@settings(max_examples=60, deadline=None)
@given(st.lists(st.tuples(TEXT, TEXT, TEXT), max_size=4), TEXT)
def test_what_is_sealed_is_opened_with_its_origin(blocks: list[tuple[str, str, str]], origin: str) -> None:
    """A3, T7: signatures byte for byte, each block with the key of its maker."""
    sealed = envelope.seal((ReasoningDelta(*block) for block in blocks), origin)
    assert sealed.startswith(envelope.PREFIX) and sealed.isascii() and sealed == sealed.strip()
    assert envelope.open(sealed) == tuple(Reasoning(*block, origin=origin) for block in blocks)


def _packed(text: bytes) -> str:
    return envelope.PREFIX + base64.urlsafe_b64encode(text).decode()


@pytest.mark.parametrize(
    "text",
    [
        "",
        "gAAAAABo",
        "cdr1",
        "cdr1.",
        "cdr1.***",
        "cdr1.é",
        "cdr1.\ud800",
        "cdr1.A",
        _packed(b"\xff\xfe"),
        _packed(b"[]"),
        _packed(b"{}"),
        _packed(b'{"origin":1,"blocks":[]}'),
        _packed(b'{"origin":"a/b","blocks":[1]}'),
        _packed(b'{"origin":"a/b","blocks":[{"text":null}]}'),
        _packed(b"[" * 100_000),
    ],
)
def test_garbage_is_no_envelope(text: str) -> None:
    assert envelope.open(text) is None


@settings(max_examples=100, deadline=None)
@given(st.integers(0, 200), st.characters())
def test_a_damaged_envelope_is_refused_or_still_an_envelope(place: int, other: str) -> None:
    sealed = envelope.seal([ReasoningDelta("thought", "sig==")], "anthropic/claude")
    place %= len(sealed)
    opened = envelope.open(sealed[:place] + other + sealed[place + 1 :])
    assert opened is None or all(isinstance(part, Reasoning) for part in opened)
