"""Plugins of others as clients of ours, unchanged but for the command or the address they are told.

Their sources are in no package registry, so a checkout is named by the environment, and without it the same messages are
held by tests/fronts/lsp/test_dialect.py, test_manners.py (L29) and tests/fronts/http/test_plugins.py.

    COPILOT_LSP=/path/to/copilot-lsp LLAMA_VIM=/path/to/llama.vim pytest tests/editors/test_inherited.py
"""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator
from pathlib import Path

import playing
import pytest

from running import Daemon, daemon_at

PRICES = "def total(prices):\n    return sum(prices)\n\n\n# 😀\nprint(total([1]), total([2]))\n"

pytestmark = pytest.mark.timeout(180)


@pytest.fixture(scope="module")
def daemon(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Daemon]:
    with daemon_at(tmp_path_factory.mktemp("inherited"), "--simulate") as running:
        yield running


def command(folder: Path, name: str) -> str:
    """A PATH on which the plugin finds us under the name of the server that it knows."""
    program = folder / "bin" / name
    program.parent.mkdir()
    program.write_text(f'#!/bin/sh\nexec "{sys.executable}" -m codriver lsp "$@"\n')
    program.chmod(0o755)
    return f"{program.parent}:{os.environ['PATH']}"


@pytest.mark.skipif("COPILOT_LSP" not in os.environ, reason="COPILOT_LSP names no checkout of copilot-lsp")
def test_copilot_lsp_shows_and_applies_the_next_edit(daemon: Daemon, tmp_path: Path) -> None:
    (tmp_path / "prices.py").write_text(PRICES, "utf-8")
    path = command(tmp_path, "copilot-language-server")
    seen = playing.played("inherited_copilot_lsp", tmp_path, CODRIVER_HOME=str(daemon.home), PATH=path)
    assert (seen["server"], seen["encoding"]) == ("codriver", "utf-16")
    assert seen["edit"]["range"]["start"]["line"] == 5 and seen["marks"] >= 1
    renamed = PRICES.replace("def total", "def sum_of").replace("print(total", "print(sum_of", 1)
    assert seen["text"] + "\n" == renamed
    assert "rror" not in seen["messages"]


@pytest.mark.skipif("LLAMA_VIM" not in os.environ, reason="LLAMA_VIM names no checkout of llama.vim")
def test_llama_vim_shows_and_takes_what_we_answer(daemon: Daemon, tmp_path: Path) -> None:
    (tmp_path / "prices.py").write_text(PRICES, "utf-8")
    place = {"ENDPOINT": f"{daemon.base}/infill", "TOKEN": daemon.token}
    seen = playing.played("inherited_llama_vim", tmp_path, **place)
    assert seen["text"].startswith(seen["before"].rstrip("\n")) and len(seen["text"]) > len(seen["before"])
    assert "rror" not in seen["messages"] and "Job failed" not in seen["messages"]
