"""Where a provider is, when that is not the same for everybody: names in braces, filled from the environment.

A base URL, a path or a header may hold {region} and the like; the provider's `vars` say which
variables everybody uses for it. What cannot be filled is a reason why the provider is not
available, like a key that is missing, never an error.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import urlsplit

Tables = Mapping[str, Any]

# What the upstream client fills for each call stays: {model}, {action}, and {whole|streamed}.
_NAME = re.compile(r"\{(?!model\}|action\})([a-z_]+)\}")

# An address that a path can follow: no user, no query, nothing left to fill.
_ADDRESS = re.compile(r"https?://(?:\[[0-9A-Fa-f:.]+\]|[^\s/?#@\[\]{}|:\\]+)(?::\d{1,5})?(?:/[^\s?#{}|\\]*)?")


@dataclass(frozen=True, slots=True)
class Places:
    """A provider's table with its names filled. lacks: what a person has to set first, or ""."""

    table: dict[str, Any]
    values: Mapping[str, str] = field(default_factory=dict)
    lacks: str = ""


def settle(provider: str, table: Tables, environ: Mapping[str, str]) -> Places:
    """The table with the form that holds here (`forms`) and every name filled that can be."""
    filled = dict(table)
    source = _Source(provider, table.get("vars", {}), environ)
    for form in filled.pop("forms", {}).values():
        if source.value(form["when"]):
            filled |= {key: value for key, value in form.items() if key != "when"}
    lacking: list[str] = []
    for key in ("base_url", "wires", "headers", "discover"):
        if key in filled:
            filled[key] = _filled(filled[key], source, lacking)
    filled["base_url"] = str(filled.get("base_url") or "").rstrip("/")
    return Places(filled, source.values(), lacking[0] if lacking else "")


def _filled(value: Any, source: _Source, lacking: list[str]) -> Any:
    if isinstance(value, Mapping):
        return {key: _filled(one, source, lacking) for key, one in value.items()}
    names = _NAME.findall(value) if isinstance(value, str) else ()
    for name in names:
        found = source.value(name)
        if not found:
            lacking.append(source.reason(name))
            return value
        value = value.replace(f"{{{name}}}", found)
    return value


def _is_address(value: str) -> bool:
    try:
        urlsplit(value).port  # noqa: B018 (raises for brackets and numbers that cannot be)
    except ValueError:
        return False
    return _ADDRESS.fullmatch(value) is not None


class _Source:
    """The values of one provider's names: the user's own, the environment's, or what follows from others."""

    def __init__(self, provider: str, tables: Tables, environ: Mapping[str, str]) -> None:
        self._provider, self._tables, self._environ = provider, tables, environ

    def values(self) -> dict[str, str]:
        """Those that have a value."""
        return {name: value for name in self._tables if (value := self.value(name))}

    def value(self, name: str, depth: int = 4) -> str:
        """The value, or "" when nobody gave one that fits its pattern."""
        given, _ = self._given(name)
        if not given and depth:
            given = self._derived(self._table(name), depth)
        return given if self._fits(name, given) else ""

    def reason(self, name: str) -> str:
        """Why there is no value, naming what to set."""
        given, place = self._given(name)
        if given:
            return f"{place} is {given!r}, which is no {name}"
        return f"{' or '.join(self._variables(name)) or f'providers.{self._provider}.vars.{name}'} is not set"

    def _table(self, name: str) -> Tables:
        """The user may write the value itself instead of a table."""
        table = self._tables.get(name, {})
        return table if isinstance(table, Mapping) else {}

    def _given(self, name: str) -> tuple[str, str]:
        """The value somebody wrote, and where."""
        own = self._tables.get(name)
        if isinstance(own, str):
            return own.strip(), f"providers.{self._provider}.vars.{name}"
        for variable in self._table(name).get("env", ()):
            value = self._environ.get(variable, "").strip()
            for end in self._table(name).get("trim", ()):
                value = value.rstrip("/").removesuffix(end)
            if value:
                return value.rstrip("/"), variable
        return "", ""

    def _derived(self, table: Tables, depth: int) -> str:
        """From another name's value by the table of choices, or the default; both may hold names again."""
        default = str(table.get("default") or "")
        chosen = str(table.get("choices", {}).get(self.value(table["of"], depth - 1), default)) if "of" in table else ""
        text = chosen or default
        for name in _NAME.findall(text):
            inner = self.value(name, depth - 1)
            if not inner:
                return ""
            text = text.replace(f"{{{name}}}", inner)
        return text

    def _fits(self, name: str, value: str) -> bool:
        if value.startswith(("http://", "https://")) and not _is_address(value):
            return False
        pattern = self._table(name).get("pattern")
        return not (value and pattern) or re.fullmatch(pattern, value) is not None

    def _variables(self, name: str, depth: int = 4) -> list[str]:
        """Environment names that would give the value, those of the names it follows from included."""
        table = self._table(name)
        found = list(table.get("env", ()))
        inner = [*_NAME.findall(str(table.get("default") or "")), *([table["of"]] if "of" in table else [])]
        for one in inner if depth else ():
            found += self._variables(one, depth - 1)
        return list(dict.fromkeys(found))
