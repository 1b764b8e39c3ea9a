"""A caller's responses body: decoded once, surveyed for what routing needs, unfolded only when asked."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from functools import partial
from typing import Annotated, Any

import msgspec

from codriver.errors import reject
from codriver.model import request as m
from codriver.model.ids import new_id
from codriver.wire import actions, effort, intake, jsontext
from codriver.wire.openai_responses import items
from codriver.wire.openai_responses.tools import Tool, Toolbox, gathered, listed
from codriver.wire.survey import Survey
from codriver.wire.understanding import understanding

FORWARDED = ("openai-beta",)
ENCRYPTED = "reasoning.encrypted_content"
_SYSTEM = ("system", "developer")


class Choice(msgspec.Struct, gc=False):
    type: str
    name: str | None = None
    namespace: str | None = None
    mode: str | None = None
    tools: list[dict[str, Any]] | None = None


class Format(msgspec.Struct, gc=False):
    type: str
    name: str | None = None
    schema: dict[str, Any] | None = None
    strict: bool | None = None


class Words(msgspec.Struct, gc=False):
    format: Format | None = None
    verbosity: str | None = None


class Reasoning(msgspec.Struct, gc=False):
    effort: str | None = None
    summary: str | None = None


class Body(msgspec.Struct, gc=False):
    """The fields we read. All others are kept in the bytes, or named when they cannot be carried."""

    model: Annotated[str, msgspec.Meta(min_length=1)]
    input: str | list[items.Item] | None = None
    instructions: str | list[items.Item] | None = None
    stream: bool | None = None
    max_output_tokens: Annotated[int, msgspec.Meta(ge=1)] | None = None
    temperature: Annotated[float, msgspec.Meta(ge=0, le=2)] | None = None
    top_p: Annotated[float, msgspec.Meta(ge=0, le=1)] | None = None
    tools: list[Tool] | None = None
    tool_choice: str | Choice | None = None
    parallel_tool_calls: bool | None = None
    text: Words | None = None
    reasoning: Reasoning | None = None
    include: list[str] | None = None
    store: bool | None = None
    previous_response_id: str | None = None
    conversation: msgspec.Raw = jsontext.NOTHING
    prompt: msgspec.Raw = jsontext.NOTHING
    background: bool | None = None
    top_logprobs: int | None = None
    service_tier: str | None = None
    metadata: dict[str, Any] | None = None
    prompt_cache_key: str | None = None

    def __call__(self) -> m.Conversation:
        return _conversation(self)


_BODY = msgspec.json.Decoder(Body)


def parse(body: bytes, headers: Mapping[str, str]) -> m.Request:
    """A responses request. Raises RequestRejected with the position or the field, as the real API refuses."""
    asked, body = jsontext.body(_BODY, body)
    if asked.input is None and not (jsontext.given(asked.prompt) or jsontext.given(asked.conversation)):
        raise reject("input: Field required", field="input")
    entries = _entries(asked.input)
    survey, box = _survey(asked, entries)
    wish = intake.wishes(headers, asked.metadata)
    return m.Request(
        id=new_id(),
        purpose=m.Purpose.CHAT,
        model=asked.model,
        wire="openai_responses",
        body=body,
        stream=bool(asked.stream),
        wants_usage=True,
        limits=_limits(asked),
        needs=_needs(asked, survey, box),
        unfold=asked,
        input_tokens=survey.weighed(len(entries)),
        task=wish.task,
        strategy=wish.strategy,
        workflow=wish.workflow,
        deadline=wish.deadline,
        max_cost=wish.max_cost,
        priority=wish.priority,
        file=wish.file,
        locale=wish.locale,
        headers={name: headers[name] for name in FORWARDED if name in headers},
        signatures=tuple(bound for item in entries if (bound := items.bound(item))),
        later=understanding(
            partial(_shape, asked, entries), headers, survey, wish.session, asked.prompt_cache_key or ""
        ),
    )


def _shape(asked: Body, entries: list[items.Item]) -> actions.Shape:
    """What tells the action: instructions and the developer's items before the first turn, and the last item."""
    start, end = 0, len(entries)
    while start < end and entries[start].role in _SYSTEM:
        start += 1
    while end > start and entries[end - 1].role in _SYSTEM:
        end -= 1
    last = entries[end - 1] if end > start else None
    limits = _limits(asked)
    before = [*_instructions(asked), *entries[: min(start, actions.SYSTEMS)]]
    return actions.Shape(
        system=tuple(text for item in before for text in _said(item)),
        last=tuple(_said(last)) if last is not None and last.role == "user" else (),
        answers=last is not None and last.type in items.RESULTS,
        tools=bool(asked.tools),
        messages=end - start,
        most=limits.max_tokens,
        schema=limits.schema,
    )


def _said(item: items.Item) -> list[str]:
    """A message's own texts."""
    if isinstance(item.content, str):
        return [item.content]
    parts = item.content if isinstance(item.content, list) else ()
    return [text for part in parts if isinstance(part, dict) and isinstance(text := part.get("text"), str)]


def _entries(value: str | list[items.Item] | None) -> list[items.Item]:
    return [items.Item(role="user", content=value)] if isinstance(value, str) else value or []


