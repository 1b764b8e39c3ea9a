"""Trains the shipped weights of `routing/wording.py`, only on rows whose licence allows any use; always to the byte."""

from __future__ import annotations

import json
from base64 import b64encode
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from codriver.evaluation.baselines import means
from codriver.evaluation.irt import ridge
from codriver.evaluation.matrix import Floats, Matrix, Rows
from codriver.evaluation.texts import Sparse, beside, filled
from codriver.routing import wording

PENALTY = 6.0
COUNTED = 0.05
RAREST = 2
"""Texts that a hash must be in."""


@dataclass(frozen=True, slots=True, eq=False)
class Lesson:
    """Rows to learn from: what was read of each, the two traits it should have, and how much it counts."""

    reads: tuple[wording.Read, ...]
    wanted: Floats
    weight: Floats


def lesson(matrix: Matrix, rows: Rows | None = None) -> Lesson:
    """What some rows of one matrix teach.

    Difficulty: by how much all models did worse than they usually do here. Gap: how much more the better of these
    models gain on this row than they usually do. Both in deviations of the matrix.
    """
    chosen = np.arange(len(matrix.queries)) if rows is None else rows
    chosen = np.array([row for row in chosen if matrix.queries[row].text.strip()], dtype=np.intp)
    usual = means(matrix, chosen)
    rest = matrix.score[chosen] - usual
    known = np.isfinite(rest)
    rest = np.where(known, rest, 0.0)
    hard = -rest.sum(axis=1) / np.maximum(1, known.sum(axis=1))
    better = usual - usual.mean()
    better = better / (np.sqrt((better**2).mean()) + 1e-9)
    gap = (rest * better).sum(axis=1) / np.maximum(1, known.sum(axis=1))
    wanted = np.stack([hard, gap], axis=1)
    wanted = wanted / (wanted.std(axis=0) + 1e-9)
    reads = tuple(wording.read(matrix.queries[row].text) for row in chosen)
    return Lesson(reads, wanted, np.full(chosen.size, 1.0))


def train(lessons: Sequence[Lesson]) -> str:
    """The text of the weights' file: a header and two tables of signed bytes. The same lessons, the same bytes."""
    reads = [read for one in lessons for read in one.reads]
    wanted = np.concatenate([one.wanted for one in lessons])
    root = np.sqrt(np.concatenate([one.weight for one in lessons]))[:, None]
    counts = np.array([read.numbers for read in reads])
    middle, spread = counts.mean(axis=0), np.maximum(counts.std(axis=0), 1e-6)
    scaled = np.clip((counts - middle) / spread, -4.0, 4.0)
    space, inverse = _space(reads)
    both = beside(space, filled(scaled * COUNTED))
    centre = wanted.mean(axis=0)
    slopes = ridge(both, (wanted - centre) * root, np.full(2, PENALTY))
    told = both.times(slopes)
    tables = [slopes[: space.columns, trait] * inverse for trait in range(2)]
    steps = [float(np.abs(table).max()) / 127 or 1.0 for table in tables]
    document = {
        "bits": wording.BITS,
        "rows": len(reads),
        "steps": [_short(step) for step in steps],
        "middle": [_short(number) for number in middle],
        "spread": [_short(number) for number in spread],
        "slopes": [[_short(number * COUNTED) for number in slopes[space.columns :, trait]] for trait in range(2)],
        "scales": [_short(number) for number in told.std(axis=0)],
        "offsets": [_short(number) for number in told.mean(axis=0)],
    }
    for name, table, step in zip(("hard", "gap"), tables, steps, strict=True):
        document[name] = b64encode(np.rint(table / step).astype(np.int8).tobytes()).decode("ascii")
    return json.dumps(document, indent=0, sort_keys=True) + "\n"


def _space(reads: Sequence[wording.Read]) -> tuple[Sparse, Floats]:
    """Hashes by inverse document frequency over the root of their number; and those inverse frequencies."""
    lists = [np.array(sorted(read.hashes), dtype=np.intp) for read in reads]
    column = np.concatenate(lists)
    lengths = np.array([found.size for found in lists])
    frequency = np.bincount(column, minlength=1 << wording.BITS)
    inverse = np.where(frequency >= RAREST, np.log((1 + len(reads)) / (1 + frequency)) + 1, 0.0) / 8.0
    start = np.concatenate([[0], np.cumsum(lengths)])
    value = inverse[column] / np.sqrt(np.maximum(1, np.repeat(lengths, lengths)))
    return Sparse(start, column, value, 1 << wording.BITS), inverse


def _short(number: float) -> float:
    """Six digits: enough, and the same on every machine."""
    return float(f"{number:.6g}")
