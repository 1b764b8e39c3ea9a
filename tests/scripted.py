"""A router over an upstream that does what its script says: for tests of whoever asks several models."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from codriver.analyst import Analyst
from codriver.errors import Failure, Kind, UpstreamFailed
from codriver.ledger import Ledger
from codriver.model.provider import Model, Provider
from codriver.model.request import Request
from codriver.router import Plan, Router
from codriver.routing.decide import Wish
from codriver.routing.eligibility import Offer
from codriver.state.store import MemoryStore
from codriver.upstream.client import Timeouts, Upstream
from codriver.upstream.response import Taker
from codriver.wire import codec

HANG = "hang"
IDENT = "call_0123456789ab"
Step = bytes | Failure | str


def frame(delta: dict[str, Any], finish: str | None = None) -> bytes:
    page = {
        "id": "x",
        "object": "chat.completion.chunk",
        "model": "m",
        "choices": [{"index": 0, "delta": delta, "finish_reason": finish}],
    }
    return b"data: " + json.dumps(page).encode() + b"\n\n"


ROLE = frame({"role": "assistant", "content": ""})
HELLO, WORLD = frame({"content": "hello "}), frame({"content": "world"})
STOP, DONE = frame({}, "stop"), b"data: [DONE]\n\n"
USAGE = (
    b'data: {"id":"x","choices":[],"usage":{"prompt_tokens":100,"completion_tokens":7,"total_tokens":107,'
    b'"prompt_tokens_details":{"cached_tokens":40}}}\n\n'
)
GOOD: tuple[Step, ...] = (ROLE, HELLO, WORLD, STOP, USAGE, DONE)


@dataclass
class Sink:
    """Where a relay goes. quick: takes everything at once."""

    quick: bool = False
    got: list[bytes] = field(default_factory=list)

    async def write(self, data: bytes) -> None:
        self.got.append(data)

    def short(self) -> Taker | None:
        return self.take if self.quick else None

    def take(self, data: bytes, framed: bytes) -> bool:
        self.got.append(data)
        return True


@dataclass
class ScriptedAnswer:
    """What `Answer` is to the router."""

    steps: tuple[Step, ...]
    streamed: bool
    upstream: ScriptedUpstream

    @property
    def complete(self) -> bool:
        return not self.steps

    def masked(self, failure: Failure) -> Failure:
        return failure

    async def more(self, taker: Taker | None = None) -> bytes:
        """As the real one, the taker is not shown what comes with the end."""
        while taker is not None and len(self.steps) > 1 and isinstance(step := self.steps[0], bytes):
            if not taker(step, b""):
                break
            self.steps = self.steps[1:]
        if not self.steps:
            return b""
        step, *rest = self.steps
        self.steps = tuple(rest)
        if isinstance(step, Failure):
            raise UpstreamFailed(step)
        if step == HANG:
            self.upstream.hung.set()
            await asyncio.Event().wait()
        assert isinstance(step, bytes)
        return step

    async def read(self) -> bytes:
        parts = []
        while part := await self.more():
            parts.append(part)
        return b"".join(parts)

    async def aclose(self) -> None:
        self.upstream.closed += 1


@dataclass
class ScriptedUpstream:
    """Answers each model by its script (of several, one after the other), and counts what is open."""

    scripts: Mapping[str, tuple[Step, ...] | list[tuple[Step, ...]]]
    asked: list[str] = field(default_factory=list)
    forwarded: list[Mapping[str, str]] = field(default_factory=list)
    opened: int = 0
    closed: int = 0
    hung: asyncio.Event = field(default_factory=asyncio.Event)
    twice: asyncio.Event = field(default_factory=asyncio.Event)
    """Set when a second model is asked, and its answer is open or has failed."""

    async def begin(
        self, provider: Provider, model: Model, wire: str, call: codec.Call, *, stream: bool,
        forward: Mapping[str, str], timeouts: Timeouts,
    ) -> ScriptedAnswer:  # fmt: skip
        self.asked.append(model.key)
        self.forwarded.append(forward)
        script = self.scripts[model.key]
        steps = script if isinstance(script, tuple) else script.pop(0) if len(script) > 1 else script[0]
        if len(self.asked) > 1:
            self.twice.set()
        if isinstance(steps[0], Failure):
            raise UpstreamFailed(steps[0])
        self.opened += 1
        return ScriptedAnswer(steps, stream, self)


class Bench:
    """A router over a script, with what it recorded."""

    def __init__(
        self,
        scripts: Mapping[str, tuple[Step, ...] | list[tuple[Step, ...]]],
        offers: tuple[Offer, ...],
        timeouts: Callable[[Request, float], Timeouts] = lambda request, spent: Timeouts(),
        real: Upstream | None = None,
        **wish: Any,
    ) -> None:
        self.upstream = ScriptedUpstream(scripts)
        self.store = MemoryStore(lambda: 0.0)
        self.ledger = Ledger(self.store, lambda: 1000.0)
        self.paused: list[float] = []
        self.router = Router(
            plan=lambda request: Plan(offers, Wish(**wish)),
            upstream=real or self.upstream,
            analyst=Analyst(),
            ledger=self.ledger,
            timeouts=timeouts,
            pause=self._pause,
        )

    async def _pause(self, seconds: float) -> None:
        self.paused.append(seconds)

    async def outcome(self) -> Any:
        self.ledger.settle()
        (row,) = await self.store.outcomes()
        assert self.upstream.opened == self.upstream.closed
        return row


def chat(stream: bool = True, **more: Any) -> Request:
    body = {"model": "auto", "stream": stream, "messages": [{"role": "user", "content": "hi"}], **more}
    return codec.find("openai_chat").parse(json.dumps(body).encode(), {})


BUSY = Failure(Kind.OVERLOADED, "busy")
