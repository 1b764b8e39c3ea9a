"""A batch at a provider's own batch API, at its price, where all lines go to models of one provider that has it.

What the provider was asked, and its names for it, are durable before the next step: after a kill
the batch there is found again, not started twice. Where it is lost or refused, the lines run here.
"""

from __future__ import annotations

import asyncio
import logging
import re
from collections.abc import AsyncIterator, Callable, Iterator, Sequence
from dataclasses import dataclass, replace

import msgspec

from codriver.batches import services
from codriver.batches.asking import answered, parsed, unrun
from codriver.batches.journal import Result
from codriver.batches.lines import ENDPOINTS, Line
from codriver.batches.record import WINDOW, Elsewhere
from codriver.batches.running import Run
from codriver.batches.services import Came, Service
from codriver.errors import Kind, RequestRejected, Unroutable, UpstreamFailed
from codriver.model.decision import Candidate, Decision, Outcome
from codriver.model.events import Failed, Started, Usage, UsageSeen
from codriver.model.ids import new_id
from codriver.model.provider import Model, Price, Provider, Quirks
from codriver.model.request import Request
from codriver.router import BACKGROUND
from codriver.routing.eligibility import Offer
from codriver.wire import codec

log = logging.getLogger("codriver.batches")

FIRST_LOOK, LONGEST_LOOK = 0.2, 60.0
"""Seconds between two looks at a provider's batch: each half again as long as the last, up to a minute."""

_REFUSED = frozenset({Kind.AUTH, Kind.MODEL_GONE, Kind.QUOTA, Kind.REGION})
"""Failures of handing it over that another try would meet again."""

AT_ONCE = 500
"""Results that are made durable together."""

_NAME = re.compile(r"([0-9]{1,9})-([0-9]{1,9})")
"""A line's name there: its number, and the place of its model."""

_LOST = frozenset({404, 410})
"""What a provider answers that does not know the batch any more."""


@dataclass(frozen=True, slots=True)
class Chosen:
    """Who runs the lines: one provider, and its model for each line."""

    provider: Provider
    models: tuple[str, ...]
    """Keys, each once."""
    places: dict[int, int]
    """For each line the place of its model in `models`."""
    offers: dict[str, Offer]
    expected: float


async def run(run: Run, providers: Callable[[], Sequence[Provider]]) -> bool:
    """Lets a provider run the batch; False when it is to run here, all of it or what is left."""
    chosen: Chosen | None = None
    if run.batch.elsewhere is None:
        if run.stop.is_set() or not any(provider.batch for provider in providers()):
            return False
        chosen = await _choose(run)
        if chosen is None:
            return False
        await run.change(elsewhere=Elsewhere(chosen.provider.name, chosen.models, chosen.expected))
    elsewhere = run.batch.elsewhere
    assert elsewhere is not None
    ledger = run.around.router.ledger
    ledger.reserve(elsewhere.expected)
    try:
        return await _through(run, providers, chosen)
    finally:
        ledger.reserve(-elsewhere.expected)


async def _through(run: Run, providers: Callable[[], Sequence[Provider]], chosen: Chosen | None) -> bool:
    """Steps that have not been taken yet, one after the other, each again until it succeeds or cannot."""
    wait = FIRST_LOOK
    while (elsewhere := run.batch.elsewhere) is not None:
        provider = next((one for one in providers() if one.name == elsewhere.provider and one.batch), None)
        try:
            if provider is not None:
                ended = await _step(run, provider, services.find(provider.batch), chosen)
                if ended is not None:
                    return ended
                if run.batch.elsewhere != elsewhere:
                    continue  # a step was taken: the next one follows at once
        except UpstreamFailed as failed:
            failure = failed.failure
            log.info("the batch %s at %s: %s", run.batch.id, elsewhere.provider, failure.message)
            if elsewhere.batch and failure.upstream_status in _LOST:
                return await _here(run, "the provider does not know the batch any more")
            if not elsewhere.batch and (not failure.policy.next or failure.kind in _REFUSED):
                return await _here(run, f"the provider did not take it: {failure.message}")
        if run.stop.is_set() and (provider is None or not elsewhere.batch or _given_up(run)):
            return True
        await _wait(run, wait)
        wait = min(wait * 1.5, LONGEST_LOOK)
    return False


