"""Indentation as text: leading white space of lines, and moving whole blocks by it.

Everything is done on prefixes and never on counted columns alone, so that tabs stay tabs.
"""

from __future__ import annotations

import re
from collections import Counter
from operator import sub

_OPENS = re.compile(r"""(?:[:{(\[]|=>|->|\b(?:do|then|else|begin))[ \t]*(?:[ \t](?:#|//)[^"'`]*)?$""")

_LEADS = re.compile(r"\n([ \t]*)(?=[^ \t\n])")


def lead(line: str) -> str:
    """A line's leading white space."""
    return line[: len(line) - len(line.lstrip(" \t"))]


def columns(line: str) -> int:
    """How far a line is indented, tabs counted as four."""
    return len(lead(line).expandtabs(4))


def opens(line: str) -> bool:
    """Whether a line opens a block or bracket, a comment behind it or not, so that the next one stands deeper."""
    return _OPENS.search(line) is not None


def unit(text: str) -> str:
    """One step of indentation as this text has it: a tab, or the commonest step of spaces; four when unknown."""
    leads = _LEADS.findall(f"\n{text}")
    kinds = Counter(found[:1] for found in leads)
    if kinds["\t"] > kinds[" "]:
        return "\t"
    sizes = list(map(len, leads))
    deeper = Counter(map(sub, sizes[1:], sizes))
    steps = Counter({step: deeper[step] for step in (2, 3, 4, 8) if deeper[step]})
    return " " * steps.most_common(1)[0][0] if steps else "    "


def shared(lines: list[str]) -> str:
    """The leading white space that all lines with something on them begin with."""
    leads = [lead(line) for line in lines if line.strip()]
    if not leads:
        return ""
    first, last = min(leads), max(leads)
    size = next((n for n, (a, b) in enumerate(zip(first, last, strict=False)) if a != b), min(len(first), len(last)))
    return first[:size]


def moved(lines: list[str], old: str, new: str) -> list[str]:
    """The lines with the prefix `old` replaced by `new`; lines that stand less deep keep what they have of it."""
    return [(_moved(line, old, new) if old != new else line) if line.strip() else "" for line in lines]


def _moved(line: str, old: str, new: str) -> str:
    if line.startswith(old):
        return new + line[len(old) :]
    missing = len(old) - len(lead(line))
    return new[: max(len(new) - missing, 0)] + line.lstrip(" \t")


def respaced(text: str, step: str) -> str:
    """The text with its lines indented by `step`s, where it used the other of tabs and spaces."""
    if step == "\t" and re.search(r"(?m)^\t* +\S", text):
        width = len(unit(text).expandtabs(4))
        return re.sub(r"(?m)^\t* +(?=\S)", lambda found: _tabs(len(found[0].expandtabs(width)), width), text)
    if step != "\t" and "\t" in text:
        return re.sub(r"(?m)^[ \t]*\t[ \t]*(?=\S)", lambda found: found[0].replace("\t", step), text)
    return text


def _tabs(spaces: int, width: int) -> str:
    return "\t" * (spaces // width) + " " * (spaces % width)
