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
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from pathlib import Path
from random import Random

from codriver import catalog
from codriver.errors import Unroutable
from codriver.model.decision import Decision, Outcome, Pin, View
from codriver.model.events import Usage
from codriver.model.features import Features
from codriver.model.provider import Model
from codriver.model.request import Needs, Purpose, Request
from codriver.routing import staying
from codriver.routing.decide import Wish, decide
from codriver.routing.eligibility import Offer

FLEET = (
    "anthropic/claude-opus-4-8", "anthropic/claude-sonnet-4-6", "anthropic/claude-haiku-4-5",
    "openai/gpt-5.4", "openai/gpt-5.4-mini", "openai/gpt-5.4-nano",
    "google/gemini-3.5-flash", "deepseek/deepseek-v4-pro", "deepseek/deepseek-flash",
)  # fmt: skip
DIALS = tuple(0.0002 * 1.35**n for n in range(24))
"""USD for a tenth more quality."""

USUAL = DIALS[12]

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
class Total:
    """What a policy came to: USD, expected quality of human turns, model changes."""

    cost: float = 0.0
    turns: list[float] = field(default_factory=list)
    switches: int = 0

    @property
    def mean(self) -> float:
        return sum(self.turns) / len(self.turns)


Choice = Callable[[Call, Pin | None], Decision]


def play(made: list[list[Call]], offers: dict[str, Offer], choose: Choice) -> Total:
    """All sessions with one way to choose."""
    total = Total()
    for calls in made:
        caches, pin = Caches(), None
        for call in calls:
            best = choose(call, pin).candidates[0]
            offer = offers[best.model]
            usage = caches.bill(offer, call)
            total.cost += offer.model.price_at(call.at).cost(usage)
            total.switches += pin is not None and pin.model != best.model
            if call.purpose is Purpose.MAIN:
                total.turns.append(best.quality)
            total.turns[-1] = min(total.turns[-1], best.quality)
            outcome = Outcome("o", call.at, "", "", call.purpose, "ok", EMPTY, model=best.model, usage=usage)
            pin = staying.answered(pin, outcome, call.at)
    return total


EMPTY = Decision("", "auto", ())


def decided(call: Call, pin: Pin | None, offers: list[Offer], wish: Wish, *, kept: bool = True) -> Decision:
    """The product's decision for one call. kept: whether it knows of a session at all."""
    features = Features(task="debug", tokens=call.prompt, difficulty=call.hard)
    view = View(now=call.at, pins={"s": pin} if pin is not None else {})
    request = Request("r", call.purpose, session="s" if kept else "", needs=Needs(tools=True), input_tokens=call.prompt)
    return decide(request, features, offers, view, wish, ident="d")


def policies(offers: list[Offer], tenth: float) -> dict[str, Choice]:
    """By rule, never, always afresh; at one setting of the dial."""
    wish = Wish("balanced", tenth=tenth, experience=False)

    def never(call: Call, pin: Pin | None) -> Decision:
        if pin is None:
            return decided(call, None, offers, wish)
        try:
            return decided(call, pin, [offer for offer in offers if offer.model.key == pin.model], wish)
        except Unroutable:  # its window is full
            return decided(call, None, offers, wish)

    return {
        "cache-aware": lambda call, pin: decided(call, pin, offers, wish),
        "never switching": never,
        "always afresh": lambda call, pin: decided(call, None, offers, wish, kept=False),
    }


def hull(points: list[tuple[float, float]]) -> list[tuple[float, float]]:
    """What mixing settings of the dial reaches: the lower convex hull of (quality, cost), cheapest first."""
    found: list[tuple[float, float]] = []
    for q, cost in sorted(set(points)):
        while found and (found[-1][1] >= cost or (len(found) > 1 and not _turns(found[-2], found[-1], (q, cost)))):
            found.pop()
        found.append((q, cost))
    return found


def _turns(a: tuple[float, float], b: tuple[float, float], c: tuple[float, float]) -> bool:
    return (b[1] - a[1]) * (c[0] - b[0]) < (c[1] - b[1]) * (b[0] - a[0])


def at_quality(curve: list[tuple[float, float]], quality: float) -> float | None:
    """The cost at this quality; None where the dial ends below it."""
    points = hull(curve)
    place = bisect_left(points, (quality, 0.0))
    if place == len(points):
        return None
    if place == 0:
        return points[0][1]
    (low, cheap), (high, dear) = points[place - 1], points[place]
    return cheap + (dear - cheap) * (quality - low) / (high - low)


def single(offers: dict[str, Offer], model: Model) -> Choice:
    """One model for everything."""
    wish = Wish("balanced", experience=False)
    return lambda call, pin: decided(call, pin, [offers[model.key]], wish)


def main() -> None:
    count = int(sys.argv[1]) if len(sys.argv) > 1 else 200
    made = sessions(count)
    loaded = catalog.load()
    # As quick as each other: waiting is a matter of taste, and only money and quality are compared here.
    models = [replace(model, first_token=1.0, speed=80.0) for model in loaded.models]
    by_key = {model.key: Offer(loaded.providers[model.provider], model) for model in models}
    offers = {key: by_key[key] for key in FLEET}
    fleet = list(offers.values())
    print(f"Sessions (SIMULATED): {len(made)} sessions, {sum(map(len, made))} calls, {len(fleet)} models, real prices")
    curves: dict[str, list[tuple[float, float]]] = {}
    usual: dict[str, Total] = {}
    for dial in DIALS:
        for name, choose in policies(fleet, dial).items():
            total = play(made, offers, choose)
            curves.setdefault(name, []).append((total.mean, total.cost))
            if dial == USUAL:
                usual[name] = total
    print(f"  at ${USUAL:.4f} for a tenth more quality:")
    for name, total in usual.items():
        print(
            f"    {name:16} ${total.cost:8.2f}  quality {total.mean:.4f}  {total.switches / len(made):.2f} switches a session"
        )
    ours = curves["cache-aware"]
    print("  cost at equal expected quality, cache-aware against:")
    for name in ("never switching", "always afresh"):
        ratios = [(q, mine / cost) for q, cost in hull(curves[name]) if (mine := at_quality(ours, q)) is not None]
        listed = "  ".join(f"{q:.3f}: {ratio:.2f}" for q, ratio in sorted(ratios))
        mean = math.exp(sum(math.log(ratio) for _, ratio in ratios) / len(ratios))
        print(f"    {name:16} {mean:.2f} x (geometric mean over the dial)  by quality  {listed}")
    for key, offer in offers.items():
        total = play(made, offers, single(offers, offer.model))
        mine = at_quality(ours, total.mean)
        told = f"cache-aware ${mine:8.2f}  {mine / total.cost:.2f} x" if mine is not None else "beyond the dial"
        print(f"    only {key:30} ${total.cost:8.2f}  quality {total.mean:.4f}  {told}")
    if len(sys.argv) > 2:
        Path(sys.argv[2]).write_text(json.dumps(curves))


if __name__ == "__main__":
    main()
