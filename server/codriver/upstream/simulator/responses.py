"""OpenAI's responses wire as its servers write it: numbered events, whole responses, errors."""

from __future__ import annotations

import itertools
import json
from collections.abc import Iterator, Mapping
from typing import Any, Literal

from codriver.model.events import Finish, Reply
from codriver.model.request import Tool, ToolCall
from codriver.upstream.simulator import openai, responses_items, responses_rules
from codriver.upstream.simulator.models import SimModel
from codriver.upstream.simulator.values import Answer, Asked, Frame, Refused, dump, pieces

name = "openai_responses"
_ECHOED: Mapping[str, Any] = {
    "instructions": None,
    "max_output_tokens": None,
    "metadata": {},
    "parallel_tool_calls": True,
    "prompt_cache_key": None,
    "store": True,
    "temperature": 1.0,
    "text": {"format": {"type": "text"}},
    "tool_choice": "auto",
    "tools": [],
    "top_p": 1.0,
    "truncation": "disabled",
}
_INCOMPLETE = {Finish.LENGTH: "max_output_tokens", Finish.FILTERED: "content_filter"}
_Event = tuple[str, Mapping[str, Any], Literal["open", "content", "end"]]
"""A name, its fields, and what it is for the delivery: open, content or end."""


def read(body: Mapping[str, Any], headers: Mapping[str, str], model: SimModel) -> Asked:
    """What is asked. Raises Refused."""
    return responses_rules.read(body, headers, model)


def frames(answer: Answer) -> Iterator[Frame]:
    """The events in their order, numbered from 0."""
    numbers = itertools.count()
    for kind, fields, shown in _events(answer):
        document = {"type": f"response.{kind}", "sequence_number": next(numbers), **fields}
        data = b"event: " + document["type"].encode() + b"\ndata: " + dump(document) + b"\n\n"
        yield Frame(data, shown, 1 if shown == "content" else 0)


def whole(answer: Answer) -> Mapping[str, Any]:
    """The answer as one document."""
    return _response(answer, _status(answer.replies[0]), _items(answer))


def error(refused: Refused) -> Mapping[str, Any]:
    """The document of a refusal."""
    return openai.error(refused)


def error_frame(refused: Refused) -> bytes:
    """A failure told inside a stream: an error event, and no completed response behind it."""
    document = {"type": "error", "code": refused.code, "message": refused.message, "param": refused.param}
    return b"event: error\ndata: " + dump({**document, "sequence_number": 0}) + b"\n\n"


def _events(answer: Answer) -> Iterator[_Event]:
    begun = _response(answer, "in_progress", [])
    yield "created", {"response": begun}, "open"
    yield "in_progress", {"response": begun}, "open"
    made = _items(answer)
    for place, item in enumerate(made):
        yield from _item(place, item)
    status = _status(answer.replies[0])
    yield status, {"response": _response(answer, status, made)}, "end"


def _item(place: int, item: dict[str, Any]) -> Iterator[_Event]:
    empty: Mapping[str, Any] = {"content": [], "summary": [], "arguments": "", "input": ""}
    shown = {key: empty.get(key, value) for key, value in item.items()}
    yield "output_item.added", {"output_index": place, "item": {**shown, "status": "in_progress"}}, "open"
    at = {"item_id": item["id"], "output_index": place}
    kind = item["type"]
    if kind == "message":
        yield from _message(at, item["content"][0])
    elif kind == "reasoning":
        for part in item["summary"]:
            yield from _summary(at, part)
    else:
        event, field = _SAID[kind]
        for piece in pieces(item[field]):
            yield f"{event}.delta", {**at, "delta": piece}, "content"
        yield f"{event}.done", {**at, field: item[field]}, "open"
    yield "output_item.done", {"output_index": place, "item": item}, "open"


_SAID = {
    "function_call": ("function_call_arguments", "arguments"),
    "custom_tool_call": ("custom_tool_call_input", "input"),
}


