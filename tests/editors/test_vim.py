"""A real Vim 9 in a terminal: our own client, and ALE as it comes from Debian.

`make test-editors` runs it in the versions it installs; EDITOR_UNDER_TEST=/path/to/vim in any other.
"""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any

import pytest
from playing import played

from running import Daemon

pytestmark = pytest.mark.skipif(
    os.environ.get("EDITOR_KIND") != "Vim", reason="real editors are run by `make test-editors`"
)

ACCEPTED = """\
first = "é"
def add(a, b):
    x = "😀é"; return a + b  # 😀 sum


def twice(a):
    return 2 * a
# \t.
"""
URI = "gr%C3%B6%C3%9Fe%201.py"


@pytest.fixture(scope="module")
def seen(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    """One run of keys with the fake server; what was written lies beside."""
    folder = tmp_path_factory.mktemp("vim")
    report = played("vim_fake", folder)
    text = (folder / "größe 1.py").read_text(encoding="utf-8")
    told = json.loads((folder / "status.json").read_text(encoding="utf-8"))
    found = json.loads((folder / "found.json").read_text(encoding="utf-8"))
    return {**report, "text": text, "told": told, "found": found}


def test_ghost_text_is_shown_and_accepted(seen: dict[str, Any]) -> None:
    """attach, ghost text, accept, accept word"""
    assert seen["text"] == ACCEPTED
    assert seen["status"] == 0


def test_the_server_has_the_same_text(seen: dict[str, Any]) -> None:
    (uri, text), *more = seen["told"]["texts"].items()
    assert uri.endswith(URI)
    assert text == ACCEPTED
    assert not more


def test_the_server_is_told_what_became_of_each_suggestion(seen: dict[str, Any]) -> None:
    """dismiss"""
    fates = [wish["command"] for wish in seen["told"]["asked"] if wish["arguments"] == [{"id": "s1"}]]
    assert fates == [f"codriver.{word}" for word in ("partlyAccepted", "accepted", "rejected")]


def test_commands_are_carried_out(seen: dict[str, Any]) -> None:
    """commands"""
    ((found,),) = [seen["found"]]
    column = len(b'    x = "') + 1
    assert (found["text"], found["col"], found["type"]) == ("a face", found["col"], "W")
    assert column <= found["col"]
    asked = {wish["command"] for wish in seen["told"]["asked"]}
    assert asked >= {"codriver.review", "codriver.explain", "codriver.refactor"}


def test_the_real_server_suggests_and_refactors(daemon: Daemon, tmp_path: Path) -> None:
    """refactor, undo"""
    report = played("vim_real", tmp_path, CODRIVER_HOME=str(daemon.home))
    typed = 'def add(a, b):\n    """Adds two numbers: 😀."""\n    r'
    assert report["accepted"].startswith(typed)
    assert len(report["accepted"].strip()) > len(typed)
    assert report["refactored"] != report["accepted"] == report["undone"]


def test_ale_completes_by_the_real_server(daemon: Daemon, tmp_path: Path) -> None:
    """ALE: attach, completion, accept"""
    report = played("vim_ale", tmp_path, CODRIVER_HOME=str(daemon.home))
    typed = 'def add(a, b):\n    """Adds two numbers."""\n    re'
    assert report["accepted"].startswith(typed)
    assert len(report["accepted"]) > len(typed)
