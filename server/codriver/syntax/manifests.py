"""What a project depends on, read from the texts of its manifests. No file is opened here.

Names only, as their ecosystem compares them; versions do not matter for what code is written with.
"""

from __future__ import annotations

import json
import re
import tomllib
from collections.abc import Callable, Iterator
from fnmatch import fnmatchcase
from typing import Any

_REQUIREMENT = re.compile(r"^\s*([A-Za-z0-9][\w.-]*)", re.MULTILINE)
_GO = re.compile(r"^\s*(?:require\s+)?([\w.-]+\.[\w.-]+(?:/\S+)?)\s+v\d", re.MULTILINE)
_GEM = re.compile(r"""^\s*gem\s*\(?\s*["']([^"']+)["']""", re.MULTILINE)
_GROUP = re.compile(r"<groupId>\s*([^<\s]+)\s*</groupId>")
_GRADLE = re.compile(r"""["']([\w.-]+):([\w.-]+)(?::[^"']*)?["']|\bid\s*\(?\s*["']([\w.-]+)["']""")


def packages(path: str, text: str) -> tuple[str, tuple[str, ...]]:
    """The ecosystem of a manifest and the packages it names, each once, in order.

    ("", ()) for a file that is no manifest; no packages for one that cannot be read.
    """
    name = path.replace("\\", "/").rpartition("/")[2]
    for pattern, (ecosystem, read) in _READERS.items():
        if fnmatchcase(name, pattern):
            try:
                return ecosystem, tuple(dict.fromkeys(read(text)))
            except (ValueError, TypeError, AttributeError, RecursionError):  # half-written, or of another shape
                return ecosystem, ()
    return "", ()


def _pyproject(text: str) -> Iterator[str]:
    table = tomllib.loads(text)
    project = table.get("project", {})
    yield from _requirements("\n".join(project.get("dependencies", [])))
    for group in [*project.get("optional-dependencies", {}).values(), *table.get("dependency-groups", {}).values()]:
        yield from _requirements("\n".join(entry for entry in group if isinstance(entry, str)))
    poetry = table.get("tool", {}).get("poetry", {})
    groups = [poetry, *poetry.get("group", {}).values()]
    for group in groups:
        yield from (_pypi(name) for name in group.get("dependencies", {}) if name != "python")


def _pipfile(text: str) -> Iterator[str]:
    table = tomllib.loads(text)
    for part in ("packages", "dev-packages"):
        yield from (_pypi(name) for name in table.get(part, {}))


def _requirements(text: str) -> Iterator[str]:
    yield from (_pypi(name) for name in _REQUIREMENT.findall(text))


def _pypi(name: str) -> str:
    return re.sub(r"[-_.]+", "-", name).lower()  # PEP 503


def _npm(text: str) -> Iterator[str]:
    yield from _tables(json.loads(text), "dependencies", "devDependencies", "peerDependencies", "optionalDependencies")


def _composer(text: str) -> Iterator[str]:
    yield from _tables(json.loads(text), "require", "require-dev")


def _cargo(text: str) -> Iterator[str]:
    table = tomllib.loads(text)
    for part in (table, table.get("workspace", {}), *table.get("target", {}).values()):
        yield from _tables(part, "dependencies", "dev-dependencies", "build-dependencies")


def _tables(table: dict[str, Any], *keys: str) -> Iterator[str]:
    for key in keys:
        yield from table.get(key) or {}


def _go(text: str) -> Iterator[str]:
    yield from _GO.findall(text)


def _gems(text: str) -> Iterator[str]:
    yield from _GEM.findall(text)


def _maven(text: str) -> Iterator[str]:
    yield from _GROUP.findall(text)


def _gradle(text: str) -> Iterator[str]:
    for group, _, plugin in _GRADLE.findall(text):
        yield group or plugin


_READERS: dict[str, tuple[str, Callable[[str], Iterator[str]]]] = {
    "pyproject.toml": ("pypi", _pyproject),
    "*requirements*.txt": ("pypi", _requirements),
    "Pipfile": ("pypi", _pipfile),
    "package.json": ("npm", _npm),
    "go.mod": ("go", _go),
    "Cargo.toml": ("cargo", _cargo),
    "pom.xml": ("maven", _maven),
    "build.gradle": ("maven", _gradle),
    "build.gradle.kts": ("maven", _gradle),
    "Gemfile": ("gem", _gems),
    "composer.json": ("composer", _composer),
}
