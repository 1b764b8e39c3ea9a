"""Changes as text: unified diffs, patches in an envelope, search-and-replace blocks.

What counts is where in which file: lines of the new side where numbers stand, else the old text to look for.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence

from codriver.model.value import value


@value(frozen=True, slots=True)
class Change:
    """A file that a text changes. lines: of its new side, 1-based; quoted: old text, where no numbers are told;
    named: functions in the headers of hunks; code: the new text as far as it is told."""

    path: str
    lines: tuple[tuple[int, int], ...] = ()
    quoted: tuple[str, ...] = ()
    named: tuple[str, ...] = ()
    code: str = ""


_HUNK = re.compile(r"@@+(?: -\d+(?:,\d+)*)* ?(?:\+(\d+)(?:,\d+)?)?(?: \.\.\.)?(?: @@+)? ?(.*)$")
_FILE = re.compile(r"\*\*\* (?:Update|Add|Delete) File: (.+)$")
_SEARCH = re.compile(r"^[ \t]*[<-]{5,9} ?SEARCH>?[^\n]*\n", re.MULTILINE)
_MIDDLE = re.compile(r"^[ \t]*={5,9}[ \t]*$", re.MULTILINE)
_TIME = re.compile(r"\t.*$")
_DEFINED = re.compile(
    r"\b(?:def|class|func|fn|function|sub|proc|impl)\s+(?:\([^)]*\)\s*)?([A-Za-z_]\w*)|([A-Za-z_]\w*)\s*\("
)


def changes(text: str) -> Iterator[Change]:
    """The files a text changes, in its order, each with its places. Linear in the text's length."""
    if "@@" in text or "*** " in text:
        yield from _patched(text.split("\n"))
    if "SEARCH" in text:
        yield from _searched(text)


def _patched(lines: Sequence[str]) -> Iterator[Change]:
    path, start = "", 0
    for number, line in enumerate(lines):
        begun = _header(lines, number)
        if begun or line.startswith("*** End Patch"):
            if path:
                yield _change(path, lines[start:number])
            path, start = begun, number + 1
    if path:
        yield _change(path, lines[start:])


def _header(lines: Sequence[str], number: int) -> str:
    """The path in a line that begins a file's changes, or "". A removed file is told by its old name."""
    line = lines[number]
    if line.startswith("*** "):
        found = _FILE.match(line.rstrip("\r"))
        return found[1].strip() if found else ""
    if not line.startswith("+++ ") or number == 0 or not lines[number - 1].startswith("--- "):
        return ""
    new, old = (_TIME.sub("", lines[at][4:].rstrip("\r")).strip('" ') for at in (number, number - 1))
    path = old if new == "/dev/null" else new
    return path[2:] if path[:2] in ("a/", "b/", "i/", "w/", "c/", "o/") else path


def _change(path: str, body: Sequence[str]) -> Change:
    found: list[tuple[int, int]] = []
    quoted: list[str] = []
    named: list[str] = []
    code: list[str] = []
    for first, title, hunk in _hunks(body):
        after = [line[1:] for line in hunk if line[:1] in (" ", "+", "")]
        code += after
        defined = _DEFINED.search(title)
        if first:
            found.append(_touched(first, hunk))
        elif any(line[:1] in (" ", "-") for line in hunk):
            quoted.append("\n".join(line[1:] for line in hunk if line[:1] in (" ", "-", "")))
        if defined and not first:
            named.append(defined[1] or defined[2])
    return Change(path, tuple(found), tuple(quoted), tuple(named), "\n".join(code))


def _hunks(body: Sequence[str]) -> Iterator[tuple[int, str, list[str]]]:
    """First line on the new side (0: not told), what stands behind the marks, and the lines of each hunk."""
    first, title, lines = 0, "", list[str]()
    for line in body:
        head = _HUNK.match(line) if line.startswith("@@") else None
        if head is not None:
            if lines:
                yield first, title, lines
            first, title, lines = int(head[1] or 0), head[2], []
        elif line[:1] in (" ", "+", "-") or (not line and lines):
            lines.append(line.rstrip("\r"))
        elif line[:1] != "\\" and lines:
            break  # prose goes on behind the last hunk
    if lines:
        yield first, title, lines


def _touched(first: int, hunk: Sequence[str]) -> tuple[int, int]:
    """The lines of the new side from the first change to the last; a removed line counts as the one after it."""
    number, touched = first, list[int]()
    for line in hunk:
        if line[:1] in ("+", "-"):
            touched.append(number)
        if line[:1] != "-":
            number += 1
    return (touched[0], touched[-1]) if touched else (first, max(first, number - 1))


def _searched(text: str) -> Iterator[Change]:
    path = ""
    end = 0
    for found in _SEARCH.finditer(text):
        if found.start() < end:
            continue
        path = _above(text[end : found.start()]) or path
        middle = _MIDDLE.search(text, found.end())
        if middle is None:
            return  # cut off, or no such block
        old, end = text[found.end() : middle.start()], middle.end()
        if path:
            yield Change(path, quoted=(old.rstrip("\n"),) if old.strip() else ())


def _above(text: str) -> str:
    """The path on the last lines above a block: alone on its line, or in a tag; fences are passed over."""
    for line in reversed(text[-600:].split("\n")[-6:]):
        line = re.sub(r"^</?\w+>|</\w+>$", "", line.strip()).strip().strip("`*#: ")
        if line and "." in line and not re.search(r"\s", line):
            return line
    return ""
