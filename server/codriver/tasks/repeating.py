"""What of a reply stands in the file around a region already, told by lines: what cannot be told by syntax.

Lines are compared without blanks around them.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from functools import cached_property
from itertools import takewhile

from codriver.tasks import indent
from codriver.tasks.region import Region

_LOOKED_AT = 60
"""Lines above a selection that are looked at for one that the reply begins with, which opens a block."""

_DECORATOR = re.compile(r"@\w|#\[|\[\w.*\]$")
_COMMENT = re.compile(r"//|#(?![\[!]|\w)|/\*|\*(?:\s|/|$)|--")


class Around:
    """The lines of a region and of the file around it, those with something on them."""

    def __init__(self, region: Region) -> None:
        text = region.snapshot.text
        self._region = region
        self._before = text[: region.start].decode("utf-8", "replace")
        self._behind = text[region.end :].decode("utf-8", "replace")
        self.code = region.code.decode("utf-8", "replace")
        """The region's own text."""

    @cached_property
    def above(self) -> list[str]:
        """Those before the region."""
        return filled(self._before)

    @cached_property
    def below(self) -> list[str]:
        """Those behind it."""
        return filled(self._behind)

    @cached_property
    def own(self) -> list[str]:
        """The region's."""
        return filled(self.code)

    @cached_property
    def text(self) -> str:
        """The file without the region."""
        return f"{self._before}\n{self._behind}"

    @cached_property
    def lines(self) -> set[str]:
        """All lines outside of the region, and the empty one."""
        return {*self.above, *self.below, ""}

    @cached_property
    def _begin(self) -> dict[str, list[tuple[list[str], int]]]:
        found: dict[str, list[tuple[list[str], int]]] = {}
        for rows in (bare(self._before), bare(self._behind)):
            for n, row in enumerate(rows):
                found.setdefault(row, []).append((rows, n))
        return found

    def has(self, code: str) -> bool:
        """Whether it stands outside of the region just so, line by line."""
        rows = bare(code)
        return bool(rows) and any(there[n : n + len(rows)] == rows for there, n in self._begin.get(rows[0], ()))

    def touching(self) -> list[str]:
        """The lines right above the region, up to an empty one."""
        lines = self._before.rstrip(" \t").split("\n")[-40:-1]
        return [line.strip() for line in takewhile(str.strip, reversed(lines))][::-1]

    def goes_on(self) -> bool:
        """Whether the function around the region has more below it than brackets."""
        region = self._region
        inside = region.buffer.function_at((region.start, region.end))
        return inside is not None and re.search(rb"\w", region.snapshot.text[region.end : inside.end_byte]) is not None

    def functions(self) -> list[list[str]]:
        """The bare lines of each function beside the region."""
        region, data = self._region, self._region.snapshot.text
        return [
            bare(data[one.start_byte : one.end_byte].decode("utf-8", "replace"))
            for one in region.buffer.functions()
            if one.end_byte <= region.start or region.end <= one.start_byte
        ]


def filled(code: str) -> list[str]:
    """Its lines with something on them, without blanks around."""
    return [line.strip() for line in code.split("\n") if line.strip()]


def bare(code: str) -> list[str]:
    """Its filled lines without separators at their ends."""
    return [line.rstrip(",;") for line in filled(code)]


def unheaded(code: str, around: Around) -> str:
    """The code without what stands above the region already: decorators, and a comment in place of the one there."""
    lines, touching = code.split("\n"), around.touching()
    said, own = (_quoted(rows) for rows in (filled(code), around.own))
    again = _repeated(said, _quoted(touching), own)
    if 0 < again < len(said) and (_DECORATOR.match(said[0]) or _COMMENT.match(said[0]) or "template" in said[0]):
        return "\n".join(lines[_places(lines)[again] :])
    there = list(takewhile(lambda one: _COMMENT.match(one) or _DECORATOR.match(one), reversed(touching)))
    comments = any(_COMMENT.match(line) for line in there)
    first = 0
    while first < len(lines) - 1:
        line = lines[first].strip()
        repeated = (line in there and _DECORATOR.match(line)) or (comments and _COMMENT.match(line))
        if line and not repeated:
            break
        first += 1
    return "\n".join(lines[first:] if there and any(line.strip() for line in lines[:first]) else lines)


def alone(code: str, around: Around) -> str:
    """The code without whole functions of the file that it repeats before or behind its own, as methods of an object
    cannot be read by themselves; and without the lines right around the region."""
    lines, repeated = code.split("\n"), around.functions()
    while True:
        rows = bare("\n".join(lines))
        first = next((other for other in repeated if rows[: len(other)] == other), [])
        last = [] if first else next((other for other in repeated if rows[-len(other) :] == other), [])
        if not (first or last) or len(rows) == len(first or last):
            return _unwrapped("\n".join(lines).strip("\n"), around)
        there = _places(lines)
        lines = lines[there[len(first)] :] if first else lines[: there[-len(last)]]


def selected(code: str, around: Around) -> tuple[str, str]:
    """The code for a region that holds no function as a whole, without the lines around it that the reply repeats; and
    why there is none, or ""."""
    lines, own = code.split("\n"), around.own
    there, said = _places(lines), filled(code)
    before, behind = _repeated(said, around.above, own), _repeated(said[::-1], around.below[::-1], own[::-1])
    if before + behind >= len(said):
        return code, ""
    if not behind and any(indent.opens(row) for row in said[:before]) and around.goes_on():
        return "", "changes what stands below the selection"
    first = said[before]
    if indent.opens(first) and first in around.above[-_LOOKED_AT:] and first not in own:
        return "", f"repeats {first[:60]!r}, which stands above the selection"
    return "\n".join(lines[there[before] : there[len(said) - 1 - behind] + 1]), ""


def _unwrapped(code: str, around: Around) -> str:
    """The code without the lines right above and below the region, where it has them around its own."""
    lines = code.split("\n")
    for above, below in zip(reversed(around.above), around.below, strict=False):
        first, last = lines[0].strip(), lines[-1].strip()
        if len(lines) < 3 or first == around.own[0] or (first, last) != (above, below) or not re.search(r"\w", first):
            break
        lines = "\n".join(lines[1:-1]).strip("\n").split("\n")
    return "\n".join(lines)


def _places(lines: Sequence[str]) -> list[int]:
    """Where the filled ones are."""
    return [n for n, line in enumerate(lines) if line.strip()]


def _quoted(rows: list[str]) -> list[str]:
    """The rows with one kind of quotes."""
    return [row.replace("'", '"') for row in rows]


def _repeated(said: Sequence[str], around: Sequence[str], own: Sequence[str]) -> int:
    """How many of the first rows said are those that end right before the region, as many as can be. Brackets and
    other short ones alone are no repetition."""
    for count in range(min(len(said), len(around)), 0, -1):
        rows = list(said[:count])
        if said[0] != own[0] and rows == list(around[-count:]) and any(len(re.sub(r"\W", "", row)) > 4 for row in rows):
            return count
    return 0
