"""What the words of a wish say about its difficulty: hashed words and pairs of words with learnt weights, and lengths.

The weights are a shipped file of numbers (`codriver train` makes it, server/TRAINING.md tells how well they do); no
text can be read out of it. The same function reads texts for training and at run time.
"""

from __future__ import annotations

import json
import math
import re
from base64 import b64decode
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache, lru_cache
from itertools import pairwise
from pathlib import Path
from zlib import crc32

BITS = 16
"""Of a hash: the table has 2**BITS rows."""

LONGEST = 2000
"""Characters of a text that are read: what is wanted is said early."""

FILE = Path(__file__).with_name("wording.json")

_WORD = re.compile(r"[^\W\d_]+|\d+|[^\w\s]")
_MASK = (1 << BITS) - 1
_NO = frozenset({"not", "except", "false", "never", "no", "least", "incorrect"})
_SIGNS = frozenset("+-*/=^<>%$\\")
NUMBERS = 12


@dataclass(frozen=True, slots=True)
class Weights:
    """Difficulty and gap by hash, as signed bytes times a step; the same by counted number, with its scale.

    Difficulty is in deviations from an ordinary request; the gap says by how many a stronger model gains more than it
    usually does.
    """

    hard: memoryview
    gap: memoryview
    steps: tuple[float, float]
    middle: tuple[float, ...]
    spread: tuple[float, ...]
    slopes: tuple[tuple[float, ...], tuple[float, ...]]
    scales: tuple[float, float]
    """What a sum is divided by, so that ordinary texts deviate by 1."""
    offsets: tuple[float, float]


@dataclass(frozen=True, slots=True)
class Read:
    """What stands in a text: hashes of its words and pairs, each once; counted numbers; how many words."""

    hashes: frozenset[int]
    numbers: tuple[float, ...]
    words: int


def read(text: str) -> Read:
    """Words, pairs and counts of the first 2,000 characters."""
    text = text[:LONGEST]
    words = _WORD.findall(text.lower())
    codes = [crc32(word.encode("utf-8", "surrogatepass")) for word in words]
    found = {code & _MASK for code in codes}
    found.update([(first * 31 + second * 17 + (second >> 15)) & _MASK for first, second in pairwise(codes)])
    return Read(frozenset(found), _numbers(text, words), len(words))


def _numbers(text: str, words: Sequence[str]) -> tuple[float, ...]:
    length = max(1, len(text))
    count = max(1, len(words))
    signs = sum(len(word) == 1 and word in _SIGNS for word in words)
    digits = [len(word) for word in words if word[0].isdigit()]
    return (
        math.log1p(len(words)),
        math.log1p(text.count("\n")),
        length / count,
        math.log1p(len(digits)),
        math.log1p(max(digits, default=0)),
        math.log1p(signs),
        math.log1p(text.count("?")),
        math.log1p(text.count("`")),
        len(set(words)) / count,
        float(sum(word in _NO for word in words[:80])),
        math.log1p(text.count("(")),
        float(not text.isascii()),
    )


@cache
def weights() -> Weights:
    """The shipped numbers, read once."""
    return parsed(FILE.read_text(encoding="ascii"))


def parsed(text: str) -> Weights:
    """Weights from the text of their file. Raises ValueError for anything else."""
    told = json.loads(text)
    tables = [memoryview(b64decode(told[name])).cast("b") for name in ("hard", "gap")]
    if told["bits"] != BITS or any(len(table) != 1 << BITS for table in tables):
        raise ValueError("these weights were made for another way of reading")
    pair = [tuple(told[name]) for name in ("steps", "scales", "offsets")]
    slopes = (tuple(told["slopes"][0]), tuple(told["slopes"][1]))
    return Weights(
        tables[0], tables[1], pair[0], tuple(told["middle"]), tuple(told["spread"]), slopes, pair[1], pair[2]
    )


def traits(found: Read, by: Weights) -> tuple[float, float]:
    """(difficulty, gap) of a text, each about -3 to 3, 0 for an ordinary or an empty one."""
    if not found.words:
        return 0.0, 0.0
    size = math.sqrt(len(found.hashes)) or 1.0
    scaled = [
        max(-4.0, min(4.0, (number - middle) / spread))
        for number, middle, spread in zip(found.numbers, by.middle, by.spread, strict=True)
    ]
    sums = (sum([by.hard[place] for place in found.hashes]), sum([by.gap[place] for place in found.hashes]))
    told = [
        (total * step / size + sum(map(float.__mul__, scaled, slope)) - offset) / scale
        for total, step, slope, offset, scale in zip(sums, by.steps, by.slopes, by.offsets, by.scales, strict=True)
    ]
    return max(-3.0, min(3.0, told[0])), max(-3.0, min(3.0, told[1]))


@lru_cache(maxsize=512)
def told(text: str) -> tuple[float, float, int]:
    """Difficulty, gap and number of words of a text by the shipped weights. An agent sends the same turn each step."""
    found = read(text)
    return (*traits(found, weights()), found.words)
