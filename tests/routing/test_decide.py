"""Facts in, ordered candidates and reasons out."""

from __future__ import annotations

from dataclasses import replace

import pytest
from fleet import CODER, FLEET, LARGE, LOCAL, MEDIUM, SMALL

from codriver.errors import Failure, Kind, Unroutable
from codriver.model.decision import Decision, Latency, Pin, Rest, View
from codriver.model.features import Features
from codriver.model.request import Fim, Limits, Needs, Purpose, Request
from codriver.routing.decide import Wish, decide
from codriver.routing.eligibility import Bounds, Offer, standing
from codriver.routing.quality import judged

CHAT = Request("r", Purpose.CHAT, wire="openai_chat", input_tokens=800)
GETTER = Features(
    source="buffer", language="python", scope="Box.size", cyclomatic=1, cognitive=0, lines=3, task="refactor"
)
TANGLE = Features(
    source="buffer", language="python", scope="settle", cyclomatic=22, cognitive=31, nesting=5, lines=70,
    task="refactor",
)  # fmt: skip
PLAIN = Features(task="write")
REST = Failure(Kind.TRANSIENT, "it failed")


def choose(
    request: Request = CHAT,
    features: Features = PLAIN,
    offers: tuple[Offer, ...] = FLEET,
    view: View = View(now=1000.0),
    **wish: object,
) -> Decision:
    asked = Wish(**wish)
    kept, refused = standing(offers, asked.bounds)
    features = judged(features, features.task, request.input_tokens)
    return decide(request, features, kept, view, replace(asked, refused=refused), ident="d")


def names(made: Decision) -> list[str]:
    return [candidate.model for candidate in made.candidates]


def test_the_same_wish_goes_to_another_model_when_the_code_is_hard() -> None:
    fleet = (SMALL, MEDIUM, LARGE)
    easy, hard = choose(features=GETTER, offers=fleet), choose(features=TANGLE, offers=fleet)
    assert names(easy)[0] == "east/small"
    assert names(hard)[0] == "west/large"
    told = " ".join(hard.reasons)
    assert "cognitive 31" in told
    assert "cyclomatic 22" in told
    assert "settle" in told


@pytest.mark.parametrize(
    ("strategy", "best"),
    [("quality", "west/large"), ("cost", "east/medium"), ("speed", "east/medium"), ("balanced", "east/medium")],
)
def test_strategies_rank_differently(strategy: str, best: str) -> None:
    features = replace(PLAIN, task="debug")
    assert names(choose(features=features, strategy=strategy))[0] == best


def test_an_unknown_strategy_names_those_that_exist() -> None:
    with pytest.raises(Unroutable, match="there are auto, balanced, cost, fuse, quality, speed") as caught:
        choose(strategy="cheapest")
    assert caught.value.failure.kind is Kind.INVALID


@pytest.mark.parametrize(
    ("request_", "features", "offers", "bounds", "refused"),
    [
        pytest.param(CHAT, PLAIN, FLEET, Bounds(), {"east/coder": "wire"}, id="chat needs a chat model"),
        pytest.param(
            replace(CHAT, needs=Needs(tools=True)), PLAIN, FLEET, Bounds(),
            {"east/coder": "wire", "home/local": "tools"}, id="tools",
        ),
        pytest.param(
            replace(CHAT, needs=Needs(images=True)), PLAIN, FLEET, Bounds(),
            {"east/coder": "wire", "east/small": "images", "east/medium": "images", "home/local": "images"},
            id="images",
        ),
        pytest.param(
            replace(CHAT, needs=Needs(same_wire=("n",))), PLAIN, FLEET, Bounds(),
            {"east/coder": "wire", "west/large": "wire"}, id="n > 1 stays on its wire",
        ),
        pytest.param(
            replace(CHAT, input_tokens=200_000), PLAIN, FLEET, Bounds(),
            {"east/coder": "wire", "east/small": "window", "east/medium": "window", "home/local": "window"},
            id="window",
        ),
        pytest.param(
            CHAT, replace(PLAIN, local_only=True), FLEET, Bounds(),
            {"east/coder": "wire", "east/small": "local-only", "east/medium": "local-only",
             "west/large": "local-only"},
            id="local-only code stays here",
        ),
        pytest.param(
            CHAT, PLAIN, (replace(SMALL, missing="EAST_KEY is not set"), LARGE), Bounds(),
            {"east/small": "unavailable"}, id="no key",
        ),
        pytest.param(CHAT, PLAIN, (SMALL, LARGE), Bounds(only="west/large"), {"east/small": "pinned"}, id="pin"),
    ],
)  # fmt: skip
def test_each_refusal_has_its_word(
    request_: Request, features: Features, offers: tuple[Offer, ...], bounds: Bounds, refused: dict[str, str]
) -> None:
    made = choose(request_, features, offers, bounds=bounds)
    assert {r.model: r.why for r in made.refused} == refused
    assert all(r.text for r in made.refused)
    assert not set(names(made)) & set(refused)


