"""The turns of generateContent: parts, calls with their responses, and the signatures newer models insist on."""

from __future__ import annotations

import base64
import binascii
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from codriver.model.request import Image, Message, Part, Reasoning, Text, ToolCall, ToolResult
from codriver.upstream.simulator.gemini_schema import refused
from codriver.upstream.simulator.models import SimModel
from codriver.upstream.simulator.values import Refused, digest

_DATA = ("text", "inlineData", "fileData", "functionCall", "functionResponse", "executableCode", "codeExecutionResult")
_BESIDE = ("thought", "thoughtSignature", "videoMetadata", "mediaResolution", "partMetadata")
_SKIPS = ("skip_thought_signature_validator", "context_engineering_is_the_way_to_go")
"""Documented: what stands for a signature in a history that another model made."""


@dataclass(frozen=True, slots=True)
class Turn:
    """One content. role: user or model."""

    role: str
    parts: tuple[Part, ...]


def signature(model: str, name: str, arguments: Any) -> str:
    """What the call of a model is signed with, and checked against when it comes back."""
    return base64.b64encode(digest([name, arguments], model).encode()).decode()


def text_signature(model: str, text: str) -> str:
    """What the words of a model are signed with. When it comes back only its maker is checked: the words may be cut
    into other parts by then."""
    return base64.b64encode((digest(["", text], model) + _maker(model)).encode()).decode()


def _maker(model: str) -> str:
    return digest(["text"], model)


def _makes(model: str, given: str) -> bool:
    """Whether a signature on words is of this model."""
    try:
        return base64.b64decode(given).decode("utf-8", "replace").endswith(_maker(model))
    except (binascii.Error, ValueError):
        return False


def read_turns(contents: Any, model: SimModel) -> list[Turn]:
    """All turns, each call answered in the next one. Raises Refused."""
    if not isinstance(contents, list) or not contents:
        raise refused("* GenerateContentRequest.contents: contents is not specified\n")
    turns = _joined([_turn(content, place, model) for place, content in enumerate(contents)])
    _paired(turns)
    if turns[-1].role == "model":
        raise refused("Please ensure that multiturn requests end with a user role or a function response.")
    if model.signs:
        _signed(contents, model)
    return turns


def _joined(turns: Sequence[Turn]) -> list[Turn]:
    """Neighbours of one role as one turn: a stream's frames come back one by one."""
    joined: list[Turn] = []
    for turn in turns:
        if joined and joined[-1].role == turn.role:
            joined[-1] = Turn(turn.role, (*joined[-1].parts, *turn.parts))
        else:
            joined.append(turn)
    return joined


def _turn(content: Any, place: int, model: SimModel) -> Turn:
    path = f"contents[{place}]"
    if not isinstance(content, dict):
        raise refused(f"Invalid value at '{path}' (type.googleapis.com/google.ai.generativelanguage.v1beta.Content)")
    for name in content:
        if name not in ("role", "parts"):
            raise refused(f"Invalid JSON payload received. Unknown name \"{name}\" at '{path}': Cannot find field.")
    role = content.get("role") or "user"
    if role not in ("user", "model", "function"):
        raise refused("Please use a valid role: user, model.")
    parts = content.get("parts")
    if not isinstance(parts, list) or not parts:
        raise refused(f"* GenerateContentRequest.{path}.parts: contents.parts must not be empty.\n")
    role = "user" if role == "function" else role
    return Turn(role, tuple(_part(part, f"{path}.parts[{number}]", role, model) for number, part in enumerate(parts)))


def _part(part: Any, path: str, role: str, model: SimModel) -> Part:
    if not isinstance(part, dict):
        raise refused(f"Invalid value at '{path}' (type.googleapis.com/google.ai.generativelanguage.v1beta.Part)")
    for name in part:
        if name not in _DATA and name not in _BESIDE:
            raise refused(f"Invalid JSON payload received. Unknown name \"{name}\" at '{path}': Cannot find field.")
    given = [name for name in _DATA if part.get(name) is not None]
    if len(given) != 1:
        what = (
            "required oneof field 'data' must have one initialized field" if not given else "oneof field is set twice"
        )
        raise refused(f"* GenerateContentRequest.{path}.data: {what}\n")
    _decodable(part.get("thoughtSignature"), path)
    match given[0]:
        case "text":
            text = part["text"]
            if not isinstance(text, str):
                raise refused(f"Invalid value at '{path}.text' (TYPE_STRING), {json.dumps(text)}")
            return Reasoning(text) if part.get("thought") is True else Text(text)
        case "functionCall":
            return _call(part["functionCall"], path, role)
        case "functionResponse":
            return _response(part["functionResponse"], path, role)
        case "inlineData" | "fileData" as name:
            return _image(part[name], f"{path}.{name}", model)
        case _:
            return Text("")


def _decodable(value: Any, path: str) -> None:
    if value is None:
        return
    try:
        base64.b64decode(str(value).replace("-", "+").replace("_", "/") + "===")
    except (binascii.Error, ValueError):
        raise refused(
            f"Invalid value at '{path}.thought_signature' (TYPE_BYTES), Base64 decoding failed for \"{value}\""
        ) from None


