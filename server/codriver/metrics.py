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

    def include(self, other: _Histogram) -> None:
        self.counts = [mine + theirs for mine, theirs in zip(self.counts, other.counts, strict=True)]
        self.sum += other.sum


class _Cell:
    """What one model was used for one purpose with one status."""

    __slots__ = ("cached", "cost", "first", "input", "n", "output", "reasoning", "seconds", "written")

    def __init__(self) -> None:
        self.n = self.input = self.cached = self.written = self.output = self.reasoning = 0
        self.cost = 0.0
        self.seconds, self.first = _Histogram(), _Histogram()


class Metrics:
    """Counts outcomes. Told of each once, it keeps numbers and no names but models'."""

    def __init__(self) -> None:
        self._models: set[str] = set()
        self._cells: dict[tuple[str, str, str], _Cell] = {}
        self._failures: dict[tuple[str, str], int] = {}

    def heard(self, outcome: Outcome) -> None:
        """A request is over. Costs a microsecond or two: every request comes here."""
        usage = outcome.usage
        cell = self._cells.get((outcome.model, outcome.purpose, outcome.status)) or self._cell(outcome)
        cell.n += 1
        cell.input += usage.input
        cell.cached += usage.cached
        cell.written += usage.written
        cell.output += usage.output
        cell.reasoning += usage.reasoning
        cell.cost += outcome.cost
        seconds, first = outcome.seconds, outcome.first
        cell.seconds.counts[bisect_left(BUCKETS, seconds)] += 1
        cell.seconds.sum += seconds
        if first is not None:
            cell.first.counts[bisect_left(BUCKETS, first)] += 1
            cell.first.sum += first
        if len(outcome.attempts) > 1 or outcome.status != "ok":
            self._failed(outcome)

    def text(self, gauges: Sequence[Gauge] = ()) -> str:
        """The page that a monitoring system reads."""
        return "".join(f"{line}\n" for line in self._lines(gauges))

    def _cell(self, outcome: Outcome) -> _Cell:
        return self._cells.setdefault((self._label(outcome.model), str(outcome.purpose), outcome.status), _Cell())

    def _failed(self, outcome: Outcome) -> None:
        for attempt in outcome.attempts:
            if attempt.failure is not None:
                failed = (self._label(attempt.model), str(attempt.failure.kind))
                self._failures[failed] = self._failures.get(failed, 0) + 1

    def _label(self, model: str) -> str:
        if model in self._models:
            return model
        if len(self._models) >= MODELS:
            return OTHERS
        self._models.add(model)
        return model

    def _summed(self, name: str) -> dict[tuple[str, str], float]:
        """One counter by model and purpose."""
        sums: dict[tuple[str, str], float] = {}
        for (model, purpose, _), cell in self._cells.items():
            sums[model, purpose] = sums.get((model, purpose), 0) + getattr(cell, name)
        return sums

    def _lines(self, gauges: Sequence[Gauge]) -> Iterator[str]:
        for name, help, value in gauges:
            yield from _family(name, "gauge", help, [("", {}, value)])
        yield from _family(
            "codriver_requests_total", "counter", "Requests that ended, by who answered, what for and how.",
            [("", {"model": m, "purpose": p, "status": s}, cell.n) for (m, p, s), cell in self._cells.items()],
        )  # fmt: skip
        yield from _family(
            "codriver_tokens_total", "counter", "Tokens, each in one kind: fresh, cached and written prompt, output.",
            [
                ("", {"model": m, "purpose": p, "kind": kind}, n)
                for kind in ("input", "cached", "written", "output")
                for (m, p), n in self._summed(kind).items()
            ],
        )  # fmt: skip
        yield from _family(
            "codriver_reasoning_tokens_total", "counter", "The part of the output tokens that was thinking.",
            [("", {"model": m, "purpose": p}, n) for (m, p), n in self._summed("reasoning").items()],
        )  # fmt: skip
        yield from _family(
            "codriver_cost_usd_total", "counter", "USD spent.",
            [("", {"model": m, "purpose": p}, usd) for (m, p), usd in self._summed("cost").items()],
        )  # fmt: skip
        yield from _family(
            "codriver_attempt_failures_total", "counter", "Upstream calls that failed, by the model asked and why.",
            [("", {"model": m, "kind": kind}, n) for (m, kind), n in self._failures.items()],
        )  # fmt: skip
        seconds: dict[str, _Histogram] = {}
        first: dict[str, _Histogram] = {}
        for (model, purpose, _), cell in self._cells.items():
            _of(seconds, purpose).include(cell.seconds)
            _of(first, model).include(cell.first)
        yield from _histograms("codriver_request_seconds", "Seconds a request took.", "purpose", seconds)
        yield from _histograms("codriver_first_content_seconds", "Seconds to the first content.", "model", first)


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
