"""`connect`: points agents and editors here by their own settings files; shows the change first, and takes it back."""

from __future__ import annotations

import os
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from codriver.cli import client as daemon
from codriver.cli import env
from codriver.cli.terminal import Complaint, coloured, dump, table

if TYPE_CHECKING:
    from codriver.cli.connect.clients import Client
    from codriver.cli.connect.journal import Change, Entry


def connect(
    name: Annotated[str, typer.Argument(help="The agent, editor or library; without one, all are listed.")] = "",
    yes: Annotated[bool, typer.Option("--yes", "-y", help="Do not ask.")] = False,
    undo: Annotated[bool, typer.Option("--undo", help="Take back what connect wrote.")] = False,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Only show the change.")] = False,
    as_json: Annotated[bool, typer.Option("--json", help="The list as JSON.")] = False,
) -> None:
    """Point an agent or an editor here: shows the change of its settings, asks, writes; --undo takes it back."""
    from codriver.cli.connect import clients

    where = daemon.paths()
    token = env.own_token(where)
    ground = clients.Ground(env.address(), token, where.token, clients.server_words(), os.environ)
    known = clients.load(ground)
    if not name:
        _list(list(known.values()), as_json)
        return
    if name not in known:
        raise Complaint(f"{name!r} is no client known here; there are {', '.join(known)}", 2)
    chosen, folder = known[name], where.state / "connect" / name
    if not chosen.targets:
        _tell(chosen, undo)
        return
    _change(chosen, folder, token, undo=undo, ask=not yes, write=not dry_run)


def _change(client: Client, folder: Path, token: str, *, undo: bool, ask: bool, write: bool) -> None:
    from codriver.cli.connect import journal, planning

    entries, changes = _planned(client, folder, undo)
    if not changes:
        if undo and entries and write:
            journal.forget(folder)
        print(_nothing(client, undo))
        return
    for change in changes:
        print(planning.difference(change, token), end="")
    if not write or (ask and not _agreed(client, undo)):
        return
    stale = journal.stale(changes)
    if stale is not None:
        raise Complaint(f"{stale} was changed meanwhile; nothing was changed")
    if undo:
        journal.take_back(folder, changes, entries)
    else:
        journal.carry_out(folder, changes, entries)
    _done(client, changes, folder, undo)
    for path in () if undo else journal.exposed(changes, token):
        print(f"Other users can read {path}, which now holds the token: chmod 600 {path}")


def _planned(client: Client, folder: Path, undo: bool) -> tuple[dict[Path, Entry], tuple[Change, ...]]:
    """What the journal says, and what is to change. Raises Complaint where a file cannot be edited."""
    from codriver.cli.connect import journal, planning

    try:
        entries = journal.read(folder)
        if not undo:
            return entries, planning.connecting(client, entries)
        undoing = planning.disconnecting(entries)
    except planning.Refused as refused:
        raise Complaint(f"{refused}; nothing was changed") from None
    except ValueError as error:
        raise Complaint(f"{folder / 'journal.json'}: {error}; nothing was changed") from None
    for name in undoing.left:
        print(f"Left as it is, somebody has changed it since: {name}")
    return entries, undoing.changes


def _agreed(client: Client, undo: bool) -> bool:
    """The person's word. Raises Complaint where there is nobody to ask."""
    if not (sys.stdin.isatty() and sys.stdout.isatty()):
        raise Complaint("nothing was changed: there is no terminal to ask at; --yes does it, --dry-run only shows it")
    answer = input(f"\n{'Disconnect' if undo else 'Connect'} {client.title} so? [y/N] ")
    if answer.strip().lower() in ("y", "yes"):
        return True
    print("Nothing was changed.")
    return False


def _done(client: Client, changes: tuple[Change, ...], folder: Path, undo: bool) -> None:
    if undo:
        print(f"\n{client.title} is as it was.")
        return
    print(f"\n{client.title} points here now. `codriver connect {client.name} --undo` takes it back.")
    if any(change.base is not None for change in changes):
        print(f"What was there lies in {folder}")
    if client.note:
        print(client.note.strip())


def _nothing(client: Client, undo: bool) -> str:
    if undo:
        return f"Nothing to undo: {client.title} is not connected, or not by this command."
    return f"Nothing to do: {client.title} points here already."


def _tell(client: Client, undo: bool) -> None:
    """For those that have no settings file: what to set, in a shell or by hand."""
    if undo:
        print(f"Nothing to undo: nothing is ever written for {client.title}.")
        return
    if client.environ:
        print(env.assignments(dict(client.environ), env.own_shell()))
    if client.steps:
        print(client.steps.strip("\n"))
    if client.note:
        print(f"# {client.note}" if client.environ else client.note)


def _list(known: list[Client], as_json: bool) -> None:
    from codriver.cli.connect import planning

    rows = [(client, client.found(os.environ), planning.state(client)) for client in known]
    if as_json:
        dump(
            [
                {"name": client.name, "title": client.title, "kind": client.kind, "found": found, "connected": state,
                 "files": [str(target.path) for target in client.targets]}
                for client, found, state in rows
            ]
        )  # fmt: skip
        return
    cells = [
        (client.name, client.title, client.kind, "yes" if found else "", state, _file(client))
        for client, found, state in rows
    ]
    dim = [number for number, (client, found, _) in enumerate(rows) if client.targets and not found]
    table(("name", "", "kind", "found", "connected", "settings"), cells, dim=dim)
    print(f"\n{coloured('codriver connect NAME', 'bold')} shows what would change, and asks.")


def _file(client: Client) -> str:
    if not client.targets:
        return "prints what to set"
    first, home = str(client.targets[0].path), str(Path.home())
    return first.replace(home, "~", 1) if first.startswith(home + os.sep) else first