def _call(call: Any, path: str, role: str) -> ToolCall:
    name, arguments = call.get("name"), call.get("args", {})
    if role != "model":
        raise refused("Please ensure that function call turn has the role model.")
    if not isinstance(name, str) or not name:
        raise refused(f"* GenerateContentRequest.{path}.function_call.name: Name cannot be empty.\n")
    if not isinstance(arguments, dict):
        raise refused(f"Invalid value at '{path}.function_call.args' (type.googleapis.com/google.protobuf.Struct)")
    return ToolCall(str(call.get("id") or ""), name, json.dumps(arguments, ensure_ascii=False))


def _response(answer: Any, path: str, role: str) -> ToolResult:
    name, response = answer.get("name"), answer.get("response")
    if role != "user":
        raise refused("Please ensure that function response turn has the role user.")
    if not isinstance(name, str) or not name:
        raise refused(f"* GenerateContentRequest.{path}.function_response.name: Name cannot be empty.\n")
    if not isinstance(response, dict):
        raise refused(
            f"Invalid value at '{path}.function_response.response' (type.googleapis.com/google.protobuf.Struct)"
        )
    text = next((value for value in response.values() if isinstance(value, str)), json.dumps(response))
    # The id is completed by _paired; until then it carries id and name.
    return ToolResult(json.dumps([answer.get("id") or "", name]), (Text(text),), is_error="error" in response)


def _image(blob: Any, path: str, model: SimModel) -> Image:
    kind = blob.get("mimeType")
    if not isinstance(kind, str) or not kind:
        raise refused(f"* GenerateContentRequest.{path}.mime_type: the value is missing\n")
    if kind.startswith("image/") and not model.images:
        raise refused("This model does not support images as input.")
    data, uri = blob.get("data"), blob.get("fileUri")
    if not (data or uri):
        raise refused(f"* GenerateContentRequest.{path}: data or file_uri must be set\n")
    return Image(kind, str(data or ""), str(uri or ""))


def _paired(turns: Sequence[Turn]) -> None:
    """Every turn with calls is followed by one with exactly their responses. Raises Refused."""
    open_calls: list[ToolCall] = []
    for place, turn in enumerate(turns):
        results = [part for part in turn.parts if isinstance(part, ToolResult)]
        if results and not open_calls:
            raise refused("Please ensure that function response turn comes immediately after a function call turn.")
        if open_calls:
            _answering(open_calls, results)
        open_calls = [part for part in turn.parts if isinstance(part, ToolCall)]
        if open_calls and (place == 0 or turns[place - 1].role != "user"):
            raise refused(
                "Please ensure that function call turn comes immediately after a user turn or after a function "
                "response turn."
            )
    if open_calls:
        raise _uneven()


def _answering(calls: Sequence[ToolCall], results: Sequence[ToolResult]) -> None:
    if len(calls) != len(results):
        raise _uneven()
    left = list(calls)
    for result in results:
        ident, name = json.loads(result.call_id)
        fits = [call for call in left if call.name == name and (not ident or not call.id or ident == call.id)]
        if not fits:
            raise refused(f"Function response {name!r} does not match a function call of the turn before.")
        left.remove(fits[0])


def _uneven() -> Refused:
    return refused(
        "Please ensure that the number of function response parts is equal to the number of function call parts of "
        "the function call turn."
    )


def _signed(contents: Sequence[Mapping[str, Any]], model: SimModel) -> None:
    """The first call of each step of the current turn is signed, by this very model or by a skip; on words only a
    signature of this very model may stand. Raises Refused."""
    asked = [
        place
        for place, content in enumerate(contents)
        if content.get("role") != "model" and not any("functionResponse" in part for part in content["parts"])
    ]
    current = asked[-1] if asked else 0
    first = True
    for place, content in enumerate(contents):
        first = first or content.get("role") != "model"
        for number, part in enumerate(content["parts"]):
            call, given = part.get("functionCall"), part.get("thoughtSignature")
            if call is None:
                if given is not None and given not in _SKIPS and not _makes(model.id, given):
                    raise refused("Corrupted thought signature.")
                continue
            if given is None and first and place > current:
                raise refused(
                    "Function call is missing a thought_signature in functionCall parts. This is required for tools "
                    "to work correctly, and missing thought_signature may lead to degraded model performance. "
                    f"Additional data, function call `default_api:{call['name']}` , position {number + 1}."
                )
            own = signature(model.id, call["name"], call.get("args", {}))
            if given is not None and given not in (own, *_SKIPS):
                raise refused("Corrupted thought signature.")
            first = False


def split(turns: Sequence[Turn]) -> list[Message]:
    """Turns as neutral messages with ids: what is said beside results comes before them."""
    messages: list[Message] = []
    calls: list[ToolCall] = []
    number = 0
    for turn in turns:
        parts: list[Part] = []
        results: list[ToolResult] = []
        made: list[ToolCall] = []
        for part in turn.parts:
            if isinstance(part, ToolCall):
                number += 1
                made.append(ToolCall(part.id or f"sim_call_{number}", part.name, part.arguments))
                parts.append(made[-1])
            elif isinstance(part, ToolResult):
                ident, name = json.loads(part.call_id)
                answered = next(call for call in calls if call.name == name and ident in ("", call.id))
                calls.remove(answered)
                results.append(ToolResult(answered.id, part.parts, part.is_error))
            else:
                parts.append(part)
        if parts:
            messages.append(Message("assistant" if turn.role == "model" else "user", tuple(parts)))
        if results:
            messages.append(Message("tool", tuple(results)))
        calls = made
    return messages
