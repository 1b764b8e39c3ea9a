"""What a workspace may change: it may take away, never add.

A repository somebody cloned must not be able to send code elsewhere, spend more or open a port.
So each key a workspace may write has a rule that keeps the narrower of two values, and no other
key has any effect; `widening` names those, for the user to be told.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from typing import Any

from codriver.config.providers import ProviderTable
from codriver.config.tree import Settings


def _off(mine: bool, theirs: bool) -> bool:
    return mine and theirs


def _on(mine: bool, theirs: bool) -> bool:
    return mine or theirs


def _lower(mine: float, theirs: float) -> float:
    return min(mine, theirs)


def _budget(mine: float, theirs: float) -> float:
    """0 is no limit, so any limit is narrower than it."""
    return min((amount for amount in (mine, theirs) if amount), default=0.0)


def _more(mine: tuple[str, ...], theirs: list[str]) -> tuple[str, ...]:
    """A pattern that begins with ! takes files out of the list, which would widen."""
    return (*mine, *(glob for glob in theirs if glob not in mine and not glob.startswith("!")))


Rule = tuple[Callable[[Any, Any], Any], type | tuple[type, ...]]

RULES: dict[str, Rule] = {
    "routing.strict_models": (_on, bool),
    "complete.enabled": (_off, bool),
    "complete.predictor": (_off, bool),
    "complete.max_bytes": (_lower, int),
    "refactor.enabled": (_off, bool),
    "refactor.max_bytes": (_lower, int),
    "review.enabled": (_off, bool),
    "review.max_bytes": (_lower, int),
    "privacy.local_only": (_more, list),
    "privacy.never": (_more, list),
    "budget.daily_usd": (_budget, (int, float)),
}


def narrow(settings: Settings, workspace: Mapping[str, Any]) -> Settings:
    """The settings with what a workspace wrote, as far as it takes away. Never raises."""
    changes: dict[str, dict[str, Any]] = {}
    for key, value in _written(workspace):
        section, _, name = key.partition(".")
        if _allowed(key, value):
            mine = getattr(getattr(settings, section), name)
            changes.setdefault(section, {})[name] = RULES[key][0](mine, value)
    narrowed: dict[str, Any] = {
        section: getattr(settings, section).model_copy(update=fields) for section, fields in changes.items()
    }
    closed = _closed(workspace)
    if closed:
        narrowed["providers"] = settings.providers | {
            name: settings.providers.get(name, ProviderTable()).model_copy(update={"enabled": False}) for name in closed
        }
    return settings.model_copy(update=narrowed)


def widening(settings: Settings, workspace: Mapping[str, Any]) -> tuple[str, ...]:
    """The keys a workspace wrote that have no effect, because they could only widen or are no settings."""
    found = [key for key, value in _written(workspace) if not _effective(settings, key, value)]
    tables = workspace.get("providers")
    for name, table in tables.items() if isinstance(tables, Mapping) else ():
        keys = set(table) - {"enabled"} if isinstance(table, Mapping) else {"enabled"}
        if isinstance(table, Mapping) and table.get("enabled", False) is not False:
            keys.add("enabled")
        found += [f"providers.{name}.{key}" for key in sorted(keys)]
    return tuple(found)


def _effective(settings: Settings, key: str, value: Any) -> bool:
    if not _allowed(key, value):
        return False
    section, _, name = key.partition(".")
    mine = getattr(getattr(settings, section), name)
    if isinstance(value, list):
        return not any(glob.startswith("!") for glob in value)
    return bool(RULES[key][0](mine, value) == value)


def _allowed(key: str, value: Any) -> bool:
    rule = RULES.get(key)
    if rule is None or not isinstance(value, rule[1]):
        return False
    if isinstance(value, bool):
        return rule[1] is bool
    if isinstance(value, list):
        return all(isinstance(glob, str) for glob in value)
    return isinstance(value, int | float) and value >= 0


def _written(workspace: Mapping[str, Any]) -> Iterator[tuple[str, Any]]:
    for section, table in workspace.items():
        if section == "providers":
            continue
        if isinstance(table, Mapping):
            yield from ((f"{section}.{name}", value) for name, value in table.items())
        else:
            yield section, table


def _closed(workspace: Mapping[str, Any]) -> list[str]:
    tables = workspace.get("providers")
    if not isinstance(tables, Mapping):
        return []
    return [name for name, table in tables.items() if isinstance(table, Mapping) and table.get("enabled") is False]
