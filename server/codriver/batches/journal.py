"""The results of one batch as they come: one line each, durable before it counts, each number once.

A line is its own little header, a tab, and the result as the caller will read it. What a kill cut
off at the end is removed when the journal is opened again; those lines run once more.
"""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import IO

import msgspec

from codriver.batches.record import Spent


@dataclass(frozen=True, slots=True)
class Result:
    """What came of one line. good: it belongs into the output, else into the errors."""

    number: int
    good: bool
    text: bytes
    spent: Spent = Spent()


_Head = tuple[int, bool, int, int, int, int]
_HEAD = msgspec.json.Decoder(_Head)
_ANY = msgspec.json.Decoder(msgspec.Raw)


class Journal:
    """An append-only file. Opening it reads what is there. Raises OSError."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self.places: dict[int, tuple[int, int]] = {}
        """Start and length of each result, by the number of its line."""
        self.completed = 0
        self.failed = 0
        self.spent = Spent()
        sound = self._read()
        self._out: IO[bytes] = open(os.open(path, os.O_CREAT | os.O_RDWR, 0o600), "r+b")  # noqa: SIM115 (as long as the batch lives)
        self._out.truncate(sound)
        self._end = self._out.seek(sound)

    def add(self, results: Iterable[Result]) -> list[Result]:
        """Keeps results and gives those that are new; durable when this returns. Counted only then."""
        fresh: dict[int, Result] = {}
        for result in results:
            if result.number not in self.places:
                fresh.setdefault(result.number, result)
        written = [(result, _line(result)) for result in fresh.values()]
        self._out.write(b"".join([line for _, line in written]))
        self._out.flush()
        os.fsync(self._out.fileno())
        for result, line in written:
            self._count(result, line)
        return list(fresh.values())

    def results(self) -> Iterator[Result]:
        """Every result, in the order of the lines."""
        with self._path.open("rb") as source:
            for number in sorted(self.places):
                start, length = self.places[number]
                source.seek(start)
                found = _parsed(source.read(length))
                if found is not None:
                    yield found

    def close(self) -> None:
        self._out.close()

    def remove(self) -> None:
        """Closes and deletes it: the results are elsewhere."""
        self.close()
        self._path.unlink(missing_ok=True)

    def _read(self) -> int:
        """Counts what is there; the length of its sound part."""
        self._end = 0
        try:
            source = self._path.open("rb")
        except FileNotFoundError:
            return 0
        with source:
            for line in source:
                result = _parsed(line)
                if result is None:
                    break
                self._count(result, line)
        return self._end

    def _count(self, result: Result, line: bytes) -> None:
        if result.number not in self.places:
            self.places[result.number] = (self._end, len(line))
            self.completed += result.good
            self.failed += not result.good
            self.spent += result.spent
        self._end += len(line)


def _line(result: Result) -> bytes:
    used = result.spent
    head = (result.number, result.good, used.input, used.cached, used.output, used.reasoning)
    return msgspec.json.encode(head) + b"\t" + result.text + b"\n"


def _parsed(line: bytes) -> Result | None:
    """The result in a line; None for one that was cut or spoilt."""
    head, tab, text = line.partition(b"\t")
    if not tab or not text.endswith(b"\n"):
        return None
    try:
        number, good, *spent = _HEAD.decode(head)
        _ANY.decode(text)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        return None
    return Result(number, good, text[:-1], Spent(*spent))
