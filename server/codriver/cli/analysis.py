"""What Codriver reads in many files: a page per file, made by processes on all cores, in the order of the files.

Only paths and pages go between processes; trees stay where they were made. Whatever becomes of the others, one
process alone gives the same pages.
"""

from __future__ import annotations

import multiprocessing
import os
import threading
import time
from collections import deque
from collections.abc import Iterable, Iterator, Mapping, Sequence
from concurrent.futures import Future, ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from dataclasses import asdict
from functools import cache
from itertools import islice
from typing import Any

from codriver.model.features import Function
from codriver.syntax import content
from codriver.syntax.analysis import Buffer
from codriver.workspace import Workspace

Page = dict[str, Any]
"""A file's facts as JSON values; with "skipped", the reason, and nothing else but its path where it was not read."""

LIMIT = 2_000_000
"""Bytes above which a file is not read."""
FEW = 48
"""Files that one process reads sooner than others have started."""
CHUNK = 8
"""Files that a process gets at once."""
AHEAD = 24
"""Chunks for each process that may be under way or waiting to be printed."""


def pages(paths: Iterable[str], workers: int = 0) -> Iterator[Page]:
    """A page for each file, in their order. workers: processes; 0 is one for each core, 1 none but this one."""
    paths = iter(paths)
    first = list(islice(paths, FEW))
    workers = workers or cores()
    if workers == 1 or len(first) < FEW:
        yield from map(page, first)
        yield from map(page, paths)
        return
    chunks = _chunks(iter([*first, *paths]))
    waiting: deque[tuple[Sequence[str], Future[list[Page]]]] = deque()
    try:
        with ProcessPoolExecutor(workers, _context()) as pool:
            try:
                for chunk in chunks:
                    waiting.append((chunk, _submitted(pool, chunk)))
                    if len(waiting) >= workers * AHEAD:
                        yield from _done(waiting)
                while waiting:
                    yield from _done(waiting)
            finally:
                pool.shutdown(wait=False, cancel_futures=True)
    except (BrokenProcessPool, OSError):  # a process was killed, or none could be started
        for chunk in (*(chunk for chunk, _ in waiting), *chunks):
            yield from _read(chunk)


def page(path: str) -> Page:
    """The facts of a file, with the manifests of its project. Never raises."""
    try:
        with open(path, "rb") as file:
            data = file.read(LIMIT + 1)
    except OSError as problem:
        return {"path": path, "skipped": problem.strerror or "cannot be read"}
    if len(data) > LIMIT:
        return {"path": path, "skipped": f"longer than {LIMIT // 1_000_000} MB"}
    return page_of(path, data)


def page_of(path: str, data: bytes) -> Page:
    """The same of bytes that stand, or stood, in a file of this path."""
    buffer = Buffer(content.decoded(data), path=path, limit=LIMIT, clock=time.thread_time)
    buffer.parse()
    facts = buffer.facts(None, _workspace().read(path))
    told = {name: getattr(facts, name) for name in _TOLD}
    functions = [_sized(buffer, function) for function in buffer.functions()]
    size = buffer.size()
    return {
        "path": path, **told, "code_lines": size.code, "comment_lines": size.comments,
        "maintainability": maintainability(functions), "versions": dict(facts.versions), "functions": functions,
    }  # fmt: skip


def maintainability(functions: Sequence[Mapping[str, Any]]) -> int | None:
    """The mean of functions' maintainability indices, each as often as it has lines of code; None without any."""
    told = [each for each in functions if each["maintainability"] is not None]
    lines = sum(each["code_lines"] for each in told)
    return round(sum(each["maintainability"] * each["code_lines"] for each in told) / lines) if lines else None


def _sized(buffer: Buffer, function: Function) -> dict[str, Any]:
    """A function's numbers with its size; one whose complexity is only guessed at has no index."""
    size = buffer.size((function.start_byte, function.end_byte))
    index = size.maintainability(function.cyclomatic) if function.cyclomatic else None
    return {
        **asdict(function), "code_lines": size.code, "comment_lines": size.comments, "maintainability": index
    }  # fmt: skip


def cores() -> int:
    """How many processes may run at once."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


_TOLD = ("language", "reading", "domain", "frameworks", "lines", "cyclomatic", "cognitive", "nesting", "errors")


@cache
def _workspace() -> Workspace:
    return Workspace()


def _read(chunk: Sequence[str]) -> list[Page]:
    return [page(path) for path in chunk]


def _chunks(paths: Iterator[str]) -> Iterator[Sequence[str]]:
    while chunk := tuple(islice(paths, CHUNK)):
        yield chunk


def _submitted(pool: ProcessPoolExecutor, chunk: Sequence[str]) -> Future[list[Page]]:
    """A chunk's future; where the pool takes no more it has failed already, so that the chunk is not lost."""
    try:
        return pool.submit(_read, chunk)
    except (BrokenProcessPool, OSError) as problem:
        failed = Future[list[Page]]()
        failed.set_exception(problem)
        return failed


def _done(waiting: deque[tuple[Sequence[str], Future[list[Page]]]]) -> list[Page]:
    """The pages of the first chunk. It stays in the line until they are there, in case its process dies."""
    found = waiting[0][1].result()
    waiting.popleft()
    return found


def _context() -> multiprocessing.context.BaseContext:
    """Processes that begin with the tables loaded, where that is safe: on Linux, with no other thread around."""
    forks = "fork" in multiprocessing.get_all_start_methods() and os.uname().sysname == "Linux"
    if not forks or threading.active_count() > 1:
        return multiprocessing.get_context("spawn")
    Buffer(b"a = 1\n", path="a.py").facts()
    return multiprocessing.get_context("fork")
