"""The strategy fuse: several models answer whole, then one answer is taken or made of them.

Sound ones that mean the same need no judge; else one is asked and its answer streams to the caller. Who fails is left
out, calls of tools are never merged, and everybody who was asked stands in the one outcome.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from codriver.errors import Failure, Kind, UpstreamFailed
from codriver.model.decision import Candidate
from codriver.model.events import Reply
from codriver.model.request import Purpose, Request
from codriver.router import agreement
from codriver.router.asking import Asked
from codriver.routing.eligibility import Offer, wire_for

if TYPE_CHECKING:
    from codriver.router.bending import Plan

NAME = "fuse"
LEAST_PATIENCE = 2.0
"""Seconds the slower ones get at least, once two have answered; else as long again as those took."""


@dataclass(frozen=True, slots=True)
class Limits:
    """k: how many answer. judge: a model's key; "" is a local one, else the best candidate."""

    k: int = 3
    judge: str = ""


@dataclass(frozen=True, slots=True)
class Hands:
    """What a stream lends: to ask somebody, to begin that call, and what to do with who failed, was left or is not
    shown; a sentence for the reasons; the caller's verdict on a reply."""

    ask: Callable[[Request, Candidate, Offer], Asked]
    begin: Callable[[Asked], Awaitable[None]]
    failed: Callable[[Asked, Failure], Awaitable[None]]
    lost: Callable[[Asked, str], Awaitable[None]]
    aside: Callable[[Asked], Awaitable[None]]
    reasoned: Callable[[str], None]
    verdict: Callable[[Reply], str]


@dataclass(frozen=True, slots=True)
class _Answer:
    asked: Asked
    reply: Reply


def panel(request: Request, candidates: Sequence[Candidate], plan: Plan, limits: Limits) -> list[Candidate]:
    """Who answers: the first k that are different models; nobody where a request is not to be fused."""
    if request.needs.embed or request.needs.same_wire or request.fim is not None or request.purpose is Purpose.COMPLETE:
        return []
    found: dict[str, Candidate] = {}
    for candidate in candidates:
        # The same model at several providers would only agree with itself.
        name = plan.by_key[candidate.model].model.upstream_id.rpartition("/")[2].casefold()
        found.setdefault(name, candidate)
    chosen = list(found.values())[: limits.k]
    return chosen if len(chosen) > 1 else []


async def fused(
    request: Request,
    chosen: Sequence[Candidate],
    candidates: Sequence[Candidate],
    plan: Plan,
    limits: Limits,
    hands: Hands,
) -> Asked | None:
    """Whose answer is shown, already begun; None when all of them failed. The others are put aside."""
    answers: list[_Answer] = []
    try:
        await _gather(request, chosen, plan, hands, answers)
        shown = await _chosen(request, answers, candidates, plan, limits, hands) if answers else None
    except BaseException:  # also when cancelled: nobody is left asked
        await _aside(None, answers, hands)
        raise
    await _aside(shown, answers, hands)
    return shown


async def _chosen(
    request: Request,
    answers: Sequence[_Answer],
    candidates: Sequence[Candidate],
    plan: Plan,
    limits: Limits,
    hands: Hands,
) -> Asked:
    """Whose answer is shown: one that most agree with, a judge's, or the best candidate's."""
    replies = [answer.reply for answer in answers]
    alike, calling = agreement.of_one_kind(replies)
    own = [answers[number] for number in alike]
    taken = agreement.agreed([answer.reply for answer in own])
    names = ", ".join(answer.asked.candidate.model for answer in answers)
    if taken is not None or calling or len(own) == 1:
        best = own[taken or 0]
        how = "most agree" if taken is not None else "the best of them calls tools" if calling else "the only one left"
        hands.reasoned(f"fuse: {names} answered; {best.asked.candidate.model} is taken: {how}")
        return best.asked
    judged = await _judged(request, [answer.reply for answer in own], candidates, plan, limits, hands, names)
    return judged or own[0].asked


async def _aside(shown: Asked | None, answers: Sequence[_Answer], hands: Hands) -> None:
    for answer in answers:
        if answer.asked is not shown:
            await hands.aside(answer.asked)


