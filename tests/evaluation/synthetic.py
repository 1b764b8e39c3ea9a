"""Outcome matrices whose truths are known by construction, in memory and as files."""

from __future__ import annotations

import gzip
import json
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from codriver.evaluation.matrix import Floats, Matrix, Query, Rows


def matrix(
    score: Any,
    cost: Any = None,
    calls: Any = None,
    keys: Sequence[str] = (),
    name: str = "made",
    models: Sequence[str] = (),
) -> Matrix:
    """A matrix of these scores, queries x models; costs may be one number a model."""
    scores = np.asarray(score, dtype=np.float64)
    unknown = np.full(scores.shape, np.nan)

    def told(values: Any) -> Floats:
        return (
            unknown.copy()
            if values is None
            else np.broadcast_to(np.asarray(values, dtype=np.float64), scores.shape).copy()
        )

    names = tuple(models) or tuple(f"m{number}" for number in range(scores.shape[1]))
    queries = tuple(
        Query(f"q{row}", keys[row] if keys else f"q{row}", text=f"task number {row}") for row in range(len(scores))
    )
    return Matrix(name, queries, names, scores, told(cost), told(calls), unknown, unknown, unknown)


class Peeking:
    """A predictor that cheats: it knows every outcome. What a perfect router would be."""

    name = "peeking"

    def fit(self, matrix: Matrix, rows: Rows) -> None:
        self.fitted = rows

    def predict(self, matrix: Matrix, rows: Rows) -> Floats:
        return np.nan_to_num(matrix.score[rows], nan=0.5)

    def hardness(self, matrix: Matrix, rows: Rows) -> Floats:
        return np.asarray(1 - np.nan_to_num(matrix.score[rows], nan=0.5).mean(axis=1))


class Guessing(Peeking):
    """A predictor that draws lots."""

    name = "guessing"

    def predict(self, matrix: Matrix, rows: Rows) -> Floats:
        return np.random.default_rng(int(rows[0])).random((rows.size, len(matrix.models)))

    def hardness(self, matrix: Matrix, rows: Rows) -> Floats:
        return np.random.default_rng(int(rows[0])).random(rows.size)


def write(folder: Path, queries: Iterable[Any], outcomes: Iterable[Any], part: str = "public") -> Path:
    """A pair of files; rows that are text are written as they are."""
    folder.mkdir(parents=True, exist_ok=True)
    for kind, rows in (("queries", queries), ("outcomes", outcomes)):
        lines = [row if isinstance(row, str) else json.dumps(row) for row in rows]
        (folder / f"{kind}.{part}.jsonl.gz").write_bytes(gzip.compress("".join(f"{line}\n" for line in lines).encode()))
    return folder


def tiny(folder: Path, part: str = "public", rows: int = 60, source: str = "tiny") -> Path:
    """Questions whose first word says whether the small model can answer them; the large one nearly always can."""
    generator = np.random.default_rng(7)
    queries, outcomes = [], []
    for row in range(rows):
        hard = row % 3 == 0
        text = f"{'prove that the bound holds' if hard else 'rename this field'}, case {row % 7}"
        queries.append(
            {"query_id": f"q{row}", "split_key": f"p{row // 2}", "source": source, "text": text, "task": "debug"}
        )
        for model, chance, price in (("small", 0.1 if hard else 0.9, 0.01), ("middle", 0.6, 0.3), ("large", 0.95, 1.0)):
            calls = int(generator.integers(5, 40))
            outcomes.append(
                {"query_id": f"q{row}", "model": model, "score": float(generator.random() < chance),
                 "cost_usd": price * calls / 20, "calls": calls}
            )  # fmt: skip
    return write(folder, queries, outcomes, part)
