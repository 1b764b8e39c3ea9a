"""Ollama's POST /api/chat, both halves: a conversation with tools and images, answered in lines of JSON."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Annotated, Any

import msgspec

from codriver.model import request as m
from codriver.model.ids import new_id
from codriver.model.provider import Model, Quirks
from codriver.wire import actions, carried, fim, history, intake, jsontext, names, ndjson, relay, tokens
from codriver.wire.codec import Call
from codriver.wire.ollama import asking, writing
from codriver.wire.ollama.asking import Options
from codriver.wire.ollama.reading import OllamaDecoder
from codriver.wire.ollama.writing import OllamaEncoder
from codriver.wire.survey import Survey

content_type = ndjson.CONTENT_TYPE
failure = writing.failure
_WIRE = "ollama_chat"


class Function(msgspec.Struct, gc=False):
    name: str
    arguments: dict[str, Any] | str | None = None


class Called(msgspec.Struct, gc=False):
    function: Function
    id: str | None = None


class Message(msgspec.Struct, gc=False):
    role: str
    content: str | None = None
    images: list[str] | None = None
    thinking: str | None = None
    tool_calls: list[Called] | None = None
    tool_name: str | None = None
    name: str | None = None
    tool_call_id: str | None = None


class Definition(msgspec.Struct, gc=False):
    name: str
    description: str | None = None
    parameters: dict[str, Any] | None = None


class Tool(msgspec.Struct, gc=False):
    function: Definition | None = None


class Body(msgspec.Struct, gc=False):
    """The fields we read. All others pass to Ollama servers, and are named when they cannot be carried."""

    model: Annotated[str, msgspec.Meta(min_length=1)]
    messages: list[Message] = []
    tools: list[Tool] | None = None
    stream: bool | None = None
    format: Any = None
    options: Options | None = None
    think: bool | str | None = None


_BODY = msgspec.json.Decoder(Body)


def parse(body: bytes, headers: Mapping[str, str]) -> m.Request:
    """A chat request; without messages one that only loads the model. Raises RequestRejected."""
    asked, body = jsontext.body(_BODY, body)
    wish = intake.wishes(headers, None)
    texts = [message.content or "" for message in asked.messages]
    defined = [tool.function for tool in asked.tools or () if tool.function is not None]
    texts += [f"{tool.name} {tool.description or ''} {tool.parameters or ''}" for tool in defined]
    images = sum(len(message.images or ()) for message in asked.messages)
    limits = asking.limits(asked.options, asked.format, asked.think)
    found = Survey()
    for message in asked.messages:
        if message.role == "user":
            found.heard(message.content or "")
    shape = _shape(asked, limits)
    return m.Request(
        id=new_id(),
        purpose=actions.purpose(shape, headers),
        model=asking.model_name(asked.model),
        wire=_WIRE,
        body=body,
        stream=asked.stream is not False,
        wants_usage=True,
        limits=limits if asked.messages else m.Limits(max_tokens=0),
        needs=m.Needs(
            tools=bool(asked.tools),
            images=images > 0,
            schema=isinstance(asked.format, dict),
            stream=asked.stream is not False,
        ),
        unfold=lambda: _conversation(asked),
        input_tokens=tokens.estimate(texts, messages=len(asked.messages), images=images),
        tail=intake.tail(found.turns, _latest_results(asked.messages)),
        task=wish.task,
        session=intake.session(headers, wish.session, "", "", lambda: actions.beginning(shape, found.first)),
        strategy=wish.strategy,
        workflow=wish.workflow,
        deadline=wish.deadline,
        max_cost=wish.max_cost,
        priority=wish.priority,
        file=wish.file,
        locale=wish.locale,
    )


def _shape(asked: Body, limits: m.Limits) -> actions.Shape:
    """What tells the action: the first system message and the last turn."""
    turns = [message for message in asked.messages if message.role != "system"]
    last = turns[-1] if turns else None
    return actions.Shape(
        system=tuple(message.content or "" for message in asked.messages[:1] if message.role == "system"),
        last=(last.content or "",) if last is not None and last.role == "user" else (),
        answers=last is not None and last.role == "tool",
        tools=bool(asked.tools),
        messages=len(turns),
        most=limits.max_tokens,
        schema=limits.schema,
    )


def _latest_results(messages: list[Message]) -> list[str]:
    """The texts of the tool results at the end."""
    fresh: list[str] = []
    for message in reversed(messages):
        if message.role != "tool":
            break
        fresh.insert(0, message.content or "")
    return fresh


def _conversation(asked: Body) -> m.Conversation:
    """Calls without ids get them by their place; results find their call by id, by name, or by order."""
    told: list[m.Message] = []
    open_: list[m.ToolCall] = []
    for number, message in enumerate(asked.messages):
        if message.role == "tool":
            result = m.ToolResult(_answered(message, open_), (m.Text(message.content or ""),))
            told.append(m.Message("tool", (result,)))
            continue
        parts: list[m.Part] = [m.Text(message.content)] if message.content else []
        parts += [m.Image(media_type(image), image) for image in message.images or ()]
        calls = [_called(call, f"call_{number}_{place}") for place, call in enumerate(message.tool_calls or ())]
        open_ = calls or open_
        role: m.Role = "assistant" if message.role == "assistant" else "system" if message.role == "system" else "user"
        thought: list[m.Part] = [m.Reasoning(message.thinking)] if message.thinking and role == "assistant" else []
        told.append(m.Message(role, (*thought, *parts, *calls)))
    tools = tuple(
        m.Tool(f.name, f.description or "", f.parameters or {})
        for f in (tool.function for tool in asked.tools or ())
        if f is not None
    )
    return m.Conversation(tuple(told), tools)


def _called(call: Called, ident: str) -> m.ToolCall:
    given = call.function.arguments
    text = given if isinstance(given, str) else jsontext.encode(given or {}).decode()
    return m.ToolCall(call.id or ident, call.function.name, text)


def _answered(message: Message, open_: list[m.ToolCall]) -> str:
    """The id of the call this result belongs to; that call is then no longer open."""
    if message.tool_call_id:
        return message.tool_call_id
    name = message.tool_name or message.name
    call = next((call for call in open_ if call.name == name), open_[0] if open_ else None)
    if call is None:
        return ""
    open_.remove(call)
    return call.id


_SIGNS = (("/9j/", "image/jpeg"), ("iVBOR", "image/png"), ("R0lGOD", "image/gif"), ("UklGR", "image/webp"))


def media_type(image: str) -> str:
    """The type of a bare base64 image, by how its first bytes look in base64; PNG when nothing is known."""
    return next((kind for sign, kind in _SIGNS if image.startswith(sign)), "image/png")


def call(request: m.Request, model: Model, quirks: Quirks) -> Call:
    """The caller's own bytes but for the model's name, or a body built anew. A hole becomes a chat prompt."""
    if request.wire == _WIRE and request.body is not None:
        put = {"model": model.upstream_id}
        return Call(relay.edited(request.body, put, drop=quirks.drop) if quirks.drop else
                    relay.named(request.body, request.model, model.upstream_id))  # fmt: skip
    talk = request.conversation
    if request.fim is not None and not talk.messages:
        talk = fim.chat_prompt(request.fim)
    dropped = carried.lost(request)
    messages: list[dict[str, Any]] = []
    if texts := history.system(talk.messages):
        messages.append({"role": "system", "content": "\n\n".join(text.text for text in texts)})
    for turn in history.turns(talk.messages, tools=bool(talk.tools)):
        messages += _told(turn, dropped)
    body: dict[str, Any] = {
        "model": model.upstream_id,
        "messages": messages,
        "stream": request.stream,
        "tools": [_tool(tool) for tool in talk.tools] or None,
        "format": asking.form(request.limits),
        "think": asking.think(request.limits, model),
        "options": asking.options(request, model),
    }
    if (choice := talk.tool_choice) is not None:
        if choice.mode == "none":  # there is no word for it: what is not offered is not called
            body["tools"] = None
        elif choice.mode != "auto":
            dropped.append("tool_choice")
        if choice.parallel is False:
            dropped.append("parallel_tool_calls")
    dropped += [name for name in quirks.drop if body.pop(name, None) is not None]
    kept = {name: value for name, value in body.items() if value is not None}
    return Call(jsontext.encode(kept), dropped=tuple(dict.fromkeys(dropped)))


def _told(turn: history.Turn, dropped: list[str]) -> Iterable[dict[str, Any]]:
    """Results first, each for its call; then what the turn says."""
    for result in turn.results:
        text = history.plain(result)
        if result.is_error and "error" not in text.lower():
            text = f"Error: {text}"
        yield {"role": "tool", "content": text, "tool_call_id": result.call_id}
    pictures = [part for part in turn.parts if isinstance(part, m.Image)]
    pictures += [image for result in turn.results for image in history.images(result)]
    if any(not image.data for image in pictures):
        dropped.append("image_url")
    message: dict[str, Any] = {
        "role": turn.role,
        "content": "\n".join(part.text for part in turn.parts if isinstance(part, m.Text)),
        "images": [image.data for image in pictures if image.data] or None,
        "thinking": history.reasoning(turn.parts) or None,
        "tool_calls": [_call(part) for part in turn.calls] or None,
    }
    if turn.parts or pictures:
        yield {name: value for name, value in message.items() if value is not None}


def _call(part: m.ToolCall) -> dict[str, Any]:
    function = {"name": names.legal_name(part.name), "arguments": jsontext.arguments(part.arguments) or {}}
    return {"id": part.id, "function": function}


def _tool(tool: m.Tool) -> dict[str, Any]:
    function = {"name": names.legal_name(tool.name), "description": tool.description}
    return {
        "type": "function",
        "function": {**function, "parameters": dict(tool.schema) or {"type": "object", "properties": {}}},
    }


def decoder(model: Model, quirks: Quirks) -> OllamaDecoder:
    """For the answer of this model."""
    return OllamaDecoder()


def encoder(request: m.Request, model: str, at: int = 0) -> OllamaEncoder:
    """For the answer to this request; `at` is the Unix time shown in `created_at`."""
    return OllamaEncoder(request, model, at, chat=True)


def ping() -> bytes:
    """A line that says nothing: clients parse every line."""
    head = {"model": "codriver", "created_at": "1970-01-01T00:00:00Z"}
    return jsontext.encode({**head, "message": {"role": "assistant", "content": ""}, "done": False}) + b"\n"
