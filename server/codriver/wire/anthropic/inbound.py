"""A caller's messages body: decoded once, surveyed for what routing needs, unfolded only when asked."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from functools import partial
from typing import Annotated, Any, Literal

import msgspec

from codriver.errors import RequestRejected, reject
from codriver.model import request as m
from codriver.model.ids import new_id
from codriver.wire import actions, effort, envelope, intake, jsontext, prefix, tokens
from codriver.wire.survey import Survey
from codriver.wire.understanding import understanding

Count = Annotated[int, msgspec.Meta(ge=1)]
FORWARDED = ("anthropic-beta", "anthropic-version")
# Tools that Anthropic runs itself and a caller can do without: beside tools of its own they are
# named as dropped on another wire; alone they bind the request to this one.
_SERVER_RUN = ("web_search_", "web_fetch_", "code_execution_", "tool_search_tool_")


class Source(msgspec.Struct, gc=False):
    type: str = ""
    media_type: str = ""
    data: str = ""
    url: str = ""


class Block(msgspec.Struct, gc=False):
    type: str
    text: str | None = None
    source: Source | str | None = None
    id: str | None = None
    name: str | None = None
    input: msgspec.Raw = jsontext.NOTHING
    tool_use_id: str | None = None
    content: str | list[Block] | dict[str, Any] | None = None
    is_error: bool | None = None
    thinking: str | None = None
    signature: str | None = None
    data: str | None = None
    cache_control: dict[str, Any] | None = None


class Message(msgspec.Struct, gc=False):
    role: Literal["user", "assistant", "system"]
    content: str | list[Block]


class Tool(msgspec.Struct, gc=False):
    name: str = ""
    type: str | None = None
    description: str | None = None
    input_schema: msgspec.Raw = jsontext.NOTHING
    strict: bool | None = None

    @property
    def custom(self) -> bool:
        return self.type in (None, "custom")


class Choice(msgspec.Struct, gc=False):
    type: Literal["auto", "any", "tool", "none"]
    name: str | None = None
    disable_parallel_tool_use: bool | None = None


class Thinking(msgspec.Struct, gc=False):
    type: str
    budget_tokens: int | None = None


class Output(msgspec.Struct, gc=False):
    effort: str | None = None
    format: dict[str, Any] | None = None


class Countable(msgspec.Struct, gc=False, kw_only=True):
    """What count_tokens takes: a body whose answer needs no length."""

    model: Annotated[str, msgspec.Meta(min_length=1)]
    messages: Annotated[list[Message], msgspec.Meta(min_length=1)]
    system: str | list[Block] | None = None
    tools: list[Tool] | None = None


class Body(Countable, gc=False, kw_only=True):
    """The fields we read. All others are kept in the bytes, or named when they cannot be carried."""

    max_tokens: Count
    stream: bool | None = None
    stop_sequences: list[str] | None = None
    temperature: Annotated[float, msgspec.Meta(ge=0, le=1)] | None = None
    top_p: Annotated[float, msgspec.Meta(ge=0, le=1)] | None = None
    tool_choice: Choice | None = None
    thinking: Thinking | None = None
    output_config: Output | None = None
    output_format: dict[str, Any] | None = None
    service_tier: str | None = None
    mcp_servers: list[Any] | None = None
    container: msgspec.Raw = jsontext.NOTHING
    metadata: dict[str, Any] | None = None

    def __call__(self) -> m.Conversation:
        return _conversation(self)


_BODY = msgspec.json.Decoder(Body)
_COUNTABLE = msgspec.json.Decoder(Countable)


def parse(body: bytes, headers: Mapping[str, str]) -> m.Request:
    """A messages request. Raises RequestRejected with the position or the field, as the real API refuses."""
    asked, found, body = _READER.read(body)
    wish = intake.wishes(headers, asked.metadata)
    user = (asked.metadata or {}).get("user_id")
    kept = wish.session or (asked.metadata or {}).get("codriver_session") or ""
    return m.Request(
        id=new_id(),
        purpose=m.Purpose.CHAT,
        model=asked.model,
        wire="anthropic",
        body=body,
        stream=bool(asked.stream),
        wants_usage=True,
        limits=m.Limits(
            max_tokens=asked.max_tokens,
            temperature=asked.temperature,
            top_p=asked.top_p,
            stop=tuple(asked.stop_sequences or ()),
            schema=_schema(asked),
            effort=_effort(asked),
        ),
        needs=_needs(asked, found),
        unfold=asked,
        input_tokens=found.weighed(len(asked.messages), _framing(asked)),
        task=wish.task,
        strategy=wish.strategy,
        workflow=wish.workflow,
        deadline=wish.deadline,
        max_cost=wish.max_cost,
        headers={name: headers[name] for name in FORWARDED if name in headers},
        signatures=tuple(found.signatures),
        priority=wish.priority,
        file=wish.file,
        locale=wish.locale,
        later=understanding(
            partial(_shape, asked), headers, found, str(kept), "", user if isinstance(user, str) else ""
        ),
    )


def count(body: bytes, headers: Mapping[str, str]) -> bytes:
    """The answer to count_tokens, estimated. Raises RequestRejected as parse does."""
    asked, _ = jsontext.body(_COUNTABLE, body)
    found = Survey()
    _walk(asked.messages, 0, found)
    texts = [*found.texts, *_framing(asked)]
    return jsontext.encode({"input_tokens": tokens.estimate(texts, messages=len(asked.messages), images=found.images)})


def _framing(asked: Countable) -> list[str]:
    """The texts of system and tools. Raises RequestRejected."""
    texts: list[str] = []
    if isinstance(asked.system, str):
        texts.append(asked.system)
    else:
        texts += [block.text or "" for block in asked.system or ()]
    for number, tool in enumerate(asked.tools or ()):
        schema = jsontext.schema(tool.input_schema, f"tools[{number}].input_schema")
        for name, value in (("name", tool.name), ("input_schema", schema)):
            if tool.custom and not value:
                raise _missing(f"tools[{number}].{name}")
        texts += (tool.name, tool.description or "", schema)
    return texts


def _walk(messages: Sequence[Message], before: int, found: Survey) -> None:
    """Adds what is in these messages, of which `before` others stand. Raises RequestRejected."""
    for number, message in enumerate(messages, before):
        if isinstance(message.content, str):
            text, answers = message.content, False
            found.texts.append(text)
        else:
            text, answers = _blocks(message, number, found)
        if message.role == "user" and not answers:
            found.heard(text)
            found.results = []


def _blocks(message: Message, place: int, found: Survey) -> tuple[str, bool]:
    """Adds one message's blocks; its own text, and whether it brings tool results."""
    said: list[str] = []
    results: list[str] = []
    answers = False
    for number, block in enumerate(message.content):
        assert isinstance(block, Block)
        if block.type == "text":
            said.append(block.text or "")
        elif block.type == "tool_result":
            if not block.tool_use_id:
                raise _missing(f"messages[{place}].content[{number}].tool_use_id")
            answers = True
            results.append("\n".join(_result_texts(block, found)))
        elif block.type == "tool_use":
            if not block.id or not block.name:
                raise _missing(f"messages[{place}].content[{number}].{'name' if block.id else 'id'}")
            found.texts.append(f"{block.name} {bytes(block.input).decode('utf-8', 'replace')}")
        elif block.type == "image":
            _see(block, found)
        elif block.type == "document" and isinstance(block.source, Source) and block.source.type == "text":
            found.texts.append(block.source.data)
        elif block.type == "thinking":
            found.signatures.append(block.signature or "")
        elif block.type == "redacted_thinking":
            found.signatures.append(block.data or "")
        else:
            found.foreign.add(f"content[{block.type}]")
    if answers:
        found.results = results
    found.texts += said
    found.texts += results
    return "\n".join(said), answers


