"""OpenAI's completions wire, with `suffix` for filling a hole: rules, chunks, whole answers."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from codriver.model.request import Fim, Limits
from codriver.upstream.simulator import openai, raw
from codriver.upstream.simulator import openai_fields as fields
from codriver.upstream.simulator.models import SimModel
from codriver.upstream.simulator.openai import error, error_frame
from codriver.upstream.simulator.values import Answer, Asked, Frame, Unit, pieces, seed, tokens

name = "openai_completions"
__all__ = ["error", "error_frame", "frames", "name", "read", "whole"]
# The endpoint's documented limit for callers who name none, in tokens.
_ABSENT = 16


def read(body: Mapping[str, Any], headers: Mapping[str, str], model: SimModel) -> Asked:
    """What is asked. Raises Refused."""
    fields.common(body, model)
    if body.get("messages") is not None:
        raise fields.refused("Unknown parameter: 'messages'.", "messages", "unknown_parameter")
    prompts = _prompts(fields.required(body, "prompt", "prompt"))
    suffix = body.get("suffix")
    output = fields.output_limit(body, model, _ABSENT)
    if body.get("logprobs") is not None:
        fields.typed(body["logprobs"], "an integer", "logprobs")
        fields.within(body["logprobs"], "an integer", 0, 5, "logprobs")
    units = tuple(Unit(text.encode("utf-8", "replace"), tokens(text)) for text in (*prompts, suffix or "") if text)
    fields.window(model, sum(unit.tokens for unit in units), output, "prompt", asked=True)
    options = body.get("stream_options") or {}
    return Asked(
        model=model,
        seed=seed(body),
        units=units,
        prompts=tuple(raw.hole(text) if suffix is None else Fim(text, suffix) for text in prompts),
        limits=Limits(max_tokens=output, stop=fields.stops(body)),
        n=body.get("n") or 1,
        stream=bool(body.get("stream")),
        wants_usage=options.get("include_usage") is True,
        echo=body.get("echo") is True,
    )


def frames(answer: Answer) -> Iterator[Frame]:
    """Chunks of text, the finish, the usage if wanted, and [DONE]."""
    for index, reply in enumerate(answer.replies):
        for piece in pieces(reply.text):
            yield Frame(openai.event(_document(answer, [_choice(index, piece, None)])), "content", 1)
    for index, reply in enumerate(answer.replies):
        yield Frame(openai.event(_document(answer, [_choice(index, "", openai.finish_reason(reply))])), "end")
    if answer.asked.wants_usage:
        yield Frame(openai.event({**_document(answer, []), "usage": openai.usage(answer)}), "end")
    yield Frame(openai.DONE, "end")


def whole(answer: Answer) -> Mapping[str, Any]:
    """The answer as one document."""
    choices = [_choice(index, reply.text, openai.finish_reason(reply)) for index, reply in enumerate(answer.replies)]
    return {**_document(answer, choices), "usage": openai.usage(answer)}


def _prompts(prompt: Any) -> tuple[str, ...]:
    if isinstance(prompt, str):
        return (prompt,)
    fields.filled(prompt, "an array", "prompt")
    for place, item in enumerate(prompt):
        fields.typed(item, "a string", f"prompt[{place}]")
    return tuple(prompt)


def _choice(index: int, text: str, finish: str | None) -> Mapping[str, Any]:
    return {"text": text, "index": index, "logprobs": None, "finish_reason": finish}


def _document(answer: Answer, choices: list[Mapping[str, Any]]) -> dict[str, Any]:
    document: dict[str, Any] = {
        "id": f"cmpl-sim{answer.id}",
        "object": "text_completion",
        "created": answer.created,
        "model": answer.asked.model.id,
        "choices": choices,
    }
    if answer.asked.stream and answer.asked.wants_usage:
        document["usage"] = None
    return document
