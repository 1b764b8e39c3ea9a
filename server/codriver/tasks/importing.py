"""Imports that come with an edit: which of them are new, and where in the file they go."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence

from codriver.syntax import languages
from codriver.syntax.headers import Item
from codriver.tasks.merging import Patch
from codriver.tasks.region import Region


def missing(text: str, region: Region) -> list[str]:
    """What of an import the file's own do not bring yet, as statements."""
    data, frame, names = region.snapshot.text, *_form(text)
    own = [
        _form(data[item.start : item.end].decode("utf-8", "replace"))
        for item in region.buffer.items()
        if item.kind == "import" and (item.end <= region.start or region.end <= item.start)
    ]
    there = set[str]().union(*(others for other, others in own if other == frame))
    if (frame, names) in own or (names and names <= there):
        return []
    if _GO.match(text) and names:
        return [f"import {name}" for name in sorted(names - there)]
    return [text.strip()]


def _form(text: str) -> tuple[str, frozenset[str]]:
    """An import as its frame and the names it brings, however they are spaced and ordered."""
    line = " ".join(re.sub(r"(?m)(?://|#(?!include)).*$", "", text).replace("'", '"').rstrip("; \n").split())
    for pattern in (_GO, _FROM, _PLAIN, _BRACED):
        found = pattern.match(re.sub(r"(?m)//.*$", "", text).strip() if pattern is _GO else line)
        if found is not None:
            before, listed, behind = (found.groupdict().get(part) or "" for part in ("before", "names", "behind"))
            split = re.split(r"[,\n;]", listed.strip("() \n"))
            return f"{before.strip()} {behind.strip()}", frozenset(
                " ".join(one.split()) for one in split if one.strip()
            )
    return line, frozenset()


_BLANK = {"python": "\n\n"}
"""Lines left blank behind the first import of a file."""

_GO = re.compile(r'(?s)(?P<before>import)\s+(?P<names>\(.*\)|(?:[\w.]+\s+)?"[^"]*")\s*$')
_FROM = re.compile(r"(?P<before>from \S+ import) (?P<names>.+)$")
_PLAIN = re.compile(r"(?P<before>import) (?P<names>[\w.]+(?: as \w+)?(?:, [\w.]+(?: as \w+)?)*)$")
_BRACED = re.compile(r"(?P<before>[^{]*)\{(?P<names>[^{}]*)\}(?P<behind>[^{}]*)$")


def hoisted(imports: Sequence[str], region: Region) -> tuple[Patch, ...] | None:
    """The imports put behind the file's own; None where it has none to put them beside, or they would not parse."""
    if not imports:
        return ()
    data, items = region.snapshot.text, region.buffer.items()
    first = next((item.start for item in items if item.kind in ("function", "class")), region.start)
    own = [item for item in items if item.kind == "import" and item.start < min(first, region.start)]
    place = _behind(data, own) if own else _head(region)
    if place is None or place > region.start:
        return None
    newline = "\r\n" if b"\r\n" in data else "\n"
    text = "".join(f"{line}\n" for line in _once(imports)) + (
        "" if own else _BLANK.get(region.buffer.language_id, "\n")
    )
    text = text.replace("\r\n", "\n").replace("\n", newline)
    before, after = region.buffer.errors_with(text.encode("utf-8", "replace"), place, place)
    return None if after > before else (Patch(place, place, text),)


def _behind(data: bytes, own: Sequence[Item]) -> int | None:
    """The line behind the last of these imports."""
    end = data.find(b"\n", own[-1].end - 1)
    return end + 1 if end >= 0 else None


def _head(region: Region) -> int | None:
    """Before the first function or class of a file that imports nothing, where an import may stand anywhere."""
    language = languages.of_id(region.buffer.language_id)
    if language is None or language.family not in ("python", "javascript"):
        return None
    first, above = None, None
    for item in region.buffer.items():
        if item.kind in ("function", "class"):
            first = above or item
            break
        if item.kind != "comment":
            above = None
        elif above is None or region.snapshot.text.count(b"\n", above.end, item.start) > 1:
            above = item
    return region.snapshot.text.rfind(b"\n", 0, first.start) + 1 if first is not None else None


def _once(imports: Sequence[str]) -> Iterator[str]:
    for line in dict.fromkeys(imports):
        yield re.sub(r"[ \t]+$", "", line, flags=re.M)
