"""What the completion pipeline makes of good and spoilt answers, in real files: `python tests/completion/pipeline.py`.

Every answer is played (answers.py): simulated, as the report says. Told is how often an answer was shown as it came,
tidied (fences, chatter, echoes, extent), repaired (brackets), cut, given up for a stronger model's, or suppressed; and,
by a parser that knows nothing of ours, how many shown suggestions made a buffer that parses stop parsing: none may.
"""

from __future__ import annotations

import argparse
import asyncio
import random
import sys
from collections import Counter
from collections.abc import AsyncIterator, Iterable, Sequence
from dataclasses import dataclass, field
from typing import Any

import masks
from answers import KINDS, truth
from masks import Mask
from tree_sitter import Parser
from tree_sitter_language_pack import get_parser

from codriver.analyst import Analyst
from codriver.config import Settings
from codriver.model.decision import Candidate, Decision, Outcome
from codriver.model.events import Finish, Finished, Piece, TextDelta
from codriver.model.provider import Model, Price
from codriver.model.request import Request, Snapshot
from codriver.tasks import trim
from codriver.tasks.complete import Completer
from codriver.tasks.suggestion import site

LONGEST = 40_000
"""Bytes of the longest file: each is parsed anew several times per answer."""
DECISION = Decision(
    "d", "auto", (Candidate("sim/small", "", 0.5, 0.001, 0.2), Candidate("sim/large", "", 0.9, 0.01, 0.5))
)
SAMPLES = 5
UNPARSED = 8
"""Of the holes whose buffer does not parse, one in so many is tried."""


@dataclass
class PlayedRouter:
    """Says what it is told to say: first one model, then the stronger one."""

    says: list[str] = field(default_factory=list)
    asked: int = 0

    def open(self, request: Request, **more: Any) -> PlayedStream:
        self.asked += 1
        return PlayedStream(self.says[min(self.asked, len(self.says)) - 1], DECISION.candidates[self.asked - 1].model)

    def reads(self, request: Request) -> bool:
        return True

    def note(self, request: Request, **more: Any) -> Outcome:
        return Outcome("n", 0.0, "lsp", "", "complete", "ok", DECISION)

    def learn(self, decision_id: str, word: str) -> None:
        pass


class PlayedStream:
    simulated, decision = True, DECISION

    def __init__(self, text: str, key: str) -> None:
        self._text = text
        self.model = Model("sim", key.partition("/")[2], key, 100_000, 10_000, Price(), {})

    async def __aenter__(self) -> PlayedStream:
        return self

    async def __aexit__(self, *exc: object) -> None:
        pass

    async def __aiter__(self) -> AsyncIterator[Piece]:
        for at in range(0, len(self._text), 11):
            yield Piece(b"", (TextDelta(self._text[at : at + 11]),))
        yield Piece(b"", (Finished(Finish.STOP),))


@dataclass(frozen=True, slots=True)
class Shown:
    """What came of one answer."""

    mask: Mask
    kind: str
    fate: str
    right: bool
    parsed: bool
    """Whether the buffer parsed before."""
    broken: bool
    """Whether it did, and does not with what was shown."""
    said: str
    text: str


async def tried(mask: Mask, kind: str, rng: random.Random) -> Shown:
    """One hole with one answer, and the second model's where the first is of no use."""
    code = truth(mask)
    said = KINDS[kind](code, mask, rng)
    second = KINDS[rng.choice(tuple(KINDS))](code, mask, rng) if rng.random() < 0.5 else code
    router = PlayedRouter([said, second])
    settings = Settings.model_validate({"complete": {"predictor": False, "alternatives": 1, "max_bytes": 10_000_000}})
    completer = Completer(router, Analyst(), settings)
    text = mask.before + mask.after
    snapshot = Snapshot(f"file:///w/{mask.path.name}", 1, mask.language, text, len(mask.before))
    found = await completer.complete(snapshot, owner=1, explicit=True)
    parser = get_parser(mask.language)
    parsed = _parses(parser, text)
    if not found:
        return Shown(mask, kind, "suppressed", False, parsed, False, said, "")
    shown = found[0]
    made = text[: shown.start] + shown.text.encode() + text[shown.end :]
    added = shown.text[len(text[shown.start : len(mask.before)].decode("utf-8", "replace")) :]
    fate = "escalated" if router.asked > 1 else _fate(snapshot, said, added)
    right = added.strip() == code.strip() or added.strip() == code.split("\n")[0].strip()
    return Shown(mask, kind, fate, right, parsed, parsed and not _parses(parser, made), said, added)


