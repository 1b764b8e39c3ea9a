"""Fixtures for everybody: a home of its own for each test, and a real daemon on the simulator."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from running import Daemon, daemon_at


@pytest.fixture(autouse=True)
def own_home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """CODRIVER_HOME in a temporary folder, and no keys of the machine's owner."""
    home = tmp_path / "home"
    monkeypatch.setenv("CODRIVER_HOME", str(home))
    for name in list(os.environ):
        if name.endswith("_API_KEY") or name.startswith("CODRIVER__") or name.lower().endswith("_proxy"):
            monkeypatch.delenv(name)
    return home


@pytest.fixture(scope="module")
def daemon(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Daemon]:
    """One real `codriver serve --simulate` for a module's tests, on a free port."""
    with daemon_at(tmp_path_factory.mktemp("daemon"), "--simulate") as running:
        yield running