def _survey(asked: Body, entries: list[items.Item]) -> tuple[Survey, Toolbox]:
    found, box = Survey(), gathered(asked.tools or ())
    for number, item in enumerate(entries):
        _look(item, f"input[{number}]", found, box)
    for item in _instructions(asked):
        found.texts += items.seen(item, "instructions").texts
    for tool in asked.tools or ():
        _count(tool, found.texts)
    return found, box


def _instructions(asked: Body) -> list[items.Item]:
    told = asked.instructions
    return [items.Item(role="developer", content=told)] if isinstance(told, str) else told or []


def _look(item: items.Item, place: str, found: Survey, box: Toolbox) -> None:
    """Checks an item and adds what is in it. Raises RequestRejected for a shape the API refuses."""
    seen = items.seen(item, place)
    found.texts += seen.texts
    found.images += seen.images
    found.foreign |= seen.foreign
    if item.type == "additional_tools":
        extra = gathered(_tools_in(item, place), f"{place}.tools")
        box.tools |= extra.tools
        box.foreign |= extra.foreign
    elif item.type in items.RESULTS:
        found.results.append("\n".join(seen.texts))
    elif item.role == "user":
        found.heard("\n".join(seen.texts))
        found.results = []
    elif item.role == "assistant" or item.type in items.CALLS:
        found.results = []


def _tools_in(item: items.Item, place: str) -> list[Tool]:
    try:
        return listed(item.tools or [])
    except msgspec.ValidationError as error:
        raise reject(f"{place}.tools: {error}", field=f"{place}.tools") from None


def _count(tool: Tool, texts: list[str]) -> None:
    texts += (tool.name or "", tool.description or "", bytes(tool.parameters).decode("utf-8", "replace"))
    for inner in tool.tools or ():
        _count(inner, texts)


def _limits(asked: Body) -> m.Limits:
    form = asked.text.format if asked.text else None
    schema: dict[str, Any] | None = None
    if form is not None and form.type == "json_object":
        schema = {"type": "json_object"}
    elif form is not None and form.type == "json_schema":
        shape = form.schema or {}
        schema = {"type": "json_schema", "name": form.name or "output", "schema": shape, "strict": form.strict}
    return m.Limits(
        max_tokens=asked.max_output_tokens,
        temperature=asked.temperature,
        top_p=asked.top_p,
        schema=schema,
        effort=effort.word(asked.reasoning.effort) if asked.reasoning else None,
    )


def _needs(asked: Body, survey: Survey, box: Toolbox) -> m.Needs:
    same = sorted(survey.foreign)
    for name in ("conversation", "prompt"):
        if jsontext.given(getattr(asked, name)):
            same.append(name)
    if asked.background:
        same.append("background")
    if asked.previous_response_id:
        same.append("previous_response_id")
    if asked.top_logprobs or "message.output_text.logprobs" in (asked.include or ()):
        same.append("top_logprobs")
    if asked.service_tier not in (None, "auto", "default"):
        same.append("service_tier")
    same += _built_in(asked, box)
    form = asked.text.format if asked.text else None
    return m.Needs(
        tools=bool(box.tools),
        images=survey.images > 0,
        schema=form is not None and form.type == "json_schema",
        stream=bool(asked.stream),
        same_wire=tuple(same),
    )


def _built_in(asked: Body, box: Toolbox) -> Iterable[str]:
    """Tools only this wire's providers run, where the request is nothing without them: the one that
    must be called, or the only ones there are. Beside others they may be left out."""
    choice = asked.tool_choice
    if isinstance(choice, Choice) and choice.type not in ("function", "custom", "allowed_tools"):
        yield f"tool_choice[{choice.type}]"
    elif box.foreign and not box.tools and choice != "none":
        yield from (f"tools[{kind}]" for kind in box.foreign)


def _conversation(asked: Body) -> m.Conversation:
    box = gathered(asked.tools or ())
    entries = _entries(asked.input)
    for number, item in enumerate(entries):
        if item.type == "additional_tools":
            extra = gathered(_tools_in(item, f"input[{number}]"))
            box.tools, box.foreign = box.tools | extra.tools, box.foreign | extra.foreign
    messages, left = items.messages([*_instructions(asked), *entries])
    lost = [*(f"tools[{kind}]" for kind in box.foreign), *left]
    if asked.text is not None and asked.text.verbosity not in (None, "medium"):
        lost.append("text.verbosity")
    tools, choice = _chosen(asked, box.tools)
    return m.Conversation(messages, tools, choice, tuple(lost))


def _chosen(asked: Body, tools: dict[str, m.Tool]) -> tuple[tuple[m.Tool, ...], m.ToolChoice | None]:
    """The tools that may be called, and how. `allowed_tools` narrows the list."""
    choice, parallel = asked.tool_choice, asked.parallel_tool_calls
    every = tuple(tools.values())
    if isinstance(choice, Choice) and choice.type == "allowed_tools":
        named = {items.flat_name(tool.get("namespace"), tool.get("name")) for tool in choice.tools or ()}
        every = tuple(tool for tool in every if tool.name in named)
        return every, m.ToolChoice("required" if choice.mode == "required" else "auto", parallel=parallel)
    if isinstance(choice, Choice):
        return every, m.ToolChoice("named", items.flat_name(choice.namespace, choice.name), parallel)
    if choice in ("none", "required"):
        return every, m.ToolChoice("none" if choice == "none" else "required", parallel=parallel)
    return every, m.ToolChoice("auto", parallel=parallel) if choice or parallel is not None else None
