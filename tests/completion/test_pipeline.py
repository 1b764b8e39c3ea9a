"""The completion pipeline on some simulated answers, good and spoilt, in modules of this Python's library."""

from __future__ import annotations

import os
import random
import sys
from collections import Counter
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).parent))

import answers
import masks
import pipeline


def _holes() -> list[masks.Mask]:
    library = [f for f in sorted(Path(os.__file__).parent.glob("*.py")) if f.stat().st_size < 15_000]
    parser = pipeline.get_parser("python")
    found = masks.masks(library[::4], "python", 30, 8)
    return [mask for mask in found if pipeline._parses(parser, mask.before + mask.after)]


async def test_nothing_shown_breaks_a_buffer_that_parses() -> None:
    results = await pipeline.results(_holes(), 240, seed=3)
    assert all(r.parsed for r in results)
    assert not [(r.mask.path, r.kind, r.said, r.text) for r in results if r.broken]
    fates = Counter(r.fate for r in results)
    assert set(fates) == set(pipeline.FATES)
    assert fates["suppressed"] < len(results) / 3


@pytest.mark.parametrize("kind", ["as it was", "chatter", "thinking", "marks"])
async def test_what_is_only_wrapped_is_shown(kind: str) -> None:
    rng = random.Random(kind)
    results = [await pipeline.tried(mask, kind, rng) for mask in _holes()[:40]]
    assert sum(r.right for r in results) > 0.8 * len(results), Counter(r.fate for r in results)


def test_every_kind_of_answer_is_played() -> None:
    """What is played differs from the truth, but for the kind that does not."""
    rng = random.Random(1)
    mask = max(_holes(), key=lambda hole: len(hole.hidden))
    code = answers.truth(mask)
    said = {kind: [spoilt(code, mask, rng) for _ in range(8)] for kind, spoilt in answers.KINDS.items()}
    assert set(said["as it was"]) == {code}
    for kind, texts in said.items():
        assert kind == "as it was" or any(text != code for text in texts), kind
