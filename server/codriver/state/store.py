"""The Store port: what the ledger needs from a place that keeps things, and the in-memory one.

`append` and `label` never block and never fail the caller: writes happen behind. Reading is async.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from math import inf
from typing import Protocol

from codriver.model.decision import Attempt, Decision, Outcome
from codriver.model.events import Usage

STANDING = frozenset({"unavailable", "pinned", "tier", "vectors"})
"""Refusals that follow from the settings and the model's name alone: many, and told by both."""


@dataclass(frozen=True, slots=True)
class Reasons:
    """The part of an outcome that is kept as one document: why, what was tried, what was counted.

    Of the refused only those that this request made: STANDING ones are left out.
    """

    decision: Decision
    attempts: tuple[Attempt, ...]
    usage: Usage
    verdicts: tuple[str, ...] = ()
    error: str = ""


@dataclass(frozen=True, slots=True)
class Row:
    """One kept outcome: its numbers, and the reasons behind them."""

    id: str
    at: float
    front: str
    wire: str
    purpose: str
    status: str
    model: str
    cost: float
    seconds: float
    first: float | None
    prompt_tokens: int
    output_tokens: int
    session: str
    workflow: str
    attempts: int
    reasons: Reasons
    label: str = ""
    score: float | None = None
    """What the feedback says as a number: -1 (bad) to 1 (good)."""
    remark: str = ""
    """The person's own words with it."""
    propensity: float = 1.0
    """The chance with which the decision's first candidate came first."""
    arm: str = ""
    """"experiment/arm" it was made in, or ""."""


@dataclass(frozen=True, slots=True)
class Judgement:
    """What one source said of one model's part in an outcome (routing/rewards.py).

    family: the task's. base: the logit that was expected without what outcomes had taught.
    """

    outcome: str
    source: str
    model: str
    word: str
    at: float
    family: str
    base: float
    reward: float
    weight: float


class Store(Protocol):
    """Eleven methods. Implementations pass tests/state/test_store.py."""

    def append(self, outcome: Outcome) -> None:
        """Keeps an outcome; durable soon, not at once."""
        ...

    def label(self, ident: str, word: str, score: float | None = None, remark: str = "") -> None:
        """Adds feedback to a kept outcome: accepted, rejected, ... The last word stays, with its score and remark."""
        ...

    def judge(self, judgement: Judgement) -> None:
        """Keeps a judgement, in place of an earlier one by the same source on the same outcome and model."""
        ...

    async def judgements(self, since: float = 0.0, limit: int = 5000) -> list[Judgement]:
        """Newest first, from this Unix time on."""
        ...

    async def find(self, ident: str) -> Row | None:
        """The outcome with this id, if it is kept."""
        ...

    async def outcomes(self, since: float = 0.0, limit: int = 100, until: float = inf) -> list[Row]:
        """Newest first, from this Unix time on, until before the other."""
        ...

    async def spent(self, since: float) -> float:
        """USD of all outcomes from this Unix time on."""
        ...

    async def get(self, key: str) -> str | None:
        """The value, unless it has expired."""
        ...

    async def put(self, key: str, value: str, ttl: float | None = None) -> None:
        """Keeps a value, for `ttl` seconds when given."""
        ...

    async def add(self, key: str, amount: float, ttl: float | None = None) -> float:
        """Adds to a counter, atomically, and returns the total. A new counter lives `ttl` seconds."""
        ...

    def close(self) -> None:
        """Everything appended so far is durable when this returns."""
        ...


def row(outcome: Outcome) -> Row:
    """What is kept of an outcome: numbers and reasons, never text or code."""
    own = tuple(refused for refused in outcome.decision.refused if refused.why not in STANDING)
    kept = replace(outcome.decision, refused=own)
    return Row(
        id=outcome.id,
        at=outcome.at,
        front=outcome.front,
        wire=outcome.wire,
        purpose=outcome.purpose,
        status=outcome.status,
        model=outcome.model,
        cost=outcome.cost,
        seconds=outcome.seconds,
        first=outcome.first,
        prompt_tokens=outcome.usage.prompt,
        output_tokens=outcome.usage.output,
        session=outcome.session,
        workflow=outcome.workflow,
        attempts=len(outcome.attempts),
        reasons=Reasons(kept, outcome.attempts, outcome.usage, outcome.verdicts, outcome.error),
        propensity=outcome.decision.propensity,
        arm=outcome.decision.arm,
    )


class MemoryStore:
    """The reference: nothing outlives the process. `clock` gives Unix seconds."""

    def __init__(self, clock: Callable[[], float]) -> None:
        self._clock = clock
        self._rows: dict[str, Row] = {}
        self._values: dict[str, tuple[str, float | None]] = {}
        self._judged: dict[tuple[str, str, str], Judgement] = {}

    def append(self, outcome: Outcome) -> None:
        self._rows[outcome.id] = row(outcome)

    def label(self, ident: str, word: str, score: float | None = None, remark: str = "") -> None:
        if ident in self._rows:
            self._rows[ident] = replace(self._rows[ident], label=word, score=score, remark=remark)

    def judge(self, judgement: Judgement) -> None:
        self._judged[judgement.outcome, judgement.source, judgement.model] = judgement

    async def judgements(self, since: float = 0.0, limit: int = 5000) -> list[Judgement]:
        kept = [one for one in self._judged.values() if one.at >= since]
        return sorted(kept, key=lambda one: (-one.at, one.outcome))[:limit]

    async def find(self, ident: str) -> Row | None:
        return self._rows.get(ident)

    async def outcomes(self, since: float = 0.0, limit: int = 100, until: float = inf) -> list[Row]:
        kept = [r for r in self._rows.values() if since <= r.at < until]
        return sorted(kept, key=lambda r: (-r.at, r.id))[:limit]

    async def spent(self, since: float) -> float:
        return sum(row.cost for row in self._rows.values() if row.at >= since)

    async def get(self, key: str) -> str | None:
        value, until = self._values.get(key, ("", 0.0))
        return None if until is not None and until <= self._clock() else value

    async def put(self, key: str, value: str, ttl: float | None = None) -> None:
        self._values[key] = (value, None if ttl is None else self._clock() + ttl)

    async def add(self, key: str, amount: float, ttl: float | None = None) -> float:
        held = await self.get(key)
        if held is None:
            await self.put(key, repr(amount), ttl)
            return amount
        total = float(held) + amount
        self._values[key] = (repr(total), self._values[key][1])
        return total

    def close(self) -> None:
        pass
