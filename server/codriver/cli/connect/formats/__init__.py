"""Formats of settings files, edited as text: what is not ours keeps every byte. One module each, found by name.

A path is a tuple of keys; `[name=x]` among them is the item of a list whose `name` is x.
"""

from __future__ import annotations

import importlib
import re
from typing import Any, Final, Protocol, cast

Path = tuple[str, ...]
MISSING: Final = object()
"""What a path leads to where there is nothing."""


class Broken(Exception):
    """The text cannot be read or not be edited safely; says why, with a line where there is one."""


class Format(Protocol):
    """What a format's module has. Texts keep their line ends and a byte order mark. All raise Broken."""

    def read(self, text: str) -> dict[str, Any]:
        """The settings as values, of an empty text {}; as deep as this format looks."""

    def raw(self, text: str, path: Path) -> str | None:
        """The value's own text, None where there is none."""

    def put(self, text: str, path: Path, value: Any) -> str:
        """The text with this value there, put in where there was none."""

    def replace(self, text: str, path: Path, raw: str) -> str:
        """The text with another raw text for a value that is there."""

    def drop(self, text: str, path: Path) -> str:
        """The text without this key, which is there."""


def named(name: str) -> Format:
    """The module of a format. Raises ImportError."""
    # By name: a type checker cannot see which module it is.
    return cast(Format, importlib.import_module(f"{__name__}.{name}"))


def selector(segment: str) -> tuple[str, str] | None:
    """`[name=x]` -> ("name", "x"); None for an ordinary key."""
    if segment.startswith("[") and segment.endswith("]") and "=" in segment:
        key, _, wanted = segment[1:-1].partition("=")
        return key, wanted
    return None


def find(value: Any, path: Path) -> Any:
    """What a path leads to in a value, or MISSING."""
    for segment in path:
        chosen = selector(segment)
        if chosen is not None and isinstance(value, list):
            key, wanted = chosen
            value = next((item for item in value if isinstance(item, dict) and item.get(key) == wanted), MISSING)
        elif isinstance(value, dict):
            value = value.get(segment, MISSING)
        else:
            return MISSING
        if value is MISSING:
            return MISSING
    return value


def newline(text: str) -> str:
    """The line end this text uses."""
    return "\r\n" if "\r\n" in text else "\n"


def line_of(text: str, at: int) -> int:
    """The number, from 1, of the line an offset is in."""
    return text.count("\n", 0, at) + 1


def lines_of(text: str) -> list[str]:
    """The lines with their ends. Only a line feed ends one: str.splitlines knows more."""
    return re.findall(r"[^\n]*\n|[^\n]+", text)
