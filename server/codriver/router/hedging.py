"""Hedging: where the first is slower than nineteen of twenty of its own answers, a second provider is asked too.

Who brings content first is shown; the other one's connection is closed at once. Both are billed, so it happens to a
small share of requests only, and never where nobody waits.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from codriver.errors import Failure, UpstreamFailed
from codriver.model.decision import Candidate, Decision, Latency
from codriver.model.provider import Model
from codriver.model.request import Request
from codriver.router.asking import Asked

if TYPE_CHECKING:
    from codriver.router.bending import Plan

ENOUGH = 20
"""Answers seen before their 95th percentile counts."""

USUAL_TAIL = 3.0
"""Times the catalog's time to the first token after which an answer is late, before enough were seen."""

SOONEST = 0.05
"""Seconds to wait at least: below that, two requests are no faster than one."""

SAVED = 5.0
"""Hedged requests that a quiet time can save up at most."""


@dataclass(frozen=True, slots=True)
class Limits:
    """strategies: whose requests are hedged. share: of those, the most that may be; 0 turns it off."""

    strategies: tuple[str, ...] = ("speed",)
    share: float = 0.05


@dataclass(frozen=True, slots=True)
class Spare:
    """Who is asked too, after how many seconds, and the sentence for that."""

    candidate: Candidate
    after: float
    reason: str


class Hedging:
    """Keeps hedged requests within their share. latency: what was measured, by model, live."""

    def __init__(self, limits: Callable[[], Limits], latency: Callable[[], dict[str, Latency]]) -> None:
        self._limits, self._latency = limits, latency
        self._saved = 0.0

    def spare(
        self, request: Request, decision: Decision, asked: Asked, queue: Sequence[Candidate], plan: Plan, front: str
    ) -> Spare | None:
        """Who may be asked beside `asked`; None for nearly all requests, at once."""
        limits = self._limits()
        if decision.strategy not in limits.strategies or not (queue and limits.share) or plan.step:
            return None
        # A whole answer's first byte comes with its last: that it is late says nothing.
        if front == "batch" or request.priority == "background" or not request.stream:
            return None
        self._saved = min(SAVED, self._saved + limits.share)
        if self._saved < 1.0:
            return None
        provider = asked.offer.provider.name
        other = next((c for c in queue if plan.by_key[c.model].provider.name != provider), None)
        if other is None:
            return None
        after = late(asked.offer.model, self._latency().get(asked.candidate.model))
        name = asked.candidate.model
        text = f"{name} said nothing for {after:.2f} s, as in one of twenty answers: {other.model} is asked too"
        return Spare(other, after, text)

    def used(self) -> None:
        """A second one was asked."""
        self._saved -= 1.0


def late(model: Model, seen: Latency | None) -> float:
    """Seconds after which 19 of 20 of a model's answers have begun: measured, else supposed."""
    if seen is not None and seen.n >= ENOUGH and seen.p95:
        return max(SOONEST, seen.p95)
    return max(SOONEST, USUAL_TAIL * model.first_token)


async def race(
    one: Asked,
    second: Callable[[], Asked],
    after: float,
    *,
    run: Callable[[Asked], Awaitable[None]],
    failed: Callable[[Asked, Failure], Awaitable[None]],
    lost: Callable[[Asked, str], Awaitable[None]],
    last: Callable[[Asked], None],
) -> Asked:
    """Whoever's `run` ends well first. The second one starts after so many seconds; not if the first ended by then.

    failed: told of who failed while the other still runs, which `last` is told of; when both did, the last one's
    UpstreamFailed is raised. lost: told of who was cancelled. Cancelling this cancels both.
    """
    tasks: dict[asyncio.Future[None], Asked] = {asyncio.ensure_future(run(one)): one}
    winner: Asked | None = None
    try:
        done, _ = await asyncio.wait(tasks, timeout=after)
        if not done:
            other = second()
            tasks[asyncio.ensure_future(run(other))] = other
        while winner is None:
            done, _ = await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
            for task in done:
                if task.exception() is not None and not isinstance(task.exception(), UpstreamFailed):
                    task.result()
            good = [task for task in done if task.exception() is None]
            if good:
                winner = tasks.pop(good[0])
                break
            for task in done:
                if len(tasks) == 1:
                    last(tasks.pop(task))
                    task.result()
                await _failed(tasks.pop(task), task, failed)
            last(next(iter(tasks.values())))
        return winner
    finally:
        await _cancel(tasks, winner, one, lost)


async def _failed(
    asked: Asked, task: asyncio.Future[None], failed: Callable[[Asked, Failure], Awaitable[None]]
) -> None:
    error = task.exception()
    assert isinstance(error, UpstreamFailed), "who runs a call only fails by what is upstream"
    await failed(asked, error.failure.at(asked.offer.provider.name, asked.offer.model.id))


async def _cancel(
    tasks: dict[asyncio.Future[None], Asked],
    winner: Asked | None,
    one: Asked,
    lost: Callable[[Asked, str], Awaitable[None]],
) -> None:
    """Ends who still runs; where nobody won, the one that is shown is ended by whoever closes the stream."""
    for task in tasks:
        task.cancel()
    await asyncio.gather(*tasks, return_exceptions=True)
    left = list(tasks.values())
    if winner is not None:
        for asked in left:
            await lost(asked, f"{winner.candidate.model} answered first")
    elif one in left:
        for asked in left[1:]:
            await lost(asked, "nobody waited for it any more")