def _message(at: Mapping[str, Any], part: Mapping[str, Any]) -> Iterator[_Event]:
    at = {**at, "content_index": 0}
    yield "content_part.added", {**at, "part": {**part, "text": ""}}, "open"
    for piece in pieces(part["text"]):
        yield "output_text.delta", {**at, "delta": piece, "logprobs": []}, "content"
    yield "output_text.done", {**at, "text": part["text"], "logprobs": []}, "open"
    yield "content_part.done", {**at, "part": part}, "open"


def _summary(at: Mapping[str, Any], part: Mapping[str, Any]) -> Iterator[_Event]:
    at = {**at, "summary_index": 0}
    yield "reasoning_summary_part.added", {**at, "part": {**part, "text": ""}}, "open"
    for piece in pieces(part["text"]):
        yield "reasoning_summary_text.delta", {**at, "delta": piece}, "content"
    yield "reasoning_summary_text.done", {**at, "text": part["text"]}, "open"
    yield "reasoning_summary_part.done", {**at, "part": part}, "open"


def _items(answer: Answer) -> list[dict[str, Any]]:
    reply, form = answer.replies[0], answer.asked.form
    made = [_thought(answer, "".join(block.text for block in reply.reasoning), form)] if reply.reasoning else []
    if reply.text or not reply.tool_calls:
        part = {"type": "output_text", "annotations": [], "logprobs": [], "text": reply.text}
        shown = {"type": "message", "status": _status(reply), "role": "assistant", "content": [part]}
        made.append({"id": f"msg_sim{answer.id}", **shown})
    known = {tool.name: tool for tool in answer.asked.conversation.tools}
    made += [_called(answer.id, place, call, known[call.name]) for place, call in enumerate(reply.tool_calls)]
    return made


def _thought(answer: Answer, text: str, form: Mapping[str, Any]) -> dict[str, Any]:
    ident = f"rs_sim{answer.id}"
    if form.get("store") is not False:
        ident = responses_items.stored(ident, str(form["key"]))
    summed = (form.get("reasoning") or {}).get("summary") is not None
    item: dict[str, Any] = {"id": ident, "type": "reasoning"}
    item["summary"] = [{"type": "summary_text", "text": text}] if summed else []
    if responses_rules.ENCRYPTED in (form.get("include") or ()):
        item["encrypted_content"] = responses_items.encrypted(ident, text, str(form["key"]))
    return item


def _called(ident: str, place: int, call: ToolCall, tool: Tool) -> dict[str, Any]:
    named: dict[str, Any] = {"call_id": call.id, "name": call.name.removeprefix(f"{tool.namespace}.")}
    if tool.namespace:
        named["namespace"] = tool.namespace
    if tool.custom is None:
        shown = {"type": "function_call", "status": "completed", **named, "arguments": call.arguments}
        return {"id": f"fc_sim{ident}{place}", **shown}
    text = json.loads(call.arguments).get("input", "")
    return {"id": f"ctc_sim{ident}{place}", "type": "custom_tool_call", "status": "completed", **named, "input": text}


def _status(reply: Reply) -> str:
    return "incomplete" if reply.finish in _INCOMPLETE else "completed"


def _response(answer: Answer, status: str, made: list[dict[str, Any]]) -> dict[str, Any]:
    used, form = answer.usage, answer.asked.form
    ended, finish = status != "in_progress", answer.replies[0].finish
    usage = {
        "input_tokens": used.prompt,
        "input_tokens_details": {"cached_tokens": used.cached, "cache_write_tokens": 0},
        "output_tokens": used.output,
        "output_tokens_details": {"reasoning_tokens": used.reasoning},
        "total_tokens": used.prompt + used.output,
    }
    return {
        "id": f"resp_sim{answer.id}",
        "object": "response",
        "created_at": answer.created,
        "status": status,
        "background": False,
        "error": None,
        "incomplete_details": {"reason": _INCOMPLETE[finish]} if status == "incomplete" and finish else None,
        "model": answer.asked.model.id,
        "output": made,
        "previous_response_id": None,
        "reasoning": {"effort": None, "summary": None, **(form.get("reasoning") or {})},
        "service_tier": "default",
        "user": None,
        **{key: usual if form.get(key) is None else form[key] for key, usual in _ECHOED.items()},
        "usage": usage if ended else None,
    }
