"""What callers of Ollama's API ask, and what a request asks of an Ollama server: options, formats, thinking."""

from __future__ import annotations

from typing import Any

import msgspec

from codriver.model.provider import Model
from codriver.model.request import Limits, Request

UNTOLD_CONTEXT = 4096
"""Tokens that every Ollama server holds unasked. Another context than the loaded one loads the model anew, so
none is asked for where this one is enough."""


class Options(msgspec.Struct, gc=False):
    """The options we read. All others pass to Ollama servers as they came."""

    num_predict: int | None = None
    temperature: float | None = None
    top_p: float | None = None
    stop: str | list[str] | None = None


def limits(options: Options | None, form: object, think: bool | str | None) -> Limits:
    """Lengths, sampling, format and thinking on the neutral scale. A negative length means no limit."""
    asked = options or Options()
    stop = (asked.stop,) if isinstance(asked.stop, str) else tuple(asked.stop or ())
    length = asked.num_predict
    return Limits(
        max_tokens=length if length is not None and length > 0 else None,
        temperature=asked.temperature,
        top_p=asked.top_p,
        stop=stop,
        schema=_schema(form),
        effort=_effort(think),
    )


def _schema(form: object) -> dict[str, Any] | None:
    if isinstance(form, dict):
        return {"type": "json_schema", "name": "output", "schema": form, "strict": None}
    return {"type": "json_object"} if form == "json" else None


def _effort(think: bool | str | None) -> str | None:
    if isinstance(think, bool):
        return "medium" if think else "none"
    return think if think in ("low", "medium", "high", "max") else None


def model_name(name: str) -> str:
    """Clients put a tag behind every name; behind "auto" it says nothing."""
    bare = name.removesuffix(":latest")
    return bare if bare == "auto" or bare.startswith("auto:") or bare.endswith(("/auto", "codriver")) else name


def options(request: Request, model: Model) -> dict[str, Any]:
    """The options of a request that is built anew. num_ctx: a server that is not told cuts long prompts silently."""
    asked = request.limits
    length = min(asked.max_tokens, model.max_output or asked.max_tokens) if asked.max_tokens else None
    wanted = {
        "num_predict": length,
        "temperature": asked.temperature,
        "top_p": asked.top_p,
        "stop": list(asked.stop) or None,
        "num_ctx": context(request.input_tokens + (length or 512), model.window),
    }
    return {name: value for name, value in wanted.items() if value is not None}


def context(tokens: int, window: int) -> int | None:
    """A context that holds so many tokens: a power of two up to the model's window; None where it needs no telling."""
    size = UNTOLD_CONTEXT
    while size < tokens:
        size *= 2
    return min(size, window) if size > UNTOLD_CONTEXT else None


def form(asked: Limits) -> object:
    """The `format` field for an asked output."""
    if asked.schema is None:
        return None
    return asked.schema.get("schema") if asked.schema["type"] == "json_schema" else "json"


def think(asked: Limits, model: Model) -> bool | str | None:
    """The `think` field; None where nothing was asked, or the model cannot."""
    if asked.effort is None or not model.reasoning:
        return None
    if asked.effort in ("none", "minimal"):
        return False
    return asked.effort if asked.effort in ("low", "medium", "high") else "high"
