"""What a project depends on, read from the texts of its manifests. No file is opened here.

Names as their ecosystem compares them, with what is asked of their version. A project's own name counts too:
whoever works on Django works with Django.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from fnmatch import fnmatchcase
from functools import lru_cache
from typing import Any

from codriver.syntax import manifests_builds, manifests_others, manifests_python
from codriver.syntax.asked import Asked, Reader
from codriver.syntax.asked import version as version
from codriver.syntax.manifests_builds import SHARED as SHARED

READERS = manifests_python.READERS | manifests_builds.READERS | manifests_others.READERS
"""Pattern of a manifest's name -> its ecosystem and who reads it."""

LIMIT = 256 * 1024
"""Characters of a manifest that are read; a longer one counts as empty."""


def packages(path: str, text: str) -> tuple[str, tuple[str, ...]]:
    """The ecosystem of a manifest and the packages it names, each once, in order.

    ("", ()) for a file that is no manifest; no packages for one that cannot be read.
    """
    kind, asked = requirements(path, text, {})
    return kind, tuple(dict.fromkeys(name for name, _ in asked))


def ecosystem(path: str) -> str:
    """The ecosystem of a manifest by its name, "" for any other file."""
    found = _reader(path)
    return found[0] if found else ""


def requirements(path: str, text: str, beside: Mapping[str, str]) -> tuple[str, tuple[Asked, ...]]:
    """The ecosystem of a manifest and what it asks for. beside: the manifests around, for aliases and versions.

    ("", ()) for a file that is no manifest; nothing for one that cannot be read.
    """
    found = _reader(path)
    if found is None:
        return "", ()
    shared = tuple((name, beside[name]) for name in SHARED if name in beside)
    return found[0], _asked(path, text, shared)


@lru_cache(maxsize=64)
def _asked(path: str, text: str, shared: tuple[tuple[str, str], ...]) -> tuple[Asked, ...]:
    found = _reader(path)
    if found is None or len(text) > LIMIT:
        return ()
    try:
        return tuple(dict.fromkeys(_strings(found[1](text, dict(shared)))))
    except (ValueError, TypeError, AttributeError, RecursionError):  # half-written, or of another shape
        return ()


def _strings(asked: Iterator[tuple[Any, Any]]) -> Iterator[Asked]:
    for name, requirement in asked:
        if isinstance(name, str):
            yield name, requirement if isinstance(requirement, str) else ""


@lru_cache(maxsize=512)
def _reader(path: str) -> tuple[str, Reader] | None:
    path = path.replace("\\", "/")
    folder, _, name = path.rpartition("/")
    if folder.endswith("requirements") and name.endswith((".txt", ".in")):
        return READERS["*requirements*.txt"]
    return next((read for pattern, read in READERS.items() if fnmatchcase(name, pattern)), None)
