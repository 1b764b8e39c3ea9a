"""What single models would have cost, and what changing models did cost."""

from __future__ import annotations

import pytest

from codriver.model.events import Usage
from codriver.model.provider import Model, Price
from codriver.routing.savings import WARM, Billed, alone, sessions

DEAR, CHEAP = Price(10.0, 1.0, 12.5, 50.0), Price(1.0, 0.1, 1.25, 5.0)
MODELS = {
    key: Model("a", key[2:], key[2:], 200_000, 8_000, price, {})
    for key, price in (("a/dear", DEAR), ("a/cheap", CHEAP))
}
BOTH = {"a/dear": 0.9, "a/cheap": 0.7}


def asked(at: float, model: str, usage: Usage, session: str = "s") -> Billed:
    return Billed(at, session, model, usage, MODELS[model].price.cost(usage), BOTH)


def test_the_same_requests_at_each_models_price() -> None:
    usage = Usage(input=10_000, output=1_000)
    found = {
        one.model: one for one in alone([asked(1.0, "a/cheap", usage, ""), asked(2.0, "a/dear", usage, "")], MODELS)
    }
    assert found["a/dear"].cost == pytest.approx(2 * (0.1 + 0.05))
    assert found["a/cheap"].cost == pytest.approx(2 * (0.01 + 0.005))
    assert found["a/dear"].was == found["a/cheap"].was == pytest.approx(0.15 + 0.015)
    assert (found["a/dear"].quality, found["a/dear"].quality_was) == (pytest.approx(0.9), pytest.approx(0.8))


def test_a_change_pays_the_prompt_again() -> None:
    first, second = Usage(written=100_000, output=1_000), Usage(written=103_000, output=1_000)
    billed = [asked(1.0, "a/cheap", first), asked(60.0, "a/dear", second)]
    (session,) = sessions(billed, MODELS)
    assert (session.requests, session.switches, session.models) == (2, 1, ("a/cheap", "a/dear"))
    assert session.switching == pytest.approx(101_000 * (12.5 - 1.0) / 1e6)
    single = {one.model: one for one in alone(billed, MODELS)}["a/dear"]
    assert single.cost == pytest.approx(
        DEAR.cost(first) + DEAR.cost(Usage(cached=101_000, written=2_000, output=1_000))
    )


def test_after_the_caches_life_nothing_was_lost() -> None:
    usage = Usage(input=10_000, output=100)
    (session,) = sessions([asked(1.0, "a/cheap", usage), asked(2.0 + WARM, "a/dear", usage)], MODELS)
    assert (session.switches, session.switching) == (1, 0.0)


def test_who_stays_pays_nothing_and_requests_without_a_session_are_none() -> None:
    usage = Usage(input=10, cached=9_000, output=100)
    billed = [asked(1.0, "a/cheap", usage), asked(2.0, "a/cheap", usage), asked(3.0, "a/dear", usage, "")]
    (session,) = sessions(billed, MODELS)
    assert (session.requests, session.switches, session.switching) == (2, 0, 0.0)
