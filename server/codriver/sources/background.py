"""A thread of its own for reading files: there from the first work on, gone without waiting for what is left."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor


class Background:
    """One thread, which does one work after the other. `name` is what a debugger calls it."""

    def __init__(self, name: str) -> None:
        self._name = name
        self._thread: ThreadPoolExecutor | None = None

    def run(self, work: Callable[[], None]) -> object:
        """Has it done some time; returns at once."""
        if self._thread is None:
            self._thread = ThreadPoolExecutor(1, self._name)
        return self._thread.submit(work)

    def close(self) -> None:
        """Ends the thread; what it has not begun is not done."""
        if self._thread is not None:
            self._thread.shutdown(wait=False, cancel_futures=True)
            self._thread = None
