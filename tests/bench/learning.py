"""Learning, simulated: real decisions over models whose true quality is known, with feedback on each.

    python tests/bench/learning.py [--svg FILE]

Prints how fast traffic leaves a model that became bad, which of two equal models wins, and the regret against an
oracle that knows the truth; --svg draws the regret. Everything here is simulated, with stated seeds.
"""

from __future__ import annotations

import argparse
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from random import Random

from codriver.model.decision import View
from codriver.model.features import Features
from codriver.model.provider import Model, Price, Provider
from codriver.model.request import Purpose, Request
from codriver.routing.decide import ORDINARY_TASTE, TASTES, Wish, decide
from codriver.routing.eligibility import Offer
from codriver.routing.exploring import Chance
from codriver.routing.posterior import Abilities, logit, sigmoid

ASKED = Request("r", Purpose.CHAT, wire="openai_chat", input_tokens=2000)
STEP = 600.0
"""Seconds between two requests."""

Truth = Callable[[int, str, str, float], float]
"""(request's number, model, family, logit expected by scores) -> the chance that the answer is good."""


def offer(name: str, price: float, skill: float) -> Offer:
    """A model with this input price (output five times that) and general skill."""
    model = Model("a", name, name, 200_000, 8_000, Price(price, price, price, 5 * price), {"": skill}, tools=True)
    return Offer(Provider("a", "A", "http://127.0.0.1:9", {"openai_chat": "/c"}), model)


def as_promised(number: int, model: str, family: str, base: float) -> float:
    """Models are what their scores say."""
    return sigmoid(base)


@dataclass(frozen=True, slots=True)
class Run:
    """asked: each request's family and model; regret: cumulated USD against the oracle; saved: against no learning."""

    asked: tuple[tuple[str, str], ...]
    regret: tuple[float, ...]

    def share(self, model: str, family: str, start: int, end: int) -> float:
        """Of the family's requests with a number in [start, end), those the model got."""
        own = [asked for fam, asked in self.asked[start:end] if fam == family]
        return Counter(own)[f"a/{model}"] / max(1, len(own))


def simulate(
    offers: Sequence[Offer],
    truth: Truth,
    *,
    count: int,
    seed: int,
    families: Mapping[str, float],
    strategy: str = "balanced",
    explore: float = 0.05,
    learn: bool = True,
) -> Run:
    """`count` requests of these families (with the difficulty of each), decided as the router does, and judged."""
    random, held = Random(seed), Abilities()
    regret, total, asked = [], 0.0, []
    for number in range(count):
        family = random.choice(list(families))
        features = Features(task=family, tokens=2000, difficulty=families[family] + random.gauss(0.0, 0.5))
        view = View(now=number * STEP, abilities=held.beliefs)
        chance = Chance(random, explore, 1.0) if explore and learn else None
        made = decide(ASKED, features, offers, view, Wish(strategy=strategy), ident=str(number), chance=chance)
        value, wait = TASTES.get(family, ORDINARY_TASTE)
        gains = {}
        for candidate in made.candidates:
            good = truth(number, candidate.model, family, logit(candidate.quality) - candidate.learned)
            gains[candidate.model] = good, value * good - candidate.cost - wait * candidate.latency
        chosen = made.candidates[0]
        good, gain = gains[chosen.model]
        total += max(gain for _, gain in gains.values()) - gain
        regret.append(total)
        asked.append((family, chosen.model))
        if learn:
            base = logit(chosen.quality) - chosen.learned
            held.learn(chosen.model, family, base, float(random.random() < good), 1.0, number * STEP)
    return Run(tuple(asked), tuple(regret))


TRIO = (offer("small", 0.2, 0.4), offer("medium", 1.0, 1.4), offer("large", 4.0, 2.2))
WORK = {"debug": -0.3, "refactor": -0.8, "review": -0.6, "test": -0.8}


def worse_from(start: int, model: str, family: str, by: float) -> Truth:
    """From one request on, a model loses so many logits at one family."""

    def truth(number: int, asked: str, task: str, base: float) -> float:
        return sigmoid(base - by * (number >= start and asked == f"a/{model}" and task == family))

    return truth


