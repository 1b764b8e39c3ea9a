"""What kind of work a request is: a task family from its purpose, or from the words of the human in any of eight
languages (families.toml).

A plain word weighs more than a hint, an early word more than a late one; code in the message is not read. The words
are stems looked up by their first letters, so a turn costs one look for each of its words.
"""

from __future__ import annotations

import re
import tomllib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cache, lru_cache
from pathlib import Path

from codriver.model.request import Purpose

FAMILIES = (
    "complete", "generate", "edit", "refactor", "debug", "explain", "review", "test", "document",
    "plan", "summarise", "title", "classify", "commit", "write",
)  # fmt: skip

BY_PURPOSE: dict[Purpose, str] = {
    Purpose.COMPLETE: "complete",
    Purpose.REFACTOR: "refactor",
    Purpose.REVIEW: "review",
    Purpose.EXPLAIN: "explain",
    Purpose.TEST: "test",
    Purpose.DOCUMENT: "document",
    Purpose.FIX: "debug",
    Purpose.COMMIT: "commit",
    Purpose.COMPACTION: "summarise",
    Purpose.TITLE: "title",
    Purpose.CLASSIFY: "classify",
    Purpose.PROBE: "classify",
}

WORDS_READ = 1500
"""Characters of a turn that are looked at: what is wanted is said early, or behind what was pasted."""
LOOKED_BACK = 3
"""Human turns that are looked at."""

_PLAIN, _HINT = 3.0, 1.0
_EARLY, _EARLIER = 80, 1.5
"""A word within so many characters of the beginning weighs so much more."""
_LAST = 400
_BARE = 60
"""Characters of the longest turn that may say nothing."""
_KEY = 3

_FENCED = re.compile(r"^(```|~~~).*?(?:^\1|\Z)", re.DOTALL | re.MULTILINE)
_QUOTED = re.compile(r"`[^`\n]{1,200}`")
_WORD = re.compile(r"[^\W\d_]+(?:['’-][^\W\d_]+)*")
_SPACELESS = re.compile(r"[\u3040-\u30ff\u3400-\u9fff]+")
_SPACELESS_TONGUES = ("zh", "ja")

_Stem = tuple[str, str, float]
"""A stem, its family, its weight."""


@dataclass(frozen=True, slots=True)
class _Stems:
    """Stems by their first letters, the longest first; `bare` words as they are, and in spaceless tongues."""

    spaced: Mapping[str, tuple[_Stem, ...]]
    spaceless: Mapping[str, tuple[_Stem, ...]]
    ranks: Mapping[str, int]
    bare: frozenset[str]
    spaceless_bare: re.Pattern[str]


@cache
def _stems() -> _Stems:
    table = tomllib.loads((Path(__file__).parent / "families.toml").read_text(encoding="utf-8"))
    bare = {tongue: words.split(", ") for tongue, words in table.pop("bare").items()}
    spaceless_bare = [word for tongue in _SPACELESS_TONGUES for word in bare.pop(tongue)]
    rows = [
        (tongue, (stem, family, _PLAIN if kind == "plain" else _HINT))
        for family, kinds in table.items()
        for kind, tongues in kinds.items()
        for tongue, stems in tongues.items()
        for stem in stems.split(", ")
    ]
    return _Stems(
        _by_key([stem for tongue, stem in rows if tongue not in _SPACELESS_TONGUES], _KEY),
        _by_key([stem for tongue, stem in rows if tongue in _SPACELESS_TONGUES], 1),
        {family: rank for rank, family in enumerate(table)},
        frozenset(word for words in bare.values() for word in words),
        re.compile("|".join(map(re.escape, sorted(spaceless_bare, key=len, reverse=True)))),
    )


def _by_key(stems: list[_Stem], letters: int) -> dict[str, tuple[_Stem, ...]]:
    held: dict[str, list[_Stem]] = {}
    for stem in sorted(stems, key=lambda stem: -len(stem[0])):
        held.setdefault(stem[0][:letters], []).append(stem)
    return {key: tuple(found) for key, found in held.items()}


def family(purpose: Purpose, tail: tuple[str, ...]) -> str:
    """The task family of a request. Looks back over the tail when the last turn says nothing.

    "commit it", "continue", "fix it" and the like mean nothing alone, so up to three human turns are read, newest
    first; without any hint it is "write".
    """
    known = BY_PURPOSE.get(purpose)
    if known is not None:
        return known
    spare = ""
    for text in reversed(tail[-LOOKED_BACK:]):
        found, bare = _told(text)
        if found and not bare:
            return found
        spare = spare or found
    return spare or "write"


@lru_cache(maxsize=512)
def _told(text: str) -> tuple[str, bool]:
    """The family a text's words name, or "", and whether it says nothing alone. Remembered: an agent sends the same
    turn with every step."""
    words = _words_of(text)
    scores: dict[str, float] = {}
    for at, (_, family, weight) in _found(words):
        scores[family] = scores.get(family, 0.0) + weight * (_EARLIER if at < _EARLY else 1.0)
    ranks = _stems().ranks
    best = max(scores, key=lambda family: (scores[family], -ranks[family]), default="")
    return best, _says_nothing(words)


def _words_of(text: str) -> str:
    """The wish without code, in small letters, each white space one space; of a long one its beginning and end."""
    if "```" in text or "~~~" in text:
        text = _FENCED.sub(" ", text)
    if "`" in text:
        text = _QUOTED.sub(" ", text)
    if len(text) > WORDS_READ:
        text = f"{text[: WORDS_READ - _LAST]} {text[-_LAST:]}"
    return " ".join(text.lower().split())


def _found(words: str) -> Iterator[tuple[int, _Stem]]:
    """Where which stems stand: at each place the longest, and none inside another."""
    stems = _stems()
    end = 0
    for word in _WORD.finditer(words):
        at = word.start()
        for stem in stems.spaced.get(words[at : at + _KEY], ()) if at >= end else ():
            if words.startswith(stem[0], at):
                end = at + len(stem[0])
                yield at, stem
                break
    if words.isascii():
        return
    for run in _SPACELESS.finditer(words):
        end = run.start()
        for at in range(run.start(), run.end()):
            for stem in stems.spaceless.get(words[at], ()) if at >= end else ():
                if words.startswith(stem[0], at):
                    end = at + len(stem[0])
                    yield at, stem
                    break


def _says_nothing(words: str) -> bool:
    """Whether a turn is short and has only words that mean nothing alone."""
    if len(words) > _BARE:
        return False
    stems = _stems()
    left = stems.spaceless_bare.sub(" ", words) if _SPACELESS.search(words) else words
    return all(word.group() in stems.bare for word in _WORD.finditer(left))
