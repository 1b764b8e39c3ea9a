"""What commands print: plain text into a pipe, tables with colour on a terminal, JSON when asked."""

from __future__ import annotations

import json
import sys
from collections.abc import Sequence
from typing import Any, Literal


class Complaint(Exception):
    """Something a person reads in one sentence; `code` is the exit code."""

    def __init__(self, text: str, code: int = 1) -> None:
        super().__init__(text)
        self.code = code


def dump(value: Any) -> None:
    """Prints JSON, indented, in the order given."""
    print(json.dumps(value, indent=2, ensure_ascii=False, default=str))


def table(
    headings: Sequence[str], rows: Sequence[Sequence[str]], *, right: Sequence[int] = (), dim: Sequence[int] = ()
) -> None:
    """Prints a table. right: columns set flush right. dim: rows that matter less."""
    if sys.stdout.isatty():
        _rich_table(headings, rows, set(right), set(dim))
        return
    widths = [max(map(len, column)) for column in zip(headings, *rows, strict=True)]
    for row in (headings, *rows):
        cells = (
            cell.rjust(w) if i in right else cell.ljust(w) for i, (cell, w) in enumerate(zip(row, widths, strict=True))
        )
        print("  ".join(cells).rstrip())


def _rich_table(headings: Sequence[str], rows: Sequence[Sequence[str]], right: set[int], dim: set[int]) -> None:
    from rich.console import Console
    from rich.table import Table
    from rich.text import Text

    grid = Table(box=None, pad_edge=False, header_style="bold")
    for column, heading in enumerate(headings):
        # The first column holds the name that one copies: the others fold where the terminal is narrow.
        justify: Literal["left", "right"] = "right" if column in right else "left"
        grid.add_column(heading, justify=justify, overflow="fold", no_wrap=column == 0)
    for number, row in enumerate(rows):
        grid.add_row(*map(Text, row), style="dim" if number in dim else None)
    Console().print(grid)


def coloured(text: str, colour: str) -> str:
    """The text in a colour ("green", "yellow", "red", "bold"), where stdout is a terminal that wants colours."""
    import os

    codes = {"green": 32, "yellow": 33, "red": 31, "bold": 1}
    if not sys.stdout.isatty() or os.environ.get("NO_COLOR") or os.environ.get("TERM") == "dumb":
        return text
    return f"\x1b[{codes[colour]}m{text}\x1b[0m"


def usd(amount: float) -> str:
    """Dollars with as many digits as say something."""
    if amount == 0:
        return "$0"
    return f"${amount:.2f}" if amount >= 0.1 else f"${amount:.2g}" if amount >= 0.001 else f"${amount:.6f}"


def tokens(count: int) -> str:
    """128000 -> 128k, 1050000 -> 1.05M."""
    return f"{count / 1e6:.3g}M" if count >= 1_000_000 else f"{count / 1000:.0f}k" if count >= 1000 else str(count)
