"""What a text itself says of its language: the program of its first line, the mode lines of editors, and, where an
extension is written by several languages, what only one of them would say (`languages/ambiguous.toml`)."""

from __future__ import annotations

import codecs
import re
import tomllib
from collections.abc import Iterator
from functools import cache
from importlib import resources
from pathlib import PurePosixPath

_START = 16_000
"""Bytes at the beginning that are looked at."""
_LINES = 5
"""Lines at either end in which editors look for their mode."""

_EMACS = re.compile(rb"-\*-(?:.*?[\s;]mode\s*:|\s*mode\s*:)?\s*([\w+#.-]+)\s*(?:;.*?)?-\*-", re.IGNORECASE)
_VIM = re.compile(rb"(?:^|[ \t])(?:vim?|ex)(?:[<=>]?\d+)?:.*?(?:^|[ \t:])(?:ft|filetype|syntax)=(\w+)")
_CONTROL = bytes(set(range(32)) - set(b"\t\n\v\f\r\x1b\b"))


def programs(data: bytes) -> Iterator[str]:
    """The program that the first line says to run, whole and without its version; nothing when there is none."""
    data = data.removeprefix(codecs.BOM_UTF8)
    if not data.startswith(b"#!"):
        return
    words = data[2:200].split(b"\n", 1)[0].decode("utf-8", "replace").split()
    names = [PurePosixPath(word).name for word in words if not word.startswith("-") and "=" not in word]
    program = next((name for name in names if name != "env"), "")
    for name in (program, re.sub(r"[\d.]+$", "", program)):
        if name:
            yield name


def modes(data: bytes) -> Iterator[str]:
    """Names that mode lines of Emacs and Vim give, in lower case."""
    lines = data[:4000].splitlines()[:_LINES] + data[-4000:].splitlines()[-_LINES:]
    for line in lines:
        for pattern in (_EMACS, _VIM):
            found = pattern.search(line[:500])
            if found is not None:
                yield found[1].decode("ascii", "replace").lower()


def told(extension: str, data: bytes) -> Iterator[str]:
    """Languages whose words the beginning of the text has, of those that write this extension."""
    for language, pattern in _ambiguous().get(extension, ()):
        if pattern.search(data, 0, _START):
            yield language


def is_binary(data: bytes) -> bool:
    """Whether these bytes are no text in an encoding that keeps ASCII: more than 1 in 50 of the first are controls."""
    start = data[:8000]
    return len(start) - len(start.translate(None, _CONTROL)) > len(start) // 50


def decoded(data: bytes) -> bytes:
    """A file's bytes as UTF-8: UTF-16 and UTF-32 are told by their mark and rewritten, a mark of UTF-8 is dropped.

    What cannot be decoded becomes U+FFFD; bytes without a mark stay as they are.
    """
    for mark, encoding in _MARKS:
        if data.startswith(mark):
            return data.decode(encoding, "replace").encode("utf-8", "replace") if encoding else data[len(mark) :]
    return data


# The mark of UTF-32-LE begins with that of UTF-16-LE.
_MARKS = (
    (codecs.BOM_UTF8, ""),
    (codecs.BOM_UTF32_LE, "utf-32"),
    (codecs.BOM_UTF32_BE, "utf-32"),
    (codecs.BOM_UTF16_LE, "utf-16"),
    (codecs.BOM_UTF16_BE, "utf-16"),
)


@cache
def _ambiguous() -> dict[str, tuple[tuple[str, re.Pattern[bytes]], ...]]:
    file = resources.files("codriver") / "languages" / "ambiguous.toml"
    table = tomllib.loads(file.read_text("utf-8"))
    return {
        extension: tuple((rule["language"], re.compile(rule["pattern"].encode(), re.MULTILINE)) for rule in rules)
        for extension, rules in table.items()
    }
