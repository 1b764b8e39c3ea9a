"""Who may start a line now: so many at once, and none while somebody waits for an answer.

So that an agent that works all day does not starve a batch, one line may start anyway after a while.
"""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Callable

PATIENCE = 30.0
"""Seconds without any line after which one starts beside interactive requests."""


class Gate:
    """Lets lines in, first come first served. limit: how many at once, now. busy: whether somebody waits.

    `look` is to be called when one of both may have changed, or somebody who stands here was stopped.
    """

    def __init__(self, limit: Callable[[], int], busy: Callable[[], bool], patience: float = PATIENCE) -> None:
        self._limit, self._busy, self._patience = limit, busy, patience
        self._queue: deque[tuple[asyncio.Future[bool], asyncio.Event]] = deque()
        self._running = 0
        self._last = 0.0
        self._timer: asyncio.TimerHandle | None = None

    @property
    def running(self) -> int:
        """Lines under way."""
        return self._running

    async def enter(self, stop: asyncio.Event) -> bool:
        """True when a line may start, and `leave` must follow; False when it was stopped first."""
        turn: asyncio.Future[bool] = asyncio.get_running_loop().create_future()
        self._queue.append((turn, stop))
        self.look()
        try:
            return await turn
        except asyncio.CancelledError:
            if turn.done() and not turn.cancelled() and turn.result():
                self.leave()
            raise

    def leave(self) -> None:
        """A line ended."""
        self._running -= 1
        self._last = asyncio.get_running_loop().time()
        self.look()

    def look(self) -> None:
        """Lets in whoever may start now, and sends away whoever was stopped."""
        if not self._queue:
            return
        now = asyncio.get_running_loop().time()
        self._last = self._last or now
        for turn, stop in self._queue:
            if stop.is_set() and not turn.done():
                turn.set_result(False)
        while self._queue and (self._queue[0][0].done() or self._open(now)):
            turn, _ = self._queue.popleft()
            if not turn.done():
                self._running += 1
                turn.set_result(True)
        if self._queue and self._timer is None:
            self._timer = asyncio.get_running_loop().call_later(self._patience, self._again)

    def close(self) -> None:
        """No timer is left behind."""
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None

    def _open(self, now: float) -> bool:
        if self._running >= self._limit():
            return False
        return not self._busy() or (self._running == 0 and now - self._last >= self._patience)

    def _again(self) -> None:
        self._timer = None
        self.look()
