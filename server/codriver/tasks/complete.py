"""Inline completion: gate, typed along, local predictor, model; then silence or one that parses.

The steps live beside: `gate` (when not to speak), `following` (what is known of the buffer's last changes and
suggestions), `syntax/predictor`, `flights` (what is being said already), `suggestion` (what fits a place), `hole` (what
models are sent), `listening` (what they say), `next_edit`.
"""

from __future__ import annotations

import asyncio
import logging
import time
from collections import Counter
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from codriver.analyst import path_of
from codriver.errors import CodriverError, Unroutable
from codriver.model.ids import new_id
from codriver.model.request import Purpose, Request, Snapshot
from codriver.router import PREDICTOR
from codriver.sources import walking
from codriver.syntax import predictor
from codriver.tasks import alongside, gate, hole, listening, next_edit
from codriver.tasks.changes import Change
from codriver.tasks.flights import Flights
from codriver.tasks.following import Following
from codriver.tasks.listening import FRONT
from codriver.tasks.next_edit import NextEdit
from codriver.tasks.suggestion import Picked, Site, Suggestion, picked_back, site, with_picked
from codriver.tasks.watch import Doing, Watch

if TYPE_CHECKING:
    from codriver.analyst import Analyst
    from codriver.config import Settings
    from codriver.router import Router

OTHERS = 8
"""Open buffers the local predictor learns from."""

ROUNDS = 4
"""Rounds of the loop between two slices of reading."""

OFFLINE = 0.5
"""With no model to ask, so much of the usual confidence is enough for the local predictor."""

NEXT_EDIT = "local/next-edit"
"""The name under which next edits are recorded."""

_RESTING = (Doing.NOTHING, Doing.UNDONE, Doing.PASTED, Doing.MANY)

_log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class _Guess:
    """The local predictor's candidate, already fit for its place."""

    text: str
    confidence: float


