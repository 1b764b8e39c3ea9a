"""multipart/form-data read as it comes (RFC 7578): parts and their bytes, whatever way they are cut.

One endpoint takes one file in one field, so this is all of it: no nesting, no transfer encodings.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from urllib.parse import unquote

from codriver.errors import RequestRejected, reject

MOST_HEAD = 8_192
MOST_PARTS = 100

_BOUNDARY = re.compile(r'boundary=(?:"([^"]{1,70})"|([^\s;,]{1,70}))', re.IGNORECASE)
_PARAMETER = re.compile(r';\s*([\w*]+)\s*=\s*(?:"((?:[^"\\]|\\.)*)"|([^\s;]+))')


@dataclass(frozen=True, slots=True)
class Part:
    """A part begins: its field's name, and its file's name where it is a file."""

    name: str
    filename: str | None = None


def boundary(content_type: str) -> bytes:
    """What separates the parts. Raises RequestRejected when this is no form."""
    found = _BOUNDARY.search(content_type)
    if not content_type.lower().startswith("multipart/form-data") or found is None:
        raise reject("the upload must be multipart/form-data, with a field file and a field purpose")
    return (found[1] or found[2]).encode("latin-1", "replace")


class Multipart:
    """Feed it bytes: it gives a Part where one begins, and bytes of it after that. Raises RequestRejected."""

    def __init__(self, boundary: bytes) -> None:
        self._mark = b"\r\n--" + boundary
        self._held = b"\r\n"  # so that the first mark looks like all others
        self._state = self._preamble
        self._parts = 0
        self._ended = False

    def feed(self, data: bytes) -> list[Part | bytes]:
        """What these bytes complete."""
        self._held += data
        found: list[Part | bytes] = []
        while not self._ended and self._state(found):
            pass
        if self._ended:
            self._held = b""
        return found

    def close(self) -> None:
        """Nothing more comes. Raises RequestRejected when the form was not complete."""
        if not self._ended:
            raise reject("the upload ended in the middle of the form")

    # Each state says whether it got on; where it did not, it needs more bytes.

    def _preamble(self, found: list[Part | bytes]) -> bool:
        place = self._held.find(self._mark)
        if place < 0:
            self._held = self._held[-len(self._mark) :]
            return False
        return self._marked(place)

    def _body(self, found: list[Part | bytes]) -> bool:
        place = self._held.find(self._mark)
        if place >= 0:
            if place:
                found.append(self._held[:place])
            return self._marked(place)
        # A mark may have begun in the last bytes.
        start = self._held.rfind(b"\r", max(0, len(self._held) - len(self._mark) + 1))
        sure = len(self._held) if start < 0 else start
        if sure:
            found.append(self._held[:sure])
            self._held = self._held[sure:]
        return False

    def _marked(self, place: int) -> bool:
        self._held = self._held[place + len(self._mark) :]
        self._state = self._after_mark
        return True

    def _after_mark(self, found: list[Part | bytes]) -> bool:
        if len(self._held) < 2:
            return False
        if self._held.startswith(b"--"):
            self._ended = True
            return True
        end = self._held.find(b"\r\n")
        if end < 0 and len(self._held) <= MOST_HEAD:
            return False
        if end < 0 or self._held[:end].strip(b" \t"):
            raise reject("the form is broken: no line break after a boundary")
        self._held = self._held[end:]
        self._state = self._head
        return True

    def _head(self, found: list[Part | bytes]) -> bool:
        end = self._held.find(b"\r\n\r\n")
        if end < 0 and len(self._held) <= MOST_HEAD:
            return False
        self._parts += 1
        if end < 0 or end > MOST_HEAD or self._parts > MOST_PARTS:
            raise reject("the form is broken: a part's head has no end, or there are too many parts")
        found.append(_part(self._held[:end]))
        self._held = self._held[end + 4 :]
        self._state = self._body
        return True


def _part(head: bytes) -> Part:
    for line in head.decode("utf-8", "replace").split("\r\n"):
        name, _, value = line.partition(":")
        if name.strip().lower() == "content-disposition":
            fields = {key.lower(): quoted or plain for key, quoted, plain in _PARAMETER.findall(value)}
            if "name" in fields:
                return Part(_plain(fields["name"]), _filename(fields))
    raise _nameless()


def _nameless() -> RequestRejected:
    return reject("the form is broken: a part has no name")


def _filename(fields: dict[str, str]) -> str | None:
    if "filename*" in fields:
        return unquote(fields["filename*"].rpartition("'")[2])
    return _plain(fields["filename"]) if "filename" in fields else None


def _plain(text: str) -> str:
    """Quotes inside names are escaped by browsers as %22, by others with a backslash."""
    return re.sub(r"\\(.)", r"\1", text).replace("%22", '"')
