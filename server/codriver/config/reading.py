"""TOML text and validated tables, with errors a person can act on: file, line, key, reason, remedy."""

from __future__ import annotations

import difflib
import re
import tomllib
import typing
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from types import NoneType, UnionType
from typing import Any, TypeVar

from pydantic import BaseModel, ValidationError
from pydantic_core import ErrorDetails

from codriver.errors import ConfigError

Checked = TypeVar("Checked", bound=BaseModel)
Location = tuple[str | int, ...]


def parse(path: Path) -> tuple[dict[str, Any], str]:
    """The tables of a TOML file and its text. Raises ConfigError; FileNotFoundError when there is none."""
    try:
        text = path.read_bytes().decode()
    except FileNotFoundError:
        raise
    except OSError as error:
        raise ConfigError(str(path), "", f"cannot be read: {error.strerror}", "Check its owner and mode") from error
    except UnicodeDecodeError as error:
        raise ConfigError(str(path), "", f"is not UTF-8 at byte {error.start}", "Save it as UTF-8") from error
    try:
        return tomllib.loads(text.removeprefix("\ufeff")), text
    except tomllib.TOMLDecodeError as error:
        raise _syntax(path, text, str(error)) from error


def check(kind: type[Checked], tables: Mapping[str, Any], *, file: str, text: str = "", prefix: str = "") -> Checked:
    """Validates tables. Raises ConfigError about the first thing wrong.

    text: the file's own, for the line. prefix: what stands before the keys, dotted.
    """
    try:
        return kind.model_validate(tables)
    except ValidationError as error:
        raise explain(kind, error, file=file, text=text, prefix=prefix) from None


def explain(
    kind: type[BaseModel], error: ValidationError, *, file: str, text: str = "", prefix: str = ""
) -> ConfigError:
    """A validation error as a ConfigError: its first complaint, and how many more there are."""
    first, *others = error.errors(include_url=False)
    location = tuple(part for part in first["loc"] if part != "[key]")
    key = ".".join([*([prefix] if prefix else []), *(str(part) for part in location)])
    line = line_of(text, key) if text else 0
    reason, remedy = _words(kind, location, first)
    if others:
        remedy += f" ({len(others)} more to mend after this)"
    return ConfigError(f"{file}:{line}" if line else file, key, reason, remedy)


def near(word: str, words: Sequence[str]) -> str:
    """A question naming the likeliest of the words, or an empty string."""
    found = difflib.get_close_matches(word, words, n=1, cutoff=0.6)
    return f"Did you mean {found[0]!r}?" if found else ""


def line_of(text: str, key: str) -> int:
    """The 1-based line where a dotted key, or the nearest table above it, is written; 0 if nowhere."""
    best, line = 0, 0
    rows = any(part.isdigit() for part in key.split("."))
    for number, path in _written(text):
        path = path if rows else [part for part in path if not part.isdigit()]
        there = ".".join(path)
        if f"{there}.".startswith(f"{key}."):
            return number
        if len(path) > best and key.startswith(f"{there}."):
            best, line = len(path), number
    return line


def _written(text: str) -> Iterator[tuple[int, list[str]]]:
    """Each line that opens a table or sets a key, with the dotted path it stands for."""
    table: list[str] = []
    rows: dict[str, int] = {}  # of [[lists]]: how many were opened so far
    for number, raw in enumerate(text.splitlines(), 1):
        header = re.match(r"\s*\[(\[?)([^\[\]]+)\]\]?", raw)
        if header:
            table = _path(header[2])
            if header[1]:
                rows[header[2]] = rows.get(header[2], -1) + 1
                table = [*table, str(rows[header[2]])]
            elif table[0] in rows:
                table = [table[0], str(rows[table[0]]), *table[1:]]
            yield number, table
        elif "=" in raw and not raw.lstrip().startswith("#"):
            path = _path(raw.split("=", 1)[0])
            if path:
                yield number, table + path


def _path(dotted: str) -> list[str]:
    return [bare or quoted for bare, quoted in re.findall(r"([A-Za-z0-9_-]+)|[\"']([^\"']*)[\"']", dotted)]


def _syntax(path: Path, text: str, message: str) -> ConfigError:
    found = re.search(r"\s*\(at (?:line (\d+), column \d+|end of document)\)", message)
    line = int(found[1]) if found and found[1] else max(1, len(text.splitlines()))
    reason = "is not valid TOML: " + re.sub(r"\s*\(at [^)]*\)", "", message)
    return ConfigError(f"{path}:{line}", "", reason, 'Strings stand in "quotes", tables in [brackets]')


def _words(kind: type[BaseModel], location: Location, complaint: ErrorDetails) -> tuple[str, str]:
    """Reason and remedy for one complaint of the validator."""
    type_, message = complaint["type"], complaint["msg"]
    if type_ == "extra_forbidden":
        names = names_at(kind, location[:-1])
        guess = near(str(location[-1]), names)
        return "there is no such key", guess or f"Keys here are {', '.join(names)}"
    if type_ == "missing":
        return "is missing", "Add it"
    if type_ in ("model_type", "dict_type"):
        return "should be a table", f"Write [{'.'.join(map(str, location))}] on a line of its own, and its keys below"
    if type_ == "literal_error":
        return "is not one of the words allowed", f"Write {complaint['ctx']['expected']}"
    reason, _, advice = message.removeprefix("Value error, ").partition("; ")
    if advice:
        return reason, advice[0].upper() + advice[1:]
    reason = reason.replace("Input should", "should", 1)
    return reason[0].lower() + reason[1:], "Change the value, or remove the key"


def names_at(kind: type[BaseModel], location: Location) -> list[str]:
    """The keys that may be written in the table at this place of the tree."""
    here: Any = kind
    for part in location:
        here = _inside(here, str(part))
    return [field.alias or name for name, field in here.model_fields.items()] if _is_table(here) else []


def _inside(here: Any, part: str) -> Any:
    if _is_table(here):
        for name, field in here.model_fields.items():
            if part in (name, field.alias):
                return _plain(field.annotation)
        return None
    if typing.get_origin(here) is dict:
        return _plain(typing.get_args(here)[1])
    if typing.get_origin(here) is tuple:
        return _plain(typing.get_args(here)[0])
    return here


def _plain(annotation: Any) -> Any:
    """An annotation without `| None`."""
    if isinstance(annotation, UnionType) or typing.get_origin(annotation) is typing.Union:
        return next(arg for arg in typing.get_args(annotation) if arg is not NoneType)
    return annotation


def _is_table(kind: Any) -> bool:
    return isinstance(kind, type) and issubclass(kind, BaseModel)
