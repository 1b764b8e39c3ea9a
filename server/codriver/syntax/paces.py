"""Work that is done bit by bit: a generator that yields where others may have their turn, and returns its outcome."""

from __future__ import annotations

from collections.abc import Callable, Generator, Iterator
from typing import TypeVar

_T = TypeVar("_T")

BITS = 10
"""Bits of a slice where no clock tells: some 3 ms."""


def whole(work: Generator[None, None, _T]) -> _T:
    """Its outcome, all of it done now."""
    while True:
        try:
            next(work)
        except StopIteration as done:
            return done.value  # type: ignore[no-any-return]  # of this generator


def slice_of(work: Iterator[None], micros: int, clock: Callable[[], float] | None) -> bool:
    """Goes on for about so many microseconds; True when nothing is left. clock: seconds of the processor that this
    thread has used."""
    end = clock() + micros / 1e6 if clock is not None else 0.0
    for bits, _ in enumerate(work, 1):
        over = clock() >= end if clock is not None else bits >= BITS
        if over:
            return False
    return True