async def _step(run: Run, provider: Provider, service: Service, chosen: Chosen | None) -> bool | None:
    """The next step. None: there are more; else what `run` gives."""
    elsewhere, upstream = run.batch.elsewhere, run.around.router.upstream
    assert elsewhere is not None
    if not elsewhere.file:
        if run.stop.is_set():
            return True
        chosen = chosen or await _choose(run)
        if chosen is None or chosen.provider.name != provider.name:
            return await _here(run, "the settings changed before it was sent")
        lines = await asyncio.to_thread(lambda: list(_requests(run, chosen)))
        file = await service.upload(upstream, provider, lines)
        await run.change(elsewhere=msgspec.structs.replace(elsewhere, file=file, models=chosen.models))
    elif not elsewhere.batch:
        batch = await service.submit(upstream, provider, run.batch.endpoint, elsewhere.file)
        await run.change(elsewhere=msgspec.structs.replace(elsewhere, batch=batch))
    else:
        return await _look(run, provider, service, elsewhere)
    return None


async def _look(run: Run, provider: Provider, service: Service, elsewhere: Elsewhere) -> bool | None:
    """Takes the results when it is over; cancels it there when it was cancelled here."""
    upstream = run.around.router.upstream
    state = await service.look(upstream, provider, elsewhere.batch)
    if state.word == "running":
        if run.stop.is_set() and not run.told:
            run.told = True
            await service.cancel(upstream, provider, elsewhere.batch)
        return None
    for name in state.results:
        await _take(run, provider, elsewhere, service.results(upstream, provider, name))
    if state.word == "failed":
        return await _here(run, f"the provider did not take it: {state.message}")
    if state.word == "cancelled" and not run.batch.cancelling_at:
        await run.change(cancelling_at=int(run.around.clock()), note="it was cancelled at the provider")
    if state.word == "completed" and not run.stop.is_set():
        return next(run.pending(), None) is None or await _here(run, "the provider left lines without a result")
    run.end()
    return True


async def _here(run: Run, why: str) -> bool:
    """What has no result runs here."""
    log.info("the batch %s goes on here: %s", run.batch.id, why)
    await run.change(elsewhere=None, note=why)
    return False


def _given_up(run: Run) -> bool:
    """Whether its provider could not be asked for so long that nothing will come any more."""
    return run.around.clock() > run.batch.expires_at + WINDOW


async def _wait(run: Run, seconds: float) -> None:
    """Waits; a batch that is stopped meanwhile is looked at at once, and one that was stopped before is not."""
    if run.stop.is_set():
        await asyncio.sleep(seconds)
    else:
        await run.pause(seconds)


# Who and what.


async def _choose(run: Run) -> Chosen | None:
    """One provider for all lines without a result, if each would go to it anyway, in its own wire."""
    models: dict[str, int] = {}
    places: dict[int, int] = {}
    offers: dict[str, Offer] = {}
    expected = 0.0
    for number in run.pending():
        if number % 20 == 0:
            await asyncio.sleep(0)
        found = _candidate(run, run.index.line(number))
        if found is None or (offers and found[0].provider.name != next(iter(offers.values())).provider.name):
            return None
        offer, cost = found
        places[number] = models.setdefault(offer.model.key, len(models))
        offers[offer.model.key] = offer
        expected += cost
    if not offers:
        return None
    provider = next(iter(offers.values())).provider
    if _too_dear(run, expected):
        return None
    return Chosen(provider, tuple(models), places, offers, expected)


def _candidate(run: Run, line: Line) -> tuple[Offer, float] | None:
    """Who would run a line, by cost where nobody said how to choose, and what it would cost there (USD)."""
    router = run.around.router
    try:
        request = _cheaply(parsed(line, run.batch.id, run.batch.headers))
        decision, plan = router.planned(request)
    except (RequestRejected, Unroutable):
        return None
    first = decision.candidates[0]
    offer = plan.by_key[first.model]
    service = services.find(offer.provider.batch) if offer.provider.batch else None
    if service is None or line.url not in service.ENDPOINTS or offer.model.batch is None:
        return None
    if first.wire != request.wire or codec.find(first.wire).call(request, offer.model, _quirks(offer)).headers:
        return None
    usual = _cost(offer.model.price, request)
    return offer, first.cost * _cost(offer.model.batch, request) / usual if usual else 0.0


def _cheaply(request: Request) -> Request:
    return request if request.strategy else replace(request, strategy="cost")


def _cost(price: Price, request: Request) -> float:
    """USD of an answer of an ordinary length: only the ratio of two prices counts."""
    return price.cost(Usage(input=request.input_tokens or 1, output=400))


