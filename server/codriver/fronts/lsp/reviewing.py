"""Reviews of changes, and of texts that were changed meanwhile: which texts are compared, where findings stand now."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from codriver.analyst import path_of
from codriver.fronts.lsp.protocol import Refused
from codriver.model.request import Snapshot
from codriver.sources import git
from codriver.syntax.text import Edit
from codriver.tasks.merging import Patch, carried, landed

if TYPE_CHECKING:
    from codriver.tasks.findings import Finding
    from codriver.tasks.review import Findings

BASES = ("staged", "unstaged", "head")
"""staged: the index against the last commit. unstaged: the buffer against the index. head: against the last commit."""


def sides(snapshot: Snapshot, what: str) -> tuple[Snapshot, bytes]:
    """The text to be reviewed and the one before it; of a file that is new there, nothing. Raises Refused."""
    path = path_of(snapshot.uri)
    if not snapshot.uri.startswith("file:"):
        raise Refused("Only files have changes that git knows of.")
    try:
        top = git.root(path)
        inside = Path(path).resolve().relative_to(Path(top).resolve()).as_posix()
        base = git.text_at(top, "" if what == "unstaged" else "HEAD", inside) if _known(top, what) else None
        if what != "staged":
            return snapshot, base or b""
        staged = git.text_at(top, "", inside)
    except (git.GitFailed, ValueError, OSError) as problem:
        raise Refused(f"git: {problem}.") from problem
    if staged is None or staged == base:
        raise Refused("There is nothing to review: nothing of this file is staged.")
    return replace(snapshot, text=staged, cursor=None, selection=None), base or b""


def _known(top: str, what: str) -> bool:
    return what == "unstaged" or git.has_commits(top)


def now(findings: Findings, seen: bytes, asked: bytes, text: bytes, trail: Sequence[Edit]) -> Findings:
    """The findings where they stand in the document's text now; those whose lines were changed are dropped.

    seen: the text that was reviewed; asked: the document's when it was asked for; trail: what was done to it since.
    """
    if seen == asked and asked == text:
        return findings
    moved = [_moved(one, seen, asked, text, trail) for one in findings.items]
    kept = tuple(one for one in moved if one is not None)
    return replace(findings, items=kept, dropped=findings.dropped + len(moved) - len(kept))


def _moved(finding: Finding, seen: bytes, asked: bytes, text: bytes, trail: Sequence[Edit]) -> Finding | None:
    """The finding in today's text: first as it was asked for, then along every edit since."""
    lines = carried((finding.start_line, finding.end_line), seen, asked) if seen != asked else None
    if seen != asked:
        if lines is None:
            return None
        shift = _start(asked, lines[0]) - _start(seen, finding.start_line)
        finding = _at(finding, shift, lines[0] - finding.start_line)
    if asked == text:
        return finding
    start, end = _start(asked, finding.start_line), finding.end
    stop = asked.find(b"\n", end)
    stop = stop if stop >= 0 else len(asked)
    here = landed(Patch(start, start, ""), asked, text, trail)
    whole = landed(Patch(start, stop, asked[start:stop].decode("utf-8", "surrogateescape")), asked, text, trail)
    if here is None or whole is None or text[whole.start : whole.end] != asked[start:stop]:
        return None
    return _at(finding, whole.start - start, text.count(b"\n", 0, whole.start) - asked.count(b"\n", 0, start))


def _at(finding: Finding, by: int, lines: int) -> Finding:
    return replace(
        finding, start=finding.start + by, end=finding.end + by,
        start_line=finding.start_line + lines, end_line=finding.end_line + lines,
    )  # fmt: skip


def _start(data: bytes, line: int) -> int:
    """Where a line (from 1) begins."""
    at = 0
    for _ in range(line - 1):
        at = data.find(b"\n", at) + 1
    return at
