"""Source files of the folders somebody works in, as messages name them. Asking returns at once what is known;
finding, reading and parsing happen in one thread and count from the next question on.

Nothing is read outside of these folders, whatever links say, nor what is marked secret, vendored or too long.
"""

from __future__ import annotations

import os
import stat
import threading
import time
from collections import OrderedDict
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path, PurePath

from codriver.model.features import Features, Function
from codriver.sources import walking
from codriver.sources.background import Background
from codriver.sources.marked import Marked
from codriver.syntax import content, languages
from codriver.syntax.analysis import Buffer

LIMIT = 512 * 1024
"""Bytes above which a file is not read."""
TEXTS = 8 * 1024 * 1024
"""Bytes of texts that are kept, the last asked for."""
KEPT = 512
"""Names that are remembered with what they led to, the last asked for."""
READING = 10.0
"""Seconds that `read` waits at most."""
WAITING = 32
"""Questions that wait for the thread; more are forgotten, and asked again with the next turn."""
FRESH = 2.0
"""Seconds for which a file is not looked at again."""
INDEXED = 20_000
"""Files of a folder that may be found by the end of their path."""
INDEX_FRESH = 60.0
"""Seconds for which a folder is not walked again."""
SLICE = 0.001
"""Seconds of rest between two slices of parsing: the event loop has the interpreter first."""


@dataclass(frozen=True, slots=True)
class Source:
    """One file as it was read: its text in UTF-8, what is known of it as a whole, its functions."""

    path: str
    text: bytes
    facts: Features
    functions: tuple[Function, ...]
    mark: tuple[int, int]
    """Modified (ns), size: by these a change is seen."""
    manifests: Mapping[str, str]
    """What the facts were told of its project."""


@dataclass(slots=True)
class _Answer:
    source: Source | None
    checked: float


_Key = tuple[str, tuple[str, ...]]


