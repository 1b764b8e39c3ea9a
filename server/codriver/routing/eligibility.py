"""Who may answer at all: hard constraints, each with the sentence a person reads.

What does not depend on the request (`standing`) is found once for each model name asked for; the
checks then say, for one request and one offer, why it is out, or nothing.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime

from codriver.model.decision import Refusal, View
from codriver.model.features import Features
from codriver.model.provider import Model, Provider
from codriver.model.request import HOLES, Request
from codriver.routing.lineup import Lineup


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


Able = tuple[Offer, str, str]
"""Who may answer: the offer, its model's key, the wire it will be spoken to in."""

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


class Roster(tuple[Offer, ...]):
    """Offers that requests are decided among, with what was found of them for requests of each shape: found once, as
    long as the same offers stand."""

    def __init__(self, offers: Iterable[Offer]) -> None:
        self._shaped: dict[_Shape, _Shaped] = {}
        self._parts: dict[tuple[int, ...], Roster] = {}

    def shaped(self, request: Request) -> _Shaped:
        """Who can answer requests like this one, whatever its length and its moment."""
        needs = request.needs
        shape = (
            request.wire, request.fim is None, needs.embed, needs.tools, needs.images, needs.schema, needs.same_wire,
        )  # fmt: skip
        found = self._shaped.get(shape)
        if found is None:
            if len(self._shaped) >= _SHAPES:
                self._shaped.clear()
            found = self._shaped[shape] = _Shaped(request, self)
        return found

    def part(self, kept: Sequence[Offer]) -> Roster:
        """Some of these offers, in their order: the same object for the same ones."""
        if len(kept) == len(self):
            return self
        which = tuple(map(id, kept))
        found = self._parts.get(which)
        if found is None:
            if len(self._parts) >= _PARTS:
                self._parts.clear()
            found = self._parts[which] = Roster(kept)
        return found


def standing(offers: Sequence[Offer], bounds: Bounds) -> tuple[Roster, tuple[Refusal, ...]]:
    """Who is out whatever the request says: not pinned, no key. The same until the settings change."""
    refused = [(offer, _standing(offer, bounds)) for offer in offers]
    kept = Roster(offer for offer, found in refused if found is None)
    return kept, tuple(Refusal(offer.model.key, *found) for offer, found in refused if found is not None)


def _standing(offer: Offer, bounds: Bounds) -> _Found:
    if bounds.only and offer.model.key != bounds.only:
        return "pinned", f"the request is pinned to {bounds.only}"
    if offer.missing:
        return "unavailable", offer.missing
    return None


_Shape = tuple[str, bool, bool, bool, bool, bool, tuple[str, ...]]
_SHAPES, _PARTS = 64, 16
"""Shapes, and parts of a lineup, that are kept at most."""


class _Shaped:
    """What requests of one shape find: who can answer them, and why the others cannot. The limits below are those that
    nobody is out by who keeps them."""

    def __init__(self, request: Request, offers: Sequence[Offer]) -> None:
        self.entries = [_entry(request, offer) for offer in offers]
        self.lineup = Lineup([able for able, refusal in self.entries if refusal is None])
        self.refused = tuple([refusal for _, refusal in self.entries if refusal is not None])
        models = [offer.model for offer in self.lineup.offers]
        measured = [] if request.needs.embed else models  # by _fits
        self.window = min((model.window for model in measured), default=math.inf)
        self.longest = min((model.max_input for model in measured if model.max_input), default=math.inf)
        self.retires = min((model.retires for model in models if model.retires), default=math.inf)
        self._parts: dict[tuple[str, ...], Lineup] = {}

    def part(self, able: Sequence[Able]) -> Lineup:
        """The lineup of some of them."""
        if len(able) == len(self.lineup):
            return self.lineup
        keys = tuple([key for _, key, _ in able])
        found = self._parts.get(keys)
        if found is None:
            if len(self._parts) >= _PARTS:
                self._parts.clear()
            found = self._parts[keys] = Lineup(able)
        return found


