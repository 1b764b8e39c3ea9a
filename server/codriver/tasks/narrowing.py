"""What of a reply's code belongs into the region: models also send the class around it, imports, neighbours.

What stands in the file already is left out, imports go to the file's head; what would change or add code elsewhere is
refused with a reason.
"""

from __future__ import annotations

import re
import textwrap
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from codriver.syntax import languages
from codriver.syntax.analysis import Buffer
from codriver.syntax.headers import Header, Item
from codriver.tasks.merging import Patch
from codriver.tasks.region import Region

_DECORATOR = re.compile(r"@\w|#\[|\[\w.*\]$")
_COMMENT = re.compile(r"//|#(?![\[!]|\w)|/\*|\*(?:\s|/|$)|--")


@dataclass(frozen=True, slots=True)
class Narrowed:
    """The code for the region (LF), statements that import what it needs, or why it cannot be had."""

    code: str
    imports: tuple[str, ...] = ()
    why: str = ""


@dataclass(frozen=True, slots=True)
class _Reply:
    """The code of a reply in a text that can be parsed: bytes [lead, stop) are its own."""

    text: bytes
    lead: int
    stop: int
    items: tuple[Item, ...]

    def of(self, item: Item) -> str:
        return self.text[item.start : item.end].decode("utf-8", "replace")

    def row(self, offset: int) -> int:
        return self.text.count(b"\n", self.lead, offset)


def narrowed(code: str, region: Region, wanted: Sequence[Header]) -> Narrowed:
    """What of the code is for the region. wanted: its functions."""
    lasts = _names(region) or {header.last for header in wanted}
    code = _unrepeated(code, region) if wanted else code
    reply = (_read(code, region, lasts) or _framed(code, region, lasts)) if wanted else None
    if reply is None:
        return Narrowed(_alone(code, region) if wanted else code)
    items: Sequence[Item] = reply.items
    outer: Sequence[Item] = ()
    if not lasts & {_last(item) for item in items}:
        around = _around(items, lasts)
        assert around is not None, "one of both was found"
        outer, items = tuple(item for item in items if item is not around), around.inner
        if _strange(reply, around, region):
            return Narrowed(code, why=f"changes {around.name}, which is outside the selection")
    return _sorted(code, reply, items, outer, region, lasts, _scope(region, wanted))


def _names(region: Region) -> set[str]:
    """What at the file's top lies in the region as a whole: classes, too."""
    own = (item for item in region.buffer.items() if region.start <= item.start and item.end <= region.end)
    return {_last(item) for item in own} - {""}


def _unrepeated(code: str, region: Region) -> str:
    """The code without what stands above the region already: decorators, and a comment in place of the one there."""
    above = region.snapshot.text[: region.start].decode("utf-8", "replace").rstrip(" \t").split("\n")[-40:-1]
    there: list[str] = []
    while above and (_COMMENT.match(above[-1].strip()) or _DECORATOR.match(above[-1].strip())):
        there.append(above.pop().strip())
    comments = any(_COMMENT.match(line) for line in there)
    lines = code.split("\n")
    first = 0
    while first < len(lines) - 1:
        line = lines[first].strip()
        repeated = (line in there and _DECORATOR.match(line)) or (comments and _COMMENT.match(line))
        if line and not repeated:
            break
        first += 1
    kept = lines[first:] if there and any(line.strip() for line in lines[:first]) else lines
    return "\n".join(kept)


def _alone(code: str, region: Region) -> str:
    """The code without whole functions of the file that it repeats before or behind its own: what can be told where
    they cannot be read by themselves, as methods of an object."""
    data = region.snapshot.text
    outside = (one for one in region.buffer.functions() if not _spans(one.start_byte, one.end_byte, region))
    lines, repeated = (
        code.split("\n"),
        [_bare(data[one.start_byte : one.end_byte].decode("utf-8", "replace")) for one in outside],
    )
    while True:
        rows = _bare("\n".join(lines))
        first = next((other for other in repeated if rows[: len(other)] == other), [])
        last = [] if first else next((other for other in repeated if rows[-len(other) :] == other), [])
        if not (first or last) or len(rows) == len(first or last):
            return "\n".join(lines).strip("\n")
        there = [n for n, line in enumerate(lines) if line.strip()]
        lines = lines[there[len(first)] :] if first else lines[: there[-len(last)]]


