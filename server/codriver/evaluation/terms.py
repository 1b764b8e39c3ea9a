"""TF-IDF of queries' texts: counted once per matrix, weighed by the rows that are trained on."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

from codriver.evaluation.matrix import Query, Rows

_WORD = re.compile(r"\w+")
LONGEST = 8000
"""Characters of a text that are read."""


@dataclass(frozen=True, slots=True, eq=False)
class Terms:
    """How often each term (a word, or two in a row) stands in each query: parallel arrays, ordered by row."""

    queries: Sequence[Query]
    row: Rows
    term: Rows
    count: NDArray[np.float64]
    known: int


def count(queries: Sequence[Query]) -> Terms:
    """The terms of all queries' texts."""
    numbers: dict[str, int] = {}
    rows: list[int] = []
    terms: list[int] = []
    counts: list[int] = []
    for row, query in enumerate(queries):
        words = [word.lower() for word in _WORD.findall(query.text[:LONGEST])]
        found = Counter(words)
        found.update(f"{first} {second}" for first, second in pairwise(words))
        rows += [row] * len(found)
        terms += [numbers.setdefault(term, len(numbers)) for term in found]
        counts += found.values()
    integers = [np.array(values, dtype=np.intp) for values in (rows, terms)]
    return Terms(queries, integers[0], integers[1], np.array(counts, dtype=np.float64), len(numbers))


def weigh(terms: Terms, train: Rows, most: int) -> NDArray[np.float32]:
    """TF-IDF of every query, queries x terms, rows of length 1 (or 0): the `most` commonest terms that at least two of
    the training rows hold, with logarithmic counts and smoothed inverse document frequencies of those rows."""
    trained = np.zeros(len(terms.queries), dtype=bool)
    trained[train] = True
    frequency = np.bincount(terms.term[trained[terms.row]], minlength=terms.known)
    chosen = np.flatnonzero(frequency >= 2)
    chosen = chosen[np.argsort(-frequency[chosen], kind="stable")[:most]]
    column = np.full(terms.known, -1, dtype=np.intp)
    column[chosen] = np.arange(chosen.size)
    inverse = np.log((1 + train.size) / (1 + frequency[chosen])) + 1
    kept = column[terms.term] >= 0
    places = column[terms.term[kept]]
    weights = np.zeros((len(terms.queries), chosen.size), dtype=np.float32)
    weights[terms.row[kept], places] = (1 + np.log(terms.count[kept])) * inverse[places]
    lengths = np.sqrt((weights**2).sum(axis=1, keepdims=True))
    weights /= np.maximum(lengths, 1e-12, dtype=np.float32)
    return weights
