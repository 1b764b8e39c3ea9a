"""The commands whose answer is words: explain, names, commit message. They change nothing."""

from __future__ import annotations

import asyncio
import os
from typing import Any

from lsprotocol import types as lsp

from codriver.analyst import path_of
from codriver.fronts.lsp.arguments import INVALID_PARAMS, Arguments, Places
from codriver.fronts.lsp.documents import plain
from codriver.fronts.lsp.editing import told_by
from codriver.fronts.lsp.progress import Progress, Token
from codriver.fronts.lsp.protocol import Refused
from codriver.fronts.lsp.session import Session
from codriver.sources import git
from codriver.tasks.commit import RECENT

CHANGES = {"staged": ("--cached",), "unstaged": (), "head": ("HEAD",)}


class Telling:
    """These commands of one editor."""

    def __init__(self, session: Session, progress: Progress) -> None:
        self._session, self._progress = session, progress
        self._places = Places(session)

    def explain(self, arguments: Arguments, token: Token | None) -> Any:
        """Explains the range, the function at the cursor, or the file."""
        _, snapshot = self._places.any(arguments)
        question = str(arguments.get("question") or "")

        async def work() -> dict[str, Any]:
            async with self._progress.report("Codriver: explain", token) as notify:
                done = await self._session.app.tasks.explain(snapshot, question, notify=notify)
            return told_by(done.by) | {"text": self._shown(done.text, arguments)}

        return work()

    def names(self, arguments: Arguments, token: Token | None) -> Any:
        """Better names for the identifier at the range."""
        document, snapshot = self._places.any(arguments)

        async def work() -> dict[str, Any]:
            async with self._progress.report("Codriver: names", token) as notify:
                done = await self._session.app.tasks.names(snapshot, notify=notify)
            listed = [{"name": one.name, "why": one.why} for one in done.items]
            where = plain(document.range(done.start, done.end)) if document.stands(snapshot) else None
            told = f"Instead of {done.old}: " + "; ".join(f"{one.name} ({one.why})" for one in done.items)
            self._shown(told, arguments)
            return told_by(done.by) | {"old": done.old, "range": where, "names": listed}

        return work()

    async def commit_message(self, arguments: Arguments, token: Token | None) -> dict[str, Any]:
        """A message for what is staged, else for all changes, of the repository around a document or folder."""
        what = str(arguments.get("diff") or "")
        if what and what not in CHANGES:
            raise Refused(f"The argument diff is one of {', '.join(CHANGES)}.", INVALID_PARAMS)
        folder = self._folder(str(arguments.get("uri") or ""))
        async with self._progress.report("Codriver: commit message", token) as notify:
            try:
                diff, recent = await asyncio.to_thread(change, folder, what)
            except git.GitFailed as problem:
                raise Refused(f"git: {problem}.") from problem
            done = await self._session.app.tasks.commit_message(diff, recent, notify=notify)
        return told_by(done.by) | {"text": done.text}

    def _folder(self, uri: str) -> str:
        """The folder of an open document or of the workspace. Raises Refused where that is on no disk of ours."""
        roots = self._session.documents.roots
        uri = uri or (roots[0] if roots else "")
        path = path_of(uri) if uri.startswith("file:") else ""
        known = (
            uri.rstrip("/") in roots or self._session.documents.get(uri) or any(uri.startswith(f"{r}/") for r in roots)
        )
        if not path or not known:
            raise Refused("Commit messages are written for folders and documents that are open in this editor.")
        return path if os.path.isdir(path) else os.path.dirname(path)

    def _shown(self, text: str, arguments: Arguments) -> str:
        """The text; also shown where that was asked for."""
        if arguments.get("show"):
            self._session.peer.notify(lsp.WINDOW_SHOW_MESSAGE, lsp.ShowMessageParams(lsp.MessageType.Info, text))
        return text


def change(folder: str, what: str) -> tuple[str, tuple[str, ...]]:
    """The diff to be told of, and subjects of earlier commits. Raises GitFailed."""
    top = git.root(folder)
    wanted = [what] if what else ["staged", "head" if git.has_commits(top) else "unstaged"]
    diff = next((text for one in wanted if (text := git.difference(top, *CHANGES[one]))), "")
    return diff, git.subjects(top, RECENT)
