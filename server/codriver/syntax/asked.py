"""What manifests' readers share: the form of a wish, and names and versions as ecosystems write them."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping
from typing import Any

Asked = tuple[str, str]
"""A package and what is asked of its version, "" for anything."""

Reader = Callable[[str, Mapping[str, str]], Iterator[Asked]]
"""From a manifest's text and those of the manifests around it. May raise what broken input raises."""

_EXACT = re.compile(r"^(?:={1,3}|v)?\s*(\d[\w.+!-]*)$")


def version(requirement: str) -> str:
    """A requirement as a version: bare where it is exact, else as written; "" for any version, paths and addresses."""
    requirement = requirement.strip().strip(",")
    exact = _EXACT.match(requirement)
    if exact:
        return exact.group(1)
    plain = re.fullmatch(r"[\w.,<>=!~^*|+ -]{1,60}", requirement)
    return requirement if plain and any(letter.isdigit() for letter in requirement) else ""


def pypi(name: str) -> str:
    """A package's name as PyPI compares it (PEP 503)."""
    return re.sub(r"[-_.]+", "-", name).lower()


def wishes(rows: Mapping[str, Any], named: Callable[[str], str] = str) -> Iterator[Asked]:
    """name -> version, or name -> {version = ...}, as most manifests have it."""
    for name, wish in rows.items():
        version = wish.get("version", "") if isinstance(wish, dict) else wish
        yield named(name), version if isinstance(version, str) else ""
