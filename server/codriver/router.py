"""The one path: request -> features -> decision -> attempts -> pieces -> outcome.

`async with router.open(request) as stream` holds five promises: fallback is invisible until the
first content; after it there is none, a break raises; there is exactly one Outcome, also when
cancelled; leaving the context closes the upstream connection; and with a `check` the whole reply
is held and judged before it is shown, a bad verdict trying the next, stronger candidate.
"""

from __future__ import annotations

import asyncio
import contextlib
import random
import time
from collections.abc import AsyncIterator, Callable, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from types import TracebackType
from typing import Protocol, Self

from codriver.analyst import Analyst
from codriver.errors import Failure, Kind, RequestRejected, Unroutable, UpstreamFailed
from codriver.ledger import Ledger
from codriver.model.decision import Attempt, Candidate, Decision, Outcome
from codriver.model.events import (
    Failed,
    Piece,
    Reply,
    Started,
    TextDelta,
    ToolDelta,
    Usage,
    UsageSeen,
    fold,
    is_content,
)
from codriver.model.provider import Model, Provider
from codriver.model.request import Request
from codriver.routing.decide import Wish, decide
from codriver.routing.eligibility import Offer
from codriver.upstream.client import Answer, Timeouts, Upstream
from codriver.wire import codec

Check = Callable[[Reply], str]

PREDICTOR = "local/predictor"
"""The name under which the local predictor's completions are recorded."""

MOST_ATTEMPTS = 6
"""Upstream calls of one request, at most."""


@dataclass(frozen=True)
class Plan:
    """How the configuration wants a request decided: the offers, and the wish that follows from its model name."""

    offers: Sequence[Offer]
    wish: Wish

    @cached_property
    def by_key(self) -> dict[str, Offer]:
        """The offers by their model's key."""
        return {offer.model.key: offer for offer in self.offers}


class Planner(Protocol):
    """Turns a request's model name and strategy into a Plan. Raises RequestRejected for unknown names."""

    def __call__(self, request: Request) -> Plan: ...


