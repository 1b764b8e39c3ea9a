"""Places in open texts that are like the one at the cursor, and what was written there.

Alike is what stands before: the same tokens, or the same line with other names in it, which are then changed in what
followed as they changed in what came before.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from functools import lru_cache

from codriver.model.value import value

NEAR = 256_000
"""Bytes before the cursor that are searched."""
FAR = 128_000
"""Bytes behind the cursor, and of each other text."""
OTHERS = 6
MOST, RENAMED = 12, 8
"""Earlier places that are looked at in each text: the same ones, and those with other names."""
TOKENS = 24
"""Tokens of the line before the cursor that are tried, at most."""
CONTEXT = 4
"""Lines above that are compared."""
ALIKE = 12_000
"""Bytes around the cursor, and of the first other text, in which lines with other names are looked for."""
NAMES = 8
"""Different names in such a line, at most."""

TOKEN = re.compile(rb"[\w\x80-\xff]+|[^\w\s\x80-\xff]|[ \t]+")
WORD = re.compile(rb"[\w\x80-\xff]+")
_NAME = re.compile(rb"[A-Za-z_\x80-\xff][\w\x80-\xff]*")
_CLOSERS = b")]}>\"'`;:, \t\r"
_FIXED = frozenset(
    b"and as assert async await break case catch class const continue def default defer del do elif else end enum"
    b" except export extends final finally fn for from func function go if impl import in instanceof interface is"
    b" lambda let match mod module mut new nil none not null of or package pass private protected pub public raise"
    b" return self static struct super switch this throw throws trait try type typeof use using var void when where"
    b" while with yield None True False true false undefined".split()
)


@value(frozen=True, slots=True)
class Place:
    """Where the cursor stands, with what is compared."""

    history: bytes
    """The text before the lines that are looked up."""
    typed: bytes
    """The line up to the cursor, without its indentation; empty on a blank line."""
    indent: bytes
    above: tuple[tuple[int, bytes], ...]
    """Non-blank lines above, nearest first: indentation and stripped text."""
    gap: int
    """Line ends between the nearest of them and the cursor's line."""
    rest: bytes
    """Closing brackets and the like behind the cursor."""
    following: bytes
    """The next non-blank line, stripped."""


@value(frozen=True, slots=True)
class Sighting:
    """An earlier place like this one. What followed it begins at `at` in `source`."""

    source: bytes
    at: int
    tokens: int
    """Tokens of this line (on a blank line: of the line above) that are the same."""
    lines: int
    """Further lines above that are the same."""
    whole: bool
    """The same from the line's beginning on."""
    here: bool
    """In the text being edited."""
    line: bytes
    """What followed to the line's end, in this place's names, without the closers that stand behind the cursor."""
    renamed: int = 0
    """How many words of it are another name here than there."""


def place_at(before: bytes, after: bytes) -> Place | None:
    """The place between two texts; None in the middle of code, and where nothing stands above."""
    start = before.rfind(b"\n") + 1
    typed = before[start:].lstrip(b" \t")
    end = after.find(b"\n")
    rest = after if end < 0 else after[:end]
    if rest.strip(_CLOSERS):
        return None
    following = after[len(rest) :].lstrip()[:500].split(b"\n", 1)[0].strip()
    above = tuple(lines_above(before, start, CONTEXT + 1))
    history = before[max(start - NEAR, 0) : start]
    gap = 1
    if not typed:
        if not above:
            return None
        gap = history.count(b"\n", len(history.rstrip()))
        # The line above must not find itself.
        history = history[: history.rstrip().rfind(b"\n") + 1]
    return Place(history, typed, before[start : len(before) - len(typed)], above, gap, rest.strip(), following)


def lines_above(text: bytes, start: int, most: int) -> Iterator[tuple[int, bytes]]:
    """Indentation and stripped text of the non-blank lines before `start`, nearest first."""
    while most and start > 0:
        end = start - 1
        start = text.rfind(b"\n", 0, end) + 1
        line = text[start:end].rstrip()
        stripped = line.lstrip(b" \t")
        if stripped:
            most -= 1
            yield len(line) - len(stripped), stripped