def _see(block: Block, found: Survey) -> None:
    """An image: its bytes and addresses go anywhere, one that lies in the provider's own store stays there."""
    found.images += 1
    if isinstance(block.source, Source) and block.source.type not in ("base64", "url"):
        found.foreign.add(f"image[{block.source.type}]")


def _missing(place: str) -> RequestRejected:
    return reject(f"{place}: Field required", field=place)


def _result_texts(block: Block, found: Survey) -> Iterator[str]:
    if isinstance(block.content, str):
        yield block.content
        return
    for part in block.content or ():
        if not isinstance(part, Block):
            continue
        if part.type == "image":
            _see(part, found)
        elif part.text is not None:
            yield part.text
        else:
            found.foreign.add(f"tool_result[{part.type}]")


def _shape(asked: Body) -> actions.Shape:
    """What tells the action. Claude Code also puts system messages behind the last turn."""
    system = [asked.system] if isinstance(asked.system, str) else [block.text or "" for block in asked.system or ()]
    last = next((message for message in reversed(asked.messages) if message.role != "system"), asked.messages[-1])
    human = last.role == "user"
    blocks = [] if isinstance(last.content, str) else last.content
    said = [block.text or "" for block in blocks if block.type == "text"]
    return actions.Shape(
        system=tuple(intake.without_billing_line(text) for text in system[: actions.SYSTEMS]),
        last=((last.content,) if isinstance(last.content, str) else tuple(said)) if human else (),
        answers=any(block.type == "tool_result" for block in blocks),
        tools=bool(asked.tools),
        messages=sum(message.role != "system" for message in asked.messages),
        most=asked.max_tokens,
        schema=_schema(asked),
    )


def _schema(asked: Body) -> dict[str, Any] | None:
    form = (asked.output_config.format if asked.output_config else None) or asked.output_format
    if not form or not isinstance(form.get("schema"), dict):
        return None
    return {"type": "json_schema", "name": "output", "schema": form["schema"], "strict": None}


