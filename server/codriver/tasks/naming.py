"""Names: an identifier in, better ones out. Each could stand there: it parses, and nothing else is called so."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING

from codriver.config import Settings
from codriver.errors import reject
from codriver.model.request import Purpose, Request, Snapshot
from codriver.tasks import findings, gate, prompts
from codriver.tasks.asking import FRONT, Answered, Asking, silent
from codriver.tasks.region import Region, around, region

if TYPE_CHECKING:
    from codriver.analyst import Analyst
    from codriver.router import Router

MOST = 5
NOTHING = "There is no name here: place the cursor on one."

_IDENTIFIER = re.compile(r"[^\W\d]\w*|[$@][^\W\d]\w*")
_WORD = re.compile(rb"[\w$\x80-\xff]*")


@dataclass(frozen=True, slots=True)
class Name:
    """A name and why it is better."""

    name: str
    why: str


@dataclass(frozen=True, slots=True)
class Names:
    """Names for the identifier at the bytes [start, end), the best first."""

    old: str
    start: int
    end: int
    items: tuple[Name, ...]
    by: Answered


async def names(
    router: Router,
    analyst: Analyst,
    snapshot: Snapshot,
    *,
    notify: Callable[[str], None] = silent,
    settings: Settings | None = None,
    front: str = FRONT,
) -> Names:
    """Better names for the identifier at the cursor.

    Raises RequestRejected when there is none, Unroutable and UpstreamFailed as the router does; the latter also when
    no model named one that could stand there.
    """
    settings = settings or Settings()
    gate.admit(snapshot, settings.privacy.never, settings.refactor.max_bytes, "name things in")
    span = word_at(snapshot.text, (snapshot.selection or (snapshot.cursor or 0, 0))[0])
    old = snapshot.text[slice(*span)].decode("utf-8", "replace")
    buffer = await analyst.read(snapshot)
    if _IDENTIFIER.fullmatch(old) is None or buffer.in_string_or_comment(span[0]):
        raise reject(NOTHING)
    place = around(snapshot, buffer) or region(snapshot, buffer, span)
    if place is None:
        raise reject(NOTHING)
    words = place.words(analyst.features(Request("", Purpose.REFACTOR, code=place.marked)))
    talk = prompts.load("names").filled(
        **words, fence=prompts.fence(*words.values()), tag=words["language"], most=str(MOST), old=old
    )
    asking = Asking(router, settings.refactor.deadline, notify, front)
    notify(f"Looking for a better name than {old}")
    request = asking.request(Purpose.REFACTOR, talk, code=place.marked, tail=(f"Suggest a better name for {old}",))
    reply, by = await asking.held(request, lambda text: "" if told(text, old, place) else "no name that could be used")
    return Names(old, *span, tuple(told(reply, old, place)[:MOST]), by)


def word_at(text: bytes, offset: int) -> tuple[int, int]:
    """The bytes of the word at a place."""
    start = offset
    while start and re.match(rb"[\w$\x80-\xff]", text[start - 1 : start]):
        start -= 1
    found = _WORD.match(text, start)
    return start, found.end() if found is not None else start


def told(reply: str, old: str, place: Region) -> list[Name]:
    """The names in a reply that could stand in the place of the old one."""
    listed = findings.listed(reply, "names", "name") or []
    found = []
    for item in listed:
        name, why = item.get("name"), item.get("why")
        if isinstance(name, str) and _fits(name.strip(), old, place):
            found.append(Name(name.strip(), why.strip() if isinstance(why, str) else ""))
    return list({one.name: one for one in found}.values())


def _fits(name: str, old: str, place: Region) -> bool:
    text = place.snapshot.text
    if _IDENTIFIER.fullmatch(name) is None or name == old or re.search(_whole(name), text) is not None:
        return False
    changed = re.sub(_whole(old), name.encode().replace(b"\\", rb"\\"), place.code)
    before, after = place.buffer.errors_with(changed, place.start, place.end)
    return after <= before


def _whole(name: str) -> bytes:
    return rb"(?<![\w$])" + re.escape(name.encode()) + rb"(?![\w$])"
