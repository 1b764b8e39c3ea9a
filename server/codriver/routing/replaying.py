"""What another choice would have cost and gained, estimated from decisions that were really made.

Each kept decision has its candidates with what was expected of them, and the true chance of the one that came first.
Inverse propensity weighs the outcomes at which the other policy would have done the same; doubly robust corrects what
the expectations say about all requests by what those outcomes show (Dudik, Langford and Li 2011). Requests of one
session are resampled together. What is left out: another model would have led the session elsewhere.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from random import Random

from codriver.model.decision import Candidate
from codriver.routing import strategies
from codriver.routing.decide import ORDINARY_TASTE, TASTES
from codriver.routing.strategies import Taste

LEAST_CHANCE = 0.002
"""Chances are taken as no smaller: one outcome never stands for more than 500."""

ENOUGH = 30
"""Judged outcomes by which an estimate must be borne at least (`Replay.effective`): with less of them it rests on
expectations, and its interval is too narrow."""

RESAMPLES = 400
LEVEL = 0.95


@dataclass(frozen=True, slots=True)
class Logged:
    """One kept decision and what came of it. candidates: the first one was asked. follows: a request within a tool
    loop, which goes where its turn went. reward: 0..1, None where nobody judged; cost: USD as billed."""

    session: str
    family: str
    candidates: tuple[Candidate, ...]
    propensity: float
    cost: float
    reward: float | None = None
    follows: bool = False


Choose = Callable[[Logged], str]
"""The model another policy would have asked; "" when it has none."""


@dataclass(frozen=True, slots=True)
class Estimate:
    """A mean with its interval (95%, bootstrap by session); None where no outcome says anything."""

    mean: float
    low: float
    high: float


@dataclass(frozen=True, slots=True)
class Replay:
    """Means per request. requests: how many were replayed; judged: of those with a reward; same: where the other
    policy does what was done; unanswered: left out, because it has no model for them; effective: how many judged
    outcomes the weighted ones are worth."""

    requests: int
    judged: int
    same: int
    unanswered: int
    effective: float
    quality: Estimate | None
    cost: Estimate | None
    quality_ips: Estimate | None
    cost_ips: Estimate | None
    quality_dr: Estimate | None
    cost_dr: Estimate | None
    gained: Estimate | None
    """Quality by doubly robust, minus what was."""
    saved: Estimate | None
    """USD a request by doubly robust: what was, minus what would have been."""


def chooser(strategy: str, floor: float, models: frozenset[str] = frozenset(), tenth: float = 0.0) -> Choose:
    """The policy of a strategy with this floor, among these models (none named: all). Raises LookupError.

    tenth: USD that a tenth more quality is worth, whatever the task; 0 leaves that to the task, as in `decide.Wish`.
    """
    found = strategies.find(strategy)

    def choose(logged: Logged) -> str:
        kept = [c for c in logged.candidates if not models or c.model in models]
        value, wait = TASTES.get(logged.family, ORDINARY_TASTE)
        return found.rank(kept, Taste(10 * tenth or value, wait, floor))[0].model if kept else ""

    return choose


def replayed(log: Iterable[Logged], choose: Choose, random: Random) -> Replay:
    """The estimates. log: in the order of time."""
    terms, same, unanswered = _terms(list(log), choose)
    resamples = _resamples(terms, random)
    weights = [t.weight for t in terms if t.reward is not None]
    squares = sum(w * w for w in weights)

    def estimate(of: Callable[[_Sums], float | None]) -> Estimate | None:
        mean = of(_total(terms))
        values = sorted(v for v in map(of, resamples) if v is not None)
        if mean is None or len(values) < RESAMPLES / 2:
            return None
        cut = (1.0 - LEVEL) / 2.0
        return Estimate(
            mean, values[int(cut * len(values))], values[min(len(values) - 1, int((1 - cut) * len(values)))]
        )

    return Replay(
        requests=len(terms),
        judged=len(weights),
        same=same,
        unanswered=unanswered,
        effective=sum(weights) ** 2 / squares if squares else 0.0,
        quality=estimate(lambda s: s.over(s.reward, s.judged)),
        cost=estimate(lambda s: s.over(s.cost, s.n)),
        quality_ips=estimate(lambda s: s.over(s.weighted_reward, s.judged_weight)),
        cost_ips=estimate(lambda s: s.over(s.weighted_cost, s.weight)),
        quality_dr=estimate(lambda s: s.over(s.robust_reward, s.judged)),
        cost_dr=estimate(lambda s: s.over(s.robust_cost, s.n)),
        gained=estimate(lambda s: s.over(s.robust_reward - s.reward, s.judged)),
        saved=estimate(lambda s: s.over(s.cost - s.robust_cost, s.n)),
    )


@dataclass(frozen=True, slots=True)
class _Term:
    """One request: weight 1/chance where the policies agree, else 0."""

    session: str
    weight: float
    cost: float
    robust_cost: float
    reward: float | None
    robust_reward: float


@dataclass(slots=True)
class _Sums:
    """Of the terms of one session, or of many."""

    n: float = 0.0
    cost: float = 0.0
    robust_cost: float = 0.0
    weight: float = 0.0
    weighted_cost: float = 0.0
    judged: float = 0.0
    reward: float = 0.0
    robust_reward: float = 0.0
    judged_weight: float = 0.0
    weighted_reward: float = 0.0

    @staticmethod
    def over(sum: float, count: float) -> float | None:
        return sum / count if count > 0.0 else None

    def add(self, term: _Term) -> None:
        self.n += 1.0
        self.cost += term.cost
        self.robust_cost += term.robust_cost
        self.weight += term.weight
        self.weighted_cost += term.weight * term.cost
        if term.reward is not None:
            self.judged += 1.0
            self.reward += term.reward
            self.robust_reward += term.robust_reward
            self.judged_weight += term.weight
            self.weighted_reward += term.weight * term.reward

    def values(self) -> tuple[float, ...]:
        return tuple(getattr(self, name) for name in _Sums.__slots__)


def _terms(log: Sequence[Logged], choose: Choose) -> tuple[list[_Term], int, int]:
    ratios, ordinary = _ratios(log)
    turns: dict[str, tuple[str, float]] = {}  # what the policy chose for a session's turn, and the chance of what was
    terms: list[_Term] = []
    same = unanswered = 0
    for number, one in enumerate(log):
        before = turns.get(one.session) if one.follows and one.session else None
        names = {candidate.model for candidate in one.candidates}
        wanted, chance = before if before is not None and before[0] in names else (choose(one), one.propensity)
        if not one.follows and one.session:
            turns[one.session] = wanted, chance
        if not wanted or not one.candidates:
            unanswered += 1
            continue
        done, other = one.candidates[0], next(c for c in one.candidates if c.model == wanted)
        agrees = done.model == wanted
        same += agrees
        weight = 1.0 / max(chance, LEAST_CHANCE) if agrees else 0.0
        billed = {c.model: c.cost * ratios.get(c.model, ordinary) for c in (done, other)}
        terms.append(
            _Term(
                one.session or f"#{number}",
                weight,
                one.cost,
                billed[other.model] + weight * (one.cost - billed[done.model]),
                one.reward,
                other.quality + weight * (one.reward - done.quality) if one.reward is not None else 0.0,
            )
        )
    return terms, same, unanswered


def _ratios(log: Sequence[Logged]) -> tuple[dict[str, float], float]:
    """How much dearer each model was than expected, and all together (where a model was asked less than ten times)."""
    sums: dict[str, tuple[int, float, float]] = {}
    for one in log:
        if one.candidates:
            n, billed, expected = sums.get(one.candidates[0].model, (0, 0.0, 0.0))
            sums[one.candidates[0].model] = n + 1, billed + one.cost, expected + one.candidates[0].cost
    told = {model: billed / expected for model, (n, billed, expected) in sums.items() if n >= 10 and expected > 0.0}
    expected = sum(e for _, _, e in sums.values())
    return told, sum(b for _, b, _ in sums.values()) / expected if expected > 0.0 else 1.0


def _total(terms: Iterable[_Term]) -> _Sums:
    total = _Sums()
    for term in terms:
        total.add(term)
    return total


def _resamples(terms: Sequence[_Term], random: Random) -> list[_Sums]:
    """Sums over sessions drawn with replacement."""
    by_session: dict[str, _Sums] = {}
    for term in terms:
        by_session.setdefault(term.session, _Sums()).add(term)
    sessions = [sums.values() for sums in by_session.values()]
    if not sessions:
        return []
    drawn = (random.choices(sessions, k=len(sessions)) for _ in range(RESAMPLES))
    return [_Sums(*map(sum, zip(*draw, strict=True))) for draw in drawn]
