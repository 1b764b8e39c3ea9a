"""Secrets in texts that are handed to others: found by how they look (secrets.toml), and replaced by what they are."""

from __future__ import annotations

import re
import tomllib
from dataclasses import dataclass
from functools import cache
from importlib.resources import files


@dataclass(frozen=True, slots=True)
class _Look:
    """How one kind of secret looks. words: only lines with one of them are searched, line by line."""

    kind: str
    patterns: tuple[re.Pattern[str], ...]
    words: tuple[str, ...] = ()

    def hidden(self, text: str) -> tuple[str, int]:
        """The text without secrets of this kind, and how many there were."""
        if not self.words:
            return self._without(text)
        lines, count = text.split("\n"), 0
        for n, line in enumerate(lines):
            low = line.lower()
            if any(word in low for word in self.words):
                lines[n], found = self._without(line)
                count += found
        return ("\n".join(lines), count) if count else (text, 0)

    def _without(self, text: str) -> tuple[str, int]:
        count = 0
        for pattern in self.patterns:
            text, found = pattern.subn(self._replaced, text)
            count += found
        return text, count

    def _replaced(self, match: re.Match[str]) -> str:
        group = "secret" if "secret" in match.re.groupindex else 0
        start, end = match.start(group) - match.start(), match.end(group) - match.start()
        ends = "\n" * match[group].count("\n")
        return f"{match[0][:start]}[{self.kind} withheld]{ends}{match[0][end:]}"


@cache
def _looks() -> tuple[_Look, ...]:
    table = tomllib.loads(files("codriver.sources").joinpath("secrets.toml").read_text("utf-8"))
    return tuple(
        _Look(one["kind"], tuple(map(re.compile, one["patterns"])), tuple(one.get("words", ())))
        for one in table["secret"]
    )


def hidden(text: str) -> tuple[str, int]:
    """The text with everything that looks like a secret replaced by its kind, and how many there were.

    Lines stay where they are: what goes over several keeps its line ends.
    """
    count = 0
    for look in _looks():
        text, found = look.hidden(text)
        count += found
    return text, count
