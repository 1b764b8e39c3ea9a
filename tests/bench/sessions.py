"""What whole sessions cost: staying and switching by rule, beside never, always the fresh choice, and single models.

SIMULATED: 200 recorded shapes of agent sessions (sessions.json: tokens and seconds) are played against the
providers' real prices and a model of their prompt caches. How hard each human turn is is drawn, with a seed; expected
quality is the catalog's; a human turn is as good as the weakest model that had a hand in its calls. The decisions are
the product's own. Policies are compared at equal expected quality, by turning the one dial (what a tenth more quality
is worth).
Usage: sessions.py [SESSIONS] [picture.svg]
"""

from __future__ import annotations

import json
import math
import sys
from bisect import bisect_left
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from functools import cache, partial
from multiprocessing import get_context
from pathlib import Path
from random import Random

import numpy as np

from codriver import catalog
from codriver.model.decision import Decision, Outcome, Pin, View
from codriver.model.events import Usage
from codriver.model.features import Features
from codriver.model.request import Needs, Purpose, Request
from codriver.routing import staying
from codriver.routing.decide import Wish, decide
from codriver.routing.eligibility import Offer

FLEET = (
    "anthropic/claude-opus-4-8", "anthropic/claude-sonnet-4-6", "anthropic/claude-haiku-4-5",
    "openai/gpt-5.4", "openai/gpt-5.4-mini", "openai/gpt-5.4-nano",
    "google/gemini-3.5-flash", "deepseek/deepseek-v4-pro", "deepseek/deepseek-flash",
)  # fmt: skip
DIALS = (1e-6, *(0.0001 * 1.23**n for n in range(50)), 30.0)
"""USD for a tenth more quality, from next to nothing to whatever it costs."""

USUAL = DIALS[21]
PLACES = (0.05, 0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 0.9, 0.95)
"""Where two ways are compared: parts of the range of quality that both reach."""
RESAMPLED, WORKERS = 400, 2
TOLD = "{:.2f} x [{:.2f}, {:.2f}]"
ASKED_ANYWAY = 25
"""Inside a tool loop the decision is to stay: every so manyth call asks whether that is so, the others assume it."""

HUMAN = 0.12
"""The chance that a call comes from a human turn, after the first."""
PAUSES = (math.log(90.0), 1.3)
"""Seconds before one: log-normal."""
CACHED_FROM, BLOCK = 1024, 128


@dataclass(frozen=True)
class Call:
    """One request of a session. hard: difficulty in logits."""

    purpose: Purpose
    prompt: int
    output: int
    at: float
    hard: float


def sessions(count: int, seed: int = 1) -> list[list[Call]]:
    """Recorded growth, with human turns and their difficulty drawn."""
    random = Random(seed)
    recorded = json.loads(Path(__file__).with_suffix(".json").read_text())["sessions"][:count]
    made = []
    for shape in recorded:
        usual = random.gauss(0.9, 0.8)
        hard, prompt, at, calls = 0.0, 0, 0.0, []
        for number, (growth, output, gap) in enumerate(shape):
            human = number == 0 or random.random() < HUMAN
            prompt, at = prompt + growth, at + gap
            if human:
                hard = usual + random.gauss(0.0, 1.0)
                at += random.lognormvariate(*PAUSES) if number else 0.0
            calls.append(Call(Purpose.MAIN if human else Purpose.TOOL_RESULT, prompt, output, at, hard))
        made.append(calls)
    return made


@dataclass
class Caches:
    """The prompt caches of one session, as the providers keep and bill them."""

    held: dict[str, tuple[int, float]] = field(default_factory=dict)

    def bill(self, offer: Offer, call: Call) -> Usage:
        """What the provider counts for this call."""
        tokens, at = self.held.get(offer.model.key, (0, 0.0))
        warm = min(tokens, call.prompt) if call.at - at <= offer.provider.cache_ttl else 0
        read = warm // BLOCK * BLOCK if warm >= CACHED_FROM else 0
        rest = call.prompt - read
        self.held[offer.model.key] = (call.prompt, call.at)
        if offer.model.price.written > offer.model.price.input and call.prompt >= CACHED_FROM:
            return Usage(written=rest, cached=read, output=call.output)
        return Usage(input=rest, cached=read, output=call.output)


@dataclass
class Played:
    """What a policy came to, session by session: USD, expected quality of all human turns, their number, switches."""

    cost: list[float] = field(default_factory=list)
    good: list[float] = field(default_factory=list)
    turns: list[int] = field(default_factory=list)
    switches: int = 0

    @property
    def mean(self) -> float:
        return sum(self.good) / sum(self.turns)


