"""Experiments: who gets which arm, when an arm is stopped, and which arm is better.

Units (sessions, workflows, the user) are assigned by a hash, so that they stay where they are. Arms are compared unit
by unit on the same purposes, and by confidence sequences (Waudby-Smith et al. 2021, the asymptotic normal mixture):
one may look at the report every day, and the chance ever to name a wrong winner stays below the stated one.
"""

from __future__ import annotations

import hashlib
import math
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from statistics import NormalDist

ERROR = 0.05
"""The chance to name a winner where there is none, over all looks together."""

POWER = 0.8
"""With which a difference is to be found in the sample that is called still needed."""

TUNED = 500
"""Units an arm at which the confidence sequence is tightest."""

LEAST = 30
"""Units an arm below which nothing is said, and requests below which no guard rail stops it."""


@dataclass(frozen=True, slots=True)
class Arm:
    """One way to do it. Empty fields leave what the request says. weight: its part of the share. system: words behind
    the system prompt; prompt: in place of the one of an editor's task."""

    name: str
    strategy: str = ""
    model: str = ""
    weight: float = 1.0
    system: str = ""
    prompt: str = ""


@dataclass(frozen=True, slots=True)
class Guard:
    """When an arm is stopped. failures: share of its requests that may fail; cost_ratio: times the first arm's mean
    cost; 0: no such limit."""

    failures: float = 0.0
    cost_ratio: float = 0.0


@dataclass(frozen=True, slots=True)
class Experiment:
    """arms: the first is what the others are compared with. share: of units that take part. unit: session, user or
    workflow. metric: quality, cost or seconds. purposes: the only ones that take part; none: all."""

    name: str
    arms: tuple[Arm, ...]
    share: float = 1.0
    unit: str = "session"
    metric: str = "quality"
    purposes: frozenset[str] = frozenset()
    guard: Guard = Guard()

    @property
    def adds(self) -> bool:
        """Whether some arm adds to system prompts: then only requests that have room for that can be compared."""
        return any(arm.system for arm in self.arms)

    @property
    def replaces(self) -> bool:
        """Whether some arm replaces the prompt of an editor's task: then only those can be compared."""
        return any(arm.prompt for arm in self.arms)


@dataclass(slots=True)
class Tally:
    """What an arm has done so far, for its guard rails."""

    n: int = 0
    failed: int = 0
    cost: float = 0.0


def assigned(experiment: Experiment, unit: str) -> Arm | None:
    """The arm of a unit, always the same; None when it takes no part."""
    digest = hashlib.blake2b(f"{experiment.name}\0{unit}".encode("utf-8", "replace"), digest_size=16).digest()
    drawn, place = (int.from_bytes(half, "big") / 2**64 for half in (digest[:8], digest[8:]))
    total = sum(arm.weight for arm in experiment.arms)
    if drawn >= experiment.share or total <= 0.0:
        return None
    place *= total
    for arm in experiment.arms:
        place -= arm.weight
        if place < 0.0:
            return arm
    return experiment.arms[-1]


def stopped(experiment: Experiment, tallies: Mapping[str, Tally], arm: str) -> str:
    """Why an arm is stopped by a guard rail, in words; "" while it is not. The first arm never is.

    Failures count when their share is beyond the limit even at the low end of Wilson's 95% interval.
    """
    tally, first = tallies.get(arm), tallies.get(experiment.arms[0].name)
    if tally is None or tally.n < LEAST or arm == experiment.arms[0].name:
        return ""
    guard = experiment.guard
    if guard.failures and _wilson_low(tally.failed, tally.n) > guard.failures:
        return f"{tally.failed} of {tally.n} requests failed, and {guard.failures:.0%} may"
    if guard.cost_ratio and first is not None and first.n >= LEAST and first.cost > 0.0:
        ratio = (tally.cost / tally.n) / (first.cost / first.n)
        if ratio > guard.cost_ratio:
            return (
                f"it costs {ratio:.1f} times what {experiment.arms[0].name} does, and {guard.cost_ratio:g} is the most"
            )
    return ""


def _wilson_low(hits: int, n: int) -> float:
    z, p = 1.959964, hits / n
    middle, spread = p + z * z / (2 * n), z * math.sqrt(p * (1 - p) / n + z * z / (4 * n * n))
    return (middle - spread) / (1 + z * z / n)