def other_than_promised(number: int, model: str, family: str, base: float) -> float:
    """Scores that are wrong by family, as they are."""
    wrong = {("a/small", "debug"): 1.5, ("a/medium", "refactor"): -2.0, ("a/large", "review"): -1.0}
    return sigmoid(base + wrong.get((model, family), 0.0))


def left_after(run: Run, model: str, family: str, start: int) -> int:
    """Outcomes of the family from `start` on, until at most a fifth of the next twenty went to the model."""
    own = [asked == f"a/{model}" for fam, asked in run.asked[start:] if fam == family]
    return next((n for n in range(len(own) - 20) if sum(own[n : n + 20]) <= 4), len(own))


def picture(lines: Mapping[str, Sequence[float]]) -> str:
    """Cumulated regret over requests as SVG."""
    width, height, left, top = 640, 360, 70, 20
    most = max(line[-1] for line in lines.values()) or 1.0
    colours = ("#c0392b", "#2471a3", "#1e8449", "#7d3c98")
    parts = [f'<svg xmlns="http://www.w3.org/2000/svg" width="{width}" height="{height}" font-family="sans-serif">']
    parts.append(f'<rect width="{width}" height="{height}" fill="white"/>')
    for share in (0.0, 0.5, 1.0):
        y = top + (height - 70) * (1 - share)
        parts.append(f'<line x1="{left}" x2="{width - 20}" y1="{y:.0f}" y2="{y:.0f}" stroke="#ddd"/>')
        parts.append(
            f'<text x="{left - 8}" y="{y + 4:.0f}" font-size="11" text-anchor="end">${share * most:.2f}</text>'
        )
    for number, (name, line) in enumerate(lines.items()):
        step = max(1, len(line) // 200)
        points = " ".join(
            f"{left + (width - left - 20) * n / len(line):.1f},{top + (height - 70) * (1 - line[n] / most):.1f}"
            for n in range(0, len(line), step)
        )
        parts.append(f'<polyline points="{points}" fill="none" stroke="{colours[number % 4]}" stroke-width="2"/>')
        y = top + 16 * (number + 1)
        parts.append(f'<text x="{left + 12}" y="{y}" font-size="12" fill="{colours[number % 4]}">{name}</text>')
    count = len(next(iter(lines.values())))
    parts.append(f'<text x="{left}" y="{height - 15}" font-size="12">requests: 0 to {count} (simulated)</text></svg>')
    return "\n".join(parts)


def main() -> None:
    """Prints the figures; draws the regret where a file is named."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--svg", type=Path, help="where to draw the regret")
    svg: Path | None = parser.parse_args().svg
    print("All simulated. Seeds 0 to 9.")
    usual = Counter(m for _, m in simulate(TRIO, as_promised, count=400, seed=0, families=WORK).asked).most_common(1)[
        0
    ][0]
    name = usual.removeprefix("a/")
    left = sorted(
        left_after(
            simulate(TRIO, worse_from(400, name, "refactor", 4.0), count=1200, seed=seed, families=WORK),
            name,
            "refactor",
            400,
        )
        for seed in range(10)
    )
    print(f"{name} becomes bad at refactor: traffic left it after {left[5]} outcomes (median), {left[-1]} at most")
    twins = (offer("dear", 2.0, 1.5), offer("cheap", 1.0, 1.5))
    shares = [
        simulate(twins, as_promised, count=600, seed=seed, families=WORK).share("cheap", "refactor", 300, 600)
        for seed in range(10)
    ]
    print(f"two equal models: the cheaper one gets {min(shares):.0%} to {max(shares):.0%} after 300 requests")
    lines = {}
    for title, learn, explore in (
        ("scores alone", False, 0.0),
        ("learning", True, 0.0),
        ("learning, 5% trials", True, 0.05),
    ):
        runs = [
            simulate(TRIO, other_than_promised, count=1500, seed=seed, families=WORK, learn=learn, explore=explore)
            for seed in range(10)
        ]
        lines[title] = [sum(values) / len(runs) for values in zip(*(run.regret for run in runs), strict=True)]
        late = (lines[title][-1] - lines[title][-501]) / 500
        print(
            f"regret with {title}: ${lines[title][-1]:.3f} in 1,500 requests, ${1000 * late:.3f} per 1,000 at the end"
        )
    if svg is not None:
        svg.write_text(picture(lines), encoding="utf-8")
        print(f"drawn in {svg}")


if __name__ == "__main__":
    main()
