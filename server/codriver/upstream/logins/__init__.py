"""Signing in where there is no key: each module here is one way, found by its name, its library an extra.

A login asks servers and reads files, so it is opened and renewed in a thread, once for all who
wait; in between it answers at once. A library is imported on first use, never at the start.
"""

from __future__ import annotations

import asyncio
import importlib
import time
from collections.abc import Callable, Mapping, Sequence
from functools import cache
from importlib.util import find_spec
from typing import Protocol, cast

from codriver.errors import CodriverError
from codriver.model.provider import Provider

AHEAD = 300.0
"""Seconds before its end that a login is renewed, while it still serves."""
LAST = 20.0
"""Seconds before its end that it no longer serves: the request is still under way when it is checked."""
PATIENCE = 20.0
"""Seconds that a request waits for a login."""

Headers = Sequence[tuple[bytes, bytes]]


class LoginFailed(CodriverError):
    """Nobody signed in; the text says why, and holds no secret."""


class Login(Protocol):
    """Somebody signed in. until: Unix time at which that ends."""

    until: float

    def renew(self) -> None:
        """Asks again; blocks. Raises LoginFailed."""
        ...

    def headers(self, method: str, url: str, headers: Headers, body: bytes) -> dict[str, str]:
        """The credentials for one request, whose headers these are. Never blocks."""
        ...


class Way(Protocol):
    """What a module of this package has."""

    EXTRA: str
    """Of Codriver's, that brings the library."""
    LIBRARY: str
    """Its import name."""

    def absent(self, environ: Mapping[str, str]) -> str:
        """ "" when there is something to sign in with, else what to set. Looks at no more than names of files."""
        ...

    def login(self, provider: Provider, environ: Mapping[str, str]) -> Login:
        """Imports the library and finds who signs in; blocks. Raises LoginFailed."""
        ...


def missing(provider: Provider, environ: Mapping[str, str]) -> str:
    """Why nobody can sign in at this provider, naming what to set or to install; "" when somebody can try."""
    try:
        way = _way(provider.login)
    except ModuleNotFoundError:
        return f"there is no login called {provider.login!r}"
    absent = way.absent(environ)
    if absent:
        return f"{' or '.join((*provider.key_env, absent))} is not set"
    if not _installed(way.LIBRARY):
        return f"signing in needs more: pip install 'codriver[{way.EXTRA}]'"
    return ""


class Logins:
    """Who is signed in, by provider. clock: Unix time."""

    def __init__(self, environ: Mapping[str, str], *, clock: Callable[[], float] = time.time) -> None:
        self._environ, self._clock = environ, clock
        self._held: dict[str, Login] = {}
        self._renewing: dict[str, asyncio.Task[Login]] = {}

    async def headers(self, provider: Provider, method: str, url: str, headers: Headers, body: bytes) -> dict[str, str]:
        """The credentials for one request. Raises LoginFailed."""
        login = self._held.get(provider.name)
        left = login.until - self._clock() if login is not None else 0.0
        if left < AHEAD:
            renewing = self._renew(provider)
            if login is None or left < LAST:
                login = await self._waited(renewing)
        assert login is not None
        return login.headers(method, url, headers, body)

    def forget(self, provider: str) -> None:
        """The provider did not like what it was shown: the next request signs in anew."""
        self._held.pop(provider, None)

    def _renew(self, provider: Provider) -> asyncio.Task[Login]:
        name = provider.name
        task = self._renewing.get(name)
        if task is None:
            task = self._renewing[name] = asyncio.create_task(self._signed_in(provider), name=f"login {name}")
            task.add_done_callback(lambda done: self._done(name, done))
        return task

    def _done(self, name: str, task: asyncio.Task[Login]) -> None:
        del self._renewing[name]
        if not task.cancelled():
            task.exception()  # those who waited have it; a renewal ahead of time is tried again anyway

    async def _signed_in(self, provider: Provider) -> Login:
        held = self._held.get(provider.name)
        login = await asyncio.to_thread(_opened, provider, self._environ, held)
        self._held[provider.name] = login
        return login

    @staticmethod
    async def _waited(renewing: asyncio.Task[Login]) -> Login:
        """One caller that leaves does not take the login from the others."""
        try:
            async with asyncio.timeout(PATIENCE):
                return await asyncio.shield(renewing)
        except TimeoutError:
            raise LoginFailed(f"signing in took longer than {PATIENCE:.0f} s") from None


def _opened(provider: Provider, environ: Mapping[str, str], held: Login | None) -> Login:
    login = held
    if login is None:
        try:
            login = _way(provider.login).login(provider, environ)
        except ImportError as error:
            raise LoginFailed(f"a library is not installed: {error}") from error
    login.renew()
    return login


def _way(name: str) -> Way:
    # By name: a type checker cannot see which module it is.
    return cast(Way, importlib.import_module(f"codriver.upstream.logins.{name}"))


@cache
def _installed(library: str) -> bool:
    try:
        return find_spec(library) is not None
    except ModuleNotFoundError:  # of a package around it
        return False
