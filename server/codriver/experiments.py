"""Experiments under way: which requests take part, what each arm has done, and which arms are stopped."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence

from codriver.model.decision import Outcome
from codriver.model.request import Request
from codriver.routing.experiments import Arm, Experiment, Tally, assigned, stopped
from codriver.state.store import Store
from codriver.wire import addition

FAILED = frozenset({"failed", "broken", "unroutable"})
"""Statuses that count as failures of an arm; a caller who leaves is none."""

LOOKED_BACK, MOST = 30 * 86_400.0, 20_000
"""Seconds and outcomes read at the start."""


class Experiments:
    """`defined` gives the experiments that hold now; `user` stands for who works here, for those by user."""

    def __init__(self, defined: Callable[[], Sequence[Experiment]], user: str = "") -> None:
        self._defined, self._user = defined, user
        self._tallies: dict[str, dict[str, Tally]] = {}

    async def recover(self, store: Store, now: float | None = None) -> None:
        """Counts what was done before the restart, where there are experiments at all. Raises StoreError."""
        if not self._defined():
            return
        since = (time.time() if now is None else now) - LOOKED_BACK
        for row in await store.outcomes(since, MOST):
            self._count(row.arm, row.status, row.cost)

    def part(self, request: Request) -> tuple[Experiment, Arm, str] | None:
        """The first experiment this request takes part in, its arm, and a sentence for the reasons."""
        for experiment in self._defined():
            if experiment.purposes and request.purpose not in experiment.purposes:
                continue
            if not _comparable(experiment, request):
                continue
            arm = assigned(experiment, self._unit(experiment, request))
            if arm is None:
                continue
            why = stopped(experiment, self._tallies.get(experiment.name, {}), arm.name)
            if why:
                first = experiment.arms[0]
                return experiment, first, f"experiment {experiment.name}: {arm.name} is stopped ({why}): {first.name}"
            return experiment, arm, f"experiment {experiment.name}: {arm.name}"
        return None

    def standing(self) -> list[tuple[Experiment, list[tuple[Arm, Tally, str]]]]:
        """Each experiment with what its arms have done, and why an arm is stopped ("" while it is not)."""
        found = []
        for experiment in self._defined():
            tallies = self._tallies.get(experiment.name, {})
            arms = [
                (arm, tallies.get(arm.name, Tally()), stopped(experiment, tallies, arm.name)) for arm in experiment.arms
            ]
            found.append((experiment, arms))
        return found

    @staticmethod
    def worded(request: Request, arm: Arm) -> Request | None:
        """The request as the arm words it; None where that is not possible."""
        made: Request | None = request
        if arm.prompt:
            made = addition.instead(request, arm.prompt)
        return addition.added(made, arm.system) if made is not None and arm.system else made

    def ended(self, outcome: Outcome) -> None:
        """A request is over."""
        if outcome.decision.arm:
            self._count(outcome.decision.arm, outcome.status, outcome.cost)

    def _count(self, arm: str, status: str, cost: float) -> None:
        name, _, own = arm.partition("/")
        if own:
            tally = self._tallies.setdefault(name, {}).setdefault(own, Tally())
            tally.n += 1
            tally.failed += status in FAILED
            tally.cost += cost

    def _unit(self, experiment: Experiment, request: Request) -> str:
        if experiment.unit == "user":
            return self._user
        held = request.workflow if experiment.unit == "workflow" else request.session
        return held or request.id


def _comparable(experiment: Experiment, request: Request) -> bool:
    """Whether every arm could word this request: else one arm would have other requests than the others."""
    if experiment.adds and not addition.carries(request):
        return False
    return not experiment.replaces or addition.ours(request)
