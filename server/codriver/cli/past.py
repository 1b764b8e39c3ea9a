"""The own ledger, read for reports: outcomes and judgements of the last days, and what models cost."""

from __future__ import annotations

import os
import time
from typing import TYPE_CHECKING

from codriver.cli import client
from codriver.cli.terminal import Complaint

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from codriver.model.provider import Model
    from codriver.routing.replaying import Estimate, Logged
    from codriver.state.store import Judgement, Row

MOST = 200_000
"""Outcomes read, the newest."""

EMPTY = "nothing is recorded in the last {days:g} days; requests through `codriver serve` are"


def rows(days: float) -> tuple[list[Row], list[Judgement]]:
    """Answered outcomes in the order of time, and judgements. Raises Complaint when there are none."""
    import asyncio

    from codriver.state.sqlite import SqliteStore

    path = client.paths().ledger
    if not path.exists():
        raise Complaint(EMPTY.format(days=days))
    store = SqliteStore(path, time.time)
    since = time.time() - days * 86_400

    async def read() -> tuple[list[Row], list[Judgement]]:
        return await store.outcomes(since, MOST), await store.judgements(since, MOST)

    try:
        found, judged = asyncio.run(read())
    finally:
        store.close()
    answered = [row for row in reversed(found) if row.model and row.reasons.decision.strategy != "local"]
    if not answered:
        raise Complaint(EMPTY.format(days=days))
    return answered, judged


def rewards(judged: Sequence[Judgement]) -> Mapping[str, float]:
    """The reward of each judged outcome: its judges' words, by their weight."""
    sums: dict[str, tuple[float, float]] = {}
    for one in judged:
        total, weight = sums.get(one.outcome, (0.0, 0.0))
        sums[one.outcome] = total + one.weight * one.reward, weight + one.weight
    return {outcome: total / weight for outcome, (total, weight) in sums.items() if weight > 0.0}


def log(days: float) -> list[Logged]:
    """The same as decisions that can be replayed."""
    from codriver.model.request import Purpose
    from codriver.routing.replaying import Logged

    found, judged = rows(days)
    told = rewards(judged)
    return [
        Logged(
            row.session,
            row.reasons.decision.features.task,
            row.reasons.decision.candidates,
            row.propensity,
            row.cost,
            told.get(row.id),
            follows=row.purpose == Purpose.TOOL_RESULT,
        )
        for row in found
        if row.reasons.decision.candidates
    ]


def models() -> dict[str, Model]:
    """Every model of the catalog by its key. Raises ConfigError."""
    from codriver import catalog, config

    file = config.where(os.environ)
    where = client.paths()
    loaded = catalog.load(
        config.load(file, os.environ),
        config_file=str(file),
        environ=os.environ,
        fetched=where.prices,
        cache=where.parsed,
    )
    return {model.key: model for provider in loaded.providers.values() for model in provider.models}


def span(estimate: Estimate | None, form: str = "{:.3f}") -> str:
    """0.812 (0.790 to 0.833), or a dash."""
    if estimate is None:
        return "-"
    return f"{form.format(estimate.mean)} ({form.format(estimate.low)} to {form.format(estimate.high)})"