def sightings(place: Place, after: bytes, others: Sequence[bytes]) -> Iterator[Sighting]:
    """All places like this one, those that are the same before those with other names."""
    texts = [(place.history, True), (after[:FAR], True), *((other[:FAR], False) for other in others[:OTHERS])]
    yield from _same(place, texts)
    yield from _renamed(place, after, others)


def counted(key: bytes) -> int:
    """Tokens in it."""
    return sum(not token[0].isspace() for token in TOKEN.finditer(key))


# The same tokens.


def _same(place: Place, texts: Sequence[tuple[bytes, bool]]) -> Iterator[Sighting]:
    key = _longest_known(place.typed, texts) if place.typed else place.above[0][1]
    tokens = counted(key)
    if not key or (tokens < 2 and len(key) < 3):
        return
    for source, here in texts:
        for at in _occurrences(source, key):
            if place.typed:
                yield _seen_in_line(place, source, at, key, tokens, here)
            elif (seen := _seen_above(place, source, at, key, tokens, here)) is not None:
                yield seen


def _longest_known(typed: bytes, texts: Sequence[tuple[bytes, bool]]) -> bytes:
    """The longest run of whole tokens at the end of the line that occurs somewhere else.

    What occurs, its ends occur too: so the length can be halved towards.
    """
    starts = [token.start() for token in TOKEN.finditer(typed) if not token[0].isspace()][-TOKENS:]
    low, high = 0, len(starts)
    while low < high:
        middle = (low + high) // 2
        key = typed[starts[middle] :]
        if any(next(_occurrences(source, key), -1) >= 0 for source, _ in texts):
            high = middle
        else:
            low = middle + 1
    return typed[starts[low] :] if low < len(starts) else b""


def _occurrences(source: bytes, key: bytes) -> Iterator[int]:
    """Places of the key that do not begin inside a word, last first."""
    wordy, end, found = WORD.match(key) is not None, len(source), 0
    while found < MOST:
        at = source.rfind(key, 0, end)
        if at < 0:
            return
        end = at + len(key) - 1
        if not (wordy and at and WORD.match(source, at - 1)):
            found += 1
            yield at


def _seen_in_line(place: Place, source: bytes, at: int, key: bytes, tokens: int, here: bool) -> Sighting:
    start = source.rfind(b"\n", 0, at) + 1
    whole = key == place.typed and not source[start:at].strip()
    lines = _agreeing(source, start, place.above) if whole else 0
    at += len(key)
    return Sighting(source, at, tokens, lines, whole, here, _followed(source, at, place))


def _seen_above(place: Place, source: bytes, at: int, key: bytes, tokens: int, here: bool) -> Sighting | None:
    """On a blank line: the line above must be whole, and the next one stand as this one does."""
    start, end = source.rfind(b"\n", 0, at) + 1, source.find(b"\n", at)
    if end < 0 or source[start:at].strip() or source[at + len(key) : end].strip():
        return None
    next_at = _next_alike(place, source, at - start, end)
    if next_at < 0:
        return None
    lines = _agreeing(source, start, place.above[1:])
    return Sighting(source, next_at, tokens, lines, True, here, _followed(source, next_at, place))


def _next_alike(place: Place, source: bytes, indent: int, end: int) -> int:
    """Where the line after the line end at `end` begins, if it stands to that line as this one does; else -1."""
    window = source[end : end + 500]
    blank = len(window) - len(window.lstrip())
    if blank == len(window):
        return -1
    next_at = end + blank
    next_start = source.rfind(b"\n", 0, next_at) + 1
    deeper, wanted = next_at - next_start - indent, len(place.indent) - place.above[0][0]
    return next_at if deeper == wanted and source.count(b"\n", end, next_at) == place.gap else -1


def _agreeing(source: bytes, start: int, above: Sequence[tuple[int, bytes]]) -> int:
    count = 0
    for (_, theirs), (_, ours) in zip(lines_above(source, start, len(above)), above, strict=False):
        if theirs != ours:
            break
        count += 1
    return count


def _followed(source: bytes, at: int, place: Place) -> bytes:
    end = source.find(b"\n", at)
    line = source[at : end if end >= 0 else len(source)].rstrip()
    return line.removesuffix(place.rest) if place.rest else line


