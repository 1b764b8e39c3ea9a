"""How long a person waits: the daemon from nothing to listening, the forwarder to its first answer.

Medians of several fresh processes. Bytecode is compiled first: an installer does that, and this
machine may forbid Python to.
"""

from __future__ import annotations

import compileall
import json
import os
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from processes import codriver

import codriver as package

TIMES = 7


def compiled() -> None:
    """Bytecode for everything that is imported here."""
    for folder in {Path(package.__file__).parent, Path(os.__file__).parent, Path(sys.prefix, "lib")}:
        compileall.compile_dir(folder, quiet=2, workers=2)


def frame(page: dict[str, object]) -> bytes:
    body = json.dumps({"jsonrpc": "2.0", **page}).encode()
    return b"Content-Length: %d\r\n\r\n" % len(body) + body


INITIALIZE = frame(
    {"id": 1, "method": "initialize", "params": {"processId": None, "rootUri": None, "capabilities": {}}}
)


def first_answer(home: Path, *, joins: bool) -> float:
    """ms from starting `codriver lsp` to the answer to initialize."""
    environ = os.environ | {"CODRIVER_HOME": str(home), "CODRIVER__DAEMON__IDLE_SECONDS": "1"}
    environ.pop("PYTHONDONTWRITEBYTECODE", None)
    start = time.perf_counter()
    with subprocess.Popen(
        [sys.executable, "-m", "codriver", "lsp"], env=environ, stdin=subprocess.PIPE, stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
    ) as process:  # fmt: skip
        assert process.stdin is not None
        assert process.stdout is not None
        process.stdin.write(INITIALIZE)
        process.stdin.flush()
        assert process.stdout.readline().startswith(b"Content-Length")
        waited = (time.perf_counter() - start) * 1e3
        process.stdin.write(frame({"id": 2, "method": "shutdown"}) + frame({"method": "exit"}))
        process.stdin.close()
        process.stdout.read()
    if not joins:
        about = json.loads((home / "daemon.json").read_text())
        os.kill(about["pid"], 15)
        while (home / "daemon.json").exists():
            time.sleep(0.01)
    return waited


def told(what: str, values: list[float]) -> None:
    print(f"  {what:52} median {statistics.median(values):7.1f} ms  worst {max(values):7.1f}")


def main() -> None:
    print("Start-up")
    compiled()
    with tempfile.TemporaryDirectory() as folder:
        home = Path(folder)
        colds, joins, starts = [], [], []
        for n in range(TIMES):
            begun = time.perf_counter()
            with codriver(home / f"cold{n}", "", "--port", "0", "--simulate"):
                colds.append((time.perf_counter() - begun) * 1e3)
        with codriver(home / "join", "", "--port", "0", "--simulate"):
            for _ in range(TIMES):
                joins.append(first_answer(home / "join", joins=True))
        for n in range(TIMES):
            starts.append(first_answer(home / f"start{n}", joins=False))
        bare = []
        for _ in range(TIMES):
            begun = time.perf_counter()
            subprocess.run([sys.executable, "-c", "pass"], check=True)
            bare.append((time.perf_counter() - begun) * 1e3)
        told("a bare Python process", bare)
        told("forwarder joins a running daemon, initialize answered", joins)
        told("daemon cold start, listening", colds)
        told("forwarder starts the daemon, initialize answered", starts)


if __name__ == "__main__":
    main()
