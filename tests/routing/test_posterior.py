"""Beliefs about models: they follow outcomes, forget, and add up."""

from __future__ import annotations

import math
from random import Random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from codriver.routing.posterior import (
    CELLS,
    FAMILY_VARIANCE,
    FARTHEST,
    GENERAL_VARIANCE,
    HALF_LIFE,
    MOST_PRECISION,
    UNSEEN,
    Abilities,
    Evidence,
    logit,
    merge,
    noised,
    sigmoid,
)

DAY = 86_400.0


def taught(true: float, count: int, base: float = 1.0, seed: int = 1, family: str = "debug") -> Abilities:
    random, held = Random(seed), Abilities()
    for number in range(count):
        held.learn("a/b", family, base, float(random.random() < sigmoid(base + true)), 1.0, float(number))
    return held


@pytest.mark.parametrize("true", [-2.0, -0.7, 0.0, 0.8])
def test_the_belief_finds_the_offset_that_made_the_outcomes(true: float) -> None:
    found = [taught(true, 150, seed=seed).belief("a/b", "debug") for seed in range(20)]
    mean = sum(belief.mean for belief in found) / len(found)
    assert abs(mean - true) < 0.3
    inside = sum(abs(belief.mean - true) < 2.5 * math.sqrt(belief.variance) for belief in found)
    assert inside >= 16


def test_without_outcomes_a_model_is_what_its_scores_say() -> None:
    assert Abilities().belief("a/b", "debug") == UNSEEN
    assert UNSEEN.variance == GENERAL_VARIANCE + FAMILY_VARIANCE


def test_a_family_teaches_a_little_about_the_others() -> None:
    held = taught(-2.0, 60)
    own, other = held.belief("a/b", "debug"), held.belief("a/b", "review")
    assert own.mean < other.mean < -0.1
    assert own.variance < other.variance < UNSEEN.variance
    assert held.belief("a/c", "debug") == UNSEEN


def test_beliefs_go_back_to_the_prior_with_time() -> None:
    held = taught(-2.0, 60)
    fresh = held.belief("a/b", "debug")
    means = []
    for months in (1, 3, 12):
        held.fade(months * HALF_LIFE)
        means.append(held.belief("a/b", "debug").mean)
    assert fresh.mean < means[0] < means[1] < means[2] < 0.0
    assert means[2] > -0.05


def test_an_old_record_does_not_hide_a_change() -> None:
    held = taught(0.5, 1000)
    for number in range(50):
        held.learn("a/b", "debug", 1.0, 0.0, 1.0, 1000.0 + number)
    assert sigmoid(1.0 + held.belief("a/b", "debug").mean) < 0.35


def test_a_reward_taken_back_leaves_nothing_behind() -> None:
    """Words of feedback may be corrected: the last one of a source stays."""
    held = taught(0.3, 10)
    before = held.belief("a/b", "debug")
    lesson = held.learn("a/b", "debug", 1.0, 0.0, 1.0, 10.0)
    assert held.belief("a/b", "debug").mean < before.mean
    held.unlearn(lesson, 10.0)
    after = held.belief("a/b", "debug")
    assert after.mean == pytest.approx(before.mean, abs=1e-4)
    assert after.variance == pytest.approx(before.variance, abs=1e-4)


def test_a_weaker_word_moves_less() -> None:
    strong, weak = Abilities(), Abilities()
    strong.learn("a/b", "debug", 1.0, 0.0, 1.0, 0.0)
    weak.learn("a/b", "debug", 1.0, 0.0, 0.2, 0.0)
    assert strong.belief("a/b", "debug").mean < weak.belief("a/b", "debug").mean < 0.0


