"""What this process did, as numbers for a monitoring system: counters since the start, in Prometheus' text format.

Labels are few and bounded: models beyond MODELS are counted together, purposes and statuses are closed lists.
"""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Iterable, Iterator, Mapping, Sequence

from codriver.model.decision import Outcome

CONTENT_TYPE = "text/plain; version=0.0.4; charset=utf-8"
"""Of the text format (prometheus.io/docs/instrumenting/exposition_formats)."""

MODELS, OTHERS = 200, "(others)"
"""Models with a label of their own, and the label of all that come later."""

BUCKETS = (0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0, 60.0, 300.0)
"""Upper ends of the histograms, in seconds; the last one, without an end, is not named here."""

Gauge = tuple[str, str, float]
"""A name, what it says, and its value now."""


class _Histogram:
    __slots__ = ("counts", "sum")

    def __init__(self) -> None:
        self.counts = [0] * (len(BUCKETS) + 1)
        self.sum = 0.0

    def saw(self, seconds: float) -> None:
        self.counts[bisect_left(BUCKETS, seconds)] += 1
        self.sum += seconds


class _Used:
    """What one model was used for one purpose."""

    __slots__ = ("cached", "cost", "input", "output", "reasoning", "written")

    def __init__(self) -> None:
        self.input = self.cached = self.written = self.output = self.reasoning = 0
        self.cost = 0.0


class Metrics:
    """Counts outcomes. Told of each once, it keeps numbers and no names but models'."""

    def __init__(self) -> None:
        self._models: set[str] = set()
        self._requests: dict[tuple[str, str, str], int] = {}
        self._used: dict[tuple[str, str], _Used] = {}
        self._failures: dict[tuple[str, str], int] = {}
        self._seconds: dict[str, _Histogram] = {}
        self._first: dict[str, _Histogram] = {}

    def heard(self, outcome: Outcome) -> None:
        """A request is over."""
        model, purpose, usage = self._label(outcome.model), str(outcome.purpose), outcome.usage
        key = (model, purpose, outcome.status)
        self._requests[key] = self._requests.get(key, 0) + 1
        used = self._used.get(key[:2])
        if used is None:
            used = self._used[key[:2]] = _Used()
        used.input += usage.input
        used.cached += usage.cached
        used.written += usage.written
        used.output += usage.output
        used.reasoning += usage.reasoning
        used.cost += outcome.cost
        _of(self._seconds, purpose).saw(outcome.seconds)
        if outcome.first is not None:
            _of(self._first, model).saw(outcome.first)
        for attempt in outcome.attempts:
            if attempt.failure is not None:
                failed = (self._label(attempt.model), str(attempt.failure.kind))
                self._failures[failed] = self._failures.get(failed, 0) + 1

    def text(self, gauges: Sequence[Gauge] = ()) -> str:
        """The page that a monitoring system reads."""
        return "".join(f"{line}\n" for line in self._lines(gauges))

    def _label(self, model: str) -> str:
        if model in self._models:
            return model
        if len(self._models) >= MODELS:
            return OTHERS
        self._models.add(model)
        return model

    def _lines(self, gauges: Sequence[Gauge]) -> Iterator[str]:
        for name, help, value in gauges:
            yield from _family(name, "gauge", help, [("", {}, value)])
        yield from _family(
            "codriver_requests_total", "counter", "Requests that ended, by who answered, what for and how.",
            [("", {"model": m, "purpose": p, "status": s}, n) for (m, p, s), n in self._requests.items()],
        )  # fmt: skip
        yield from _family(
            "codriver_tokens_total", "counter", "Tokens, each in one kind: fresh, cached and written prompt, output.",
            [
                ("", {"model": m, "purpose": p, "kind": kind}, getattr(used, kind))
                for (m, p), used in self._used.items()
                for kind in ("input", "cached", "written", "output")
            ],
        )  # fmt: skip
        yield from _family(
            "codriver_reasoning_tokens_total", "counter", "The part of the output tokens that was thinking.",
            [("", {"model": m, "purpose": p}, used.reasoning) for (m, p), used in self._used.items()],
        )  # fmt: skip
        yield from _family(
            "codriver_cost_usd_total", "counter", "USD spent.",
            [("", {"model": m, "purpose": p}, used.cost) for (m, p), used in self._used.items()],
        )  # fmt: skip
        yield from _family(
            "codriver_attempt_failures_total", "counter", "Upstream calls that failed, by the model asked and why.",
            [("", {"model": m, "kind": kind}, n) for (m, kind), n in self._failures.items()],
        )  # fmt: skip
        yield from _histograms("codriver_request_seconds", "Seconds a request took.", "purpose", self._seconds)
        yield from _histograms("codriver_first_content_seconds", "Seconds to the first content.", "model", self._first)


def _of(among: dict[str, _Histogram], key: str) -> _Histogram:
    found = among.get(key)
    if found is None:
        found = among[key] = _Histogram()
    return found


Sample = tuple[str, Mapping[str, str], float]
"""What is appended to the family's name, the labels, the value."""


def _family(name: str, kind: str, help: str, samples: Iterable[Sample]) -> Iterator[str]:
    yield f"# HELP {name} {help}"
    yield f"# TYPE {name} {kind}"
    for suffix, labels, value in samples:
        yield f"{name}{suffix}{_labels(labels)} {_number(value)}"


def _histograms(name: str, help: str, label: str, among: Mapping[str, _Histogram]) -> Iterator[str]:
    def samples() -> Iterator[Sample]:
        for key, histogram in among.items():
            count = 0
            for end, within in zip((*map(_number, BUCKETS), "+Inf"), histogram.counts, strict=True):
                count += within
                yield "_bucket", {label: key, "le": end}, count
            yield "_sum", {label: key}, histogram.sum
            yield "_count", {label: key}, count

    yield from _family(name, "histogram", help, samples())


def _labels(labels: Mapping[str, str]) -> str:
    if not labels:
        return ""
    return "{" + ",".join(f'{name}="{_escaped(value)}"' for name, value in labels.items()) + "}"


def _escaped(value: str) -> str:
    return value.replace("\\", r"\\").replace('"', r"\"").replace("\n", r"\n")


def _number(value: float) -> str:
    return str(int(value)) if value == int(value) else repr(value)
