"""Review: code in, findings with exact ranges out. A finding whose quoted lines are not there is dropped.

With the text before a change (`base`), only findings on lines that differ from it are reported.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from difflib import unified_diff
from typing import TYPE_CHECKING

from codriver.config import Settings
from codriver.errors import reject
from codriver.model.request import Conversation, Purpose, Request, Snapshot
from codriver.tasks import alongside, findings, gate, prompts
from codriver.tasks.asking import FRONT, Answered, Asking, silent
from codriver.tasks.findings import SEVERITIES, Finding
from codriver.tasks.merging import Lines, differing
from codriver.tasks.region import Region, chosen, region

if TYPE_CHECKING:
    from codriver.analyst import Analyst
    from codriver.model.features import Features
    from codriver.router import Router
    from codriver.syntax.analysis import Buffer

LONGEST = 120_000
"""Bytes reviewed at once: about 40,000 tokens."""
SMALL = 12_000
"""Bytes of a changed file that goes out whole."""
AROUND = 20
"""Lines around a change that stands in no function."""


@dataclass(frozen=True, slots=True)
class Findings:
    """What a review found in the bytes [start, end), gravest first.

    dropped: how many were about lines that are not there, or were not changed, or said nothing. cost in USD.
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
    notify: Callable[[str], None] = silent,
    settings: Settings | None = None,
    base: bytes | None = None,
    front: str = FRONT,
) -> Findings:
    """Reviews the selection, or the whole file; with `base` what of it differs from that.

    Raises RequestRejected when there is nothing to review or too much, Unroutable and UpstreamFailed
    as the router does; the latter also when no model answered with readable findings.
    """
    settings = settings or Settings()
    gate.admit(snapshot, settings.privacy.never, settings.review.max_bytes, "review")
    buffer = await analyst.read(snapshot)
    changed = _changed(snapshot, buffer, base) if base is not None else ()
    asking = Asking(router, settings.review.deadline, notify, front)
    found: list[Findings] = []
    hunks = _hunks(base, snapshot.text) if base is not None else []
    for piece in _pieces(snapshot, buffer, changed if base is not None else None):
        others = alongside.files(analyst, snapshot, buffer, piece.start, settings.privacy.never)
        features = analyst.features(Request("", Purpose.REVIEW, code=piece.marked))
        diff = _within(hunks, piece)
        talk = _talk(piece, settings.review.max_findings, features, alongside.told(others), diff)
        found.append(await _reviewed(asking, piece, talk, changed if base is not None else None))
    return _together(found, settings.review.max_findings)


async def _reviewed(asking: Asking, piece: Region, talk: Conversation, changed: Sequence[Lines] | None) -> Findings:
    """The findings in one piece."""

    def judge(text: str) -> str:
        return "" if findings.told(text) is not None else "no findings in JSON"

    asking.notify(f"Reviewing lines {piece.lines}")
    request = asking.request(Purpose.REVIEW, talk, code=piece.marked)
    reply, by = await asking.held(request, judge)
    told = findings.told(reply) or []
    found = [one for one in findings.located(told, piece) if changed is None or _touches(one, changed)]
    asking.notify(f"{by.model} found {len(found)} (${by.cost:.4f})")
    return _findings(found, piece, by, len(told) - len(found))


def _findings(found: Sequence[Finding], piece: Region, by: Answered, dropped: int) -> Findings:
    return Findings(tuple(found), piece.start, piece.end, by.model, by.simulated, by.cost, by.decision, dropped)


def _together(found: Sequence[Findings], most: int) -> Findings:
    """Those of several pieces as one; who answered is who answered last."""
    items = [item for one in found for item in one.items]
    items.sort(key=lambda item: (SEVERITIES.index(item.severity), item.start))
    return replace(
        found[-1],
        items=tuple(items[:most]),
        start=found[0].start,
        cost=sum(one.cost for one in found),
        simulated=any(one.simulated for one in found),
        dropped=sum(one.dropped for one in found),
    )


