"""When the outcome of a request is made and recorded: at once, or when nobody waits for an answer.

Where nothing that follows waits for it, it is owed to the ledger for a moment, so that the next request need not wait
while it is made. Whoever asks the ledger has what is owed recorded first.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable

from codriver.ledger import Ledger
from codriver.model.decision import Outcome

SOON, LATEST = 0.02, 0.25
"""Seconds until what is owed is recorded, and at most, while answers are waited for."""

MOST, AT_A_TIME = 8, 4
"""Outcomes that wait for a calm moment, and those recorded in one turn of the event loop. Whoever ends while more are
owed records two: under any load there are no more."""


class Books:
    """What the ledger is told of, and when. waiting: how many requests somebody waits for."""

    def __init__(self, ledger: Ledger, waiting: Callable[[], int]) -> None:
        self._ledger, self._waiting = ledger, waiting
        self._back_in: asyncio.AbstractEventLoop | None = None
        """The loop that comes back for what is owed."""

    def enter(self, outcome: Callable[[], Outcome], *, later: bool) -> None:
        """Has the outcome of a request that ended made and recorded: now, after all that ended before, or later."""
        if not later:
            self._ledger.settle()  # before this one is made: what they taught counts for it
            self._ledger.record(outcome())
            return
        self._ledger.owe(outcome)
        try:
            loop = asyncio.get_running_loop()
        except RuntimeError:  # nobody does anything later
            self._ledger.settle()
            return
        if self._ledger.owed > MOST:
            self._ledger.settle(2)
        if self._back_in is not loop:
            self._come_back(loop, SOON, loop.time() + LATEST)

    def _come_back(self, loop: asyncio.AbstractEventLoop, seconds: float, latest: float) -> None:
        self._back_in = loop
        loop.call_later(seconds, self._settle, loop, latest)

    def _settle(self, loop: asyncio.AbstractEventLoop, latest: float) -> None:
        """A few of those owed, in each turn of the loop, once nobody waits; from `latest` on in any case."""
        self._back_in = None
        due = not self._waiting() or loop.time() >= latest
        if due:
            self._ledger.settle(AT_A_TIME)
        if self._ledger.owed:
            self._come_back(loop, 0.0 if due else SOON, 0.0 if due else latest)
