"""A small fleet of models for routing tests: three tiers, one on another wire, one that only fills holes."""

from __future__ import annotations

from dataclasses import replace

from codriver.model.provider import Model, Price, Provider
from codriver.routing.eligibility import Offer


def model(provider: str, name: str, skill: float, price: float, **over: object) -> Model:
    made = Model(
        provider=provider,
        id=name,
        upstream_id=name,
        window=128_000,
        max_output=16_000,
        price=Price(price, price / 10, price, price * 4),
        skill={"": skill},
        schema=True,
    )
    return replace(made, **over)


EAST = Provider("east", "East", "http://east", {"openai_chat": "/c", "openai_completions": "/f"})
WEST = Provider("west", "West", "http://west", {"anthropic": "/m"})
HOME = Provider("home", "Home", "http://home", {"openai_chat": "/c"}, local=True)

SMALL = Offer(EAST, model("east", "small", 0.7, 0.15, tier="small", first_token=0.2, speed=200.0))
MEDIUM = Offer(EAST, model("east", "medium", 1.8, 0.8, tier="medium"))
LARGE = Offer(WEST, model("west", "large", 3.2, 3.0, tier="large", images=True, window=1_000_000, first_token=1.5))
LOCAL = Offer(HOME, model("home", "local", 0.2, 0.0, tier="small", tools=False))
CODER = Offer(
    EAST, model("east", "coder", 0.8, 0.1, tier="small", chat=False, fim="suffix", first_token=0.15, speed=250.0)
)

FLEET = (SMALL, MEDIUM, LARGE, LOCAL, CODER)
