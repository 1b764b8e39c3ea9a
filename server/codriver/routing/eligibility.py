"""Who may answer at all: hard constraints, each with the sentence a person reads.

A check gets one offer (provider and model) and says why it is out, or nothing. Order matters only
for which reason is told; all are cheap.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from codriver.model.decision import Refusal, View
from codriver.model.features import Features
from codriver.model.provider import Model, Provider
from codriver.model.request import Request


@dataclass(frozen=True, slots=True)
class Offer:
    """One model at one provider, as the catalog has it. missing: why it is not usable, or ""."""

    provider: Provider
    model: Model
    missing: str = ""


@dataclass(frozen=True, slots=True)
class Bounds:
    """What narrows the choice beside the request itself.

    only: the pinned model's key. tier: small, medium or large, from a name that is only a hint.
    daily_usd: 0 means no limit. request_usd: the most this request may be expected to cost.
    """

    only: str = ""
    tier: str = ""
    daily_usd: float = 0.0
    request_usd: float | None = None
    window_over: int = 0
    """Only models with a larger window than this: set after a model said the prompt is too long."""


TIERS = ("small", "medium", "large")


def wire_for(request: Request, offer: Offer) -> str:
    """The wire to speak: the caller's own where the provider has it, else its first that fits; "" if none."""
    provider, model = offer.provider, offer.model
    spoken = model.wires or tuple(provider.wires)
    if request.fim is not None and model.fim and "openai_completions" in spoken:
        return "openai_completions"
    if request.fim is None and model.chat and request.wire in spoken:
        return request.wire
    if model.chat:
        for wire in spoken:
            if wire != "openai_completions":
                return wire
    return ""


def refusal(request: Request, features: Features, offer: Offer, view: View, bounds: Bounds) -> Refusal | None:
    """Why this offer may not answer, or None."""
    for check in _CHECKS:
        found = check(request, features, offer, view, bounds)
        if found is not None:
            return Refusal(offer.model.key, *found)
    return None


_Found = tuple[str, str] | None
_Check = Callable[[Request, Features, Offer, View, Bounds], _Found]


def _pinned(request: Request, features: Features, offer: Offer, view: View, bounds: Bounds) -> _Found:
    if bounds.only and offer.model.key != bounds.only:
        return "pinned", f"the request is pinned to {bounds.only}"
    return None


def _available(request: Request, features: Features, offer: Offer, view: View, bounds: Bounds) -> _Found:
    return ("unavailable", offer.missing) if offer.missing else None


def _speaks(request: Request, features: Features, offer: Offer, view: View, bounds: Bounds) -> _Found:
    if not wire_for(request, offer):
        what = "fill-in-the-middle" if request.fim is not None else "chat"
        return "wire", f"does not serve {what}"
    if request.needs.same_wire and request.wire not in (offer.model.wires or tuple(offer.provider.wires)):
        return "wire", f"{', '.join(request.needs.same_wire)} cannot be carried to its wire"
    return None


def _able(request: Request, features: Features, offer: Offer, view: View, bounds: Bounds) -> _Found:
    needs, model = request.needs, offer.model
    if needs.tools and not model.tools:
        return "tools", "cannot call tools"
    if needs.images and not model.images:
        return "images", "cannot read images"
    if needs.schema and not model.schema:
        return "schema", "cannot promise a JSON schema"
    return None


def _fits(request: Request, features: Features, offer: Offer, view: View, bounds: Bounds) -> _Found:
    model = offer.model
    asked = min(request.limits.max_tokens or 0, model.max_output)
    if request.input_tokens + asked > model.window:
        return "window", f"its window of {model.window} tokens is too small for {request.input_tokens} + {asked}"
    if model.window <= bounds.window_over:
        return "window", f"its window of {model.window} tokens is no larger than the one that overflowed"
    return None


def _private(request: Request, features: Features, offer: Offer, view: View, bounds: Bounds) -> _Found:
    if features.local_only and not offer.provider.local:
        return "local-only", "this code is marked local-only"
    return None


def _affordable(request: Request, features: Features, offer: Offer, view: View, bounds: Bounds) -> _Found:
    if bounds.daily_usd and view.spent_today >= bounds.daily_usd and offer.model.price.output > 0:
        return "budget", f"today's budget of ${bounds.daily_usd:g} is spent (${view.spent_today:.4f})"
    return None


def _class(request: Request, features: Features, offer: Offer, view: View, bounds: Bounds) -> _Found:
    if bounds.tier and offer.model.tier != bounds.tier:
        return "tier", f"a {bounds.tier} model was asked for"
    return None


def _well(request: Request, features: Features, offer: Offer, view: View, bounds: Bounds) -> _Found:
    if not view.cooling:
        return None
    for name in (offer.model.key, offer.provider.name):
        rest = view.cooling.get(name)
        if rest is not None and rest.until > view.now:
            return "cooling", f"{name} rests for {rest.until - view.now:.0f} s more: {rest.failure.message}"
    return None


_CHECKS: tuple[_Check, ...] = (_pinned, _available, _class, _speaks, _able, _fits, _private, _affordable, _well)
