"""Steps down: when one holds, what it does to the order, and the budgets of sessions and workflows."""

from __future__ import annotations

from dataclasses import replace

import pytest
from fleet import LARGE, LOCAL, MEDIUM, SMALL

from codriver.errors import Failure, Kind, Unroutable
from codriver.model.decision import Candidate, Rest, View
from codriver.model.features import Features
from codriver.model.request import Purpose, Request
from codriver.routing.decide import Wish, decide
from codriver.routing.degrading import BudgetStep, PeakStep, Steps, Strain, peaking, strain, sunk
from codriver.routing.eligibility import Bounds

CHAT = Request("r", Purpose.CHAT, wire="openai_chat", input_tokens=800, session="s", workflow="w")
FEATURES = Features(task="write", tokens=800)
PEAK = Steps(peak=(PeakStep(8, 0, 0.15), PeakStep(16, 2, 0.3)))
BUDGET = Steps(budget=(BudgetStep(0.5, 0.15), BudgetStep(0.9, 0.4)))


def throttled(*names: str, until: float = 50.0, kind: Kind = Kind.RATE_LIMITED) -> View:
    return View(now=10.0, cooling={name: Rest(until, Failure(kind, "too much")) for name in names})


@pytest.mark.parametrize(
    ("view", "waiting", "number"),
    [
        (View(), 7, 0),
        (View(), 8, 1),
        (View(), 16, 2),
        (throttled("east"), 0, 0),
        (throttled("east", "west/large"), 0, 2),
        (throttled("east", "west", until=9.0), 0, 0),
        (throttled("east", "west", kind=Kind.AUTH), 0, 0),
    ],
)
def test_steps_of_the_peak(view: View, waiting: int, number: int) -> None:
    found = strain(PEAK, CHAT, view, Bounds(), waiting)
    assert (found.number if found else 0) == number
    assert peaking(PEAK, view, waiting) is (number > 0)


@pytest.mark.parametrize(
    ("view", "number", "whose"),
    [
        (View(), 0, ""),
        (View(spent_today=5.0), 1, "today's"),
        (View(spent_today=9.5), 2, "today's"),
        (View(spent_by={"session:s": 0.95}), 2, "the session's"),
        (View(spent_by={"session:other": 0.95}), 0, ""),
        (View(spent_today=5.0, spent_by={"workflow:w": 1.9}), 2, "the workflow's"),
    ],
)
def test_steps_of_budgets(view: View, number: int, whose: str) -> None:
    found = strain(BUDGET, CHAT, view, Bounds(daily_usd=10, session_usd=1, workflow_usd=2), 99)
    assert (found.number if found else 0) == number
    assert found is None or found.reason.startswith(whose)


def test_without_a_budget_no_step_of_it_holds() -> None:
    assert strain(BUDGET, CHAT, View(spent_today=100.0), Bounds(), 0) is None


def test_the_lowest_floor_counts() -> None:
    both = Steps(PEAK.peak, BUDGET.budget)
    found = strain(both, CHAT, View(spent_today=5.0), Bounds(daily_usd=10), 16)
    assert found == Strain(2, 0.3, "peak, step 2: 16 requests are under way, so the floor sinks to 0.3")


def test_the_cheapest_within_the_floor_comes_first_and_the_others_keep_their_order() -> None:
    ranked = [Candidate(name, "w", q, c, 1.0) for name, q, c in (("a", 0.9, 5), ("b", 0.8, 2), ("c", 0.6, 1))]
    assert [c.model for c in sunk(ranked, 0.05)] == ["a", "b", "c"]
    assert [c.model for c in sunk(ranked, 0.15)] == ["b", "a", "c"]
    assert [c.model for c in sunk(ranked, 0.4)] == ["c", "a", "b"]


@pytest.mark.parametrize(
    ("floor", "purpose", "wanted"),
    [(0.0, Purpose.CHAT, "west/large"), (0.2, Purpose.CHAT, "east/medium"), (0.5, Purpose.CHAT, "east/small"),
     (0.5, Purpose.TOOL_RESULT, "west/large")],
)  # fmt: skip
def test_quality_sinks_step_by_step_but_not_inside_a_tool_loop(floor: float, purpose: Purpose, wanted: str) -> None:
    wish = Wish(strategy="quality", sunk=floor)
    made = decide(replace(CHAT, purpose=purpose), FEATURES, (SMALL, MEDIUM, LARGE), View(), wish, ident="d")
    assert made.candidates[0].model == wanted


@pytest.mark.parametrize(
    ("bounds", "spent", "kind", "words"),
    [
        (Bounds(session_usd=1), {"session:s": 1.0}, Kind.FORBIDDEN, "this session's budget of $1 is spent"),
        (Bounds(workflow_usd=2), {"workflow:w": 2.0}, Kind.QUOTA, "budget of $2 of the workflow 'w' is spent"),
    ],
    ids=["session", "workflow"],
)
def test_a_spent_budget_is_a_hard_stop_with_a_clear_error(
    bounds: Bounds, spent: dict[str, float], kind: Kind, words: str
) -> None:
    view = View(now=10.0, midnight=500.0, spent_by=spent)
    with pytest.raises(Unroutable) as caught:
        decide(CHAT, FEATURES, (SMALL, LARGE), view, Wish(bounds=bounds), ident="d")
    assert caught.value.failure.kind is kind
    assert words in str(caught.value)
    assert (caught.value.failure.retry_after == 490.0) is (kind is Kind.QUOTA)
    # Others are not held up, and what is free still answers.
    other = replace(CHAT, session="x", workflow="y")
    assert decide(other, FEATURES, (SMALL,), view, Wish(bounds=bounds), ident="d").candidates
    assert (
        decide(CHAT, FEATURES, (SMALL, LOCAL), view, Wish(bounds=bounds), ident="d").candidates[0].model == "home/local"
    )
