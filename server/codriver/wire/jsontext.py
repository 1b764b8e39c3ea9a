"""JSON as it is met in the wild: errors with a place, cut surrogates, broken tool arguments.

Everything that may be certain is repaired; everything else is told apart from what is sound.
"""

from __future__ import annotations

import json
import re
from typing import Any, TypeVar

import msgspec

from codriver.errors import RequestRejected, reject

T = TypeVar("T")
_BYTE = re.compile(r"\(byte (\d+)\)")
_PLACE = re.compile(r" - at `(?:key in )?\$\.?([^`]*)`$")
_MISSING = re.compile(r"^Object missing required field `([^`]+)`")
_ESCAPE = re.compile(
    rb"\\(u[dD][89abAB][0-9a-fA-F]{2}\\u[dD][c-fC-F][0-9a-fA-F]{2}|u[dD][89a-fA-F][0-9a-fA-F]{2}|.)", re.S
)
_FENCE = re.compile(r"^\s*```(?:json)?\s*\n(.*?)\n?```\s*$", re.S)

encode = msgspec.json.encode
NOTHING = msgspec.Raw()
"""A field of raw JSON that was not there."""


def decode(decoder: msgspec.json.Decoder[T], data: bytes) -> T:
    """Decodes, reading halves of surrogate pairs (a cut emoji, common from JavaScript) as U+FFFD.

    Raises msgspec.DecodeError (ValidationError for wrong types), UnicodeDecodeError or RecursionError.
    """
    return _decoded(decoder, data)[0]


def _decoded(decoder: msgspec.json.Decoder[T], data: bytes) -> tuple[T, bytes]:
    try:
        return decoder.decode(data), data
    except msgspec.ValidationError:
        raise
    except msgspec.DecodeError:
        sound = paired(data)
        if sound == data:
            raise
        return decoder.decode(sound), sound


def paired(data: bytes) -> bytes:
    """JSON text whose escaped halves of surrogate pairs, which no UTF-8 can hold, became U+FFFD."""
    if b"\\ud" not in data and b"\\uD" not in data:
        return data
    return _ESCAPE.sub(_whole, data)


def _loads(text: str) -> Any:
    return json.loads(paired(text.encode("utf-8", "replace")), strict=False)


def _whole(match: re.Match[bytes]) -> bytes:
    escape = match[1]
    lone = len(escape) == 5 and escape[:2] in (b"ud", b"uD")
    return b"\\ufffd" if lone else match[0]


def body(decoder: msgspec.json.Decoder[T], data: bytes) -> tuple[T, bytes]:
    """Decodes a caller's body; with it come the bytes to go on with, which differ only in cut surrogates.

    Raises RequestRejected with the position or the field at fault.
    """
    try:
        return _decoded(decoder, data)
    except msgspec.ValidationError as error:
        raise _wrong(str(error)) from None
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        raise reject(f"The body is not valid JSON: {_position(error, data)}") from None
    except RecursionError:
        raise reject("The body is nested too deeply to be read") from None


def _wrong(text: str) -> RequestRejected:
    place = _PLACE.search(text)
    field = place[1] if place else ""
    text = _PLACE.sub("", text)
    if missing := _MISSING.match(text):
        field = f"{field}.{missing[1]}" if field else missing[1]
        return reject(f"{field}: Field required", field=field)
    return reject(f"{field}: {text}" if field else f"The body: {text}", field=field)


def _position(error: Exception, data: bytes) -> str:
    text = str(error)
    if found := _BYTE.search(text):
        reason = _BYTE.sub("", text).removeprefix("JSON is malformed: ").strip()
        return f"{reason} at byte {found[1]}"
    if isinstance(error, UnicodeDecodeError):
        try:
            data.decode()
        except UnicodeDecodeError as broken:
            return f"not UTF-8 at byte {broken.start}"
    return f"it ends too early, at byte {len(data)}"


def given(value: msgspec.Raw) -> bool:
    """Whether a raw part is there and not null."""
    return bytes(value) not in (b"", b"null")


def schema(value: msgspec.Raw, place: str) -> str:
    """The text of a raw JSON Schema, "" when absent. Raises RequestRejected for what is no object."""
    text = bytes(value).decode("utf-8", "replace")
    if text and text != "null" and not text.startswith("{"):
        raise reject(f"{place}: Expected `object`", field=place)
    return "" if text == "null" else text


def known(value: msgspec.Raw) -> Any:
    """The value of a raw part, None when it was absent."""
    data = bytes(value)
    return _loads(data.decode("utf-8", "replace")) if data else None


def arguments(text: str) -> dict[str, Any] | None:
    """A tool call's arguments as an object; repaired where that is certain, else None.

    Certain are: nothing at all, `null`, an object inside a string, inside a fence, with raw line
    breaks in its strings, or after the empty object that some servers send first.
    """
    text = text.strip()
    if text.startswith("{}") and text != "{}":
        text = text[2:].strip()
    if fenced := _FENCE.match(text):
        text = fenced[1]
    if not text:
        return {}
    try:
        value = _loads(text)
        if isinstance(value, str):
            value = _loads(value)
    except (ValueError, RecursionError):
        return None
    if value is None:
        return {}
    return value if isinstance(value, dict) else None


def complete(text: str) -> bool:
    """Whether this is one whole JSON value."""
    try:
        json.loads(text, strict=False)
    except (ValueError, RecursionError):
        return False
    return True
