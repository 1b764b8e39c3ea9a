"""`doctor`: is everything in place? Each line says ok, warn or fail, and what to do."""

from __future__ import annotations

from dataclasses import asdict
from typing import Annotated

import typer

from codriver.cli.terminal import coloured, dump

COLOURS = {"ok": "green", "warn": "yellow", "fail": "red"}


def doctor(
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON.")] = False,
) -> None:
    """Check the installation, the settings, the keys and the daemon."""
    from codriver.cli import checks

    found = checks.run()
    if as_json:
        dump([asdict(check) for check in found])
    else:
        for check in found:
            print(f"{coloured(f'{check.verdict:<4}', COLOURS[check.verdict])}  {check.name:<12} {check.text}")
            if check.remedy:
                print(f"{'':<19}{check.remedy}")
    if any(check.verdict == "fail" for check in found):
        raise SystemExit(1)
