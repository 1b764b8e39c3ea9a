"""Who shall answer and why, what was tried, and what came of it."""

from __future__ import annotations

from dataclasses import field

from codriver.errors import Failure
from codriver.model.events import Usage
from codriver.model.features import Features
from codriver.model.value import value


@value(frozen=True, slots=True)
class Candidate:
    """One model that may answer. quality 0..1, cost in USD, latency in seconds, all expected.

    wire: the wire it will be spoken to in. score: the strategy's utility; higher is better.
    """

    model: str
    wire: str
    quality: float
    cost: float
    latency: float
    score: float = 0.0
    reason: str = ""
    learned: float = 0.0
    """How many of quality's logits come from outcomes (routing/posterior.py)."""
    effort: str = ""
    """How much it shall think, where we say so and not the caller (routing/harder.py)."""

    def scored(self, score: float) -> Candidate:
        """The same candidate with its utility."""
        return Candidate(
            self.model, self.wire, self.quality, self.cost, self.latency, score, self.reason, self.learned, self.effort
        )


@value(frozen=True, slots=True)
class Refusal:
    """One model that may not answer: a stable word and a sentence."""

    model: str
    why: str
    text: str


@value(frozen=True, slots=True)
class Decision:
    """Ordered candidates with the reasons for each kept and each refused.

    hold: "first" shows the answer from its first content on; "whole" gathers and verifies it.
    propensity: the chance with which the first candidate came first. arm: "experiment/arm" it was made in, or "".
    """

    id: str
    strategy: str
    candidates: tuple[Candidate, ...]
    refused: tuple[Refusal, ...] = ()
    reasons: tuple[str, ...] = ()
    features: Features = Features()
    hold: str = "first"
    propensity: float = 1.0
    arm: str = ""


@value(frozen=True, slots=True)
class Attempt:
    """One upstream call. Times are seconds from the request's start; failure None means it answered."""

    model: str
    wire: str
    started: float
    first: float | None = None
    ended: float | None = None
    failure: Failure | None = None


@value(frozen=True, slots=True)
class Outcome:
    """The record of a finished request. status: ok, failed, cancelled, broken, refused, unroutable.

    at: Unix time of the start. seconds and first: whole duration and time to first content.
    cost: USD as billed (by usage), model: who answered, "" if nobody did.
    """

    id: str
    at: float
    front: str
    wire: str
    purpose: str
    status: str
    decision: Decision
    attempts: tuple[Attempt, ...] = ()
    model: str = ""
    usage: Usage = Usage()
    cost: float = 0.0
    seconds: float = 0.0
    first: float | None = None
    session: str = ""
    workflow: str = ""
    verdicts: tuple[str, ...] = ()
    error: str = ""


@value(frozen=True, slots=True)
class Warm:
    """A prompt cache that a session left behind: the model, tokens in it, and since when (Unix time)."""

    model: str
    tokens: int
    at: float


@value(frozen=True, slots=True)
class Pin:
    """What a session has warm: the model, prompt tokens in its cache, and since when (Unix time).

    calls: answers so far. growth and output: tokens by which a prompt is longer than what was warm, and of an
    answer, both running means. left: caches of models it left, the newest first.
    """

    model: str
    tokens: int
    at: float
    calls: int = 1
    growth: float = 0.0
    output: float = 0.0
    switches: int = 0
    left: tuple[Warm, ...] = ()


@value(frozen=True, slots=True)
class Latency:
    """What was measured of a model: seconds to first content and output tokens per second (None: not yet), both
    medians of the last answers, how many answers there were, and the 95th percentile of the seconds."""

    first: float
    speed: float | None
    n: int
    p95: float = 0.0


@value(frozen=True, slots=True)
class Length:
    """How long a model's answers to one task family are: times what estimate.output_tokens supposes, running mean."""

    ratio: float
    n: int


@value(frozen=True, slots=True)
class Belief:
    """How far a model is from the ability its public scores promise: mean and variance of the offset, in logits."""

    mean: float
    variance: float


@value(frozen=True, slots=True)
class Rest:
    """A model or provider left alone until a Unix time, and the failure that caused it."""

    until: float
    failure: Failure


@value(frozen=True, slots=True)
class View:
    """What the ledger knows now, read-only: the only moving input of a decision.

    now: Unix time. cooling: by model key or provider name. spent_today: USD, with what running
    requests are expected to cost. midnight: when today's budget ends, Unix time.
    """

    now: float = 0.0
    cooling: dict[str, Rest] = field(default_factory=dict)
    pins: dict[str, Pin] = field(default_factory=dict)
    latency: dict[str, Latency] = field(default_factory=dict)
    spent_today: float = 0.0
    midnight: float = 0.0
    abilities: dict[str, dict[str, Belief]] = field(default_factory=dict)
    """What outcomes taught, by task family and model; the family "" serves where a family has no entry."""
    troubles: dict[str, str] = field(default_factory=dict)
    """Sessions whose own signals say that they go wrong, with what they say."""
    lengths: dict[str, dict[str, Length]] = field(default_factory=dict)
    """How long answers are, by task family and model."""
    spent_by: dict[str, float] = field(default_factory=dict)
    """USD by "session:<key>" and "workflow:<name>": since it began, and today."""
    reserved_by: dict[str, float] = field(default_factory=dict)
    """By the same names: USD that their running requests are expected to cost, where there are such budgets."""

    def paid_by(self, name: str) -> float:
        """USD that a session or workflow has spent or is about to spend."""
        return self.spent_by.get(name, 0.0) + self.reserved_by.get(name, 0.0)
