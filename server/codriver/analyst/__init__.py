"""Features on demand: which code a request is about, and what tree-sitter says of it.

An editor task brings its Snapshot; an agent's request is matched by the paths and names it mentions: first with the
very text that stands in an editor, unsaved changes included, then with files on disk. Code in the message itself is
the next best source.
"""

from __future__ import annotations

import asyncio
import re
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from weakref import WeakValueDictionary

from codriver.analyst.buffers import Buffers, Held, disk_path, named_by, path_of
from codriver.analyst.classifiers import Classifiers
from codriver.analyst.inquiry import Inquiry
from codriver.model.features import NOTHING, Features, Function
from codriver.model.request import Fim, Purpose, Request, Snapshot
from codriver.routing import task
from codriver.routing.combining import combined
from codriver.routing.quality import judged, worded
from codriver.routing.wording import wish
from codriver.sources import focus
from codriver.sources.disk import Disk
from codriver.sources.marked import Marked
from codriver.syntax.analysis import Buffer
from codriver.syntax.locating import hints
from codriver.syntax.mentions import mentions
from codriver.syntax.text import Edit

ROUNDS = 4
"""Of the event loop, between two slices of reading: others' answers take as many."""

HINTED_LIMIT = 12_000
"""Bytes on each side of a hole that are parsed where no buffer has it."""

_PATH = re.compile(r"[\w.~/\\-]*[\w-]+[./\\][\w./\\-]*\w")


