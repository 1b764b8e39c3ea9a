"""Whether a model really fills holes: asked once of each endpoint, before anybody types.

Servers take a suffix and ignore it, or refuse it at the first keystroke. So each model that is said to
fill holes gets a tiny one whose text only the suffix tells: a name nobody could guess. Answers that use
it are proof; where the declared way fails, the way its name speaks of is tried too.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Protocol

import msgspec

from codriver.errors import Failure, Kind, RequestRejected, UpstreamFailed
from codriver.model.events import Failed, fold
from codriver.model.ids import new_id
from codriver.model.provider import Model, Provider
from codriver.model.request import HOLES, Fim, Limits, Purpose, Request
from codriver.upstream.client import Upstream
from codriver.upstream.response import Timeouts
from codriver.wire import codec, fim
from codriver.wire.mending import mended

NAME = "quartzite"
PROBE = Fim(
    "def area_of(width, height):\n    # The product, under the name that is returned below.\n    ",
    f"\n    return {NAME}\n",
)
LENGTH = 24

KEPT = 30 * 86_400.0
"""Seconds a proof is good for."""
REFUSED_KEPT = 86_400.0
AGAIN = 600.0
"""Seconds until somebody who could not be asked is asked again."""

_PATIENT = Timeouts(connect=2.0, first=120.0, between=60.0, total=180.0)
"""A server at home may have to load the model first."""
_CANNOT = frozenset({Kind.INVALID, Kind.UNSUPPORTED, Kind.UNFIT, Kind.NOT_FOUND, Kind.METHOD})
_NOT_IMPLEMENTED = 501
"""What llama.cpp says for a model without marks."""


@dataclass(frozen=True, slots=True)
class Verdict:
    """What a probe found. fim: how the model is told of a hole, as in Model.fim; "" and why when it cannot."""

    fim: str
    why: str = ""


class Memory(Protocol):
    """The part of a store that keeps verdicts."""

    async def get(self, key: str) -> str | None:
        """The value, unless it has expired."""
        ...

    async def put(self, key: str, value: str, ttl: float | None = None) -> None:
        """Keeps a value for `ttl` seconds."""
        ...


class Probes:
    """The verdicts on all endpoints, kept over restarts. clock: seconds, for when to ask again."""

    def __init__(self, upstream: Upstream, memory: Memory, clock: Callable[[], float]) -> None:
        self._upstream, self._memory, self._clock = upstream, memory, clock
        self._verdicts: dict[str, Verdict] = {}
        self._missed: dict[str, float] = {}
        self._recalled: set[str] = set()

    def verdict(self, provider: Provider, model: Model) -> Verdict | None:
        """What is known of this model, None while nothing is."""
        return self._verdicts.get(_place(provider, model))

    async def recall(self, provider: Provider, model: Model) -> None:
        """Takes what was found in an earlier life."""
        place = _place(provider, model)
        if place in self._recalled:
            return
        self._recalled.add(place)
        if (held := await self._memory.get(place)) is not None:
            self._verdicts.setdefault(place, msgspec.json.decode(held, type=Verdict))

    def due(self, provider: Provider, model: Model) -> bool:
        """Whether this model is worth asking now."""
        place = _place(provider, model)
        if place in self._verdicts or not _wire(provider, model):
            return False
        return self._clock() >= self._missed.get(place, 0.0)

    async def ask(self, provider: Provider, model: Model) -> Verdict | None:
        """Asks, and remembers the verdict; None when nobody could be reached."""
        found = await probe(self._upstream, provider, model)
        place = _place(provider, model)
        if found is None:
            self._missed[place] = self._clock() + AGAIN
            return None
        self._verdicts[place] = found
        await self._memory.put(place, msgspec.json.encode(found).decode(), KEPT if found.fim else REFUSED_KEPT)
        return found

    def forgive(self) -> None:
        """Who was refused or not there is asked again: something was changed."""
        self._missed.clear()
        for place in [place for place, found in self._verdicts.items() if not found.fim]:
            del self._verdicts[place]


def _place(provider: Provider, model: Model) -> str:
    return f"fim {provider.base_url} {model.upstream_id} {_wire(provider, model)} {model.fim}"


def _wire(provider: Provider, model: Model) -> str:
    """The wire a hole would go on, "" if there is none."""
    return next((wire for wire in model.wires or provider.wires if wire in HOLES), "")


def wanted(provider: Provider, model: Model) -> bool:
    """Whether a model is worth a proof: it is said to fill holes, or it is at home and named like those that do."""
    if not _wire(provider, model):
        return False
    return bool(model.fim) or (provider.local and bool(fim.family_of(model.upstream_id)))


async def probe(upstream: Upstream, provider: Provider, model: Model) -> Verdict | None:
    """Asks a model to fill the hole, each way that is worth a try; the first that works is the verdict.

    None when nothing can be said now: nobody there, no key, no money, too busy.
    """
    why = ""
    for way in dict.fromkeys(way for way in (model.fim, "suffix", fim.family_of(model.upstream_id)) if way):
        try:
            said = await _filled(upstream, provider, replace(model, fim=way))
        except UpstreamFailed as failed:
            if not _refused(failed.failure):
                return None
            why = why or failed.failure.message
        except RequestRejected as rejected:
            why = why or rejected.failure.message
        else:
            if NAME in said:
                return Verdict(way)
            why = why or f"it took the text after the cursor, and ignored it: it wrote {said.strip()[:60]!r}"
    return Verdict("", why)


def _refused(failure: Failure) -> bool:
    return failure.kind in _CANNOT or failure.upstream_status == _NOT_IMPLEMENTED


async def _filled(upstream: Upstream, provider: Provider, model: Model) -> str:
    """What a model says for the hole. Raises UpstreamFailed and RequestRejected."""
    wire = _wire(provider, model)
    speaker, quirks = codec.find(wire), model.quirks or provider.quirks
    limits = Limits(max_tokens=LENGTH, temperature=0.0)
    asked = Request(new_id(), Purpose.PROBE, stream=False, limits=limits, fim=PROBE, input_tokens=60)
    call = speaker.call(asked, model, quirks)
    async with upstream.send(provider, model, wire, call, stream=False, timeouts=_PATIENT) as answer:
        decoder = mended(speaker.decoder(model, quirks), asked, call, wire)
        if answer.streamed:
            pieces = [piece async for chunk in answer.chunks() for piece in decoder.feed(chunk)] + decoder.close()
            events = [event for piece in pieces for event in piece.events]
        else:
            events = list(decoder.whole(await answer.read()))
    for event in events:
        if isinstance(event, Failed):
            raise UpstreamFailed(event.failure)
    return fold(events).text
