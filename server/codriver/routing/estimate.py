"""Expected cost and latency of one model for one request."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from codriver.model.decision import Latency, Length
from codriver.model.events import Usage
from codriver.model.provider import Model
from codriver.routing.lineup import Lineup

# Output tokens an answer of each family usually has, reasoning left out. First priors.
OUTPUT: dict[str, int] = {
    "complete": 40,
    "generate": 700,
    "edit": 500,
    "refactor": 600,
    "debug": 500,
    "explain": 450,
    "review": 500,
    "test": 800,
    "document": 300,
    "plan": 800,
    "summarise": 600,
    "title": 15,
    "classify": 10,
    "commit": 60,
    "write": 400,
}

SMALLEST_CACHED = 1024
"""Prompt tokens from which providers cache."""

MEASURED_ENOUGH = 3
"""Answers seen before a measured latency replaces the catalog's."""


def output_tokens(task: str, lines: int, limit: int | None) -> int:
    """Expected answer length in tokens: by task, more for more code, never over the caller's limit."""
    tokens = OUTPUT.get(task, 400)
    if lines and task in {"edit", "refactor", "debug", "test", "document"}:
        tokens = max(tokens // 4, 12 * lines)
    return min(tokens, limit) if limit is not None else tokens


LENGTHS_ENOUGH = 5
"""Answers seen before their length replaces what is supposed."""


def learned_tokens(supposed: int, seen: Length | None, limit: int | None) -> int:
    """Expected answer length of one model, where enough of its answers to such requests were seen."""
    tokens = supposed if seen is None or seen.n < LENGTHS_ENOUGH else max(1, int(supposed * seen.ratio))
    return tokens if limit is None else min(tokens, limit)


def lengths(lineup: Lineup, supposed: int, seen: Mapping[str, Length], limit: int | None) -> list[int]:
    """`learned_tokens` of all models."""
    found = map(seen.get, lineup.keys)
    tokens = [supposed if one is None or one.n < LENGTHS_ENOUGH else int(supposed * one.ratio) or 1 for one in found]
    return tokens if limit is None else [min(one, limit) for one in tokens]


def cost(model: Model, prompt: int, output: int, warm: int, now: float, *, kept: bool = False) -> float:
    """USD at Unix time `now`. warm: prompt tokens in the model's cache; kept: whether the rest will be wanted there
    again, and is written to it at the price of that, where the provider has one."""
    price = model.price if model.tariff is None else model.tariff.at(now)
    warm = min(warm, prompt)
    if not price.longer and not price.long_from:
        rest = price.written if kept and prompt >= SMALLEST_CACHED and price.written > price.input else price.input
        return ((prompt - warm) * rest + warm * price.cached + output * price.output) / 1e6
    if kept and prompt >= SMALLEST_CACHED and price.written > price.input:
        return price.cost(Usage(written=prompt - warm, cached=warm, output=output))
    return price.cost(Usage(input=prompt - warm, cached=warm, output=output))


def kept(model: Model, asked: Sequence[tuple[int, int, int]], now: float) -> list[float]:
    """`cost` of several requests to one model, each as (prompt, output, warm), that are all kept in its cache."""
    price = model.price if model.tariff is None else model.tariff.at(now)
    if price.longer or price.long_from:
        return [cost(model, prompt, output, warm, now, kept=True) for prompt, output, warm in asked]
    fresh, written = price.input, max(price.written, price.input)
    return [
        (
            (prompt - warm) * (written if prompt >= SMALLEST_CACHED else fresh)
            + warm * price.cached
            + output * price.output
        )
        / 1e6
        for prompt, output, warm in asked
    ]


def costs(lineup: Lineup, prompt: int, outputs: Sequence[int], now: float, *, kept: bool) -> list[float]:
    """`cost` of all models, with nothing in their caches."""
    written = lineup.written if kept and prompt >= SMALLEST_CACHED else lineup.fresh
    columns = zip(written, outputs, lineup.output, strict=True)
    found = [(prompt * rest + output * price) / 1e6 for rest, output, price in columns]
    for place in lineup.odd:
        found[place] = cost(lineup.offers[place].model, prompt, outputs[place], 0, now, kept=kept)
    return found


def latency(model: Model, output: int, seen: Latency | None) -> float:
    """Seconds to the end of the answer: first token plus output at the model's speed, as it was measured where that is
    so."""
    if seen is not None and seen.n >= MEASURED_ENOUGH:
        return seen.first + output / max(seen.speed or model.speed, 1.0)
    return model.first_token + output / model.speed


def latencies(lineup: Lineup, outputs: Sequence[int], seen: Mapping[str, Latency]) -> list[float]:
    """`latency` of all models."""
    if not seen:
        columns = zip(lineup.first, lineup.speed, outputs, strict=True)
        return [first + output / speed for first, speed, output in columns]
    found = zip(map(seen.get, lineup.keys), lineup.first, lineup.speed, outputs, strict=True)
    return [
        one.first + output / (pace if (pace := one.speed or speed) > 1.0 else 1.0)
        if one is not None and one.n >= MEASURED_ENOUGH
        else first + output / speed
        for one, first, speed, output in found
    ]
