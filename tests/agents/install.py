"""Clients of the table, at their pinned versions, each in a folder of its own outside the repository."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import tomllib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

HERE = Path(__file__).parent
_INSTALLING = 900.0
_NEVER = "nothing to install with"


@dataclass(frozen=True, slots=True)
class Client:
    """One set-up: a program or library, and the wire on which it calls."""

    name: str
    package: str
    wire: str
    light: bool
    npm: tuple[str, ...]
    pip: tuple[str, ...]

    def folder(self, cache: Path) -> Path:
        return cache / self.package


def clients() -> dict[str, Client]:
    """The table in clients.toml, in its order."""
    table = tomllib.loads((HERE / "clients.toml").read_text(encoding="utf-8"))
    return {
        name: Client(
            name,
            row["package"],
            row["wire"],
            row.get("light", False),
            tuple(table["packages"][row["package"]].get("npm", ())),
            tuple(table["packages"][row["package"]].get("pip", ())),
        )
        for name, row in table["clients"].items()
    }


def cache_folder() -> Path:
    """Where the clients are kept between runs."""
    return Path(os.environ.get("CODRIVER_AGENTS_CACHE") or Path.home() / ".cache" / "codriver-test-agents")


def install(client: Client, cache: Path) -> str:
    """Installs the client unless this very version is there. Returns "" or why it cannot be had."""
    folder, wanted = client.folder(cache), json.dumps([client.npm, client.pip])
    done = folder / ".installed"
    if done.is_file() and done.read_text(encoding="utf-8") == wanted:
        return ""
    folder.mkdir(parents=True, exist_ok=True)
    failed = _with_npm(client.npm, folder) if client.npm else _with_pip(client.pip, folder, cache)
    if not failed:
        done.write_text(wanted, encoding="utf-8")
    return failed


def _with_npm(names: Sequence[str], folder: Path) -> str:
    npm = shutil.which("npm")
    if npm is None:
        return f"{_NEVER}: npm is absent"
    return _told([npm, "install", "--prefix", str(folder), "--no-audit", "--no-fund", "--loglevel=error", *names])


def _with_pip(names: Sequence[str], folder: Path, cache: Path) -> str:
    """uv installs many times faster than pip and links files between the environments; without it, pip."""
    uv = shutil.which("uv") or _own_uv(cache / "uv")
    python = str(folder / "bin" / "python")
    if uv:
        made = _told([uv, "venv", "--quiet", "--clear", "--python", sys.executable, str(folder)])
        return made or _told([uv, "pip", "install", "--quiet", "--python", python, *names])
    made = _told([sys.executable, "-m", "venv", "--clear", str(folder)])
    return made or _told([python, "-m", "pip", "install", "--quiet", "--disable-pip-version-check", *names])


def _own_uv(folder: Path) -> str | None:
    uv = folder / "bin" / "uv"
    if not uv.is_file():
        failed = _told([sys.executable, "-m", "venv", str(folder)])
        failed = failed or _told([str(folder / "bin" / "python"), "-m", "pip", "install", "--quiet", "uv"])
        if failed:
            return None
    return str(uv)


def _told(command: Sequence[str], environ: Mapping[str, str] | None = None) -> str:
    """Runs a command to its end; "" or the last lines of what it said."""
    try:
        done = subprocess.run(
            command,
            env=environ,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            errors="replace",
            timeout=_INSTALLING,
            check=False,
        )
    except (OSError, subprocess.TimeoutExpired) as error:
        return str(error)
    said = [line for line in (done.stderr + done.stdout).splitlines() if line.strip()]
    return "" if done.returncode == 0 else " / ".join(said[-3:])[:400] or f"exit code {done.returncode}"
