"""What is expected of each model for one request: quality, cost and latency, in columns beside the lineup's."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from itertools import repeat

from codriver.model.decision import Belief, Candidate, Pin, View
from codriver.model.features import Features
from codriver.model.request import Request
from codriver.model.value import value
from codriver.routing import estimate, staying
from codriver.routing.lineup import Lineup
from codriver.routing.quality import qualities, quality

_NOTHING: dict[str, Belief] = {}


@value(frozen=True, slots=True)
class Expected:
    """A place for each model that may answer. qualities 0..1, costs in USD, learned in logits."""

    keys: Sequence[str]
    wires: Sequence[str]
    qualities: Sequence[float]
    costs: Sequence[float]
    seconds: Sequence[float]
    learned: Sequence[float]

    def candidates(self, scores: Iterable[float]) -> list[Candidate]:
        """They themselves, with these scores."""
        # A map by position: forty of these are a good part of the whole decision.
        blank, learned = repeat(""), self.learned
        return list(
            map(Candidate, self.keys, self.wires, self.qualities, self.costs, self.seconds, scores, blank, learned)
        )

    def part(self, places: Sequence[int]) -> Expected:
        """Some of them."""
        return Expected(
            [self.keys[place] for place in places],
            [self.wires[place] for place in places],
            [self.qualities[place] for place in places],
            [self.costs[place] for place in places],
            [self.seconds[place] for place in places],
            [self.learned[place] for place in places],
        )


def expected(request: Request, features: Features, lineup: Lineup, view: View, *, experience: bool) -> Expected:
    """experience: whether what was measured and learned counts beside the catalog."""
    if not experience:
        view = View(view.now, pins=view.pins)
    return (_alone if len(lineup.keys) == 1 else _each)(request, features, lineup, view)


def _each(request: Request, features: Features, lineup: Lineup, view: View) -> Expected:
    session, task, prompt, limit = request.session, features.task, features.tokens, request.limits.max_tokens
    lengths = view.lengths.get(task)
    supposed = estimate.output_tokens(task, features.lines, None if lengths else limit)
    outputs = estimate.lengths(lineup, supposed, lengths, limit) if lengths else [supposed] * len(lineup.keys)
    learned = _learned(lineup, task, view)
    lost = lineup.by_chat if request.fim is not None else lineup.native
    good = qualities(features.difficulty, learned, lost, lineup.skills(task, features.tongue))
    costs = estimate.costs(lineup, prompt, outputs, view.now, kept=bool(session))
    if session and (pin := view.pins.get(session)) is not None:
        _warmed(costs, lineup, prompt, outputs, pin, view.now)
    seconds = estimate.latencies(lineup, outputs, view.latency)
    return Expected(lineup.keys, lineup.wires, good, costs, seconds, learned)


def _alone(request: Request, features: Features, lineup: Lineup, view: View) -> Expected:
    """The same for one that was named: for a single place a column costs more than the number in it."""
    session, task, prompt, limit = request.session, features.task, features.tokens, request.limits.max_tokens
    offer, key = lineup.offers[0], lineup.keys[0]
    lengths = view.lengths.get(task)
    output = estimate.output_tokens(task, features.lines, None if lengths else limit)
    if lengths:
        output = estimate.learned_tokens(output, lengths.get(key), limit)
    belief = view.abilities.get(task, _NOTHING).get(key) or view.abilities.get("", _NOTHING).get(key)
    learned = belief.mean if belief is not None else 0.0
    lost = lineup.by_chat[0] if request.fim is not None else 0.0
    good = quality(features.difficulty, learned, lost, lineup.skills(task, features.tongue)[0])
    pin = view.pins.get(session) if session else None
    warm = staying.warm(pin, key, offer.provider.cache_ttl, view.now) if pin is not None else 0
    cost = estimate.cost(offer.model, prompt, output, warm, view.now, kept=bool(session))
    seconds = estimate.latency(offer.model, output, view.latency.get(key))
    return Expected(lineup.keys, lineup.wires, [good], [cost], [seconds], [learned])


def _learned(lineup: Lineup, task: str, view: View) -> list[float]:
    """Logits that outcomes taught of each model."""
    own, general = view.abilities.get(task, _NOTHING), view.abilities.get("", _NOTHING)
    if not own and not general:
        return [0.0] * len(lineup.keys)
    found = [own.get(key) or general.get(key) for key in lineup.keys]
    return [belief.mean if belief is not None else 0.0 for belief in found]


def _warmed(costs: list[float], lineup: Lineup, prompt: int, outputs: Sequence[int], pin: Pin, now: float) -> None:
    """What it costs where the session has something in a cache: the few that it was at."""
    for model in (pin.model, *(one.model for one in pin.left)):
        place = lineup.place.get(model)
        if place is not None:
            offer = lineup.offers[place]
            warm = staying.warm(pin, model, offer.provider.cache_ttl, now)
            costs[place] = estimate.cost(offer.model, prompt, outputs[place], warm, now, kept=True)
