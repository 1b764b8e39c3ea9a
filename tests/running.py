"""A real Codriver process for tests: started with its own home, ended by its pid."""

from __future__ import annotations

import contextlib
import json
import os
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx

PATIENCE = 20.0


def until(condition: Callable[[], Any], what: str, seconds: float = PATIENCE) -> Any:
    """Waits for a condition to become true and returns its value; fails with `what` after a while."""
    deadline = time.monotonic() + seconds
    while True:
        value = condition()
        if value:
            return value
        if time.monotonic() > deadline:
            raise AssertionError(f"waited {seconds} s in vain for {what}")
        time.sleep(0.01)


@dataclass(frozen=True)
class Daemon:
    """A running daemon: where it is and how to talk to it."""

    home: Path
    pid: int
    port: int
    token: str

    @property
    def base(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    @property
    def client(self) -> httpx.Client:
        """A client with the token; close it."""
        return httpx.Client(base_url=self.base, headers={"authorization": f"Bearer {self.token}"}, timeout=30)

    def get(self, path: str) -> Any:
        with self.client as client:
            return client.get(path).raise_for_status().json()

    def post(self, path: str, body: Any, **headers: str) -> httpx.Response:
        with self.client as client:
            return client.post(path, json=body, headers=headers)

    # The simulator's own control page.

    @property
    def simulator(self) -> str:
        return str(self.get("/v1/status")["simulator_url"])

    def fault(self, model: str, fault: str, **more: Any) -> None:
        """The next `times` requests for a model fail as told."""
        page = {"model": model, "fault": fault, "times": 1, **more}
        self._control("POST", "faults", json=page)

    def heal(self) -> None:
        """No faults any more, an empty log."""
        self._control("DELETE", "faults")
        self._control("DELETE", "log")

    def log(self) -> list[dict[str, Any]]:
        """What the simulator was asked."""
        return list(self._control("GET", "log")["requests"])

    def _control(self, method: str, what: str, **more: Any) -> Any:
        headers = {"authorization": f"Bearer {self.token}"}
        answer = httpx.request(method, f"{self.simulator}/simulator/{what}", headers=headers, **more)
        return answer.raise_for_status().json()


def environment(home: Path, **more: str) -> dict[str, str]:
    """The environment of a process with its own home, without the machine owner's keys."""
    kept = {k: v for k, v in os.environ.items() if not k.endswith("_API_KEY") and not k.startswith("CODRIVER")}
    return kept | {"CODRIVER_HOME": str(home), **more}


def about(home: Path) -> dict[str, Any] | None:
    """What the daemon of this home says of itself, or None."""
    with contextlib.suppress(FileNotFoundError, ValueError):
        return dict(json.loads((home / "daemon.json").read_text()))
    return None


@contextlib.contextmanager
def daemon_at(home: Path, *arguments: str, config: str = "", **environ: str) -> Iterator[Daemon]:
    """Runs `codriver serve` with these arguments on a free port until the block ends."""
    home.mkdir(parents=True, exist_ok=True)
    if config:
        (home / "config.toml").write_text(config)
    command = [sys.executable, "-m", "codriver", "serve", "--port", "0", *arguments]
    process = subprocess.Popen(
        command,
        env=environment(home, **environ),
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
        text=True,
    )

    def up() -> dict[str, Any] | None:
        if process.poll() is not None:
            assert process.stderr is not None
            raise AssertionError(f"the daemon ended with {process.returncode}: {process.stderr.read()}")
        return about(home)

    try:
        found = until(up, "the daemon to listen")
        yield Daemon(home, found["pid"], found["http"]["port"], (home / "token").read_text().strip())
    finally:
        process.terminate()
        try:
            process.communicate(timeout=PATIENCE)
        except subprocess.TimeoutExpired:
            process.kill()
            process.communicate()
