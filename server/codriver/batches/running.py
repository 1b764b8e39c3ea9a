"""One batch from its validation to its result files; wherever a kill ended it, the next start goes on.

Each step is written down before the next begins, and is done again when that was not reached.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Protocol

import msgspec

from codriver.batches import lines
from codriver.batches.asking import ask, refusal, unrun
from codriver.batches.files import Files
from codriver.batches.gate import Gate
from codriver.batches.journal import Journal, Result
from codriver.batches.lines import Index
from codriver.batches.record import Batch, Problem
from codriver.errors import Kind
from codriver.model.ids import new_id
from codriver.router import Router

log = logging.getLogger("codriver.batches")

MOST_TRIES = 6
"""Of a line that fails for passing reasons."""

LONGEST_WAIT = 600.0
"""Seconds between two looks at whether what a line waits for is over."""

UNRUN = {
    "cancelled": ("batch_cancelled", "This request was not run: its batch was cancelled."),
    "expired": ("batch_expired", "This request was not run before the completion window ended."),
}


class Surroundings(Protocol):
    """What a running batch needs of the queue."""

    router: Router
    files: Files
    gate: Gate
    clock: Callable[[], float]

    def workers(self) -> int:
        """Lines of one batch that may be under way."""
        ...

    def journal(self, batch: Batch) -> Path:
        """Where a batch's results are kept while it runs."""
        ...

    def latest(self, batch: Batch) -> Batch:
        """The batch as it is known now: it may have been cancelled meanwhile."""
        ...

    def enlist(self, run: Run) -> None:
        """From here on the batch's changes go through its run."""
        ...

    async def store(self, batch: Batch) -> None:
        """Makes a batch's new state durable."""
        ...

    async def native(self, run: Run) -> bool:
        """Lets a provider run the batch where one should; False when it is to run here."""
        ...


@dataclass(eq=False)
class Run:
    """A batch under way. stop: no further line is to start."""

    batch: Batch
    around: Surroundings
    index: Index
    journal: Journal
    stop: asyncio.Event = field(default_factory=asyncio.Event)
    met: set[str] = field(default_factory=set)
    """Models and providers that lines of this batch met: while one of them rests after a rate limit, no line starts."""
    told: bool = False
    """Whether the provider that runs it was asked to stop."""

    def pending(self) -> Iterator[int]:
        """Numbers of the lines without a result, in order."""
        return (number for number in range(len(self.index)) if number not in self.journal.places)

    async def keep(self, results: list[Result]) -> list[Result]:
        """Makes results durable, then counts them; gives those that are new."""
        async with self._keeping:
            fresh = await asyncio.to_thread(self.journal.add, results)
        self.count()
        return fresh

    def count(self) -> None:
        """Takes the journal's counts over."""
        journal = self.journal
        self.batch = msgspec.structs.replace(
            self.batch, completed=journal.completed, failed=journal.failed, spent=journal.spent
        )

    async def change(self, **fields: object) -> None:
        """A new state, durable when this returns."""
        self.batch = msgspec.structs.replace(self.batch, **fields)
        await self.around.store(self.batch)

    def end(self) -> None:
        """No further line starts; those under way are finished."""
        self.stop.set()
        self.around.gate.look()

    async def pause(self, seconds: float) -> None:
        """Waits, but not longer than until the batch is stopped."""
        with contextlib.suppress(TimeoutError):
            await asyncio.wait_for(self.stop.wait(), max(0.0, seconds))

    def __post_init__(self) -> None:
        self._keeping = asyncio.Lock()


async def begin(batch: Batch, around: Surroundings) -> Run | None:
    """Validates the file of a batch, or reads it again after a restart. None: it failed, and says why."""
    file = around.files.get(batch.input)
    if file is None:
        problems = [Problem("missing_file", f"The file {batch.input} is gone")]
        index = None
    else:
        index = await asyncio.to_thread(lines.check, around.files.path(file), batch.endpoint)
        problems = index.problems
    now = int(around.clock())
    if problems or index is None:
        await around.store(msgspec.structs.replace(batch, status="failed", problems=tuple(problems), ended_at=now))
        return None
    journal = await asyncio.to_thread(Journal, around.journal(batch))
    run = Run(around.latest(batch), around, index, journal)
    run.count()
    around.enlist(run)
    if not run.batch.in_progress_at:
        status = "in_progress" if run.batch.status == "validating" else run.batch.status
        await run.change(status=status, in_progress_at=now, total=len(index))
    return run


