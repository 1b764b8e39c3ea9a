"""What the last days cost, saved and brought, for whoever looks: sums by day, and the latest decisions.

Nothing is kept until somebody looks. Then the days are read from the store, a few rows at a time, today first, and new
outcomes are folded in at each look; when nobody has looked for a while all of it is forgotten again.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
import time
from collections import Counter, OrderedDict, deque
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta

from codriver.errors import StoreError
from codriver.model.decision import Outcome
from codriver.model.provider import Model
from codriver.model.request import Purpose
from codriver.routing.savings import Billed, Singles, Warmth
from codriver.state.store import Row, Store, row

log = logging.getLogger("codriver.overview")

DAYS = 31
"""Days that are told of, today among them."""

FORGOTTEN = 600.0
"""Seconds without a look after which everything is forgotten."""

HOURS, PAGE, SLICE = 4, 100, 4
"""Hours and rows read from the store at once, and rows folded before others get their turn (some 0.1 ms each)."""

SECOND = 100_000
"""Rows of one second that are read at the most: more than anybody answers."""

WAITING = 500
"""Outcomes that may wait for a look; beyond that each new one folds the oldest."""

RECENT, COMPLETIONS = 60, 20
"""Decisions shown: the latest of requests, and of completions apart, which would crowd out the others."""

WORDS = 20_000
"""Completions whose feedback is followed, the newest."""

FAILED = frozenset({"failed", "broken", "unroutable"})
"""Statuses that are failures; a caller who leaves is none."""


@dataclass(slots=True)
class Used:
    """What one model did in a day. failures: upstream calls of it that failed, whoever answered in the end."""

    requests: int = 0
    cost: float = 0.0
    failures: int = 0


@dataclass(slots=True)
class Day:
    """One day's sums. date: ISO, local. cost: USD; words: completions by the last thing said of them ("" nothing)."""

    date: str
    requests: int = 0
    failed: int = 0
    cost: float = 0.0
    prompt: int = 0
    cached: int = 0
    output: int = 0
    models: dict[str, Used] = field(default_factory=dict)
    purposes: Counter[str] = field(default_factory=Counter)
    words: Counter[str] = field(default_factory=Counter)
    singles: Singles = field(default_factory=Singles)
    warmth: Warmth = field(default_factory=Warmth)

    @property
    def saved(self) -> float:
        """USD that the model of the best expected quality, had it answered alone, would have cost beyond what was."""
        best = max(self.singles.rows(), key=lambda one: one.quality, default=None)
        return best.cost - best.was if best is not None else 0.0

    def fold(self, one: Row, models: Mapping[str, Model]) -> None:
        """Takes an outcome of this day."""
        reasons = one.reasons
        self.requests += 1
        self.failed += one.status in FAILED
        self.cost += one.cost
        self.purposes[one.purpose] += 1
        self.prompt += reasons.usage.prompt
        self.cached += reasons.usage.cached
        self.output += reasons.usage.output
        if one.model:
            used = self.models.setdefault(one.model, Used())
            used.requests += 1
            used.cost += one.cost
        for attempt in reasons.attempts:
            if attempt.failure is not None:
                self.models.setdefault(attempt.model, Used()).failures += 1
        if one.purpose == Purpose.COMPLETE:
            self.words[one.label] += 1
        if one.model and reasons.decision.strategy != "local":
            expected = {candidate.model: candidate.quality for candidate in reasons.decision.candidates}
            cost = one.cost
            if not cost and (model := models.get(one.model)) is not None:
                cost = model.price_at(one.at).cost(reasons.usage)  # simulated: beside prices, only prices say anything
            billed = Billed(one.at, one.session, one.model, reasons.usage, cost, expected)
            self.singles.add(billed, self.warmth.usage(billed), models)


