"""A caller's body on its way to the same wire: byte-equal but for what must differ.

Values are never decoded: the body is taken apart into its top-level fields as raw JSON (some
30 microseconds at 60 KB) and only when more than the model's name has to change.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping
from functools import lru_cache

import msgspec

Fields = dict[str, msgspec.Raw]

_FIELDS = msgspec.json.Decoder(Fields)
_NAMED = b'{"model":'
_LEADING = re.compile(rb'\s*\{\s*"model"\s*:\s*("[^"\\]*")')
_MODEL = re.compile(rb'"model"\s*:\s*("[^"\\]*")')


def fields(body: bytes) -> Fields:
    """The top-level fields of a body that parsed before, in their order, values byte-equal."""
    return _FIELDS.decode(body)


def named(body: bytes, old: str, new: str) -> bytes:
    """The body with another model's name.

    Where the name leads the body, as most clients write it, it is spliced in place. A body without
    blanks between its fields is equal to its own re-encoding, so putting the name there changes
    nothing else. In others the name is spliced when `"model"` stands there once and holds the name
    that parsing found; what is left (a tool's parameter of that name in an indented body) loses the
    blanks between top-level fields.
    """
    name = msgspec.json.encode(new)
    leading = _leading(body, old)
    if leading is not None:
        return _spliced(body, (*leading, name))
    parts = fields(body)
    gained = len(name) - len(bytes(parts["model"]))
    parts["model"] = msgspec.Raw(name)
    compact = msgspec.json.encode(parts)
    if len(compact) == len(body) + gained:
        return compact  # no blank was lost: all other bytes are equal
    first = body.find(b'"model"')
    match = _MODEL.match(body, first) if body.find(b'"model"', first + 7) < 0 else None
    if match is not None and match[1] == msgspec.json.encode(old):
        return _spliced(body, (*match.span(1), name))
    return compact


def extended(body: bytes, model: tuple[str, str], put: Mapping[str, object]) -> bytes:
    """The body with the model's name (old, new), and fields it does not have yet at its end."""
    start = _NAMED + _quoted(model[0])
    if body.startswith(start) and body.endswith(b"}"):  # as nearly all SDKs write it
        last = b"," + msgspec.json.encode(put)[1:] if put else b"}"
        return b"".join((_NAMED, _quoted(model[1]), memoryview(body)[len(start) : -1], last))
    leading = _leading(body, model[0])
    if not put or leading is None:
        body = named(body, *model)
    if not put:
        return body
    end = body.rindex(b"}")
    more = (end, end, b"," + msgspec.json.encode(put)[1:-1])
    return _spliced(body, more) if leading is None else _spliced(body, (*leading, msgspec.json.encode(model[1])), more)


@lru_cache(maxsize=256)
def _quoted(name: str) -> bytes:
    return msgspec.json.encode(name)


def _leading(body: bytes, name: str) -> tuple[int, int] | None:
    """Where the model's name stands when it leads the body."""
    found = _LEADING.match(body)
    return found.span(1) if found is not None and found[1] == msgspec.json.encode(name) else None


def _spliced(body: bytes, *patches: tuple[int, int, bytes]) -> bytes:
    """The body with ranges replaced. One allocation: a large body's copies cost more than its parsing."""
    view, parts, at = memoryview(body), list[memoryview | bytes](), 0
    for start, end, new in patches:
        parts += (view[at:start], new)
        at = end
    return b"".join((*parts, view[at:]))


def edited(
    body: bytes,
    put: Mapping[str, object],
    *,
    drop: Iterable[str] = (),
    rename: Mapping[str, str] | None = None,
    change: Mapping[str, Callable[[bytes], object]] | None = None,
) -> bytes:
    """The body with top-level fields renamed, dropped, changed and put, in this order.

    All other values stay byte-equal and in place. A changed field that becomes None goes away.
    """
    parts: dict[str, object] = {}
    for key, value in fields(body).items():
        parts[(rename or {}).get(key, key)] = value
    for key in drop:
        parts.pop(key, None)
    for key, function in (change or {}).items():
        if isinstance(old := parts.get(key), msgspec.Raw):
            changed = function(bytes(old))
            if changed is None:
                del parts[key]
            else:
                parts[key] = changed
    parts.update(put)
    return msgspec.json.encode(parts)


def without_own_keys(raw: bytes) -> object:
    """Request metadata without Codriver's own keys, which no provider knows; None when nothing is left."""
    kept = {key: value for key, value in fields(raw).items() if not key.startswith("codriver_")}
    return kept or None