def _bare(code: str) -> list[str]:
    """Its lines with something on them, without blanks and separators around."""
    return [line.strip().rstrip(",;") for line in code.split("\n") if line.strip()]


def _sorted(
    code: str, reply: _Reply, items: Sequence[Item], outer: Sequence[Item], region: Region, lasts: set[str], inside: str
) -> Narrowed:
    """The items one by one: kept, left out because they are there already, moved to the head, or refused."""
    known, lines = _known(region), _lines(region)
    kept: list[Item] = []
    imports: list[str] = []
    for item, mine in [*((item, True) for item in items), *((item, False) for item in outer)]:
        text = reply.of(item)
        there = all(line.strip() in lines for line in text.split("\n"))
        name = f"{inside}{item.name}" if mine else item.name
        if mine and (_last(item) in lasts or (item.kind == "comment" and not (outer and there))):
            kept.append(item)
        elif item.kind == "import" and not _imports_here(region):
            imports += [] if there or _imported(text, region) else [text.strip()]
        elif there or item.kind == "comment":
            continue
        elif name in known:
            return Narrowed(code, why=f"changes {item.name}, which is outside the selection")
        elif item.runs:
            return Narrowed(code, why="adds code that runs beside the function")
        elif not mine:
            return Narrowed(code, why=f"adds {item.name or 'code'} outside the selection")
        else:
            kept.append(item)
    if len(kept) == len(items) and items is reply.items and not imports:
        return Narrowed(code)
    return Narrowed(_unrepeated(_cut(reply, items, kept), region), tuple(imports))


def _read(code: str, region: Region, lasts: set[str]) -> _Reply | None:
    """The code parsed by itself; None where it cannot be, or its functions are not in it."""
    named = region.buffer.facts((region.start, region.end)).language
    language = languages.of_id(named)
    lead = f"{language.opener}\n".encode() if language is not None and language.opener else b""
    own = textwrap.dedent(code).encode("utf-8", "replace")
    lead = b"" if lead and own.lstrip().startswith(lead.strip()) else lead
    buffer = Buffer(lead + own, language_id=named)
    items = tuple(item for item in buffer.items() if item.start >= len(lead))
    there = lasts & {_last(item) for item in items} or _around(items, lasts) is not None
    return _Reply(lead + own, len(lead), len(lead + own), items) if there and not buffer.errors() else None


def _framed(code: str, region: Region, lasts: set[str]) -> _Reply | None:
    """The code parsed between the first and the last line of its class: what some methods need to be any."""
    data = region.snapshot.text
    frame = next((item for item in region.buffer.items() if item.kind == "class" and _holds(item, region)), None)
    if frame is None or not frame.inner:
        return None
    lead = data[frame.start : frame.inner[0].start].rstrip(b" \t") + b"\n"
    own = code.encode("utf-8", "replace")
    buffer = Buffer(lead + own + b"\n" + data[frame.inner[-1].end : frame.end], language_id=region.buffer.language_id)
    found = buffer.items()
    if buffer.errors() or len(found) != 1 or not lasts & {_last(item) for item in found[0].inner}:
        return None
    return _Reply(buffer.data, len(lead), len(lead + own), found[0].inner)


def _holds(item: Item, region: Region) -> bool:
    return item.start < region.start and region.end <= item.end


def _last(item: Item) -> str:
    """Its name without what it belongs to."""
    return item.name.rpartition(".")[2]


def _around(items: Sequence[Item], lasts: set[str]) -> Item | None:
    """The class in which the functions stand."""
    return next((item for item in items if item.kind == "class" and lasts & {_last(one) for one in item.inner}), None)


