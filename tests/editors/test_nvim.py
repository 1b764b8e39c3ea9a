"""The Neovim plugin in a real Neovim: keys go in, ghost text and buffer text come out.

Another version by hand: NVIM_UNDER_TEST=/path/to/nvim pytest tests/editors/test_nvim.py
"""

from __future__ import annotations

import os
import subprocess
from pathlib import Path
from typing import Any

import playing
import pytest

from running import Daemon

ACCEPTED = """\
def add(a, b):
    x = "😀é"; return a + b  # 😀 sum


def twice(a):
    return 2 * a"""


UNDER_TEST = os.environ.get("NVIM_UNDER_TEST") or playing.nvim()


def version() -> tuple[int, ...]:
    """Major and minor of the editor under test."""
    told = subprocess.run([UNDER_TEST, "--version"], capture_output=True, text=True, check=True).stdout
    return tuple(int(part) for part in told.split("\n")[0].removeprefix("NVIM v").split(".")[:2])


def played(scenario: str, folder: Path, **environ: str) -> dict[str, Any]:
    """What the scenario saw in the Neovim under test (0.7, 0.12); the driver itself stays the one found."""
    return playing.played(scenario, folder, NVIM_UNDER_TEST=UNDER_TEST, **environ)


@pytest.fixture(scope="module")
def seen(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    """One run of keys in an unnamed, unsaved buffer."""
    return played("ghost", tmp_path_factory.mktemp("nvim"))


def test_what_is_shown_is_what_is_not_typed_yet(seen: dict[str, Any]) -> None:
    """attach, ghost text"""
    assert seen["shown"] == "turn a + b  # 😀 sum\n\n\ndef twice(a):\n    return 2 * a"


def test_accepting_replaces_the_typed_word_behind_wide_characters(seen: dict[str, Any]) -> None:
    """accept, accept word"""
    assert seen["text"] == ACCEPTED
    assert seen["cursor"] == [6, 16]


def test_without_a_suggestion_tab_is_a_tab(seen: dict[str, Any]) -> None:
    assert seen["typed"] == ACCEPTED + "\n    # \t."


def test_the_server_is_told_what_became_of_each_suggestion(seen: dict[str, Any]) -> None:
    """dismiss"""
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
    """vim.lsp.enable"""
    report = played("enable", tmp_path)
    assert report["text"] == "return a + b  # 😀 sum\n\n\ndef twice(a):\n    return 2 * a"


@pytest.fixture(scope="module")
def commanded(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    """One run of the commands in an unnamed buffer."""
    return played("commands", tmp_path_factory.mktemp("commands"))


def test_findings_and_edits_reach_an_unnamed_buffer(commanded: dict[str, Any]) -> None:
    """commands"""
    (found,) = commanded["findings"]
    assert (found["lnum"], found["col"], found["end_col"], found["message"]) == (0, 6, 10, "a face")
    assert commanded["text"] == 'x = "é"\ncodriver.document'


def test_a_change_can_be_seen_before_it_is_made(commanded: dict[str, Any]) -> None:
    """preview"""
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
    """status line"""
    assert commanded["CodriverExplain"] == "It **is** so.\n\n*m (simulated)*"
    assert commanded["CodriverCommitMessage"] == "Say less\n\nBecause."
    assert commanded["paused"]
    assert commanded["statusline"] == "codriver: m (simulated), $0.50 today"


def test_health_knows_the_server_and_the_keys(commanded: dict[str, Any]) -> None:
    """checkhealth"""
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
    """unsaved buffer with the real server"""
    report = played("real", tmp_path, CODRIVER_HOME=str(daemon.home))
    assert report["shown"].strip()
    assert report["text"] == report["typed"] + report["shown"]
    assert report["statusline"].endswith(" (simulated)")
    assert report["explained"]["purpose"] == "complete"
    assert report["explained"]["decision"]["candidates"]


def test_a_code_action_of_the_real_server_changes_a_file_and_is_undone(daemon: Daemon, tmp_path: Path) -> None:
    """code action, undo"""
    report = played("action", tmp_path, CODRIVER_HOME=str(daemon.home))
    assert any("Refactor function" in title for title in report["titles"])
    assert report["after"] != report["before"] == report["undone"]
    assert "suggests inline" in report["health"]
    assert "ERROR" not in report["health"]


@pytest.mark.skipif(version() < (0, 8), reason="vim.lsp.start came with Neovim 0.8")
def test_what_connect_writes_starts_the_server(daemon: Daemon, tmp_path: Path) -> None:
    """codriver connect neovim"""
    assert played("connect", tmp_path, CODRIVER_HOME=str(daemon.home))["encoding"] == "utf-16"
