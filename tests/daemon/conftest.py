"""A home for every test of processes."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest
from homes import Home


@pytest.fixture
def home() -> Iterator[Home]:
    """A fresh installation; whatever runs in it ends with the test."""
    # Not tmp_path: a socket's path has little room.
    with tempfile.TemporaryDirectory(prefix="codriver-", ignore_cleanup_errors=True) as folder:
        made = Home(Path(folder))
        yield made
        made.close()
