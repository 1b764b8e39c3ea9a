"""What of a reply's code belongs into the region: models also send the class around it, imports, neighbours.

What stands in the file already is left out, imports go to the file's head; what would change or add code elsewhere is
refused with a reason.
"""

from __future__ import annotations

import re
import textwrap
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import takewhile

from codriver.analyst import path_of
from codriver.syntax import languages
from codriver.syntax.analysis import Buffer
from codriver.syntax.headers import Header, Item
from codriver.tasks import elision, importing, indent
from codriver.tasks.region import Region

_RUNS = "adds code that runs beside the function"
_DECLARED = re.compile(
    r"(?:(?:export|pub|declare)\s+)?(?:(?:type|typedef|struct|enum|union|interface|#define)\s+([\w$]+)"
    r"|(?:[\w<>\[\]*&,]+(?:::[\w<>]+)*\s+)*([\w$]+)\s*(?::[^=\n]+)?:?=(?!=))"
)
_HEADS_LOOKED_AT = 60
"""Rows above a selection that are looked at for one that the reply begins with, which opens a block."""

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
    if not wanted:
        return _statements(code, region)
    lasts = _names(region) or {header.last for header in wanted}
    code = _unrepeated(code, region)
    reply = _read(code, region, lasts) or _framed(code, region, lasts)
    if reply is None:
        return Narrowed(_alone(code, region))
    items: Sequence[Item] = reply.items
    outer: Sequence[Item] = ()
    if not lasts & {_last(item) for item in items}:
        around = _around(items, lasts, _class_of(region, wanted))
        assert around is not None, "one of both was found"
        outer, items = tuple(item for item in items if item is not around), around.inner
        if _strange(reply, around, region) or _class_of(region, wanted) not in ("", _last(around)):
            return Narrowed(code, why=f"changes {around.name}, which is outside the selection")
    return _sorted(code, reply, items, outer, region, lasts, _scope(region, wanted))


def _names(region: Region) -> set[str]:
    """What at the file's top lies in the region as a whole: classes, too."""
    own = (item for item in region.buffer.items() if region.start <= item.start and item.end <= region.end)
    return {_last(item) for item in own} - {""}


def _unrepeated(code: str, region: Region) -> str:
    """The code without what stands above the region already: decorators, and a comment in place of the one there."""
    above = region.snapshot.text[: region.start].decode("utf-8", "replace").rstrip(" \t").split("\n")[-40:-1]
    touching = list(takewhile(str.strip, reversed(above)))[::-1]
    said, own = (_quoted(_plain_rows(text)) for text in (code, region.code.decode("utf-8", "replace")))
    again = _repeated(said, _quoted(_plain_rows("\n".join(touching))), own) if own else 0
    if 0 < again < len(said) and (_DECORATOR.match(said[0]) or _COMMENT.match(said[0]) or "template" in said[0]):
        lines = code.split("\n")
        return "\n".join(lines[[n for n, line in enumerate(lines) if line.strip()][again] :])
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
    lines = code.split("\n")
    repeated = [_bare(data[one.start_byte : one.end_byte].decode("utf-8", "replace")) for one in outside]
    while True:
        rows = _bare("\n".join(lines))
        first = next((other for other in repeated if rows[: len(other)] == other), [])
        last = [] if first else next((other for other in repeated if rows[-len(other) :] == other), [])
        if not (first or last) or len(rows) == len(first or last):
            return _unwrapped("\n".join(lines).strip("\n"), region)
        there = [n for n, line in enumerate(lines) if line.strip()]
        lines = lines[there[len(first)] :] if first else lines[: there[-len(last)]]


def _unwrapped(code: str, region: Region) -> str:
    """The code without the lines right above and below the region, where it has them around its own."""
    data, lines = region.snapshot.text, code.split("\n")
    above = _plain_rows(data[: region.start].decode("utf-8", "replace"))
    below = _plain_rows(data[region.end :].decode("utf-8", "replace"))
    own = _plain_rows(region.code.decode("utf-8", "replace"))
    while len(lines) > 2 and above and below:
        first, last = lines[0].strip(), lines[-1].strip()
        if first == own[0] or first != above.pop() or last != below.pop(0) or not re.search(r"\w", first):
            break
        lines = "\n".join(lines[1:-1]).strip("\n").split("\n")
    return "\n".join(lines)