def _entry(request: Request, offer: Offer) -> tuple[Able, Refusal | None]:
    key, wire = offer.model.key, wire_for(request, offer)
    found = _speaks(request, offer, wire) or _able(request, offer)
    return (offer, key, wire), Refusal(key, *found) if found is not None else None


def sifted(
    request: Request, features: Features, offers: Sequence[Offer], view: View
) -> tuple[Lineup, tuple[Refusal, ...]]:
    """Who may answer this request, and why the others may not. What cannot be said against anybody is not asked."""
    roster = offers if isinstance(offers, Roster) else Roster(offers)
    shaped = roster.shaped(request)
    tokens = request.input_tokens
    asked: list[_Check] = []
    if tokens + (request.limits.max_tokens or 0) > shaped.window or tokens > shaped.longest:
        asked.append(_fits)
    if view.now >= shaped.retires:
        asked.append(_offered)
    if features.local_only:
        asked.append(_private)
    if view.cooling:
        asked.append(_well)
    return _checked(request, view, shaped, asked) if asked else (shaped.lineup, shaped.refused)


def _checked(
    request: Request, view: View, shaped: _Shaped, asked: Sequence[_Check]
) -> tuple[Lineup, tuple[Refusal, ...]]:
    able: list[Able] = []
    refused: list[Refusal] = []
    for one, refusal in shaped.entries:
        if refusal is None:
            for check in asked:
                found = check(request, one[0], view)
                if found is not None:
                    refusal = Refusal(one[1], *found)
                    break
        if refusal is None:
            able.append(one)
        else:
            refused.append(refusal)
    return shaped.part(able), tuple(refused)


_Check = Callable[[Request, Offer, View], _Found]


def _speaks(request: Request, offer: Offer, wire: str) -> _Found:
    if not wire:
        what = "embeddings" if request.needs.embed else "chat" if request.fim is None else "fill-in-the-middle"
        return "wire", f"does not serve {what}{f': {offer.unfit}' if offer.unfit and request.fim is not None else ''}"
    if request.needs.same_wire and request.wire not in offer.wires:
        return "wire", f"{', '.join(request.needs.same_wire)} {UNCARRIED}"
    return None


def _able(request: Request, offer: Offer) -> _Found:
    needs, model = request.needs, offer.model
    if needs.tools and not model.tools:
        return "tools", "cannot call tools"
    if needs.images and not model.images:
        return "images", "cannot read images"
    if needs.schema and not model.schema:
        return "schema", "cannot promise a JSON schema"
    return None


def _fits(request: Request, offer: Offer, view: View) -> _Found:
    model = offer.model
    if request.needs.embed:
        return None  # each input has the window to itself; too long a one is told by the provider
    asked = min(request.limits.max_tokens or 0, model.max_output)
    if request.input_tokens + asked > model.window:
        return "window", f"its window of {model.window} tokens is too small for {request.input_tokens} + {asked}"
    if model.max_input and request.input_tokens > model.max_input:
        return "window", f"it reads prompts of up to {model.max_input} tokens, and this one has {request.input_tokens}"
    return None


def _offered(request: Request, offer: Offer, view: View) -> _Found:
    """A retired name may be answered by another model at another price: it is not asked at all."""
    retires = offer.model.retires
    if retires and view.now >= retires:
        return "retired", f"its provider retired it on {datetime.fromtimestamp(retires, UTC).date()}"
    return None


def _private(request: Request, offer: Offer, view: View) -> _Found:
    if not offer.provider.local:
        return "local-only", "this code is marked local-only"
    return None


def _well(request: Request, offer: Offer, view: View) -> _Found:
    for name in (offer.model.key, offer.provider.name):
        rest = view.cooling.get(name)
        if rest is not None and rest.until > view.now:
            return "cooling", f"{name} rests for {rest.until - view.now:.0f} s more: {rest.failure.message}"
    return None
