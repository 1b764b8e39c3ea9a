"""Who may look at the dashboard: a code that opens it once and soon, and the key that the page then holds.

The installation's token never reaches a browser. The code comes in the address's fragment, which is sent to nobody and
stands in no log; the key is the page's own, and opens nothing but what the dashboard shows. No cookie: browsers give
those to every port of this machine, and not to a frame within an editor.
"""

from __future__ import annotations

import hashlib
import secrets
import time
from collections import OrderedDict
from collections.abc import Callable

CODE_SECONDS = 120.0
"""Within which a code must be used."""

KEY_SECONDS = 12 * 3600.0
"""After which a key that was not used is worth nothing."""

MOST = 64
"""Codes and keys that hold at once; the oldest go first."""


class Visits:
    """Codes and keys, in memory: a restart ends all visits. `clock` gives seconds."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._codes: OrderedDict[bytes, float] = OrderedDict()
        self._keys: OrderedDict[bytes, float] = OrderedDict()

    def code(self) -> str:
        """A fresh code, for whoever has shown that he may have one."""
        return self._made(self._codes, CODE_SECONDS)

    def enter(self, code: str) -> str:
        """The key for a code, which is then used up; "" for one that is unknown, used or too old."""
        until = self._codes.pop(_digest(code), 0.0)
        return self._made(self._keys, KEY_SECONDS) if until > self._clock() else ""

    def admits(self, key: str) -> bool:
        """Whether this key holds; being used keeps it alive."""
        name, now = _digest(key), self._clock()
        until = self._keys.pop(name, 0.0)
        if until <= now:
            return False
        self._keys[name] = now + KEY_SECONDS
        return True

    def _made(self, among: OrderedDict[bytes, float], seconds: float) -> str:
        made = secrets.token_urlsafe(32)
        among[_digest(made)] = self._clock() + seconds
        if len(among) > MOST:
            among.popitem(last=False)
        return made


def _digest(secret: str) -> bytes:
    """What is kept of a secret, so that a look-up's time tells nothing of it."""
    return hashlib.sha256(secret.encode("utf-8", "replace")).digest()
