"""What the workspace's folders depend on: their manifests, read off the loop and told to the analyst.

Read when a folder is opened and again when one of its manifests is saved. Only files that lie
directly in a folder the editor opened, and only of modest size.
"""

from __future__ import annotations

import asyncio
from collections.abc import Iterable
from pathlib import Path

from codriver.analyst import Analyst, path_of
from codriver.syntax.manifests import packages

MANIFEST_LIMIT = 256 * 1024
"""Bytes above which a manifest is not read."""


class Workspace:
    """The manifests of one editor's folders."""

    def __init__(self, analyst: Analyst) -> None:
        self._analyst = analyst
        self._reading: set[asyncio.Task[None]] = set()

    def opened(self, roots: Iterable[str]) -> None:
        """Folders (as URIs) were opened. Returns at once."""
        for root in roots:
            if root.startswith("file:"):
                task = asyncio.ensure_future(self._read(path_of(root)))
                self._reading.add(task)
                task.add_done_callback(self._reading.discard)

    def saved(self, uri: str, roots: Iterable[str]) -> None:
        """A file was saved: if it is a folder's manifest, the folder is read again."""
        folder, _, name = uri.rpartition("/")
        if packages(name, "")[0]:
            self.opened(root for root in roots if root == folder)

    async def _read(self, root: str) -> None:
        self._analyst.manifests(root, await asyncio.to_thread(_texts, Path(root)))


def _texts(folder: Path) -> dict[str, str]:
    """The texts of a folder's manifests by file name; what cannot be read is left out."""
    found = {}
    try:
        for path in folder.iterdir():
            if packages(path.name, "")[0] and path.is_file() and path.stat().st_size <= MANIFEST_LIMIT:
                found[path.name] = path.read_text("utf-8", "replace")
    except OSError:
        return found
    return found
