"""A model's thinking in one opaque string, for callers whose wire has a field for such a thing.

OpenAI's encrypted_content and Anthropic's signature are strings that callers return unread. When
another maker's model answered, this envelope stands there: who made it, and its blocks.
"""

from __future__ import annotations

import base64
import binascii
from collections.abc import Iterable

import msgspec

from codriver.model.events import ReasoningDelta
from codriver.model.request import Reasoning

PREFIX = "cdr1."
"""No provider's own string has a dot so early: theirs are plain base64."""


class _Block(msgspec.Struct, frozen=True, gc=False, omit_defaults=True):
    text: str = ""
    signature: str = ""
    redacted: str = ""


class _Envelope(msgspec.Struct, frozen=True, gc=False):
    origin: str
    blocks: tuple[_Block, ...]


_DECODER = msgspec.json.Decoder(_Envelope)


def seal(parts: Iterable[Reasoning | ReasoningDelta], origin: str) -> str:
    """The blocks of one answer in a string. origin: the key ("provider/id") of the model that made them."""
    blocks = tuple(_Block(part.text, part.signature, part.redacted) for part in parts)
    return PREFIX + base64.urlsafe_b64encode(msgspec.json.encode(_Envelope(origin, blocks))).decode().rstrip("=")


def sealed(text: str) -> bool:
    """Whether a string claims to be an envelope of ours; it may still be garbage."""
    return text.startswith(PREFIX)


def open(text: str) -> tuple[Reasoning, ...] | None:
    """What was sealed, with its origin; None for anything that is no envelope, or a damaged one."""
    if not sealed(text):
        return None
    packed = text[len(PREFIX) :].encode("utf-8", "replace")
    try:
        found = _DECODER.decode(base64.b64decode(packed + b"=" * (-len(packed) % 4), b"-_", validate=True))
    except (binascii.Error, ValueError, RecursionError):
        return None
    return tuple(Reasoning(block.text, block.signature, block.redacted, found.origin) for block in found.blocks)
