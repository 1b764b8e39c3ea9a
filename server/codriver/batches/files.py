"""The files that callers upload and fetch: content beside a small document about it, in one folder."""

from __future__ import annotations

import contextlib
import os
import threading
from collections.abc import Callable, Container, Iterable
from pathlib import Path
from typing import IO
from weakref import WeakSet

import msgspec

from codriver.batches import disk
from codriver.errors import Kind, reject
from codriver.model.ids import new_id

KEEP_SECONDS = 30 * 86_400
"""Files go after this long, as OpenAI's batch files do."""

DOCUMENT = 4_096
"""Bytes of disk for a file's document."""


class File(msgspec.Struct, frozen=True):
    """One kept file. Times are Unix seconds."""

    id: str
    bytes: int
    created_at: int
    filename: str
    purpose: str
    expires_at: int

    @property
    def room(self) -> int:
        """Bytes of disk it takes, with its document, about."""
        return self.bytes + DOCUMENT


class Draft:
    """A file being received. Leave it with `Files.keep`, or `drop` it. room: takes so many bytes, or raises."""

    def __init__(self, path: Path, room: Callable[[int], None]) -> None:
        self.path = path
        self.size = 0
        self._room = room
        self._out: IO[bytes] = open(os.open(path, os.O_CREAT | os.O_WRONLY | os.O_TRUNC, 0o600), "wb")  # noqa: SIM115 (until it is kept or dropped)

    def write(self, data: bytes) -> None:
        """Adds to the end. Raises RequestRejected (TOO_LARGE) where all files together would be too large."""
        self._room(len(data))
        self.size += self._out.write(data)

    def finish(self) -> None:
        """Everything written is durable when this returns."""
        self._out.flush()
        os.fsync(self._out.fileno())
        self._out.close()

    def drop(self) -> None:
        """Forgets it; also where the disk is full, and closing fails."""
        with contextlib.suppress(OSError):
            self._out.close()
        self.path.unlink(missing_ok=True)
        self.size = 0


class Files:
    """All kept files, newest last. `clock` gives Unix seconds; the folder is read on first use.

    most: bytes that they may fill together. Beyond that nothing is received; results are written all the same.
    """

    def __init__(self, folder: Path, clock: Callable[[], float], *, most: Callable[[], int]) -> None:
        self._folder = folder
        self._clock = clock
        self._most = most
        self._known: dict[str, File] | None = None
        self._total = 0
        self._counting = threading.Lock()  # files are kept in threads
        self._drafts: WeakSet[Draft] = WeakSet()

    def all(self) -> list[File]:
        """Every file, oldest first."""
        return list(self._files().values())

    def get(self, ident: str) -> File | None:
        """The file with this id, if there is one."""
        return self._files().get(ident)

    def path(self, file: File) -> Path:
        """Where its content lies."""
        return self._folder / f"{file.id}.content"

    @property
    def held(self) -> int:
        """Bytes of disk that all files take, those being received among them."""
        self._files()
        return self._total + sum(draft.size for draft in self._drafts)

    def draft(self) -> Draft:
        """A new file to be written."""
        self._files()
        draft = Draft(self._folder / f"{new_id()}.draft", self._room)
        self._drafts.add(draft)
        return draft

    def keep(self, draft: Draft, filename: str, purpose: str, seconds: int = KEEP_SECONDS) -> File:
        """A draft becomes a file; durable when this returns."""
        draft.finish()
        self._drafts.discard(draft)
        file = self._file(f"file-{new_id()}", draft.size, filename, purpose, seconds)
        disk.move(draft.path, self.path(file))
        return self._note(file)

    def write(self, ident: str, filename: str, purpose: str, parts: Iterable[bytes]) -> File:
        """A file of our own, of this id, replacing an earlier attempt at it."""
        self._files()
        size = disk.put(self._folder / f"{ident}.content", parts)
        return self._note(self._file(ident, size, filename, purpose, KEEP_SECONDS))

    def remove(self, file: File) -> None:
        """Forgets a file; the document goes first, so that none is without content."""
        if (known := self._files().pop(file.id, None)) is not None:
            self._count(-known.room)
        (self._folder / f"{file.id}.json").unlink(missing_ok=True)
        self.path(file).unlink(missing_ok=True)

    def expire(self, used: Iterable[str] = ()) -> None:
        """Removes what is past its time, but for the ids that are used."""
        now, used = self._clock(), frozenset(used)
        for file in self.all():
            if file.expires_at <= now and file.id not in used:
                self.remove(file)

    def _file(self, ident: str, size: int, filename: str, purpose: str, seconds: int) -> File:
        now = int(self._clock())
        return File(ident, size, now, filename, purpose, now + seconds)

    def _note(self, file: File) -> File:
        disk.put(self._folder / f"{file.id}.json", [msgspec.json.encode(file)])
        known = self._files()
        self._count(file.room - (known[file.id].room if file.id in known else 0))
        known[file.id] = file
        return file

    def _count(self, bytes: int) -> None:
        with self._counting:
            self._total += bytes

    def _room(self, size: int) -> None:
        most = self._most()
        if self.held + size > most:
            text = (
                f"Codriver keeps at most {most / 1e6:g} MB of files (batch.max_files_mb) and has {self.held / 1e6:.1f} "
                "MB: delete those that are not needed any more (DELETE /v1/files/{id}), or raise the limit"
            )
            raise reject(text, field="file", kind=Kind.TOO_LARGE)

    def _sweep(self, known: Container[str]) -> None:
        """Removes what a kill left half done, which may be large."""
        contents = (path for path in self._folder.glob("*.content") if path.stem not in known)
        for left in (*self._folder.glob("*.draft"), *contents):
            left.unlink(missing_ok=True)

    def _files(self) -> dict[str, File]:
        if self._known is None:
            self._folder.mkdir(parents=True, exist_ok=True, mode=0o700)
            found: list[File] = []
            for path in self._folder.glob("*.json"):
                with contextlib.suppress(msgspec.DecodeError, OSError):
                    found.append(msgspec.json.decode(path.read_bytes(), type=File))
            found.sort(key=lambda file: (file.created_at, file.id))
            self._known = {file.id: file for file in found if self.path(file).exists()}
            self._total = sum(file.room for file in self._known.values())
            self._sweep(self._known)
        return self._known
