"""Findings about code, each quoting a line that is really there."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import asdict, dataclass

_SMELLS: tuple[tuple[str, str, str], ...] = (
    (r"^\s*except\s*:", "warning", "A bare except also catches KeyboardInterrupt and SystemExit."),
    (r"[!=]=\s*None\b", "warning", "Compare with None by identity."),
    (r"\beval\(|\bexec\(", "error", "Evaluating text as code is dangerous with outside input."),
    (r"def \w+\(.*=\s*(\[\]|\{\})", "warning", "A mutable default is shared between calls."),
    (r"\b(TODO|FIXME|XXX)\b", "info", "Unfinished work is left here."),
    (r"(password|secret|api_key)\s*=\s*[\"']", "error", "A secret stands in the code."),
    (r"\bvar\s+\w+\s*=", "info", "Prefer const or let to var."),
    (r"[^=!<>]==[^=].*[;{]\s*$", "info", "Consider strict equality."),
    (r"\bprint\(|console\.log\(", "info", "Output meant for debugging is left here."),
    (r"\.unwrap\(\)", "warning", "This panics when there is no value."),
)
_NUMBERED = re.compile(r"^\s*(\d+)\s?[|:│→\t]\s?(.*)$")


@dataclass(frozen=True, slots=True)
class Finding:
    """One remark. line is 1-based, as numbered in the code given, else counted from its start."""

    line: int
    quote: str
    severity: str
    message: str
    category: str = "style"
    suggestion: str = "Simulated suggestion: look at this line once more."


def findings(code: str, seed: str, most: int = 5) -> tuple[Finding, ...]:
    """What a glance finds; one remark at least, if there is a line of code at all."""
    lines = [(number, text) for number, text in _lines(code) if text.strip()]
    found = []
    for number, text in lines:
        for pattern, severity, message in _SMELLS:
            if re.search(pattern, text, re.I):
                found.append(Finding(number, text.strip(), severity, f"{message} (simulated)"))
                break
    solid = [(number, text) for number, text in lines if re.search(r"\w{2}", text)] or lines
    if not found and solid:
        number, text = solid[int(seed[:8], 16) % len(solid)]
        found = [Finding(number, text.strip(), "info", "Consider a clearer name or a comment here. (simulated)")]
    return tuple(found[:most])


def document(finding: Finding, keys: Mapping[str, object] | None = None) -> dict[str, object]:
    """The finding as JSON has it; with `keys`, under those of the example that the prompt gives."""
    fields = asdict(finding)
    if not keys:
        return fields
    known = {key: under(key, fields) for key in keys}
    fits = {key for key, example in keys.items() if type(known[key]) is type(example) or example is None}
    return {key: known[key] if key in fits else example for key, example in keys.items()}


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
    ("fix", "suggestion"),
    ("sugg", "suggestion"),
    ("messag", "message"),
    ("descr", "message"),
    ("title", "message"),
    ("why", "message"),
)


def _lines(code: str) -> list[tuple[int, str]]:
    plain = code.splitlines()
    numbered = [_NUMBERED.match(line) for line in plain]
    if plain and all(match or not line.strip() for match, line in zip(numbered, plain, strict=True)):
        return [(int(match.group(1)), match.group(2)) for match in numbered if match]
    return list(enumerate(plain, 1))
