"""The YAML of settings files: keys at the margin, and items by name in a list below one. All else is left alone.

No parser of YAML: what stands at the margin in any other way than as a key is refused.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from typing import Any

from codriver.cli.connect.formats import Broken, Path, lines_of, newline, selector

_KEY = re.compile(r"(\"(?:[^\"\\]|\\.)*\"|'[^']*'|[A-Za-z0-9_][^\s:#]*(?: [^\s:#]+)*)[ \t]*:(?=[ \t\r\n]|\Z)")
_ITEM = re.compile(r"([ \t]*)-[ \t]+")
_SKIP = re.compile(r"[ \t]*(?:#.*)?\r?\n?\Z|---[ \t]*(?:#.*)?\r?\n?\Z")
_QUOTED = re.compile(r"[ \t]*(?:\"(?:[^\"\\]|\\.)*\"|'(?:[^']|'')*')(?=[ \t\r\n]|\Z)")
_COMMENT = re.compile(r"(?:^|[ \t])#.*\Z")

Span = tuple[int, int]


def read(text: str) -> dict[str, Any]:
    """The keys at the margin: scalars as they are, of a list's items what lies flat in those with a name."""
    found: dict[str, Any] = {}
    for name, (start, end) in _keys(text):
        if name in found:
            raise Broken(f"{name!r} stands there twice")
        items = [_flat(text[slice(*item)]) for item in _items(text, start, end)]
        found[name] = items if items else _scalar(text[start:end])
    return found


def raw(text: str, path: Path) -> str | None:
    """The value's own text: behind a key, or an item's lines."""
    span = _span(text, path)
    return None if span is None else text[slice(*span)]


def put(text: str, path: Path, value: Any) -> str:
    """Replaces a value; else a new key at the end, or a new item at its list's end."""
    line = newline(text)
    span = _span(text, path)
    if len(path) == 1:
        written = f" {_render(value)}"
        if span is not None:
            return text[: span[0]] + written + text[span[1] :]
        return f"{_closed(text)}{path[0]}:{written}{line}"
    holder = _span(text, path[:1])
    if holder is None:
        return f"{_closed(text)}{path[0]}:{line}{_item(value, '  ', line)}"
    items = _items(text, *holder)
    if not items and text[slice(*holder)].strip():
        raise Broken(f"{path[0]} is not a list of lines that begin with a dash")
    before = _closed(text[: items[-1][1] if items else holder[1]])
    indent = (_ITEM.match(text, items[-1][0]) or [""] * 2)[1] if items else "  "
    if span is not None:
        return text[: span[0]] + _item(value, indent, line) + text[span[1] :]
    rest = text[items[-1][1] if items else holder[1] :]
    return before + _item(value, indent, line) + (rest if items else rest.removeprefix("\r").removeprefix("\n"))


def replace(text: str, path: Path, raw: str) -> str:
    """Another text for a value."""
    span = _span(text, path)
    assert span is not None
    return text[: span[0]] + raw + text[span[1] :]


def drop(text: str, path: Path) -> str:
    """Takes a key's lines away, or an item's."""
    span = _span(text, path)
    assert span is not None
    start, end = span
    if len(path) == 1:
        start = text.rfind("\n", 0, start) + 1
        end = text.find("\n", end) + 1 or len(text)
    return text[:start] + text[end:]


def _keys(text: str) -> Iterator[tuple[str, Span]]:
    """The keys at the margin and where the values behind them stand, trailing blank lines and comments left out."""
    open_key, start, end, at = "", 0, 0, 0
    for number, line in enumerate(lines_of(text), 1):
        bare = line.removeprefix("\ufeff") if number == 1 else line
        key = _KEY.match(bare)
        inner = line[0] in " \t" or _ITEM.match(line)
        if key is not None:
            if open_key:
                yield open_key, (start, end)
            open_key, start = _name(key[1]), at + len(line) - len(bare) + key.end()
            end = start + len(_uncommented(line[start - at :]))
        elif not _SKIP.match(bare):
            if not (inner and open_key):
                raise Broken(f"line {number} is not understood")
            end = at + len(line.rstrip("\r\n"))
        at += len(line)
    if open_key:
        yield open_key, (start, end)


def _items(text: str, start: int, end: int) -> list[Span]:
    """The items of the list that a key's value is, each with its whole lines."""
    begin = text.find("\n", start, end) + 1
    if not begin or (text[start:begin].strip() and not text[start:begin].strip().startswith("#")):
        return []
    spans: list[Span] = []
    indent: str | None = None
    at = begin
    for line in lines_of(text[begin:end]):
        item = _ITEM.match(line)
        if item and indent in (None, item[1]):
            indent = item[1]
            spans.append((at, at + len(line)))
        elif spans:
            spans[-1] = (spans[-1][0], at + len(line))
        at += len(line)
    if spans:
        spans[-1] = (spans[-1][0], text.find("\n", max(end - 1, 0)) + 1 or len(text))
    return spans


def _span(text: str, path: Path) -> Span | None:
    holder = next((span for name, span in _keys(text) if name == path[0]), None)
    if holder is None or len(path) == 1:
        return holder
    key, wanted = selector(path[1]) or ("", "")
    return next((item for item in _items(text, *holder) if _flat(text[slice(*item)]).get(key) == wanted), None)


def _flat(item: str) -> dict[str, Any]:
    """The keys of an item that lie side by side with its first one."""
    dash = _ITEM.match(item)
    depth = dash.end() if dash else 0
    lines = [" " * depth + item[depth:].split("\n", 1)[0], *item.split("\n")[1:]]
    found: dict[str, Any] = {}
    for line in lines:
        key = _KEY.match(line, depth)
        if key is not None and not line[:depth].strip():
            found[_name(key[1])] = _scalar(line[key.end() :])
    return found


def _scalar(written: str) -> Any:
    """A value as far as it stands on one line."""
    bare = _uncommented(written).strip()
    if bare[:1] in ('"', "[", "{"):
        try:
            return json.loads(bare)
        except ValueError:
            return bare
    if bare[:1] == "'" and bare.endswith("'"):
        return bare[1:-1].replace("''", "'")
    return {"true": True, "false": False, "": None, "null": None, "~": None}.get(bare, bare)


def _uncommented(written: str) -> str:
    """What stands behind a key on its line, without a comment."""
    quoted = _QUOTED.match(written)
    return quoted[0] if quoted else _COMMENT.sub("", written.rstrip("\r\n")).rstrip()


def _name(written: str) -> str:
    return str(_scalar(written)) if written[0] in "\"'" else written


def _render(value: Any) -> str:
    """JSON's strings, lists and objects are YAML's too."""
    return json.dumps(value, ensure_ascii=False)


def _item(value: dict[str, Any], indent: str, line: str) -> str:
    rows = [f"{name}: {_render(held)}" for name, held in value.items()]
    return f"{indent}- " + f"{line}{indent}  ".join(rows) + line


def _closed(text: str) -> str:
    return text if not text.strip("\ufeff") or text.endswith("\n") else text + newline(text)
