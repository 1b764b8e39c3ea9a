"""What `codriver train` does: which rows may be learnt from, the files' texts, the report between its marks."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator, Sequence
from pathlib import Path

import numpy as np

from codriver.errors import ConfigError
from codriver.evaluation import abilities as public
from codriver.evaluation import sources
from codriver.evaluation.folds import folds
from codriver.evaluation.licences import LICENSED
from codriver.evaluation.matrix import Matrix, Rows, load
from codriver.evaluation.slicing import slices
from codriver.evaluation.training import lesson, train
from codriver.routing import wording

__all__ = ["LICENSED", "abilities", "licensed", "reported", "weights"]

BEGIN, END = "<!-- training report begins -->", "<!-- training report ends -->"
FOLDS = 5
UNLISTED = ("routellm", "routerarena")
"""Matrices that may be learnt from and that the score file leaves out."""


def licensed(folder: Path) -> list[Matrix]:
    """The slices of the matrices below a folder whose rows may be trained on for numbers that are given away.

    What was kept back for the last measurement never is.
    """
    allowed = [matrix for matrix in load(folder) if _folder(matrix) in LICENSED and matrix.part != "held"]
    return [part for matrix in allowed for part in slices(matrix)]


def _folder(matrix: Matrix) -> str:
    """The folder's name that a licence is stated for, also of a slice; "" if none is."""
    return next((name for name in matrix.name.split("/") if name in LICENSED), "")


def weights(matrices: Sequence[Matrix]) -> str:
    """The text of the weights' file, from all rows."""
    return train([lesson(matrix) for matrix in matrices])


def abilities(folder: Path) -> str:
    """The text of abilities.json: one model on one line. Raises ConfigError.

    From the licensed rows of the score file below the folder, the means of the matrices that it leaves out, and
    `scores.toml`; rows of all other sources are passed over.
    """
    found = sorted(folder.rglob("task_scores.jsonl.gz"))
    if not found:
        raise ConfigError(str(folder), "", "there is no task_scores.jsonl.gz below it", "It lies in priors/")
    unlisted_scores = [score for matrix in unlisted(folder) for score in matrix]
    told = public.document(sources.scores(found[0]) + unlisted_scores + sources.published())
    models = [f"{json.dumps(name)}: {json.dumps(model, sort_keys=True)}" for name, model in told["models"].items()]
    named = [f"{json.dumps(name)}: {json.dumps(each)}" for name, each in told["sources"].items()]
    head = f'{{"cold": {json.dumps(told["cold"])},\n"sources": {{\n' + ",\n".join(named) + '},\n"models": {\n'
    return head + ",\n".join(models) + "\n}}\n"


def unlisted(folder: Path) -> Iterator[list[sources.Score]]:
    """Mean scores of the matrices that the score file leaves out."""
    for matrix in load(folder):
        if matrix.name.rpartition("/")[2] in UNLISTED and matrix.part != "held":
            yield from (sources.averaged(part) for part in slices(matrix))


def reported(path: Path, matrices: Sequence[Matrix], shipped: str) -> str:
    """The report's file with what stands between its marks made anew."""
    text = path.read_text(encoding="utf-8") if path.exists() else f"# Training\n\n{BEGIN}\n{END}\n"
    before, mark, rest = text.partition(BEGIN)
    _, end, after = rest.partition(END)
    if not mark or not end:
        raise ConfigError(str(path), "", f"the marks {BEGIN} and {END} are not in it", "Put them where the report goes")
    return "\n".join([before + BEGIN, *_lines(matrices, shipped), END + after])


def _lines(matrices: Sequence[Matrix], shipped: str) -> Iterator[str]:
    yield f"\nSHA-256 of the weights: `{hashlib.sha256(shipped.encode()).hexdigest()}`; {len(shipped):,} bytes.\n"
    yield f"Cross-validated by problem ({FOLDS} folds): correlation of predicted and real difficulty of unseen rows.\n"
    yield "| matrix | licence | rows with text | models | correlation |"
    yield "|---|---|---|---|---|"
    splits = [list(folds(matrix, FOLDS)) for matrix in matrices]
    predicted = [np.zeros(len(matrix.queries)) for matrix in matrices]
    for number in range(FOLDS):
        parts = [split[min(number, len(split) - 1)] for split in splits]
        by = wording.parsed(train([lesson(matrix, part[0]) for matrix, part in zip(matrices, parts, strict=True)]))
        for matrix, part, told in zip(matrices, parts, predicted, strict=True):
            told[part[1]] = [wording.traits(wording.read(matrix.queries[row].text), by)[0] for row in part[1]]
    for matrix, told in zip(matrices, predicted, strict=True):
        rows = _worded(matrix)
        real = -np.nanmean(matrix.score[rows], axis=1)
        agreement = np.corrcoef(told[rows], real)[0, 1]
        licence = LICENSED[_folder(matrix)]
        yield f"| {matrix.name} | {licence} | {rows.size:,} | {len(matrix.models)} | {agreement:.2f} |"
    yield ""


def _worded(matrix: Matrix) -> Rows:
    return np.array([row for row, query in enumerate(matrix.queries) if query.text.strip()], dtype=np.intp)
