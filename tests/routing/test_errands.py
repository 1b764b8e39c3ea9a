"""What agents ask beside their work goes to the cheapest model that can, and moves no session; loops stay together."""

from __future__ import annotations

from dataclasses import replace

import pytest
from fleet import FLEET, LARGE, MEDIUM, SMALL

from codriver.ledger import Ledger
from codriver.model.decision import Decision, Outcome, Pin, View
from codriver.model.events import Usage
from codriver.model.features import NOTHING
from codriver.model.request import ERRANDS, Limits, Needs, Purpose, Request
from codriver.routing import task
from codriver.routing.decide import Wish, decide
from codriver.routing.eligibility import Bounds, standing
from codriver.routing.quality import judged
from codriver.state.store import MemoryStore

MAIN = Request("r", Purpose.MAIN, wire="anthropic", needs=Needs(tools=True), session="s", input_tokens=40_000)
SIDE = [Purpose.TITLE, Purpose.CLASSIFY, Purpose.PROBE, Purpose.COMMIT]


def choose(request: Request, view: View | None = None, **wish: object) -> Decision:
    asked = Wish(**wish)
    kept, refused = standing(FLEET, asked.bounds)
    family = task.family(request.purpose, request.tail)
    features = judged(NOTHING, family, request.input_tokens)
    return decide(request, features, kept, view or View(now=1000.0), replace(asked, refused=refused), ident=request.id)


def first(made: Decision) -> str:
    return made.candidates[0].model


@pytest.mark.parametrize("purpose", SIDE)
@pytest.mark.parametrize("strategy", ["auto", "quality", "balanced", "speed", "cost"])
@pytest.mark.parametrize("tier", ["", "large"])
def test_an_errand_goes_to_the_cheapest_that_can_whatever_the_strategy(
    purpose: Purpose, strategy: str, tier: str
) -> None:
    errand = replace(MAIN, purpose=purpose, needs=Needs(), input_tokens=600)
    view = View(now=1000.0, pins={"s": Pin("west/large", 40_000, 990.0)})
    made = choose(errand, view, strategy=strategy, bounds=Bounds(tier=tier))
    able = [c for c in made.candidates if c.quality >= max(c.quality for c in made.candidates) - 0.1]
    assert first(made) == min(able, key=lambda c: c.cost).model != "west/large"
    assert any("errand" in reason for reason in made.reasons)


def test_who_can_is_a_matter_of_window_and_quality() -> None:
    """A long compaction needs its window; the model that has the prompt warm may be the cheapest."""
    long = replace(MAIN, purpose=Purpose.COMPACTION, input_tokens=200_000)
    assert first(choose(long)) == "west/large"
    compaction = replace(MAIN, purpose=Purpose.COMPACTION, input_tokens=100_000)
    assert first(choose(compaction)) != "west/large"


def test_a_caller_who_says_how_or_whom_gets_it() -> None:
    title = replace(MAIN, purpose=Purpose.TITLE, needs=Needs(), input_tokens=600)
    assert first(choose(replace(title, strategy="quality"), strategy="quality")) == "west/large"
    assert first(choose(title, bounds=Bounds(only="west/large"))) == "west/large"


def test_a_main_request_is_no_errand() -> None:
    made = choose(replace(MAIN, tail=("Design the storage layer",)), strategy="quality")
    assert first(made) == "west/large"
    assert not any("errand" in reason for reason in made.reasons)


def _outcome(made: Decision, request: Request) -> Outcome:
    usage = Usage(input=request.input_tokens, output=300)
    return Outcome(
        made.id, 1000.0, "http", request.wire, request.purpose, "ok", made, model=first(made), usage=usage,
        session=request.session,
    )  # fmt: skip


@pytest.mark.parametrize("purpose", sorted(ERRANDS))
def test_an_errand_never_moves_the_sessions_model(purpose: Purpose) -> None:
    ledger = Ledger(MemoryStore(lambda: 1000.0), lambda: 1000.0)
    held = choose(replace(MAIN, tail=("Design the storage layer",)), strategy="quality")
    ledger.record(_outcome(held, MAIN))
    errand = replace(MAIN, id="e", purpose=purpose, needs=Needs(), limits=Limits(max_tokens=32))
    ledger.record(_outcome(choose(errand, ledger.view()), errand))
    assert ledger.view().pins["s"].model == first(held)


def test_a_sub_agent_is_routed_afresh() -> None:
    """L3: its session is its own (`intake.session`), so its parent's model does not hold it."""
    view = View(now=1000.0, pins={"s": Pin("west/large", 40_000, 990.0)})
    child = replace(
        MAIN, purpose=Purpose.SUBAGENT, session="s/a1", input_tokens=3000, tail=("Rename the flag everywhere",)
    )
    assert first(choose(child, view)) == first(choose(child)) != "west/large"


@pytest.mark.parametrize("opened", ["Rename the flag", "Design the storage layer of this service", "fix the crash"])
def test_a_tool_loop_of_thirty_steps_keeps_its_model(opened: str) -> None:
    """The prompt grows by 1,500 tokens with each step, and a title and a classifier run beside it."""
    clock = [1000.0]
    ledger = Ledger(MemoryStore(lambda: clock[0]), lambda: clock[0])
    step = replace(MAIN, tail=(opened,), input_tokens=6000)
    asked: list[str] = []
    for number in range(31):
        made = choose(step, ledger.view())
        asked.append(first(made))
        ledger.record(_outcome(made, step))
        for purpose in (Purpose.TITLE, Purpose.CLASSIFY):
            errand = replace(step, purpose=purpose, needs=Needs(), input_tokens=400)
            ledger.record(_outcome(choose(errand, ledger.view()), errand))
        clock[0] += 20.0
        result = f"step {number}: 3 errors, a traceback, tests failed, rename and document it"
        step = replace(step, purpose=Purpose.TOOL_RESULT, tail=(result, opened), input_tokens=step.input_tokens + 1500)
    assert len(set(asked)) == 1


def test_the_fleet_has_models_to_choose_between() -> None:
    """Without these prices the tests above would say nothing."""
    cost = [offer.model.price.input for offer in (SMALL, MEDIUM, LARGE)]
    assert cost == sorted(cost) and cost[0] < cost[-1]
