"""What the table should show: the aim of each measure and what others reach, from `aims.toml`."""

from __future__ import annotations

import tomllib
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any


@dataclass(frozen=True, slots=True)
class Aim:
    """One line of aims.toml. floor: plain TF-IDF; rules: a rule-based scorer; others: published, in words."""

    measure: str
    matrices: tuple[str, ...] = ()
    """Names of slices; none for every one."""
    weak: str = ""
    strong: str = ""
    floor: float | None = None
    rules: float | None = None
    others: str = ""
    aim: float | None = None


@dataclass(frozen=True, slots=True)
class Doubt:
    """A model whose results may not be what they seem: slices are measured without it, too."""

    matrix: str
    model: str
    why: str


@cache
def doubts() -> tuple[Doubt, ...]:
    """All of them."""
    return tuple(Doubt(**row) for row in _tables()["doubt"])


@cache
def aims() -> tuple[Aim, ...]:
    """All of them."""
    return tuple(Aim(**{**row, "matrices": tuple(row.get("matrices", ()))}) for row in _tables()["aim"])


def _tables() -> dict[str, Any]:
    return tomllib.loads((Path(__file__).parent / "aims.toml").read_text(encoding="utf-8"))


def aim(matrix: str, measure: str) -> Aim | None:
    """The aim of a measure on a slice of this name; one stated for every matrix if there is no other."""
    fitting = [aim for aim in aims() if aim.measure == measure and (not aim.matrices or matrix in aim.matrices)]
    return max(fitting, key=lambda aim: len(aim.matrices), default=None)
