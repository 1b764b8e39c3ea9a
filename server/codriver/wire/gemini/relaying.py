"""A caller's own generateContent body on its way to a provider: byte-equal but for what this model would refuse."""

from __future__ import annotations

from collections.abc import Collection
from functools import partial
from typing import Any

import msgspec

from codriver.model.provider import Model, Quirks
from codriver.model.request import Request
from codriver.wire import jsontext, relay
from codriver.wire.gemini import thinking
from codriver.wire.gemini.body import Body, Content
from codriver.wire.gemini.loose import mixed, strict

_CONTENTS = msgspec.json.Decoder(list[dict[str, msgspec.Raw]])
_PARTS = msgspec.json.Decoder(list[dict[str, msgspec.Raw]])


def fitted(request: Request, body: bytes, asked: Body, model: Model, quirks: Quirks) -> bytes:
    """The body for this model, whose name is in the path and nowhere else."""
    change: dict[str, Any] = {}
    drop = [name for name in quirks.drop if f'"{name}"'.encode() in body]
    config = {**_config(asked, model, quirks), **dict.fromkeys(drop)}
    if asked.model:
        drop.append("model")
    foreign = {text for text in request.signatures if text not in request.own} if request.forget else set()
    if foreign or (quirks.thought_signature and any(map(_unsigned, asked.contents))):
        change["contents"] = partial(_signed, instead=quirks.thought_signature, foreign=foreign)
    if config:
        change["generationConfig"] = partial(_configured, change=config)
    if not (change or drop or quirks.put):
        return body
    body = strict(body) if mixed(body) else body
    own = relay.fields(body)
    put = {name: value for name, value in quirks.put.items() if name not in own}
    return relay.edited(body, put, drop=drop, change=change)


def _unsigned(content: Content) -> bool:
    """Whether the first call of this step has no signature."""
    if content.role != "model":
        return False
    first = next((part for part in content.parts or () if part.function_call is not None), None)
    return first is not None and not first.thought_signature


def _signed(raw: bytes, instead: str, foreign: Collection[str]) -> object:
    """The turns without what others signed, and with a signature at the first call of each step."""
    turns: list[object] = []
    for turn in _CONTENTS.decode(raw):
        said = turn.get("parts", jsontext.NOTHING) if b"model" in bytes(turn.get("role", b"")) else jsontext.NOTHING
        parts = _PARTS.decode(said) if jsontext.given(said) else []
        for part in parts if foreign else ():
            if "thoughtSignature" in part and msgspec.json.decode(part["thoughtSignature"]) in foreign:
                del part["thoughtSignature"]
        first = next((part for part in parts if "functionCall" in part), None)
        if instead and first is not None:
            first.setdefault("thoughtSignature", msgspec.Raw(msgspec.json.encode(instead)))
        turns.append({**turn, "parts": parts} if parts else turn)
    return turns


def _config(asked: Body, model: Model, quirks: Quirks) -> dict[str, object]:
    """What of the generation config this model would refuse: new values, None for what goes."""
    config = asked.generation_config
    if config is None:
        return {}
    change: dict[str, object] = {}
    if config.max_output_tokens is not None and config.max_output_tokens > model.max_output > 0:
        change["maxOutputTokens"] = model.max_output
    if config.temperature is not None and quirks.temperature_max is not None:
        change |= {"temperature": quirks.temperature_max} if config.temperature > quirks.temperature_max else {}
    if config.thinking_config is not None:
        amount = thinking.relayed(config.thinking_config, model, quirks)
        change |= {} if amount is None else {"thinkingConfig": amount or None}
    return change


def _configured(raw: bytes, change: dict[str, object]) -> object:
    kept = {**relay.fields(raw), **change}
    return {name: value for name, value in kept.items() if value is not None} or None
