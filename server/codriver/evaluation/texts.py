"""Queries as sparse numbers: words, pairs of words and pieces of words by their hashes, and what is counted in a text.

All is done for a whole matrix at once with numpy; nothing here knows of outcomes.
"""

from __future__ import annotations

import re
import zlib
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from codriver.evaluation.matrix import Floats, Query, Rows

Hashes = NDArray[np.uint64]

LONGEST = 4000
"""Characters of a text that are read: what is wanted is said early, and traces at the end say little."""
_WORD = re.compile(r"[^\W\d_]+|\d+|[^\w\s]")
_ODD = np.uint64(0x9E3779B97F4A7C15)
_OTHER = np.uint64(0xC2B2AE3D27D4EB4F)


@dataclass(frozen=True, slots=True, eq=False)
class Sparse:
    """A matrix rows x columns: of row i the columns `column[start[i]:start[i + 1]]` with their values."""

    start: Rows
    column: Rows
    value: Floats
    columns: int

    @property
    def rows(self) -> int:
        return len(self.start) - 1

    def row_of(self) -> Rows:
        """The row of each value."""
        return np.repeat(np.arange(self.rows), np.diff(self.start))

    def take(self, rows: Rows) -> Sparse:
        """Some rows, in the order given."""
        lengths = np.diff(self.start)[rows]
        start = np.concatenate([[0], np.cumsum(lengths)])
        place = np.repeat(self.start[rows] - start[:-1], lengths) + np.arange(start[-1])
        return Sparse(start, self.column[place], self.value[place], self.columns)

    def scaled(self, weights: Floats) -> Sparse:
        """Each column times its weight, then each row to length 1 (an empty row stays empty)."""
        value = self.value * weights[self.column]
        row = self.row_of()
        length = np.sqrt(np.bincount(row, weights=value * value, minlength=self.rows))
        return Sparse(self.start, self.column, value / np.maximum(length, 1e-9)[row], self.columns)

    def times(self, dense: Floats) -> Floats:
        """This matrix times a dense one, columns x k."""
        row = self.row_of()
        parts = [
            np.bincount(row, weights=self.value * dense[self.column, k], minlength=self.rows)
            for k in range(dense.shape[1])
        ]
        return np.stack(parts, axis=1)

    def across(self, dense: Floats) -> Floats:
        """This matrix turned over, times a dense one, rows x k."""
        row = self.row_of()
        parts = [
            np.bincount(self.column, weights=self.value * dense[row, k], minlength=self.columns)
            for k in range(dense.shape[1])
        ]
        return np.stack(parts, axis=1)


def beside(left: Sparse, right: Sparse) -> Sparse:
    """Both as one matrix, the columns of the second behind those of the first."""
    row = np.concatenate([left.row_of(), right.row_of()])
    column = np.concatenate([left.column, right.column + left.columns])
    value = np.concatenate([left.value, right.value])
    order = np.argsort(row, kind="stable")
    start = np.searchsorted(row[order], np.arange(left.rows + 1))
    return Sparse(start, column[order], value[order], left.columns + right.columns)


def filled(dense: Floats) -> Sparse:
    """A dense matrix in the form of a sparse one."""
    rows, columns = dense.shape
    return Sparse(np.arange(rows + 1) * columns, np.tile(np.arange(columns), rows), dense.ravel(), columns)


def worded(texts: Sequence[str]) -> Sparse:
    """Words and pairs of neighbours that at least two texts hold; values are 1 + log(count)."""
    known: dict[str, int] = {}
    rows: list[int] = []
    found: list[int] = []
    for row, text in enumerate(texts):
        for word in _WORD.findall(text[:LONGEST].lower()):
            number = known.get(word)
            if number is None:
                number = known[word] = _hashed(word)
            rows.append(row)
            found.append(number)
    places, codes = np.array(rows, dtype=np.int64), np.array(found, dtype=np.uint64)
    same = places[1:] == places[:-1]
    pairs = _mixed(_mixed(codes[:-1], codes[1:]), np.uint64(2))[same]
    return _counted(len(texts), [places, places[1:][same]], [_mixed(codes, np.uint64(1)), pairs])


