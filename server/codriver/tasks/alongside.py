"""What of other open buffers goes out with a request: heads of functions that are called at its place, places that look
alike, and what was just edited there.

It stays the same while somebody types, as far as it can, so that a provider's prompt cache keeps hitting.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from pathlib import PurePath
from typing import TYPE_CHECKING

from codriver.analyst import path_of
from codriver.model.request import Snapshot
from codriver.syntax import surroundings
from codriver.tasks import gate, prompts
from codriver.tasks.changes import Span
from codriver.tasks.context import STEP, readable, whole

if TYPE_CHECKING:
    from codriver.analyst import Analyst
    from codriver.syntax.analysis import Buffer

BUFFERS = 8
"""Other buffers that are looked at, the latest edited ones."""
PLACES, HEADS = 2, 8
BUDGET = 3_000
"""Bytes of other buffers in all: about 1,000 tokens."""
SMALL = 16_000
"""Bytes up to which a buffer nobody has read is read for its functions: some 2 ms."""

NEAR, EDITED = 3, 800
"""Lines around a place that was just edited, and bytes of such a piece at most."""

File = tuple[str, str]
"""A file's name for people and models, and parts of its text."""


def files(
    analyst: Analyst,
    snapshot: Snapshot,
    buffer: Buffer,
    offset: int,
    never: Sequence[str],
    edited: Mapping[str, Sequence[Span]] | None = None,
) -> tuple[File, ...]:
    """Parts of other open buffers that say something about a byte offset of this one, by their names.

    edited: by path the byte spans that were just edited, newest first. Nothing of buffers in `never`, nor of those
    that must stay on this machine when this one need not.
    """
    others = [other for other in analyst.beside(snapshot, BUFFERS) if _open(analyst, snapshot, other, never)]
    if not others:
        return ()
    around = surroundings.sight(snapshot.text, offset // STEP * STEP + STEP // 2)
    alike = surroundings.alike(around, [other.data for other in others], PLACES)
    called = frozenset(_last(name) for name in buffer.surroundings(offset).called)
    found: list[File] = []
    left = BUDGET
    for number, other in enumerate(others):
        spans = [(place.start, place.end) for place in alike if place.text == number]
        spans += _edited(other.data, (edited or {}).get(other.path, ()), spans)
        pieces = [*_heads(other, called, spans), *(other.data[start:end].strip(b"\n") for start, end in spans)]
        kept = list(_within(pieces, left))
        left -= sum(map(len, kept))
        if kept:
            found.append((_named(other.path, snapshot.root), readable(b"\n\n".join(kept))))
    return tuple(sorted(found))


def told(parts: Sequence[File]) -> str:
    """The same for a chat, each in a code fence; "" for nothing."""
    mark = prompts.fence(*(text for _, text in parts))
    return "".join(f"From {name}, for reference only:\n{mark}\n{text}\n{mark}\n\n" for name, text in parts)


def _open(analyst: Analyst, snapshot: Snapshot, other: Buffer, never: Sequence[str]) -> bool:
    """Whether models that see this snapshot may see the other buffer."""
    marked = analyst.local_only
    if marked and marked(other.path) and not marked(path_of(snapshot.uri)):
        return False
    return not gate.hidden(other.path, never)


def _edited(data: bytes, places: Sequence[Span], shown: Sequence[Span]) -> list[Span]:
    """The lines around places that were just edited, as far as they are not shown anyway."""
    found: list[Span] = []
    for start, end in places:
        start, end = min(start, len(data)), min(end, len(data))
        for _ in range(NEAR + 1):
            start = data.rfind(b"\n", 0, max(start - 1, 0)) + 1
            end = min(data.find(b"\n", end) + 1 or len(data), len(data))
        if end - start <= EDITED and not any(a < end and start < b for a, b in (*shown, *found)):
            found.append((start, end))
    return found


def _heads(other: Buffer, called: frozenset[str], shown: Sequence[tuple[int, int]]) -> Iterator[bytes]:
    """The lines where functions of these names begin, that are not shown anyway."""
    if not called or (len(other.data) > SMALL and (other.dirty or not other.held)):
        return
    heads = [
        function.start_byte
        for function in other.functions()
        if _last(function.name) in called and not any(start <= function.start_byte < end for start, end in shown)
    ]
    for start in heads[:HEADS]:
        line = other.data.rfind(b"\n", 0, start) + 1
        end = other.data.find(b"\n", start)
        yield other.data[line : end if 0 <= end < start + 200 else whole(other.data, start + 200)]


def _within(pieces: Sequence[bytes], budget: int) -> Iterator[bytes]:
    """Those that fit, in their order."""
    for piece in pieces:
        if piece and len(piece) <= budget:
            budget -= len(piece)
            yield piece


def _named(path: str, root: str) -> str:
    """Its path in the workspace folder, else its name."""
    pure = PurePath(path)
    return pure.relative_to(root).as_posix() if root and pure.is_relative_to(root) else pure.name


def _last(name: str) -> str:
    """`c` of `a.b.c`, `a::c` and `a->c`."""
    return name.replace("::", ".").replace("->", ".").rpartition(".")[2]
