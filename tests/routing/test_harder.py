"""A cheaper model thinks more in place of a dearer one: only where that is as good, cheaper, and nobody said otherwise."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
from fleet import EAST, model

from codriver.model.decision import Length, Pin, View
from codriver.model.features import Features
from codriver.model.provider import Quirks
from codriver.model.request import Fim, Limits, Needs, Purpose, Request
from codriver.routing import harder
from codriver.routing.decide import Wish, decide
from codriver.routing.eligibility import Bounds, Offer

THINKER = Offer(EAST, model("east", "thinker", 1.8, 0.5, reasoning=True))
BETTER = Offer(EAST, model("east", "better", 1.9, 3.0, reasoning=True))
OFFERS = (THINKER, BETTER)
CHAT = Request("r", Purpose.CHAT, wire="openai_chat", input_tokens=800)
FEATURES = Features(task="debug", tokens=800, difficulty=1.0)
LENGTHS = {"debug": {"east/thinker": Length(4.0, 20), "east/better": Length(4.0, 20)}}
VIEW = View(now=10.0, lengths=LENGTHS)
WISH = Wish(strategy="quality", harder=True)


def decided(request: Request = CHAT, wish: Wish = WISH, view: View = VIEW, offers: Any = OFFERS) -> Any:
    return decide(request, FEATURES, offers, view, wish, ident="d")


def test_the_cheaper_model_thinks_more_and_says_so() -> None:
    usual, made = decided(wish=replace(WISH, harder=False)), decided()
    assert [c.model for c in usual.candidates] == ["east/better", "east/thinker"]
    assert [(c.model, c.effort) for c in made.candidates] == [("east/thinker", "high"), ("east/better", "")]
    first, second = made.candidates
    assert first.quality >= second.quality
    assert first.cost < second.cost
    assert first.cost > next(c.cost for c in usual.candidates if c.model == "east/thinker")
    assert any(
        "east/thinker with high effort" in reason and "instead of east/better" in reason for reason in made.reasons
    )


def test_what_more_thinking_costs_and_brings_is_what_was_measured() -> None:
    usual = next(c for c in decided(wish=replace(WISH, harder=False)).candidates if c.model == "east/thinker")
    first = decided().candidates[0]
    written = 4 * 500  # debug's output, four times as long by its answers
    assert first.cost - usual.cost == pytest.approx((harder.TOKENS - 1) * written * THINKER.model.price.output / 1e6)
    odds = [c.quality / (1 - c.quality) for c in (usual, first)]
    assert odds[1] / odds[0] == pytest.approx(2.718281828**harder.LOGITS)
    assert first.latency > usual.latency


@pytest.mark.parametrize(
    "more",
    [
        pytest.param({"limits": Limits(effort="low")}, id="the caller said how much"),
        pytest.param({"limits": Limits(max_tokens=500)}, id="no room to think"),
        pytest.param({"purpose": Purpose.TOOL_RESULT}, id="a tool loop"),
        pytest.param({"purpose": Purpose.TITLE}, id="an errand"),
        pytest.param({"purpose": Purpose.COMPLETE, "fim": Fim("a", "b")}, id="a completion"),
        pytest.param({"session": "warm"}, id="a warm session"),
    ],
)
def test_where_it_is_not_done(more: dict[str, Any]) -> None:
    view = replace(VIEW, pins={"warm": Pin("east/better", 100, 9.0)})
    made = decided(replace(CHAT, **more), view=view)
    assert not any(candidate.effort for candidate in made.candidates)


@pytest.mark.parametrize(
    ("wish", "view", "thinker"),
    [
        pytest.param(replace(WISH, harder=False), VIEW, {}, id="off, as it is at first"),
        pytest.param(replace(WISH, strategy="speed"), VIEW, {}, id="who is in a hurry"),
        pytest.param(replace(WISH, experience=False), VIEW, {}, id="no experience wanted"),
        pytest.param(replace(WISH, bounds=Bounds(tier="small")), VIEW, {}, id="a tier was hinted at"),
        pytest.param(WISH, View(now=10.0), {}, id="nobody knows how much it writes"),
        pytest.param(WISH, VIEW, {"reasoning": False}, id="it does not think"),
        pytest.param(WISH, VIEW, {"skill": {"": 1.6}}, id="it would still be worse"),
        pytest.param(WISH, VIEW, {"price": BETTER.model.price}, id="it would cost more"),
        pytest.param(WISH, VIEW, {"quirks": Quirks(efforts=("low", "medium"))}, id="it has no such effort"),
        pytest.param(WISH, VIEW, {"quirks": Quirks(thinking="enable")}, id="it is told in another way"),
        pytest.param(WISH, VIEW, {"speed": 0.02}, id="waiting costs more than is saved"),
    ],
)
def test_when_it_gains_nothing(wish: Wish, view: View, thinker: dict[str, Any]) -> None:
    other = replace(THINKER, model=replace(THINKER.model, **thinker))
    made = decided(wish=wish, view=view, offers=(other, BETTER))
    assert not any(candidate.effort for candidate in made.candidates)


def test_tools_go_where_thinking_and_tools_go_together() -> None:
    tooled = replace(CHAT, needs=Needs(tools=True))
    provider = replace(EAST, wires={"openai_chat": "/c"})
    odd = replace(
        THINKER, provider=provider, model=replace(THINKER.model, quirks=Quirks(tools_wire="openai_responses"))
    )
    assert not any(c.effort for c in decided(tooled, offers=(odd, BETTER)).candidates)
    both = replace(odd, provider=replace(EAST, wires={"openai_chat": "/c", "openai_responses": "/r"}))
    first = decided(tooled, offers=(both, BETTER)).candidates[0]
    assert (first.effort, first.wire) == ("high", "openai_responses")
