"""`$/progress` around long work: begin, what it does now, end, and the user's cancel button."""

from __future__ import annotations

import asyncio
import uuid
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager

from lsprotocol import types as lsp

from codriver.fronts.lsp.protocol import Refused
from codriver.fronts.lsp.session import Session

Notify = Callable[[str], None]
Token = int | str


class Progress:
    """The progress reports of one editor. They appear only where the editor can show them."""

    def __init__(self, session: Session) -> None:
        self._session = session
        self._tasks: dict[Token, asyncio.Task[object]] = {}

    def cancel(self, params: lsp.WorkDoneProgressCancelParams) -> None:
        """Handles window/workDoneProgress/cancel: cancels the task behind the report."""
        task = self._tasks.get(params.token) if isinstance(params.token, (int, str)) else None
        if task is not None:
            task.cancel()

    @asynccontextmanager
    async def report(self, title: str, token: Token | None) -> AsyncIterator[Notify]:
        """Yields what says the work's state in a few words. `token` is the editor's own, if it sent one."""
        # The protocol's reader lets anything through as a token.
        token = token if isinstance(token, (int, str)) else await self._own_token()
        task = asyncio.current_task()
        if token is None or task is None:
            yield lambda text: None
            return
        known = token
        self._tasks[known] = task
        self._send(known, lsp.WorkDoneProgressBegin(title=title, cancellable=True))
        try:
            yield lambda text: self._send(known, lsp.WorkDoneProgressReport(message=text, cancellable=True))
        finally:
            if self._tasks.get(known) is task:
                del self._tasks[known]
            self._send(known, lsp.WorkDoneProgressEnd())

    async def _own_token(self) -> Token | None:
        if not self._session.client.progress:
            return None
        token = str(uuid.uuid4())
        try:
            await self._session.peer.ask(lsp.WINDOW_WORK_DONE_PROGRESS_CREATE, lsp.WorkDoneProgressCreateParams(token))
        except Refused:
            return None
        return token

    def _send(self, token: Token, value: object) -> None:
        self._session.peer.notify(lsp.PROGRESS, lsp.ProgressParams(token=token, value=value))
