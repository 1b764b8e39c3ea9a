"""Secrets in texts that are handed to others: found by how they look, and replaced by what they are."""

from __future__ import annotations

import re
import tomllib
from functools import cache
from importlib.resources import files


@cache
def _patterns() -> tuple[tuple[str, re.Pattern[str]], ...]:
    table = tomllib.loads(files("codriver.sources").joinpath("secrets.toml").read_text("utf-8"))
    return tuple((name, re.compile(pattern)) for name, pattern in table["patterns"].items())


def hidden(text: str) -> tuple[str, int]:
    """The text with everything that looks like a secret replaced by its kind, and how many there were.

    Lines stay where they are: what goes over several keeps its line ends.
    """
    count = 0
    for kind, pattern in _patterns():
        text, found = pattern.subn(lambda match, kind=kind: _without(match, kind), text)  # type: ignore[misc]
        count += found
    return text, count


def _without(match: re.Match[str], kind: str) -> str:
    group = "secret" if "secret" in match.re.groupindex else 0
    start, end = match.start(group) - match.start(), match.end(group) - match.start()
    whole = match[0]
    ends = "\n" * whole[start:end].count("\n")
    return f"{whole[:start]}[{kind} withheld]{ends}{whole[end:]}"
