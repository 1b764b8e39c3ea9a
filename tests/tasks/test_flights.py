"""Answers under way: who types on with one is answered by it, and nobody is asked twice."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from typing import Any

import pytest

from codriver.analyst import Analyst
from codriver.config import Settings
from codriver.model.request import Snapshot
from codriver.tasks import flights
from codriver.tasks.complete import Completer

CODE = "def add(first, second):\n    total = ‸\n"
LATER = "def add(first, second):\n    total = fi‸\n"


def typed(text: str, kit: Any, version: int = 1) -> Snapshot:
    return replace(kit.snapshot(text), version=version)


class Editor:
    """Types into a completer, cancelling the question before, as editors do."""

    def __init__(self, kit: Any, *answers: Any) -> None:
        self.router, self._kit, self.pauses = kit.router(*answers), kit, list[float]()
        settings = Settings.model_validate({"complete": {"predictor": False}})
        self.completer = Completer(self.router, Analyst(), settings, lambda: 0.0, self._pause)
        self._task: asyncio.Task[Any] | None = None
        self._version = 0

    async def _pause(self, seconds: float) -> None:
        self.pauses.append(seconds)

    def ask(self, text: str) -> asyncio.Task[Any]:
        if self._task is not None:
            self._task.cancel()
        self._version += 1
        snapshot = typed(text, self._kit, self._version)
        self._task = asyncio.create_task(self.completer.complete(snapshot, owner=1, explicit=False))
        return self._task


async def held(said: Any, asked: asyncio.Event) -> Any:
    async with asyncio.timeout(5):
        await asked.wait()
    return said


class Slow:
    """An answer that comes when it is let go."""

    def __init__(self, kit: Any, text: str) -> None:
        self.go = asyncio.Event()
        self.says = kit.Says(text)
        original = self.says.pieces

        async def pieces() -> Any:
            self.says.asked.set()
            await self.go.wait()
            async for piece in original():
                yield piece

        self.says.pieces = pieces


@pytest.mark.parametrize(
    ("later", "second", "shown"),
    [
        pytest.param(LATER, None, "first + second", id="typed on with it"),
        pytest.param("def add(first, second):\n    total = second + ‸\n", "first", "first", id="something else"),
        pytest.param("def add(first, second):\n    sum = ‸\n", "first", "first", id="deleted"),
        pytest.param("import os\ndef add(first, second):\n    total = ‸\n", "2", "2", id="changed elsewhere"),
    ],
)
async def test_a_newer_question_waits_for_what_is_being_said(
    kit: Any, later: str, second: str | None, shown: str
) -> None:
    slow = Slow(kit, "first + second")
    editor = Editor(kit, slow.says, *([second] if second else []))
    editor.ask(CODE)
    await held(slow.says, slow.says.asked)
    newer = editor.ask(later)
    await asyncio.sleep(0)
    slow.go.set()
    found = await newer
    assert [suggestion.text for suggestion in found] == [shown]
    assert len(editor.router.requests) == (2 if second else 1)
    assert editor.router.open_now == 0


async def test_what_nobody_asks_for_any_more_is_closed(kit: Any) -> None:
    said = kit.Says(hangs=True)
    editor = Editor(kit, said)
    task = editor.ask(CODE)
    await held(said, said.asked)
    task.cancel()
    async with asyncio.timeout(5):
        while editor.router.open_now:  # noqa: ASYNC110 (nobody tells a test)
            await asyncio.sleep(0)
    assert said.asked.is_set() and editor.router.open_now == 0


@pytest.mark.parametrize("how", ["closed", "left"])
async def test_a_buffer_that_goes_takes_its_answer_along(kit: Any, how: str) -> None:
    said = kit.Says(hangs=True)
    editor = Editor(kit, said)
    task = editor.ask(CODE)
    await held(said, said.asked)
    if how == "closed":
        editor.completer.closed(1, "file:///work/app.py")
    else:
        editor.completer.left(1)
    with pytest.raises(asyncio.CancelledError):
        await task
    assert editor.router.open_now == 0


async def test_an_answer_that_is_slow_is_not_waited_for_long(kit: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(flights, "PATIENCE", 0.0)
    slow = Slow(kit, "first + second")
    editor = Editor(kit, slow.says, "second")
    editor.ask(CODE)
    await held(slow.says, slow.says.asked)
    found = await editor.ask("def add(first, second):\n    total = first + ‸\n")
    assert len(editor.router.requests) == 2
    assert [suggestion.text for suggestion in found] == ["second"]


async def test_asking_again_on_a_line_waits_longer_each_time(kit: Any) -> None:
    editor = Editor(kit, "first", "second", "third", "fourth", "fifth")
    for name in ("a", "b", "c", "d"):
        await editor.ask(f"def add(first, second):\n    {name} = ‸\n")
    await editor.ask("def add(first, second):\n    other = 1\n    e = ‸\n")
    assert editor.pauses == pytest.approx([flights.AGAIN, 2 * flights.AGAIN, flights.LONGEST])
