"""Code put in the place of a region: as deep as it stands there, with the buffer's steps and line ends."""

from __future__ import annotations

import re
from collections.abc import Mapping

from codriver.syntax import languages
from codriver.syntax.analysis import Buffer
from codriver.tasks import indent
from codriver.tasks.region import Region
from codriver.tasks.suggestion import newline

NEAR = 60_000
"""Bytes before and after a region that tell how its buffer is indented."""

_BOM = "\ufeff"
_OF_MANY_LINES = re.compile(r"\"{3}|'{3}|`|<<|\[=*\[|R\"|@\"|%[qQwW]?[\[({<]")
"""What may begin a string of many lines, in one language or another."""


def in_place(code: str, region: Region) -> str:
    """The code indented as the region was, with its buffer's steps and line ends; text of strings that does not follow
    the code's indentation stays as it is."""
    near = region.snapshot.text[max(region.start - NEAR, 0) : region.end + NEAR]
    step = indent.unit(near.decode("utf-8", "replace").replace("\r\n", "\n"))
    original = region.code.decode("utf-8", "replace").replace("\r\n", "\n").split("\n")
    said = code.split("\n")
    texts = _texts(code, region.buffer.language_id)
    lines = _moved(said, original, step, texts)
    if not _like(lines, original):
        bare = "\n".join("" if n in texts else line for n, line in enumerate(said))
        spaced = indent.respaced(bare, step).split("\n")
        lines = _moved([said[n] if n in texts else line for n, line in enumerate(spaced)], original, step, texts)
    mark = _BOM if original[0].startswith(_BOM) and not lines[0].startswith(_BOM) else ""
    return mark + "\n".join(lines).replace("\n", newline(region.snapshot.text).decode())


def _texts(code: str, language: str) -> dict[int, int]:
    """The rows that begin within a string (or comment) some row of which stands less deep than the one that opens it,
    each with the first row of that string."""
    if _OF_MANY_LINES.search(code) is None:
        return {}
    known = languages.of_id(language)
    lead = f"{known.opener}\n" if known is not None and known.opener and not code.startswith(known.opener) else ""
    buffer = Buffer((lead + code).encode("utf-8", "replace"), language_id=language)
    lines, found, begun, at = code.split("\n"), dict[int, list[int]](), 0, len(lead.encode())
    for n, line in enumerate(lines):
        if n and buffer.in_string_or_comment(at):
            found.setdefault(begun, []).append(n)
        else:
            begun = n
        at += len(line.encode("utf-8", "replace")) + 1
    low = {
        first: rows
        for first, rows in found.items()
        if any(lines[n].strip() and indent.columns(lines[n]) < indent.columns(lines[first]) for n in rows)
    }
    return {n: rows[0] for rows in low.values() for n in rows}


def _moved(lines: list[str], original: list[str], step: str, texts: Mapping[int, int]) -> list[str]:
    """The lines as deep as the region's first one is. texts: rows of strings with the first of each."""
    own, wanted = indent.lead(lines[0]), indent.lead(original[0])
    if own == wanted:
        return lines
    code = [line for n, line in enumerate(lines) if n not in texts]
    if not own and _only_first(code, original, wanted, step):
        return [wanted + lines[0].lstrip(" \t"), *lines[1:]]
    moved, known = indent.moved(lines, own, wanted), {line for line in original if line.strip()}
    for first in set(texts.values()):
        rows = [n for n, one in texts.items() if one == first]
        if sum(moved[n] in known for n in rows) <= sum(lines[n] in known for n in rows):
            for n in rows:
                moved[n] = lines[n]
    return moved


def _like(lines: list[str], original: list[str]) -> bool:
    """Whether an indented line below the first stands in the original just so: then all are spaced as the file is."""
    known = {line for line in original if line.strip() and indent.lead(line)}
    return any(line in known for line in lines[1:])


_GOES_ON = re.compile(
    r"(?:[\\=+*/%&|,?<>]|\b(?:and|or|not|in|is|unless|if))\n|\n(?:\.\w|\?\.|&&|\|\||[?:+*/%]\s|(?:and|or)\b)"
    r"|^(?:\}\s*)?(?:if|for|while|else if|else)\b[^\n]*\n(?<=\)\n)"
)
"""Where two lines are one statement, whose second one stands deeper."""


def _only_first(lines: list[str], original: list[str], wanted: str, step: str) -> bool:
    """Whether just the first line lost its indentation: the others stand where they stood, or where the region's would.

    A string's text may begin at the margin.
    """
    rest, known = [line for line in lines[1:] if line.strip()], set(original)
    staying, moving = sum(line in known for line in rest), sum(wanted + line in known for line in rest)
    if staying != moving:
        return staying > moving
    goes_on = bool(rest) and (indent.opens(lines[0]) or _GOES_ON.search(f"{lines[0].rstrip()}\n{rest[0].lstrip()}"))
    deep = wanted + step if goes_on else wanted
    return bool(rest) and all(line.startswith(wanted) for line in rest) and rest[0].startswith(deep)
