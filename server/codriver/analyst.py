"""Features on demand: which code a request is about, and what tree-sitter says of it.

Holds the open buffers of all editors. An editor task brings its Snapshot; an agent's request is
matched by the paths and names it mentions: first with the very text that stands in an editor, unsaved
changes included, then with files on disk. Code in the message itself is the next best source.
"""

from __future__ import annotations

import re
from collections import OrderedDict
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import PurePath
from urllib.parse import unquote, urlsplit

from codriver.model.features import NOTHING, Features, Function
from codriver.model.request import Fim, Purpose, Request, Snapshot
from codriver.routing import task
from codriver.routing.combining import combined, hardness
from codriver.routing.quality import judged
from codriver.sources import focus
from codriver.sources.disk import Disk
from codriver.sources.marked import Marked as Marked
from codriver.syntax import agents
from codriver.syntax.analysis import Buffer
from codriver.syntax.locating import hints, locate
from codriver.syntax.mentions import Fence, Mention, mentions, plain, symbols
from codriver.syntax.text import Edit

FENCE_LIMIT = 60_000
"""Bytes of a fenced block that are parsed; longer ones are cut."""

HOLE_LIMIT = 8_000_000
"""Bytes of open buffers that are searched for a plugin's hole, the latest edited first."""

HINTED_LIMIT = 12_000
"""Bytes on each side of a hole that are parsed where no buffer has it."""

TREES = 2_000_000
"""Bytes of open buffers whose trees are kept, of the last used: about 85 MB of trees."""

MOST = 4
"""Files, and pieces of code in a message, that are considered together."""

LOOKED = 12
"""Files that a request names and that are looked for; those of the newest turn come first."""

SEARCHED = 4_000_000
"""Bytes of open buffers that are searched for a function named without its file, the latest edited first."""

_PATH = re.compile(r"[\w.~/\\-]*[\w-]+[./\\][\w./\\-]*\w")


@dataclass(slots=True)
class _Open:
    """One open buffer: its newest snapshot, and the parsed form that follows it."""

    snapshot: Snapshot
    buffer: Buffer
    path: str
    used: int = 0
    """When it was last asked about; the greatest number is the latest."""


