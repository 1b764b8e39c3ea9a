"""Completion without a model: what followed when the code stood at a point like this before.

Code repeats itself. The longest run of tokens before the cursor that was written elsewhere, in this text
or another open one, is looked up, and what followed it there is proposed. How sure to be was measured
on real code (`confidence_of`), so that a threshold means what it says.
"""

from __future__ import annotations

import math
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

SHOWN = 0.6
"""Confidence from which a proposal is worth showing."""
NEAR = 256_000
"""Bytes before the cursor that are searched."""
FAR = 128_000
"""Bytes behind the cursor, and of each other text."""
OTHERS = 6
SIGHTINGS = 16
"""Earlier places that are looked at in each text."""
TOKENS = 24
"""Tokens of the line before the cursor that are tried, at most."""
CONTEXT = 4
"""Lines above that are compared."""
LINES = 6
"""Lines of the longest proposal."""

_TOKEN = re.compile(rb"[\w\x80-\xff]+|[^\w\s\x80-\xff]|[ \t]+")
_WORDY = re.compile(rb"[\w\x80-\xff]")
_CLOSERS = b")]}>\"'`;:, \t\r"


@dataclass(frozen=True, slots=True)
class Prediction:
    """Text to insert at the cursor, the probability that its first line is right, and the tokens matched."""

    text: str
    confidence: float
    matched: int


def predict(before: bytes, after: bytes, others: Sequence[bytes] = ()) -> Prediction | None:
    """What most likely comes next, or None. Never blank, and never what stands behind the cursor.

    before, after: the text around the cursor. others: other open texts of the language, best first.
    Reaches to the line's end, and over further lines as far as all earlier places agree on them.
    """
    place = _place(before, after)
    if place is None:
        return None
    texts = [(place.history, True), (after[:FAR], True), *((other[:FAR], False) for other in others[:OTHERS])]
    votes: dict[bytes, list[_Sighting]] = {}
    for sighting in _sightings(place, texts):
        votes.setdefault(_continuation(sighting, place), []).append(sighting)
    if not votes:
        return None
    weights = {line: sum(map(_weight, group)) for line, group in votes.items()}
    line = max(weights, key=weights.__getitem__)
    if not line.strip() or place.typed + line == place.following:
        return None
    agreeing = sorted(votes[line], key=_weight, reverse=True)
    confidence = confidence_of(agreeing[0], len(agreeing), weights[line] / sum(weights.values()), line)
    text = line + b"".join(_further(agreeing, place))
    return Prediction(text.decode("utf-8", "replace"), confidence, agreeing[0].tokens)


@dataclass(frozen=True, slots=True)
class _Place:
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


@dataclass(frozen=True, slots=True)
class _Sighting:
    """An earlier place like this one. Its continuation begins at `at` in `source`."""

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


def _place(before: bytes, after: bytes) -> _Place | None:
    start = before.rfind(b"\n") + 1
    typed = before[start:].lstrip(b" \t")
    end = after.find(b"\n")
    rest = after if end < 0 else after[:end]
    if rest.strip(_CLOSERS):
        return None  # in the middle of code
    following = after[len(rest) :].lstrip()[:500].split(b"\n", 1)[0].strip()
    above = tuple(_lines_above(before, start, CONTEXT + 1))
    history = before[max(start - NEAR, 0) : start]
    gap = 1
    if not typed:
        if not above:
            return None
        gap = history.count(b"\n", len(history.rstrip()))
        # The line above must not find itself.
        history = history[: history.rstrip().rfind(b"\n") + 1]
    return _Place(history, typed, before[start : len(before) - len(typed)], above, gap, rest.strip(), following)


def _lines_above(text: bytes, start: int, most: int) -> Iterator[tuple[int, bytes]]:
    """Indentation and stripped text of the non-blank lines before `start`, nearest first."""
    while most and start > 0:
        end = start - 1
        start = text.rfind(b"\n", 0, end) + 1
        line = text[start:end].rstrip()
        stripped = line.lstrip(b" \t")
        if stripped:
            most -= 1
            yield len(line) - len(stripped), stripped


def _sightings(place: _Place, texts: Sequence[tuple[bytes, bool]]) -> Iterator[_Sighting]:
    key = _longest_known(place.typed, texts) if place.typed else place.above[0][1]
    tokens = _count(key)
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
    starts = [token.start() for token in _TOKEN.finditer(typed) if not token[0].isspace()][-TOKENS:]
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
    wordy, end, found = _WORDY.match(key) is not None, len(source), 0
    while found < SIGHTINGS:
        at = source.rfind(key, 0, end)
        if at < 0:
            return
        end = at + len(key) - 1
        if not (wordy and at and _WORDY.match(source, at - 1)):
            found += 1
            yield at


