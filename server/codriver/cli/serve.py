"""`serve`, `stop` and `status`: the life of the daemon."""

from __future__ import annotations

import sys
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Any

import typer

from codriver.cli import client
from codriver.cli.terminal import Complaint, dump, usd


def serve(
    port: Annotated[int | None, typer.Option(min=0, max=65535, help="Listen on this port; 0 for any free one.")] = None,
    host: Annotated[str | None, typer.Option(help="Listen on this address.")] = None,
    config: Annotated[Path | None, typer.Option(help="Use this settings file.")] = None,
    simulate: Annotated[
        bool, typer.Option("--simulate", help="Answer from simulated models: no key, no cost.")
    ] = False,
    from_forwarder: Annotated[bool, typer.Option("--from-forwarder", hidden=True)] = False,
) -> None:
    """Serve editors and agents until stopped."""
    from codriver import daemon
    from codriver.cli import welcome

    if config is not None and not config.is_file():
        raise Complaint(f"there is no settings file {config}", 2)
    options = daemon.Options(config, simulate, host, port, from_forwarder)
    raise SystemExit(daemon.serve(client.paths(), options, _say, welcome.next_steps))


def _say(text: str) -> None:
    print(text, file=sys.stderr, flush=True)


def stop(
    wait: Annotated[float, typer.Option(min=0, help="Seconds to wait for it to be gone.")] = 10.0,
) -> None:
    """Stop the running daemon; answers under way may end first."""
    where = client.paths()
    before = client.whereabouts(where)
    client.call(where, "POST", "/v1/shutdown", {}).json()
    until = time.monotonic() + wait
    while client.whereabouts(where) == before and time.monotonic() < until:
        time.sleep(0.02)
    if client.whereabouts(where) == before:
        raise Complaint(f"it is still finishing its work after {wait:g} s")
    print("Codriver has stopped.")


def status(
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON.")] = False,
) -> None:
    """Tell whether the daemon runs, what it serves and what it spent today."""
    where = client.paths()
    page = client.call(where, "GET", "/v1/status").json()
    if as_json:
        dump(page)
        return
    for name, value in _lines(page, client.whereabouts(where) or {}):
        print(f"{name:<10} {value}")


def _lines(page: dict[str, Any], found: dict[str, Any]) -> list[tuple[str, str]]:
    http, models = found.get("http"), page.get("models", [])
    lines = [
        ("running", f"version {page.get('version')}, pid {page.get('pid')}, up {_span(page.get('uptime_s', 0))}"),
        ("http", f"http://{http['host']}:{http['port']}/v1" if http else str((found.get("unix") or {}).get("http"))),
        ("editors", f"{page.get('editors', 0)} connected, {page.get('buffers', 0)} open buffers"),
        ("requests", f"{page.get('requests', 0)}, {usd(page.get('cost_today_usd', 0.0))} today"),
        ("models", f"{len(models)} can be called" + (" (simulated)" if page.get("simulated") else "")),
        ("strategy", str(page.get("strategy", ""))),
    ]
    config = page.get("config") or {}
    lines.append(("settings", str(config.get("error") or config.get("file", ""))))
    return lines + [("resting", text) for text in _resting(page.get("resting") or {})]


def _resting(rests: Mapping[str, str]) -> list[str]:
    """One line for each reason, with the models that rest for it: one lost connection rests all of a provider's."""
    names: dict[str, list[str]] = {}
    for name, why in rests.items():
        names.setdefault(why.removeprefix(name).strip(), []).append(name)
    return [f"{', '.join(models)}: {why}" for why, models in names.items()]


def _span(seconds: float) -> str:
    minutes, rest = divmod(int(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours} h {minutes} min" if hours else f"{minutes} min {rest} s" if minutes else f"{rest} s"
