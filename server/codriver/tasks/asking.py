"""One question of a task to a model: held whole, judged, asked again of a stronger one, and told while it lasts."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from codriver.model.events import Reply
from codriver.model.ids import new_id
from codriver.model.request import Conversation, Purpose, Request, Snapshot
from codriver.tasks import context, prompts
from codriver.verify import verdict

if TYPE_CHECKING:
    from codriver.router import Router, Stream

FRONT = "lsp"
TELLING = 1.0
"""Seconds between two words on work under way."""

Notify = Callable[[str], None]


def silent(text: str) -> None:
    """Tells nobody."""


@dataclass(frozen=True, slots=True)
class Answered:
    """Who answered. cost in USD, replies that were not fit to be shown included; decision: the outcome's id."""

    model: str
    simulated: bool
    cost: float
    decision: str


@dataclass(frozen=True, slots=True)
class Asking:
    """How a task asks: the front it serves, the seconds it has, and who is told what is going on."""

    router: Router
    deadline: float
    notify: Notify = silent
    front: str = FRONT

    def request(
        self, purpose: Purpose, talk: Conversation, *, code: Snapshot | None = None, tail: tuple[str, ...] = ()
    ) -> Request:
        """The request for a conversation about some code."""
        made = Request(new_id(), purpose, tail=tail, code=code, deadline=self.deadline)
        return replace(made, unfold=lambda: talk, input_tokens=context.tokens(prompts.size(talk)))

    async def held(self, request: Request, judge: Callable[[str], str]) -> tuple[str, Answered]:
        """The first reply that is good: `judge` says of a reply's text why it is not, or "".

        Raises Unroutable and UpstreamFailed as the router does; the latter also when no reply was good.
        """

        def check(reply: Reply) -> str:
            why = verdict(request, reply) or judge(reply.text)
            if why:
                self.notify(f"An answer was not good enough ({why}).")
            return why

        stream = self.router.open(request, front=self.front, check=check)
        async with _telling(stream, self.notify), stream:
            reply = await stream.reply()
            self.notify(f"{stream.model.key} answered (${stream.cost:.4f})")
            return reply.text, Answered(stream.model.key, stream.simulated, stream.cost, stream.id)


@asynccontextmanager
async def _telling(stream: Stream, notify: Notify) -> AsyncIterator[None]:
    """Meanwhile tells each second who is writing, for how long, and what it has cost."""
    task = asyncio.create_task(_tell(stream, notify), name="telling") if notify is not silent else None
    try:
        yield
    finally:
        if task is not None:
            task.cancel()


async def _tell(stream: Stream, notify: Notify) -> None:
    seconds = 0.0
    while True:
        await asyncio.sleep(TELLING)
        seconds += TELLING
        model = getattr(stream, "model", None)
        if model is not None:
            notify(f"{model.key} is writing, {seconds:.0f} s, ${stream.cost:.4f}")