def _seen_in_line(place: _Place, source: bytes, at: int, key: bytes, tokens: int, here: bool) -> _Sighting:
    start = source.rfind(b"\n", 0, at) + 1
    whole = key == place.typed and not source[start:at].strip()
    lines = _agreeing(source, start, place.above) if whole else 0
    return _Sighting(source, at + len(key), tokens, lines, whole, here)


def _seen_above(place: _Place, source: bytes, at: int, key: bytes, tokens: int, here: bool) -> _Sighting | None:
    """On a blank line: the line above must be whole, and the next one stand as this one does."""
    start, end = source.rfind(b"\n", 0, at) + 1, source.find(b"\n", at)
    if end < 0 or source[start:at].strip() or source[at + len(key) : end].strip():
        return None
    following = source[end:].lstrip() if len(source) - end < 500 else source[end : end + 500].lstrip()
    if not following:
        return None
    next_at = source.find(following[:40], end)
    next_start = source.rfind(b"\n", 0, next_at) + 1
    indents = (at - start) - place.above[0][0], (next_at - next_start) - len(place.indent)
    if indents[0] != indents[1] or source.count(b"\n", end, next_at) != place.gap:
        return None
    return _Sighting(source, next_at, tokens, _agreeing(source, start, place.above[1:]), True, here)


def _agreeing(source: bytes, start: int, above: Sequence[tuple[int, bytes]]) -> int:
    count = 0
    for (_, theirs), (_, ours) in zip(_lines_above(source, start, len(above)), above, strict=False):
        if theirs != ours:
            break
        count += 1
    return count


def _continuation(sighting: _Sighting, place: _Place) -> bytes:
    """What followed to the line's end, without the closers that stand behind the cursor already."""
    end = sighting.source.find(b"\n", sighting.at)
    line = sighting.source[sighting.at : end if end >= 0 else len(sighting.source)].rstrip()
    return line.removesuffix(place.rest) if place.rest else line


def _weight(sighting: _Sighting) -> float:
    return float(2**sighting.lines * (2 if sighting.whole else 1) * (1 if sighting.here else 0.7))


def _further(agreeing: Sequence[_Sighting], place: _Place) -> Iterator[bytes]:
    """More lines, as long as at least two earlier places agree, in this line's indentation."""
    if len(agreeing) < 2 or place.rest:
        return
    for lines in zip(*map(_lines_below, agreeing), strict=False):
        indent, line = lines[0]
        if any(other != lines[0] for other in lines) or line == place.following:
            return
        yield b"\n" + place.indent + indent + line


def _lines_below(sighting: _Sighting) -> Iterator[tuple[bytes, bytes]]:
    """Lines directly below, up to a blank or outer one: indentation added to the sighting's line, text."""
    source = sighting.source
    start = source.rfind(b"\n", 0, sighting.at) + 1
    outer = _lead(source[start : sighting.at])
    for _ in range(LINES - 1):
        start = source.find(b"\n", start) + 1
        end = source.find(b"\n", start)
        line = source[start:end].rstrip() if start and end >= 0 else b""
        lead = _lead(line)
        if not line or not lead.startswith(outer):
            return
        yield lead[len(outer) :], line[len(lead) :]


def _lead(line: bytes) -> bytes:
    return line[: len(line) - len(line.lstrip(b" \t"))]


def _count(key: bytes) -> int:
    return sum(not token[0].isspace() for token in _TOKEN.finditer(key))


def confidence_of(best: _Sighting, agreeing: int, share: float, line: bytes) -> float:
    """Probability that the line is right to its last character.

    best: the most alike sighting of those that agree; agreeing: how many they are; share: of the
    weight of all sightings. Logistic regression over 14,400 masked line ends of 240 modules of
    CPython 3.11's library; tests/bench/predictor.py measures it on others.
    """
    tokens, whole = math.log(best.tokens), float(best.whole)
    rivals = agreeing / share - agreeing
    score = (
        -1.66
        + 0.99 * tokens
        + 0.96 * best.lines
        + 1.60 * whole
        - 0.46 * whole * tokens
        + 1.54 * share
        + 1.49 * math.log(agreeing)
        - 0.71 * math.log(1 + rivals)
        - 1.54 * math.log(1 + _count(line))
    )
    return 1 / (1 + math.exp(-score))
