"""How quick models are and how much they write: medians and a 95th percentile of the last answers, running means.

In memory and bounded: a ring of the last answers for each model, two numbers for each model and task family.
"""

from __future__ import annotations

from collections import deque

from codriver.model.decision import Latency, Length
from codriver.routing import estimate

RING = 50
"""Answers of a model that count."""

GAIN = 0.05
"""The weight of a new answer's length, once there were more than 1 / GAIN."""

MODELS = 1000
"""Models of which something is known, at most."""

_SPAN = 50.0
"""An answer counts as at most so many times longer or shorter than supposed: one outlier must not decide."""


class Paces:
    """What answers told. `latency` and `lengths` are live: read, never written, by others."""

    def __init__(self) -> None:
        self.latency: dict[str, Latency] = {}
        self.lengths: dict[str, dict[str, Length]] = {}
        self._firsts: dict[str, deque[float]] = {}
        self._speeds: dict[str, deque[float]] = {}

    def answered(self, model: str, first: float, speed: float | None) -> None:
        """An answer: seconds to its first content, output tokens per second where that is known."""
        if model not in self.latency and len(self.latency) >= MODELS:
            return
        firsts = self._firsts.setdefault(model, deque(maxlen=RING))
        speeds = self._speeds.setdefault(model, deque(maxlen=RING))
        firsts.append(first)
        if speed is not None:
            speeds.append(speed)
        held = self.latency.get(model)
        ordered = sorted(firsts)
        self.latency[model] = Latency(
            quantile(ordered, 0.5),
            quantile(sorted(speeds), 0.5) if speeds else None,
            held.n + 1 if held is not None else 1,
            quantile(ordered, 0.95),
        )

    def waited(self, model: str, seconds: float) -> None:
        """Its first content did not come within so many seconds: without this, whoever is left when he is slow would
        seem ever quicker."""
        held = self._firsts.get(model)
        if held is not None and seconds >= self.latency[model].p95:
            held.append(seconds)

    def wrote(self, model: str, task: str, lines: int, tokens: int) -> None:
        """An answer of so many output tokens, to a request of this family about so many lines of code."""
        if task not in estimate.OUTPUT:
            return  # callers may name families of their own: no memory for those
        by_model = self.lengths.setdefault(task, {})
        held = by_model.get(model)
        if held is None and len(by_model) >= MODELS:
            return
        ratio = min(_SPAN, max(1.0 / _SPAN, tokens / estimate.output_tokens(task, lines, None)))
        before = held or Length(0.0, 0)
        gain = max(GAIN, 1.0 / (before.n + 1))
        by_model[model] = Length(before.ratio + gain * (ratio - before.ratio), before.n + 1)


def quantile(ordered: list[float], share: float) -> float:
    """Of an ascending list that is not empty, between its neighbours linearly."""
    place = share * (len(ordered) - 1)
    low = int(place)
    above = ordered[min(low + 1, len(ordered) - 1)]
    return ordered[low] + (place - low) * (above - ordered[low])
