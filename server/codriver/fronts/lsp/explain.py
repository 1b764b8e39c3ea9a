"""Decisions and outcomes in words and as JSON: what was chosen, why, and what it cost."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import fields, is_dataclass
from enum import Enum
from typing import Any

from codriver.model.decision import Decision, Outcome, Refusal


def as_json(value: Any) -> Any:
    """Values as JSON takes them: dataclasses as objects, enums as their words, no infinities."""
    if is_dataclass(value) and not isinstance(value, type):
        return {field.name: as_json(getattr(value, field.name)) for field in fields(value)}
    if isinstance(value, Enum):
        return value.value
    if isinstance(value, dict):
        return {str(key): as_json(item) for key, item in value.items()}
    if isinstance(value, (list, tuple, set, frozenset)):
        return [as_json(item) for item in value]
    if isinstance(value, float) and not math.isfinite(value):
        return None
    return value if isinstance(value, (str, int, float, bool, type(None))) else str(value)


def by(model: str, *, simulated: bool) -> str:
    """Who wrote it, so that nobody takes a simulated answer for a model's."""
    return f"{model} (simulated)" if simulated else model


def outcome(found: Outcome) -> str:
    """A few lines of Markdown on one finished request."""
    cost = f"${found.cost:.4f}" if found.cost else "nothing"
    head = f"**{found.purpose}**: {found.model or 'nobody'} ({found.status}, {found.seconds:.2f} s, {cost})"
    return "\n\n".join((head, decision(found.decision)))


def decision(found: Decision) -> str:
    """The order of candidates with their reasons, then who was refused and why, as Markdown."""
    lines = [f"Strategy {found.strategy}: {'; '.join(found.reasons)}".rstrip(": "), ""]
    for n, candidate in enumerate(found.candidates, 1):
        numbers = f"quality {candidate.quality:.2f}, ${candidate.cost:.4f}, {candidate.latency:.1f} s"
        reason = f": {candidate.reason}" if candidate.reason else ""
        lines.append(f"{n}. {candidate.model} ({numbers}){reason}")
    return "\n".join([*lines, *_refusals(found.refused)])


def _refusals(refused: Sequence[Refusal]) -> list[str]:
    """Who was refused, those with the same reason together: a missing key refuses a whole provider."""
    by_reason: dict[str, list[str]] = {}
    for refusal in refused:
        by_reason.setdefault(refusal.text, []).append(refusal.model)
    return [
        f"- not {models[0]}{f' and {len(models) - 1} more' if models[1:] else ''}: {reason}"
        for reason, models in by_reason.items()
    ]
