"""The code that agents ask about: open buffers first, with what is not saved, then files of the editors' folders."""

from __future__ import annotations

import asyncio
import os
import stat
from collections.abc import Callable
from dataclasses import dataclass
from typing import TypeVar

from codriver.analyst import path_of
from codriver.app import App
from codriver.model.features import Features, Function
from codriver.model.ids import new_id
from codriver.model.request import Purpose, Request, Snapshot
from codriver.sources import secrets
from codriver.syntax import content
from codriver.syntax.analysis import Buffer
from codriver.tasks import gate

_T = TypeVar("_T")

LIMIT = 4_000_000
"""Bytes of a file on the disk that is compared with its buffer."""

AROUND = 150
"""Lines around those that are shown in which secrets are looked for: keys go over many."""

NEVER = "its name says that no model may see it (privacy.never)"
LOCAL = "it must not leave this machine (privacy.local_only)"


class Missing(Exception):
    """There is no such code, or none that may be told of; the text says why, to a model."""


@dataclass(frozen=True, slots=True)
class Code:
    """A text and where it stands. buffer: its snapshot when it is open in an editor."""

    path: str
    text: bytes
    language: str = ""
    buffer: Snapshot | None = None
    focused: bool = False

    @property
    def source(self) -> str:
        """Where the text comes from."""
        return "file" if self.buffer is None else "buffer"

    @property
    def lines(self) -> int:
        """How many lines there are."""
        return len(self.text.splitlines()) or 1

    def span(self, first: int, last: int) -> tuple[int, int]:
        """The byte range of 1-based lines, both of them in it; clamped to the text."""
        lines = self.text.splitlines(keepends=True)
        first, last = max(first, 1), min(max(last, first), len(lines))
        return sum(map(len, lines[: first - 1])), sum(map(len, lines[:last]))


def withheld(app: App, path: str) -> str:
    """Why nobody is given the text of this path, or "": an agent's model may be anybody's."""
    if gate.hidden(path, app.settings.privacy.never):
        return NEVER
    return LOCAL if app.analyst.local_only(path) else ""


def buffers(app: App) -> list[Code]:
    """All open buffers, the latest edited first."""
    return [_opened(snapshot, focused) for snapshot, focused in app.analyst.open_buffers()]


async def find(app: App, path: str) -> Code:
    """The code of a path, of the end of one or of a URI. Raises Missing."""
    snapshot = app.analyst.named(path)
    if snapshot is not None:
        return _opened(snapshot, False)
    roots = app.workspace.roots
    source = await asyncio.to_thread(app.disk.read, path, roots)
    if source is None:
        where = "no folder is open in an editor" if not roots else "nor a source file of the open folders"
        raise Missing(f"{path} is not open in an editor, {where}, or it may not be read")
    return Code(source.path, source.text)


def lines(text: bytes) -> list[str]:
    """The lines of a text with their ends, which are LF, CRLF and CR and nothing else; secrets are hidden."""
    shown = secrets.hidden(text.decode("utf-8", "replace"))[0]
    return [line.decode() for line in shown.encode("utf-8", "replace").splitlines(keepends=True)]


def readable(app: App, code: Code, first: int, last: int) -> str:
    """Lines `first` to `last` without secrets, also those that begin some lines before. Raises Missing when they may
    not be seen at all."""
    if reason := withheld(app, code.path):
        raise Missing(f"the text of {code.path} is withheld: {reason}")
    every = code.text.splitlines(keepends=True)
    before = max(first - 1 - AROUND, 0)
    shown = lines(b"".join(every[before : last + AROUND]))
    return "".join(shown[first - 1 - before : last - before])


async def on_disk(code: Code) -> bytes | None:
    """The saved text of an open buffer; None where there is no such file here (a new one, or another machine's)."""
    if code.buffer is None or not code.buffer.uri.startswith("file:"):
        return None
    return await asyncio.to_thread(_read, code.path)


def same(one: bytes, two: bytes) -> bool:
    """Whether two texts differ by their line ends at most."""
    return one == two or one.splitlines() == two.splitlines()


async def facts(app: App, code: Code, span: tuple[int, int] | None) -> Features:
    """What is known of the code, or of a byte range of it."""
    if code.buffer is not None:
        place = Snapshot(
            code.buffer.uri, code.buffer.version, code.language, code.text, selection=span, root=code.buffer.root
        )
        return app.analyst.features(Request(new_id(), Purpose.EXPLAIN, code=place))
    return await _apart(code, lambda buffer: buffer.facts(span, app.workspace.manifests_for(code.path)))


async def functions(app: App, code: Code) -> tuple[Function, ...]:
    """Its functions, with their numbers."""
    if code.buffer is not None:
        return app.analyst.buffer(code.buffer).functions()
    return await _apart(code, Buffer.functions)


async def _apart(code: Code, ask: Callable[[Buffer], _T]) -> _T:
    """Asks a file's parsed form, in a thread: it is parsed whole."""
    return await asyncio.to_thread(lambda: ask(Buffer(code.text, path=code.path)))


def _opened(snapshot: Snapshot, focused: bool) -> Code:
    return Code(path_of(snapshot.uri), snapshot.text, snapshot.language_id, snapshot, focused)


def _read(path: str) -> bytes | None:
    try:
        with open(path, "rb", opener=_open) as file:
            status = os.fstat(file.fileno())
            if not stat.S_ISREG(status.st_mode) or status.st_size > LIMIT:
                return None
            return content.decoded(file.read(LIMIT))
    except (OSError, ValueError):
        return None


def _open(path: str, flags: int) -> int:
    return os.open(path, flags | getattr(os, "O_NONBLOCK", 0))  # a pipe is not waited for
