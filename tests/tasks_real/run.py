"""Tasks on real functions with scripted answers: good and sloppy ones are applied, bad ones escalated or refused.

    python tests/tasks_real/run.py [--functions 100] [--seed 1] [--languages python go] [--tasks fix]

Every bad answer is followed by a good one: it must be refused with a reason, and the good one be applied. An edit is
misapplied when the file is not, byte for byte, what the edit was meant to make of it (blanks on empty lines aside).
"""

from __future__ import annotations

import argparse
import asyncio
import random
import sys
from collections import Counter
from collections.abc import AsyncIterator, Callable, Iterable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

sys.path[:0] = [str(Path(__file__).resolve().parents[1])]  # as a script; what is imported below lies there

from codriver.analyst import Analyst  # noqa: E402
from codriver.errors import CodriverError  # noqa: E402
from codriver.syntax.analysis import Buffer  # noqa: E402
from codriver.tasks import document, explain, fix, merging, refactor, review, testing  # noqa: E402
from tasks.conftest import Kit  # noqa: E402
from tasks_real import answers, changing, real  # noqa: E402
from tasks_real.answers import Said  # noqa: E402
from tasks_real.real import Real  # noqa: E402

TASKS = ("refactor", "fix", "document", "tests", "review", "explain")
GOOD_ENOUGH = 30
"""Rounds of typing for each function."""


@dataclass
class Table:
    """What came of each kind of answer, by task; and everything that did not come out as it should."""

    counts: Counter[tuple[str, str, str]] = field(default_factory=Counter)
    troubles: list[str] = field(default_factory=list)
    functions: dict[str, set[str]] = field(default_factory=dict)

    def note(self, task: str, one: Real, said: Said, came: str) -> None:
        """came: applied, refused, misapplied."""
        self.counts[task, said.kind, came] += 1
        self.functions.setdefault(task, set()).add(one.id)
        if came != ("refused" if said.kind == "bad" else "applied"):
            self.troubles.append(f"{task}: {one.id}: {said.kind} ({said.name}): {came}")

    def rows(self) -> list[str]:
        """The table as text."""
        lines = [f"{'task':<34}{'functions':>9}{'answers':>9}   {'applied':>8}{'refused':>9}{'misapplied':>12}"]
        for task in dict.fromkeys(task for task, _, _ in self.counts):
            for kind in ("good", "sloppy", "bad", "apart", "in the same place"):
                came = {name: self.counts[task, kind, name] for name in ("applied", "refused", "misapplied")}
                if any(came.values()):
                    label, count = f"{task}, {kind}", len(self.functions.get(task, ()))
                    numbers = f"{came['applied']:>8}{came['refused']:>9}{came['misapplied']:>12}"
                    lines.append(f"{label:<39.39}{count:>4}{sum(came.values()):>9}   {numbers}")
        return lines


@dataclass
class Trial:
    """One answer played. right: whether what came of it, or of the good answer behind it, is what was meant."""

    right: bool = False


@asynccontextmanager
async def _trial(table: Table, task: str, one: Real, said: Said, router: Any) -> AsyncIterator[Trial]:
    """Notes what came of an answer: applied, refused by the router's check, misapplied, or no edit at all."""
    trial = Trial()
    try:
        yield trial
    except CodriverError as problem:
        table.note(task, one, said, f"gave up: {problem}")
        return
    verdicts = router.verdicts
    if verdicts and said.kind != "bad":
        table.note(task, one, said, f"refused: {verdicts[0]}")
    else:
        table.note(task, one, said, ("refused" if verdicts else "applied") if trial.right else "misapplied")


async def edited(table: Table, task: str, one: Real) -> None:
    """Refactor or fix: the file must become what was meant, to the byte."""
    new = real.changed(one)
    meant = one.with_code(new)
    for said in answers.edits(one, new):
        reply = said.reply.replace("Summary: clearer names.", "") if said.name == "no fence" else said.reply
        await _asked(table, task, one, Said(said.kind, said.name, reply), answers.fence(new, one.language), meant)


async def _asked(table: Table, task: str, one: Real, said: Said, better: str, meant: bytes) -> None:
    router = Kit.router(said.reply, better)
    work: Any = (
        refactor.refactor(router, Analyst(), one.snapshot(), "clearer names, please")
        if task == "refactor"
        else fix.fix(router, Analyst(), one.snapshot(), ["unclear name"])
    )
    async with _trial(table, task, one, said, router) as trial:
        whole = merging.applied(one.text, (await work).patches)
        trial.right = _visible(whole) == _visible(meant)


def _visible(data: bytes) -> list[bytes]:
    """Its lines; in one with nothing on it blanks do not count."""
    return [line if line.strip() else b"" for line in data.split(b"\n")]


async def documented(table: Table, one: Real) -> None:
    """The code must stay what it is: comments alone may differ, and only at the function."""
    usual = answers.DOCS[one.language][0]
    for said in answers.documents(one):
        router = Kit.router(said.reply, answers.fence(usual, one.language))
        async with _trial(table, "document", one, said, router) as trial:
            done = await document.document(router, Analyst(), one.snapshot())
            near = all(abs(patch.end - one.start) < 1_000 for patch in done.patches)
            trial.right = near and _documented(one, merging.applied(one.text, done.patches))


def _documented(one: Real, whole: bytes) -> bool:
    """Whether the file has the words, parses no worse, and its code is the same but for comments."""
    buffer = one.buffer()
    before, after = buffer.errors_with(whole, 0, len(one.text))
    words = whole.count(b"Does what its name says") == one.text.count(b"Does what its name says") + 1
    return words and after <= before and buffer.same_code(whole, 0, len(one.text))


