"""The measures in money of one slice: every family of policies read at the same quality, beside the blind mix."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from codriver.evaluation import cascades, policies, session
from codriver.evaluation.matrix import Floats, Matrix, Rows
from codriver.evaluation.measures import (
    BLIND,
    CHECKED,
    KNOWN,
    LEVELS,
    ORACLE,
    OURS,
    WATCHED,
    Costs,
    Line,
    Measure,
    Settings,
    correlation,
    costs,
)
from codriver.evaluation.policies import Points
from codriver.evaluation.resampling import weights

ACCURACIES = (0.8, 0.9)
"""Areas under the ROC curve of the simulated verifiers."""


@dataclass(frozen=True, slots=True)
class Spent:
    """singles: name, mean cost and mean score of the single models, and of a lot, that stand beside every figure."""

    measures: list[Measure]
    singles: tuple[tuple[str, float, float], ...]
    lines: tuple[Line, ...]
    axis: str


def examine(
    matrix: Matrix, money: Matrix, found: Mapping[str, Floats], hardness: Floats, fold: Rows, settings: Settings
) -> Spent:
    """money: the priced part of the matrix. found: by predictor, out of fold, what it expects of every model.
    hardness: how hard ours thinks each query is."""
    rows = rows_of(matrix, money)
    columns = np.array([matrix.models.index(model) for model in money.models], dtype=np.intp)
    inner = fold[rows]
    splits = [(np.flatnonzero(inner != number), np.flatnonzero(inner == number)) for number in np.unique(inner)]
    expected = {name: quality[np.ix_(rows, columns)] for name, quality in found.items()}
    hard = hardness[rows]
    families = _families(money, expected, hard, splits)
    anchor = policies.singles(money).only([policies.best(money)])
    drawn = weights(money.queries, settings.samples, settings.seed)
    read = costs(anchor, families, drawn)
    measures = _measures(matrix.title, read)
    if session.known(money) and len(money.models) > 2:
        measures.append(_with_session(matrix.title, money, hard, splits, drawn))
    told = "dollars a task" if np.isfinite(matrix.cost).any() else "dollars a token"
    return Spent(measures, _singles(money), _lines(families), told)


def rows_of(matrix: Matrix, part: Matrix) -> Rows:
    """Which rows of a matrix a part of it holds."""
    place = {query.id: row for row, query in enumerate(matrix.queries)}
    return np.array([place[query.id] for query in part.queries], dtype=np.intp)


def verifier(accuracy: float) -> str:
    """A simulated verifier's name in the table."""
    return f"verifier {accuracy:g} (simulated)"


def _families(
    money: Matrix, expected: Mapping[str, Floats], hardness: Floats, splits: list[tuple[Rows, Rows]]
) -> dict[str, Points]:
    top = policies.best(money)
    target = float(money.score[:, top].mean())
    prices = policies.expected_costs(money, splits)
    families = {name: policies.routed(money, quality, prices) for name, quality in expected.items()}
    families |= {BLIND: policies.singles(money), ORACLE: policies.oracle(money)}
    if len(money.models) > 2:
        families[KNOWN] = families[BLIND].joined(*(policies.known(money, level * target) for level in LEVELS))
    for accuracy in ACCURACIES:
        families[verifier(accuracy)] = cascades.verified(money, accuracy, expected[OURS], splits)
    if (checked := cascades.perfect(money, top)) is not None:
        families[CHECKED] = checked
    if session.known(money):
        families[WATCHED] = session.watched(money, hardness, splits)
    return families


def _measures(title: str, read: Costs) -> list[Measure]:
    names = [name for name in read.of if name != OURS]
    told = [
        Measure(title, f"saved_{level * 100:.0f}", f"cost saved at {level:.0%} of the best single's score",
                read.saved(OURS, level), {name: read.saved(name, level) for name in names}, "share")
        for level in LEVELS
    ]  # fmt: skip
    told.append(
        Measure(title, "below_98", "cost below the hull, at 98%", read.below(OURS, BLIND, 0.98),
                {name: read.below(name, BLIND, 0.98) for name in names if name != BLIND}, "share")
    )  # fmt: skip
    if KNOWN in read.of:
        plain = [name for name in names if name not in {BLIND, KNOWN, ORACLE}]
        told.append(
            Measure(title, "share_98", "share of what knowing the difficulty saves beyond the hull, at 98%",
                    read.share(OURS, KNOWN, 0.98, BLIND),
                    {name: read.share(name, KNOWN, 0.98, BLIND) for name in plain}, "share")
        )  # fmt: skip
    if WATCHED in read.of:
        told.append(
            Measure(title, "live_98", "live run's calls and dollars, escalation (replayed): below the hull, at 98%",
                    read.below(WATCHED, BLIND, 0.98), {"without session": read.below(OURS, BLIND, 0.98)}, "share")
        )  # fmt: skip
    return told + (_verified(title, read) if CHECKED in read.of else [])


def _with_session(title: str, money: Matrix, guess: Floats, splits: list[tuple[Rows, Rows]], drawn: Floats) -> Measure:
    seen, truth = session.hardness(money, guess, splits)
    tests = [test for _, test in splits]
    return Measure(title, "hardness_session", "correlation with real difficulty, a cheap run seen (replayed)",
                   correlation(seen, truth, tests, drawn),
                   {"without session": correlation(guess, truth, tests, drawn)})  # fmt: skip


def _verified(title: str, read: Costs) -> list[Measure]:
    """The share of the perfect check's own saving: that check is never below the best single's quality."""
    return [
        Measure(title, f"verifier_{accuracy * 100:.0f}_{level * 100:.0f}",
                f"verifier of AUC {accuracy:g} (simulated): share of the perfect check's saving, at {level:.0%}",
                read.share(verifier(accuracy), CHECKED, level), unit="share")
        for accuracy in ACCURACIES
        for level in LEVELS[1:]
    ]  # fmt: skip


def _singles(matrix: Matrix) -> tuple[tuple[str, float, float], ...]:
    chosen = {"best single": policies.best(matrix), "best cheap single": policies.best_cheap(matrix)}
    told = [
        (f"{kind}: {matrix.models[model]}", float(matrix.cost[:, model].mean()), float(matrix.score[:, model].mean()))
        for kind, model in chosen.items()
        if model is not None
    ]
    mixed = policies.random_mix(matrix)
    return (*told, ("random mix", float(mixed.cost.mean()), float(mixed.score.mean())))


def _lines(families: Mapping[str, Points]) -> tuple[Line, ...]:
    drawn = [Line("single models", *_means(families[BLIND]))]
    return (*drawn, *(Line(name, *_means(policies.frontier(family))) for name, family in families.items()))


def _means(points: Points) -> tuple[tuple[float, ...], tuple[float, ...]]:
    return tuple(points.cost.mean(axis=1).tolist()), tuple(points.score.mean(axis=1).tolist())
