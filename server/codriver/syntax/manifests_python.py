"""Manifests of Python projects."""

from __future__ import annotations

import itertools
import re
import tomllib
from collections.abc import Iterator, Mapping

from codriver.syntax.asked import Asked, Reader, pypi, wishes

_REQUIREMENT = re.compile(r"^\s*([A-Za-z0-9][\w.-]*)\s*(?:\[[^\]]*\])?\s*\(?([^;#\s@)][^;#)\n]*)?")
_VIA = re.compile(r"^\s+# via\b|^[^#]+# via\b")
_FILE = re.compile(r"#.*(?:-[rc] \S|\.toml|\.in\b|setup\.(?:py|cfg))")
_LISTS = re.compile(r"\w*(?:requir|extras|deps\b|dependencies)\w*(?:\[[^\]\n]*\])?\s*[:+]?=\s*[\[({]", re.IGNORECASE)
_QUOTED = re.compile(r"""["']([A-Za-z0-9][\w.-]*(?:\[[\w,-]+\])?\s*(?:[<>=!~;][^"'\n]*)?)["']\s*[,\]\n)}]""")
_BRACKET = re.compile(r"[\[\](){}]")
_NAMED = re.compile(r"""\bname\s*=\s*["']([\w.-]+)["']""")


def _pyproject(text: str, beside: Mapping[str, str]) -> Iterator[Asked]:
    table = tomllib.loads(text)
    project = table.get("project", {})
    for written in project.get("dependencies", []):
        yield from _requirement(written)
    for group in [*project.get("optional-dependencies", {}).values(), *table.get("dependency-groups", {}).values()]:
        for written in group:
            yield from _requirement(written)
    tool = table.get("tool", {})
    poetry = tool.get("poetry", {})
    for group in [poetry, *poetry.get("group", {}).values()]:
        for part in ("dependencies", "dev-dependencies"):
            yield from (asked for asked in wishes(group.get(part, {}), pypi) if asked[0] != "python")
    for group in tool.get("pdm", {}).get("dev-dependencies", {}).values():
        for written in group:
            yield from _requirement(written)
    for written in tool.get("uv", {}).get("dev-dependencies", []):
        yield from _requirement(written)
    for environment in tool.get("hatch", {}).get("envs", {}).values():
        for written in [*environment.get("dependencies", []), *environment.get("extra-dependencies", [])]:
            yield from _requirement(written)
    for owner in (project, poetry):
        if "name" in owner:
            yield pypi(owner["name"]), owner.get("version", "")


def _setup_cfg(text: str, beside: Mapping[str, str]) -> Iterator[Asked]:
    """setup.cfg: indented lines below install_requires, tests_require and the extras."""
    section, within = "", False
    for line in text.splitlines():
        if line.startswith("["):
            section, within = line.strip("[] \t"), False
        elif line[:1] not in (" ", "\t", "#", ""):
            key, _, rest = line.partition("=")
            key = key.strip()
            within = key in ("install_requires", "tests_require", "setup_requires") or section.endswith(
                "extras_require"
            )
            if within:
                yield from _requirement(rest)
            elif section == "metadata" and key == "name":
                yield pypi(rest.strip()), ""
        elif within:
            yield from _requirement(line)


def _setup_py(text: str, beside: Mapping[str, str]) -> Iterator[Asked]:
    """setup.py is a program: the strings in the lists and tables that it calls requirements, extras or dependencies."""
    for found in _LISTS.finditer(text):
        for quoted in _QUOTED.finditer(_bracketed(text, found.end() - 1)):
            yield from _requirement(quoted.group(1))
    for name in _NAMED.findall(text)[:1]:
        yield pypi(name), ""


def _bracketed(text: str, start: int) -> str:
    """From a bracket to its counterpart, 20,000 characters at most; brackets in strings are balanced in practice."""
    depth = 0
    for found in _BRACKET.finditer(text, start, start + 20_000):
        depth += 1 if found.group() in "[({" else -1
        if depth == 0:
            return text[start : found.end()]
    return text[start : start + 20_000]


def _metadata(text: str, beside: Mapping[str, str]) -> Iterator[Asked]:
    for line in text.splitlines():
        if not line:  # the description follows
            return
        key, _, rest = line.partition(":")
        if key == "Requires-Dist":
            yield from _requirement(rest)
        elif key == "Name":
            yield pypi(rest.strip()), ""


def _conda(text: str, beside: Mapping[str, str]) -> Iterator[Asked]:
    for found in re.finditer(r"^\s*-\s+(?:[\w-]+::)?([A-Za-z0-9][\w.-]*)\s*(?:=+\s*([\d.]+))?", text, re.MULTILINE):
        yield pypi(found.group(1)), found.group(2) or ""


def _pipfile(text: str, beside: Mapping[str, str]) -> Iterator[Asked]:
    table = tomllib.loads(text)
    for part in ("packages", "dev-packages"):
        yield from wishes(table.get(part, {}), pypi)


def _requirement_lines(text: str, beside: Mapping[str, str]) -> Iterator[Asked]:
    """requirements.txt; of one that a tool compiled only what was asked for, not what that brought along."""
    lines = text.splitlines()
    compiled = any(_VIA.match(line) for line in lines)
    for at, line in enumerate(lines):
        if not compiled or _is_direct(lines[at : at + 40]):
            yield from _requirement(line)


def _is_direct(lines: list[str]) -> bool:
    """Whether the comments below the first line name a file, not only other packages, as the reason for it."""
    reasons = "\n".join(itertools.takewhile(lambda line: line.lstrip().startswith(("#", "--")), lines[1:]))
    return "# via" not in f"{lines[0]}\n{reasons}" or bool(_FILE.search(f"{lines[0]}\n{reasons}"))


def _requirement(written: object) -> Iterator[Asked]:
    found = _REQUIREMENT.match(written) if isinstance(written, str) else None
    if found:
        yield pypi(found.group(1)), (found.group(2) or "").strip()


READERS: dict[str, tuple[str, Reader]] = {
    "pyproject.toml": ("pypi", _pyproject),
    "*requirements*.txt": ("pypi", _requirement_lines),
    "requirements*.in": ("pypi", _requirement_lines),
    "Pipfile": ("pypi", _pipfile),
    "setup.cfg": ("pypi", _setup_cfg),
    "setup.py": ("pypi", _setup_py),
    "METADATA": ("pypi", _metadata),
    "environment.y*ml": ("pypi", _conda),
}
