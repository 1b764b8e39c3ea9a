"""What was asked of the simulator and how it ended, for tests and for people who wonder."""

from __future__ import annotations

import asyncio
import time
from collections import deque
from collections.abc import Callable, Iterator, Mapping
from dataclasses import asdict, dataclass, field
from typing import Any

_SECRET = frozenset({"authorization", "x-api-key", "x-goog-api-key", "api-key", "cookie", "proxy-authorization"})


@dataclass(slots=True)
class Entry:
    """One request. started: Unix time. seconds: from there to the end, None while it runs.

    ended: "" while it runs, "finished", "disconnected" (the client left before the end) or "cut"
    (a fault of ours closed the connection). events: frames of a stream that were sent.
    """

    id: str
    method: str
    path: str
    started: float
    headers: Mapping[str, str] = field(repr=False)
    body: Any = field(repr=False)
    model: str = ""
    stream: bool = False
    status: int = 0
    events: int = 0
    fault: str = ""
    ended: str = ""
    seconds: float | None = None


@dataclass(slots=True)
class Log:
    """The last requests, oldest first, bounded by number and by the bytes of their bodies."""

    entries_kept: int = 1000
    bytes_kept: int = 64 * 1024 * 1024
    keeps_bodies: bool = True
    _entries: deque[tuple[Entry, int]] = field(default_factory=deque)
    _waiting: list[tuple[Callable[[Entry], bool], asyncio.Future[Entry]]] = field(default_factory=list)
    _starts: dict[str, float] = field(default_factory=dict)
    _bytes: int = 0
    _count: int = 0

    def __iter__(self) -> Iterator[Entry]:
        return iter([entry for entry, _ in self._entries])

    def __len__(self) -> int:
        return len(self._entries)

    def opened(self, method: str, path: str, headers: Mapping[str, str], size: int) -> Entry:
        """A request arrived; its body, once understood, is set by `understood`."""
        self._count += 1
        shown = {name: value for name, value in headers.items() if name not in _SECRET} if self.keeps_bodies else {}
        entry = Entry(f"sim-{self._count}", method, path, time.time(), shown, None)
        self._starts[entry.id] = time.monotonic()
        self._entries.append((entry, size))
        self._bytes += size
        while len(self._entries) > 1 and (len(self._entries) > self.entries_kept or self._bytes > self.bytes_kept):
            self._bytes -= self._entries.popleft()[1]
        return entry

    def understood(self, entry: Entry, body: Any) -> None:
        """The body as it was sent: JSON where it is JSON, else text."""
        if self.keeps_bodies:
            entry.body = body

    def closed(self, entry: Entry, how: str) -> None:
        """The request ended; only the first word on it counts."""
        if not entry.ended:
            entry.ended = how
            entry.seconds = time.monotonic() - self._starts.pop(entry.id)
        self.touched(entry)

    def touched(self, entry: Entry) -> None:
        """Something about this entry changed: whoever waits for that is told."""
        for waiter in list(self._waiting):
            predicate, future = waiter
            if not future.done() and predicate(entry):
                future.set_result(entry)

    async def wait_for(self, predicate: Callable[[Entry], bool], timeout: float) -> Entry:
        """The first entry that fits, now or later. Raises TimeoutError after `timeout` seconds."""
        for entry in self:
            if predicate(entry):
                return entry
        waiter = (predicate, asyncio.get_running_loop().create_future())
        self._waiting.append(waiter)
        try:
            return await asyncio.wait_for(waiter[1], timeout)
        finally:
            self._waiting.remove(waiter)

    def clear(self) -> None:
        """Forgets what has ended and keeps what still runs."""
        running = [(entry, size) for entry, size in self._entries if not entry.ended]
        self._entries = deque(running)
        self._bytes = sum(size for _, size in running)

    def document(self) -> list[dict[str, Any]]:
        """The entries as JSON would have them."""
        return [asdict(entry) for entry in self]
