"""Inline completion: gate, typed along, local predictor, model; then silence or one that parses.

The answer is streamed and judged here, not held by the router: a completion is done long before the
model is, and closing the stream then saves the time and the tokens. When what came does not parse in
place, the next stronger candidate of the same decision is asked once, if it can still be in time.
"""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from codriver.analyst import path_of
from codriver.errors import CodriverError, Unroutable
from codriver.model.decision import Candidate, Decision
from codriver.model.events import Finish, Finished, TextDelta
from codriver.model.ids import new_id
from codriver.model.request import Conversation, Limits, Purpose, Request, Snapshot
from codriver.router import PREDICTOR
from codriver.syntax import predictor
from codriver.tasks import alongside, context, gate, prompts, trim
from codriver.tasks.kept import Kept
from codriver.tasks.shown import Shown
from codriver.tasks.suggestion import Site, Suggestion, site

if TYPE_CHECKING:
    from codriver.analyst import Analyst
    from codriver.config import Settings
    from codriver.router import Router

FRONT = "lsp"
OTHERS = 8
"""Open buffers the local predictor learns from."""

CURSOR, _BROKEN = "<|cursor|>", "< |cursor|>"
"""The prompt's mark, and how a buffer that has it says it: there must be one cursor only."""

OFFLINE = 0.5
"""With no model to ask, so much of the usual confidence is enough for the local predictor."""

DEAREST = 0.02
"""USD: a second opinion on one completion may be expected to cost no more."""

_log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class _Guess:
    """The local predictor's candidate, already fit for its place."""

    text: str
    confidence: float


@dataclass(frozen=True, slots=True)
class _Heard:
    """What a model said, as far as it was listened to."""

    text: str
    decision: Decision
    model: str
    simulated: bool


