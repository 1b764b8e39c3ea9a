"""How much a Gemini model is told to think: a budget of tokens (2.5) or a level (3 and newer)."""

from __future__ import annotations

from typing import Any

from codriver.model.provider import Model, Quirks
from codriver.wire import effort
from codriver.wire.gemini.body import Thinking

MOST_BUDGET = 24_576
"""Thinking tokens that every model with a budget takes."""
_WORDS = ("low", "medium", "high")


def told(wanted: str | None, model: Model, quirks: Quirks) -> dict[str, Any]:
    """The thinkingConfig for a model that thinks: how much, if that was said, and to show it."""
    style = effort.style(model, quirks, "")
    if style not in ("budget", "level"):
        return {}
    if wanted is None:
        return {"includeThoughts": True}
    amount = _amount(wanted, style, quirks)
    return amount if amount.get("thinkingBudget") == 0 else {**amount, "includeThoughts": True}


def relayed(asked: Thinking, model: Model, quirks: Quirks) -> dict[str, Any] | None:
    """What takes the place of a caller's own thinkingConfig: None where it may stay, {} where it must go."""
    if not model.reasoning:
        return {}
    style = effort.style(model, quirks, "")
    change: dict[str, Any] = {}
    if asked.thinking_level is not None and (wanted := effort.word(asked.thinking_level)) is not None:
        if style == "budget" or (quirks.efforts and wanted not in quirks.efforts):
            change = _amount(wanted, style, quirks)
    elif asked.thinking_budget is not None and style == "budget":
        budget = asked.thinking_budget
        if budget > MOST_BUDGET or (budget == 0 and quirks.efforts and "none" not in quirks.efforts):
            change = _amount("max" if budget else "none", style, quirks)
    if not change:
        return None
    return change if asked.include_thoughts is None else {**change, "includeThoughts": asked.include_thoughts}


def _amount(wanted: str, style: str, quirks: Quirks) -> dict[str, Any]:
    """In the model's own words, clamped to what it knows."""
    known = effort.nearest(wanted, quirks.efforts or _WORDS)
    if style == "budget":
        return {"thinkingBudget": min(effort.budget("max" if known == "xhigh" else known), MOST_BUDGET)}
    return {"thinkingLevel": {"none": "MINIMAL", "max": "HIGH", "xhigh": "HIGH"}.get(known, known.upper())}
