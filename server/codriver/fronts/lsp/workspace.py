"""What one editor tells of its folders and files, handed to the workspace that reads manifests.

An editor that can is asked to watch manifests, so that a change made in a terminal is known at once; of another
one we hear when a file is saved, and the workspace looks for itself now and then.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Iterable
from typing import Protocol

from lsprotocol import types as lsp

from codriver.analyst import path_of
from codriver.fronts.lsp.protocol import Peer, Refused
from codriver.syntax import locks, manifests

log = logging.getLogger(__name__)

REGISTRATION = "codriver.manifests"
"""One name for all connections: a daemon that takes over from another one renews it."""


class Projects(Protocol):
    """What manifests are read by: codriver.workspace.Workspace."""

    def opened(self, root: str) -> None: ...

    def closed(self, root: str) -> None: ...

    def changed(self, path: str) -> None: ...


class Workspace:
    """The folders of one editor."""

    def __init__(self, projects: Projects, roots: Iterable[str]) -> None:
        self._projects = projects
        self._roots: set[str] = set()
        self._watching: asyncio.Task[None] | None = None
        self.opened(roots)

    def opened(self, roots: Iterable[str]) -> None:
        """Folders (as URIs) were opened; those that are not on a disk are passed over."""
        for root in roots:
            if root.startswith("file:") and root not in self._roots:
                self._roots.add(root)
                self._projects.opened(path_of(root))

    def closed(self, roots: Iterable[str]) -> None:
        """Folders were closed."""
        for root in self._roots.intersection(roots):
            self._roots.discard(root)
            self._projects.closed(path_of(root))

    def leave(self) -> None:
        """The editor has gone."""
        self.closed(tuple(self._roots))
        if self._watching is not None:
            self._watching.cancel()

    def changed(self, *uris: str) -> None:
        """Files were saved, made or removed, whatever they are."""
        for uri in uris:
            if uri.startswith("file:"):
                self._projects.changed(path_of(uri))

    def watch(self, peer: Peer) -> None:
        """Asks an editor that can to tell of changed manifests and locks. Returns at once."""
        if self._watching is None:
            self._watching = asyncio.ensure_future(_watch(peer))


async def _watch(peer: Peer) -> None:
    names = sorted({*manifests.READERS, *locks.NAMES, *manifests.SHARED})
    watchers = [lsp.FileSystemWatcher(f"**/{name}") for name in names]
    options = lsp.DidChangeWatchedFilesRegistrationOptions(watchers)
    registration = lsp.Registration(REGISTRATION, lsp.WORKSPACE_DID_CHANGE_WATCHED_FILES, options)
    try:
        await peer.ask(lsp.CLIENT_REGISTER_CAPABILITY, lsp.RegistrationParams([registration]))
    except Refused as problem:
        log.info("manifests are not watched by the editor: %s", problem)
