"""Learning in simulation: real decisions, beliefs and trials over models whose true quality is known."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).parent.parent / "bench"))

from learning import (
    TRIO,
    WORK,
    Run,
    as_promised,
    left_after,
    offer,
    other_than_promised,
    picture,
    simulate,
    worse_from,
)

TWINS = (offer("dear", 2.0, 1.5), offer("cheap", 1.0, 1.5))


@pytest.mark.parametrize("seed", [1, 2, 3])
@pytest.mark.parametrize("strategy", ["balanced", "auto"])
def test_traffic_leaves_a_model_that_became_bad_within_fifty_outcomes(strategy: str, seed: int) -> None:
    """And only at the family it became bad at."""
    run = simulate(
        TRIO, worse_from(300, "medium", "refactor", 4.0), count=900, seed=seed, families=WORK, strategy=strategy
    )
    assert run.share("medium", "refactor", 0, 300) > 0.5
    assert left_after(run, "medium", "refactor", 300) <= 50
    others = [run.share("medium", family, 600, 900) for family in WORK if family != "refactor"]
    assert max(others) > 0.5


@pytest.mark.parametrize("strategy", ["balanced", "auto", "cost"])
def test_of_two_equal_models_the_cheaper_wins(strategy: str) -> None:
    run = simulate(TWINS, as_promised, count=500, seed=4, families=WORK, strategy=strategy)
    assert all(run.share("cheap", family, 250, 500) > 0.9 for family in WORK)


def test_learning_regrets_less_than_scores_alone_and_ever_less() -> None:
    def run(learn: bool) -> Run:
        return simulate(TRIO, other_than_promised, count=900, seed=5, families=WORK, learn=learn)

    alone, taught = run(learn=False).regret, run(learn=True).regret
    assert taught[-1] < 0.6 * alone[-1]
    assert taught[-1] - taught[-300] < 0.7 * taught[300]


def test_the_picture_has_a_line_for_each() -> None:
    drawn = picture({"one": [0.1, 0.2], "two": [0.1, 0.5]})
    assert drawn.count("<polyline") == 2
    assert drawn.endswith("</svg>")