Choice = Callable[[Call, Pin | None], Decision]


def play(made: Sequence[list[Call]], offers: dict[str, Offer], choose: Choice, *, loops: bool = True) -> Played:
    """All sessions with one way to choose. loops: whether it keeps a tool loop together."""
    total, asked = Played(), 0
    for calls in made:
        caches, pin, last = Caches(), None, EMPTY
        cost, turns = 0.0, []
        for call in calls:
            inside = call.purpose is Purpose.TOOL_RESULT
            asked += inside
            if not (inside and loops) or asked % ASKED_ANYWAY == 0:
                decision = choose(call, pin)
                assert not (inside and loops) or decision.candidates[0].model == last.candidates[0].model
                last = decision
            best = last.candidates[0]
            offer = offers[best.model]
            usage = caches.bill(offer, call)
            cost += offer.model.price_at(call.at).cost(usage)
            total.switches += pin is not None and pin.model != best.model
            if not inside:
                turns.append(best.quality)
            turns[-1] = min(turns[-1], best.quality)
            outcome = Outcome("o", call.at, "", "", call.purpose, "ok", last, model=best.model, usage=usage)
            pin = staying.answered(pin, outcome, call.at)
        total.cost.append(cost)
        total.good.append(sum(turns))
        total.turns.append(len(turns))
    return total


EMPTY = Decision("", "auto", ())


def decided(call: Call, pin: Pin | None, offers: list[Offer], wish: Wish, *, kept: bool = True) -> Decision:
    """The product's decision for one call. kept: whether it knows of a session at all."""
    features = Features(task="debug", tokens=call.prompt, difficulty=call.hard)
    view = View(now=call.at, pins={"s": pin} if pin is not None else {})
    request = Request("r", call.purpose, session="s" if kept else "", needs=Needs(tools=True), input_tokens=call.prompt)
    return decide(request, features, offers, view, wish, ident="d")


WAYS = ("cache-aware", "never switching", "afresh each turn", "always afresh")


def policy(name: str, offers: dict[str, Offer], wish: Wish) -> Choice:
    """One way to choose. Never switching begins as the cache-aware one does."""
    everyone = list(offers.values())

    def never(call: Call, pin: Pin | None) -> Decision:
        return decided(call, pin, everyone if pin is None else [offers[pin.model]], wish)

    def afresh(call: Call, pin: Pin | None) -> Decision:
        return decided(call, None, everyone, wish, kept=False)

    def turn(call: Call, pin: Pin | None) -> Decision:
        if call.purpose is Purpose.TOOL_RESULT and pin is not None:
            return decided(call, pin, [offers[pin.model]], wish)
        return decided(call, None, everyone, wish, kept=False)

    def ours(call: Call, pin: Pin | None) -> Decision:
        return decided(call, pin, everyone, wish)

    return {"cache-aware": ours, "never switching": never, "afresh each turn": turn, "always afresh": afresh}[name]


@cache
def fleet() -> dict[str, Offer]:
    """The models, as quick as each other: waiting is a matter of taste, and money and quality are compared here."""
    loaded = catalog.load()
    found = {}
    for model in loaded.models:
        if model.key in FLEET:
            even = replace(model, first_token=1.0, speed=80.0)
            found[model.key] = Offer(loaded.providers[model.provider], even)
    return {key: found[key] for key in FLEET}


def played(count: int, seed: int, job: tuple[str, float]) -> Played:
    """One way at one setting of the dial; a model's key is the way of taking that one alone."""
    name, dial = job
    offers, made = fleet(), sessions(count, seed)
    if name in offers:
        alone = offers[name]
        wish = Wish("balanced", experience=False)
        return play(made, offers, lambda call, pin: decided(call, pin, [alone], wish))
    wish = Wish("balanced", tenth=dial, experience=False)
    return play(made, offers, policy(name, offers, wish), loops=name != "always afresh")


Point = tuple[float, float]


def hull(points: Sequence[Point]) -> list[Point]:
    """What mixing settings of the dial reaches: the lower convex hull of (quality, cost), cheapest first."""
    found: list[Point] = []
    for q, cost in sorted(set(points)):
        while found and (found[-1][1] >= cost or (len(found) > 1 and not _turns(found[-2], found[-1], (q, cost)))):
            found.pop()
        found.append((q, cost))
    return found


def _turns(a: Point, b: Point, c: Point) -> bool:
    return (b[1] - a[1]) * (c[0] - b[0]) < (c[1] - b[1]) * (b[0] - a[0])


