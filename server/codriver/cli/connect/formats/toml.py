"""TOML, read by tomllib and edited by statements: headers, and keys with the spans of their values."""

from __future__ import annotations

import json
import re
import tomllib
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from codriver.cli.connect.formats import Broken, Path, find, line_of, newline, selector

_HEADER = re.compile(r"[ \t]*(\[\[?)([^\r\n]*?)(\]\]?)[ \t]*(?:#[^\r\n]*)?(?:\r?\n|$)")
_KEY = re.compile(r"[ \t]*((?:[\w-]+|\"(?:[^\"\\\r\n]|\\.)*\"|'[^'\r\n]*'|[ \t]*\.[ \t]*)+?)[ \t]*=[ \t]*")
_PART = re.compile(r"[\w-]+|\"(?:[^\"\\]|\\.)*\"|'[^']*'")
_LITERAL = re.compile(
    r"\"\"\"(?:[^\\]|\\.)*?\"{3,5}|'''.*?'{3,5}|\"(?:[^\"\\\r\n]|\\.)*\"|'[^'\r\n]*'|#[^\r\n]*", re.DOTALL
)
_BARE = re.compile(r"[A-Za-z0-9_-]+\Z")


@dataclass(frozen=True, slots=True)
class Statement:
    """A header (without a value) or a key: its path, its lines, and where its value stands."""

    path: Path
    start: int
    end: int
    value: tuple[int, int] | None = None


def read(text: str) -> dict[str, Any]:
    """All values."""
    try:
        # tomllib takes no lone CR and no byte order mark; neither do those who read these files.
        return tomllib.loads(text.removeprefix("\ufeff"))
    except tomllib.TOMLDecodeError as error:
        raise Broken(str(error)) from None


def raw(text: str, path: Path) -> str | None:
    """The value's own text; of a table "" where it has a header."""
    for one in _statements(text):
        if one.path == path:
            return text[slice(*one.value)] if one.value else ""
    return None


def put(text: str, path: Path, value: Any) -> str:
    """Replaces a value; else a new line behind its table's last, else a new table at the end."""
    written, line = _render(value), newline(text)
    for one in _statements(text):
        if one.path == path and one.value:
            return text[: one.value[0]] + written + text[one.value[1] :]
    held = find(read(text), path)
    if isinstance(held, dict):
        raise Broken(f"{'.'.join(path)} is written in another way than as one value")
    entry = f"{_key(path[-1])} = {written}{line}"
    at = _section_end(text, path[:-1])
    if at is not None:
        gap = line if at and not text[:at].endswith("\n") else ""
        lone = not path[:-1] and at == _head(text) and text[at:].strip() and text[at] not in "\r\n"
        return f"{text[:at]}{gap}{entry}{line if lone else ''}{text[at:]}"
    if find(read(text), path[:-1]) is not None and raw(text, path[:-1]):
        raise Broken(f"{'.'.join(path[:-1])} is written as one value in braces")
    gap = "" if not text.strip("\ufeff") else line if text.endswith("\n") else line * 2
    return f"{text}{gap}{_table(path[:-1], line)}{entry}"


def replace(text: str, path: Path, raw: str) -> str:
    """Another text for a value."""
    start, end = next(one.value for one in _statements(text) if one.path == path and one.value)
    return text[:start] + raw + text[end:]


def drop(text: str, path: Path) -> str:
    """Takes a key's lines away, or a table's header and what stands below it."""
    statements = list(_statements(text))
    index = next(i for i, one in enumerate(statements) if one.path == path)
    start, end = statements[index].start, statements[index].end
    if statements[index].value is None:
        for later in statements[index + 1 :]:
            if later.value is None or later.path[: len(path)] != path:
                break
            end = later.end
        blank = re.search(r"(?<=\n)\r?\n\Z", text[:start])
        start = blank.start() if blank else start
    return text[:start] + text[end:]


def _table(path: Path, line: str) -> str:
    """A table's header; of an item also the key that it is known by."""
    chosen = selector(path[-1])
    if chosen is None:
        return f"[{'.'.join(map(_key, path))}]{line}"
    return f"[[{'.'.join(map(_key, path[:-1]))}]]{line}{_key(chosen[0])} = {_render(chosen[1])}{line}"


def _section_end(text: str, table: Path) -> int | None:
    """Where one more line of a table goes: behind its header and its keys; None where it has no header."""
    inside, at = not table, _head(text) if not table else None
    for one in _statements(text):
        if one.value is None:
            inside = one.path == table
        if inside:
            at = one.end
    return at


def _head(text: str) -> int:
    return 1 if text.startswith("\ufeff") else 0


def _statements(text: str) -> Iterator[Statement]:
    """All statements in their order. The text is one that tomllib took."""
    items: dict[Path, int] = {}
    table: Path = ()
    data, at = read(text), _head(text)
    while at < len(text):
        line_end = text.find("\n", at) + 1 or len(text)
        header, key = _HEADER.match(text, at), _KEY.match(text, at)
        if key is not None:
            value = _value_end(text, key.end())
            end = text.find("\n", value) + 1 or len(text)
            yield Statement((*table, *_parts(key[1])), at, end, (key.end(), value))
            at = end
        elif header is not None and header[1]:
            table = _resolved(_parts(header[2]), header[1] == "[[", items, data)
            yield Statement(table, at, line_end)
            at = line_end
        elif text[at:line_end].strip() and not text[at:line_end].lstrip().startswith("#"):
            raise Broken(f"line {line_of(text, at)} is not understood")
        else:
            at = line_end


def _resolved(parts: Path, item: bool, items: dict[Path, int], data: dict[str, Any]) -> Path:
    """A header's path, with items of lists by their name, where they have one, or by their number."""
    if item:
        items[parts] = items.get(parts, -1) + 1
    path: Path = ()
    for depth in range(1, len(parts) + 1):
        path = (*path, parts[depth - 1])
        number = items.get(parts[:depth])
        if number is not None:
            listed = find(data, path)
            entry = listed[number] if isinstance(listed, list) and number < len(listed) else {}
            name = entry.get("name") if isinstance(entry, dict) else None
            path = (*path, f"[name={name}]" if isinstance(name, str) else f"[#{number}]")
    return path


def _parts(dotted: str) -> Path:
    return tuple(
        json.loads(part) if part[0] == '"' else part[1:-1] if part[0] == "'" else part for part in _PART.findall(dotted)
    )


def _value_end(text: str, at: int) -> int:
    """Where a value ends: at the line's end or a comment, outside of strings and brackets."""
    depth, end = 0, at
    while at < len(text):
        found, char = _LITERAL.match(text, at), text[at]
        if found is not None and char == "#" and not depth:
            break
        if found is not None:
            at = found.end()
            end = at
            continue
        if char == "\n" and not depth:
            break
        depth += (char in "[{") - (char in "]}")
        at += 1
        end = at if not char.isspace() else end
    return end


def _key(name: str) -> str:
    return name if _BARE.match(name) else json.dumps(name)


def _render(value: Any) -> str:
    if isinstance(value, dict):
        return "{ " + ", ".join(f"{_key(name)} = {_render(held)}" for name, held in value.items()) + " }"
    if isinstance(value, list):
        return "[" + ", ".join(map(_render, value)) + "]"
    return json.dumps(value, ensure_ascii=False).replace("\x7f", "\\u007f")
