"""What speaks for and against a proposal, as numbers, and the probability that they add up to.

Each sign falls into one of a few bins, each bin has a weight, and the weights of a proposal's bins are added: a
logistic regression, fitted on published code (`predictor.toml` holds the numbers, and says how they were made).
"""

from __future__ import annotations

import math
import re
import tomllib
from bisect import bisect_right
from collections.abc import Mapping, Sequence
from functools import cache
from importlib import resources

from codriver.syntax.sightings import WORD, Place, Sighting, counted, lines_above

_BRACKET = re.compile(rb"[][(){}]")

NEARBY = 3_000
"""Bytes above the cursor whose words count as being in use."""
HEADER = 12
"""Lines above in which the line is looked for that a block stands under."""

EDGES: Mapping[str, tuple[float, ...]] = {
    "tokens": (2, 3, 4, 5, 6, 8, 11),
    "tokens_inside": (1, 2, 3, 4, 5, 6, 8),
    "lines": (1, 2, 3, 4),
    "lines_blank": (0, 1, 2, 3, 4),
    "agreeing": (2, 3, 4, 6, 9, 14),
    "share": (0.2, 0.35, 0.5, 0.65, 0.8, 0.9, 0.999),
    "rivals": (1, 2, 3, 5, 8, 16),
    "length": (2, 3, 4, 5, 6, 8, 10, 13, 18),
    "length_blank": (0, 2, 3, 5, 8, 13),
    "below": (0, 1, 2),
    "below_lines": (0, 1, 2, 3, 4, 5),
    "nearby": (0.01, 0.3, 0.5, 0.7, 0.85, 0.999),
    "nearby_renamed": (0, 0.01, 0.5, 0.85, 0.999),
    "double": (1,),
    "distance": (5, 7, 9, 10, 11, 12, 13, 15, 17, 40),
    "header": (0, 1, 2),
    "indent": (1,),
    "ends": (1, 2, 3, 4, 5),
    "renamed": (1, 2, 3, 4),
    "renamed_tokens": (0, 3, 4, 5, 7, 10),
    "balanced": (1, 2),
    "texts": (1, 2),
    "alone": (0, 1, 2),
}
"""Where each sign's bins begin; the first one has all that is less."""


def signs(group: Sequence[Sighting], share: float, rivals: int, place: Place, before: bytes) -> dict[str, float]:
    """The signs of a proposal. group: the sightings that agree on it, the most alike first; share: theirs of the weight
    of all; rivals: how many there are that do not agree."""
    best = group[0]
    line, source = best.line, best.source
    start = source.rfind(b"\n", 0, best.at) + 1
    blank = not place.typed
    below = _below(best, place)
    nearby = _nearby(line, place, before)
    length = counted(line)
    same = len(source[start : best.at]) - len(source[start : best.at].lstrip(b" \t"))
    return {
        "tokens": best.tokens if best.whole else -1,
        "tokens_inside": -1 if best.whole else best.tokens,
        "lines": -1 if blank else best.lines,
        "lines_blank": best.lines if blank else -1,
        "agreeing": len(group),
        "share": share,
        "rivals": rivals,
        "length": length,
        "length_blank": length if blank else -1,
        "below": below,
        "below_lines": best.lines if below == 1 else -1,
        "nearby": nearby,
        "nearby_renamed": nearby if best.renamed else -1,
        "double": _double(place, line),
        "distance": _distance(best, place),
        "header": _header(best, place, start, same, before),
        "indent": same == len(place.indent),
        "ends": _ends(place.typed),
        "renamed": best.renamed,
        "renamed_tokens": best.tokens if best.renamed else -1,
        "balanced": _balanced(place.typed + line + place.rest),
        "texts": len({id(sighting.source) for sighting in group[:6]}),
        "alone": -1 if rivals else len(group),
    }


def probability(found: Mapping[str, float]) -> float:
    """That the proposal is right to the line's last character."""
    weights = _weights()
    told = (weights[name][bisect_right(EDGES[name], value)] for name, value in found.items())
    score = weights["constant"][0] + sum(told)
    return 1 / (1 + math.exp(-score))


@cache
def _weights() -> Mapping[str, Sequence[float]]:
    file = resources.files("codriver") / "syntax" / "predictor.toml"
    weights: dict[str, list[float]] = tomllib.loads(file.read_text("utf-8"))["weights"]
    return weights


def _below(best: Sighting, place: Place) -> int:
    """Whether the line below there is the one below here: 1, 2 where it is not, -1 where nothing is below here."""
    if not place.following:
        return -1
    end = best.source.find(b"\n", best.at)
    theirs = best.source[end : end + 400].lstrip().split(b"\n", 1)[0].rstrip() if end >= 0 else b""
    return 1 if theirs == place.following else 2


def _distance(best: Sighting, place: Place) -> float:
    """Binary digits of the bytes to it, where it is above; more than any where it is below, and in another text."""
    if not best.here:
        return 41
    above = len(place.history) - best.at
    return math.log2(1 + above) if best.source is place.history else 39


def _nearby(line: bytes, place: Place, before: bytes) -> float:
    """The share of the line's words that are in use around the cursor."""
    words = set(WORD.findall(line))
    if not words:
        return 1.0
    near = before[-NEARBY:]
    return sum(word in near or word in place.following for word in words) / len(words)


def _double(place: Place, line: bytes) -> float:
    whole = (place.typed + line).strip()
    return float(any(whole == above for _, above in place.above))


def _header(best: Sighting, place: Place, start: int, indent: int, before: bytes) -> int:
    """Whether the line that the block stands under is the same: 1; 2 where not; -1 where none is near here."""
    ours = _over(before, len(before) - len(place.typed) - len(place.indent), len(place.indent))
    if ours is None:
        return -1
    return 1 if ours == _over(best.source, start, indent) else 2


def _over(text: bytes, start: int, indent: int) -> bytes | None:
    return next((line for depth, line in lines_above(text, start, HEADER) if depth < indent), None)


def _ends(typed: bytes) -> int:
    """What the cursor stands behind: nothing, a space, a letter, a dot, a bracket, something else."""
    if not typed:
        return 0
    last = typed[-1:]
    if last.isspace():
        return 1
    return 2 if WORD.match(last) else 3 if last == b"." else 4 if last in b"([{" else 5


def _balanced(line: bytes) -> int:
    """0: all brackets closed, 1: some left open at the end, 2: closed what was not opened."""
    depth = 0
    for sign in _BRACKET.findall(line):
        depth += 1 if sign in b"([{" else -1
        if depth < 0:
            return 2
    return 1 if depth else 0
