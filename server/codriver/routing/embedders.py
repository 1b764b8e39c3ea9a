"""Which model makes the vectors: always the same one, because vectors of two models do not mix.

So neither health, nor a budget, nor the length of a text may move a request to another model; only
another provider of the very same model may stand in.
"""

from __future__ import annotations

from collections.abc import Sequence

from codriver.model.decision import Refusal
from codriver.routing.eligibility import Offer


def same_vectors(one: str, other: str) -> bool:
    """Whether two model ids name the same embedder: an owner before a slash and a tag ":latest" say nothing."""
    return _plain(one) == _plain(other)


def embedder(offers: Sequence[Offer], held: str = "") -> tuple[tuple[Offer, ...], tuple[Refusal, ...], str]:
    """The offers of the one embedder, why other embedders are out, and its id ("" when there is none).

    held: the id that was chosen before; else it is the cheapest, then the first by name.
    """
    able = [offer for offer in offers if offer.model.embeds]
    chosen = held or _plain(min(able, key=_rank).model.id if able else "")
    kept = tuple(offer for offer in able if same_vectors(offer.model.id, chosen))
    text = f"its vectors would not mix with those of {chosen}"
    return kept, tuple(Refusal(offer.model.key, "vectors", text) for offer in able if offer not in kept), chosen


def _rank(offer: Offer) -> tuple[float, str, str]:
    return (offer.model.price.input, _plain(offer.model.id), offer.provider.name)


def _plain(id: str) -> str:
    return id.rpartition("/")[2].removesuffix(":latest").casefold()
