"""Codriver is silent where silence is right, and speaks where a suggestion is: scripted editing, real server."""

from __future__ import annotations

import pytest

from quiet.player import Judged, Rates, Scenario, play, scenarios
from quiet.run import QUIET, SHOWN

FEWEST = 60
"""Scenarios there must be."""


@pytest.fixture(scope="module")
def judged() -> dict[str, list[Judged]]:
    """What came of each scenario, as they are played."""
    return {}


@pytest.mark.parametrize("scenario", [pytest.param(one, id=one.name) for one in scenarios()])
async def test_a_scenario_can_be_played(scenario: Scenario, judged: dict[str, list[Judged]]) -> None:
    judged[scenario.name] = await play(scenario)
    assert judged[scenario.name], "it asks nothing"


def test_the_rates_hold(judged: dict[str, list[Judged]]) -> None:
    if len(judged) < len(scenarios()):
        pytest.skip("only a part of the scenarios was played")
    rates = Rates([one for found in judged.values() for one in found])
    (quiet, silences), (shown, suggestions) = rates.of("quiet"), rates.of("show")
    told = "\n".join(rates.lines())
    assert len(judged) >= FEWEST and silences >= FEWEST and suggestions >= 30
    assert quiet >= QUIET * silences and shown >= SHOWN * suggestions, told


def test_a_wrong_answer_is_told() -> None:
    scenario = Scenario("one", "x = ‸", ("quiet",), group="all")
    loud = Judged(scenario, 0, "quiet", "1", "")
    other = Judged(scenario, 1, "show 2", "1", "")
    silent = Judged(scenario, 2, "show", "", "deleted")
    good = Judged(scenario, 3, "show 1", "1", "")
    rates = Rates([loud, other, silent, good])
    assert (rates.of("quiet"), rates.of("show")) == ((0, 1), (1, 3))
    lines = list(rates.lines())
    assert "wrong: one, step 1: 'quiet' was right, '1' came" in lines[-3]
    assert "silence (deleted) came" in lines[-1]
