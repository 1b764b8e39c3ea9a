"""How commands have tasks done: by the running daemon, else by an App in this process, several at once.

Whatever keeps a task from being done at all ends the command with 2, so that a hook can tell it from findings.
"""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import cache
from typing import Any

from codriver.cli import client
from codriver.cli.terminal import Complaint, usd

AT_ONCE = 4
SECONDS = 900.0
"""Longest silence of the daemon: a task may take several models their whole time."""
CANNOT = 2
"""The exit code of what cannot run."""

Page = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Answer:
    """The page of a task that was done, or why it was not."""

    page: Page | None = None
    why: str = ""


def answered(task: str, body: Page, *, simulate: bool) -> Page:
    """One task's page. Raises Complaint with the code CANNOT."""
    (answer,) = several(task, [body], simulate=simulate)
    if answer.page is None:
        raise Complaint(answer.why, CANNOT)
    return answer.page


def several(
    task: str, bodies: Sequence[Page], *, simulate: bool, told: Callable[[int], None] = lambda done: None
) -> list[Answer]:
    """The answers in order. told: how many are done. simulate: by simulated models in this process."""
    where = client.paths()
    if not simulate and _running():
        with ThreadPoolExecutor(AT_ONCE) as pool:
            return _counted(pool.map(lambda body: _by_daemon(task, body), bodies), told)
    import asyncio

    from codriver import app

    made = app.create(where, simulate=simulate, memory=simulate)
    return asyncio.run(_inside(made, task, bodies, told))


def _running() -> bool:
    try:
        client.connect(client.paths(), 5.0).close()
    except Complaint as complaint:
        if str(complaint) != client.NOT_RUNNING:
            raise
        return False
    return True


def _by_daemon(task: str, body: Page) -> Answer:
    try:
        return Answer(client.call(client.paths(), "POST", f"/v1/tasks/{task}", body, timeout=SECONDS).json())
    except Complaint as complaint:
        return Answer(why=str(complaint))


def _counted(answers: Any, told: Callable[[int], None]) -> list[Answer]:
    found = []
    for answer in answers:
        found.append(answer)
        told(len(found))
    return found


async def _inside(made: Any, task: str, bodies: Sequence[Page], told: Callable[[int], None]) -> list[Answer]:
    import asyncio

    gate, done = asyncio.Semaphore(AT_ONCE), 0

    async def one(body: Page) -> Answer:
        nonlocal done
        async with gate:
            answer = await client.asked(made, "POST", f"/v1/tasks/{task}", json.dumps(body).encode())
        done += 1
        told(done)
        try:
            return Answer(answer.json())
        except Complaint as complaint:
            return Answer(why=str(complaint))

    await made.start()
    try:
        return list(await asyncio.gather(*map(one, bodies)))
    finally:
        await made.close()


def by(pages: Sequence[Page]) -> str:
    """Who answered, and what it cost."""
    models = list(dict.fromkeys(page["model"] for page in pages))
    simulated = " (simulated: no real model was asked)" if any(page["simulated"] for page in pages) else ""
    return f"{', '.join(models)}{simulated}, {usd(sum(page['cost_usd'] for page in pages))}"


def tell(text: str) -> None:
    """One line to a person, beside what the command prints."""
    print(f"codriver: {text}", file=sys.stderr)


def read(path: str, most: int = 8_000_000) -> str:
    """A file's text, line ends as they are. Raises Complaint where it is no text that could be written back."""
    try:
        with open(path, "rb") as source:
            data = source.read(most + 1)
    except OSError as error:
        raise Complaint(f"{path} cannot be read: {error.strerror}", CANNOT) from None
    if len(data) > most:
        raise Complaint(f"{path} is larger than {most / 1e6:g} MB", CANNOT)
    try:
        return data.decode("utf-8")
    except UnicodeDecodeError as error:
        raise Complaint(f"{path} is not UTF-8 (byte {error.start})", CANNOT) from None


def root_of(path: str) -> str:
    """The top of the repository around a file, or ""."""
    return _root(os.path.dirname(path) or ".")


@cache
def _root(folder: str) -> str:
    """Git is asked once for a folder, however many of its files are reviewed."""
    from codriver.sources import git

    try:
        return git.root(folder)
    except git.GitFailed:
        return ""
