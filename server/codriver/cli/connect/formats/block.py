"""A marked block of lines in any program's text (Lua, Vim script, Lisp, Kakoune). Its path is the comment's leader."""

from __future__ import annotations

from typing import Any

from codriver.cli.connect.formats import Broken, Path, newline

_BEGIN, _END = "codriver connect: begin", "codriver connect: end"


def read(text: str) -> dict[str, Any]:
    """The block's lines, by the leader of its marks."""
    found = {}
    for line in text.splitlines():
        if line.rstrip().endswith(f" {_BEGIN}"):
            leader = line.rstrip().removesuffix(_BEGIN).strip()
            found[leader] = (raw(text, (leader,)) or "").replace("\r\n", "\n")
    return found


def raw(text: str, path: Path) -> str | None:
    """The lines between the marks."""
    span = _span(text, path)
    return None if span is None else text[slice(*span)]


def put(text: str, path: Path, value: Any) -> str:
    """Replaces what is between the marks; else a new block at the end."""
    line = newline(text)
    lines = str(value).replace("\n", line)
    span = _span(text, path)
    if span is not None:
        return text[: span[0]] + lines + text[span[1] :]
    gap = "" if not text else line if text.endswith("\n") else line * 2
    return f"{text}{gap}{path[0]} {_BEGIN}{line}{lines}{path[0]} {_END}{line}"


def replace(text: str, path: Path, raw: str) -> str:
    """Other lines between the marks."""
    return put(text, path, raw.replace("\r\n", "\n"))


def drop(text: str, path: Path) -> str:
    """Takes the block away, its marks and the blank line before it."""
    span = _span(text, path)
    assert span is not None
    start = text.rfind("\n", 0, span[0] - 1) + 1
    end = text.find("\n", span[1]) + 1 or len(text)
    head = text[:start]
    for blank in ("\r\n", "\n"):
        if head.endswith("\n" + blank):
            head = head.removesuffix(blank)
            break
    return head + text[end:]


def _span(text: str, path: Path) -> tuple[int, int] | None:
    begin, end = f"{path[0]} {_BEGIN}", f"{path[0]} {_END}"
    count, ends = text.count(begin), text.count(end)
    if (count, ends) == (0, 0):
        return None
    start = text.find("\n", text.find(begin)) + 1
    stop = text.find(end)
    if (count, ends) != (1, 1) or not start or stop < start:
        raise Broken(f"the marks {begin!r} and {end!r} do not stand there once each, in this order")
    return start, stop
