"""What a completion is when it is done, and the place it was made for."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import replace
from functools import lru_cache
from typing import TYPE_CHECKING

from codriver.model.request import Snapshot
from codriver.model.value import value
from codriver.tasks import brackets, indent, trim
from codriver.tasks.context import below, readable, whole

if TYPE_CHECKING:
    from codriver.syntax.analysis import Buffer

WINDOW = 4000
"""Bytes before and after the cursor that a candidate is compared with."""

_UNTOLD = (0, 1)
"""For a parser that found no time: nobody knows whether a candidate fits, so it does not."""

LABEL = 60
"""Characters of a label."""

_MARKUP = ("markdown", "mdx", "rst", "restructuredtext", "asciidoc", "latex", "text", "plaintext", "")
_WORD = re.compile(r"[\w$]*\Z")
_COMMENTED = re.compile(r"\s*(?:#|//|--|/\*|\*|;|%|\"\"\"|''')")


@value(frozen=True, slots=True)
class Suggestion:
    """Text for the byte range [start, end) of the buffer it was asked for.

    The range begins where the typed word does, so that letters typed late are replaced and not
    doubled, and ends behind what the text repeats of the cursor's right side. decision: id of the
    outcome. label: its first line, for menus.
    """

    text: str
    start: int
    end: int
    model: str
    decision: str
    simulated: bool = False
    label: str = ""


@value(frozen=True, slots=True)
class Picked:
    """The entry chosen in an editor's menu: text that would replace bytes [start, end) of the buffer."""

    start: int
    end: int
    text: str


@value(frozen=True, slots=True)
class Site:
    """A cursor in a buffer, ready for candidates."""

    snapshot: Snapshot
    cursor: int
    buffer: Buffer
    place: trim.Place

    def fit(self, text: str) -> str:
        """The candidate made fit for this place (LF only), or "" when no part of it parses well here."""
        candidate = trim.tidy(text, self.place)
        if not self.adds(candidate):
            return ""
        return brackets.fitted(candidate, self._fits, self.place.line)

    def prepare(self) -> None:
        """Makes ready what judging a candidate needs, in the time in which there is none yet."""
        self.buffer.prepare(self.cursor)

    def adds(self, candidate: str) -> bool:
        """Whether a candidate says anything that does not stand there already."""
        return bool(candidate) and self._encoded(candidate) != self.snapshot.text[self.cursor : self.end(candidate)]

    def _fits(self, candidate: str) -> bool:
        return self.adds(candidate) and self._parses(candidate)

    def _parses(self, candidate: str) -> bool:
        """Whether errors do not grow with the candidate in place.

        A line being typed nearly always is an error, and that must not excuse the next: with the
        candidate there may be no more errors than without the whole line. A window of a long text may
        be cut so that it is broken everywhere: then nothing can be told, and silence is right.
        """
        # Some grammars (Go's) miss the line end of a text that ends without one, as texts do while they are written.
        new, until, text = self._encoded(candidate), self.end(candidate), self.snapshot.text
        new += b"\n" if until == len(text) else b""
        if self.buffer.parses_with(new, self.cursor, until):
            return True
        before, after = self.buffer.errors_with(new, self.cursor, until, _UNTOLD)
        if after == 0 or before == 0:
            return after == 0
        start, end = text.rfind(b"\n", 0, self.cursor) + 1, text.find(b"\n", self.cursor)
        whole, without = self.buffer.errors_with(b"", start, end if end >= 0 else len(text))
        if without and not self.buffer.whole:
            return False
        return after - before <= min(without - whole, 0)

    def end(self, candidate: str) -> int:
        """Where the replaced range ends."""
        rest = self.place.rest
        if "\ufffd" in rest:  # bytes that are no UTF-8: characters and bytes cannot be matched
            return self.cursor
        return self.cursor + len(rest[: brackets.overlap(candidate, rest)].encode())

    def suggestion(self, candidate: str, *, model: str, decision: str, simulated: bool = False) -> Suggestion:
        """The candidate as what an editor can show."""
        start = word_start(self.snapshot.text, self.cursor)
        text = (self.snapshot.text[start : self.cursor] + self._encoded(candidate)).decode("utf-8", "replace")
        label = next((line.strip() for line in text.splitlines() if line.strip()), "")[:LABEL]
        return Suggestion(text, start, self.end(candidate), model, decision, simulated, label)

    def _encoded(self, candidate: str) -> bytes:
        data = candidate.encode("utf-8", "replace")
        return data.replace(b"\n", b"\r\n") if newline(self.snapshot.text) == b"\r\n" else data


