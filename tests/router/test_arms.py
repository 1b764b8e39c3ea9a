"""What an experiment changes in a decision, and what it never does."""

from __future__ import annotations

from dataclasses import replace
from typing import Any, cast

import pytest
from fleet import FLEET

from codriver.analyst import Analyst
from codriver.errors import reject
from codriver.experiments import Experiments
from codriver.ledger import Ledger
from codriver.model.request import Purpose, Request
from codriver.router import Plan, Router
from codriver.routing.decide import Wish
from codriver.routing.eligibility import Bounds, standing
from codriver.routing.experiments import Arm, Experiment
from codriver.state.store import MemoryStore
from codriver.upstream.client import Timeouts

CHAT = Request("r", Purpose.CHAT, wire="openai_chat", session="s", input_tokens=500, tail=("explain",))


def routed(arm: Arm) -> Router:
    """A router with one experiment that everybody is in."""

    def plan(request: Request) -> Plan:
        if request.model == "none":
            raise reject("no such model", field="model")
        only = request.model if "/" in request.model else ""
        wish = Wish(strategy=request.strategy or "auto", bounds=Bounds(only=only))
        kept, refused = standing(FLEET, wish.bounds)
        return Plan(kept, replace(wish, refused=refused))

    # Who decides only asks nobody: no upstream is there.
    return Router(
        plan=plan, upstream=cast(Any, None), analyst=Analyst(), ledger=Ledger(MemoryStore(lambda: 1.0), lambda: 1.0),
        timeouts=lambda request, spent: Timeouts(1, 1, 1, 1),
        experiments=Experiments(lambda: (Experiment("brief", (arm,)),)),
    )  # fmt: skip


def test_an_arms_strategy_decides_and_is_told() -> None:
    made = routed(Arm("thrifty", strategy="cost")).decide(CHAT)
    assert (made.strategy, made.arm) == ("cost", "brief/thrifty")
    assert made.reasons[0] == "experiment brief: thrifty"


def test_an_arms_model_is_asked() -> None:
    made = routed(Arm("large", model="west/large")).decide(CHAT)
    assert [c.model for c in made.candidates] == ["west/large"]


def test_who_names_a_model_is_in_no_experiment() -> None:
    made = routed(Arm("large", model="west/large")).decide(replace(CHAT, model="east/small"))
    assert ([c.model for c in made.candidates], made.arm) == (["east/small"], "")


@pytest.mark.parametrize("arm", [Arm("wrong", model="none")])
def test_an_arm_that_cannot_be_planned_breaks_no_request(arm: Arm) -> None:
    made = routed(arm).decide(CHAT)
    assert (made.strategy, made.arm) == ("auto", "")
