"""Refactor: a region and a wish in, one checked replacement out.

The whole reply is held: one that is cut, elided, does not parse in place or changes a signature
unasked never reaches the editor; the router then tries the next, stronger candidate.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from codriver.config import Settings
from codriver.errors import reject
from codriver.model.events import Reply
from codriver.model.ids import new_id
from codriver.model.request import Conversation, Purpose, Request, Snapshot
from codriver.tasks import alongside, context, edits, gate, prompts
from codriver.tasks.region import Region, around, chosen
from codriver.verify import verdict

if TYPE_CHECKING:
    from codriver.analyst import Analyst
    from codriver.model.features import Features
    from codriver.router import Router

FRONT = "lsp"
DEFAULT = "Make this clearer and simpler without changing what it does."
LONGEST = 60_000
"""Bytes rewritten at once: about 20,000 tokens, all of which a model has to write again."""
NOTHING = "There is nothing to refactor: select some code, or place the cursor inside a function."


@dataclass(frozen=True, slots=True)
class Rewrite:
    """The new text of the bytes [start, end). cost in USD; summary: one line for people; decision: the outcome's id."""

    start: int
    end: int
    text: str
    model: str
    simulated: bool
    cost: float
    decision: str
    summary: str


async def refactor(
    router: Router,
    analyst: Analyst,
    snapshot: Snapshot,
    instruction: str,
    *,
    owner: int = 0,
    notify: Callable[[str], None] = lambda text: None,
    settings: Settings | None = None,
) -> Rewrite:
    """Rewrites the selection, or the function around the cursor, as instructed.

    Raises RequestRejected when there is nothing to refactor, Unroutable and UpstreamFailed as the
    router does; the latter also when no model gave an edit that may be applied.
    """
    settings = settings or Settings()
    gate.admit(snapshot, settings.privacy.never, settings.refactor.max_bytes, "refactor")
    buffer = analyst.buffer(snapshot)
    region = chosen(snapshot, buffer) or around(snapshot, buffer)
    if region is None:
        raise reject(NOTHING)
    if len(region.code) > LONGEST:
        raise reject(
            f"This is too much to rewrite at once ({len(region.code):,} bytes): select up to {LONGEST:,} bytes."
        )
    wish = instruction.strip() or DEFAULT
    others = alongside.files(analyst, snapshot, buffer, region.start, settings.privacy.never)
    request = _request(analyst, region, wish, settings.refactor.deadline, others)

    def check(reply: Reply) -> str:
        why = verdict(request, reply) or edits.judged(reply.text, region, wish).why
        if why:
            notify(f"An answer was not good enough ({why}).")
        return why

    notify(f"Rewriting lines {region.lines}")
    async with router.open(request, front=FRONT, check=check) as stream:
        reply = await stream.reply()
        notify(f"{stream.model.key} answered (${stream.cost:.4f})")
        text = edits.judged(reply.text, region, wish).text
        return Rewrite(
            region.start,
            region.end,
            text,
            stream.model.key,
            stream.simulated,
            stream.cost,
            stream.id,
            summary(reply.text) or wish,
        )


def _request(analyst: Analyst, region: Region, wish: str, deadline: float, others: Sequence[alongside.File]) -> Request:
    request = Request(new_id(), Purpose.REFACTOR, tail=(wish,), code=region.marked, deadline=deadline)
    talk = _talk(region, wish, analyst.features(request), alongside.told(others))
    return replace(request, unfold=lambda: talk, input_tokens=context.tokens(prompts.size(talk)))


def _talk(region: Region, wish: str, features: Features, others: str) -> Conversation:
    words = region.words(features)
    mark = prompts.fence(words["code"], words["above"], words["below"])
    return prompts.load("refactor").filled(
        **words, others=others, fence=mark, tag=region.buffer.language_id, instruction=wish
    )


def summary(reply: str) -> str:
    """The reply's own line on what it did, or ""."""
    outside, inside = "", False
    for line in reply.splitlines():
        if line.lstrip().startswith(("```", "~~~")):
            inside = not inside
        elif not inside and line.strip().lower().startswith("summary:"):
            outside = line.strip()[len("summary:") :].strip(" *_")
    return outside[:200]
