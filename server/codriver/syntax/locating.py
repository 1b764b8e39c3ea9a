"""Where a hole that somebody sends stands in a buffer: by the text around it, with nothing but searches for bytes.

A plugin and the editor's own client tell the same text at slightly different moments, and some plugins
leave out a line's blanks. So where the text does not meet at the very cursor, the lines around it count.
"""

from __future__ import annotations

import re

AROUND = 400
"""Bytes on each side that are compared."""

_TELLING = 12
"""Characters that say something; fewer are found everywhere."""

_APART = 2000
"""Bytes that may stand between the lines above and the lines below: the line that is being typed."""

_TRIES = 8
_BLANK = re.compile(rb"[\s{}()\[\];,]+")


def locate(text: bytes, before: bytes, after: bytes) -> int | None:
    """The byte offset in the text of the hole between these two, or None where it is not to be told."""
    if b"\r\n" in text[:10_000] and b"\r" not in before + after:
        before, after = before.replace(b"\n", b"\r\n"), after.replace(b"\n", b"\r\n")
    head, tail = before[-AROUND:], after[:AROUND]
    if _telling(head + tail) or len(head + tail) == len(text):
        found = text.find(head + tail)
        if found >= 0:
            return found + len(head)
    return _between_lines(text, head, tail)


def _between_lines(text: bytes, head: bytes, tail: bytes) -> int | None:
    """By the whole lines above and below the cursor's."""
    above, line = head[: head.rfind(b"\n") + 1], head[head.rfind(b"\n") + 1 :]
    above = above[above.find(b"\n") + 1 :] if len(head) == AROUND else above
    below = tail[tail.find(b"\n") + 1 :] if b"\n" in tail else b""
    below = below[: below.rfind(b"\n") + 1] if len(tail) == AROUND else below
    if not _telling(above) or not _telling(above + below, 2):
        return None
    start = 0
    for _ in range(_TRIES):
        found = text.find(above, start)
        if found < 0:
            return None
        end = found + len(above)
        there = text.find(below, end, end + _APART + len(below)) if below.strip() else end + len(line)
        if there >= 0:
            return min(end + len(line), there, len(text))
        start = found + 1
    return None


def _telling(text: bytes, times: int = 1) -> bool:
    return len(_BLANK.sub(b"", text)) >= _TELLING * times


_HINT = re.compile(r"\W{0,6}\b(path|file|filename|filepath|language)\s*[:=]\s*(\S+)", re.IGNORECASE)
_HINTED_LINES = 4


def hints(prefix: str) -> tuple[str, str]:
    """The path and the language that plugins write into comments on top of a prefix; "" where they do not."""
    told = {"path": "", "language": ""}
    for line in prefix[:1000].split("\n")[:_HINTED_LINES]:
        found = _HINT.match(line)
        if found is not None:
            name = "language" if found[1].lower() == "language" else "path"
            told[name] = told[name] or found[2]
    return told["path"], told["language"]
