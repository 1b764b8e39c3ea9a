"""What only its maker may see again: remembered for callers who cannot carry it, taken away from everybody else.

Signed and encrypted thinking, and signatures on tool calls, hold at the model that made them (its key is
their origin) and nowhere else. Some wires have no field for them; the id of a tool call is the one thing
that every caller returns. So an answer's thinking is kept by the calls it led to, and of each signature
is known who made it. In memory only, bounded in number, bytes and age: who is forgotten thinks anew.
"""

from __future__ import annotations

import re
from collections import OrderedDict
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, replace

from codriver.errors import Failure, Kind
from codriver.model.events import Event, ReasoningDelta, ToolStart, blocks
from codriver.model.provider import Model, Quirks
from codriver.model.request import Message, Part, Reasoning, Request, ToolCall
from codriver.wire import names

CALLS, SIGNATURES = 4096, 65_536
BYTES = 32_000_000
AGE = 12 * 3600.0
"""Seconds: longer than any pause within one agent's turn."""

_OVERHEAD = 400
"""Bytes that an entry costs beside its texts, about."""
# What Anthropic, Google and OpenAI say to thinking that is not theirs, or is not there.
_REFUSED = re.compile(
    r"signature.{0,60}(thinking|thought|invalid|not valid|corrupt)|(invalid|corrupted|missing)\W.{0,40}signature"
    r"|encrypted.content|redacted_thinking|expected .?thinking|thinking.{0,80}(cannot be modified|must remain)"
    r"|item with id .{0,100} not found|item .{0,100} was provided without its required",
    re.IGNORECASE | re.DOTALL,
)


@dataclass(frozen=True, slots=True)
class _Kept:
    """What led to one tool call. name: of the tool, because some servers number their calls alike."""

    origin: str
    name: str
    thoughts: tuple[Reasoning, ...]
    signature: str
    at: float

    @property
    def size(self) -> int:
        texts = sum(len(part.text) + len(part.signature) + len(part.redacted) for part in self.thoughts)
        return _OVERHEAD + texts + len(self.signature)

    @property
    def text(self) -> str:
        return "\n".join(part.text for part in self.thoughts if part.text)


class Keepsakes:
    """The memory. clock: seconds, never going back."""

    def __init__(self, clock: Callable[[], float], *, calls: int = CALLS, most: int = BYTES, age: float = AGE) -> None:
        self._clock, self._most_calls, self._most_bytes, self._age = clock, calls, most, age
        self._calls: OrderedDict[str, _Kept] = OrderedDict()
        self._bytes = 0
        self._makers: OrderedDict[int, str] = OrderedDict()

    def __len__(self) -> int:
        """How many calls are remembered."""
        return len(self._calls)

    @property
    def held(self) -> int:
        """Bytes that are remembered, about."""
        return self._bytes

    # What answers bring.

    def watching(self, request: Request, model: Model, quirks: Quirks, *, relayed: bool) -> Watching:
        """To be told of the thinking and the calls in one answer.

        relayed: the caller gets the provider's own bytes, and with them whatever his wire can carry.
        """
        carried = relayed and request.wire != "openai_chat"
        texts = quirks.replay_reasoning != "forbid"
        return Watching(self, request, model.key, texts=texts, carried=carried, relayed=relayed)

    def signed(self, signature: str, origin: str) -> None:
        """A model made this signature; where an item's id stands before it, either part may come back."""
        for text in (signature, signature.partition("|")[2]):
            if text:
                self._makers[hash(text)] = origin
        while len(self._makers) > SIGNATURES:
            self._makers.popitem(last=False)

    def keep(self, ident: str, kept: _Kept) -> None:
        """Remembers what led to a call, and forgets the oldest where there is too much."""
        if (before := self._calls.pop(ident, None)) is not None:
            self._bytes -= before.size
        self._calls[ident] = kept
        self._bytes += kept.size
        while self._calls and (
            len(self._calls) > self._most_calls
            or self._bytes > self._most_bytes
            or next(iter(self._calls.values())).at < kept.at - self._age
        ):
            self._bytes -= self._calls.popitem(last=False)[1].size

    def now(self) -> float:
        return self._clock()

    # What requests get.

    def prepared(self, request: Request, model: Model, wire: str, quirks: Quirks) -> Request:
        """The request as this model may see it: its own thinking put back, that of others marked to be left out.

        Costs a dictionary look-up or two where nothing was kept; on the caller's own wire the
        conversation is not unfolded.
        """
        if wire == request.wire:
            if request.signatures and not request.forget:
                return self._own_only(request, model.key)
            if quirks.replay_reasoning == "required" and self._calls:
                return replace(request, recalled=Recalled(self, model.key, request.session))
            return request
        if not self._calls or request.unfold is None or request.forget:
            return request
        talk = request.conversation
        amended = tuple(self._amended(message, model.key) for message in talk.messages)
        if all(new is old for new, old in zip(amended, talk.messages, strict=True)):
            return request
        whole = replace(talk, messages=amended)
        return replace(request, unfold=lambda: whole)

    def _own_only(self, request: Request, origin: str) -> Request:
        """Untouched as long as nothing in it is known to be another's: who made it may have been forgotten."""
        makers = [self._makers.get(hash(text)) for text in request.signatures]
        if all(maker is None or maker == origin for maker in makers):
            return request
        own = frozenset(text for text, maker in zip(request.signatures, makers, strict=True) if maker == origin)
        return replace(request, forget=True, own=own)

    def _amended(self, message: Message, origin: str) -> Message:
        """An assistant's turn with the thinking this model had in it; the same object where there is nothing to add."""
        if message.role != "assistant":
            return message
        found = [self.recall(part, origin) if isinstance(part, ToolCall) else None for part in message.parts]
        if not any(found):
            return message
        here = any(isinstance(part, Reasoning) and part.origin == origin for part in message.parts)
        parts: list[Part] = []
        for part, kept in zip(message.parts, found, strict=True):
            if kept is None:
                # Thinking shown as mere text comes back whole below.
                parts += [] if isinstance(part, Reasoning) and not part.origin else [part]
                continue
            assert isinstance(part, ToolCall)
            if not here:
                parts += kept.thoughts
            parts.append(replace(part, signature=kept.signature, origin=origin) if kept.signature else part)
        return Message(message.role, tuple(parts))

    def recall(self, call: ToolCall, origin: str) -> _Kept | None:
        """What is kept of a call, if this model made it."""
        kept = self._calls.get(call.id)
        if kept is None or kept.origin != origin or kept.at < self._clock() - self._age:
            return None
        return kept if names.legal_name(kept.name) == names.legal_name(call.name) else None

    def idents(self) -> Iterator[str]:
        """Of the calls that are remembered."""
        return iter(self._calls)

    def thought(self, ident: str, origin: str) -> str:
        """The text that led to a call, if this model wrote it."""
        kept = self._calls.get(ident)
        return kept.text if kept is not None and kept.origin == origin else ""