def test_a_hole_goes_to_a_model_that_fills_natively_and_chat_models_can_help_out() -> None:
    hole = Request("r", Purpose.COMPLETE, fim=Fim("def f(", ")"), input_tokens=100)
    made = choose(hole, Features(task="complete"))
    assert made.candidates[0].model == "east/coder"
    assert made.candidates[0].wire == "openai_completions"
    assert {c.wire for c in made.candidates[1:]} == {"openai_chat", "anthropic"}


def test_the_callers_wire_is_kept_where_the_provider_speaks_it() -> None:
    assert choose(replace(CHAT, wire="anthropic"), offers=(LARGE,)).candidates[0].wire == "anthropic"
    assert choose(replace(CHAT, wire="anthropic"), offers=(SMALL,)).candidates[0].wire == "openai_chat"


@pytest.mark.parametrize("tier", ["small", "medium", "large"])
def test_a_tier_is_a_hint_its_models_come_first_and_the_others_stay(tier: str) -> None:
    ranked = names(choose(offers=(SMALL, MEDIUM, LARGE), bounds=Bounds(tier=tier)))
    assert ranked[0].endswith(tier)
    assert len(ranked) == 3
    assert names(choose(offers=(SMALL,), bounds=Bounds(tier=tier))) == ["east/small"]
    agent = Request("r", Purpose.MAIN, wire="openai_chat", session="s", needs=Needs(tools=True))
    assert names(choose(agent, offers=(SMALL, MEDIUM, LARGE), bounds=Bounds(tier=tier)))[0].endswith(tier)


def test_auto_takes_no_bargain_that_would_probably_fail() -> None:
    hard = replace(TANGLE, cognitive=60, lines=300)
    made = choose(replace(CHAT, input_tokens=60_000), hard, (SMALL, LARGE))
    best = max(candidate.quality for candidate in made.candidates)
    assert made.candidates[0].quality >= 0.6 * best
    assert (
        names(choose(replace(CHAT, input_tokens=60_000), hard, (SMALL, LARGE), strategy="balanced"))[0] == "east/small"
    )


def test_resting_models_are_passed_over_until_their_time() -> None:
    view = View(now=1000.0, cooling={"east/small": Rest(1010.0, REST), "west": Rest(1010.0, REST)})
    made = choose(offers=(SMALL, MEDIUM, LARGE), view=view)
    assert names(made) == ["east/medium"]
    assert {r.why for r in made.refused} == {"cooling"}
    assert set(names(choose(offers=(SMALL, MEDIUM, LARGE), view=replace(view, now=1011.0)))) == {
        "east/small", "east/medium", "west/large",
    }  # fmt: skip


def test_when_all_rest_after_passing_trouble_they_are_asked_all_the_same() -> None:
    view = View(now=1000.0, cooling={"east/small": Rest(1010.0, REST)})
    made = choose(offers=(SMALL,), view=view)
    assert names(made) == ["east/small"]
    assert any("asked again" in reason for reason in made.reasons)


def test_a_rate_limit_is_kept_and_told_with_its_time() -> None:
    limited = Failure(Kind.RATE_LIMITED, "slow down", retry_after=30.0)
    view = View(now=1000.0, cooling={"east/small": Rest(1030.0, limited)})
    with pytest.raises(Unroutable) as caught:
        choose(offers=(SMALL,), view=view)
    assert caught.value.failure.kind is Kind.RATE_LIMITED
    assert caught.value.failure.retry_after == pytest.approx(30.0)


@pytest.mark.parametrize(
    ("request_", "offers", "kind", "words"),
    [
        pytest.param(CHAT, (), Kind.UNROUTABLE, "codriver doctor", id="nothing configured"),
        pytest.param(
            CHAT,
            (replace(SMALL, missing="EAST_KEY is not set"), CODER),
            Kind.UNROUTABLE,
            "EAST_KEY",
            id="key missing beside one that only fills holes",
        ),
        pytest.param(
            CHAT, (replace(SMALL, missing="EAST_KEY is not set"),), Kind.UNROUTABLE, "EAST_KEY", id="key missing"
        ),
        pytest.param(replace(CHAT, input_tokens=500_000), (SMALL,), Kind.TOO_LONG, "prompt is too long", id="too long"),
        pytest.param(replace(CHAT, needs=Needs(images=True)), (SMALL,), Kind.UNSUPPORTED, "images", id="images"),
        pytest.param(
            replace(CHAT, needs=Needs(same_wire=("n",))),
            (LARGE, replace(SMALL, missing="EAST_KEY is not set")),
            Kind.UNSUPPORTED,
            "n cannot be carried",
            id="W10: n asks too much, whatever key is missing elsewhere",
        ),
    ],
)
def test_nobody_left_says_why(request_: Request, offers: tuple[Offer, ...], kind: Kind, words: str) -> None:
    with pytest.raises(Unroutable, match=words) as caught:
        choose(request_, offers=offers)
    assert caught.value.failure.kind is kind


