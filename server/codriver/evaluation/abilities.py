"""Abilities of models from their public scores: one scale for all leaderboards, deviations by task family.

logit(score) = ability of the model - difficulty of the leaderboard, by alternating least squares, abilities drawn to
0 as by a prior. What a model does better or worse on one family's leaderboards than elsewhere is its deviation there.
"""

from __future__ import annotations

import gzip
import json
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from codriver.catalog.abilities import SIZE, billions, family, forms
from codriver.catalog.facts import FOLDER
from codriver.errors import ConfigError
from codriver.evaluation.matrix import Floats, Matrix

FAMILIES = {
    "aider": ("edit",), "aider:refactor": ("refactor",), "swe-bench": ("debug",), "swt-bench": ("test",),
    "commit0": ("generate",), "livecodebench-generate": ("generate",), "livecodebench-repair": ("debug",),
    "livecodebench-predict-test-output": ("test",), "evalperf": ("generate",), "gsm8k": ("math",), "math": ("math",),
    "mmlu": ("knowledge",), "gpqa": ("knowledge",), "human_eval": ("generate",), "mbpp": ("generate",),
}  # fmt: skip
"""What a leaderboard says something of, by the beginning of its source, or of its task after the last colon."""

DATES = {
    "openhands-index": "2026-06-30", "matrix:swebench_mini": "2025-12", "matrix:swebench_pro": "2025-11",
    "matrix:livecodebench": "2025-04", "matrix:evalperf": "2024-12", "matrix:llmrouter": "2024-12",
    "matrix:routellm": "2024-07", "matrix:routerbench": "2024-03", "matrix:routerarena": "2025-10",
    "matrix:terminal": "2025-09",
}  # fmt: skip
LEFT_OUT = ("matrix:openhands_index", "matrix:livecodebench_exec", "aider:architect")
"""Told better by another source, or not of one model."""

OPEN = {
    "aider": "Apache-2.0", "evalperf": "Apache-2.0", "llmrouter_mixed": "MIT", "routellm": "Apache-2.0",
    "routerarena": "Apache-2.0", "swebench_pro": "MIT",
}  # fmt: skip
CLOSED = {
    "swebench_mini": "CC BY-NC 4.0", "openhands-index": "none stated", "livecodebench": "none stated",
    "routerbench_part": "none stated", "terminal_bench": "none stated",
}  # fmt: skip
"""Licences of what scores are from, by how their citations begin. Of closed ones only the published means are cited,
which are facts, with source and date; no row and no text."""

SAME = {
    "openhands-index swe-bench": "swe-bench-verified",
    "matrix:swebench_mini swe-bench-verified": "swe-bench-verified",
}
"""Leaderboards of the same tasks, whose difficulty is one: they tie the models of two years together."""

TELLING = {
    "swe-bench-verified": 4.0, "openhands-index swt-bench": 2.0, "aider:polyglot": 2.0, "openhands-index": 1.0,
    "matrix:livecodebench livecodebench-generate": 1.0, "matrix:swebench_pro": 0.3, "matrix:livecodebench_": 0.3,
    "matrix:llmrouter": 0.15, "aider:": 0.7,
}  # fmt: skip
"""How much a leaderboard counts, by the beginning of its name: agents' work more than short answers; 0.5 if unnamed."""

FIRM, FIRM_FAMILY = 0.1, 2.0
"""Leaderboards that the prior counts as much as: of an ability, and of a deviation."""
ROUNDS = 60
SCALE = (0.83, 0.85)
"""Where the abilities' mean lies on the catalog's scale, and how long a deviation is there: by least squares over the
skills that stood there by hand (correlation 0.93 over 25 models)."""
NEAR = 0.6
"""How much of its family's distance a newcomer is given, for a family of many."""


@dataclass(frozen=True, slots=True)
class Score:
    """One model on one leaderboard."""

    model: str
    board: str
    family: str
    logit: float
    weight: float
    cited: str


