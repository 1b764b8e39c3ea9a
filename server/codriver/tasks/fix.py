"""Fix: a place with complaints (of a compiler, linter, reviewer) in, one checked replacement out."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING

from codriver.config import Settings
from codriver.errors import reject
from codriver.model.request import Purpose, Request, Snapshot
from codriver.syntax.analysis import Buffer
from codriver.tasks import alongside, edits, gate, prompts
from codriver.tasks.asking import FRONT, Asking, silent
from codriver.tasks.refactor import LONGEST, Rewrite, rewrite, summary, within
from codriver.tasks.region import Region, region

if TYPE_CHECKING:
    from codriver.analyst import Analyst
    from codriver.router import Router

NOTHING = "There is nothing to fix here."
AROUND = 3
"""Lines around a place in no function that may be changed."""
MOST = 10
"""Complaints that are told at once."""


async def fix(
    router: Router,
    analyst: Analyst,
    snapshot: Snapshot,
    complaints: Sequence[str],
    *,
    notify: Callable[[str], None] = silent,
    settings: Settings | None = None,
    front: str = FRONT,
) -> Rewrite:
    """Repairs what is complained about at the selection or cursor, in the function around it or a few lines.

    Raises RequestRejected when nothing is complained about or there is nothing to repair, Unroutable and
    UpstreamFailed as the router does; the latter also when no model gave an edit that may be applied.
    """
    settings = settings or Settings()
    gate.admit(snapshot, settings.privacy.never, settings.refactor.max_bytes, "fix")
    told = [" ".join(text.split()) for text in complaints if text.strip()][:MOST]
    if not told:
        raise reject("There is nothing to fix: nobody complains about this place.")
    buffer = await analyst.read(snapshot)
    place = within(_place(snapshot, buffer), NOTHING)
    others = alongside.files(analyst, snapshot, buffer, place.start, settings.privacy.never)
    words = place.words(analyst.features(Request("", Purpose.FIX, code=place.marked)))
    listed = "\n".join(f"- {text}" for text in told)
    talk = prompts.load("fix").filled(
        **words, others=alongside.told(others), fence=prompts.fence(*words.values()), tag=words["language"],
        complaints=listed,
    )  # fmt: skip
    asking = Asking(router, settings.refactor.deadline, notify, front)
    notify(f"Repairing lines {place.lines}")
    request = asking.request(Purpose.FIX, talk, code=place.marked, tail=(listed,))
    reply, by = await asking.held(request, lambda text: judged(text, place, listed).why)
    return rewrite(place, judged(reply, place, listed), by, summary(reply) or f"Fix: {told[0]}")


def judged(reply: str, place: Region, complaints: str) -> edits.Judged:
    """The repair a reply makes. Where the code did not parse, it has to parse better afterwards."""
    done = edits.judged(reply, place, complaints)
    if done.why or not _broken(place):
        return done
    before, after = place.buffer.errors_with(done.text.encode("utf-8", "replace"), place.start, place.end)
    return done if after < before else edits.Judged(why="does not repair the syntax")


def _broken(place: Region) -> bool:
    """Whether the code itself cannot be read: in its place, and alone. What is wrong around it, or was only cut badly
    by the window that was read, is none of its business."""
    if not place.buffer.errors(place.start, place.end):
        return False
    return Buffer(place.code, language_id=place.snapshot.language_id).errors() > 0


def _place(snapshot: Snapshot, buffer: Buffer) -> Region | None:
    """The function around the complaint, else its lines and a few around."""
    text = snapshot.text
    start, end = snapshot.selection or (snapshot.cursor or 0, snapshot.cursor or 0)
    inside = buffer.function_at((start, end)) or buffer.function_at(start)
    if inside is not None and inside.end_byte - inside.start_byte <= LONGEST:
        return region(snapshot, buffer, (min(inside.start_byte, start), max(inside.end_byte, end)))
    for _ in range(AROUND + 1):
        start = text.rfind(b"\n", 0, max(start - 1, 0)) + 1 if start else 0
        found = text.find(b"\n", min(end + 1, len(text)))
        end = found if found >= 0 else len(text)
    return region(snapshot, buffer, (start, end))
