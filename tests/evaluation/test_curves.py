"""Hull, cost at a quality, APGR and intervals, against what can be worked out by hand."""

from __future__ import annotations

import numpy as np
import pytest
from synthetic import matrix

from codriver.evaluation import cascades, policies, session
from codriver.evaluation.curves import apgr, cost_at, hull, ranks
from codriver.evaluation.folds import folds
from codriver.evaluation.measures import correlation, costs
from codriver.evaluation.resampling import estimate, mean, weights

ONE = np.ones((1, 4))
COSTS, SCORES = np.array([1.0, 2.0, 3.0, 5.0, 4.0]), np.array([0.2, 0.5, 0.4, 0.8, 0.75])


def test_the_hull_by_hand() -> None:
    # (3, .4) lies below (2, .5); (4, .75) above the line from (2, .5) to (5, .8).
    assert hull(COSTS, SCORES).tolist() == [0, 1, 4, 3]
    assert hull(np.array([1.0, 1.0, 2.0]), np.array([0.3, 0.6, 0.6])).tolist() == [1]
    assert hull(np.array([1.0, 2.0, 3.0]), np.array([0.1, 0.2, 0.9])).tolist() == [0, 2]


@pytest.mark.parametrize(
    ("target", "cost"),
    [(0.1, 1.0), (0.2, 1.0), (0.35, 1.5), (0.5, 2.0), (0.6, 2.8), (0.75, 4.0), (0.8, 5.0), (0.81, np.nan)],
)
def test_what_a_quality_costs(target: float, cost: float) -> None:
    assert cost_at(COSTS, SCORES, target) == pytest.approx(cost, nan_ok=True)


def test_cost_at_agrees_with_the_hull() -> None:
    generator = np.random.default_rng(3)
    for _ in range(50):
        some, scores = generator.random(12), generator.random(12)
        kept = hull(some, scores)
        for target in np.linspace(scores[kept[0]], scores[kept[-1]], 7):
            assert cost_at(some, scores, target) == pytest.approx(np.interp(target, scores[kept], some[kept]))


def test_apgr_by_hand() -> None:
    weak, strong = np.array([1.0, 0.0, 1.0, 0.0]), np.array([1.0, 1.0, 1.0, 1.0])
    # The two that need the strong model come first: half of the calls recover all. Area .25 + .5.
    assert apgr(np.array([0.0, 2.0, 1.0, 3.0]), weak, strong, ONE)[0] == pytest.approx(0.75)
    assert apgr(np.array([3.0, 0.0, 2.0, 1.0]), weak, strong, ONE)[0] == pytest.approx(0.25)
    # All alike: by lot.
    assert apgr(np.zeros(4), weak, strong, ONE)[0] == pytest.approx(0.5)
    assert np.isnan(apgr(np.zeros(4), strong, weak, ONE)[0])


def test_a_perfect_router_recovers_all_and_lots_recover_half() -> None:
    weak = np.ones(5000)
    weak[:5] = 0  # nearly no calls are needed, so the perfect router's APGR is nearly 1
    strong = np.ones(5000)
    every = np.ones((1, 5000))
    assert apgr(strong - weak, weak, strong, every)[0] == pytest.approx(1.0, abs=0.001)
    generator = np.random.default_rng(0)
    weak = (generator.random(5000) < 0.5).astype(float)
    assert apgr(generator.random(5000), weak, strong, every)[0] == pytest.approx(0.5, abs=0.02)


def test_apgr_in_a_sample_is_that_of_the_repeated_rows() -> None:
    generator = np.random.default_rng(1)
    order, weak = generator.random(40), (generator.random(40) < 0.4).astype(float)
    times = generator.integers(0, 3, (3, 40))
    found = apgr(order, weak, np.ones(40), times.astype(float))
    for sample, counts in enumerate(times):
        rows = np.repeat(np.arange(40), counts)
        once = apgr(order[rows], weak[rows], np.ones(rows.size), np.ones((1, rows.size)))
        assert found[sample] == pytest.approx(once[0])


def test_ranks_are_taken_within_folds() -> None:
    values = np.array([10.0, 20.0, 1.0, 2.0, 2.0])
    found = ranks(values, [np.array([0, 1]), np.array([2, 3, 4])])
    np.testing.assert_allclose(found, [0.25, 0.75, 1 / 6, 2 / 3, 2 / 3])


def test_the_interval_covers_the_truth_as_often_as_it_says() -> None:
    covered = 0
    for seed in range(200):
        score = (np.random.default_rng(seed).random((120, 1)) < 0.7).astype(float)
        made = matrix(score)
        told = estimate(mean(score.T, weights(made.queries, 300, seed))[:, 0])
        assert told.value == score.mean()
        covered += told.low <= 0.7 <= told.high
    assert 180 <= covered <= 198


