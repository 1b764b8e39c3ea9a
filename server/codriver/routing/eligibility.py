"""Who may answer at all: hard constraints, each with the sentence a person reads.

What does not depend on the request (`standing`) is found once for each model name asked for; the
checks then say, for one request and one offer, why it is out, or nothing.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime

from codriver.model.decision import Refusal, View
from codriver.model.features import Features
from codriver.model.provider import Model, Provider
from codriver.model.request import HOLES, Request


@dataclass(frozen=True, slots=True)
class Offer:
    """One model at one provider, as the catalog has it. missing: why it is not usable, or "".

    unfit: why it gets no holes although it was said to fill them, or "".
    """

    provider: Provider
    model: Model
    missing: str = ""
    unfit: str = ""

    @property
    def wires(self) -> tuple[str, ...]:
        """The wires this model is spoken to in, the provider's preferred one first."""
        return self.model.wires or tuple(self.provider.wires)


@dataclass(frozen=True, slots=True)
class Bounds:
    """What narrows the choice beside the request itself.

    only: the pinned model's key. tier: small, medium or large, from a name that is only a hint: those come first.
    daily_usd: 0 means no limit, as in session_usd and workflow_usd (a day). request_usd: the most this request may be
    expected to cost.
    """

    only: str = ""
    tier: str = ""
    daily_usd: float = 0.0
    request_usd: float | None = None
    session_usd: float = 0.0
    workflow_usd: float = 0.0


_Found = tuple[str, str] | None
"""A stable word and a sentence, or nothing against it."""

TIERS = ("small", "medium", "large")
UNCARRIED = "cannot be carried to its wire"
"""The end of the sentence about fields that only the caller's own wire has."""


_NO_CHAT = HOLES | {"openai_embeddings"}


def wire_for(request: Request, offer: Offer) -> str:
    """The wire to speak: the caller's own where the provider has it, else its first that fits; "" if none."""
    model, spoken = offer.model, offer.wires
    if request.needs.embed:
        return "openai_embeddings" if model.embeds and "openai_embeddings" in spoken else ""
    if request.fim is not None and model.fim:
        fitting = [wire for wire in spoken if wire in HOLES]
        if fitting:
            return request.wire if request.wire in fitting else fitting[0]
    if request.needs.tools and (wire := (model.quirks or offer.provider.quirks).tools_wire) and wire in spoken:
        return wire if not request.needs.same_wire else request.wire
    if request.fim is None and model.chat and request.wire in spoken:
        return request.wire
    if model.chat:
        for wire in spoken:
            if wire not in _NO_CHAT:
                return wire
    return ""


def standing(offers: Sequence[Offer], bounds: Bounds) -> tuple[tuple[Offer, ...], tuple[Refusal, ...]]:
    """Who is out whatever the request says: not pinned, no key. The same until the settings change."""
    refused = [(offer, _standing(offer, bounds)) for offer in offers]
    kept = tuple(offer for offer, found in refused if found is None)
    return kept, tuple(Refusal(offer.model.key, *found) for offer, found in refused if found is not None)


def _standing(offer: Offer, bounds: Bounds) -> _Found:
    if bounds.only and offer.model.key != bounds.only:
        return "pinned", f"the request is pinned to {bounds.only}"
    if offer.missing:
        return "unavailable", offer.missing
    return None


Able = tuple[Offer, str, str]
"""Who may answer: the offer, its model's key, the wire it will be spoken to in."""


def sifted(
    request: Request, features: Features, offers: Sequence[Offer], view: View
) -> tuple[list[Able], list[Refusal]]:
    """Who may answer this request, and why the others may not. What cannot be said against anybody is not asked."""
    needs = request.needs
    asked: list[_Check] = [_fits, _offered]
    if needs.tools or needs.images or needs.schema:
        asked.insert(0, _able)
    asked += [_private] if features.local_only else []
    asked += [_well] if view.cooling else []
    able: list[Able] = []
    refused: list[Refusal] = []
    for offer in offers:
        key, wire = offer.model.key, wire_for(request, offer)
        found = _speaks(request, offer, wire) if needs.same_wire or not wire else None
        if found is None:
            for check in asked:
                found = check(request, features, offer, view)
                if found is not None:
                    break
        if found is None:
            able.append((offer, key, wire))
        else:
            refused.append(Refusal(key, *found))
    return able, refused


_Check = Callable[[Request, Features, Offer, View], _Found]


def _speaks(request: Request, offer: Offer, wire: str) -> _Found:
    if not wire:
        what = "embeddings" if request.needs.embed else "chat" if request.fim is None else "fill-in-the-middle"
        return "wire", f"does not serve {what}{f': {offer.unfit}' if offer.unfit and request.fim is not None else ''}"
    if request.needs.same_wire and request.wire not in offer.wires:
        return "wire", f"{', '.join(request.needs.same_wire)} {UNCARRIED}"
    return None


def _able(request: Request, features: Features, offer: Offer, view: View) -> _Found:
    needs, model = request.needs, offer.model
    if needs.tools and not model.tools:
        return "tools", "cannot call tools"
    if needs.images and not model.images:
        return "images", "cannot read images"
    if needs.schema and not model.schema:
        return "schema", "cannot promise a JSON schema"
    return None


def _fits(request: Request, features: Features, offer: Offer, view: View) -> _Found:
    model = offer.model
    if request.needs.embed:
        return None  # each input has the window to itself; too long a one is told by the provider
    asked = min(request.limits.max_tokens or 0, model.max_output)
    if request.input_tokens + asked > model.window:
        return "window", f"its window of {model.window} tokens is too small for {request.input_tokens} + {asked}"
    if model.max_input and request.input_tokens > model.max_input:
        return "window", f"it reads prompts of up to {model.max_input} tokens, and this one has {request.input_tokens}"
    return None


def _offered(request: Request, features: Features, offer: Offer, view: View) -> _Found:
    """A retired name may be answered by another model at another price: it is not asked at all."""
    retires = offer.model.retires
    if retires and view.now >= retires:
        return "retired", f"its provider retired it on {datetime.fromtimestamp(retires, UTC).date()}"
    return None


def _private(request: Request, features: Features, offer: Offer, view: View) -> _Found:
    if features.local_only and not offer.provider.local:
        return "local-only", "this code is marked local-only"
    return None


def _well(request: Request, features: Features, offer: Offer, view: View) -> _Found:
    if not view.cooling:
        return None
    for name in (offer.model.key, offer.provider.name):
        rest = view.cooling.get(name)
        if rest is not None and rest.until > view.now:
            return "cooling", f"{name} rests for {rest.until - view.now:.0f} s more: {rest.failure.message}"
    return None
