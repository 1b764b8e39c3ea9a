"""Brackets and the parser's word: what of the right side is replaced, and how far a candidate is cut back.

Brackets are counted as plain signs (strings are not told apart): whatever comes of it is parsed before use.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator

from codriver.tasks import indent
from codriver.wire.cutting import overlap

__all__ = ["closed", "fitted", "overlap"]

_CLOSERS = {")": "(", "]": "[", "}": "{"}


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
