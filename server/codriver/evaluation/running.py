"""The whole evaluation: all slices of all matrices below a folder, a process for each, the largest first."""

from __future__ import annotations

import multiprocessing
import os
from collections.abc import Callable, Sequence
from concurrent.futures import Future, ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from pathlib import Path

import numpy as np

from codriver.errors import CodriverError, ConfigError
from codriver.evaluation.aims import doubts
from codriver.evaluation.matrix import Matrix, load
from codriver.evaluation.measures import Settings
from codriver.evaluation.slicing import slices
from codriver.evaluation.study import Page, examine

THREADS = ("OPENBLAS_NUM_THREADS", "OMP_NUM_THREADS", "MKL_NUM_THREADS")


def chosen(folder: Path, names: Sequence[str] = ()) -> list[Matrix]:
    """All slices, or those of the matrices (or slices) named. Raises ConfigError for a name that is none of them."""
    found = [each for matrix in load(folder) for part in slices(matrix) for each in (part, *_doubted(part))]
    for name in names:
        if not any(_named(matrix, name) for matrix in found):
            known = ", ".join(sorted({matrix.name for matrix in found}))
            raise ConfigError(str(folder), "", f"it holds no matrix {name}", f"It has {known}")
    return [matrix for matrix in found if not names or any(_named(matrix, name) for name in names)]


def run(
    matrices: Sequence[Matrix], settings: Settings, workers: int = 0, tell: Callable[[str], None] = lambda _: None
) -> list[Page]:
    """A page for each slice, in their order. workers: processes, 0 for one on each core; 1 stays in this process."""
    workers = min(workers or os.cpu_count() or 1, len(matrices))
    if workers <= 1:
        return [_told(examine(matrix, settings), tell) for matrix in matrices]
    for name in THREADS:
        os.environ.setdefault(name, "1")
    order = sorted(range(len(matrices)), key=lambda place: -matrices[place].score.size)
    with ProcessPoolExecutor(workers, mp_context=multiprocessing.get_context("spawn")) as pool:
        futures: dict[int, Future[Page]] = {place: pool.submit(examine, matrices[place], settings) for place in order}
        for future in futures.values():
            future.add_done_callback(lambda done: None if done.cancelled() or done.exception() else tell(_done(done)))
        try:
            return [futures[place].result() for place in range(len(matrices))]
        except BrokenProcessPool as error:
            raise CodriverError(
                "a measuring process was ended, perhaps for want of memory; try fewer workers"
            ) from error


def _doubted(matrix: Matrix) -> list[Matrix]:
    """The slice without a model whose results are in doubt."""
    every = np.arange(len(matrix.queries))
    return [
        matrix.take(every, [place for place, model in enumerate(matrix.models) if model != doubt.model],
                    f"{matrix.name} without {doubt.model}")
        for doubt in doubts()
        if doubt.matrix == matrix.name and doubt.model in matrix.models
    ]  # fmt: skip


def _done(future: Future[Page]) -> str:
    return future.result().title


def _told(page: Page, tell: Callable[[str], None]) -> Page:
    tell(page.title)
    return page


def _named(matrix: Matrix, name: str) -> bool:
    return name in {matrix.name, matrix.title} or matrix.name.startswith(f"{name}/")
