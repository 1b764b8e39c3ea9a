"""`stats`: what requests cost, what they would have cost on each single model, and what changing models cost."""

from __future__ import annotations

from collections import Counter
from dataclasses import asdict
from typing import TYPE_CHECKING, Annotated, Any

import typer

from codriver.cli import past
from codriver.cli.terminal import dump, table, usd

if TYPE_CHECKING:
    from collections.abc import Sequence

    from codriver.routing.savings import Alone, Billed, Session
    from codriver.state.store import Row

SHOWN = 12
"""Models and sessions in a table."""


def stats(
    days: Annotated[float, typer.Option(min=0.01, help="How far to look back.")] = 30.0,
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON, with all models and sessions.")] = False,
) -> None:
    """Show what was asked and spent, and what each single model would have cost for the same requests."""
    from codriver.routing import savings

    found, judged = past.rows(days)
    models = past.models()
    billed = [_billed(row) for row in found]
    singles, held = savings.alone(billed, models), savings.sessions(billed, models)
    told = past.rewards(judged)
    if as_json:
        dump(_page(days, found, told, singles, held))
        return
    total = sum(row.cost for row in found)
    print(f"{len(found)} requests in {days:g} days for {usd(total)}; {len(told)} were judged.")
    used = Counter(row.model for row in found)
    spent = {model: sum(row.cost for row in found if row.model == model) for model in used}
    quality = {model: [told[row.id] for row in found if row.model == model and row.id in told] for model in used}
    table(
        ("model", "requests", "cost", "judged good"),
        [
            (model, str(n), usd(spent[model]), f"{sum(q) / len(q):.0%} of {len(q)}" if (q := quality[model]) else "-")
            for model, n in used.most_common(SHOWN)
        ],
        right=(1, 2, 3),
    )
    print("\nThe same requests on one model alone:")
    table(
        ("model", "requests", "would cost", "did cost", "saved", "expected quality", "was"),
        [_alone(one) for one in singles[:SHOWN]],
        right=(1, 2, 3, 4, 5, 6),
    )
    switched = [session for session in held if session.switches]
    if held:
        cost = sum(session.switching for session in held)
        print(f"\n{len(held)} sessions; {len(switched)} changed their model, which cost {usd(cost)} in cold caches.")
    if switched:
        table(
            ("session", "requests", "cost", "changes", "changing cost", "models"),
            [
                (s.id[:16], str(s.requests), usd(s.cost), str(s.switches), usd(s.switching), " ".join(s.models))
                for s in switched[:SHOWN]
            ],
            right=(1, 2, 3, 4),
        )


def _billed(row: Row) -> Billed:
    from codriver.routing.savings import Billed

    expected = {candidate.model: candidate.quality for candidate in row.reasons.decision.candidates}
    return Billed(row.at, row.session, row.model, row.reasons.usage, row.cost, expected)


def _alone(one: Alone) -> tuple[str, ...]:
    saved = one.cost - one.was
    share = f" ({saved / one.cost:.0%})" if one.cost > 0 else ""
    sign = "-" if saved < 0 else ""
    told = (one.model, str(one.requests), usd(one.cost), usd(one.was), f"{sign}{usd(abs(saved))}{share}")
    return (*told, f"{one.quality:.2f}", f"{one.quality_was:.2f}")


def _page(
    days: float, found: Sequence[Row], told: Any, singles: Sequence[Alone], held: Sequence[Session]
) -> dict[str, Any]:
    return {
        "days": days,
        "requests": len(found),
        "cost_usd": sum(row.cost for row in found),
        "judged": len(told),
        "alone": [asdict(one) | {"saved": one.cost - one.was} for one in singles],
        "sessions": [asdict(one) for one in held],
        "switching_usd": sum(one.switching for one in held),
    }
