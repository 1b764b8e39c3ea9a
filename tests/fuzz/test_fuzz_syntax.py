"""A slice of the fuzzing, always the same: no text makes the reading of code crash, hang or raise."""

from __future__ import annotations

import random
from itertools import count
from pathlib import Path

from fuzz import fuzz_syntax


def test_a_slice_with_fixed_seeds_finds_nothing(tmp_path: Path) -> None:
    run = fuzz_syntax.fuzz(count(1), 5, tmp_path, fuzz_syntax.here())
    assert run.found == []
    assert run.steps > run.texts > 0
    assert 0 <= run.longest[0] < fuzz_syntax.STEP
    assert "0 crashes, 0 hangs, 0 exceptions" in str(run)


def test_the_watch_sees_exceptions_and_deaths(tmp_path: Path) -> None:
    worker = fuzz_syntax.Worker([tmp_path / "gone.py"])
    told = worker.run(next(seed for seed in count() if _takes_a_file(seed)))
    assert "FileNotFoundError" in told
    worker.end()
    worker = fuzz_syntax.Worker([])
    worker.process.terminate()
    assert worker.run(1).startswith("crash")


def _takes_a_file(seed: int) -> bool:
    return random.Random(seed).random() >= 0.1
