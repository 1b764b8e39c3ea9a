"""What code is for, judged by frameworks, path, language and text.

The rules are points in `domains.toml`; the most telling domain wins.
"""

from __future__ import annotations

import re
import tomllib
from collections.abc import Sequence
from dataclasses import dataclass
from fnmatch import fnmatchcase, translate
from functools import cache, lru_cache
from importlib import resources
from typing import Any

from codriver.syntax.languages import Language

DOMAINS = (
    "frontend", "backend", "data-science", "ml", "devops", "mobile", "systems", "embedded", "tests", "docs",
)  # fmt: skip

IMPORTED, DECLARED, USUAL, DECISIVE = 10, 4, 5, 100
"""Points: of an import per step of its framework's telling, of all declared frameworks together, of the
language's usual domain, and from where tests stand alone."""

_SILENT = ("tests", "docs", "devops")
"""What a project declares for its making says nothing about a file of it."""


@dataclass(frozen=True, slots=True)
class Rule:
    """One row of domains.toml, compiled."""

    domain: str
    points: int
    languages: frozenset[str] = frozenset()
    paths: re.Pattern[str] | None = None
    content: tuple[re.Pattern[str], ...] = ()

    def fits(self, path: str, text: str, language: str) -> bool:
        if self.languages and language not in self.languages:
            return False
        if self.paths is None and not self.content:
            return True
        return bool(self.paths and self.paths.match(path)) or any(pattern.search(text) for pattern in self.content)


def judge(
    path: str,
    head: bytes,
    language: Language | None,
    imported: Sequence[tuple[str, int]],
    declared: Sequence[tuple[str, int]],
) -> str:
    """One of DOMAINS, or "" when nothing tells. imported, declared: (domain, telling) of each framework."""
    points: dict[str, int] = {}
    if any(domain == "tests" and telling > 1 for domain, telling in imported) or (language and is_test(path, language)):
        return "tests"
    for domain, count in _ruled(path, head, language.name if language else ""):
        points[domain] = points.get(domain, 0) + count
    if points.get("tests", 0) >= DECISIVE:
        return "tests"
    for domain, telling in imported:
        points[domain] = points.get(domain, 0) + telling * IMPORTED
    if language and language.domain:
        points[language.domain] = points.get(language.domain, 0) + USUAL
    _lean(points, [vote for vote in declared if vote[0] not in _SILENT])
    return max(points, key=lambda domain: (points[domain], -_order().index(domain))) if points else ""


def is_test(path: str, language: Language) -> bool:
    """Whether the path looks like a test's in this language."""
    path = _near(path)
    name = path.rpartition("/")[2]
    return any(fnmatchcase(path if "/" in pattern else name, pattern) for pattern in language.tests)


def _near(path: str) -> str:
    """The last folders of a path; whose home it lies in says nothing."""
    return "/".join(path.replace("\\", "/").split("/")[-4:])


def sign(pattern: str) -> re.Pattern[str]:
    """A pattern of a text that a line break was put before. `^` at its beginning means a line's start.

    Patterns that begin with a literal, or `^` so written, are found some ten times faster than others.
    """
    return re.compile("\\n" + pattern[1:] if pattern.startswith("^") else pattern)


def _lean(points: dict[str, int], declared: Sequence[tuple[str, int]]) -> None:
    """What the project mostly declares, as a last word where little else was said."""
    weights: dict[str, int] = {}
    for domain, telling in declared:
        weights[domain] = weights.get(domain, 0) + telling
    if weights:
        domain = max(weights, key=lambda name: weights[name])
        points[domain] = points.get(domain, 0) + DECLARED


def _ruled(path: str, head: bytes, language: str) -> tuple[tuple[str, int], ...]:
    return _by_path("/" + _near(path).lower(), language) + _by_content(head, language)


@lru_cache(maxsize=512)
def _by_path(path: str, language: str) -> tuple[tuple[str, int], ...]:
    return tuple((rule.domain, rule.points) for rule in rules() if not rule.content and rule.fits(path, "", language))


@lru_cache(maxsize=64)
def _by_content(head: bytes, language: str) -> tuple[tuple[str, int], ...]:
    fitting = [rule for rule in rules() if rule.content and (not rule.languages or language in rule.languages)]
    text = lines(head) if fitting else ""
    return tuple((rule.domain, rule.points) for rule in fitting if rule.fits("", text, language))


def lines(head: bytes) -> str:
    """The beginning of a text, as signs are looked for in it: a line break before each line, and no other mark."""
    return "\n" + head.decode("utf-8", "replace").replace("\r\n", "\n")


@cache
def rules() -> tuple[Rule, ...]:
    """The rules of domains.toml. Raises ValueError for one that is wrong."""
    return tuple(_rule(row) for row in _table()["rule"])


def _rule(row: dict[str, object]) -> Rule:
    unknown = row.keys() - {"domain", "points", "languages", "paths", "content"}
    if unknown or row.get("domain") not in DOMAINS or not isinstance(row.get("points"), int):
        raise ValueError(f"domains.toml: a rule needs a domain and points, and nothing unknown: {row}")
    paths, content = (_strings(row.get(key)) for key in ("paths", "content"))
    return Rule(
        str(row["domain"]),
        int(str(row["points"])),
        frozenset(_strings(row.get("languages"))),
        re.compile("|".join(translate(glob) for glob in paths)) if paths else None,
        tuple(sign(pattern) for pattern in content),
    )


def _strings(value: object) -> tuple[str, ...]:
    return tuple(str(item) for item in value) if isinstance(value, list) else ()


@cache
def _order() -> tuple[str, ...]:
    return tuple(_table()["order"])


@cache
def _table() -> dict[str, Any]:
    return tomllib.loads((resources.files("codriver") / "domains.toml").read_text("utf-8"))