def at_quality(points: list[Point], quality: float) -> float:
    """What this quality costs on a hull; beyond its end, what its end costs."""
    place = bisect_left(points, (quality, 0.0))
    if place == 0 or place == len(points):
        return points[min(place, len(points) - 1)][1]
    (low, cheap), (high, dear) = points[place - 1], points[place]
    return cheap + (dear - cheap) * (quality - low) / (high - low)


def ratios(ours: Sequence[Point], theirs: Sequence[Point]) -> list[float]:
    """Our cost by theirs at each of PLACES, and last their geometric mean."""
    mine, other = hull(ours), hull(theirs)
    low, high = max(mine[0][0], other[0][0]), min(mine[-1][0], other[-1][0])
    found = []
    for place in PLACES:
        q = low + place * (high - low)
        found.append(at_quality(mine, q) / at_quality(other, q))
    return [*found, math.exp(sum(map(math.log, found)) / len(found))]


class Sample:
    """All that was played, and the same with other sessions drawn in their place."""

    def __init__(self, runs: dict[tuple[str, float], Played], count: int) -> None:
        random = np.random.default_rng(7)
        drawn = random.multinomial(count, [1 / count] * count, size=RESAMPLED)
        weights = np.vstack([np.ones((1, count)), drawn])
        self.points: dict[tuple[str, float], list[Point]] = {}
        for key, run in runs.items():
            quality = (weights @ np.array(run.good)) / (weights @ np.array(run.turns))
            self.points[key] = list(zip(quality.tolist(), (weights @ np.array(run.cost)).tolist(), strict=True))

    def curve(self, way: str, number: int) -> list[Point]:
        return [found[number] for (name, _), found in self.points.items() if name == way]

    def against(self, way: str) -> list[tuple[float, float, float]]:
        """Ratio with its 95% interval at each of PLACES, and of the mean."""
        rows = np.array([ratios(self.curve(WAYS[0], n), self.curve(way, n)) for n in range(RESAMPLED + 1)])
        return _with_interval(rows)

    def against_single(self, model: str) -> tuple[float, float, float]:
        """Ratio at the model's quality."""
        rows = []
        for number in range(RESAMPLED + 1):
            quality, cost = self.points[model, 0.0][number]
            rows.append([at_quality(hull(self.curve(WAYS[0], number)), quality) / cost])
        return _with_interval(np.array(rows))[0]


def _with_interval(rows: np.ndarray) -> list[tuple[float, float, float]]:
    low, high = np.quantile(rows[1:], (0.025, 0.975), axis=0)
    return list(zip(rows[0].tolist(), low.tolist(), high.tolist(), strict=True))


def run(count: int, seed: int = 1, ways: Sequence[str] = WAYS) -> dict[tuple[str, float], Played]:
    """Every way at every setting of the dial, and every model alone; by processes."""
    jobs = [(way, dial) for number, dial in enumerate(DIALS) for way in ways if way != WAYS[-1] or number % 3 == 0] + [
        (key, 0.0) for key in FLEET
    ]
    with get_context("spawn").Pool(WORKERS) as pool:
        return dict(zip(jobs, pool.map(partial(played, count, seed), jobs, chunksize=4), strict=True))


def main() -> None:
    count = int(sys.argv[1]) if len(sys.argv) > 1 else 200
    made = sessions(count)
    print(f"Sessions (SIMULATED): {len(made)} sessions, {sum(map(len, made))} calls, {len(FLEET)} models, real prices")
    runs = run(count)
    print(f"  at ${USUAL:.4f} for a tenth more quality:")
    for way in WAYS:
        total = runs[way, USUAL]
        each = total.switches / len(made)
        print(f"    {way:17} ${sum(total.cost):8.2f}  quality {total.mean:.4f}  {each:.2f} switches a session")
    sample = Sample(runs, len(made))
    print("  cost of cache-aware at equal expected quality, 95% intervals over sessions; along the range of quality:")
    print(f"    {'':17} {'mean':^17}  " + "  ".join(f"{place:^17.0%}" for place in PLACES))
    for way in WAYS[1:]:
        *places, mean = sample.against(way)
        print(f"    {way:17} " + "  ".join(TOLD.format(*one) for one in (mean, *places)))
    for key in FLEET:
        alone = runs[key, 0.0]
        told = TOLD.format(*sample.against_single(key))
        print(f"    only {key:30} ${sum(alone.cost):8.2f}  quality {alone.mean:.4f}  {told}")


if __name__ == "__main__":
    main()