def site(snapshot: Snapshot, buffer: Buffer, *, explicit: bool) -> Site:
    """The site at the snapshot's cursor."""
    text = snapshot.text
    cursor = whole(text, min(snapshot.cursor or 0, len(text)))
    before = readable(text[whole(text, max(cursor - WINDOW, 0)) : cursor])
    after = readable(below(text, cursor, WINDOW))
    markup = buffer.language_id in _MARKUP
    bare = trim.Place(before, after, unit=_unit(_indented(text, cursor)), markup=markup)
    many = _many(bare, lambda: buffer.at_block_start(cursor), explicit=explicit)
    return Site(snapshot, cursor, buffer, trim.Place(before, after, many, bare.unit, markup))


def _indented(text: bytes, cursor: int) -> bytes:
    """Lines above and below the cursor's, and where that begins: the same while it is typed."""
    start, end = text.rfind(b"\n", 0, cursor) + 1, text.find(b"\n", cursor)
    line = text[start : min(cursor, start + WINDOW)]
    lead = line[: len(line) - len(line.lstrip(b" \t")) + 1]
    below = text[end : end + WINDOW] if end >= 0 else b""
    return text[max(start - WINDOW, 0) : start] + lead + below


@lru_cache(maxsize=16)
def _unit(lines: bytes) -> str:
    """One step of their indentation."""
    return indent.unit(readable(lines))


def _many(place: trim.Place, at_block_start: Callable[[], bool], *, explicit: bool) -> bool:
    """Whether several lines are wanted: where a block begins, below a comment, on an empty line when asked."""
    if re.search(r"\w", place.rest):
        return False
    if at_block_start():
        return True
    empty = not place.line.strip() and not place.rest.strip()
    return empty and (explicit or _COMMENTED.match(place.above) is not None or indent.opens(place.above))


def with_picked(snapshot: Snapshot, picked: Picked) -> Snapshot:
    """The snapshot as it will be when the entry is taken, with the cursor behind it."""
    new = picked.text.encode("utf-8", "replace")
    text = snapshot.text[: picked.start] + new + snapshot.text[picked.end :]
    return replace(snapshot, text=text, cursor=picked.start + len(new))


def picked_back(snapshot: Snapshot, picked: Picked, suggestion: Suggestion) -> Suggestion:
    """A suggestion for that text as one for the snapshot: it begins with the entry, and replaces what that would."""
    new = picked.text.encode("utf-8", "replace")
    virtual = snapshot.text[: picked.start] + new
    start = min(suggestion.start, picked.start)
    between = virtual[start : suggestion.start].decode("utf-8", "replace")
    end = suggestion.end - len(new) + picked.end - picked.start
    return replace(suggestion, text=between + suggestion.text, start=start, end=end)


def word_start(text: bytes, cursor: int) -> int:
    """Byte offset where the word to the left of the cursor begins; the cursor itself when there is none."""
    line = text[whole(text, max(text.rfind(b"\n", 0, cursor) + 1, cursor - WINDOW)) : cursor]
    word = _WORD.search(line.decode("utf-8", "replace"))
    return cursor - len(word[0].encode()) if word is not None and "\ufffd" not in word[0] else cursor


def newline(text: bytes) -> bytes:
    """The line end this text uses first: CRLF or LF."""
    first = text.find(b"\n", 0, 100_000)
    return b"\r\n" if first > 0 and text[first - 1] == 0x0D else b"\n"
