"""Which version of each package is locked, read from the texts of lock files. No file is opened here.

Locks are long and read line by line, so that a reading thread lets others run between two packages.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from functools import lru_cache

from codriver.syntax.asked import pypi

_Wanted = Callable[[str, str], bool]

_PART, _OVERLAP = 200_000, 4_000

_MARK = "# the pinned versions of "
"""What a brief begins with."""

_TOML = re.compile(r'^\[\[package\]\]\s*\nname = "([^"\n]+)"\nversion = "([^"\n]+)"', re.MULTILINE)
_NPM = re.compile(r'^ {2,4}"(?:node_modules/)?((?:@[\w.~-]+/)?[\w.~-]+)": \{\s*"version": "([^"\n]+)"', re.MULTILINE)
_YARN = re.compile(
    r'^"?((?:@[\w.~-]+/)?[\w.~-]+)@[^\n]*:\n {2}(?:version:? "?([^"\s]+)"?|resolution: [^\n]*)', re.MULTILINE
)
_PNPM = re.compile(r"^ {2}'?/?((?:@[\w.~-]+/)?[\w.~-]+)[@/](\d[^\s:'(_]*)", re.MULTILINE)
_GEMS = re.compile(r"^ {4}([\w.-]+) \(([\w.]+)", re.MULTILINE)
_COMPOSER = re.compile(r'^ {12}"name": "([^"\n]+)",\s*"version": "v?([^"\n]+)"', re.MULTILINE)
_PIPFILE = re.compile(r'^ {8}"([\w.-]+)": \{([^{}]*)\}', re.MULTILINE)
_EQUALS = re.compile(r'"version": "==([^"]+)"')
_PUB = re.compile(r'^ {2}(\w+):\n(?: {4}.*\n)*? {4}version: "([^"\n]+)"', re.MULTILINE)
_MIX = re.compile(r'^ {2}"(\w+)": \{:hex, :\w+, "([^"\n]+)"', re.MULTILINE)
_SWIFT = re.compile(r'"identity"\s*:\s*"([^"\n]+)"(?:(?!"identity")[\s\S]){0,600}?"version"\s*:\s*"([^"\n]+)"')
_JULIA = re.compile(r'^\[\[(?:deps\.)?(\w+)\]\]\n(?:[^\[\n].*\n)*?version = "([^"\n]+)"', re.MULTILINE)
_RENV = re.compile(r'"Package": "([\w.]+)",\s*"Version": "([^"\n]+)"')
_NUGET = re.compile(
    r'^ {6}"([\w.]+)": \{\s*"type": "[^"]*",\s*(?:"requested": "[^"]*",\s*)?"resolved": "([^"\n]+)"', re.MULTILINE
)


def ecosystem(path: str) -> str:
    """The ecosystem of a lock file, "" for any other file."""
    found = READERS.get(path.replace("\\", "/").rpartition("/")[2])
    return found[0] if found else ""


def pins(path: str, text: str, wanted: _Wanted) -> tuple[str, dict[str, str]]:
    """The ecosystem of a lock (or of its brief) and the versions of the wanted packages. ("", {}) for another file."""
    name = path.replace("\\", "/").rpartition("/")[2]
    kind = ecosystem(name)
    return (kind, dict(_pins(name, text, wanted))) if kind else ("", {})


def brief(path: str, text: str, wanted: _Wanted) -> str:
    """A short text that `pins` reads as it reads the whole lock: only what is wanted, a line each."""
    name = path.replace("\\", "/").rpartition("/")[2]
    lines = (f"{package} {version}" for package, version in _pins(name, text, wanted))
    return "\n".join((_MARK + name, *lines))


@lru_cache(maxsize=32)
def _pins(name: str, text: str, wanted: _Wanted) -> tuple[tuple[str, str], ...]:
    kind, read = READERS[name]
    if text.startswith(_MARK):
        words = (line.partition(" ") for line in text.splitlines()[1:])
        return tuple((package, version) for package, _, version in words if version)
    found: dict[str, str] = {}
    for part in _parts(text):
        for package, version in read(part):
            if version and package not in found and wanted(kind, package):
                found[package] = version
    return tuple(found.items())


def _parts(text: str) -> Iterator[str]:
    """The text in pieces that begin at a line and reach into the next: no search is long, no entry is cut."""
    start = 0
    while start < len(text):
        yield text[start : start + _PART + _OVERLAP]
        start = text.find("\n", start + _PART) + 1 or len(text)


def _plain(pattern: re.Pattern[str]) -> Callable[[str], Iterator[tuple[str, str]]]:
    def read(text: str) -> Iterator[tuple[str, str]]:
        for found in pattern.finditer(text):
            yield found.group(1), found.group(2) or ""

    return read


def _python(text: str) -> Iterator[tuple[str, str]]:
    for found in _TOML.finditer(text):
        yield pypi(found.group(1)), found.group(2)


def _pipfile(text: str) -> Iterator[tuple[str, str]]:
    for found in _PIPFILE.finditer(text):
        version = _EQUALS.search(found.group(2))
        if version:
            yield pypi(found.group(1)), version.group(1)


def _yarn(text: str) -> Iterator[tuple[str, str]]:
    for found in _YARN.finditer(text):
        yield found.group(1), found.group(2) or ""


READERS: dict[str, tuple[str, Callable[[str], Iterator[tuple[str, str]]]]] = {
    "poetry.lock": ("pypi", _python),
    "uv.lock": ("pypi", _python),
    "pdm.lock": ("pypi", _python),
    "pylock.toml": ("pypi", _python),
    "Pipfile.lock": ("pypi", _pipfile),
    "package-lock.json": ("npm", _plain(_NPM)),
    "npm-shrinkwrap.json": ("npm", _plain(_NPM)),
    "yarn.lock": ("npm", _yarn),
    "pnpm-lock.yaml": ("npm", _plain(_PNPM)),
    "Cargo.lock": ("cargo", _plain(_TOML)),
    "composer.lock": ("composer", _plain(_COMPOSER)),
    "Gemfile.lock": ("gem", _plain(_GEMS)),
    "pubspec.lock": ("pub", _plain(_PUB)),
    "mix.lock": ("hex", _plain(_MIX)),
    "Package.resolved": ("swift", _plain(_SWIFT)),
    "Manifest.toml": ("julia", _plain(_JULIA)),
    "renv.lock": ("cran", _plain(_RENV)),
    "packages.lock.json": ("nuget", _plain(_NUGET)),
}

NAMES = tuple(READERS)
"""The names of all lock files that are read."""
