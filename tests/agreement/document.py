"""The figures as tables, written into server/AGREEMENT.md between its marks."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import differences

if TYPE_CHECKING:
    from run import Result

DOCUMENT = Path(__file__).parents[2] / "server/AGREEMENT.md"
HEAD = """| number | tool | language | functions | equal | | asked plainly | explained | unexplained |
|---|---|---|---|---|---|---|---|---|"""


def row(result: Result) -> str:
    n = max(result.functions, 1)
    tool = "complexipy = cognitive_complexity" if result.tool == "both" else result.tool
    plain = "" if result.plain is None else f"{result.plain / n:.2%}"
    figures = f"{result.functions:,} | {result.equal:,} | {result.equal / n:.2%} | {plain} | {result.explained:,}"
    return f"| {result.kind} | {tool} | {result.language} | {figures} | {len(result.unexplained)} |"


def write(results: Sequence[Result]) -> None:
    for mark, lines in (("table", _table(results)), ("differences", _reasons(results)), ("rest", _rest(results))):
        replace(mark, lines)


def replace(mark: str, lines: str) -> None:
    """Writes what stands between two marks of the document."""
    begin, end = f"<!-- {mark} -->", f"<!-- /{mark} -->"
    before, _, after = DOCUMENT.read_text().partition(begin)
    DOCUMENT.write_text(f"{before}{begin}\n{lines}\n{end}{after.partition(end)[2]}")


def _table(results: Sequence[Result]) -> str:
    return "\n".join([HEAD, *(row(result) for result in results)])


def _reasons(results: Sequence[Result]) -> str:
    lines = [
        "| difference | tool | languages | example | why we count as we do | functions |",
        "|---|---|---|---|---|---|",
    ]
    for each in differences.ALL:
        found = {
            result.language: result.reasons[each.name]
            for result in results
            if result.tool in each.tools and result.language in each.languages and result.reasons[each.name]
        }
        if found:
            tools, languages = (", ".join("complexipy, cognitive_complexity" if one == "both" else one for one in names)
                                for names in (each.tools, found))  # fmt: skip
            example, why = (_cell(text) for text in (each.example, each.why))
            lines.append(f"| {each.name} | {tools} | {languages} | `{example}` | {why} | {sum(found.values())} |")
    return "\n".join(lines)


def _rest(results: Sequence[Result]) -> str:
    rest = [(result, *one) for result in results for one in result.unexplained]
    if not rest:
        return "None."
    lines = ["| tool | language | file | line | function | ours | theirs |", "|---|---|---|---|---|---|---|"]
    for result, ours, mine, theirs in rest:
        path, name = "/".join(ours.path.parts[-3:]), _cell(ours.function.name) or "(nameless)"
        lines.append(
            f"| {result.tool} | {result.language} | {path} | {ours.function.start_line} | {name} | {mine} | {theirs} |"
        )
    return "\n".join(lines)


def _cell(text: str) -> str:
    return text.replace("|", "\\|").replace("\n", " ")