class Router:
    """Routes. Built by `app`; owns no sockets and no files."""

    def __init__(
        self,
        *,
        plan: Planner,
        upstream: Upstream,
        analyst: Analyst,
        ledger: Ledger,
        timeouts: Callable[[Request], Timeouts],
        clock: Callable[[], float] = time.time,
    ) -> None:
        self.plan = plan
        self.upstream = upstream
        self.analyst = analyst
        self.ledger = ledger
        self.timeouts = timeouts
        self.clock = clock

    def decide(self, request: Request) -> Decision:
        """The decision alone; nobody is called. Raises RequestRejected or Unroutable."""
        return self._decide(request)[0]

    def _decide(self, request: Request) -> tuple[Decision, Plan]:
        plan = self.plan(request)
        features = self.analyst.features(request)
        return decide(request, features, plan.offers, self.ledger.view(), plan.wish, ident=new_id()), plan

    def open(self, request: Request, *, front: str = "", check: Check | None = None) -> Stream:
        """The answer to a request, as an async context manager. With `check`, held whole and judged."""
        return Stream(self, request, front, check)

    def note(self, request: Request, *, front: str, model: str, text: str, confidence: float) -> Outcome:
        """Records an answer that needed no model (the local predictor's) and returns its outcome."""
        ident = new_id()
        candidate = Candidate(model, "", confidence, 0.0, 0.0, confidence)
        reason = f"answered on this machine by {model} with confidence {confidence:.2f}; no model was asked"
        decision = Decision(ident, "local", (candidate,), (), (reason,), self.analyst.features(request))
        usage = Usage(output=max(1, len(text) // 4), estimated=True)
        outcome = Outcome(
            ident, self.clock(), front, request.wire, request.purpose, "ok", decision, model=model, usage=usage
        )
        self.ledger.record(outcome)
        return outcome

    def learn(self, ident: str, word: str) -> None:
        """Feedback on an outcome: accepted, rejected, ..."""
        self.ledger.label(ident, word)

    def recall(self, ident: str) -> Outcome | None:
        """A recent outcome by its id."""
        return self.ledger.recall(ident)

    def last(self, front: str = "") -> Outcome | None:
        """The newest outcome, of one front when named."""
        return self.ledger.last(front)


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
        self._clock = time.perf_counter
        self._began = self._clock()
        self._at = router.clock()
        self._attempts: list[Attempt] = []
        self._tried: tuple[Candidate, float] | None = None  # who is being tried, and since when
        self._answer: Answer | None = None
        self._held: list[Piece] = []
        self._source: AsyncIterator[list[Piece]] | None = None
        self._usage: Usage | None = None
        self._written = 0
        self._first: float | None = None
        self._status = "ok"
        self._error = ""
        self._verdicts: list[str] = []
        self._recorded = False
        self._passing = False
        self._behind: list[bytes] = []
        self._decoder: codec.Decoder | None = None
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
        if self._usage is not None:
            return self._usage
        return Usage(input=self._request.input_tokens, output=self._written // 4, estimated=True)

    @property
    def cost(self) -> float:
        """USD for what was used so far."""
        return self.model.price.cost(self.usage)

    async def batches(self) -> AsyncIterator[list[Piece]]:
        """The answer as it comes, one batch for each read from upstream. Raises UpstreamFailed on a break."""
        if self._held:
            yield self._held
            self._held = []
        if self._source is not None:
            async for pieces in self._source:
                yield pieces

    def relay(self) -> AsyncIterator[list[Piece]]:
        """`batches` for a caller who only passes `raw` on: ordinary content goes on before it is read.

        Pieces that were not read yet have no events. Only where `relayed` holds.
        """
        self._passing = self.relayed
        return self.batches()

    async def __aiter__(self) -> AsyncIterator[Piece]:
        async for pieces in self.batches():
            for piece in pieces:
                yield piece

    async def reply(self) -> Reply:
        """The whole answer."""
        events = [event async for piece in self for event in piece.events]
        reply = fold(events)
        return reply if self._usage is not None else replace(reply, usage=self.usage)

    # Opening: candidates until one brings content.

    async def __aenter__(self) -> Self:
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
            self.decision, plan = self._router._decide(self._request)
        except Unroutable as nobody:
            self.decision = Decision(new_id(), self._request.strategy, (), (), nobody.reasons)
            raise
        offers = plan.by_key
        queue = list(self.decision.candidates)
        told: Failure | None = None
        while queue and len(self._attempts) < MOST_ATTEMPTS:
            candidate = queue.pop(0)
            offer = offers[candidate.model]
            try:
                await self._attempt(candidate, offer)
                return
            except UpstreamFailed as failed:
                failure = failed.failure.at(offer.provider.name, offer.model.id)
                await self._gave_up(candidate, offer, failure)
            if not failure.policy.next:
                raise RequestRejected(failure)
            # An agent that is told its prompt is too long can shorten it: that is never hidden by a later trouble.
            told = told if told is not None and told.kind is Kind.TOO_LONG else failure
            queue = _remaining(queue, candidate, offer, failure, offers)
        assert told is not None
        raise UpstreamFailed(told)

    async def _attempt(self, candidate: Candidate, offer: Offer) -> None:
        """One upstream call, up to its first content (or its end, when the reply is checked)."""
        self.model, self.provider = offer.model, offer.provider
        self._usage, self._written, self._held, self._first = None, 0, [], None
        self._tried = (candidate, self._clock() - self._began)
        quirks = offer.model.quirks or offer.provider.quirks
        wire = codec.find(candidate.wire)
        call = wire.call(self._request, offer.model, quirks)
        if call.dropped:
            text = f"{candidate.model} on {candidate.wire} cannot carry: {', '.join(call.dropped)}"
            self.decision = replace(self.decision, reasons=(*self.decision.reasons, text))
        relay = candidate.wire == self._request.wire
        self._answer = await self._router.upstream.begin(
            offer.provider,
            offer.model,
            candidate.wire,
            call,
            stream=self._request.stream,
            forward=self._request.headers if relay else {},
            timeouts=self._router.timeouts(self._request),
        )
        self.relayed = relay and self._answer.streamed == self._request.stream
        self._decoder = wire.decoder(offer.model, quirks)
        self._source = self._pieces(self._answer, self._decoder)
        if self._check is not None:
            await self._judge(self._check)
        else:
            await self._reach_content()
        self._router.ledger.answered(offer.model.key, offer.provider.name)

    async def _reach_content(self) -> None:
        assert self._source is not None
        async for pieces in self._source:
            self._held.extend(pieces)
            if any(is_content(event) for piece in pieces for event in piece.events):
                self._first = self._clock() - self._began
                return
        raise UpstreamFailed(Failure(Kind.BROKEN, "the model's answer ended before it said anything"))

    async def _judge(self, check: Check) -> None:
        """Holds the whole reply and asks for a verdict; a bad one fails this attempt."""
        assert self._source is not None
        async for pieces in self._source:
            if self._first is None and pieces:
                self._first = self._clock() - self._began
            self._held.extend(pieces)
        self._source = None
        verdict = check(fold(event for piece in self._held for event in piece.events))
        if verdict:
            self._verdicts.append(f"{self.model.key}: {verdict}")
            raise UpstreamFailed(Failure(Kind.UNFIT, f"the reply did not pass its check: {verdict}"))

    async def _pieces(self, answer: Answer, decoder: codec.Decoder) -> AsyncIterator[list[Piece]]:
        """Decoded batches. Counts as they pass; turns a failure inside the answer into an exception."""
        if not answer.streamed:
            body = await answer.read()
            yield self._seen([Piece(body, decoder.whole(body))])
            return
        async for chunk in answer.chunks():
            if self._passing and decoder.quiet(chunk):
                self._behind.append(chunk)
                yield [Piece(chunk, ())]
                continue
            self._catch_up(decoder)
            pieces = decoder.feed(chunk)
            if pieces:
                yield self._seen(pieces)
        self._catch_up(decoder)
        pieces = decoder.close()
        if pieces:
            yield self._seen(pieces)

    def _catch_up(self, decoder: codec.Decoder) -> None:
        """Reads what was passed on unread."""
        behind, self._behind = self._behind, []
        for chunk in behind:
            self._seen(decoder.feed(chunk))

    def _seen(self, pieces: list[Piece]) -> list[Piece]:
        for piece in pieces:
            for event in piece.events:
                match event:
                    case TextDelta():
                        self._written += len(event.text)
                    case ToolDelta():
                        self._written += len(event.arguments)
                    case UsageSeen():
                        self._usage = event.usage
                    case Started(usage=Usage()):
                        self._usage = event.usage
                    case Failed():
                        raise UpstreamFailed(event.failure)
                    case _:
                        pass
        return pieces

    async def _gave_up(self, candidate: Candidate, offer: Offer, failure: Failure) -> None:
        """An attempt failed before anything was shown: it is written down, its connection closed."""
        self._end_attempt(failure)
        await self._release()
        self._router.ledger.failed(candidate.model, offer.provider.name, failure)

    def _end_attempt(self, failure: Failure | None) -> None:
        assert self._tried is not None
        candidate, started = self._tried
        ended = self._clock() - self._began
        self._attempts.append(Attempt(candidate.model, candidate.wire, started, self._first, ended, failure))
        self._tried = None

    async def _release(self) -> None:
        answer, self._answer, self._source = self._answer, None, None
        if answer is not None:
            await answer.aclose()

    # Closing: one outcome, whatever happened.

    async def _close(self, error: BaseException | None) -> None:
        if self._recorded:
            return
        self._recorded = True
        if self._behind and self._decoder is not None:
            with contextlib.suppress(UpstreamFailed):  # left early: only what was said counts
                self._catch_up(self._decoder)
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
            cost=self.cost if answered else 0.0,
            seconds=self._clock() - self._began,
            first=self._first,
            session=request.session,
            workflow=request.workflow,
            verdicts=tuple(self._verdicts),
            error=self._error,
        )


def _remaining(
    queue: list[Candidate], tried: Candidate, offer: Offer, failure: Failure, offers: dict[str, Offer]
) -> list[Candidate]:
    """Who may still be tried after this failure."""
    match failure.kind:
        case Kind.TOO_LONG:
            return [c for c in queue if offers[c.model].model.window > offer.model.window]
        case Kind.UNFIT:
            return [c for c in queue if c.quality > tried.quality]
        case Kind.AUTH | Kind.QUOTA | Kind.REGION:
            return [c for c in queue if offers[c.model].provider.name != offer.provider.name]
        case _:
            return queue


def new_id() -> str:
    """A fresh id: 96 random bits. It names things and guards nothing."""
    return f"{random.getrandbits(96):024x}"