async def tested(table: Table, one: Real) -> None:
    """The file must parse and name the function."""
    good = next(answers.tests(one)).reply
    for said in answers.tests(one):
        router = Kit.router(said.reply, good)
        async with _trial(table, "tests", one, said, router) as trial:
            done = await testing.write_tests(router, Analyst(), one.snapshot())
            parses = not Buffer(done.text.encode(), language_id=one.language).errors()
            trial.right = parses and one.name in done.text and "\r" not in done.text


async def reviewed(table: Table, one: Real) -> None:
    """Every finding must stand on the line it quotes; what is nowhere must be dropped, or nothing be shown."""
    line = [line for line in one.code.split("\n") if len(line.strip()) >= 3]
    assert line
    for said in answers.findings(one):
        router = Kit.router(said.reply, '{"findings": []}')
        shot = one.snapshot()
        picked = type(shot)(shot.uri, 1, shot.language_id, shot.text, one.end, (one.start, one.end))
        found = await review.review(router, Analyst(), picked)
        quoted = [one.text[item.start : item.end].decode() for item in found.items]
        if said.kind == "bad":
            table.note("review", one, said, "misapplied" if quoted else "refused")
        else:
            right = len(quoted) == 1 and quoted[0] in [part.strip() for part in one.code.split("\n")]
            table.note("review", one, said, "applied" if right and not router.verdicts else "misapplied")


async def explained(table: Table, one: Real) -> None:
    good = next(answers.words(one)).reply
    for said in answers.words(one):
        router = Kit.router(said.reply, good)
        async with _trial(table, "explain", one, said, router) as trial:
            trial.right = one.name in (await explain.explain(router, Analyst(), one.snapshot())).text


def typed_meanwhile(table: Table, one: Real, rounds: int, seed: int) -> None:
    """Random edits while the model writes: its edit lands beside them, or is dropped; never anywhere else."""
    new, chance = real.changed(one), random.Random(f"{seed}{one.id}")
    if new.count("\n") != one.code.count("\n"):
        return
    first = one.text.count(b"\n", 0, one.start)
    place = (first, first + new.count("\n") + 1)
    patch = merging.Patch(one.start, one.end, new)
    for number in range(rounds):
        typing = changing.Typing.of(one.text)
        base, whole = list(typing.lines), number % 5 == 4
        for _ in range(chance.randint(1, 6)):
            typing.once(chance, (place[0] - 2, place[1] + 2), whole=whole)
        alone, meant = changing.wanted(base, new.split("\n"), place, typing.lines)
        now = typing.text.data
        landed = merging.landed(patch, one.text, now, typing.trail)
        kind = "apart" if alone and not whole else "in the same place"
        came = "refused" if landed is None else "misapplied"
        if landed is not None and meant is not None and landed.applied(now) == meant.encode():
            came = "applied"
        task = "while somebody types"
        table.counts[task, kind, came] += 1
        table.functions.setdefault(task, set()).add(one.id)
        if came == "misapplied" or (kind == "apart" and came == "refused" and not _at_the_edge(typing, base, place)):
            table.troubles.append(f"{task}: {one.id}: {kind}: {came} (round {number})")


def _at_the_edge(typing: changing.Typing, base: list[changing.Line], place: tuple[int, int]) -> bool:
    """Whether the lines next to the function were touched: then it may be dropped."""
    marks = [mark for mark, _ in typing.lines]
    inside = {mark for mark, _ in base[slice(*place)]}
    at = [n for n, mark in enumerate(marks) if mark in inside]
    near = {mark for n in at for mark in marks[max(n - 1, 0) : n + 2]}
    return any(mark < 0 for mark in near)


def picked(languages: Iterable[str], count: int, seed: int) -> list[Real]:
    """So many functions in all, of each language about the same number."""
    known = list(languages)
    each = -(-count // len(known))
    found = {language: real.functions(language, each, seed) for language in known}
    rest = count - sum(len(some) for some in found.values())
    for language in known if rest > 0 else ():
        if len(found[language]) == each:
            found[language] = real.functions(language, each + rest, seed)
            break
    return [one for some in found.values() for one in some][:count]


async def run(
    languages: Iterable[str], count: int, seed: int, told: Callable[[str], None], tasks: Iterable[str] = TASKS
) -> Table:
    """All tasks on so many functions each, other ones for each task."""
    table = Table()
    for number, task in enumerate(TASKS):
        if task not in tasks:
            continue
        chosen = picked(languages, count, seed + number)
        for one in chosen:
            match task:
                case "document":
                    await documented(table, one)
                case "tests":
                    await tested(table, one)
                case "review":
                    await reviewed(table, one)
                case "explain":
                    await explained(table, one)
                case _:
                    await edited(table, task, one)
        told(f"{task}: {len(chosen)} functions, {dict(Counter(one.language for one in chosen))}")
    for one in picked(languages, count, seed):
        typed_meanwhile(table, one, GOOD_ENOUGH, seed)
    return table


def main() -> int:
    parser = argparse.ArgumentParser(description="Tasks on real functions with scripted answers.")
    parser.add_argument("--functions", type=int, default=100)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--languages", nargs="*", default=list(real.ENDINGS))
    parser.add_argument("--tasks", nargs="*", default=list(TASKS))
    parser.add_argument("--show", type=int, default=40, help="troubles that are listed")
    asked = parser.parse_args()
    there = [language for language in asked.languages if real.functions(language, 1)]
    table = asyncio.run(run(there, asked.functions, asked.seed, lambda text: print(text, file=sys.stderr), asked.tasks))
    print("\n".join(table.rows()))
    print(f"\n{len(table.troubles)} that did not come out as they should")
    print("\n".join(table.troubles[: asked.show]))
    return int(any("misapplied" in trouble for trouble in table.troubles))


if __name__ == "__main__":
    raise SystemExit(main())