def lettered(texts: Sequence[str], sizes: Iterable[int] = (3, 4, 5)) -> Sparse:
    """Runs of so many bytes of the text in words with single spaces, in at least two texts; 1 + log(count)."""
    plain = [f" {' '.join(_WORD.findall(text[:LONGEST].lower()))} ".encode("utf-8", "replace") for text in texts]
    row = np.repeat(np.arange(len(plain)), [len(text) for text in plain])
    letters = np.frombuffer(b"".join(plain), np.uint8).astype(np.uint64)
    rows, hashes = [], []
    for size in sizes:
        if letters.size < size:
            continue
        run = np.full(letters.size - size + 1, size, dtype=np.uint64)
        for offset in range(size):
            run = _mixed(run, letters[offset : offset + run.size])
        same = row[size - 1 :] == row[: run.size]
        rows.append(row[size - 1 :][same])
        hashes.append(run[same])
    return _counted(len(texts), rows, hashes)


def _hashed(word: str) -> int:
    raw = word.encode("utf-8", "replace")
    return zlib.crc32(raw) | zlib.crc32(raw, 0x5EED) << 32


def _mixed(left: Hashes, right: Hashes | np.uint64) -> Hashes:
    with np.errstate(over="ignore"):
        mixed = (left * _ODD) ^ ((right + _ODD) * _OTHER)
    return np.asarray(mixed ^ (mixed >> np.uint64(29)))


def _counted(count: int, rows: Sequence[Rows], hashes: Sequence[Hashes]) -> Sparse:
    """How often each hash stands in each row, for hashes of at least two rows."""
    if not sum(part.size for part in rows):
        return Sparse(np.zeros(count + 1, dtype=np.intp), np.empty(0, np.intp), np.empty(0), 1)
    _, number = np.unique(np.concatenate(hashes), return_inverse=True)
    most = int(number.max()) + 1
    cell, times = np.unique(np.concatenate(rows).astype(np.int64) * most + number, return_counts=True)
    row, column = cell // most, cell % most
    kept = np.bincount(column, minlength=most) >= 2
    place = np.cumsum(kept) - 1
    there = kept[column]
    row, column, times = row[there], place[column[there]], times[there]
    return Sparse(np.searchsorted(row, np.arange(count + 1)), column, 1 + np.log(times), max(1, int(kept.sum())))


_NO = re.compile(r"\b(?:not|except|false|incorrect|least|never|no)\b", re.IGNORECASE)
_CHOICE = re.compile(r"\n\s*\(?[A-J1-4][).:]")
_SIGNS = frozenset("+-*/=^<>%")


def counted(queries: Sequence[Query]) -> Floats:
    """Numbers of each text (lengths, digits, signs, choices, code, questions) and of what kind the query is."""
    texts = np.array([_counts(query.text) for query in queries])
    kinds = [{f"task {query.task}", f"language {query.language}"} for query in queries]
    names = sorted({name for kind in kinds for name in kind})
    flags = np.array([[float(name in kind) for name in names] for kind in kinds])
    return np.concatenate([texts, flags], axis=1)


def _counts(text: str) -> list[float]:
    length = max(1, len(text))
    words = re.findall(r"\w+", text)
    numbers = re.findall(r"\d[\d,.]*", text)
    stem, *choices = _CHOICE.split(text)
    sizes = [len(choice) for choice in choices]
    sentences = 1 + sum(text.count(mark) for mark in ".?!")
    logarithms = [
        length, len(words), text.count("\n"), len(numbers), text.count("$"), text.count("\\"), text.count("`"),
        sum(character in _SIGNS for character in text), text.count('"') + text.count("'"), text.count("("),
        sum(sizes) / max(1, len(sizes)), float(np.std(sizes)) if sizes else 0.0, len(stem), len(words) / sentences,
        max(map(len, words), default=0), text.count("."), text.count(","), text.count("_"),
    ]  # fmt: skip
    return [
        *(float(np.log1p(value)) for value in logarithms),
        length / max(1, len(words)),
        10 * sum(map(str.isdigit, text)) / length,
        10 * sum(map(str.isupper, text)) / length,
        len({word.lower() for word in words}) / max(1, len(words)),
        float(max(map(len, numbers), default=0)),
        float(text.count("?")),
        float(len(_NO.findall(stem[:LONGEST]))),
        float(len(choices)),
        float("```" in text),
        float("Traceback" in text),
        float("http" in text),
        float(not text.isascii()),
        float(not text.strip()),
    ]
