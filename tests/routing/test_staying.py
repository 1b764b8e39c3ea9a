"""When a session changes its model: what is warm, what a switch costs, what the session itself says."""

from __future__ import annotations

from dataclasses import replace

import pytest

from codriver.model.decision import Candidate, Decision, Outcome, Pin, View, Warm
from codriver.model.events import Usage
from codriver.model.provider import Model, Price, Provider
from codriver.model.request import Needs, Purpose, Request
from codriver.routing import estimate, staying
from codriver.routing.eligibility import Offer
from codriver.routing.strategies import Taste

NOW = 10_000.0
MONEY = Taste(0.04, 0.0, 0.1)


def offer(name: str, price: Price, *, lasts: float = 300.0) -> Offer:
    model = Model(name, "m", "m", 200_000, 8000, price, {})
    return Offer(Provider(name, name, "http://x", {"openai_chat": "/"}, models=(model,), cache_ttl=lasts), model)


CHEAP = offer("cheap", Price(0.3, 0.03, 0.3, 1.2))
STRONG = offer("strong", Price(3.0, 0.3, 3.75, 15.0))
OFFERS = {one.model.key: one for one in (CHEAP, STRONG)}


def candidates(pin: Pin, *, cheap: float, strong: float, prompt: int = 50_000) -> list[Candidate]:
    """Both models with the cost of this call, in the order of auto."""
    found = []
    for one, quality in ((CHEAP, cheap), (STRONG, strong)):
        warm = staying.warm(pin, one.model.key, 300.0, NOW)
        cost = estimate.cost(one.model, prompt, 300, warm, NOW, kept=True)
        found.append(Candidate(one.model.key, "openai_chat", quality, cost, 1.0))
    return sorted(found, key=lambda c: (c.quality < 0.6 * max(cheap, strong), c.cost - MONEY.value * c.quality))


def asked(
    pin: Pin, ranked: list[Candidate], purpose: Purpose = Purpose.MAIN, trouble: str = "", **named: object
) -> staying.Stay:
    troubles = {"s": trouble} if trouble else {}
    view = View(now=NOW, pins={"s": pin}, troubles=troubles)
    taste = named.get("taste", MONEY)
    assert taste is None or isinstance(taste, Taste)
    return staying.stay(Request("r", purpose, session="s"), ranked, OFFERS, view, taste)


WARM = Pin("strong/m", 50_000, NOW - 30, calls=10, growth=1000, output=300)


@pytest.mark.parametrize(
    ("pin", "cheap", "strong", "who", "why"),
    [
        pytest.param(WARM, 0.80, 0.82, "cheap/m", "leaves strong/m for cheap/m", id="much dearer and hardly better"),
        pytest.param(WARM, 0.60, 0.90, "cheap/m", "some 8 calls", id="worth its toll"),
        pytest.param(WARM, 0.46, 0.95, "strong/m", "stays", id="not worth its toll"),
        pytest.param(replace(WARM, model="cheap/m"), 0.80, 0.85, "cheap/m", "stays", id="cheap is best anyway"),
        pytest.param(replace(WARM, model="cheap/m"), 0.40, 0.95, "strong/m", "beyond it", id="beyond the one at hand"),
        pytest.param(replace(WARM, switches=9), 0.60, 0.90, "strong/m", "stays", id="switched too often"),
        pytest.param(replace(WARM, model="gone/m"), 0.80, 0.82, "cheap/m", "leaves gone/m", id="not there any more"),
    ],
)
def test_a_new_human_turn(pin: Pin, cheap: float, strong: float, who: str, why: str) -> None:
    found = asked(pin, candidates(pin, cheap=cheap, strong=strong))
    assert (found.ranked[0].model, why in found.reason) == (who, True), found.reason
    assert {c.model for c in found.ranked} == {"cheap/m", "strong/m"}


def test_a_tool_loop_keeps_its_model_for_thirty_steps() -> None:
    pin = replace(WARM, model="strong/m")
    for step in range(30):
        pin = replace(pin, calls=pin.calls + 1, tokens=pin.tokens + 800)
        found = asked(
            pin, candidates(pin, cheap=0.9, strong=0.5 + step / 100, prompt=pin.tokens + 500), Purpose.TOOL_RESULT
        )
        assert found.ranked[0].model == "strong/m"


def test_a_loop_that_goes_wrong_goes_to_a_better_model_and_never_to_a_worse() -> None:
    up = asked(
        replace(WARM, model="cheap/m"), candidates(WARM, cheap=0.6, strong=0.8), Purpose.TOOL_RESULT, "3 calls failed"
    )
    assert (up.ranked[0].model, "3 calls failed" in up.reason) == ("strong/m", True)
    down = asked(WARM, candidates(WARM, cheap=0.6, strong=0.8), Purpose.TOOL_RESULT, "3 calls failed")
    assert (down.ranked[0].model, "nobody is better" in down.reason) == ("strong/m", True)


