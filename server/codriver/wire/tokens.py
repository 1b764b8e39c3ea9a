"""How many tokens a text has, guessed in microseconds and rather too high than too low.

Bytes are counted by class on samples of the text (at most 2.5 KB) and weighed by a linear fit
against o200k_base over code, markup, prose and agents' messages. A ratio per model, learned from
real usage, is the ledger's business; nothing here knows a model.
"""

from __future__ import annotations

from collections.abc import Iterable

IMAGE = 1500
"""Tokens of an image: Anthropic's ceiling is about 1,600, OpenAI's high detail 765 to 1,105."""
PER_MESSAGE = 4
_SAMPLE, _SLICES = 2560, 10
_MARGIN = 1.06


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


def estimate(texts: Iterable[str], *, messages: int = 0, images: int = 0) -> int:
    """Tokens of these texts with their frame: some per message, a flat number per image."""
    text = "\n".join(texts)
    size = len(text)
    fixed = messages * PER_MESSAGE + images * IMAGE
    if not size:
        return fixed
    if size > _SAMPLE:
        step, width = size // _SLICES, _SAMPLE // _SLICES
        text = "".join(text[start : start + width] for start in range(0, step * _SLICES, step))
    return fixed + 1 + int(_weigh(text.encode("utf-8", "replace")) * size / len(text) * _MARGIN)


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
