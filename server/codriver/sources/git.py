"""What git knows of a folder: the text of a file at a commit or in the index, what changed, earlier messages.

Repositories are data of strangers: no hook, filter, pager, external diff or monitor of theirs is run.
"""

from __future__ import annotations

import os
import subprocess
from collections.abc import Sequence
from pathlib import Path

SECONDS = 20.0
LONGEST = 8_000_000
"""Bytes of one answer that are read."""

_QUIET = (
    "-c", "core.quotePath=false", "-c", "core.fsmonitor=false", "-c", "core.hooksPath=/dev/null",
    "-c", "diff.external=", "-c", "core.pager=cat", "-c", "color.ui=never",
)  # fmt: skip
_PLAIN = ("--no-ext-diff", "--no-textconv", "--no-color", "--src-prefix=a/", "--dst-prefix=b/")


class GitFailed(Exception):
    """Git is not there, this is no repository, or there is no such commit; in git's own words."""


def root(folder: str) -> str:
    """The top of the repository around a folder or file. Raises GitFailed."""
    path = Path(folder)
    start = path if path.is_dir() else path.parent
    return _run(str(start), "rev-parse", "--show-toplevel").decode("utf-8", "surrogateescape").rstrip("\n")


def text_at(top: str, commit: str, path: str) -> bytes | None:
    """A file at a commit ("" is the index); path from the top. None where it is not there. Raises GitFailed."""
    try:
        return _run(top, "cat-file", "blob", f"{commit}:{path}")
    except GitFailed:
        if commit:
            _run(top, "rev-parse", "--verify", "--quiet", "--end-of-options", f"{commit}^{{commit}}")
        return None


def has_commits(top: str) -> bool:
    """Whether there is a commit at all."""
    try:
        _run(top, "rev-parse", "--verify", "--quiet", "HEAD")
    except GitFailed:
        return False
    return True


def changed(top: str, *what: str) -> tuple[tuple[str, str], ...]:
    """Files that were added or changed, each by its old path and its new one, from the top: `--cached`, or two commits,
    or one, or none (the index against the folder). Raises GitFailed."""
    told = _run(top, "diff", "--name-status", "-z", "--find-renames", "--diff-filter=AMRT", *_PLAIN, *what, "--")
    words = told.decode("utf-8", "surrogateescape").split("\0")
    found, at = list[tuple[str, str]](), 0
    while at + 1 < len(words):
        renamed = words[at][:1] in ("R", "C")
        found.append((words[at + 1], words[at + 2] if renamed else words[at + 1]))
        at += 3 if renamed else 2
    return tuple(found)


def difference(top: str, *what: str) -> str:
    """The same as a diff, for people and models. Raises GitFailed."""
    return _run(top, "diff", "--unified=3", "--no-renames", *_PLAIN, *what, "--").decode("utf-8", "replace")


def commits_of(top: str, span: str) -> tuple[str, str]:
    """Both ends of A..B or A...B; of a single commit A, A and the folder as it is (""). Raises GitFailed."""
    if "..." in span:
        first, _, last = span.partition("...")
        first, last = first or "HEAD", last or "HEAD"
        return _run(top, "merge-base", "--end-of-options", first, last).decode().strip(), _commit(top, last)
    first, dots, last = span.partition("..")
    return _commit(top, first or "HEAD"), _commit(top, last or "HEAD") if dots else ""


def subjects(top: str, most: int) -> tuple[str, ...]:
    """First lines of the newest commits' messages."""
    try:
        told = _run(top, "log", f"--max-count={most}", "--no-merges", "--format=%s")
    except GitFailed:
        return ()
    return tuple(told.decode("utf-8", "replace").splitlines())


def _commit(top: str, name: str) -> str:
    return _run(top, "rev-parse", "--verify", "--end-of-options", f"{name}^{{commit}}").decode().strip()


def _run(folder: str, *arguments: str) -> bytes:
    environ = {**os.environ, "GIT_OPTIONAL_LOCKS": "0", "GIT_TERMINAL_PROMPT": "0", "LC_ALL": "C"}
    command: Sequence[str] = ("git", "-C", folder, *_QUIET, *arguments)
    try:
        done = subprocess.run(
            command, capture_output=True, check=False, timeout=SECONDS, env=environ, stdin=subprocess.DEVNULL
        )
    except OSError as problem:
        raise GitFailed("git is not there") from problem
    except subprocess.TimeoutExpired as problem:
        raise GitFailed(f"git did not answer in {SECONDS:.0f} s") from problem
    if done.returncode:
        said = done.stderr.decode("utf-8", "replace").strip().splitlines()
        raise GitFailed(said[0].removeprefix("fatal: ") if said else f"git {arguments[0]} failed")
    if len(done.stdout) > LONGEST:
        raise GitFailed(f"git's answer is longer than {LONGEST / 1e6:g} MB")
    return done.stdout
