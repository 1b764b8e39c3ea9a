"""Refactor: a region and a wish in, one checked replacement out.

The whole reply is held: one that is cut, elided, does not parse in place or changes a signature
unasked never reaches the editor; the router then tries the next, stronger candidate.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING

from codriver.config import Settings
from codriver.errors import reject
from codriver.model.request import Conversation, Purpose, Request, Snapshot
from codriver.tasks import alongside, edits, gate, prompts
from codriver.tasks.asking import FRONT, Answered, Asking, silent
from codriver.tasks.merging import Patch
from codriver.tasks.region import Region, around, chosen

if TYPE_CHECKING:
    from codriver.analyst import Analyst
    from codriver.model.features import Features
    from codriver.router import Router

DEFAULT = "Make this clearer and simpler without changing what it does."
LONGEST = 60_000
"""Bytes rewritten at once: about 20,000 tokens, all of which a model has to write again."""
NOTHING = "There is nothing to refactor: select some code, or place the cursor inside a function."


@dataclass(frozen=True, slots=True)
class Rewrite:
    """The new text of the bytes [start, end). cost in USD; summary: one line for people; decision: the outcome's id.

    also: what else the edit needs in the same text, such as an import at its head.
    """

    start: int
    end: int
    text: str
    model: str
    simulated: bool
    cost: float
    decision: str
    summary: str
    also: tuple[Patch, ...] = ()

    @property
    def patches(self) -> tuple[Patch, ...]:
        """All of it."""
        return (Patch(self.start, self.end, self.text), *self.also)


def rewrite(region: Region, judged: edits.Judged, by: Answered, told: str) -> Rewrite:
    """A judged edit of a region and who made it."""
    who = (by.model, by.simulated, by.cost, by.decision)
    return Rewrite(region.start, region.end, judged.text, *who, told, judged.imports)


async def refactor(
    router: Router,
    analyst: Analyst,
    snapshot: Snapshot,
    instruction: str,
    *,
    notify: Callable[[str], None] = silent,
    settings: Settings | None = None,
    front: str = FRONT,
) -> Rewrite:
    """Rewrites the selection, or the function around the cursor, as instructed.

    Raises RequestRejected when there is nothing to refactor, Unroutable and UpstreamFailed as the
    router does; the latter also when no model gave an edit that may be applied.
    """
    settings = settings or Settings()
    gate.admit(snapshot, settings.privacy.never, settings.refactor.max_bytes, "refactor")
    buffer = await analyst.read(snapshot)
    region = within(chosen(snapshot, buffer) or around(snapshot, buffer), NOTHING)
    wish = instruction.strip() or DEFAULT
    others = alongside.files(analyst, snapshot, buffer, region.start, settings.privacy.never)
    asking = Asking(router, settings.refactor.deadline, notify, front)
    request = Request("", Purpose.REFACTOR, tail=(wish,), code=region.marked)
    talk = _talk(region, wish, analyst.features(request), alongside.told(others))
    notify(f"Rewriting lines {region.lines}")
    request = asking.request(Purpose.REFACTOR, talk, code=region.marked, tail=(wish,))
    reply, by = await asking.held(request, lambda text: edits.judged(text, region, wish).why)
    return rewrite(region, edits.judged(reply, region, wish), by, summary(reply) or wish)


def within(region: Region | None, nothing: str) -> Region:
    """The region, where there is one that can be written again. Raises RequestRejected."""
    if region is None:
        raise reject(nothing)
    if len(region.code) > LONGEST:
        raise reject(
            f"This is too much to rewrite at once ({len(region.code):,} bytes): select up to {LONGEST:,} bytes."
        )
    return region


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
