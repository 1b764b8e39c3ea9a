"""The names a model goes by: its key, its id, its aliases, and dated or "latest" forms of those."""

from __future__ import annotations

import difflib
import re
import tomllib
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from fnmatch import fnmatchcase
from pathlib import Path

from codriver.model.provider import Model

# What clients append to a model's name: a date, "latest", or a bracketed option ("[1m]").
_SUFFIX = re.compile(r"([-@]\d{8}|-\d{4}-\d{2}-\d{2}|[-@:]latest|\[[^\]]*\])$")


@dataclass(frozen=True, slots=True)
class Known:
    """Look-ups over a set of models. Names are compared without regard to case."""

    keys: Mapping[str, Model] = field(default_factory=dict)
    names: Mapping[str, tuple[Model, ...]] = field(default_factory=dict)

    @classmethod
    def of(cls, models: Iterable[Model]) -> Known:
        keys = {model.key: model for model in models}
        names: dict[str, list[Model]] = {}
        for model in keys.values():
            for name in {name.casefold() for name in (model.id, model.upstream_id, *model.aliases)}:
                names.setdefault(name, []).append(model)
        return cls(keys, {name: tuple(found) for name, found in names.items()})

    def called(self, name: str) -> tuple[Model, ...]:
        """The models that go by this name, exactly or but for a suffix; one for each provider at most."""
        for form in variants(name):
            found = self.names.get(form.casefold())
            if found:
                return found
        return ()

    def near(self, name: str, count: int = 3) -> list[str]:
        """Up to `count` names like this one, the likeliest first."""
        pool = {key.casefold(): key for key in self.keys} | {known: known for known in self.names}
        return [pool[found] for found in difflib.get_close_matches(name.casefold(), pool, n=count, cutoff=0.6)]


def variants(name: str) -> Iterator[str]:
    """The name, then the name without its suffixes, one after the other."""
    yield name
    while True:
        shorter = _SUFFIX.sub("", name)
        if shorter == name:
            return
        name = shorter
        yield name


@dataclass(frozen=True, slots=True)
class WellKnown:
    """Patterns of public models' names, each with its tier, in the order in which they are tried."""

    patterns: tuple[tuple[str, str], ...]

    @classmethod
    def read(cls, path: Path) -> WellKnown:
        tables = tomllib.loads(path.read_text(encoding="utf-8"))["name"]
        return cls(tuple((pattern, table["tier"]) for table in tables for pattern in table["like"]))

    def tier(self, name: str) -> str:
        """small, medium or large; "" for a name that no pattern fits."""
        for form in variants(name.casefold()):
            for pattern, tier in self.patterns:
                if fnmatchcase(form, pattern):
                    return tier
        return ""
