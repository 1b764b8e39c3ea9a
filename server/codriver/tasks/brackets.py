"""Brackets and the parser's word: what of the right side is replaced, and how far a candidate is cut back.

Brackets are counted as plain signs (strings are not told apart): whatever comes of it is parsed before use.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator

from codriver.tasks import indent

_CLOSERS = {")": "(", "]": "[", "}": "{"}


def overlap(text: str, rest: str) -> int:
    """How many characters right of the cursor the text repeats, so that it has to replace them.

    All of the line's rest when the text says it whole; else as many closers and signs (an editor's
    auto-closed pairs) as the text brings itself.
    """
    said = rest.rstrip()
    if not said:
        return 0
    if re.search(r"\w", said):
        return len(said) if text.endswith(said) else 0
    spare, taken = _unmatched(text), 0
    for sign in said:
        if sign in _CLOSERS:
            if not spare or spare.pop(0) != sign:
                break
        elif sign in "\"'`":
            if text.count(sign) % 2 == 0:
                break
        elif not text.rstrip().endswith(said[taken:]):
            break
        taken += 1
    return taken


def _unmatched(text: str) -> list[str]:
    """Closers without an opener in this text, in order."""
    open_, spare = [], []
    for sign in text:
        if sign in "([{":
            open_.append(sign)
        elif sign in _CLOSERS:
            if open_ and open_[-1] == _CLOSERS[sign]:
                open_.pop()
            else:
                spare.append(sign)
    return spare


def fitted(text: str, fits: Callable[[str], bool], line: str = "", *, tries: int = 12) -> str:
    """The text, closed or cut back, that fits first; "" when nothing does. `fits` parses, so it is asked rarely.

    line: what stands to the left of it, whose open brackets it may close.
    """
    for n, candidate in enumerate(_versions(text, line)):
        if n >= tries:
            break
        if candidate.strip() and fits(candidate):
            return candidate
    return ""


def _versions(text: str, line: str) -> Iterator[str]:
    yield text
    yield from _closings(text, line)
    last = text
    while last and last[-1] in ")]};,":
        last = last[:-1].rstrip()
        yield last
    lines = text.split("\n")
    for size in range(len(lines) - 1, 0, -1):
        shorter = "\n".join(lines[:size]).rstrip()
        yield shorter
        yield from _closings(shorter, line)


def _closings(text: str, line: str) -> Iterator[str]:
    """With its own brackets closed, and with those of its line."""
    own, whole = closed(text), closed(line + text)[len(line) :]
    if own != text:
        yield own
    if whole not in (text, own):
        yield whole


def closed(text: str) -> str:
    """With the brackets it leaves open closed: behind its last line, or below it when they hold a block."""
    pairs = {opener: closer for closer, opener in _CLOSERS.items()}
    open_: list[tuple[str, int]] = []
    lines = text.split("\n")
    for n, line in enumerate(lines):
        for sign in line:
            if sign in pairs:
                open_.append((sign, n))
            elif sign in _CLOSERS and open_ and open_[-1][0] == _CLOSERS[sign]:
                open_.pop()
    for sign, n in reversed(open_):
        inline = sign != "{" or n == len(lines) - 1
        text += pairs[sign] if inline else f"\n{indent.lead(lines[n])}{pairs[sign]}"
    return text
