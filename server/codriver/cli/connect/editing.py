"""Settings into a text and out of it again, checked: after an edit nothing else may read differently than before."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from codriver.cli.connect.formats import MISSING, Broken, Format, Path, find


@dataclass(frozen=True, slots=True)
class Setting:
    """A value at a path. member: the value is one of a list there; others is the list where there is none.

    unless: any value that is there will do.
    """

    path: Path
    value: Any
    member: bool = False
    others: tuple[Any, ...] = ()
    unless: bool = False


@dataclass(frozen=True, slots=True)
class Done:
    """What one setting did, for its undoing: the raw texts before (None: absent) and after.

    kept: how many keys of the path were there before. added: what was put into a list.
    """

    path: Path
    before: str | None
    after: str
    kept: int
    added: Any = None


def holds(form: Format, text: str, settings: Sequence[Setting]) -> bool:
    """Whether all of the settings are in the text already. Raises Broken."""
    data = form.read(text)
    return all(_held(setting, find(data, setting.path)) for setting in settings)


def apply(form: Format, text: str, settings: Sequence[Setting]) -> tuple[str, tuple[Done, ...]]:
    """The text with the settings, and what was done. Raises Broken where it cannot be done without harm."""
    new, done = text, []
    for setting in settings:
        data = form.read(new)
        held = find(data, setting.path)
        if _held(setting, held):
            continue
        before, kept = form.raw(new, setting.path), _depth(data, setting.path)
        new = form.put(new, setting.path, _wanted(setting, held))
        after = form.raw(new, setting.path)
        if after is None or not _held(setting, find(form.read(new), setting.path)):
            raise Broken(f"{_dotted(setting.path)} cannot be set there without rewriting more of it")
        done.append(Done(setting.path, before, after, kept, setting.value if setting.member else None))
    _check(form, text, new, [setting.path for setting in settings])
    return new, tuple(done)


def revert(form: Format, text: str, done: Sequence[Done]) -> tuple[str, tuple[str, ...]]:
    """The text without what was done, and what was left because somebody has changed it since. Raises Broken."""
    new, left = text, []
    for one in reversed(done):
        now = form.raw(new, one.path)
        if now == one.after:
            new = _without(form, new, one) if one.before is None else form.replace(new, one.path, one.before)
        elif one.added is not None and isinstance(held := find(form.read(new), one.path), list) and one.added in held:
            new = form.put(new, one.path, [item for item in held if item != one.added])
        elif now is not None:
            left.append(_dotted(one.path))
    _check(form, text, new, [one.path for one in done])
    return new, tuple(left)


def _without(form: Format, text: str, one: Done) -> str:
    """The text without a key, and without the tables above it that came with it and are empty now."""
    text = form.drop(text, one.path)
    for depth in range(len(one.path) - 1, one.kept, -1):
        above = one.path[:depth]
        if form.raw(text, above) is not None and _bare(find(form.read(text), above), one.path[depth - 1]):
            text = form.drop(text, above)
    return text


def _bare(value: Any, segment: str) -> bool:
    """Whether a table is empty; an item is, when it has nothing but the key it is known by."""
    if isinstance(value, dict) and segment.startswith("["):
        return set(value) <= {segment[1:].partition("=")[0]}
    return value in ({}, [], None)


def _held(setting: Setting, held: Any) -> bool:
    if setting.unless and held is not MISSING:
        return True
    if setting.member:
        return isinstance(held, list) and setting.value in held
    return bool(held == setting.value and type(held) is type(setting.value))


def _wanted(setting: Setting, held: Any) -> Any:
    if not setting.member:
        return setting.value
    if held is MISSING:
        return [*setting.others, setting.value]
    if not isinstance(held, list):
        raise Broken(f"{_dotted(setting.path)} is not a list")
    return [*held, setting.value]


def _depth(data: Any, path: Path) -> int:
    """How many keys of a path are there."""
    depths = range(len(path), 0, -1)
    return next((depth for depth in depths if find(data, path[:depth]) is not MISSING), 0)


def _check(form: Format, before: str, after: str, paths: Sequence[Path]) -> None:
    if _pruned(form.read(before), paths) != _pruned(form.read(after), paths):
        raise Broken("it cannot be edited without changing what else it says")


def _pruned(value: Any, paths: Sequence[Path], at: Path = ()) -> Any:
    """A value without what lies at the paths, and without what is then empty on the way there."""
    if not any(path[: len(at)] == at for path in paths):
        return value
    if isinstance(value, dict):
        kept = {key: _pruned(held, paths, (*at, key)) for key, held in value.items() if (*at, key) not in paths}
        way = {path[len(at)] for path in paths if path[: len(at)] == at}
        return {key: held for key, held in kept.items() if key not in way or held not in ({}, [], None)}
    if isinstance(value, list):
        return [item for item in (_pruned_item(item, paths, at) for item in value) if item not in ({}, None)]
    return value


def _pruned_item(item: Any, paths: Sequence[Path], at: Path) -> Any:
    """An item of a list, without what lies at a path that chooses it."""
    for path in paths:
        segment = path[len(at)] if path[: len(at)] == at and len(path) > len(at) else ""
        if segment.startswith("[") and find([item], (segment,)) is item:
            if (*at, segment) in paths:
                return None
            rest = _pruned(item, paths, (*at, segment))
            return None if _bare(rest, segment) else rest
    return item


def _dotted(path: Path) -> str:
    return ".".join(path)
