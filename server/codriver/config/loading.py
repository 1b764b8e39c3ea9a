"""File and environment -> Settings. Weakest first: defaults, file, environment; the command line is the cli's."""

from __future__ import annotations

import tomllib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from pydantic import ValidationError

from codriver import paths
from codriver.config.providers import written
from codriver.config.reading import check, explain, parse
from codriver.config.tree import Settings
from codriver.errors import ConfigError

SHORT = {
    "CODRIVER_PORT": ("http", "port"),
    "CODRIVER_STRATEGY": ("routing", "strategy"),
    "CODRIVER_LOG_LEVEL": ("log", "level"),
}
"""Variables with a name of their own; all others are CODRIVER__SECTION__KEY."""

LONG = "CODRIVER__"


@dataclass(frozen=True, slots=True)
class Origin:
    """One setting: its dotted key, its value, and where the value was written ("" means default)."""

    key: str
    value: object
    source: str


def where(environ: Mapping[str, str]) -> Path:
    """The settings file: CODRIVER_CONFIG, else the one in the user's own folder."""
    named = environ.get("CODRIVER_CONFIG")
    return Path(named).expanduser() if named else paths.find(dict(environ)).config_file


def load(path: Path, environ: Mapping[str, str]) -> Settings:
    """The settings of a file, with the environment over it; a missing file is an empty one.

    Raises ConfigError for anything unknown, ill-typed, out of range or unreadable, and for a
    missing file that CODRIVER_CONFIG names.
    """
    tables, text = _file(path, environ)
    settings = check(Settings, tables, file=str(path), text=text)
    overrides = dict(_overrides(environ))
    if not overrides:
        return settings
    for variable, (keys, value) in overrides.items():
        _put(tables, keys, value, variable)
    try:
        return Settings.model_validate(tables)
    except ValidationError as error:
        raise _blamed(error, overrides) from None


def fingerprint(path: Path) -> tuple[int, int]:
    """Changes when the file does: modification time in nanoseconds and size; (0, 0) when there is none."""
    try:
        stat = path.stat()
    except OSError:
        return (0, 0)
    return (stat.st_mtime_ns, stat.st_size)


def origins(path: Path, environ: Mapping[str, str]) -> list[Origin]:
    """Every setting with its value and source, in the tree's order. Raises what `load` raises."""
    settings = load(path, environ)
    in_file = dict(_leaves(_file(path, environ)[0]))
    by_variable = {".".join(keys): variable for variable, (keys, _) in _overrides(environ)}
    found = []
    for key, value in _leaves(settings.model_dump(exclude={"providers"}) | {"providers": _providers(settings)}):
        source = by_variable.get(key) or (str(path) if key in in_file or _within(key, in_file) else "")
        found.append(Origin(key, value, source))
    return found


def _providers(settings: Settings) -> dict[str, Any]:
    return {name: written(table) for name, table in settings.providers.items()}


def _within(key: str, leaves: Mapping[str, object]) -> bool:
    return any(key.startswith(f"{leaf}.") for leaf in leaves)


def _leaves(tables: Mapping[str, Any], prefix: str = "") -> Iterator[tuple[str, object]]:
    for name, value in tables.items():
        if isinstance(value, Mapping) and value:
            yield from _leaves(value, f"{prefix}{name}.")
        else:
            yield f"{prefix}{name}", value


def _file(path: Path, environ: Mapping[str, str]) -> tuple[dict[str, Any], str]:
    try:
        return parse(path)
    except FileNotFoundError:
        if environ.get("CODRIVER_CONFIG"):
            raise ConfigError(str(path), "", "there is no such file", "Create it, or unset CODRIVER_CONFIG") from None
        return {}, ""


def _overrides(environ: Mapping[str, str]) -> Iterator[tuple[str, tuple[tuple[str, ...], object]]]:
    """Variable, and (keys, value): CODRIVER__A__B=v stands for a.b = v."""
    for variable, value in sorted(environ.items()):
        if variable in SHORT:
            yield variable, (SHORT[variable], value)
        elif variable.startswith(LONG):
            yield variable, (tuple(variable[len(LONG) :].lower().split("__")), _value(value))


def _value(text: str) -> object:
    """Lists, tables and quoted strings are read as TOML; the rest is left for the validator to convert."""
    if text[:1] in ("[", "{", '"', "'"):
        try:
            return tomllib.loads(f"value = {text}")["value"]
        except tomllib.TOMLDecodeError:
            return text
    return text


def _put(tables: dict[str, Any], keys: tuple[str, ...], value: object, variable: str) -> None:
    for key in keys[:-1]:
        below = tables.setdefault(key, {})
        if not isinstance(below, dict):
            raise ConfigError("environment", variable, f"{key!r} is not a section", "Write CODRIVER__SECTION__KEY")
        tables = below
    tables[keys[-1]] = value


def _blamed(error: ValidationError, overrides: Mapping[str, tuple[tuple[str, ...], object]]) -> ConfigError:
    """The complaint about a tree whose file is sound: one of the variables is at fault."""
    told = explain(Settings, error, file="environment")
    at_fault = [variable for variable, (keys, _) in overrides.items() if _related(".".join(keys), told.key)]
    return ConfigError("environment", f"{' or '.join(at_fault)} ({told.key})", told.reason, told.remedy)


def _related(one: str, other: str) -> bool:
    return f"{one}.".startswith(f"{other}.") or f"{other}.".startswith(f"{one}.")
