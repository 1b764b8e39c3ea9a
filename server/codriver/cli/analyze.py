"""`analyze`: what Codriver reads in a file: language, frameworks, domain, and the numbers of each function."""

from __future__ import annotations

from dataclasses import asdict
from pathlib import Path
from typing import Annotated, Any

import typer

from codriver.cli import client
from codriver.cli.terminal import dump, table


def analyze(
    file: Annotated[str, typer.Argument(help="A source file.")],
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON.")] = False,
) -> None:
    """Show language, frameworks, domain, and each function's complexity."""
    page = analysis(client.absolute(file))
    if as_json:
        dump(page)
        return
    print(f"language    {page['language'] or 'unknown'}")
    print(f"domain      {page['domain'] or 'unknown'}")
    print(f"frameworks  {', '.join(page['frameworks']) or 'none'}")
    if page["functions"]:
        print()
        columns = ("name", "start_line", "cyclomatic", "cognitive", "nesting", "parameters", "lines")
        rows = [tuple(str(function[column]) for column in columns) for function in page["functions"]]
        table(("function", "line", *columns[2:]), rows, right=range(1, 7))


def analysis(path: str) -> dict[str, Any]:
    """The facts of a file, as JSON values. Raises OSError."""
    from codriver.syntax.analysis import Buffer

    buffer = Buffer(Path(path).read_bytes(), path=path)
    facts = asdict(buffer.facts(None))
    return {
        "path": path,
        **{name: facts[name] for name in ("language", "frameworks", "domain", "lines", "errors")},
        "functions": [asdict(function) for function in buffer.functions()],
    }
