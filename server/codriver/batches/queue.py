"""All batches of this installation: made, listed, cancelled, and run in the background.

One process runs them: the daemon, which holds the lock. It calls `start`; everybody else only reads.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

import msgspec

from codriver.batches import disk, running
from codriver.batches.files import KEEP_SECONDS, Files
from codriver.batches.gate import Gate
from codriver.batches.lines import ENDPOINTS
from codriver.batches.record import Batch
from codriver.batches.running import Run
from codriver.config.tree import Batch as Limits
from codriver.errors import Kind, reject
from codriver.model.ids import new_id
from codriver.model.provider import Provider
from codriver.router import Router

log = logging.getLogger("codriver.batches")

AGAIN_SECONDS = 60.0
"""After something unforeseen (a full disk), a batch goes on after this long."""


class Batches:
    """The queue. limits: the settings as they are now. providers: those that can be called now.

    The folder is read on first use; nothing runs before `start`, and what is made later runs at once.
    """

    def __init__(
        self,
        folder: Path,
        router: Router,
        *,
        limits: Callable[[], Limits],
        providers: Callable[[], Sequence[Provider]],
        clock: Callable[[], float] = time.time,
    ) -> None:
        self.router = router
        self.clock = clock
        self.limits = limits
        self.providers = providers
        self.files = Files(folder / "files", clock, most=lambda: limits().max_files_mb * 1_000_000)
        self.gate = Gate(self.workers, lambda: router.waiting > 0)
        self._folder = folder
        self._known: dict[str, Batch] | None = None
        self._runs: dict[str, Run] = {}
        self._tasks: dict[str, asyncio.Task[None]] = {}
        self._storing = asyncio.Lock()

    # What the fronts ask.

    def all(self) -> list[Batch]:
        """Every batch, the newest first."""
        return sorted(map(self._now, self._batches().values()), key=lambda batch: (-batch.at, batch.id))

    def get(self, ident: str) -> Batch | None:
        """The batch with this id, as it stands now."""
        found = self._batches().get(ident)
        return None if found is None else self._now(found)

    @property
    def unfinished(self) -> int:
        """Batches that are not over."""
        return sum(not batch.over for batch in self._batches().values())

    async def create(
        self,
        endpoint: str,
        file: str,
        *,
        form: str = "openai",
        metadata: dict[str, str] | None = None,
        headers: Mapping[str, str] | None = None,
    ) -> Batch:
        """A new batch from an uploaded file; durable, and on its way, when this returns. Raises RequestRejected."""
        if endpoint not in ENDPOINTS:
            raise reject(f"endpoint: Expected one of {', '.join(ENDPOINTS)}", field="endpoint")
        self._forget()
        found = self.files.get(file)
        if found is None or found.purpose != "batch":
            raise reject(f"No file of purpose 'batch' has the id {file!r}", field="input_file_id")
        ident = f"msgbatch_{new_id()}" if form == "anthropic" else f"batch_{new_id()}"
        wishes = {name: value for name, value in (headers or {}).items() if name.startswith("x-codriver-")}
        batch = Batch(ident, endpoint, file, self.clock(), form, metadata=metadata, headers=wishes)
        await self.store(batch)
        self._launch(batch)
        return batch

    async def cancel(self, ident: str) -> Batch | None:
        """Starts no further line of a batch; None if there is none. Raises RequestRejected when it is over."""
        batch = self.get(ident)
        if batch is None or batch.status == "cancelling":
            return batch
        if batch.over or batch.status == "finalizing":
            raise reject(f"A batch that is {batch.status} cannot be cancelled", kind=Kind.INVALID)
        fields = {"status": "cancelling", "cancelling_at": int(self.clock())}
        if ident not in self._runs:
            await self.store(msgspec.structs.replace(batch, **fields))
        run = self._runs.get(ident)  # which may have begun meanwhile, with what was known before
        if run is not None:
            await run.change(**fields)
            run.end()
        return self.get(ident)

    async def remove(self, batch: Batch) -> None:
        """Forgets a batch that is over, and its files."""
        self._batches().pop(batch.id, None)
        self._path(batch.id).unlink(missing_ok=True)
        for ident in (batch.input, batch.output, batch.errors):
            file = self.files.get(ident)
            if file is not None:
                self.files.remove(file)

    def uses(self, file: str) -> bool:
        """Whether a batch that is not over still needs a file."""
        return any(file == batch.input for batch in self._batches().values() if not batch.over)

    # Life.

    async def start(self) -> None:
        """Goes on with what an earlier process left, and forgets what is past its time."""
        self.router.quiet = self.gate.look
        self._forget()
        for batch in self.all():
            if not batch.over:
                self._launch(batch)
        for left in self._folder.glob("*.journal"):
            if left.stem not in self._tasks:
                left.unlink(missing_ok=True)  # a kill came after the results were written, and before this

    async def close(self) -> None:
        """Ends the lines under way; they run again after the next start."""
        self.router.quiet = None
        tasks = list(self._tasks.values())
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        self.gate.close()

    # What a run asks of its surroundings.

    def workers(self) -> int:
        """Lines that may be under way at once."""
        return self.limits().concurrency

    def journal(self, batch: Batch) -> Path:
        """Where a batch's results are kept while it runs."""
        return self._folder / f"{batch.id}.journal"

    def latest(self, batch: Batch) -> Batch:
        """The batch as it is known now: it may have been cancelled meanwhile."""
        return self._batches()[batch.id]

    def enlist(self, run: Run) -> None:
        """From here on the batch's changes go through its run."""
        self._runs[run.batch.id] = run

    async def store(self, batch: Batch) -> None:
        """Makes a batch's new state durable, and then known; one after the other. Nothing comes after its end."""
        async with self._storing:
            known = self._batches().get(batch.id)
            if known is not None and known.over:
                return  # who cancelled it came too late
            await asyncio.to_thread(self._put, batch)
            self._batches()[batch.id] = batch

    async def native(self, run: Run) -> bool:
        """Lets a provider run the batch where one should; False when it is to run here."""
        if run.batch.elsewhere is None and self.limits().provider == "never":
            return False
        from codriver.batches import native  # for those who run a batch

        return await native.run(run, self.providers)

    # Inside.

    def _forget(self) -> None:
        """Removes what is past its time: at each start, and in a process that lives long, with each new batch."""
        now = self.clock()
        for batch in self.all():
            if batch.over and batch.ended_at + KEEP_SECONDS <= now:
                self._batches().pop(batch.id)
                self._path(batch.id).unlink(missing_ok=True)
        self.files.expire(batch.input for batch in self._batches().values() if not batch.over)

    def _launch(self, batch: Batch) -> None:
        task = asyncio.create_task(self._live(batch.id), name=batch.id)
        self._tasks[batch.id] = task
        task.add_done_callback(lambda _: self._tasks.pop(batch.id, None))

    async def _live(self, ident: str) -> None:
        """A batch to its end. What nobody foresaw is logged, and the batch goes on after a while: nothing is lost."""
        while not (batch := self._batches()[ident]).over:
            try:
                await self._once(batch)
            except Exception:  # whatever it is
                log.exception("the batch %s came to a stop and goes on in %.0f s", ident, AGAIN_SECONDS)
                await asyncio.sleep(AGAIN_SECONDS)

    async def _once(self, batch: Batch) -> None:
        run = await running.begin(batch, self)
        if run is None:
            return
        try:
            await running.finish(run)
        finally:
            self._runs.pop(batch.id, None)
            run.journal.close()

    def _now(self, batch: Batch) -> Batch:
        """A batch as it is on disk, with the counts of this moment."""
        run = self._runs.get(batch.id)
        if run is None:
            return batch
        now = run.batch
        return msgspec.structs.replace(batch, completed=now.completed, failed=now.failed, spent=now.spent)

    def _path(self, ident: str) -> Path:
        return self._folder / f"{ident}.json"

    def _put(self, batch: Batch) -> None:
        self._folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        disk.put(self._path(batch.id), [msgspec.json.encode(batch)])

    def _batches(self) -> dict[str, Batch]:
        if self._known is None:
            found: list[Batch] = []
            for path in self._folder.glob("*.json"):
                with contextlib.suppress(msgspec.DecodeError, OSError):
                    found.append(msgspec.json.decode(path.read_bytes(), type=Batch))
            self._known = {batch.id: batch for batch in found}
        return self._known
