"""Pages -> a table a person reads, and the same as JSON: ours with its interval, what stands beside it, the aim."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from codriver.evaluation.aims import Aim, aim
from codriver.evaluation.measures import BLIND, KNOWN, OURS, Measure
from codriver.evaluation.resampling import Estimate
from codriver.evaluation.study import Page

HEADINGS = ("matrix", "measure", OURS, "95%", "TF-IDF", "neighbours", "blind mix", "known", "floor", "aim", "met")
RIGHT = range(2, 10)
ABLATED = ("saved_98", "below_98", "hardness", "hardness_session", "apgr")
"""Measures that tell what a part of the whole contributes."""


def rows(pages: Sequence[Page], aimed: bool) -> Iterator[tuple[str, ...]]:
    """The table's rows, one a measure: those that an aim is stated for, or all others."""
    for page in pages:
        for measure in page.measures:
            wanted = aim(_name(page), measure.key)
            if (wanted is not None) == aimed:
                yield _row(measure, wanted)


def unmet(pages: Sequence[Page]) -> tuple[int, int]:
    """How many aims are met, and how many are stated for what was measured."""
    told = [_met(measure, aim(_name(page), measure.key)) for page in pages for measure in page.measures]
    return told.count("yes"), len([met for met in told if met])


def singles(pages: Sequence[Page]) -> Iterator[tuple[str, str, str, str]]:
    """The single models beside which every figure stands: matrix, name, mean score, mean cost."""
    for page in pages:
        for name, cost, score in page.singles:
            yield page.title, name, f"{score:.3f}", _money(cost)


def ablation(pages: Sequence[Page]) -> Iterator[tuple[str, ...]]:
    """Rows (matrix, measure, part, figure, interval): the whole, less code features, with session and verifier."""
    for page in pages:
        for measure in page.measures:
            parts = {name: each for name, each in measure.beside.items() if _part(name)}
            if measure.key in ABLATED and parts:
                for name, each in {"all" if "without code" in parts else "the text": measure.ours, **parts}.items():
                    yield page.title, measure.label, name, _figure(each.value, measure), _interval(each, measure)


def as_json(pages: Sequence[Page]) -> list[dict[str, Any]]:
    """Everything, as JSON values; what is unknown is null."""
    return [
        {
            "matrix": page.title,
            "queries": page.queries,
            "models": page.models,
            "pair": {"weak": page.pair[0], "strong": page.pair[1]},
            "singles": [{"name": name, "cost": cost, "score": score} for name, cost, score in page.singles],
            "measures": [_measure(measure, aim(_name(page), measure.key)) for measure in page.measures],
            "curves": [{"name": line.name, "x": line.x, "y": line.y} for line in page.lines],
        }
        for page in pages
    ]


def _measure(measure: Measure, wanted: Aim | None) -> dict[str, Any]:
    return {
        "measure": measure.key,
        "label": measure.label,
        "codriver": _numbers(measure.ours),
        "beside": {name: _numbers(each) for name, each in measure.beside.items()},
        "floor": wanted.floor if wanted else None,
        "rules": wanted.rules if wanted else None,
        "others": wanted.others if wanted else "",
        "aim": wanted.aim if wanted else None,
        "met": {"yes": True, "no": False}.get(_met(measure, wanted)),
    }


def _numbers(each: Estimate) -> dict[str, float | None]:
    named = {"value": each.value, "low": each.low, "high": each.high}
    return {name: None if math.isnan(value) else round(value, 6) for name, value in named.items()}


def _row(measure: Measure, wanted: Aim | None) -> tuple[str, ...]:
    def beside(told: Mapping[str, Estimate], name: str) -> str:
        return _figure(told[name].value, measure) if name in told else ""

    return (
        measure.matrix,
        measure.label,
        _figure(measure.ours.value, measure),
        _interval(measure.ours, measure),
        *(beside(measure.beside, name) for name in ("TF-IDF", "neighbours", BLIND, KNOWN)),
        _figure(wanted.floor, measure) if wanted and wanted.floor is not None else "",
        _figure(wanted.aim, measure) if wanted and wanted.aim is not None else "",
        _met(measure, wanted),
    )


def _met(measure: Measure, wanted: Aim | None) -> str:
    if wanted is None or wanted.aim is None or math.isnan(measure.ours.value):
        return ""
    return "yes" if (measure.ours.value >= wanted.aim) == measure.rises or measure.ours.value == wanted.aim else "no"


def _figure(value: float | None, measure: Measure) -> str:
    if value is None or math.isnan(value):
        return "-"
    return f"{value:.1%}" if measure.unit == "share" else f"{value:.3f}"


def _interval(each: Estimate, measure: Measure) -> str:
    return "" if math.isnan(each.low) else f"{_figure(each.low, measure)} to {_figure(each.high, measure)}"


def _money(cost: float) -> str:
    return f"${cost:.4f}" if cost >= 0.001 else f"${cost:.2g}"


def _name(page: Page) -> str:
    """A slice's name without the part that its files are, and without whom."""
    return page.title.partition(" (")[0].partition(" without ")[0]


def _part(name: str) -> bool:
    return name.startswith(("without ", "verifier ", "run ", "with ", "perfect "))