class Completer:
    """Completions for all editors.

    `settings` may be replaced at any time and holds from the next request on. `silences` counts why nothing was said;
    under "" what was shown. `pause` waits so many seconds.
    """

    def __init__(
        self,
        router: Router,
        analyst: Analyst,
        settings: Settings,
        clock: Callable[[], float] = time.monotonic,
        pause: Callable[[float], Awaitable[None]] = asyncio.sleep,
    ) -> None:
        self._router = router
        self._analyst = analyst
        self.settings = settings
        self.silences: Counter[str] = Counter()
        self._clock, self._pause = clock, pause
        self._following = Following(router.learn, clock)
        self._flights = Flights()

    # What editors tell.

    def opened(self, owner: int, uri: str) -> None:
        """A buffer was opened: until it is changed nothing is suggested in it unasked."""
        self._following.opened(owner, uri)

    def changed(self, owner: int, uri: str, batch: Sequence[Change], content: Callable[[], bytes]) -> None:
        """A buffer was changed by one message; `content` gives its text, where it is needed. Costs microseconds."""
        self._following.changed(owner, uri, batch, content)

    def closed(self, owner: int, uri: str) -> None:
        """A buffer was closed."""
        self._following.closed(owner, uri)
        self._flights.closed(owner, uri)

    def left(self, owner: int) -> None:
        """An editor has gone."""
        self._following.left(owner)
        self._flights.left(owner)

    def fate(self, decision: str, word: str) -> None:
        """What became of a suggestion, in an editor's words: accepted, partly-accepted, rejected, ...

        A rejected one is not offered there again. Editors need not say so: see tasks/following.py.
        """
        self._following.fate(decision, word)

    # What they ask.

    async def complete(
        self, snapshot: Snapshot, *, owner: int, explicit: bool, picked: Picked | None = None
    ) -> list[Suggestion]:
        """What to show at the snapshot's cursor, best first; [] is silence. Raises nothing but CancelledError.

        picked: the entry chosen in the editor's own menu, which whatever is shown must begin with.
        """
        try:
            if picked is None:
                found = await self._complete(snapshot, owner, explicit)
            else:
                whole = await self._complete(with_picked(snapshot, picked), owner, explicit, virtual=True)
                found = [picked_back(snapshot, picked, suggestion) for suggestion in whole]
            if found:
                self.silences[""] += 1
                self._following.given(owner, snapshot, found)
            return found
        except CodriverError as error:
            _log.info("no completion: %s", error)
        except Exception:  # whatever it is: silence, and not an error at each key
            _log.exception("no completion")
        return []

    def next_edits(self, snapshot: Snapshot, *, owner: int) -> list[Suggestion]:
        """The likely next place of the edit just made, anywhere in the buffer; [] for none.

        The one after it is found when this is asked again, after the first was made or refused. Raises nothing.
        """
        settings = self.settings.complete
        shut = gate.shut(
            replace(snapshot, cursor=snapshot.cursor or 0), self.settings.privacy.never, settings.max_bytes
        )
        watch = self._following.watch(owner, snapshot.uri)
        if shut or watch is None or not (settings.enabled and settings.next_edits) or watch.doing in _RESTING:
            return []
        try:
            found = self._next_edit(snapshot, owner, watch)
        except Exception:  # as above
            _log.exception("no next edit")
            return []
        return [found] if found is not None else []

    async def _complete(
        self, snapshot: Snapshot, owner: int, explicit: bool, *, virtual: bool = False
    ) -> list[Suggestion]:
        settings = self.settings.complete
        if not settings.enabled or gate.shut(snapshot, self.settings.privacy.never, settings.max_bytes):
            return self._silent("not here")
        self._following.looked(owner, snapshot)
        along = None if explicit else self._following.along(owner, snapshot)
        if along is None and not explicit and await self._flights.joined(owner, snapshot):
            along = self._following.along(owner, snapshot)
        if along is not None:
            return [along]
        reason = "" if explicit or virtual else self._following.silent(owner, snapshot)
        reason = "" if explicit else reason or gate.text(snapshot)
        if reason:
            there = self._on_this_line(snapshot, owner) if reason == gate.MOVED and not virtual else []
            return there or self._silent(reason)
        if not explicit and await self._ignored(owner, snapshot.uri):
            return self._silent("a file that git ignores")
        buffer = self._analyst.buffer(snapshot)
        while not virtual and buffer.unread and not buffer.step():
            await _breath()
        if not buffer.whole:
            await _breath()  # a window of it is read now
        if not explicit and (reason := gate.tree(buffer, snapshot.cursor or 0, comments=settings.comments)):
            return self._silent(reason)
        found = await self._found(site(snapshot, buffer, explicit=explicit), owner, explicit)
        if not found:
            self._following.shown.in_vain(snapshot, self._clock())
        welcome = [one for one in found if not self._following.shown.unwelcome(snapshot, one)]
        return welcome or self._silent("nothing to say" if not found else "rejected before")

    async def _ignored(self, owner: int, uri: str) -> bool:
        """Whether nobody writes this file by hand. A thread looks at the disk, once for each buffer."""
        watch = self._following.watch(owner, uri)
        if watch is None:
            return False
        if watch.ignored is None:
            watch.ignored = uri.startswith("file:") and await asyncio.to_thread(walking.ignored, path_of(uri))
        return watch.ignored

    def _silent(self, reason: str) -> list[Suggestion]:
        self.silences[reason] += 1
        return []

    async def _found(self, there: Site, owner: int, explicit: bool) -> list[Suggestion]:
        """The predictor's where it is sure, else a model's; several when asked explicitly."""
        settings = self.settings.complete
        request = hole.request(there, settings)
        if explicit:
            return await self._invoked(request, there, owner)
        guess = self._guess(there)
        if guess is not None and guess.confidence >= settings.threshold:
            return [self._local(request, there, guess)]
        try:
            return await self._awaited(request, there, owner)
        except Unroutable:
            return [self._local(request, there, guess)] if guess is not None else []

    async def _invoked(self, request: Request, there: Site, owner: int) -> list[Suggestion]:
        """A model's and the predictor's, which guesses while the model answers."""
        told = list[_Guess | None]()

        def guess() -> None:
            if not told:
                told.append(self._guess(there))

        try:
            asked = await self._asked(request, there, owner, guess)
        except Unroutable:
            asked = []
        guess()
        guessed = told[0]
        if guessed is not None and all(_added(there, s) != guessed.text for s in asked):
            asked.append(self._local(request, there, guessed))
        return asked

    async def _awaited(self, request: Request, there: Site, owner: int) -> list[Suggestion]:
        """A model's, for somebody who types: asked in a pause."""
        snapshot, settings = there.snapshot, self.settings.complete
        seconds = self._following.delay(owner, snapshot) + self._flights.wait(owner, snapshot)
        if seconds * settings.delay > 0.0:
            await self._pause(seconds * settings.delay)

        async def ask() -> Suggestion | None:
            await self._ready(request, there)
            informed = self._informed(request, there, owner)
            one = await listening.asked(self._router, informed, there, settings.deadline, self._clock)
            if one is not None and not self._following.shown.unwelcome(snapshot, one):
                self._following.shown.keep(owner, snapshot, one)
            return one

        one = await self._flights.fly(owner, snapshot, ask)
        return [one] if one is not None else []

    async def _asked(
        self, request: Request, there: Site, owner: int, meanwhile: Callable[[], object]
    ) -> list[Suggestion]:
        """Models' suggestions, for somebody who wants them now."""
        settings = self.settings.complete
        await self._ready(request, there)
        request, seconds = self._informed(request, there, owner), settings.deadline
        if settings.alternatives > 1:
            return await listening.several(self._router, request, there, seconds, self._clock, settings.alternatives)
        one = await listening.asked(self._router, request, there, seconds, self._clock, meanwhile)
        return [one] if one is not None else []

    async def _ready(self, request: Request, there: Site) -> None:
        """Has what the router will ask of the place counted, in slices: others get their turns."""
        while self._router.reads(request) and not there.buffer.ready(there.cursor):
            await _breath()

    # The local predictor.

    def _guess(self, there: Site) -> _Guess | None:
        """What the predictor says, when it is sure enough to be of use at all."""
        settings = self.settings.complete
        if not settings.predictor:
            return None
        text = there.snapshot.text
        others = self._analyst.others(there.snapshot, OTHERS)
        told = predictor.predict(text[: there.cursor], text[there.cursor :], others)
        if told is None or told.confidence < settings.threshold * OFFLINE:
            return None
        fit = there.fit(told.text)
        return _Guess(fit, told.confidence) if fit else None

    def _local(self, request: Request, there: Site, guess: _Guess) -> Suggestion:
        noted = self._router.note(request, front=FRONT, model=PREDICTOR, text=guess.text, confidence=guess.confidence)
        return there.suggestion(guess.text, model=PREDICTOR, decision=noted.decision.id)

    # Next edits.

    def _next_edit(self, snapshot: Snapshot, owner: int, watch: Watch) -> Suggestion | None:
        """The first place that is of the same kind (code, or a string) and parses no worse with the edit."""
        for edit in next_edit.find(snapshot.text, tuple(watch.past), self._clock()):
            buffer = self._analyst.buffer(snapshot)
            before, after = buffer.errors_with(edit.text.encode(), edit.start, edit.end)
            alike = buffer.in_string_or_comment(edit.start) == buffer.in_string_or_comment(edit.like)
            if alike and after <= before and not self._following.refused(snapshot, edit.start, edit.text):
                return self._offered(snapshot, owner, edit)
        return None

    def _offered(self, snapshot: Snapshot, owner: int, edit: NextEdit) -> Suggestion:
        """The next edit with the id of its outcome: one, however often it is asked for."""
        found = Suggestion(edit.text, edit.start, edit.end, NEXT_EDIT, "", label=edit.label)
        ident = self._following.offering(owner, snapshot, found)
        if not ident:
            request = Request(new_id(), Purpose.COMPLETE, code=replace(snapshot, cursor=edit.start))
            sure = next_edit.CONFIDENCE
            noted = self._router.note(request, front=FRONT, model=NEXT_EDIT, text=edit.text, confidence=sure)
            ident = noted.decision.id
            self._following.offered(owner, snapshot, replace(found, decision=ident))
        return replace(found, decision=ident)

    def _on_this_line(self, snapshot: Snapshot, owner: int) -> list[Suggestion]:
        """The next edit as a suggestion, where the cursor went to its line: its range holds both."""
        text, cursor = snapshot.text, snapshot.cursor or 0
        start, end = text.rfind(b"\n", 0, cursor) + 1, text.find(b"\n", cursor)
        for edit in self.next_edits(snapshot, owner=owner):
            if start <= edit.start and edit.end <= (end if end >= 0 else len(text)):
                first, last = min(edit.start, cursor), max(edit.end, cursor)
                head, tail = text[first : edit.start], text[edit.end : last]
                new = head.decode("utf-8", "replace") + edit.text + tail.decode("utf-8", "replace")
                return [replace(edit, text=new, start=first, end=last)]
        return []

    def _informed(self, request: Request, there: Site, owner: int) -> Request:
        """With parts of other open buffers; they are looked for only when a model is asked."""
        if not self.settings.complete.others:
            return request
        edited, never = self._following.edited(owner), self.settings.privacy.never
        files = alongside.files(self._analyst, there.snapshot, there.buffer, there.cursor, never, edited)
        return hole.informed(request, there, files)


async def _breath() -> None:
    """Lets others have their turns: an answer to somebody else takes some rounds of the loop."""
    for _ in range(ROUNDS):
        await asyncio.sleep(0)


def _added(there: Site, suggestion: Suggestion) -> str:
    """The text of a suggestion without the word it replaces."""
    return suggestion.text[len(there.snapshot.text[suggestion.start : there.cursor].decode("utf-8", "replace")) :]
