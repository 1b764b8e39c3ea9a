"""What is found once for many requests, and walked in columns, is what each model alone would be told at each moment."""

from __future__ import annotations

from dataclasses import replace

import pytest
from fleet import FLEET, HOME, model
from hypothesis import given, settings
from hypothesis import strategies as st

from codriver.errors import Failure, Kind, Unroutable
from codriver.model.decision import Belief, Candidate, Decision, Latency, Length, Pin, Rest, View, Warm
from codriver.model.features import Features
from codriver.model.provider import Price, Spell, Tariff
from codriver.model.request import Fim, Limits, Needs, Purpose, Request
from codriver.routing.decide import Wish, decide
from codriver.routing.eligibility import Bounds, Offer, Roster, sifted, standing
from codriver.routing.posterior import logit
from codriver.routing.quality import FIM_BY_CHAT

PRICES = (
    Price(1.0, 0.1, 1.25, 5.0),
    Price(2.0, 0.2, 0.0, 8.0),
    Price(1.0, 0.1, 1.0, 4.0, long_from=900, long_input=2.0, long_output=1.5),
    Price(1.0, 0.1, 1.0, 4.0, longer=((900, Price(3.0, 0.3, 3.0, 9.0)),)),
)
TARIFF = Tariff((Spell(PRICES[0]), Spell(PRICES[1], since=500.0)))
SPECIAL = tuple(
    Offer(HOME, replace(model("home", f"special{n}", 1.0, 1.0), price=price, tariff=TARIFF if n == 0 else None))
    for n, price in enumerate(PRICES)
)
FADING = Offer(HOME, model("home", "fading", 1.0, 1.0, retires=1500.0, max_input=5000))
OFFERS = (*FLEET, *SPECIAL, FADING)
KEYS = [offer.model.key for offer in OFFERS]
REST = Rest(1200.0, Failure(Kind.RATE_LIMITED, "too much"))

requests = st.builds(
    Request,
    st.just("r"),
    st.sampled_from([Purpose.CHAT, Purpose.MAIN, Purpose.COMPLETE]),
    wire=st.sampled_from(["openai_chat", "anthropic", ""]),
    limits=st.builds(Limits, max_tokens=st.sampled_from([None, 1, 300, 64_000])),
    needs=st.builds(Needs, tools=st.booleans(), images=st.booleans(), same_wire=st.sampled_from([(), ("n",)])),
    fim=st.sampled_from([None, None, Fim("a", "b")]),
    input_tokens=st.sampled_from([0, 800, 1024, 100_000, 300_000]),
    session=st.sampled_from(["", "s"]),
)
beliefs = st.dictionaries(st.sampled_from(KEYS), st.builds(Belief, st.floats(-1, 1), st.just(0.2)))
views = st.builds(
    View,
    now=st.sampled_from([100.0, 1000.0, 2000.0]),
    cooling=st.dictionaries(st.sampled_from([*KEYS, "east"]), st.just(REST), max_size=2),
    pins=st.fixed_dictionaries(
        {},
        optional={
            "s": st.builds(
                Pin, st.sampled_from(KEYS), st.just(700), st.just(900.0),
                left=st.tuples(st.builds(Warm, st.sampled_from(KEYS), st.just(500), st.just(950.0))),
            )
        },
    ),
    latency=st.dictionaries(
        st.sampled_from(KEYS), st.builds(Latency, st.just(0.4), st.sampled_from([None, 0.5, 90.0]), st.integers(1, 9))
    ),
    abilities=st.fixed_dictionaries({}, optional={"": beliefs, "title": beliefs}),
    lengths=st.fixed_dictionaries(
        {}, optional={"title": st.dictionaries(st.sampled_from(KEYS), st.builds(Length, st.floats(0.02, 9), st.integers(1, 9)))}
    ),
)  # fmt: skip


def made(request: Request, offers: tuple[Offer, ...], view: View) -> Decision | None:
    facts = Features(task="title", tokens=request.input_tokens, difficulty=0.4, lines=20)
    try:
        return decide(request, facts, offers, view, Wish("balanced"), ident="d")
    except Unroutable:
        return None


