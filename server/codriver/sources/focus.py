"""The place in a file that a message points at, and what is known of the code there.

Lines that are told come first, then quoted text, then functions that are named; with none of these a file is as hard
as its hardest function.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import replace

from codriver.model.features import Features, Function
from codriver.routing.combining import combined, hardness
from codriver.sources.disk import Source
from codriver.syntax.analysis import Buffer
from codriver.syntax.mentions import Mention, symbols, words

Place = int | tuple[int, int]
"""A byte offset, or a byte range."""

QUOTED = 2
"""Lines of a quoted piece that must be found in a row, where all of it is not."""


def of_buffer(buffer: Buffer, mention: Mention, texts: Sequence[str], manifests: Mapping[str, str]) -> Features:
    """Facts of the places of an open text that a mention points at, and the words around it."""
    where = places(buffer.data, buffer.functions, mention, texts)
    if not where:
        return hardest(buffer.facts(None, manifests), buffer.functions())
    parts = []
    for place in where:
        inside = None if isinstance(place, int) or buffer.function_at(place) else _touched(buffer.functions(), place)
        facts = buffer.facts(place, manifests)
        parts.append(_with(facts, inside, facts.lines) if inside else facts)
    return _of_one_file(parts)


def of_source(source: Source, mention: Mention, texts: Sequence[str]) -> Features:
    """The same of a file on disk, by what was counted when it was read."""
    where = places(source.text, lambda: source.functions, mention, texts)
    if not where:
        return hardest(source.facts, source.functions)
    return _of_one_file([_at(source, place) for place in where])


def places(
    text: bytes, functions: Callable[[], Sequence[Function]], mention: Mention, texts: Sequence[str]
) -> list[Place]:
    """Where in a text a mention points, else where the functions begin that are named; nothing: at all of it.

    functions: asked for only where names count. texts: the messages whose words may name functions.
    """
    found: list[Place] = [span for lines in mention.lines if (span := _span(text, *lines))]
    found += [span for quoted in mention.quoted if (span := _quoted(text, quoted))]
    if found:
        return found
    named = _among(functions(), mention.named)
    for told in (symbols, words):
        named = named or _among(functions(), (name for text_ in texts for name in told(text_)))
    return [max(named, key=_hard).start_byte] if named else []


def hardest(facts: Features, functions: Sequence[Function]) -> Features:
    """With no place named, a file is as hard as its hardest function."""
    return _with(facts, max(functions, key=_hard), None) if functions else facts


def line_start(text: bytes, line: int) -> int:
    """The byte at which a 1-based line begins; of the last line, where there are fewer."""
    offset, left = 0, line - 1
    while left > 0:
        count = text.count(b"\n", offset, offset + 4096)
        if count >= left or offset + 4096 >= len(text):
            break
        offset, left = offset + 4096, left - count
    for _ in range(left):
        following = text.find(b"\n", offset)
        if following < 0:
            break
        offset = following + 1
    return offset if line > 1 else 0


def into_line(text: bytes, offset: int) -> int:
    """Past blanks, to the first word of the line: so the offset lies inside the scope that begins there."""
    while offset < len(text) and text[offset] in b" \t":
        offset += 1
    return offset


def _hard(function: Function) -> tuple[int, int, int]:
    return function.cognitive, function.cyclomatic, function.lines


def _among(functions: Sequence[Function], names: Iterable[str]) -> list[Function]:
    wanted = set(names)
    return [function for function in functions if function.name.rpartition(".")[2] in wanted] if wanted else []


def _span(text: bytes, first: int, last: int) -> tuple[int, int] | None:
    """The bytes of 1-based lines, without blanks around them; None where the text has no such line."""
    start = line_start(text, first)
    if first > 1 and (start == 0 or text.count(b"\n", 0, start) != first - 1):
        return None
    start = into_line(text, start)
    end = text.find(b"\n", start) if last == first else line_start(text, last + 1)
    end = len(text) if end < start or (last > first and end <= start) else end
    return start, start + len(text[start:end].rstrip())


def _quoted(text: bytes, quoted: str) -> tuple[int, int] | None:
    """Where a quoted piece stands: all of it, else its first lines that are found in a row."""
    wanted = quoted.encode("utf-8", "replace")
    if b"\r\n" in text[:4096]:
        wanted = wanted.replace(b"\r\n", b"\n").replace(b"\n", b"\r\n")
    start = text.find(wanted) if wanted.strip() else -1
    if start >= 0:
        return into_line(text, start), start + len(wanted.rstrip())
    lines = [line for line in wanted.splitlines(keepends=True) if line.strip()]
    for at in range(max(0, len(lines) - QUOTED + 1)):
        piece = b"".join(lines[at : at + QUOTED])
        start = text.find(piece)
        if start >= 0:
            return into_line(text, start), start + len(piece.rstrip())
    return None


def _at(source: Source, place: Place) -> Features:
    start, end = (place, place) if isinstance(place, int) else place
    around = [function for function in source.functions if function.start_byte <= start and end <= function.end_byte]
    if around:
        return _with(source.facts, min(around, key=lambda function: function.end_byte - function.start_byte), None)
    lines = source.text.count(b"\n", start, end) + 1
    touched = _touched(source.functions, (start, end))
    if touched is not None:
        return _with(source.facts, touched, lines)
    counted = min(source.facts.cyclomatic, 1)
    return replace(source.facts, cyclomatic=counted, cognitive=0, nesting=0, parameters=0, lines=lines, errors=0)


def _touched(functions: Sequence[Function], place: tuple[int, int]) -> Function | None:
    """The hardest function that a range touches."""
    start, end = place
    touched = [function for function in functions if function.start_byte < end and start < function.end_byte]
    return max(touched, key=_hard, default=None)


def _with(facts: Features, function: Function, lines: int | None) -> Features:
    return replace(
        facts,
        scope=function.name,
        scope_kind=function.kind,
        cyclomatic=function.cyclomatic,
        cognitive=function.cognitive,
        nesting=function.nesting,
        parameters=function.parameters,
        lines=function.lines if lines is None else lines,
    )


def _of_one_file(parts: Sequence[Features]) -> Features:
    """Several places of one file: those in one function count once."""
    distinct: dict[tuple[str, int], Features] = {}
    for part in parts:
        key = (part.scope, 0 if part.scope else part.lines)
        known = distinct.get(key)
        distinct[key] = part if known is None else max(known, part, key=hardness)
    return combined(list(distinct.values()))
