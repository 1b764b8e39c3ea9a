"""Who is tried after a failure, when the last one is tried again, and how long an answer is held for that."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from codriver.errors import Failure, Kind
from codriver.model.decision import Candidate
from codriver.model.events import Event, Finished, TextDelta, ToolStart
from codriver.model.request import Purpose, Request
from codriver.routing.eligibility import Offer

HOLD_THINKING, HOLD_CALLS = 3.0, 60.0
"""Seconds after the first content for which an answer that thinks, or that calls tools, is held."""

AGENTS_PROMPT = 1_000
"""Tokens of prompt from which stop sequences tell of an agent whose calls stand in its text."""

PATIENT = 5.0
"""Seconds a model may ask to be left in peace and still be asked again, when it is the last one."""

PASSING = frozenset({Kind.BROKEN, Kind.TRANSIENT, Kind.OVERLOADED, Kind.RATE_LIMITED})
"""Troubles that are often over at once."""


def remaining(
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


def wait(request: Request, failure: Failure) -> float | None:
    """Seconds after which the last candidate may be asked once more; None when that is in vain.

    Nobody at a keyboard waits for it, and a limit that names no time is not tried against.
    """
    if failure.kind not in PASSING or request.purpose is Purpose.COMPLETE:
        return None
    if failure.retry_after is None:
        return None if failure.kind is Kind.RATE_LIMITED else 0.0
    return failure.retry_after if failure.retry_after <= PATIENT else None


@dataclass(slots=True)
class Hold:
    """Whether what came so far may still be kept back, so that an answer which breaks is asked for again unseen.

    A caller with tools can do nothing with half a call, and at best shows thinking: both are held
    for a while. So is the text of an agent that reads its calls out of it. All other text, and every
    other answer to a caller without tools, goes out at once.
    """

    request: Request
    calling: bool = False

    @property
    def brief(self) -> bool:
        """Whether the first words end it."""
        return self.request.needs.tools or not _scripted(self.request)

    def over(self, events: Iterable[Event], seconds: float) -> bool:
        """Takes what a read brought, so many seconds after the first content."""
        if not self.request.needs.tools:
            ended = seconds > HOLD_THINKING or not _scripted(self.request)
            return ended or any(isinstance(event, Finished) for event in events)
        for event in events:
            if isinstance(event, Finished) or (isinstance(event, TextDelta) and event.text.strip()):
                return True
            self.calling = self.calling or isinstance(event, ToolStart)
        return seconds > (HOLD_CALLS if self.calling else HOLD_THINKING)


def _scripted(request: Request) -> bool:
    """Whether a program reads the text: it was told at length how to write it, and ends at stop sequences."""
    wanted = request.limits.stop and request.input_tokens >= AGENTS_PROMPT
    return bool(wanted) and request.fim is None and request.purpose is not Purpose.COMPLETE
