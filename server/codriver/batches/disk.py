"""Writing so that a kill, or a power cut, leaves all of a file or nothing of it."""

from __future__ import annotations

import contextlib
import os
from collections.abc import Iterable
from pathlib import Path


def put(path: Path, parts: Iterable[bytes]) -> int:
    """Writes a whole file, readable by its owner only, and gives its size. Durable when this returns."""
    draft = path.with_name(f"{path.name}.draft")
    size = 0
    with open(os.open(draft, os.O_CREAT | os.O_WRONLY | os.O_TRUNC, 0o600), "wb") as out:
        for part in parts:
            size += out.write(part)
        out.flush()
        os.fsync(out.fileno())
    move(draft, path)
    return size


def move(draft: Path, path: Path) -> None:
    """Gives a finished file its name, durably."""
    os.replace(draft, path)
    settle(path.parent)


def settle(folder: Path) -> None:
    """Makes a folder's entries durable, where folders can be synced: not on Windows, nor on some shared folders."""
    if os.name == "posix":
        handle = os.open(folder, os.O_RDONLY)
        try:
            with contextlib.suppress(OSError):
                os.fsync(handle)
        finally:
            os.close(handle)
