"""The form of a generateContent body, and the neutral conversation in it."""

from __future__ import annotations

import base64
import binascii
from collections.abc import Iterator
from typing import Annotated, Any, Literal

import msgspec

from codriver.model import request as m
from codriver.wire import jsontext
from codriver.wire.gemini.plain import json_schema

Count = Annotated[int, msgspec.Meta(ge=1)]


class Blob(msgspec.Struct, gc=False, rename="camel"):
    mime_type: str = ""
    data: str = ""


class File(msgspec.Struct, gc=False, rename="camel"):
    mime_type: str = ""
    file_uri: str = ""


class Called(msgspec.Struct, gc=False):
    name: str
    id: str | None = None
    args: msgspec.Raw = jsontext.NOTHING


class Shown(msgspec.Struct, gc=False, rename="camel"):
    inline_data: Blob | None = None


class Answered(msgspec.Struct, gc=False):
    name: str = ""
    id: str | None = None
    response: msgspec.Raw = jsontext.NOTHING
    parts: list[Shown] | None = None


class Part(msgspec.Struct, gc=False, rename="camel"):
    text: str | None = None
    thought: bool | None = None
    thought_signature: str | None = None
    inline_data: Blob | None = None
    file_data: File | None = None
    function_call: Called | None = None
    function_response: Answered | None = None
    executable_code: msgspec.Raw = jsontext.NOTHING
    code_execution_result: msgspec.Raw = jsontext.NOTHING
    tool_call: msgspec.Raw = jsontext.NOTHING
    tool_response: msgspec.Raw = jsontext.NOTHING


class Content(msgspec.Struct, gc=False):
    role: Literal["user", "model", "function", "system", ""] | None = None
    parts: list[Part] | None = None


class Declaration(msgspec.Struct, gc=False, rename="camel"):
    name: str
    description: str | None = None
    parameters: msgspec.Raw = jsontext.NOTHING
    parameters_json_schema: msgspec.Raw = jsontext.NOTHING


class Tool(msgspec.Struct, gc=False, rename="camel"):
    """Functions, and what Google runs itself."""

    function_declarations: list[Declaration] | None = None
    google_search: msgspec.Raw = jsontext.NOTHING
    google_search_retrieval: msgspec.Raw = jsontext.NOTHING
    enterprise_web_search: msgspec.Raw = jsontext.NOTHING
    code_execution: msgspec.Raw = jsontext.NOTHING
    url_context: msgspec.Raw = jsontext.NOTHING
    google_maps: msgspec.Raw = jsontext.NOTHING
    file_search: msgspec.Raw = jsontext.NOTHING
    computer_use: msgspec.Raw = jsontext.NOTHING
    retrieval: msgspec.Raw = jsontext.NOTHING
    mcp_servers: msgspec.Raw = jsontext.NOTHING


class Calling(msgspec.Struct, gc=False, rename="camel"):
    mode: str | None = None
    allowed_function_names: list[str] | None = None


class ToolConfig(msgspec.Struct, gc=False, rename="camel"):
    function_calling_config: Calling | None = None


class Thinking(msgspec.Struct, gc=False, rename="camel"):
    include_thoughts: bool | None = None
    thinking_budget: int | None = None
    thinking_level: str | None = None


class Generation(msgspec.Struct, gc=False, rename="camel"):
    max_output_tokens: Count | None = None
    temperature: Annotated[float, msgspec.Meta(ge=0, le=2)] | None = None
    top_p: Annotated[float, msgspec.Meta(ge=0, le=1)] | None = None
    stop_sequences: list[str] | None = None
    candidate_count: Count | None = None
    response_mime_type: str | None = None
    response_schema: msgspec.Raw = jsontext.NOTHING
    response_json_schema: msgspec.Raw = jsontext.NOTHING
    response_modalities: list[str] | None = None
    response_logprobs: bool | None = None
    seed: int | None = None
    speech_config: msgspec.Raw = jsontext.NOTHING
    image_config: msgspec.Raw = jsontext.NOTHING
    thinking_config: Thinking | None = None


class Body(msgspec.Struct, gc=False, rename="camel"):
    """The fields we read. All others are kept in the bytes, or named when they cannot be carried."""

    contents: Annotated[list[Content], msgspec.Meta(min_length=1)]
    model: str = ""
    system_instruction: Content | str | None = None
    tools: list[Tool] | None = None
    tool_config: ToolConfig | None = None
    generation_config: Generation | None = None
    cached_content: str | None = None

    def __call__(self) -> m.Conversation:
        return _conversation(self)

    @property
    def declared(self) -> Iterator[Declaration]:
        """All functions of all tools."""
        for tool in self.tools or ():
            yield from tool.function_declarations or ()

    @property
    def built_in(self) -> Iterator[str]:
        """The tools asked for that Google runs itself, as tools[NAME]."""
        for tool in self.tools or ():
            for part in msgspec.structs.fields(Tool)[1:]:
                if jsontext.given(getattr(tool, part.name)):
                    yield f"tools[{part.encode_name}]"

    @property
    def wants_thoughts(self) -> bool:
        """Whether thinking is to be shown."""
        config = self.generation_config
        return bool(config and config.thinking_config and config.thinking_config.include_thoughts)


