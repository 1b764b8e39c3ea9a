"""The tools asked, and their functions matched with ours: by name and line, or by the bytes of the body."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import fetch
from ours import Ours

HERE = Path(__file__).parent
LONGEST = 150
"""Seconds for another version of a tool: some loop for ever."""
Samples = Mapping[Path, Sequence[Ours]]


def pairs(
    tool: str, mine: Samples, cache: Path, instead: Mapping[Path, Path] | None = None
) -> Iterator[tuple[Ours, int]]:
    """Each function that the tool knows too, and its number. `instead`: files that it reads in place of others."""
    if tool == "both":
        first, second = (
            {id(ours): number for ours, number in pairs(each, mine, cache)}
            for each in ("complexipy", "cognitive_complexity")
        )
        known = {id(ours): ours for each in mine.values() for ours in each}
        yield from ((known[key], number) for key, number in first.items() if second.get(key) == number)
        return
    origin = {(instead or {}).get(path, path): path for path in mine}
    for path, theirs in ask(tool, list(origin), cache).items():
        if isinstance(theirs, str):
            print(f"{tool}: {path}: {theirs}", file=sys.stderr)
        elif tool in ("eslint", "sonarjs"):
            yield from _by_body(mine[origin[path]], theirs)
        else:
            yield from _by_name(mine[origin[path]], theirs)


def ask(tool: str, paths: Sequence[Path], cache: Path) -> dict[Path, Any]:
    """What a tool says of files: functions, inner ones first where it is lizard, or why it could not read one.

    `lizard@1.20.0` is another version of it. Raises subprocess.TimeoutExpired when one does not come to an end.
    """
    python, prefix = fetch.tools(cache)
    tool, _, version = tool.partition("@")
    environment = {**os.environ, "PYTHONPATH": str(fetch.lizard(cache, version))} if version else None
    if tool in ("eslint", "sonarjs"):
        rule = "complexity" if tool == "eslint" else "cognitive"
        command = ["node", str(HERE / "oracles/eslint.cjs"), str(prefix), rule]
    else:
        command = [str(python), str(HERE / "oracles/pythonic.py"), tool]
    asked = json.dumps([str(path) for path in paths])
    said = subprocess.run(
        command, input=asked, capture_output=True, text=True, env=environment, timeout=LONGEST if version else None
    )
    if said.returncode:
        raise SystemExit(f"{' '.join(command)}\n{said.stderr}")
    return {Path(path): found for path, found in map(json.loads, said.stdout.splitlines())}


def last_name(name: str) -> str:
    """The function's own name, without those of what it stands in."""
    return re.split(r"[.:]+", name)[-1] or name


def _by_body(mine: Sequence[Ours], theirs: list[list[int]]) -> Iterator[tuple[Ours, int]]:
    numbers = {(start, end): number for start, end, _, number in theirs}
    yield from ((ours, numbers[ours.body()]) for ours in mine if ours.body() in numbers)


def _by_name(mine: Sequence[Ours], theirs: list[list[Any]]) -> Iterator[tuple[Ours, int]]:
    """By name and first line, which tools put at the annotation, the keyword or the name: somewhere before the body."""
    named = defaultdict(list)
    for index, (name, line, _, _) in enumerate(theirs):
        named[last_name(name)].append((line, index))
    found: dict[int, Ours] = {}
    for ours in mine:
        body = ours.node.child_by_field_name("body")
        last = body.start_point.row + 1 if body is not None else ours.function.end_line
        known = named[last_name(ours.name)]
        one = next((one for one in known if ours.function.start_line <= one[0] <= last), None)
        if one is not None:
            known.remove(one)
            found[one[1]] = ours
    found |= _by_lines([ours for ours in mine if all(ours is not one for one in found.values())], theirs, found)
    apart = any(ours.language.rules.apart for ours in mine)
    numbers = [one[-1] for one in theirs] if apart else _folded(theirs, _declared(mine, theirs, found))
    yield from ((ours, numbers[index]) for index, ours in found.items())


def _by_lines(mine: Sequence[Ours], theirs: list[list[Any]], found: Mapping[int, Ours]) -> dict[int, Ours]:
    """Functions that the tool names otherwise, or that have no name: by first and last line, where only one has these."""
    free, wanted = defaultdict(list), defaultdict(list)
    for index, (_, start, end, _) in enumerate(theirs):
        if index not in found:
            free[start, end].append(index)
    for ours in mine:
        wanted[ours.function.start_line, ours.function.end_line].append(ours)
    return {free[lines][0]: one[0] for lines, one in wanted.items() if len(one) == len(free.get(lines, ())) == 1}


def _declared(mine: Sequence[Ours], theirs: list[list[Any]], found: Mapping[int, Ours]) -> set[int]:
    """Which of the tool's functions count for themselves with us too: matched, or on the line of one that is not."""
    matched = {id(ours) for ours in found.values()}
    lines = {ours.function.start_line for ours in mine if id(ours) not in matched and not ours.is_expression}
    expressions = {index for index, ours in found.items() if ours.is_expression}
    return {at for at, one in enumerate(theirs) if at not in expressions and (at in found or one[1] in lines)}


def _folded(theirs: list[list[Any]], declared: set[int]) -> list[int]:
    """Numbers with those of the function expressions inside, where a tool lists these by themselves."""
    numbers = [number for *_, number in theirs]
    for index, (_, start, end, _) in enumerate(theirs):
        around = (at for at in range(index + 1, len(theirs)) if theirs[at][1] <= start and end <= theirs[at][2])
        if index not in declared and (outer := next(around, None)) is not None:
            numbers[outer] += numbers[index] - 1
    return numbers
