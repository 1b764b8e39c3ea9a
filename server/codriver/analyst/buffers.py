"""The open buffers of all editors: each one's newest text, the parsed form that follows it, and finding one by what
a message says."""

from __future__ import annotations

import re
import time
from collections import OrderedDict
from collections.abc import Callable, Iterator, Sequence
from functools import lru_cache
from pathlib import PurePath
from urllib.parse import unquote, urlsplit

from codriver.model.features import Function
from codriver.model.request import Snapshot
from codriver.syntax.analysis import Buffer
from codriver.syntax.locating import locate
from codriver.syntax.mentions import plain
from codriver.syntax.text import Edit

HOLE_LIMIT = 8_000_000
"""Bytes of open buffers that are searched for a plugin's hole, the latest edited first."""

TREES = 2_000_000
"""Bytes of open buffers whose trees are kept, of the last used: about 85 MB of trees."""

SMALL = 16_000
"""Bytes up to which a stale buffer is parsed to see what functions it has: some 2 ms."""


LATE = 250
"""Edits after which a buffer is brought up to date though nobody asked."""


class Held:
    """One open buffer: its newest snapshot, and the parsed form that follows it.

    Both are brought up to date when somebody asks, so that a keystroke costs the same in a text of any size.
    """

    __slots__ = ("_buffer", "_edits", "_now", "_snapshot", "listed", "name", "names", "path", "used")

    def __init__(self, snapshot: Snapshot) -> None:
        self.path = path_of(snapshot.uri)
        self.name = PurePath(self.path).name
        self.used = 0
        """When it was last asked about; the greatest number is the latest."""
        self.listed: tuple[Function, ...] = ()
        self.names = frozenset[str]()
        """Last parts of the names of `listed`."""
        self._snapshot, self._edits = snapshot, list[Edit]()
        self._now: Callable[[], Snapshot] | None = None
        language = snapshot.language_id
        self._buffer = Buffer(snapshot.text, language_id=language, path=self.path, clock=time.thread_time)

    def changed(self, edits: Sequence[Edit], now: Callable[[], Snapshot]) -> None:
        """It became what `now` says by these edits."""
        self._edits += edits
        self._now = now
        if len(self._edits) > LATE:
            self._follow()

    @property
    def snapshot(self) -> Snapshot:
        """Its newest text."""
        self._follow()
        return self._snapshot

    @property
    def buffer(self) -> Buffer:
        """Its parsed form."""
        self._follow()
        return self._buffer

    @property
    def uri(self) -> str:
        """Its name at the editor."""
        return self._snapshot.uri

    @property
    def language_id(self) -> str:
        """What the editor calls its language."""
        return self._snapshot.language_id

    @property
    def family(self) -> str:
        """The family of its language, "" where it has none."""
        return self._buffer.language.family if self._buffer.language else ""

    @property
    def kept(self) -> int:
        """Bytes of text that trees are kept of."""
        return self._buffer.held

    def rest(self) -> None:
        """Forgets the trees."""
        self._buffer.rest()

    def _follow(self) -> None:
        if self._now is not None:
            self._snapshot = self._now()
            if self._edits:
                self._buffer.edit(self._edits, self._snapshot.text)
            self._edits, self._now = [], None


