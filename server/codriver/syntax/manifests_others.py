"""Manifests of npm, Composer, Cargo, Go, RubyGems, pub, Hex, SwiftPM, CRAN, Julia, Conan and vcpkg."""

from __future__ import annotations

import json
import re
import tomllib
from collections.abc import Iterator, Mapping

from codriver.syntax.asked import Asked, Reader, wishes

_GO = re.compile(r"^\s*(?:require\s+)?([\w.-]+\.[\w.-]+(?:/\S+)?)\s+v(\d[^\s/]*)(?!.*//\s*indirect)", re.MULTILINE)
_GO_MODULE = re.compile(r"^module\s+(\S+)", re.MULTILINE)
_GEM = re.compile(r"""^\s*gem\s*\(?\s*["']([^"']+)["'](?:\s*,\s*["']([^"']+)["'])?""", re.MULTILINE)
_SPEC = re.compile(
    r"""\b\w+\.(?:add_(?:runtime_|development_)?dependency|name\s*=)\s*\(?\s*["']([^"']+)["'](?:\s*,\s*["']([^"']+)["'])?"""
)
_MIX = re.compile(r'\{\s*:(\w+)\s*,\s*(?:"([^"]*)")?')
_MIX_NAME = re.compile(r"\bapp:\s*:(\w+)")
_SWIFT = re.compile(r'url:\s*"[^"]*/([\w.-]+?)(?:\.git)?/?"\s*,?\s*(?:\.\w+\()?\s*(?:from:|exact:)?\s*(?:"([\d.]+))?')
_YAML_SECTION = re.compile(r"^(dependencies|dev_dependencies|dependency_overrides|name)\s*:\s*(\S*)")
_YAML_ENTRY = re.compile(r"^ {2}(\w+)\s*:\s*['\"]?([^'\"#\n]*)")
_CONTROL = re.compile(r"^(Imports|Depends|Suggests|LinkingTo|Package)\s*:((?:.*\n(?:[ \t]+.*\n)*))", re.MULTILINE)
_CONTROL_ENTRY = re.compile(r"([A-Za-z][\w.]*)\s*(?:\(([^)]*)\))?")
_CONAN = re.compile(
    r"""^\s*(?:self\.)?(?:requires|test_requires|tool_requires)?\s*\(?\s*["']?([a-z][\w.+-]*)/(\d[\w.+-]*)""",
    re.MULTILINE,
)


def _npm(text: str, beside: Mapping[str, str]) -> Iterator[Asked]:
    table = json.loads(text)
    for part in ("dependencies", "devDependencies", "peerDependencies", "optionalDependencies"):
        yield from wishes(table.get(part) or {})
    if "name" in table:
        yield table["name"], table.get("version", "")


def _composer(text: str, beside: Mapping[str, str]) -> Iterator[Asked]:
    table = json.loads(text)
    for part in ("require", "require-dev"):
        yield from wishes(table.get(part) or {})
    if "name" in table:
        yield table["name"], ""


def _vcpkg(text: str, beside: Mapping[str, str]) -> Iterator[Asked]:
    for entry in json.loads(text).get("dependencies", []):
        name = entry if isinstance(entry, str) else entry.get("name", "")
        yield name.split("-")[0] if name.startswith("boost-") else name, ""


def _conan(text: str, beside: Mapping[str, str]) -> Iterator[Asked]:
    for found in _CONAN.finditer(text):
        yield found.group(1), found.group(2)


def _cargo(text: str, beside: Mapping[str, str]) -> Iterator[Asked]:
    table = tomllib.loads(text)
    for part in (table, table.get("workspace", {}), *table.get("target", {}).values()):
        for key in ("dependencies", "dev-dependencies", "build-dependencies"):
            for name, wish in part.get(key, {}).items():
                renamed = wish.get("package", name) if isinstance(wish, dict) else name
                yield renamed, wish.get("version", "") if isinstance(wish, dict) else wish
    if "package" in table:
        yield table["package"].get("name"), table["package"].get("version")


def _go(text: str, beside: Mapping[str, str]) -> Iterator[Asked]:
    yield from _GO.findall(text)
    for name in _GO_MODULE.findall(text)[:1]:
        yield name, ""


def _gems(text: str, beside: Mapping[str, str]) -> Iterator[Asked]:
    yield from _GEM.findall(text)


def _gemspec(text: str, beside: Mapping[str, str]) -> Iterator[Asked]:
    yield from _SPEC.findall(text)


def _pubspec(text: str, beside: Mapping[str, str]) -> Iterator[Asked]:
    section = ""
    for line in text.splitlines():
        head, entry = _YAML_SECTION.match(line), _YAML_ENTRY.match(line)
        if line[:1] not in (" ", "#", ""):
            section = head.group(1) if head else ""
            if head and section == "name":
                yield head.group(2), ""
        elif entry and section.endswith(("dependencies", "overrides")):
            yield entry.group(1), entry.group(2).strip()


def _mix(text: str, beside: Mapping[str, str]) -> Iterator[Asked]:
    yield from _MIX.findall(text)
    for name in _MIX_NAME.findall(text)[:1]:
        yield name, ""


def _swift(text: str, beside: Mapping[str, str]) -> Iterator[Asked]:
    yield from _SWIFT.findall(text)


def _description(text: str, beside: Mapping[str, str]) -> Iterator[Asked]:
    for _key, names in _CONTROL.findall(text + "\n"):
        for name, wish in _CONTROL_ENTRY.findall(names):
            yield name, wish.replace("== ", "")


def _julia(text: str, beside: Mapping[str, str]) -> Iterator[Asked]:
    table = tomllib.loads(text)
    compat = table.get("compat", {})
    for name in [*table.get("deps", {}), *table.get("extras", {}), *table.get("weakdeps", {})]:
        yield name, compat.get(name, "")


READERS: dict[str, tuple[str, Reader]] = {
    "package.json": ("npm", _npm),
    "composer.json": ("composer", _composer),
    "go.mod": ("go", _go),
    "Cargo.toml": ("cargo", _cargo),
    "Gemfile": ("gem", _gems),
    "*.gemspec": ("gem", _gemspec),
    "pubspec.yaml": ("pub", _pubspec),
    "mix.exs": ("hex", _mix),
    "Package.swift": ("swift", _swift),
    "DESCRIPTION": ("cran", _description),
    "Project.toml": ("julia", _julia),
    "vcpkg.json": ("conan", _vcpkg),
    "conanfile.*": ("conan", _conan),
}
