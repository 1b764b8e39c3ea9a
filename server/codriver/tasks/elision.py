"""Replies that say "... existing code ..." instead of repeating it: what they leave out is put back, else refused.

A gap is filled only from what surely stood there: between the lines before and behind it, each of which stands in the
original exactly once.
"""

from __future__ import annotations

import re
from collections.abc import Sequence

from codriver.tasks import indent

_COMMENT = r"(?:#|//|--|/\*|<!--|;|%|\{/\*|\"\"\")"
_LEFT = r"\b(?:rest of|remaining|existing|other|previous)\b"
_KEPT = r"(?:\.\.\.|…|unchanged|(?:the|as) (?:same|before))"
_ELIDED = re.compile(rf"(?im)^[ \t]*{_COMMENT}\s*(?:(?:\.\.\.|…).{{0,60}}|.{{0,40}}{_LEFT}.{{0,40}}{_KEPT}.{{0,20}})$")
_FILLERS = (
    r"(?:the|all|any|of|rest|remaining|existing|other|others|previous|earlier|same|as|before|unchanged|code|logic|body"
    r"|implementation|function|functions|method|methods|class|stays|stay|remains|remain|goes|continues?|with|keep|kept"
    r"|everything|else|here|no|changes?|is|are|and|statements?|lines?|file|imports?|snip(?:ped)?|omitted)"
)
_SAID = re.compile(
    rf"(?im)^(?=.*\b(?:rest|remaining|existing|unchanged|same|no changes|everything else|snip(?:ped)?|omitted)\b)"
    rf"[ \t]*(?:.*\{{[ \t]*|(?:pass|\.\.\.)[ \t]+)?{_COMMENT}[\W_]*(?:{_FILLERS}[\W_]*)+$"
)
"""A comment of no other words, where one of them says that something is left out."""


def elided(code: str, original: str) -> bool:
    """Whether a comment stands for code that was left out (and did not stand there before)."""
    return any(found[0].strip() not in original for sign in (_ELIDED, _SAID) for found in sign.finditer(code))


def restored(code: str, original: str) -> str | None:
    """The code with its gaps filled from the original; None where one cannot be filled surely."""
    lines, rows = code.split("\n"), original.replace("\r\n", "\n").split("\n")
    gaps = [n for n, line in enumerate(lines) if _marks(line) and line.strip() not in original]
    if any(elided(line, original) for n, line in enumerate(lines) if n not in gaps):
        return None
    whole: list[str] = []
    done, reached = 0, 0
    for gap in gaps:
        segment = lines[done:gap]
        before = next((line for line in reversed(segment) if line.strip()), None)
        behind = next((line for line in lines[gap + 1 :] if line.strip()), None)
        start = 0 if before is None else _only(rows, before)
        stop = len(rows) if behind is None else _only(rows, behind)
        if stop is None:
            stop = _closing(rows, lines[gap + 1 :])
        if start is None or stop is None or before is behind is None:
            return None
        start += before is not None
        left_out = rows[start:stop]
        if start < reached or not any(row.strip() for row in left_out):
            return None
        whole += [*segment, *_moved(left_out, rows, start, before)]
        done, reached = gap + 1, stop
    return "\n".join([*whole, *lines[done:]])


def _marks(line: str) -> bool:
    """Whether a line is nothing but a mark."""
    alone = _SAID.match(line) is not None and re.match(rf"[ \t]*{_COMMENT}", line) is not None
    return alone or _ELIDED.match(line) is not None


def _closing(rows: Sequence[str], behind: Sequence[str]) -> int | None:
    """Where the last rows begin, where nothing but these very brackets comes behind a gap."""
    said, there = [line.strip() for line in behind if line.strip()], [n for n, row in enumerate(rows) if row.strip()]
    last = there[-len(said) :]
    if any(re.search(r"\w", line) for line in said) or [rows[n].strip() for n in last] != said:
        return None
    return last[0]


def _moved(left_out: list[str], rows: Sequence[str], start: int, before: str | None) -> list[str]:
    """The lines as deep as the reply has the line before them."""
    if before is None:
        return left_out
    return indent.moved(left_out, indent.lead(rows[start - 1]), indent.lead(before))


def _only(rows: Sequence[str], line: str) -> int | None:
    """The one row that says this; None where there are more, or none. Brackets alone say nothing."""
    wanted = line.strip()
    if not re.search(r"\w", wanted):
        return None
    found = [n for n, row in enumerate(rows) if row.strip() == wanted]
    return found[0] if len(found) == 1 else None
