"""What agents tell beside their messages, found in a body's bytes without reading its JSON: the folder they work in,
and the files of their last tool calls.

Programs say it each in their own words; only the words before the folder, and the names of arguments, are listed.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from codriver.syntax.mentions import Mention, is_path, mentions, plain

# Claude Code, opencode, pi: "Working directory: /x"; Gemini CLI and Qwen: "in the directory: /x"; Cline: "Current
# Working Directory (/x) Files"; Codex: "<cwd>/x</cwd>".
_FOLDER = re.compile(
    rb"(?:irectory(?: is)?:? {1,2}\(?[`'\"\\]{0,2}|<cwd>\s*)"
    rb"(?P<folder>(?:[A-Za-z]:\\\\|/|~/)(?:[^\\\"<>)`'\n]|\\\\){1,400})"
)
_LEADS = (b"irectory", b"<cwd>")
_SAID = 50
"""Times that a lead is looked at."""
_PATCHED = b"File: "
_NEEDLES = (b"_path", b"ilePath", b'"path', b"command", b"cmd", _PATCHED)
_CALL = re.compile(
    rb'\\*"(?P<name>\w*_path|filePath|path|command|cmd)\\*"\s*:\s*(?:\[|\\*")(?P<value>[^\]}]{1,600})'
    rb"|\*\*\* (?:Update|Add|Delete) File: (?P<patched>[^\"\\]{1,300})"
)
_GIVEN = re.compile(rb'\\*"\s*:\s*(?:\[|\\*")')
_NUMBER = re.compile(rb'(offset|limit|start_line|end_line)\\*"\s*:\s*\\*"?(\d{1,7})')
_SLASHES = re.compile(r"\\+")

SPAN = 128_000
"""Bytes at a body's end in which calls are looked for."""
CALLS = 4
"""Files of calls that count, the last ones."""
_TRIES = 40
"""Places in a body that one needle is looked for: schemas of tools have the same names."""


def folder(body: bytes) -> str:
    """The folder an agent says it works in, "" where it does not. Costs a few searches of the body."""
    for lead in _LEADS:
        at = -1
        for _ in range(_SAID):
            at = body.find(lead, at + 1)
            if at < 0:
                break
            found = _FOLDER.match(body, at)
            if found is not None:
                return found["folder"].replace(b"\\\\", b"\\").decode("utf-8", "replace").rstrip(" .")
    return ""


def calls(body: bytes) -> tuple[Mention, ...]:
    """Files that the last tool calls in a body name, the last one first, with the lines that were asked for."""
    least = max(0, len(body) - SPAN)
    places = sorted({at for needle in _NEEDLES for at in _found(body, needle, least)}, reverse=True)
    files: dict[str, Mention] = {}
    for at in places:
        for mention in _called(body, at):
            if len(files) < CALLS:
                files.setdefault(mention.path, mention)
    return tuple(files.values())


def _found(body: bytes, needle: bytes, least: int) -> Iterator[int]:
    """Where calls begin that have this needle in them, from the end of the body on."""
    end = len(body)
    taken = 0
    for _ in range(_TRIES):
        end = body.rfind(needle, least, end)
        if end < 0 or taken >= CALLS:
            return
        # A schema has an object behind the name, and most of what is found is schemas: no pattern is tried on them.
        patched = needle == _PATCHED
        if patched or _GIVEN.match(body, end + len(needle)):
            start = body.rfind(b"***" if patched else b'"', max(0, end - 20), end + 1)
            if start >= 0 and _CALL.match(body, start):
                taken += 1
                yield start


def _called(body: bytes, at: int) -> Iterator[Mention]:
    found = _CALL.match(body, at)
    if found is None:
        return
    value = (found["value"] or found["patched"]).decode("utf-8", "replace")
    if found["name"] in (b"command", b"cmd"):
        yield from mentions(_SLASHES.sub("\n", value.replace("\\n", "\n"))).files
        return
    path = plain(_SLASHES.sub("/", value.partition('"')[0].rstrip("\\")))
    if is_path(path):
        yield Mention(path, _asked(body, found.end("value") if found["value"] else found.end(), at))


def _asked(body: bytes, end: int, at: int) -> tuple[tuple[int, int], ...]:
    """The lines that the call's other arguments ask for; only in the call itself, so up to its closing brace."""
    close = body.find(b"}", at)
    close = min(end, close) if close >= 0 else end
    told = {found[1]: int(found[2]) for found in _NUMBER.finditer(body, max(0, at - 100), close)}
    first = told.get(b"start_line", told.get(b"offset", 0))
    last = told.get(b"end_line", first + told[b"limit"] - 1 if b"limit" in told else 0)
    return ((max(1, first), last),) if last >= max(1, first) and first else ()
