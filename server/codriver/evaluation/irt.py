"""The item-response model: q = sigmoid(ability of the model . traits of the request), traits read from the text.

A matrix's scores are split into a few factors; of each, ridge regressions on several views of the text say how much
a request has of it (its traits: difficulty, and what parts one model from another). How a model's score follows the
traits is its ability, learnt from predictions for rows that the regressions had not seen.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from codriver.evaluation.baselines import means
from codriver.evaluation.folds import numbers
from codriver.evaluation.frozen import Frozen, sigmoid, skills
from codriver.evaluation.kernels import STEPS, Kernel, near, products, solved
from codriver.evaluation.matrix import Floats, Matrix, Query, Rows
from codriver.evaluation.texts import Sparse, beside, counted, filled, lettered, worded

__all__ = ["Codriver", "Frozen", "ridge"]

FACTORS = 12
"""At most. Few factors would be kinder to the eye, but what parts one pair of models is often the sixth or ninth."""
INNER = 3
"""Folds within the training rows, by which views are weighed and abilities learnt."""
PENALTIES, LARGE_PENALTY = (1.0, 4.0, 16.0), (6.0,)
"""Of which the best is taken on rows not seen; where rows are many, only the one that was best there."""
MOST_KERNEL, MOST_LETTERS = 5000, 1500
"""Rows up to which kernels are used, and up to which the view by letters is."""
COUNTED = 0.05
"""Length of a counted number's unit beside a text of length 1."""
FIRM = 30.0
"""Rows that the shared way in which abilities follow the factors counts as much as, against a model's own rows."""

STATED = 1.0
"""Models, a logit of skill from the mean, that the catalog's own scale counts as much as, for newcomers."""


@dataclass(frozen=True, slots=True, eq=False)
class Views:
    """What is read of a matrix's queries, once for all its folds: views as spaces, or as kernels where rows are few.

    Document frequencies and scales are those of all the queries; nothing is known of outcomes, sources, domains or
    named difficulties.
    """

    queries: tuple[Query, ...]
    spaces: tuple[Sparse, ...]
    kernels: tuple[Kernel, ...]


def views(queries: tuple[Query, ...]) -> Views:
    """All that is read of queries' texts and kinds."""
    texts = [query.text for query in queries]
    words, numbers = _weighed(worded(texts)), _scaled(counted(queries))
    if len(queries) > MOST_KERNEL:
        return Views(queries, (beside(words, filled(numbers * COUNTED)),), ())
    alike, counts = products(words), (numbers @ numbers.T).astype(np.float32)
    kernels = [alike + COUNTED**2 * counts, near(counts / max(1, numbers.shape[1]), 0.5), near(alike, 1.0)]
    if len(queries) <= MOST_LETTERS:
        letters = products(_weighed(lettered(texts)))
        kernels += [letters + COUNTED**2 * counts, near(letters + COUNTED**2 * counts, 1.0)]
    return Views(queries, (), tuple(kernels))


def _weighed(view: Sparse) -> Sparse:
    """TF-IDF, rows of length 1."""
    frequency = np.bincount(view.column, minlength=view.columns)
    return view.scaled(np.log((1 + view.rows) / (1 + frequency)) + 1)


def _scaled(counts: Floats) -> Floats:
    spread = counts.std(axis=0)
    kept = spread > 1e-9
    return np.asarray(np.clip((counts[:, kept] - counts[:, kept].mean(axis=0)) / spread[kept], -4.0, 4.0))


