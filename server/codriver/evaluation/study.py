"""One slice of a matrix put to the test: every predictor cross-validated, every measure that its outcomes allow."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace

import numpy as np

from codriver.errors import CodriverError
from codriver.evaluation import policies, spending
from codriver.evaluation.aims import aim
from codriver.evaluation.codeless import codeless
from codriver.evaluation.folds import numbers
from codriver.evaluation.matrix import Floats, Matrix, Rows
from codriver.evaluation.measures import KNOWN, ORACLE, OURS, Line, Measure, Settings, correlation, recovered
from codriver.evaluation.predictor import Predictor
from codriver.evaluation.resampling import estimate, weights
from codriver.evaluation.slicing import comparable


@dataclass(frozen=True, slots=True, eq=False)
class Prediction:
    """Out of fold: what was expected of each model on each query, and how hard each query was thought to be."""

    quality: Floats
    hardness: Floats


@dataclass(frozen=True, slots=True)
class Page:
    """All that was found about one slice. pair: weak and strong model. singles: name, mean cost, mean score."""

    title: str
    queries: int
    models: int
    pair: tuple[str, str]
    measures: tuple[Measure, ...] = ()
    singles: tuple[tuple[str, float, float], ...] = ()
    lines: tuple[Line, ...] = ()
    axis: str = ""


def examine(matrix: Matrix, settings: Settings) -> Page:
    """Trains and measures; measures that a small or odd slice cannot bear are left out."""
    fold = numbers(matrix, settings.folds, settings.seed)
    subject = settings.subject()
    found = {OURS: crossed(subject, matrix, fold)}
    found |= {name: crossed(make(), matrix, fold) for name, make in settings.others.items()}
    if settings.ablate and (plain := codeless(matrix)) is not None:
        found["without code"] = crossed(subject, plain, fold)
    measures = [_hardness(matrix, found, fold, settings)]
    weak, strong = pair(matrix)
    if weak != strong:
        measures.append(_recovered(matrix, found, fold, settings))
        if settings.unseen:
            measures += _unseen(subject, matrix, found[OURS], fold, settings)
    two = (matrix.models[weak], matrix.models[strong])
    page = Page(matrix.title, len(matrix.queries), len(matrix.models), two)
    money = policies.priced(matrix)
    if money is not None and len(money.queries) >= 2 * settings.folds:
        qualities = {name: one.quality for name, one in found.items()}
        spent = spending.examine(matrix, money, qualities, found[OURS].hardness, fold, settings)
        page = replace(page, singles=spent.singles, lines=spent.lines, axis=spent.axis)
        measures += spent.measures
    return replace(page, measures=tuple(measures))


def crossed(predictor: Predictor, matrix: Matrix, fold: Rows, seen: Matrix | None = None) -> Prediction:
    """Fits on all folds but one and predicts that one, in turn. seen: what training sees, the matrix if not told.

    Raises CodriverError for a prediction that is no number: argmax would take it for the best.
    """
    found = Prediction(np.zeros(matrix.score.shape), np.zeros(len(matrix.queries)))
    for number in np.unique(fold):
        test = np.flatnonzero(fold == number)
        predictor.fit(seen or matrix, np.flatnonzero(fold != number))
        found.quality[test] = predictor.predict(matrix, test)
        found.hardness[test] = predictor.hardness(matrix, test)
    if not (np.isfinite(found.quality).all() and np.isfinite(found.hardness).all()):
        raise CodriverError(f"{predictor.name} predicts what is no number on {matrix.title}: nothing can be measured")
    return found


def pair(matrix: Matrix) -> tuple[int, int]:
    """The two models whose gap is to be recovered: those an aim names, else the cheapest (without costs the weakest)
    and the best of the comparable ones."""
    wanted = aim(matrix.name, "apgr")
    if wanted and {wanted.weak, wanted.strong} <= set(matrix.models):
        return matrix.models.index(wanted.weak), matrix.models.index(wanted.strong)
    money = policies.priced(matrix)
    alike = money if money is not None and len(money.queries) else comparable(matrix)
    scores = alike.score.mean(axis=0)
    weak, strong = int(np.argmin(alike.cost.mean(axis=0) if alike is money else scores)), int(np.argmax(scores))
    return matrix.models.index(alike.models[weak]), matrix.models.index(alike.models[strong])


def _hardness(matrix: Matrix, found: Mapping[str, Prediction], fold: Rows, settings: Settings) -> Measure:
    alike = comparable(matrix)
    rows = spending.rows_of(matrix, alike)
    truth, drawn = policies.difficulty(alike), weights(alike.queries, settings.samples, settings.seed)
    told = {name: correlation(one.hardness[rows], truth, _tests(fold[rows]), drawn) for name, one in found.items()}
    return Measure(matrix.title, "hardness", "correlation with real difficulty", told.pop(OURS), told)


def _recovered(matrix: Matrix, found: Mapping[str, Prediction], fold: Rows, settings: Settings) -> Measure:
    two = pair(matrix)
    weak, strong = (matrix.models[model] for model in two)
    told = {name: estimate(_apgr(matrix, two, gain(one, two), fold, settings)) for name, one in found.items()}
    if len(matrix.models) > 2:
        hard = policies.difficulty(matrix, two)
        told[KNOWN] = estimate(_apgr(matrix, two, hard, np.zeros_like(fold), settings))
    real = np.nan_to_num(matrix.score[:, two[1]] - matrix.score[:, two[0]])
    told[ORACLE] = estimate(_apgr(matrix, two, real, np.zeros_like(fold), settings))
    return Measure(matrix.title, "apgr", f"APGR {weak} -> {strong}", told.pop(OURS), told)


def gain(prediction: Prediction, two: tuple[int, int]) -> Floats:
    """What the second of two models is expected to score more than the first."""
    return np.asarray(prediction.quality[:, two[1]] - prediction.quality[:, two[0]])


def _apgr(matrix: Matrix, two: tuple[int, int], order: Floats, fold: Rows, settings: Settings) -> Floats:
    """In every sample of the rows that both models answered."""
    rows = np.flatnonzero(np.isfinite(matrix.score[:, two]).all(axis=1))
    drawn = weights([matrix.queries[row] for row in rows], settings.samples, settings.seed)
    weak, strong = (matrix.score[rows, model] for model in two)
    return recovered(order[rows], weak, strong, _tests(fold[rows]), drawn)


def _unseen(subject: Predictor, matrix: Matrix, full: Prediction, fold: Rows, settings: Settings) -> list[Measure]:
    """What it costs to know a model by nothing but its name: the APGR of a pair it belongs to, less that without.

    Only pairs of which something is recovered count: where nothing is, nothing can be lost.
    """
    lost = []
    for model, two in _left_out(matrix, settings.unseen):
        known = _apgr(matrix, two, gain(full, two), fold, settings)
        if estimate(known).low > 0.5:
            less = crossed(subject, matrix, fold, matrix.hiding(model))
            lost.append(known - _apgr(matrix, two, gain(less, two), fold, settings))
    together = np.array([values for values in lost if np.isfinite(values[0])])
    if not len(together):
        return []
    label = f"one model out, only its prior: APGR lost (mean of {len(together)})"
    counted = np.where(np.isfinite(together).all(axis=0), together.mean(axis=0), np.nan)
    return [Measure(matrix.title, "unseen", label, estimate(counted), rises=False)]


def _left_out(matrix: Matrix, most: int) -> list[tuple[int, tuple[int, int]]]:
    """Models to leave out in turn, and the pair each is measured in: with the best, the best with the pair's weak."""
    weak, strong = pair(matrix)
    alike = comparable(matrix)
    order = [matrix.models.index(alike.models[model]) for model in np.argsort(alike.score.mean(axis=0), kind="stable")]
    spread = [order[round(place)] for place in np.linspace(0, len(order) - 1, most)]
    chosen = list(dict.fromkeys([strong, *spread]))[:most]
    return [(model, (weak, strong) if model in {weak, strong} else (model, strong)) for model in chosen]


def _tests(fold: Rows) -> list[Rows]:
    return [np.flatnonzero(fold == number) for number in np.unique(fold)]