async def finish(run: Run) -> None:
    """Runs what is left of a batch and writes its result files."""
    around, batch = run.around, run.batch
    if batch.status == "cancelling":
        run.end()
    if batch.status in ("in_progress", "cancelling"):
        left = batch.expires_at - around.clock()
        expiry = asyncio.get_running_loop().call_later(max(0.0, left), run.end)
        try:
            if not await around.native(run):
                await _here(run)
        finally:
            expiry.cancel()
    await _conclude(run)


async def _here(run: Run) -> None:
    """Runs the lines through this router, so many at a time."""
    queue = run.pending()
    async with asyncio.TaskGroup() as group:
        for _ in range(run.around.workers()):
            group.create_task(_work(run, queue))


async def _work(run: Run, queue: Iterator[int]) -> None:
    while not run.stop.is_set():
        number = next(queue, None)
        if number is None:
            return
        await _line(run, number)


async def _line(run: Run, number: int) -> None:
    """Runs a line until it has a result, or its batch is stopped."""
    line = await asyncio.to_thread(run.index.line, number)
    around, batch, tries = run.around, run.batch, 0
    while True:
        await run.pause(_rest(run))
        if not await around.gate.enter(run.stop):
            return
        try:
            result = await ask(around.router, line, number, batch.id, batch.headers, run.met)
        finally:
            around.gate.leave()
        if isinstance(result, Result):
            await run.keep([result])
            return
        tries += not result.waits
        if tries >= MOST_TRIES:
            await run.keep([refusal(line, number, result.failure)])
            return
        await run.pause(min(result.seconds * 2 ** max(0, tries - 1), LONGEST_WAIT))


def _rest(run: Run) -> float:
    """Seconds until nobody that this batch met rests after a rate limit any more."""
    view = run.around.router.ledger.view()
    rests = (view.cooling.get(name) for name in run.met)
    limited = [rest.until - view.now for rest in rests if rest is not None and rest.failure.kind is Kind.RATE_LIMITED]
    return max(limited, default=0.0)


async def _conclude(run: Run) -> None:
    """Writes the result files and the last state. Done again from the start when it was not finished."""
    around = run.around
    if run.batch.status != "finalizing":
        end = "completed"
        if next(run.pending(), None) is not None:
            end = "cancelled" if run.batch.cancelling_at else "expired"
        await run.change(
            status="finalizing", finalizing_at=int(around.clock()),
            output=f"file-{new_id()}", errors=f"file-{new_id()}", ended=end,
        )  # fmt: skip
    batch = run.batch
    await asyncio.to_thread(_write, run, batch)
    await run.change(
        status=batch.ended,
        ended_at=int(around.clock()),
        output=batch.output if around.files.get(batch.output) else "",
        errors=batch.errors if around.files.get(batch.errors) else "",
    )
    run.journal.remove()


def _write(run: Run, batch: Batch) -> None:
    """The two result files, in the order of the lines; an empty one is left out."""
    if run.journal.completed:
        good = (result.text + b"\n" for result in run.journal.results() if result.good)
        run.around.files.write(batch.output, f"{batch.id}_output.jsonl", "batch_output", good)
    if run.journal.failed or batch.ended in UNRUN:
        run.around.files.write(batch.errors, f"{batch.id}_error.jsonl", "batch_output", _errors(run, batch))


def _errors(run: Run, batch: Batch) -> Iterator[bytes]:
    for result in run.journal.results():
        if not result.good:
            yield result.text + b"\n"
    if batch.ended in UNRUN:
        for number in run.pending():
            yield unrun(run.index.line(number), number, *UNRUN[batch.ended]).text + b"\n"