# What is reviewed.


def _changed(snapshot: Snapshot, buffer: Buffer, base: bytes) -> tuple[Lines, ...]:
    """The lines that differ from the text before, of the selection where there is one. Raises RequestRejected."""
    changed = differing(base, snapshot.text)
    picked = chosen(snapshot, buffer)
    if picked is not None:
        first = snapshot.text.count(b"\n", 0, picked.start) + 1
        last = first + picked.code.count(b"\n")
        changed = tuple((max(a, first), min(b, last)) for a, b in changed if a <= last and b >= first)
    if not changed:
        raise reject("There is nothing to review: nothing was changed here.")
    return changed


def _pieces(snapshot: Snapshot, buffer: Buffer, changed: Sequence[Lines] | None) -> list[Region]:
    """The regions to be sent, each within the limit. Raises RequestRejected."""
    text = snapshot.text
    if changed is None:
        whole = chosen(snapshot, buffer) or region(snapshot, buffer, (0, len(text)))
        found = [whole] if whole is not None else []
    else:
        spans = [(0, len(text))] if len(text) <= SMALL else list(_grown(text, buffer, changed))
        found = [piece for span in spans if (piece := region(snapshot, buffer, span)) is not None]
    if not found:
        raise reject("There is nothing to review: the file is empty.")
    longest = max(len(piece.code) for piece in found)
    if longest > LONGEST:
        raise reject(f"This is too much to review at once ({longest:,} bytes): select up to {LONGEST:,} bytes.")
    return found


def _grown(text: bytes, buffer: Buffer, changed: Sequence[Lines]) -> list[tuple[int, int]]:
    """Byte ranges around changed lines: whole functions, else some lines; those that come close are one."""
    starts = [0, *(n + 1 for n, byte in enumerate(text) if byte == 10), len(text) + 1]
    spans: list[tuple[int, int]] = []
    for first, last in changed:
        start, end = starts[min(first, len(starts) - 1) - 1], starts[min(last, len(starts) - 1)] - 1
        inside = buffer.function_at((start, max(end, start)))
        near = starts[max(first - AROUND, 1) - 1], starts[min(last + AROUND, len(starts) - 1)] - 1
        begun, done = (inside.start_byte, inside.end_byte) if inside is not None else near
        if spans and begun <= spans[-1][1] + SMALL // 4 and done - spans[-1][0] <= LONGEST // 2:
            spans[-1] = (spans[-1][0], max(done, spans[-1][1]))
        else:
            spans.append((begun, done))
    return spans


def _touches(finding: Finding, changed: Sequence[Lines]) -> bool:
    return any(finding.start_line <= last and finding.end_line >= first for first, last in changed)


def _hunks(base: bytes, text: bytes) -> list[str]:
    """The change as the lines of a unified diff, without its head."""
    old, new = (side.decode("utf-8", "replace").splitlines() for side in (base, text))
    return list(unified_diff(old, new, n=1, lineterm=""))[2:]


def _within(hunks: Sequence[str], piece: Region) -> str:
    """Those hunks that are in the piece."""
    first = piece.snapshot.text.count(b"\n", 0, piece.start) + 1
    last = first + piece.code.count(b"\n")
    kept: list[str] = []
    inside = False
    for line in hunks:
        if line.startswith("@@"):
            start, _, count = line.split("+")[1].split(" ")[0].partition(",")
            inside = int(start) <= last + 1 and int(start) + int(count or 1) >= first
        if inside:
            kept.append(line)
    return "\n".join(kept)


def _talk(piece: Region, most: int, features: Features, others: str, diff: str) -> Conversation:
    words = piece.words(features)
    mark = prompts.fence(words["code"], words["above"], words["below"], diff)
    if diff:
        return prompts.load("review_diff").filled(**words, others=others, fence=mark, most=str(most), diff=diff)
    return prompts.load("review").filled(**words, others=others, fence=mark, most=str(most))
