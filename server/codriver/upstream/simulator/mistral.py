"""Mistral's route for holes as its server speaks it: unknown fields are refused, answers are chat objects."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from codriver.model.request import Fim, Limits
from codriver.upstream.simulator import openai
from codriver.upstream.simulator.models import SimModel
from codriver.upstream.simulator.values import Answer, Asked, Frame, Refused, Unit, seed, tokens

name = "mistral_fim"
_KINDS: Mapping[str, tuple[type, ...]] = {
    "model": (str,), "prompt": (str,), "suffix": (str,), "max_tokens": (int,), "min_tokens": (int,),
    "temperature": (int, float), "top_p": (int, float), "stop": (str, list), "stream": (bool,),
    "random_seed": (int,), "metadata": (dict,), "prompt_cache_key": (str,),
}  # fmt: skip


def read(body: Mapping[str, Any], headers: Mapping[str, str], model: SimModel) -> Asked:
    """What is asked. Raises Refused."""
    for field, value in body.items():
        if field not in _KINDS:
            raise Refused(422, f"body.{field}: Extra inputs are not permitted", kind="extra_forbidden")
        if value is not None and not isinstance(value, _KINDS[field]):
            raise Refused(422, f"body.{field}: Input should be a valid value", kind="type_error")
    if not isinstance(body.get("prompt"), str):
        raise Refused(422, "body.prompt: Field required", kind="missing")
    stop = body.get("stop") or []
    prompt, suffix = body["prompt"], body.get("suffix") or ""
    return Asked(
        model=model,
        seed=seed(body),
        units=tuple(Unit(text.encode("utf-8", "replace"), tokens(text)) for text in (prompt, suffix) if text),
        prompts=(Fim(prompt, suffix),),
        limits=Limits(max_tokens=body.get("max_tokens"), stop=tuple([stop] if isinstance(stop, str) else stop)),
        stream=body.get("stream") is True,
        wants_usage=True,
    )


def frames(answer: Answer) -> Iterator[Frame]:
    """Chat's chunks; the counts come unasked."""
    return openai.frames(answer)


def whole(answer: Answer) -> Mapping[str, Any]:
    """The answer as one document."""
    return openai.whole(answer)


def error(refused: Refused) -> Mapping[str, Any]:
    """The document of a refusal; 422 lists its faults."""
    if refused.status == 422:
        where, _, what = refused.message.partition(": ")
        return {"detail": [{"type": refused.kind, "loc": where.split("."), "msg": what}]}
    kind = refused.kind or "invalid_request_error"
    return {"object": "error", "message": refused.message, "type": kind, "param": None, "code": None}


def error_frame(refused: Refused) -> bytes:
    """A failure told inside a stream."""
    return openai.event(error(refused))
