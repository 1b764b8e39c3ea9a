"""What a daemon imports before anybody can connect: each module is time that the first editor waits for."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from running import environment

MOST_OURS, MOST = 222, 640
"""Modules of ours, and all. Who needs more of them should look first at what can be imported on use."""

HEAVY = {"httpx", "httpcore", "h11", "h2", "pygls", "lsprotocol", "openai", "anthropic", "numpy", "rich", "typer",
         "watchfiles", "websockets", "starlette", "boto3", "botocore", "google", "azure", "sklearn"}  # fmt: skip
LATER = ("codriver.upstream.simulator", "codriver.evaluation", "codriver.cli.", "codriver.upstream.over_httpx",
         "codriver.catalog.tables", "codriver.batches.services.", "codriver.upstream.logins.",
         "codriver.wire.openai_chat", "codriver.wire.anthropic", "codriver.wire.gemini", "codriver.wire.openai_responses",
         "codriver.fronts.lsp.server", "codriver.fronts.lsp.forwarder")  # fmt: skip

CHILD = """
import os, socket, sys

def listen(self, *_):
    print(*sys.modules, flush=True)
    os._exit(0)

socket.socket.listen = listen
from codriver.daemon import main
main(["--from-forwarder"])
"""


@pytest.fixture(scope="module")
def loaded(tmp_path_factory: pytest.TempPathFactory) -> set[str]:
    """Names of the modules that are there when the first socket begins to listen."""
    home: Path = tmp_path_factory.mktemp("home")
    environ = environment(home, OPENAI_API_KEY="any", PYTHONPATH=os.pathsep.join(filter(None, sys.path)))
    found = subprocess.run(
        [sys.executable, "-c", CHILD], env=environ, capture_output=True, text=True, timeout=60, check=True
    )
    return set(found.stdout.split())


def test_few_modules_are_imported_before_it_listens(loaded: set[str]) -> None:
    ours = {name for name in loaded if name.partition(".")[0] == "codriver"}
    assert 50 < len(ours) <= MOST_OURS, sorted(ours)
    assert len(loaded) <= MOST


def test_what_not_everybody_needs_is_imported_on_use(loaded: set[str]) -> None:
    assert not {name.partition(".")[0] for name in loaded} & HEAVY
    assert not [name for name in loaded if name.startswith(LATER)]
