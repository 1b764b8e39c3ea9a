"""`replay`: what another strategy, floor or set of models would have cost and gained, by the own ledger."""

from __future__ import annotations

import os
from dataclasses import asdict
from random import Random
from typing import TYPE_CHECKING, Annotated

import typer

from codriver.cli import past
from codriver.cli.terminal import Complaint, dump, table

if TYPE_CHECKING:
    from codriver.routing.replaying import Replay

USD = "${:.5f}"


def replay(
    strategy: Annotated[str, typer.Option(help="The strategy to try; default: the one that is set.")] = "",
    floor: Annotated[float | None, typer.Option(min=0, max=1, help="The quality floor; default: as set.")] = None,
    tenth: Annotated[
        float | None, typer.Option(min=0, help="USD that a tenth more quality is worth; default: as set, 0: by task.")
    ] = None,
    models: Annotated[str, typer.Option(help="Only these models, with commas: provider/model,...")] = "",
    days: Annotated[float, typer.Option(min=0.01, help="How far to look back.")] = 30.0,
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON.")] = False,
) -> None:
    """Estimate from your own requests what another way to choose would have cost and gained."""
    from codriver import config
    from codriver.routing.replaying import chooser, replayed

    routing = config.load(config.where(os.environ), os.environ).routing
    name, least = strategy or routing.strategy, routing.floor if floor is None else floor
    worth = routing.tenth_usd if tenth is None else tenth
    wanted = frozenset(part.strip() for part in models.split(",") if part.strip())
    try:
        choose = chooser(name, least, wanted, worth)
    except LookupError as unknown:
        raise Complaint(str(unknown), 2) from None
    log = past.log(days)
    known = {candidate.model for one in log for candidate in one.candidates}
    if wanted - known:
        raise Complaint(f"never a candidate in these days: {', '.join(sorted(wanted - known))}", 2)
    found = replayed(log, choose, Random(0))  # noqa: S311 (resampling; the same figures each time)
    if as_json:
        policy = {"strategy": name, "floor": least, "tenth_usd": worth, "models": sorted(wanted)}
        dump({**policy, "days": days, **asdict(found)})
        return
    tried = f"{name}, floor {least:g}" + (f", a tenth more quality for ${worth:g}" if worth else "")
    print(f"{found.requests} requests of {days:g} days, {found.judged} of them judged; {tried}.")
    _show(found)


def _show(found: Replay) -> None:
    from codriver.routing.replaying import ENOUGH

    print(f"It would have done the same {found.same} times.")
    if found.unanswered:
        print(f"{found.unanswered} more had none of these models as a candidate.")
    table(
        ("per request", "was", "doubly robust", "inverse propensity"),
        [
            ("quality", *map(past.span, (found.quality, found.quality_dr, found.quality_ips))),
            ("cost", *(past.span(one, USD) for one in (found.cost, found.cost_dr, found.cost_ips))),
            ("gained quality", "", past.span(found.gained, "{:+.3f}"), ""),
            ("saved", "", past.span(found.saved, USD), ""),
        ],
    )
    print("Means with 95% intervals, resampled by session.")
    if found.effective < ENOUGH:
        print(
            f"Only {found.effective:.0f} judged requests bear on it: quality is mostly what is expected of the models, "
            "and its interval is too narrow. Feedback (`POST /v1/feedback`) and trials (learning.explore) make it firm."
        )
