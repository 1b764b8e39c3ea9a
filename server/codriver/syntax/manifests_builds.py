"""Manifests that are build files: Maven, Gradle, sbt, NuGet. Read by patterns, so that broken ones still tell."""

from __future__ import annotations

import re
import tomllib
from collections.abc import Iterator, Mapping

from codriver.syntax.asked import Asked, Reader

_GRADLE = re.compile(
    r"""["']([\w.-]+):([\w.-]+)(?::([^"'@:$]*))?[^"']*["']|\bid\s*\(?\s*["']([\w.-]+)["']\)?(?:\s*version\s*["']([^"']+)["'])?"""
)
_ALIAS = re.compile(r"\blibs\.([\w.]+)")
_SBT = re.compile(r'"([\w.-]+)"\s*%{1,3}\s*"([\w.-]+)"(?:\s*%\s*"([^"]+)")?')
_XML_DEPENDENCY = re.compile(
    r"<(dependency|parent|plugin|extension)>((?:(?!</?\1>)[\s\S]){0,4000}?)</\1>|"
    r"<groupId>\s*([^<\s]+)\s*</groupId>"
)
_XML_FIELD = re.compile(r"<(groupId|artifactId|version)>\s*([^<\s]+)\s*</\1>")
_XML_PROPERTY = re.compile(r"<([\w.-]+)>([^<>$\s]+)</\1>")
_NUGET = re.compile(
    r"""<(?:PackageReference|PackageVersion|GlobalPackageReference|package)\s+(?:Include|Update|id)\s*=\s*"([^"]+)"(?:[^>]*?\b[Vv]ersion\s*=\s*"([^"]+)")?"""
)
_NUGET_SDK = re.compile(
    r'<Project[^>]*\bSdk\s*=\s*"([\w.]+)(?:/([\w.]+))?"|<Use(WPF|WindowsForms|Maui)>\s*true', re.IGNORECASE
)


def _maven(text: str, beside: Mapping[str, str]) -> Iterator[Asked]:
    """By patterns, never by an XML parser: entities and outside files have no say, and broken files still tell."""
    properties = dict(_XML_PROPERTY.findall(text))
    for found in _XML_DEPENDENCY.finditer(text):
        fields: dict[str, str] = dict(reversed(_XML_FIELD.findall(found.group(2) or "")))
        group = fields.get("groupId") or found.group(3)
        if group:
            artifact, wish = fields.get("artifactId", ""), fields.get("version", "")
            yield f"{group}:{artifact}" if artifact else group, properties.get(wish.strip("${}"), wish)


def _gradle(text: str, beside: Mapping[str, str]) -> Iterator[Asked]:
    for group, artifact, wish, plugin, plugin_version in _GRADLE.findall(text):
        yield (f"{group}:{artifact}", wish) if group else (plugin, plugin_version)
    known = dict(_catalog(beside.get("libs.versions.toml", "")))
    for alias in _ALIAS.findall(text):
        yield from known.get(alias.removeprefix("plugins.").removesuffix(".get"), ())


def _catalog(text: str) -> Iterator[tuple[str, tuple[Asked, ...]]]:
    """Alias, as build files write it -> what it stands for, in Gradle's version catalog."""
    try:
        table = tomllib.loads(text)
    except ValueError:
        return
    versions = table.get("versions", {})
    for alias, entry in [*table.get("libraries", {}).items(), *table.get("plugins", {}).items()]:
        words = entry.split(":") if isinstance(entry, str) else []
        if isinstance(entry, dict):
            wish = entry.get("version", "")
            wish = versions.get(wish.get("ref"), "") if isinstance(wish, dict) else wish
            module = entry.get("module") or entry.get("id") or f"{entry.get('group')}:{entry.get('name')}"
            words = [*str(module).split(":"), str(wish)]
        name = ":".join(words[:-1]) if len(words) > 1 else ":".join(words)
        yield re.sub(r"[-_]", ".", alias), ((name, words[-1] if len(words) > 1 else ""),)


def _sbt(text: str, beside: Mapping[str, str]) -> Iterator[Asked]:
    for group, artifact, wish in _SBT.findall(text):
        yield f"{group}:{artifact}", wish


def _nuget(text: str, beside: Mapping[str, str]) -> Iterator[Asked]:
    central = dict(_NUGET.findall(beside.get("Directory.Packages.props", "")))
    for name, wish in _NUGET.findall(text):
        yield name, wish or central.get(name, "")
    for sdk, wish, own in _NUGET_SDK.findall(text):
        if sdk == "Microsoft.NET.Sdk.Web":
            yield "Microsoft.AspNetCore", ""
        elif sdk:
            yield sdk, wish
        elif own:
            yield {"maui": "Microsoft.Maui"}.get(own.lower(), "System.Windows"), ""


READERS: dict[str, tuple[str, Reader]] = {
    "pom.xml": ("maven", _maven),
    "build.gradle": ("maven", _gradle),
    "build.gradle.kts": ("maven", _gradle),
    "build.sbt": ("maven", _sbt),
    "*.csproj": ("nuget", _nuget),
    "*.fsproj": ("nuget", _nuget),
    "packages.config": ("nuget", _nuget),
}

SHARED = {"libs.versions.toml": "maven", "Directory.Packages.props": "nuget"}
"""Files that say versions for the manifests of other folders -> their ecosystem."""