class Codriver:
    """The predictor: learns factors, traits and abilities from the rows it is given."""

    name = "codriver"

    def __init__(self) -> None:
        self._views: Views | None = None

    def fit(self, matrix: Matrix, rows: Rows) -> None:
        """Learns from the outcomes of these rows."""
        seen = self._seen(matrix)
        self._means = means(matrix, rows)
        scores = matrix.score[rows]
        factors = _factors(scores - self._means)
        wanted = _wanted(scores - self._means, factors)
        fold = numbers(matrix.take(rows), 2 if rows.size > MOST_KERNEL else INNER, seed=1)
        self._regressions: list[_Regression] = [_by_space(space, rows, wanted, fold) for space in seen.spaces]
        self._regressions += [_by_kernel(kernel, rows, wanted, fold) for kernel in seen.kernels]
        told = np.stack([each.unseen for each in self._regressions], axis=2)
        self._shares = np.stack([_shares(told[:, k], wanted[:, k]) for k in range(wanted.shape[1])])
        traits = np.einsum("nkv,kv->nk", told, self._shares)
        self._traits = _Traits.of(traits)
        self._abilities = _abilities(self._traits.of_rows(traits), scores, factors, self._traits)
        known = np.asarray(np.isfinite(scores).any(axis=0))
        if not known.all():
            self._abilities[~known] = _newcomers(self._abilities[known], skills(matrix), known)

    def predict(self, matrix: Matrix, rows: Rows) -> Floats:
        """Expected scores, rows x models."""
        traits = self._traits.of_rows(self._read(matrix, rows))
        return sigmoid(self._abilities[:, 0] + traits @ self._abilities[:, 1:].T)

    def hardness(self, matrix: Matrix, rows: Rows) -> Floats:
        """What is missing to a full score, over all models."""
        return np.asarray(1.0 - self.predict(matrix, rows).mean(axis=1))

    def _read(self, matrix: Matrix, rows: Rows) -> Floats:
        self._seen(matrix)
        told = np.stack([each.on(rows) for each in self._regressions], axis=2)
        return np.asarray(np.einsum("nkv,kv->nk", told, self._shares))

    def _seen(self, matrix: Matrix) -> Views:
        if self._views is None or self._views.queries is not matrix.queries:
            self._views = views(matrix.queries)
        return self._views


@dataclass(frozen=True, slots=True)
class _Traits:
    """Traits on one scale: mean 0, deviation 1 over the training rows."""

    middle: Floats
    spread: Floats

    @classmethod
    def of(cls, traits: Floats) -> _Traits:
        return cls(traits.mean(axis=0), traits.std(axis=0) + 1e-9)

    def of_rows(self, traits: Floats) -> Floats:
        return np.asarray(np.clip((traits - self.middle) / self.spread, -4.0, 4.0))


@dataclass(frozen=True, slots=True, eq=False)
class _Regression:
    """Ridge of all factors on one view. unseen: its predictions for each training row by those of other folds."""

    on: Callable[[Rows], Floats]
    unseen: Floats


def _factors(residuals: Floats) -> Floats:
    """Directions in which models' scores move together, models x factors, the strongest first; unknown counts 0."""
    known = np.where(np.isfinite(residuals), residuals, 0.0)
    _, _, directions = np.linalg.svd(known, full_matrices=False)
    return np.asarray(directions[:FACTORS].T)


def _wanted(residuals: Floats, factors: Floats) -> Floats:
    """How much of each factor a row has: least squares over the models known for it, a little towards 0."""
    known = np.isfinite(residuals)
    filled_in = np.where(known, residuals, 0.0)
    if known.all():
        return filled_in @ factors
    gram = np.einsum("nm,mk,ml->nkl", known.astype(np.float64), factors, factors)
    gram += 0.1 * np.eye(factors.shape[1])
    return np.asarray(np.linalg.solve(gram, (filled_in @ factors)[:, :, None])[:, :, 0])


def _by_space(space: Sparse, rows: Rows, wanted: Floats, fold: Rows) -> _Regression:
    trained = space.take(rows)

    def unseen(inside: Rows, outside: Rows, targets: Floats, penalties: Floats) -> Floats:
        return trained.take(outside).times(ridge(trained.take(inside), targets, penalties))

    told, penalties, middle = _tried(unseen, wanted, fold)
    slopes = ridge(trained, wanted - middle, penalties)
    return _Regression(lambda asked: space.take(asked).times(slopes) + middle, told)


def _by_kernel(kernel: Kernel, rows: Rows, wanted: Floats, fold: Rows) -> _Regression:
    trained = kernel[np.ix_(rows, rows)]

    def unseen(inside: Rows, outside: Rows, targets: Floats, penalties: Floats) -> Floats:
        return trained[np.ix_(outside, inside)] @ solved(trained[np.ix_(inside, inside)], targets, penalties)

    told, penalties, middle = _tried(unseen, wanted, fold)
    weights = solved(trained, wanted - middle, penalties)
    return _Regression(lambda asked: kernel[np.ix_(asked, rows)] @ weights + middle, told)


def _tried(
    unseen: Callable[[Rows, Rows, Floats, Floats], Floats], wanted: Floats, fold: Rows
) -> tuple[Floats, Floats, Floats]:
    """Predictions for rows a regression had not seen, with each factor's best penalty; the penalties; the means."""
    middle = wanted.mean(axis=0)
    factors = wanted.shape[1]
    tried = LARGE_PENALTY if len(wanted) > MOST_KERNEL else PENALTIES
    penalties = np.tile(tried, factors)
    targets = np.repeat(wanted - middle, len(tried), axis=1)
    told = np.zeros_like(targets)
    for number in range(int(fold.max()) + 1):
        inside, outside = np.flatnonzero(fold != number), np.flatnonzero(fold == number)
        told[outside] = unseen(inside, outside, targets[inside], penalties)
    missed = ((told - targets) ** 2).sum(axis=0).reshape(factors, -1)
    best = missed.argmin(axis=1) + np.arange(factors) * len(tried)
    return told[:, best] + middle, penalties[best], middle


