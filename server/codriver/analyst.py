"""Features on demand: which code a request is about, and what tree-sitter says of it.

Holds the open buffers of all editors. An editor task brings its Snapshot; an agent's request is
matched by the paths and names it mentions, so that it is decided by the very text that stands in
the editor, unsaved changes included. Code in fences is the next best source.
"""

from __future__ import annotations

import re
from collections import OrderedDict
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import PurePath
from urllib.parse import unquote, urlsplit

from codriver.model.features import NOTHING, Features, Function
from codriver.model.request import Fim, Request, Snapshot
from codriver.routing import task
from codriver.routing.quality import judged
from codriver.syntax.analysis import Buffer
from codriver.syntax.locating import hints, locate
from codriver.syntax.text import Edit

FENCE_LIMIT = 60_000
"""Bytes of a fenced block that are parsed; longer ones are cut."""

HOLE_LIMIT = 8_000_000
"""Bytes of open buffers that are searched for a plugin's hole, the latest edited first."""

HINTED_LIMIT = 12_000
"""Bytes on each side of a hole that are parsed where no buffer has it."""

TREES = 2_000_000
"""Bytes of open buffers whose trees are kept, of the last used: about 85 MB of trees."""

_FENCE = re.compile(r"```[ \t]*([\w+#.-]*)[^\n]*\n(.*?)(?:```|\Z)", re.DOTALL)
_PATH = re.compile(r"[\w.~/\\-]*[\w-]+[./\\][\w./\\-]*\w")
_WORD = re.compile(r"\w+")
_LINE = re.compile(r"(?::|[, ]+line )(\d{1,6})\b")


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
    """

    def __init__(
        self,
        *,
        local_only: Sequence[str] = (),
        fences: int = 64,
        manifests_for: Callable[[str], Mapping[str, str]] = lambda path: {},
    ) -> None:
        self._open: OrderedDict[tuple[int, str], _Open] = OrderedDict()
        self._fences: OrderedDict[tuple[str, str], Features] = OrderedDict()
        self._fences_kept = fences
        self._manifests_for = manifests_for
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
        text = "\n".join(request.tail)
        if self._open and (text or request.file):
            held = (self._mentioned(request.file) if request.file else None) or self._mentioned(text)
            if held is not None:
                return self._facts(held, _focus(held, text))
        found = self._of_fence(text) if "```" in text else NOTHING
        return replace(found, path=request.file) if request.file and not found.path else found

    def _of_hole(self, hole: Fim) -> Features:
        """Facts of the open buffer a plugin's hole stands in; else of its own texts, where they name a language."""
        before, after = hole.prefix.encode("utf-8", "replace"), (hole.suffix or "").encode("utf-8", "replace")
        left = HOLE_LIMIT
        for held in reversed(self._open.values()):
            place = locate(held.snapshot.text, before, after)
            if place is not None:
                return self._facts(held, _into_line(held.snapshot.text, place))
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
            facts = _hardest(facts, held.buffer.functions())
        return replace(facts, path=held.path, local_only=self.local_only(held.path))

    def _of_fence(self, text: str) -> Features:
        """Facts of the largest fenced block; remembered, because agents send their history again."""
        blocks = _FENCE.findall(text)
        if not blocks:
            return Features()
        language, code = max(blocks, key=lambda block: len(block[1]))
        key = (language, code)
        known = self._fences.get(key)
        if known is None:
            buffer = Buffer(code[:FENCE_LIMIT].encode("utf-8", "replace"), language_id=language)
            known = replace(_hardest(buffer.facts(None), buffer.functions()), source="fence")
            self._fences[key] = known
            if len(self._fences) > self._fences_kept:
                self._fences.popitem(last=False)
        else:
            self._fences.move_to_end(key)
        return known


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


def _focus(held: _Open, text: str) -> int | None:
    """The byte offset a text points at in a buffer: `name.py:42`, or a function it names."""
    name = re.escape(PurePath(held.path).name)
    for found in re.finditer(name, text):
        line = _LINE.match(text, found.end())
        if line is not None:
            return _line_start(held.snapshot.text, int(line.group(1)))
    words = set(_WORD.findall(text))
    named = [f for f in held.buffer.functions() if _last(f.name) in words]
    if not named:
        return None
    return max(named, key=lambda f: (f.cognitive, f.lines)).start_byte


def _last(name: str) -> str:
    return name.rsplit(".", 1)[-1]


def _line_start(text: bytes, line: int) -> int:
    offset = 0
    for _ in range(line - 1):
        following = text.find(b"\n", offset)
        if following < 0:
            break
        offset = following + 1
    return _into_line(text, offset)


def _into_line(text: bytes, offset: int) -> int:
    """Past blanks, to the first word of the line: so the offset lies inside the scope that begins there."""
    while offset < len(text) and text[offset] in b" \t":
        offset += 1
    return offset


def _hardest(facts: Features, functions: Sequence[Function]) -> Features:
    """With no place named, a file is as hard as its hardest function."""
    if not functions:
        return facts
    top = max(functions, key=lambda f: (f.cognitive, f.cyclomatic, f.lines))
    return replace(
        facts,
        scope=top.name,
        scope_kind=top.kind,
        cyclomatic=top.cyclomatic,
        cognitive=top.cognitive,
        nesting=top.nesting,
        parameters=top.parameters,
        lines=top.lines,
    )


class Marked:
    """Whether a path is marked, by gitignore-style patterns. Empty without patterns.

    Paths here are absolute and folders unknown, so a pattern with a slash in it (`payroll/**`,
    `.kube/config`) counts wherever in a path it stands, not only at some root.
    """

    def __init__(self, patterns: Sequence[str]) -> None:
        from pathspec import GitIgnoreSpec

        self._spec = GitIgnoreSpec.from_lines([_anywhere(pattern) for pattern in patterns])
        self._empty = not patterns

    def __bool__(self) -> bool:
        return not self._empty

    def __call__(self, path: str) -> bool:
        return bool(path) and not self._empty and self._spec.match_file(path.replace("\\", "/").lstrip("/"))


def _anywhere(pattern: str) -> str:
    unless, body = ("!", pattern[1:]) if pattern.startswith("!") else ("", pattern)
    if "/" in body.rstrip("/") and not body.startswith("**/"):
        body = f"**/{body.lstrip('/')}"
    return unless + body
