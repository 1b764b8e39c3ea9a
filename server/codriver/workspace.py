"""Which manifests hold for a file: the nearest up its path, read once, looked at again when time has passed.

Who asks is answered at once with what is known. Reading happens in a thread of its own and counts from the next
question on. Nothing is read but manifests, locks and the names of marker files, and of each a bounded part.
"""

from __future__ import annotations

import os
import threading
import time
from collections import OrderedDict
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path

from codriver.sources.background import Background
from codriver.syntax import frameworks, locks, manifests

MANIFEST_LIMIT = manifests.LIMIT
"""Bytes above which a manifest is not read."""
LOCK_LIMIT = 8 * 1024 * 1024
"""Bytes above which a lock is not read; of shorter ones only what frameworks are packaged as is kept."""
ENTRIES, FILES = 5_000, 64
"""Entries of a folder that are looked at, and manifests of it that are read."""
CLIMB, DEPTH = 6, 32
"""Folders looked at for a file outside of every workspace, and for one in a workspace."""
FRESH = 5.0
"""Seconds for which a folder is not looked at again, unless somebody says that it changed."""
KEPT = 1_024
"""Folders that are remembered, the last asked for."""

_BESIDE = ("requirements", "gradle")
"""Subfolders whose manifests belong to the folder above."""
_ROOTS = (".git", ".hg", ".jj", ".svn")
_NOTHING: Mapping[str, str] = {}


@dataclass(frozen=True, slots=True)
class _Folder:
    """What was found in one folder: texts by name, and by which marks a change is seen."""

    texts: Mapping[str, str] = field(default_factory=dict)
    marks: Mapping[str, tuple[int, int]] = field(default_factory=dict)
    """Name -> (modified, in ns; size)."""
    versioned: bool = False
    """Whether a repository begins here."""
    looked: float = 0.0


@dataclass(frozen=True, slots=True)
class _Answer:
    texts: Mapping[str, str]
    checked: float


class Workspace:
    """The manifests of all projects that somebody works in. Every method but `read` returns at once."""

    def __init__(
        self,
        *,
        clock: Callable[[], float] = time.monotonic,
        run: Callable[[Callable[[], None]], object] | None = None,
        home: Path | None = None,
    ) -> None:
        """run: does a piece of work some time; by default one thread, begun when first needed."""
        self._background = Background("manifests")
        self._clock, self._run = clock, run or self._background.run
        self._home = str(home or Path.home())
        self._roots: dict[str, int] = {}
        self._folders: OrderedDict[str, _Folder] = OrderedDict()
        self._answers: OrderedDict[str, _Answer] = OrderedDict()
        self._asked: set[str] = set()
        self._lock = threading.Lock()

    def opened(self, root: str) -> None:
        """An editor opened this folder: no file in it belongs to a project above it."""
        root = _norm(root)
        with self._lock:
            self._roots[root] = self._roots.get(root, 0) + 1
            self._answers.clear()
        self._ask(root)

    def closed(self, root: str) -> None:
        """One editor less has this folder open."""
        root = _norm(root)
        with self._lock:
            left = self._roots.pop(root, 0) - 1
            if left > 0:
                self._roots[root] = left

    @property
    def roots(self) -> tuple[str, ...]:
        """The folders that editors have open."""
        return tuple(self._roots)

    def manifests_for(self, path: str) -> Mapping[str, str]:
        """Name -> text of the manifests, locks (in brief) and marker files (no text) that hold for a file.

        Of each ecosystem those of the nearest folder. Nothing for a path that is not absolute, and as long as
        nothing was read.
        """
        if not os.path.isabs(path):
            return _NOTHING
        folder = _norm(os.path.dirname(path))
        answer = self._answers.get(folder)
        if answer is None or self._clock() - answer.checked >= FRESH:
            self._ask(folder)
        return answer.texts if answer else _NOTHING

    def changed(self, path: str) -> None:
        """A file was made, saved or removed: if its project's manifests are told by it, they are read again."""
        if not _telling(os.path.basename(path)):
            return
        folder = _norm(os.path.dirname(path))
        if os.path.basename(folder) in _BESIDE:
            folder = os.path.dirname(folder)
        with self._lock:
            self._folders.pop(folder, None)
            below = [known for known in self._answers if known == folder or known.startswith(_slash(folder))]
            for known in below:
                self._answers[known] = _Answer(self._answers[known].texts, float("-inf"))
        for known in below:
            self._ask(known)

    def read(self, path: str) -> Mapping[str, str]:
        """As `manifests_for`, but reads now and waits for it. Not for an event loop."""
        folder = _norm(os.path.dirname(os.path.abspath(path)))
        self._renew(folder)
        return self._answers[folder].texts

    def close(self) -> None:
        """Ends the thread; what is still to be read is not read."""
        self._background.close()

    # Reading, in the thread.

    def _ask(self, folder: str) -> None:
        with self._lock:
            if folder in self._asked:
                return
            self._asked.add(folder)
        self._run(lambda: self._answered(folder))

    def _answered(self, folder: str) -> None:
        with self._lock:
            self._asked.discard(folder)  # before reading: who asks from now on may know of a newer change
        self._renew(folder)

    def _renew(self, folder: str) -> None:
        texts = merged([self._look(near).texts for near in self._chain(folder)])
        with self._lock:
            known = self._answers.get(folder)
            # An equal answer stays the same object: what was derived from it is found again at once.
            self._answers[folder] = _Answer(known.texts if known and known.texts == texts else texts, self._clock())
            self._answers.move_to_end(folder)
            _shorten(self._answers)

    def _chain(self, folder: str) -> Iterator[str]:
        """The folder and those above it that may tell something, nearest first."""
        roots = [root for root in list(self._roots) if folder == root or folder.startswith(_slash(root))]
        last = max(roots, key=len, default="")
        for _ in range(DEPTH if last else CLIMB):
            if not last and (folder == self._home or self._home.startswith(_slash(folder))):
                return
            yield folder
            above = os.path.dirname(folder)
            if folder == last or above == folder or (not last and self._look(folder).versioned):
                return
            folder = above

    def _look(self, folder: str) -> _Folder:
        """What is in a folder now; files that did not change are not read again."""
        known = self._folders.get(folder)
        if known is not None and self._clock() - known.looked < FRESH:
            return known
        found = _scan(folder, known or _Folder(), self._clock())
        with self._lock:
            self._folders[folder] = found
            self._folders.move_to_end(folder)
            _shorten(self._folders)
        return found