def test_rows_of_a_problem_are_drawn_together() -> None:
    made = matrix(np.ones((30, 1)), keys=[f"p{row // 3}" for row in range(30)])
    drawn = weights(made.queries, 20, seed=0)
    assert (drawn[0] == 1).all() and (drawn.sum(axis=1) == 30).all()
    assert (drawn.reshape(21, 10, 3) == drawn.reshape(21, 10, 3)[:, :, :1]).all()
    assert len(weights(made.queries, 10**9, seed=0)) == 1001
    np.testing.assert_array_equal(drawn, weights(made.queries, 20, seed=0))


def test_correlation_ignores_what_differs_between_folds() -> None:
    truth = np.array([0.0, 1.0, 0.0, 1.0])
    tests = [np.array([0, 1]), np.array([2, 3])]
    assert correlation(np.array([100.0, 101.0, 0.0, 1.0]), truth, tests, ONE).value == pytest.approx(1.0)
    assert correlation(np.array([1.0, 1.0, 5.0, 5.0]), truth, tests, ONE).value == 0.0


def halves() -> tuple[np.ndarray, np.ndarray]:
    """Cheap is right on the first 50 of 100, dear on all but the first 5 and the last 10."""
    score = np.zeros((100, 2))
    score[:50, 0], score[5:90, 1] = 1, 1
    return score, np.array([1.0, 10.0])


def test_the_perfect_cascade_pays_for_the_dear_model_only_where_it_is_needed() -> None:
    made = matrix(*halves())
    checked = cascades.perfect(made, last=1)
    assert checked is not None
    assert checked.score.mean() == pytest.approx(0.9)
    assert checked.cost.mean() == pytest.approx(1 + 0.5 * 10)
    assert cascades.perfect(made, last=0) is None


def test_a_verifier_that_hardly_errs_comes_near_the_perfect_cascade_and_one_that_guesses_saves_nothing() -> None:
    made = matrix(*halves())
    splits = list(folds(made))
    blind = np.tile(made.score.mean(axis=0), (100, 1))
    anchor = policies.singles(made).only([1])

    def saved(accuracy: float) -> float:
        family = cascades.verified(made, accuracy, blind, splits)
        return costs(anchor, {"v": family}, np.ones((2, 100))).saved("v", 1.0).value

    # A check that never errs saves 40% at .9, and at .85, mixed with the cheap model alone, 46%.
    assert saved(0.9999) == pytest.approx(0.4625, abs=0.01)
    assert saved(0.501) == pytest.approx(0.0, abs=0.02)
    assert saved(0.7) <= saved(0.8) <= saved(0.9) < saved(0.9999)


def test_a_watched_run_is_stopped_where_length_tells() -> None:
    score, _ = halves()
    calls = np.where(score[:, :1] > 0, 5.0, 50.0) * np.ones((1, 2))
    cost = np.stack([calls[:, 0] / 5, np.full(100, 30.0)], axis=1)
    made = matrix(score, cost, calls)
    assert session.known(made) and not session.known(matrix(score, cost))
    watched = session.watched(made, np.zeros(100), list(folds(made)))
    read = costs(policies.singles(made).only([1]), {"w": watched}, np.ones((2, 100)))
    # 5 calls of the cheap one for all (a dollar), then the dear one for half: .9 for 16 dollars, 5 more than needed.
    assert read.saved("w", 1.0).value >= 1 - 16 / 30


def test_the_normal_distribution_function() -> None:
    np.testing.assert_allclose(
        cascades.normal(np.array([-1.96, 0.0, 1.0, 9.0])), [0.0249979, 0.5, 0.8413447, 1.0], atol=2e-7
    )


def test_policies_over_a_matrix() -> None:
    made = matrix(*halves())
    assert (policies.best(made), policies.best_cheap(made)) == (1, 0)
    mixed = policies.random_mix(made)
    assert (mixed.cost.mean(), mixed.score.mean()) == (5.5, pytest.approx(0.675))
    ideal = policies.oracle(made)
    assert cost_at(*(part.mean(axis=1) for part in (ideal.cost, ideal.score)), target=0.9) == pytest.approx(0.6 + 4.0)  # fmt: skip


def test_knowing_the_difficulty_is_a_threshold_between_two_models() -> None:
    generator = np.random.default_rng(5)
    hard = generator.random(400)
    skills = (0.3, 0.5, 0.6, 0.7, 0.95)
    made = matrix(np.stack([(hard < skill).astype(float) for skill in skills], axis=1), [1.0, 2.0, 3.0, 4.0, 20.0])
    target = float(made.score[:, 4].mean())
    known = policies.known(made, target)
    assert cost_at(known.cost.mean(axis=1), known.score.mean(axis=1), target) < 0.6 * 20
