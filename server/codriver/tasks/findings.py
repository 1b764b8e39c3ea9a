"""Findings of a review: read from a model's words, and found in the code or dropped."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from itertools import pairwise
from typing import Any

from codriver.tasks import edits, placing
from codriver.tasks.region import Region

SEVERITIES = ("error", "warning", "info", "hint")

_SEVERITY = {
    **dict.fromkeys(("error", "critical", "blocker", "high", "severe", "bug", "security"), "error"),
    **dict.fromkeys(("warning", "warn", "major", "medium", "moderate"), "warning"),
    **dict.fromkeys(("info", "information", "minor", "low", "note"), "info"),
    **dict.fromkeys(("hint", "style", "nit", "nitpick", "suggestion", "trivial"), "hint"),
}

TRIES, FORGIVEN = 1_000, 20
"""Brackets of a reply that may begin no JSON before it is given up, and those at which commas are forgiven."""


@dataclass(frozen=True, slots=True)
class Finding:
    """One finding about the bytes [start, end), which lie in the lines start_line to end_line (from 1).

    severity: one of SEVERITIES. why: how it fails, may be empty. fix: what replaces those lines, from
    the first one's first character that is no blank to the last one's end; it parses no worse.
    """

    start: int
    end: int
    start_line: int
    end_line: int
    severity: str
    message: str
    why: str = ""
    fix: str | None = None


# Reading.


def told(reply: str) -> list[Mapping[str, Any]] | None:
    """The findings in a reply, whatever is said around them; None when there is no list of findings.

    Of a list that was cut off, the whole findings are kept.
    """
    return listed(reply, "findings", "quote")


def listed(reply: str, name: str, mark: str) -> list[Mapping[str, Any]] | None:
    """The objects that a reply lists under a name, or by themselves; single ones are known by their field `mark`."""
    for text in [*(block.text for block in edits.fenced(reply)), reply]:
        for value in _values(text):
            found = value.get(name) if isinstance(value, dict) else value
            if isinstance(found, list) and all(isinstance(item, dict) for item in found):
                return found
    single = [value for value in _values(reply) if isinstance(value, dict) and mark in value]
    return list(single) or None


def _values(text: str) -> Iterator[Any]:
    """JSON objects and arrays in a text, outermost first, in order; trailing commas are forgiven."""
    decoder, at, failed = json.JSONDecoder(strict=False), 0, 0
    while failed < TRIES and (found := re.compile(r"[{\[]").search(text, at)) is not None:
        for forgiven in (False, True) if failed < FORGIVEN else (False,):
            try:
                said = text if not forgiven else text[: found.start()] + _without_commas(text[found.start() :])
                value, at = decoder.raw_decode(said, found.start())
            except (ValueError, RecursionError):
                continue
            text = said
            yield value
            break
        else:
            at, failed = found.start() + 1, failed + 1


def _without_commas(text: str) -> str:
    """The text without commas before a closing bracket; what stands in strings stays."""
    return re.sub(r'"(?:\\.|[^"\\])*"|,(?=\s*[}\]])', lambda one: one[0] if one[0] != "," else "", text, flags=re.S)


# Finding the place.


def located(items: Iterable[Mapping[str, Any]], region: Region) -> list[Finding]:
    """The findings whose quoted lines stand in the region, gravest first; without doubles."""
    found = (_located(item, region) for item in items)
    unique = {(f.start, f.end, f.message): f for f in found if f is not None}
    return sorted(unique.values(), key=lambda f: (SEVERITIES.index(f.severity), f.start))


def _located(item: Mapping[str, Any], region: Region) -> Finding | None:
    quote, message = _word(item, "quote"), _word(item, "message").strip()
    line = item.get("line")
    span = place(quote, region, line if isinstance(line, int) else 1)
    if span is None or not message:
        return None
    severity = _SEVERITY.get(_word(item, "severity").strip().lower(), "warning")
    text = region.snapshot.text
    first = text.count(b"\n", 0, span[0]) + 1
    last = first + text.count(b"\n", *span)
    fix = _fix(_word(item, "fix"), span, region)
    return Finding(*span, first, last, severity, message, _word(item, "why").strip(), fix)


def _word(item: Mapping[str, Any], name: str) -> str:
    value = item.get(name)
    return value if isinstance(value, str) else ""


def place(quote: str, region: Region, line: int) -> tuple[int, int] | None:
    """The bytes a quote stands at: whole lines compared without indentation, else a part of one line.

    Of several places the one nearest to `line` (of the region, from 1) is meant.
    """
    wanted = [part.strip().encode() for part in quote.strip("\n").splitlines()]
    if not any(wanted):
        return None
    starts = [0, *(m.end() for m in re.finditer(rb"\n", region.code)), len(region.code) + 1]
    lines = [region.code[a : b - 1].strip() for a, b in pairwise(starts)]
    spots = [n for n in range(len(lines) - len(wanted) + 1) if lines[n : n + len(wanted)] == wanted]
    if spots:
        first = min(spots, key=lambda n: abs(n + 1 - line))
        return _trimmed(region, starts[first], starts[first + len(wanted)] - 1)
    spots = [n for n, text in enumerate(lines) if len(wanted) == 1 and len(wanted[0]) >= 3 and wanted[0] in text]
    if not spots:
        return None
    first = min(spots, key=lambda n: abs(n + 1 - line))
    at = region.start + region.code.index(wanted[0], starts[first])
    return at, at + len(wanted[0])


def _trimmed(region: Region, start: int, end: int) -> tuple[int, int]:
    """The range without white space at its ends, in the buffer's bytes."""
    piece = region.code[start:end]
    begin = region.start + start + len(piece) - len(piece.lstrip())
    return begin, begin + len(piece.strip())


def _fix(text: str, span: tuple[int, int], region: Region) -> str | None:
    """The fix as replacement of the span's lines, when it changes something and parses no worse."""
    blocks = edits.fenced(text)
    code = (blocks[0].text if blocks else text).strip("\n").rstrip()
    if not code.strip() or edits.elided(code, ""):
        return None
    lines = _lines(region, span)
    head, tail = region.snapshot.text[lines.start : span[0]], region.snapshot.text[span[1] : lines.end]
    if head.strip() or tail.strip():  # a part of a line was quoted, so that part is replaced
        code = f"{head.decode('utf-8', 'replace')}{code.strip()}{tail.decode('utf-8', 'replace')}"
    placed = placing.in_place(code, lines).lstrip(" \t")
    begin = lines.start + len(lines.code) - len(lines.code.lstrip())
    new = placed.encode("utf-8", "replace")
    before, after = region.buffer.errors_with(new, begin, lines.end)
    same = new == region.snapshot.text[begin : lines.end]
    return None if same or after > before else placed


def _lines(region: Region, span: tuple[int, int]) -> Region:
    """The whole lines of a span."""
    text = region.snapshot.text
    end = text.find(b"\n", span[1])
    end = end if end >= 0 else len(text)
    if text[end - 1 : end] == b"\r":
        end -= 1
    return Region(region.snapshot, region.buffer, text.rfind(b"\n", 0, span[0]) + 1, end)
