"""Which code an agent's request is about: files its texts and tool calls name, functions it names, code in it.

The newest turn that names any code decides; the files of fresh tool results count with it. Unsaved text of an open
buffer wins over the file on disk, a file over a fenced block.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from typing import TypeVar

from codriver.analyst.buffers import Buffers, Held, disk_path
from codriver.model.features import Features
from codriver.model.request import Purpose, Request
from codriver.routing.combining import hardness
from codriver.sources import focus
from codriver.sources.disk import Disk
from codriver.syntax import agents
from codriver.syntax.analysis import Buffer
from codriver.syntax.mentions import Fence, Mention, mentions, plain, symbols

FENCE_LIMIT = 60_000
"""Bytes of a fenced block that are parsed; longer ones are cut."""

FENCES = 64
"""Fenced blocks, and sessions' folders, that are remembered."""

MOST = 4
"""Files, and pieces of code in a message, that are considered together."""

LOOKED = 12
"""Files that a request names and that are looked for; those of the newest turn come first."""

SYMBOLS = 64
"""Names of code in a text above which it is a listing, which asks about none of them."""

_K = TypeVar("_K")
_V = TypeVar("_V")
_PATCHES = ("diff", "patch", "udiff")


class Inquiry:
    """Answers `parts(request)`: facts of each piece of code, none of which has the say yet."""

    def __init__(
        self,
        buffers: Buffers,
        disk: Disk | None,
        roots: Callable[[], Sequence[str]],
        manifests_for: Callable[[str], Mapping[str, str]],
    ) -> None:
        self._buffers, self._disk, self._roots, self._manifests_for = buffers, disk, roots, manifests_for
        self._fences: OrderedDict[tuple[str, str], Features] = OrderedDict()
        self._folders: OrderedDict[str, str] = OrderedDict()

    def parts(self, request: Request) -> list[Features]:
        """Facts of the files a request is about, else of the code in it; of at most MOST."""
        folders = self._folders_of(request) if self._disk is not None else ()
        if self._buffers or folders:
            found = self._of_files(request, folders)
            if found:
                return found
        for turn in reversed(request.tail):
            if "```" in turn or "~~~" in turn or "@@" in turn:
                found = self._of_code_in(turn)
                if found:
                    return found
        return []

    def _of_files(self, request: Request, folders: Sequence[str]) -> list[Features]:
        worked = _worked(request)
        for turn in _turns(request):
            told = [*worked, *mentions(turn).files] if request.file else [*mentions(turn).files, *worked]
            found = self._of_mentions(told, folders, (turn,)) or self._of_symbols(turn) or self._of_named(turn)
            if found:
                return found
        return [] if request.tail else self._of_mentions(worked, folders, ())

    def _of_mentions(self, told: Sequence[Mention], folders: Sequence[str], texts: Sequence[str]) -> list[Features]:
        parts: dict[str, list[Features]] = {}
        for mention in told[:LOOKED]:
            found = self._of_mention(mention, folders, texts)
            if found is not None and (found.path in parts or len(parts) < MOST):
                parts.setdefault(found.path, []).append(found)
        return [max(of_one, key=hardness) for of_one in parts.values()]

    def _of_mention(self, mention: Mention, folders: Sequence[str], texts: Sequence[str]) -> Features | None:
        """Facts of the file a mention names: of the open one, unsaved as it is, before the one on disk."""
        held = self._buffers.of_path(mention.path)
        if held is not None:
            return self._of_held(held, mention, texts)
        source = self._disk.look(mention.path, folders) if self._disk and folders else None
        if source is None:
            return None
        # It may be open by another name: unsaved text wins.
        held = self._buffers.of_path(source.path)
        if held is not None:
            return self._of_mention(replace(mention, path=held.path), (), texts)
        return replace(focus.of_source(source, mention, texts), source="file")

    def _of_symbols(self, text: str) -> list[Features]:
        """Facts of the open functions that a text names as code, without a file."""
        names = symbols(text) if self._buffers else frozenset[str]()
        if len(names) > SYMBOLS:
            return []
        defining = zip(range(MOST), self._buffers.defining(names), strict=False)
        return [self._of_held(held, Mention(held.path, named=tuple(named)), ()) for _, (held, named) in defining]

    def _of_named(self, text: str) -> list[Features]:
        """Facts of an open buffer whose name is not written like a path: one without an ending, or with blanks."""
        held = self._buffers.named_in(text)
        return [self._of_held(held, Mention(held.path), (text,))] if held is not None else []

    def _of_held(self, held: Held, mention: Mention, texts: Sequence[str]) -> Features:
        facts = focus.of_buffer(self._buffers.used(held), mention, texts, self._manifests_for(disk_path(held.uri)))
        return replace(facts, path=held.path)

    def _folders_of(self, request: Request) -> tuple[str, ...]:
        """Folders in which files may be read: the one an agent says it works in, then editors'."""
        roots = tuple(self._roots())
        if request.body is None or not request.needs.tools:
            return roots
        told = self._told_folder(request.session, request.body)
        return (told, *(root for root in roots if root != told)) if told else roots

    def _told_folder(self, session: str, body: bytes) -> str:
        """The folder in an agent's environment block; remembered for its session, where it has one."""
        known = self._folders.get(session) if session else None
        if known is None:
            known = agents.folder(body)
            if session:
                _remember(self._folders, session, known)
        return known

    def _of_code_in(self, text: str) -> list[Features]:
        """Facts of the code that stands in a text: the longest fenced blocks, and what diffs make of files."""
        seen = mentions(text)
        blocks = [fence for fence in seen.fences if fence.language not in _PATCHES]
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
            known = focus.hardest(buffer.facts(None), buffer.functions())
            _remember(self._fences, key, known)
        return replace(known, source="fence", path=block.path)


def _worked(request: Request) -> list[Mention]:
    """Files that are worked on, whatever is said of them: the one a caller names, those of the last tool calls, and
    those that fresh results point into."""
    worked = [Mention(plain(request.file))] if request.file else []
    if request.purpose is not Purpose.TOOL_RESULT:
        return worked
    calls = agents.calls(request.body) if request.body else ()
    results = request.tail[0] if len(request.tail) > 1 else ""
    told = mentions(results)
    if told.shown is not None and calls and not calls[0].lines:
        # What a reader of files prints has no name in it: it is the last call's.
        calls = (replace(calls[0], lines=(told.shown,)), *calls[1:])
    exact = {mention.path: mention for mention in told.files if mention.exact}
    called = [call if call.exact else exact.pop(call.path, call) for call in calls]
    return [*worked, *called, *exact.values()]


def _turns(request: Request) -> tuple[str, ...]:
    """What the human said, the newest first. Results of tools are none: they list much that nobody asks about."""
    resulted = request.purpose is Purpose.TOOL_RESULT and len(request.tail) > 1
    return request.tail[:0:-1] if resulted else request.tail[::-1]


def _remember(known: OrderedDict[_K, _V], key: _K, value: _V) -> None:
    known[key] = value
    if len(known) > FENCES:
        known.popitem(last=False)
