"""The table of clients (clients.toml), with its names in braces filled for this machine."""

from __future__ import annotations

import json
import os
import re
import shutil
import sys
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from codriver.cli.connect.editing import Setting

_TABLE = Path(__file__).with_name("clients.toml")


@dataclass(frozen=True, slots=True)
class Ground:
    """What the table's names in braces stand for, and where this user's files are.

    base: scheme, host and port. server: the words that start the language server.
    """

    base: str
    token: str
    token_file: Path
    server: tuple[str, ...]
    environ: Mapping[str, str]
    system: str = sys.platform

    @property
    def home(self) -> Path:
        return Path(self.environ.get("HOME") or self.environ.get("USERPROFILE") or Path.home())


@dataclass(frozen=True, slots=True)
class Target:
    """One settings file of a client, and what belongs into it."""

    path: Path
    format: str
    settings: tuple[Setting, ...]


@dataclass(frozen=True, slots=True)
class Client:
    """One row. environ and steps: what a client without settings files wants; note: what else there is to know."""

    name: str
    title: str
    kind: str
    commands: tuple[str, ...]
    targets: tuple[Target, ...]
    environ: Mapping[str, str]
    steps: str
    note: str
    marks: tuple[Path, ...]

    def found(self, environ: Mapping[str, str]) -> bool:
        """Whether the client is on this machine: its program, its settings or its folder."""
        there = any(shutil.which(command, path=environ.get("PATH")) for command in self.commands)
        return there or any(path.exists() for path in (*(target.path for target in self.targets), *self.marks))


def load(ground: Ground) -> dict[str, Client]:
    """All clients by name, in the table's order."""
    rows = tomllib.loads(_TABLE.read_text(encoding="utf-8"))
    return {name: _client(name, row, ground) for name, row in rows.items()}


def _client(name: str, row: Mapping[str, Any], ground: Ground) -> Client:
    return Client(
        name,
        row["title"],
        row["kind"],
        tuple(row.get("commands", ())),
        tuple(_target(target, ground) for target in row.get("files", ())),
        _filled(row.get("environ", {}), ground),
        _filled(row.get("steps", ""), ground),
        _filled(row.get("note", ""), ground),
        tuple(path for mark in row.get("marks", ()) if (path := _place(mark, ground)) is not None),
    )


def _target(row: Mapping[str, Any], ground: Ground) -> Target:
    places = row.get({"darwin": "macos", "win32": "windows"}.get(ground.system, ""), row["paths"])
    settings = []
    for one in row["set"]:
        paths = [[part.replace("*", name) for part in one["at"]] for name in one.get("each", {"": ()})]
        values = one.get("each", {"": one.get("others", ())}).values()
        for path, others in zip(paths, values, strict=True):
            value, member, unless = _filled(one["to"], ground), one.get("member", False), one.get("unless", False)
            settings.append(Setting(tuple(path), value, member, tuple(others), unless))
    return Target(_chosen(places, ground), row["format"], tuple(settings))


def _chosen(places: list[str], ground: Ground) -> Path:
    """The first that is there, else whose folder is, else the first. What a variable names comes before the rest."""
    named = [path for place in places if place.startswith("$") and (path := _place(place, ground)) is not None]
    paths = named or [path for place in places if (path := _place(place, ground)) is not None]
    there = [path for path in paths if path.exists()] or [path for path in paths if path.parent.exists()]
    return (there or paths)[0]


def _place(place: str, ground: Ground) -> Path | None:
    """A path of the table: `~` is the home, `$NAME` a variable; None where that is not set."""
    first, _, rest = place.partition("/")
    if first == "~":
        return ground.home / rest
    if first.startswith("$"):
        value = ground.environ.get(first[1:])
        return Path(value) / rest if value else None
    return Path(place)


def _filled(value: Any, ground: Ground) -> Any:
    """A value of the table with its names filled; the item "{rest}" of a list becomes the server's arguments."""
    if isinstance(value, dict):
        return {key: _filled(held, ground) for key, held in value.items()}
    if isinstance(value, list):
        return [word for item in value for word in (ground.server[1:] if item == "{rest}" else [_filled(item, ground)])]
    if not isinstance(value, str):
        return value
    quoted = [json.dumps(word, ensure_ascii=False) for word in ground.server]
    names = {
        "base": ground.base,
        "token": ground.token,
        "token_file": str(ground.token_file),
        "program": ground.server[0],
        "program_quoted": quoted[0],
        "arguments": ", ".join(quoted[1:]),
        "server_list": ", ".join(quoted),
        "server_words": " ".join(quoted),
    }
    return re.sub(r"\{([a-z_]+)\}", lambda found: names.get(found[1], found[0]), value)


def server_words() -> tuple[str, ...]:
    """The words that start the language server, with the whole path: editors on a desktop know no shell's PATH."""
    own = Path(sys.executable).with_name("codriver.exe" if os.name == "nt" else "codriver")
    if own.exists():
        return (str(own), "lsp")
    return (sys.executable, "-m", "codriver", "lsp")