def ridge(space: Sparse, wanted: Floats, penalties: Floats) -> Floats:
    """Slopes, columns x k, that explain `wanted` (rows x k), each with its penalty, by conjugate gradients."""
    rest = space.across(wanted)
    slopes, way, size = np.zeros_like(rest), rest.copy(), (rest * rest).sum(axis=0)
    first = size.copy()
    for _ in range(STEPS):
        bent = space.across(space.times(way)) + penalties * way
        step = size / np.maximum((way * bent).sum(axis=0), 1e-30)
        slopes += step * way
        rest -= step * bent
        size, before = (rest * rest).sum(axis=0), size
        if (size <= 1e-8 * first).all():
            break
        way = rest + size / np.maximum(before, 1e-30) * way
    return slopes


def _shares(told: Floats, wanted: Floats) -> Floats:
    """How much each view is believed: least squares on unseen rows without negative shares, drawn to equal ones."""
    count = told.shape[1]
    centred, aim = told - told.mean(axis=0), wanted - wanted.mean()
    gram = centred.T @ centred
    draw = 0.1 * np.trace(gram) / count + 1e-9
    gram += draw * np.eye(count)
    moment = centred.T @ aim + draw / count
    shares = np.full(count, 1.0 / count)
    for _ in range(200):
        for view in range(count):
            others = gram[view] @ shares - gram[view, view] * shares[view]
            shares[view] = max(0.0, (moment[view] - others) / gram[view, view])
    return shares


def _abilities(traits: Floats, scores: Floats, factors: Floats, scale: _Traits) -> Floats:
    """Each model's ability, models x (1 + factors): logistic regression of its scores on the traits.

    The slopes are drawn to what the factors imply, since a factor is the same for all models.
    """
    known = np.isfinite(scores)
    filled_in = np.where(known, scores, 0.5)
    overall = np.clip(means_of(filled_in, known), 0.02, 0.98)
    implied = factors * scale.spread / (overall * (1 - overall))[:, None]
    abilities = np.concatenate([np.log(overall / (1 - overall))[:, None], implied], axis=1)
    design = np.concatenate([np.ones((len(traits), 1)), traits], axis=1)
    for model in range(scores.shape[1]):
        rows = np.flatnonzero(known[:, model])
        if rows.size:
            abilities[model] = _logistic(design[rows], filled_in[rows, model], abilities[model])
    return abilities


def _newcomers(abilities: Floats, skill: Floats, known: NDArray[np.bool_]) -> Floats:
    """Abilities of models without any outcome, by how abilities of the others here go with their public skills.

    Where few are known, a logit of skill is taken for one of ability, which is what the catalog's scale means.
    """
    middle = skill[known].mean()
    beside = (skill[known] - middle)[:, None]
    stated = np.zeros((1, abilities.shape[1]))
    stated[0, 0] = 1.0
    slopes = (beside.T @ abilities + STATED * stated) / ((beside**2).sum() + STATED)
    return np.asarray(abilities.mean(axis=0) + (skill[~known] - middle)[:, None] @ slopes)


def _logistic(design: Floats, wanted: Floats, prior: Floats) -> Floats:
    """Logistic regression by Newton's steps, drawn to `prior` as by FIRM rows."""
    weights = prior.copy()
    draw = np.diag([0.5] + [FIRM / 4.0] * (len(prior) - 1))
    for _ in range(12):
        expected = sigmoid(design @ weights)
        slope = design.T @ (wanted - expected) - draw @ (weights - prior)
        bend = (design * (expected * (1 - expected))[:, None]).T @ design + draw
        step = np.linalg.solve(bend, slope)
        weights = weights + np.clip(step, -2.0, 2.0)
        if np.abs(step).max() < 1e-6:
            break
    return weights


def means_of(scores: Floats, known: Floats) -> Floats:
    """Each column's mean over its known cells; the mean of all where it has none."""
    total = np.where(known, scores, 0.0).sum(axis=0)
    counts = known.sum(axis=0)
    overall = total.sum() / max(1, counts.sum())
    return np.asarray(np.where(counts > 0, total / np.maximum(1, counts), overall))