@given(
    st.lists(
        st.tuples(
            st.sampled_from(["", "debug", "review"]),
            st.floats(-30, 30),
            st.floats(-1, 2),
            st.floats(-1, 3),
            st.floats(0, 9 * HALF_LIFE),
        ),
        max_size=40,
    )
)
@settings(max_examples=60, deadline=None)
def test_whatever_comes_beliefs_stay_sound(steps: list[tuple[str, float, float, float, float]]) -> None:
    held = Abilities()
    for family, base, reward, weight, at in steps:
        held.learn("a/b", family or "write", base, reward, weight, at)
    for family, models in held.beliefs.items():
        belief = models["a/b"]
        assert 0.0 < belief.variance <= UNSEEN.variance + 1e-9, family
        assert abs(belief.mean) <= 2 * FARTHEST
    assert all(evidence.precision <= MOST_PRECISION + 1e-9 for evidence in held.evidence().values())


def test_the_number_of_cells_is_bounded() -> None:
    held = Abilities()
    for number in range(CELLS + 50):
        held.learn(f"a/{number}", "debug", 0.0, 1.0, 1.0, float(number))
    assert len(held) == CELLS
    assert held.belief("a/0", "debug") == UNSEEN
    assert held.belief(f"a/{CELLS + 49}", "debug") != UNSEEN
    assert sum(map(len, held.beliefs.values())) <= CELLS + 1


def test_what_is_kept_can_be_loaded_again() -> None:
    held, other = taught(-1.0, 30), Abilities()
    other.load(held.evidence())
    assert other.beliefs == held.beliefs


def test_two_machines_together_know_what_one_would() -> None:
    """Sufficient statistics: nearly the sum, whatever the order."""
    one, two = taught(-1.0, 25, seed=1), taught(-1.0, 25, seed=2)
    both, turned = merge([one.evidence(), two.evidence()]), merge([two.evidence(), one.evidence()])
    assert both.keys() == turned.keys()
    for cell in both:
        assert both[cell].precision == pytest.approx(turned[cell].precision)
    together = Abilities()
    together.load(both)
    found = together.belief("a/b", "debug")
    assert found.variance < one.belief("a/b", "debug").variance
    assert found.mean == pytest.approx(-1.0, abs=0.5)


def test_what_leaves_the_machine_is_clipped_and_noised() -> None:
    table = {("debug", "a/b"): Evidence(1e9, -1e9, 1e4, 3.3 * DAY), ("debug", "a/rare"): Evidence(1.0, 1.0, 2.0, 0.0)}
    told = [noised(table, Random(seed)) for seed in range(300)]
    values = [one["debug", "a/b"] for one in told]
    assert all(-300.0 < value.pull < 200.0 for value in values)
    assert all(value.precision < 100.0 and value.at == 3 * DAY for value in values)
    spread = math.sqrt(sum((value.n - 1e4) ** 2 for value in values) / len(values))
    assert 12.0 < spread < 18.0  # sqrt(2 (0.25^2 + 2^2 + 1)) sqrt(2 ln(1.25e6)) = 16.9
    assert sum(("debug", "a/rare") in one for one in told) < 60
    with pytest.raises(ValueError, match="epsilon"):
        noised(table, Random(1), epsilon=2.0)


def test_one_reward_changes_no_cell_by_more_than_the_noise_is_made_for() -> None:
    random = Random(4)
    for _ in range(300):
        held = Abilities()
        for _ in range(random.randrange(1, 30)):
            base, reward = random.uniform(-8, 8), random.random()
            before = held.evidence()
            held.learn("a/b", "debug", base, reward, random.random(), 0.0)
            for cell, now in held.evidence().items():
                old = before.get(cell, Evidence())
                if now.precision < MOST_PRECISION:
                    assert abs(now.precision - old.precision) <= 0.25 + 1e-9
                    assert abs(now.pull - old.pull) <= 2.0 + 1e-9


def test_sigmoid_and_logit_are_each_others_inverse() -> None:
    for x in (-700.0, -13.0, -1.0, 0.0, 2.5, 13.0, 700.0):
        assert logit(sigmoid(x)) == pytest.approx(max(-13.8155, min(13.8155, x)), abs=1e-3)