class Analyst:
    """Answers `features(request)`; fed by editors with opened, changed, closed, left.

    manifests_for: path -> the texts of its project's manifests by file name, as far as they are known at once.
    disk: reads files that are not open; roots: the folders editors work in, in which it may.
    """

    def __init__(
        self,
        *,
        local_only: Sequence[str] = (),
        fences: int = 64,
        manifests_for: Callable[[str], Mapping[str, str]] = lambda path: {},
        disk: Disk | None = None,
        roots: Callable[[], Sequence[str]] = tuple,
    ) -> None:
        self._open: OrderedDict[tuple[int, str], _Open] = OrderedDict()
        self._fences: OrderedDict[tuple[str, str], Features] = OrderedDict()
        self._fences_kept = fences
        self._manifests_for = manifests_for
        self._disk, self._roots = disk, roots
        self._folders: OrderedDict[str, str] = OrderedDict()
        self._uses = 0
        self.local_only = Marked(local_only)

    # What editors tell.

    def opened(self, owner: int, snapshot: Snapshot) -> None:
        """A buffer was opened (or replaced whole) in the editor of this owner."""
        path = path_of(snapshot.uri)
        buffer = Buffer(snapshot.text, language_id=snapshot.language_id, path=path)
        self._open[owner, snapshot.uri] = _Open(snapshot, buffer, path)
        self._manifests_for(path)  # so that they are read when the first question comes

    def changed(self, owner: int, snapshot: Snapshot, edits: Sequence[Edit]) -> None:
        """A buffer changed. Bookkeeping only: nothing is parsed until somebody asks."""
        held = self._open.get((owner, snapshot.uri))
        if held is None:
            self.opened(owner, snapshot)
            return
        held.snapshot = snapshot
        held.buffer.edit(edits, snapshot.text)
        self._open.move_to_end((owner, snapshot.uri))

    def closed(self, owner: int, uri: str) -> None:
        """A buffer was closed: its text is forgotten."""
        self._open.pop((owner, uri), None)

    def left(self, owner: int) -> None:
        """An editor went away: all its buffers are forgotten."""
        for key in [key for key in self._open if key[0] == owner]:
            del self._open[key]

    def warm(self) -> None:
        """Loads the tables and one grammar, so that the first buffer does not wait for them."""
        sample = b"import os\n\n\ndef first(items):\n    return items[0] if items else None\n"
        Buffer(sample, language_id="python").facts(len(sample) - 1)
        mentions("first() in sample.py")

    # What others ask.

    @property
    def count(self) -> int:
        """How many buffers are open."""
        return len(self._open)

    def buffer(self, snapshot: Snapshot) -> Buffer:
        """The parsed form of this very snapshot: the open one when it is still current, else a fresh one."""
        for (_, uri), held in self._open.items():
            # Two editors may hold the same file at the same version with other text.
            if uri == snapshot.uri and held.snapshot.text == snapshot.text:
                return self._used(held)
        return Buffer(snapshot.text, language_id=snapshot.language_id, path=path_of(snapshot.uri))

    def _used(self, held: _Open) -> Buffer:
        """Its buffer; those used longest ago lose their trees when there are too many."""
        self._uses += 1
        held.used = self._uses
        kept = sum(other.buffer.held for other in self._open.values())
        if kept > TREES:
            for other in sorted(self._open.values(), key=lambda other: other.used):
                if kept <= TREES or other is held:
                    break
                kept -= other.buffer.held
                other.buffer.rest()
        return held.buffer

    def others(self, snapshot: Snapshot, limit: int = 8) -> list[bytes]:
        """Texts of other open buffers of the same language, most recently edited first."""
        found = (
            held.snapshot.text
            for (_, uri), held in reversed(self._open.items())
            if uri != snapshot.uri and held.snapshot.language_id == snapshot.language_id
        )
        return [text for text, _ in zip(found, range(limit), strict=False)]

    def facts(self, owner: int, uri: str, offset: int | None = None) -> Features:
        """Facts of an open buffer, of the scope at a byte offset when given."""
        held = self._open.get((owner, uri))
        return Features() if held is None else self._facts(held, offset)

    def functions(self, owner: int, uri: str) -> tuple[Function, ...]:
        """The functions of an open buffer, with their numbers."""
        held = self._open.get((owner, uri))
        return () if held is None else self._used(held).functions()

    def function_at(self, owner: int, uri: str, offset: int) -> Function | None:
        """The function of an open buffer around a byte offset; no other one is counted."""
        held = self._open.get((owner, uri))
        return None if held is None else self._used(held).function_at(offset)

    def features(self, request: Request) -> Features:
        """What is known about a request and the code it is about. Costs no more than the code it finds."""
        family = request.task or task.family(request.purpose, request.tail)
        found = judged(self._of_code(request), family, request.input_tokens)
        if self.local_only and not found.local_only and self._names_marked(request):
            return replace(found, local_only=True)
        return found

    def _of_code(self, request: Request) -> Features:
        if request.code is not None:
            return self._of_snapshot(request.code)
        if request.fim is not None:
            return self._of_hole(request.fim)
        if not request.tail and not request.file:
            return NOTHING
        turns = _turns(request)
        found = self._of_files(request, turns) if self._open or self._disk else []
        if not found:
            found = next((parts for turn in turns if (parts := self._of_code_in(turn))), [])
        told = combined(found)
        return replace(told, path=request.file) if request.file and not told.path else told

    def _of_files(self, request: Request, turns: Sequence[str]) -> list[Features]:
        """Facts of the files a request is about: those of the first turn that names any, and of fresh tool results."""
        folders = self._folders_of(request)
        if not self._open and not folders:
            return []
        results = _results(request)
        calls = agents.calls(request.body) if results is not None and request.body else ()
        worked = [*_shown(calls, results), *(m for m in mentions(results).files if m.exact)] if results else [*calls]
        if request.file:
            worked.insert(0, Mention(plain(request.file)))
        for turn in turns:
            told = [*worked, *mentions(turn).files] if request.file else [*mentions(turn).files, *worked]
            found = self._of_mentions(told, folders, (turn,)) or self._of_symbols(turn) or self._of_named(turn)
            if found:
                return found
        return []

    def _of_mentions(self, told: Sequence[Mention], folders: Sequence[str], texts: Sequence[str]) -> list[Features]:
        parts: dict[str, list[Features]] = {}
        for mention in told[:LOOKED]:
            found = self._of_mention(mention, folders, texts)
            if found is not None and (found.path in parts or len(parts) < MOST):
                parts.setdefault(found.path, []).append(found)
        return [max(of_one, key=hardness) for of_one in parts.values()]

    def _of_mention(self, mention: Mention, folders: Sequence[str], texts: Sequence[str]) -> Features | None:
        """Facts of the file a mention names: of the open one, unsaved as it is, before the one on disk."""
        held = self._opened_as(mention.path)
        if held is not None:
            facts = focus.of_buffer(self._used(held), mention, texts, self._manifests_for(held.path))
            return replace(facts, path=held.path, local_only=self.local_only(held.path))
        source = self._disk.look(mention.path, folders) if self._disk and folders else None
        if source is None:
            return None
        # It may be open by another name: unsaved text wins.
        held = self._opened_as(source.path)
        if held is not None:
            return self._of_mention(replace(mention, path=held.path), (), texts)
        return replace(focus.of_source(source, mention, texts), source="file", local_only=self.local_only(source.path))

    def _opened_as(self, path: str) -> _Open | None:
        """The open buffer a path names: that with the longest end in common, then the newest edit."""
        best, score = None, 0
        wanted = plain(path).casefold() if path[1:2] == ":" else plain(path)
        for held in reversed(self._open.values()):
            count = _ending(wanted, plain(held.path).casefold() if path[1:2] == ":" else plain(held.path))
            if count > score:
                best, score = held, count
        return best

    def _of_symbols(self, text: str) -> list[Features]:
        """Facts of the open functions that a text names as code, without a file."""
        names = symbols(text) if self._open else frozenset[str]()
        parts: list[Features] = []
        left = SEARCHED
        for held in reversed(self._open.values()) if names else ():
            left -= len(held.snapshot.text)
            if left < 0 or len(parts) == MOST:
                break
            named = tuple(name for name in names if name.encode("utf-8", "replace") in held.snapshot.text)
            if named and any(_last(function.name) in named for function in self._used(held).functions()):
                facts = focus.of_buffer(
                    held.buffer, Mention(held.path, named=named), (), self._manifests_for(held.path)
                )
                parts.append(replace(facts, path=held.path, local_only=self.local_only(held.path)))
        return parts

    def _of_named(self, text: str) -> list[Features]:
        """Facts of an open buffer whose name is not written like a path: one without an ending, or with blanks."""
        held = self._mentioned(text)
        if held is None:
            return []
        facts = focus.of_buffer(self._used(held), Mention(held.path), (text,), self._manifests_for(held.path))
        return [replace(facts, path=held.path, local_only=self.local_only(held.path))]

    def _folders_of(self, request: Request) -> tuple[str, ...]:
        """Folders in which files may be read: editors', and the one an agent says it works in; the innermost first."""
        if self._disk is None:
            return ()
        told = self._told_folder(request)
        roots = {root for root in (*self._roots(), *(held.snapshot.root for held in self._open.values())) if root}
        return (told, *sorted(roots - {told})) if told else tuple(sorted(roots))

    def _told_folder(self, request: Request) -> str:
        """The folder in an agent's environment block; remembered for its session, where it has one."""
        if request.body is None or not (request.needs.tools or any("<cwd>" in turn for turn in request.tail)):
            return ""
        known = self._folders.get(request.session) if request.session else None
        if known is None:
            known = agents.folder(request.body)
            if request.session and known:
                self._folders[request.session] = known
                if len(self._folders) > self._fences_kept:
                    self._folders.popitem(last=False)
        return known

    def _of_hole(self, hole: Fim) -> Features:
        """Facts of the open buffer a plugin's hole stands in; else of its own texts, where they name a language."""
        before, after = hole.prefix.encode("utf-8", "replace"), (hole.suffix or "").encode("utf-8", "replace")
        left = HOLE_LIMIT
        for held in reversed(self._open.values()):
            place = locate(held.snapshot.text, before, after)
            if place is not None:
                return self._facts(held, focus.into_line(held.snapshot.text, place))
            left -= len(held.snapshot.text)
            if left < 0:
                break
        path, language = hints(hole.prefix)
        path = hole.path or path
        if not path and not language:
            return NOTHING
        before, after = before[-HINTED_LIMIT:], after[:HINTED_LIMIT]
        facts = Buffer(before + after, language_id=language, path=path).facts(len(before), self._manifests_for(path))
        return replace(facts, source="fence", path=path, local_only=self.local_only(path))

    def _names_marked(self, request: Request) -> bool:
        """Whether a request names, anywhere in it, a path that must not leave this machine."""
        text = request.body.decode("utf-8", "replace") if request.body is not None else "\n".join(request.tail)
        if self.local_only(request.file) or any(self.local_only(word) for word in set(_PATH.findall(text))):
            return True
        return any(self.local_only(held.path) and _match(held.path, text) for held in self._open.values())

    def _of_snapshot(self, snapshot: Snapshot) -> Features:
        where = snapshot.selection or snapshot.cursor
        path = path_of(snapshot.uri)
        facts = self.buffer(snapshot).facts(where, self._manifests_for(path))
        return replace(facts, path=path, local_only=self.local_only(path))

    def _mentioned(self, text: str) -> _Open | None:
        """The open buffer whose path the text names: the longest match wins, then the newest edit."""
        best: _Open | None = None
        score = 0
        for held in reversed(self._open.values()):
            length = _match(held.path, text)
            if length > score:
                best, score = held, length
        return best

    def _facts(self, held: _Open, where: int | tuple[int, int] | None) -> Features:
        facts = self._used(held).facts(where, self._manifests_for(held.path))
        if where is None:
            facts = focus.hardest(facts, held.buffer.functions())
        return replace(facts, path=held.path, local_only=self.local_only(held.path))

    def _of_code_in(self, text: str) -> list[Features]:
        """Facts of the code that stands in a text: the longest fenced blocks, and what diffs make of files."""
        if "```" not in text and "~~~" not in text and "@@" not in text:
            return []
        seen = mentions(text)
        blocks = [fence for fence in seen.fences if fence.language not in ("diff", "patch", "udiff")]
        blocks += [Fence("", mention.code, mention.path) for mention in seen.files if mention.code]
        blocks = sorted(blocks, key=lambda block: len(block.code), reverse=True)[:MOST]
        return [facts for block in blocks if (facts := self._of_fence(block)).lines]

    def _of_fence(self, block: Fence) -> Features:
        """Facts of one block; remembered, because agents send their history again."""
        key = (block.language or block.path, block.code)
        known = self._fences.get(key)
        if known is None:
            code = block.code[:FENCE_LIMIT].encode("utf-8", "replace")
            buffer = Buffer(code, language_id=block.language, path=block.path)
            known = replace(focus.hardest(buffer.facts(None), buffer.functions()), source="fence", path=block.path)
            self._fences[key] = known
            if len(self._fences) > self._fences_kept:
                self._fences.popitem(last=False)
        else:
            self._fences.move_to_end(key)
        return replace(known, local_only=True) if self.local_only(block.path) else known


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


def _match(path: str, text: str) -> int:
    """How many characters of the path's end the text names, by whole components; 0 for none."""
    name = PurePath(path).name
    if len(name) < 3 or name not in text:
        return 0
    parts = PurePath(path).parts
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


def _turns(request: Request) -> tuple[str, ...]:
    """What the human said, the newest first; then, where there are any, results of tools."""
    return tuple(reversed(request.tail))


def _results(request: Request) -> str | None:
    """The texts of fresh tool results; None where a human spoke last."""
    if request.purpose is not Purpose.TOOL_RESULT:
        return None
    return request.tail[0] if len(request.tail) > 1 else ""


def _shown(calls: Sequence[Mention], results: str) -> list[Mention]:
    """The files of the last calls; the last one at the numbered lines that its result shows."""
    shown = mentions(results).shown
    if shown is None or not calls or calls[0].lines:
        return list(calls)
    return [replace(calls[0], lines=(shown,)), *calls[1:]]


def _last(name: str) -> str:
    return name.rpartition(".")[2]
