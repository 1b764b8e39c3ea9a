"""OpenAI's chat wire as its servers write it: chunks, whole answers, errors."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from codriver.model.events import Finish, Reply
from codriver.upstream.simulator import openai_rules
from codriver.upstream.simulator.models import SimModel
from codriver.upstream.simulator.values import Answer, Asked, Frame, Refused, dump, pieces, tokens

name = "openai_chat"
DONE = b"data: [DONE]\n\n"
_FINISH = {Finish.TOOL_CALLS: "tool_calls", Finish.LENGTH: "length", Finish.FILTERED: "content_filter"}
_TYPES = {401: "authentication_error", 403: "permission_error", 429: "requests"}


def read(body: Mapping[str, Any], headers: Mapping[str, str], model: SimModel) -> Asked:
    """What is asked. Raises Refused."""
    return openai_rules.read(body, model)


def frames(answer: Answer) -> Iterator[Frame]:
    """Chunks: the role, the content, the finish, the usage if wanted, and [DONE]."""
    for index, reply in enumerate(answer.replies):
        content = None if reply.tool_calls and not reply.text else ""
        yield _chunk(answer, index, {"role": "assistant", "content": content, "refusal": None}, "open")
        yield from _deltas(answer, index, reply)
    for index, reply in enumerate(answer.replies):
        yield _chunk(answer, index, {}, "end", finish_reason(reply))
    if answer.asked.wants_usage:
        yield Frame(event({**_top(answer, "chat.completion.chunk"), "choices": [], "usage": usage(answer)}), "end")
    yield Frame(DONE, "end")


def whole(answer: Answer) -> Mapping[str, Any]:
    """The answer as one document."""
    choices = []
    for index, reply in enumerate(answer.replies):
        message: dict[str, Any] = {"role": "assistant", "content": reply.text or None, "refusal": None}
        message["annotations"] = []
        if reply.tool_calls:
            message["tool_calls"] = [
                {"id": call.id, "type": "function", "function": {"name": call.name, "arguments": call.arguments}}
                for call in reply.tool_calls
            ]
        elif message["content"] is None:
            message["content"] = ""
        logprobs = _logprobs(list(pieces(reply.text))) if answer.asked.logprobs else None
        choices.append(
            {"index": index, "message": message, "logprobs": logprobs, "finish_reason": finish_reason(reply)}
        )
    return {**_top(answer, "chat.completion"), "choices": choices, "usage": usage(answer)}


def error(refused: Refused) -> Mapping[str, Any]:
    """The document of a refusal."""
    kind = refused.kind or _TYPES.get(
        refused.status, "invalid_request_error" if refused.status < 500 else "server_error"
    )
    if refused.code == "insufficient_quota":
        kind = "insufficient_quota"
    shown = {"message": refused.message, "type": kind, "param": refused.param, "code": refused.code}
    return {"error": shown}


def error_frame(refused: Refused) -> bytes:
    """A failure told inside a stream: an error object, and no [DONE] behind it."""
    return event(error(refused))


def event(document: Mapping[str, Any]) -> bytes:
    """One server-sent event."""
    return b"data: " + dump(document) + b"\n\n"


def finish_reason(reply: Reply) -> str:
    """OpenAI's word for why the model stopped."""
    return _FINISH.get(reply.finish or Finish.STOP, "stop")


def usage(answer: Answer) -> Mapping[str, Any]:
    """Counts as OpenAI has them: prompt_tokens include the cached ones."""
    used = answer.usage
    return {
        "prompt_tokens": used.prompt,
        "completion_tokens": used.output,
        "total_tokens": used.prompt + used.output,
        "prompt_tokens_details": {"cached_tokens": used.cached, "audio_tokens": 0},
        "completion_tokens_details": {"reasoning_tokens": used.reasoning, "audio_tokens": 0},
    }


def _deltas(answer: Answer, index: int, reply: Reply) -> Iterator[Frame]:
    for piece in pieces(reply.text):
        logprobs = _logprobs([piece]) if answer.asked.logprobs else None
        yield _chunk(answer, index, {"content": piece}, "content", logprobs=logprobs)
    for place, call in enumerate(reply.tool_calls):
        opened = {"index": place, "id": call.id, "type": "function", "function": {"name": call.name, "arguments": ""}}
        yield _chunk(answer, index, {"tool_calls": [opened]}, "content")
        for piece in pieces(call.arguments):
            yield _chunk(answer, index, {"tool_calls": [{"index": place, "function": {"arguments": piece}}]}, "content")


def _chunk(
    answer: Answer, index: int, delta: Mapping[str, Any], kind: Any, finish: str | None = None, logprobs: Any = None
) -> Frame:
    choice = {"index": index, "delta": delta, "logprobs": logprobs, "finish_reason": finish}
    document: dict[str, Any] = {**_top(answer, "chat.completion.chunk"), "choices": [choice]}
    if answer.asked.wants_usage:
        document["usage"] = None
    return Frame(event(document), kind, 1 if kind == "content" else 0)


def _logprobs(parts: list[str]) -> Mapping[str, Any]:
    content = [
        {
            "token": part,
            "logprob": -0.01 * tokens(part),
            "bytes": list(part.encode("utf-8", "replace")),
            "top_logprobs": [],
        }
        for part in parts
    ]
    return {"content": content, "refusal": None}


def _top(answer: Answer, kind: str) -> dict[str, Any]:
    return {
        "id": f"chatcmpl-sim{answer.id}",
        "object": kind,
        "created": answer.created,
        "model": answer.asked.model.id,
        "service_tier": "default",
        "system_fingerprint": "fp_codriver_simulator",
    }
