"""Which frameworks code is written with, and in which versions.

Imports, its name and its text say it for one file, manifests for a project. What each framework is imported
and packaged as is said by `frameworks/<name>.toml`; to add one, add a file.
"""

from __future__ import annotations

import re
import tomllib
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from fnmatch import translate
from functools import cache, lru_cache
from importlib import resources
from typing import Any

from codriver.syntax import domains, locks, manifests
from codriver.syntax.domains import DOMAINS as DOMAINS
from codriver.syntax.domains import is_test as is_test
from codriver.syntax.languages import Language

HEAD = 8_000
"""Bytes at the start of a text in which signs are looked for."""

_SEPARATORS = "./\\:"
_JVM = ("kotlin", "scala", "groovy", "clojure")
_KEYS = frozenset({"title", "domain", "telling", "files", "marks", "imports", "packages", "content"})


@dataclass(frozen=True, slots=True)
class Framework:
    """One framework, as its file says. A name stands for itself and everything below it."""

    name: str
    title: str
    domain: str
    imports: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    """Language family -> imported modules."""
    packages: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    """Ecosystem -> packages; the first one has the framework's own version."""
    files: tuple[str, ...] = ()
    """Patterns of the names (with a slash: of the paths' ends) of files written for it."""
    marks: bool = False
    """Such a file in a project tells that the project's code uses it."""
    content: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    """Language -> patterns found in the first HEAD bytes of a text written for it."""
    telling: int = 2
    """How much it says about what code is for: 1 (used everywhere) to 3 (for nothing else)."""


@dataclass(frozen=True, slots=True)
class Declared:
    """What a project's manifests ask for: frameworks, and (framework, version) where a version is known.

    A version is the lock's, else as the manifest writes it ("4.2", ">=4,<5", "^18.2.0").
    """

    names: tuple[str, ...] = ()
    versions: tuple[tuple[str, str], ...] = ()


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
    unknown = table.keys() - _KEYS
    if unknown:
        raise ValueError(f"frameworks/{name}.toml: unknown key {min(unknown)!r}")
    telling = table.get("telling", 2)
    if telling not in (1, 2, 3):
        raise ValueError(f"frameworks/{name}.toml: telling must be 1, 2 or 3")
    return Framework(
        name,
        table.get("title", name),
        table["domain"],
        _lists(table.get("imports", {})),
        _lists(table.get("packages", {})),
        files=tuple(table.get("files", ())),
        marks=bool(table.get("marks", False)),
        content=_lists(table.get("content", {})),
        telling=telling,
    )


def of_imports(modules: Iterable[str], family: str) -> tuple[str, ...]:
    """Names of frameworks that these modules belong to, in the order of the imports."""
    return _of_imports(tuple(modules), family)


def of_text(path: str, head: bytes, language: Language | None) -> tuple[str, ...]:
    """Names of frameworks that a file's name or the beginning of its text is written for."""
    return tuple(dict.fromkeys((*_of_name(_tail(path)), *(_of_head(head[:HEAD], language.name) if language else ()))))


def of_manifests(texts: Mapping[str, str], ecosystem: str = "") -> tuple[str, ...]:
    """Names of frameworks that these manifests ask for. texts: file name (or path) -> content.

    With an ecosystem only its manifests count. A manifest that cannot be read counts as empty.
    """
    return declared(texts, ecosystem).names


def declared(texts: Mapping[str, str], ecosystem: str = "", family: str = "") -> Declared:
    """Frameworks and versions that manifests, locks and marker files tell; remembered for the last few projects.

    With an ecosystem only its manifests count; marker files only for frameworks of the ecosystem or family.
    """
    return _declared(tuple(texts.items()), ecosystem, family) if texts else Declared()


def domain_of(
    path: str, language: Language | None, imported: Iterable[str], declared: Iterable[str], head: bytes = b""
) -> str:
    """What code is for: one of DOMAINS, or "" when nothing tells. The rules are in domains.py."""
    known = _tellings()
    return domains.judge(
        path, head[:HEAD], language, [known[name] for name in imported], [known[name] for name in declared]
    )


def marks(path: str) -> bool:
    """Whether a file of this name tells, by lying in a project, what the project is written with."""
    by_name = _by_name()
    return any(by_name[name].marks for name in _of_name(_tail(path)))


def wanted(ecosystem: str, package: str) -> bool:
    """Whether a package of this ecosystem belongs to a framework we know."""
    return _longest(package, _index("packages").get(ecosystem, {})) is not None


def _lists(table: Mapping[str, Any]) -> dict[str, tuple[str, ...]]:
    return {key: tuple(names) for key, names in table.items()}


@lru_cache(maxsize=256)
def _of_imports(modules: tuple[str, ...], family: str) -> tuple[str, ...]:
    index = _index("imports")
    tables = [index.get(name, {}) for name in ((family, "java") if family in _JVM else (family,))]
    found = (next((name for known in tables if (name := _longest(module, known))), None) for module in modules)
    return tuple(dict.fromkeys(name for name in found if name))