def _effort(asked: Body) -> str | None:
    """One scale from Anthropic's two: the effort word, else what the thinking budget amounts to."""
    if asked.thinking is not None and asked.thinking.type == "disabled":
        return "none"
    if asked.output_config is not None and asked.output_config.effort:
        return effort.word(asked.output_config.effort)
    if asked.thinking is None:
        return None
    budget = asked.thinking.budget_tokens
    return "high" if budget is None else effort.of_budget(budget)


def _needs(asked: Body, found: Survey) -> m.Needs:
    same = set(found.foreign)
    custom = [tool for tool in asked.tools or () if tool.custom]
    forced = asked.tool_choice.name if asked.tool_choice else None
    for tool in asked.tools or ():
        optional = bool(custom) and (tool.type or "").startswith(_SERVER_RUN) and tool.name != forced
        if not tool.custom and not optional:
            same.add(f"tools[{tool.type}]")
    if asked.mcp_servers:
        same.add("mcp_servers")
    if jsontext.given(asked.container):
        same.add("container")
    if asked.service_tier not in (None, "auto", "standard_only"):
        same.add("service_tier")
    return m.Needs(
        tools=bool(asked.tools),
        images=found.images > 0,
        schema=_schema(asked) is not None,
        stream=bool(asked.stream),
        same_wire=tuple(sorted(same)),
    )


def _conversation(asked: Body) -> m.Conversation:
    messages: list[m.Message] = []
    if asked.system:
        messages.append(m.Message("system", tuple(_system(asked.system))))
    for message in asked.messages:
        messages += _messages(message)
    defined = tuple(
        m.Tool(tool.name, tool.description or "", jsontext.known(tool.input_schema) or {}, tool.strict)
        for tool in asked.tools or ()
        if tool.custom
    )
    return m.Conversation(tuple(messages), defined, _choice(asked.tool_choice))


def _system(system: str | list[Block]) -> Iterator[m.Part]:
    """The system prompt without Claude Code's billing line, which changes each time and defeats every cache."""
    if isinstance(system, str):
        yield m.Text(intake.without_billing_line(system))
        return
    for part in _parts(system):
        if not isinstance(part, m.Text) or not intake.billing_line(part.text):
            yield part
        elif text := intake.without_billing_line(part.text):
            yield m.Text(text, part.cache)


def _messages(message: Message) -> Iterator[m.Message]:
    """Tool results become a turn of their own, before what the user says beside them."""
    if isinstance(message.content, str):
        yield m.Message(message.role, (m.Text(message.content),) if message.content else ())
        return
    results = [block for block in message.content if block.type == "tool_result"]
    if results:
        yield m.Message("tool", tuple(_result(block) for block in results))
    parts = tuple(_parts(block for block in message.content if block.type != "tool_result"))
    if parts or not results:
        yield m.Message(message.role, parts)


def _parts(blocks: Sequence[Block] | Iterator[Block]) -> Iterator[m.Part]:
    for block in blocks:
        match block.type:
            case "text" if block.text:
                yield m.Text(block.text, block.cache_control)
            case "image" if isinstance(block.source, Source):
                yield m.Image(block.source.media_type, block.source.data, block.source.url)
            case "thinking":
                yield from _thought(block.thinking or "", block.signature or "")
            case "redacted_thinking":
                yield from envelope.open(block.data or "") or (m.Reasoning("", redacted=block.data or ""),)
            case "tool_use":
                yield m.ToolCall(
                    block.id or "", block.name or "", bytes(block.input).decode("utf-8", "replace") or "{}"
                )
            case "document" if isinstance(block.source, Source) and block.source.type == "text":
                yield m.Text(block.source.data, block.cache_control)
            case _:
                pass  # named in Needs.same_wire: such a request never leaves this wire


def _thought(text: str, signature: str) -> Iterator[m.Part]:
    """A thinking block. In an envelope of ours the signature's place is taken: inside are the maker's own blocks,
    which have the text only where it differs from what was shown."""
    opened = envelope.open(signature)
    if opened is None:
        yield m.Reasoning(text, "" if envelope.sealed(signature) else signature)
        return
    for part in opened:
        yield part if part.text or part.redacted else replace(part, text=text)


def _result(block: Block) -> m.ToolResult:
    parts: tuple[m.Text | m.Image, ...] = ()
    if isinstance(block.content, str):
        parts = (m.Text(block.content),) if block.content else ()
    elif isinstance(block.content, list):
        parts = tuple(part for part in _parts(block.content) if isinstance(part, m.Text | m.Image))
    return m.ToolResult(block.tool_use_id or "", parts, bool(block.is_error), block.cache_control)


def _choice(choice: Choice | None) -> m.ToolChoice | None:
    if choice is None:
        return None
    parallel = None if choice.disable_parallel_tool_use is None else not choice.disable_parallel_tool_use
    match choice.type:
        case "tool":
            return m.ToolChoice("named", choice.name or "", parallel)
        case "any":
            return m.ToolChoice("required", parallel=parallel)
        case "none":
            return m.ToolChoice("none", parallel=parallel)
        case _:
            return m.ToolChoice("auto", parallel=parallel)


_READER: prefix.Reader[Body, Message] = prefix.Reader(_BODY, _walk)