def _strange(reply: _Reply, around: Item, region: Region) -> bool:
    """Whether the class begins otherwise than the file's own."""
    head = reply.text[around.start : around.inner[0].start].decode("utf-8", "replace")
    return not all(line.strip() in _lines(region) for line in head.split("\n"))


def _known(region: Region) -> set[str]:
    """Dotted names of what the file has outside of the region."""
    found = set[str]()
    for item in region.buffer.items():
        if not _overlaps(item, region):
            found.add(item.name)
        found |= {f"{item.name}.{one.name}" for one in item.inner if one.name and not _overlaps(one, region)}
    outside = (one for one in region.buffer.functions() if not _spans(one.start_byte, one.end_byte, region))
    return (found | {one.name for one in outside}) - {""}


def _scope(region: Region, wanted: Sequence[Header]) -> str:
    """The dotted name of what is around the region's first function, with a dot behind; "" at the top."""
    whole = wanted[0].name
    inside = region.buffer.function_at(wanted[0].head)
    if inside is not None and inside.name.rpartition(".")[2] == wanted[0].last:
        whole = inside.name  # with the functions around it, which a header's name leaves out
    scope = whole.rpartition(".")[0]
    return f"{scope}." if scope else ""


def defined_elsewhere(old: Sequence[Header], now: Sequence[Header], region: Region) -> str:
    """A function that is new in the region and stands in the same place of the file outside of it already; or ""."""
    names = [header for header in now if header.name not in {other.name for other in old}]
    known = _known(region) if names else set()
    scope = _scope(region, old) if old else ""
    return next((one.name for one in names if {one.name, f"{scope}{one.last}"} & known), "")


def _overlaps(item: Item, region: Region) -> bool:
    return _spans(item.start, item.end, region)


def _spans(start: int, end: int, region: Region) -> bool:
    return start < region.end and end > region.start


def _imports_here(region: Region) -> bool:
    return any(item.kind == "import" and _overlaps(item, region) for item in region.buffer.items())


def _imported(text: str, region: Region) -> bool:
    """Whether one of the file's own imports names all that this one does."""
    words, data = set(re.findall(r"\w+", text)), region.snapshot.text
    own = (data[item.start : item.end] for item in region.buffer.items() if item.kind == "import")
    return any(words <= set(re.findall(r"\w+", one.decode("utf-8", "replace"))) for one in own)


def _lines(region: Region) -> set[str]:
    """All lines of the file outside of the region, without blanks around them."""
    text = region.snapshot.text
    outside = text[: region.start] + b"\n" + text[region.end :]
    return {line.strip() for line in outside.decode("utf-8", "replace").split("\n")} | {""}


def _cut(reply: _Reply, items: Sequence[Item], kept: Sequence[Item]) -> str:
    """The rows of the kept items, with the blank ones between neighbours."""
    rows = reply.text[reply.lead : reply.stop].decode("utf-8", "replace").split("\n")
    pieces: list[str] = []
    last = -1
    for item in items:
        if item not in kept:
            last = -1
            continue
        first, end = reply.row(item.start), reply.row(item.end)
        between = "\n".join(rows[last + 1 : first]) if last >= 0 else ""
        if pieces:
            pieces.append(between if last >= 0 and not between.strip() and first > last + 1 else "")
        pieces += rows[max(first, last + 1) : end + 1]
        last = end
    while pieces and not pieces[-1].strip():
        pieces.pop()
    return "\n".join(pieces)


# Imports.


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
    text = "".join(f"{line}{newline}" for line in _once(imports)).replace("\r\n", "\n").replace("\n", newline)
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
    first = next((item for item in region.buffer.items() if item.kind in ("function", "class")), None)
    return region.snapshot.text.rfind(b"\n", 0, first.start) + 1 if first is not None else None


def _once(imports: Sequence[str]) -> Iterator[str]:
    for line in dict.fromkeys(imports):
        yield re.sub(r"[ \t]+$", "", line, flags=re.M)