async def _gather(
    request: Request, chosen: Sequence[Candidate], plan: Plan, hands: Hands, answers: list[_Answer]
) -> None:
    """Puts in the sound answers, in the order of the candidates. The slower ones are left when most agree, or when
    they take too long."""
    tasks: dict[asyncio.Future[Reply], Asked] = {}
    loop = asyncio.get_running_loop()
    began, until = loop.time(), None
    try:
        for candidate in chosen:
            asked = hands.ask(request, candidate, plan.by_key[candidate.model])
            tasks[asyncio.ensure_future(_whole(asked, hands))] = asked
        while tasks:
            rest = None if until is None else max(0.0, until - loop.time())
            done, _ = await asyncio.wait(tasks, timeout=rest, return_when=asyncio.FIRST_COMPLETED)
            if not done:
                break
            for task in done:
                answer = await _answer(request, tasks.pop(task), task, hands)
                answers += [answer] if answer is not None else []
            if until is None and len(answers) > 1:
                until = loop.time() + max(LEAST_PATIENCE, loop.time() - began)
            taken = agreement.agreed([answer.reply for answer in answers])
            if taken is not None and _votes(answers, taken) * 2 > len(chosen):
                break
    finally:
        await _leave(tasks, hands, "the others had answered" if answers else "nobody waited for it any more")
    order = {candidate.model: number for number, candidate in enumerate(chosen)}
    answers.sort(key=lambda answer: order[answer.asked.candidate.model])


def _votes(answers: Sequence[_Answer], taken: int) -> int:
    meant = agreement.meaning(answers[taken].reply)
    return sum(agreement.meaning(answer.reply) == meant for answer in answers)


async def _leave(tasks: dict[asyncio.Future[Reply], Asked], hands: Hands, why: str) -> None:
    for task in tasks:
        task.cancel()
    await asyncio.gather(*tasks, return_exceptions=True)
    for asked in tasks.values():
        await hands.lost(asked, why)


async def _whole(asked: Asked, hands: Hands) -> Reply:
    await hands.begin(asked)
    return await asked.gather()


async def _answer(request: Request, asked: Asked, task: asyncio.Future[Reply], hands: Hands) -> _Answer | None:
    """A whole answer that is sound; else it failed, and that is written down."""
    try:
        reply = task.result()
    except UpstreamFailed as error:
        await hands.failed(asked, error.failure.at(asked.offer.provider.name, asked.offer.model.id))
        return None
    wrong = agreement.unsound(request, reply) or hands.verdict(reply)
    if not wrong:
        return _Answer(asked, reply)
    text = f"the reply did not pass its check: {wrong}"
    await hands.failed(asked, Failure(Kind.UNFIT, text).at(asked.offer.provider.name, asked.offer.model.id))
    return None


async def _judged(
    request: Request,
    replies: Sequence[Reply],
    candidates: Sequence[Candidate],
    plan: Plan,
    limits: Limits,
    hands: Hands,
    names: str,
) -> Asked | None:
    """A judge's own answer, from its first content on; None when there is no judge, or it failed."""
    question = agreement.judging(request, replies)
    judge = _judge(question, candidates, plan, limits)
    if judge is None:
        hands.reasoned(f"fuse: {names} answered and no judge can read them all: the best candidate's is taken")
        return None
    asked = hands.ask(question, judge, plan.by_key[judge.model])
    try:
        await hands.begin(asked)
        if wrong := hands.verdict(await asked.gather()) if hands.verdict is not passed else await _reached(asked):
            raise UpstreamFailed(Failure(Kind.UNFIT, f"the judge's reply did not pass its check: {wrong}"))
    except UpstreamFailed as error:
        await hands.failed(asked, error.failure.at(asked.offer.provider.name, asked.offer.model.id))
        hands.reasoned(f"fuse: {names} answered, the judge {judge.model} failed: the best candidate's is taken")
        return None
    except BaseException:  # also when cancelled: what was asked is in the books
        await hands.lost(asked, "nobody waited for it any more")
        raise
    hands.reasoned(f"fuse: {names} answered differently; {judge.model} made one answer of them")
    return asked


async def _reached(asked: Asked) -> str:
    await asked.reach()
    return ""


def passed(reply: Reply) -> str:
    """The verdict of a caller who has none."""
    return ""


def _judge(question: Request, candidates: Sequence[Candidate], plan: Plan, limits: Limits) -> Candidate | None:
    """The configured one, else a local one, else the best, of those that can read all proposals."""

    def able(candidate: Candidate) -> bool:
        offer = plan.by_key[candidate.model]
        room = offer.model.window - offer.model.max_output // 4
        return bool(wire_for(question, offer)) and question.input_tokens < room

    able_ones = [candidate for candidate in candidates if able(candidate)]
    found = [c for c in able_ones if c.model == limits.judge] if limits.judge else []
    found = found or [c for c in able_ones if plan.by_key[c.model].provider.local and not limits.judge]
    best = found or sorted(able_ones, key=lambda c: -c.quality)
    return best[0] if best else None
