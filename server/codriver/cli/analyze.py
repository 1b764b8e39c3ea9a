"""`analyze`: what Codriver reads in files and folders: language, frameworks, domain, each function's numbers."""

from __future__ import annotations

import json
import os
import sys
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from typing import Annotated, Any

import typer

from codriver.cli.terminal import Complaint, dump, table

TOP = 20
"""Functions of a folder that are listed, unless told otherwise."""

_SUMS = ("lines", "code_lines", "comment_lines", "cyclomatic", "cognitive", "errors")
_COLUMNS = ("cognitive", "cyclomatic", "nesting", "parameters", "lines", "maintainability")


def analyze(
    paths: Annotated[list[str], typer.Argument(help="Source files and folders.", metavar="PATH...")],
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON: all files, all functions, all numbers.")] = False,
    as_lines: Annotated[
        bool, typer.Option("--json-lines", help="Print JSON, a line for each file as it is read.")
    ] = False,
    top: Annotated[
        int | None, typer.Option(help="How many functions to list; 0 for all. [20 of a folder]", min=0)
    ] = None,
    sort: Annotated[str, typer.Option(help=f"By {', '.join(_COLUMNS)}, or name. [of a folder: cognitive]")] = "",
    max_cognitive: Annotated[
        int | None, typer.Option(help="Exit with 1 if a function's cognitive complexity is greater.", min=0)
    ] = None,
    diff: Annotated[str, typer.Option(help="Only functions that changed since this commit, before and after.")] = "",
    ignored: Annotated[bool, typer.Option("--ignored", help="Read files that git ignores, too.")] = False,
    workers: Annotated[int, typer.Option(help="Processes; 0 for one on each core.", min=0)] = 0,
) -> None:
    """Show language, frameworks, domain, and each function's complexity."""
    if sort and sort not in (*_COLUMNS, "name"):
        raise Complaint(f"--sort {sort}: expected {', '.join(_COLUMNS)} or name", 2)
    found = [_absolute(path) for path in paths]
    if diff:
        functions = _differences(diff, found, as_json, top)
    elif as_lines:
        functions = _lines(_pages(found, ignored, workers))
    elif len(found) == 1 and os.path.isfile(found[0]):
        functions = _one(found[0], as_json, top, sort)
    else:
        functions = _many(list(_pages(found, ignored, workers)), as_json, TOP if top is None else top, sort)
    if max_cognitive is not None:
        _hold(functions, max_cognitive)


def analysis(path: str) -> dict[str, Any]:
    """The facts of a file, as JSON values. Raises Complaint where it cannot be read."""
    from codriver.cli.analysis import page

    found = page(path)
    if "skipped" in found:
        raise Complaint(f"{path}: {found['skipped']}")
    return found


def _absolute(path: str) -> str:
    path = os.path.abspath(os.path.expanduser(path))
    if not os.path.exists(path):
        raise Complaint(f"there is no file or folder {path}", 2)
    return path


def _pages(paths: Sequence[str], ignored: bool, workers: int) -> Iterator[dict[str, Any]]:
    from codriver.cli.analysis import pages
    from codriver.sources.walking import files

    def every() -> Iterator[str]:
        for path in paths:
            if os.path.isdir(path):
                yield from files(path, ignored=ignored)
            else:
                yield path

    return pages(dict.fromkeys(every()), workers)


def _lines(pages: Iterable[dict[str, Any]]) -> list[dict[str, Any]]:
    functions = []
    for page in pages:
        print(json.dumps(page, ensure_ascii=False), flush=True)
        functions += _placed(page)
    return functions


def _one(path: str, as_json: bool, top: int | None, sort: str) -> list[dict[str, Any]]:
    page = analysis(path)
    functions = _placed(page)
    if as_json:
        dump(page)
        return functions
    versions = page["versions"]
    frameworks = {name: versions.get(name, "") for name in page["frameworks"]}
    print(f"language    {page['language'] or 'unknown'}")
    print(f"domain      {page['domain'] or 'unknown'}")
    print(f"frameworks  {_listed(frameworks, len(frameworks)) or 'none'}")
    print(f"lines       {_lines_of(page)}")
    if functions:
        print()
        _functions(_sorted(functions, sort)[: top or None], with_path=False)
    return functions


