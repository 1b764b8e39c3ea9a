"""What a review is of: files as they are, or what changed of them in the index, between commits, since the last one."""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from codriver.cli.asking import CANNOT, Page, read, root_of
from codriver.cli.terminal import Complaint
from codriver.sources import git
from codriver.syntax import languages

LARGEST = 1_000_000
"""Bytes of a file that is found in a folder or a change; larger ones are passed over."""


@dataclass(frozen=True, slots=True)
class Text:
    """One text to review. path: absolute; shown: as people are told of it; base: before the change, if there is one."""

    path: str
    shown: str
    text: str
    base: str | None
    root: str

    def body(self) -> Page:
        """What the endpoint is sent."""
        page: Page = {"path": self.path, "text": self.text, "root": self.root}
        return page if self.base is None else page | {"base": self.base}


def files(paths: Sequence[str]) -> Iterator[Text]:
    """Files as they are on the disk, and all code below folders. Raises Complaint for what is not there."""
    from codriver.sources.walking import files as below

    for path in paths:
        whole = os.path.abspath(os.path.expanduser(path))
        if os.path.isdir(whole):
            for found in below(whole):
                if _code(found) and 0 < os.path.getsize(found) <= LARGEST:
                    yield _file(found)
        elif os.path.isfile(whole):
            yield _file(whole)
        else:
            raise Complaint(f"there is no file or folder {path}", CANNOT)


def _file(path: str) -> Text:
    return Text(path, os.path.relpath(path), read(path), None, root_of(path))


def changes(paths: Sequence[str], *, staged: bool, span: str) -> Iterator[Text]:
    """What changed: in the index, in A..B, since A, or since the last commit. Raises Complaint without git."""
    try:
        top = git.root(os.getcwd())
        before, after, what = _sides(top, staged, span)
        wanted = [os.path.relpath(os.path.realpath(path), os.path.realpath(top)) for path in paths]
        for old, new in git.changed(top, *what):
            if _code(new) and (not wanted or any(_below(new, path) for path in wanted)):
                yield from _changed(top, old, new, before, after)
    except git.GitFailed as problem:
        raise Complaint(f"git: {problem}", CANNOT) from None


def _sides(top: str, staged: bool, span: str) -> tuple[str | None, str | None, tuple[str, ...]]:
    """The commit before (None: none), the one after ("" the index, None the folder), and git's words for the change."""
    head = "HEAD" if git.has_commits(top) else None
    if staged:
        return head, "", ("--cached",)
    if not span:
        return head, None, ("HEAD",) if head else ()
    first, last = git.commits_of(top, span)
    return first, last or None, (first, last) if last else (first,)


def _changed(top: str, old: str, new: str, before: str | None, after: str | None) -> Iterator[Text]:
    path = os.path.join(top, new)
    data = git.text_at(top, after, new) if after is not None else _bytes(path)
    base = (git.text_at(top, before, old) if before is not None else None) or b""
    if not data or data == base or b"\0" in data or len(data) > LARGEST:
        return
    yield Text(path, new, data.decode("utf-8", "replace"), base.decode("utf-8", "replace"), top)


def _bytes(path: str) -> bytes | None:
    try:
        with open(path, "rb") as source:
            return source.read(LARGEST + 1)
    except OSError:
        return None


def _code(path: str) -> bool:
    """Whether a path is of code: data and prose are reviewed only where they are named."""
    language = languages.of_path(path)
    return language is not None and language.reading in ("", "configuration")


def _below(path: str, folder: str) -> bool:
    return folder in (".", path) or path.startswith(folder.rstrip("/") + "/")
