"""A real Helix in a terminal with what `codriver connect helix` writes: it has no inline completion, so its menu."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
from playing import played

from running import Daemon

pytestmark = pytest.mark.skipif(
    os.environ.get("EDITOR_KIND") != "Helix", reason="real editors are run by `make test-editors`"
)


def test_the_menu_has_the_suggestion_and_the_function_its_actions(daemon: Daemon, tmp_path: Path) -> None:
    """codriver connect helix: hx --health, attach, completion, accept, code actions"""
    report = played("helix", tmp_path, CODRIVER_HOME=str(daemon.home))
    assert "codriver" in report["health"]
    typed = 'def add(a, b):\n    """Adds two numbers."""\n    re'
    assert report["accepted"].startswith(typed)
    assert len(report["accepted"]) > len(typed)
    assert report["status"] == 0