class Overview:
    """Sums by day. `models` gives what models cost now, by key; `clock` Unix seconds; `settle` has outcomes that are
    owed told of."""

    def __init__(
        self,
        store: Store,
        models: Callable[[], Mapping[str, Model]],
        clock: Callable[[], float] = time.time,
        settle: Callable[[], None] = lambda: None,
    ) -> None:
        self._settle = settle
        self._store, self._models, self._clock = store, models, clock
        self._reading: asyncio.Task[None] | None = None  # of the days before today
        self._looking = asyncio.Lock()
        self._forget()

    def _forget(self) -> None:
        self._watched = self._catching_up = self._gaps = False
        self._looked = 0.0
        self._days: dict[str, Day] = {}
        self._fresh: deque[Outcome] = deque()
        self._live: set[str] = set()  # heard while the store is being read: not to be counted twice
        self._said: OrderedDict[str, tuple[Day, str]] = OrderedDict()
        self._recent: deque[Row] = deque(maxlen=RECENT)
        self._completed: deque[Row] = deque(maxlen=COMPLETIONS)
        self._models_then: Mapping[str, Model] = {}
        if self._reading is not None:
            self._reading.cancel()
        self._reading = None

    # What happens meanwhile.

    def heard(self, outcome: Outcome) -> None:
        """A request is over. While nobody looks this is a glance and no more."""
        if self._watched:
            self._fresh.append(outcome)
            if len(self._fresh) > WAITING and self._clock() - self._looked > FORGOTTEN:
                self._forget()
            elif len(self._fresh) > WAITING:
                self._fold_live(self._fresh.popleft())

    def told(self, ident: str, word: str) -> None:
        """Somebody said what became of an outcome."""
        if not self._watched:
            return
        self._fold_fresh()
        found = self._said.get(ident)
        if found is not None:
            day, before = found
            day.words[before] -= 1
            day.words[word] += 1
            self._said[ident] = (day, word)

    # Looking.

    @property
    def complete(self) -> bool:
        """Whether all days were read."""
        return self._watched and not (self._catching_up or self._gaps)

    async def look(self) -> list[Day]:
        """The days as far as they are read, the oldest first; today always is. Raises StoreError."""
        async with self._looking:
            self._settle()
            now = self._clock()
            if self._watched and (now - self._looked > FORGOTTEN or self._gaps):
                self._forget()  # whom the store failed tries again
            self._looked = now
            if not self._watched:
                await self._begin(_today(now))
            self._fold_fresh()
            self._days.setdefault(_name(now), Day(_name(now)))
            first = (_today(now) - timedelta(days=DAYS - 1)).isoformat()
            for name in [name for name in self._days if name < first]:
                del self._days[name]
            return [self._days[name] for name in sorted(self._days)]

    async def _begin(self, today: date) -> None:
        self._watched = self._catching_up = True
        self._models_then = self._models()
        try:
            await self._read(today)
        except BaseException:  # also when whoever looks leaves: half a day is no sum
            self._forget()
            raise
        self._reading = asyncio.create_task(self._earlier(today), name="overview")

    def recent(self) -> list[Row]:
        """The latest outcomes, the newest first."""
        return sorted((*self._recent, *self._completed), key=lambda one: -one.at)

    async def close(self) -> None:
        """Ends the reading, if there is one."""
        reading = self._reading
        self._forget()
        if reading is not None:
            with contextlib.suppress(asyncio.CancelledError):
                await reading

    def _fold_fresh(self) -> None:
        if self._fresh:
            self._models_then = self._models()
        while self._fresh:
            self._fold_live(self._fresh.popleft())

    def _fold_live(self, outcome: Outcome) -> None:
        if self._catching_up:
            self._live.add(outcome.id)
        self._fold(row(outcome))

    def _fold(self, one: Row) -> None:
        name = _name(one.at)
        day = self._days.get(name)
        if day is None:
            day = self._days[name] = Day(name)
        day.fold(one, self._models_then)
        if one.purpose == Purpose.COMPLETE:
            self._follow(one, day)
        latest = self._completed if one.purpose == Purpose.COMPLETE else self._recent
        latest.append(one)

    async def _earlier(self, today: date) -> None:
        """The days before today, one after the other, in the background."""
        try:
            for back in range(1, DAYS):
                await self._read(today - timedelta(days=back))
        except StoreError as error:
            log.warning("the days before today could not be read: %s", error)
            self._gaps = True
        finally:
            if self._reading is asyncio.current_task():
                self._catching_up, self._reading = False, None
                self._live.clear()

    async def _read(self, day: date) -> None:
        """Folds one day's rows, the oldest first."""
        begin, end = _start(day), _start(day + timedelta(days=1))
        self._days.setdefault(day.isoformat(), Day(day.isoformat()))
        span = HOURS * 3600.0
        while begin < end:
            await self._window(begin, min(begin + span, end), day.isoformat())
            begin += span

    async def _window(self, begin: float, end: float, name: str) -> None:
        """The rows of a part of a day; where there are many, in halves, and a second's all at once."""
        second = end - begin <= 1.0
        rows = await self._store.outcomes(begin, SECOND if second else PAGE, end)
        if len(rows) == PAGE and not second:
            middle = (begin + end) / 2
            await self._window(begin, middle, name)
            await self._window(middle, end, name)
            return
        known = {outcome.id for outcome in self._fresh} | self._live
        rows = [one for one in reversed(rows) if one.id not in known]
        day = self._days[name]
        for number, one in enumerate(rows):
            day.fold(one, self._models_then)
            if one.purpose == Purpose.COMPLETE and len(self._said) < WORDS:
                self._follow(one, day)
            if number % SLICE == SLICE - 1:
                await asyncio.sleep(0)  # answers under way go on
        self._shown(rows)

    def _shown(self, rows: Sequence[Row]) -> None:
        """Of these, the latest join those that are shown."""
        for latest, completions in ((self._recent, False), (self._completed, True)):
            mine = [one for one in rows if (one.purpose == Purpose.COMPLETE) is completions]
            if mine:
                both = sorted((*latest, *mine), key=lambda one: one.at)
                latest.clear()
                latest.extend(both)

    def _follow(self, one: Row, day: Day) -> None:
        self._said[one.id] = (day, one.label)
        if len(self._said) > WORDS:
            self._said.popitem(last=False)


def merged(days: Iterable[Day], name: str = "") -> Day:
    """Several days as one."""
    total = Day(name)
    for day in days:
        total.requests += day.requests
        total.failed += day.failed
        total.cost += day.cost
        total.prompt += day.prompt
        total.cached += day.cached
        total.output += day.output
        total.purposes.update(day.purposes)
        total.words.update(day.words)
        total.singles.include(day.singles)
        for key, used in day.models.items():
            held = total.models.setdefault(key, Used())
            held.requests += used.requests
            held.cost += used.cost
            held.failures += used.failures
    return total


def _today(now: float) -> date:
    return datetime.fromtimestamp(now).date()


def _name(at: float) -> str:
    return datetime.fromtimestamp(at).date().isoformat()


def _start(day: date) -> float:
    """The day's local midnight, Unix time."""
    return datetime(day.year, day.month, day.day).timestamp()