class Disk:
    """Files by the names that messages give them. `look` and `close` return at once."""

    def __init__(
        self,
        *,
        never: Sequence[str] = (),
        clock: Callable[[], float] = time.monotonic,
        run: Callable[[Callable[[], None]], object] | None = None,
        home: Path | None = None,
        manifests_for: Callable[[str], Mapping[str, str]] = lambda path: {},
    ) -> None:
        """never: patterns of files that are not read. run: does a piece of work some time; by default one thread."""
        self._never = Marked(never)
        self._manifests_for = manifests_for
        self._background = Background("sources")
        self._clock, self._run = clock, run or self._background.run
        self._home = os.path.realpath(home or Path.home())
        self._answers: OrderedDict[_Key, _Answer] = OrderedDict()
        self._sources: OrderedDict[str, Source] = OrderedDict()
        self._indexes: dict[str, tuple[float, dict[str, list[str]]]] = {}
        self._asked: set[_Key] = set()
        self._lock = threading.Lock()

    def look(self, path: str, roots: Sequence[str]) -> Source | None:
        """The file of this name below one of these folders, the first that has it, as far as it is known by now.

        A relative path counts from each folder, else as the end of a path in it; an absolute one must lie in one.
        """
        key = path, tuple(roots)
        answer = self._answers.get(key)
        if answer is None or self._clock() - answer.checked >= FRESH:
            self._ask(key)
            answer = self._answers.get(key)
        return answer.source if answer else None

    def read(self, path: str, roots: Sequence[str]) -> Source | None:
        """As `look`, but waits until it was read. Never call it where an event loop runs."""
        found = threading.Event()
        key = path, tuple(roots)

        def work() -> None:
            try:
                self._answer(key)
            finally:
                found.set()

        self._run(work)
        found.wait(READING)
        answer = self._answers.get(key)
        return answer.source if answer else None

    def forbid(self, never: Sequence[str]) -> None:
        """From now on files with these patterns are not read; what was read before is forgotten."""
        self._never = Marked(never)
        with self._lock:
            self._answers.clear()

    def close(self) -> None:
        """Ends the thread; what is still to be read is not read."""
        self._background.close()

    # In the thread.

    def _ask(self, key: _Key) -> None:
        with self._lock:
            if key in self._asked or len(self._asked) >= WAITING:
                return
            self._asked.add(key)
        self._run(lambda: self._answer(key))

    def _answer(self, key: _Key) -> None:
        source = None
        try:
            source = self._find(*key)
        except (OSError, ValueError):  # gone meanwhile; a name that no file can have
            pass
        finally:
            with self._lock:
                self._asked.discard(key)
                self._answers[key] = _Answer(source, self._clock())
                self._answers.move_to_end(key)
                while len(self._answers) > KEPT:
                    self._answers.popitem(last=False)

    def _find(self, path: str, roots: tuple[str, ...]) -> Source | None:
        trusted = [root for root in map(os.path.realpath, roots) if self._trusted(root)]
        for root in trusted:
            real = os.path.realpath(os.path.join(root, os.path.expanduser(path)))
            source = self._source(real, root)
            if source is not None:
                return source
        for root in trusted:
            found = self._by_end(path, root)
            source = self._source(os.path.realpath(found), root) if found else None
            if source is not None:
                return source
        return None

    def _trusted(self, root: str) -> bool:
        """Whether files below it may be read: no folder that holds whole homes or the whole disk."""
        inside = os.path.dirname(root) != root and not _below(self._home, root)
        return inside and os.path.isdir(root)

    def _by_end(self, path: str, root: str) -> str:
        """The file whose path ends as this one does, by the most components; "" where several do equally."""
        wanted = PurePath(path.replace("\\", "/")).parts
        index = self._index(root)
        scored = sorted(((_common(wanted, name), name) for name in index.get(wanted[-1], ())), reverse=True)
        if not scored or (len(scored) > 1 and scored[0][0] == scored[1][0]):
            return ""
        # A path of another machine (a container's) needs more than the file's name in common.
        least = 2 if os.path.isabs(path) else len(wanted)
        return os.path.join(root, scored[0][1]) if scored[0][0] >= min(least, len(wanted)) else ""

    def _index(self, root: str) -> dict[str, list[str]]:
        """Relative paths by file name."""
        walked, index = self._indexes.get(root, (0.0, {}))
        if not index or self._clock() - walked >= INDEX_FRESH:
            index = {}
            for _, path in zip(range(INDEXED), walking.files(root), strict=False):
                index.setdefault(os.path.basename(path), []).append(os.path.relpath(path, root))
            self._indexes = {**dict(list(self._indexes.items())[-7:]), root: (self._clock(), index)}
        return index

    def _source(self, path: str, root: str) -> Source | None:
        """A file by its real path, when it may be read; the same object as long as it did not change."""
        if not _below(path, root):
            return None
        name = os.path.relpath(path, root)
        if walking.vendored(name) or self._never(path) or languages.of_path(path) is None:
            return None
        known = self._sources.get(path)
        try:
            with open(path, "rb", opener=_opener) as file:
                status = os.fstat(file.fileno())
                mark = status.st_mtime_ns, status.st_size
                if not stat.S_ISREG(status.st_mode) or status.st_size > LIMIT:
                    return None
                manifests = self._manifests_for(path)
                if known is None or known.mark != mark or known.manifests != manifests:
                    known = _read(path, file.read(LIMIT), mark, manifests)
        except OSError:
            return None
        self._keep(known)
        return known

    def _keep(self, source: Source) -> None:
        self._sources[source.path] = source
        self._sources.move_to_end(source.path)
        while len(self._sources) > 1 and sum(len(kept.text) for kept in self._sources.values()) > TEXTS:
            path, _ = self._sources.popitem(last=False)
            with self._lock:
                for key in [
                    key for key, answer in self._answers.items() if answer.source and answer.source.path == path
                ]:
                    del self._answers[key]


def _read(path: str, data: bytes, mark: tuple[int, int], manifests: Mapping[str, str]) -> Source:
    data = content.decoded(data)
    buffer = Buffer(data, path=path, clock=time.thread_time)
    while not buffer.step():
        time.sleep(SLICE)
    return Source(path, data, buffer.facts(None, manifests), buffer.functions(), mark, manifests)


def _opener(path: str, flags: int) -> int:
    # A link put in place since the path was made real is not followed, and a pipe is not waited for.
    return os.open(path, flags | getattr(os, "O_NOFOLLOW", 0) | getattr(os, "O_NONBLOCK", 0))


def _below(path: str, root: str) -> bool:
    return path == root or path.startswith(root if root.endswith(os.sep) else root + os.sep)


def _common(wanted: tuple[str, ...], name: str) -> int:
    """How many components two paths have in common at their ends."""
    pairs = zip(reversed(wanted), reversed(PurePath(name).parts), strict=False)
    count = 0
    for one, other in pairs:
        if one != other:
            break
        count += 1
    return count