def _conversation(asked: Body) -> m.Conversation:
    messages: list[m.Message] = []
    system = asked.system_instruction
    if isinstance(system, str):
        messages.append(m.Message("system", (m.Text(system),)))
    elif system is not None and (texts := tuple(m.Text(part.text) for part in system.parts or () if part.text)):
        messages.append(m.Message("system", texts))
    calls = _Calls()
    for content in asked.contents:
        messages += _messages(content, calls)
    choice, only = _choice(asked.tool_config)
    defined = tuple(
        m.Tool(tool.name, tool.description or "", _parameters(tool))
        for tool in asked.declared
        if not only or tool.name in only
    )
    return m.Conversation(tuple(messages), defined, choice, tuple(asked.built_in))


class _Calls:
    """Ids for calls without one, and which call a result answers: by id, else the first open one of its name."""

    def __init__(self) -> None:
        self._number = 0
        self._open: list[tuple[str, str]] = []

    def called(self, call: Called) -> str:
        ident = call.id or f"gemini_call_{self._number}"
        self._number += 1
        self._open.append((ident, call.name))
        return ident

    def answered(self, answer: Answered) -> str:
        fits = next((one for one in self._open if answer.id == one[0]), None)
        fits = fits or next((one for one in self._open if answer.name == one[1]), None)
        if fits is None:
            return answer.id or f"gemini_result_of_{answer.name}"
        self._open.remove(fits)
        return fits[0]


def _messages(content: Content, calls: _Calls) -> Iterator[m.Message]:
    """Function responses become a turn of their own, before what is said beside them."""
    if content.role == "model":
        yield m.Message("assistant", tuple(_parts(content, calls)))
        return
    if results := tuple(
        _result(part.function_response, calls) for part in content.parts or () if part.function_response
    ):
        yield m.Message("tool", results)
    parts = tuple(_parts(content, calls))
    if parts or not results:
        yield m.Message("system" if content.role == "system" else "user", parts)


def _parts(content: Content, calls: _Calls) -> Iterator[m.Part]:
    for part in content.parts or ():
        if part.function_call is not None:
            call = part.function_call
            yield m.ToolCall(calls.called(call), call.name, shown(call.args) or "{}", part.thought_signature or "")
        elif part.thought:
            yield m.Reasoning(part.text or "", part.thought_signature or "")
        elif part.text is not None:
            if part.text:
                yield m.Text(part.text)
            if part.thought_signature:
                yield m.Reasoning("", part.thought_signature)
        elif part.inline_data is not None and part.inline_data.mime_type.startswith("image/"):
            yield m.Image(part.inline_data.mime_type, part.inline_data.data)
        elif part.inline_data is not None and part.inline_data.mime_type.startswith("text/"):
            yield m.Text(text_of(part.inline_data))
        elif part.file_data is not None and public(part.file_data):
            yield m.Image(part.file_data.mime_type, url=part.file_data.file_uri)
        # All else is named in Needs.same_wire: such a request never leaves this wire.


def _result(answer: Answered, calls: _Calls) -> m.ToolResult:
    """The one text of a usual response ({"output"}, {"result"} or {"error"}), else its JSON."""
    value = jsontext.known(answer.response)
    text = shown(answer.response)
    failed = False
    if isinstance(value, dict) and len(value) == 1:
        name, only = next(iter(value.items()))
        if name in ("output", "result", "content", "error") and isinstance(only, str):
            text, failed = only, name == "error"
    blobs = [part.inline_data for part in answer.parts or () if part.inline_data is not None]
    images = [m.Image(blob.mime_type, blob.data) for blob in blobs if blob.mime_type.startswith("image/")]
    return m.ToolResult(calls.answered(answer), (*((m.Text(text),) if text else ()), *images), failed)


def _parameters(tool: Declaration) -> dict[str, Any]:
    schema = json_schema(jsontext.known(tool.parameters_json_schema) or jsontext.known(tool.parameters))
    return schema if isinstance(schema, dict) and schema else {"type": "object", "properties": {}}


def _choice(config: ToolConfig | None) -> tuple[m.ToolChoice | None, frozenset[str]]:
    """The choice, and the only functions that may be called where several are named."""
    calling = config.function_calling_config if config else None
    if calling is None:
        return None, frozenset()
    names = calling.allowed_function_names or []
    match (calling.mode or "").upper():
        case "ANY" if len(names) == 1:
            return m.ToolChoice("named", names[0]), frozenset()
        case "ANY":
            return m.ToolChoice("required"), frozenset(names)
        case "NONE":
            return m.ToolChoice("none"), frozenset()
        case _:
            return m.ToolChoice("auto"), frozenset()


def public(file: File) -> bool:
    """Whether others can fetch it as well: an image on the web, not one in Google's own store."""
    own = "generativelanguage.googleapis.com" in file.file_uri
    return file.file_uri.startswith(("http://", "https://")) and not own and file.mime_type.startswith("image/")


def text_of(blob: Blob) -> str:
    try:
        return base64.b64decode(blob.data).decode("utf-8", "replace")
    except (binascii.Error, ValueError):
        return ""


def shown(value: msgspec.Raw) -> str:
    return bytes(value).decode("utf-8", "replace")
