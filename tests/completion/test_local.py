"""The local predictor on a little of this Python's own library, which its numbers were not fitted on."""

from __future__ import annotations

import os
import sys
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).parent))

import local
import masks

from codriver.syntax.predictor import SHOWN, predict


@pytest.fixture(scope="module")
def holes() -> list[masks.Mask]:
    library = sorted(Path(os.__file__).parent.glob("*.py"))
    return list(masks.masks(library[::5], "python", 30, 12))


def test_what_is_shown_is_mostly_right(holes: list[masks.Mask]) -> None:
    lines = [local.typed(mask) for mask in holes if mask.kind != "rest"]
    assert len(lines) > 100
    coverage, precision = local.lived(lines, 0.6)
    assert coverage > 0.06
    assert precision > 0.6
    assert local.lived(lines, SHOWN)[1] > 0.7


def test_confidence_is_what_comes_true(holes: list[masks.Mask]) -> None:
    trials = [trial for trial in map(local.trial, holes) if trial.confidence >= 0]
    promised = sum(trial.confidence for trial in trials) / len(trials)
    assert abs(promised - sum(trial.right for trial in trials) / len(trials)) < 0.06
    sure = [trial.right for trial in trials if trial.confidence >= 0.5]
    unsure = [trial.right for trial in trials if trial.confidence < 0.2]
    assert sum(sure) / len(sure) > 0.6 > 0.2 > sum(unsure) / len(unsure)


def test_nothing_that_is_hidden_is_read(holes: list[masks.Mask]) -> None:
    """A hole's texts hold what stands around it, and no more."""
    for mask in holes:
        whole = mask.path.read_bytes()
        assert whole.startswith(mask.before)
        assert whole.endswith(mask.after)
        between = whole[len(mask.before) : len(whole) - len(mask.after)] if mask.after else whole[len(mask.before) :]
        assert between.startswith(mask.hidden[0])
        assert len(mask.before) + len(mask.after) + sum(map(len, mask.hidden)) <= len(whole)
        assert whole not in mask.others


def test_a_masked_line_is_found_where_it_stands_elsewhere_only() -> None:
    once = b"alpha_beta = gamma_delta(epsilon, zeta)\n"
    assert predict(b"x = 1\nalpha_beta = ", b"\ny = 2\n") is None
    told = predict(once + b"x = 1\nalpha_beta = ", b"\ny = 2\n")
    assert told is not None
    assert told.text == "gamma_delta(epsilon, zeta)"
