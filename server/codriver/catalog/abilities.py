"""What models can do, from public scores: abilities by task family, and what is assumed of a model nobody measured.

`abilities.json` is generated (`codriver train`), with each model's sources, their dates and licences. All numbers are
logits on the scale of routing/quality.py.
"""

from __future__ import annotations

import json
import math
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cache, lru_cache
from pathlib import Path
from types import MappingProxyType

FILE = Path(__file__).with_name("abilities.json")

_TAIL = re.compile(
    r"(?:-20\d{6}|-20\d\d-\d\d-\d\d|-\d{4}|-\d\d-20\d\d|-\d\d-\d\d|-latest|-preview|-beta|-instruct|-it|-chat|-hf|-exp"
    r"|(?<!claude)-v1|:free|:latest)$"
)
_ASIDE = re.compile(r"\s*[(\[].*?[)\]]|[@,].*$|\s*\+\s*cot$|\s+diff\b")
_SOLD = re.compile(
    r"^(?:(?:us|eu|apac|au|jp|ca|in|global|regional|us-gov)\.)?"
    r"(?:(?:anthropic|openai|amazon|meta|mistral|qwen|zai|moonshotai|moonshot|minimax|nvidia|google|writer|xai)\.)?"
)
"""Region and seller before a name, as Bedrock writes them."""
_EDITION = re.compile(r"(?:-v\d+|-\d+):\d+$")
_CLAUDE = re.compile(r"^claude-(\d+(?:-\d+)?)-(opus|sonnet|haiku)")
_VERSION = re.compile(r"^[a-z]+(?:-[a-z]+)*?-?[a-z]?(\d{1,2})(?:-(\d{1,2})(?![\db]))?(?!\d*b(?![a-z]))")
_CLASS = re.compile(
    r"-(mini|nano|flash-lite|flash|lite|pro|max|small|medium|large|turbo|coder|codex|next|sol|terra|luna|astra|fable"
    r"|mythos)(?=-|$)"
)
SIZE = re.compile(r"(?<![a-z0-9])(?:(\d+)x)?(\d+(?:-\d)?)b(?![a-z0-9])")
"""Billions of parameters as a plain name tells them; 1-5b is one and a half, 8x7b is 56."""
_ALSO = {"gpt-4-1106": "gpt-4-turbo", "gpt-4-0125": "gpt-4-turbo"}
"""Plain names under which the same model is asked for."""


@dataclass(frozen=True, slots=True)
class Cold:
    """How the ability of a model that nobody measured is guessed.

    start + price x log10(USD per million output tokens) + window x log2(window / 128k), or where it costs nothing
    weights + size x log10(billions of parameters); the mean where both are known. Then a part of how far its family
    lies beside that. But not less than what it succeeds: that one's ability + step + dearer x log10(ratio of their
    prices), or where its size is told size x log10(ratio of their sizes). Within a family a cheaper price alone makes
    the newer model no worse.
    """

    start: float
    price: float
    window: float
    weights: float
    size: float
    families: Mapping[str, float]
    step: float = 0.0
    dearer: float = 0.0


@dataclass(frozen=True, slots=True)
class Abilities:
    """Skills by plain name and task family ("" is the general one), and the rule for all other models.

    prices: USD per million output tokens of those that may be succeeded.
    """

    skills: Mapping[str, Mapping[str, float]]
    cold: Cold
    prices: Mapping[str, float] = field(default_factory=dict)

    def measured(self, name: str) -> Mapping[str, float]:
        """Of a model by any of its public names; empty where no score is known."""
        for form in forms(name):
            if (found := self.skills.get(form)) is not None:
                return found
        return MappingProxyType({})

    def guessed(self, name: str, price: float = 0.0, window: int = 0) -> float | None:
        """General ability by family, price (USD per million output tokens) and window; None without any hint."""
        plain = forms(name)[-1]
        hinted, follows = self._hinted(plain, price, window), self.follows(name, price)
        return max((told for told in (hinted, follows) if told is not None), default=None)

    def follows(self, name: str, price: float = 0.0) -> float | None:
        """General ability as of the newest measured model that this one succeeds; None where there is none."""
        plain = forms(name)[-1]
        before = predecessor(plain, tuple(self.prices)) if price > 0 else ""
        if not before:
            return None
        its, size, other = self.skills[before][""], SIZE.search(plain), SIZE.search(before)
        if size:
            beside = math.log10(billions(size) / billions(other)) if other else None
            return None if beside is None else round(its + self.cold.step + self.cold.size * beside, 2)
        told = its + self.cold.step + self.cold.dearer * math.log10(min(max(price, 0.02), 200.0) / self.prices[before])
        return round(max(told, its) if family(plain) == family(before) else told, 2)

    def _hinted(self, plain: str, price: float, window: int) -> float | None:
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
    name = _EDITION.sub("", _SOLD.sub("", name.strip()))
    name = re.sub(r"[\s_.:]+|(?<=\d)p(?=\d)", "-", name).strip("-")
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


def version(plain_name: str) -> float | None:
    """4.8 of claude-opus-4-8, 3.0 of qwen3-8b, None of codestral."""
    found = _VERSION.match(plain_name)
    return float(f"{found[1]}.{found[2] or 0}") if found else None


def predecessor(plain_name: str, among: tuple[str, ...]) -> str:
    """The newest of these names with a smaller version: of its family, or else of its maker; "" if there is none."""
    mine, line, maker = version(plain_name), family(plain_name), _maker(plain_name)
    if mine is None:
        return ""
    older = [(part, ours, name) for name, part, ours, made in _lines(among) if made == maker and part < mine]
    same = [each for each in older if each[1] == line]
    return max(same or older, default=(0.0, "", ""))[2]


@lru_cache(maxsize=8)
def _lines(names: tuple[str, ...]) -> tuple[tuple[str, float, str, str], ...]:
    """Name, version, family and maker of those that have a version."""
    return tuple((name, part, family(name), _maker(name)) for name in names if (part := version(name)) is not None)


def _maker(plain_name: str) -> str:
    found = re.match(r"[a-z]+", plain_name)
    return found.group() if found else plain_name


@cache
def shipped() -> Abilities:
    """The shipped abilities, read once."""
    told = json.loads(FILE.read_text(encoding="utf-8"))
    models = told["models"]
    skills = {name: model["skill"] for name, model in models.items()}
    prices = {name: float(model["price"]) for name, model in models.items() if "price" in model}
    return Abilities(MappingProxyType(skills), Cold(**told["cold"]), MappingProxyType(prices))
