"""Files of variables, one NAME=value a line, as shells and `.env` readers take them."""

from __future__ import annotations

import re
from typing import Any

from codriver.cli.connect.formats import Broken, Path, newline

_LINE = re.compile(r"^(?:export[ \t]+)?([A-Za-z_]\w*)[ \t]*=[ \t]*(.*?)[ \t]*\r?$", re.MULTILINE)


def read(text: str) -> dict[str, Any]:
    """The variables; a name that stands there twice has its last value, as shells see it."""
    if "\0" in text:
        raise Broken("it is not a text")
    return {found[1]: _bare(found[2]) for found in _LINE.finditer(text)}


def raw(text: str, path: Path) -> str | None:
    """The value as it is written."""
    found = _found(text, path)
    return found[2] if found else None


def put(text: str, path: Path, value: Any) -> str:
    """Replaces the value, or adds a line."""
    found = _found(text, path)
    if found is not None:
        return text[: found.start(2)] + str(value) + text[found.end(2) :]
    line = newline(text)
    return f"{text}{line if text and not text.endswith(chr(10)) else ''}{path[0]}={value}{line}"


def replace(text: str, path: Path, raw: str) -> str:
    """Another text for a value."""
    return put(text, path, raw)


def drop(text: str, path: Path) -> str:
    """Takes the line away."""
    found = _found(text, path)
    assert found is not None
    end = text.find("\n", found.end()) + 1 or len(text)
    return text[: found.start()] + text[end:]


def _found(text: str, path: Path) -> re.Match[str] | None:
    every = [found for found in _LINE.finditer(text) if found[1] == path[0]]
    if len(every) > 1:
        raise Broken(f"{path[0]} stands there twice")
    return every[0] if every else None


def _bare(value: str) -> str:
    return value[1:-1] if len(value) > 1 and value[0] == value[-1] and value[0] in "\"'" else value
