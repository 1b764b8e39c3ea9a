"""`make agreement`: our numbers beside those of the tools that people trust, function by function, on published code.

Prints the table and writes it into server/AGREEMENT.md with every difference found. Ends with 1 when a row has less
than 99 % equal, or a function that no named difference explains.
"""

from __future__ import annotations

import argparse
import sys
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import differences
import document
import fetch
import matching
import ours as own
import plainly
from ours import Ours

LIZARD = ("c", "cpp", "java", "go", "kotlin", "objc", "objcpp", "solidity", "rust", "ruby", "php", "swift", "lua")
SCRIPTS = ("javascript", "typescript", "tsx")
PAIRS = (
    ("radon", "python"), *(("lizard", name) for name in LIZARD), *(("eslint", name) for name in SCRIPTS),
    *(("sonarjs", name) for name in SCRIPTS), ("both", "python"),
)  # fmt: skip
COGNITIVE = ("sonarjs", "both")
ENOUGH = 0.99


@dataclass(slots=True)
class Result:
    """One tool on one language. `plain` are equal when the tool is asked plainly, if it has a tokenizer only."""

    tool: str
    language: str
    functions: int = 0
    equal: int = 0
    plain: int | None = None
    reasons: Counter[str] = field(default_factory=Counter)
    explained: int = 0
    unexplained: list[tuple[Ours, int, int]] = field(default_factory=list)

    @property
    def kind(self) -> str:
        return "cognitive" if self.tool in COGNITIVE else "cyclomatic"

    @property
    def agreement(self) -> float:
        return max(self.equal, self.plain or 0) / max(self.functions, 1)

    def number(self, ours: Ours) -> int:
        return ours.function.cognitive if self.tool in COGNITIVE else ours.function.cyclomatic


def compare(tool: str, name: str, mine: matching.Samples, cache: Path) -> Result:
    result = Result(tool, name)
    theirs = {id(ours): (ours, number) for ours, number in matching.pairs(tool, mine, cache)}
    plain = _plainly(mine, cache, name) if tool == "lizard" else {}
    result.functions = len(theirs)
    if plain:
        result.plain = sum(plain.get(key, number) == result.number(ours) for key, (ours, number) in theirs.items())
    pending = list[tuple[Ours, int, int]]()
    for key, (ours, number) in theirs.items():
        mine_of_it = result.number(ours)
        reasons = differences.explain(ours, tool, mine_of_it, number)
        if number == mine_of_it:
            result.equal += 1
        elif not reasons and plain.get(key) != number:
            pending.append((ours, mine_of_it, number))
        else:
            _sort_out(result, ours, number, reasons)
    if pending:
        _named(result, pending, plain, mine, cache)
    if tool == "lizard" and result.unexplained:
        _check_bounds(result, cache)
    return result


def _sort_out(result: Result, ours: Ours, theirs: int, reasons: Sequence[str]) -> None:
    if reasons:
        result.explained += 1
        result.reasons.update(reasons)
    else:
        result.unexplained.append((ours, result.number(ours), theirs))


def _plainly(mine: matching.Samples, cache: Path, name: str, without: str = "") -> dict[int, int]:
    """What lizard says of the same functions when asked plainly; without the edits for one kind of difference."""
    folder = cache / "plain" / f"{name}{without}"
    folder.mkdir(parents=True, exist_ok=True)
    instead = {path: folder / f"{at}{path.suffix}" for at, path in enumerate(mine)}
    for path, other in instead.items():
        one = mine[path][0]
        edits = [each for each in _edits(one) if each.difference != without]
        other.write_bytes(plainly.rewritten(one.source, edits))
    return {id(ours): number for ours, number in matching.pairs("lizard", mine, cache, instead)}


def _edits(ours: Ours) -> list[plainly.Edit]:
    return plainly.edits(own.root(ours.node), ours.source, ours.language)


