"""A router that says what a test tells it to, and what it was asked and taught."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass, field, replace
from typing import Any

import pytest

from codriver.analyst import Analyst
from codriver.errors import Failure, Kind, UpstreamFailed
from codriver.model.decision import Candidate, Decision, Outcome
from codriver.model.events import Finish, Finished, Piece, Reply, TextDelta, fold
from codriver.model.provider import Model, Price
from codriver.model.request import Request, Snapshot
from codriver.tasks import edits, merging
from codriver.tasks.region import around, chosen

MODELS = ("sim/small", "sim/large")


@dataclass
class Says:
    """One answer: its text in pieces of seven characters, its end, and what goes wrong instead."""

    text: str = ""
    finish: Finish | None = Finish.STOP
    fails: Exception | None = None
    hangs: bool = False
    heard: int = 0
    asked: asyncio.Event = field(default_factory=asyncio.Event)

    async def pieces(self) -> AsyncIterator[Piece]:
        self.asked.set()
        if self.hangs:
            await asyncio.Event().wait()
        for at in range(0, len(self.text), 7):
            self.heard = at + 7
            yield Piece(b"", (TextDelta(self.text[at : at + 7]),))
        if self.finish is not None:
            yield Piece(b"", (Finished(self.finish),))


@dataclass
class ScriptedRouter:
    """Answers in the order given; a held reply that fails its check is followed by the next one."""

    answers: list[Says | str]
    requests: list[Request] = field(default_factory=list)
    learned: list[tuple[str, str]] = field(default_factory=list)
    noted: list[str] = field(default_factory=list)
    verdicts: list[str] = field(default_factory=list)
    open_now: int = 0

    def open(
        self,
        request: Request,
        *,
        front: str = "",
        check: Callable[[Reply], str] | None = None,
        meanwhile: Callable[[Any], None] | None = None,
    ) -> ScriptedStream:
        self.requests.append(request)
        if meanwhile is not None:
            meanwhile(None)
        return ScriptedStream(self, request, check)

    def next(self) -> Says:
        if not self.answers:
            raise UpstreamFailed(Failure(Kind.TRANSIENT, "nobody is left to ask"))
        said = self.answers.pop(0)
        said = Says(said) if isinstance(said, str) else said
        if said.fails is not None:
            raise said.fails
        return said

    def reads(self, request: Request) -> bool:
        return True

    def note(self, request: Request, *, front: str, model: str, text: str, confidence: float) -> Outcome:
        self.noted.append(text)
        return Outcome(
            f"n{len(self.noted)}", 0.0, front, "", request.purpose, "ok", decision(f"n{len(self.noted)}"), model=model
        )

    def learn(self, decision_id: str, word: str) -> None:
        self.learned.append((decision_id, word))

    def prompt(self, n: int = 0) -> str:
        """All that was sent to a chat model with the n-th request."""
        return "\n".join(message.text for message in self.requests[n].conversation.messages)


class ScriptedStream:
    simulated = True
    cost = 0.0125

    def __init__(self, router: ScriptedRouter, request: Request, check: Callable[[Reply], str] | None) -> None:
        self._router, self._request, self._check = router, request, check
        self.id = f"d{len(router.requests)}"
        self.decision = decision(self.id)
        self.model = model(request.model if request.model != "auto" else MODELS[0])

    async def __aenter__(self) -> ScriptedStream:
        self._said = self._router.next()
        while self._check is not None:
            why = self._check(await self.reply())
            if not why:
                break
            self._router.verdicts.append(why)
            self._said = self._router.next()
        self._router.open_now += 1
        return self

    async def __aexit__(self, *exc: object) -> None:
        self._router.open_now -= 1

    def __aiter__(self) -> AsyncIterator[Piece]:
        return self._said.pieces()

    async def reply(self) -> Reply:
        return fold([event async for piece in self._said.pieces() for event in piece.events])


def decision(ident: str) -> Decision:
    small, large = MODELS
    return Decision(ident, "auto", (Candidate(small, "", 0.5, 0.001, 0.2), Candidate(large, "", 0.9, 0.01, 0.5)))


def model(key: str) -> Model:
    provider, _, name = key.partition("/")
    return Model(provider, name, name, 100_000, 10_000, Price(), {})


@dataclass(frozen=True)
class Marked:
    """A snapshot from a text with ‸ at the cursor, or «» around a selection."""

    text: str
    uri: str = "file:///work/app.py"
    language: str = "python"
    version: int = 1

    def __call__(self) -> Snapshot:
        plain = self.text.replace("‸", "").replace("«", "").replace("»", "")
        shot = Snapshot(self.uri, self.version, self.language, plain.encode())
        if "«" in self.text:
            start = len(self.text[: self.text.index("«")].encode())
            end = start + len(self.text[self.text.index("«") + 1 : self.text.index("»")].encode())
            return replace(shot, cursor=start, selection=(start, end))
        return replace(shot, cursor=len(self.text[: self.text.index("‸")].encode()) if "‸" in self.text else None)


def applied(snapshot: Snapshot, start: int, end: int, text: str) -> str:
    """The buffer after an edit."""
    return (snapshot.text[:start] + text.encode() + snapshot.text[end:]).decode()


@pytest.fixture
def analyst() -> Analyst:
    return Analyst()


@pytest.fixture
def kit() -> Any:
    """The names above, for test modules of this folder."""
    return Kit


class Kit:
    Says = Says
    Router = ScriptedRouter
    MODELS = MODELS
    applied = staticmethod(applied)

    @staticmethod
    def snapshot(text: str, **more: Any) -> Snapshot:
        return Marked(text, **more)()

    @staticmethod
    def after(analyst: Analyst, text: str, reply: str, wish: str = "simplify", **more: Any) -> str:
        """The file after a reply's edit of the selection or of the function around the cursor, or why there is none."""
        snapshot = Marked(text, **more)()
        buffer = analyst.buffer(snapshot)
        region = chosen(snapshot, buffer) or around(snapshot, buffer)
        assert region is not None
        judged = edits.judged(reply, region, wish)
        patches = (merging.Patch(region.start, region.end, judged.text), *judged.imports)
        return f"refused: {judged.why}" if judged.why else merging.applied(snapshot.text, patches).decode()

    @staticmethod
    def router(*answers: Says | str) -> ScriptedRouter:
        return ScriptedRouter(list(answers))
