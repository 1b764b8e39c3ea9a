"""Abilities of models from their public scores: one scale for all leaderboards, deviations by task family.

logit(score) = ability of the model - difficulty of the leaderboard, by alternating least squares, abilities drawn to
0 as by a prior. What a model does better or worse on one family's leaderboards than elsewhere is its deviation there.
"""

from __future__ import annotations

import json
import math
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np

from codriver.catalog.abilities import SIZE, billions, family, forms, predecessor, version
from codriver.catalog.facts import FOLDER
from codriver.evaluation.matrix import Floats
from codriver.evaluation.sources import Score, described

FIRM, FIRM_FAMILY = 0.1, 2.0
"""Leaderboards that the prior counts as much as: of an ability, and of a deviation."""
ROUNDS = 60
SCALE = (1.03, 0.73)
"""Where the abilities' mean lies on the catalog's scale, and how long a deviation is there: by least squares over the
tiers that the shipped tables give to measured models, at 0.7, 1.8 and 2.8 (correlation 0.79 over 17 models)."""
NEAR = 0.6
"""How much of its family's distance a newcomer is given, for a family of many."""


def fitted(found: Sequence[Score]) -> tuple[dict[str, float], list[float]]:
    """General abilities in deviations, and what each score lies beside them, in the order given."""
    models = {name: place for place, name in enumerate(sorted({score.model for score in found}))}
    boards = {name: place for place, name in enumerate(sorted({score.board for score in found}))}
    who = np.array([models[score.model] for score in found])
    where = np.array([boards[score.board] for score in found])
    logit, weight = np.array([score.logit for score in found]), np.array([score.weight for score in found])
    able, hard = np.zeros(len(models)), np.zeros(len(boards))
    for _ in range(ROUNDS):
        hard = np.bincount(where, weight * (able[who] - logit)) / np.bincount(where, weight)
        able = np.bincount(who, weight * (logit + hard[where])) / (np.bincount(who, weight) + FIRM)
    rest = logit + hard[where] - able[who]
    middle, spread = float(able.mean()), float(able.std()) or 1.0
    return {name: (float(able[place]) - middle) / spread for name, place in models.items()}, (rest / spread).tolist()


def document(scores: Sequence[Score], folder: Path = FOLDER) -> dict[str, Any]:
    """The text of abilities.json as an object: models with skills and sources, the sources' licences, and the rule for
    other models."""
    found = shared(scores)
    general, rest = fitted(found)
    start, length = SCALE
    prices = known(folder)
    models: dict[str, Any] = {}
    for name in sorted(general):
        mine = [(score, beside) for score, beside in zip(found, rest, strict=True) if score.model == name]
        skill = {"": round(start + length * general[name], 2)}
        for kind in sorted({score.family for score, _ in mine} - {""}):
            own = [(beside, score.weight) for score, beside in mine if score.family == kind]
            total = sum(weight for _, weight in own)
            deviation = sum(beside * weight for beside, weight in own) / (total + FIRM_FAMILY)
            skill[kind] = round(skill[""] + length * deviation, 2)
        models[name] = {"skill": skill, "from": sorted({score.cited for score, _ in mine})}
        if name in prices and version(name) is not None:
            models[name]["price"] = round(prices[name][0], 3)
    general_skills = {name: model["skill"][""] for name, model in models.items()}
    return {"cold": cold(general_skills, folder), "sources": described(), "models": models}


def shared(found: Sequence[Score]) -> list[Score]:
    """A model that was asked in several ways on one leaderboard counts there once: the same tasks are no new ones."""
    times = Counter((score.model, score.board) for score in found)
    return [replace(score, weight=score.weight / times[score.model, score.board]) for score in found]


def cold(skills: Mapping[str, float], folder: Path = FOLDER) -> dict[str, Any]:
    """The rule for models without scores, by least squares over those with: see `catalog.abilities.Cold`."""
    told = known(folder)
    priced = [
        (skill, 1.0, math.log10(price), math.log2(window / 128_000))
        for name, skill in skills.items()
        for price, window in ([told[name]] if name in told else [])
    ]
    sizes = [(skill, 1.0, math.log10(size)) for name, skill in skills.items() if (size := _size(name)) is not None]
    by_price, by_size = _lined(priced, (1e-6, 1.0, 4.0)), _lined(sizes, (1e-6, 1.0))
    step = _lined(_steps(skills, told), (1e-6, 1.0))
    beside: dict[str, list[float]] = {}
    for name, skill in skills.items():
        guess = _guess(name, told, by_price, by_size)
        if guess is not None:
            beside.setdefault(family(name), []).append(skill - guess)
    families = {
        line: round(NEAR * sum(each) / (len(each) + 1), 2) for line, each in sorted(beside.items()) if len(each) > 1
    }
    numbers = dict(zip(("start", "price", "window"), by_price.round(3).tolist(), strict=True))
    numbers |= dict(zip(("weights", "size"), by_size.round(3).tolist(), strict=True))
    return numbers | dict(zip(("step", "dearer"), step.round(3).tolist(), strict=True)) | {"families": families}


def _steps(skills: Mapping[str, float], told: Mapping[str, tuple[float, int]]) -> list[tuple[float, ...]]:
    """What each measured model gained on the one before it, and how much dearer it is."""
    among = tuple(sorted(name for name in skills if name in told))
    pairs = [(name, before) for name in among if (before := predecessor(name, among))]
    return [(skills[name] - skills[before], 1.0, math.log10(told[name][0] / told[before][0])) for name, before in pairs]


def _lined(rows: Sequence[tuple[float, ...]], draws: tuple[float, ...]) -> Floats:
    """A line by least squares through rows of (wanted, what it goes by), each slope drawn to 0 by its draw."""
    table = np.array(rows).reshape(-1, 1 + len(draws))
    wanted, design = table[:, 0], table[:, 1:]
    return np.asarray(np.linalg.solve(design.T @ design + np.diag(draws), design.T @ wanted))


def _guess(name: str, told: Mapping[str, tuple[float, int]], by_price: Floats, by_size: Floats) -> float | None:
    if name in told:
        price, window = told[name]
        return float(by_price @ [1.0, math.log10(price), math.log2(window / 128_000)])
    size = _size(name)
    return None if size is None else float(by_size @ [1.0, math.log10(size)])


def _size(name: str) -> float | None:
    found = SIZE.search(name)
    return billions(found) if found else None


def known(folder: Path = FOLDER) -> dict[str, tuple[float, int]]:
    """Output price (USD per million tokens) and window by plain name, from the price tables; the dearest seller's."""
    found: dict[str, tuple[float, int]] = {}
    for path in sorted(folder.glob("*.json")):
        for name, model in json.loads(path.read_text(encoding="utf-8"))["models"].items():
            price, window = (model.get("price") or {}).get("output", 0.0), model.get("window") or 128_000
            if price > 0:
                for form in forms(name)[-1:]:
                    found[form] = max(found.get(form, (0.0, 0)), (float(price), int(window)))
    return found
