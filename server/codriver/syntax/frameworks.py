"""Which frameworks code is written with, and what it is for.

Imports say it for one file, manifests for a project. What each framework is imported and packaged as is
said by `frameworks/<name>.toml`; to add one, add a file.
"""

from __future__ import annotations

import tomllib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from fnmatch import fnmatchcase
from functools import cache
from importlib import resources

from codriver.syntax import manifests
from codriver.syntax.languages import Language

DOMAINS = ("frontend", "backend", "data-science", "ml", "devops", "mobile", "systems", "tests", "docs")

_SEPARATORS = "./\\:"


@dataclass(frozen=True, slots=True)
class Framework:
    """One framework, as its file says. A name stands for itself and everything below it."""

    name: str
    title: str
    domain: str
    imports: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    """Language family -> imported modules."""
    packages: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    """Ecosystem -> packages."""


@cache
def every() -> tuple[Framework, ...]:
    """All frameworks, by name. Raises ValueError for a file with an unknown key or domain."""
    folder = resources.files("codriver") / "frameworks"
    files = [entry for entry in folder.iterdir() if entry.name.endswith(".toml")]
    found = (parse(entry.name.removesuffix(".toml"), entry.read_text("utf-8")) for entry in files)
    return tuple(sorted(found, key=lambda framework: framework.name))


def parse(name: str, text: str) -> Framework:
    """A framework from the text of its file. Raises ValueError, naming file and key."""
    table = tomllib.loads(text)
    if table.get("domain") not in DOMAINS:
        raise ValueError(f"frameworks/{name}.toml: domain must be one of {', '.join(DOMAINS)}")
    unknown = table.keys() - {"title", "domain", "imports", "packages"}
    if unknown:
        raise ValueError(f"frameworks/{name}.toml: unknown key {min(unknown)!r}")
    lists = {
        part: {key: tuple(names) for key, names in table.get(part, {}).items()} for part in ("imports", "packages")
    }
    return Framework(name, table.get("title", name), table["domain"], lists["imports"], lists["packages"])


def of_imports(modules: Iterable[str], family: str) -> tuple[str, ...]:
    """Names of frameworks that these modules belong to, in the order of the imports."""
    known = _index("imports").get(family, {})
    return _matches(modules, known)


def of_manifests(texts: Mapping[str, str], ecosystem: str = "") -> tuple[str, ...]:
    """Names of frameworks that these manifests ask for. texts: file name (or path) -> content.

    With an ecosystem only its manifests count. A manifest that cannot be read counts as empty.
    """
    found: dict[str, None] = {}
    for path, text in texts.items():
        kind, packages = manifests.packages(path, text)
        if kind and (not ecosystem or kind == ecosystem):
            found.update(dict.fromkeys(_matches(packages, _index("packages").get(kind, {}))))
    return tuple(found)


def domain_of(path: str, language: Language | None, imported: Iterable[str], declared: Iterable[str]) -> str:
    """What code is for: one of DOMAINS, or "" when nothing tells.

    Tests by their path or test framework; else most of the imported frameworks (the first on a tie);
    else the language's usual domain; else most of those the project declares.
    """
    votes = [_domains()[name] for name in imported]
    if "tests" in votes or (language and is_test(path, language)):
        return "tests"
    if votes:
        return max(dict.fromkeys(votes), key=votes.count)
    if language and language.domain:
        return language.domain
    votes = [domain for name in declared if (domain := _domains()[name]) not in ("tests", "docs", "devops")]
    return max(dict.fromkeys(votes), key=votes.count) if votes else ""


def is_test(path: str, language: Language) -> bool:
    """Whether the path looks like a test's."""
    path = path.replace("\\", "/")
    name = path.rpartition("/")[2]
    return any(fnmatchcase(path if "/" in pattern else name, pattern) for pattern in language.tests)


@cache
def _domains() -> dict[str, str]:
    return {framework.name: framework.domain for framework in every()}


@cache
def _index(part: str) -> dict[str, dict[str, str]]:
    """Family or ecosystem -> written name -> framework."""
    index: dict[str, dict[str, str]] = {}
    for framework in every():
        for key, written in (framework.imports if part == "imports" else framework.packages).items():
            index.setdefault(key, {}).update(dict.fromkeys(written, framework.name))
    return index


def _matches(modules: Iterable[str], known: Mapping[str, str]) -> tuple[str, ...]:
    found: dict[str, None] = {}
    for module in modules:
        name = _longest(module, known)
        if name is not None:
            found[name] = None
    return tuple(found)


def _longest(module: str, known: Mapping[str, str]) -> str | None:
    """The framework of the module or of what it lies under: a.b.c, a.b, a."""
    while module:
        if module in known:
            return known[module]
        cut = max(module.rfind(separator) for separator in _SEPARATORS)
        module = module[:cut] if cut > 0 else ""
    return None
