"""Trials: where they are made, how often, and whether the stated chances are the true ones."""

from __future__ import annotations

from collections import Counter
from random import Random

import pytest
from fleet import FLEET, LARGE, MEDIUM, SMALL

from codriver.model.decision import Belief, Candidate, Pin, View
from codriver.model.features import Features
from codriver.model.request import Purpose, Request
from codriver.routing.decide import Wish, decide
from codriver.routing.eligibility import Bounds, standing
from codriver.routing.exploring import MOST_SHARE, Chance, open_to_trial, surcharge, tried
from codriver.routing.quality import judged
from codriver.routing.rewards import WORDS, of
from codriver.routing.strategies import Taste, find

CHAT = Request("r", Purpose.CHAT, wire="openai_chat", input_tokens=800)
TASTE = Taste(0.04, 0.0005, 0.1)
ARMS = [
    Candidate("a/one", "openai_chat", 0.80, 0.004, 2.0),
    Candidate("a/two", "openai_chat", 0.82, 0.006, 2.0),
    Candidate("a/three", "openai_chat", 0.78, 0.003, 3.0),
    Candidate("a/poor", "openai_chat", 0.30, 0.0001, 1.0),
]


def ranked() -> list[Candidate]:
    return find("balanced").rank(ARMS, TASTE)


def test_the_stated_chance_is_the_true_one() -> None:
    """What replay divides by must be right."""
    view = View(abilities={"write": {"a/one": Belief(0.0, 0.1), "a/two": Belief(0.0, 0.5)}})
    chance = Chance(Random(7), 0.4, 1.0)
    seen: Counter[str] = Counter()
    told: dict[str, float] = {}
    count = 30_000
    for _ in range(count):
        trial = tried(CHAT, ranked(), "write", TASTE, view, chance)
        seen[trial.ranked[0].model] += 1
        told[trial.ranked[0].model] = trial.propensity
    assert sum(told.values()) == pytest.approx(1.0, abs=0.01)
    assert "a/poor" not in told
    for model, propensity in told.items():
        assert seen[model] / count == pytest.approx(propensity, abs=4 * (propensity / count) ** 0.5 + 0.002)


def test_nothing_that_costs_more_than_the_day_allows_is_tried() -> None:
    chance = Chance(Random(1), 0.4, 0.0)
    dearer = {c.model for c in ARMS if c.cost > ranked()[0].cost}
    firsts = {tried(CHAT, ranked(), "write", TASTE, View(), chance).ranked[0].model for _ in range(500)}
    assert len(firsts) > 1
    assert not firsts & dearer


@pytest.mark.parametrize(
    ("request_", "strategy", "only", "allowed"),
    [
        (CHAT, "auto", "", True),
        (CHAT, "cost", "", True),
        (CHAT, "quality", "", False),
        (CHAT, "direct", "", False),
        (CHAT, "auto", "a/one", False),
        (Request("r", Purpose.TOOL_RESULT), "auto", "", False),
        (Request("r", Purpose.EMBED), "auto", "", False),
        (Request("r", Purpose.CHAT, priority="critical"), "auto", "", False),
        (Request("r", Purpose.CHAT, priority="background"), "auto", "", True),
    ],
)
def test_where_another_model_may_be_tried(request_: Request, strategy: str, only: str, allowed: bool) -> None:
    assert open_to_trial(request_, strategy, only) is allowed


def test_a_warm_session_keeps_its_model() -> None:
    asked = Request("r", Purpose.CHAT, session="s")
    view = View(pins={"s": Pin("a/one", 5000, 0.0)})
    firsts = {
        tried(asked, ranked(), "write", TASTE, view, Chance(Random(1), 1.0, 9.0)).ranked[0].model for _ in range(50)
    }
    assert firsts == {ranked()[0].model}


def test_who_is_sure_tries_less() -> None:
    sure = View(abilities={"write": {c.model: Belief(0.0, 0.001) for c in ARMS}})
    counts = []
    for view in (View(), sure):
        chance = Chance(Random(5), 0.4, 1.0)
        outs = [tried(CHAT, ranked(), "write", TASTE, view, chance) for _ in range(2000)]
        counts.append(sum(trial.reason != "" for trial in outs))
    assert counts[1] < counts[0] / 2


def test_decisions_carry_chance_and_reason() -> None:
    kept, _ = standing((SMALL, MEDIUM, LARGE), Bounds())
    features = judged(Features(task="write"), "write", 800)
    chance = Chance(Random(3), 1.0, 1.0)
    made = [decide(CHAT, features, kept, View(now=1.0), Wish(floor=0.5), ident="d", chance=chance) for _ in range(300)]
    trials = [one for one in made if one.propensity < 0.5]
    assert trials
    assert all(any("to learn" in reason for reason in one.reasons) for one in trials)
    assert all(surcharge(one) >= 0.0 for one in trials)
    usual = [one for one in made if one.propensity >= 1 - MOST_SHARE]
    assert usual
    assert all(surcharge(one) == 0.0 for one in usual)
    assert {c.model for c in trials[0].candidates} == {c.model for c in usual[0].candidates}


def test_what_outcomes_taught_moves_expected_quality() -> None:
    kept, _ = standing(FLEET, Bounds())
    features = judged(Features(task="write"), "write", 800)
    view = View(now=1.0, abilities={"": {"west/large": Belief(-2.0, 0.1)}, "write": {"east/small": Belief(1.0, 0.1)}})
    plain = {c.model: c for c in decide(CHAT, features, kept, View(now=1.0), Wish(), ident="d").candidates}
    moved = {c.model: c for c in decide(CHAT, features, kept, view, Wish(), ident="d").candidates}
    assert moved["west/large"].quality < plain["west/large"].quality
    assert moved["west/large"].learned == -2.0
    assert moved["east/small"].quality > plain["east/small"].quality
    same = decide(CHAT, features, kept, view, Wish(experience=False), ident="d").candidates
    assert {c.model: c.quality for c in same} == {m: c.quality for m, c in plain.items()}


def test_feedback_is_weighed_by_its_source() -> None:
    assert WORDS["tests-passed"].weight > WORDS["kept"].weight > WORDS["verified-bad"].weight - 0.1
    assert of("seen") is None
    mild = of("up", 0.2)
    assert mild is not None
    assert (mild.reward, mild.weight) == (pytest.approx(0.6), pytest.approx(0.16))
