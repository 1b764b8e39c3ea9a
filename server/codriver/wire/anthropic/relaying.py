"""A caller's own messages body on its way to a provider: byte-equal but for what this model would refuse."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any

import msgspec

from codriver.model.provider import Model, Quirks
from codriver.model.request import Request
from codriver.wire import bounds, envelope, intake, jsontext, relay
from codriver.wire.anthropic import caching, thinking
from codriver.wire.anthropic.inbound import Block, Body, Message
from codriver.wire.codec import Call

_MESSAGES = msgspec.json.Decoder(list[dict[str, msgspec.Raw]])
_CONTENT = msgspec.json.Decoder(list[msgspec.Raw] | str)
_BLOCK = msgspec.json.Decoder(Block)
_GO_ON = msgspec.Raw(b'{"role":"user","content":"Go on."}')
_THOUGHT = ("thinking", "redacted_thinking")


@dataclass(frozen=True, slots=True)
class _Edit:
    """What is done to the messages. strip: "" nothing, "unsigned" thinking, or "all" of it but for `own`."""

    strip: str = ""
    own: frozenset[str] = frozenset()
    seat: bool = False
    """System messages in the middle become the user's: the target does not know them."""
    go_on: bool = False
    """An answer the caller began is followed by a turn of the user's: the target begins its own."""
    mark: bool = False


def call(request: Request, body: bytes, asked: Body, model: Model, quirks: Quirks) -> Call:
    """The body for this model."""
    edit = _edit(request, body, asked, model, quirks)
    loop = _loop(asked.messages)
    bare = loop is not None and (not loop or loop[0].type not in _THOUGHT or _goes(loop[0], edit))
    change = thinking.relayed(asked, request, model, quirks, bare=bare)
    put, drop, alter = change.put, [*quirks.drop, *change.drop], change.change
    if asked.max_tokens > model.max_output > 0:
        put["max_tokens"] = model.max_output
    # What only this wire can carry is passed on as it comes, and so not cut.
    stops, left = ((), ()) if request.needs.same_wire else bounds.stops(request.limits.stop, quirks, "stop_sequences")
    if left and stops:
        put["stop_sequences"] = list(stops)
    if quirks.one_sampler and asked.temperature is not None and asked.top_p is not None:
        drop.append("top_p")
    if asked.tool_choice is not None and asked.tool_choice.type in ("any", "tool") and not quirks.forced_tools:
        alter["tool_choice"] = _unforced
        change.dropped += (thinking.UNFORCED,)
    if edit != _Edit():
        alter["messages"] = partial(_messages, edit=edit)
    if system := _system(asked, edit.mark, quirks):
        alter["system"] = system
    if edit.mark and asked.tools:
        alter["tools"] = caching.mark_last
    if any(key.startswith("codriver_") for key in asked.metadata or ()):
        alter["metadata"] = relay.without_own_keys
    if not (put or drop or alter or quirks.put):
        return Call(relay.named(body, asked.model, model.upstream_id))
    told = {"model", "stop_sequences"} if left else {"model"}
    change.dropped += tuple(name for name in quirks.drop if name not in told and getattr(asked, name, None) is not None)
    name = {} if "model" in quirks.drop else {"model": model.upstream_id}
    edited = relay.edited(body, {**name, **put, **quirks.put}, drop=drop, change=alter)
    return Call(edited, dropped=change.dropped, stop=left)


def _edit(request: Request, body: bytes, asked: Body, model: Model, quirks: Quirks) -> _Edit:
    strip, own = "", request.own
    if request.signatures:
        mute = not model.reasoning or "thinking" in quirks.drop
        if mute:
            strip, own = "all", frozenset()
        elif request.forget:
            strip = "all"
        elif any(map(envelope.sealed, request.signatures)):
            strip, own = "all", frozenset(text for text in request.signatures if not envelope.sealed(text))
        elif "" in request.signatures:
            strip = "unsigned"
    long = 0 < quirks.cache_from <= request.input_tokens and bool(asked.tools or len(asked.messages) > 1)
    return _Edit(
        strip,
        own,
        seat=not quirks.beta_headers and any(message.role == "system" for message in asked.messages),
        go_on=not quirks.prefill and asked.messages[-1].role == "assistant",
        mark=long and not caching.marked(body),
    )


def _loop(messages: Sequence[Message]) -> list[Block] | None:
    """The blocks of the turn whose calls the last one answers; None when there is no such turn."""
    last = messages[-1]
    if isinstance(last.content, str) or all(block.type != "tool_result" for block in last.content):
        return None
    blocks: list[Block] = []
    for message in reversed(messages[:-1]):
        if message.role == "user":
            break
        if message.role == "assistant":
            said = [Block("text")] if isinstance(message.content, str) else message.content
            blocks = [*said, *blocks]
    return blocks


def _unsigned(block: Block) -> bool:
    return block.type == "thinking" and not block.signature


def _unforced(raw: bytes) -> object:
    kept: dict[str, object] = {key: value for key, value in relay.fields(raw).items() if key not in ("type", "name")}
    return {"type": "auto", **kept}


def _messages(raw: bytes, edit: _Edit) -> object:
    """The edited messages; all else byte-equal. Turns of which nothing is left go."""
    kept: list[Any] = []
    for message in _MESSAGES.decode(raw):
        role = bytes(message["role"])
        if role == b'"system"' and edit.seat:
            kept.append({**message, "role": msgspec.Raw(b'"user"')})
        elif role == b'"assistant"' and edit.strip:
            kept += _stripped(message, edit)
        else:
            kept.append(message)
    if edit.mark:
        caching.mark_turns(kept)
    return [*kept, _GO_ON] if edit.go_on else kept


def _stripped(message: dict[str, msgspec.Raw], edit: _Edit) -> list[dict[str, Any]]:
    content = _CONTENT.decode(bytes(message["content"]))
    if isinstance(content, str):
        return [message]
    blocks = [raw for raw in content if not _goes(_BLOCK.decode(raw), edit)]
    if len(blocks) == len(content):
        return [message]
    return [{**message, "content": blocks}] if blocks else []


def _goes(block: Block, edit: _Edit) -> bool:
    """Whether a block is thinking that may not be sent. One without a signature never may (T9)."""
    if block.type not in _THOUGHT or not edit.strip:
        return False
    return _unsigned(block) or (edit.strip == "all" and (block.signature or block.data) not in edit.own)


def _system(asked: Body, mark: bool, quirks: Quirks) -> Callable[[bytes], object] | None:
    """What is done to the system prompt, if anything."""
    if not asked.system:
        return None
    first = asked.system if isinstance(asked.system, str) else asked.system[0].text or ""
    billed = not quirks.billing_line and intake.billing_line(first)
    return partial(_system_edited, billed=billed, mark=mark) if billed or mark else None


def _system_edited(raw: bytes, billed: bool, mark: bool) -> object:
    content: object = msgspec.Raw(raw)
    if billed:
        blocks = _CONTENT.decode(raw)
        if isinstance(blocks, str):
            content = intake.without_billing_line(blocks) or None
        else:
            first: dict[str, object] = dict(relay.fields(bytes(blocks[0])))
            text = intake.without_billing_line(msgspec.json.decode(bytes(relay.fields(bytes(blocks[0]))["text"])))
            content = [*([{**first, "text": text}] if text.strip() else []), *blocks[1:]] or None
    return caching.mark_last(jsontext.encode(content)) if mark and content is not None else content
