"""How many tokens a text has, guessed in microseconds and rather too high than too low.

Bytes are counted by class on samples of the text (at most 2.5 KB) and weighed by a linear fit
against o200k_base over code, markup, prose and agents' messages. A ratio per model, learned from
real usage, is the ledger's business; nothing here knows a model.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import accumulate

IMAGE = 1500
"""Tokens of an image: Anthropic's ceiling is about 1,600, OpenAI's high detail 765 to 1,105."""
PER_MESSAGE = 4
_SAMPLE, _SLICES = 2560, 10
_MARGIN = 1.06

ROUGH = 1024
"""A sample for routing: within 12 % of the estimate from the whole text for nine long texts of ten.
Shorter ones count a token for three characters: what they cost decides nothing."""


def _classes() -> bytes:
    """Every byte's class: a letter, d digit, s space, n newline, x beyond ASCII, p the rest."""
    table = bytearray(b"p" * 128 + b"x" * 128)
    for byte in range(128):
        char = chr(byte)
        if char.isalpha():
            table[byte] = ord("u" if char.isupper() else "a")
        elif char.isdigit():
            table[byte] = ord("d")
        elif char in "\n\r":
            table[byte] = ord("n")
        elif char in " \t":
            table[byte] = ord("s")
    return bytes(table)


_CLASS = _classes()
_WORD = bytes.maketrans(b"uansdpx", b"aa.....")


def estimate(texts: Sequence[str], *, messages: int = 0, images: int = 0, sample: int = _SAMPLE) -> int:
    """Tokens of these texts with their frame: some per message, a flat number per image.

    sample: characters that are looked at; ROUGH is enough to choose a model by.
    """
    ends = list(accumulate(map(len, texts)))
    size = ends[-1] if ends else 0
    fixed = messages * PER_MESSAGE + images * IMAGE
    if not size:
        return fixed
    if size <= sample == ROUGH:
        return fixed + 1 + size // 3
    seen = "\n".join(texts) if size <= sample else _sampled(texts, ends, sample)
    return fixed + 1 + int(_weigh(seen.encode("utf-8", "replace")) * (size + len(texts)) / len(seen) * _MARGIN)


@dataclass(frozen=True, slots=True)
class Counted:
    """Tokens of so many characters in so many messages, with so many images."""

    tokens: int
    characters: int
    messages: int
    images: int


NOTHING = Counted(0, 0, 0, 0)


def beyond(counted: Counted, texts: Sequence[str], *, messages: int, images: int) -> Counted:
    """A rough count that goes on: `texts` are new, messages and images are those of all.

    A little more of the same talk is as dense as what was counted of it.
    """
    fixed = (messages - counted.messages) * PER_MESSAGE + (images - counted.images) * IMAGE
    size = sum(map(len, texts))
    if size * 4 < counted.characters:
        words = counted.tokens - counted.messages * PER_MESSAGE - counted.images * IMAGE
        fresh = fixed + 1 + size * words // counted.characters
    else:
        fresh = fixed + estimate(texts, sample=ROUGH)
    return Counted(counted.tokens + fresh, counted.characters + size, messages, images)


def _sampled(texts: Sequence[str], ends: list[int], sample: int) -> str:
    """Slices at even distances of the whole, without putting it together. ends: where each text ends in it."""
    step, width = ends[-1] // _SLICES, sample // _SLICES
    slices = []
    for due in range(0, step * _SLICES, step):
        place = bisect_right(ends, due)
        start = due - ends[place] + len(texts[place])
        slices.append(texts[place][start : start + width])
    return "\n".join(slices)


def _weigh(data: bytes) -> float:
    """Tokens of a short text by the fit (median error 4 %, 95th percentile 12 %, on held-back files)."""
    seen = data.translate(_CLASS)
    word = seen.translate(_WORD)
    fit = (
        0.98 * (word.count(b".a") + word.startswith(b"a"))
        + 0.01 * word.count(b"a")
        + 0.35 * word.count(b"a" * 8)
        + 0.85 * seen.count(b"au")
        + 1.33 * seen.count(b"d")
        - 3.17 * seen.count(b"ddd")
        + 0.71 * seen.count(b"n")
        + 0.66 * seen.count(b"nss")
        + 0.54 * seen.count(b"p")
        - 0.15 * seen.count(b"pp")
        - 1.24 * seen.count(b"pppp")
        + 0.94 * seen.count(b"psp")
        + 0.28 * seen.count(b"x")
    )
    return max(fit, len(data) / 16)
