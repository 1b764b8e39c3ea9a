"""What a tool's result tells of a run: whether tests or a build passed, whether the call itself failed, and what the
call before it did. The words are those of the runners' own summaries (runs.toml); a few plain searches come first.
"""

from __future__ import annotations

import re
import tomllib
from dataclasses import dataclass
from functools import cache
from importlib import resources

from codriver.syntax import agents

LOOKED = 2500
"""Characters at a text's end in which a summary is looked for: runners write it last."""

CALL = 6000
"""Bytes of a call that are looked at."""

NEWEST = {
    "anthropic": b'"tool_use"',
    "openai_chat": b'"tool_calls"',
    "ollama_chat": b'"tool_calls"',
    "openai_responses": b'function_call"',
    "gemini": b'"functionCall"',
}
"""What marks a call in a body of each wire."""

_BEHIND = (b'"role"', b'_call_output"')
"""What follows a call: the next message. Schemas of tools come after that, and name what edits too."""

_CUSTOM = b'"custom_tool_call"'


@dataclass(frozen=True, slots=True)
class Run:
    """One run. what: "tests" or "build"; by: the runner whose words these are."""

    what: str
    passed: bool
    by: str


@dataclass(frozen=True, slots=True)
class _Runner:
    what: str
    by: str
    needles: tuple[str, ...]
    failed: re.Pattern[str]
    passed: re.Pattern[str] | None


@dataclass(frozen=True, slots=True)
class _Words:
    stems: tuple[str, ...]
    runners: tuple[_Runner, ...]
    failing: re.Pattern[str]
    edits: tuple[bytes, ...]
    tests: re.Pattern[str]


def read(text: str) -> Run | None:
    """The last run that a tool's result shows; None for any other text. Tests say more than a build before them."""
    text, words = text[-LOOKED:], _words()
    if not any(stem in text for stem in words.stems):
        return None
    last: tuple[int, Run] | None = None
    for runner in words.runners:
        if not any(needle in text for needle in runner.needles):
            continue
        for passed, pattern in ((False, runner.failed), (True, runner.passed)):
            for found in pattern.finditer(text) if pattern is not None else ():
                if last is None or found.end() > last[0]:
                    last = found.end(), Run(runner.what, passed, runner.by)
    return None if last is None else last[1]


def failing(text: str) -> bool:
    """Whether a tool's result says that the call failed."""
    return _words().failing.match(text) is not None


def edited(body: bytes, wire: str) -> str | None:
    """The file that the newest tool call in a body changes ("" where none is named), or None when it changes none."""
    mark = NEWEST.get(wire)
    if mark is None:
        return None
    at = body.rfind(mark)
    if wire == "openai_responses":
        at = max(at, body.rfind(_CUSTOM))
    if at < 0:
        return None
    call = body[at : at + CALL]
    call = call[: min((end for end in map(call.find, _BEHIND) if end > 0), default=CALL)]
    if not any(found in call for found in _words().edits):
        return None
    files = agents.calls(call)
    return files[0].path if files else ""


def of_tests(path: str) -> bool:
    """Whether a path's name says that tests are in it."""
    return _words().tests.search(path) is not None


@cache
def _words() -> _Words:
    table = tomllib.loads((resources.files("codriver.syntax") / "runs.toml").read_text("utf-8"))
    runners = [
        _Runner(
            what,
            by,
            tuple(row["needle"]),
            re.compile(row["failed"]),
            re.compile(row["passed"]) if row["passed"] else None,
        )
        for what, rows in (("build", table["builds"]), ("tests", table["tests"]))
        for by, row in rows.items()
    ]
    edits = tuple(mark.encode() for mark in table["edits"]["marks"])
    failing, tests = (re.compile(pattern) for pattern in (table["calls"]["failed"], table["edits"]["tests"]))
    return _Words(tuple(table["stems"]), tuple(runners), failing, edits, tests)
