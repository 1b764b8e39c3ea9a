"""Prices over time: what a request costs at its hour and day, by its length, and by how long its cache is kept."""

from __future__ import annotations

import datetime
from dataclasses import replace

import pytest
from fleet import MEDIUM, SMALL
from hypothesis import given, settings
from hypothesis import strategies as st

from codriver.model.decision import View
from codriver.model.events import Usage
from codriver.model.features import Features
from codriver.model.provider import Price, Spell, Tariff
from codriver.model.request import Purpose, Request
from codriver.routing import estimate
from codriver.routing.decide import Wish, decide
from codriver.routing.eligibility import Offer

OLD, PEAK, OFF = Price(0.5, 0.1, 0.5, 1), Price(1.32, 0.044, 1.32, 3.96), Price(0.66, 0.022, 0.66, 1.98)


def at(text: str) -> float:
    return datetime.datetime.fromisoformat(text).timestamp()


TARIFF = Tariff(
    (
        Spell(OLD),
        Spell(PEAK, since=at("2026-08-17T00:00+00:00")),
        Spell(OFF, at("2026-08-17T00:00+00:00"), ((0, 60), (240, 360), (600, 1440)), (1, 2, 3, 4, 5)),
        Spell(OFF, at("2026-08-17T00:00+00:00"), days=(6, 7)),
    )
)

MOMENTS = [
    ("2026-08-16T23:59:59+00:00", OLD, "before the day, in any hour"),
    ("2026-08-17T00:00:00+00:00", OFF, "the first second of the day, a Monday before the peak"),
    ("2026-08-17T00:59:59+00:00", OFF, "the last second before the peak"),
    ("2026-08-17T01:00:00+00:00", PEAK, "the first of the peak"),
    ("2026-08-17T04:00:00+00:00", OFF, "an end is not included"),
    ("2026-08-17T06:00:00+00:00", PEAK, "the second peak"),
    ("2026-08-17T10:00:00+00:00", OFF, "after it"),
    ("2026-08-21T09:59:59+00:00", PEAK, "a Friday"),
    ("2026-08-22T02:00:00+00:00", OFF, "a Saturday has no peak"),
    ("2026-08-23T23:59:59+00:00", OFF, "a Sunday"),
    ("2026-08-17T10:30:00+08:00", PEAK, "half past ten in Shanghai is half past two in UTC"),
    ("2026-08-16T19:00:00-07:00", PEAK, "Sunday evening in California is Monday in UTC"),
    ("2028-02-29T02:00:00+00:00", PEAK, "a leap day, a Tuesday"),
]


@pytest.mark.parametrize(("moment", "price", "why"), MOMENTS, ids=[m[2] for m in MOMENTS])
def test_the_price_is_that_of_the_moment(moment: str, price: Price, why: str) -> None:
    assert TARIFF.at(at(moment)) is price, why


@settings(max_examples=60)
@given(st.datetimes(datetime.datetime(1970, 1, 2), datetime.datetime(2090, 1, 1), timezones=st.just(datetime.UTC)))
def test_weekdays_and_hours_are_those_of_the_calendar(moment: datetime.datetime) -> None:
    day = Spell(PEAK, days=(moment.isoweekday(),))
    minute = moment.hour * 60 + moment.minute
    assert day.holds(moment.timestamp())
    assert not Spell(PEAK, days=(moment.isoweekday() % 7 + 1,)).holds(moment.timestamp())
    assert Spell(PEAK, hours=((minute, minute + 1),)).holds(moment.timestamp())
    assert not Spell(PEAK, hours=((minute + 1, 1441),)).holds(moment.timestamp())


@pytest.mark.parametrize(
    ("day", "price"),
    [("2026-08-01T00:00+00:00", OLD), ("2026-11-22T12:00+00:00", PEAK), ("2026-08-17T00:00+00:00", PEAK)],
)
def test_where_the_hour_is_not_known_the_dearest_counts(day: str, price: Price) -> None:
    assert TARIFF.dearest(at(day)) is price


def test_one_price_needs_no_tariff() -> None:
    assert MEDIUM.model.price_at(0.0) is MEDIUM.model.price


LONG = Price(
    1, 0.1, 1.25, 5, written_1h=2, longer=((100, Price(2, 0.2, 2.5, 10, written_1h=4)), (1000, Price(3, 3, 3, 30)))
)

COSTS = [
    (Usage(100, 0, 0, 10), 100 + 50, "at the limit the ordinary price holds"),
    (Usage(101, 0, 0, 10), 202 + 100, "over it all is dearer, the answer too"),
    (Usage(1, 50, 50, 10), 2 + 10 + 125 + 100, "cached and written tokens make a prompt long"),
    (Usage(1001, 0, 0, 1), 3003 + 30, "the last limit that is passed counts"),
    (Usage(0, 0, 10, 0), 12.5, "an ordinary write"),
    (
        Usage(0, 0, 10, 0, written_1h=4),
        6 * 1.25 + 4 * 2,
        "T19: an hour's write is part of what was written, billed once",
    ),
    (Usage(0, 0, 200, 0, written_1h=200), 800, "an hour's write in a long prompt"),
]


@pytest.mark.parametrize(("usage", "micros", "why"), COSTS, ids=[c[2] for c in COSTS])
def test_cost(usage: Usage, micros: float, why: str) -> None:
    assert LONG.cost(usage) * 1e6 == pytest.approx(micros), why


def test_no_price_for_an_hour_means_that_of_a_write() -> None:
    assert Price(1, 0.1, 1.25, 5).cost(Usage(0, 0, 10, 0, written_1h=10)) * 1e6 == pytest.approx(12.5)


# What the router makes of it.


def night(offer: Offer, **over: object) -> Offer:
    return replace(offer, model=replace(offer.model, **over))


def test_the_expected_cost_is_that_of_now() -> None:
    offer = night(MEDIUM, tariff=TARIFF, price=PEAK)
    peak, off = at("2026-08-17T02:00+00:00"), at("2026-08-17T12:00+00:00")
    assert estimate.cost(offer.model, 1000, 100, 0, off) * 2 == pytest.approx(
        estimate.cost(offer.model, 1000, 100, 0, peak)
    )


REQUEST = Request("r", Purpose.CHAT, wire="openai_chat", input_tokens=1000)


def refusals(offer: Offer, now: float) -> dict[str, tuple[str, str]]:
    made = decide(REQUEST, Features(task="write"), (offer, SMALL), View(now=now), Wish(), ident="d")
    return {r.model: (r.why, r.text) for r in made.refused}


def test_a_retired_model_is_refused_with_its_date() -> None:
    """E7: a retired name is answered by a dearer model and billed at the old price elsewhere."""
    gone = night(MEDIUM, retires=at("2026-07-24T00:00+00:00"))
    assert refusals(gone, at("2026-07-23T23:59:59+00:00")) == {}
    why, text = refusals(gone, at("2026-07-24T00:00+00:00"))["east/medium"]
    assert why == "retired" and "2026-07-24" in text


def test_a_prompt_may_fit_the_window_and_still_be_too_long() -> None:
    """Some providers count prompt and answer together and limit the prompt besides."""
    offer = night(MEDIUM, window=128_000, max_input=999)
    assert refusals(offer, 0.0)["east/medium"][0] == "window"
    assert refusals(night(MEDIUM, max_input=1000), 0.0) == {}