# The same line with other names.


def _renamed(place: Place, after: bytes, others: Sequence[bytes]) -> Iterator[Sighting]:
    """Lines that are like this one up to the cursor (on a blank line: like the line above) but for their names."""
    ours = place.typed or place.above[0][1]
    shape = _shape(ours, whole=not place.typed)
    if shape is None:
        return
    names = [name for name in _NAME.findall(ours) if name not in _FIXED]
    history = place.history
    texts = [
        (history, max(len(history) - ALIKE, 0), True),
        (after, 0, True),
        *((other, 0, False) for other in others[:1]),
    ]
    tokens = counted(ours)
    for source, start, here in texts:
        for groups, end in _matches(shape, source[start : start + ALIKE]):
            changes = _changes(groups, names)
            if not changes:
                continue
            at = start + end
            if not place.typed:
                at = _next_alike(place, source, len(groups[0]), at)
                if at < 0:
                    continue
            line, renamed = _in_our_names(_followed(source, at, place), changes)
            yield Sighting(source, at, tokens, 0, True, here, line, renamed)


@lru_cache(maxsize=8)
def _matches(shape: re.Pattern[bytes], source: bytes) -> list[tuple[tuple[bytes, ...], int]]:
    """Groups and ends of the last lines of this shape. Remembered: neither changes while a name goes on being typed."""
    return [(match.groups(), match.end()) for match in list(shape.finditer(source))[-RENAMED:]]


def _shape(ours: bytes, *, whole: bool) -> re.Pattern[bytes] | None:
    """A pattern of lines that begin (or are) like this one, with other names."""
    # A line end in front, and not "^": the search for it is by far the quicker one.
    parts, names, at = [rb"\n([ \t]*)"], 0, 0
    for name in _NAME.finditer(ours):
        parts.append(re.escape(ours[at : name.start()]))
        if name[0] in _FIXED:
            parts.append(name[0])
        else:
            parts.append(rb"([A-Za-z_\x80-\xff][\w\x80-\xff]*)")
            names += 1
        at = name.end()
    if not 0 < names <= NAMES or counted(ours) < 3:
        return None
    parts.append(re.escape(ours[at:]) + (rb"[ \t\r]*(?=\n)" if whole else b""))
    return re.compile(b"".join(parts))


def _changes(groups: tuple[bytes, ...], ours: Sequence[bytes]) -> dict[bytes, bytes]:
    """Their names to ours; empty where nothing differs, or one of theirs would be two of ours."""
    changes: dict[bytes, bytes] = {}
    for old, new in zip(groups[1:], ours, strict=True):
        if changes.setdefault(old, new) != new:
            return {}
    return {} if all(old == new for old, new in changes.items()) else changes


def _in_our_names(line: bytes, changes: dict[bytes, bytes]) -> tuple[bytes, int]:
    """The line with names changed: whole ones, and the parts of others in which a changed one differs."""
    parts = [part for old, new in changes.items() if old != new and (part := _differing(old, new)) is not None]
    renamed = 0

    def change(found: re.Match[bytes]) -> bytes:
        nonlocal renamed
        name = found[0]
        made = changes.get(name)
        if made is None:
            made = name
            for old, new in parts:
                made = (
                    made.replace(old, new).replace(old.capitalize(), new.capitalize()).replace(old.upper(), new.upper())
                )
        renamed += made != name
        return made

    return _NAME.sub(change, line), renamed


def _differing(old: bytes, new: bytes) -> tuple[bytes, bytes] | None:
    """What differs in two names, if it is long enough to be recognised in others; in small letters."""
    head = _common(old, new)
    tail = _common(old[head:][::-1], new[head:][::-1])
    theirs, mine = old[head : len(old) - tail].strip(b"_"), new[head : len(new) - tail].strip(b"_")
    return (theirs.lower(), mine.lower()) if len(theirs) >= 4 and mine else None


def _common(one: bytes, other: bytes) -> int:
    return next((n for n, (a, b) in enumerate(zip(one, other, strict=False)) if a != b), min(len(one), len(other)))