def _named(
    result: Result, pending: list[tuple[Ours, int, int]], plain: dict[int, int], mine: matching.Samples, cache: Path
) -> None:
    """Functions of which the tool says something else when asked plainly: which edits made it."""
    paths = {ours.path for ours, _, _ in pending}
    literal = _plainly({path: mine[path] for path in paths}, cache, result.language, plainly.TEXT_AS_CODE)
    for ours, number, theirs in pending:
        start, end = ours.function.start_byte, ours.function.end_byte
        # An `end` taken for another one, or a text that does not end, may stand in front of it.
        inside = {each.difference for each in _edits(ours) if start <= each.start < end}
        inside -= {plainly.TEXT_AS_CODE}
        rest = (
            ()
            if plain.get(id(ours)) == number
            else differences.explain(ours, "lizard", number, plain.get(id(ours), theirs))
        )
        if plain.get(id(ours)) != number and not rest:
            reasons = set[str]()
        elif literal.get(id(ours)) == plain.get(id(ours)) and inside:
            reasons = inside
        else:
            reasons = {plainly.TEXT_AS_CODE} | (inside if literal.get(id(ours)) != theirs else set())
        _sort_out(result, ours, theirs, (*reasons, *rest))


def _check_bounds(result: Result, cache: Path) -> None:
    """Functions that the tool ends on another line than the grammar does, or sees with other ones inside."""
    unexplained, result.unexplained = result.unexplained, []
    told = matching.ask(result.tool, sorted({ours.path for ours, _, _ in unexplained}), cache)
    for ours, _, theirs in unexplained:
        function = ours.function
        scopes = ours.language.scopes
        declared = sum(node.type in scopes.functions for node in differences.inside(ours.node))
        expressions = sum(node.type in scopes.anonymous for node in differences.inside(ours.node))
        here = [each for each in told[ours.path] if function.start_line <= each[1] and each[2] <= function.end_line]
        ends = {each[2] for each in here if matching.last_name(each[0]) == matching.last_name(ours.name)}
        same = function.end_line in ends and declared <= len(here) - 1 <= declared + expressions
        # Where our own tree has errors, nobody can tell whose lines are right: that is our weakness.
        reasons = [differences.NOT_PARSED] if ours.node.has_error else [] if same else [differences.OTHER_BOUNDS]
        _sort_out(result, ours, theirs, reasons)


def sample(name: str, most: int, cache: Path) -> matching.Samples:
    """Files in their fixed order until they hold this many functions."""
    found: dict[Path, list[Ours]] = {}
    for path in fetch.files(cache, name):
        functions = list(own.functions(path, name))
        if functions:
            found[path] = functions
        if sum(map(len, found.values())) >= most:
            break
    return found


def _results(wanted: Sequence[str], functions: int, cache: Path) -> Iterator[Result]:
    samples: dict[str, matching.Samples] = {}
    for tool, name in PAIRS:
        if not wanted or tool in wanted or name in wanted or f"{tool}:{name}" in wanted:
            if name not in samples:
                samples[name] = sample(name, functions, cache)
            yield compare(tool, name, samples[name], cache)


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("wanted", nargs="*", help="tools, languages or tool:language; all of them when none is named")
    parser.add_argument("--cache", type=Path, default=Path.home() / ".cache/codriver-agreement")
    parser.add_argument("--functions", type=int, default=3300, help="at least so many of ours for a language")
    asked = parser.parse_args()
    results = []
    print(document.HEAD)
    for result in _results(asked.wanted, asked.functions, asked.cache):
        results.append(result)
        print(document.row(result), flush=True)
        for ours, mine, theirs in result.unexplained:
            print(f"--- {ours.path}:{ours.function.start_line} {ours.function.name}: ours {mine}, theirs {theirs}")
            print(ours.text[:1200])
    if not asked.wanted:
        document.write(results)
    return int(any(result.unexplained or result.agreement < ENOUGH for result in results))


if __name__ == "__main__":
    sys.exit(main())
