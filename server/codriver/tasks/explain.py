"""Explain: code in, words about it out. Words that name nothing of the code are about something else, and refused."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING

from codriver.config import Settings
from codriver.errors import reject
from codriver.model.request import Purpose, Request, Snapshot
from codriver.tasks import alongside, gate, prompts
from codriver.tasks.asking import FRONT, Answered, Asking, silent
from codriver.tasks.region import Region, around, chosen, region

if TYPE_CHECKING:
    from codriver.analyst import Analyst
    from codriver.router import Router

LONGEST = 60_000
"""Bytes explained at once."""
WORDS = 300
QUESTION = "Explain this code."

_NAME = re.compile(r"[A-Za-z_]\w{2,}")
_SHORT = re.compile(r"[A-Za-z_]\w*")
"""A name where it is marked as one."""
_QUOTED = re.compile(r"`([^`\n]+)`")


@dataclass(frozen=True, slots=True)
class Explanation:
    """Words about the bytes [start, end), as Markdown."""

    text: str
    start: int
    end: int
    by: Answered


async def explain(
    router: Router,
    analyst: Analyst,
    snapshot: Snapshot,
    question: str = "",
    *,
    notify: Callable[[str], None] = silent,
    settings: Settings | None = None,
    front: str = FRONT,
) -> Explanation:
    """Explains the selection, else the function around the cursor, else the file.

    Raises RequestRejected when there is nothing or too much, Unroutable and UpstreamFailed as the router does.
    """
    settings = settings or Settings()
    gate.admit(snapshot, settings.privacy.never, settings.review.max_bytes, "explain")
    buffer = await analyst.read(snapshot)
    whole = (0, len(snapshot.text))
    place = chosen(snapshot, buffer) or around(snapshot, buffer) or region(snapshot, buffer, whole)
    if place is None:
        raise reject("There is nothing to explain: the file is empty.")
    if len(place.code) > LONGEST:
        raise reject(f"This is too much to explain at once ({len(place.code):,} bytes): select a part.")
    others = alongside.files(analyst, snapshot, buffer, place.start, settings.privacy.never)
    words = place.words(analyst.features(Request("", Purpose.EXPLAIN, code=place.marked)))
    asked = question.strip() or QUESTION
    talk = prompts.load("explain").filled(
        **words, others=alongside.told(others), fence=prompts.fence(*words.values()), tag=words["language"],
        question=asked, words=str(WORDS),
    )  # fmt: skip
    asking = Asking(router, settings.refactor.deadline, notify, front)
    notify(f"Explaining lines {place.lines}")
    request = asking.request(Purpose.EXPLAIN, talk, code=place.marked, tail=(asked,))
    reply, by = await asking.held(request, lambda text: judged(text, place))
    return Explanation(reply.strip(), place.start, place.end, by)


def judged(reply: str, place: Region) -> str:
    """Why a reply explains something else, or "": it names nothing of the code, or quotes mostly what is not there."""
    text = place.snapshot.text.decode("utf-8", "replace")
    here, marked = set(_SHORT.findall(place.code.decode("utf-8", "replace"))), "\n".join(_QUOTED.findall(reply))
    if here and not here & {*_NAME.findall(reply), *_SHORT.findall(marked)}:
        return "is about other code"
    quoted = set(_NAME.findall(marked))
    unknown = [name for name in quoted if re.search(rf"\b{re.escape(name)}\b", text) is None]
    if len(quoted) >= 4 and 2 * len(unknown) > len(quoted):
        return "speaks of names that are not there"
    return ""