@lru_cache(maxsize=256)
def _of_name(path: str) -> tuple[str, ...]:
    return tuple(framework.name for framework, pattern in _names() if pattern.match(path))


@lru_cache(maxsize=64)
def _of_head(head: bytes, language: str) -> tuple[str, ...]:
    signs = _signs().get(language, ())
    text = domains.lines(head) if signs else ""
    return tuple(name for name, patterns in signs if any(pattern.search(text) for pattern in patterns))


@lru_cache(maxsize=64)
def _declared(texts: tuple[tuple[str, str], ...], ecosystem: str, family: str) -> Declared:
    names: dict[str, None] = {}
    versions: dict[str, tuple[int, str]] = {}
    pins: dict[str, dict[str, str]] = {}
    for path, text in texts:
        kind, pinned = locks.pins(path, text, wanted)
        if kind:
            pins.setdefault(kind, {}).update(pinned)
    for path, text in texts:
        kind, asked = manifests.requirements(path, text, dict(texts))
        if kind and (not ecosystem or kind == ecosystem):
            for name, rank, version in _versions(kind, asked, pins.get(kind, {})):
                names[name] = None
                if version and (name not in versions or rank < versions[name][0]):
                    versions[name] = rank, version
    for path, _ in texts:
        names.update(dict.fromkeys(_marked(_tail(path), ecosystem, family)))
    return Declared(tuple(names), tuple((name, versions[name][1]) for name in names if name in versions))


def _versions(
    ecosystem: str, asked: Iterable[tuple[str, str]], pins: Mapping[str, str]
) -> Iterator[tuple[str, int, str]]:
    """(framework, place of the package among the framework's, version or "") for each package asked for."""
    known = _index("packages").get(ecosystem, {})
    by_name = _by_name()
    for package, requirement in asked:
        name = _longest(package, known)
        if name is None:
            continue
        written = by_name[name].packages[ecosystem]
        rank = next((at for at, one in enumerate(written) if package == one), len(written))
        plugin = package.startswith(written[0] + "-")  # pytest-cov has versions of its own
        yield name, rank, "" if plugin else pins.get(package) or manifests.version(requirement)


def _marked(path: str, ecosystem: str, family: str) -> Iterator[str]:
    by_name = _by_name()
    for name in _of_name(path):
        framework = by_name[name]
        near = not ecosystem or ecosystem in framework.packages or family in framework.imports
        if framework.marks and near:
            yield name


def _tail(path: str) -> str:
    """The last three components: enough for every pattern."""
    return "/".join(path.replace("\\", "/").rsplit("/", 3)[-3:])


@cache
def _by_name() -> dict[str, Framework]:
    return {framework.name: framework for framework in every()}


@cache
def _tellings() -> dict[str, tuple[str, int]]:
    return {framework.name: (framework.domain, framework.telling) for framework in every()}


@cache
def _names() -> tuple[tuple[Framework, re.Pattern[str]], ...]:
    """Each framework that has files, with a pattern of the ends of their paths."""
    return tuple(
        (framework, re.compile("(?:.*/)?(?:" + "|".join(translate(glob) for glob in framework.files) + ")"))
        for framework in every()
        if framework.files
    )


@cache
def _signs() -> dict[str, tuple[tuple[str, tuple[re.Pattern[str], ...]], ...]]:
    """Language -> frameworks with a pattern of their texts. What holds for JavaScript holds for its dialects."""
    found: dict[str, list[tuple[str, tuple[re.Pattern[str], ...]]]] = {}
    for framework in every():
        for language, patterns in framework.content.items():
            compiled = tuple(domains.sign(pattern) for pattern in patterns)
            for name in (language, "typescript", "tsx") if language == "javascript" else (language,):
                found.setdefault(name, []).append((framework.name, compiled))
    return {language: tuple(signs) for language, signs in found.items()}


@cache
def _index(part: str) -> dict[str, dict[str, str]]:
    """Family or ecosystem -> written name -> framework."""
    index: dict[str, dict[str, str]] = {}
    for framework in every():
        for key, written in (framework.imports if part == "imports" else framework.packages).items():
            index.setdefault(key, {}).update(dict.fromkeys(written, framework.name))
    return index


def _longest(module: str, known: Mapping[str, str]) -> str | None:
    """The framework of the module or of what it lies under: a.b.c, a.b, a; then of what it is a plugin of: a-*."""
    rest = module
    while rest:
        if rest in known:
            return known[rest]
        cut = max(rest.rfind(separator) for separator in _SEPARATORS)
        rest = rest[:cut] if cut > 0 else ""
    cut = module.rfind("-")
    while cut > 0:
        if f"{module[:cut]}-*" in known:
            return known[f"{module[:cut]}-*"]
        cut = module.rfind("-", 0, cut)
    return None
