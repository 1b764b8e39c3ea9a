"""Server-sent events, incrementally: bytes in, complete frames out, no byte lost or changed.

A frame ends with a blank line. Its `raw` is exactly what came, so that a relay is byte-exact;
`event` and `data` are what it means (WHATWG HTML, section 9.2). Bytes are never decoded here:
a character that is cut in two between chunks is whole again in the frame.
"""

from __future__ import annotations

import re

import msgspec

_BOM = b"\xef\xbb\xbf"
_END = re.compile(rb"(?:\r\n|\r(?!\n)|\n)(?:\r\n|\r(?!\n)|\n)")


class Frame(msgspec.Struct, frozen=True, gc=False):
    """One frame: its bytes with the blank line, its event name ("" if none), its data lines joined.

    data None means there was no data line: a comment, a keep-alive, or something that is no SSE.
    """

    raw: bytes
    event: str
    data: bytes | None


class Parser:
    """Feed it what comes, in any cut; it gives the frames that are complete."""

    __slots__ = ("_begun", "_more", "_rest")

    def __init__(self) -> None:
        self._rest = b""
        self._more: list[bytes] = []  # what came behind the rest and cannot end a frame: put together but once
        self._begun = False

    def feed(self, data: bytes) -> list[Frame]:
        """The frames completed by these bytes.

        A frame whose last byte is a lone CR waits for the next byte, which may be the LF to it.
        """
        seen = len(self._rest)
        if seen and b"\n" not in data and b"\r" not in data and self._rest[-1:] != b"\r":
            self._more.append(data)
            return []
        buffer = b"".join((self._rest, *self._more, data)) if seen else data
        self._more.clear()
        frames: list[Frame] = []
        start, scan = 0, max(0, seen - 3)
        carriage = b"\r" in buffer
        while (end := _end(buffer, scan, carriage)) > 0:
            frames.append(self._frame(buffer[start:end]))
            start = scan = end
        self._rest = buffer[start:] if start else buffer
        return frames

    @property
    def pending(self) -> bool:
        """Whether a frame has begun and not ended."""
        return bool(self._rest)

    def rest(self) -> Frame | None:
        """What is left when the stream has ended: a last frame without its blank line, or None."""
        rest, self._rest = b"".join((self._rest, *self._more)), b""
        self._more.clear()
        return self._frame(rest) if rest.strip() else None

    def _frame(self, raw: bytes) -> Frame:
        if not self._begun:
            self._begun = True
            if raw.startswith(_BOM):
                return _read(raw, raw[3:])
        return _read(raw, raw)


def _end(buffer: bytes, scan: int, carriage: bool) -> int:
    """Where the first frame that ends after `scan` ends, or -1."""
    if not carriage:
        found = buffer.find(b"\n\n", scan)
        return found + 2 if found >= 0 else -1
    match = _END.search(buffer, scan)
    if match is None or (match.end() == len(buffer) and buffer.endswith(b"\r")):
        return -1
    return match.end()


def _read(raw: bytes, text: bytes) -> Frame:
    if text.startswith(b"data: ") and text.find(b"\n") == len(text) - 2 and b"\r" not in text:
        return Frame(raw, "", text[6:-2])
    event, data = "", []
    for line in text.splitlines():
        name, _, value = line.partition(b":")
        value = value.removeprefix(b" ")
        if name == b"data":
            data.append(value)
        elif name == b"event":
            event = value.decode("utf-8", "replace")
    return Frame(raw, event, b"\n".join(data) if data else None)
