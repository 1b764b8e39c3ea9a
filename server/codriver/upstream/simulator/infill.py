"""llama.cpp's /infill as its server speaks it: no key, one model, frames that say when they stop."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from codriver.model.events import Finish, Reply
from codriver.model.request import Fim, Limits
from codriver.upstream.simulator.models import SimModel
from codriver.upstream.simulator.openai import event
from codriver.upstream.simulator.values import Answer, Asked, Frame, Refused, Unit, pieces, seed, tokens

name = "llamacpp_infill"
_TYPES = {401: "authentication_error", 404: "not_found_error", 501: "not_supported_error", 503: "unavailable_error"}
_STOPS = {Finish.LENGTH: "limit", Finish.STOP_SEQUENCE: "word"}


def read(body: Mapping[str, Any], headers: Mapping[str, str], model: SimModel) -> Asked:
    """What is asked. Raises Refused."""
    for field in ("input_prefix", "input_suffix"):
        if field not in body:
            raise Refused(400, f'"{field}" is required')
        if not isinstance(body[field], str):
            raise Refused(400, f'"{field}" must be a string')
    if not isinstance(body.get("prompt", ""), str):
        raise Refused(400, '"prompt" must be a string')
    extra = body.get("input_extra") or []
    if not isinstance(extra, list):
        raise Refused(400, '"input_extra" must be an array of {"filename": string, "text": string}')
    for chunk in extra:
        if not isinstance(chunk, dict) or not isinstance(chunk.get("text"), str):
            raise Refused(400, 'extra_context chunk must contain a "text" field with a string value')
        if not isinstance(chunk.get("filename", ""), str):
            raise Refused(400, 'extra_context chunk must contain a "filename" field with a string value')
    stop = body.get("stop") or []
    length = body.get("n_predict", -1)
    if not isinstance(length, int):
        raise Refused(400, "type must be number, but is string")
    texts = [*(chunk["text"] for chunk in extra), body["input_prefix"], body.get("prompt", ""), body["input_suffix"]]
    return Asked(
        model=model,
        seed=seed(body),
        units=tuple(Unit(text.encode("utf-8", "replace"), tokens(text)) for text in texts if text),
        prompts=(Fim(body["input_prefix"] + body.get("prompt", ""), body["input_suffix"]),),
        limits=Limits(
            max_tokens=length if length >= 0 else None, stop=tuple([stop] if isinstance(stop, str) else stop)
        ),
        stream=body.get("stream") is True,
        fields=tuple(body.get("response_fields") or ()),
    )


def frames(answer: Answer) -> Iterator[Frame]:
    """Frames of content, and one that stops; no [DONE]."""
    reply = answer.replies[0]
    for piece in pieces(reply.text):
        yield Frame(event({"index": 0, "content": piece, "tokens": [], "stop": False}), "content", 1)
    yield Frame(event(_last(answer, reply, "")), "end")


def whole(answer: Answer) -> Mapping[str, Any]:
    """The answer as one document."""
    reply = answer.replies[0]
    return _last(answer, reply, reply.text)


def error(refused: Refused) -> Mapping[str, Any]:
    """The document of a refusal."""
    kind = _TYPES.get(refused.status, "invalid_request_error" if refused.status < 500 else "server_error")
    return {"error": {"code": refused.status, "message": refused.message, "type": kind}}


def error_frame(refused: Refused) -> bytes:
    """A failure told inside a stream."""
    return event(error(refused))


def _last(answer: Answer, reply: Reply, text: str) -> Mapping[str, Any]:
    wanted = answer.asked.fields
    document = _document(answer, reply, text)
    if not wanted:
        return document
    found = {path: _at(document, path.split("/")) for path in wanted}
    return {path: value for path, value in found.items() if value is not None}


def _at(value: Any, path: list[str]) -> Any:
    for step in path:
        value = value.get(step) if isinstance(value, dict) else None
    return value


def _document(answer: Answer, reply: Reply, text: str) -> dict[str, Any]:
    timings: dict[str, float] = {}
    for name, count in (("prompt", answer.usage.prompt), ("predicted", answer.usage.output)):
        timings |= {f"{name}_n": count, f"{name}_ms": 1.0, f"{name}_per_token_ms": 1 / max(count, 1)}
        timings[f"{name}_per_second"] = count * 1000.0
    return {
        "index": 0,
        "content": text,
        "tokens": [],
        "stop": True,
        "model": answer.asked.model.id,
        "tokens_predicted": answer.usage.output,
        "tokens_evaluated": answer.usage.prompt,
        "tokens_cached": answer.usage.cached,
        "truncated": False,
        "stop_type": _STOPS.get(reply.finish or Finish.STOP, "eos"),
        "stopping_word": reply.stop,
        "timings": timings,
    }
