"""The server's text is the client's, byte for byte: some of the random edits of truth.py, in all three encodings."""

from __future__ import annotations

from pathlib import Path

import pytest
import truth

from running import daemon_at


async def test_random_edits_in_a_session() -> None:
    assert await truth.in_process(3_000, seed=7) >= 3_000


def test_random_edits_over_stdio(tmp_path: Path) -> None:
    with daemon_at(tmp_path, "--simulate") as daemon:
        assert truth.over_stdio(daemon, 600, seed=8) >= 600


@pytest.mark.parametrize("encoding", truth.ENCODINGS)
def test_the_typist_types_what_is_difficult(encoding: str) -> None:
    """The edits would find a server that ends lines at form feeds, or counts astral characters wrongly."""
    typist, seen = truth.Typist(3, encoding), set[str]()
    for _ in range(400):
        for change in typist.batch():
            seen |= set(change["text"])
    assert {"\f", "\u2028", "\r", "\x85", "😀", "𝒳"} <= seen
    assert len(typist.text.splitlines()) != len(truth._ENDS.findall(typist.text)) + 1