def _many(pages: list[dict[str, Any]], as_json: bool, top: int, sort: str) -> list[dict[str, Any]]:
    read = [page for page in pages if "skipped" not in page]
    functions = [function for page in read for function in _placed(page)]
    if as_json:
        dump({"files": pages, "total": _total(read, functions)})
        return functions
    total = _total(read, functions)
    print(f"files       {total['files']}" + (f", {len(pages) - len(read)} skipped" if len(read) < len(pages) else ""))
    print(f"functions   {total['functions']}")
    print(f"lines       {_lines_of(total)}")
    print(f"languages   {_listed(total['languages']) or 'none known'}")
    print(f"frameworks  {_listed(total['frameworks']) or 'none'}")
    for page in pages:
        if "skipped" in page:
            print(f"codriver: {os.path.relpath(page['path'])}: {page['skipped']}", file=sys.stderr)
    if functions:
        print()
        _functions(_sorted(functions, sort or "cognitive")[: top or None], with_path=True)
    return functions


def _total(read: Sequence[dict[str, Any]], functions: Sequence[dict[str, Any]]) -> dict[str, Any]:
    from codriver.cli.analysis import maintainability

    return {
        "files": len(read),
        "functions": len(functions),
        **{name: sum(page[name] for page in read) for name in _SUMS},
        "maintainability": maintainability(functions),
        "languages": dict(Counter(page["language"] for page in read if page["language"]).most_common()),
        "frameworks": {name: page["versions"].get(name, "") for page in read for name in page["frameworks"]},
    }


def _lines_of(counted: dict[str, Any]) -> str:
    return f"{counted['lines']}, {counted['code_lines']} of code, {counted['comment_lines']} of comments"


def _listed(names: dict[str, Any], most: int = 8) -> str:
    """Names with their counts or versions, the first ones."""
    shown = [f"{name} {told}".rstrip() for name, told in list(names.items())[:most]]
    return ", ".join(shown + ([f"and {len(names) - most} more"] if len(names) > most else []))


def _placed(page: dict[str, Any]) -> list[dict[str, Any]]:
    return [{**function, "path": page["path"]} for function in page.get("functions", ())]


def _sorted(functions: list[dict[str, Any]], by: str) -> list[dict[str, Any]]:
    if not by:
        return functions
    if by == "name":
        return sorted(functions, key=lambda function: str(function["name"]))
    if by == "maintainability":  # the worst ones first, too
        return sorted(functions, key=lambda function: 101 if function[by] is None else function[by])
    return sorted(
        functions, key=lambda function: (function[by], function["cognitive"], function["lines"]), reverse=True
    )


def _functions(functions: Sequence[dict[str, Any]], with_path: bool) -> None:
    rows = [(f["name"], _place(f, with_path), *(_told(f[column]) for column in _COLUMNS)) for f in functions]
    table(("function", "where" if with_path else "line", *_COLUMNS), rows, right=range(1 + with_path, 8))


def _told(number: int | None) -> str:
    return "-" if number is None else str(number)


def _place(function: dict[str, Any], with_path: bool) -> str:
    return f"{os.path.relpath(function['path'])}:{function['start_line']}" if with_path else str(function["start_line"])


def _differences(base: str, paths: Sequence[str], as_json: bool, top: int | None) -> list[dict[str, Any]]:
    from codriver.cli.changed import since

    page = since(base, paths)
    changed = page["functions"]
    if as_json:
        dump(page)
    else:
        total = ", ".join(f"{name} {number:+d}" for name, number in page["total"].items())
        print(f"{len(changed)} functions changed since {base}: {total}")
        rows = [(f["name"], _place(f, True), *(_step(f, name) for name in ("cognitive", "cyclomatic", "lines")))
                for f in changed[: top or None]]  # fmt: skip
        if rows:
            print()
            table(("function", "where", "cognitive", "cyclomatic", "lines"), rows, right=range(2, 5))
    return [{**f, **f["after"]} for f in changed if f["after"]]


def _step(row: dict[str, Any], name: str) -> str:
    before, after = (str(row[side][name]) if row[side] else "-" for side in ("before", "after"))
    return after if before == after else f"{before} -> {after}"


def _hold(functions: Sequence[dict[str, Any]], most: int) -> None:
    over = [function for function in functions if function["cognitive"] > most]
    for function in over:
        print(
            f"{_place(function, True)}: {function['name']}: cognitive {function['cognitive']} > {most}", file=sys.stderr
        )
    if over:
        raise typer.Exit(1)
