"""auto: what nobody can tell apart is not paid for, and what would fail is no bargain."""

from __future__ import annotations

import pytest

from codriver.model.decision import Candidate
from codriver.routing import strategies
from codriver.routing.strategies import Taste

TASTE = Taste(value=0.05, wait=0.0, floor=0.1)


def candidate(model: str, quality: float, cost: float) -> Candidate:
    return Candidate(model, "openai_chat", quality, cost, 1.0)


DEAR, CHEAP = candidate("dear", 0.940, 0.00060), candidate("cheap", 0.933, 0.00026)


@pytest.mark.parametrize(
    ("candidates", "order"),
    [
        pytest.param((DEAR, CHEAP), ["cheap", "dear"], id="a hair better, and dearer"),
        pytest.param((CHEAP, DEAR), ["cheap", "dear"], id="whoever comes first"),
        pytest.param((candidate("dear", 0.960, 0.0006), CHEAP), ["dear", "cheap"], id="better by what can be told"),
        pytest.param(
            (candidate("a", 0.94, 0.0006), candidate("b", 0.939, 0.0006), CHEAP), ["cheap", "a", "b"], id="three alike"
        ),
        pytest.param((candidate("same", 0.933, 0.00026), CHEAP), ["same", "cheap"], id="the same, in their order"),
        pytest.param((candidate("hopeless", 0.5, 0.0), DEAR), ["dear", "hopeless"], id="far worse, and free"),
    ],
)
def test_of_those_alike_the_cheapest_comes_first(candidates: tuple[Candidate, ...], order: list[str]) -> None:
    ranked = strategies.find("auto").rank(candidates, TASTE)
    assert [one.model for one in ranked] == order
    exact = strategies.find("balanced").rank(candidates, TASTE)
    assert [one.score for one in exact] == sorted((one.score for one in ranked), reverse=True)