class Buffers:
    """All open buffers, by owner and URI; walked from the latest edited on."""

    def __init__(self) -> None:
        self._open: OrderedDict[tuple[int, str], Held] = OrderedDict()
        self._uses = 0
        self._focus: dict[int, str] = {}

    def __len__(self) -> int:
        return len(self._open)

    def latest(self) -> Iterator[Held]:
        """All, the latest edited first."""
        return reversed(self._open.values())

    def get(self, owner: int, uri: str) -> Held | None:
        """The buffer of this editor."""
        return self._open.get((owner, uri))

    def opened(self, owner: int, snapshot: Snapshot) -> Held:
        """A buffer was opened (or replaced whole) in the editor of this owner."""
        held = self._open[owner, snapshot.uri] = Held(snapshot)
        return held

    def changed(self, owner: int, uri: str, edits: Sequence[Edit], now: Callable[[], Snapshot]) -> bool:
        """A buffer changed; False when nobody opened it. It follows when somebody asks."""
        held = self._open.get((owner, uri))
        if held is None:
            return False
        held.changed(edits, now)
        self._open.move_to_end((owner, uri))
        return True

    def closed(self, owner: int, uri: str) -> None:
        """A buffer was closed: its text is forgotten."""
        self._open.pop((owner, uri), None)

    def focused(self, owner: int, uri: str) -> None:
        """What somebody looks at in this editor."""
        self._focus[owner] = uri

    def all(self) -> list[tuple[Held, bool]]:
        """All, the latest edited first, each with whether somebody looks at it."""
        return [(held, self._focus.get(owner) == uri) for (owner, uri), held in reversed(self._open.items())]

    def left(self, owner: int) -> list[Held]:
        """An editor went away: all its buffers are forgotten. What they were: freeing a long one takes milliseconds."""
        self._focus.pop(owner, None)
        return [self._open.pop(key) for key in [key for key in self._open if key[0] == owner]]

    def current(self, snapshot: Snapshot) -> Held | None:
        """The one whose text is this snapshot's still."""
        for (_, uri), held in self._open.items():
            # Two editors may hold the same file at the same version with other text.
            if uri == snapshot.uri and held.snapshot.text == snapshot.text:
                return held
        return None

    def used(self, held: Held) -> Buffer:
        """Its buffer; those used longest ago lose their trees when there are too many."""
        self._uses += 1
        held.used = self._uses
        kept = sum(other.kept for other in self._open.values())
        if kept > TREES:
            for other in sorted(self._open.values(), key=lambda other: other.used):
                if kept <= TREES or other is held:
                    break
                kept -= other.kept
                other.rest()
        return held.buffer

    def others(self, snapshot: Snapshot, limit: int = 8) -> list[bytes]:
        """Texts of other open buffers of the same language, most recently edited first."""
        found = (
            held.snapshot.text
            for (_, uri), held in reversed(self._open.items())
            if uri != snapshot.uri and held.snapshot.language_id == snapshot.language_id
        )
        return [text for text, _ in zip(found, range(limit), strict=False)]

    def beside(self, snapshot: Snapshot, limit: int) -> list[Buffer]:
        """Other open buffers in languages of the same family, most recently edited first."""
        own = next((held for (_, uri), held in self._open.items() if uri == snapshot.uri), None)
        family = own.family if own is not None else ""
        found = (
            held.buffer
            for (_, uri), held in reversed(self._open.items())
            if uri != snapshot.uri and (held.language_id == snapshot.language_id or (family and held.family == family))
        )
        return [buffer for buffer, _ in zip(found, range(limit), strict=False)]

    def around(self, before: bytes, after: bytes) -> tuple[Held, int] | None:
        """The buffer in which this stands, and the byte offset between the two."""
        left = HOLE_LIMIT
        for held in self.latest():
            place = locate(held.snapshot.text, before, after)
            if place is not None:
                return held, place
            left -= len(held.snapshot.text)
            if left < 0:
                break
        return None

    def of_path(self, path: str) -> Held | None:
        """The buffer a path names: that with the longest end in common, then the newest edit."""
        best, score = None, 0
        wanted = plain(path)
        drive = wanted[1:2] == ":"
        name = wanted.rpartition("/")[2]
        for held in self.latest():
            if held.name != name and not drive:
                continue
            theirs = plain(held.path)
            count = _ending(wanted.casefold(), theirs.casefold()) if drive else _ending(wanted, theirs)
            if count > score:
                best, score = held, count
        return best

    def named_in(self, text: str) -> Held | None:
        """The buffer whose path a text names, however it is written: the longest match wins, then the newest edit."""
        best: Held | None = None
        score = 0
        for held in self.latest():
            length = named_by(held, text)
            if length > score:
                best, score = held, length
        return best

    def defining(self, names: frozenset[str]) -> Iterator[tuple[Held, frozenset[str]]]:
        """Buffers with functions of these names, as far as their functions are known without much work."""
        for held in self.latest() if names else ():
            found = names & self._names(held)
            if found:
                yield held, found

    def _names(self, held: Held) -> frozenset[str]:
        known = held.buffer.held and not held.buffer.dirty
        if known or len(held.snapshot.text) <= SMALL:
            listed = self.used(held).functions()
            if listed is not held.listed:
                held.listed = listed
                held.names = frozenset(function.name.rpartition(".")[2] for function in listed)
        return held.names


@lru_cache(maxsize=1024)
def path_of(uri: str) -> str:
    """The path in a file URI, with Windows drives and shares as they are written there; other URIs' path part."""
    try:
        parts = urlsplit(uri)
    except ValueError:  # what should be a host is none
        return uri
    path = unquote(parts.path)
    if re.match(r"^/[A-Za-z]:", path):
        path = path[1:]
    elif parts.scheme == "file" and parts.netloc not in ("", "localhost"):
        path = f"//{parts.netloc}{path}"
    return path or uri


def disk_path(uri: str) -> str:
    """The path of a document on this machine's disk; "" for one elsewhere (untitled, remote, in a container)."""
    scheme, colon, _ = uri.partition(":")
    return path_of(uri) if not colon or len(scheme) == 1 or scheme == "file" else ""


def named_by(held: Held, text: str) -> int:
    """How many characters of a buffer's path's end the text names, by whole components; 0 for none."""
    if len(held.name) < 3 or held.name not in text:
        return 0
    parts = PurePath(held.path).parts
    best = 0
    for take in range(1, min(len(parts), 8) + 1):
        tail = "/".join(parts[-take:]).replace("//", "/")
        if not re.search(rf"(?<![\w.-]){re.escape(tail)}(?![\w-])", text.replace("\\", "/")):
            break
        best = len(tail)
    return best


def _ending(wanted: str, held: str) -> int:
    """How many components the path of a message and that of a buffer have in common at their ends; 0: not the same.

    A name alone is enough, as is a path as far as it goes; of a path that goes elsewhere (another machine's) two
    components, its folder's and its own.
    """
    if wanted.rpartition("/")[2] != held.rpartition("/")[2]:
        return 0
    parts, theirs = wanted.strip("/").split("/"), held.strip("/").split("/")
    count = 0
    for one, other in zip(reversed(parts), reversed(theirs), strict=False):
        if one != other:
            break
        count += 1
    return count if count >= min(2, len(parts)) else 0
