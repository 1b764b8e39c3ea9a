"""One installation in a folder of its own, and an end for every process that was started in it."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from lsp_client import Client, codriver_lsp

from codriver import paths
from codriver.fronts.lsp.parent import alive
from running import until

WAIT = 30.0


def gone(pid: int) -> bool:
    """Whether a process has ended; one of ours that nobody has waited for yet counts as ended."""
    try:
        state = Path(f"/proc/{pid}/stat").read_text("utf-8", "replace").rpartition(")")[2].split()[0]
    except OSError:
        return not alive(pid)
    return state == "Z"


class Home:
    """One installation: its files, its editors, its daemon."""

    def __init__(self, folder: Path) -> None:
        # A daemon that a failing test leaves behind ends by itself.
        self.environ = {
            "CODRIVER_HOME": str(folder),
            "CODRIVER_PORT": "0",
            "CODRIVER__DAEMON__IDLE_SECONDS": "30",
        }
        self.paths = paths.find(self.environ)
        self.paths.create()
        self._clients: list[Client] = []
        self._processes: list[subprocess.Popen[str]] = []
        self._pids: set[int] = set()

    def editor(
        self, *arguments: str, environ: Mapping[str, str] = {}, answer: Callable[[str, Any], Any] | None = None
    ) -> Client:
        client = Client(codriver_lsp("--simulate", *arguments), {**self.environ, **environ}, answer)
        self._clients.append(client)
        return client

    def run(self, *arguments: str, code: str = "", environ: Mapping[str, str] = {}) -> subprocess.Popen[str]:
        """Starts `codriver ...`, or Python code in its place."""
        command = [sys.executable, *(["-c", code] if code else ["-m", "codriver"]), *arguments]
        process = subprocess.Popen(
            command,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            env={**os.environ, **self.environ, **environ},
        )
        self._processes.append(process)
        return process

    def whereabouts(self) -> dict[str, Any]:
        """What daemon.json says; {} when there is none."""
        try:
            found = json.loads(self.paths.daemon.read_bytes())
        except (OSError, ValueError):
            return {}
        self._pids.add(found["pid"])
        return dict(found)

    def daemon(self) -> int:
        """The daemon's pid, once it listens."""
        return int(until(self.whereabouts, "a daemon")["pid"])

    def log(self) -> str:
        return self.paths.log.read_text() if self.paths.log.exists() else ""

    def close(self) -> None:
        self.whereabouts()
        for client in self._clients:
            client.kill()
        self.whereabouts()
        for pid in self._pids:
            if not gone(pid):
                os.kill(pid, signal.SIGKILL)
        for process in self._processes:
            if process.poll() is None:
                process.kill()
            process.wait(WAIT)
            if process.stdout is not None:
                process.stdout.close()