def _too_dear(run: Run, expected: float) -> bool:
    """Whether today's budget does not hold all of it: line by line, it can at least be spent."""
    router = run.around.router
    line = run.index.line(next(run.pending()))
    budget = router.plan(parsed(line, run.batch.id, run.batch.headers)).wish.bounds.daily_usd
    return bool(budget) and router.ledger.view().spent_today + expected > budget


def _requests(run: Run, chosen: Chosen) -> Iterator[bytes]:
    """The lines as the provider takes them: its models' names, and names of ours that lead back."""
    for number, place in chosen.places.items():
        line = run.index.line(number)
        offer = chosen.offers[chosen.models[place]]
        request = parsed(line, run.batch.id, run.batch.headers)
        call = codec.find(ENDPOINTS[line.url]).call(request, offer.model, _quirks(offer))
        body = msgspec.Raw(call.body.replace(b"\r", b" ").replace(b"\n", b" "))
        sent = {"custom_id": f"{number}-{place}", "method": "POST", "url": line.url, "body": body}
        yield msgspec.json.encode(sent) + b"\n"


def _quirks(offer: Offer) -> Quirks:
    return offer.model.quirks or offer.provider.quirks


# What came of it.


async def _take(run: Run, provider: Provider, elsewhere: Elsewhere, came: AsyncIterator[Came]) -> None:
    """Makes results durable as they come, and writes those that are new into the ledger."""
    held: list[tuple[Result, Outcome | None]] = []
    async for one in came:
        found = _result(run, provider, elsewhere, one)
        if found is not None:
            held.append(found)
        if len(held) >= AT_ONCE:
            await _keep(run, held)
            held = []
    await _keep(run, held)


async def _keep(run: Run, held: list[tuple[Result, Outcome | None]]) -> None:
    fresh = {result.number for result in await run.keep([result for result, _ in held])}
    for result, outcome in held:
        if outcome is not None and result.number in fresh:
            fresh.discard(result.number)
            run.around.router.ledger.record(outcome)


def _result(run: Run, provider: Provider, elsewhere: Elsewhere, came: Came) -> tuple[Result, Outcome | None] | None:
    """A line's result and its outcome; None for a name that is none of ours, or a line that has no time left."""
    named = _NAME.fullmatch(came.key)
    if named is None or int(named[1]) >= len(run.index):
        return None
    at, place = int(named[1]), int(named[2])
    line = run.index.line(at)
    if not came.status:
        stopped = came.code in ("batch_expired", "batch_cancelled")
        return None if stopped else (unrun(line, at, came.code, came.message), None)
    key = elsewhere.models[place] if place < len(elsewhere.models) else ""
    model = next((model for model in provider.models if model.key == key), None)
    ident, usage = new_id(), _usage(line, model, provider, came) if model is not None else Usage(estimated=True)
    result = answered(line, at, came.status, ident, came.body, usage)
    return result, _outcome(run, line, ident, key, provider, model, usage) if result.good else None


def _usage(line: Line, model: Model, provider: Provider, came: Came) -> Usage:
    decoder = codec.find(ENDPOINTS[line.url]).decoder(model, model.quirks or provider.quirks)
    usage = Usage(estimated=True)
    for event in decoder.whole(came.body):
        match event:
            case UsageSeen() | Started(usage=Usage()):
                usage = event.usage or usage
            case Failed():
                break
            case _:
                pass
    return usage


def _outcome(
    run: Run, line: Line, ident: str, key: str, provider: Provider, model: Model | None, usage: Usage
) -> Outcome:
    """What the ledger keeps of a line that a provider's batch answered."""
    batch, now = run.batch, run.around.clock()
    price = None if model is None or provider.simulated else model.batch
    reason = f"answered in the provider's own batch {batch.elsewhere.batch if batch.elsewhere else ''}"
    decision = Decision(ident, "cost", (Candidate(key, ENDPOINTS[line.url], 0.0, 0.0, 0.0),), (), (reason,))
    request = parsed(line, batch.id, batch.headers)
    return Outcome(
        ident, now, BACKGROUND, request.wire, request.purpose, "ok", decision, model=key, usage=usage,
        cost=price.cost(usage) if price is not None else 0.0, seconds=max(0.0, now - batch.in_progress_at),
        workflow=request.workflow,
    )  # fmt: skip
