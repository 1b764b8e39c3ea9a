"""When not to suggest anything. Silence is half of quality, and some files are nobody's business.

Each check gives the reason for silence, or "". The first ones need only the snapshot; the others ask
the tree and are passed by an explicit invocation.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from functools import lru_cache
from typing import TYPE_CHECKING

from codriver.analyst import Marked, path_of
from codriver.errors import reject
from codriver.model.request import Snapshot

if TYPE_CHECKING:
    from codriver.syntax.analysis import Buffer

SHORTEST = 10
"""Bytes: a file with less in it says nothing about what comes next."""

_ENDING = re.compile(rb"[\s)\]}>\"'`:;,]*")


def shut(snapshot: Snapshot, never: Sequence[str], most: int) -> str:
    """Why this snapshot gets no suggestion however it was asked for, or ""."""
    if snapshot.cursor is None:
        return "no cursor"
    if snapshot.selection is not None and snapshot.selection[0] != snapshot.selection[1]:
        return "something is selected"
    return private(snapshot, never) or (f"larger than {most} bytes" if len(snapshot.text) > most else "")


def private(snapshot: Snapshot, never: Sequence[str]) -> str:
    """Why no model may see this file (globs of privacy.never), or ""."""
    return "a file no model may see (privacy.never)" if hidden(path_of(snapshot.uri), never) else ""


def hidden(path: str, never: Sequence[str]) -> bool:
    """Whether no model may see the file of this path."""
    return _marked(tuple(never))(path)


@lru_cache(maxsize=8)
def _marked(never: tuple[str, ...]) -> Marked:
    return Marked(never)


def unwanted(snapshot: Snapshot, buffer: Buffer) -> str:
    """Why nobody waits for a suggestion at this place, or ""; not for explicit invocations."""
    cursor = snapshot.cursor or 0
    if len(snapshot.text.strip()) < SHORTEST:
        return "an empty file"
    if buffer.inside_word(cursor):
        return "inside a word"
    end = snapshot.text.find(b"\n", cursor)
    rest = snapshot.text[cursor : end if end >= 0 else None]
    if _ENDING.fullmatch(rest) is None:
        return "text to the right"
    if buffer.in_string_or_comment(cursor):
        return "inside a string or comment"
    return ""


def admit(snapshot: Snapshot, never: Sequence[str], most: int, what: str) -> None:
    """For edits and reviews, which speak: raises RequestRejected with the reason."""
    if private(snapshot, never):
        raise reject(f"{path_of(snapshot.uri)} is marked as private (privacy.never), so no model may see it.")
    if len(snapshot.text) > most:
        raise reject(f"The file is too large to {what}: {len(snapshot.text):,} bytes, the limit is {most:,}.")
