"""A caller's chat body: decoded once, surveyed for what routing needs, unfolded only when asked."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import partial
from typing import Annotated, Any, Literal

import msgspec

from codriver.errors import RequestRejected, reject
from codriver.model import request as m
from codriver.model.ids import new_id
from codriver.wire import actions, effort, intake, jsontext, prefix
from codriver.wire.survey import Survey
from codriver.wire.understanding import understanding

Count = Annotated[int, msgspec.Meta(ge=1)]
FORWARDED = ("openai-beta",)


class Url(msgspec.Struct, gc=False):
    url: str


class Part(msgspec.Struct, gc=False):
    type: str
    text: str | None = None
    image_url: Url | str | None = None
    refusal: str | None = None
    cache_control: dict[str, Any] | None = None


class Function(msgspec.Struct, gc=False):
    name: str
    arguments: str = ""


class Called(msgspec.Struct, gc=False):
    id: str = ""
    type: str = "function"
    function: Function | None = None


class Message(msgspec.Struct, gc=False):
    role: Literal["system", "developer", "user", "assistant", "tool", "function"]
    content: str | list[Part] | None = None
    refusal: str | None = None
    tool_calls: list[Called] | None = None
    tool_call_id: str | None = None
    reasoning_content: str | None = None
    reasoning: str | None = None
    function_call: msgspec.Raw = jsontext.NOTHING


class Definition(msgspec.Struct, gc=False):
    name: str
    description: str | None = None
    parameters: msgspec.Raw = jsontext.NOTHING
    strict: bool | None = None


class Tool(msgspec.Struct, gc=False):
    type: str = "function"
    function: Definition | None = None


class Named(msgspec.Struct, gc=False):
    name: str


class Choice(msgspec.Struct, gc=False):
    type: str = "function"
    function: Named | None = None


class Schema(msgspec.Struct, gc=False):
    name: str = "output"
    schema: dict[str, Any] | None = None
    strict: bool | None = None


class Format(msgspec.Struct, gc=False):
    type: str
    json_schema: Schema | None = None


class Options(msgspec.Struct, gc=False):
    include_usage: bool | None = None


class Body(msgspec.Struct, gc=False):
    """The fields we read. All others are kept in the bytes, or named when they cannot be carried."""

    model: Annotated[str, msgspec.Meta(min_length=1)]
    messages: Annotated[list[Message], msgspec.Meta(min_length=1)]
    stream: bool | None = None
    stream_options: Options | None = None
    max_tokens: Count | None = None
    max_completion_tokens: Count | None = None
    temperature: Annotated[float, msgspec.Meta(ge=0, le=2)] | None = None
    top_p: Annotated[float, msgspec.Meta(ge=0, le=1)] | None = None
    stop: str | list[str] | None = None
    tools: list[Tool] | None = None
    tool_choice: str | Choice | None = None
    parallel_tool_calls: bool | None = None
    response_format: Format | None = None
    reasoning_effort: str | None = None
    n: Count | None = None
    logprobs: bool | None = None
    logit_bias: msgspec.Raw = jsontext.NOTHING
    seed: int | None = None
    service_tier: str | None = None
    modalities: list[str] | None = None
    audio: msgspec.Raw = jsontext.NOTHING
    prediction: msgspec.Raw = jsontext.NOTHING
    web_search_options: msgspec.Raw = jsontext.NOTHING
    functions: msgspec.Raw = jsontext.NOTHING
    metadata: dict[str, Any] | None = None
    prompt_cache_key: str | None = None
    user: str | None = None
    # Other dialects' words for effort.FIELDS; an odd value there is no fault of the caller's.
    reasoning: Any = None
    thinking: Any = None
    enable_thinking: Any = None
    thinking_budget: Any = None
    chat_template_kwargs: Any = None


@dataclass(frozen=True, slots=True)
class Asked:
    """A body and what was seen in its messages; unfolds to the conversation. marks: developer (a message of
    that role), parts (content that is no string), late (a system text after the start), thought (reasoning),
    unthought (a turn of the assistant's without)."""

    body: Body
    marks: set[str]

    def __call__(self) -> m.Conversation:
        return _conversation(self.body)


_BODY = msgspec.json.Decoder(Body)
_UNUSUAL = ("system", "developer")


def parse(body: bytes, headers: Mapping[str, str]) -> m.Request:
    """A chat request. Raises RequestRejected with the position or the field, as the real API refuses."""
    asked, survey, body = _READER.read(body)
    wish = intake.wishes(headers, asked.metadata)
    limits = _limits(asked)
    return m.Request(
        id=new_id(),
        purpose=m.Purpose.CHAT,
        model=asked.model,
        wire="openai_chat",
        body=body,
        stream=bool(asked.stream),
        wants_usage=bool(asked.stream_options and asked.stream_options.include_usage),
        limits=limits,
        needs=_needs(asked, survey),
        unfold=Asked(asked, survey.marks),
        input_tokens=survey.weighed(len(asked.messages), _tools(asked)),
        task=wish.task,
        strategy=wish.strategy,
        workflow=wish.workflow,
        deadline=wish.deadline,
        max_cost=wish.max_cost,
        headers={name: headers[name] for name in FORWARDED if name in headers},
        priority=wish.priority,
        file=wish.file,
        locale=wish.locale,
        later=understanding(
            partial(_shape, asked, limits), headers, survey, wish.session, asked.prompt_cache_key or ""
        ),
    )


def _shape(asked: Body, limits: m.Limits) -> actions.Shape:
    """What tells the action: the system prompt before the first turn, and the last turn."""
    messages = asked.messages
    start = 0
    while start < len(messages) and messages[start].role in _UNUSUAL:
        start += 1
    end = len(messages)
    while end > start and messages[end - 1].role in _UNUSUAL:
        end -= 1
    last = messages[end - 1] if end > start else None
    return actions.Shape(
        system=tuple(text for message in messages[: min(start, actions.SYSTEMS)] for text in _said(message)),
        last=tuple(_said(last)) if last is not None and last.role == "user" else (),
        answers=last is not None and last.role in ("tool", "function"),
        tools=bool(asked.tools),
        messages=end - start,
        most=limits.max_tokens,
        schema=limits.schema,
    )


def _said(message: Message) -> list[str]:
    """A message's own texts."""
    content = message.content
    return [content] if isinstance(content, str) else [part.text for part in content or () if part.text is not None]


def _tools(asked: Body) -> list[str]:
    """The texts of the tools. Raises RequestRejected."""
    texts: list[str] = []
    for number, tool in enumerate(asked.tools or ()):
        if (function := tool.function) is not None:
            schema = jsontext.schema(function.parameters, f"tools[{number}].function.parameters")
            texts += (function.name, function.description or "", schema)
    return texts


def _walk(messages: list[Message], before: int, found: Survey) -> None:
    """Adds what is in these messages, of which `before` others stand. Raises RequestRejected."""
    texts = found.texts
    results = found.results
    for number, message in enumerate(messages, before):
        role, content = message.role, message.content
        if content is None:
            if role not in ("assistant", "function"):
                raise _missing(number, "content")
            text = message.refusal or ""
        else:
            text = content if isinstance(content, str) else "\n".join(_texts(content, found))
        texts.append(text)
        if content.__class__ is not str or role in _UNUSUAL:
            _mark(message, number, found)
        if role == "user":
            found.heard(text)
            results = []
        elif role == "tool":
            if not message.tool_call_id:
                raise _missing(number, "tool_call_id")
            results = [*results, text]
        elif role == "assistant":
            results = []
            found.marks.add("thought" if message.reasoning_content or message.reasoning else "unthought")
            for called in message.tool_calls or ():
                if called.function is not None:
                    texts += (called.function.name, called.function.arguments)
                else:
                    found.foreign.add(f"tool_calls[{called.type}]")
            if message.function_call is not jsontext.NOTHING and jsontext.given(message.function_call):
                found.foreign.add("function_call")
        elif role == "function":
            found.foreign.add("function_call")
    found.results = results


def _mark(message: Message, number: int, found: Survey) -> None:
    """Notes what some targets do not take."""
    if not isinstance(message.content, str):
        found.marks.add("parts")
    if message.role == "developer":
        found.marks.add("developer")
    if number and message.role in _UNUSUAL:
        found.marks.add("late")


def _missing(number: int, name: str) -> RequestRejected:
    field = f"messages[{number}].{name}"
    return reject(f"{field}: Field required", field=field)


def _texts(parts: list[Part], found: Survey) -> Iterator[str]:
    for part in parts:
        if part.text is not None:
            yield part.text
        elif part.type == "image_url":
            found.images += 1
        elif part.type == "refusal":
            yield part.refusal or ""
        else:
            found.foreign.add(f"content[{part.type}]")


UNLIMITED = m.Limits()
"""The limits of every request that asks for none."""
_PLAIN = {(tools, stream): m.Needs(tools=tools, stream=stream) for tools in (False, True) for stream in (False, True)}
"""The needs of most requests, by whether they have tools and are streamed."""
_BOUNDS = (
    *("max_tokens", "max_completion_tokens", "temperature", "top_p", "stop", "response_format"),
    *effort.FIELDS,
)
_RARE = (
    *("n", "logprobs", "seed", "service_tier", "modalities"),
    *("logit_bias", "audio", "prediction", "web_search_options", "functions"),
)


def _limits(asked: Body) -> m.Limits:
    if _unbounded(asked):
        return UNLIMITED
    stop = (asked.stop,) if isinstance(asked.stop, str) else tuple(asked.stop or ())
    schema: dict[str, Any] | None = None
    form = asked.response_format
    if form is not None and form.type == "json_object":
        schema = {"type": "json_object"}
    elif form is not None and form.json_schema is not None:
        shape = form.json_schema
        schema = {"type": "json_schema", "name": shape.name, "schema": shape.schema or {}, "strict": shape.strict}
    return m.Limits(
        max_tokens=asked.max_completion_tokens or asked.max_tokens,
        temperature=asked.temperature,
        top_p=asked.top_p,
        stop=stop,
        schema=schema,
        effort=_effort(asked),
    )


def _effort(asked: Body) -> str | None:
    """What the body says of thinking, mostly nothing."""
    said = {name: value for name in effort.FIELDS if (value := getattr(asked, name)) is not None}
    return effort.said_in(said) if said else None


def _unbounded(asked: Body) -> bool:
    """Whether neither length nor sampling nor form nor effort is asked for."""
    # A plain loop over few names: this runs for every request.
    for name in _BOUNDS:  # noqa: SIM110
        if getattr(asked, name) is not None:
            return False
    return True


def _ordinary(asked: Body, survey: Survey) -> bool:
    """Whether nothing is asked that some model could not do: true of most, and quickly seen."""
    if survey.images or survey.foreign or asked.response_format:
        return False
    for tool in asked.tools or ():
        if tool.function is None:
            return False
    for name in _RARE:  # noqa: SIM110 (as above)
        if (value := getattr(asked, name)) is not None and value is not jsontext.NOTHING:
            return False
    return True


def _needs(asked: Body, survey: Survey) -> m.Needs:
    if _ordinary(asked, survey):
        return _PLAIN[bool(asked.tools), bool(asked.stream)]
    same = list(survey.foreign)
    if (asked.n or 1) > 1:
        same.append("n")
    if asked.logprobs:
        same.append("logprobs")
    if asked.seed is not None:
        same.append("seed")
    if asked.service_tier not in (None, "auto", "default"):
        same.append("service_tier")
    for name in ("logit_bias", "audio", "prediction", "web_search_options", "functions"):
        value = getattr(asked, name)
        if value is not jsontext.NOTHING and bytes(value) not in (b"null", b"{}"):
            same.append(name)
    if asked.modalities and asked.modalities != ["text"]:
        same.append("modalities")
    same += sorted({f"tools[{tool.type}]" for tool in asked.tools or () if tool.function is None})
    return m.Needs(
        tools=bool(asked.tools),
        images=survey.images > 0,
        schema=asked.response_format is not None and asked.response_format.type == "json_schema",
        stream=bool(asked.stream),
        same_wire=tuple(sorted(same)),
    )


def _conversation(asked: Body) -> m.Conversation:
    return m.Conversation(
        tuple(_message(message) for message in asked.messages),
        tuple(
            m.Tool(f.name, f.description or "", jsontext.known(f.parameters) or {}, f.strict)
            for f in (tool.function for tool in asked.tools or ())
            if f is not None
        ),
        _choice(asked),
    )


def _message(message: Message) -> m.Message:
    parts = _parts(message.content)
    match message.role:
        case "tool" | "function":
            seen = tuple(part for part in parts if isinstance(part, m.Text | m.Image))
            return m.Message("tool", (m.ToolResult(message.tool_call_id or "", seen),))
        case "assistant":
            thought = message.reasoning_content or message.reasoning
            if message.refusal and not parts:  # SDKs send back what they got: the words stand in either
                parts = [m.Text(message.refusal)]
            calls = [
                m.ToolCall(called.id, called.function.name, called.function.arguments)
                for called in message.tool_calls or ()
                if called.function is not None
            ]
            return m.Message("assistant", (*([m.Reasoning(thought)] if thought else ()), *parts, *calls))
        case "user":
            return m.Message("user", tuple(parts))
        case _:
            return m.Message("system", tuple(parts))


def _parts(content: str | list[Part] | None) -> list[m.Part]:
    if isinstance(content, str):
        return [m.Text(content)] if content else []
    parts: list[m.Part] = []
    for part in content or ():
        if part.image_url is not None:
            parts.append(image(part.image_url if isinstance(part.image_url, str) else part.image_url.url))
        elif part.text or part.refusal:
            parts.append(m.Text(part.text or part.refusal or "", part.cache_control))
    return parts


def image(url: str) -> m.Image:
    """An image by its address; a data URL is taken apart."""
    if url.startswith("data:") and ";base64," in url:
        kind, _, data = url[5:].partition(";base64,")
        return m.Image(kind, data)
    return m.Image(url=url)


def _choice(asked: Body) -> m.ToolChoice | None:
    choice, parallel = asked.tool_choice, asked.parallel_tool_calls
    if isinstance(choice, Choice):
        return m.ToolChoice("named", choice.function.name if choice.function else "", parallel)
    if choice == "none":
        return m.ToolChoice("none", parallel=parallel)
    if choice == "required":
        return m.ToolChoice("required", parallel=parallel)
    return m.ToolChoice("auto", parallel=parallel) if choice or parallel is not None else None


_READER: prefix.Reader[Body, Message] = prefix.Reader(_BODY, _walk)