def expected(decision: Decision | None) -> dict[str, Candidate]:
    return {candidate.model: candidate for candidate in decision.candidates} if decision is not None else {}


@settings(max_examples=150, deadline=None)
@given(st.lists(st.tuples(requests, views), min_size=1, max_size=4))
def test_a_model_is_told_the_same_alone_and_among_others(asked: list[tuple[Request, View]]) -> None:
    """And whatever was asked of the same roster before. Who rests is asked alone where nobody is left: not compared."""
    roster = Roster(OFFERS)
    for request, view in asked:
        together = made(request, roster, view)
        assert together == made(request, OFFERS, view)
        among = expected(together)
        for offer in OFFERS:
            alone = made(request, (offer,), view)
            if together is not None and any(
                r.model == offer.model.key and r.why != "cooling" for r in together.refused
            ):
                assert alone is None
            elif among and offer.model.key in among:
                assert alone is not None
                assert alone.candidates == (among[offer.model.key],)


def test_a_hole_is_harder_for_those_who_fill_it_through_a_prompt() -> None:
    alike = [
        Offer(HOME, model("home", name, 1.0, 1.0, fim=fim)) for name, fim in (("filler", "suffix"), ("talker", ""))
    ]
    hole, chat = Request("r", Purpose.COMPLETE, fim=Fim("a", "b")), Request("r", Purpose.CHAT)
    for request, lost in ((hole, FIM_BY_CHAT), (chat, 0.0)):
        found = expected(made(request, tuple(alike), View()))
        assert logit(found["home/filler"].quality) - logit(found["home/talker"].quality) == pytest.approx(lost)


def test_refusals_stay_in_the_catalogs_order() -> None:
    request = Request("r", Purpose.CHAT, wire="openai_chat", needs=Needs(tools=True), input_tokens=6000)
    cooling = {"west": REST}
    _, refused = sifted(request, Features(), Roster(OFFERS), View(now=1000.0, cooling=cooling))
    assert [(r.model, r.why) for r in refused] == [
        ("west/large", "cooling"), ("home/local", "tools"), ("east/coder", "wire"), ("home/fading", "window"),
    ]  # fmt: skip


@pytest.mark.parametrize("moment", [1499.0, 1500.0])
def test_what_time_changes_is_asked_each_time(moment: float) -> None:
    request, (roster, _) = Request("r", Purpose.CHAT, wire="openai_chat"), standing(OFFERS, Bounds())
    for now in (1000.0, moment, 1000.0):
        lineup, _ = sifted(request, Features(), roster, View(now=now))
        assert ("home/fading" in lineup.keys) == (now < 1500.0)


def test_the_same_part_of_a_roster_is_the_same_roster() -> None:
    roster = Roster(OFFERS)
    assert roster.part(list(OFFERS)) is roster
    assert roster.part(OFFERS[:2]) is roster.part(OFFERS[:2]) == OFFERS[:2]
    assert roster.part(OFFERS[1:3]) == OFFERS[1:3]


def test_what_is_kept_is_bounded() -> None:
    """Fields that only the caller's wire has are the caller's words, and so are tasks."""
    roster = Roster(OFFERS)
    for number in range(300):
        request = Request("r", Purpose.CHAT, wire="openai_chat", needs=Needs(same_wire=(f"field {number}",)))
        _, refused = sifted(request, Features(), roster, View())
        assert refused[0].text.startswith(f"field {number} ")
    lineup, _ = sifted(replace(request, needs=Needs()), Features(), roster, View())
    for number in range(300):
        assert lineup.skills(f"task {number}", "") == lineup.skills("write", "")
    for number in range(300):
        roster.part([offer for place, offer in enumerate(OFFERS) if number & 1 << place])
    kept = [*roster.__dict__.values(), lineup._skills]
    assert all(len(one) <= 100 for one in kept)
