"""Reading texts whole once typing pauses, a slice at a time.

Short texts are read whenever somebody asks. A long one costs tens of milliseconds, so requests make do with
windows around the cursor and with its last tree moved along; here it is read when nobody is waiting, in slices
so short that no request notices. Of one that is too long for a tree, what lenses list is counted here.
"""

from __future__ import annotations

import asyncio

from codriver.analyst import Analyst
from codriver.fronts.lsp.documents import Document, Documents
from codriver.syntax.trees import EAGER

PAUSE = 0.3
"""Seconds without a change."""
SHORT = EAGER
"""Bytes up to which a text is read on demand only; every longer one waits for a pause."""
BREATH = 0.002
"""Seconds between two slices, for everybody else."""


class Idle:
    """The pauses of one editor's documents."""

    def __init__(self, documents: Documents, analyst: Analyst, pause: float = PAUSE) -> None:
        self._documents, self._analyst, self._pause = documents, analyst, pause
        self._waiting: dict[str, asyncio.TimerHandle] = {}
        self._touched: dict[str, float] = {}
        """When those that wait were changed last: a timer for each key would cost more than the key."""
        self._read: dict[str, asyncio.Event] = {}

    def opened(self, uri: str) -> None:
        """A document was opened: it is read as soon as nobody else has something to do."""
        self._begin(uri, BREATH)

    def touched(self, uri: str) -> None:
        """A document was changed: the pause begins anew."""
        if uri in self._waiting:
            self._touched[uri] = asyncio.get_running_loop().time()
        else:
            self._begin(uri, self._pause)

    def closed(self, uri: str) -> None:
        """Nothing is to be read any more."""
        self._touched.pop(uri, None)
        timer = self._waiting.pop(uri, None)
        if timer is not None:
            timer.cancel()
        read = self._read.pop(uri, None)
        if read is not None:
            read.set()

    async def read(self, uri: str) -> None:
        """Returns when the document was read as far as it will be; soon, since waiting ends the pause."""
        read = self._read.get(uri)
        if read is not None:
            if uri in self._waiting:
                self._again(uri, 0.0)
            await read.wait()

    def _begin(self, uri: str, pause: float) -> None:
        document = self._documents.get(uri)
        if document is None or document.text.size <= SHORT:
            self.closed(uri)
            return
        self._read.setdefault(uri, asyncio.Event())
        self._again(uri, pause)

    def _again(self, uri: str, seconds: float) -> None:
        self._touched.pop(uri, None)
        timer = self._waiting.pop(uri, None)
        if timer is not None:
            timer.cancel()
        document = self._documents.get(uri)
        if document is None:
            self.closed(uri)
            return
        self._waiting[uri] = asyncio.get_running_loop().call_later(seconds, self._slice, document)

    def _slice(self, document: Document) -> None:
        self._waiting.pop(document.uri, None)
        touched = self._touched.get(document.uri)
        left = touched + self._pause - asyncio.get_running_loop().time() if touched is not None else 0.0
        if left > 0.0:
            self._again(document.uri, left)
        elif self._documents.get(document.uri) is not document or self._analyst.buffer(document.snapshot()).step():
            self.closed(document.uri)
        else:
            self._again(document.uri, BREATH)
