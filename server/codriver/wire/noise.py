"""The human's words in a turn, without what programs put around them: reminders, environment blocks, file trees,
turns that only a program wrote. Which words those are is data (noise.toml); a turn of any size costs a few searches.
"""

from __future__ import annotations

import re
import tomllib
from dataclasses import dataclass
from functools import cache, lru_cache
from pathlib import Path

LOOKED = 240
"""Characters of a text that are compared with known openings."""

_LONGEST = 64_000
"""Characters of a turn that are read: its head and its end."""
_KEY = 16
_GLANCE, _SPACE = 5, 32
"""Letters that a glance takes in, and characters in which they begin."""
_STANDING, _MOVING = 0, 1


def opening(text: str) -> str:
    """How a text begins, with one space wherever there are several or a line ends."""
    return " ".join(text[:LOOKED].split())


class Openings:
    """Many known openings, looked up by their first letters: a text costs one look into a dict."""

    def __init__(self, phrases: dict[str, int]) -> None:
        """phrases: each with the number that `find` answers with. Raises ValueError for one too short to tell."""
        self._by_key: dict[str, list[tuple[str, int]]] = {}
        for phrase, number in phrases.items():
            if len(opening(phrase)) < _KEY or opening(phrase) != phrase:
                raise ValueError(f"{phrase!r} is too short, or has more than one space in a row")
            self._by_key.setdefault(phrase[:_KEY], []).append((phrase, number))
        self._glances = frozenset(phrase[:_GLANCE] for phrase in phrases)

    def of(self, text: str) -> int | None:
        """The number of the phrase that a text starts with. Most texts are known by a glance to start with none."""
        if text[:_SPACE].lstrip()[:_GLANCE] not in self._glances:
            return None
        begin = opening(text)
        for phrase, number in self._by_key.get(begin[:_KEY], ()):
            if begin.startswith(phrase):
                return number
        return None


@dataclass(frozen=True, slots=True)
class _Known:
    tag: re.Pattern[str]
    turns: Openings
    ends: tuple[str, ...]


@cache
def _known() -> _Known:
    table = tomllib.loads((Path(__file__).parent / "noise.toml").read_text(encoding="utf-8"))
    tags = "|".join(re.escape(tag) for tag in sorted(table["blocks"], key=len, reverse=True))
    return _Known(
        re.compile(rf"<({tags})(?:\s[^<>]*)?>"),
        Openings(dict.fromkeys(table["turns"], _STANDING) | dict.fromkeys(table["moving"], _MOVING)),
        tuple(f"\n{phrase}" for phrase in table["ends"]),
    )


def human(text: str) -> str:
    """The human's words in a turn; "" if it has none. Of a very long turn its head and its end."""
    if len(text) > _LONGEST:
        text = f"{text[: _LONGEST // 2]}\n...\n{text[-_LONGEST // 2 :]}"
    return _human(text)


@lru_cache(maxsize=64)
def _human(text: str) -> str:
    """Remembered: an agent sends the same turns with every step."""
    known = _known()
    if "<" in text:
        text = _without_blocks(text, known.tag)
    if known.turns.of(text) is not None:
        return ""
    return _ended(text).strip()


def lasting(text: str) -> str:
    """What of a turn is the same whenever it is sent again; "" for one that is another text each time."""
    if _known().turns.of(text) == _MOVING:
        return ""
    return _ended(text[:_LONGEST])


def _ended(text: str) -> str:
    for phrase in _known().ends:
        at = text.find(phrase)
        if at >= 0:
            text = text[:at]
    return text


def _without_blocks(text: str, tag: re.Pattern[str]) -> str:
    kept: list[str] = []
    at = 0
    unclosed: set[str] = set()
    while (found := tag.search(text, at)) is not None:
        # Attributes may follow a name; the closing tag has none.
        close = f"</{found[1]}>"
        end = -1 if close in unclosed else text.find(close, found.end())
        if end < 0:
            unclosed.add(close)
            kept.append(text[at : found.end()])
            at = found.end()
        else:
            kept.append(text[at : found.start()])
            at = end + len(close)
    return "".join((*kept, text[at:])) if at else text
