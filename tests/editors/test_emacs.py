"""A real Emacs in a terminal: codriver.el over eglot, and eglot alone with what `codriver connect emacs` writes."""

from __future__ import annotations

import os
import sys
from pathlib import Path

import playing
import pytest
from playing import played

from running import Daemon

pytestmark = pytest.mark.skipif(
    os.environ.get("EDITOR_KIND") != "Emacs", reason="real editors are run by `make test-editors`"
)

ACCEPTED = """\
def add(a, b):
        x = "😀é"; return a + b  # 😀 sum


def twice(a):
    return 2 * a"""


def test_ghost_text_is_shown_taken_and_dismissed(tmp_path: Path) -> None:
    """codriver.el: attach, ghost text, accept, accept word, dismiss, commands"""
    served = f'"{sys.executable}" "{playing.HERE / "fake_server.py"}"'
    report = played("emacs_fake", tmp_path, SERVED=served, GHOST="return a %+ b")
    assert report["text"] == ACCEPTED
    assert "$0.50 today" in report["status"]


def test_eglot_alone_completes_and_takes_a_code_action(daemon: Daemon, tmp_path: Path) -> None:
    """codriver connect emacs: completion, accept, code action"""
    report = played("emacs_plain", tmp_path, CODRIVER_HOME=str(daemon.home))
    typed = 'def add(a, b):\n    """Adds two numbers."""\n    return'
    assert report["accepted"].startswith(typed)
    assert report["refactored"] != report["accepted"]
