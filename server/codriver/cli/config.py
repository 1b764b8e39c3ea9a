"""`config`: where the settings are, what holds and where each value was written; `set` and `unset` edit the file.

An edit keeps every other byte of the file, comments included, and is written only if the settings are then sound.
"""

from __future__ import annotations

import os
import tempfile
import tomllib
from pathlib import Path
from typing import Annotated, Any

import typer

from codriver.cli.terminal import Complaint, dump, table
from codriver.errors import ConfigError


def group() -> typer.Typer:
    """The commands below `codriver config`."""
    app = typer.Typer(no_args_is_help=True, help="Show and change the settings.", rich_markup_mode=None)
    app.command()(path)
    app.command()(show)
    app.command("set")(put)
    app.command()(unset)
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


def put(
    settings: Annotated[list[str], typer.Argument(help="KEY=VALUE, the value as TOML or as plain text.")],
) -> None:
    """Write settings into the file: `codriver config set routing.strategy=cost`. A running daemon takes them over."""
    wanted = {}
    for one in settings:
        key, equals, text = one.partition("=")
        if not equals:
            raise Complaint(f"{one!r} is not KEY=VALUE", 2)
        wanted[_path(key)] = _value(text)
    _edit(wanted)


def unset(keys: Annotated[list[str], typer.Argument(help="KEY, as `config show` names it.")]) -> None:
    """Take settings out of the file: the defaults hold again."""
    _edit({_path(key): None for key in keys})


def _edit(wanted: dict[tuple[str, ...], Any]) -> None:
    """Writes or (None) drops values, if the whole is then sound. Raises Complaint and ConfigError."""
    from codriver import config
    from codriver.cli.connect import editing, journal
    from codriver.cli.connect.formats import Broken, toml

    file = config.where(os.environ)
    try:
        text = file.read_bytes().decode("utf-8") if file.exists() else ""
        gone = [path for path, value in wanted.items() if value is None]
        there = [editing.Done(path, None, raw, len(path) - 1) for path in gone if (raw := toml.raw(text, path))]
        new, _ = editing.revert(toml, text, there)
        put_in = [editing.Setting(path, value) for path, value in wanted.items() if value is not None]
        new, _ = editing.apply(toml, new, put_in)
    except Broken as problem:
        raise Complaint(f"{file}: {problem}; nothing was changed", 2) from None
    except UnicodeDecodeError:
        raise Complaint(f"{file} is not UTF-8; nothing was changed", 2) from None
    if new == text:
        print("Nothing to do.")
        return
    _sound(new, file)
    file.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    journal.write(file, new.encode())
    print(file)


def _sound(text: str, file: Path) -> None:
    """Raises ConfigError, naming the real file, where the settings would not be read."""
    from codriver import config
    from codriver.routing import strategies

    with tempfile.TemporaryDirectory() as folder:
        draft = Path(folder) / "config.toml"
        draft.write_text(text, encoding="utf-8")
        try:
            strategy = config.load(draft, {}).routing.strategy
        except ConfigError as error:
            raise ConfigError(str(file), error.key, f"{error.reason} (nothing was changed)", error.remedy) from None
    if strategy not in strategies.names():
        reason = f"no strategy is called {strategy!r} (nothing was changed)"
        raise ConfigError(str(file), "routing.strategy", reason, f"There are {', '.join(strategies.names())}.")


def _path(key: str) -> tuple[str, ...]:
    """A dotted key as a path, quoted parts as TOML has them. Raises Complaint."""
    try:
        found, path = tomllib.loads(f"{key.strip()} = 0"), []
    except tomllib.TOMLDecodeError:
        raise Complaint(f"{key!r} is no key", 2) from None
    value: Any = found
    while isinstance(value, dict):
        name, value = next(iter(value.items()))
        path.append(name)
    return tuple(path)


def _value(text: str) -> Any:
    """A TOML value, or plain text where it is none."""
    try:
        found = tomllib.loads(f"value = {text}")
    except tomllib.TOMLDecodeError:
        return text
    return found["value"] if len(found) == 1 else text


def _short(value: object) -> str:
    text = ", ".join(map(str, value)) if isinstance(value, list | tuple) else str(value)
    return text if len(text) <= 60 else text[:57] + "..."
