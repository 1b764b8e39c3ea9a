"""What a feature asks of an SDK and what comes back, in words that no SDK owns. Standard library only."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, Protocol


@dataclass(frozen=True, slots=True)
class Function:
    """A tool: its name, and the JSON Schema of its arguments."""

    name: str
    description: str
    schema: Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Call:
    """A call the model wants, as the SDK shows it; arguments read into an object."""

    id: str
    name: str
    arguments: Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Said:
    """An answer. finish: stop, length, tool_calls or filtered, with `stop_sequence` where the wire tells that.

    usage: prompt and output tokens, all of them. pieces: content items of a stream. native: what the SDK wants
    to see again as the assistant's turn.
    """

    texts: tuple[str, ...] = ()
    calls: tuple[Call, ...] = ()
    finish: str = ""
    usage: tuple[int, int] | None = None
    pieces: int = 0
    native: Any = field(default=None, repr=False)

    @property
    def text(self) -> str:
        return self.texts[0] if self.texts else ""


@dataclass(frozen=True, slots=True)
class Ask:
    """A question. choice: "", auto, none, required, or a function's name.

    after: an earlier answer to `text` and what its calls gave, in their order: the question is then what comes next.
    temperature: of any type, for those who send nonsense. seen: called with the pieces of a stream so far.
    """

    text: str
    model: str = "auto"
    system: str = ""
    stream: bool = False
    usage: bool = True
    tools: tuple[Function, ...] = ()
    choice: str = ""
    parallel: bool | None = None
    schema: Mapping[str, Any] | None = None
    image: bytes = b""
    stop: tuple[str, ...] = ()
    n: int = 1
    max_tokens: int = 2000
    temperature: Any = None
    after: tuple[Said, tuple[str, ...]] | None = None
    seen: Callable[[int], None] | None = field(default=None, repr=False)


class Refused(Exception):
    """The SDK raised its own error. status 0: told inside a stream. kind: the name of the SDK's class."""

    def __init__(self, status: int, message: str, kind: str, retry_after: str = "", pieces: int = 0) -> None:
        super().__init__(f"{status} {kind}: {message}")
        self.status, self.message, self.kind, self.retry_after, self.pieces = status, message, kind, retry_after, pieces


class Absent(Exception):
    """The inbound wire has no word for what is asked, and its SDK no parameter: checked on the SDK itself."""


class Dropped(Exception):
    """The upstream was asked without it, and the decision says so. The argument is the name it gives."""


class Client(Protocol):
    """One SDK, unchanged but for base URL and key. Asynchronous: cancelling the task is how its user leaves."""

    async def ask(self, ask: Ask) -> Said:
        """The answer. Raises Refused for the SDK's own errors, Absent for what cannot be said."""
        ...

    async def close(self) -> None: ...


def absent(owner: Any, word: str) -> Absent:
    """An Absent for a word that is really none of this function's parameters or this model's fields."""
    import inspect

    known = getattr(owner, "model_fields", None) or inspect.signature(owner).parameters
    assert word not in known, f"{owner} has {word}: the contract must use it"
    return Absent(word)