def _plain_rows(code: str) -> list[str]:
    """Its lines with something on them, without blanks around."""
    return [line.strip() for line in code.split("\n") if line.strip()]


def _quoted(rows: list[str]) -> list[str]:
    """The rows with one kind of quotes."""
    return [row.replace("'", '"') for row in rows]


def _rows(code: str) -> set[str]:
    return {line.rstrip(":") for line in _bare(code)}


def _bare(code: str) -> list[str]:
    """Its lines with something on them, without blanks and separators around."""
    return [line.rstrip(",;") for line in _plain_rows(code)]


def _sorted(
    code: str, reply: _Reply, items: Sequence[Item], outer: Sequence[Item], region: Region, lasts: set[str], inside: str
) -> Narrowed:
    """The items one by one: kept, left out because they are there already, moved to the head, or refused."""
    known, lines = _known(region), _lines(region)
    own, outside = _rows(region.code.decode("utf-8", "replace")), _Outside(region)
    kept: list[Item] = []
    imports: list[str] = []
    for item, mine in [*((item, True) for item in items), *((item, False) for item in outer)]:
        text = reply.of(item)
        there = all(line.strip() in lines for line in text.split("\n"))
        name = f"{inside}{item.name}" if mine else item.name
        if mine and item.kind in ("statement", "comment") and _rows(text) <= own:
            kept.append(item)
        elif _needless(item, text, region, outside):
            continue
        elif mine and (_last(item) in lasts or (item.kind == "comment" and not (outer and there))):
            kept.append(item)
        elif item.kind == "import" and not _imports_here(region):
            imports += importing.missing(text, region)
        elif there or item.kind == "comment":
            continue
        elif name in known:
            return Narrowed(code, why=f"changes {item.name}, which is outside the selection")
        elif item.runs:
            return Narrowed(code, why=_RUNS)
        elif not mine:
            return Narrowed(code, why=f"adds {item.name or 'code'} outside the selection")
        elif why := _unwanted(item, text, reply, lasts, region):
            return Narrowed(code, why=why)
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


def _around(items: Sequence[Item], lasts: set[str], name: str = "") -> Item | None:
    """The class in which the functions stand: the one of this name, else the first that has such."""
    found = [item for item in items if item.kind == "class" and lasts & {_last(one) for one in item.inner}]
    return next((item for item in found if _last(item) == name), found[0] if found else None)


def _class_of(region: Region, wanted: Sequence[Header]) -> str:
    """The name of the class around the region's first function, "" where there is none."""
    if not any(item.kind == "class" and _holds(item, region) for item in region.buffer.items()):
        return ""
    return _scope(region, wanted).rstrip(".").rpartition(".")[2]


def _statements(code: str, region: Region) -> Narrowed:
    """The code for a region that holds no function as a whole: without the lines around it that the reply repeats."""
    data = region.snapshot.text
    above = _plain_rows(data[: region.start].decode("utf-8", "replace"))
    below = _plain_rows(data[region.end :].decode("utf-8", "replace"))
    own = _plain_rows(region.code.decode("utf-8", "replace"))
    lines = code.split("\n")
    there = [n for n, line in enumerate(lines) if line.strip()]
    said = [lines[n].strip() for n in there]
    before, behind = _repeated(said, above, own), _repeated(said[::-1], below[::-1], own[::-1])
    if before + behind >= len(said):
        return Narrowed(code)
    if not behind and any(indent.opens(row) for row in said[:before]) and _goes_on(region):
        return Narrowed(code, why="changes what stands below the selection")
    kept = lines[there[before] : there[len(said) - 1 - behind] + 1]
    heads = {row for row in above[-_HEADS_LOOKED_AT:] if indent.opens(row)}
    first = kept[0].strip()
    if first in heads and first not in own and indent.opens(first):
        return Narrowed(code, why=f"repeats {first[:60]!r}, which stands above the selection")
    return Narrowed("\n".join(kept))


def _goes_on(region: Region) -> bool:
    """Whether the function around the region has more below it than brackets."""
    around = region.buffer.function_at((region.start, region.end))
    return around is not None and re.search(rb"\w", region.snapshot.text[region.end : around.end_byte]) is not None


def _repeated(said: Sequence[str], around: Sequence[str], own: Sequence[str]) -> int:
    """How many of the first rows said are those that end right before the region, as many as can be. Brackets and
    other short ones alone are no repetition."""
    for count in range(min(len(said), len(around)), 0, -1):
        rows = list(said[:count])
        if said[0] != own[0] and rows == list(around[-count:]) and any(len(re.sub(r"\W", "", row)) > 4 for row in rows):
            return count
    return 0