def scores(path: Path) -> list[Score]:
    """The rows of a task_scores file that say something of one model. Raises ConfigError."""
    try:
        with gzip.open(path, "rt", encoding="utf-8") as file:
            rows = [json.loads(line) for line in file]
    except (OSError, ValueError, EOFError) as error:
        raise ConfigError(str(path), "", f"cannot be read ({error})", "It comes with the outcome matrices") from error
    return [found for row in rows if (found := _score(row)) is not None]


def _score(row: Mapping[str, Any]) -> Score | None:
    source, model, score = str(row["source"]), str(row["model"]), row.get("score")
    if source.startswith(LEFT_OUT) or score is None or " + " in model or model.endswith("@paper"):
        return None
    task = str(row["task"]).rpartition(":")[2]
    board = f"{source} {task} {row.get('slice', '')}".strip()
    board = SAME.get(board, board)
    telling = next((weight for key, weight in TELLING.items() if board.startswith(key)), 0.5)
    kinds = next((kinds for key, kinds in FAMILIES.items() if source.startswith(key) or task.startswith(key)), ("",))
    many = float(row.get("n") or 50)
    share = (float(score) * many + 0.5) / (many + 1)
    day = str(row.get("date") or next((date for key, date in DATES.items() if source.startswith(key)), ""))
    return Score(
        forms(model)[-1], board, kinds[0], math.log(share / (1 - share)), telling * min(1.0, many / 100),
        f"{source.removeprefix('matrix:')} {task} {float(score):.3f} ({day})",
    )  # fmt: skip


def licence(cited: str) -> str:
    """Of the source that a citation begins with; "none stated" for one that nothing is known of."""
    licences = OPEN | CLOSED
    return next((licences[source] for source in licences if cited.startswith(source)), "none stated")


def is_open(score: Score) -> bool:
    """Whether its source's licence allows any use."""
    return score.cited.startswith(tuple(OPEN))


def averaged(matrix: Matrix) -> list[Score]:
    """The models' mean scores in a matrix that no score file tells of."""
    found = []
    for model, scores in zip(matrix.models, matrix.score.T, strict=True):
        known = scores[np.isfinite(scores)]
        if known.size:
            row = {"source": f"matrix:{matrix.name}", "model": model, "task": matrix.name.rpartition("/")[2]}
            told = _score(row | {"n": int(known.size), "score": round(float(known.mean()), 4)})
            found += [told] if told is not None else []
    return found


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


def document(found: Sequence[Score], folder: Path = FOLDER) -> dict[str, Any]:
    """The text of abilities.json as an object: models with skills and sources, the sources' licences, and the rule for
    other models."""
    general, rest = fitted(found)
    start, length = SCALE
    models: dict[str, Any] = {}
    for name in sorted(general):
        mine = [(score, beside) for score, beside in zip(found, rest, strict=True) if score.model == name]
        skill = {"": round(start + length * general[name], 2)}
        for kind in sorted({score.family for score, _ in mine} - {""}):
            own = [(beside, score.weight) for score, beside in mine if score.family == kind]
            total = sum(weight for _, weight in own)
            deviation = sum(beside * weight for beside, weight in own) / (total + FIRM_FAMILY)
            skill[kind] = round(skill[""] + length * deviation, 2)
        models[name] = {"skill": skill, "from": sorted({score.cited for score, _ in mine})[:6]}
    licences = {source: licence(source) for source in sorted(OPEN | CLOSED) if _cites(found, source)}
    general_skills = {name: model["skill"][""] for name, model in models.items()}
    return {"cold": cold(general_skills, folder), "licences": licences, "models": models}


def _cites(found: Sequence[Score], source: str) -> bool:
    return any(score.cited.startswith(source) for score in found)


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
    beside: dict[str, list[float]] = {}
    for name, skill in skills.items():
        guess = _guess(name, told, by_price, by_size)
        if guess is not None:
            beside.setdefault(family(name), []).append(skill - guess)
    families = {
        line: round(NEAR * sum(each) / (len(each) + 1), 2) for line, each in sorted(beside.items()) if len(each) > 1
    }
    numbers = dict(zip(("start", "price", "window"), by_price.round(3).tolist(), strict=True))
    return numbers | dict(zip(("weights", "size"), by_size.round(3).tolist(), strict=True)) | {"families": families}


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
