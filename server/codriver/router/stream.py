"""One answer, from the first attempt to the one outcome: where the router's promises are kept."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator, Callable
from dataclasses import replace
from types import TracebackType
from typing import TYPE_CHECKING, Self

from codriver.errors import CodriverError, Failure, Kind, RequestRejected, Unroutable, UpstreamFailed
from codriver.model.decision import Attempt, Candidate, Decision, Outcome
from codriver.model.events import Piece, Reply, Usage, fold
from codriver.model.ids import new_id
from codriver.model.provider import Model, Provider
from codriver.model.request import Request
from codriver.router import fusing, hedging, keepsakes, trying
from codriver.router.asking import Asked
from codriver.routing.eligibility import Offer
from codriver.upstream.client import Timeouts

if TYPE_CHECKING:
    from codriver.router import Router
    from codriver.router.ahead import Ahead
    from codriver.router.bending import Plan
    from codriver.router.reading import Sink

Check = Callable[[Reply], str]

BACKGROUND = "batch"
"""The front of requests that nobody waits for."""

MOST_ATTEMPTS = 6
"""Upstream calls of one request, at most."""


class Stream:
    """One answer. After entering, the first content is there (or all of it, when checked)."""

    model: Model
    provider: Provider

    def __init__(
        self,
        router: Router,
        request: Request,
        front: str,
        check: Check | None,
        meanwhile: Callable[[Stream], None] | None = None,
    ) -> None:
        self._router = router
        self._request = request
        self._front = front
        self._check = check
        self._meanwhile = meanwhile
        self._ahead: Ahead | None = None  # what is left to be found out for the books
        self._decision: Decision | None = None
        self._at = router.clock()
        self._began = time.perf_counter()
        self._attempts: list[Attempt] = []
        self._asked: Asked | None = None  # whose answer this is, or is to become
        self._running = False  # and that is not yet written down
        self._sunk = 0.0  # USD for attempts that were billed and are not shown
        self._again = False  # the last candidate was asked a second time
        self._status = "ok"
        self._error = ""
        self._verdicts: list[str] = []
        self._forgetful = False  # a provider refused thinking of earlier turns: no more of it is sent
        self._recorded = False
        self._awaited = front != BACKGROUND and request.priority != "background"

    # What a front reads.

    @property
    def decision(self) -> Decision:
        """Who may answer, and why. What the code says of a request whose model was named, only the outcome has."""
        assert self._decision is not None, "nobody was asked"
        return self._decision

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
        return len(self._attempts) + self._running

    @property
    def relayed(self) -> bool:
        """Whether the pieces' raw bytes are the caller's own wire and may be passed on as they are."""
        return self._asked is not None and self._asked.relayed

    @property
    def usage(self) -> Usage:
        """What was counted so far; estimated when the provider said nothing."""
        counted = self._asked.usage if self._asked is not None else None
        return counted or Usage(input=self._request.input_tokens, estimated=True)

    @property
    def cost(self) -> float:
        """USD for what was used so far, replies that were not fit to be shown included; simulated ones are free."""
        if self._asked is None or self.simulated:
            return self._sunk
        return self._sunk + self.model.price_at(self._at).cost(self.usage)

    async def batches(self) -> AsyncIterator[list[Piece]]:
        """The answer as it comes, one batch for each read from upstream. Raises UpstreamFailed on a break."""
        asked = self._asked
        if asked is None:
            return
        if asked.held:
            yield asked.held
            asked.held = []
        if asked.reading is not None and not asked.whole:
            while pieces := await asked.reading.batch():
                yield pieces

    async def relay(self, sink: Sink, *, counts: bool = True) -> bytes:
        """The bytes of the answer as they come, ordinary content unread; returns those that came with its end.

        Only where `relayed` holds. counts: whether the caller gets frames of nothing but counts. Raises
        UpstreamFailed on a break.
        """
        asked = self._asked
        assert asked is not None
        data = b"".join([piece.raw for piece in asked.held if counts or not piece.usage_only])
        asked.held = []
        if asked.reading is None or asked.whole:
            return data
        return await asked.reading.relay(sink, counts=counts, held=data)

    async def raw(self) -> bytes:
        """All bytes of the answer. Only where `relayed` holds. Raises UpstreamFailed on a break."""
        asked = self._asked
        if asked is not None and len(asked.held) == 1 and asked.reading is not None and asked.reading.over:
            return asked.held.pop().raw  # it came whole
        parts = []
        async for pieces in self.batches():
            parts += [piece.raw for piece in pieces]
        return parts[0] if len(parts) == 1 else b"".join(parts)

    async def __aiter__(self) -> AsyncIterator[Piece]:
        async for pieces in self.batches():
            for piece in pieces:
                yield piece

    async def reply(self) -> Reply:
        """The whole answer."""
        return replace(fold([event async for piece in self for event in piece.events]), usage=self.usage)

    # Opening: candidates until one brings content.

    async def __aenter__(self) -> Self:
        self._router.waiting += self._awaited
        try:
            await self._open()
        except BaseException as error:  # also when cancelled: there is one outcome
            await self._close(error)
            raise
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self._close(error)

    async def _open(self) -> None:
        waited = 0.0
        if not self._awaited and self._front != BACKGROUND:
            waited = await self._calm()
        queue, plan = self._plan(waited)
        told: Failure | None = None
        if self._decision is not None and self._decision.strategy == fusing.NAME:
            if await self._fuse(queue, plan):
                return
            told = self._attempts[-1].failure if self._attempts else None
        while queue and len(self._attempts) < MOST_ATTEMPTS:
            timeouts = self._router.timeouts(self._request, self._elapsed())
            if told is not None and timeouts.total <= 0:
                break
            try:
                await self._try(queue, plan, timeouts)
                return
            except UpstreamFailed as failed:
                assert self._asked is not None
                candidate, offer = self._asked.candidate, self._asked.offer
                failure = failed.failure.at(offer.provider.name, offer.model.id)
                await self._gave_up(self._asked, failure)
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

    def _plan(self, waited: float) -> tuple[list[Candidate], Plan]:
        """Whom to ask, in this order. waited: seconds for a peak. Raises RequestRejected or Unroutable."""
        try:
            if self._check is None and not waited:
                self._ahead = self._router.ahead(self._request)
                if self._ahead is not None:
                    self._decision = self._ahead.decision
                    return list(self._decision.candidates), self._ahead.plan
            self._decision, plan = self._router.planned(self._request)
        except CodriverError as nobody:
            reasons = nobody.reasons if isinstance(nobody, Unroutable) else (str(nobody),)
            self._decision = Decision(new_id(), self._request.strategy, (), (), reasons)
            raise
        if plan.worded is not None:
            self._request = plan.worded
        if waited:
            self._reasoned(f"background work waited {waited:.1f} s for the peak to pass")
        if self._check is not None:
            self._decision = replace(self.decision, hold="whole")
        return list(self.decision.candidates), plan

    def _waiting(self) -> None:
        """The first model was asked, and its answer is not here yet: the time for what need not come before that."""
        asked = self._asked
        if self._recorded or asked is None or asked.reading is not None:
            return
        asked.prepare()
        if self._meanwhile is not None:
            self._meanwhile(self)

    async def _calm(self) -> float:
        """Waits for the peak to pass; who leaves meanwhile is recorded too."""
        try:
            return await self._router.calm()
        except asyncio.CancelledError:
            self._decision = Decision(new_id(), self._request.strategy, (), (), ("left while waiting for a peak",))
            raise

    async def _once_more(self, candidate: Candidate, failure: Failure) -> list[Candidate]:
        """The last candidate again, once, when its trouble may soon be over."""
        wait = trying.wait(self._request, failure)
        if self._again or wait is None or self._router.timeouts(self._request, self._elapsed() + wait).total <= 0:
            return []
        self._again = True
        await self._router.pause(wait)
        return [candidate]

    async def _try(self, queue: list[Candidate], plan: Plan, timeouts: Timeouts) -> None:
        """The first of the queue, up to its first content (or its end, when the reply is checked)."""
        asked = self._ask(queue.pop(0), plan)
        if queue and self._check is None:
            spare = self._router.hedging.spare(self._request, self.decision, asked, queue, plan, self._front)
            if spare is not None:
                await self._race(asked, spare, queue, plan, timeouts)
                return
        if not self._attempts:
            asyncio.get_running_loop().call_soon(self._waiting)  # when this task first waits: the call is out by then
        await self._begin(asked, timeouts)
        if self._check is None:
            await asked.reach()
        else:
            await self._judge(asked, self._check)
        self._router.ledger.answered(asked.candidate.model, self.provider.name)

    async def _fuse(self, queue: list[Candidate], plan: Plan) -> bool:
        """Several answers become one. False when there is nothing to fuse, or all failed: those have left the queue."""
        limits = self._router.fuse()
        chosen = fusing.panel(self._request, queue, plan, limits)
        if not chosen:
            return False

        async def begin(asked: Asked) -> None:
            await self._begin(asked, self._router.timeouts(self._request, self._elapsed()))

        def ask(request: Request, candidate: Candidate, offer: Offer) -> Asked:
            return Asked(self._router, request, candidate, offer, self._began)

        hands = fusing.Hands(
            ask, begin, self._gave_up, self._lost, self._aside, self._reasoned, self._check or fusing.passed
        )
        self._name(plan.by_key[chosen[0].model])
        shown = await fusing.fused(self._request, chosen, self.decision.candidates, plan, limits, hands)
        if shown is not None:
            self._show(shown)
            self._router.ledger.answered(shown.candidate.model, self.provider.name)
            return True
        queue[:] = [candidate for candidate in queue if candidate not in chosen]
        return False

    def _ask(self, candidate: Candidate, plan: Plan) -> Asked:
        """This candidate is now the one whose answer is awaited."""
        offer = plan.by_key[candidate.model]
        asked = Asked(self._router, self._request, candidate, offer, self._began)
        self._show(asked)
        return asked

    def _show(self, asked: Asked) -> None:
        self._asked, self._running = asked, True
        self._name(asked.offer)

    def _name(self, offer: Offer) -> None:
        self.model, self.provider = offer.model, offer.provider

    async def _begin(self, asked: Asked, timeouts: Timeouts) -> None:
        dropped = await asked.begin(timeouts, wire=self._request.wire, forget=self._forgetful)
        if dropped:
            candidate = asked.candidate
            self._reasoned(f"{candidate.model} on {candidate.wire} cannot carry: {', '.join(dropped)}")

    async def _race(
        self, asked: Asked, spare: hedging.Spare, queue: list[Candidate], plan: Plan, timeouts: Timeouts
    ) -> None:
        """The first, and when it is slow the spare one beside it: who brings content first is shown."""

        def second() -> Asked:
            queue.remove(spare.candidate)
            self._router.hedging.used()
            self._reasoned(spare.reason)
            return Asked(self._router, self._request, spare.candidate, plan.by_key[spare.candidate.model], self._began)

        async def run(one: Asked) -> None:
            await self._begin(one, timeouts)
            await one.reach(settle=False)

        winner = await hedging.race(
            asked, second, spare.after, run=run, failed=self._gave_up, lost=self._lost, last=self._show
        )
        self._show(winner)
        if not winner.settled:
            await winner.reach()
        self._router.ledger.answered(winner.candidate.model, self.provider.name)

    def _reasoned(self, text: str) -> None:
        decision = self.decision
        self._decision = replace(decision, reasons=(*decision.reasons, text))

    async def _judge(self, asked: Asked, check: Check) -> None:
        """Holds the whole reply and asks for a verdict; a bad one fails this attempt."""
        verdict = check(await asked.gather())
        if verdict:
            self._verdicts.append(f"{self.model.key}: {verdict}")
            raise UpstreamFailed(Failure(Kind.UNFIT, f"the reply did not pass its check: {verdict}"))

    async def _gave_up(self, asked: Asked, failure: Failure) -> None:
        """An attempt failed before anything was shown: it is written down, its connection closed."""
        await self._put_aside(asked, failure)
        self._sunk += asked.cost(self._at)
        self._router.ledger.failed(asked.candidate.model, asked.offer.provider.name, failure)

    async def _lost(self, asked: Asked, text: str) -> None:
        """Somebody else answered first: nobody's fault, and billed for its prompt at least."""
        await self._put_aside(asked, Failure(Kind.SLOW, text).at(asked.offer.provider.name, asked.offer.model.id))
        self._sunk += asked.cost(self._at, sent=True)

    async def _aside(self, asked: Asked) -> None:
        """It answered, and another one's answer is shown: billed, and nobody's fault."""
        await self._put_aside(asked, None)
        self._sunk += asked.cost(self._at)

    async def _put_aside(self, asked: Asked, failure: Failure | None) -> None:
        self._attempts.append(asked.ended(failure))
        shown = self._asked is asked
        if shown:
            self._running, self._asked = False, None
        await asked.release()

    def spent(self) -> tuple[float, float]:
        """Seconds to the first content, and until now."""
        now, first = self._elapsed(), self._first
        return now if first is None else first, now

    @property
    def _first(self) -> float | None:
        return self._asked.first if self._asked is not None else None

    def _elapsed(self) -> float:
        return time.perf_counter() - self._began

    # Closing: one outcome, whatever happened.

    async def _close(self, error: BaseException | None) -> None:
        if self._recorded:
            return
        self._recorded = True
        self._router.waiting -= self._awaited
        if not self._router.waiting and self._router.quiet is not None:
            self._router.quiet()
        self._judge_end(error)
        try:
            if self._asked is not None:
                await self._asked.release()
        finally:
            if self._decision is not None:
                decision, seconds = self._decision, self._elapsed()
                books, later = self._router.books, self._unhurried
                books.enter(lambda: self._outcome(self._completed(decision), seconds), later=later)

    @property
    def _unhurried(self) -> bool:
        """Whether nothing that comes next waits for this outcome: of completions, and where a model was asked ahead. A
        hole's buffer is looked for by its text, which may soon be another."""
        request = self._request
        completion = request.typed and not request.wire
        return self._status == "ok" and (completion or (self._ahead is not None and request.fim is None))

    def _judge_end(self, error: BaseException | None) -> None:
        """Status and error text from how the context was left."""
        running = self._running
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
            assert self._asked is not None
            self._running = False
            self._attempts.append(self._asked.ended(failure))
            if failure is not None:
                self._router.ledger.failed(self.model.key, self.provider.name, failure)

    def _completed(self, decision: Decision) -> Decision:
        """With what the code says and what is expected, where nobody waited for that."""
        if self._ahead is None:
            return decision
        try:
            settled = self._router.settled(self._request, self._ahead)
        except CodriverError:  # the model that was asked would be refused for what the code says
            return decision
        return replace(settled, reasons=decision.reasons) if decision is not self._ahead.decision else settled

    def _outcome(self, decision: Decision, seconds: float) -> Outcome:
        answered = self._status in {"ok", "broken", "cancelled"} and bool(self._attempts)
        request = self._request
        return Outcome(
            id=decision.id,
            at=self._at,
            front=self._front,
            wire=request.wire,
            purpose=request.purpose,
            status=self._status,
            decision=decision,
            attempts=tuple(self._attempts),
            model=self.model.key if answered else "",
            usage=self.usage if answered else Usage(),
            cost=self.cost if answered else self._sunk,
            seconds=seconds,
            first=self._first,
            session=request.session,
            workflow=request.workflow,
            verdicts=tuple(self._verdicts),
            error=self._error,
        )
