"""What goes to a provider that speaks OpenAI chat: the caller's own bytes, or a body built anew.

How servers differ arrives as Quirks; a quirk changes the bytes only where it finds what it forbids.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from functools import partial
from typing import Any

import msgspec

from codriver.model.provider import Model, Quirks
from codriver.model.request import Image, Limits, Part, Request, Text, Tool, ToolCall, ToolChoice
from codriver.wire import bounds, carried, effort, fim, history, jsontext, names, relay
from codriver.wire.codec import Call
from codriver.wire.openai_chat.inbound import UNLIMITED, Asked, Body, Called, Choice

_NAMES = ("max_tokens", "max_completion_tokens")
_UNFORCED = "tool_choice: a call cannot be forced there"
_MESSAGES = msgspec.json.Decoder(list[dict[str, msgspec.Raw]])
_CALLS = msgspec.json.Decoder(list[Called] | None)


def call(request: Request, model: Model, quirks: Quirks) -> Call:
    """The body for this model. A hole to fill becomes a chat prompt when there is no conversation."""
    if request.wire == "openai_chat" and request.body is not None and isinstance(request.unfold, Asked):
        return _relayed(request, request.body, request.unfold, model, quirks)
    return _built(request, model, quirks)


def _relayed(request: Request, body: bytes, known: Asked, model: Model, quirks: Quirks) -> Call:
    asked = known.body
    if request.limits is UNLIMITED and _untouched(known, quirks):
        put = {"stream_options": {"include_usage": True}} if asked.stream and quirks.stream_usage else {}
        return Call(relay.extended(body, (asked.model, model.upstream_id), put))
    return _adapted(request, body, known, model, quirks)


def _untouched(known: Asked, quirks: Quirks) -> bool:
    """Whether nothing in a body without bounds is such that a quirk may change it: true of most, and quickly seen."""
    asked = known.body
    if asked.stream_options is not None or asked.metadata is not None or (known.marks and _unfit(known.marks, quirks)):
        return False
    if asked.tool_choice is not None and not quirks.forced_tools:
        return False
    changes = quirks.drop or quirks.tools_wire or quirks.requires_max_tokens or quirks.tool_id_length
    return not (changes or quirks.cache_key or quirks.bounded)


def _adapted(request: Request, body: bytes, known: Asked, model: Model, quirks: Quirks) -> Call:
    asked = known.body
    put, unfit = _effort(request, asked, model, quirks) if request.limits.effort else ({}, ())
    if quirks.tools_wire and asked.tools:
        put, unfit = (
            {"reasoning_effort": "none"},
            [name for name in effort.FIELDS[1:] if getattr(asked, name) is not None],
        )
    drop = [*quirks.drop, *unfit]
    wanted, other = _length_field(asked, quirks)
    rename = {other: wanted} if quirks.max_tokens_field and getattr(asked, wanted) is None else {}
    if quirks.max_tokens_field and getattr(asked, wanted) is not None:
        drop.append(other)
    limit = asked.max_completion_tokens or asked.max_tokens
    if (limit or 0) > model.max_output > 0 or (limit is None and quirks.requires_max_tokens):
        put[wanted] = model.max_output
    if asked.stream and quirks.stream_usage and not request.wants_usage:
        put["stream_options"] = {"include_usage": True}
    elif not quirks.stream_usage:
        drop.append("stream_options")
    if quirks.cache_key and request.session and asked.prompt_cache_key is None:
        put["prompt_cache_key"] = names.cache_key(request.session)
    dropped = () if model.reasoning or quirks.thinking else tuple(unfit)
    told, left = bounds.stops(request.limits.stop, quirks)
    if left:
        put["stop"] = list(told)
        if request.needs.same_wire:  # such an answer is passed on as it comes
            left, dropped = (), (*dropped, f"stop: all but the first {len(told)}")
    lost = (name for name in quirks.drop if name != "stop")
    dropped += tuple(name for name in lost if getattr(asked, name, None) not in (None, jsontext.NOTHING))
    if not quirks.forced_tools and _forced(asked):
        put["tool_choice"] = "auto"
        dropped += (_UNFORCED,)
    if quirks.bounded:
        bounded, unmet = bounds.limits(asked.temperature, quirks)
        put, dropped = {**put, **bounded}, (*dropped, *unmet)
    change: dict[str, Any] = {}
    if (known.marks and _unfit(known.marks, quirks)) or (quirks.tool_id_length and b'"tool_call' in body):
        change["messages"] = partial(_fitted, quirks=quirks, recalled=request.recalled)
    if any(key.startswith("codriver_") for key in asked.metadata or ()):
        change["metadata"] = relay.without_own_keys
    rename = {old: new for old, new in rename.items() if getattr(asked, old) is not None}
    drop = [name for name in drop if getattr(asked, name, name) is not None]
    named = (asked.model, model.upstream_id)
    if not (drop or rename or change) and all(getattr(asked, name, name) is None for name in put):
        return Call(relay.extended(body, named, put), dropped=dropped, stop=left)
    put = {name: value for name, value in put.items() if name not in quirks.drop}
    edited = relay.edited(body, {"model": model.upstream_id, **put}, drop=drop, rename=rename, change=change)
    return Call(edited, dropped=dropped, stop=left)


def _forced(asked: Body) -> bool:
    return asked.tool_choice == "required" or isinstance(asked.tool_choice, Choice)


def _effort(request: Request, asked: Body, model: Model, quirks: Quirks) -> tuple[dict[str, object], Sequence[str]]:
    """Fields to put and to drop, so that a wish to think is said as this model knows it; bytes that say it so stay."""
    given = [name for name in effort.FIELDS if getattr(asked, name) is not None]
    if not quirks.thinking:
        return {}, () if model.reasoning else given
    assert request.limits.effort is not None
    wanted = effort.chat(request.limits.effort, quirks.thinking, quirks)
    own = {effort.MAIN.get(quirks.thinking, ""), "reasoning_effort" if quirks.efforts else "", *wanted}
    word = asked.reasoning_effort
    known = word is None or not quirks.efforts or word in quirks.efforts
    fits = known and own.issuperset(given) and effort.MAIN.get(quirks.thinking) in given
    return ({}, ()) if fits else (wanted, given)


def _length_field(asked: Body, quirks: Quirks) -> tuple[str, str]:
    """The name this target wants for the answer's length, and the other one."""
    wanted = quirks.max_tokens_field or (_NAMES[0] if asked.max_completion_tokens is None else _NAMES[1])
    return wanted, _NAMES[1] if wanted == _NAMES[0] else _NAMES[0]