def _unwanted(item: Item, text: str, reply: _Reply, lasts: set[str], region: Region) -> str:
    """Why something that is new beside the function does not belong there, or "": what it needs may come with it, as
    another function or a constant; not what uses it."""
    if item.kind != "statement":
        return f"adds {item.name} beside the function" if item.name in ("main", "tests", "test") else ""
    if text.startswith(("#[", "@")) and not text.startswith("#[cfg(test"):
        return ""
    declared = _DECLARED.match(text.partition("\n")[0])
    name = declared[1] or declared[2] if declared else ""
    if not name or any(re.search(rf"(?<![\w$]){re.escape(last)}\s*\(", text) for last in lasts if last):
        return _RUNS
    if re.search(rf"(?m)^[ \t]*(?:[\w<>*]+[ \t]+)*{re.escape(name)}[ \t]*(?::[^=\n]+)?=(?!=)", _outside(region)):
        return f"changes {name}, which is outside the selection"
    whole = reply.text.decode("utf-8", "replace").replace(text, "", 1)
    return "" if re.search(rf"(?<![\w$]){re.escape(name)}(?![\w$])", whole) else _RUNS


def _outside(region: Region) -> str:
    text = region.snapshot.text
    return (text[: region.start] + b"\n" + text[region.end :]).decode("utf-8", "replace")


def _needless(item: Item, text: str, region: Region, outside: _Outside) -> bool:
    """Whether it is only a mark for what was left out, or the file's name, or a function that stands elsewhere in the
    file: an overload, a setter beside its getter."""
    if item.kind == "comment":
        path = text.strip("#/*- \t")
        named = bool(path) and " " not in path and path_of(region.snapshot.uri).endswith(path)
        return named or elision.elided(text, region.code.decode("utf-8", "replace"))
    return item.kind == "function" and outside.has(text)


class _Outside:
    """The file's lines outside of a region, looked up by whole pieces of code."""

    def __init__(self, region: Region) -> None:
        text = region.snapshot.text
        parts = text[: region.start], text[region.end :]
        self._begin: dict[str, list[tuple[list[str], int]]] = {}
        for rows in (_bare(part.decode("utf-8", "replace")) for part in parts):
            for n, row in enumerate(rows):
                self._begin.setdefault(row, []).append((rows, n))

    def has(self, code: str) -> bool:
        """Whether it stands there just so, line by line."""
        rows = _bare(code)
        return bool(rows) and any(there[n : n + len(rows)] == rows for there, n in self._begin.get(rows[0], ()))


def _strange(reply: _Reply, around: Item, region: Region) -> bool:
    """Whether the class begins otherwise than the file's own."""
    head = reply.text[around.start : around.inner[0].start].decode("utf-8", "replace")
    lines = _lines(region)
    return not all(line.strip() in lines or elision.elided(line, "") for line in head.split("\n"))


def _known(region: Region) -> set[str]:
    """Dotted names of what the file has outside of the region, or around it."""
    found = set[str]()
    for item in region.buffer.items():
        if not _within(item.start, item.end, region):
            found.add(item.name)
        found |= {
            f"{item.name}.{one.name}" for one in item.inner if one.name and not _within(one.start, one.end, region)
        }
    outside = (one for one in region.buffer.functions() if not _within(one.start_byte, one.end_byte, region))
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
    again = next((one.name for one in names if {one.name, f"{scope}{one.last}"} & known), "")
    if again or old or not names:
        return again
    around = region.buffer.function_at((region.start, region.end))
    around_too = around.name.rpartition(".")[2] if around is not None else ""
    return next((one.name for one in names if around_too and one.last == around_too), "")


def _overlaps(item: Item, region: Region) -> bool:
    return _spans(item.start, item.end, region)


def _within(start: int, end: int, region: Region) -> bool:
    return region.start <= start and end <= region.end


def _spans(start: int, end: int, region: Region) -> bool:
    return start < region.end and end > region.start


def _imports_here(region: Region) -> bool:
    return any(item.kind == "import" and _overlaps(item, region) for item in region.buffer.items())


def _lines(region: Region) -> set[str]:
    """All lines of the file outside of the region, without blanks around them."""
    return {line.strip() for line in _outside(region).split("\n")} | {""}


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
