"""What passes between the simulator's parts: what was asked, what is answered, what is refused."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, Literal, Protocol

from codriver.model.events import Reply, Usage
from codriver.model.request import Conversation, Fim, Limits
from codriver.upstream.simulator.models import SimModel


class Refused(Exception):
    """The request is refused as the real API would; each wire gives it its own shape."""

    def __init__(
        self, status: int, message: str, *, kind: str = "", param: str | None = None, code: str | None = None
    ) -> None:
        super().__init__(message)
        self.status, self.message, self.kind, self.param, self.code = status, message, kind, param, code


@dataclass(frozen=True, slots=True)
class Unit:
    """One piece of a prompt, in order: its canonical bytes, its tokens, whether a cache breakpoint ends it."""

    content: bytes
    tokens: int
    mark: bool = False


@dataclass(frozen=True, slots=True)
class Asked:
    """One request that passed its wire's rules. seed: a digest of everything but how to deliver it."""

    model: SimModel
    seed: str
    units: tuple[Unit, ...]
    conversation: Conversation = Conversation(())
    prompts: tuple[Fim, ...] = ()
    limits: Limits = Limits()
    n: int = 1
    stream: bool = False
    wants_usage: bool = False
    thinking: bool = False
    logprobs: bool = False
    echo: bool = False
    fields: tuple[str, ...] = ()
    dimensions: int = 0
    """Of a vector, where vectors are wanted."""
    packed: bool = False
    """Whether vectors are wanted as base64."""
    form: Mapping[str, Any] = field(default_factory=dict)
    """The body, for wires whose answers repeat what was asked."""

    @property
    def prompt_tokens(self) -> int:
        return sum(unit.tokens for unit in self.units)


@dataclass(frozen=True, slots=True)
class Answer:
    """Every choice of one answer, with what it used in all. created: Unix time in whole seconds."""

    asked: Asked
    id: str
    created: int
    replies: tuple[Reply, ...]
    usage: Usage


@dataclass(frozen=True, slots=True)
class Frame:
    """One server-sent event. "open" shows nothing yet, "content" does, "end" finishes."""

    data: bytes
    kind: Literal["open", "content", "end"]
    tokens: int = 0


class Wire(Protocol):
    """What a wire's module has."""

    name: str

    def read(self, body: Mapping[str, Any], headers: Mapping[str, str], model: SimModel) -> Asked:
        """What is asked. Raises Refused."""
        ...

    def frames(self, answer: Answer) -> Iterator[Frame]:
        """The answer as a stream."""
        ...

    def whole(self, answer: Answer) -> Mapping[str, Any]:
        """The answer as one document."""
        ...

    def error(self, refused: Refused) -> Mapping[str, Any]:
        """The document of a refusal."""
        ...

    def error_frame(self, refused: Refused) -> bytes:
        """A failure told inside a stream."""
        ...


def tokens(text: str | bytes) -> int:
    """About four bytes a token, rounded up; nothing for nothing."""
    return (len(text if isinstance(text, bytes) else text.encode("utf-8", "replace")) + 3) // 4


def dump(value: Any) -> bytes:
    """JSON with its letters unescaped, as providers send it. Lone surrogates become question marks."""
    return json.dumps(value, ensure_ascii=False, separators=(",", ":")).encode("utf-8", "replace")


def digest(value: Any, *more: object) -> str:
    """A stable name for a value: 32 hexadecimal digits."""
    text = dump(value) + b"".join(b"\0" + str(item).encode("utf-8", "replace") for item in more)
    return hashlib.sha256(text).hexdigest()[:32]


def seed(body: Mapping[str, Any]) -> str:
    """The digest of a request without the fields that only say how to deliver the answer."""
    return digest({key: value for key, value in body.items() if key not in {"stream", "stream_options"}})


def pieces(text: str) -> Iterator[str]:
    """Text cut into stream-sized pieces of four to eight characters, losing nothing."""
    start, step = 0, 4
    while start < len(text):
        yield text[start : start + step]
        start += step
        step = 4 + start % 5