def _unfit(marks: set[str], quirks: Quirks) -> bool:
    """Whether any message is such that a quirk must change it."""
    return (
        (quirks.system_role != "developer" and "developer" in marks)
        or (quirks.flatten_content and "parts" in marks)
        or (quirks.merge_system and "late" in marks)
        or (quirks.replay_reasoning == "forbid" and "thought" in marks)
        or (quirks.replay_reasoning == "required" and "unthought" in marks)
    )


def _fitted(raw: bytes, quirks: Quirks, recalled: Mapping[str, str]) -> object:
    """The messages with what the quirks demand; all else byte-equal."""
    leading: list[str] = []
    rest: list[dict[str, Any]] = []
    for source in _MESSAGES.decode(raw):
        message: dict[str, Any] = dict(source)
        role = msgspec.json.decode(source["role"])
        if role == "developer" and quirks.system_role != "developer":
            message["role"] = quirks.system_role
        if quirks.flatten_content:
            message["content"] = _flat(source.get("content", jsontext.NOTHING))
        if quirks.replay_reasoning == "forbid":
            message.pop("reasoning_content", None)
            message.pop("reasoning", None)
        if quirks.tool_id_length:
            message |= bounds.renamed(source, quirks.tool_id_length)
        if quirks.replay_reasoning == "required" and role == "assistant":
            message.setdefault(quirks.reasoning_field, _recalled(source, recalled))
        if quirks.merge_system and role in ("system", "developer"):
            leading.append(str(_flat(source.get("content", jsontext.NOTHING))))
        else:
            rest.append(message)
    if leading:
        rest.insert(0, {"role": quirks.system_role, "content": "\n\n".join(leading)})
    return rest


def _recalled(message: Mapping[str, msgspec.Raw], recalled: Mapping[str, str]) -> str:
    """The thinking a caller dropped; "" when nobody knows it: such targets miss the field, not its words."""
    if not recalled or "tool_calls" not in message:
        return ""
    idents = (called.id for called in _CALLS.decode(message["tool_calls"]) or ())
    return next((recalled[ident] for ident in idents if ident in recalled), "")


def _flat(raw: msgspec.Raw) -> object:
    """Content as one string; parts that are no text (images) keep the list as it is."""
    value = jsontext.known(raw)
    if value is None or isinstance(value, str):
        return value or ""
    if all(isinstance(part.get("text"), str) for part in value):
        return "\n".join(part["text"] for part in value)
    return raw


def _built(request: Request, model: Model, quirks: Quirks) -> Call:
    talk = request.conversation
    if request.fim is not None and not talk.messages:
        talk = fim.chat_prompt(request.fim)
    dropped = carried.lost(request)
    body: dict[str, Any] = {"model": model.upstream_id}
    texts = history.system(talk.messages)
    body["messages"] = [{"role": quirks.system_role, "content": "\n\n".join(t.text for t in texts)}] if texts else []
    for turn in history.turns(talk.messages, tools=bool(talk.tools)):
        body["messages"] += _user(turn, quirks) if turn.role == "user" else [_assistant(turn, quirks)]
    if talk.tools:
        body["tools"] = [_tool(tool) for tool in talk.tools]
        body |= _choice(talk.tool_choice)
        if not quirks.forced_tools and body.get("tool_choice", "auto") not in ("auto", "none"):
            body["tool_choice"] = "auto"
            dropped.append(_UNFORCED)
    told, left = bounds.stops(request.limits.stop, quirks)
    body |= _limits(replace(request.limits, stop=told), model, quirks)
    if quirks.tools_wire and talk.tools:
        body["reasoning_effort"] = "none"
    if quirks.cache_key and request.session:
        body["prompt_cache_key"] = names.cache_key(request.session)
    if quirks.bounded:
        dropped += bounds.bound(body, quirks)
    if request.stream:
        body["stream"] = True
        if quirks.stream_usage:
            body["stream_options"] = {"include_usage": True}
    dropped += [name for name in quirks.drop if body.pop(name, None) is not None]
    return Call(jsontext.encode(body), dropped=tuple(dropped), stop=left)


