"""Fits the local predictor's numbers on published code: `python tests/completion/fit.py` writes
server/codriver/syntax/predictor.toml. `local.py` measures them on other packages.
"""

from __future__ import annotations

import argparse
from bisect import bisect_right
from collections.abc import Sequence
from pathlib import Path

import masks
import numpy as np
from numpy.typing import NDArray

import codriver.syntax.predictor as predictor
from codriver.syntax.sightings import place_at
from codriver.syntax.signs import EDGES

FILE = Path(predictor.__file__).with_name("predictor.toml")
RIDGE = 3.0
ROUNDS = 30

Example = tuple[dict[str, float], bool]


def examples(languages: Sequence[str], files: int, each: int) -> list[Example]:
    """The signs of every proposal in the holes, and whether it was right."""
    found: list[Example] = []
    for language in languages:
        for mask in masks.masks(masks.published(language, held_out=False), language, files, each):
            place = place_at(mask.before, mask.after)
            if place is None:
                continue
            for proposal in predictor.proposals(place, mask.before, mask.after, mask.others):
                found.append((proposal.signs, proposal.line.strip() == mask.hidden[0].strip()))
    return found


def matrix(found: Sequence[Example]) -> NDArray[np.float64]:
    """One column per bin of each sign, and one of ones."""
    offsets, width = {}, 1
    for name, edges in EDGES.items():
        offsets[name] = width
        width += len(edges) + 1
    made = np.zeros((len(found), width))
    made[:, 0] = 1
    for row, (signs, _) in enumerate(found):
        for name, value in signs.items():
            made[row, offsets[name] + bisect_right(EDGES[name], value)] = 1
    return made


def fitted(x: NDArray[np.float64], y: NDArray[np.float64]) -> NDArray[np.float64]:
    """Weights of a logistic regression with a ridge, by Newton's method."""
    weights, ridge = np.zeros(x.shape[1]), np.full(x.shape[1], RIDGE)
    ridge[0] = 1e-3
    for _ in range(ROUNDS):
        p = 1 / (1 + np.exp(-x @ weights))
        gradient = x.T @ (y - p) - ridge * weights
        hessian = (x * (p * (1 - p))[:, None]).T @ x + np.diag(ridge)
        step = np.linalg.solve(hessian, gradient)
        weights += step
        if np.abs(step).max() < 1e-6:
            break
    return weights


def written(weights: NDArray[np.float64], holes: str) -> str:
    """The data file."""
    lines = [
        f"# Made by `python tests/completion/fit.py` from {holes}.",
        "# A weight for each bin of each sign of syntax/signs.py; their sum is the logit of being right.",
        "[weights]",
        f"constant = [{weights[0]:.3f}]",
    ]
    at = 1
    for name, edges in EDGES.items():
        row = ", ".join(f"{weight:.3f}" for weight in weights[at : at + len(edges) + 1])
        lines.append(f"{name} = [{row}]")
        at += len(edges) + 1
    return "\n".join(lines) + "\n"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--languages", nargs="*", default=masks.LANGUAGES)
    parser.add_argument("--files", type=int, default=250)
    parser.add_argument("--each", type=int, default=20)
    given = parser.parse_args()
    found = examples(given.languages, given.files, given.each)
    right = np.array([was for _, was in found], dtype=float)
    weights = fitted(matrix(found), right)
    FILE.write_text(written(weights, f"{len(found):,} proposals in {', '.join(given.languages)}"))
    print(f"{len(found)} proposals, {right.mean():.3f} right; written to {FILE}")


if __name__ == "__main__":
    main()
