"""Findings about code, each quoting a line that is really there."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import asdict, dataclass


@dataclass(frozen=True, slots=True)
class _Smell:
    """A pattern, what is said of a line that has it, and what a fix puts in the pattern's place, if it can."""

    pattern: str
    severity: str
    message: str
    why: str
    better: str | None = None


_SMELLS = (
    _Smell(
        r"(?<=except)\s*:", "warning", "A bare except catches everything.", "Ctrl-C is swallowed too.", " Exception:"
    ),
    _Smell(r"!=\s*None\b", "warning", "Compare with None by identity.", "An __eq__ may answer.", "is not None"),
    _Smell(r"==\s*None\b", "warning", "Compare with None by identity.", "An __eq__ may answer.", "is None"),
    _Smell(r"\beval\(|\bexec\(", "error", "Text is evaluated as code.", "Outside input runs as code."),
    _Smell(r"def \w+\(.*=\s*(\[\]|\{\})", "warning", "The default is mutable.", "All calls share one object."),
    _Smell(r"(password|secret|api_key)\s*=\s*[\"']", "error", "A secret stands in the code.", "It gets committed."),
    _Smell(r"\bvar\b(?=\s+\w+\s*=)", "info", "This var is visible in the whole function.", "Loops share it.", "let"),
    _Smell(r"\.unwrap\(\)", "warning", "This panics when there is no value.", "The whole program ends."),
    _Smell(r"\b(TODO|FIXME|XXX)\b", "info", "Unfinished work is left here.", "It will be forgotten."),
)
_NUMBERED = re.compile(r"^\s*(\d+)\s?[|:│→\t]\s?(.*)$")


@dataclass(frozen=True, slots=True)
class Finding:
    """One remark. line counts from 1, as numbered in the code given; quote and fix are whole lines."""

    line: int
    quote: str
    severity: str
    message: str
    why: str
    fix: str = ""
    category: str = "style"


def findings(code: str, seed: str, most: int = 5, only: frozenset[str] = frozenset()) -> tuple[Finding, ...]:
    """What a glance finds; one remark at least, if there is a line of code at all. only: lines to be looked at."""
    lines = [(number, text) for number, text in _lines(code) if text.strip() and (not only or text.strip() in only)]
    found = [remark for number, text in lines if (remark := _remark(number, text))]
    solid = [(number, text) for number, text in lines if re.search(r"\w{2}", text)] or lines
    if not found and solid:
        number, text = solid[int(seed[:8], 16) % len(solid)]
        found = [Finding(number, text, "info", "Read this line once more (simulated finding).", "It is a guess.")]
    return tuple(found[:most])


def _remark(number: int, text: str) -> Finding | None:
    for smell in _SMELLS:
        if re.search(smell.pattern, text):
            fix = "" if smell.better is None else re.sub(smell.pattern, smell.better, text, count=1)
            return Finding(number, text, smell.severity, f"{smell.message} (simulated finding)", smell.why, fix)
    return None


def document(finding: Finding, keys: Mapping[str, object] | None = None) -> dict[str, object]:
    """The finding as JSON has it; with `keys`, under those of the example that the prompt gives. No empty fix."""
    fields = asdict(finding)
    if keys:
        known = {key: under(key, fields) for key in keys}
        fits = {key for key, example in keys.items() if type(known[key]) is type(example)}
        fields = {key: known[key] if key in fits else example for key, example in keys.items()}
    return {key: value for key, value in fields.items() if value != ""}


def under(key: str, fields: Mapping[str, object]) -> object | None:
    """What a finding says under a key that may be called otherwise elsewhere; None if nothing."""
    if key in fields:
        return fields[key]
    return next((fields[name] for part, name in _SYNONYMS if part in key.lower()), None)


_SYNONYMS = (
    ("line", "line"),
    ("quote", "quote"),
    ("code", "quote"),
    ("snippet", "quote"),
    ("text", "message"),
    ("sever", "severity"),
    ("level", "severity"),
    ("categor", "category"),
    ("kind", "category"),
    ("fix", "fix"),
    ("sugg", "fix"),
    ("messag", "message"),
    ("descr", "message"),
    ("title", "message"),
    ("reason", "why"),
)


def _lines(code: str) -> list[tuple[int, str]]:
    plain = code.splitlines()
    numbered = [_NUMBERED.match(line) for line in plain]
    if plain and all(match or not line.strip() for match, line in zip(numbered, plain, strict=True)):
        return [(int(match.group(1)), match.group(2)) for match in numbered if match]
    return list(enumerate(plain, 1))