def merged(folders: list[Mapping[str, str]]) -> Mapping[str, str]:
    """What holds of several folders' files, nearest first.

    Of each ecosystem the nearest folder's manifests; a list of requirements beside documents or tests does not hide
    the project's own manifest. Locks and shared versions: the nearest. Markers: up to the first manifest.
    """
    texts: dict[str, str] = {}
    settled: set[str] = set()
    for found in folders:
        begun = bool(settled)
        here: set[str] = set()
        for name, text in found.items():
            kind = manifests.ecosystem(name)
            lock = locks.ecosystem(name) or manifests.SHARED.get(name.rpartition("/")[2], "")
            if kind and kind not in settled:
                texts.setdefault(name, text)
                here |= set() if _partial(name) else {kind}
            elif lock and f"{lock} locked" not in settled:
                texts.setdefault(name.rpartition("/")[2], text)
                here.add(f"{lock} locked")
            elif not kind and not lock and not begun:
                texts.setdefault(name, text)
        settled |= here
    return texts


def _partial(name: str) -> bool:
    """Whether a manifest may list only a part of what a project needs."""
    return name.endswith((".txt", ".in", ".yml", ".yaml")) and manifests.ecosystem(name) == "pypi"


def _telling(name: str) -> bool:
    return bool(manifests.ecosystem(name) or locks.ecosystem(name)) or _named(name)


def _named(name: str) -> bool:
    return name in manifests.SHARED or name.endswith((".txt", ".in")) or frameworks.marks(name)


def _scan(folder: str, known: _Folder, now: float) -> _Folder:
    texts: dict[str, str] = {}
    marks: dict[str, tuple[int, int]] = {}
    versioned = False
    for name, entry in _entries(folder):
        versioned = versioned or name in _ROOTS
        if len(marks) >= FILES or not (manifests.ecosystem(name) or locks.ecosystem(name) or _marks(name)):
            continue
        try:
            if not entry.is_file():  # a pipe would be waited for without end
                continue
            status = entry.stat()
            marks[name] = status.st_mtime_ns, status.st_size
            same = known.marks.get(name) == marks[name]
            texts[name] = known.texts[name] if same else _text(name, entry.path, status.st_size)
        except OSError:
            marks.pop(name, None)
    return _Folder(texts, marks, versioned, now)


def _marks(name: str) -> bool:
    return name.rpartition("/")[2] in manifests.SHARED or frameworks.marks(name)


def _entries(folder: str) -> Iterator[tuple[str, os.DirEntry[str]]]:
    """The first entries of a folder, and of its subfolders that belong to it, by their names from there."""
    for below in ("", *_BESIDE):
        try:
            with os.scandir(os.path.join(folder, below)) as entries:
                for _, entry in zip(range(ENTRIES), entries, strict=False):
                    yield (f"{below}/{entry.name}" if below else entry.name), entry
        except (OSError, ValueError):  # a path with a null in it is no path
            continue


def _text(name: str, path: str, size: int) -> str:
    """A file's text as far as it is of use; empty when it is too long. Raises OSError."""
    lock = bool(locks.ecosystem(name))
    limit = LOCK_LIMIT if lock else MANIFEST_LIMIT
    if size > limit or not (lock or manifests.ecosystem(name) or name.rpartition("/")[2] in manifests.SHARED):
        return ""
    with open(path, "rb") as file:
        text = file.read(limit).decode("utf-8-sig", "replace")
    return locks.brief(name, text, frameworks.wanted) if lock else text


def _norm(folder: str) -> str:
    return os.path.normpath(folder)


def _slash(folder: str) -> str:
    return folder if folder.endswith(os.sep) else folder + os.sep


def _shorten(kept: OrderedDict[str, _Folder] | OrderedDict[str, _Answer]) -> None:
    while len(kept) > KEPT:
        kept.popitem(last=False)
