"""Public scores that abilities may rest on: which are read, under what licence, and what each says something of.

Only sources whose licence allows any use: rows of others are passed over, wherever they stand. `scores.toml` holds what
was collected beside the outcome matrices, each table with repository, commit, licence and date.
"""

from __future__ import annotations

import gzip
import json
import math
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np

from codriver.catalog.abilities import forms
from codriver.errors import ConfigError
from codriver.evaluation.licences import ANY_USE, LICENSED
from codriver.evaluation.matrix import Matrix

FILE = Path(__file__).with_name("scores.toml")

OPEN = {"aider": "Apache-2.0", **LICENSED}
"""Licences of what the rows beside the matrices are from, by how their sources begin; no other row is read."""

FAMILIES = {
    "aider": ("edit",), "aider:refactor": ("refactor",), "swe-bench": ("debug",), "evalperf": ("generate",),
    "gsm8k": ("math",), "math": ("math",), "mmlu": ("knowledge",), "gpqa": ("knowledge",), "human_eval": ("generate",),
    "mbpp": ("generate",),
}  # fmt: skip
"""What a leaderboard says something of, by the beginning of its source, or of its task after the last colon."""

DATES = {
    "swebench_pro": "2025-11", "evalperf": "2024-12", "llmrouter": "2024-12", "routellm": "2024-07",
    "routerarena": "2025-10",
}  # fmt: skip
LEFT_OUT = ("aider:architect",)
"""Not of one model."""

SAME = {"matrix:swebench_pro swe-bench-pro": "vendors' swe-bench-pro"}
"""Leaderboards of the same tasks, whose difficulty is one: they tie the models of two years together."""

TELLING = {"vendors' swe-bench-pro": 4.0, "aider:polyglot": 2.0, "matrix:llmrouter": 0.15, "aider:": 0.7}
"""How much a leaderboard counts, by the beginning of its name: agents' work more than short answers; 0.5 if unnamed."""


@dataclass(frozen=True, slots=True)
class Score:
    """One model on one leaderboard. weight: of the leaderboard and its size; cited: with date and licence."""

    model: str
    board: str
    family: str
    logit: float
    weight: float
    cited: str


@dataclass(frozen=True, slots=True)
class Board:
    """A published table of scores in percent, as `scores.toml` describes it."""

    name: str
    metric: str
    repository: str
    path: str
    commit: str
    licence: str
    stated: str
    date: str
    by: str
    family: str
    telling: float
    n: int
    scores: Mapping[str, float]


@cache
def boards() -> tuple[Board, ...]:
    """All tables of `scores.toml`. Raises ConfigError for one whose licence does not allow any use."""
    found = tuple(Board(**table) for table in tomllib.loads(FILE.read_text(encoding="utf-8"))["board"])
    for board in found:
        if board.licence not in ANY_USE:
            where = f"{board.name}: {board.repository}"
            raise ConfigError(str(FILE), where, f"{board.licence!r} does not allow any use", "Leave the table out")
    return found


def published() -> list[Score]:
    """What the tables say of each model."""
    return [_told(board, model, percent / 100) for board in boards() for model, percent in board.scores.items()]


def _told(board: Board, model: str, share: float) -> Score:
    cited = f"{board.name} {share:.3f} ({board.date}; {board.licence}; {board.by}; {board.repository})"
    weight = _weight(board.telling, board.n)
    return Score(forms(model)[-1], board.name, board.family, _logit(share, board.n), weight, cited)


def scores(path: Path) -> list[Score]:
    """The rows of a task_scores file that say something of one model and may be learnt from. Raises ConfigError."""
    try:
        with gzip.open(path, "rt", encoding="utf-8") as file:
            rows = [json.loads(line) for line in file]
    except (OSError, ValueError, EOFError) as error:
        raise ConfigError(str(path), "", f"cannot be read ({error})", "It comes with the outcome matrices") from error
    return [found for row in rows if (found := _score(row)) is not None]


def averaged(matrix: Matrix) -> list[Score]:
    """The models' mean scores in a matrix that no score file tells of; none where its rows may not be learnt from."""
    found = []
    for model, each in zip(matrix.models, matrix.score.T, strict=True):
        known = each[np.isfinite(each)]
        if known.size:
            row = {"source": f"matrix:{matrix.name}", "model": model, "task": matrix.name.rpartition("/")[2]}
            told = _score(row | {"n": int(known.size), "score": round(float(known.mean()), 4)})
            found += [told] if told is not None else []
    return found


def _score(row: Mapping[str, Any]) -> Score | None:
    source, model, score = str(row["source"]), str(row["model"]), row.get("score")
    name = source.removeprefix("matrix:")
    licence = next((each for start, each in OPEN.items() if name.startswith(start)), "")
    if not licence or source.startswith(LEFT_OUT) or score is None or " + " in model or model.endswith("@paper"):
        return None
    if row.get("slice"):
        return None  # a part of the same tasks again
    task = str(row["task"]).rpartition(":")[2]
    board = SAME.get(f"{source} {task}", f"{source} {task}")
    telling = next((weight for key, weight in TELLING.items() if board.startswith(key)), 0.5)
    kinds = next((kinds for key, kinds in FAMILIES.items() if source.startswith(key) or task.startswith(key)), ("",))
    many = float(row.get("n") or 50)
    day = str(row.get("date") or next((date for key, date in DATES.items() if name.startswith(key)), ""))
    return Score(
        forms(model)[-1], board, kinds[0], _logit(float(score), many), _weight(telling, many),
        f"{name} {task} {float(score):.3f} ({day}; {licence})",
    )  # fmt: skip


def _logit(share: float, many: float) -> float:
    """Drawn half a task to the middle, so that none is without end."""
    drawn = (share * many + 0.5) / (many + 1)
    return math.log(drawn / (1 - drawn))


def _weight(telling: float, many: float) -> float:
    return telling * min(1.0, many / 100)


def described() -> dict[str, dict[str, str]]:
    """Licence of every source, by how its citations begin or by repository, and the file there that states it."""
    told = {source: {"licence": licence} for source, licence in OPEN.items()}
    for board in boards():
        told[board.repository] = {"licence": board.licence, "stated": board.stated}
    return dict(sorted(told.items()))
