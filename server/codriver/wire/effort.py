"""How much a model shall think: one scale, read from every wire's words, written as each model wants it.

none, minimal, low, medium, high, max. What a model does not know is clamped to the nearest it does,
never an error. Who writes what arrives as quirks (`thinking`, `efforts`).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, TypeGuard

from codriver.model.provider import Model, Quirks

# "xhigh" is a word of some providers between our last two.
_WORDS = ("none", "minimal", "low", "medium", "high", "xhigh", "max")
_COMMON = ("low", "medium", "high")
_SAME = {"xhigh": "max", "off": "none", "disabled": "none", "default": None, "auto": None, "dynamic": None}
_BUDGETS = {"none": 0, "minimal": 1024, "low": 2048, "medium": 8192, "high": 16384, "max": 31999}
_UP_TO = ((0, "none"), (1024, "minimal"), (4096, "low"), (12_288, "medium"), (24_576, "high"))

LEAST_BUDGET = 1024
"""Tokens below which Anthropic refuses a thinking budget."""

MAIN = {
    "effort": "reasoning_effort",
    "reasoning": "reasoning",
    "type": "thinking",
    "budget": "thinking",
    "adaptive": "thinking",
    "enable": "enable_thinking",
    "template": "chat_template_kwargs",
}
"""By style, the field of a chat body that decides."""

FIELDS = ("reasoning_effort", "reasoning", "thinking", "enable_thinking", "thinking_budget", "chat_template_kwargs")
"""Every field of a chat body that says how much to think."""


def word(said: object) -> str | None:
    """An effort word on our scale: None for nothing and for the model's own choice, max for unknown ones."""
    if not isinstance(said, str) or not said:
        return None
    said = said.lower()
    return said if said in _BUDGETS else _SAME.get(said, "max")


def of_budget(tokens: int) -> str:
    """What a budget of thinking tokens amounts to; a negative one leaves it to the model: medium."""
    if tokens < 0:
        return "medium"
    return next((name for most, name in _UP_TO if tokens <= most), "max")


def budget(effort: str) -> int:
    """Thinking tokens for a word of the scale."""
    return _BUDGETS[effort]


def nearest(effort: str, known: Sequence[str] = ()) -> str:
    """The nearest word the model knows (as many are above as below: the one above).

    Who asks for little thinking does not get none; who asks for none gets the least there is.
    """
    known = [name for name in known or _COMMON if name in _WORDS]
    if effort in known or not known:
        return effort
    wanted = _WORDS.index(effort)
    able = [name for name in known if name != "none"] or known
    return min(able, key=lambda name: (abs(_WORDS.index(name) - wanted), -_WORDS.index(name)))


def silent(effort: str, quirks: Quirks) -> bool:
    """Whether the model is to be told not to think: that is asked, and it can."""
    return effort == "none" and (not quirks.efforts or "none" in quirks.efforts)


def style(model: Model, quirks: Quirks, usual: str) -> str:
    """How this model wants to be told; `usual` is the wire's own way, "" means that nothing is said."""
    return quirks.thinking or (usual if model.reasoning else "")


def chat(effort: str, style: str, quirks: Quirks) -> dict[str, Any]:
    """The fields of an OpenAI-chat body that say this to a model of this style."""
    off = silent(effort, quirks)
    match style:
        case "effort":
            return {"reasoning_effort": nearest(effort, quirks.efforts)}
        case "reasoning":
            return {"reasoning": {"enabled": False} if off else {"effort": nearest(effort, quirks.efforts or _WORDS)}}
        case "type" | "adaptive":
            told: dict[str, Any] = {"thinking": {"type": "disabled" if off else "enabled"}}
            if quirks.efforts and not off:
                told["reasoning_effort"] = nearest(effort, quirks.efforts)
            return told
        case "budget":
            tokens = max(LEAST_BUDGET, budget(effort))
            return {"thinking": {"type": "disabled"} if off else {"type": "enabled", "budget_tokens": tokens}}
        case "enable":
            return {"enable_thinking": not off} | ({} if off else {"thinking_budget": max(1, budget(effort))})
        case "template":
            return {"chat_template_kwargs": {"enable_thinking": not off}}
        case _:
            return {}


def said_in(fields: Mapping[str, Any]) -> str | None:
    """What a chat body asks for, in whichever of FIELDS; None when it says nothing. Odd values say nothing."""
    if (effort := word(fields.get("reasoning_effort"))) is not None:
        return effort
    for name in ("reasoning", "thinking"):
        if isinstance(told := fields.get(name), Mapping) and (effort := _object(told)) is not None:
            return effort
    template = fields.get("chat_template_kwargs")
    switch = fields.get("enable_thinking")
    if switch is None and isinstance(template, Mapping):
        switch = template.get("enable_thinking", template.get("thinking"))
    if switch is False:
        return "none"
    tokens = fields.get("thinking_budget")
    if _number(tokens):
        return of_budget(tokens)
    return "medium" if switch is True else None


def _object(told: Mapping[str, Any]) -> str | None:
    """OpenRouter's `reasoning` and the `thinking` of Anthropic and those who follow it."""
    if told.get("enabled") is False or told.get("type") == "disabled":
        return "none"
    if (effort := word(told.get("effort"))) is not None:
        return effort
    for name in ("max_tokens", "budget_tokens"):
        if _number(tokens := told.get(name)):
            return of_budget(tokens)
    return "medium" if told.get("enabled") is True or told.get("type") in ("enabled", "adaptive") else None


def _number(value: object) -> TypeGuard[int]:
    return isinstance(value, int) and not isinstance(value, bool)
