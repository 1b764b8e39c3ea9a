"""`eval`: is the routing right? Trains and cross-validates on outcome matrices, prints the table, draws the picture."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from codriver.cli.terminal import Complaint, dump, table

if TYPE_CHECKING:
    from collections.abc import Callable

    from codriver.evaluation.matrix import Matrix
    from codriver.evaluation.measures import Settings
    from codriver.evaluation.predictor import Predictor
    from codriver.evaluation.study import Page


def evaluate(
    folder: Annotated[Path, typer.Argument(help="Folder with queries.*.jsonl.gz and outcomes.*.jsonl.gz.")],
    frozen: Annotated[bool, typer.Option("--frozen", help="Measure the shipped weights; train nothing.")] = False,
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON: all figures, all curves.")] = False,
    matrix: Annotated[list[str] | None, typer.Option(help="Only this matrix or slice; may be repeated.")] = None,
    picture: Annotated[Path | None, typer.Option(help="Draw cost against quality into this SVG file.")] = None,
    folds: Annotated[int, typer.Option(help="Parts for cross-validation, by problem.", min=2, max=50)] = 5,
    seed: Annotated[int, typer.Option(help="Of folds and resampling.")] = 0,
    quick: Annotated[bool, typer.Option("--quick", help="Fewer resamples, no model left out.")] = False,
    workers: Annotated[int, typer.Option(help="Processes; 0 for one on each core.", min=0)] = 0,
) -> None:
    """Measure how well models are chosen, on outcomes of real models on real tasks."""
    try:
        from codriver.evaluation import report
        from codriver.evaluation.picture import draw
        from codriver.evaluation.running import chosen, run
    except ModuleNotFoundError as error:
        if error.name != "numpy":
            raise
        raise Complaint("eval needs numpy, which is not installed: python -m pip install numpy") from None
    found = chosen(folder, matrix or ())
    if not as_json:
        print(f"{len(found)} slices of {folder}", file=sys.stderr)
    pages = run(found, _settings(frozen, folds, seed, quick), workers, _progress)
    if not quick:
        pages += _clocked(found)
    if picture is not None:
        picture.write_text(draw(pages), encoding="utf-8")
    if as_json:
        dump({"frozen": frozen, "folds": folds, "seed": seed, "matrices": report.as_json(pages)})
    else:
        _print(pages, frozen, folds)


def _settings(frozen: bool, folds: int, seed: int, quick: bool) -> Settings:
    from codriver.evaluation import irt
    from codriver.evaluation.baselines import Nearest, Ridge
    from codriver.evaluation.measures import Settings

    others: dict[str, Callable[[], Predictor]] = {"TF-IDF": Ridge, "neighbours": Nearest}
    samples, unseen = (200, 0) if quick else (1000, 3)
    subject = irt.Frozen if frozen else irt.Codriver
    return Settings(subject, others, folds, seed, samples, 0 if frozen else unseen, ablate=not quick)


def _clocked(found: list[Matrix]) -> list[Page]:
    from codriver.evaluation.irt import Frozen
    from codriver.evaluation.timing import clocked

    page = clocked(Frozen(), found)
    return [page] if page else []


def _progress(title: str) -> None:
    if sys.stderr.isatty():
        print(f"measured {title}", file=sys.stderr)


def _print(pages: list[Page], frozen: bool, folds: int) -> None:
    from codriver.evaluation import report
    from codriver.evaluation.licences import LICENSED

    how = "shipped weights, nothing trained" if frozen else f"cross-validated by problem, {folds} folds"
    print(f"{how}; intervals: 95%, paired bootstrap by problem; baselines trained in the same run\n")
    if frozen:
        print("Figures hold for rows that the shipped weights never saw: on those they were trained on they flatter.")
        print(f"Trained on public rows of: {', '.join(sorted(LICENSED))}.\n")
    for told, aimed in (("measures with an aim\n", True), ("\nall other measures\n", False)):
        print(told)
        table(report.HEADINGS, list(report.rows(pages, aimed)), right=report.RIGHT)
    print("\nsingle models, and a lot\n")
    table(("matrix", "model", "score", "cost"), list(report.singles(pages)), right=(2, 3))
    print("\nablation: what each part brings\n")
    table(("matrix", "measure", "with", "figure", "95%"), list(report.ablation(pages)), right=(3,))
    met, stated = report.unmet(pages)
    print(
        f"\n{met} of {stated} aims met. Verifiers are simulated, live runs and cascades replayed from known outcomes."
    )
