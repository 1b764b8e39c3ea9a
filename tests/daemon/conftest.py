"""A home for every test of processes."""

from __future__ import annotations

import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

# The LSP client for tests lives with the front it belongs to.
sys.path.insert(0, str(Path(__file__).parent.parent / "fronts" / "lsp"))

if TYPE_CHECKING:
    from homes import Home


@pytest.fixture
def home() -> Iterator[Home]:
    """A fresh installation; whatever runs in it ends with the test."""
    from homes import Home

    # Not tmp_path: a socket's path has little room.
    with tempfile.TemporaryDirectory(prefix="codriver-", ignore_cleanup_errors=True) as folder:
        made = Home(Path(folder))
        yield made
        made.close()
