"""A real Kakoune reads what `codriver connect kakoune` writes. kakoune-lsp is in no registry, so nothing is completed."""

from __future__ import annotations

import os
import tomllib
from pathlib import Path

import pytest
from playing import played

from running import Daemon

pytestmark = pytest.mark.skipif(
    os.environ.get("EDITOR_KIND") != "Kakoune", reason="real editors are run by `make test-editors`"
)


def test_kakoune_hands_the_server_to_its_language_client(daemon: Daemon, tmp_path: Path) -> None:
    """configuration of codriver connect kakoune read (without kakoune-lsp)"""
    report = played("kakoune", tmp_path, CODRIVER_HOME=str(daemon.home))
    servers = tomllib.loads(report["servers"])
    assert Path(servers["codriver"]["command"]).name.startswith("codriver")
    assert servers["codriver"]["args"][0] == "lsp"
