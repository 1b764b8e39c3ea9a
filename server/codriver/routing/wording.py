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
from itertools import chain
from pathlib import Path
from zlib import crc32

BITS = 16
"""Of a hash: the table has 2**BITS rows."""

LONGEST = 2000
"""Characters of a text that are read: what is wanted is said early."""

LOOKED_BACK, FEWEST = 3, 8
"""Human turns that are looked at, and words a turn must have: "commit it" says nothing."""

FILE = Path(__file__).with_name("wording.json")

_WORD = re.compile(rb"[a-z\x80-\xff]+|[0-9]+|[^\w\s]")
_FENCED = re.compile(r"```.*?(?:```|\Z)", re.DOTALL)
_MASK = (1 << BITS) - 1
_NO = (b"not", b"except", b"false", b"never", b"no", b"least", b"incorrect")
_SIGNS = b"+-*/=^<>%$\\"
_DIGITS = b"0123456789"


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
    """Words, pairs of words and counts of the first 2,000 characters."""
    raw = text[:LONGEST].lower().encode("utf-8", "replace")
    words = _WORD.findall(raw)
    codes = list(map(crc32, words))
    pairs = map(crc32, words[1:], codes)  # a pair goes on from its first word's sum
    found = {code & _MASK for code in chain(codes, pairs)}
    return Read(frozenset(found), _numbers(raw, words), len(words))


def _numbers(raw: bytes, words: Sequence[bytes]) -> tuple[float, ...]:
    length, count = len(raw), max(1, len(words))
    signs = length - len(raw.translate(None, _SIGNS))
    digits = length - len(raw.translate(None, _DIGITS))
    early = words[:80]
    return (
        math.log1p(len(words)),
        math.log1p(raw.count(b"\n")),
        length / count,
        math.log1p(digits),
        math.log1p(signs),
        math.log1p(raw.count(b"?")),
        math.log1p(raw.count(b"`")),
        len(set(words)) / count,
        float(sum(map(early.count, _NO))),
        math.log1p(raw.count(b"(")),
        math.log1p(raw.count(b",")),
        float(not raw.isascii()),
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
    sums = (sum(map(by.hard.__getitem__, found.hashes)), sum(map(by.gap.__getitem__, found.hashes)))
    told = [
        (total * step / size + sum(map(float.__mul__, scaled, slope)) - offset) / scale
        for total, step, slope, offset, scale in zip(sums, by.steps, by.slopes, by.offsets, by.scales, strict=True)
    ]
    return max(-3.0, min(3.0, told[0])), max(-3.0, min(3.0, told[1]))


def wish(tail: Sequence[str]) -> str:
    """The newest of the last three human turns that says enough to be read, without its code; "" where none does.

    Code is judged by what is seen in it, not by its words.
    """
    for text in reversed(tail[-LOOKED_BACK:]):
        words = _FENCED.sub(" ", text[: 2 * LONGEST]) if "```" in text else text
        if len(words[:LONGEST].split()) >= FEWEST:
            return words[:LONGEST]
    return ""


@lru_cache(maxsize=512)
def told(text: str) -> tuple[float, float, int]:
    """Difficulty, gap and number of words of a text by the shipped weights. An agent sends the same turn each step."""
    found = read(text)
    return (*traits(found, weights()), found.words)