class Completer:
    """Completions for all editors. Keeps the last suggestion of each buffer and nothing else.

    `settings` may be replaced at any time and holds from the next request on.
    """

    def __init__(
        self, router: Router, analyst: Analyst, settings: Settings, clock: Callable[[], float] = time.monotonic
    ) -> None:
        self._router = router
        self._analyst = analyst
        self.settings = settings
        self._clock = clock
        self._shown = Shown()
        self._kept = Kept()

    async def complete(self, snapshot: Snapshot, *, owner: int, explicit: bool) -> list[Suggestion]:
        """What to show at the snapshot's cursor, best first; [] is silence. Raises nothing but CancelledError."""
        try:
            return await self._complete(snapshot, owner, explicit)
        except CodriverError as error:
            _log.info("no completion: %s", error)
        except Exception:
            _log.exception("no completion")
        return []

    def fate(self, decision: str, word: str) -> None:
        """What became of a suggestion: accepted, rejected, ... A rejected one is not offered there again."""
        if word == "rejected":
            self._shown.rejected(decision)
        elif word == "accepted":
            shown = self._shown.found(decision)
            if shown is not None:
                self._kept.accepted(decision, *shown, self._clock())
            self._shown.forget(decision)
        self._router.learn(decision, word)

    async def _complete(self, snapshot: Snapshot, owner: int, explicit: bool) -> list[Suggestion]:
        settings = self.settings.complete
        if not settings.enabled or gate.shut(snapshot, self.settings.privacy.never, settings.max_bytes):
            return []
        for decision, word in self._kept.seen(snapshot.uri, snapshot.text, self._clock()):
            self._router.learn(decision, word)
        along = self._shown.along(owner, snapshot)
        if along is not None and not explicit:
            return [along]
        buffer = self._analyst.buffer(snapshot)
        while buffer.unread and not buffer.step():  # noqa: ASYNC110 (slices of one parse: others get their turns)
            await asyncio.sleep(0)
        if not explicit and gate.unwanted(snapshot, buffer):
            return []
        there = site(snapshot, buffer, explicit=explicit)
        found = await self._found(there, explicit)
        welcome = [suggestion for suggestion in found if not self._shown.unwelcome(snapshot, suggestion)]
        if welcome:
            self._shown.keep(owner, snapshot, welcome[0])
        return welcome

    async def _found(self, there: Site, explicit: bool) -> list[Suggestion]:
        """The predictor's where it is sure, else a model's; both when asked explicitly."""
        request = self._request(there)
        guess = self._guess(there)
        if guess is not None and not explicit and guess.confidence >= self.settings.complete.threshold:
            return [self._local(request, there, guess)]
        try:
            asked = await self._asked(self._informed(request, there), there)
        except Unroutable:
            return [self._local(request, there, guess)] if guess is not None else []
        if explicit and guess is not None and all(_added(there, s) != guess.text for s in asked):
            asked.append(self._local(request, there, guess))
        return asked

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

    # A model.

    def _request(self, there: Site) -> Request:
        snapshot, buffer = there.snapshot, there.buffer
        inside = buffer.function_at(there.cursor)
        where = context.Where(
            path_of(snapshot.uri).rsplit("/", 1)[-1],
            buffer.language.comment if buffer.language else "",
            (inside.start_byte, inside.end_byte) if inside else None,
        )
        fim = context.around(snapshot.text, there.cursor, where)
        settings = self.settings.complete
        most = settings.block_tokens if there.place.many else settings.one_line_tokens
        return Request(
            new_id(),
            Purpose.COMPLETE,
            # No stop at a newline: whether the answer begins with a fence or a newline is not known
            # before the model is, and the stream is closed at the first whole line anyway.
            limits=Limits(max_tokens=most, temperature=0.0, effort="none"),
            fim=fim,
            unfold=lambda: _chat(there, fim.prefix, fim.suffix or ""),
            input_tokens=context.tokens(fim.prefix, fim.suffix or ""),
            code=snapshot,
            deadline=settings.deadline,
        )

    def _informed(self, request: Request, there: Site) -> Request:
        """With parts of other open buffers; they are looked for only when a model is asked."""
        fim, settings = request.fim, self.settings
        if fim is None or not settings.complete.others:
            return request
        files = alongside.files(self._analyst, there.snapshot, there.buffer, there.cursor, settings.privacy.never)
        if not files:
            return request
        path = path_of(there.snapshot.uri).rsplit("/", 1)[-1]
        return replace(
            request,
            fim=replace(fim, files=files, path=path),
            unfold=lambda: _chat(there, fim.prefix, fim.suffix or "", f"{alongside.told(files)}The file {path}:\n"),
            input_tokens=request.input_tokens + context.tokens(*(text for _, text in files)),
        )

    async def _asked(self, request: Request, there: Site) -> list[Suggestion]:
        """A model's suggestion that parses, or []. One bad answer is followed by one stronger model."""
        until = self._clock() + self.settings.complete.deadline
        for _ in range(2):
            heard = await self._heard(request, there, until - self._clock())
            if heard is None:
                return []
            fit = there.fit(heard.text)
            if fit:
                told = heard.decision.id
                return [there.suggestion(fit, model=heard.model, decision=told, simulated=heard.simulated)]
            if not there.adds(trim.tidy(heard.text, there.place)):
                return []  # nothing to add, or nothing new: no fault, and no other model asked
            self._router.learn(heard.decision.id, "verified-bad")
            stronger = _stronger(heard, until - self._clock())
            if stronger is None:
                return []
            request = replace(request, id=new_id(), model=stronger.model)
        return []

    async def _heard(self, request: Request, there: Site, seconds: float) -> _Heard | None:
        """Listens until it is enough. None when the time is up."""
        try:
            async with asyncio.timeout(seconds), self._router.open(request, front=FRONT) as stream:
                text, finish = "", None
                async for piece in stream:
                    said = "".join(event.text for event in piece.events if isinstance(event, TextDelta))
                    text += said
                    finish = next((event.reason for event in piece.events if isinstance(event, Finished)), finish)
                    if "\n" in said and trim.enough(text, there.place):
                        break
                text = text.replace(_BROKEN, CURSOR)
                return _Heard(_unbroken(text, finish), stream.decision, stream.model.key, stream.simulated)
        except TimeoutError:
            return None


def _unbroken(text: str, finish: Finish | None) -> str:
    """Without the last line when the length limit broke it off."""
    return text[: text.rfind("\n") + 1] if finish is Finish.LENGTH else text


def _stronger(heard: _Heard, seconds: float) -> Candidate | None:
    """The next candidate expected to be better, in time and not dear."""
    candidates = heard.decision.candidates
    tried = next((c for c in candidates if c.model == heard.model), None)
    return next(
        (
            candidate
            for candidate in candidates
            if tried is not None
            and candidate.quality > tried.quality
            and candidate.latency <= seconds
            and candidate.cost <= DEAREST
        ),
        None,
    )


def _chat(there: Site, prefix: str, suffix: str, others: str = "") -> Conversation:
    """The same hole for models that only chat."""
    one, many = "Complete the current line only.", "Complete the current statement or block, and no more."
    return prompts.load("fill").filled(
        language=there.buffer.language_id or "text",
        extent=many if there.place.many else one,
        others=others.replace(CURSOR, _BROKEN),
        prefix=prefix.replace(CURSOR, _BROKEN),
        suffix=suffix.replace(CURSOR, _BROKEN),
    )


def _added(there: Site, suggestion: Suggestion) -> str:
    """The text of a suggestion without the word it replaces."""
    return suggestion.text[len(there.snapshot.text[suggestion.start : there.cursor].decode("utf-8", "replace")) :]