class Analyst:
    """Answers `features(request)`; fed by editors with opened, changed, closed, left.

    manifests_for: path -> the texts of its project's manifests by file name, as far as they are known at once.
    disk: reads files that are not open; roots: the folders editors work in, in which it may.
    """

    def __init__(
        self,
        *,
        local_only: Sequence[str] = (),
        manifests_for: Callable[[str], Mapping[str, str]] = lambda path: {},
        disk: Disk | None = None,
        roots: Callable[[], Sequence[str]] = tuple,
    ) -> None:
        self._buffers = Buffers()
        self._apart: WeakValueDictionary[tuple[str, str], Buffer] = WeakValueDictionary()
        """Of snapshots, as long as somebody works with them; they do not go on with what is typed."""
        self._manifests_for = manifests_for
        self._inquiry = Inquiry(self._buffers, disk, roots, manifests_for)
        self.local_only = Marked(local_only)
        self.classifiers = Classifiers()

    # What editors tell.

    def opened(self, owner: int, snapshot: Snapshot) -> None:
        """A buffer was opened (or replaced whole) in the editor of this owner."""
        held = self._buffers.opened(owner, snapshot)
        self._of_project(held.uri)  # so that they are read when the first question comes

    def changed(self, owner: int, uri: str, edits: Sequence[Edit], now: Callable[[], Snapshot]) -> None:
        """A buffer changed. Bookkeeping only: `now` is asked for its text when somebody asks about it."""
        if not self._buffers.changed(owner, uri, edits, now):
            self.opened(owner, now())

    def closed(self, owner: int, uri: str) -> None:
        """A buffer was closed: its text is forgotten."""
        self._buffers.closed(owner, uri)

    def focused(self, owner: int, uri: str) -> None:
        """What somebody looks at in this editor now; "" for nothing."""
        self._buffers.focused(owner, uri)

    def left(self, owner: int) -> list[Held]:
        """An editor went away: all its buffers are forgotten. What they were: freeing a long one takes milliseconds."""
        return self._buffers.left(owner)

    def warm(self) -> None:
        """Loads tables, one grammar and installed classifiers, so that neither the first buffer nor the first request
        waits for them."""
        sample = b"import os\n\n\ndef first(items):\n    return items[0] if items else None\n"
        Buffer(sample, language_id="python").facts(len(sample) - 1)
        mentions("first() in sample.py")
        worded(sample.decode())
        self.classifiers.loaded()

    # What others ask.

    @property
    def count(self) -> int:
        """How many buffers are open."""
        return len(self._buffers)

    def open_buffers(self) -> list[tuple[Snapshot, bool]]:
        """The newest texts of all editors, the latest edited first, each with whether somebody looks at it."""
        return [(held.snapshot, focused) for held, focused in self._buffers.all()]

    def named(self, path: str) -> Snapshot | None:
        """The newest text of the open buffer that a path, the end of one or a URI names; of several the latest."""
        exact = next((held for held in self._buffers.latest() if held.uri == path), None)
        held = exact or self._buffers.of_path(path_of(path) if "://" in path else path)
        return None if held is None else held.snapshot

    def buffer(self, snapshot: Snapshot) -> Buffer:
        """The parsed form of this very snapshot: the open one when it is still current, which goes on with what is
        typed; else one for all that work with the snapshot."""
        held = self._buffers.current(snapshot)
        return self._alone(snapshot) if held is None else self._buffers.used(held)

    async def read(self, snapshot: Snapshot) -> Buffer:
        """The parsed form of this snapshot, which stays so whatever is typed, for work that takes longer than a key.

        Where it is short enough it is read whole, as through a window a function is not always seen; and counted.
        """
        buffer = self._alone(snapshot)
        while buffer.whole and not buffer.step():
            for _ in range(ROUNDS):
                await asyncio.sleep(0)
        return buffer

    def _alone(self, snapshot: Snapshot) -> Buffer:
        name = (snapshot.uri, snapshot.language_id)
        made = self._apart.get(name)
        if made is None or made.data is not snapshot.text:
            path = path_of(snapshot.uri)
            made = Buffer(snapshot.text, language_id=snapshot.language_id, path=path, clock=time.thread_time)
            self._apart[name] = made
        return made

    def others(self, snapshot: Snapshot, limit: int = 8) -> list[bytes]:
        """Texts of other open buffers of the same language, most recently edited first."""
        return self._buffers.others(snapshot, limit)

    def beside(self, snapshot: Snapshot, limit: int = 8) -> list[Buffer]:
        """Other open buffers in languages of the same family, most recently edited first."""
        return self._buffers.beside(snapshot, limit)

    def facts(self, owner: int, uri: str, offset: int | None = None) -> Features:
        """Facts of an open buffer, of the scope at a byte offset when given."""
        held = self._buffers.get(owner, uri)
        return Features() if held is None else self._facts(held, offset)

    def functions(self, owner: int, uri: str) -> tuple[Function, ...]:
        """The functions of an open buffer, with their numbers."""
        held = self._buffers.get(owner, uri)
        return () if held is None else self._buffers.used(held).functions()

    def function_at(self, owner: int, uri: str, offset: int) -> Function | None:
        """The function of an open buffer around a byte offset; no other one is counted."""
        held = self._buffers.get(owner, uri)
        return None if held is None else self._buffers.used(held).function_at(offset)

    def features(self, request: Request, *, words: bool = True) -> Features:
        """What is known about a request and the code it is about. Costs no more than the code it finds.

        words: whether the wish's own words are weighed, which only those need who have a choice.
        """
        family = request.task or self.classifiers.family(request) or task.family(request.purpose, request.tail)
        wished = wish(request.tail) if words else ""
        found = judged(self._of_code(request), family, request.input_tokens, wished)
        if self.local_only and not found.local_only and self._names_marked(request):
            return replace(found, local_only=True)
        return found

    def _of_code(self, request: Request) -> Features:
        if request.code is not None:
            return self._of_snapshot(request.code, typing=request.purpose is Purpose.COMPLETE)
        if request.fim is not None:
            return self._of_hole(request.fim)
        parts = self._inquiry.parts(request)
        if not parts:
            return Features(path=request.file) if request.file else NOTHING
        found = combined(parts)
        if self.local_only and any(self.local_only(path) for path in found.files):
            found = replace(found, local_only=True)
        return replace(found, path=request.file) if request.file and not found.path else found

    def _of_hole(self, hole: Fim) -> Features:
        """Facts of the open buffer a plugin's hole stands in; else of its own texts, where they name a language."""
        before, after = hole.prefix.encode("utf-8", "replace"), (hole.suffix or "").encode("utf-8", "replace")
        found = self._buffers.around(before, after)
        if found is not None:
            held, place = found
            return self._facts(held, focus.into_line(held.snapshot.text, place))
        path, language = hints(hole.prefix)
        path = hole.path or path
        if not path and not language:
            return NOTHING
        before, after = before[-HINTED_LIMIT:], after[:HINTED_LIMIT]
        facts = Buffer(before + after, language_id=language, path=path).facts(len(before), self._manifests_for(path))
        return replace(facts, source="fence", path=path, local_only=self.local_only(path))

    def _of_project(self, uri: str) -> Mapping[str, str]:
        """The manifests around a document. Of one that is on another machine, or on none, no disk of ours tells."""
        return self._manifests_for(disk_path(uri))

    def _names_marked(self, request: Request) -> bool:
        """Whether a request names, anywhere in it, a path that must not leave this machine."""
        text = request.body.decode("utf-8", "replace") if request.body is not None else "\n".join(request.tail)
        if self.local_only(request.file) or any(self.local_only(word) for word in set(_PATH.findall(text))):
            return True
        return any(self.local_only(held.path) and named_by(held, text) for held in self._buffers.latest())

    def _of_snapshot(self, snapshot: Snapshot, *, typing: bool) -> Features:
        where = snapshot.selection or snapshot.cursor
        path, buffer, declared = path_of(snapshot.uri), self.buffer(snapshot), self._of_project(snapshot.uri)
        if typing and isinstance(where, int):
            facts = buffer.facts_typing(where, declared)
        else:
            facts = buffer.facts(where, declared)
        return replace(facts, path=path, local_only=self.local_only(path))

    def _facts(self, held: Held, where: int | tuple[int, int] | None) -> Features:
        facts = self._buffers.used(held).facts(where, self._of_project(held.uri))
        if where is None:
            facts = focus.hardest(facts, held.buffer.functions())
        return replace(facts, path=held.path, local_only=self.local_only(held.path))


__all__ = ["Analyst", "Marked", "path_of"]
