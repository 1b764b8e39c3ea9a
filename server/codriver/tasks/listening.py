"""Listening to models for a completion: the stream is judged while it comes, and closed as soon as it is enough.

A completion is done long before the model is, and closing the stream saves the time and the tokens. What does not parse
in place is followed by the next stronger candidate of the same decision, once, if it can still be in time.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from dataclasses import replace
from typing import TYPE_CHECKING

from codriver.errors import CodriverError
from codriver.model.decision import Candidate, Decision
from codriver.model.events import Finish, Finished, TextDelta
from codriver.model.ids import new_id
from codriver.model.request import Request
from codriver.model.value import value
from codriver.tasks import trim
from codriver.tasks.suggestion import Site, Suggestion

if TYPE_CHECKING:
    from codriver.router import Router

FRONT = "lsp"

CURSOR, BROKEN = "<|cursor|>", "< |cursor|>"
"""The chat prompt's mark, and how a buffer that has it says it: there must be one cursor only."""

DEAREST = 0.02
"""USD: a second opinion on one completion may be expected to cost no more."""

LIVELY = 0.8
"""Temperature of the alternatives: at zero they would all say the same."""

LOOKED = 200
"""Characters of a line without an end after which it is looked at for repeating itself."""

Clock = Callable[[], float]
Meanwhile = Callable[[], object]
"""What is done while an answer is on its way, once for each model asked, where there is such a moment."""


@value(frozen=True, slots=True)
class _Heard:
    """What a model said, as far as it was listened to."""

    text: str
    decision: Decision
    model: str
    simulated: bool


async def asked(
    router: Router, request: Request, there: Site, seconds: float, clock: Clock, meanwhile: Meanwhile = lambda: None
) -> Suggestion | None:
    """A model's suggestion that parses, or None. One bad answer is followed by one stronger model.

    Raises what router.open raises.
    """
    until = clock() + seconds
    for _ in range(2):
        heard = await _listened(router, request, there, until - clock(), meanwhile)
        if heard is None:
            return None
        fit = there.fit(heard.text)
        if fit:
            told = heard.decision.id
            return there.suggestion(fit, model=heard.model, decision=told, simulated=heard.simulated)
        if not there.adds(trim.tidy(heard.text, there.place)):
            return None  # nothing to add, or nothing new: no fault, and no other model asked
        router.learn(heard.decision.id, "verified-bad")
        stronger = _stronger(heard, until - clock())
        if stronger is None:
            return None
        request = replace(request, id=new_id(), model=stronger.model)
    return None


async def several(
    router: Router, request: Request, there: Site, seconds: float, clock: Clock, count: int
) -> list[Suggestion]:
    """Up to so many suggestions that differ, asked at the same time, the calmest first. Raises what `asked` raises.

    When one of them fails, the others are what there is.
    """
    lively = replace(request.limits, temperature=LIVELY)
    requests = [request, *(replace(request, id=new_id(), limits=lively) for _ in range(count - 1))]
    tasks = [asyncio.ensure_future(asked(router, one, there, seconds, clock)) for one in requests]
    try:
        found = await asyncio.gather(*tasks, return_exceptions=True)
    finally:
        for task in tasks:
            task.cancel()
    failed = [one for one in found if isinstance(one, BaseException)]
    told = list[Suggestion]()
    for one in found:
        if isinstance(one, Suggestion) and one.text not in [other.text for other in told]:
            told.append(one)
    if failed and (not told or not isinstance(failed[0], CodriverError)):
        raise failed[0]
    return told


async def _listened(
    router: Router, request: Request, there: Site, seconds: float, meanwhile: Meanwhile
) -> _Heard | None:
    """Listens until it is enough. None when the time is up."""

    def waiting(_: object) -> None:
        there.prepare()
        meanwhile()

    try:
        async with asyncio.timeout(seconds), router.open(request, front=FRONT, meanwhile=waiting) as stream:
            text, looked, finish = "", 0, None
            async for piece in stream:
                said = "".join(event.text for event in piece.events if isinstance(event, TextDelta))
                text += said
                finish = next((event.reason for event in piece.events if isinstance(event, Finished)), finish)
                if "\n" in said and trim.enough(text, there.place):
                    break
                if len(text) - looked >= LOOKED:
                    looked = len(text)
                    if trim.circling(text):
                        break
            text = text.replace(BROKEN, CURSOR)
            return _Heard(_unbroken(text, finish), stream.decision, stream.model.key, stream.simulated)
    except TimeoutError:
        return None


def _unbroken(text: str, finish: Finish | None) -> str:
    """Without the last line when the length limit broke it off."""
    return text[: text.rfind("\n") + 1] if finish is Finish.LENGTH else text


def _stronger(heard: _Heard, seconds: float) -> Candidate | None:
    """The next candidate expected to be better, in time and not dear."""
    candidates = heard.decision.candidates
    tried = next((c for c in candidates if c.model == heard.model), None)
    return next(
        (
            candidate
            for candidate in candidates
            if tried is not None
            and candidate.quality > tried.quality
            and candidate.latency <= seconds
            and candidate.cost <= DEAREST
        ),
        None,
    )
