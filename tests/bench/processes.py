"""Processes a benchmark starts and surely ends, and Codriver itself in front of a given upstream."""

from __future__ import annotations

import contextlib
import json
import os
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

HERE = Path(__file__).parent

CONFIG = """
[http]
port = 0

[providers.bench]
base_url = "http://127.0.0.1:{port}"
wire = "openai_chat"
auth = "none"
discover = ""

[providers.bench.models.fast]
window = 1000000
price = {{ input = 1, output = 2 }}
"""


@contextlib.contextmanager
def script(name: str, *arguments: str) -> Iterator[int]:
    """Runs one of the scripts here; yields the port it prints, and ends it by closing its input."""
    with process(name, *arguments) as (port, _):
        yield port


@contextlib.contextmanager
def process(name: str, *arguments: str) -> Iterator[tuple[int, int]]:
    """The same with the pid beside the port."""
    command = [sys.executable, str(HERE / name), *arguments]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as running:
        try:
            assert running.stdout is not None
            yield int(running.stdout.readline()), running.pid
        finally:
            assert running.stdin is not None
            running.stdin.close()
            running.wait(10)


@contextlib.contextmanager
def codriver(home: Path, config: str = "", *arguments: str) -> Iterator[dict[str, object]]:
    """A daemon with its own home; yields what it wrote about itself, with its token."""
    home.mkdir(parents=True, exist_ok=True)
    (home / "config.toml").write_text(config or "[http]\nport = 0\n")
    environ = {k: v for k, v in os.environ.items() if not k.endswith("_API_KEY")} | {"CODRIVER_HOME": str(home)}
    command = [sys.executable, "-m", "codriver", "serve", *arguments]
    with subprocess.Popen(
        command, env=environ, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True
    ) as process:
        try:
            yield _about(home, process) | {"token": (home / "token").read_text().strip()}
        finally:
            process.terminate()
            process.communicate(timeout=15)


def _about(home: Path, process: subprocess.Popen[str]) -> dict[str, object]:
    deadline = time.monotonic() + 20
    while time.monotonic() < deadline:
        with contextlib.suppress(FileNotFoundError, ValueError):
            return dict(json.loads((home / "daemon.json").read_text()))
        if process.poll() is not None:
            assert process.stderr is not None
            raise RuntimeError(f"the daemon ended: {process.stderr.read()}")
        time.sleep(0.005)
    raise TimeoutError("the daemon did not start")
