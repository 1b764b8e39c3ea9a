"""Reading long texts again once typing pauses.

Short texts are read again whenever somebody asks. A long one costs tens of milliseconds, so requests
make do with its last tree moved along; here it is renewed when nobody is waiting.
"""

from __future__ import annotations

import asyncio

from codriver.analyst import Analyst
from codriver.fronts.lsp.documents import Document, Documents
from codriver.syntax.trees import EAGER, WHOLE

PAUSE = 0.3
"""Seconds without a change."""


class Idle:
    """The pauses of one editor's documents."""

    def __init__(self, documents: Documents, analyst: Analyst, pause: float = PAUSE) -> None:
        self._documents, self._analyst, self._pause = documents, analyst, pause
        self._waiting: dict[str, asyncio.TimerHandle] = {}

    def touched(self, uri: str) -> None:
        """A document was opened or changed: the pause begins anew."""
        self.closed(uri)
        document = self._documents.get(uri)
        if document is not None and EAGER < len(document.text.data) <= WHOLE:
            loop = asyncio.get_running_loop()
            self._waiting[uri] = loop.call_later(self._pause, self._read, document)

    def closed(self, uri: str) -> None:
        """Nothing is to be read any more."""
        timer = self._waiting.pop(uri, None)
        if timer is not None:
            timer.cancel()

    def _read(self, document: Document) -> None:
        self._waiting.pop(document.uri, None)
        if self._documents.get(document.uri) is document:
            self._analyst.buffer(document.snapshot()).parse()
