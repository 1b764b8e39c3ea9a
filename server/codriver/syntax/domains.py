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
    content: re.Pattern[str] | None = None

    def fits(self, path: str, text: str, language: str) -> bool:
        if self.languages and language not in self.languages:
            return False
        if self.paths is None and self.content is None:
            return True
        return bool((self.paths and self.paths.match(path)) or (self.content and self.content.search(text)))


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
    path = path.replace("\\", "/")
    name = path.rpartition("/")[2]
    return any(fnmatchcase(path if "/" in pattern else name, pattern) for pattern in language.tests)


def _lean(points: dict[str, int], declared: Sequence[tuple[str, int]]) -> None:
    """What the project mostly declares, as a last word where little else was said."""
    weights: dict[str, int] = {}
    for domain, telling in declared:
        weights[domain] = weights.get(domain, 0) + telling
    if weights:
        domain = max(weights, key=lambda name: weights[name])
        points[domain] = points.get(domain, 0) + DECLARED


@lru_cache(maxsize=128)
def _ruled(path: str, head: bytes, language: str) -> tuple[tuple[str, int], ...]:
    path = "/" + "/".join(path.replace("\\", "/").lower().split("/")[-4:])  # whose home it lies in says nothing
    text = head.decode("utf-8", "replace")
    return tuple((rule.domain, rule.points) for rule in rules() if rule.fits(path, text, language))


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
        re.compile("|".join(f"(?:{pattern})" for pattern in content), re.MULTILINE) if content else None,
    )


def _strings(value: object) -> tuple[str, ...]:
    return tuple(str(item) for item in value) if isinstance(value, list) else ()


@cache
def _order() -> tuple[str, ...]:
    return tuple(_table()["order"])


@cache
def _table() -> dict[str, Any]:
    return tomllib.loads((resources.files("codriver") / "domains.toml").read_text("utf-8"))
