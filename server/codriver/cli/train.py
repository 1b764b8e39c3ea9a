"""`codriver train`: the shipped numbers made anew from outcome matrices, and a report of how well they predict."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Annotated

import typer

from codriver.cli.terminal import Complaint


def train(
    folder: Annotated[Path, typer.Argument(help="Folder with outcome matrices, and priors/task_scores.jsonl.gz.")],
    out: Annotated[Path, typer.Option(help="File for the weights that read a wish's words.")],
    abilities: Annotated[Path | None, typer.Option(help="File for the models' abilities from public scores.")] = None,
    report: Annotated[Path | None, typer.Option(help="Markdown file; the report goes between its two marks.")] = None,
) -> None:
    """Make the shipped weights from outcomes of real models; the same data give the same bytes."""
    try:
        from codriver.evaluation import making
    except ModuleNotFoundError as error:
        if error.name != "numpy":
            raise
        raise Complaint("train needs numpy, which is not installed: python -m pip install numpy") from None
    matrices = making.licensed(folder)
    if not matrices:
        raise Complaint(f"none of the matrices in {folder} may be trained on: {', '.join(making.LICENSED)}", 2)
    weights = making.weights(matrices)
    out.write_text(weights, encoding="ascii")
    print(f"{out}: {len(weights):,} bytes from {len(matrices)} matrices", file=sys.stderr)
    if abilities is not None:
        told = making.abilities(folder)
        abilities.write_text(told, encoding="utf-8")
        print(f"{abilities}: {len(told):,} bytes", file=sys.stderr)
    if report is not None:
        report.write_text(making.reported(report, matrices, weights), encoding="utf-8")
        print(f"{report}: written", file=sys.stderr)
