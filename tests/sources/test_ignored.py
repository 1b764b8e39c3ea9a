"""Whether a file is one that git ignores, or that a package manager installed."""

from __future__ import annotations

from pathlib import Path

import pytest

from codriver.sources import walking


@pytest.mark.parametrize(
    ("path", "expected"),
    [
        ("app.py", False),
        ("out/made.py", True),
        ("out/kept.py", True),
        ("deep/made.py", True),
        ("deep/inner/made.py", True),
        ("deep/inner/kept.py", False),
        ("excluded.py", True),
        ("node_modules/left/index.js", True),
        (".venv/lib/python3.11/site-packages/thing/core.py", True),
        ("nowhere/at/all.py", False),
    ],
)
def test_a_file_that_nobody_writes_by_hand(tmp_path: Path, path: str, expected: bool) -> None:
    for name, text in {
        ".git/info/exclude": "excluded.py\n",
        ".gitignore": "out/\nmade.py\nkept.py\n",
        "deep/inner/.gitignore": "!kept.py\n",
    }.items():
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text(text)
    assert walking.ignored(str(tmp_path / path)) is expected
