"""OpenAI's embeddings wire: rules, and vectors in which similar texts lie near each other.

A vector counts a text's pieces of one to three words' letters, each piece hashed to a place and a
sign, and has length one: the same text always has the same vector, in every process.
"""

from __future__ import annotations

import base64
import math
import re
import struct
import zlib
from collections.abc import Iterator, Mapping
from typing import Any

from codriver.upstream.simulator import openai_fields as fields
from codriver.upstream.simulator.models import SimModel
from codriver.upstream.simulator.openai import error, error_frame
from codriver.upstream.simulator.values import Answer, Asked, Frame, Unit, seed, tokens

name = "openai_embeddings"
__all__ = ["error", "error_frame", "frames", "name", "read", "vector", "whole"]

DIMENSIONS = 384
MOST_INPUTS = 2048
MOST_TOKENS = 300_000
"""Of all inputs of one request together."""

_WORD = re.compile(r"\w+")
_KNOWN = frozenset({"model", "input", "encoding_format", "dimensions", "user"})


def read(body: Mapping[str, Any], headers: Mapping[str, str], model: SimModel) -> Asked:
    """What is asked. Raises Refused."""
    for field in body:
        if field not in _KNOWN:
            raise fields.refused(f"Unknown parameter: '{field}'.", field, "unknown_parameter")
    for field in model.refused:
        if body.get(field) is not None:
            raise fields.refused(f"Unsupported parameter: '{field}'.", field, "unsupported_parameter")
    if body.get("user") is not None:
        fields.typed(body["user"], "a string", "user")
    if body.get("encoding_format") is not None:
        fields.one_of(body["encoding_format"], ("float", "base64"), "encoding_format")
    dimensions = DIMENSIONS
    if body.get("dimensions") is not None:
        dimensions = fields.typed(body["dimensions"], "an integer", "dimensions")
        fields.within(dimensions, "an integer", 1, DIMENSIONS, "dimensions")
    units = _units(fields.required(body, "input", "input"), model)
    packed = body.get("encoding_format") == "base64"
    return Asked(model, seed(body), units, n=0, dimensions=dimensions, packed=packed)


def frames(answer: Answer) -> Iterator[Frame]:
    """Vectors are not streamed."""
    raise NotImplementedError


def whole(answer: Answer) -> Mapping[str, Any]:
    """The answer as one document."""
    asked = answer.asked
    listed = []
    for index, unit in enumerate(asked.units):
        made = vector(unit.content, asked.dimensions)
        shown = base64.b64encode(struct.pack(f"<{len(made)}f", *made)).decode() if asked.packed else made
        listed.append({"object": "embedding", "index": index, "embedding": shown})
    used = asked.prompt_tokens
    counts = {"prompt_tokens": used, "total_tokens": used}
    return {"object": "list", "data": listed, "model": asked.model.id, "usage": counts}


def vector(content: bytes, dimensions: int = DIMENSIONS) -> list[float]:
    """The unit vector of a text; fewer dimensions are the first ones of the whole, at length one again."""
    counts = [0.0] * DIMENSIONS
    for piece in _pieces(content):
        hashed = zlib.crc32(piece)
        counts[hashed % DIMENSIONS] += 1.0 if hashed >> 31 else -1.0
    kept = counts[:dimensions]
    length = math.sqrt(sum(value * value for value in kept))
    if not length:
        return [1.0] + [0.0] * (dimensions - 1)
    return [value / length for value in kept]


def _pieces(content: bytes) -> Iterator[bytes]:
    for word in _WORD.findall(content.decode("utf-8", "replace").lower()):
        yield word.encode()
        framed = f" {word} "
        for start in range(len(framed) - 2):
            yield framed[start : start + 3].encode()


def _units(given: Any, model: SimModel) -> tuple[Unit, ...]:
    if isinstance(given, str):
        inputs: list[Any] = [given]
    elif isinstance(given, list) and given and isinstance(given[0], int) and not isinstance(given[0], bool):
        inputs = [given]
    else:
        inputs = fields.filled(given, "an array", "input")
    if len(inputs) > MOST_INPUTS:
        text = (
            f"Invalid 'input': array too long. Expected an array with maximum length {MOST_INPUTS}, but got an array "
            f"with length {len(inputs)} instead."
        )
        raise fields.refused(text, "input", "array_above_max_length")
    units = tuple(_unit(item, place, type(inputs[0]), model) for place, item in enumerate(inputs))
    total = sum(unit.tokens for unit in units)
    if total > MOST_TOKENS:
        text = f"Requested {total} tokens, max {MOST_TOKENS} tokens per request"
        raise fields.refused(text, None, "max_tokens_per_request")
    return units


def _unit(item: Any, place: int, kind: type, model: SimModel) -> Unit:
    """One input: a text, or its token numbers. All of a request are of one kind."""
    if type(item) is not kind or kind not in (str, list):
        raise fields.refused("'$.input' is invalid. Please check the API reference.", "input", "invalid_type")
    if not item:
        raise fields.refused(f"Invalid 'input[{place}]': it cannot be empty.", "input", "empty_string")
    made = _of_tokens(item, f"input[{place}]") if isinstance(item, list) else _of_text(str(item))
    if made.tokens > model.window:
        text = (
            f"This model's maximum context length is {model.window} tokens, however you requested {made.tokens} "
            f"tokens ({made.tokens} in your prompt; 0 for the completion). Please reduce your prompt."
        )
        raise fields.refused(text, None, "context_length_exceeded")
    return made


def _of_text(text: str) -> Unit:
    encoded = text.encode("utf-8", "replace")
    return Unit(encoded, tokens(encoded))


def _of_tokens(numbers: list[Any], path: str) -> Unit:
    for place, number in enumerate(numbers):
        fields.within(fields.typed(number, "an integer", f"{path}[{place}]"), "an integer", 0, 200_000, path)
    return Unit(" ".join(f"t{number}" for number in numbers).encode(), len(numbers))