def _fate(snapshot: Snapshot, said: str, added: str) -> str:
    buffer = Analyst().buffer(snapshot)
    candidate = trim.tidy(said, site(snapshot, buffer, explicit=True).place)
    added = added.replace("\r\n", "\n")
    if added == candidate:
        return "as it came" if added == said.rstrip() else "tidied"
    return "cut" if candidate.startswith(added) else "repaired"


def _parses(parser: Parser, text: bytes) -> bool:
    """Whether it parses with a line end at its end: some grammars (Go's) miss it where a text ends without one."""
    return not parser.parse(text if text.endswith(b"\n") else text + b"\n").root_node.has_error


FATES = ("as it came", "tidied", "repaired", "cut", "escalated", "suppressed")


def report(results: Sequence[Shown]) -> bool:
    """The table; whether nothing that was shown broke a buffer."""
    print("  simulated answers       " + "".join(f"{fate:>12}" for fate in FATES) + "   right of shown")
    for kind in (*KINDS, "all"):
        rows = [r for r in results if kind in (r.kind, "all")]
        fates, shown = Counter(r.fate for r in rows), [r for r in rows if r.fate != "suppressed"]
        cells = "".join(f"{fates[fate] / max(len(rows), 1):12.1%}" for fate in FATES)
        print(f"  {kind:18}{len(rows):6}{cells}{sum(r.right for r in shown) / max(len(shown), 1):12.1%}")
    shown = [r for r in results if r.fate != "suppressed"]
    parsing = [r for r in shown if r.parsed]
    broken = [r for r in shown if r.broken]
    print(f"  shown {len(shown)}, in buffers that parsed {len(parsing)}, of which stopped parsing: {len(broken)}")
    for r in broken[:SAMPLES]:
        tail = r.mask.before[-160:].decode("utf-8", "replace")
        print(f"    {r.mask.path} ({r.kind})\n    before {tail!r}\n    said   {r.said!r}\n    shown  {r.text!r}"
              f"\n    after  {r.mask.after[:80]!r}")  # fmt: skip
    return not broken


def holes(files_each: int, each: int, languages: Iterable[str] = masks.LANGUAGES) -> list[Mask]:
    """Holes in published code of all languages, in files that are not too long to be parsed thousands of times: all
    that leave a buffer that parses, and some of those in the middle of a line, which do not."""
    found = list[Mask]()
    for language in languages:
        files = [f for f in masks.fetch.files(masks.CACHE, language) if f.stat().st_size <= LONGEST]
        parser, others = get_parser(language), 0
        for mask in masks.masks(files, language, files_each, each):
            parses = _parses(parser, mask.before + mask.after)
            others += not parses
            if parses or others % UNPARSED == 0:
                found.append(mask)
    return found


async def results(found: Sequence[Mask], count: int, seed: int = 6) -> list[Shown]:
    """So many answers into these holes, all kinds in turn."""
    rng, kinds = random.Random(seed), tuple(KINDS)
    return [await tried(found[n % len(found)], kinds[rng.randrange(len(kinds))], rng) for n in range(count)]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--answers", type=int, default=16_000, help="so many are tried")
    parser.add_argument("--languages", nargs="*", default=masks.LANGUAGES)
    parser.add_argument("--seed", type=int, default=6)
    given = parser.parse_args()
    print("The completion pipeline on simulated answers, good and spoilt")
    found = holes(120, 12, given.languages)
    random.Random(given.seed).shuffle(found)
    sys.exit(0 if report(asyncio.run(results(found, given.answers, given.seed))) else 1)


if __name__ == "__main__":
    main()
