"""`dashboard`: opens the page that shows what the running daemon does, spends and saves."""

from __future__ import annotations

import os
import sys
from typing import Annotated

import typer

from codriver.cli import client


def dashboard(
    browser: Annotated[bool, typer.Option(help="Open the page; --no-browser only prints its address.")] = True,
) -> None:
    """Open the dashboard in your browser. The printed address opens it once, within two minutes."""
    page = client.call(client.paths(), "POST", "/v1/dashboard/code", {}).json()
    print(page["url"], flush=True)
    if browser and _graphical():
        import webbrowser

        if not webbrowser.open(page["url"]):
            print("codriver: no browser could be opened; go to the address above", file=sys.stderr)


def _graphical() -> bool:
    """Whether a browser has somewhere to appear: without a display it would take over the terminal."""
    if sys.platform in ("win32", "darwin"):
        return True
    return bool(os.environ.get("DISPLAY") or os.environ.get("WAYLAND_DISPLAY") or os.environ.get("BROWSER"))