@pytest.mark.parametrize("purpose", [Purpose.TITLE, Purpose.PROBE, Purpose.CLASSIFY, Purpose.COMPACTION])
def test_errands_take_no_notice(purpose: Purpose) -> None:
    ranked = candidates(WARM, cheap=0.5, strong=0.9)
    assert asked(WARM, ranked, purpose) == staying.Stay(ranked)


def test_where_order_is_no_matter_of_money_it_stands() -> None:
    ranked = candidates(WARM, cheap=0.7, strong=0.9)[::-1]
    assert asked(replace(WARM, model="cheap/m"), ranked, taste=None).ranked[0].model == ranked[0].model


def test_after_a_pause_the_choice_is_free_again() -> None:
    """The cache went cold: what would be lost by leaving is lost already."""
    near, cold = WARM, replace(WARM, at=NOW - 3600)
    named = {"cheap": 0.46, "strong": 0.95}
    assert asked(near, candidates(near, **named)).ranked[0].model == "strong/m"
    assert asked(cold, candidates(cold, **named)).ranked[0].model == "cheap/m"


@pytest.mark.parametrize(
    ("left", "who"),
    [
        pytest.param((Warm("strong/m", 48_000, NOW - 60),), "strong/m", id="still warm"),
        pytest.param((Warm("strong/m", 48_000, NOW - 3600),), "cheap/m", id="cold since"),
        pytest.param((), "cheap/m", id="never was there"),
    ],
)
def test_back_to_a_model_that_is_still_warm_costs_little(left: tuple[Warm, ...], who: str) -> None:
    pin = replace(WARM, model="cheap/m", switches=1, left=left)
    assert asked(pin, candidates(pin, cheap=0.55, strong=0.90), taste=Taste(0.1, 0.0, 0.1)).ranked[0].model == who


def test_the_toll_is_the_cache_and_not_a_long_answer() -> None:
    """An answer longer than this session's usual ones is paid for wherever it is written."""
    plain = candidates(WARM, cheap=0.55, strong=0.90)
    long = [replace(one, cost=one.cost + 0.05) for one in plain]
    assert asked(WARM, plain).reason == asked(WARM, long).reason


@pytest.mark.parametrize("output", [20.0, 300.0, 3000.0])
def test_one_long_or_short_answer_moves_no_session(output: float) -> None:
    """Answers have heavy tails: the running mean jumps after one of them, what is to come does not."""
    pin = replace(WARM, output=output)
    taste = Taste(0.1, 0.0, 0.1)
    assert asked(pin, candidates(pin, cheap=0.60, strong=0.85), taste=taste).ranked[0].model == "strong/m"


def test_one_hard_beginning_is_weighed_over_its_turn_and_not_over_a_whole_session() -> None:
    """At this price a dear beginning would pay over thirty calls, but not over those until the next human turn."""
    request = Request("r", Purpose.MAIN, session="new", needs=Needs(tools=True), input_tokens=20_000)
    ranked = candidates(Pin("", 0, NOW), cheap=0.55, strong=0.80, prompt=20_000)
    found = staying.stay(request, ranked, OFFERS, View(now=NOW), Taste(0.075, 0.0, 0.1))
    assert found.ranked[0].model == "cheap/m"
    dear = staying.stay(request, ranked, OFFERS, View(now=NOW), Taste(0.2, 0.0, 0.1))
    assert dear.ranked[0].model == "strong/m"


def outcome(model: str, prompt: int, output: int) -> Outcome:
    usage = Usage(input=prompt, output=output)
    return Outcome("o", NOW, "http", "openai_chat", "main", "ok", Decision("o", "auto", ()), model=model, usage=usage)


def test_what_is_warm_after_answers() -> None:
    first = staying.answered(None, outcome("a/m", 1000, 100), 1.0)
    assert first == Pin("a/m", 1100, 1.0, output=100.0)
    second = staying.answered(first, outcome("a/m", 1600, 100), 2.0)
    assert (second.tokens, second.growth, second.calls, second.switches) == (1700, 500.0, 2, 0)
    moved = staying.answered(second, outcome("b/m", 2000, 50), 3.0)
    assert (moved.model, moved.calls, moved.switches, moved.left) == ("b/m", 3, 1, (Warm("a/m", 1700, 2.0),))
    back = staying.answered(moved, outcome("a/m", 2400, 50), 4.0)
    assert (back.switches, [one.model for one in back.left]) == (2, ["b/m"])
    assert staying.warm(back, "b/m", 300, 100.0) == 2050
    assert staying.warm(back, "b/m", 300, 400.0) == 0
    assert staying.warm(back, "c/m", 300, 5.0) == staying.warm(None, "a/m", 300, 5.0) == 0


def test_a_first_write_is_priced_as_one() -> None:
    """Anthropic bills what goes into the cache dearer than plain input."""
    plain = estimate.cost(STRONG.model, 10_000, 0, 0, NOW)
    kept = estimate.cost(STRONG.model, 10_000, 0, 0, NOW, kept=True)
    assert (plain, kept) == (pytest.approx(0.03), pytest.approx(0.0375))
    assert estimate.cost(STRONG.model, 10_000, 0, 8_000, NOW, kept=True) == pytest.approx(8e3 * 0.3e-6 + 2e3 * 3.75e-6)
