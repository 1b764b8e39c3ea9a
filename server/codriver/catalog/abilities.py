"""What models can do, from public scores: abilities by task family, and what is assumed of a model nobody measured.

`abilities.json` is generated (`codriver train`), with each model's sources and their dates. All numbers are logits on
the scale of routing/quality.py.
"""

from __future__ import annotations

import json
import math
import re
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from types import MappingProxyType

FILE = Path(__file__).with_name("abilities.json")

_TAIL = re.compile(
    r"(?:-20\d{6}|-20\d\d-\d\d-\d\d|-\d{4}|-\d\d-20\d\d|-\d\d-\d\d|-latest|-preview|-beta|-instruct|-it|-chat|-hf|-exp"
    r"|-v\d:\d+|:free|:latest)$"
)
_ASIDE = re.compile(r"\s*[(\[].*?[)\]]|[@,].*$|\s*\+\s*cot$|\s+diff\b")
_CLAUDE = re.compile(r"^claude-(\d+(?:-\d+)?)-(opus|sonnet|haiku)")
_CLASS = re.compile(r"-(mini|nano|flash-lite|flash|lite|pro|max|small|medium|large|turbo|coder|codex|next)(?=-|$)")
SIZE = re.compile(r"(?<![a-z0-9])(?:(\d+)x)?(\d+(?:-\d)?)b(?![a-z0-9])")
"""Billions of parameters as a plain name tells them; 1-5b is one and a half, 8x7b is 56."""
_ALSO = {"gpt-4-1106": "gpt-4-turbo", "gpt-4-0125": "gpt-4-turbo"}
"""Plain names under which the same model is asked for."""


@dataclass(frozen=True, slots=True)
class Cold:
    """How the ability of a model that nobody measured is guessed.

    start + price x log10(USD per million output tokens) + window x log2(window / 128k), or where it costs nothing
    weights + size x log10(billions of parameters); the mean where both are known. Then a part of how far its family
    lies beside that.
    """

    start: float
    price: float
    window: float
    weights: float
    size: float
    families: Mapping[str, float]


@dataclass(frozen=True, slots=True)
class Abilities:
    """Skills by plain name and task family ("" is the general one), and the rule for all other models."""

    skills: Mapping[str, Mapping[str, float]]
    cold: Cold

    def measured(self, name: str) -> Mapping[str, float]:
        """Of a model by any of its public names; empty where no score is known."""
        for form in forms(name):
            if (found := self.skills.get(form)) is not None:
                return found
        return MappingProxyType({})

    def guessed(self, name: str, price: float = 0.0, window: int = 0) -> float | None:
        """General ability by family, price (USD per million output tokens) and window; None without any hint."""
        plain = forms(name)[-1]
        size = SIZE.search(plain)
        beside = self.cold.families.get(family(plain))
        if price > 0:
            told = self.cold.start + self.cold.price * math.log10(min(max(price, 0.02), 200.0))
            if size:
                told = (told + self.cold.weights + self.cold.size * math.log10(billions(size))) / 2
            if window > 0:
                told += self.cold.window * math.log2(min(max(window, 4_000), 2_000_000) / 128_000)
        elif size:
            told = self.cold.weights + self.cold.size * math.log10(billions(size))
        elif beside is not None:
            told = self.cold.start
        else:
            return None
        return round(told + (beside or 0.0), 2)


def plain(name: str) -> str:
    """A name as all write it: lower case, without its seller, settings in brackets, scaffold or spaces."""
    name = _ASIDE.sub("", name.casefold().rpartition("/")[2].rpartition("--")[2])
    name = re.sub(r"[\s_.:]+", "-", name.strip()).strip("-")
    return _CLAUDE.sub(r"claude-\2-\1", name)


def forms(name: str) -> tuple[str, ...]:
    """The plain name, then those without dates and endings that say nothing, one after the other."""
    found = [plain(name)]
    while (shorter := _TAIL.sub("", found[-1])) != found[-1] and shorter:
        shorter = _CLAUDE.sub(r"claude-\2-\1", shorter)
        found.append(_ALSO.get(shorter, shorter))
    return tuple(found)


def billions(found: re.Match[str]) -> float:
    """A size as SIZE found it."""
    return max(0.1, int(found[1] or 1) * float(found[2].replace("-", ".")))


def family(plain_name: str) -> str:
    """`claude-opus` of claude-opus-4-8, `gpt mini` of gpt-5-mini: the maker's line and its class."""
    line = re.match(r"[a-z]+(?:-(?:opus|sonnet|haiku|oss))?", plain_name)
    kind = _CLASS.search(plain_name)
    return " ".join(part for part in (line.group() if line else "", kind[1] if kind else "") if part)


@cache
def shipped() -> Abilities:
    """The shipped abilities, read once."""
    told = json.loads(FILE.read_text(encoding="utf-8"))
    cold = told["cold"]
    skills = {name: model["skill"] for name, model in told["models"].items()}
    return Abilities(MappingProxyType(skills), Cold(**cold))
