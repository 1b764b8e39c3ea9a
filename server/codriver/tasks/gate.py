"""When not to suggest anything. Silence is half of quality, and some files are nobody's business.

Each check gives the reason for silence, or "". `shut` holds always. `hands` tells what somebody does (changes), `text`
what stands around the cursor, `tree` what it is part of: these three are passed by an explicit invocation.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from functools import lru_cache
from typing import TYPE_CHECKING

from codriver.analyst import Marked, path_of
from codriver.errors import reject
from codriver.model.request import Snapshot
from codriver.tasks.watch import REWRITING, Doing, Watch

if TYPE_CHECKING:
    from codriver.syntax.analysis import Buffer

SHORTEST = 10
"""Bytes: a file with less in it says nothing about what comes next."""

MOVED = "the cursor was moved"

LONGEST = 1_000
"""Bytes of a line before the cursor from which it is no line of code written by hand."""

AROUND = 4_000
"""Bytes on each side that are searched for the marks of an unsolved merge."""

_ENDING = re.compile(rb"[\s)\]}>\"'`:;,]*")
_CONFLICT = re.compile(rb"(?m)^(?:<{7}|>{7}|\|{7}) ")
_DONE = re.compile(rb"(?:^|\s)(?:pass|break|continue|return|end|fi|done|esac)$")
_MIDDLE = re.compile(rb"[\s=(\[{,.:+*/%<>&|!?-]$")
_NUMBER = re.compile(rb"(?<![\w.])\d[\w.]*$")
_HEADER = re.compile(
    rb"\s*\}?\s*(?:def|async def|class|if|elif|elsif|else|for|foreach|while|until|unless|with|switch|match|case|catch"
    rb"|except|func|fun|function|async function|fn|impl|struct|enum|trait|interface|module|namespace|try|do|when|guard"
    rb"|sub|proc|template|export (?:default )?(?:async )?function)\b"
)
_DECLARED = re.compile(
    rb"\s*(?!(?:return|await|yield|raise|throw|new|not|and|or|assert|del|go|defer|import|from|puts|echo|print|delete"
    rb"|export|const|let|var|val|in|is|else|case)\b)[\w:*&<>,\[\]]+\s[\w:*&<>,\[\]\s~]*\w\s?\([^=]*$"
)
_PAIRS = {0x29: 0x28, 0x5D: 0x5B, 0x7D: 0x7B}


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
    return _hidden(path, tuple(never))


@lru_cache(maxsize=512)
def _hidden(path: str, never: tuple[str, ...]) -> bool:
    return _marked(never)(path)


@lru_cache(maxsize=8)
def _marked(never: tuple[str, ...]) -> Marked:
    return Marked(never)


def hands(snapshot: Snapshot, watch: Watch | None) -> str:
    """Why nobody waits for a suggestion, by what was done last, or ""."""
    if watch is None:
        return ""
    cursor = snapshot.cursor or 0
    if watch.doing is Doing.NOTHING:
        return str(Doing.NOTHING)
    doing = watch.at(cursor)
    if doing is None:
        return "" if _blank(snapshot.text, cursor) else MOVED
    if doing in (Doing.UNDONE, Doing.MANY, Doing.OTHER):
        return str(doing)
    if doing is Doing.PASTED and not _begun(snapshot.text, cursor):
        return str(doing)
    if doing is Doing.DELETED and watch.deletions < REWRITING:
        return str(doing)
    if watch.put is not None and snapshot.text[max(cursor, watch.put[0]) : watch.put[1]].strip():
        return "inside of what was pasted, or of a snippet"
    return ""


def text(snapshot: Snapshot) -> str:
    """Why nobody waits for a suggestion, by the text around the cursor, or ""."""
    data, cursor = snapshot.text, snapshot.cursor or 0
    if len(data) < AROUND and len(data.strip()) < SHORTEST:
        return "an empty file"
    start, end = data.rfind(b"\n", 0, cursor) + 1, data.find(b"\n", cursor)
    line, rest = data[start:cursor], data[cursor : end if end >= 0 else None]
    if rest[:1] and _word(line[-1:]) and _word(rest[:1]):
        return "inside a word"
    if _ENDING.fullmatch(rest) is None:
        return "text to the right"
    if len(line) > LONGEST:
        return "a very long line"
    if _NUMBER.search(line):
        return "a number"
    if finished(line, rest):
        return "a finished statement"
    if _CONFLICT.search(data, max(cursor - AROUND, 0), cursor + AROUND):
        return "an unsolved merge"
    return ""


def tree(buffer: Buffer, cursor: int, *, comments: bool = False) -> str:
    """Why nobody waits for a suggestion, by the code the cursor is in, or "". comments: whether prose is welcome."""
    return "inside a string or comment" if not comments and buffer.in_string_typing(cursor) else ""


def finished(line: bytes, rest: bytes = b"") -> bool:
    """Whether a statement ends right at the cursor, as far as its line tells: one goes on in the next line.

    A line whose brackets are still open, or that opens a block, is not.
    """
    if rest.strip():
        return False
    if line.endswith((b";", b"}")) and line.strip() not in (b";", b"}"):
        return line.endswith(b";") or not _open(line)
    if _DONE.search(line):
        return not line.endswith(b"return")
    last = line[-1:]
    closed = last in (b")", b"]") or (last in (b'"', b"'", b"`") and line.count(last) % 2 == 0)
    return closed and not _open(line) and _HEADER.match(line) is None and _DECLARED.match(line) is None


def _open(line: bytes) -> bool:
    """Whether brackets of a line are open."""
    stack: list[int] = []
    for sign in line:
        if sign in _PAIRS.values():
            stack.append(sign)
        elif sign in _PAIRS and stack:
            stack.pop()
    return bool(stack)


def _begun(data: bytes, cursor: int) -> bool:
    """Whether the text before the cursor stops in the middle of something."""
    line = data[data.rfind(b"\n", 0, cursor) + 1 : cursor]
    return bool(line.strip()) and _MIDDLE.search(line) is not None


def _blank(data: bytes, cursor: int) -> bool:
    """Whether nothing stands on the cursor's line."""
    end = data.find(b"\n", cursor)
    return not data[data.rfind(b"\n", 0, cursor) + 1 : end if end >= 0 else None].strip()


def _word(sign: bytes) -> bool:
    return sign.isalnum() or sign == b"_" or sign > b"\x7f"


def admit(snapshot: Snapshot, never: Sequence[str], most: int, what: str) -> None:
    """For edits and reviews, which speak: raises RequestRejected with the reason."""
    if private(snapshot, never):
        raise reject(f"{path_of(snapshot.uri)} is marked as private (privacy.never), so no model may see it.")
    if len(snapshot.text) > most:
        raise reject(f"The file is too large to {what}: {len(snapshot.text):,} bytes, the limit is {most:,}.")
