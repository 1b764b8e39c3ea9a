"""`experiments`: how the arms of the experiments in the settings compare, and what is still needed to tell."""

from __future__ import annotations

import math
from dataclasses import asdict
from typing import TYPE_CHECKING, Annotated, Any

import typer

from codriver.cli import past
from codriver.cli.terminal import Complaint, dump, table

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from codriver.config.tree import ExperimentTable
    from codriver.routing.experiments import Compared, Sample
    from codriver.state.store import Row

FORMS = {"quality": "{:.3f}", "cost": "${:.5f}", "seconds": "{:.2f} s"}


def experiments(
    name: Annotated[str, typer.Argument(help="One experiment; default: all.")] = "",
    days: Annotated[float, typer.Option(min=0.01, help="How far to look back.")] = 30.0,
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON.")] = False,
) -> None:
    """Compare the arms of your experiments, with intervals that hold however often you look."""
    import os

    from codriver import config
    from codriver.routing.experiments import compared

    defined = config.load(config.where(os.environ), os.environ).experiments
    if name and name not in defined:
        raise Complaint(f"there is no experiment {name!r}; there is {', '.join(defined) or 'none'}", 2)
    if not defined:
        raise Complaint("there is no experiment in the settings; write [experiments.NAME] with two arms", 2)
    rows, judged = past.rows(days)
    rewards = past.rewards(judged)
    pages: dict[str, Any] = {}
    for one in [name] if name else list(defined):
        found = compared(list(defined[one].arms), samples(one, defined[one], rows, rewards))
        pages[one] = _page(defined[one], found)
        if not as_json:
            _show(one, defined[one], found)
    if as_json:
        dump(pages)


def samples(name: str, told: ExperimentTable, rows: Sequence[Row], rewards: Mapping[str, float]) -> list[Sample]:
    """The metric of each request of an experiment; for quality only of those that were judged."""
    from codriver.routing.experiments import Sample

    found = []
    for row in rows:
        experiment, _, arm = row.arm.partition("/")
        value = rewards.get(row.id) if told.metric == "quality" else row.cost if told.metric == "cost" else row.seconds
        if experiment == name and value is not None:
            unit = (row.workflow if told.unit == "workflow" else row.session) or row.id
            found.append(Sample(arm, unit, row.purpose, value))
    return found


def _show(name: str, told: ExperimentTable, found: Sequence[Compared]) -> None:
    form, first = FORMS[told.metric], found[0].arm
    print(f"{name}: {told.metric} by {told.unit}{'' if told.enabled else ', not enabled'}")
    table(
        ("arm", "units", "requests", told.metric, f"against {first}"),
        [
            (
                one.arm, str(one.units), str(one.requests), _span(form, one.mean, one.low, one.high),
                "" if one.arm == first else _span(form, one.difference, one.difference_low, one.difference_high),
            )
            for one in found
        ],
        right=(1, 2),
    )  # fmt: skip
    for one in found[1:]:
        print(f"  {_verdict(told, first, one)}")


def _verdict(told: ExperimentTable, first: str, one: Compared) -> str:
    if one.better:
        good = one.better > 0 if told.metric == "quality" else one.better < 0
        return f"{one.arm} is {'better' if good else 'worse'} than {first}."
    if one.needed > one.units:
        return f"Open. A difference like this takes some {one.needed} units an arm; {one.arm} has {one.units}."
    return f"Open. {one.arm} has {one.units} units."


def _span(form: str, mean: float, low: float, high: float) -> str:
    if math.isinf(high):
        return f"{form.format(mean)} (too few)"
    return f"{form.format(mean)} ({form.format(low)} to {form.format(high)})"


def _page(told: ExperimentTable, found: Sequence[Compared]) -> dict[str, Any]:
    def plain(one: Compared) -> dict[str, Any]:
        values = {key: None if isinstance(v, float) and math.isinf(v) else v for key, v in asdict(one).items()}
        return {**values, "verdict": "" if one is found[0] else _verdict(told, found[0].arm, one)}

    return {"metric": told.metric, "unit": told.unit, "enabled": told.enabled, "arms": [plain(one) for one in found]}
