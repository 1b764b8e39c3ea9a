"""Experiments: sticky arms, guard rails, and a report that may be read every day."""

from __future__ import annotations

import math
from collections import Counter
from random import Random

import pytest

from codriver.routing.experiments import (
    ERROR,
    LEAST,
    Arm,
    Compared,
    Experiment,
    Guard,
    Sample,
    Tally,
    assigned,
    compared,
    stopped,
)

TWO = Experiment("brief", (Arm("a"), Arm("b", strategy="cost")), guard=Guard(failures=0.1, cost_ratio=2.0))
LOOKS = (50, 100, 200)


def test_a_unit_keeps_its_arm_and_arms_get_their_weights() -> None:
    three = Experiment("x", (Arm("a", weight=2), Arm("b"), Arm("c")), share=0.5)
    drawn = {f"s{n}": assigned(three, f"s{n}") for n in range(4000)}
    assert drawn == {unit: assigned(three, unit) for unit in drawn}
    counts = Counter(arm.name if arm else "" for arm in drawn.values())
    assert counts[""] == pytest.approx(2000, abs=150)
    assert counts["a"] == pytest.approx(1000, abs=120)
    assert counts["b"] == pytest.approx(counts["c"], abs=120)


def test_two_experiments_assign_independently() -> None:
    other = Experiment("other", TWO.arms)
    both = Counter((assigned(TWO, str(n)), assigned(other, str(n))) for n in range(4000))
    assert all(count == pytest.approx(1000, abs=130) for count in both.values())


@pytest.mark.parametrize(
    ("tally", "why"),
    [
        (Tally(100, 3, 1.0), ""),
        (Tally(100, 14, 1.0), ""),
        (Tally(100, 30, 1.0), "failed"),
        (Tally(LEAST - 1, LEAST - 1, 9.0), ""),
        (Tally(100, 0, 3.0), "3.0 times"),
    ],
)
def test_a_guard_rail_stops_an_arm(tally: Tally, why: str) -> None:
    told = stopped(TWO, {"a": Tally(100, 90, 1.0), "b": tally}, "b")
    assert why in told
    assert bool(told) is bool(why)
    assert stopped(TWO, {"a": Tally(100, 90, 1.0)}, "a") == ""


def traffic(random: Random, units: int, good: dict[str, float]) -> list[Sample]:
    """Sessions of one to three judged requests with a mood of their own."""
    samples = []
    for number in range(units):
        arm = assigned(TWO, f"{random.random()}")
        assert arm is not None
        mood = random.gauss(0.0, 0.1)
        for _ in range(random.randrange(1, 4)):
            value = float(random.random() < good[arm.name] + mood)
            samples.append(Sample(arm.name, f"s{number}", "chat", value))
    return samples


def looked(random: Random, good: dict[str, float]) -> int:
    """Reads the report at every look and believes the first winner."""
    samples = traffic(random, 2 * LOOKS[-1], good)
    for look in LOOKS:
        seen = [sample for sample in samples if int(sample.unit[1:]) < 2 * look]
        if (winner := compared(("a", "b"), seen)[1].better) != 0:
            return winner
    return 0


def test_over_a_thousand_experiments_the_error_is_as_stated() -> None:
    """1,000 repetitions, half without a difference and half with one, each read three times."""
    random = Random(11)
    none = Counter(looked(random, {"a": 0.7, "b": 0.7}) for _ in range(500))
    some = Counter(looked(random, {"a": 0.6, "b": 0.75}) for _ in range(500))
    assert (none[1] + none[-1]) / 500 <= ERROR
    assert some[-1] == 0
    assert some[1] / 500 >= 0.8


def test_the_winner_is_the_one_with_less_when_the_second_is_worse() -> None:
    random = Random(5)
    results = Counter(looked(random, {"a": 0.8, "b": 0.55}) for _ in range(60))
    assert results[-1] >= 55
    assert results[1] == 0


def test_arms_are_compared_on_the_same_purposes() -> None:
    """The second arm is no better at anything, but saw more of what is easy."""
    random, samples = Random(3), []
    for number in range(3000):
        arm = "a" if number % 2 else "b"
        easy = random.random() < (0.3 if arm == "a" else 0.7)
        value = float(random.random() < (0.9 if easy else 0.5))
        samples.append(Sample(arm, str(number), "title" if easy else "chat", value))
    samples += [Sample("b", f"x{n}", "embed", 1.0) for n in range(500)]
    plain = {arm: [s.value for s in samples if s.arm == arm] for arm in "ab"}
    assert sum(plain["b"]) / len(plain["b"]) - sum(plain["a"]) / len(plain["a"]) > 0.1
    second = compared(("a", "b"), samples)[1]
    assert second.better == 0
    assert abs(second.difference) < 0.05


def test_what_is_still_needed_shrinks_with_the_difference() -> None:
    random = Random(1)
    large = compared(("a", "b"), traffic(random, 400, {"a": 0.4, "b": 0.7}))[1]
    small = compared(("a", "b"), traffic(random, 400, {"a": 0.4, "b": 0.5}))[1]
    assert 0 < large.needed < small.needed


def test_few_units_say_nothing() -> None:
    few = compared(("a", "b"), traffic(Random(1), LEAST, {"a": 0.0, "b": 1.0}))
    assert all(one.better == 0 for one in few)
    assert few[0].high == math.inf
    assert compared(("a", "b"), []) == [
        Compared("a", 0, 0, 0.0, -math.inf, math.inf),
        Compared("b", 0, 0, 0.0, -math.inf, math.inf),
    ]