@dataclass(frozen=True, slots=True)
class Sample:
    """One request's value of the metric."""

    arm: str
    unit: str
    purpose: str
    value: float


@dataclass(frozen=True, slots=True)
class Compared:
    """One arm beside the first. mean, low, high: of the metric; difference with its confidence sequence. needed: units
    an arm that a fixed test of power POWER would need for a difference as large as this one (0: there is none yet)."""

    arm: str
    units: int
    requests: int
    mean: float
    low: float
    high: float
    difference: float = 0.0
    difference_low: float = -math.inf
    difference_high: float = math.inf
    needed: int = 0

    @property
    def better(self) -> int:
        """1 where the difference is surely above zero, -1 below, 0 while that is open."""
        return (self.difference_low > 0.0) - (self.difference_high < 0.0)


def compared(arms: Sequence[str], samples: Iterable[Sample]) -> list[Compared]:
    """The arms in their order, over the purposes that all of them have seen; the errors of several are shared out."""
    by_arm: dict[str, list[Sample]] = {arm: [] for arm in arms}
    for sample in samples:
        if sample.arm in by_arm:
            by_arm[sample.arm].append(sample)
    counts = {arm: Counter(sample.purpose for sample in held) for arm, held in by_arm.items()}
    common = set.intersection(*map(set, counts.values())) if arms else set()
    shares = {purpose: sum(counts[arm][purpose] for arm in arms) for purpose in common}
    values = {arm: _by_unit([s for s in by_arm[arm] if s.purpose in common], shares) for arm in arms}
    error = ERROR / max(1, len(arms) - 1)
    made = []
    for arm in arms:
        first = values[arms[0]] if arm != arms[0] else []
        made.append(_against(arm, values[arm], first, sum(counts[arm][p] for p in common), error))
    return made


def _by_unit(own: Sequence[Sample], shares: Mapping[str, int]) -> list[float]:
    """One value for each unit; their mean is the arm's, with each purpose weighing as it does over all arms.

    The arm's mean is a ratio of sums over units, so a unit stands for the mean and its share of what deviates from it.
    """
    mine = Counter(sample.purpose for sample in own)
    weights = {purpose: shares[purpose] / count for purpose, count in mine.items()}
    total = sum(shares[purpose] for purpose in mine)
    if not total:
        return []
    mean = sum(weights[sample.purpose] * sample.value for sample in own) / total
    units: dict[str, float] = {}
    for sample in own:
        units[sample.unit] = units.get(sample.unit, 0.0) + weights[sample.purpose] * (sample.value - mean)
    return [mean + deviation * len(units) / total for deviation in units.values()]


def _against(arm: str, own: Sequence[float], first: Sequence[float], requests: int, error: float) -> Compared:
    mean, variance = _moments(own)
    half = _half(variance / len(own), len(own), error) if len(own) >= LEAST else math.inf
    found = Compared(arm, len(own), requests, mean, mean - half, mean + half)
    if len(first) < LEAST or len(own) < LEAST:
        return found
    before, spread = _moments(first)
    difference = mean - before
    half = _half(variance / len(own) + spread / len(first), min(len(own), len(first)), error)
    return Compared(
        arm, len(own), requests, mean, found.low, found.high, difference, difference - half, difference + half,
        _needed(difference, variance, spread, error),
    )  # fmt: skip


def _moments(values: Sequence[float]) -> tuple[float, float]:
    if not values:
        return 0.0, 0.0
    mean = math.fsum(values) / len(values)
    return mean, math.fsum((v - mean) ** 2 for v in values) / max(1, len(values) - 1)


def _half(variance: float, n: int, error: float) -> float:
    """Half the width of the confidence sequence for a mean with this variance, after n units."""
    spent = -2.0 * math.log(error)
    rho = (spent + math.log(spent) + 1.0) / TUNED
    return math.sqrt(variance * (1.0 + 1.0 / (n * rho)) * 2.0 * math.log(math.sqrt(n * rho + 1.0) / error))


def _needed(difference: float, one: float, other: float, error: float) -> int:
    if difference == 0.0:
        return 0
    normal = NormalDist()
    z = normal.inv_cdf(1.0 - error / 2.0) + normal.inv_cdf(POWER)
    return math.ceil((one + other) * (z / difference) ** 2)
