"""`config path` and `config show`: where the settings are, what holds, and where each value was written."""

from __future__ import annotations

import os
from typing import Annotated

import typer

from codriver.cli.terminal import dump, table


def group() -> typer.Typer:
    """The commands below `codriver config`."""
    app = typer.Typer(no_args_is_help=True, help="Show the settings.", rich_markup_mode=None)
    app.command()(path)
    app.command()(show)
    return app


def path() -> None:
    """Print the path of the settings file, whether it is there or not."""
    from codriver import config

    print(config.where(os.environ))


def show(
    changed: Annotated[bool, typer.Option("--changed", help="Only what is not the default.")] = False,
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON.")] = False,
) -> None:
    """Print every setting with its value and its source."""
    from codriver import config

    found = config.origins(config.where(os.environ), os.environ)
    shown = [origin for origin in found if origin.source or not changed]
    if as_json:
        dump([{"key": o.key, "value": o.value, "source": o.source or "default"} for o in shown])
        return
    dim = [number for number, origin in enumerate(shown) if not origin.source]
    table(("setting", "value", "source"), [(o.key, _short(o.value), o.source or "default") for o in shown], dim=dim)


def _short(value: object) -> str:
    text = ", ".join(map(str, value)) if isinstance(value, list | tuple) else str(value)
    return text if len(text) <= 60 else text[:57] + "..."
