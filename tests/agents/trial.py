"""One client, one task, one upstream: a small repository, a fresh home, a time limit, and a look at the disk."""

from __future__ import annotations

import contextlib
import os
import shutil
import signal
import subprocess
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from install import Client
from launch import Place, launch

FILE = "notes.txt"
BEFORE = "# Notes\n\nThe first note.\nThe second note.\n"
LINE = "The third note: Grüße from the far side."
TASK = f"Append the line `{LINE}` to the file {FILE}. Keep everything that is already in the file."
LIMIT = 90.0


@dataclass(frozen=True, slots=True)
class Verdict:
    """What became of one run: done when `reason` is "". seconds: wall time. said: the end of its output."""

    reason: str
    seconds: float
    said: str = ""


def attempt(client: Client, cache: Path, base: str, key: str, folder: Path) -> Verdict:
    """Runs the client on the task in a new folder and judges what it left. The folder is kept."""
    repository, home = folder / "repository", folder / "home"
    (home / "tmp").mkdir(parents=True)
    _repository(repository)
    place = Place(client, client.folder(cache), home, repository, base, key, TASK, FILE)
    started = time.monotonic()
    code, output = _run(place, folder / "output.txt")
    return Verdict(judged(repository / FILE, code), time.monotonic() - started, output[-2000:])


def _repository(folder: Path) -> None:
    folder.mkdir(parents=True)
    (folder / FILE).write_text(BEFORE, encoding="utf-8")
    (folder / "README.md").write_text("A small repository.\n", encoding="utf-8")
    git = ["git", "-c", "init.defaultBranch=main", "-C", str(folder)]
    for command in (
        ["init", "--quiet"],
        ["config", "user.name", "Tester"],
        ["config", "user.email", "tester@example.com"],
        ["config", "core.autocrlf", "false"],
        ["add", "."],
        ["commit", "--quiet", "--no-gpg-sign", "-m", "Start"],
    ):
        subprocess.run([*git, *command], check=True, capture_output=True, timeout=30)


def judged(file: Path, code: int | None) -> str:
    """Why this is no success, or ""."""
    text = file.read_text(encoding="utf-8", errors="replace") if file.is_file() else ""
    lines = text.splitlines()
    ended = "time is up" if code is None else f"exit code {code}" if code else ""
    if lines.count(LINE) != 1:
        return ", ".join(filter(None, (f"the line is there {lines.count(LINE)} times", ended)))
    if lines[-1] != LINE or lines[:-1] != BEFORE.splitlines():
        return ", ".join(filter(None, ("the rest of the file was changed", ended)))
    return f"the file is right, but: {ended}" if ended else ""


def _run(place: Place, output: Path) -> tuple[int | None, str]:
    """Exit code, None when the time was up, and what was said."""
    made = launch(place)
    with output.open("wb") as sink:
        process = subprocess.Popen(
            made.command,
            cwd=place.repository,
            env=dict(made.environ),
            stdin=subprocess.DEVNULL,
            stdout=sink,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )
        try:
            code: int | None = process.wait(LIMIT)
        except subprocess.TimeoutExpired:
            code = None
        finally:
            _end(process, place.home)
    return code, output.read_text(encoding="utf-8", errors="replace")


def _end(process: subprocess.Popen[bytes], home: Path) -> None:
    """Ends what the client started: its process group, and daemons that left it, known by their fresh HOME."""
    for _ in range(2):
        with contextlib.suppress(ProcessLookupError, PermissionError):
            os.killpg(process.pid, signal.SIGKILL)
        for pid in _living_in(home):
            with contextlib.suppress(ProcessLookupError, PermissionError):
                os.kill(pid, signal.SIGKILL)
    process.wait()


def _living_in(home: Path) -> Iterator[int]:
    """Processes whose HOME is this one. Only where /proc tells."""
    mark = b"HOME=" + os.fsencode(home)
    for folder in Path("/proc").glob("[0-9]*"):
        with contextlib.suppress(OSError):
            if mark in (folder / "environ").read_bytes().split(b"\0"):
                yield int(folder.name)


def clear(folder: Path) -> None:
    """Removes a run's folder, whatever its permissions."""
    shutil.rmtree(folder, ignore_errors=True)
