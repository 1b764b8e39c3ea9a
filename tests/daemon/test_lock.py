"""Who holds the lock is the daemon; who only looks is in nobody's way."""

from __future__ import annotations

import contextlib
import sys
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from codriver import daemon
from codriver.paths import Paths

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="flock")


@pytest.fixture
def paths(tmp_path: Path) -> Paths:
    found = Paths(tmp_path, tmp_path, tmp_path)
    found.create()
    return found


@contextlib.contextmanager
def looking(paths: Paths) -> Iterator[None]:
    """Somebody who looks all the time."""
    done = threading.Event()

    def look() -> None:
        while not done.is_set():
            daemon.running(paths)

    looker = threading.Thread(target=look)
    looker.start()
    try:
        yield
    finally:
        done.set()
        looker.join()


def test_those_who_look_do_not_take_each_other_for_a_daemon(paths: Paths) -> None:
    with daemon._lock(paths.lock, shared=True):
        assert daemon.running(paths) is None
    with looking(paths):
        assert [daemon.running(paths) for _ in range(300)] == [None] * 300


def test_a_daemon_starts_although_somebody_looks(paths: Paths, monkeypatch: pytest.MonkeyPatch) -> None:
    look = contextlib.ExitStack()
    assert look.enter_context(daemon._lock(paths.lock, shared=True))
    pauses: list[float] = []

    def pause(seconds: float) -> None:
        pauses.append(seconds)
        look.close()

    monkeypatch.setattr(time, "sleep", pause)
    with daemon._lock(paths.lock, daemon.LOCK_SECONDS) as held:
        assert held and len(pauses) == 1
        assert daemon.running(paths) == {}
        with daemon._lock(paths.lock) as second:
            assert not second
