"""Gemini's embedContent and batchEmbedContents in terms of the one wire that vectors have here, and back.

The vectors themselves are passed on as they came. What a text is for (taskType, title) that wire cannot say.
"""

from __future__ import annotations

import base64
import binascii
from array import array
from collections.abc import Sequence
from typing import Annotated, Any

import msgspec

from codriver.errors import Kind, reject
from codriver.wire import jsontext
from codriver.wire.gemini.body import Content, Count
from codriver.wire.gemini.loose import strict

ONE, MANY = "embedContent", "batchEmbedContents"


class One(msgspec.Struct, gc=False, rename="camel"):
    """One text."""

    content: Content | str
    output_dimensionality: Count | None = None


class Many(msgspec.Struct, gc=False):
    """Several texts, for one answer."""

    requests: Annotated[list[One], msgspec.Meta(min_length=1)]


class Vector(msgspec.Struct, gc=False):
    embedding: msgspec.Raw
    index: int = 0


class Answered(msgspec.Struct, gc=False):
    data: list[Vector]


_ONE = msgspec.json.Decoder(One)
_MANY = msgspec.json.Decoder(Many)
_ANSWER = msgspec.json.Decoder(Answered)


def asked(body: bytes, model: str, action: str) -> bytes:
    """The body of a request for embeddings. Raises RequestRejected with the field at fault, in Gemini's words."""
    if action == ONE:
        ones, places = [jsontext.body(_ONE, strict(body))[0]], [""]
    else:
        ones = jsontext.body(_MANY, strict(body))[0].requests
        places = [f"requests[{number}]." for number in range(len(ones))]
    texts = [_text(one, place) for one, place in zip(ones, places, strict=True)]
    told: dict[str, Any] = {"model": model, "input": texts, "encoding_format": "float"}
    if size := _size(ones):
        told["dimensions"] = size
    return jsontext.encode(told)


def _text(one: One, place: str) -> str:
    if isinstance(one.content, str):
        texts = [one.content]
    else:
        texts = [part.text for part in one.content.parts or () if part.text is not None]
        if len(texts) != len(one.content.parts or ()):
            field = f"{place}content.parts"
            raise reject(f"{field}: Codriver embeds texts only", field=field, kind=Kind.UNSUPPORTED)
    if not any(texts):
        raise reject(f"{place}content: Expected a text, got an empty one", field=f"{place}content")
    return "\n".join(texts)


def _size(ones: Sequence[One]) -> int | None:
    sizes = {one.output_dimensionality for one in ones}
    if len(sizes) > 1:
        field = "requests.outputDimensionality"
        raise reject(f"{field}: Expected the same for all texts of one call", field=field, kind=Kind.UNSUPPORTED)
    return sizes.pop()


def answered(body: bytes, action: str) -> bytes:
    """The answer with these vectors, in Gemini's form; the body as it came where it holds none."""
    try:
        found = sorted(_ANSWER.decode(body).data, key=lambda vector: vector.index)
        values = [{"values": _numbers(vector.embedding)} for vector in found]
    except (msgspec.DecodeError, UnicodeDecodeError, binascii.Error, ValueError):
        return body
    return jsontext.encode({"embedding": values[0]} if action == ONE and values else {"embeddings": values})


def _numbers(vector: msgspec.Raw) -> object:
    """The list as it came; some servers pack it in base64 although they are asked not to."""
    if not bytes(vector).lstrip().startswith(b'"'):
        return vector
    return array("f", base64.b64decode(msgspec.json.decode(vector), validate=True)).tolist()
