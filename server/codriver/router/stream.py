"""One answer, from the first attempt to the one outcome: where the router's promises are kept."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import replace
from types import TracebackType
from typing import TYPE_CHECKING, Self

from codriver.errors import CodriverError, Failure, Kind, RequestRejected, Unroutable, UpstreamFailed
from codriver.model.decision import Attempt, Candidate, Decision, Outcome
from codriver.model.events import Piece, Reply, Usage, fold, is_content
from codriver.model.ids import new_id
from codriver.model.provider import Model, Provider
from codriver.model.request import Request
from codriver.router import keepsakes, trying
from codriver.router.reading import Reading
from codriver.routing.eligibility import Offer
from codriver.upstream.client import Timeouts
from codriver.wire import codec
from codriver.wire.mending import mended

if TYPE_CHECKING:
    from codriver.router import Router

Check = Callable[[Reply], str]

BACKGROUND = "batch"
"""The front of requests that nobody waits for."""

MOST_ATTEMPTS = 6
"""Upstream calls of one request, at most."""


class Stream:
    """One answer. After entering, the first content is there (or all of it, when checked)."""

    decision: Decision
    model: Model
    provider: Provider

    def __init__(self, router: Router, request: Request, front: str, check: Check | None) -> None:
        self._router = router
        self._request = request
        self._front = front
        self._check = check
        self._at = router.clock()
        self._began = time.perf_counter()
        self._attempts: list[Attempt] = []
        self._tried: tuple[Candidate, float] | None = None  # who is being tried, and since when
        self._reading: Reading | None = None
        self._held: list[Piece] = []  # read before the caller may see anything
        self._whole = False  # nothing more will come after what is held
        self._usage: Usage | None = None
        self._written = 0
        self._sunk = 0.0  # USD for attempts that were billed and failed
        self._first: float | None = None
        self._again = False  # the last candidate was asked a second time
        self._status = "ok"
        self._error = ""
        self._verdicts: list[str] = []
        self._forgetful = False  # a provider refused thinking of earlier turns: no more of it is sent
        self._recorded = False
        self.relayed = False
        """Whether the pieces' raw bytes are the caller's own wire and may be passed on as they are."""

    # What a front reads.

    @property
    def id(self) -> str:
        """The id of decision and outcome."""
        return self.decision.id

    @property
    def simulated(self) -> bool:
        """Whether the answer comes from the simulator."""
        return self.provider.simulated

    @property
    def attempts(self) -> int:
        """Upstream calls so far."""
        return len(self._attempts) + (self._tried is not None)

    @property
    def usage(self) -> Usage:
        """What was counted so far; estimated when the provider said nothing."""
        if self._reading is not None:
            self._usage, self._written = self._reading.usage, self._reading.written
        if self._usage is not None:
            return self._usage
        return Usage(input=self._request.input_tokens, output=self._written // 4, estimated=True)

    @property
    def cost(self) -> float:
        """USD for what was used so far, replies that were not fit to be shown included; simulated ones are free."""
        return self._sunk + (0.0 if self.simulated else self.model.price_at(self._at).cost(self.usage))

    async def batches(self) -> AsyncIterator[list[Piece]]:
        """The answer as it comes, one batch for each read from upstream. Raises UpstreamFailed on a break."""
        if self._held:
            yield self._held
            self._held = []
        if self._reading is not None and not self._whole:
            while pieces := await self._reading.batch():
                yield pieces

    async def relay(self, write: Callable[[bytes], Awaitable[None]], *, counts: bool = True) -> bytes:
        """The bytes of the answer as they come, ordinary content unread; returns those that came with its end.

        Only where `relayed` holds. counts: whether the caller gets frames of nothing but counts. Raises
        UpstreamFailed on a break.
        """
        data = b"".join([piece.raw for piece in self._held if counts or not piece.usage_only])
        self._held = []
        if self._reading is None or self._whole:
            return data
        return await self._reading.relay(write, counts=counts, held=data)

    async def __aiter__(self) -> AsyncIterator[Piece]:
        async for pieces in self.batches():
            for piece in pieces:
                yield piece

    async def reply(self) -> Reply:
        """The whole answer."""
        return replace(fold([event async for piece in self for event in piece.events]), usage=self.usage)

    # Opening: candidates until one brings content.

    async def __aenter__(self) -> Self:
        self._router.waiting += self._front != BACKGROUND
        try:
            await self._open()
        except BaseException as error:
            await self._close(error)
            raise
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self._close(error)

    async def _open(self) -> None:
        try:
            self.decision, plan = self._router.planned(self._request)
        except CodriverError as nobody:
            reasons = nobody.reasons if isinstance(nobody, Unroutable) else (str(nobody),)
            self.decision = Decision(new_id(), self._request.strategy, (), (), reasons)
            raise
        if self._check is not None:
            self.decision = replace(self.decision, hold="whole")
        queue = list(self.decision.candidates)
        told: Failure | None = None
        while queue and len(self._attempts) < MOST_ATTEMPTS:
            candidate = queue.pop(0)
            offer = plan.by_key[candidate.model]
            timeouts = self._router.timeouts(self._request, self._elapsed())
            if told is not None and timeouts.total <= 0:
                break
            try:
                await self._attempt(candidate, offer, timeouts)
                return
            except UpstreamFailed as failed:
                failure = failed.failure.at(offer.provider.name, offer.model.id)
                await self._gave_up(candidate, offer, failure)
            if keepsakes.refused(failure) and not self._forgetful:
                self._forgetful = True
                self._reasoned(f"{candidate.model} refused the thinking of earlier turns: asked again without it")
                queue.insert(0, candidate)
                continue
            if not failure.policy.next:
                raise RequestRejected(failure)
            # An agent that is told its prompt is too long can shorten it: that is never hidden by a later trouble.
            told = told if told is not None and told.kind is Kind.TOO_LONG else failure
            queue = trying.remaining(queue, candidate, offer, failure, plan.by_key)
            queue = queue or await self._once_more(candidate, failure)
        assert told is not None
        raise UpstreamFailed(told)

    async def _once_more(self, candidate: Candidate, failure: Failure) -> list[Candidate]:
        """The last candidate again, once, when its trouble may soon be over."""
        wait = trying.wait(self._request, failure)
        if self._again or wait is None or self._router.timeouts(self._request, self._elapsed() + wait).total <= 0:
            return []
        self._again = True
        await self._router.pause(wait)
        return [candidate]

    async def _attempt(self, candidate: Candidate, offer: Offer, timeouts: Timeouts) -> None:
        """One upstream call, up to its first content (or its end, when the reply is checked)."""
        request, model, provider = self._request, offer.model, offer.provider
        self.model, self.provider = model, provider
        self._tried = (candidate, self._elapsed())
        self._router.ledger.reserve(candidate.cost)
        quirks = model.quirks or provider.quirks
        wire = codec.find(candidate.wire)
        kept = self._router.keepsakes
        known = replace(request, forget=True) if self._forgetful else request
        call = wire.call(kept.prepared(known, model, candidate.wire, quirks), model, quirks)
        if call.dropped:
            self._reasoned(f"{candidate.model} on {candidate.wire} cannot carry: {', '.join(call.dropped)}")
        same_wire = candidate.wire == request.wire
        answer = await self._router.upstream.begin(
            provider,
            model,
            candidate.wire,
            call,
            stream=request.stream,
            forward=request.headers if same_wire and quirks.beta_headers else {},
            timeouts=timeouts,
        )
        self.relayed = same_wire and answer.streamed == request.stream and not (call.family or call.stop)
        self.relayed = self.relayed and quirks.think_tags != "always"
        decoder = mended(wire.decoder(model, quirks), request, call, candidate.wire)
        self._reading = Reading(answer, decoder, kept.watching(request, model, quirks, relayed=self.relayed))
        if self._check is None:
            await self._reach_content(self._reading)
        else:
            await self._judge(self._reading, self._check)
        self._router.ledger.answered(model.key, provider.name)

    def _reasoned(self, text: str) -> None:
        self.decision = replace(self.decision, reasons=(*self.decision.reasons, text))

    async def _reach_content(self, reading: Reading) -> None:
        """Reads until there is something that must go out; see trying.Hold."""
        hold = trying.Hold(self._request)
        while pieces := await reading.batch():
            self._held += pieces
            events = [event for piece in pieces for event in piece.events]
            if self._first is None and any(is_content(event) for event in events):
                reading.begun = True
                self._first = self._elapsed()
            if self._first is not None and hold.over(events, self._elapsed() - self._first):
                return
        raise UpstreamFailed(Failure(Kind.BROKEN, "the model's answer ended before it said anything"))

    async def _judge(self, reading: Reading, check: Check) -> None:
        """Holds the whole reply and asks for a verdict; a bad one fails this attempt."""
        reading.begun = True
        while pieces := await reading.batch():
            if self._first is None:
                self._first = self._elapsed()
            self._held += pieces
        self._whole = True
        verdict = check(fold(event for piece in self._held for event in piece.events))
        if verdict:
            self._verdicts.append(f"{self.model.key}: {verdict}")
            raise UpstreamFailed(Failure(Kind.UNFIT, f"the reply did not pass its check: {verdict}"))

    async def _gave_up(self, candidate: Candidate, offer: Offer, failure: Failure) -> None:
        """An attempt failed before anything was shown: it is written down, its connection closed."""
        self._end_attempt(failure)
        await self._release()
        if self._usage is not None or self._written:
            self._sunk = self.cost
        self._held, self._whole, self._first = [], False, None
        self._usage, self._written = None, 0
        self._router.ledger.failed(candidate.model, offer.provider.name, failure)

    def spent(self) -> tuple[float, float]:
        """Seconds to the first content, and until now."""
        now = self._elapsed()
        return now if self._first is None else self._first, now

    def _elapsed(self) -> float:
        return time.perf_counter() - self._began

    def _end_attempt(self, failure: Failure | None) -> None:
        assert self._tried is not None
        candidate, started = self._tried
        self._router.ledger.reserve(-candidate.cost)
        self._attempts.append(Attempt(candidate.model, candidate.wire, started, self._first, self._elapsed(), failure))
        self._tried = None

    async def _release(self) -> None:
        reading = self._reading
        if reading is not None:
            await reading.close()
            self._usage, self._written, self._reading = reading.usage, reading.written, None

    # Closing: one outcome, whatever happened.

    async def _close(self, error: BaseException | None) -> None:
        if self._recorded:
            return
        self._recorded = True
        self._router.waiting -= self._front != BACKGROUND
        if not self._router.waiting and self._router.quiet is not None:
            self._router.quiet()
        self._judge_end(error)
        try:
            await self._release()
        finally:
            if hasattr(self, "decision"):
                self._router.ledger.record(self._outcome())

    def _judge_end(self, error: BaseException | None) -> None:
        """Status and error text from how the context was left."""
        running = self._tried is not None
        failure = None
        match error:
            case UpstreamFailed():
                self._status = "broken" if running else "failed"
                failure, self._error = error.failure, str(error)
            case RequestRejected():
                self._status, self._error = "refused", str(error)
            case Unroutable():
                self._status, self._error = "unroutable", str(error)
            case asyncio.CancelledError() | GeneratorExit():
                self._status = "cancelled"
            case Exception():
                self._status, self._error = "failed", str(error)
            case _:
                pass  # read to the end, or left because the reader had enough
        if running:
            self._end_attempt(failure)
            if failure is not None:
                self._router.ledger.failed(self.model.key, self.provider.name, failure)

    def _outcome(self) -> Outcome:
        answered = self._status in {"ok", "broken", "cancelled"} and bool(self._attempts)
        request = self._request
        return Outcome(
            id=self.decision.id,
            at=self._at,
            front=self._front,
            wire=request.wire,
            purpose=request.purpose,
            status=self._status,
            decision=self.decision,
            attempts=tuple(self._attempts),
            model=self.model.key if answered else "",
            usage=self.usage if answered else Usage(),
            cost=self.cost if answered else self._sunk,
            seconds=self._elapsed(),
            first=self._first,
            session=request.session,
            workflow=request.workflow,
            verdicts=tuple(self._verdicts),
            error=self._error,
        )
