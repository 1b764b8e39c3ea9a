"""Conversations that callers leave to the server: put together in the body, so that any provider can go on.

Everything here works on bodies and answers as bytes; who remembers them is somebody else's business.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass

import msgspec

from codriver.wire import jsontext, relay
from codriver.wire.sse import Parser

_ITEMS = msgspec.json.Decoder(list[msgspec.Raw] | str)
_STRING = msgspec.json.Decoder(str)


class _Head(msgspec.Struct, gc=False):
    type: str | None = None
    id: str | None = None
    encrypted_content: str | None = None


class _Response(msgspec.Struct, gc=False):
    id: str
    status: str | None = None
    object: str | None = None
    output: list[msgspec.Raw] = []


class _Event(msgspec.Struct, gc=False):
    response: msgspec.Raw = jsontext.NOTHING


_HEAD = msgspec.json.Decoder(_Head)
_RESPONSE = msgspec.json.Decoder(_Response)
_EVENT = msgspec.json.Decoder(_Event)
_ENDED = (b"response.completed", b"response.incomplete")


@dataclass(frozen=True, slots=True)
class Made:
    """A finished answer: its id, its whole JSON, its items and their ids."""

    id: str
    response: bytes
    items: tuple[bytes, ...]
    names: tuple[str, ...]


def previous(body: bytes) -> str:
    """The id of the answer this body goes on from, or "". Broken bodies say nothing; parsing tells what is wrong."""
    if b'"previous_response_id"' not in body:
        return ""
    try:
        return _STRING.decode(relay.fields(body)["previous_response_id"])
    except (KeyError, msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        return ""


def own_items(body: bytes) -> tuple[bytes, ...]:
    """The input items of a sound body, as JSON; a bare text as the message it stands for."""
    given = relay.fields(body).get("input")
    if given is None or not jsontext.given(given):
        return ()
    items = _ITEMS.decode(given)
    if isinstance(items, str):
        return (jsontext.encode({"type": "message", "role": "user", "content": items}),)
    return tuple(bytes(item) for item in items)


def linked(body: bytes, before: Iterable[bytes], items: Sequence[bytes]) -> bytes:
    """The body with these items behind those of earlier answers, instead of the reference to them."""
    whole = [msgspec.Raw(item) for item in (*before, *items)]
    return relay.edited(body, {"input": whole}, drop=("previous_response_id",))


def continued(said: Sequence[bytes]) -> list[bytes]:
    """An answer's items as input of the next request.

    Thinking that only its maker has is left there, and with it the ids that would ask for it.
    """
    heads = [_HEAD.decode(item) for item in said]
    gone = [head.type == "reasoning" and not head.encrypted_content for head in heads]
    if not any(gone):
        return list(said)
    kept = zip(said, gone, strict=True)
    return [relay.edited(item, {}, drop=("id",)) for item, absent in kept if not absent]


def resolved(items: Sequence[bytes], find: Callable[[str], bytes | None]) -> list[bytes]:
    """The items, with references to items that are known here replaced by them."""
    found: list[bytes] = []
    for item in items:
        head = _head(item) if b"item_reference" in item else None
        named = head.id if head is not None and head.type == "item_reference" else None
        found.append((find(named) if named else None) or item)
    return found


def ended(data: bytes) -> Made | None:
    """The finished answer in these frames of a stream, if it is in them."""
    if not any(word in data for word in _ENDED):
        return None
    for frame in Parser().feed(data):
        if frame.data is None or not any(word in frame.raw for word in _ENDED):
            continue
        try:
            found = made(bytes(_EVENT.decode(frame.data).response))
        except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
            continue
        if found is not None:
            return found
    return None


def made(response: bytes) -> Made | None:
    """A whole answer; None when it is none, or not finished."""
    try:
        found = _RESPONSE.decode(response)
        heads = [_HEAD.decode(item) for item in found.output]
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        return None
    if found.status not in (None, "completed", "incomplete"):
        return None
    names = tuple(head.id or "" for head in heads)
    return Made(found.id, response, tuple(bytes(item) for item in found.output), names)


def shown(item: bytes, ident: str) -> bytes:
    """An input item as a list of items shows it: with an id, a type, and its text as a part."""
    fields = relay.fields(item)
    head = _head(item)
    put: dict[str, object] = {} if head and head.id else {"id": ident}
    if head is None or head.type is None:
        put["type"] = "message"
    content = fields.get("content")
    if content is not None and bytes(content).startswith(b'"'):
        assistant = b'"assistant"' in bytes(fields.get("role", b""))
        put["content"] = [{"type": "output_text" if assistant else "input_text", "text": content}]
    return relay.edited(item, put)


def _head(item: bytes) -> _Head | None:
    try:
        return _HEAD.decode(item)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        return None
