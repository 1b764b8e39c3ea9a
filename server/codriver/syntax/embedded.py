"""Pieces of other languages in a text: scripts and styles of a page, fenced code of a document.

Pieces are found anew by pattern, which costs microseconds. Their buffers stay: a piece that changed gets the one
edit that makes its old text the new one, so only that piece is parsed again.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Generic, Protocol, TypeVar

from codriver.model.features import Function
from codriver.syntax import languages
from codriver.syntax.language import Embedded, Language
from codriver.syntax.text import Edit

MOST = 200
"""Pieces of one text that are read; further ones are not."""
SEARCHED = 1_000_000
"""Bytes at the beginning of a text in which pieces are looked for."""

_WRITTEN_IN = (
    re.compile(rb"""\blang\s*=\s*["']?\s*([\w/+.-]+)"""),
    re.compile(rb"""\btype\s*=\s*["']?\s*([\w/+.-]+)"""),
)


class Follower(Protocol):
    """What holds the text of a piece: a Buffer."""

    data: bytes

    def edit(self, edits: list[Edit], data: bytes, /) -> None: ...


_B = TypeVar("_B", bound=Follower)


@dataclass(frozen=True, slots=True)
class Piece(Generic[_B]):
    """A piece of another language: bytes [start, end) of the text, whose first line is `row` (from 0)."""

    start: int
    end: int
    row: int
    language: Language
    buffer: _B

    def placed(self, function: Function) -> Function:
        """The function in the lines and bytes of the whole text."""
        return replace(
            function,
            start_line=function.start_line + self.row,
            end_line=function.end_line + self.row,
            start_byte=function.start_byte + self.start,
            end_byte=function.end_byte + self.start,
        )


class Pieces(Generic[_B]):
    """The pieces of one text, kept while it changes."""

    def __init__(self, embedded: Embedded, begin: Callable[[bytes, Language], _B]) -> None:
        """begin: makes the buffer of a new piece."""
        self._embedded, self._begin = embedded, begin
        self._data: bytes | None = None
        self._pieces: tuple[Piece[_B], ...] = ()

    def of(self, data: bytes) -> tuple[Piece[_B], ...]:
        """The pieces of this text, in order."""
        if data is not self._data:
            self._pieces = self._renewed(data)
            self._data = data
        return self._pieces

    def _renewed(self, data: bytes) -> tuple[Piece[_B], ...]:
        found = find(data, self._embedded)
        known = list(self._pieces)
        buffers: dict[int, _B] = {}
        for whole in (True, False):  # what did not change first, then what most likely became what
            for number, (start, end, language) in enumerate(found):
                if number in buffers:
                    continue
                code = data[start:end]
                old = next((p for p in known if p.language is language and (not whole or p.buffer.data == code)), None)
                if old is not None:
                    known.remove(old)
                    buffers[number] = _became(old.buffer, code)
        return tuple(
            Piece(
                start,
                end,
                data.count(b"\n", 0, start),
                language,
                buffers[number] if number in buffers else self._begin(data[start:end], language),
            )
            for number, (start, end, language) in enumerate(found)
        )


def find(data: bytes, embedded: Embedded) -> list[tuple[int, int, Language]]:
    """Where pieces stand and what they are written in; those in languages nobody knows are left out."""
    found: list[tuple[int, int, Language]] = []
    for pattern in embedded.compiled:
        for match in pattern.finditer(data, 0, SEARCHED):
            language = _language(match, embedded)
            if language is not None and language.grammar:
                found.append((*match.span("code"), language))
            if len(found) >= MOST:
                break
    return sorted(found, key=lambda piece: piece[0])


def _language(match: re.Match[bytes], embedded: Embedded) -> Language | None:
    groups = match.groupdict()
    if groups.get("code") is None:
        return None
    if groups.get("language") is not None:
        written = groups["language"]
    else:
        attributes = groups.get("attributes") or b""
        told = next((found for pattern in _WRITTEN_IN if (found := pattern.search(attributes))), None)
        if told is None:
            return languages.of_id(embedded.defaults.get((groups.get("tag") or b"").lower().decode("ascii"), ""))
        written = told[1]
    word = written.decode("ascii", "replace").lower()
    return languages.of_id(embedded.types.get(word, word))


def _became(buffer: _B, code: bytes) -> _B:
    if buffer.data != code:
        buffer.edit([difference(buffer.data, code)], code)
    return buffer


def difference(old: bytes, new: bytes) -> Edit:
    """The one edit that makes the old text the new one, as small as it can be."""
    most = min(len(old), len(new))
    start = _alike(most, lambda size: old[:size] == new[:size])
    left = most - start
    tail = _alike(left, lambda size: old[len(old) - size :] == new[len(new) - size :])
    old_end, new_end = len(old) - tail, len(new) - tail
    return Edit(start, old_end, new_end, _point(old, start), _point(old, old_end), _point(new, new_end))


def _alike(most: int, same: Callable[[int], bool]) -> int:
    """The greatest size up to `most` for which both are the same, found by halving."""
    low, high = 0, most
    while low < high:
        middle = (low + high + 1) // 2
        low, high = (middle, high) if same(middle) else (low, middle - 1)
    return low


def _point(data: bytes, offset: int) -> tuple[int, int]:
    return data.count(b"\n", 0, offset), offset - (data.rfind(b"\n", 0, offset) + 1)
