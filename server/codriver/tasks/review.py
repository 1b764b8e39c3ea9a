"""Review: code in, findings with exact ranges out. A finding whose quoted lines are not there is dropped."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from codriver.config import Settings
from codriver.errors import reject
from codriver.model.events import Reply
from codriver.model.ids import new_id
from codriver.model.request import Conversation, Purpose, Request, Snapshot
from codriver.tasks import alongside, context, findings, gate, prompts
from codriver.tasks.findings import Finding
from codriver.tasks.region import Region, chosen, region
from codriver.verify import verdict

if TYPE_CHECKING:
    from codriver.analyst import Analyst
    from codriver.model.features import Features
    from codriver.router import Router

FRONT = "lsp"
LONGEST = 120_000
"""Bytes reviewed at once: about 40,000 tokens."""


@dataclass(frozen=True, slots=True)
class Findings:
    """What a review found in the bytes [start, end), gravest first.

    dropped: how many were about lines that are not there, or said nothing. cost in USD.
    """

    items: tuple[Finding, ...]
    start: int
    end: int
    model: str
    simulated: bool
    cost: float
    decision: str
    dropped: int = 0


async def review(
    router: Router,
    analyst: Analyst,
    snapshot: Snapshot,
    *,
    owner: int = 0,
    notify: Callable[[str], None] = lambda text: None,
    settings: Settings | None = None,
) -> Findings:
    """Reviews the selection, or the whole file.

    Raises RequestRejected when there is nothing to review or too much, Unroutable and UpstreamFailed
    as the router does; the latter also when no model answered with readable findings.
    """
    settings = settings or Settings()
    gate.admit(snapshot, settings.privacy.never, settings.review.max_bytes, "review")
    buffer = analyst.buffer(snapshot)
    piece = chosen(snapshot, buffer) or region(snapshot, buffer, (0, len(snapshot.text)))
    if piece is None:
        raise reject("There is nothing to review: the file is empty.")
    if len(piece.code) > LONGEST:
        raise reject(f"This is too much to review at once ({len(piece.code):,} bytes): select up to {LONGEST:,} bytes.")
    most = settings.review.max_findings
    others = alongside.files(analyst, snapshot, buffer, piece.start, settings.privacy.never)
    request = _request(analyst, piece, most, settings.review.deadline, others)

    def check(reply: Reply) -> str:
        why = verdict(request, reply) or ("" if findings.told(reply.text) is not None else "no findings in JSON")
        if why:
            notify(f"An answer was not good enough ({why}).")
        return why

    notify(f"Reviewing lines {piece.lines}")
    async with router.open(request, front=FRONT, check=check) as stream:
        reply = await stream.reply()
        told = findings.told(reply.text) or []
        found = findings.located(told, piece)
        notify(f"{stream.model.key} found {len(found)} (${stream.cost:.4f})")
        return Findings(
            tuple(found[:most]),
            piece.start,
            piece.end,
            stream.model.key,
            stream.simulated,
            stream.cost,
            stream.id,
            len(told) - len(found),
        )


def _request(analyst: Analyst, piece: Region, most: int, deadline: float, others: Sequence[alongside.File]) -> Request:
    request = Request(new_id(), Purpose.REVIEW, code=piece.marked, deadline=deadline)
    talk = _talk(piece, most, analyst.features(request), alongside.told(others))
    return replace(request, unfold=lambda: talk, input_tokens=context.tokens(prompts.size(talk)))


def _talk(piece: Region, most: int, features: Features, others: str) -> Conversation:
    words = piece.words(features)
    mark = prompts.fence(words["code"], words["above"], words["below"])
    return prompts.load("review").filled(**words, others=others, fence=mark, most=str(most))
