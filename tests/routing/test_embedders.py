"""Vectors of two models do not mix: who is asked depends on the configuration and on nothing else."""

from __future__ import annotations

import pytest

from codriver.model.provider import Model, Price, Provider
from codriver.routing.eligibility import Offer
from codriver.routing.embedders import embedder, same_vectors


def offer(key: str, price: float = 0.0, *, embeds: bool = True) -> Offer:
    provider, _, id = key.partition("/")
    model = Model(provider, id, id, 8192, 1, Price(price), {"": 0.0}, chat=not embeds, embeds=embeds)
    return Offer(Provider(provider, provider, "http://p", {"openai_embeddings": "/v1/embeddings"}), model)


@pytest.mark.parametrize(
    ("offers", "held", "kept"),
    [
        ([("a/small", 0.02), ("a/large", 0.13)], "", ["a/small"]),
        ([("b/y", 0.02), ("a/z", 0.02)], "", ["b/y"]),
        ([("a/small", 0.02), ("b/small", 0.05), ("a/large", 0.13)], "", ["a/small", "b/small"]),
        ([("a/small", 0.02), ("router/openai/small", 0.02)], "", ["a/small", "router/openai/small"]),
        ([("a/small", 0.02), ("home/nomic:latest", 0.0)], "small", ["a/small"]),
        ([("a/small", 0.02)], "nomic", []),
        ([], "", []),
    ],
    ids=["the cheapest", "then by name", "the same elsewhere", "an owner's name", "held", "held and gone", "none"],
)
def test_one_model_and_its_like(offers: list[tuple[str, float]], held: str, kept: list[str]) -> None:
    given = [offer("a/chat", embeds=False), *(offer(*each) for each in offers)]
    found, refused, chosen = embedder(given, held)
    assert [one.model.key for one in found] == kept
    assert {one.model for one in refused} == {key for key, _ in offers} - set(kept)
    assert all(chosen in one.text for one in refused)
    assert embedder(list(reversed(given)), held)[2] == chosen


@pytest.mark.parametrize(
    ("one", "other", "same"),
    [
        ("nomic-embed-text", "nomic-embed-text:latest", True),
        ("openai/text-embedding-3-small", "text-embedding-3-small", True),
        ("nomic-embed-text:v1.5", "nomic-embed-text", False),
        ("text-embedding-3-small", "text-embedding-3-large", False),
    ],
)
def test_names_of_one_embedder(one: str, other: str, same: bool) -> None:
    assert same_vectors(one, other) is same
