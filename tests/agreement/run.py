"""`make agreement`: our numbers beside those of the tools that people trust, function by function, on published code.

Prints the table and writes it into server/AGREEMENT.md with every difference found; ends with 1 when more
than 1 % of some tool's functions are not explained.
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
from collections import Counter, defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import differences
import fetch
import ours as own
from ours import Ours

HERE = Path(__file__).parent
DOCUMENT = HERE.parents[1] / "server/AGREEMENT.md"
LIZARD = ("c", "cpp", "java", "javascript", "go", "rust", "ruby", "php", "typescript")
SCRIPTS = ("javascript", "typescript", "tsx")
PAIRS = (
    ("radon", "python"), *(("lizard", name) for name in LIZARD), *(("eslint", name) for name in SCRIPTS),
    *(("sonarjs", name) for name in SCRIPTS), ("both", "python"),
)  # fmt: skip
COGNITIVE = ("sonarjs", "both", "complexipy", "cognitive_complexity")


@dataclass(slots=True)
class Result:
    """One tool on one language. `unexplained` are (function, ours, theirs)."""

    tool: str
    language: str
    functions: int = 0
    equal: int = 0
    reasons: Counter[str] = field(default_factory=Counter)
    explained: int = 0
    unexplained: list[tuple[Ours, int, int]] = field(default_factory=list)

    def row(self) -> str:
        n = max(self.functions, 1)
        kind = "cognitive" if self.tool in COGNITIVE else "cyclomatic"
        tool = "complexipy = cognitive_complexity" if self.tool == "both" else self.tool
        figures = f"{self.functions:,} | {self.equal:,} | {self.equal / n:.2%} | {self.explained:,}"
        return f"| {kind} | {tool} | {self.language} | {figures} | {len(self.unexplained)} | {len(self.unexplained) / n:.2%} |"


def compare(tool: str, name: str, mine: dict[Path, list[Ours]], cache: Path) -> Result:
    result = Result(tool, name)
    for ours, theirs in _pairs(tool, mine, cache):
        number = ours.function.cognitive if tool in COGNITIVE else ours.function.cyclomatic
        result.functions += 1
        if number == theirs:
            result.equal += 1
        elif reasons := differences.explain(ours, tool, number, theirs):
            result.explained += 1
            result.reasons.update(reasons)
        else:
            result.unexplained.append((ours, number, theirs))
    if tool == "lizard" and result.unexplained:
        _check_literals(result, cache)
        _check_bounds(result, mine, cache)
    return result


def _check_bounds(result: Result, mine: dict[Path, list[Ours]], cache: Path) -> None:
    """Functions that the tool ends on another line than the grammar does, or sees with other ones inside."""
    told = _ask(result.tool, sorted({each.path for each, _, _ in result.unexplained}), cache)
    rest = []
    for one in result.unexplained:
        function, theirs = one[0].function, told[one[0].path]
        # Where the tool knows function expressions, they are among its functions.
        scopes = one[0].language.scopes
        kinds = (*scopes.functions, *(scopes.anonymous if result.language in ("javascript", "typescript") else ()))
        inside = sum(node.type in kinds for node in differences.inside(one[0].node, one[0]))
        here = [each for each in theirs if function.start_line <= each[1] and each[2] <= function.end_line]
        ends = {each[2] for each in theirs if each[0].rpartition(".")[2].rpartition("::")[2] == one[0].name}
        if function.end_line in ends and len(here) - 1 == inside:
            rest.append(one)
    result.reasons[differences.OTHER_BOUNDS.name] += len(result.unexplained) - len(rest)
    result.explained += len(result.unexplained) - len(rest)
    result.unexplained = rest


def _check_literals(result: Result, cache: Path) -> None:
    """Functions that agree once the literals of their files are emptied: the tool read text as code."""
    folder = cache / "emptied" / result.language
    folder.mkdir(parents=True, exist_ok=True)
    mine: dict[Path, list[Ours]] = {}
    for at, ours in enumerate({each.path: each for each, _, _ in result.unexplained}.values()):
        path = folder / f"{at}{ours.path.suffix}"
        path.write_bytes(differences.emptied(own.root(ours.node), ours))
        mine[path] = list(own.functions(path, result.language))
    agreeing = set()
    originals = list({each.path: each for each, _, _ in result.unexplained})
    for ours, theirs in _pairs(result.tool, mine, cache):
        number = ours.function.cyclomatic
        if number == theirs or differences.explain(ours, result.tool, number, theirs):
            agreeing.add((originals[int(ours.path.stem)], ours.function.name, ours.function.start_line))
    rest = [
        one
        for one in result.unexplained
        if (one[0].path, one[0].function.name, one[0].function.start_line) not in agreeing
    ]
    result.reasons[differences.TEXT_AS_CODE.name] += len(result.unexplained) - len(rest)
    result.explained += len(result.unexplained) - len(rest)
    result.unexplained = rest


def sample(name: str, most: int, cache: Path) -> dict[Path, list[Ours]]:
    """Files in their fixed order until they hold this many functions."""
    found: dict[Path, list[Ours]] = {}
    for path in fetch.files(cache, name):
        functions = list(own.functions(path, name))
        if functions:
            found[path] = functions
        if sum(map(len, found.values())) >= most:
            break
    return found


def _pairs(tool: str, mine: dict[Path, list[Ours]], cache: Path) -> Iterator[tuple[Ours, int]]:
    if tool == "both":
        first, second = (dict(_pairs_by_id(each, mine, cache)) for each in ("complexipy", "cognitive_complexity"))
        known = {id(ours): ours for each in mine.values() for ours in each}
        yield from ((known[key], number) for key, number in first.items() if second.get(key) == number)
        return
    for path, theirs in _ask(tool, list(mine), cache).items():
        if isinstance(theirs, str):
            print(f"{tool}: {path}: {theirs}", file=sys.stderr)
        else:
            matched = _by_body(mine[path], theirs) if tool in ("eslint", "sonarjs") else _by_name(mine[path], theirs)
            yield from matched


def _pairs_by_id(tool: str, mine: dict[Path, list[Ours]], cache: Path) -> Iterator[tuple[int, int]]:
    return ((id(ours), number) for ours, number in _pairs(tool, mine, cache))


def _ask(tool: str, paths: Sequence[Path], cache: Path) -> dict[Path, Any]:
    python, prefix = fetch.tools(cache)
    if tool in ("eslint", "sonarjs"):
        rule = "complexity" if tool == "eslint" else "cognitive"
        command = ["node", str(HERE / "oracles/eslint.cjs"), str(prefix), rule]
    else:
        command = [str(python), str(HERE / "oracles/pythonic.py"), tool]
    said = subprocess.run(command, input=json.dumps([str(path) for path in paths]), capture_output=True, text=True)
    if said.returncode:
        raise SystemExit(f"{' '.join(command)}\n{said.stderr}")
    return {Path(path): found for path, found in map(json.loads, said.stdout.splitlines())}


def _by_body(mine: list[Ours], theirs: list[list[int]]) -> Iterator[tuple[Ours, int]]:
    numbers = {(start, end): number for start, end, _, number in theirs}
    yield from ((ours, numbers[ours.body()]) for ours in mine if ours.body() in numbers)


def _by_name(mine: list[Ours], theirs: list[list[Any]]) -> Iterator[tuple[Ours, int]]:
    """By name and first line, which tools put at the annotation, the keyword or the name: somewhere before the body."""
    named = defaultdict(list)
    for name, line, _, number in theirs:
        named[name.replace("::", ".").rpartition(".")[2] or name].append((line, number))
    for ours in mine:
        body = ours.node.child_by_field_name("body")
        last = body.start_point.row + 1 if body is not None else ours.function.end_line
        found = next((one for one in named[ours.name] if ours.function.start_line <= one[0] <= last), None)
        if found is not None:
            named[ours.name].remove(found)
            yield ours, found[1]


HEAD = """| number | tool | language | functions | equal | | explained | unexplained | |
|---|---|---|---|---|---|---|---|---|"""


def write(results: Sequence[Result]) -> None:
    """The figures into the document, between its marks."""
    document = DOCUMENT.read_text()
    for mark, lines in (("table", _table(results)), ("differences", _reasons(results)), ("rest", _rest(results))):
        begin, end = f"<!-- {mark} -->", f"<!-- /{mark} -->"
        before, _, after = document.partition(begin)
        document = f"{before}{begin}\n{lines}\n{end}{after.partition(end)[2]}"
    DOCUMENT.write_text(document)


def _table(results: Sequence[Result]) -> str:
    return "\n".join([HEAD, *(result.row() for result in results)])


def _reasons(results: Sequence[Result]) -> str:
    lines = [
        "| difference | tool | languages | example | why we count as we do | functions |",
        "|---|---|---|---|---|---|",
    ]
    for each in differences.ALL:
        found = sum(
            result.reasons[each.name]
            for result in results
            if result.tool in each.tools and result.language in each.languages
        )
        example = each.example.replace("|", "\\|")
        why = each.why.replace("|", "\\|")
        if found:
            lines.append(
                f"| {each.name} | {', '.join(each.tools)} | {', '.join(each.languages)} | `{example}` | {why} | {found} |"
            )
    return "\n".join(lines)


def _rest(results: Sequence[Result]) -> str:
    lines = ["| tool | language | file | line | function | ours | theirs |", "|---|---|---|---|---|---|---|"]
    for result in results:
        for ours, mine, theirs in result.unexplained:
            path = "/".join(ours.path.parts[-3:])
            name = ours.function.name.replace("|", "\\|") or "(nameless)"
            lines.append(
                f"| {result.tool} | {result.language} | {path} | {ours.function.start_line} | {name} | {mine} | {theirs} |"
            )
    return "\n".join(lines)


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("wanted", nargs="*", help="tools or languages; all of them when none is named")
    parser.add_argument("--cache", type=Path, default=Path.home() / ".cache/codriver-agreement")
    parser.add_argument("--functions", type=int, default=3300, help="at least so many of ours for a language")
    parser.add_argument("--show", type=int, default=0, help="print so many unexplained functions for each row")
    asked = parser.parse_args()
    samples: dict[str, dict[Path, list[Ours]]] = {}
    results = []
    print(HEAD)
    for tool, name in PAIRS:
        if asked.wanted and tool not in asked.wanted and name not in asked.wanted:
            continue
        if name not in samples:
            samples[name] = sample(name, asked.functions, asked.cache)
        results.append(compare(tool, name, samples[name], asked.cache))
        print(results[-1].row(), flush=True)
        _show(results[-1], asked.show)
    if not asked.wanted:
        write(results)
    return int(any(len(result.unexplained) > 0.01 * result.functions for result in results))


def _show(result: Result, most: int) -> None:
    for ours, mine, theirs in sorted(result.unexplained, key=lambda one: len(one[0].text))[:most]:
        print(
            f"--- {ours.path}:{ours.function.start_line} {ours.function.name}: ours {mine}, theirs {theirs}\n{ours.text[:1200]}"
        )


if __name__ == "__main__":
    sys.exit(main())