@pytest.mark.parametrize(
    ("tokens", "answer", "asked"), [(500_000, 0, 500_000), (SMALL.model.window - 10, 100, SMALL.model.window + 90)]
)
def test_w29_a_prompt_that_nobody_takes_is_told_with_both_numbers(tokens: int, answer: int, asked: int) -> None:
    """F4: the answer counts where only with it there is too much."""
    long = replace(CHAT, input_tokens=tokens, limits=Limits(max_tokens=answer or None))
    with pytest.raises(Unroutable, match=f"prompt is too long: {asked} tokens > {SMALL.model.window} maximum; "):
        choose(long, offers=(SMALL,))


def test_a_spent_budget_leaves_the_free_models() -> None:
    made = choose(view=View(now=1.0, spent_today=2.0), bounds=Bounds(daily_usd=1.5))
    assert names(made) == ["home/local"]


def test_a_request_that_would_overrun_the_budget_is_refused_with_the_time_to_wait() -> None:
    view = View(now=1000.0, spent_today=1.4999, midnight=4600.0)
    assert "west/large" not in names(
        choose(replace(CHAT, input_tokens=90_000), view=view, bounds=Bounds(daily_usd=1.5))
    )
    missing = tuple(
        replace(MEDIUM, model=replace(MEDIUM.model, id=f"m{n}"), missing="KEY is not set") for n in range(9)
    )
    with pytest.raises(Unroutable, match=r"^today's budget") as caught:
        choose(
            replace(CHAT, input_tokens=90_000), offers=(*missing, LARGE, CODER), view=view, bounds=Bounds(daily_usd=1.5)
        )
    assert caught.value.failure.kind is Kind.QUOTA
    assert caught.value.failure.retry_after == 3600.0
    assert caught.value.failure.message.index("budget of") < caught.value.failure.message.index("KEY is not set")


def test_the_time_to_wait_is_that_of_those_who_could_answer() -> None:
    limited = Failure(Kind.RATE_LIMITED, "slow down")
    view = View(now=1000.0, cooling={"east/small": Rest(1600.0, limited), "west/large": Rest(1003.0, limited)})
    with pytest.raises(Unroutable) as caught:
        choose(offers=(SMALL, LARGE), view=view, bounds=Bounds(only="east/small"))
    assert caught.value.failure.retry_after == pytest.approx(600.0)


@pytest.mark.parametrize("name", ["__init__", "_private", "os", ""])
def test_only_strategies_are_strategies(name: str) -> None:
    with pytest.raises(Unroutable, match="no strategy is called"):
        choose(strategy=name)


def test_a_tool_loop_stays_with_its_model_and_a_warm_cache_is_cheaper() -> None:
    view = View(now=1000.0, pins={"s": Pin("west/large", 50_000, 990.0)})
    loop = replace(CHAT, purpose=Purpose.TOOL_RESULT, session="s", input_tokens=51_000)
    made = choose(loop, view=view)
    assert names(made)[0] == "west/large"
    assert any("stays with west/large" in reason for reason in made.reasons)
    warm = made.candidates[0].cost
    cold = next(c.cost for c in choose(loop, view=View(now=1000.0)).candidates if c.model == "west/large")
    assert warm < cold / 2
    late = choose(loop, view=replace(view, now=2000.0))
    assert next(c.cost for c in late.candidates if c.model == "west/large") == pytest.approx(cold)


def test_measured_latency_replaces_the_catalogs() -> None:
    view = View(now=1.0, latency={"east/small": Latency(first=9.0, speed=10.0, n=5)})
    slow = next(c for c in choose(view=view).candidates if c.model == "east/small")
    assert slow.latency > 9.0


def test_a_short_answer_is_cheaper_than_a_long_one() -> None:
    short = choose(replace(CHAT, limits=Limits(max_tokens=5)), offers=(MEDIUM,)).candidates[0]
    assert short.cost < choose(offers=(MEDIUM,)).candidates[0].cost


def test_local_models_serve_when_they_are_all_there_is() -> None:
    assert names(choose(offers=(LOCAL, CODER))) == ["home/local"]
