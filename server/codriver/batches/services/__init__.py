"""Providers' own batch APIs: one module each, found by the name in Provider.batch."""

from __future__ import annotations

import importlib
from collections.abc import AsyncIterator, Iterable
from dataclasses import dataclass
from functools import cache
from typing import Protocol, cast

from codriver.model.provider import Provider
from codriver.upstream.client import Upstream


@dataclass(frozen=True, slots=True)
class State:
    """Where a batch stands there: running, completed, failed, expired or cancelled.

    results: names of what can be fetched. message: why it failed.
    """

    word: str
    results: tuple[str, ...] = ()
    message: str = ""


@dataclass(frozen=True, slots=True)
class Came:
    """What came of one line. key: the name it was sent with. status 0: it was not answered, and `message` says why."""

    key: str
    status: int
    body: bytes = b""
    code: str = ""
    message: str = ""


class Service(Protocol):
    """What such a module has. All raise UpstreamFailed."""

    ENDPOINTS: frozenset[str]
    """What lines may ask."""

    async def upload(self, upstream: Upstream, provider: Provider, lines: Iterable[bytes]) -> str:
        """Sends the requests; the provider's name for the file."""
        ...

    async def submit(self, upstream: Upstream, provider: Provider, endpoint: str, file: str) -> str:
        """Starts a batch on a file, or finds the one that was started on it before; its name."""
        ...

    async def look(self, upstream: Upstream, provider: Provider, batch: str) -> State:
        """Where it stands."""
        ...

    async def cancel(self, upstream: Upstream, provider: Provider, batch: str) -> None:
        """Starts no more of it."""
        ...

    def results(self, upstream: Upstream, provider: Provider, name: str) -> AsyncIterator[Came]:
        """What came, line by line."""
        ...


@cache
def find(name: str) -> Service:
    """The module of this name. Raises ModuleNotFoundError."""
    # By name: a type checker cannot see which module it is.
    return cast(Service, importlib.import_module(f"codriver.batches.services.{name}"))
