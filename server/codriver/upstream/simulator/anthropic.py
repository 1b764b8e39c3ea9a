"""Anthropic's wire as its servers write it: events in order, whole messages, errors."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from typing import Any

from codriver.model.events import Finish, Reply
from codriver.upstream.simulator import anthropic_blocks, anthropic_rules
from codriver.upstream.simulator.models import SimModel
from codriver.upstream.simulator.values import Answer, Asked, Frame, Refused, digest, dump, pieces

name = "anthropic"
_STOP = {
    Finish.TOOL_CALLS: "tool_use",
    Finish.LENGTH: "max_tokens",
    Finish.FILTERED: "refusal",
    Finish.STOP_SEQUENCE: "stop_sequence",
}
_TYPES = {
    400: "invalid_request_error",
    401: "authentication_error",
    403: "permission_error",
    404: "not_found_error",
    405: "invalid_request_error",
    408: "timeout_error",
    413: "request_too_large",
    429: "rate_limit_error",
    504: "timeout_error",
    529: "overloaded_error",
}


def read(body: Mapping[str, Any], headers: Mapping[str, str], model: SimModel) -> Asked:
    """What is asked. Raises Refused."""
    return anthropic_rules.read(body, headers, model)


def count(body: Mapping[str, Any], headers: Mapping[str, str], model: SimModel) -> int:
    """For count_tokens: the prompt's tokens. Raises Refused."""
    return anthropic_rules.read(body, headers, model, counting=True).prompt_tokens


def frames(answer: Answer) -> Iterator[Frame]:
    """message_start, then each block's start, deltas and stop, message_delta and message_stop; a ping early on."""
    reply = answer.replies[0]
    blocks = _blocks(answer, reply)
    yield _event({"type": "message_start", "message": _message(answer, [], None, None, 1)}, "open")
    for index, block in enumerate(blocks):
        # An opened text or thinking block shows nothing yet; an opened tool call does.
        kind: Any = "content" if block["type"] == "tool_use" else "open"
        yield _event({"type": "content_block_start", "index": index, "content_block": _opened(block)}, kind)
        if index == 0:
            yield _event({"type": "ping"}, "open")
        for delta in _deltas(block):
            yield _event({"type": "content_block_delta", "index": index, "delta": delta}, "content")
        yield _event({"type": "content_block_stop", "index": index}, "end" if block is blocks[-1] else "open")
    stopped = {"stop_reason": _stop_reason(reply), "stop_sequence": reply.stop or None}
    yield _event({"type": "message_delta", "delta": stopped, "usage": _usage(answer, answer.usage.output)}, "end")
    yield _event({"type": "message_stop"}, "end")


def whole(answer: Answer) -> Mapping[str, Any]:
    """The answer as one document."""
    reply = answer.replies[0]
    blocks = [
        {**block, "input": _input(block["input"])} if "input" in block else block for block in _blocks(answer, reply)
    ]
    return _message(answer, blocks, _stop_reason(reply), reply.stop or None, answer.usage.output)


def error(refused: Refused) -> Mapping[str, Any]:
    """The document of a refusal."""
    kind = refused.kind or _TYPES.get(refused.status, "api_error")
    shown = {"type": kind, "message": refused.message}
    return {"type": "error", "error": shown, "request_id": f"req_sim{digest(refused.message)[:20]}"}


def error_frame(refused: Refused) -> bytes:
    """A failure told inside a stream: an error event, and no message_stop behind it."""
    return _event({"type": "error", "error": error(refused)["error"]}, "end").data


def unknown_model(model: str) -> Refused:
    """Anthropic's 404 for a model that is not there."""
    return Refused(404, f"model: {model}")


def _blocks(answer: Answer, reply: Reply) -> list[dict[str, Any]]:
    """The content's blocks; a tool_use's input is still JSON text."""
    model = answer.asked.model.id
    blocks: list[dict[str, Any]] = [
        {"type": "thinking", "thinking": item.text, "signature": anthropic_blocks.signature(model, item.text)}
        for item in reply.reasoning
    ]
    if reply.text:
        blocks.append({"type": "text", "text": reply.text})
    for call in reply.tool_calls:
        ident = f"toolu_{call.id.removeprefix('call_')}"
        blocks.append({"type": "tool_use", "id": ident, "name": call.name, "input": call.arguments})
    return blocks


def _opened(block: Mapping[str, Any]) -> Mapping[str, Any]:
    """A block as content_block_start shows it: without its content."""
    if block["type"] == "tool_use":
        return {**block, "input": {}}
    return {"type": "text", "text": ""} if block["type"] == "text" else {**block, "thinking": "", "signature": ""}


def _deltas(block: Mapping[str, Any]) -> Iterator[Mapping[str, Any]]:
    if block["type"] == "text":
        yield from ({"type": "text_delta", "text": piece} for piece in pieces(block["text"]))
    elif block["type"] == "thinking":
        yield from ({"type": "thinking_delta", "thinking": piece} for piece in pieces(block["thinking"]))
        yield {"type": "signature_delta", "signature": block["signature"]}
    else:
        yield {"type": "input_json_delta", "partial_json": ""}
        yield from ({"type": "input_json_delta", "partial_json": piece} for piece in pieces(block["input"]))


def _message(answer: Answer, blocks: Any, reason: str | None, stop: str | None, output: int) -> Mapping[str, Any]:
    return {
        "id": f"msg_sim{answer.id}",
        "type": "message",
        "role": "assistant",
        "model": answer.asked.model.id,
        "content": blocks,
        "stop_reason": reason,
        "stop_sequence": stop,
        "usage": _usage(answer, output),
    }


def _usage(answer: Answer, output: int) -> Mapping[str, Any]:
    """Counts as Anthropic has them: input_tokens are the fresh ones only."""
    used = answer.usage
    return {
        "input_tokens": used.input,
        "cache_creation_input_tokens": used.written,
        "cache_read_input_tokens": used.cached,
        "output_tokens": output,
        "service_tier": "standard",
    }


def _stop_reason(reply: Reply) -> str:
    return _STOP.get(reply.finish or Finish.STOP, "end_turn")


def _input(text: str) -> Any:
    """A call's input as an object; what max_tokens cut in the middle becomes an empty one."""
    try:
        return json.loads(text)
    except ValueError:
        return {}


def _event(document: Mapping[str, Any], kind: Any) -> Frame:
    data = b"event: " + str(document["type"]).encode() + b"\ndata: " + dump(document) + b"\n\n"
    return Frame(data, kind, 1 if kind == "content" else 0)
