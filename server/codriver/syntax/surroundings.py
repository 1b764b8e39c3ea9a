"""What stands around a place, for prompts: its scopes, what is defined, imported, called and broken there, the
text cut at nodes within a budget, and places in other texts that look alike. All of it bounded in time."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import lru_cache
from itertools import accumulate, islice

from tree_sitter import Node

from codriver.syntax import names, outline, windows
from codriver.syntax.language import Language
from codriver.syntax.parse import Parse
from codriver.syntax.places import Range

WALKED = 4_000
"""Nodes of a function that are looked at for calls and errors."""
LISTED = 60
"""Symbols, calls and errors that are told, each."""

SIGHT = 1_500
"""Bytes before and behind a cursor that are compared with other texts."""
LINES, STEP = 24, 12
"""Lines of one place in another text, and from one to the next."""
SEARCHED = 200_000
"""Bytes of other texts that are searched: some 10 ms."""
ALIKE = 0.15
"""Likeness from which a place says something about another."""

_IDENTIFIER = re.compile(rb"[A-Za-z_][A-Za-z0-9_]{2,}")


@dataclass(frozen=True, slots=True)
class Surroundings:
    """Facts of a place's neighbourhood, as the text writes them, each listed once in reading order."""

    scopes: tuple[str, ...] = ()
    """The first lines of the functions and classes around it, outermost first."""
    symbols: tuple[str, ...] = ()
    """What is defined at the top of the text (of a long one: near the place) and in the scopes around."""
    called: tuple[str, ...] = ()
    """What the innermost function calls."""
    errors: tuple[Range, ...] = ()
    """Byte ranges in it that the grammar could not make sense of."""


@dataclass(frozen=True, slots=True)
class Alike:
    """Bytes [start, end) of the text number `text`; likeness from 0 to 1 (Jaccard's, over identifiers)."""

    text: int
    start: int
    end: int
    likeness: float


def around(parse: Parse, offset: int, language: Language) -> Surroundings:
    """What a tree knows of the neighbourhood of a byte offset of the text."""
    scopes = outline.scopes_at(parse, offset, language)
    functions = [scope for scope in scopes if scope.is_function]
    node = functions[-1].node if functions else None
    walked = list(islice(_nodes(node), WALKED)) if node is not None else []
    holders = [parse.root, *(scope.node for scope in scopes)]
    symbols = (name for holder in holders for name in _defined(holder, parse.source, language))
    called = (_called(each, parse.source, language) for each in walked)
    broken = [each for each in walked if each.is_error or each.is_missing]
    return Surroundings(
        tuple(_head(scope.node, parse.source, language) for scope in scopes),
        tuple(islice(dict.fromkeys(symbols), LISTED)),
        tuple(islice((name for name in dict.fromkeys(called) if name), LISTED)),
        tuple((each.start_byte + parse.origin, each.end_byte + parse.origin) for each in broken[:LISTED]),
    )


def excerpt(root: Node, data: bytes, place: Range, budget: int) -> tuple[bytes, bytes]:
    """The text before and behind a place, cut between nodes to at most so many bytes in all.

    Of a class around the place its head stays, of other things nothing or all. Where nodes are too
    long for the budget both sides are empty: then cut by lines.
    """
    size = budget
    for _ in range(4):
        window = windows.pruned(root, data, place, size)
        split = window.at + place[0] - window.start
        before, after = window.source[:split], window.source[split + place[1] - place[0] :]
        if len(before) + len(after) <= budget:
            return before, after
        size //= 2
    return b"", b""


def alike(here: bytes, others: Sequence[bytes], most: int = 3) -> list[Alike]:
    """Places of other texts whose identifiers are most like those here, best first, one of a text at most.

    here: the text around the cursor. Texts are searched in order until SEARCHED bytes are.
    """
    wanted, left, found = set(_IDENTIFIER.findall(here)), SEARCHED, list[Alike]()
    for number, text in enumerate(others):
        if left <= 0 or not wanted:
            break
        best = max(_places(number, text[:left], wanted), key=lambda place: place.likeness, default=None)
        if best is not None and best.likeness >= ALIKE:
            found.append(best)
        left -= len(text)
    return sorted(found, key=lambda place: -place.likeness)[:most]


def sight(text: bytes, cursor: int) -> bytes:
    """What `alike` compares: the bytes around a cursor."""
    return text[max(cursor - SIGHT, 0) : cursor + SIGHT]


def _places(number: int, text: bytes, wanted: set[bytes]) -> Iterator[Alike]:
    for start, end, held in _blocks(text):
        shared = len(held & wanted)
        if shared:
            yield Alike(number, start, end, shared / (len(held) + len(wanted) - shared))


@lru_cache(maxsize=16)
def _blocks(text: bytes) -> tuple[tuple[int, int, frozenset[bytes]], ...]:
    """Places of LINES lines and the identifiers in them: between keystrokes other texts stay as they are."""
    lines = text.splitlines(keepends=True)
    words: dict[bytes, bytes] = {}
    sets = [
        frozenset(words.setdefault(word, word) for word in _IDENTIFIER.findall(b"".join(lines[at : at + STEP])))
        for at in range(0, len(lines), STEP)
    ]
    ends = [0, *accumulate(map(len, lines))]
    return tuple(
        (
            ends[n * STEP],
            ends[min(n * STEP + LINES, len(lines))],
            own.union(*sets[n + 1 : n + LINES // STEP]),
        )
        for n, own in enumerate(sets)
    )


def _nodes(node: Node) -> Iterator[Node]:
    """A node and all below it, in reading order; deep ones cost no stack."""
    pending = [node]
    while pending:
        node = pending.pop()
        yield node
        pending.extend(reversed(node.children))


def _defined(holder: Node, source: bytes, language: Language) -> Iterator[str]:
    """Names of the functions and classes directly in a node or in its body."""
    kinds = {*names.function_types(language), *language.scopes.classes}
    pending = list(reversed(holder.named_children[: 20 * LISTED]))
    for _ in range(20 * LISTED):
        if not pending:
            break
        node = pending.pop()
        if names.kind(node, source, language) in kinds:
            name = names.name_of(node, source, language)
            if name:
                yield name
        elif node.type in language.scopes.wrappers or node == holder.child_by_field_name("body"):
            pending += reversed(node.named_children[: 20 * LISTED])


def _called(node: Node, source: bytes, language: Language) -> str:
    field = language.rules.calls.get(node.type)
    target = node.child_by_field_name(field) if field else None
    if target is None or target.end_byte - target.start_byte > 100:
        return ""
    return source[target.start_byte : target.end_byte].decode("utf-8", "replace")


def _head(node: Node, source: bytes, language: Language) -> str:
    """The line where a scope begins, without blanks around it."""
    start = (names.head_of(node, language) or node).start_byte
    end = source.find(b"\n", start)
    return source[start : end if 0 <= end < start + 200 else start + 200].decode("utf-8", "replace").strip()
