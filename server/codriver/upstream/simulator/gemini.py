"""Gemini's wire as Google's servers write it: whole objects in frames with CRLF, counts in each, bare errors."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from codriver.model.events import Finish, Reply
from codriver.upstream.simulator import gemini_rules
from codriver.upstream.simulator.gemini_contents import signature, text_signature
from codriver.upstream.simulator.models import SimModel
from codriver.upstream.simulator.values import Answer, Asked, Frame, Refused, dump, pieces, tokens

name = "gemini"
PATHS = ("/v1beta/models", "/v1alpha/models")
ACTIONS = ("generateContent", "streamGenerateContent", "countTokens")
_REASONS = {Finish.LENGTH: "MAX_TOKENS", Finish.FILTERED: "SAFETY"}
_STATUS = {
    400: "INVALID_ARGUMENT", 401: "UNAUTHENTICATED", 403: "PERMISSION_DENIED", 404: "NOT_FOUND",
    405: "UNIMPLEMENTED", 408: "DEADLINE_EXCEEDED", 413: "INVALID_ARGUMENT", 429: "RESOURCE_EXHAUSTED",
    500: "INTERNAL", 503: "UNAVAILABLE", 504: "DEADLINE_EXCEEDED", 529: "UNAVAILABLE",
}  # fmt: skip


def addressed(path: str) -> tuple[str, str]:
    """Model and action of a path; no action where a model is only looked up."""
    model, _, action = path.partition("/models/")[2].partition(":")
    return model, action


def read(body: Mapping[str, Any], headers: Mapping[str, str], model: SimModel) -> Asked:
    """What is asked. Raises Refused."""
    return gemini_rules.read(body, model)


def count(body: Mapping[str, Any], model: SimModel) -> Mapping[str, Any]:
    """The document of countTokens. Raises Refused."""
    body = gemini_rules.camel(body)
    whole = body.get("generateContentRequest") or {"contents": body.get("contents")}
    return {"totalTokens": gemini_rules.read(whole, model).prompt_tokens}


def frames(answer: Answer) -> Iterator[Frame]:
    """For each candidate pieces of thinking and text, all calls in one frame, an end that shows nothing new."""
    before = 0
    for index, reply in enumerate(answer.replies):
        text = ""
        for block in reply.reasoning:
            for piece in pieces(block.text):
                yield _frame(answer, index, [{"text": piece, "thought": True}], "", 0, "content")
        for piece in pieces(reply.text):
            text += piece
            yield _frame(answer, index, [{"text": piece}], "", before + tokens(text), "content")
        if reply.tool_calls:
            yield _frame(answer, index, _calls(answer, reply), "", before + tokens(text), "content")
        before += tokens(text)
        last: dict[str, Any] = {"text": ""}
        if answer.asked.model.signs and not reply.tool_calls:
            last["thoughtSignature"] = text_signature(answer.asked.model.id, reply.text)
        yield _frame(answer, index, [last], _reason(reply), answer.usage.output - answer.usage.reasoning, "end")


def whole(answer: Answer) -> Mapping[str, Any]:
    """The answer as one document."""
    candidates = []
    for index, reply in enumerate(answer.replies):
        parts: list[dict[str, Any]] = [{"text": block.text, "thought": True} for block in reply.reasoning]
        if reply.text:
            parts.append({"text": reply.text})
            if answer.asked.model.signs and not reply.tool_calls:
                parts[-1]["thoughtSignature"] = text_signature(answer.asked.model.id, reply.text)
        parts += _calls(answer, reply)
        candidates.append(_candidate(parts or [{"text": ""}], _reason(reply), index))
    return _document(answer, candidates, answer.usage.output - answer.usage.reasoning)


def error(refused: Refused) -> Mapping[str, Any]:
    """The document of a refusal."""
    return {
        "error": {
            "code": 503 if refused.status == 529 else refused.status,
            "message": refused.message,
            "status": _STATUS.get(refused.status, "INTERNAL"),
        }
    }


def error_frame(refused: Refused) -> bytes:
    """A failure told inside a stream: bare JSON over several lines."""
    return json.dumps(error(refused), indent=2).encode() + b"\n"


def unknown_model(model: str) -> Refused:
    """Google's 404 for a model that is not there."""
    return Refused(
        404,
        f"models/{model} is not found for API version v1beta, or is not supported for generateContent. "
        "Call ListModels to see the list of available models and their supported methods.",
    )


def unregistered() -> Refused:
    """Google's answer to a caller without any key."""
    return Refused(
        403,
        "Method doesn't allow unregistered callers (callers without established identity). Please use API Key or "
        "other form of API consumer identity to call this API. The simulator takes any.",
    )


def listed(models: Sequence[SimModel], path: str) -> Mapping[str, Any]:
    """The document of a GET: all models, or the one that is named. Raises Refused."""
    rows = {model.id: _row(model) for model in models if name in model.wires}
    asked, _ = addressed(path + ":")
    if asked and asked not in rows:
        raise unknown_model(asked)
    return rows[asked] if asked else {"models": list(rows.values())}


def _row(model: SimModel) -> Mapping[str, Any]:
    return {
        "name": f"models/{model.id}",
        "version": "sim",
        "displayName": f"{model.id} (simulated)",
        "inputTokenLimit": model.window,
        "outputTokenLimit": model.max_output,
        "supportedGenerationMethods": ["generateContent", "countTokens"],
    }


def _calls(answer: Answer, reply: Reply) -> list[dict[str, Any]]:
    """The calls; the first one is signed by a model that signs."""
    model = answer.asked.model
    parts: list[dict[str, Any]] = []
    for call in reply.tool_calls:
        arguments = _object(call.arguments)
        part: dict[str, Any] = {"functionCall": {"name": call.name, "args": arguments, "id": call.id}}
        if model.signs and not parts:
            part["thoughtSignature"] = signature(model.id, call.name, arguments)
        parts.append(part)
    return parts


def _object(text: str) -> Any:
    """Arguments as an object; what maxOutputTokens cut in the middle becomes an empty one."""
    try:
        return json.loads(text)
    except ValueError:
        return {}


def _reason(reply: Reply) -> str:
    return _REASONS.get(reply.finish or Finish.STOP, "STOP")


def _candidate(parts: list[dict[str, Any]], reason: str, index: int) -> dict[str, Any]:
    candidate: dict[str, Any] = {"content": {"parts": parts, "role": "model"}}
    if reason:
        candidate["finishReason"] = reason
    return {**candidate, "index": index}


def _document(answer: Answer, candidates: list[dict[str, Any]], said: int) -> dict[str, Any]:
    used = answer.usage
    prompt = used.input + used.cached
    counts = {"promptTokenCount": prompt, "candidatesTokenCount": said}
    counts["totalTokenCount"] = prompt + said + used.reasoning
    if used.cached:
        counts["cachedContentTokenCount"] = used.cached
    if used.reasoning:
        counts["thoughtsTokenCount"] = used.reasoning
    return {
        "candidates": candidates,
        "usageMetadata": counts,
        "modelVersion": answer.asked.model.id,
        "responseId": f"sim{answer.id}",
    }


def _frame(answer: Answer, index: int, parts: list[dict[str, Any]], reason: str, said: int, kind: Any) -> Frame:
    document = _document(answer, [_candidate(parts, reason, index)], said)
    return Frame(b"data: " + dump(document) + b"\r\n\r\n", kind, 1 if kind == "content" else 0)
