"""The source files below a folder, as its author sees them: what git ignores, vendored code and binaries left out."""

from __future__ import annotations

import os
from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING

from codriver.syntax import languages

if TYPE_CHECKING:
    from pathspec import GitIgnoreSpec

VENDORED = frozenset({
    "node_modules", "bower_components", "jspm_packages", "vendor", "third_party", "site-packages", "dist-packages",
    ".git", ".hg", ".svn", ".jj", ".venv", "venv", ".tox", ".nox", ".eggs", "__pycache__", ".mypy_cache", ".ruff_cache",
    ".pytest_cache", ".hypothesis", ".gradle", ".idea", ".vs", ".terraform", ".next", ".nuxt", ".svelte-kit", ".yarn",
    ".pnpm-store", ".cargo", "Pods", "Carthage", ".dart_tool", "elm-stuff", "_build", ".stack-work", "dist-newstyle",
    ".bundle", ".serverless", ".aws-sam", ".cache",
})  # fmt: skip
"""Names of folders that hold what others wrote or what was built."""

INSTALLED = frozenset({"node_modules", "site-packages", "dist-packages"})
"""Names of folders whose files nobody writes by hand."""

DEEPEST = 64
"""Folders in folders that are entered."""


@dataclass(frozen=True, slots=True)
class _Rules:
    """One .gitignore: its folder, and what it says."""

    folder: str
    spec: GitIgnoreSpec

    def says(self, path: str, is_folder: bool) -> bool | None:
        """True: ignored; False: taken back; None: nothing said."""
        name = os.path.relpath(path, self.folder) if os.sep != "/" else path[len(self.folder.rstrip("/")) + 1 :]
        name = name.replace(os.sep, "/")
        return self.spec.check_file(name + "/" if is_folder else name).include


def files(root: str, *, ignored: bool = False) -> Iterator[str]:
    """Paths of files in known languages below a folder, by name, each folder's own before those of its folders.

    Symbolic links are not followed. ignored: what git ignores too. A folder that cannot be read is passed over.
    """
    root = os.path.abspath(root)
    above = () if ignored else _above(root)
    if _ignored(above, root, True):
        above = ()  # who names an ignored folder wants it
    pending: list[tuple[str, tuple[_Rules, ...], int]] = [(root, above, 0)]
    while pending:
        folder, rules, depth = pending.pop()
        entries = _entries(folder)
        if not ignored:
            rules = _with(rules, folder, entries)
        inner = []
        for entry in entries:
            if entry.is_dir(follow_symlinks=False):
                if depth < DEEPEST and entry.name not in VENDORED and not _ignored(rules, entry.path, True):
                    inner.append((entry.path, rules, depth + 1))
            elif _is_source(entry) and not _ignored(rules, entry.path, False):
                yield entry.path
        pending += reversed(inner)


def ignored(path: str) -> bool:
    """Whether git ignores a file, or it is one that a package manager installed; reads the .gitignore files above."""
    path = os.path.abspath(path)
    folder = os.path.dirname(path)
    if not INSTALLED.isdisjoint(folder.replace("\\", "/").split("/")):
        return True
    own = _read(folder, ".gitignore")
    return _ignored((*_above(folder), *((own,) if own is not None else ())), path, False)


def vendored(path: str) -> bool:
    """Whether a relative path goes through a folder that is never entered."""
    return not VENDORED.isdisjoint(path.replace("\\", "/").split("/")[:-1])


def _is_source(entry: os.DirEntry[str]) -> bool:
    if languages.of_path(entry.name) is not None:
        return entry.is_file(follow_symlinks=False)
    return "." not in entry.name and _is_script(entry)


def _is_script(entry: os.DirEntry[str]) -> bool:
    """Whether its first line says what runs it. Only files that may be run are opened."""
    try:
        if not entry.is_file(follow_symlinks=False) or not entry.stat(follow_symlinks=False).st_mode & 0o111:
            return False
        with open(entry.path, "rb") as file:
            head = file.read(200)
    except OSError:
        return False
    return head.startswith(b"#!") and languages.find("", entry.name, head) is not None


def _entries(folder: str) -> list[os.DirEntry[str]]:
    try:
        with os.scandir(folder) as entries:
            return sorted(entries, key=lambda entry: entry.name)
    except OSError:
        return []


def _with(rules: tuple[_Rules, ...], folder: str, entries: list[os.DirEntry[str]]) -> tuple[_Rules, ...]:
    if not any(entry.name == ".gitignore" for entry in entries):
        return rules
    found = _read(folder, ".gitignore")
    return (*rules, found) if found else rules


def _read(folder: str, *names: str) -> _Rules | None:
    from pathspec import GitIgnoreSpec

    try:
        with open(os.path.join(folder, *names), encoding="utf-8", errors="replace") as file:
            return _Rules(folder, GitIgnoreSpec.from_lines(file.read(1_000_000).splitlines()))
    except (OSError, ValueError):
        return None


def _above(root: str) -> tuple[_Rules, ...]:
    """The rules of the repository around a folder that hold in it, its own excluded; outermost first."""
    folder = os.path.abspath(root)
    folders: list[str] = []
    for _ in range(DEEPEST):
        if os.path.exists(os.path.join(folder, ".git")):
            read = [_read(folder, ".git", "info", "exclude")]
            read += [_read(above, ".gitignore") for above in reversed(folders)]
            return tuple(rules for rules in read if rules is not None)
        folder, below = os.path.dirname(folder), folder
        if folder == below:
            break
        folders.append(folder)
    return ()


def _ignored(rules: tuple[_Rules, ...], path: str, is_folder: bool) -> bool:
    """The innermost file that says something about a path decides, as in git."""
    for one in reversed(rules):
        said = one.says(path, is_folder)
        if said is not None:
            return said
    return False
