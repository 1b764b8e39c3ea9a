"""The frames of the Language Server Protocol: bytes in, bodies out, no I/O.

Headers are read as the strange world writes them (any case, extra fields, bare newlines). What
cannot be read becomes a Malformed value, and reading goes on at the next header.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any, NamedTuple

HEADER_LIMIT = 8 * 1024
BODY_LIMIT = 64 * 1024 * 1024
_LENGTH = b"content-length:"
_PLAIN = b"Content-Length: "


class Malformed(NamedTuple):
    """A frame that could not be read: why, in words for the peer."""

    reason: str


class Frames:
    """Cuts a byte stream into message bodies.

    A body above `limit` bytes is skipped as a whole, so that its peer learns of it and lives on.
    """

    def __init__(self, limit: int = BODY_LIMIT) -> None:
        self._limit = limit
        self._bytes = bytearray()
        self._want: int | None = None
        self._skip = 0

    def feed(self, data: bytes) -> list[bytes | Malformed]:
        """The bodies that are complete now, in order, with Malformed where one was unreadable."""
        out: list[bytes | Malformed] = []
        if self._want is None and not self._skip and not self._bytes:
            data = _plain(data, min(self._limit, len(data)), out)
            if not data:
                return out
        self._bytes += data
        while self._step(out):
            pass
        return out

    def _step(self, out: list[bytes | Malformed]) -> bool:
        """Takes one body or one header off the front; False when more bytes are needed."""
        if self._skip:
            gone = min(self._skip, len(self._bytes))
            del self._bytes[:gone]
            self._skip -= gone
            return self._skip == 0
        if self._want is None:
            return self._header(out)
        if len(self._bytes) < self._want:
            return False
        with memoryview(self._bytes) as held, held[: self._want] as body:
            out.append(bytes(body))  # one copy: a long file's text is megabytes
        del self._bytes[: self._want]
        self._want = None
        return True

    def _header(self, out: list[bytes | Malformed]) -> bool:
        end, width = _blank_line(self._bytes)
        if end < 0:
            if len(self._bytes) <= HEADER_LIMIT:
                return False
            out.append(Malformed(f"no end of header within {HEADER_LIMIT} bytes"))
            return self._resynchronise()
        length = _content_length(bytes(self._bytes[:end]))
        del self._bytes[: end + width]
        if isinstance(length, Malformed):
            out.append(length)
        elif length > self._limit:
            out.append(Malformed(f"a message of {length} bytes is above the limit of {self._limit}"))
            self._skip = length
        else:
            self._want = length
        return True

    def _resynchronise(self) -> bool:
        """Drops bytes up to the next thing that looks like a header; True if there is one."""
        at = bytes(self._bytes).lower().find(_LENGTH, 1)
        if at > 0:
            del self._bytes[:at]
            return True
        del self._bytes[: -len(_LENGTH)]
        return False


def _plain(data: bytes, limit: int, out: list[bytes | Malformed]) -> bytes:
    """Takes whole frames off the front that are written as nearly everybody writes them; the rest of the bytes."""
    start = 0
    while data.startswith(_PLAIN, start):
        digits = start + len(_PLAIN)
        end = data.find(b"\r\n\r\n", digits, digits + 16)
        length = data[digits:end] if end >= 0 else b""
        if not length.isdigit():
            break
        stop = end + 4 + int(length)
        if stop > len(data) or int(length) > limit:
            break
        out.append(data[end + 4 : stop])
        start = stop
    return data[start:] if start else data


def frame(body: bytes) -> bytes:
    """The body with its header. Only Content-Length is sent: some clients trip over more."""
    return b"Content-Length: %d\r\n\r\n%b" % (len(body), body)


def message(fields: Mapping[str, Any]) -> bytes:
    """A framed JSON-RPC message with these fields."""
    return frame(json.dumps({"jsonrpc": "2.0", **fields}, separators=(",", ":")).encode())


def error(identity: object, code: int, text: str) -> bytes:
    """A framed error answer; `identity` None when the request's id could not be read."""
    return message({"id": identity, "error": {"code": code, "message": text}})


def _blank_line(data: bytearray) -> tuple[int, int]:
    """Where the header ends and how wide its end is; (-1, 0) when it has not ended yet."""
    proper = data.find(b"\r\n\r\n")
    bare = data.find(b"\n\n", 0, proper if proper >= 0 else HEADER_LIMIT)
    if bare >= 0:
        return bare, 2
    return (proper, 4) if proper >= 0 else (-1, 0)


def _content_length(header: bytes) -> int | Malformed:
    for line in header.splitlines():
        # Garbage in front of a header (a stray print of some wrapper) is forgiven.
        at = line.lower().find(_LENGTH)
        if at < 0:
            continue
        value = line[at + len(_LENGTH) :].strip()
        if value.isdigit() and len(value) < 16:
            return int(value)
        return Malformed("Content-Length is not a number")
    return Malformed("a header without Content-Length")
