"""Thinking as Anthropic's models want to be asked for it: a budget, adaptive with an effort, or on and off.

Where it would be refused (a forced tool; a running tool loop whose thinking is not at hand) it is left
out of that one call: an answer without thinking is better than none.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any

from codriver.model.provider import Model, Quirks
from codriver.model.request import Request
from codriver.wire import effort, relay
from codriver.wire.anthropic.inbound import Body

NOT_AT_HAND = "thinking in this tool loop, whose earlier thinking is not at hand"
FORCED = "thinking beside a forced tool"
UNFORCED = "tool_choice: a call cannot be forced there"
_ADAPTIVE_EFFORTS = ("low", "medium", "high", "max")


def build(body: dict[str, Any], request: Request, model: Model, quirks: Quirks, dropped: list[str]) -> bool:
    """Adds what the wished effort stands for to a body of ours. True when the model will think."""
    wished = request.limits.effort
    style = effort.style(model, quirks, "budget")
    if body.get("tool_choice", {}).get("type") in ("any", "tool") and not quirks.forced_tools:
        body["tool_choice"] = {**_parallel(body["tool_choice"]), "type": "auto"}
        dropped.append(UNFORCED)
    if wished is None or not style:
        return False
    if effort.silent(wished, quirks) or (wished == "none" and style != "adaptive"):
        if style == "type" or (style == "adaptive" and quirks.efforts):
            body["thinking"] = {"type": "disabled"}
        return False
    if style == "adaptive":
        _put_effort(body, wished, quirks)
    if wished == "none":
        return False
    if body.get("tool_choice", {}).get("type") in ("any", "tool"):
        dropped.append(FORCED)
        return False
    if style != "adaptive" and not _begun_with_thinking(body["messages"]):
        dropped.append(NOT_AT_HAND)
        return False
    return _think(body, wished, style, model)


def _think(body: dict[str, Any], wished: str, style: str, model: Model) -> bool:
    """Room for thinking comes on top of the length that was asked for: thinking counts as output."""
    tokens = max(effort.LEAST_BUDGET, effort.budget(wished))
    room = min(model.max_output or body["max_tokens"], body["max_tokens"] + tokens)
    if style == "adaptive":
        body["max_tokens"], body["thinking"] = room, {"type": "adaptive"}
        return True
    if room <= effort.LEAST_BUDGET:
        return False
    body["max_tokens"] = room
    body["thinking"] = {"type": "enabled", "budget_tokens": min(tokens, max(effort.LEAST_BUDGET, room // 2))}
    return True


def _put_effort(body: dict[str, Any], wished: str, quirks: Quirks) -> None:
    word = effort.nearest(wished, quirks.efforts or _ADAPTIVE_EFFORTS)
    body["output_config"] = {**body.get("output_config", {}), "effort": word}


def _parallel(choice: dict[str, Any]) -> dict[str, Any]:
    return {key: value for key, value in choice.items() if key == "disable_parallel_tool_use"}


def _begun_with_thinking(messages: Sequence[dict[str, Any]]) -> bool:
    """Whether the turn whose calls are being answered begins with thinking; True where none are."""
    if len(messages) < 2 or all(block["type"] != "tool_result" for block in messages[-1]["content"]):
        return True
    return messages[-2]["content"][0]["type"] in ("thinking", "redacted_thinking")


@dataclass(slots=True)
class Change:
    """What must differ in a caller's own wish to think, as relay.edited wants to be told."""

    put: dict[str, object] = field(default_factory=dict)
    drop: list[str] = field(default_factory=list)
    change: dict[str, Callable[[bytes], object]] = field(default_factory=dict)
    dropped: tuple[str, ...] = ()

    def off(self) -> Change:
        """Without thinking, and without what is only legal beside it."""
        self.put.pop("thinking", None)
        self.drop += ["thinking", "context_management"]
        return self

    def effort(self, asked: Body, word: str | None) -> None:
        """Another effort word; None takes it out."""
        if asked.output_config is None:
            self.put["output_config"] = {"effort": word}
        else:
            self.change["output_config"] = lambda raw: _with_effort(raw, word)


def relayed(asked: Body, request: Request, model: Model, quirks: Quirks, *, bare: bool) -> Change:
    """A caller's wish to think, made fit for this model.

    bare: the turn whose calls are being answered has no thinking that may be sent.
    """
    wish, style, change = asked.thinking, quirks.thinking, Change()
    word = asked.output_config.effort if asked.output_config else None
    if not model.reasoning or "thinking" in quirks.drop:
        if word:
            change.effort(asked, None)
        return change.off() if wish is not None else change
    known = quirks.efforts or (*_ADAPTIVE_EFFORTS, "xhigh")
    if word and style in ("budget", "type") and not quirks.efforts:
        change.effort(asked, None)
    elif word and style and word not in known:
        change.effort(asked, effort.nearest(effort.word(word) or "high", known))
    if wish is None:
        return change
    if style == "adaptive":
        _adapted(change, asked, request, quirks)
    elif wish.type != "disabled" and bare and (style or wish.type == "enabled"):
        change.off()
        change.dropped = (NOT_AT_HAND,)
    elif wish.type != "disabled":
        _budgeted(change, asked, request, model, style)
    return change


def _adapted(change: Change, asked: Body, request: Request, quirks: Quirks) -> None:
    """Models that know no budget, and some that cannot be told not to think."""
    assert asked.thinking is not None
    if asked.thinking.type == "disabled" and "none" not in quirks.efforts:
        change.drop.append("thinking")
    if asked.thinking.type != "enabled":
        return
    change.put["thinking"] = {"type": "adaptive"}
    if not (asked.output_config and asked.output_config.effort) and request.limits.effort:
        change.effort(asked, effort.nearest(request.limits.effort, quirks.efforts or _ADAPTIVE_EFFORTS))


def _budgeted(change: Change, asked: Body, request: Request, model: Model, style: str) -> None:
    """A budget within what is allowed, where the caller's is not; adaptive as a budget where only that is known."""
    assert asked.thinking is not None
    wish = asked.thinking
    if wish.type == "adaptive":
        if not style:
            return
        tokens = effort.budget(request.limits.effort or "high")
    elif wish.budget_tokens is None:
        return
    else:
        tokens = wish.budget_tokens
    length = min(asked.max_tokens, model.max_output or asked.max_tokens)
    allowed = max(effort.LEAST_BUDGET, tokens)
    if allowed >= length:
        allowed = max(effort.LEAST_BUDGET, length // 2)
    if allowed >= length:
        change.off()
    elif wish.type != "enabled" or allowed != wish.budget_tokens:
        change.put["thinking"] = {"type": "enabled", "budget_tokens": allowed}


def _with_effort(raw: bytes, word: str | None) -> object:
    kept: dict[str, object] = {key: value for key, value in relay.fields(raw).items() if key != "effort"}
    if word is not None:
        kept["effort"] = word
    return kept or None