def _limits(limits: Limits, model: Model, quirks: Quirks) -> dict[str, Any]:
    body: dict[str, Any] = {}
    length = limits.max_tokens or (model.max_output if quirks.requires_max_tokens else None)
    if length:
        body[quirks.max_tokens_field or "max_tokens"] = min(length, model.max_output or length)
    if limits.temperature is not None:
        body["temperature"] = limits.temperature
    if limits.top_p is not None:
        body["top_p"] = limits.top_p
    if limits.stop:
        body["stop"] = list(limits.stop)
    if limits.schema is not None:
        body["response_format"] = _format(dict(limits.schema))
    if limits.effort:
        body |= effort.chat(limits.effort, effort.style(model, quirks, "effort"), quirks)
    return body


def _format(schema: dict[str, Any]) -> dict[str, Any]:
    kind = schema.pop("type")
    if kind != "json_schema":
        return {"type": kind}
    return {"type": kind, "json_schema": {key: value for key, value in schema.items() if value is not None}}


def _user(turn: history.Turn, quirks: Quirks) -> list[dict[str, Any]]:
    """Tool messages first, each for its call; then images out of results and what the user says."""
    messages: list[dict[str, Any]] = []
    shown: list[Part] = []
    for result in turn.results:
        text = history.plain(result)
        if images := history.images(result):
            text = text or "[The result is the image in the next message.]"
            shown += [Text(f"[Image in the result of {result.call_id}]"), *images]
        if result.is_error and "error" not in text.lower():
            text = f"Error: {text}"
        messages.append({"role": "tool", "tool_call_id": result.call_id, "content": text})
    if parts := [*shown, *turn.parts]:
        messages.append({"role": "user", "content": _content(parts, quirks)})
    return messages


def _assistant(turn: history.Turn, quirks: Quirks) -> dict[str, Any]:
    texts = [part.text for part in turn.parts if isinstance(part, Text)]
    content: str | None = "\n".join(texts)
    message: dict[str, Any] = {"role": "assistant", "content": content}
    calls = turn.calls
    if calls:
        message["content"] = content if content or quirks.flatten_content else None
        message["tool_calls"] = [_called(part) for part in calls]
    thought = history.reasoning(turn.parts)
    if (quirks.replay_reasoning == "optional" and thought) or quirks.replay_reasoning == "required":
        message[quirks.reasoning_field] = thought
    return message


def _called(part: ToolCall) -> dict[str, Any]:
    arguments = jsontext.arguments(part.arguments)
    try:
        sound = isinstance(msgspec.json.decode(part.arguments), dict)
    except msgspec.DecodeError:
        sound = False
    text = part.arguments if sound else jsontext.encode(arguments).decode()
    function = {"name": names.legal_name(part.name), "arguments": text}
    return {"id": part.id, "type": "function", "function": function}


def _content(parts: Sequence[Part], quirks: Quirks) -> object:
    if all(isinstance(part, Text) for part in parts):
        texts = [part.text for part in parts if isinstance(part, Text)]
        if len(texts) == 1 or quirks.flatten_content:
            return "\n".join(texts)
    content: list[dict[str, Any]] = []
    for part in parts:
        if isinstance(part, Text):
            content.append({"type": "text", "text": part.text})
        elif isinstance(part, Image):
            url = part.url or f"data:{part.media_type};base64,{part.data}"
            content.append({"type": "image_url", "image_url": {"url": url}})
    return content


def _tool(tool: Tool) -> dict[str, Any]:
    function: dict[str, Any] = {"name": names.legal_name(tool.name), "description": tool.description}
    function["parameters"] = dict(tool.schema) or {"type": "object", "properties": {}}
    if tool.strict is not None:
        function["strict"] = tool.strict
    return {"type": "function", "function": function}


def _choice(choice: ToolChoice | None) -> dict[str, Any]:
    if choice is None:
        return {}
    body: dict[str, Any] = {"tool_choice": choice.mode}
    if choice.mode == "named":
        body["tool_choice"] = {"type": "function", "function": {"name": names.legal_name(choice.name)}}
    if choice.parallel is not None:
        body["parallel_tool_calls"] = choice.parallel
    return body
