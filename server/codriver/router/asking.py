"""One model asked once: its call, what came of it so far, and what that costs.

A request may have several at a time (hedging, fusing); the stream shows one of them and closes the others.
"""

from __future__ import annotations

import time
from dataclasses import replace
from typing import TYPE_CHECKING

from codriver.errors import Failure, Kind, UpstreamFailed
from codriver.model.decision import Attempt, Candidate
from codriver.model.events import Piece, Reply, Usage, fold, is_content
from codriver.model.request import Request
from codriver.router.reading import Reading
from codriver.router.trying import Hold
from codriver.routing.eligibility import Offer
from codriver.upstream.client import Timeouts
from codriver.wire import codec
from codriver.wire.codec import Decoder
from codriver.wire.mending import mended
from codriver.wire.wishing import wished

if TYPE_CHECKING:
    from codriver.router import Router


class Asked:
    """One upstream call. began: when the caller's request did (`time.perf_counter`); all times count from there.

    What it is expected to cost is reserved until it `ended`.
    """

    __slots__ = (
        "_began", "_decoder", "_hold", "_request", "_router", "_usage", "_written", "candidate", "first", "held",
        "offer", "reading", "relayed", "settled", "started", "whole",
    )  # fmt: skip

    def __init__(self, router: Router, request: Request, candidate: Candidate, offer: Offer, began: float) -> None:
        if candidate.effort:
            request = wished(request, candidate.effort)
        self._router, self._request, self._began = router, request, began
        self.candidate, self.offer = candidate, offer
        self.started = time.perf_counter() - began
        self.first: float | None = None
        """When its first content came."""
        self.held: list[Piece] = []
        """Read before the caller may see anything."""
        self.reading: Reading | None = None
        self.relayed = False
        """Whether the pieces' raw bytes are the caller's own wire."""
        self.settled = False
        """Whether what came must go out now."""
        self.whole = False
        """Whether nothing more will come after what is held."""
        self._decoder: Decoder | None = None
        self._hold = Hold(request)
        self._usage: Usage | None = None
        self._written = 0
        self._reserve(candidate.cost)

    async def begin(self, timeouts: Timeouts, *, wire: str, forget: bool) -> tuple[str, ...]:
        """Sends the call, and returns what it could not carry. wire: the caller's own. forget: no thinking of earlier
        turns goes along. Raises UpstreamFailed."""
        request, model, provider = self._request, self.offer.model, self.offer.provider
        spoken = self.candidate.wire
        quirks = model.quirks or provider.quirks
        module = codec.find(spoken)
        kept = self._router.keepsakes
        known = replace(request, forget=True) if forget else request
        call = module.call(kept.prepared(known, model, spoken, quirks), model, quirks)
        same_wire = spoken == wire
        answer = await self._router.upstream.begin(
            provider,
            model,
            spoken,
            call,
            stream=request.stream,
            forward=request.headers if same_wire and quirks.beta_headers else {},
            timeouts=timeouts,
        )
        self.relayed = same_wire and answer.streamed == request.stream and not (call.family or call.stop)
        self.relayed = self.relayed and quirks.think_tags != "always"
        self.prepare()
        assert self._decoder is not None
        decoder = mended(self._decoder, request, call, spoken)
        self.reading = Reading(answer, decoder, kept.watching(request, model, quirks, relayed=self.relayed))
        return call.dropped

    def prepare(self) -> None:
        """Gets ready for the answer's first bytes."""
        if self._decoder is None:
            model, provider = self.offer.model, self.offer.provider
            self._decoder = codec.find(self.candidate.wire).decoder(model, model.quirks or provider.quirks)

    async def reach(self, *, settle: bool = True) -> None:
        """Reads until there is something that must go out (trying.Hold); without `settle`, until the first content."""
        assert self.reading is not None
        if self.relayed and self._hold.brief and await self.reading.opens():
            self.first, self.settled = self._elapsed(), True
            return
        while pieces := await self.reading.batch():
            self.held += pieces
            events = [event for piece in pieces for event in piece.events]
            if self.first is None and any(is_content(event) for event in events):
                self.reading.begun = True
                self.first = self._elapsed()
            if self.first is not None:
                self.settled = self._hold.over(events, self._elapsed() - self.first)
                if self.settled or not settle:
                    return
        raise UpstreamFailed(Failure(Kind.BROKEN, "the model's answer ended before it said anything"))

    async def gather(self) -> Reply:
        """The whole answer, which stays held."""
        assert self.reading is not None
        self.reading.begun = True
        while pieces := await self.reading.batch():
            if self.first is None:
                self.first = self._elapsed()
            self.held += pieces
        self.whole = self.settled = True
        return fold(event for piece in self.held for event in piece.events)

    @property
    def usage(self) -> Usage | None:
        """What was counted so far, estimated where the provider said nothing; None before anything came."""
        if self.reading is not None:
            self._usage, self._written = self.reading.usage, self.reading.written
        if self._usage is not None or not self._written:
            return self._usage
        return Usage(input=self._request.input_tokens, output=self._written // 4, estimated=True)

    def cost(self, at: float, *, sent: bool = False) -> float:
        """USD for what was used; simulated answers are free. sent: a prompt that was sent is billed, whatever came."""
        usage = self.usage or (Usage(input=self._request.input_tokens, estimated=True) if sent else None)
        if usage is None or self.offer.provider.simulated:
            return 0.0
        return self.offer.model.price_at(at).cost(usage)

    async def release(self) -> None:
        """Closes the connection, unless the answer was complete. What was counted stays."""
        reading = self.reading
        if reading is not None:
            await reading.close()
            self._usage, self._written, self.reading = reading.usage, reading.written, None

    def ended(self, failure: Failure | None) -> Attempt:
        """Its record; once."""
        candidate = self.candidate
        self._reserve(-candidate.cost)
        return Attempt(candidate.model, candidate.wire, self.started, self.first, self._elapsed(), failure)

    def _reserve(self, cost: float) -> None:
        if cost:  # else the session need not be known yet
            self._router.ledger.reserve(cost, self._request.session, self._request.workflow)

    def _elapsed(self) -> float:
        return time.perf_counter() - self._began
