"""What of a reply's code belongs into the region: models also send the class around it, imports, neighbours.

What stands in the file already is left out, imports go to the file's head; what would change or add code elsewhere is
refused with a reason.
"""

from __future__ import annotations

import re
import textwrap
from collections.abc import Sequence
from dataclasses import dataclass

from codriver.analyst import path_of
from codriver.syntax import languages
from codriver.syntax.analysis import Buffer
from codriver.syntax.headers import Header, Item
from codriver.tasks import elision, importing, repeating
from codriver.tasks.region import Region
from codriver.tasks.repeating import Around, bare

_RUNS = "adds code that runs beside the function"
_DECLARED = re.compile(
    r"(?:(?:export|pub|declare)\s+)?(?:(?:type|typedef|struct|enum|union|interface|#define)\s+([\w$]+)"
    r"|(?:[\w<>\[\]*&,]+(?:::[\w<>]+)*\s+)*([\w$]+)\s*(?::[^=\n]+)?:?=(?!=))"
)


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
    around = Around(region)
    if not wanted:
        code, why = repeating.selected(code, around)
        return Narrowed(code, why=why)
    lasts = _names(region) or {header.last for header in wanted}
    code = repeating.unheaded(code, around)
    reply = _read(code, region, lasts) or _framed(code, region, lasts)
    if reply is None:
        return Narrowed(repeating.alone(code, around))
    items: Sequence[Item] = reply.items
    outer: Sequence[Item] = ()
    if not lasts & {_last(item) for item in items}:
        name = _class_of(region, wanted)
        holder = _holder(items, lasts, name)
        assert holder is not None, "one of both was found"
        outer, items = tuple(item for item in items if item is not holder), holder.inner
        if _strange(reply, holder, around) or name not in ("", _last(holder)):
            return Narrowed(code, why=f"changes {holder.name}, which is outside the selection")
    return _sorted(code, reply, items, outer, region, around, lasts, _scope(region, wanted))


def _names(region: Region) -> set[str]:
    """What at the file's top lies in the region as a whole: classes, too."""
    own = (item for item in region.buffer.items() if region.start <= item.start and item.end <= region.end)
    return {_last(item) for item in own} - {""}


def _sorted(
    code: str,
    reply: _Reply,
    items: Sequence[Item],
    outer: Sequence[Item],
    region: Region,
    around: Around,
    lasts: set[str],
    inside: str,
) -> Narrowed:
    """The items one by one: kept, left out because they are there already, moved to the head, or refused."""
    known, own = _known(region), _labels(around.code)
    kept: list[Item] = []
    imports: list[str] = []
    for item, mine in [*((item, True) for item in items), *((item, False) for item in outer)]:
        text = reply.of(item)
        there = all(line.strip() in around.lines for line in text.split("\n"))
        name = f"{inside}{item.name}" if mine else item.name
        if mine and item.kind in ("statement", "comment") and _labels(text) <= own:
            kept.append(item)
        elif _needless(item, text, region, around):
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
        elif why := _unwanted(item, text, reply, lasts, around):
            return Narrowed(code, why=why)
        else:
            kept.append(item)
    if len(kept) == len(items) and items is reply.items and not imports:
        return Narrowed(code)
    return Narrowed(repeating.unheaded(_cut(reply, items, kept), around), tuple(imports))


def _read(code: str, region: Region, lasts: set[str]) -> _Reply | None:
    """The code parsed by itself; None where it cannot be, or its functions are not in it."""
    named = region.buffer.facts((region.start, region.end)).language
    language = languages.of_id(named)
    lead = f"{language.opener}\n".encode() if language is not None and language.opener else b""
    own = textwrap.dedent(code).encode("utf-8", "replace")
    lead = b"" if lead and own.lstrip().startswith(lead.strip()) else lead
    buffer = Buffer(lead + own, language_id=named)
    items = tuple(item for item in buffer.items() if item.start >= len(lead))
    there = lasts & {_last(item) for item in items} or _holder(items, lasts) is not None
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


def _holder(items: Sequence[Item], lasts: set[str], name: str = "") -> Item | None:
    """The class in which the functions stand: the one of this name, else the first that has such."""
    found = [item for item in items if item.kind == "class" and lasts & {_last(one) for one in item.inner}]
    return next((item for item in found if _last(item) == name), found[0] if found else None)


def _class_of(region: Region, wanted: Sequence[Header]) -> str:
    """The name of the class around the region's first function, "" where there is none."""
    if not any(item.kind == "class" and _holds(item, region) for item in region.buffer.items()):
        return ""
    return _scope(region, wanted).rstrip(".").rpartition(".")[2]


def _unwanted(item: Item, text: str, reply: _Reply, lasts: set[str], around: Around) -> str:
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
    if re.search(rf"(?m)^[ \t]*(?:[\w<>*]+[ \t]+)*{re.escape(name)}[ \t]*(?::[^=\n]+)?=(?!=)", around.text):
        return f"changes {name}, which is outside the selection"
    whole = reply.text.decode("utf-8", "replace").replace(text, "", 1)
    return "" if re.search(rf"(?<![\w$]){re.escape(name)}(?![\w$])", whole) else _RUNS


def _labels(code: str) -> set[str]:
    """Its lines without separators and colons: of `public:` the tree has the word."""
    return {line.rstrip(":") for line in bare(code)}


def _needless(item: Item, text: str, region: Region, around: Around) -> bool:
    """Whether it is only a mark for what was left out, or the file's name, or a function that stands elsewhere in the
    file: an overload, a setter beside its getter."""
    if item.kind == "comment":
        path = text.strip("#/*- \t")
        named = bool(path) and " " not in path and path_of(region.snapshot.uri).endswith(path)
        return named or elision.elided(text, around.code)
    return item.kind == "function" and around.has(text)


def _strange(reply: _Reply, holder: Item, around: Around) -> bool:
    """Whether the class begins otherwise than the file's own."""
    head = reply.text[holder.start : holder.inner[0].start].decode("utf-8", "replace")
    return not all(line.strip() in around.lines or elision.elided(line, "") for line in head.split("\n"))


def _known(region: Region) -> set[str]:
    """Dotted names of what the file has outside of the region, or around it."""
    found = set[str]()
    for item in region.buffer.items():
        if not _lies_in(item.start, item.end, region):
            found.add(item.name)
        found |= {
            f"{item.name}.{one.name}" for one in item.inner if one.name and not _lies_in(one.start, one.end, region)
        }
    outside = (one for one in region.buffer.functions() if not _lies_in(one.start_byte, one.end_byte, region))
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
    inside = region.buffer.function_at((region.start, region.end))
    return next((one.name for one in names if inside is not None and one.last == inside.name.rpartition(".")[2]), "")


def _lies_in(start: int, end: int, region: Region) -> bool:
    return region.start <= start and end <= region.end


def _imports_here(region: Region) -> bool:
    items = region.buffer.items()
    return any(item.kind == "import" and item.start < region.end and item.end > region.start for item in items)


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