class Watching:
    """One answer's thinking and calls, in their order, as they pass."""

    __slots__ = ("_carried", "_deltas", "_keepsakes", "_origin", "_relayed", "_request", "_texts")

    def __init__(
        self, keepsakes: Keepsakes, request: Request, origin: str, *, texts: bool, carried: bool, relayed: bool
    ) -> None:
        self._keepsakes, self._request, self._origin = keepsakes, request, origin
        self._texts, self._carried, self._relayed = texts, carried, relayed
        self._deltas: list[ReasoningDelta] = []

    def __call__(self, event: Event) -> None:
        """Takes a ReasoningDelta or ToolStart; others say nothing here. Before the caller can see it."""
        if isinstance(event, ReasoningDelta):
            bound = event.signature or event.redacted
            if bound:
                self._keepsakes.signed(bound, self._origin)
            if not self._carried:
                self._deltas.append(event)
        elif isinstance(event, ToolStart):
            self._called(event)

    def _called(self, call: ToolStart) -> None:
        deltas, self._deltas = self._deltas, []
        if call.signature:
            self._keepsakes.signed(call.signature, self._origin)
        worth = call.signature or any(d.signature or d.redacted or (self._texts and d.text) for d in deltas)
        if not worth or self._carried:
            return
        thoughts = tuple(Reasoning(d.text, d.signature, d.redacted, self._origin) for d in blocks(deltas))
        kept = _Kept(self._origin, call.name, thoughts, call.signature, self._keepsakes.now())
        # The caller sees the server's own id in a relay; else one of ours where that is none, or not unique.
        if self._relayed and not names.unique(call.id):
            ident = _within(self._request.session, call.id)
        else:
            ident = names.unique_id(call.id, self._request, call.index)
        if ident:
            self._keepsakes.keep(ident, kept)


class Recalled(Mapping[str, str]):
    """The memory as a view: thinking by the id of the call it led to, of one model, as one session sees it."""

    def __init__(self, keepsakes: Keepsakes, origin: str, session: str) -> None:
        self._keepsakes, self._origin, self._session = keepsakes, origin, session

    def __getitem__(self, ident: str) -> str:
        place = ident if names.unique(ident) else _within(self._session, ident)
        if text := self._keepsakes.thought(place, self._origin):
            return text
        raise KeyError(ident)

    def __iter__(self) -> Iterator[str]:
        own = _within(self._session, "")
        return (seen for ident in self._keepsakes.idents() if (seen := ident.removeprefix(own)) in self)

    def __len__(self) -> int:
        return len(self._keepsakes)


def _within(session: str, ident: str) -> str:
    """Where a call is kept whose id only its session knows it by (Kimi's functions.bash:0); "" without a session."""
    return f"{session}|{ident}" if session else ""


def refused(failure: Failure) -> bool:
    """Whether a provider refused a request for the thinking in its history: once without it, and it may pass."""
    return failure.kind in (Kind.INVALID, Kind.UNSUPPORTED) and _REFUSED.search(failure.message) is not None
