"""Replay recovers what a simulated log would have brought under another policy."""

from __future__ import annotations

from random import Random

import pytest

from codriver.model.decision import Candidate, View
from codriver.model.request import Purpose, Request
from codriver.routing.exploring import Chance, tried
from codriver.routing.posterior import sigmoid
from codriver.routing.replaying import Logged, Replay, chooser, replayed
from codriver.routing.strategies import Taste, find

CHAT = Request("r", Purpose.CHAT)
TASTE = Taste(0.04, 0.0006, 0.3)
# What is believed of the models (logit), what is true, and the price that is expected and billed.
MODELS = {
    "a/small": (1.2, 0.3, 0.002, 0.0035),
    "a/medium": (1.4, 1.9, 0.006, 0.006),
    "a/large": (2.2, 2.3, 0.011, 0.009),
}


def candidates(hard: float) -> list[Candidate]:
    return [Candidate(m, "x", sigmoid(b - hard), price, 1.0) for m, (b, _, price, _) in MODELS.items()]


def truth(model: str, hard: float) -> tuple[float, float]:
    _, true, _, billed = MODELS[model]
    return sigmoid(true - hard), billed


def simulated(count: int, seed: int, share: float = 0.3) -> tuple[list[Logged], list[float]]:
    """A log made with trials, and how hard each request was."""
    random = Random(seed)
    chance = Chance(random, share, 1.0)
    log, hards = [], []
    for number in range(count):
        hard = random.gauss(0.0, 1.0)
        trial = tried(CHAT, find("balanced").rank(candidates(hard), TASTE), "write", TASTE, View(), chance)
        good, billed = truth(trial.ranked[0].model, hard)
        reward = float(random.random() < good) if random.random() < 0.8 else None
        spent = billed * random.uniform(0.5, 1.5)
        log.append(Logged(f"s{number // 3}", "write", tuple(trial.ranked), trial.propensity, spent, reward))
        hards.append(hard)
    return log, hards


@pytest.mark.parametrize(
    ("strategy", "floor", "models"),
    [("balanced", 0.3, ()), ("cost", 0.3, ()), ("quality", 0.3, ()), ("balanced", 0.3, ("a/small", "a/medium"))],
)
def test_the_known_truth_lies_in_the_interval(strategy: str, floor: float, models: tuple[str, ...]) -> None:
    choose = chooser(strategy, floor, frozenset(models))
    runs, hits = 8, {"quality": 0, "cost": 0}
    for seed in range(runs):
        log, hards = simulated(900, seed)
        true = [truth(choose(one), hard) for one, hard in zip(log, hards, strict=True)]
        found = replayed(log, choose, Random(seed))
        assert found.quality_dr is not None
        assert found.cost_dr is not None
        quality, cost = (sum(values) / len(true) for values in zip(*true, strict=True))
        hits["quality"] += found.quality_dr.low <= quality <= found.quality_dr.high
        hits["cost"] += found.cost_dr.low <= cost <= found.cost_dr.high
    assert min(hits.values()) > runs - 2, hits


def test_doubly_robust_corrects_beliefs_that_are_wrong() -> None:
    """The small model is believed to be far better than it is: expectations alone would say 0.7."""
    only = chooser("balanced", 0.3, frozenset({"a/small"}))
    log, hards = simulated(3000, 3, share=0.4)
    true = sum(truth("a/small", hard)[0] for hard in hards) / len(hards)
    believed = sum(next(c.quality for c in one.candidates if c.model == "a/small") for one in log) / len(log)
    found = replayed(log, only, Random(1))
    assert found.quality_dr is not None
    assert believed - true > 0.1
    assert found.quality_dr.low <= true <= found.quality_dr.high
    assert found.quality_dr.high < believed


def test_the_same_policy_gains_and_saves_nothing() -> None:
    log, _ = simulated(500, 1, share=0.0)
    found = replayed(log, chooser("balanced", 0.3), Random(1))
    assert found.same == found.requests == 500
    assert found.gained is not None
    assert found.saved is not None
    assert (found.gained.mean, found.saved.mean) == (pytest.approx(0.0, abs=1e-9), pytest.approx(0.0, abs=1e-9))
    assert found.quality == found.quality_dr


def test_the_interval_shrinks_with_the_log() -> None:
    def width(count: int) -> float:
        found = replayed(simulated(count, 2)[0], chooser("cost", 0.3), Random(1)).quality_dr
        assert found is not None
        return found.high - found.low

    assert width(1600) < 0.8 * width(400)


def test_a_tool_loop_follows_its_turn() -> None:
    first, second = candidates(0.0)[1], candidates(0.0)[0]
    turn = Logged("s", "write", (first, second), 0.95, 0.006, 1.0)
    steps = [Logged("s", "write", (second, first), 1.0, 0.006, None, follows=True) for _ in range(3)]
    found = replayed([turn, *steps], lambda one: one.candidates[0].model if not one.follows else "a/other", Random(1))
    assert (found.requests, found.unanswered, found.same) == (4, 0, 1)


def test_requests_that_the_models_cannot_answer_are_told() -> None:
    log, _ = simulated(50, 1)
    found = replayed(log, chooser("cost", 0.1, frozenset({"b/none"})), Random(1))
    assert found == Replay(0, 0, 0, 50, 0.0, *[None] * 8)


def test_where_nothing_was_tried_nothing_is_weighed() -> None:
    log, _ = simulated(300, 1, share=0.0)
    found = replayed(log, chooser("balanced", 0.3, frozenset({"a/large"})), Random(1))
    assert found.quality_ips is None or found.same > 0
    assert found.effective <= found.same
